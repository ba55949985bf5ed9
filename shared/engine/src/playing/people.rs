//! What people do with duties and alerts.

use super::{Hear, Heard, Of, Place, Playing};
use crate::acts::{self, Asked, What};
use crate::alert::{Alert, State};
use crate::climb;
use crate::duty::Ended;
use crate::matter::Change;
use crate::{acknowledging, recipients, telling};
use duban_contracts::alert::Acknowledgement;
use duban_contracts::duty::DutyAct;
use duban_contracts::{Problem, Timestamp};
use uuid::Uuid;

impl Playing<'_> {
    /// The open alerts of a duty, in the order of raising.
    pub fn open_alerts(&self, duty: Uuid) -> impl Iterator<Item = &Alert> {
        self.alerts.get(&duty).into_iter().flatten().filter(|alert| alert.state == State::Open)
    }

    /// Somebody acknowledges an alert of a duty.
    ///
    /// # Errors
    /// There is none, or he may not.
    pub fn acknowledge(&mut self, place: &Place, alert: Uuid, by: Acknowledgement, hear: Hear<'_>) -> Result<(), Problem> {
        let mut duty = self.at(place).cloned().ok_or_else(Problem::not_found)?;
        let alert = self.open_alerts(duty.id).find(|open| open.id == alert).cloned().ok_or_else(Problem::not_found)?;
        let directory = recipients::open_to(self.directory, &duty.facts);
        acknowledging::permit(&directory, &alert, &duty, &by.person, by.at)?;
        let is_of_rung = |other: &Alert| other.run == alert.run && other.rung == alert.rung;
        let all = self.alerts.remove(&duty.id).unwrap_or_default();
        let (mut rung, rest): (Vec<Alert>, Vec<Alert>) = all.into_iter().partition(is_of_rung);
        let noted = acknowledging::note(&mut rung, alert.id, &by, &directory, &duty.facts.excluded_people);
        for changed in noted.changed.iter().filter_map(|place| rung.get(*place)) {
            let event = telling::of_alert(changed, &duty, "alert.acknowledged", self.stamp(by.at));
            hear(Heard { at: event.time, event: "alert.acknowledged", duty: &duty, of: Of::Acknowledged(changed, &by.person) });
            self.queue.push_back(event);
        }
        let mut all = rest;
        all.extend(rung);
        all.sort_by_key(|alert| alert.raised_at);
        self.alerts.insert(duty.id, all);
        if noted.is_satisfied && alert.rung > 0 && alert.run == duty.run {
            let calendar = self.calendar_of(&duty);
            climb::acknowledge(&mut duty, alert.rung, by.at, calendar);
        }
        self.keep(place, duty);
        self.settle_all(hear);
        Ok(())
    }

    /// Somebody does something else with a duty than doing it.
    ///
    /// # Errors
    /// There is none, or he may not.
    pub fn act(&mut self, place: &Place, (person, at): (&str, Timestamp), act: &DutyAct, hear: Hear<'_>) -> Result<(), Problem> {
        let mut duty = self.at(place).cloned().ok_or_else(Problem::not_found)?;
        let asked = Asked { person, at, policy: self.policy, directory: self.directory };
        let (acted, rung) = acts::take(&mut duty, act, &asked)?;
        if matches!(acted.act, What::Extended | What::Resumed) {
            self.close_alerts(&duty);
        }
        self.tell_act(&mut duty, &acted, hear);
        if let Some(rung) = rung {
            self.raise(&duty, &rung, None, hear);
        }
        self.keep(place, duty);
        self.settle_all(hear);
        Ok(())
    }

    /// Somebody has said that a duty is done which no event ends.
    pub fn close_by_hand(&mut self, place: &Place, ended: &Ended, hear: Hear<'_>) {
        let Some(mut duty) = self.at(place).cloned() else { return };
        if let Some(closing) = duty.end(ended) {
            self.tell_change(&mut duty, Change::Closing(closing), hear);
        }
        self.keep(place, duty);
        self.settle_all(hear);
    }
}
