//! What is done now and then: counting what is open, forgetting what nothing can refer to any more.

use crate::App;
use crate::store::{foreseen, lists, matters};
use std::sync::Arc;
use std::time::Duration;

/// How often, in real time.
const EVERY: Duration = Duration::from_secs(30);

/// Old closes are looked for at each so manieth round.
const FORGET_EVERY: u32 = 120;

pub async fn run(app: Arc<App>) {
    let stop = app.platform.shutdown.clone();
    app.platform.schema_complete().await;
    let mut round: u32 = 0;
    while !stop.is_cancelled() {
        if let Err(error) = once(&app, round.is_multiple_of(FORGET_EVERY)).await {
            tracing::debug!(%error, "upkeep waits for the database");
        }
        round = round.wrapping_add(1);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn once(app: &App, forgets: bool) -> Result<(), sqlx::Error> {
    app.figures.open(lists::open_count(app.platform.db.pool()).await?);
    if forgets {
        let mut connection = app.platform.db.pool().acquire().await?;
        matters::forget_old(&mut connection).await?;
        foreseen::forget_old(&mut *connection).await?;
    }
    Ok(())
}
