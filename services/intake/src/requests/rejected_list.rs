//! `report.rejected.list`: what was accepted and cannot be registered, for those who decide about it: with the right to take in reports
//! or to administer, over the report's unit. Who is complained about in one is not told that it is there. In a list the numbers of people
//! are masked; one that is asked for alone is whole, so that it can be decided.

use super::fitting::{MOST_BYTES, bytes_of};
use crate::app::App;
use crate::showing::masked;
use crate::store::rejected::{self, Rejected, Wanted};
use crate::visibility::Sight;
use duban_contracts::Timestamp;
use duban_contracts::report::{RejectedDetail, RejectedList, RejectedListRequest};
use duban_contracts::{Problem, both};
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::{Directory, Right};

pub async fn list(app: App, request: Request<RejectedListRequest>) -> Result<RejectedList, Failed> {
    let person = request.person()?;
    let directory = app.directory()?;
    let at = app.platform.clock.now();
    let sight = deciding_sight(&directory, person, at);
    if sight.reach.is_nowhere() {
        return Err(needs_right().into());
    }
    let asked = &request.body;
    let state = match asked.state.as_deref().unwrap_or("open") {
        _ if asked.rejected.is_some() => None,
        "all" => None,
        known @ ("open" | "admitted" | "dismissed") => Some(known),
        other => {
            return Err(Problem::invalid_field(
                "/state",
                both(format!("没有“{other}”这一状态"), format!("'{other}' is no state")),
                both("open（待处理）、admitted（已受理）、dismissed（不予受理）或 all（全部）", "open, admitted, dismissed or all"),
            )
            .into());
        }
    };
    let limit = usize::try_from(asked.limit.unwrap_or(50).clamp(1, 200)).unwrap_or(50);
    let wanted = Wanted { id: asked.rejected, state, before: asked.before };
    let mut found = rejected::list(app.platform.db.pool(), &sight, &wanted, limit as i64 + 1).await?;
    let mut more = found.len() > limit;
    found.truncate(limit);
    let mut rejected: Vec<RejectedDetail> = Vec::new();
    let mut bytes = 0;
    for row in &found {
        let mut shown = shown(&app, &directory, person, row, at)?;
        if asked.rejected.is_none() {
            shown.report = shown.report.map(masked);
        }
        bytes += bytes_of(&shown);
        if bytes > MOST_BYTES && !rejected.is_empty() {
            more = true;
            break;
        }
        rejected.push(shown);
    }
    let next = rejected.last().filter(|_| more).map(|last| last.rejected);
    Ok(RejectedList { rejected, next })
}

/// Over which units a person decides about rejected reports, by which posts.
fn deciding_sight(directory: &Directory, person: &str, at: Timestamp) -> Sight {
    Sight::by_posts(directory, person, Right::Take, at).and(Sight::by_posts(directory, person, Right::Administer, at))
}

/// Refuses unless a person decides about this one. Who is kept out of it is not told that it is there.
pub fn require_decides(directory: &Directory, person: &str, rejected: &Rejected, at: Timestamp) -> Result<(), Problem> {
    let sight = deciding_sight(directory, person, at);
    if rejected.excluded_people.iter().any(|out| out == person) {
        return Err(Problem::not_found());
    }
    if !sight.reach.covers(&rejected.unit, &[]) {
        return Err(needs_right());
    }
    if sight.reach.covers(&rejected.unit, &rejected.excluded_units) { Ok(()) } else { Err(Problem::not_found()) }
}

fn needs_right() -> Problem {
    Problem::forbidden(both(
        "需要对来件单位的“受理”或“管理”权限",
        "it takes the right to take in reports, or to administer, over the report's unit",
    ))
}

fn shown(app: &App, directory: &Directory, person: &str, rejected: &Rejected, at: Timestamp) -> Result<RejectedDetail, Failed> {
    let everywhere = directory.sees_everywhere(person, Right::SeePersonal, at);
    let personal = everywhere || directory.may(person, Right::SeePersonal, &rejected.unit, at).is_some();
    let report = if personal { rejected.open(&app.platform.seal)?.map(|accepted| accepted.report) } else { None };
    Ok(RejectedDetail {
        rejected: rejected.id,
        receipt: rejected.receipt,
        producer: rejected.producer.clone(),
        unit: rejected.unit.clone(),
        channel: rejected.channel.clone(),
        problem: rejected.problem.clone(),
        received_at: rejected.received_at,
        rejected_at: rejected.rejected_at,
        state: rejected.state.clone(),
        decided_by: rejected.decided_by.clone(),
        decided_at: rejected.decided_at,
        case: rejected.case,
        version: rejected.version,
        report,
    })
}
