//! The connection to the broker: one per process, with the service's own user and inbox prefix; it comes back by itself.

mod streams;

pub(crate) use streams::created;
pub use streams::owned;

use crate::config::Common;
use crate::rpc::Call;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::{ConnectOptions, Event};
use duban_contracts::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A connection to NATS. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    pub client: async_nats::Client,
    pub jetstream: async_nats::jetstream::Context,
    service: &'static str,
    link: watch::Receiver<Link>,
    /// Keeps `link` from looking closed where no callback holds its sender.
    _sender: Option<Arc<watch::Sender<Link>>>,
}

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    pub is_up: bool,
    /// How often it came up: another number is another connection, perhaps to another server.
    pub times: u64,
}

impl Bus {
    /// Connects in the background, for ever: a service starts while the broker is down.
    ///
    /// # Errors
    /// A URL that cannot be parsed.
    pub async fn connect(service: &'static str, common: &Common) -> anyhow::Result<Self> {
        let user = common.nats_user.clone().unwrap_or_else(|| service.to_owned());
        let sender = watch::Sender::new(Link::default());
        let link = sender.subscribe();
        let mut options = ConnectOptions::new()
            .name(format!("duban-{service}"))
            // The common prefix would let one user read another's answers.
            .custom_inbox_prefix(format!("_INBOX_{user}"))
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(|attempt| Duration::from_millis((50 * attempt as u64).min(1000)))
            .connection_timeout(Duration::from_secs(5))
            .ping_interval(Duration::from_secs(10))
            .request_timeout(Some(Duration::from_secs(5)))
            .event_callback(move |event| {
                noted(&sender, &event);
                async {}
            });
        if let Some(password) = &common.nats_password {
            options = options.user_and_password(user, password.expose().to_owned());
        }
        let servers: Vec<&str> = common.nats_url.split(',').map(str::trim).collect();
        let client = options.connect(servers).await?;
        Ok(Self::over(service, client, link, None))
    }

    /// Over a connection that stands already. For tests and for the command line; it is taken to be up for ever.
    pub fn of(service: &'static str, client: async_nats::Client) -> Self {
        let sender = Arc::new(watch::Sender::new(Link { is_up: true, times: 1 }));
        Self::over(service, client, sender.subscribe(), Some(sender))
    }

    fn over(
        service: &'static str,
        client: async_nats::Client,
        link: watch::Receiver<Link>,
        sender: Option<Arc<watch::Sender<Link>>>,
    ) -> Self {
        let jetstream = ContextBuilder::new()
            .timeout(Duration::from_secs(5))
            .ack_timeout(Duration::from_secs(5))
            .max_ack_inflight(4096)
            .build(client.clone());
        Self { client, jetstream, service, link, _sender: sender }
    }

    pub fn is_connected(&self) -> bool {
        self.link.borrow().is_up
    }

    /// The state of the connection, to be watched.
    pub fn link(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    /// Waits until the connection is up.
    pub async fn connected(&self) {
        // Fails when the client is gone, and `self` holds it.
        let _ = self.link.clone().wait_for(|link| link.is_up).await;
    }

    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// The callee's problem, or 503 when nobody answers in time.
    pub async fn call<Res: DeserializeOwned>(&self, call: Call) -> Result<Res, Problem> {
        call.send(&self.client).await
    }

    /// A request without claim: one service asking another.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn request<Req: Serialize, Res: DeserializeOwned>(&self, service: &str, name: &str, body: &Req) -> Result<Res, Problem> {
        self.call(Call::new(service, name).body(body)?).await
    }
}

fn noted(link: &watch::Sender<Link>, event: &Event) {
    match event {
        Event::Connected => {
            tracing::info!("connected to the broker");
            link.send_modify(|link| *link = Link { is_up: true, times: link.times + 1 });
        }
        Event::Disconnected | Event::Closed => {
            tracing::warn!("the broker is gone");
            link.send_modify(|link| link.is_up = false);
        }
        Event::SlowConsumer(subscription) => tracing::error!(subscription, "messages dropped: a subscription is read too slowly"),
        Event::ServerError(error) => tracing::warn!(%error, "the broker refuses something"),
        Event::ClientError(error) => tracing::debug!(%error, "broker client"),
        Event::LameDuckMode | Event::Draining => tracing::info!(%event, "broker"),
    }
}
