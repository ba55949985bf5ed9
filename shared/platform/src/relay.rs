//! Publishes what the outbox holds.
//!
//! Among the copies of a service one holds the lease and relays. It publishes whatever is not marked (never 'id greater than the last':
//! transactions commit late), many in flight, and marks what was acknowledged. A crash before the mark only publishes again; inboxes drop
//! what they know.
//!
//! The event streams acknowledge before they write, so a broker that fell may have lost its last half second, or its whole store. The
//! relay therefore notes to which server and to which making of the stream each row went, and compares at every start, taking of the
//! lease and reconnect, and every ten seconds besides ([`identity`]).

mod floors;
mod housekeeping;
mod identity;
mod lease;
mod publish;
mod store;

pub(crate) use floors::{FLOOR, Floor, Oldest, floor};
pub(crate) use store::latest_time;

use crate::{Bus, Database, Metrics, Outbox, db};
use duban_contracts::Problem;
use lease::Lease;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Rows per round. All are in flight together.
const ROUND: i64 = 1000;
/// With so many new rows in a round, nothing is published again in it.
const BUSY: usize = 100;
/// How soon it looks again when nobody wakes it: what another copy committed.
const POLL: Duration = Duration::from_millis(100);
/// How often stream and server are compared while all is quiet.
const COMPARE: Duration = Duration::from_secs(10);
/// How long the last rows may take when the service stops.
const DRAIN: Duration = Duration::from_secs(5);

/// The relay of one copy.
#[derive(Clone)]
pub(crate) struct Relay {
    pub db: Database,
    pub bus: Bus,
    pub metrics: Metrics,
    pub outbox: Outbox,
    /// Id of this copy.
    pub copy: String,
    /// The service's event stream.
    pub stream: &'static str,
    pub keep_days: u32,
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("broker: {0}")]
    Broker(String),
    /// The stream is not there: it must be made and compared again.
    #[error("the stream is gone")]
    StreamGone,
}

impl Relay {
    /// Takes the lease when it is free, relays while it is held, and hands over when stopped.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.db.migrated() => {}
            () = stop.cancelled() => return,
        }
        while !stop.is_cancelled() {
            match Lease::take(&self.db, &self.copy).await {
                Ok(Some(lease)) => {
                    tracing::info!(epoch = lease.epoch, "relaying");
                    self.relay(&lease, &stop).await;
                    lease.release().await;
                }
                Ok(None) => pause(Duration::from_secs(1), &stop).await,
                Err(error) => {
                    tracing::debug!(%error, "the relay's lease cannot be read");
                    pause(Duration::from_secs(1), &stop).await;
                }
            }
        }
    }

    async fn relay(&self, lease: &Lease, stop: &CancellationToken) {
        let mut link = self.bus.link();
        let mut turn = Turn::default();
        while !lease.lost.is_cancelled() && !stop.is_cancelled() {
            if link.has_changed().unwrap_or(false) || turn.compared.is_none_or(|compared| compared.elapsed() > COMPARE) {
                link.mark_unchanged();
                turn = Turn::default();
            }
            let wait = match db::limited(self.round(lease, &mut turn)).await {
                Ok(0) => POLL,
                Ok(_) => Duration::ZERO,
                Err(trouble) => {
                    if let Trouble::Database(error) = &trouble {
                        self.db.noticed(error);
                    }
                    tracing::debug!(%trouble, "relaying pauses");
                    turn = Turn::default();
                    Duration::from_millis(300)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.outbox.woken(), if wait == POLL => {}
                () = stop.cancelled() => {}
                () = lease.lost.cancelled() => {}
            }
        }
        if stop.is_cancelled() {
            self.drain(lease, &mut turn).await;
        }
    }

    /// One round: new rows first, then a paced batch of what must be published again. The number of rows published.
    async fn round(&self, lease: &Lease, turn: &mut Turn) -> Result<usize, Trouble> {
        if !self.bus.is_connected() {
            return Err(Trouble::Broker("not connected".to_owned()));
        }
        let publication = match turn.publication {
            Some(known) => known,
            None => {
                let identified = self.identify().await?;
                *turn = Turn { publication: Some(identified), compared: Some(Instant::now()), is_repeating: true };
                identified
            }
        };
        let rows = store::waiting(self.db.pool(), ROUND).await?;
        let fresh = rows.len();
        if fresh > 0 {
            self.publish(lease, publication, rows, "no").await?;
        }
        if fresh >= BUSY || !turn.is_repeating {
            return Ok(fresh);
        }
        let again = self.publish_again(lease, publication).await?;
        turn.is_repeating = again.is_some();
        Ok(fresh + again.unwrap_or_default())
    }

    /// Before the service ends: what its last transactions committed.
    async fn drain(&self, lease: &Lease, turn: &mut Turn) {
        let until = Instant::now() + DRAIN;
        while Instant::now() < until && !lease.lost.is_cancelled() {
            match tokio::time::timeout_at(until, self.round(lease, turn)).await {
                Ok(Ok(0)) => return,
                Ok(Ok(_)) => {}
                Ok(Err(trouble)) => {
                    tracing::info!(%trouble, "some events stay in the outbox for the next start");
                    return;
                }
                Err(_elapsed) => return,
            }
        }
    }
}

/// What the holder of the lease knows until the connection changes or something fails.
#[derive(Default)]
struct Turn {
    /// Where rows go; None: server and stream must be compared.
    publication: Option<i32>,
    compared: Option<Instant>,
    /// Whether there may be rows to be published again.
    is_repeating: bool,
}

async fn pause(wait: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = stop.cancelled() => {}
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Broker(problem.to_string())
    }
}
