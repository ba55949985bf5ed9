//! The older entries of a long case: what its page has no room for.

use super::case::timeline;
use super::frame::Frame;
use super::respond;
use crate::App;
use crate::viewer::{PageViewer, Speaks};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use duban_contracts::case::{EarlierAnswer, EarlierRequest};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

pub fn view(frame: &Frame, case: Uuid, answer: &EarlierAnswer) -> Markup {
    let title = frame.t("更早的经过", "What happened before");
    let content = html! {
        h1 { (title) }
        (link(frame, case, answer.earlier))
        (timeline(frame, &answer.entries))
        p { a href={ "/cases/" (case) } { (frame.t("回到案件", "Back to the case")) } }
    };
    frame.page(title, false, &content)
}

/// The way to what is older still.
pub fn link(frame: &Frame, case: Uuid, earlier: Option<Uuid>) -> Markup {
    html! {
        @if let Some(before) = earlier {
            p { a href={ "/cases/" (case) "/earlier?before=" (before) } { (frame.t("查看更早的经过", "What happened before")) } }
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Before {
    before: Uuid,
}

/// `GET /cases/{case}/earlier`
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(case): Path<Uuid>,
    Query(asked): Query<Before>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/cases/{case}"));
    let answer = app.services.case_earlier(&viewer, &EarlierRequest { case, before: asked.before }).await;
    respond::page(&frame, answer.map(|answer| view(&frame, case, &answer)))
}
