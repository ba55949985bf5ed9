//! Attaching cases to a master, many at once: all of them or none.

use super::doing::{Doing, HandlingIsEnough, required_text};
use crate::store::carried;
use duban_contracts::{FieldError, Problem, Sentence, both};
use duban_engine::carrying::{self, MOST_AT_ONCE, MOST_CARRIED};
use duban_platform::rpc::Failed;
use duban_policy::directory::Right;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What is asked for: each case with the pointer to where the request names it, once.
pub async fn named(tx: &mut PgConnection, cases: &[Uuid], numbers: &[String]) -> Result<Vec<(String, Uuid)>, Failed> {
    let count = cases.len() + numbers.len();
    if count == 0 || count > MOST_AT_ONCE {
        let wrong = both(format!("填写了{count}件案件"), format!("{count} cases are named"));
        let expected = both(format!("1至{MOST_AT_ONCE}件案件的编号"), format!("1 to {MOST_AT_ONCE} cases, by id or number"));
        return Err(Problem::invalid_field("/cases", wrong, expected).into());
    }
    let mut named: Vec<(String, Uuid)> = cases.iter().enumerate().map(|(nth, case)| (format!("/cases/{nth}"), *case)).collect();
    if !numbers.is_empty() {
        let numbers: Vec<String> = numbers.iter().map(|number| number.trim().to_owned()).collect();
        let found = carried::numbered(tx, &numbers).await?;
        for (nth, number) in numbers.iter().enumerate() {
            let mut ids = found.iter().filter(|(known, _)| known == number).map(|(_, id)| *id).peekable();
            // Of a number that nobody bears, as of a case that the asker does not see.
            let ids: Vec<Uuid> = if ids.peek().is_none() { vec![Uuid::nil()] } else { ids.collect() };
            named.extend(ids.into_iter().map(|id| (format!("/numbers/{nth}"), id)));
        }
    }
    let mut once = BTreeSet::new();
    named.retain(|(_, id)| id.is_nil() || once.insert(*id));
    Ok(named)
}

/// `named`: as asked for; those among them that the asker sees are locked.
pub fn perform(doing: &mut Doing, named: &[(String, Uuid)], reason: &str) -> Result<(), Problem> {
    required_text("/reason", reason)?;
    carrying::may_carry(&doing.case)?;
    let wrong: Vec<FieldError> = named.iter().filter_map(|(pointer, id)| wrong_with(doing, pointer, *id)).collect();
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let all = doing.case.carries + i64::try_from(doing.carried.len()).unwrap_or(i64::MAX);
    if all > MOST_CARRIED {
        return Err(Problem::refused(
            "too-many",
            format!("That would be {all} attached cases, and {MOST_CARRIED} is the most: make another master"),
            format!("附案将达{all}件，最多{MOST_CARRIED}件，请另立主案"),
        ));
    }
    let app = doing.app.clone();
    let stamp = |cause| app.platform.clock.cause_after(cause);
    let told = carrying::attach(&mut doing.case, &mut doing.carried, reason, doing.at, &stamp);
    told.into_iter().for_each(|(case, told)| doing.take(case, told));
    Ok(())
}

/// Whoever attaches a case ends what it owes: it takes the same right as over the master.
fn wrong_with(doing: &Doing, pointer: &str, id: Uuid) -> Option<FieldError> {
    let error = |wrong: Sentence, expected: Sentence| FieldError::new(pointer, wrong, expected);
    if id == doing.case.id {
        return Some(error(both("即主案本身", "it is the master itself"), both("请填写其他案件", "another case")));
    }
    let Some(case) = doing.carried.iter().find(|case| case.id == id) else {
        let wrong = both("没有此案件，或您无权查看", "there is no such case that you may see");
        return Some(error(wrong, both("请填写案件编号", "the id or number of a case")));
    };
    if doing.require_over(case, &[Right::Move, Right::Take], HandlingIsEnough::Yes).is_err() {
        let wrong = both("您无权办理或受理该案件", "you have no right to move it or take it in");
        return Some(error(wrong, both("请填写您有权办理的案件", "a case that you may move")));
    }
    let (en, zh) = carrying::unfit(&doing.case, case)?;
    Some(error(both(zh, en), both("请填写未办结、未挂入其他主案的案件", "an open case that stands for itself")))
}
