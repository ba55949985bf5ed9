//! `report.rejected.admit` and `report.rejected.dismiss`: deciding about a report that could not be registered.
//!
//! An admitted one gets an identity of its own, made from the rejection's id: the key that it came with belongs to another report.

use super::rejected_list::require_decides;
use crate::app::App;
use crate::intake_of_reports::code_of;
use crate::register::{self, Opening};
use crate::rejecting;
use crate::requests::act::required_text;
use crate::store::identities::{self, NewIdentity};
use crate::store::rejected::{self, Decision, Rejected};
use duban_contracts::case::RejectedAct;
use duban_contracts::report::{AcceptedReport, RejectedActed, Report, ReportEvent};
use duban_contracts::{Problem, Timestamp, ids};
use duban_platform::acting::{self, Act, Begun};
use duban_platform::consumer::Failure;
use duban_platform::rpc::{Failed, Request};
use uuid::Uuid;

/// Stands in place of a producer in the identity of an admitted report; no producer can be called so.
const ADMITTED: &str = "/admitted";

pub async fn act(app: App, request: Request<RejectedAct>) -> Result<RejectedActed, Failed> {
    let mut act = match acting::begin(&app.platform, &request).await? {
        Begun::Known(answer) => return Ok(answer),
        Begun::New(act) => act,
    };
    let (id, reason) = match &request.body {
        RejectedAct::Admit { rejected, reason, .. } | RejectedAct::Dismiss { rejected, reason } => (*rejected, reason),
    };
    required_text("/reason", reason)?;
    let person = act.person().to_owned();
    let at = app.platform.clock.now();
    let rejected = rejected::lock(act.tx(), id).await?.ok_or_else(Problem::not_found)?;
    require_decides(&*app.directory()?, &person, &rejected, at)?;
    if request.expected_version.is_some() {
        request.expect_version(rejected.version, || acted(&rejected))?;
    }
    if rejected.state != "open" {
        return Err(Problem::refused("decided-already", "It was decided already", "该来件已处理").into());
    }
    let deciding = Deciding { rejected: &rejected, person: &person, reason, at };
    let answer = match &request.body {
        RejectedAct::Admit { corrected, .. } => admit(&app, &mut act, &deciding, corrected.as_deref()).await?,
        RejectedAct::Dismiss { .. } => dismiss(&app, &mut act, &deciding).await?,
    };
    act.finish(answer).await
}

struct Deciding<'a> {
    rejected: &'a Rejected,
    person: &'a str,
    reason: &'a str,
    at: Timestamp,
}

async fn admit(app: &App, act: &mut Act, deciding: &Deciding<'_>, corrected: Option<&Report>) -> Result<RejectedActed, Failed> {
    let rejected = deciding.rejected;
    let Some(mut accepted) = rejected.open(&app.platform.seal)? else {
        return Err(Problem::refused("erased", "Its text has been erased", "其内容已按期清除，无法登记").into());
    };
    if let Some(corrected) = corrected {
        valid(corrected)?;
        accepted.unit = corrected.unit.clone().unwrap_or(accepted.unit);
        accepted.report = corrected.clone();
    }
    let own = own_identity(app, rejected.id, &accepted)?;
    accepted.receipt = own.receipt;
    accepted.idempotency_key = rejected.id.to_string();
    accepted.body_hash = hex::encode(&own.body_hash);
    let opening = Opening {
        case: own.case.unwrap_or_else(ids::fresh),
        accepted,
        cause: deciding.at,
        traceparent: rejected.traceparent.clone(),
        unsorted: None,
        by: deciding.person.to_owned(),
        kept: false,
    };
    identities::take(act.tx(), std::slice::from_ref(&own)).await?;
    let cases = register::register(app, act.tx(), &[opening]).await.map_err(failed)?;
    app.measures.registered(&cases);
    let case = cases.first().ok_or_else(Problem::internal)?;
    decide(app, act, deciding, "admitted", Some(case.id)).await?;
    Ok(RejectedActed {
        rejected: rejected.id,
        state: "admitted".to_owned(),
        version: rejected.version + 1,
        receipt: Some(own.receipt),
        case: Some(case.id),
        number: Some(case.number.clone()),
    })
}

async fn dismiss(app: &App, act: &mut Act, deciding: &Deciding<'_>) -> Result<RejectedActed, Failed> {
    decide(app, act, deciding, "dismissed", None).await?;
    Ok(RejectedActed { state: "dismissed".to_owned(), version: deciding.rejected.version + 1, ..acted(deciding.rejected) })
}

async fn decide(app: &App, act: &mut Act, deciding: &Deciding<'_>, state: &'static str, case: Option<Uuid>) -> Result<(), Failed> {
    let rejected = deciding.rejected;
    let at = app.platform.clock.cause_after(deciding.at.max(rejected.rejected_at));
    let decision = Decision { id: rejected.id, state, by: deciding.person, at, reason: deciding.reason, case };
    rejected::decide(act.tx(), &app.platform.seal, &decision).await?;
    let body = ReportEvent {
        rejected: rejected.id,
        receipt: rejected.receipt,
        producer: rejected.producer.clone(),
        unit: rejecting::told_unit(&*app.directory()?, &rejected.unit),
        channel: rejected.channel.clone(),
        reason: rejected.reason.clone(),
        title: rejecting::title(&rejected.producer),
        title_zh: rejecting::title_zh(&rejected.producer),
        received_at: rejected.received_at,
        case,
        policy: 0,
    };
    let event = rejecting::event(state, rejected.id, rejected.version + 1, at, rejected.traceparent.clone(), &body);
    app.platform.outbox.write(act.tx(), &[event]).await?;
    Ok(())
}

fn own_identity(app: &App, rejected: Uuid, accepted: &AcceptedReport) -> Result<NewIdentity, Failed> {
    let receipt = app.keys.receipt(ADMITTED, &rejected.to_string());
    let body = serde_json::to_value(&accepted.report).map_err(|error| Failed::Other(error.into()))?;
    Ok(NewIdentity {
        receipt,
        producer: accepted.producer.clone(),
        body_hash: app.keys.body_hash(&body).to_vec(),
        code: code_of(app, receipt),
        case: Some(ids::fresh()),
        first_seen: app.platform.clock.now(),
    })
}

/// The least that a report must be, as the gateway checks it of one that comes in.
fn valid(report: &Report) -> Result<(), Problem> {
    if !duban_contracts::subjects::is_token(&report.channel) {
        return Err(Problem::invalid_field("/corrected/channel", "it is no channel", "lower-case letters, digits, - and _"));
    }
    let says = [&report.subject, &report.text].into_iter().flatten().any(|text| !text.trim().is_empty());
    if !says {
        return Err(Problem::invalid_field("/corrected/text", "there is neither subject nor text", "subject or text"));
    }
    Ok(())
}

fn acted(rejected: &Rejected) -> RejectedActed {
    RejectedActed {
        rejected: rejected.id,
        state: rejected.state.clone(),
        version: rejected.version,
        receipt: None,
        case: rejected.case,
        number: None,
    }
}

fn failed(failure: Failure) -> Failed {
    match failure {
        Failure::Database(error) => Failed::Database(error),
        Failure::Waits { what, .. } => Problem::unavailable(&what).into(),
        Failure::Event { reason, .. } => Failed::Other(anyhow::anyhow!(reason)),
        Failure::Other(error) => Failed::Other(error),
    }
}
