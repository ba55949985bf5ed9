//! A report that was accepted and could not be registered: why, what it says, and what becomes of it. It is admitted, with its kind, unit
//! and fields put right where need be, or dismissed with a reason.

use super::case::report_text;
use super::chosen::{self, Chooser};
use super::frame::Frame;
use super::respond;
use crate::App;
use crate::viewer::{PageViewer, SignedForm, Speaks};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::case::RejectedAct;
use duban_contracts::report::{RejectedDetail, Report};
use duban_contracts::{Problem, both};
use duban_policy::Policy;
use duban_policy::policy::{Kind, check_fields};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use uuid::Uuid;

/// What the report is to be admitted as.
struct Correction {
    unit: String,
    /// Empty: whatever the pack takes a report without a kind as.
    kind: String,
    /// As they stand in the inputs, by id.
    fields: Map<String, Value>,
    reason: String,
}

impl Correction {
    /// As the report stands, but for the unit and the kind that were chosen. Its fields by the ids that the kind declares; what a kind does
    /// not know stays with the report and is not shown.
    fn of(report: &Report, unit: &str, choosing: &Choosing, policy: Option<&Policy>, at: duban_contracts::Timestamp) -> Self {
        let unit = choosing.unit.clone().filter(|unit| !unit.is_empty()).unwrap_or_else(|| unit.to_owned());
        let word = choosing.kind.clone().or_else(|| report.kind.clone()).unwrap_or_default();
        let kind = policy.and_then(|policy| kind_called(policy, &unit, &word, at));
        let fields = kind.map(|kind| known_fields(kind, &report.fields)).unwrap_or_default();
        Self { unit, kind: kind.map_or(word, |kind| kind.id.clone()), fields, reason: String::new() }
    }
}

fn kind_called<'p>(policy: &'p Policy, unit: &str, word: &str, at: duban_contracts::Timestamp) -> Option<&'p Kind> {
    policy.kinds_of(unit, at).into_iter().find(|kind| !kind.unsorted && kind.is_called(word))
}

/// The report's fields that a kind declares: in normal form, or as they were sent where they do not fit.
fn known_fields(kind: &Kind, sent: &Map<String, Value>) -> Map<String, Value> {
    let (mut known, bad) = check_fields(&kind.fields, sent);
    for bad in bad {
        if let (Some(id), Some(value)) = (bad.id, sent.get(&bad.name)) {
            known.insert(id, value.clone());
        }
    }
    known
}

/// The report put right; None where nothing is.
fn corrected(report: &Report, unit: &str, correction: &Correction, kind: Option<&Kind>) -> Option<Box<Report>> {
    let mut fields = report.fields.clone();
    if let Some(kind) = kind {
        // What this kind declares is as the form says; what it does not know is kept.
        let (_, bad) = check_fields(&kind.fields, &report.fields);
        fields.retain(|name, _| bad.iter().any(|bad| bad.id.is_none() && bad.name == *name));
        fields.extend(correction.fields.clone());
        if fields_equal(&known_fields(kind, &report.fields), &correction.fields) {
            fields.clone_from(&report.fields);
        }
    }
    let same_kind = match (&report.kind, kind) {
        (Some(word), Some(kind)) => kind.is_called(word),
        (Some(word), None) => *word == correction.kind,
        (None, _) => correction.kind.is_empty(),
    };
    let mut right = Report { fields, ..report.clone() };
    if !same_kind {
        right.kind = Some(correction.kind.clone()).filter(|kind| !kind.is_empty());
    }
    if correction.unit != unit {
        right.unit = Some(correction.unit.clone());
    }
    (right != *report).then(|| Box::new(right))
}

/// Whether the inputs were left as they were shown: texts are compared, for inputs know no other sort.
fn fields_equal(known: &Map<String, Value>, typed: &Map<String, Value>) -> bool {
    let texts = |fields: &Map<String, Value>| -> Vec<(String, String)> {
        let mut texts: Vec<_> = fields.iter().map(|(name, value)| (name.clone(), chosen::as_typed(value))).collect();
        texts.sort();
        texts
    };
    texts(known) == texts(typed)
}

fn view(frame: &Frame, detail: &RejectedDetail, correcting: Option<(&Correction, &[&Kind])>, said: &Said<'_>) -> Markup {
    let content = html! {
        @if let Some(told) = said.told { div.notice role="status" { (told) } }
        @if let Some(wrong) = &said.wrong { div.notice.bad role="alert" { (wrong) } }
        div.notice.bad { (respond::in_words(frame, &detail.problem)) }
        (facts(frame, detail))
        @match &detail.report {
            Some(report) => { h2 { (frame.t("来件内容", "What it says")) } (report_text(frame, report, None)) },
            None => { p.soft { (frame.t("来件内容已按期清除，或您无权查看个人信息。", "Its text has been erased, or you may not see personal text.")) } },
        }
        @if detail.state == "open" {
            (admitting(frame, detail, correcting, &said.reason))
            (dismissing(frame, detail))
        }
        p { a.button.plain href="/dead#rejected" { (frame.t("返回", "Back")) } }
    };
    frame.page(frame.t("未能登记的来件", "A report that could not be registered"), false, &content)
}

/// What the page says besides.
#[derive(Default)]
struct Said<'a> {
    told: Option<&'a str>,
    wrong: Option<String>,
    reason: String,
}

fn facts(frame: &Frame, detail: &RejectedDetail) -> Markup {
    html! {
        div.sheet { dl.facts {
            dt { (frame.t("状态", "State")) } dd { (state(frame, &detail.state)) }
            dt { (frame.t("单位", "Unit")) } dd { (frame.unit(&detail.unit)) }
            dt { (frame.t("接入方", "Producer")) } dd { (detail.producer) " · " (frame.channel(&detail.channel)) }
            dt { (frame.t("收到", "Received")) } dd { (frame.time(detail.received_at)) }
            dt { (frame.t("退回", "Rejected")) } dd { (frame.time(detail.rejected_at)) }
            @if let Some(by) = &detail.decided_by {
                dt { (frame.t("处理人", "Decided by")) }
                dd { (frame.name(by)) @if let Some(at) = detail.decided_at { " " (frame.time(at)) } }
            }
            @if let Some(case) = detail.case { dt { (frame.t("案件", "Case")) } dd { a href={ "/cases/" (case) } { (frame.t("打开案件", "Open the case")) } } }
        } }
    }
}

fn acting(frame: &Frame, detail: &RejectedDetail, act: &str) -> Markup {
    html! {
        (frame.csrf())
        input type="hidden" name="request" value=(duban_contracts::ids::fresh());
        input type="hidden" name="version" value=(detail.version);
        input type="hidden" name="do" value=(act);
    }
}

fn admitting(frame: &Frame, detail: &RejectedDetail, correcting: Option<(&Correction, &[&Kind])>, reason: &str) -> Markup {
    let action = format!("/rejected/{}", detail.rejected);
    html! {
        h2 { (frame.t("受理", "Admit it")) }
        @if let Some((correction, kinds)) = correcting {
            form.filters method="get" action=(action) {
                div { label for="choose-unit" { (frame.t("单位", "Unit")) }
                    (chosen::unit(frame, &Chooser { id: "choose-unit", name: "unit", value: &correction.unit, empty: None })) }
                div { label for="choose-kind" { (frame.t("类别", "Kind")) }
                    (chosen::select(&Chooser { id: "choose-kind", name: "kind", value: &correction.kind, empty: Some(frame.t("由制度确定", "as the pack decides")) },
                        &chosen::kinds(frame, kinds.iter().copied()))) }
                div { button.plain type="submit" { (frame.t("换用此单位和类别", "Use this unit and kind")) } }
            }
        }
        form.sheet method="post" action=(action) {
            (acting(frame, detail, "admit"))
            @if let Some((correction, kinds)) = correcting {
                @let kind = kinds.iter().find(|kind| kind.id == correction.kind);
                input type="hidden" name="unit" value=(correction.unit);
                input type="hidden" name="kind" value=(correction.kind);
                p { (frame.t("将受理为：", "It will be admitted as: ")) (frame.unit(&correction.unit)) " · "
                    (kind.map_or(if correction.kind.is_empty() { frame.t("由制度确定的类别", "the kind that the pack decides") } else { &correction.kind },
                        |kind| frame.t(&kind.title.zh, &kind.title.en))) }
                @for field in kind.map(|kind| kind.fields.as_slice()).unwrap_or_default() {
                    @let value = correction.fields.get(&field.id).map(chosen::as_typed).unwrap_or_default();
                    (chosen::field(frame, "admit", &chosen::spec(field), &value))
                }
            }
            label for="admit-reason" { (frame.t("理由", "Reason")) } input #admit-reason name="reason" value=(reason) required;
            p { button type="submit" { (frame.t("作为新来件受理", "Admit as a new report")) } }
        }
    }
}

fn dismissing(frame: &Frame, detail: &RejectedDetail) -> Markup {
    html! {
        h2 { (frame.t("不予受理", "Dismiss it")) }
        form.sheet method="post" action={ "/rejected/" (detail.rejected) } {
            (acting(frame, detail, "dismiss"))
            label for="dismiss-reason" { (frame.t("理由", "Reason")) } input #dismiss-reason name="reason" required;
            p { button.plain type="submit" { (frame.t("不予受理", "Dismiss")) } }
        }
    }
}

/// A rejected report's state in words.
pub fn state<'a>(frame: &Frame, state: &'a str) -> &'a str {
    match state {
        "open" => frame.language.pick("待处理", "Open"),
        "admitted" => frame.language.pick("已受理", "Admitted"),
        "dismissed" => frame.language.pick("不予受理", "Dismissed"),
        other => other,
    }
}

/// The unit and kind to be used, before anything is decided.
#[derive(Debug, Default, Deserialize)]
pub struct Choosing {
    unit: Option<String>,
    kind: Option<String>,
    told: Option<String>,
}

/// `GET /rejected/{rejected}`
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(rejected): Path<Uuid>,
    Query(choosing): Query<Choosing>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/rejected/{rejected}"));
    let detail = app.services.rejected_show(&viewer, rejected).await;
    let said = Said { told: choosing.told.is_some().then(|| frame.t("已处理。", "Done.")), ..Said::default() };
    respond::page(&frame, detail.map(|detail| shown(&app, &frame, &detail, &choosing, &said)))
}

fn shown(app: &App, frame: &Frame, detail: &RejectedDetail, choosing: &Choosing, said: &Said<'_>) -> Markup {
    let policy = policy(app);
    let Some(report) = &detail.report else { return view(frame, detail, None, said) };
    let correction = Correction::of(report, &detail.unit, choosing, policy.as_deref(), detail.received_at);
    with_kinds(frame, detail, &correction, policy.as_deref(), said)
}

fn with_kinds(frame: &Frame, detail: &RejectedDetail, correction: &Correction, policy: Option<&Policy>, said: &Said<'_>) -> Markup {
    let mut kinds = policy.map(|policy| policy.kinds_of(&correction.unit, detail.received_at)).unwrap_or_default();
    kinds.retain(|kind| !kind.unsorted);
    view(frame, detail, Some((correction, &kinds)), said)
}

fn policy(app: &App) -> Option<Arc<Policy>> {
    app.policy().ok().map(|(_, policy)| policy)
}

/// The form of either decision.
struct Deciding {
    request: Uuid,
    version: Option<i64>,
    admits: bool,
    correction: Correction,
}

fn read_form(pairs: &[(String, String)]) -> Result<Deciding, Problem> {
    let text = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
    let admits = match text("do").as_str() {
        "admit" => true,
        "dismiss" => false,
        _ => return Err(Problem::malformed(both("请选择受理或不予受理", "do is admit or dismiss"))),
    };
    let fields = chosen::given(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(Deciding {
        request: text("request").parse().map_err(|_| Problem::malformed(both("表单编号有误，请刷新页面后重试", "request is not an id")))?,
        version: text("version").parse().ok(),
        admits,
        correction: Correction { unit: text("unit"), kind: text("kind"), fields, reason: text("reason") },
    })
}

/// `POST /rejected/{rejected}`: admits it, put right where need be, or dismisses it. A refusal shows the page again with what was typed.
pub async fn decide(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(rejected): Path<Uuid>,
    SignedForm(pairs): SignedForm<Vec<(String, String)>>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/rejected/{rejected}"));
    let read = async { Ok((read_form(&pairs)?, app.services.rejected_show(&viewer, rejected).await?)) };
    let (deciding, detail) = match read.await {
        Ok(read) => read,
        Err(why) => return respond::problem(&frame, &why),
    };
    let act = act(&detail, &deciding, policy(&app).as_deref());
    match app.services.rejected_act(&viewer, deciding.request, deciding.version, &act).await {
        Ok(_) => Redirect::to(&format!("/rejected/{rejected}?told=done")).into_response(),
        Err(why) => {
            let said = Said { wrong: Some(respond::in_words(&frame, &why)), reason: deciding.correction.reason.clone(), ..Said::default() };
            let again = match detail.report.is_some() && !deciding.correction.unit.is_empty() {
                true => with_kinds(&frame, &detail, &deciding.correction, policy(&app).as_deref(), &said),
                false => shown(&app, &frame, &detail, &Choosing::default(), &said),
            };
            (respond::status(&why), again).into_response()
        }
    }
}

fn act(detail: &RejectedDetail, deciding: &Deciding, policy: Option<&Policy>) -> RejectedAct {
    let (rejected, correction) = (detail.rejected, &deciding.correction);
    let reason = correction.reason.clone();
    if !deciding.admits {
        return RejectedAct::Dismiss { rejected, reason };
    }
    // Who may not see the text has no form to put it right: it is admitted as it came.
    let report = detail.report.as_ref().filter(|_| !correction.unit.is_empty());
    let kind = policy.and_then(|policy| kind_called(policy, &correction.unit, &correction.kind, detail.received_at));
    let corrected = report.and_then(|report| corrected(report, &detail.unit, correction, kind));
    RejectedAct::Admit { rejected, corrected, reason }
}
