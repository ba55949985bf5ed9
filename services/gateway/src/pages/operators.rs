//! The handlers of the pages in [`super::operation`].

use super::{operation, respond};
use crate::App;
use crate::policies::store;
use crate::viewer::{PageViewer, SignedForm, Speaks};
use crate::web::of_database;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::case::{CaseShowRequest, RejectedAct};
use duban_contracts::dead::{DeadLetter, DeadListRequest};
use duban_contracts::delivery::DeliveryListRequest;
use duban_contracts::record::RecordListRequest;
use duban_contracts::report::Results;
use duban_contracts::{Problem, subjects};
use serde::Deserialize;
use uuid::Uuid;

/// `GET /deliveries`
pub async fn deliveries(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Query(asked): Query<DeliveryListRequest>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/deliveries");
    let state = asked.state.clone().unwrap_or_else(|| "all".to_owned());
    let request = DeliveryListRequest { state: asked.state.filter(|s| s != "all"), ..asked };
    let list = app.services.delivery_list(&viewer, &request).await;
    respond::page(&frame, list.map(|list| operation::deliveries(&frame, &list, &state)))
}

/// `GET /records`
pub async fn records(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Query(asked): Query<RecordListRequest>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/records");
    let list = app.services.record_list(&viewer, &asked).await;
    respond::page(&frame, list.map(|list| operation::records(&frame, &list)))
}

/// `GET /records/{record}`
pub async fn record(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(record): Path<Uuid>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/records/{record}"));
    let detail = app.services.record_show(&viewer, record).await;
    respond::page(&frame, detail.map(|detail| operation::record(&frame, &detail)))
}

/// `GET /cases/{case}/watchers`
pub async fn watchers(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(case): Path<Uuid>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/cases/{case}/watchers"));
    let content = async {
        let detail = app.services.case_show(&viewer, &CaseShowRequest { case: Some(case), number: None }).await?;
        let answer = app.services.case_watchers(&viewer, case).await?;
        Ok(operation::watchers(&frame, case, &detail.summary.number, &answer))
    };
    respond::page(&frame, content.await)
}

#[derive(Debug, Default, Deserialize)]
pub struct Told {
    told: Option<String>,
}

/// `GET /dead`: of all services; one that is down is named, the others' letters stand.
pub async fn dead(State(app): State<App>, PageViewer(viewer): PageViewer, Speaks(language): Speaks, Query(told): Query<Told>) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/dead");
    let (mut letters, mut silent): (Vec<DeadLetter>, Vec<String>) = (Vec::new(), Vec::new());
    for service in subjects::service::ALL.into_iter().filter(|s| *s != subjects::service::GATEWAY) {
        match app.services.dead_list(&viewer, service, &DeadListRequest::default()).await {
            Ok(list) => letters.extend(list.letters),
            Err(why) if why.status == 503 => silent.push(service.to_owned()),
            Err(why) => return respond::problem(&frame, &why),
        }
    }
    letters.sort_by_key(|letter| std::cmp::Reverse(letter.at));
    let rejected = app.services.rejected_list(&viewer, &serde_json::json!({})).await.and_then(read::<Results>);
    let rejected = rejected.map(|list| list.results).unwrap_or_default();
    let told = told.told.is_some().then(|| frame.t("已处理。", "Done."));
    operation::dead(&frame, &letters, &rejected, &silent, told).into_response()
}

fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|_| Problem::internal())
}

#[derive(Debug, Deserialize)]
pub struct Replaying {
    #[serde(rename = "request")]
    _request: Uuid,
}

/// `POST /dead/{service}/{letter}/replay`
pub async fn replay(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path((service, letter)): Path<(String, Uuid)>,
    SignedForm(_): SignedForm<Replaying>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/dead");
    if !subjects::service::ALL.contains(&service.as_str()) {
        return respond::problem(&frame, &Problem::not_found());
    }
    match app.services.dead_replay(&viewer, &service, letter).await {
        Ok(_) => Redirect::to("/dead?told=replayed").into_response(),
        Err(why) => respond::problem(&frame, &why),
    }
}

#[derive(Debug, Deserialize)]
pub struct Settling {
    request: Uuid,
    r#do: String,
    reason: String,
}

/// `POST /rejected/{rejected}`: admit it as a new report, or dismiss it.
pub async fn settle_rejected(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(rejected): Path<Uuid>,
    SignedForm(form): SignedForm<Settling>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/dead");
    let act = match form.r#do.as_str() {
        "admit" => RejectedAct::Admit { rejected, corrected: None, reason: form.reason },
        "dismiss" => RejectedAct::Dismiss { rejected, reason: form.reason },
        _ => return respond::problem(&frame, &Problem::malformed("do is admit or dismiss")),
    };
    match app.services.rejected_act(&viewer, form.request, &act).await {
        Ok(_) => Redirect::to("/dead?told=settled").into_response(),
        Err(why) => respond::problem(&frame, &why),
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Version {
    version: Option<i64>,
}

/// `GET /policies`
pub async fn policies(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Query(asked): Query<Version>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/policies");
    let content = async {
        app.policy()?;
        let pool = app.platform.db.pool();
        let sets = store::shown(pool, None).await.map_err(|e| of_database(&e))?;
        let shown = asked.version.or_else(|| sets.iter().filter(|set| set.state == "applied").map(|set| set.version).max());
        let sources = match shown {
            Some(version) => store::sources(pool, version).await.map_err(|e| of_database(&e))?,
            None => Vec::new(),
        };
        Ok(operation::policies(&frame, &sets, &sources))
    };
    respond::page(&frame, content.await)
}
