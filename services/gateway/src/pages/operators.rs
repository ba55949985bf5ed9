//! The handlers of the pages in [`super::operation`].

use super::{operation, respond};
use crate::App;
use crate::viewer::{PageViewer, Speaks};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use duban_contracts::case::CaseShowRequest;
use duban_contracts::delivery::DeliveryListRequest;
use duban_contracts::record::RecordListRequest;
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
