//! `case.dossier`: what escalation puts into a closed case's file. Carries no claim: the broker lets only archive ask.
//!
//! Not yet, while the closing event has not been handled here, or a duty that was opened before it is still open. What the closing itself
//! opened (a follow-up call, feedback) does not hold up the file.

use crate::App;
use crate::duty::Duty;
use crate::pages::{self, Part, Place};
use crate::store::{alerts, case};
use duban_contracts::case::{Dossier, DossierRequest};
use duban_contracts::{Problem, Timestamp};
use duban_platform::rpc::{Failed, Request};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

pub async fn dossier(app: Arc<App>, request: Request<DossierRequest>) -> Result<Dossier, Failed> {
    let DossierRequest { case, after, from } = request.body;
    let place = from.as_deref().map(|text| Place::read(text, "/from")).transpose()?;
    let mut connection = app.platform.db.pool().acquire().await?;
    let closed = case::handled(&mut connection, after).await?.ok_or_else(|| not_yet("the closing event has not been handled here yet"))?;
    let duties = case::duties(&mut *connection, case).await?;
    if duties.iter().any(|duty| holds_up(duty, after, closed)) {
        return Err(not_yet("a duty of the case is still open").into());
    }
    let duties = pages::rest(&duties, place);
    let ids: Vec<Uuid> = duties.iter().map(|duty| duty.id).collect();
    let alerts = alerts::following(&mut connection, &ids, place.and_then(|place| place.alert), pages::MOST).await?;
    let page = pages::page(duties, &alerts, place);
    let next = page.next.map(|place| place.to_string());
    let content = json!({ "duties": page.parts.iter().map(filed).collect::<Vec<_>>() });
    Ok(Dossier { service: "escalation".to_owned(), case, content, next })
}

/// A duty with more alerts than a page takes stands on each of its pages, with those that are on it.
fn filed(part: &Part<'_>) -> Value {
    let alerts: Vec<_> = part.alerts.iter().map(|alert| alert.shown(part.duty)).collect();
    json!({ "duty": part.duty.shown(), "alerts": alerts })
}

fn holds_up(duty: &Duty, after: Uuid, closed: Timestamp) -> bool {
    duty.state.is_open() && duty.opened.event != after && duty.opened.at < closed
}

fn not_yet(detail: &str) -> Problem {
    Problem::refused("not-yet", "Not yet; ask again", "尚未就绪，请稍后再试").with_detail(detail)
}
