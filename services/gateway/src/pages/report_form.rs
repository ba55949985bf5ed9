//! The public form: anybody may send a report. Its idempotency key stands in a hidden field, so that sending twice makes one case.

use super::chosen::{self, Chooser, Shown};
use super::frame::Frame;
use super::respond;
use crate::App;
use crate::viewer::{ClientAddress, MaybeViewer, OpenForm, Speaks, Viewer, csrf_is_right};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use duban_contracts::identity::IdentityKeys;
use duban_contracts::problem::{FieldError, Problem, both};
use duban_contracts::report::Accepted;
use duban_policy::Policy;
use duban_policy::directory::{Directory, Right, Unit};
use duban_policy::policy::{Field, Kind};
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What was typed, kept when the form comes back with errors.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub csrf: String,
    pub key: String,
    pub unit: String,
    pub kind: String,
    pub fields: Map<String, Value>,
    pub subject: String,
    pub text: String,
    pub name: String,
    pub phone: String,
    pub email: String,
    pub anonymous: bool,
    pub follows: String,
    /// The form is to be shown again for the unit and kind that were chosen; nothing is sent yet.
    pub choosing: bool,
}

impl Typed {
    fn read(pairs: &[(String, String)]) -> Self {
        let text = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default();
        Self {
            csrf: text("csrf"),
            key: text("key"),
            unit: text("unit"),
            kind: text("kind"),
            fields: chosen::given(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            subject: text("subject"),
            text: text("text"),
            name: text("name"),
            phone: text("phone"),
            email: text("email"),
            anonymous: !text("anonymous").is_empty(),
            follows: text("follows"),
            choosing: !text("choose").is_empty(),
        }
    }
}

/// What the form offers, to whoever fills it.
#[derive(Default)]
pub struct Offer<'p> {
    pub units: Vec<Shown>,
    /// Kinds of the chosen unit.
    pub kinds: Vec<&'p Kind>,
    /// The reader takes in reports: he is offered what the public is not.
    pub by_hand: bool,
}

impl Offer<'_> {
    fn kind(&self, id: &str) -> Option<&Kind> {
        self.kinds.iter().copied().find(|kind| kind.id == id)
    }

    /// The fields that the form asks for, once a kind is chosen.
    fn fields(&self, kind: &str) -> impl Iterator<Item = &Field> {
        let fields = self.kind(kind).map(|kind| kind.fields.as_slice()).unwrap_or_default();
        fields.iter().filter(|field| self.by_hand || field.public)
    }
}

pub fn view(frame: &Frame, typed: &Typed, offer: &Offer<'_>, errors: &[FieldError], failed: Option<&str>) -> Markup {
    let content = html! {
        p { (frame.t("请说明发生了什么。提交后您会得到一个查询码，可随时查询处理进度。",
            "Tell us what happened. You get a tracking code with which you can check progress.")) }
        @if let Some(failed) = failed { div.notice.bad role="alert" { (failed) } }
        @if !errors.is_empty() { div.notice.bad role="alert" { (frame.t("有内容需要修改，见下方标出的各项。", "Some of it needs changing; see the fields below.")) } }
        form.sheet method="post" action="/report" {
            (frame.csrf())
            input type="hidden" name="key" value=(typed.key);
            @if !offer.units.is_empty() { (matter(frame, typed, offer, errors)) }
            (field(frame, errors, "/subject", "subject", frame.t("主题", "Subject"), &html! { input #subject name="subject" maxlength="200" value=(typed.subject) aria-invalid=[invalid(errors, "/subject")]; }))
            (field(frame, errors, "/text", "text", frame.t("经过", "What happened"), &html! { textarea #text name="text" maxlength="20000" aria-invalid=[invalid(errors, "/text")] { (typed.text) } }))
            (reporter(frame, typed, errors))
            (field(frame, errors, "/follows", "follows", frame.t("补充以前反映的情况（填写查询码，可不填）", "Adds to an earlier report (its tracking code, optional)"),
                &html! { input #follows name="follows" value=(typed.follows) aria-invalid=[invalid(errors, "/follows")]; }))
            p { button.big type="submit" { (frame.t("提交", "Send")) } }
        }
    };
    frame.page(frame.t("我要反映问题", "Send a report"), true, &content)
}

/// Which unit, which kind, and what the kind asks for. Usable without script: the button shows the form again for what was chosen.
fn matter(frame: &Frame, typed: &Typed, offer: &Offer<'_>, errors: &[FieldError]) -> Markup {
    let unknown = Some(frame.t("不清楚", "I do not know"));
    let unit = chosen::select(&Chooser { id: "unit", name: "unit", value: &typed.unit, empty: unknown }, &offer.units);
    let kinds = chosen::kinds(frame, offer.kinds.iter().copied());
    let known = kinds.iter().any(|(id, _)| *id == typed.kind);
    let kind = Chooser { id: "kind", name: "kind", value: if known { &typed.kind } else { "" }, empty: unknown };
    html! {
        (field(frame, errors, "/unit", "unit", frame.t("涉及的单位", "Which of our units"), &unit))
        @if !kinds.is_empty() { (field(frame, errors, "/kind", "kind", frame.t("事项类别", "What it is about"), &chosen::select(&kind, &kinds))) }
        p { button.plain type="submit" name="choose" value="yes" formnovalidate {
            (frame.t("按所选单位和类别更新表单", "Show what this unit and kind ask for"))
        } }
        @for asked in offer.fields(&typed.kind) {
            @let value = typed.fields.get(&asked.id).map(chosen::as_typed).unwrap_or_default();
            (chosen::field(frame, "field", &chosen::spec(asked), &value))
        }
    }
}

fn reporter(frame: &Frame, typed: &Typed, errors: &[FieldError]) -> Markup {
    html! {
        fieldset {
            legend { (frame.t("联系方式（便于答复您）", "How to reach you (so that we can answer)")) }
            label { input type="checkbox" name="anonymous" value="yes" checked[typed.anonymous]; (frame.t("匿名提交", "Stay anonymous")) }
            (field(frame, errors, "/reporter/name", "name", frame.t("姓名", "Name"), &html! { input #name name="name" autocomplete="name" value=(typed.name); }))
            (field(frame, errors, "/reporter/phone", "phone", frame.t("电话", "Telephone"), &html! { input #phone name="phone" type="tel" autocomplete="tel" value=(typed.phone) aria-invalid=[invalid(errors, "/reporter/phone")]; }))
            (field(frame, errors, "/reporter/email", "email", frame.t("邮箱", "Email"), &html! { input #email name="email" type="email" autocomplete="email" value=(typed.email) aria-invalid=[invalid(errors, "/reporter/email")]; }))
        }
    }
}

fn invalid(errors: &[FieldError], pointer: &str) -> Option<&'static str> {
    errors.iter().any(|e| e.field == pointer).then_some("true")
}

fn field(frame: &Frame, errors: &[FieldError], pointer: &str, id: &str, title: &str, input: &Markup) -> Markup {
    html! {
        label for=(id) { (title) }
        (input)
        @for error in errors.iter().filter(|e| e.field == pointer) { p.wrong { (respond::at_its_field(frame, error)) } }
    }
}

/// After sending: the code, large, to be written down.
pub fn sent(frame: &Frame, accepted: &Accepted) -> Markup {
    let content = html! {
        div.notice role="status" { (frame.t("您反映的情况已收到。", "Your report has been received.")) }
        div.sheet {
            p { (frame.t("查询码，请记下：", "Your tracking code; please note it down:")) }
            p.code { (accepted.tracking_code) }
            @for warning in &accepted.warnings { p.small.soft { (frame.t(&warning.message_zh, &warning.message)) } }
            p { a.button href={ "/track?code=" (accepted.tracking_code) } { (frame.t("查询进度", "Check progress")) } }
        }
    };
    frame.page(frame.t("提交成功", "Thank you"), true, &content)
}

/// `GET /report`; `?unit=…&kind=…` opens it for a unit and a kind.
pub async fn show(
    State(app): State<App>,
    Speaks(language): Speaks,
    viewer: MaybeViewer,
    Query(asked): Query<Vec<(String, String)>>,
) -> Response {
    let frame = respond::frame(&app, viewer.0.as_ref(), language, "/report");
    let asked = Typed::read(&asked);
    let typed = Typed { key: crate::acceptance::form_key(), unit: asked.unit, kind: asked.kind, ..Typed::default() };
    let policy = app.policy().ok();
    let offer = offer(&app, &frame, policy.as_ref().map(|(_, policy)| &**policy), viewer.0.as_ref(), &typed);
    view(&frame, &typed, &offer, &[], None).into_response()
}

/// `POST /report`: the same way in as the API's.
pub async fn submit(
    State(app): State<App>,
    Speaks(language): Speaks,
    viewer: MaybeViewer,
    ClientAddress(address): ClientAddress,
    OpenForm(pairs): OpenForm<Vec<(String, String)>>,
) -> Response {
    let frame = respond::frame(&app, viewer.0.as_ref(), language, "/report");
    let typed = Typed::read(&pairs);
    let policy = app.policy().ok();
    let policy = policy.as_ref().map(|(_, policy)| &**policy);
    // A right counts only for a form that this session was given.
    let taker = viewer.0.as_ref().filter(|viewer| csrf_is_right(&typed.csrf, viewer).is_ok());
    let offer = offer(&app, &frame, policy, taker, &typed);
    if typed.choosing {
        return view(&frame, &typed, &offer, &[], None).into_response();
    }
    let channel = if offer.by_hand && policy.is_some_and(|policy| policy.channels().iter().any(|known| known.value == MANUAL)) {
        MANUAL
    } else {
        WEB
    };
    let accepted = async {
        app.limits.public_form(address)?;
        is_offered(&typed, &offer, policy)?;
        is_a_code(&typed.follows, app.acceptance.keys())?;
        app.acceptance.submit_form(&typed.key, body(&typed, &offer, channel)).await
    };
    match accepted.await {
        Ok(accepted) => sent(&frame, &accepted).into_response(),
        Err(why) => {
            let failed = why.errors.is_empty().then(|| respond::in_words(&frame, &why));
            (respond::status(&why), view(&frame, &typed, &offer, &why.errors, failed.as_deref())).into_response()
        }
    }
}

/// The channels of reports by this form: of the public, and entered by hand by who takes in reports.
const WEB: &str = "web";
const MANUAL: &str = "manual";

/// The public hands in what packs offer to it; the rest is for who takes in reports, for such reports close duties.
fn is_offered(typed: &Typed, offer: &Offer<'_>, policy: Option<&Policy>) -> Result<(), Problem> {
    if typed.kind.is_empty() || policy.is_none() || offer.kind(&typed.kind).is_some() {
        return Ok(());
    }
    Err(Problem::invalid_field(
        "/kind",
        both("该单位不受理此类事项", "This unit does not take this here"),
        both("请从列表中选择", "please choose one from the list"),
    ))
}

/// The public knows a report by its tracking code alone: another text would wait for a report that nobody has sent.
fn is_a_code(follows: &str, keys: &IdentityKeys) -> Result<(), Problem> {
    let genuine = follows.trim().parse().is_ok_and(|code| keys.is_genuine(code));
    if follows.trim().is_empty() || genuine {
        return Ok(());
    }
    Err(Problem::invalid_field(
        "/follows",
        both("这不是有效的查询码", "This is not a tracking code of ours"),
        both("请核对；不是补充以前的情况请留空", "please check it, or leave it empty"),
    ))
}

/// The form as a report. An empty field is one not given; fields that the kind does not ask for are left out.
fn body(typed: &Typed, offer: &Offer<'_>, channel: &str) -> Value {
    let given = |text: &str| (!text.trim().is_empty()).then(|| Value::String(text.trim().to_owned()));
    let mut report = Map::new();
    report.insert("channel".to_owned(), json!(channel));
    let kind = offer.kind(&typed.kind).map(|kind| kind.id.as_str()).unwrap_or_default();
    for (name, text) in
        [("kind", kind), ("unit", &typed.unit), ("subject", &typed.subject), ("text", &typed.text), ("follows", &typed.follows)]
    {
        if let Some(value) = given(text) {
            report.insert(name.to_owned(), value);
        }
    }
    let fields = offer.fields(kind).filter_map(|field| Some((field.id.clone(), typed.fields.get(&field.id)?.clone())));
    let fields: Map<String, Value> = fields.collect();
    if !fields.is_empty() {
        report.insert("fields".to_owned(), Value::Object(fields));
    }
    let mut reporter = Map::new();
    if typed.anonymous {
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

/// Units by name; those whose name stands more than once with what they belong to.
fn units(frame: &Frame, directory: &Directory) -> Vec<Shown> {
    let title = |unit: &Unit| frame.t(&unit.title.zh, &unit.title.en).to_owned();
    let mut times: HashMap<String, usize> = HashMap::new();
    directory.units().for_each(|unit| *times.entry(title(unit)).or_default() += 1);
    let named = |unit: &Unit| {
        let own = title(unit);
        let above = unit.parent.as_deref().and_then(|parent| directory.unit(parent)).filter(|_| times.get(&own) > Some(&1));
        match above {
            Some(above) => format!("{own}{}", frame.t(&format!("（{}）", title(above)), &format!(" ({})", title(above)))),
            None => own,
        }
    };
    directory.units().map(|unit| (unit.code.clone(), named(unit))).collect()
}

/// Units and, of the chosen one, the kinds. Without a directory the form offers no unit and reports go to the form's own.
fn offer<'p>(app: &App, frame: &Frame, policy: Option<&'p Policy>, viewer: Option<&Viewer>, typed: &Typed) -> Offer<'p> {
    let Some(directory) = &frame.directory else { return Offer::default() };
    let units = units(frame, directory);
    let unit = if typed.unit.is_empty() { app.acceptance.form_unit().unwrap_or_default() } else { typed.unit.clone() };
    let by_hand = viewer.is_some_and(|viewer| directory.may(&viewer.person, Right::Take, &unit, frame.now).is_some());
    let mut kinds = policy.map(|policy| policy.kinds_of(&unit, frame.now)).unwrap_or_default();
    kinds.retain(|kind| !kind.unsorted && (by_hand || kind.public));
    Offer { units, kinds, by_hand }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anonymous_form_sends_no_name_even_if_one_was_typed() {
        let typed = Typed { subject: " 噪音 ".into(), name: "王五".into(), anonymous: true, ..Typed::default() };
        assert_eq!(body(&typed, &Offer::default(), WEB), json!({ "channel": "web", "subject": "噪音", "reporter": { "anonymous": true } }));
    }
}
