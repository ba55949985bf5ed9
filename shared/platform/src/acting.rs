//! Requests that act: done once, however often they are asked.
//!
//! The owner checks in this order: the claim's signature; the request id, which is unique per person or link and kept with a hash of the
//! body and the answer in the act's own transaction (known and the same: the kept answer; another body: 422; it is inserted first, so
//! that a twin waits); then rights; then the version. The latter two are the endpoint's, between [`begin`] and [`Act::finish`].
//! A refusal changes nothing and is not kept: asked again, it is judged again. Kept answers hold no personal text and last seven days.

mod store;

pub(crate) use store::clean;

use crate::Platform;
use crate::rpc::{Failed, Request};
use duban_contracts::claim::Claim;
use duban_contracts::{Problem, both};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

/// What became of beginning an act.
pub enum Begun<Res> {
    /// It was done before: this is the answer that was given.
    Known(Res),
    New(Act),
}

/// An act under way: a transaction that holds the request id. Dropping it undoes everything.
pub struct Act {
    tx: Transaction<'static, Postgres>,
    claim: Claim,
    space: String,
    request: Uuid,
    outbox: crate::Outbox,
}

/// Checks the claim, then takes the request id. A twin of a request that is under way waits here until that has ended.
///
/// # Errors
/// 401 without a valid claim, 400 without a request id, 422 when the id was used with another body, 503 without the database.
pub async fn begin<Req, Res: DeserializeOwned>(platform: &Platform, request: &Request<Req>) -> Result<Begun<Res>, Failed> {
    let claim = request.claim()?.clone();
    let id = request.request_id.ok_or_else(|| Problem::malformed("a request id is needed: header duban-request-id, a UUID"))?;
    let space = claim.request_space();
    let hash: [u8; 32] =
        Sha256::new().chain_update(&request.subject).chain_update([0]).chain_update(canonical(&request.raw)).finalize().into();
    let mut tx = platform.db.begin().await?;
    if store::take(&mut tx, &space, id, &hash).await? {
        return Ok(Begun::New(Act { tx, claim, space, request: id, outbox: platform.outbox.clone() }));
    }
    // Cleaned away in between: as good as never used, and it may be asked again.
    let kept = store::kept(&mut tx, &space, id).await?.ok_or_else(|| Problem::unavailable(both("请求编号", "the request id")))?;
    if kept.body_hash != hash {
        let problem = Problem::new(422, "request-id-reused", "This request id was used for something else", "该请求编号已用于另一项操作");
        return Err(problem.into());
    }
    // Its answer is written in the transaction that inserted it.
    let answer = serde_json::from_value(kept.answer.unwrap_or_default()).map_err(anyhow::Error::from)?;
    Ok(Begun::Known(answer))
}

/// The same value is the same body, however it is written.
fn canonical(raw: &[u8]) -> Vec<u8> {
    serde_json::from_slice(raw).map_or_else(|_| raw.to_vec(), |value| duban_contracts::canonical::text(&value).into_bytes())
}

impl Act {
    /// The transaction; do not commit it by hand.
    pub fn tx(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The person who acts, by session or token; empty for who holds a link, and for a producer.
    pub fn person(&self) -> &str {
        self.claim.person().unwrap_or_default()
    }

    /// Keeps the answer, commits, wakes the relay.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn finish<Res: Serialize>(mut self, answer: Res) -> Result<Res, Failed> {
        let kept = serde_json::to_value(&answer).map_err(anyhow::Error::from)?;
        store::keep(&mut self.tx, &self.space, self.request, &kept).await?;
        self.tx.commit().await?;
        self.outbox.wake();
        Ok(answer)
    }
}
