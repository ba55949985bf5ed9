//! What this service is asked: one file per request.

mod case_dossier;
mod case_timeline;
mod delivery_list;
mod link_open;
mod webhook_show;

use crate::{App, rights};

/// Serves all requests.
///
/// # Errors
/// The broker's client refuses the service's own definition.
pub async fn serve(app: &App) -> anyhow::Result<()> {
    let rpc = app.platform.rpc().await?;
    rpc.serve("link.open", app.clone(), link_open::open).await?;
    rpc.serve("delivery.list", app.clone(), delivery_list::list).await?;
    rpc.serve("case.timeline", app.clone(), case_timeline::timeline).await?;
    rpc.serve("case.dossier", app.clone(), case_dossier::dossier).await?;
    rpc.serve("webhook.show", app.clone(), webhook_show::show).await?;
    let administers = app.clone();
    app.platform
        .serve_dead_letters(&rpc, move |claim| {
            let platform = &administers.platform;
            let directory = platform.directory.current().ok();
            directory
                .zip(claim.person())
                .is_some_and(|(directory, person)| rights::may_administer(&directory, person, platform.clock.now()))
        })
        .await?;
    Ok(())
}
