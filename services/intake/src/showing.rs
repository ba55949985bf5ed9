//! How a case is shown: titles from the policy that it is under, personal text only for who may see it.

use crate::app::App;
use crate::store::sealed;
use duban_contracts::Problem;
use duban_contracts::case::{CaseSummary, Choice, FieldSpec};
use duban_contracts::report::Report;
use duban_engine::case::Case;
use duban_engine::mask;
use duban_platform::rpc::Failed;
use duban_policy::policy::{Field, Kind};
use duban_policy::{Policy, Title};
use serde_json::Value;

/// A case as lists show it.
pub fn summary(app: &App, case: &Case, personal: bool) -> Result<CaseSummary, Failed> {
    let policy = app.platform.policies.get(case.policy);
    let kind = policy.as_deref().and_then(|policy| policy.kind(&case.pack, &case.kind));
    let kind_title = kind.map_or_else(|| Title::new(&case.kind, &case.kind), |kind| kind.title.clone());
    let severity_title = kind.and_then(|kind| kind.severity_named(&case.severity)).map(|severity| severity.title.clone());
    let stage_title = stage_title(kind, &case.stage);
    let subject = match &case.sealed_subject {
        Some(text) if personal => Some(mask::within(&sealed::open_text(&app.platform.seal, text, &case.about())?)),
        _ => None,
    };
    Ok(CaseSummary {
        case: case.id,
        number: case.number.clone(),
        pack: case.pack.clone(),
        kind: case.kind.clone(),
        kind_title: kind_title.en,
        kind_title_zh: kind_title.zh,
        unit: case.unit.clone(),
        severity: case.severity.clone(),
        severity_title: severity_title.as_ref().map(|title| title.en.clone()),
        severity_title_zh: severity_title.map(|title| title.zh),
        stage: case.stage.clone(),
        stage_title: stage_title.en,
        stage_title_zh: stage_title.zh,
        channel: case.channel.clone(),
        title: case.title.clone(),
        title_zh: case.title_zh.clone(),
        subject,
        phone: case.phone_masked.clone(),
        unsorted: case.unsorted,
        closed: case.closed,
        handler: case.handler.clone(),
        received_at: case.received_at,
        registered_at: case.registered_at,
        repeats: case.repeats,
        returns: case.returns,
        carried_by: case.carried_by,
        carries: case.carries,
        version: case.version,
    })
}

pub fn stage_title(kind: Option<&Kind>, stage: &str) -> Title {
    kind.and_then(|kind| kind.stage(stage)).map_or_else(|| Title::new(stage, stage), |stage| stage.title.clone())
}

/// The kind of a case, as its policy has it.
pub fn kind_of<'p>(policy: &'p Policy, case: &Case) -> Result<&'p Kind, Problem> {
    policy.kind(&case.pack, &case.kind).ok_or_else(Problem::internal)
}

/// A report as lists show it: what may be a telephone or identity number has its middle hidden, wherever it was written.
pub fn masked(mut report: Report) -> Report {
    let reporter = &mut report.reporter;
    reporter.phone = reporter.phone.take().map(|phone| mask::number(&phone));
    let texts = [&mut reporter.name, &mut reporter.email, &mut report.kind, &mut report.unit];
    for text in texts.into_iter().chain([&mut report.subject, &mut report.text, &mut report.follows]).flatten() {
        *text = mask::within(text);
    }
    for attachment in &mut report.attachments {
        attachment.name = mask::within(&attachment.name);
        attachment.reference = mask::within(&attachment.reference);
    }
    report.fields = report.fields.into_iter().map(|(name, value)| (name, masked_value(value))).collect();
    report
}

fn masked_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask::within(&text)),
        // A telephone number that was sent as a number becomes a text by its stars; any other stays what it is.
        Value::Number(number) => {
            let (whole, shown) = (number.to_string(), mask::within(&number.to_string()));
            if whole == shown { Value::Number(number) } else { Value::String(shown) }
        }
        Value::Array(values) => values.into_iter().map(masked_value).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, masked_value(value))).collect(),
        other => other,
    }
}

/// A field as a form asks for it.
pub fn field_spec(field: &Field) -> FieldSpec {
    FieldSpec {
        name: field.id.clone(),
        title: field.title.en.clone(),
        title_zh: field.title.zh.clone(),
        sort: field.sort.as_str().to_owned(),
        choices: field
            .choices
            .iter()
            .map(|choice| Choice { value: choice.value.clone(), title: choice.title.en.clone(), title_zh: choice.title.zh.clone() })
            .collect(),
        optional: false,
    }
}
