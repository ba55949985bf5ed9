//! A report that was refused over NATS, with its body as it came. That it was opened is kept in the history.

use super::frame::Frame;
use super::respond;
use crate::App;
use crate::acceptance::refused::RefusedDetail;
use crate::api::refused::show as refused_show;
use crate::viewer::{PageViewer, Speaks};
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use uuid::Uuid;

fn view(frame: &Frame, detail: &RefusedDetail) -> Markup {
    let report = &detail.report;
    let content = html! {
        div.notice.bad { (respond::in_words(frame, &report.problem)) }
        div.sheet { dl.facts {
            dt { (frame.t("时间", "Time")) } dd { (frame.time(report.refused_at)) }
            dt { (frame.t("接入方", "Producer")) } dd { (report.producer) }
            dt { (frame.t("保留至", "Kept until")) } dd { (frame.time(report.keep_until)) }
        } }
        h2 { (frame.t("原文", "As it came")) }
        pre.sheet tabindex="0" { (detail.body) }
        p { a.button.plain href="/dead#refused" { (frame.t("返回", "Back")) } }
    };
    frame.page(frame.t("被拒的来件", "A refused report"), false, &content)
}

/// `GET /refused/{report}`
pub async fn show(State(app): State<App>, PageViewer(viewer): PageViewer, Speaks(language): Speaks, Path(report): Path<Uuid>) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/refused/{report}"));
    let detail = refused_show::perform(&app, &viewer, report).await;
    respond::page(&frame, detail.map(|detail| view(&frame, &detail)))
}
