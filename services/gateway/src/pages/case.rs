//! A case: the whole story top to bottom, its clocks, and the next permitted step.

use super::cases::severity;
use super::earlier;
use super::frame::{Frame, Urgency};
use super::respond;
use crate::App;
use crate::ask::CaseWhole;
use crate::viewer::{PageViewer, SignedForm, Speaks};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::Problem;
use duban_contracts::case::{CaseAct, CaseActRequest, CaseShowRequest, FieldSpec, PermittedStep, TimelineEntry};
use duban_contracts::duty::DutyEvent;
use duban_contracts::report::Report;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

pub fn view(frame: &Frame, case: &CaseWhole, told: Option<&str>, wrong: Option<&str>) -> Markup {
    let summary = &case.detail.summary;
    let content = html! {
        @if let Some(told) = told { div.notice role="status" { (told) } }
        @if let Some(wrong) = wrong { div.notice.bad role="alert" { (wrong) } }
        @for service in &case.unavailable {
            div.notice.bad role="alert" { (service) (frame.t(" 服务暂时没有响应，以下内容可能不全。", " does not answer just now; what stands here may be incomplete.")) }
        }
        div.columns {
            div {
                (head(frame, case))
                @if let Some(report) = &case.detail.report { (report_text(frame, report)) }
                h2 { (frame.t("经过", "What happened")) }
                (earlier::link(frame, summary.case, case.detail.earlier))
                (timeline(frame, &case.timeline))
            }
            div {
                (duties(frame, &case.duties))
                (steps(frame, case))
                (more(frame, case))
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
            dt { (frame.t("类别", "Kind")) } dd { (frame.t(&summary.kind_title_zh, &summary.kind_title)) " · " (severity(frame, &summary.severity)) }
            dt { (frame.t("单位", "Unit")) } dd { (frame.unit(&summary.unit)) }
            dt { (frame.t("渠道", "Channel")) } dd { (summary.channel) }
            dt { (frame.t("收到", "Received")) } dd { (frame.time(summary.received_at)) }
            dt { (frame.t("经办人", "Handler")) } dd { (summary.handler.as_deref().map_or_else(|| frame.t("尚未指定", "nobody yet").to_owned(), |person| frame.name(person))) }
            @for link in &case.detail.links {
                dt { (link_word(frame, &link.sort)) } dd { a href={ "/cases/" (link.other) } { (link.number) } }
            }
            @for reason in &case.detail.reasons {
                dt { (frame.t("判定", "Judged")) }
                dd { (frame.t(&reason.text_zh, &reason.text)) @if let Some(article) = &reason.article { " " span.soft { "（" (article) "）" } } }
            }
            @for record in &case.records { dt { (frame.t("档案", "Record")) } dd { a href={ "/records/" (record.record) } { (record.index_number) } } }
        } }
    }
}

fn link_word<'a>(frame: &Frame, sort: &'a str) -> &'a str {
    match sort {
        "repeats" => frame.language.pick("同一事项", "Same matter"),
        "merged_into" => frame.language.pick("并入", "Merged into"),
        "merged" => frame.language.pick("并来", "Merged from"),
        "follows" => frame.language.pick("补充", "Follows"),
        other => other,
    }
}

fn report_text(frame: &Frame, report: &Report) -> Markup {
    html! {
        div.sheet {
            @if let Some(subject) = &report.subject { h2 { (subject) } }
            @if let Some(text) = &report.text { p { (text) } }
            dl.facts {
                @if report.reporter.anonymous { dt { (frame.t("来件人", "From")) } dd { (frame.t("匿名", "anonymous")) } }
                @if let Some(name) = &report.reporter.name { dt { (frame.t("来件人", "From")) } dd { (name) } }
                @if let Some(phone) = &report.reporter.phone { dt { (frame.t("电话", "Telephone")) } dd { (phone) } }
                @if let Some(email) = &report.reporter.email { dt { (frame.t("邮箱", "Email")) } dd { (email) } }
                @for (name, value) in &report.fields { dt { (name) } dd { (value.as_str().map_or_else(|| value.to_string(), str::to_owned)) } }
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
                @if let Some(article) = &entry.article { " " span.soft.small { "（" (article) "）" } }
                @if !entry.by.is_empty() { " " span.soft { "— " (frame.name(&entry.by)) } }
                @if let Some(note) = &entry.note { p.sheet { (note) } }
            }
        } }
    }
}

fn duties(frame: &Frame, duties: &[DutyEvent]) -> Markup {
    html! {
        h2 { (frame.t("时限", "Clocks")) }
        @if duties.is_empty() { p.soft { (frame.t("没有进行中的时限。", "No clock runs.")) } }
        ul.cards { @for duty in duties {
            @let urgency = Urgency::of_duty(&duty.state);
            li.card class=(urgency.class()) {
                div.row { (urgency.mark(frame.language)) span.small.soft { (frame.t("第", "Article ")) (duty.article) (frame.t("条", "")) } }
                h2 { a href={ "/duties/" (duty.duty) } { (frame.t(&duty.title_zh, &duty.title)) } }
                p.small { (frame.time(duty.due_at)) }
            }
        } }
    }
}

fn steps(frame: &Frame, case: &CaseWhole) -> Markup {
    html! {
        h2 { (frame.t("下一步", "Next steps")) }
        @for step in &case.detail.steps { (step_form(frame, case, step)) }
        @if case.detail.steps.is_empty() { p.soft { (frame.t("没有可进行的步骤。", "There is no step to take.")) } }
    }
}

/// Hidden fields of a form that acts: CSRF, a request id for this showing, the version that the reader saw.
fn acting(frame: &Frame, case: &CaseWhole) -> Markup {
    html! {
        (frame.csrf())
        input type="hidden" name="request" value=(duban_contracts::ids::fresh());
        input type="hidden" name="version" value=(case.detail.summary.version);
    }
}

fn step_form(frame: &Frame, case: &CaseWhole, step: &PermittedStep) -> Markup {
    let title = frame.t(&step.title_zh, &step.title);
    let refused = step.refused_zh.as_deref().zip(step.refused.as_deref()).map(|(zh, en)| frame.t(zh, en));
    html! {
        @if let Some(why) = refused {
            p.small.soft { (title) "：" (why) }
        } @else {
            details.sheet open[step.requires.is_empty()] {
                summary { (title) @if let Some(article) = &step.article { " " span.soft.small { "（" (article) "）" } } }
                form method="post" action={ "/cases/" (case.detail.summary.case) "/act" } {
                    (acting(frame, case))
                    input type="hidden" name="do" value="step";
                    input type="hidden" name="name" value=(step.name);
                    @for field in &step.requires { (input(frame, &step.name, field)) }
                    label { (frame.t("说明（可不填）", "Note (optional)")) input name="note"; }
                    p { button type="submit" { (title) } }
                }
            }
        }
    }
}

fn input(frame: &Frame, step: &str, field: &FieldSpec) -> Markup {
    let id = format!("{step}-{}", field.name);
    let name = format!("field.{}", field.name);
    html! {
        label for=(id) { (frame.t(&field.title_zh, &field.title)) }
        @match field.sort.as_str() {
            "choice" => { select id=(id) name=(name) required {
                option value="" { "—" }
                @for choice in &field.choices { option value=(choice.value) { (frame.t(&choice.title_zh, &choice.title)) } }
            } },
            "date" => { input id=(id) name=(name) type="date" required; },
            "amount" | "number" => { input id=(id) name=(name) inputmode="decimal" required; },
            "phone" => { input id=(id) name=(name) type="tel" required; },
            "email" => { input id=(id) name=(name) type="email" required; },
            "text" => { textarea id=(id) name=(name) required {} },
            _ => { input id=(id) name=(name) required; },
        }
    }
}

fn more(frame: &Frame, case: &CaseWhole) -> Markup {
    let action = format!("/cases/{}/act", case.detail.summary.case);
    html! {
        h2 { (frame.t("记录与更正", "Notes and corrections")) }
        details.sheet {
            summary { (frame.t("添加记录", "Add a note")) }
            form method="post" action=(action) {
                (acting(frame, case)) input type="hidden" name="do" value="note";
                label for="note-text" { (frame.t("内容", "Text")) } textarea #note-text name="text" required {}
                p { button type="submit" { (frame.t("添加记录", "Add the note")) } }
            }
        }
        details.sheet {
            summary { (frame.t("记录给来件人的答复", "Record an answer to the reporter")) }
            form method="post" action=(action) {
                (acting(frame, case)) input type="hidden" name="do" value="answer";
                label for="answer-by" { (frame.t("方式", "By")) }
                select #answer-by name="by" { option value="phone" { (frame.t("电话", "Telephone")) } option value="letter" { (frame.t("书面", "Letter")) } option value="email" { (frame.t("邮件", "Email")) } }
                label for="answer-text" { (frame.t("答复内容", "Answer")) } textarea #answer-text name="text" required {}
                p { button type="submit" { (frame.t("保存答复", "Keep the answer")) } }
            }
        }
        details.sheet {
            summary { (frame.t("指定经办人", "Name the handler")) }
            form method="post" action=(action) {
                (acting(frame, case)) input type="hidden" name="do" value="assign";
                label for="assign-person" { (frame.t("人员代码", "Person's id")) } input #assign-person name="person" list="people" autocomplete="off" required; (people(frame))
                p { button type="submit" { (frame.t("指定经办人", "Name the handler")) } }
            }
        }
        details.sheet open[case.detail.summary.unsorted] {
            summary { (frame.t("更正类别或单位", "Correct kind or unit")) }
            form method="post" action=(action) {
                (acting(frame, case)) input type="hidden" name="do" value="correct";
                label for="correct-kind" { (frame.t("类别", "Kind")) } input #correct-kind name="kind" value=(case.detail.summary.kind);
                label for="correct-unit" { (frame.t("单位代码", "Unit code")) } input #correct-unit name="unit" value=(case.detail.summary.unit) list="units" autocomplete="off"; (units(frame))
                label for="correct-severity" { (frame.t("级别", "Severity")) } input #correct-severity name="severity" value=(case.detail.summary.severity);
                label for="correct-about" { (frame.t("被投诉人（人员代码，可不填）", "Person complained about (id, optional)")) } input #correct-about name="about_person" list="people" autocomplete="off";
                label for="correct-reason" { (frame.t("理由", "Reason")) } input #correct-reason name="reason" required;
                p { button type="submit" { (frame.t("保存更正", "Keep the correction")) } }
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
    respond::page(&frame, whole.map(|whole| view(&frame, &whole, told, None)))
}

/// `POST /cases/{case}/act`: every form of the page. A refusal shows the page again with its reason.
pub async fn act(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(case): Path<Uuid>,
    SignedForm(form): SignedForm<BTreeMap<String, String>>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/cases/{case}"));
    let done = async {
        let (request, version, act) = read_form(&form)?;
        app.services.case_act(&viewer, request, version, &CaseActRequest { case, act }).await
    };
    let why = match done.await {
        Ok(_) => return Redirect::to(&format!("/cases/{case}?told=done")).into_response(),
        Err(why) => why,
    };
    let whole = app.services.case_whole(&viewer, &CaseShowRequest { case: Some(case), number: None }).await;
    match whole {
        Ok(whole) => {
            let status = StatusCode::from_u16(why.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, view(&frame, &whole, None, Some(&in_words(&frame, &why)))).into_response()
        }
        Err(_) => respond::problem(&frame, &why),
    }
}

fn in_words(frame: &Frame, why: &Problem) -> String {
    let mut text = frame.t(&why.title_zh, &why.title).to_owned();
    if !why.detail.is_empty() {
        text.push_str(frame.t("：", ": "));
        text.push_str(&why.detail);
    }
    for error in &why.errors {
        text.push_str(&format!("{}{}: {} ({})", frame.t("；", "; "), error.field, error.wrong, error.expected));
    }
    text
}

/// The people to choose from, by name.
fn people(frame: &Frame) -> Markup {
    html! { @if let Some(directory) = &frame.directory {
        datalist #people { @for person in directory.people().filter(|person| !person.disabled) { option value=(person.id) { (person.name) } } }
    } }
}

/// The units to choose from, by title.
fn units(frame: &Frame) -> Markup {
    html! { @if let Some(directory) = &frame.directory {
        datalist #units { @for unit in directory.units() { option value=(unit.code) { (frame.t(&unit.title.zh, &unit.title.en)) } } }
    } }
}

/// Request id, expected version and act of a form.
fn read_form(form: &BTreeMap<String, String>) -> Result<(Uuid, Option<i64>, CaseAct), Problem> {
    let text = |name: &str| form.get(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
    let needed = |name: &str| text(name).ok_or_else(|| Problem::invalid_field(&format!("/{name}"), "it is empty", "a text"));
    let request = needed("request")?.parse().map_err(|_| Problem::malformed("request is not an id"))?;
    let version = text("version").and_then(|v| v.parse().ok());
    let act = match form.get("do").map(String::as_str) {
        Some("step") => CaseAct::Step { name: needed("name")?, fields: fields(form), note: text("note") },
        Some("assign") => CaseAct::Assign { person: needed("person")? },
        Some("note") => CaseAct::Note { text: needed("text")? },
        Some("answer") => CaseAct::Answer { text: needed("text")?, by: needed("by")? },
        Some("correct") => CaseAct::Correct {
            kind: text("kind"),
            unit: text("unit"),
            severity: text("severity"),
            about_person: text("about_person"),
            reason: needed("reason")?,
        },
        _ => return Err(Problem::malformed("do names no act of this page")),
    };
    Ok((request, version, act))
}

fn fields(form: &BTreeMap<String, String>) -> Map<String, Value> {
    form.iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("field.")?, value.trim())))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(members: &[(&str, &str)]) -> BTreeMap<String, String> {
        members.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_step_takes_its_fields_and_leaves_the_empty_ones() {
        let id = Uuid::from_u128(7).to_string();
        let (request, version, act) = read_form(&form(&[
            ("request", &id),
            ("version", "3"),
            ("do", "step"),
            ("name", "close"),
            ("field.cause", " 交付 "),
            ("field.loss", ""),
        ]))
        .unwrap();
        assert_eq!((request.as_u128(), version), (7, Some(3)));
        let CaseAct::Step { name, fields, note } = act else { panic!("not a step") };
        assert_eq!((name.as_str(), note), ("close", None));
        assert_eq!(Value::Object(fields), serde_json::json!({ "cause": "交付" }));
    }

    #[test]
    fn an_empty_note_names_its_field() {
        let id = Uuid::from_u128(7).to_string();
        let why = read_form(&form(&[("request", &id), ("do", "note"), ("text", " ")])).unwrap_err();
        assert_eq!(why.errors[0].field, "/text");
    }
}
