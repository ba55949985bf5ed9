//! `case.timeline`: what happened to a case, as far as intake knows it.

use super::show::find;
use crate::app::App;
use crate::store::timeline;
use crate::visibility::sees_personal;
use duban_contracts::case::CaseShowRequest;
use duban_contracts::duty::{Timeline, TimelineRequest};
use duban_platform::rpc::{Failed, Request};

pub async fn show(app: App, request: Request<TimelineRequest>) -> Result<Timeline, Failed> {
    let person = request.person()?;
    let asked = CaseShowRequest { case: Some(request.body.case), number: None };
    let (directory, _, case) = find(&app, person, &asked).await?;
    let personal = sees_personal(&directory, person, &case, app.platform.clock.now());
    let entries = timeline::of_case(app.platform.db.pool(), &app.platform.seal, case.id, personal).await?;
    Ok(Timeline { entries, duties: Vec::new(), next: None })
}
