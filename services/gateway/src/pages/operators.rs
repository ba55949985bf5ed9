//! The handlers of the pages in [`super::operation`].

use super::{operation, respond};
use crate::App;
use crate::api::policies::{approve, withdraw};
use crate::policies::store;
use crate::viewer::{PageViewer, SignedForm, Speaks};
use crate::web::of_database;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::Problem;
use duban_contracts::case::CaseShowRequest;
use duban_contracts::delivery::DeliveryListRequest;
use duban_contracts::record::RecordListRequest;
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
    respond::page(&frame, list.map(|list| operation::records(&frame, &list, asked.unit.as_deref())))
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
        let pool = app.platform.db.pool();
        let sets = store::shown(pool, None).await.map_err(|e| of_database(&e))?;
        let shown = asked.version.or_else(|| sets.iter().filter(|set| set.state == "applied").map(|set| set.version).max());
        let sources = match shown {
            Some(version) => store::sources(pool, version).await.map_err(|e| of_database(&e))?,
            None => Vec::new(),
        };
        Ok(operation::policies(&frame, &viewer.person, &sets, &sources))
    };
    respond::page(&frame, content.await)
}

/// Forms whose address says everything.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// `POST /policies/{version}/{approve|withdraw}`
pub async fn act_on_policies(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path((version, act)): Path<(i64, String)>,
    SignedForm(Nothing {}): SignedForm<Nothing>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/policies");
    let done = match act.as_str() {
        "approve" => approve::perform(&app, &viewer, version).await,
        "withdraw" => withdraw::perform(&app, &viewer, version).await,
        _ => Err(Problem::not_found()),
    };
    match done {
        Ok(()) => Redirect::to(&format!("/policies?version={version}")).into_response(),
        Err(why) => respond::problem(&frame, &why),
    }
}
