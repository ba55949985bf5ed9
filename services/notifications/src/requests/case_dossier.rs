//! `case.dossier`: what was told about a case, for its file. Only archive may ask (the broker sees to that).

use crate::{App, store};
use duban_contracts::Problem;
use duban_contracts::case::{Dossier, DossierRequest};
use duban_platform::rpc::{Failed, Request};
use serde_json::{Value, json};

/// 409 `not-yet` until the closing event has been read and nothing of the case is on its way.
pub async fn dossier(app: App, request: Request<DossierRequest>) -> Result<Dossier, Failed> {
    let pool = app.platform.db.pool();
    let case = request.body.case;
    if !store::cases::is_told_out(pool, case, request.body.after).await? {
        return Err(Problem::refused("not-yet", "Not everything of this case has been told yet", "该案件的通知尚未全部处理完毕").into());
    }
    let deliveries: Vec<Value> = store::listing::of_case(pool, case)
        .await?
        .into_iter()
        .map(|(delivery, attempts)| json!({ "delivery": delivery, "attempts": attempts }))
        .collect();
    let unreachable: Vec<Value> = store::listing::unreachable_of_case(pool, case)
        .await?
        .into_iter()
        .map(|(alert, person, since)| json!({ "alert": alert, "person": person, "since": since.0 }))
        .collect();
    Ok(Dossier {
        service: "notifications".to_owned(),
        case,
        content: json!({ "deliveries": deliveries, "unreachable": unreachable }),
        next: None,
    })
}
