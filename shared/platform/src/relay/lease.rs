//! The relay's lease: one copy at a time, fenced by an epoch, ended by the database's real clock.

use super::store;
use crate::Database;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a lease lasts without renewal; how often it is renewed.
pub(super) const SECONDS: f64 = 10.0;
const RENEW: Duration = Duration::from_secs(3);

/// A lease that is held and renewed in the background until it is dropped.
pub(super) struct Lease {
    db: Database,
    pub holder: String,
    pub epoch: i64,
    /// Set when it could not be renewed in time, or another took it.
    pub lost: CancellationToken,
    _renewing: DropGuard,
}

impl Lease {
    /// Takes the lease if it is free or has ended; each taking has a higher epoch.
    pub async fn take(db: &Database, holder: &str) -> Result<Option<Self>, sqlx::Error> {
        let Some(epoch) = store::take_lease(db.pool(), holder, SECONDS).await? else { return Ok(None) };
        let lost = CancellationToken::new();
        let end = CancellationToken::new();
        tokio::spawn(renew(db.clone(), holder.to_owned(), epoch, lost.clone(), end.clone()));
        Ok(Some(Self { db: db.clone(), holder: holder.to_owned(), epoch, lost, _renewing: end.drop_guard() }))
    }

    /// Gives it up at once, so that another copy need not wait.
    pub async fn release(self) {
        if let Err(error) = store::release_lease(self.db.pool(), &self.holder, self.epoch).await {
            tracing::debug!(%error, "the relay's lease was not given up and will run out");
        }
    }
}

async fn renew(db: Database, holder: String, epoch: i64, lost: CancellationToken, end: CancellationToken) {
    let mut renewed = tokio::time::Instant::now();
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            () = tokio::time::sleep(RENEW) => {}
        }
        let asked = tokio::time::Instant::now();
        let renewing = tokio::time::timeout(RENEW, store::renew_lease(db.pool(), &holder, epoch, SECONDS)).await;
        match renewing.unwrap_or_else(|_elapsed| Err(sqlx::Error::PoolTimedOut)) {
            Ok(true) => renewed = asked,
            Ok(false) => break,
            // The database is in trouble: the lease holds until it runs out by our reckoning, which began before the database's.
            Err(_) if renewed.elapsed().as_secs_f64() < SECONDS => {}
            Err(_) => break,
        }
    }
    tracing::info!("the relay's lease is lost");
    lost.cancel();
}
