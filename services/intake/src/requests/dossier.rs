//! `case.dossier`: everything that intake has of a case, for its file in the archive. No claim: the broker lets only archive ask.

use super::act::step::personal_fields;
use crate::app::App;
use crate::case::Case;
use crate::showing::summary;
use crate::store::{cases, links, reports, timeline};
use duban_contracts::Problem;
use duban_contracts::case::{Dossier, DossierRequest};
use duban_contracts::subjects::service;
use duban_platform::rpc::{Failed, Request};
use serde_json::{Value, json};

pub async fn dossier(app: App, request: Request<DossierRequest>) -> Result<Dossier, Failed> {
    let pool = app.platform.db.pool();
    let seal = &app.platform.seal;
    let case = cases::by_ids(pool, &[request.body.case]).await?.pop().ok_or_else(Problem::not_found)?;
    let reports = reports::of_case(pool, seal, case.id).await?;
    let timeline = timeline::of_case(pool, seal, case.id, true).await?;
    let content = json!({
        "case": whole(&app, &case)?,
        "reports": reports.iter().map(told).collect::<Vec<_>>(),
        "timeline": timeline,
        "links": links::of_case(pool, case.id).await?,
    });
    Ok(Dossier { service: service::INTAKE.to_owned(), case: case.id, content, next: None })
}

/// The case with all its fields.
fn whole(app: &App, case: &Case) -> Result<Value, Failed> {
    let mut fields = case.fields.clone();
    fields.extend(personal_fields(app, case)?);
    let mut whole = json!({
        "summary": summary(app, case, true)?,
        "receipt": case.receipt,
        "occurred_at": case.occurred_at,
        "outcome": case.outcome,
        "reasons": case.reasons,
        "excluded_people": case.excluded_people,
        "policy": case.policy,
    });
    whole["fields"] = Value::Object(fields);
    Ok(whole)
}

/// A report as it was accepted, without the hash that only serves to compare.
fn told(accepted: &duban_contracts::report::AcceptedReport) -> Value {
    json!({
        "receipt": accepted.receipt,
        "producer": accepted.producer,
        "idempotency_key": accepted.idempotency_key,
        "received_at": accepted.received_at,
        "unit": accepted.unit,
        "report": accepted.report,
    })
}
