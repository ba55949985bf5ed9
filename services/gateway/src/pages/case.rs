//! A case: the whole story top to bottom, its clocks, and the next permitted step.

use super::carried;
use super::case_acts::{self, Acting, Form};
use super::cases::severity;
use super::chosen;
use super::duties::on_trial;
use super::earlier;
use super::frame::{Frame, Urgency};
use super::respond;
use crate::App;
use crate::ask::CaseWhole;
use crate::viewer::{PageViewer, SignedForm, Speaks};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::case::{CaseActRequest, CaseShowRequest, PermittedStep, TimelineEntry};
use duban_contracts::duty::DutyEvent;
use duban_contracts::report::Report;
use duban_policy::Policy;
use duban_policy::policy::{FieldSort, Kind};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

pub fn view(frame: &Frame, case: &CaseWhole, policy: Option<&Policy>, told: Option<&str>, wrong: Option<&str>) -> Markup {
    let summary = &case.detail.summary;
    let kind = policy.and_then(|policy| policy.kind(&summary.pack, &summary.kind));
    let content = html! {
        @if let Some(told) = told { div.notice role="status" { (told) } }
        @if let Some(wrong) = wrong { div.notice.bad role="alert" { (wrong) } }
        @for service in &case.unavailable {
            div.notice.bad role="alert" { (service) (frame.t(" 服务暂时没有响应，以下内容可能不全。", " does not answer just now; what stands here may be incomplete.")) }
        }
        div.columns {
            div {
                (head(frame, case))
                @if let Some(report) = &case.detail.report { (report_text(frame, report, kind)) }
                (recorded(frame, case, kind))
                h2 { (frame.t("经过", "What happened")) }
                (earlier::link(frame, summary.case, case.detail.earlier))
                (timeline(frame, &case.timeline))
            }
            div {
                (duties(frame, &case.duties))
                (steps(frame, case))
                (case_acts::view(frame, case, policy))
            }
        }
        p.small { a href={ "/cases/" (summary.case) "/watchers" } { (frame.t("谁能看到本案，为什么", "Who can see this case, and why")) } }
    };
    frame.page(&format!("{} {}", summary.number, frame.t(&summary.title_zh, &summary.title)), false, &content)
}

fn head(frame: &Frame, case: &CaseWhole) -> Markup {
    let summary = &case.detail.summary;
    html! {
        div.sheet { dl.facts {
            dt { (frame.t("环节", "Stage")) }
            dd { (frame.t(&summary.stage_title_zh, &summary.stage_title)) @if summary.closed { " " (Urgency::Done.mark(frame.language)) } }
            dt { (frame.t("类别", "Kind")) } dd { (frame.t(&summary.kind_title_zh, &summary.kind_title)) " · " (severity(frame, summary)) }
            dt { (frame.t("单位", "Unit")) } dd { (frame.unit(&summary.unit)) }
            dt { (frame.t("渠道", "Channel")) } dd { (frame.channel(&summary.channel)) }
            dt { (frame.t("收到", "Received")) } dd { (frame.time(summary.received_at)) }
            dt { (frame.t("承办人", "Handler")) } dd { (summary.handler.as_deref().map_or_else(|| frame.t("尚未指定", "nobody yet").to_owned(), |person| frame.name(person))) }
            @if summary.returns > 0 {
                dt { (frame.t("退回", "Returned")) } dd { (summary.returns) (frame.t(" 次", if summary.returns == 1 { " time" } else { " times" })) }
            }
            @for link in case.detail.links.iter().filter(|link| link.sort != "carries") {
                dt { (link_word(frame, &link.sort)) } dd { a href={ "/cases/" (link.other) } { (link.number) } }
            }
            (carried::facts(frame, case))
            @for reason in &case.detail.reasons {
                dt { (frame.t("判定", "Judged")) }
                dd { (frame.t(&reason.text_zh, &reason.text)) (frame.by_article(reason.article.as_deref())) }
            }
            @for record in &case.records { dt { (frame.t("档案", "Record")) } dd { a href={ "/records/" (record.record) } { (record.index_number) } } }
        } }
    }
}

fn link_word<'a>(frame: &Frame, sort: &'a str) -> &'a str {
    match sort {
        "repeats" | "repeated_by" => frame.language.pick("同一事项", "Same matter"),
        "merged_into" => frame.language.pick("并入", "Merged into"),
        "merged" => frame.language.pick("并来", "Merged from"),
        "carried_by" => frame.language.pick("主案", "Master case"),
        "follows" => frame.language.pick("补充", "Follows"),
        "followed_by" => frame.language.pick("后续补充", "Followed by"),
        other => other,
    }
}

/// What was filled in since: the fields of the steps, and those of the report that were put right.
fn recorded(frame: &Frame, case: &CaseWhole, kind: Option<&Kind>) -> Markup {
    let sent = |name: &str| case.detail.report.as_ref().and_then(|report| report.fields.get(name));
    let fields: Vec<_> = case.detail.fields.iter().filter(|(name, value)| sent(name) != Some(value)).collect();
    html! {
        @if !fields.is_empty() {
            div.sheet {
                h2 { (frame.t("办理情况", "What was recorded")) }
                dl.facts { @for (name, value) in fields { (field_row(frame, kind, name, value)) } }
            }
        }
    }
}

/// A field under the name that its kind gives it.
fn field_row(frame: &Frame, kind: Option<&Kind>, name: &str, value: &Value) -> Markup {
    let field = kind.and_then(|kind| kind.field(name));
    let in_words = |value: &Value| -> String {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let choice = field.and_then(|field| field.choices.iter().find(|choice| choice.value == text));
        choice.map_or(text, |choice| frame.t(&choice.title.zh, &choice.title.en).to_owned())
    };
    let shown = match (value, field.map(|field| field.sort)) {
        (Value::Array(values), _) => values.iter().map(in_words).collect::<Vec<_>>().join(frame.t("、", ", ")),
        (Value::Bool(yes), _) => if *yes { frame.t("是", "yes") } else { frame.t("否", "no") }.to_owned(),
        (Value::String(person), Some(FieldSort::Person)) => frame.name(person).to_owned(),
        (Value::String(unit), Some(FieldSort::Unit)) => frame.unit(unit).to_owned(),
        _ => in_words(value),
    };
    html! { dt { (field.map_or(name, |field| frame.t(&field.title.zh, &field.title.en))) } dd.said { (shown) } }
}

/// A report as it was sent; fields under the names that its kind gives them.
pub fn report_text(frame: &Frame, report: &Report, kind: Option<&Kind>) -> Markup {
    html! {
        div.sheet {
            @if let Some(subject) = &report.subject { h2 { (subject) } }
            @if let Some(text) = &report.text { p.said { (text) } }
            dl.facts {
                @if report.reporter.anonymous { dt { (frame.t("来件人", "From")) } dd { (frame.t("匿名", "anonymous")) } }
                @if let Some(name) = &report.reporter.name { dt { (frame.t("来件人", "From")) } dd { (name) } }
                @if let Some(phone) = &report.reporter.phone { dt { (frame.t("电话", "Telephone")) } dd { (phone) } }
                @if let Some(email) = &report.reporter.email { dt { (frame.t("邮箱", "Email")) } dd { (email) } }
                @if let Some(at) = report.occurred_at { dt { (frame.t("发生", "Happened")) } dd { (frame.time(at)) } }
                @for (name, value) in &report.fields { (field_row(frame, kind, name, value)) }
                @for attachment in &report.attachments { dt { (frame.t("附件", "Attachment")) } dd { (attachment.name) " " span.soft { (attachment.reference) } } }
            }
        }
    }
}

/// What happened, oldest first.
pub fn timeline(frame: &Frame, entries: &[TimelineEntry]) -> Markup {
    html! {
        ol.timeline { @for entry in entries {
            li.alert[entry.event.starts_with("alert.")].breached[entry.event == "duty.breached"] {
                (frame.time(entry.at))
                (frame.t(&entry.text_zh, &entry.text))
                (frame.by_article(entry.article.as_deref()))
                @if !entry.by.is_empty() { " " span.soft { "— " (frame.name(&entry.by)) } }
                @if let Some(note) = &entry.note { p.sheet.said { (note) } }
            }
        } }
    }
}

/// What runs comes first, the nearest due on top; then what is settled.
fn duties(frame: &Frame, duties: &[DutyEvent]) -> Markup {
    let mut duties: Vec<&DutyEvent> = duties.iter().collect();
    duties.sort_by_key(|duty| (!matches!(duty.state.as_str(), "pending" | "due_soon" | "breached"), duty.due_at));
    html! {
        h2 { (frame.t("时限", "Clocks")) }
        @if duties.is_empty() { p.soft { (frame.t("没有进行中的时限。", "No clock runs.")) } }
        ul.cards { @for duty in &duties {
            @let urgency = Urgency::of_duty(&duty.state);
            li class={ "card " (urgency.class()) } {
                div.row { (urgency.mark(frame.language)) @if duty.trial { (on_trial(frame)) } span.small.soft { (frame.t("第", "Article ")) (duty.article) (frame.t("条", "")) } }
                h2 { a href={ "/duties/" (duty.duty) } { (frame.t(&duty.title_zh, &duty.title)) } }
                p.small { (frame.due(duty.due_at)) }
            }
        } }
    }
}

fn steps(frame: &Frame, case: &CaseWhole) -> Markup {
    html! {
        h2 { (frame.t("下一步", "Next steps")) }
        // What one may do comes before what one may not, and why not.
        @let (refused, offered): (Vec<_>, Vec<_>) = case.detail.steps.iter().partition(|step| step.refused.is_some());
        @for step in offered.into_iter().chain(refused) { (step_form(frame, case, step)) }
        @if case.detail.steps.is_empty() { p.soft { (frame.t("没有可进行的步骤。", "There is no step to take.")) } }
    }
}

/// Hidden fields of a form that acts: CSRF, a request id for this showing, the version that the reader saw.
pub fn acting(frame: &Frame, case: &CaseWhole) -> Markup {
    html! {
        (frame.csrf())
        input type="hidden" name="request" value=(duban_contracts::ids::fresh());
        input type="hidden" name="version" value=(case.detail.summary.version);
        input type="hidden" name="case" value=(case.detail.summary.case);
    }
}

fn step_form(frame: &Frame, case: &CaseWhole, step: &PermittedStep) -> Markup {
    let title = frame.t(&step.title_zh, &step.title);
    let refused = step.refused_zh.as_deref().zip(step.refused.as_deref()).map(|(zh, en)| frame.t(zh, en));
    html! {
        @if let Some(why) = refused {
            // Most reasons name the step themselves.
            p.small.soft { @if !why.contains(title) { (title) (frame.t("：", ": ")) } (why) }
        } @else {
            details.sheet open[step.requires.is_empty()] {
                summary { (title) (frame.by_article(step.article.as_deref())) }
                form method="post" action={ "/cases/" (case.detail.summary.case) "/act" } {
                    (acting(frame, case))
                    input type="hidden" name="do" value="step";
                    input type="hidden" name="name" value=(step.name);
                    @for field in &step.requires {
                        // Why it is returned is said each time.
                        @let standing = case.detail.fields.get(&field.name).filter(|_| step.sort != "return");
                        @let given = standing.map(chosen::as_typed).unwrap_or_default();
                        (chosen::field(frame, &step.name, field, &given))
                    }
                    label { (frame.t("说明（可不填）", "Note (optional)")) input name="note"; }
                    p { button type="submit" { (title) } }
                }
            }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Told {
    told: Option<String>,
}

/// `GET /cases/{case}`
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(case): Path<Uuid>,
    Query(told): Query<Told>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/cases/{case}"));
    let told = told.told.is_some().then(|| frame.t("已保存。", "Done."));
    let whole = app.services.case_whole(&viewer, &CaseShowRequest { case: Some(case), number: None }).await;
    let policy = app.policy().ok();
    respond::page(&frame, whole.map(|whole| view(&frame, &whole, policy.as_ref().map(|(_, policy)| &**policy), told, None)))
}

/// `POST /cases/{case}/act`: every form of the page. A refusal shows the page again with its reason.
pub async fn act(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(case): Path<Uuid>,
    SignedForm(form): SignedForm<Vec<(String, String)>>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/cases/{case}"));
    let done = async {
        let Acting { request, version, act, on } = case_acts::read_form(&app, &viewer, &Form(&form)).await?;
        app.services.case_act(&viewer, request, version, &CaseActRequest { case: on.unwrap_or(case), act }).await
    };
    let why = match done.await {
        Ok(_) => return Redirect::to(&format!("/cases/{case}?told=done")).into_response(),
        Err(why) => why,
    };
    let whole = app.services.case_whole(&viewer, &CaseShowRequest { case: Some(case), number: None }).await;
    match whole {
        Ok(whole) => {
            let policy = app.policy().ok();
            let policy = policy.as_ref().map(|(_, policy)| &**policy);
            let wrong = respond::in_words(&frame, &why);
            (respond::status(&why), view(&frame, &whole, policy, None, Some(&wrong))).into_response()
        }
        Err(_) => respond::problem(&frame, &why),
    }
}
