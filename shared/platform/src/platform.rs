//! Starting and stopping a service.

use crate::config::Common;
use crate::rpc::Rpc;
use crate::{Bus, Clock, Database, DirectoryCopy, Health, Metrics, Outbox, PolicyCopy, Seal};
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The ground that a service stands on. Cheap to clone.
#[derive(Clone)]
pub struct Platform(Arc<Parts>);

/// The parts of a [`Platform`].
pub struct Parts {
    pub service: &'static str,
    /// Id of this process among the copies of the service.
    pub copy: String,
    pub bus: Bus,
    pub db: Database,
    pub clock: Clock,
    pub health: Health,
    pub metrics: Metrics,
    pub outbox: Outbox,
    pub seal: Seal,
    pub directory: DirectoryCopy,
    pub policies: PolicyCopy,
    pub shutdown: CancellationToken,
    pub tasks: TaskTracker,
}

impl Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Platform {
    /// Starts everything without waiting for Postgres or NATS.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub async fn start(_service: &'static str, _common: &Common, _migrations: sqlx::migrate::Migrator) -> anyhow::Result<Self> {
        todo!()
    }

    /// The service's requests.
    pub async fn rpc(&self) -> anyhow::Result<Rpc> {
        todo!()
    }

    /// Keeps own copies of directory and policies. Every service but the gateway.
    pub fn keep_copies(&self) {
        todo!()
    }

    /// Whether all consumers have caught up (see [`crate::consumer::Consumer::caught_up`]).
    pub fn caught_up(&self) -> bool {
        todo!()
    }

    /// Serves health, metrics and `routes` on `DUBAN_BIND`.
    pub async fn serve_http(&self, _routes: axum::Router) -> anyhow::Result<SocketAddr> {
        todo!()
    }

    /// Runs until SIGTERM or SIGINT, then stops in order.
    pub async fn run_until_shutdown(self) -> anyhow::Result<()> {
        todo!()
    }
}
