//! Starting and stopping a service.

use crate::config::Common;
use crate::consumer::{self, Consumer};
use crate::relay::{self, Relay};
use crate::rpc::{Claims, Rpc};
use crate::telemetry::{self, Telemetry};
use crate::{Bus, Clock, Database, DirectoryCopy, Health, Metrics, Outbox, PolicyCopy, Seal};
use crate::{bus, clock, copies};
use anyhow::Context;
use axum::Router;
use sqlx::migrate::Migrator;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long batches, requests and connections that are under way may take when the service stops.
const FINISH: Duration = Duration::from_secs(15);

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
    pub claims: Claims,
    pub seal: Seal,
    pub directory: DirectoryCopy,
    pub policies: PolicyCopy,
    /// Set when the service is to stop: nothing new is begun.
    pub shutdown: CancellationToken,
    /// What is waited for when it stops. Tasks of a service that end on `shutdown` belong here.
    pub tasks: TaskTracker,
    pub(crate) keep_dead_letter_days: u32,
    bind: SocketAddr,
    rpc: Rpc,
    consumers: Mutex<Vec<Consumer>>,
    /// Set when all tasks have ended: the relay publishes what they left and ends too.
    relay_stop: CancellationToken,
    relaying: TaskTracker,
    telemetry: Telemetry,
}

impl Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Platform {
    /// Starts everything without waiting for Postgres or NATS; both come in the background. `migrations` are the service's own, for its
    /// own schema: `sqlx::migrate!()`.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub async fn start(service: &'static str, common: &Common, migrations: Migrator) -> anyhow::Result<Self> {
        let copy = copy_id();
        let telemetry = telemetry::start(service, &copy, common.log_format)?;
        let db = Database::new(service, common)?;
        let bus = Bus::connect(service, common).await.context("DUBAN_NATS_URL")?;
        let seal = Seal::new(&common.seal_key)?;
        let claims = Claims::new(common.claim_public.as_deref())?;
        let metrics = Metrics::new(service);
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let rpc = Rpc::announce(&bus, &db, &copy, claims.clone(), metrics.clone(), shutdown.clone(), tasks.clone()).await?;
        let platform = Self(Arc::new(Parts {
            service,
            copy,
            bus,
            db,
            clock: Clock::on_machine(),
            health: Health::default(),
            metrics,
            outbox: Outbox::default(),
            claims,
            seal,
            directory: DirectoryCopy::default(),
            policies: PolicyCopy::default(),
            shutdown,
            tasks,
            keep_dead_letter_days: common.keep_dead_letter_days,
            bind: common.bind,
            rpc,
            consumers: Mutex::default(),
            relay_stop: CancellationToken::new(),
            relaying: TaskTracker::new(),
            telemetry,
        }));
        platform.begin(common, migrations).await?;
        tracing::info!(copy = platform.copy, version = env!("CARGO_PKG_VERSION"), "started");
        Ok(platform)
    }

    async fn begin(&self, common: &Common, migrations: Migrator) -> anyhow::Result<()> {
        let stop = &self.shutdown;
        self.default_checks();
        self.tasks.spawn({
            let (db, clock, stop) = (self.db.clone(), self.clock.clone(), stop.clone());
            async move {
                db.migrate(migrations, stop).await;
                if let Ok(Some(latest)) = relay::latest_time(db.pool()).await {
                    clock.not_before(latest);
                }
            }
        });
        self.tasks.spawn(clock::keep(
            self.clock.clone(),
            self.db.clone(),
            self.bus.clone(),
            self.service,
            self.copy.clone(),
            common.state_dir.clone(),
            stop.clone(),
        ));
        self.tasks.spawn(consumer::keep_house(self.clone(), stop.clone()));
        self.tasks.spawn({
            let (bus, stop) = (self.bus.clone(), stop.clone());
            async move { keep_streams(&bus, &stop).await }
        });
        if let Some(stream) = bus::owned(self.service).first() {
            let relay = Relay {
                db: self.db.clone(),
                bus: self.bus.clone(),
                metrics: self.metrics.clone(),
                outbox: self.outbox.clone(),
                copy: self.copy.clone(),
                stream,
                keep_days: common.keep_outbox_days,
            };
            self.tasks.spawn(relay.clone().keep_house(stop.clone()));
            self.relaying.spawn(relay.run(self.relay_stop.clone()));
            self.rpc.serve(relay::FLOOR, self.db.clone(), relay::floor).await?;
        }
        Ok(())
    }

    fn default_checks(&self) {
        let db = self.db.clone();
        self.health.ready("database", move || {
            let db = db.clone();
            async move { db.check().await }
        });
        let bus = self.bus.clone();
        self.health.ready("broker", move || {
            let is_up = bus.is_connected();
            async move { if is_up { Ok(()) } else { Err("not connected".to_owned()) } }
        });
    }

    /// The service's requests.
    ///
    /// # Errors
    /// None at present; the client could be closed.
    pub async fn rpc(&self) -> anyhow::Result<Rpc> {
        Ok(self.rpc.clone())
    }

    /// Keeps own copies of directory and policies. Every service but the gateway calls it, once.
    ///
    /// The service is ready once it has read what was kept of them: before that it would answer with ids instead of titles.
    pub fn keep_copies(&self) {
        let recalled = Arc::new(AtomicBool::new(false));
        let seen = recalled.clone();
        self.health.ready("copies", move || {
            let known = seen.load(Ordering::Acquire);
            async move { if known { Ok(()) } else { Err("directory and policies are being read".to_owned()) } }
        });
        self.tasks.spawn(copies::keep(
            self.service,
            self.bus.clone(),
            self.db.clone(),
            self.directory.clone(),
            self.policies.clone(),
            recalled,
            self.shutdown.clone(),
        ));
    }

    /// Waits until the schema is complete and the clock is right; whoever works on tables by himself begins with this. Returns at once when the
    /// service stops.
    pub async fn schema_complete(&self) {
        let ready = async {
            self.db.migrated().await;
            self.clock.known().await;
        };
        tokio::select! {
            () = ready => {}
            () = self.shutdown.cancelled() => {}
        }
    }

    /// Whether all consumers have caught up (see [`Consumer::caught_up`]).
    pub fn caught_up(&self) -> bool {
        self.consumers().iter().all(Consumer::caught_up)
    }

    pub(crate) fn consumers(&self) -> MutexGuard<'_, Vec<Consumer>> {
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves health, metrics and `routes` on `DUBAN_BIND`, with the client's address as `ConnectInfo<SocketAddr>`. The address is that
    /// which was bound.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub async fn serve_http(&self, routes: Router) -> anyhow::Result<SocketAddr> {
        use axum::serve::ListenerExt;
        let listener = TcpListener::bind(self.bind).await.with_context(|| format!("DUBAN_BIND {}", self.bind))?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "no TCP_NODELAY");
            }
        });
        let app = routes.merge(self.health.routes(&self.metrics));
        let stop = self.shutdown.clone();
        let serving = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(async move { stop.cancelled().await });
        self.tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "HTTP ended");
            }
        });
        tracing::info!(%address, "serving HTTP");
        Ok(address)
    }

    /// Runs until SIGTERM or SIGINT (or [`Parts::shutdown`]), then stops in order: nothing new is begun, batches and requests under way
    /// are finished, the relay publishes what they wrote, spans are sent.
    ///
    /// # Errors
    /// Signals cannot be listened for.
    pub async fn run_until_shutdown(self) -> anyhow::Result<()> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = self.shutdown.cancelled() => {}
        }
        self.stop().await;
        Ok(())
    }

    /// Stops in order and returns when all has ended.
    pub async fn stop(&self) {
        tracing::info!("stopping");
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(FINISH, self.tasks.wait()).await.is_err() {
            tracing::warn!("something did not finish in time; it will be done by the next start");
        }
        self.relay_stop.cancel();
        self.relaying.close();
        if tokio::time::timeout(FINISH, self.relaying.wait()).await.is_err() {
            tracing::warn!("the relay did not end in time");
        }
        // Acknowledgements and answers on their way.
        if tokio::time::timeout(Duration::from_secs(2), self.bus.client.flush()).await.is_err() {
            tracing::debug!("the broker did not take the last messages");
        }
        if tokio::time::timeout(Duration::from_secs(5), self.db.pool().close()).await.is_err() {
            tracing::debug!("a connection to the database was not given back");
        }
        tracing::info!("stopped");
        self.telemetry.clone().flush().await;
    }
}

/// Makes sure of the own streams at start and after each reconnect, so that others can read them before the first event.
async fn keep_streams(bus: &Bus, stop: &CancellationToken) {
    let mut link = bus.link();
    loop {
        let ensuring = async {
            bus.connected().await;
            bus.ensure_own_streams().await;
            let times = link.borrow_and_update().times;
            // Fails when the client is gone, and `bus` holds it.
            let _ = link.wait_for(|link| link.times > times).await;
        };
        tokio::select! {
            () = ensuring => {}
            () = stop.cancelled() => return,
        }
    }
}

fn copy_id() -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{}-{}", std::process::id(), &id[..8])
}
