//! Acknowledging (签收): who may, and what it makes of a rung. One press answers for every repetition of the rung.

use crate::alert::{Alert, State};
use crate::duty::Duty;
use duban_contracts::alert::Acknowledgement;
use duban_contracts::{Problem, Timestamp, both};
use duban_policy::directory::{Directory, Right};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Who was told, who stands in for one who was told, and who decides over the unit. The directory is that which is open to the duty.
///
/// # Errors
/// Not found for who is complained about: he is not told that there is anything.
pub fn permit(directory: &Directory, alert: &Alert, duty: &Duty, person: &str, now: Timestamp) -> Result<(), Problem> {
    let excluded = &duty.facts.excluded_people;
    if excluded.iter().any(|out| out == person) {
        return Err(Problem::not_found());
    }
    if alert.trial {
        return Err(Problem::refused(
            "on-trial",
            "It is on trial: nobody was told, there is nothing to acknowledge",
            "试运行中的通知未发给任何人，无需签收",
        ));
    }
    let may = alert.is_recipient(person)
        || alert.is_deputy(directory, person, excluded, now)
        || directory.may(person, Right::Decide, &duty.facts.unit, now).is_some();
    if may {
        Ok(())
    } else {
        Err(Problem::forbidden(both(
            "仅限收件人、其代理人和对该单位有审批权限的人员签收",
            "only who was told, his deputies and who decides over the unit may acknowledge",
        )))
    }
}

/// What an acknowledgement made of a rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// The first of this person for this alert.
    pub is_new: bool,
    /// The rung is acknowledged as it asks.
    pub is_satisfied: bool,
    /// Those of the rung that have changed, by their place, at their next version.
    pub changed: Vec<usize>,
}

/// Notes it on the alerts of one rung, repetitions included.
pub fn note(rung: &mut [Alert], alert: Uuid, by: &Acknowledgement, directory: &Directory, excluded: &[String]) -> Noted {
    let is_new =
        rung.iter().filter(|each| each.id == alert).all(|each| !each.acknowledgements.iter().any(|known| known.person == by.person));
    let mut people: BTreeSet<String> = rung.iter().flat_map(|each| &each.acknowledgements).map(|known| known.person.clone()).collect();
    people.insert(by.person.clone());
    let is_satisfied =
        rung.iter().find(|each| each.id == alert).is_some_and(|each| each.is_satisfied_by(&people, directory, excluded, by.at));
    let mut changed = Vec::new();
    for (place, each) in rung.iter_mut().enumerate() {
        let gets_it = each.id == alert && is_new;
        if gets_it {
            each.acknowledgements.push(by.clone());
        }
        let ends = is_satisfied && each.state == State::Open;
        if ends {
            each.state = State::Acknowledged;
            each.ended_at = Some(by.at);
        }
        if ends || gets_it {
            each.version += 1;
            changed.push(place);
        }
    }
    Noted { is_new, is_satisfied, changed }
}
