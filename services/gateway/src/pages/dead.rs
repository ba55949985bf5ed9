//! What could not be handled, in one place: messages that services gave up on, reports that could not be registered, reports that were
//! refused over NATS. Each part stands for itself: one that its reader may not see, or that does not answer, hides no other.

use super::frame::{Frame, Urgency};
use super::rejected;
use super::respond;
use crate::App;
use crate::acceptance::refused::{RefusedQuery, RefusedReport};
use crate::api::refused::list as refused_list;
use crate::viewer::{PageViewer, SignedForm, Speaks, Viewer};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::dead::{DeadLetter, DeadListRequest};
use duban_contracts::report::{RejectedDetail, RejectedList, RejectedListRequest};
use duban_contracts::{Problem, subjects};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

/// What the services answered, part by part.
pub struct Parts {
    pub letters: Result<Vec<DeadLetter>, Problem>,
    /// Services that did not answer, and why.
    pub silent: Vec<(String, Problem)>,
    pub rejected: Result<RejectedList, Problem>,
    pub refused: Result<Vec<RefusedReport>, Problem>,
}

pub fn view(frame: &Frame, parts: &Parts, asked: &Asked) -> Markup {
    let content = html! {
        @if asked.told.is_some() { div.notice role="status" { (frame.t("已处理。", "Done.")) } }
        h2 #rejected { (frame.t("未能登记的来件", "Reports that could not be registered")) }
        (part(frame, &parts.rejected, frame.t("未能登记的来件", "Reports that could not be registered"), |list| rejected_table(frame, list, asked)))
        h2 #refused { (frame.t("接收时被拒的来件（消息通道）", "Reports refused on arrival (over NATS)")) }
        (part(frame, &parts.refused, frame.t("接收时被拒的来件", "Reports refused on arrival"), |reports| refused_table(frame, reports)))
        h2 #letters { (frame.t("死信", "Dead letters")) }
        @for (service, why) in &parts.silent { (frame.wrong(service, why)) }
        (part(frame, &parts.letters, frame.t("死信", "Dead letters"), |letters| letter_table(frame, letters)))
    };
    frame.page(frame.t("死信与拒收", "Dead letters and rejected reports"), false, &content)
}

/// A part, or the line that says why it is not there.
fn part<T>(frame: &Frame, part: &Result<T, Problem>, title: &str, show: impl FnOnce(&T) -> Markup) -> Markup {
    match part {
        Ok(found) => show(found),
        Err(why) if why.status == 403 => html! { p.soft { (frame.t("您无权查看这一部分。", "You may not see this part.")) } },
        Err(why) => frame.wrong(title, why),
    }
}

fn rejected_table(frame: &Frame, list: &RejectedList, asked: &Asked) -> Markup {
    let all = asked.state.as_deref() == Some("all");
    html! {
        ul.tabs {
            li { a href="/dead" aria-current=[(!all).then_some("true")] { (frame.t("待处理", "Open")) } }
            li { a href="/dead?state=all" aria-current=[all.then_some("true")] { (frame.t("全部", "All")) } }
        }
        @if list.rejected.is_empty() { p.soft { (frame.t("没有未能登记的来件。", "None.")) } }
        @else { table {
            thead { tr { th { (frame.t("收到", "Received")) } th { (frame.t("原因", "Reason")) } th { (frame.t("单位", "Unit")) } th { (frame.t("接入方", "Producer")) } th { (frame.t("状态", "State")) } } }
            tbody { @for report in &list.rejected { (rejected_row(frame, report)) } }
        } }
        @if let Some(next) = list.next {
            p { a.button.plain href={ "/dead?before=" (next) (if all { "&state=all" } else { "" }) } { (frame.t("更早的", "Earlier ones")) } }
        }
    }
}

fn rejected_row(frame: &Frame, report: &RejectedDetail) -> Markup {
    html! {
        tr data-row {
            td data-label=(frame.t("收到", "Received")) { a href={ "/rejected/" (report.rejected) } { (frame.time(report.received_at)) } }
            td data-label=(frame.t("原因", "Reason")) { (frame.t(&report.problem.title_zh, &report.problem.title)) }
            td data-label=(frame.t("单位", "Unit")) { (frame.unit(&report.unit)) }
            td data-label=(frame.t("接入方", "Producer")) { (report.producer) }
            td data-label=(frame.t("状态", "State")) { (rejected::state(frame, &report.state)) }
        }
    }
}

fn refused_table(frame: &Frame, reports: &[RefusedReport]) -> Markup {
    html! {
        @if reports.is_empty() {
            p.soft { (frame.t("没有。接入方经消息通道送来而格式有误的来件会在这里保留一段时间，以免遗失。",
                "None. A report that a producer sends over NATS and that cannot be taken as it is is kept here for a while, so that it is not lost.")) }
        } @else { table {
            thead { tr { th { (frame.t("时间", "Time")) } th { (frame.t("接入方", "Producer")) } th { (frame.t("原因", "Reason")) } th { (frame.t("保留至", "Kept until")) } } }
            tbody { @for report in reports { tr data-row {
                td data-label=(frame.t("时间", "Time")) { a href={ "/refused/" (report.id) } { (frame.time(report.refused_at)) } }
                td data-label=(frame.t("接入方", "Producer")) { (report.producer) }
                td data-label=(frame.t("原因", "Reason")) { (respond::in_words(frame, &report.problem)) }
                td data-label=(frame.t("保留至", "Kept until")) { (frame.time(report.keep_until)) }
            } } }
        } }
    }
}

fn letter_table(frame: &Frame, letters: &[DeadLetter]) -> Markup {
    html! {
        @if letters.is_empty() { p.soft { (frame.t("没有死信。反复处理失败的消息会移到这里，不影响其他消息。", "None. A message that cannot be handled is set aside here and holds up nothing.")) } }
        @else { table {
            thead { tr { th { (frame.t("服务", "Service")) } th { (frame.t("消息", "Message")) } th { (frame.t("原因", "Reason")) } th { (frame.t("时间", "Time")) } th {} } }
            tbody { @for letter in letters { (letter_row(frame, letter)) } }
        } }
    }
}

fn letter_row(frame: &Frame, letter: &DeadLetter) -> Markup {
    html! {
        tr data-row {
            td data-label=(frame.t("服务", "Service")) { (letter.service) }
            td data-label=(frame.t("消息", "Message")) { (letter.subject) br; span.soft.small { (letter.letter) } }
            td data-label=(frame.t("原因", "Reason")) { (frame.said(&letter.reason_zh, &letter.reason)) }
            td data-label=(frame.t("时间", "Time")) { (frame.time(letter.at)) }
            td {
                @if let Some(at) = letter.replayed_at { (Urgency::Done.mark(frame.language)) " " (replayed_by(frame, letter)) " " (frame.time(at)) }
                @else { form method="post" action={ "/dead/" (letter.service) "/" (letter.letter) "/replay" } { (frame.csrf())
                    input type="hidden" name="request" value=(duban_contracts::ids::fresh());
                    button.plain type="submit" { (frame.t("重新处理", "Handle again")) } } }
            }
        }
    }
}

/// Who handed it in again: a person by his name, the operator at the command line as he called himself.
fn replayed_by(frame: &Frame, letter: &DeadLetter) -> String {
    let by = letter.replayed_by.as_deref().unwrap_or_default();
    by.strip_prefix("person/").map_or_else(|| by.to_owned(), |person| frame.name(person))
}

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    told: Option<String>,
    /// Of the reports that could not be registered: `open` or `all`.
    state: Option<String>,
    before: Option<Uuid>,
}

/// `GET /dead`
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Query(asked): Query<Asked>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/dead");
    let request = RejectedListRequest { state: asked.state.clone(), before: asked.before, ..RejectedListRequest::default() };
    let recent = RefusedQuery::default();
    let (rejected, refused, (letters, silent)) =
        tokio::join!(app.services.rejected_list(&viewer, &request), refused_list::perform(&app, &viewer, &recent), letters(&app, &viewer),);
    let parts = Parts { letters, silent, rejected, refused: refused.map(|found| found.reports) };
    view(&frame, &parts, &asked).into_response()
}

/// The letters of all services, newest first; one that is down is named, the others' letters stand.
async fn letters(app: &App, viewer: &Viewer) -> (Result<Vec<DeadLetter>, Problem>, Vec<(String, Problem)>) {
    let services = subjects::service::ALL.into_iter().filter(|service| *service != subjects::service::GATEWAY);
    let request = DeadListRequest::default();
    let asked = services.map(|service| {
        let request = &request;
        async move { (service, app.services.dead_list(viewer, service, request).await) }
    });
    let (mut letters, mut silent, mut forbidden) = (Vec::new(), Vec::new(), None);
    for (service, answer) in futures::future::join_all(asked).await {
        match answer {
            Ok(list) => letters.extend(list.letters),
            Err(why) if why.status == 403 => forbidden = Some(why),
            Err(why) => silent.push((service.to_owned(), why)),
        }
    }
    letters.sort_by_key(|letter| std::cmp::Reverse(letter.at));
    match forbidden {
        Some(why) if letters.is_empty() => (Err(why), Vec::new()),
        _ => (Ok(letters), silent),
    }
}

#[derive(Debug, Deserialize)]
pub struct Replaying {
    request: Uuid,
}

/// `POST /dead/{service}/{letter}/replay`
pub async fn replay(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path((service, letter)): Path<(String, Uuid)>,
    SignedForm(form): SignedForm<Replaying>,
) -> Response {
    match app.services.dead_replay(&viewer, form.request, &service, letter).await {
        Ok(_) => Redirect::to("/dead?told=replayed").into_response(),
        Err(why) => respond::problem(&respond::frame(&app, Some(&viewer), language, "/dead"), &why),
    }
}
