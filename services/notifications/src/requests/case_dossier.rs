//! `case.dossier`: what was told about a case, for its file. Only archive may ask (the broker sees to that).

use crate::{App, store};
use duban_contracts::Problem;
use duban_contracts::case::{Dossier, DossierRequest};
use duban_platform::rpc::{Failed, Request};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// Deliveries of a page: with all their attempts at most half of what the broker takes.
const PAGE: i64 = 150;

/// 409 `not-yet` until the closing event and the newest alert have been read and nothing of the case is on its way.
pub async fn dossier(app: App, request: Request<DossierRequest>) -> Result<Dossier, Failed> {
    let pool = app.platform.db.pool();
    let case = request.body.case;
    if !store::cases::is_told_out(pool, case, request.body.after, request.body.settled, request.body.alert).await? {
        return Err(Problem::refused("not-yet", "Not everything of this case has been told yet", "该案件的通知尚未全部处理完毕").into());
    }
    let after = request.body.from.as_deref().map(place).transpose()?;
    let found = store::listing::of_case(pool, case, after, PAGE).await?;
    let next = found.last().filter(|_| found.len() as i64 == PAGE).map(|(delivery, _)| delivery.delivery.to_string());
    let deliveries: Vec<Value> =
        found.into_iter().map(|(delivery, attempts)| json!({ "delivery": delivery, "attempts": attempts })).collect();
    let mut content = json!({ "deliveries": deliveries });
    if after.is_none() {
        content["unreachable"] = unreachable(pool, case).await?;
    }
    Ok(Dossier { service: "notifications".to_owned(), case, content, unsettled: false, alert: None, next })
}

/// Those whom no message reached; with the first page.
async fn unreachable(pool: &PgPool, case: Uuid) -> Result<Value, sqlx::Error> {
    let found = store::listing::unreachable_of_case(pool, case).await?;
    Ok(found.into_iter().map(|(alert, person, since)| json!({ "alert": alert, "person": person, "since": since.0 })).collect())
}

fn place(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| Problem::invalid_field("/from", "It is not where a page ended", "the `next` of an earlier answer"))
}
