//! What consuming services tell an outbox's owner, and what it answers: neither forgets what the other may still need.

use super::store;
use crate::Database;
use crate::rpc::{Failed, Request};
use duban_contracts::{Problem, Timestamp, subjects};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Name of the request.
pub(crate) const FLOOR: &str = "outbox.floor";

/// `consumer` has handled every event of our stream up to this one, by id and time (sequences are no identities: a stream can be made
/// anew).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Floor {
    pub consumer: String,
    pub event: Uuid,
    pub time: Timestamp,
}

/// The oldest event that may be published again: inbox rows of it and of later ones must stay.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Oldest {
    pub oldest: Option<Timestamp>,
}

pub(crate) async fn floor(db: Database, request: Request<Floor>) -> Result<Oldest, Failed> {
    let floor = request.body;
    if !subjects::service::ALL.contains(&floor.consumer.as_str()) {
        return Err(Problem::invalid_field("/consumer", "no service of ours", "a service's name").into());
    }
    store::put_floor(db.pool(), &floor.consumer, floor.event, floor.time).await?;
    Ok(Oldest { oldest: store::oldest_kept(db.pool()).await? })
}
