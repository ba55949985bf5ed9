//! The public form: anybody may send a report. Its idempotency key stands in a hidden field, so that sending twice makes one case.

use super::frame::Frame;
use super::respond;
use crate::App;
use crate::viewer::{ClientAddress, MaybeViewer, OpenForm, Speaks};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use duban_contracts::problem::FieldError;
use duban_contracts::report::Accepted;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

/// What was typed, kept when the form comes back with errors.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct Typed {
    pub key: String,
    pub unit: String,
    pub kind: String,
    pub subject: String,
    pub text: String,
    pub name: String,
    pub phone: String,
    pub email: String,
    pub anonymous: Option<String>,
    pub follows: String,
}

/// A choice of the form: value and what is shown.
pub type Choices = [(String, String)];

pub fn view(frame: &Frame, typed: &Typed, units: &Choices, errors: &[FieldError], failed: Option<&str>) -> Markup {
    let content = html! {
        p { (frame.t("请说明发生了什么。提交后您会得到一个查询码，可随时查询处理进度。",
            "Tell us what happened. You get a tracking code with which you can see how it goes.")) }
        @if let Some(failed) = failed { div.notice.bad role="alert" { (failed) } }
        @if !errors.is_empty() { div.notice.bad role="alert" { (frame.t("有内容需要修改，见下方标出的各项。", "Some of it needs changing; see the fields below.")) } }
        form.sheet method="post" action="/report" {
            input type="hidden" name="key" value=(typed.key);
            (field(frame, errors, "/subject", "subject", frame.t("主题", "Subject"), &html! { input #subject name="subject" maxlength="200" value=(typed.subject) aria-invalid=[invalid(errors, "/subject")]; }))
            (field(frame, errors, "/text", "text", frame.t("经过", "What happened"), &html! { textarea #text name="text" maxlength="20000" aria-invalid=[invalid(errors, "/text")] { (typed.text) } }))
            @if !units.is_empty() {
                (field(frame, errors, "/unit", "unit", frame.t("涉及的单位", "Which of our units"), &html! {
                    select #unit name="unit" { option value="" { (frame.t("不清楚", "I do not know")) } @for (value, shown) in units { option value=(value) selected[*value == typed.unit] { (shown) } } }
                }))
            }
            fieldset {
                legend { (frame.t("联系方式（便于答复您）", "How to reach you (so that we can answer)")) }
                label { input type="checkbox" name="anonymous" value="yes" checked[typed.anonymous.is_some()]; (frame.t("匿名提交", "Stay anonymous")) }
                (field(frame, errors, "/reporter/name", "name", frame.t("姓名", "Name"), &html! { input #name name="name" autocomplete="name" value=(typed.name); }))
                (field(frame, errors, "/reporter/phone", "phone", frame.t("电话", "Telephone"), &html! { input #phone name="phone" type="tel" autocomplete="tel" value=(typed.phone) aria-invalid=[invalid(errors, "/reporter/phone")]; }))
                (field(frame, errors, "/reporter/email", "email", frame.t("邮箱", "Email"), &html! { input #email name="email" type="email" autocomplete="email" value=(typed.email) aria-invalid=[invalid(errors, "/reporter/email")]; }))
            }
            (field(frame, errors, "/follows", "follows", frame.t("补充以前的来件（查询码，可不填）", "Adds to an earlier report (its tracking code, optional)"),
                &html! { input #follows name="follows" value=(typed.follows) aria-invalid=[invalid(errors, "/follows")]; }))
            p { button.big type="submit" { (frame.t("提交来件", "Send the report")) } }
        }
    };
    frame.page(frame.t("提交来件", "Send a report"), true, &content)
}

fn invalid(errors: &[FieldError], pointer: &str) -> Option<&'static str> {
    errors.iter().any(|e| e.field == pointer).then_some("true")
}

fn field(_frame: &Frame, errors: &[FieldError], pointer: &str, id: &str, title: &str, input: &Markup) -> Markup {
    html! {
        label for=(id) { (title) }
        (input)
        @for error in errors.iter().filter(|e| e.field == pointer) { p.wrong { (error.wrong) " " (error.expected) } }
    }
}

/// After sending: the code, large, to be written down.
pub fn sent(frame: &Frame, accepted: &Accepted) -> Markup {
    let content = html! {
        div.notice role="status" { (frame.t("已收到您的来件。", "Your report has been received.")) }
        div.sheet {
            p { (frame.t("查询码，请记下：", "Your tracking code; please note it down:")) }
            p.code { (accepted.tracking_code) }
            @for warning in &accepted.warnings { p.small.soft { (frame.t(&warning.message_zh, &warning.message)) } }
            p { a.button href={ "/track?code=" (accepted.tracking_code) } { (frame.t("查询进度", "See how it goes")) } }
        }
    };
    frame.page(frame.t("提交成功", "Thank you"), true, &content)
}

/// `GET /report`
pub async fn show(State(app): State<App>, Speaks(language): Speaks, viewer: MaybeViewer) -> Response {
    let frame = respond::frame(&app, viewer.0.as_ref(), language, "/report");
    let typed = Typed { key: crate::acceptance::form_key(), ..Typed::default() };
    view(&frame, &typed, &units(&app, &frame), &[], None).into_response()
}

/// `POST /report`: the same way in as the API's.
pub async fn submit(
    State(app): State<App>,
    Speaks(language): Speaks,
    viewer: MaybeViewer,
    ClientAddress(address): ClientAddress,
    OpenForm(typed): OpenForm<Typed>,
) -> Response {
    let frame = respond::frame(&app, viewer.0.as_ref(), language, "/report");
    let accepted = match app.limits.public_form(address) {
        Ok(()) => app.acceptance.submit_form(&typed.key, body(&typed)).await,
        Err(why) => Err(why),
    };
    match accepted {
        Ok(accepted) => sent(&frame, &accepted).into_response(),
        Err(why) => {
            let status = StatusCode::from_u16(why.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let failed = why.errors.is_empty().then(|| frame.t(&why.title_zh, &why.title));
            (status, view(&frame, &typed, &units(&app, &frame), &why.errors, failed)).into_response()
        }
    }
}

/// The form as a report. An empty field is one not given.
fn body(typed: &Typed) -> Value {
    let given = |text: &str| (!text.trim().is_empty()).then(|| Value::String(text.trim().to_owned()));
    let mut report = Map::new();
    report.insert("channel".to_owned(), json!("web"));
    for (name, text) in
        [("kind", &typed.kind), ("unit", &typed.unit), ("subject", &typed.subject), ("text", &typed.text), ("follows", &typed.follows)]
    {
        if let Some(value) = given(text) {
            report.insert(name.to_owned(), value);
        }
    }
    let mut reporter = Map::new();
    if typed.anonymous.is_some() {
        reporter.insert("anonymous".to_owned(), json!(true));
    } else {
        for (name, text) in [("name", &typed.name), ("phone", &typed.phone), ("email", &typed.email)] {
            if let Some(value) = given(text) {
                reporter.insert(name.to_owned(), value);
            }
        }
    }
    if !reporter.is_empty() {
        report.insert("reporter".to_owned(), Value::Object(reporter));
    }
    Value::Object(report)
}

/// Units that a pack is bound to, as the public knows them. Without a directory the form offers none and reports go to the form's own unit.
fn units(app: &App, frame: &Frame) -> Vec<(String, String)> {
    let Ok(directory) = app.directory() else { return Vec::new() };
    directory.units().map(|unit| (unit.code.clone(), frame.t(&unit.title.zh, &unit.title.en).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anonymous_form_sends_no_name_even_if_one_was_typed() {
        let typed = Typed { subject: " 噪音 ".into(), name: "王五".into(), anonymous: Some("yes".into()), ..Typed::default() };
        assert_eq!(body(&typed), json!({ "channel": "web", "subject": "噪音", "reporter": { "anonymous": true } }));
    }
}
