//! The tracking page: was I heard, where does it stand, when will I be answered.

use super::frame::Frame;
use super::respond;
use crate::App;
use crate::viewer::{ClientAddress, MaybeViewer, Speaks};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use duban_contracts::report::PublicStatus;
use maud::{Markup, html};
use serde::Deserialize;

/// What came of a look-up.
pub enum Found {
    /// Nothing asked yet.
    Nothing,
    Status(PublicStatus),
    /// No such code, or mistyped.
    Unknown,
    TooMany,
    Unavailable,
}

pub fn view(frame: &Frame, code: &str, found: &Found) -> Markup {
    let content = html! {
        form.sheet method="get" action="/track" role="search" {
            label for="code" { (frame.t("查询码", "Tracking code")) span.hint { (frame.t("14 位字母和数字，大小写均可；也可输入回执号", "14 letters and digits, in any case; or the receipt number")) } }
            input #code type="search" name="code" value=(code) autocomplete="off" spellcheck="false" required;
            p { button type="submit" { (frame.t("查询进度", "Check progress")) } }
        }
        (answer(frame, found))
    };
    frame.page(frame.t("查询进度", "Track a report"), true, &content)
}

fn answer(frame: &Frame, found: &Found) -> Markup {
    html! {
        @match found {
            Found::Nothing => {},
            Found::Unknown => div.notice.bad role="alert" { (frame.t("没有这个查询码，请核对后重试。", "There is no such code. Please check it and try again.")) },
            Found::TooMany => div.notice.bad role="alert" { (frame.t("查询过于频繁，请稍后再试。", "Too many look-ups; please try again in a while.")) },
            Found::Unavailable => div.notice.bad role="alert" { (frame.t("暂时无法查询，您的来件不受影响，请稍后再试。", "We cannot look it up just now. Your report is safe; please try again later.")) },
            Found::Status(status) => div.sheet role="status" {
                p { strong { (state_text(frame, &status.state)) } }
                @if let Some(case) = &status.case {
                    dl.facts {
                        dt { (frame.t("案件编号", "Case number")) } dd { (case.number) }
                        dt { (frame.t("目前环节", "Stage")) } dd { (frame.t(&case.stage_zh, &case.stage)) }
                        dt { (frame.t("收到", "Received")) } dd { (frame.time(case.received_at)) }
                        @if let Some(at) = case.answered_at { dt { (frame.t("最近答复", "Last answered")) } dd { (frame.time(at)) } }
                        @if case.with_others { dt { (frame.t("说明", "Note")) } dd { (frame.t("与同一事件的其他来件统一办理", "handled together with other reports of the same incident")) } }
                        @if let Some(due) = case.due { dt { (frame.t("办结时限", "To be closed by")) } dd { (frame.time(due)) } }
                    }
                }
            },
        }
    }
}

fn state_text<'a>(frame: &'a Frame, state: &str) -> &'a str {
    match state {
        "accepted" => frame.t("已收到，正在登记。", "Received; it is being registered."),
        "waiting" => frame.t("已收到，等待与前一来件合并。", "Received; it waits for the report that it adds to."),
        "registered" => frame.t("已立案，正在处理。", "Registered; it is being handled."),
        "supplement" => frame.t("已并入您先前的案件。", "Added to your earlier case."),
        "closed" => frame.t("已办结。", "Closed."),
        "rejected" => frame.t("未能登记，已转工作人员核实处理。", "It could not be registered; it was passed on to our staff."),
        "ambiguous" => {
            frame.t("此查询码无法唯一对应，请改用回执号查询。", "This code is not unique; please look it up by your receipt number.")
        }
        _ => frame.t("正在处理。", "It is being handled."),
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    code: String,
}

/// `GET /track`
pub async fn show(
    State(app): State<App>,
    Speaks(language): Speaks,
    viewer: MaybeViewer,
    ClientAddress(address): ClientAddress,
    Query(asked): Query<Asked>,
) -> Response {
    let frame = respond::frame(&app, viewer.0.as_ref(), language, "/track");
    if asked.code.trim().is_empty() {
        return view(&frame, "", &Found::Nothing).into_response();
    }
    let found = if app.limits.look_up(address).is_err() {
        Found::TooMany
    } else {
        match app.services.track(&asked.code).await {
            Ok(status) => Found::Status(status),
            Err(why) if why.status == 404 => Found::Unknown,
            Err(_) => Found::Unavailable,
        }
    };
    let status = match found {
        Found::Unknown => StatusCode::NOT_FOUND,
        Found::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Found::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Found::Nothing | Found::Status(_) => StatusCode::OK,
    };
    (status, view(&frame, &asked.code, &found)).into_response()
}
