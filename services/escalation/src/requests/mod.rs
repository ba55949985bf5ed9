//! What can be asked of escalation, a file for each.

mod acknowledge;
mod alert_list;
mod alert_show;
mod alert_state;
mod case_dossier;
mod case_due;
mod case_timeline;
mod correction_foresee;
mod duty_act;
mod duty_close;
mod duty_list;
mod duty_why;
mod rehearsal_begin;
mod rehearsal_show;
mod trial_figures;

use crate::App;
use crate::sight::Sight;
use duban_contracts::claim::Claim;
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::{Directory, Right};
use std::sync::Arc;

/// Announces all requests.
///
/// # Errors
/// One that the broker's client refuses.
pub async fn serve(app: &Arc<App>) -> anyhow::Result<()> {
    let rpc = app.platform.rpc().await?;
    rpc.serve("duty.list", app.clone(), duty_list::list).await?;
    rpc.serve("duty.why", app.clone(), duty_why::why).await?;
    rpc.serve("trial.figures", app.clone(), trial_figures::figures).await?;
    rpc.serve("duty.close", app.clone(), duty_close::close).await?;
    rpc.serve("duty.act", app.clone(), duty_act::act).await?;
    rpc.serve("alert.list", app.clone(), alert_list::list).await?;
    rpc.serve("alert.show", app.clone(), alert_show::show).await?;
    rpc.serve("alert.state", app.clone(), alert_state::state).await?;
    rpc.serve("alert.acknowledge", app.clone(), acknowledge::acknowledge).await?;
    rpc.serve("case.timeline", app.clone(), case_timeline::timeline).await?;
    rpc.serve("case.due", app.clone(), case_due::due).await?;
    rpc.serve("case.dossier", app.clone(), case_dossier::dossier).await?;
    rpc.serve("correction.foresee", app.clone(), correction_foresee::foresee).await?;
    rpc.serve("rehearsal.begin", app.clone(), rehearsal_begin::begin).await?;
    rpc.serve("rehearsal.list", app.clone(), rehearsal_show::list).await?;
    rpc.serve("rehearsal.show", app.clone(), rehearsal_show::show).await?;
    let administers = app.clone();
    app.platform.serve_dead_letters(&rpc, move |claim| may_administer(&administers, claim)).await
}

/// Dead letters belong to no unit: they are for who administers everything.
fn may_administer(app: &App, claim: &Claim) -> bool {
    let (Some(person), Ok(directory)) = (claim.person(), app.platform.directory.current()) else { return false };
    directory.sees_everywhere(person, Right::Administer, app.platform.clock.now())
}

/// What the asker sees, and the directory by which.
fn sight<Req>(app: &App, request: &Request<Req>) -> Result<(Sight, Arc<Directory>), Failed> {
    sight_of(app, request.person()?)
}

fn sight_of(app: &App, person: &str) -> Result<(Sight, Arc<Directory>), Failed> {
    let directory = app.platform.directory.current()?;
    Ok((Sight::of(&directory, person, app.platform.clock.now()), directory))
}

/// How many rows a page has: what was asked for, from 1 to 200, 50 by default.
fn page(limit: Option<u32>) -> i64 {
    i64::from(limit.unwrap_or(50).clamp(1, 200))
}
