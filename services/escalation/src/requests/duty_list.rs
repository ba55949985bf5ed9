//! `duty.list`: the duties that the asker may see.

use super::{page, sight};
use crate::App;
use crate::store::lists::{self, Filter, Wanted};
use duban_contracts::duty::{DutyEvent, DutyList, DutyListRequest};
use duban_contracts::{Problem, Timestamp, both};
use duban_engine::duty::Duty;
use duban_engine::recipients;
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::unknown;
use std::sync::Arc;
use uuid::Uuid;

pub async fn list(app: Arc<App>, request: Request<DutyListRequest>) -> Result<DutyList, Failed> {
    let (sight, directory) = sight(&app, &request)?;
    let now = app.platform.clock.now();
    let asked = request.body;
    let unit = asked.unit.as_deref().map(str::trim).filter(|unit| !unit.is_empty()).map(str::to_owned);
    let wanted = Wanted {
        state: filter(asked.state.as_deref())?,
        unit,
        case: asked.case,
        search: asked.search.filter(|search| !search.is_empty()),
        after: asked.after.as_deref().map(cursor).transpose()?,
        limit: page(asked.limit),
    };
    let mut connection = app.platform.db.pool().acquire().await?;
    if let Some(unit) = wanted.unit.as_deref().filter(|unit| directory.unit(unit).is_none()) {
        // Duties of a unit that was dissolved are found by its code as before; an empty list would read as if there were none of it.
        if !lists::is_of_a_duty(&mut *connection, unit).await? {
            return Err(Problem::invalid(vec![unknown::unit(unit)]).into());
        }
    }
    let (duties, total) = lists::duties(&mut connection, &sight, &wanted).await?;
    let is_full = i64::try_from(duties.len()).is_ok_and(|count| count == wanted.limit);
    let next = duties.last().filter(|_| is_full).map(|last| written(last, wanted.state));
    let shown = |duty: &Duty| DutyEvent { diverted: recipients::diverted(&directory, duty, now), ..duty.shown() };
    Ok(DutyList { duties: duties.iter().map(shown).collect(), total, next })
}

fn filter(state: Option<&str>) -> Result<Filter, Problem> {
    Ok(match state {
        None | Some("" | "all") => Filter::All,
        Some("open") => Filter::Open,
        Some("breached") => Filter::Breached,
        Some("due_soon") => Filter::DueSoon,
        Some("closed") => Filter::Closed,
        Some("mine") => Filter::Mine,
        Some("trial") => Filter::Trial,
        Some(_) => {
            return Err(Problem::invalid_field(
                "/state",
                both("没有此状态", "It is not a state of duties"),
                both(
                    "open（未了结）、breached（超期）、due_soon（临期）、closed（已了结）、mine（我的）、trial（试运行）或 all（全部）",
                    "one of open, breached, due_soon, closed, mine, trial, all",
                ),
            ));
        }
    })
}

/// Where a page ended: microseconds of the time that the list is ordered by, and the duty's id.
fn written(last: &Duty, filter: Filter) -> String {
    let closed = last.ended.as_ref().map(|ended| ended.moment.at).filter(|_| filter == Filter::Closed);
    format!("{}.{}", closed.unwrap_or(last.due_at).as_microsecond(), last.id)
}

fn cursor(text: &str) -> Result<(Timestamp, Uuid), Problem> {
    let read = || {
        let (micros, id) = text.split_once('.')?;
        Some((Timestamp::from_microsecond(micros.parse().ok()?).ok()?, id.parse().ok()?))
    };
    read().ok_or_else(|| {
        Problem::invalid_field(
            "/after",
            both("不是上一页的结尾", "It is not where a page ended"),
            both("上一次答复的 next", "the `next` of an earlier answer"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_that_was_made_up_is_refused() {
        assert!(cursor("17.0192c4d2-0000-7000-8000-000000000000").is_ok());
        for bad in ["", "17", "x.y", "99999999999999999999.0192c4d2-0000-7000-8000-000000000000"] {
            assert!(cursor(bad).is_err(), "{bad}");
        }
    }
}
