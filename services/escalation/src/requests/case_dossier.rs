//! `case.dossier`: what escalation puts into a closed case's file. Carries no claim: the broker lets only archive ask.
//!
//! Not yet, while the closing event has not been handled here. Duties that outlive the close (a follow-up call, a debt to be collected) stand in
//! the file as they are, and the answer says that there are some: once they have ended, archive asks for the settled file.

use crate::App;
use crate::pages::{self, Part, Place};
use crate::store::{acts, alerts, case};
use duban_contracts::Problem;
use duban_contracts::case::{Dossier, DossierRequest};
use duban_engine::acts::Acted;
use duban_platform::rpc::{Failed, Request};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

pub async fn dossier(app: Arc<App>, request: Request<DossierRequest>) -> Result<Dossier, Failed> {
    let DossierRequest { case, after, settled, from, alert: _ } = request.body;
    let place = from.as_deref().map(|text| Place::read(text, "/from")).transpose()?;
    let mut connection = app.platform.db.pool().acquire().await?;
    // For a later edition it was asked at the close; what is known of handled events is forgotten after some weeks.
    if !settled && !case::is_handled(&mut connection, after).await? {
        return Err(not_yet("the closing event has not been handled here yet").into());
    }
    let duties = case::duties(&mut *connection, case).await?;
    let unsettled = duties.iter().any(|duty| duty.state.is_open());
    if settled && unsettled {
        return Err(not_yet("a duty of the case is still open").into());
    }
    let newest = alerts::newest_of(&mut connection, case).await?;
    let duties = pages::rest(&duties, place);
    let ids: Vec<Uuid> = duties.iter().map(|duty| duty.id).collect();
    let alerts = alerts::following(&mut connection, &ids, place.and_then(|place| place.alert), pages::MOST).await?;
    let page = pages::page(duties, &alerts, place);
    let next = page.next.map(|place| place.to_string());
    let begun: Vec<Uuid> = page.parts.iter().filter(|part| part.is_first).map(|part| part.duty.id).collect();
    let done = acts::of_duties(&mut *connection, &begun).await?;
    let filed = page.parts.iter().map(|part| filed(part, done.get(&part.duty.id).map_or(&[], Vec::as_slice)));
    let content = json!({ "duties": filed.collect::<Vec<_>>() });
    Ok(Dossier { service: "escalation".to_owned(), case, content, unsettled, alert: newest, next })
}

/// A duty with more alerts than a page takes stands on each of its pages, with those that are on it.
fn filed(part: &Part<'_>, done: &[Acted]) -> Value {
    let alerts: Vec<_> = part.alerts.iter().map(|alert| alert.shown(part.duty)).collect();
    let acts: Vec<_> = done
        .iter()
        .map(|acted| {
            json!({ "act": acted.act.as_str(), "at": acted.at, "by": acted.by, "reason": acted.reason, "until": acted.until,
                    "person": acted.person, "due_before": acted.due_before, "due_after": acted.due_after })
        })
        .collect();
    json!({ "duty": part.duty.shown(), "acts": acts, "alerts": alerts })
}

fn not_yet(detail: &str) -> Problem {
    Problem::refused("not-yet", "Not yet; ask again", "尚未就绪，请稍后再试").with_detail(detail)
}
