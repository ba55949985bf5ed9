//! What intake is asked: one file per request.

pub mod act;
mod dossier;
mod export;
mod fitting;
mod known;
mod list;
mod rejected_act;
mod rejected_list;
mod results;
mod show;
mod source_list;
mod timeline;
mod track;
mod visible;
mod watchers;

use crate::app::App;
use duban_contracts::claim::Claim;
use duban_contracts::subjects;
use duban_policy::directory::Right;

/// Answers all of them.
///
/// # Errors
/// The broker's client has gone.
pub async fn serve(app: &App) -> anyhow::Result<()> {
    let rpc = app.platform.rpc().await?;
    rpc.serve("report.known", app.clone(), known::known).await?;
    rpc.serve("report.track", app.clone(), track::track).await?;
    rpc.serve("report.results", app.clone(), results::for_gateway).await?;
    rpc.serve_subject("report-results", subjects::PRODUCER_RESULTS, app.clone(), results::over_nats).await?;
    rpc.serve("report.rejected.list", app.clone(), rejected_list::list).await?;
    rpc.serve("report.rejected.admit", app.clone(), rejected_act::act).await?;
    rpc.serve("report.rejected.dismiss", app.clone(), rejected_act::act).await?;
    rpc.serve("source.list", app.clone(), source_list::list).await?;
    rpc.serve("case.list", app.clone(), list::list).await?;
    rpc.serve("case.show", app.clone(), show::show).await?;
    rpc.serve("case.timeline", app.clone(), timeline::show).await?;
    rpc.serve("case.earlier", app.clone(), timeline::earlier).await?;
    rpc.serve("case.act", app.clone(), act::act).await?;
    rpc.serve("case.visible", app.clone(), visible::visible).await?;
    rpc.serve("case.watchers", app.clone(), watchers::watchers).await?;
    rpc.serve("case.dossier", app.clone(), dossier::dossier).await?;
    rpc.serve("case.export", app.clone(), export::export).await?;
    let administers = app.clone();
    app.platform.serve_dead_letters(&rpc, move |claim| may_administer(&administers, claim)).await
}

/// Dead letters belong to no unit: they are for who administers everything.
fn may_administer(app: &App, claim: &Claim) -> bool {
    let Some(person) = claim.person() else { return false };
    let at = app.platform.clock.now();
    app.directory().is_ok_and(|directory| directory.sees_everywhere(person, Right::Administer, at))
}
