//! Figures about the outbox, and letting go of rows that nobody can need any more.

use super::{Relay, pause, store};
use duban_contracts::subjects::service;
use futures::TryStreamExt;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const FIGURES: Duration = Duration::from_secs(5);
/// Rows that are counted at most: with more the figure says so much, and the age tells the rest.
const COUNTED: i64 = 10_000;
/// Rounds of figures between two cleanings.
const CLEAN_EVERY: u32 = 6;

impl Relay {
    /// Runs on every copy; deleting twice does no harm.
    pub async fn keep_house(self, stop: CancellationToken) {
        tokio::select! {
            () = self.db.migrated() => {}
            () = stop.cancelled() => return,
        }
        let mut round = 0u32;
        while !stop.is_cancelled() {
            if let Err(error) = self.figures().await {
                tracing::debug!(%error, "no figures of the outbox");
            }
            round += 1;
            if round.is_multiple_of(CLEAN_EVERY)
                && let Err(error) = self.clean().await
            {
                tracing::debug!(error = format!("{error:#}"), "the outbox is not cleaned");
            }
            pause(FIGURES, &stop).await;
        }
    }

    async fn figures(&self) -> Result<(), sqlx::Error> {
        let (rows, age) = store::lag(self.db.pool(), COUNTED).await?;
        let own = &self.metrics.own;
        own.outbox_lag.with_label_values::<&str>(&[]).set(rows);
        own.outbox_age.with_label_values::<&str>(&[]).set(age);
        for (consumer, behind) in store::floors(self.db.pool()).await? {
            own.outbox_floor_age.with_label_values(&[&consumer]).set(behind);
        }
        Ok(())
    }

    /// A consuming service is one that has, or ever had, a durable consumer on the stream. While the broker cannot be asked nothing is deleted.
    async fn clean(&self) -> anyhow::Result<()> {
        let stream = self.bus.jetstream.get_stream_no_info(self.stream).await?;
        let mut consumers: Vec<String> = stream.consumer_names().try_collect().await?;
        // One that somebody has made to look into the stream keeps nothing.
        consumers.retain(|consumer| service::ALL.contains(&consumer.as_str()));
        store::remember_consumers(self.db.pool(), &consumers).await?;
        let days = i32::try_from(self.keep_days).unwrap_or(i32::MAX);
        while store::delete_handled(self.db.pool(), days).await? == 5000 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}
