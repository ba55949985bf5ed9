//! The connection to the broker.

use crate::rpc::Call;
use duban_contracts::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A connection to NATS that comes back by itself.
#[derive(Clone)]
pub struct Bus {
    pub client: async_nats::Client,
    pub jetstream: async_nats::jetstream::Context,
}

impl Bus {
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// The callee's problem, or 503 when nobody answers in time.
    pub async fn call<Res: DeserializeOwned>(&self, _call: Call) -> Result<Res, Problem> {
        todo!()
    }

    /// A request without claim: one service asking another.
    pub async fn request<Req: Serialize, Res: DeserializeOwned>(&self, service: &str, name: &str, body: &Req) -> Result<Res, Problem> {
        self.call(Call::new(service, name).body(body)?).await
    }
}
