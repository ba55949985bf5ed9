//! What could not be handled, kept sealed until somebody has looked: `dead.list`, `dead.show`, `dead.replay` of every service.
//!
//! Only an administrator may ask, by claim; or the operator at the command line, who has subjects of his own (`….rpc.v1.operator.dead.list`) to
//! which the broker lets nobody else send, and says his name instead. Opening and replaying are recorded with who and when. Letters are erased after `DUBAN_KEEP_DEAD_LETTER_DAYS`.

mod store;

use crate::consumer::{Kept, set_aside_from_dead};
use crate::rpc::{Failed, Request, Rpc};
use crate::{Platform, Seal};
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use duban_contracts::claim::Claim;
use duban_contracts::dead::{DeadDetail, DeadLetter, DeadList, DeadListRequest, DeadRequest};
use duban_contracts::{Problem, both};
use serde_json::Value;
use std::sync::Arc;
use store::Act;

/// Tells whether a claim's person may see and replay dead letters.
type May = Arc<dyn Fn(&Claim) -> bool + Send + Sync>;

#[derive(Clone)]
struct Desk {
    platform: Platform,
    may: May,
}

impl Platform {
    /// Serves `dead.list`, `dead.show` and `dead.replay`. `may` tells whether the asker may.
    ///
    /// # Errors
    /// The client is closed.
    pub async fn serve_dead_letters(&self, rpc: &Rpc, may: impl Fn(&Claim) -> bool + Send + Sync + 'static) -> anyhow::Result<()> {
        let desk = Desk { platform: self.clone(), may: Arc::new(may) };
        rpc.serve("dead.list", desk.clone(), list).await?;
        rpc.serve("dead.show", desk.clone(), show).await?;
        rpc.serve("dead.replay", desk.clone(), replay).await?;
        rpc.serve("operator.dead.list", desk.clone(), list).await?;
        rpc.serve("operator.dead.show", desk.clone(), show).await?;
        rpc.serve("operator.dead.replay", desk, replay).await
    }
}

impl Desk {
    /// Who asks, for the record.
    fn asker<Req>(&self, request: &Request<Req>) -> Result<String, Problem> {
        if let Some(operator) = &request.operator {
            return Ok(format!("operator/{operator}"));
        }
        let claim = request.claim()?;
        if !(self.may)(claim) {
            return Err(Problem::forbidden(both("死信仅限管理员查看和处理", "dead letters are for administrators")));
        }
        Ok(claim.request_space())
    }
}

async fn list(desk: Desk, request: Request<DeadListRequest>) -> Result<DeadList, Failed> {
    desk.asker(&request)?;
    let limit = i64::from(request.body.limit.unwrap_or(50).clamp(1, 200));
    let pool = desk.platform.db.pool();
    let letters: Vec<DeadLetter> = store::list(pool, desk.platform.service, request.body.before, limit).await?;
    let next = (letters.len() as i64 == limit).then(|| letters.last().map(|last| last.letter)).flatten();
    Ok(DeadList { letters, total: store::count(pool).await?, next })
}

async fn show(desk: Desk, request: Request<DeadRequest>) -> Result<DeadDetail, Failed> {
    let asker = desk.asker(&request)?;
    let mut tx = desk.platform.db.begin().await?;
    let (letter, sealed) = store::open(&mut tx, desk.platform.service, request.body.letter).await?.ok_or_else(Problem::not_found)?;
    let body = readable(&desk.platform.seal, &letter, &sealed)?;
    store::record(&mut tx, letter.letter, Act::Shown, &asker).await?;
    tx.commit().await?;
    tracing::info!(letter = %letter.letter, by = asker, "a dead letter was opened");
    Ok(DeadDetail { letter, body })
}

/// Puts the message back to be handled under its own id. Replaying one that is under way already does it no harm.
async fn replay(desk: Desk, request: Request<DeadRequest>) -> Result<DeadLetter, Failed> {
    let asker = desk.asker(&request)?;
    let id = request.body.letter;
    let mut tx = desk.platform.db.begin().await?;
    if !set_aside_from_dead(&mut tx, id).await? {
        return Err(Problem::not_found().into());
    }
    store::record(&mut tx, id, Act::Replayed, &asker).await?;
    store::mark_replayed(&mut tx, id).await?;
    let (letter, _) = store::open(&mut tx, desk.platform.service, id).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    tracing::info!(letter = %id, by = asker, "a dead letter is replayed");
    Ok(letter)
}

/// The body as JSON where it is JSON, else as text.
fn readable(seal: &Seal, letter: &DeadLetter, sealed: &[u8]) -> anyhow::Result<Value> {
    let plain = seal.open(sealed, &letter.letter.to_string())?;
    let kept: Kept = serde_json::from_slice(&plain).context("a dead letter cannot be read")?;
    let body = STANDARD.decode(kept.body).context("a dead letter's body cannot be read")?;
    Ok(serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned())))
}
