//! What is done now and then: counting what is open, forgetting what nothing can refer to any more.

use crate::App;
use crate::store::{foreseen, lists, matters, past, rehearsals};
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;

/// How often, in real time.
const EVERY: Duration = Duration::from_secs(30);

/// Old closes are looked for at each so manieth round.
const FORGET_EVERY: u32 = 120;

/// Rows that one statement forgets.
const FORGOTTEN_AT_ONCE: i64 = 5_000;

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
        rehearsals::forget_old(&mut *connection).await?;
        let days = SignedDuration::from_hours(24 * i64::from(app.keep_days));
        let now = app.platform.clock.now();
        let kept_since = now.saturating_sub(days).unwrap_or(now);
        while past::forget_older(&mut *connection, kept_since, FORGOTTEN_AT_ONCE).await? > 0 {}
    }
    Ok(())
}
