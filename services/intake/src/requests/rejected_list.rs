//! `report.rejected.list`: what was accepted and cannot be registered, for those who decide about it: with the right to take in reports
//! or to administer, over the report's unit.

use crate::app::App;
use crate::store::rejected::{self, Rejected, Wanted};
use duban_contracts::Problem;
use duban_contracts::Timestamp;
use duban_contracts::report::{RejectedDetail, RejectedList, RejectedListRequest};
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::{Directory, Right};

pub async fn list(app: App, request: Request<RejectedListRequest>) -> Result<RejectedList, Failed> {
    let person = request.person()?;
    let directory = app.directory()?;
    let at = app.platform.clock.now();
    let reach = Reach::of(&directory, person, at).ok_or_else(needs_right)?;
    let asked = &request.body;
    let state = match asked.state.as_deref().unwrap_or("open") {
        _ if asked.rejected.is_some() => None,
        "all" => None,
        known @ ("open" | "admitted" | "dismissed") => Some(known),
        other => {
            return Err(Problem::invalid_field("/state", format!("'{other}' is no state"), "open, admitted, dismissed or all").into());
        }
    };
    let limit = usize::try_from(asked.limit.unwrap_or(50).clamp(1, 200)).unwrap_or(50);
    let wanted = Wanted { id: asked.rejected, state, units: reach.units.as_deref(), before: asked.before };
    let mut found = rejected::list(app.platform.db.pool(), &wanted, limit as i64 + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| last.id);
    let rejected = found.iter().map(|rejected| shown(&app, &directory, person, rejected, at)).collect::<Result<_, _>>()?;
    Ok(RejectedList { rejected, next })
}

/// Over which units a person decides about rejected reports. None: over all, units unknown to the directory included.
struct Reach {
    units: Option<Vec<String>>,
}

impl Reach {
    /// None: nowhere.
    fn of(directory: &Directory, person: &str, at: Timestamp) -> Option<Self> {
        let rights = [Right::Take, Right::Administer];
        if rights.iter().any(|right| directory.sees_everywhere(person, *right, at)) {
            return Some(Self { units: None });
        }
        let units: Vec<String> = rights.iter().flat_map(|right| directory.visible_units(person, *right, at)).collect();
        (!units.is_empty()).then_some(Self { units: Some(units) })
    }
}

/// Whether a person decides about rejected reports of this unit.
pub fn may_decide(directory: &Directory, person: &str, unit: &str, at: Timestamp) -> bool {
    Reach::of(directory, person, at).is_some_and(|reach| reach.units.is_none_or(|units| units.iter().any(|known| known == unit)))
}

pub fn needs_right() -> Problem {
    let mut problem = Problem::forbidden("it takes the right to take in reports, or to administer, over the report's unit");
    problem.title_zh = "您无权进行此操作：需要对来件单位的“受理”或“管理”权限".to_owned();
    problem
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
