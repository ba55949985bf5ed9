//! Figures, and forgetting what nobody can need any more.

use super::store;
use crate::Platform;
use duban_contracts::subjects::stream;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const FIGURES: Duration = Duration::from_secs(10);
/// Rounds of figures between two cleanings: an hour.
const CLEAN_EVERY: u32 = 360;
/// Longer than a stream message (14 days) lives; outbox rows that live longer hold inbox rows by what their owner tells.
const INBOX_DAYS: i32 = 30;

pub(crate) async fn run(platform: Platform, stop: CancellationToken) {
    tokio::select! {
        () = platform.db.migrated() => {}
        () = stop.cancelled() => return,
    }
    let mut round = 0u32;
    loop {
        if let Err(error) = figures(&platform).await {
            tracing::debug!(%error, "no figures of what is set aside");
        }
        if round.is_multiple_of(CLEAN_EVERY)
            && let Err(error) = clean(&platform).await
        {
            tracing::debug!(%error, "inbox and dead letters are not cleaned");
        }
        round = round.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(FIGURES) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn figures(platform: &Platform) -> Result<(), sqlx::Error> {
    let (aside, dead) = store::counts(platform.db.pool()).await?;
    platform.metrics.own.set_aside.with_label_values::<&str>(&[]).set(aside);
    platform.metrics.own.dead_letters.with_label_values::<&str>(&[]).set(dead);
    Ok(())
}

async fn clean(platform: &Platform) -> Result<(), sqlx::Error> {
    while store::clean_inbox(platform.db.pool(), INBOX_DAYS, &[stream::REPORTS]).await? == 5000 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    crate::acting::clean(platform.db.pool()).await?;
    let days = i32::try_from(platform.keep_dead_letter_days).unwrap_or(i32::MAX);
    let erased = store::clean_dead_letters(platform.db.pool(), days).await?;
    if erased > 0 {
        tracing::info!(erased, "old dead letters are erased");
    }
    Ok(())
}
