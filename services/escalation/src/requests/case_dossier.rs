//! `case.dossier`: what escalation puts into a closed case's file. Carries no claim: the broker lets only archive ask.
//!
//! Not yet, while the closing event has not been handled here, or a duty that was opened before it is still open. What the closing itself
//! opened (a follow-up call, feedback) does not hold up the file.

use crate::App;
use crate::duty::Duty;
use crate::store::{alerts, case};
use duban_contracts::case::{Dossier, DossierRequest};
use duban_contracts::{Problem, Timestamp};
use duban_platform::rpc::{Failed, Request};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

pub async fn dossier(app: Arc<App>, request: Request<DossierRequest>) -> Result<Dossier, Failed> {
    let DossierRequest { case, after, .. } = request.body;
    let mut connection = app.platform.db.pool().acquire().await?;
    let closed = case::handled(&mut connection, after).await?.ok_or_else(|| not_yet("the closing event has not been handled here yet"))?;
    let duties = case::duties(&mut *connection, case).await?;
    if duties.iter().any(|duty| holds_up(duty, after, closed)) {
        return Err(not_yet("a duty of the case is still open").into());
    }
    let ids: Vec<Uuid> = duties.iter().map(|duty| duty.id).collect();
    let alerts = alerts::of_duties(&mut connection, &ids).await?;
    let of = |duty: &Duty| -> Vec<Value> {
        let of_duty = alerts.iter().filter(|alert| alert.duty == duty.id);
        of_duty.map(|alert| serde_json::to_value(alert.shown(duty)).unwrap_or_default()).collect()
    };
    let duties: Vec<Value> = duties.iter().map(|duty| json!({ "duty": duty.shown(), "alerts": of(duty) })).collect();
    Ok(Dossier { service: "escalation".to_owned(), case, content: json!({ "duties": duties }), next: None })
}

fn holds_up(duty: &Duty, after: Uuid, closed: Timestamp) -> bool {
    duty.state.is_open() && duty.opened.event != after && duty.opened.at < closed
}

fn not_yet(detail: &str) -> Problem {
    Problem::refused("not-yet", "Not yet; ask again", "尚未就绪，请稍后再试").with_detail(detail)
}
