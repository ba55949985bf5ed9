//! `case.list`: the cases that the asker may see, newest first, counted the same way.

use crate::app::App;
use crate::showing;
use crate::store::list::{self, Filter};
use crate::visibility::sees_personal;
use duban_contracts::Problem;
use duban_contracts::case::{CaseList, CaseListRequest};
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::Directory;

pub async fn list(app: App, request: Request<CaseListRequest>) -> Result<CaseList, Failed> {
    let person = request.person()?;
    let (directory, sight) = app.sight(person).await?;
    let asked = &request.body;
    let filter = filter(&directory, asked)?;
    let limit = usize::try_from(asked.limit.unwrap_or(50).clamp(1, 200)).unwrap_or(50);
    let pool = app.platform.db.pool();
    let mut cases = list::page(pool, &sight, &filter, asked.before, limit as i64).await?;
    let total = list::count(pool, &sight, &filter).await?;
    let more = cases.len() > limit;
    cases.truncate(limit);
    let next = cases.last().filter(|_| more).map(|last| last.id);
    let at = app.platform.clock.now();
    let cases =
        cases.iter().map(|case| showing::summary(&app, case, sees_personal(&directory, person, case, at))).collect::<Result<_, _>>()?;
    Ok(CaseList { cases, total, next })
}

/// What is asked for, as the store understands it.
pub fn filter(directory: &Directory, asked: &CaseListRequest) -> Result<Filter, Problem> {
    let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut filter = Filter {
        units: given(&asked.unit).map(|unit| units_of(directory, &unit)),
        kind: given(&asked.kind),
        stage: given(&asked.stage),
        severity: given(&asked.severity),
        search: given(&asked.search),
        ..Filter::default()
    };
    match given(&asked.state).as_deref() {
        None => {}
        Some("open") => filter.closed = Some(false),
        Some("closed") => filter.closed = Some(true),
        Some("unsorted") => filter.unsorted = true,
        Some("mine") => filter.mine = true,
        Some("major") => filter.major = true,
        Some(other) => {
            return Err(Problem::invalid_field("/state", format!("'{other}' is no state"), "open, closed, unsorted, mine or major"));
        }
    }
    Ok(filter)
}

/// A unit with all below it; one that the directory does not know stands for itself.
fn units_of(directory: &Directory, unit: &str) -> Vec<String> {
    let below: Vec<String> = directory.unit_and_below(unit).into_iter().map(str::to_owned).collect();
    if below.is_empty() { vec![unit.to_owned()] } else { below }
}
