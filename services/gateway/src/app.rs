//! What handlers share, and how it is put together.

use crate::acceptance::group_commit::{GroupCommit, Limits, Ways};
use crate::acceptance::known::Known;
use crate::acceptance::over_nats::Listener;
use crate::acceptance::refused::RefusedReports;
use crate::acceptance::{self, Acceptance};
use crate::access::{Access, Rules};
use crate::ask::Services;
use crate::auth_callout::AuthCallout;
use crate::holdings::Holdings;
use crate::limits::AddressLimits;
use crate::live::Live;
use crate::producers::{Producer, ProducerBook};
use crate::settings::{Network, Settings};
use crate::{directory, policies};
use anyhow::Context;
use duban_contracts::subjects::stream;
use duban_contracts::{Problem, both, subjects};
use duban_platform::Platform;
use duban_platform::config::web_address;
use duban_policy::Policy;
use duban_policy::directory::Directory;
use ed25519_dalek::SigningKey;
use futures::StreamExt;
use jiff::tz::TimeZone;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// State of all handlers. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    pub platform: Platform,
    pub settings: Shown,
    pub holdings: Holdings,
    pub acceptance: Acceptance,
    pub access: Access,
    pub limits: AddressLimits,
    pub services: Services,
    pub refused: RefusedReports,
    pub live: Live,
    /// What sets of packs change against each other.
    pub ways: policies::judged::Ways,
    /// A service has said that it holds a policy set: one may be ripe.
    pub wake_promotion: Arc<Notify>,
}

/// The settings that handlers look at; none of them secret.
#[derive(Debug, Clone)]
pub struct Shown {
    pub public_url: String,
    pub demonstration: bool,
    pub trusted_proxies: Vec<Network>,
    pub announce_seconds: u32,
    /// The organisation's.
    pub time_zone: TimeZone,
}

impl Shown {
    /// The public address without a slash at its end.
    pub fn public_base(&self) -> &str {
        self.public_url.trim_end_matches('/')
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Puts the gateway together and starts what runs beside its handlers. Neither Postgres nor NATS need be there.
    ///
    /// # Errors
    /// A secret that cannot be used.
    pub async fn start(platform: Platform, settings: &Settings) -> anyhow::Result<Self> {
        let own = &settings.gateway;
        let demonstration = settings.common.demonstration;
        let keys = own.identity_keys()?;
        let time_zone = TimeZone::get(&own.time_zone).context("DUBAN_TIME_ZONE")?;
        web_address(&own.public_url).context("DUBAN_PUBLIC_URL")?;
        let producers = ProducerBook::default();
        let holdings = Holdings::new(
            platform.db.clone(),
            platform.clock.clone(),
            producers.clone(),
            demonstration,
            settings.common.state_dir.as_deref(),
        );
        let limits = AddressLimits::new(own.look_ups_per_minute, own.forms_per_minute, own.logins_per_minute);
        let rules = Rules { idle_minutes: own.session_idle_minutes, hours: own.session_hours, secure: own.is_https(), demonstration };
        let signing = SigningKey::from_bytes(&own.claim_seed.key().context("DUBAN_CLAIM_SEED")?);
        let callout = AuthCallout::new(own.issuer_seed.expose(), producers.clone()).context("DUBAN_ISSUER_SEED")?;
        let refused = RefusedReports::new(&platform, own.keep_refused_days);
        let acceptance = Acceptance::new(acceptance::Parts {
            keys: keys.clone(),
            clock: platform.clock.clone(),
            holdings: holdings.clone(),
            producers,
            commit: start_group_commit(&platform, own.singles_below),
            public_base: own.public_base().to_owned(),
            web_producer: own.web_producer.clone(),
            outcomes: platform.metrics.counter("duban_gateway_reports_total", "Reports that came in, by outcome", &["outcome"]),
        });
        let app = Self(Arc::new(Parts {
            access: Access::new(platform.db.clone(), holdings.clone(), limits.clone(), rules),
            services: Services::new(platform.bus.clone(), signing, keys, holdings.clone()),
            settings: Shown {
                public_url: own.public_url.clone(),
                demonstration,
                trusted_proxies: own.trusted_proxies.clone(),
                announce_seconds: own.announce_seconds,
                time_zone,
            },
            holdings,
            acceptance,
            limits,
            refused,
            live: Live::default(),
            ways: policies::judged::Ways::default(),
            wake_promotion: Arc::new(Notify::new()),
            platform,
        }));
        let holdings = app.holdings.clone();
        app.platform.health.ready("directory", move || {
            let read = holdings.directory_read().map(|_| ()).map_err(|_| "not read yet".to_owned());
            async move { read }
        });
        app.start_listening(callout);
        app.start_keeping();
        app.serve_requests();
        Ok(app)
    }

    /// # Errors
    /// 503 before the directory was first read.
    pub fn directory(&self) -> Result<Arc<Directory>, Problem> {
        self.holdings.directory_read()
    }

    /// The producer of a token.
    ///
    /// # Errors
    /// 401 unknown or disabled; 503 before the producers were first read, when nobody can be told to be unknown.
    pub fn producer(&self, token: Option<&str>) -> Result<Arc<Producer>, Problem> {
        let found = token.and_then(|token| self.acceptance.producer_of(token));
        found.map_or_else(|| self.directory().and(Err(Problem::unauthenticated())), Ok)
    }

    /// The policy set in force now.
    ///
    /// # Errors
    /// 503 while there is none.
    pub fn policy(&self) -> Result<(i64, Arc<Policy>), Problem> {
        self.holdings
            .policy_at(self.platform.clock.now())
            .ok_or_else(|| Problem::unavailable(both("尚无现行制度", "no policy set is in force")))
    }

    /// The organisation's time zone.
    pub fn zone(&self) -> TimeZone {
        self.settings.time_zone.clone()
    }

    /// Reports over NATS, producers' connections, events for live pages.
    fn start_listening(&self, callout: AuthCallout) {
        let client = self.platform.bus.client.clone();
        let listener = Listener { client: client.clone(), acceptance: self.acceptance.clone(), refused: self.refused.clone() };
        let (tasks, shutdown) = (self.platform.tasks.clone(), self.platform.shutdown.clone());
        self.spawn("reports over NATS", async move { listener.run(tasks, shutdown).await });
        let shutdown = self.platform.shutdown.clone();
        self.spawn("auth callout", async move { callout.run(client, shutdown).await });
        let (app, shutdown) = (self.clone(), self.platform.shutdown.clone());
        self.spawn("live events", async move { app.live.clone().run(&app.platform.bus.client, shutdown).await });
        let (app, shutdown) = (self.clone(), self.platform.shutdown.clone());
        self.spawn("changes of the directory", async move { app.hear_changes(shutdown).await });
    }

    fn spawn<F>(&self, what: &'static str, task: F)
    where
        F: Future<Output = Result<(), async_nats::SubscribeError>> + Send + 'static,
    {
        self.platform.tasks.spawn(async move {
            if let Err(error) = task.await {
                tracing::error!(%error, what, "cannot listen");
            }
        });
    }

    /// Another copy has changed directory or packs: what is held here is read again at once.
    async fn hear_changes(&self, shutdown: duban_platform::CancellationToken) -> Result<(), async_nats::SubscribeError> {
        let client = &self.platform.bus.client;
        let directory = client.subscribe(subjects::event("gateway", "directory.>")).await?;
        let policy = client.subscribe(subjects::event("gateway", "policy.>")).await?;
        let mut changes = futures::stream::select(directory, policy);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                change = changes.next() => match change {
                    Some(_) => self.holdings.wake(),
                    None => return Ok(()),
                },
            }
        }
    }

    /// What is done now and then: reading what changed, bringing packs into force, tidying up.
    fn start_keeping(&self) {
        let app = self.clone();
        self.every(Duration::ZERO, move || {
            let app = app.clone();
            async move {
                if let Err(error) = app.holdings.refresh().await {
                    tracing::debug!(%error, "directory and packs are not read; what is held stays");
                }
                app.holdings.woken_or_after(Duration::from_secs(2)).await;
            }
        });
        let app = self.clone();
        self.every(Duration::ZERO, move || {
            let app = app.clone();
            async move {
                let _ = tokio::time::timeout(Duration::from_secs(1), app.wake_promotion.notified()).await;
                if let Err(problem) = policies::promote::promote(&app).await {
                    tracing::debug!(%problem, "no look at announced packs");
                }
            }
        });
        let app = self.clone();
        self.every(Duration::from_secs(60), move || {
            let app = app.clone();
            async move {
                app.limits.tidy();
                let tidied = async {
                    app.access.tidy().await?;
                    app.refused.tidy().await
                };
                if let Err(error) = tidied.await {
                    tracing::debug!(%error, "nothing tidied");
                }
            }
        });
    }

    fn every<F, Fut>(&self, pause: Duration, act: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let shutdown = self.platform.shutdown.clone();
        self.platform.tasks.spawn(async move {
            while !shutdown.is_cancelled() {
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = async { act().await; tokio::time::sleep(pause).await } => {}
                }
            }
        });
    }

    /// What the other services and the command line ask of the gateway. Announced as soon as the broker is there.
    fn serve_requests(&self) {
        let app = self.clone();
        self.platform.tasks.clone().spawn(async move {
            let served = async {
                let rpc = app.platform.rpc().await?;
                rpc.serve("directory.snapshot", app.clone(), directory::snapshot::snapshot).await?;
                rpc.serve("policy.snapshot", app.clone(), policies::snapshot::snapshot).await?;
                rpc.serve("policy.held", app.clone(), policies::held::held).await?;
                rpc.serve("admin.create", app.clone(), crate::admin_create::create).await
            };
            tokio::select! {
                () = app.platform.shutdown.cancelled() => {}
                served = served => if let Err(error) = served {
                    tracing::error!(error = format!("{error:#}"), "requests are not answered");
                }
            }
        });
    }
}

fn start_group_commit(platform: &Platform, singles_below: usize) -> GroupCommit {
    let bus = platform.bus.clone();
    let remake = move || {
        let bus = bus.clone();
        let remade = async move {
            if let Err(error) = bus.ensure_stream(stream::REPORTS).await {
                tracing::warn!(%error, "the stream of reports is not there and cannot be made");
            }
        };
        Box::pin(remade) as futures::future::BoxFuture<'static, ()>
    };
    let ways = Ways {
        client: platform.bus.client.clone(),
        known: Known::new(platform.bus.clone()),
        remake_stream: Arc::new(remake),
        batch_sizes: platform.metrics.histogram(
            "duban_gateway_batch_reports",
            "Reports that went to disk together",
            &[],
            vec![1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 500.0],
        ),
    };
    let (commit, task) = GroupCommit::start(Limits { singles_below, ..Limits::default() }, ways);
    // Not among the tasks that are waited for: whoever waits for its answer is, and then it has nothing left to do.
    tokio::spawn(task);
    commit
}
