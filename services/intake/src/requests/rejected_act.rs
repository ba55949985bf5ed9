//! `report.rejected.admit` and `report.rejected.dismiss`: deciding about a report that could not be registered.
//!
//! One whose key belongs to another report gets an identity of its own when it is admitted, made from the rejection's id. One that could not be
//! registered for a reason of its own keeps its own: whoever has its receipt or tracking code finds the case.

use super::rejected_list::require_decides;
use crate::app::App;
use crate::intake_of_reports::code_of;
use crate::register::{self, Opening};
use crate::rejecting;
use crate::requests::act::required_text;
use crate::store::identities::{self, NewIdentity};
use crate::store::rejected::{self, Decision, Rejected};
use duban_contracts::case::RejectedAct;
use duban_contracts::report::{AcceptedReport, RejectedActed, Report};
use duban_contracts::{Problem, Timestamp, both, ids};
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
    request.expect_version_if_given(rejected.version, || acted(&rejected))?;
    if rejected.state != "open" {
        return Err(decided_already().into());
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
    let case = ids::fresh();
    if rejected.reason == rejecting::UNPROCESSABLE {
        settle_identity(act, rejected, Some(case)).await?;
    } else {
        let own = own_identity(app, rejected.id, &accepted, case)?;
        accepted.receipt = own.receipt;
        accepted.idempotency_key = rejected.id.to_string();
        accepted.body_hash = hex::encode(&own.body_hash);
        identities::take(act.tx(), std::slice::from_ref(&own)).await?;
    }
    let receipt = accepted.receipt;
    let opening = Opening {
        case,
        accepted,
        cause: deciding.at,
        traceparent: rejected.traceparent.clone(),
        unsorted: None,
        by: deciding.person.to_owned(),
        kept: false,
    };
    let cases = register::register(app, act.tx(), &[opening]).await.map_err(failed)?;
    app.measures.registered(&cases);
    let case = cases.first().ok_or_else(Problem::internal)?;
    decide(app, act, deciding, "admitted", Some(case.id)).await?;
    Ok(RejectedActed {
        rejected: rejected.id,
        state: "admitted".to_owned(),
        version: rejected.version + 1,
        receipt: Some(receipt),
        case: Some(case.id),
        number: Some(case.number.clone()),
    })
}

async fn dismiss(app: &App, act: &mut Act, deciding: &Deciding<'_>) -> Result<RejectedActed, Failed> {
    if deciding.rejected.reason == rejecting::UNPROCESSABLE {
        settle_identity(act, deciding.rejected, None).await?;
    }
    decide(app, act, deciding, "dismissed", None).await?;
    Ok(RejectedActed { state: "dismissed".to_owned(), version: deciding.rejected.version + 1, ..acted(deciding.rejected) })
}

async fn decide(app: &App, act: &mut Act, deciding: &Deciding<'_>, state: &'static str, case: Option<Uuid>) -> Result<(), Failed> {
    let rejected = deciding.rejected;
    let at = app.platform.clock.cause_after(deciding.at.max(rejected.rejected_at));
    let decision = Decision { id: rejected.id, state, by: deciding.person, at, reason: deciding.reason, case };
    let decided = rejected::decide(act.tx(), &app.platform.seal, &decision).await?;
    let event = rejecting::decided(&*app.directory()?, &decided, at);
    app.platform.outbox.write(act.tx(), &[event]).await?;
    Ok(())
}

/// What is decided holds for the report's own key: a replay of its dead letter finds it so and does nothing.
async fn settle_identity(act: &mut Act, rejected: &Rejected, case: Option<Uuid>) -> Result<(), Failed> {
    if identities::decide(act.tx(), rejected.receipt, case).await? {
        return Ok(());
    }
    Err(decided_already().into())
}

fn decided_already() -> Problem {
    Problem::refused("decided-already", "It was decided already", "该来件已处理")
}

fn own_identity(app: &App, rejected: Uuid, accepted: &AcceptedReport, case: Uuid) -> Result<NewIdentity, Failed> {
    let receipt = app.keys.receipt(ADMITTED, &rejected.to_string());
    let body = serde_json::to_value(&accepted.report).map_err(|error| Failed::Other(error.into()))?;
    Ok(NewIdentity {
        receipt,
        producer: accepted.producer.clone(),
        body_hash: app.keys.body_hash(&body).to_vec(),
        code: code_of(app, receipt),
        case: Some(case),
        first_seen: app.platform.clock.now(),
    })
}

/// The least that a report must be, as the gateway checks it of one that comes in.
fn valid(report: &Report) -> Result<(), Problem> {
    if !duban_contracts::subjects::is_token(&report.channel) {
        return Err(Problem::invalid_field(
            "/corrected/channel",
            both("渠道名有误", "it is no channel"),
            both("小写字母、数字、“-”或“_”", "lower-case letters, digits, - and _"),
        ));
    }
    let says = [&report.subject, &report.text].into_iter().flatten().any(|text| !text.trim().is_empty());
    if !says {
        return Err(Problem::invalid_field(
            "/corrected/text",
            both("主题和经过均未填写", "there is neither subject nor text"),
            both("请填写主题或经过", "subject or text"),
        ));
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
        Failure::Waits { what, .. } => Problem::unavailable(what).into(),
        Failure::Event { reason, .. } => Failed::Other(anyhow::anyhow!(reason.en)),
        Failure::Other(error) => Failed::Other(error),
    }
}
