//! What this service is asked: one file per request.

mod case_timeline;
mod ledger_list;
mod record_content;
mod record_list;
mod record_show;

use crate::{App, rights};

/// Serves all requests.
///
/// # Errors
/// The broker's client refuses the service's own definition.
pub async fn serve(app: &App) -> anyhow::Result<()> {
    let rpc = app.platform.rpc().await?;
    rpc.serve("record.list", app.clone(), record_list::list).await?;
    rpc.serve("record.show", app.clone(), record_show::show).await?;
    rpc.serve("record.content", app.clone(), record_content::content).await?;
    rpc.serve("ledger.list", app.clone(), ledger_list::list).await?;
    rpc.serve("case.timeline", app.clone(), case_timeline::timeline).await?;
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
