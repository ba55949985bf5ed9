//! Requests that act: done once, however often they are asked.

use crate::Platform;
use crate::rpc::{Failed, Request};
use duban_contracts::claim::Claim;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

/// What became of beginning an act.
pub enum Begun<Res> {
    /// It was done before: this is the answer that was given.
    Known(Res),
    New(Act),
}

/// An act under way: a transaction that holds the request id. Dropping it undoes everything.
pub struct Act {
    claim: Claim,
}

/// Checks the claim, then takes the request id. A twin of a request that is under way waits here until that has ended.
///
/// # Errors
/// 401 without a valid claim, 400 without a request id, 422 when the id was used with another body, 503 without the database.
pub async fn begin<Req, Res: DeserializeOwned>(_platform: &Platform, _request: &Request<Req>) -> Result<Begun<Res>, Failed> {
    todo!()
}

impl Act {
    pub fn tx(&mut self) -> &mut PgConnection {
        todo!()
    }

    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The person who acts, by session or link.
    pub fn person(&self) -> &str {
        self.claim.person().unwrap_or_default()
    }

    /// Keeps the answer, commits, wakes the relay.
    pub async fn finish<Res: Serialize>(self, _answer: Res) -> Result<Res, Failed> {
        todo!()
    }
}
