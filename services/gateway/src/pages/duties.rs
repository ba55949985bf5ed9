//! Duties: what burns first, and of each one its why: rule, article, steps, what comes next.

use super::frame::{Frame, Urgency};
use super::operation::next_page;
use super::{alert, case, duty_acts, respond};
use crate::App;
use crate::viewer::{PageViewer, SignedForm, Speaks};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::duty::{DutyActRequest, DutyCloseRequest, DutyEvent, DutyList, DutyListRequest, WhyAnswer};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

const STATES: [(&str, &str, &str); 6] = [
    ("open", "进行中", "Open"),
    ("mine", "我负责的", "Mine"),
    ("due_soon", "临期", "Due soon"),
    ("breached", "超期", "Overdue"),
    ("closed", "已了结", "Done"),
    ("trial", "试运行", "On trial"),
];

pub fn list(frame: &Frame, list: &DutyList, asked: &DutyListRequest, state: &str) -> Markup {
    let content = html! {
        ul.tabs { @for (value, zh, en) in STATES {
            li { a href={ "/duties?state=" (value) } aria-current=[(value == state).then_some("true")] { (frame.t(zh, en)) } }
        } }
        @if state == "trial" { p { a href="/trials" { (frame.t("试运行的范围、数据和本应发出的通知", "What is on trial, its figures, and what would have been sent")) } } }
        @if list.duties.is_empty() {
            div.sheet { p { (frame.t("这里没有事项。制度规定的时限一旦开始计算，就会列在这里，最急的在最上面。",
                "Nothing here. As soon as a rule starts a clock it is listed here, the most urgent on top.")) } }
        } @else {
            table {
                caption { (frame.counted(list.total, "项", "duty", "duties")) }
                thead { tr { th { (frame.t("状态", "State")) } th { (frame.t("事项", "Duty")) } th { (frame.t("责任岗位", "Owed by")) } th { (frame.t("单位", "Unit")) } th { (frame.t("时限", "Due")) } } }
                tbody { @for duty in &list.duties { (row(frame, duty)) } }
            }
        }
        @if let Some(next) = &list.next { (next_page(frame, "/duties", &filters(asked, state, next).each_ref().map(|(name, value)| (*name, value.as_str())))) }
    };
    frame.page(frame.t("责任事项", "Duties"), false, &content)
}

/// Every filter that stands, by its name in the query.
fn filters(asked: &DutyListRequest, state: &str, next: &str) -> [(&'static str, String); 5] {
    let given = |text: &Option<String>| text.clone().unwrap_or_default();
    let case = asked.case.map(|case| case.to_string()).unwrap_or_default();
    [
        ("state", state.to_owned()),
        ("unit", given(&asked.unit)),
        ("case", case),
        ("search", given(&asked.search)),
        ("after", next.to_owned()),
    ]
}

/// Where the matter of a duty is dealt with; for one that names no page of its own, the page of the duty.
pub fn matter(link: &str, duty: Uuid) -> String {
    if link.is_empty() || link == "/duties" { format!("/duties/{duty}") } else { link.to_owned() }
}

fn row(frame: &Frame, duty: &DutyEvent) -> Markup {
    html! {
        tr data-row {
            td data-label=(frame.t("状态", "State")) {
                (Urgency::of_duty(&duty.state).mark(frame.language))
                @if duty.trial { " " (on_trial(frame)) }
                @if duty.paused_until.is_some() { " " span.soft.small { (frame.t("已暂停", "paused")) } }
            }
            td data-label=(frame.t("事项", "Duty")) { a href={ "/duties/" (duty.duty) } { (frame.t(&duty.title_zh, &duty.title)) } }
            td data-label=(frame.t("责任岗位", "Owed by")) {
                (frame.post(&duty.owed_by))
                @if let Some(diverted) = &duty.diverted { div.small.soft { (frame.diverted(diverted)) } }
            }
            td data-label=(frame.t("单位", "Unit")) { (frame.unit(&duty.unit)) }
            td data-label=(frame.t("时限", "Due")) { (frame.due(duty.due_at)) }
        }
    }
}

/// A duty of which nobody is told.
pub fn on_trial(frame: &Frame) -> Markup {
    html! { span.small.soft { (frame.t("试运行，不通知", "on trial, nobody is told")) } }
}

/// How this due time came about, and who is next.
pub fn why(frame: &Frame, answer: &WhyAnswer, said: &Said) -> Markup {
    let duty = &answer.duty;
    let content = html! {
        @match said.told.as_deref() {
            None => {}
            Some("closed") => { div.notice role="status" { (frame.t("已了结。", "It has ended.")) } }
            Some(_) => { div.notice role="status" { (frame.t("已记录。", "It is on record.")) } }
        }
        @if let Some(wrong) = &said.wrong { div.notice.bad role="alert" { (wrong) } }
        article class={ "card " (Urgency::of_duty(&duty.state).class()) } {
            p { (Urgency::of_duty(&duty.state).mark(frame.language)) @if duty.trial { " " (on_trial(frame)) } }
            dl.facts {
                dt { (frame.t("时限", "Due")) } dd { (frame.due(duty.due_at)) }
                @if let Some(until) = duty.paused_until { dt { (frame.t("计时暂停", "Clock stopped")) } dd { (frame.t("最迟至 ", "until ")) (frame.time(until)) } }
                dt { (frame.t("责任岗位", "Owed by")) } dd { (frame.post(&duty.owed_by)) }
                @if let Some(diverted) = &duty.diverted { dt { (frame.t("代为办理", "Diverted")) } dd { (frame.diverted(diverted)) } }
                @if let Some(person) = &duty.handed_to { dt { (frame.t("已移交", "Handed over to")) } dd { (frame.name(person)) } }
                dt { (frame.t("依据", "Article")) } dd { (frame.article(&duty.pack, &duty.article)) }
                dt { (frame.t("开始", "Opened")) } dd { (frame.time(duty.opened_at)) }
                @if let Some(closed) = duty.closed_at { dt { (frame.t("了结", "Ended")) } dd { (frame.time(closed)) } }
            }
        }
        @if answer.may_close { (closing(frame, duty, &said.note)) }
        (duty_acts::view(frame, answer, said.sent.as_ref()))
        @if answer.may_cancel { (cancelling(frame, duty, &said.note)) }
        h2 { (frame.t("这个时限是怎么来的", "How this due time came about")) }
        ol.timeline { @for step in &answer.steps {
            li { (frame.t(&step.text_zh, &step.text)) (frame.by_article(step.article.as_deref())) }
        } }
        @if !answer.told.is_empty() {
            h2 { (frame.t("已通知谁、谁已签收", "Who was told, and who acknowledged")) }
            @if answer.told_before > 0 { p.soft { (frame.t("此前还有", "Before these: ")) (frame.counted(answer.told_before, "次通知", "alert", "alerts")) } }
            (case::timeline(frame, &answer.told))
        }
        h2 { (frame.t("若不处理", "If nobody acts")) }
        @if answer.next.is_empty() { p.soft { (frame.t("不再升级。", "It climbs no further.")) } }
        ol { @for rung in &answer.next { li {
            (frame.time(rung.at)) " " (alert::sort_word(frame, &rung.sort)) (frame.t("：", ": "))
            (rung.posts.iter().map(|post| frame.post(post)).collect::<Vec<_>>().join(frame.t("、", ", ")))
        } } }
        @let link = matter(&duty.link, duty.duty);
        @if link != frame.path { p { a.button href=(link) { (frame.t("打开相关事项", "Open the matter")) } } }
    };
    frame.page(frame.t(&duty.title_zh, &duty.title), true, &content)
}

/// Closing by hand what no event closes.
fn closing(frame: &Frame, duty: &DutyEvent, note: &str) -> Markup {
    html! {
        form.sheet method="post" action={ "/duties/" (duty.duty) "/close" } {
            (frame.csrf())
            input type="hidden" name="request" value=(duban_contracts::ids::fresh());
            input type="hidden" name="version" value=(duty.version);
            label for="done-note" { (frame.t("完成情况", "What was done")) span.hint { (frame.t("请勿填写个人信息", "no personal text, please")) } }
            textarea #done-note name="note" maxlength="2000" required { (note) }
            p { button type="submit" { (frame.t("确认已完成", "It is done")) } }
        }
    }
}

/// Cancelling what nobody can do any longer: for administrators, out of the way of everybody's eyes.
fn cancelling(frame: &Frame, duty: &DutyEvent, note: &str) -> Markup {
    html! {
        details open[!note.is_empty()] {
            summary { (frame.t("撤销此责任事项（管理员）", "Cancel this duty (administrators)")) }
            p.soft { (frame.t("仅用于已无法办理的事项：撤销后不再提醒和升级，理由留存备查。",
                "Only for what can no longer be done: it reminds and climbs no longer, and the reason is kept.")) }
            form.sheet method="post" action={ "/duties/" (duty.duty) "/close" } {
                (frame.csrf())
                input type="hidden" name="request" value=(duban_contracts::ids::fresh());
                input type="hidden" name="version" value=(duty.version);
                label for="cancel-note" { (frame.t("撤销理由", "Why it falls away")) span.hint { (frame.t("请勿填写个人信息", "no personal text, please")) } }
                textarea #cancel-note name="note" maxlength="2000" required { (note) }
                p { button.danger type="submit" { (frame.t("撤销", "Cancel it")) } }
            }
        }
    }
}

/// What the page of a duty says besides.
#[derive(Debug, Default, Deserialize)]
pub struct Said {
    told: Option<String>,
    #[serde(skip)]
    wrong: Option<String>,
    #[serde(skip)]
    note: String,
    #[serde(skip)]
    sent: Option<duty_acts::Sent>,
}

/// `GET /duties`
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Query(asked): Query<DutyListRequest>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/duties");
    let state = asked.state.clone().unwrap_or_else(|| "open".to_owned());
    let request = DutyListRequest { state: Some(state.clone()), ..asked };
    let answer = app.services.duty_list(&viewer, &request).await;
    respond::page(&frame, answer.map(|duties| list(&frame, &duties, &request, &state)))
}

/// `GET /duties/{duty}`
pub async fn show_why(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(duty): Path<Uuid>,
    Query(said): Query<Said>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/duties/{duty}"));
    let answer = app.services.duty_why(&viewer, duty).await;
    respond::page(&frame, answer.map(|answer| why(&frame, &answer, &said)))
}

#[derive(Debug, Deserialize)]
pub struct Closing {
    request: Uuid,
    /// The version that the reader saw.
    version: Option<i64>,
    note: String,
}

/// `POST /duties/{duty}/close`. A refusal shows the page again with what was typed.
pub async fn close(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(duty): Path<Uuid>,
    SignedForm(form): SignedForm<Closing>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/duties/{duty}"));
    let request = DutyCloseRequest { duty, note: form.note.trim().to_owned() };
    let wrong = match app.services.duty_close(&viewer, form.request, form.version, &request).await {
        Ok(_) => return Redirect::to(&format!("/duties/{duty}?told=closed")).into_response(),
        Err(wrong) => wrong,
    };
    match app.services.duty_why(&viewer, duty).await {
        Ok(answer) => {
            let said = Said { wrong: Some(respond::in_words(&frame, &wrong)), note: form.note, ..Said::default() };
            (respond::status(&wrong), why(&frame, &answer, &said)).into_response()
        }
        Err(_) => respond::problem(&frame, &wrong),
    }
}

/// `POST /duties/{duty}/act`. A refusal shows the page again with what was typed.
pub async fn act(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(duty): Path<Uuid>,
    SignedForm(form): SignedForm<duty_acts::Sent>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/duties/{duty}"));
    let done = match form.act(&frame.zone) {
        Ok(act) => app.services.duty_act(&viewer, form.request, form.version, &DutyActRequest { duty, act }).await,
        Err(wrong) => Err(wrong),
    };
    let wrong = match done {
        Ok(_) => return Redirect::to(&format!("/duties/{duty}?told=done")).into_response(),
        Err(wrong) => wrong,
    };
    match app.services.duty_why(&viewer, duty).await {
        Ok(answer) => {
            let said = Said { wrong: Some(respond::in_words(&frame, &wrong)), sent: Some(form), ..Said::default() };
            (respond::status(&wrong), why(&frame, &answer, &said)).into_response()
        }
        Err(_) => respond::problem(&frame, &wrong),
    }
}
