//! Rejecting: what becomes of an accepted report that cannot be registered. It is kept, its producer can ask for it, somebody is told.

use crate::app::App;
use crate::register::policy_for;
use crate::store::rejected::{self, NewRejected, Rejected};
use duban_contracts::report::{AcceptedReport, ReportEvent};
use duban_contracts::{NewEvent, Problem, Timestamp, both, ids, subjects::service};
use duban_engine::judging::{self, Ground};
use duban_platform::consumer::{Failure, NotYet};
use duban_policy::directory::Directory;
use sqlx::PgConnection;
use uuid::Uuid;

/// The reason of a report whose key stands for another body.
pub const OTHER_BODY: &str = "idempotency-conflict";
/// The reason of a report whose registration failed again and again by itself. No other stands under its key.
pub const UNPROCESSABLE: &str = "unprocessable";

/// # Errors
/// The policy that says whom it names has not come yet.
pub fn other_body(app: &App, accepted: AcceptedReport, body_hash: Vec<u8>, traceparent: Option<String>) -> Result<NewRejected, NotYet> {
    let problem = Problem::new(
        409,
        OTHER_BODY,
        "Another report stands under this idempotency key; this one was not registered",
        "该幂等键已用于另一份来件，本件未登记",
    )
    .with_detail(both(
        "请另用幂等键重新报送，或请工作人员更正后受理",
        "send it again under a key of its own, or ask for it to be corrected and admitted",
    ));
    refused(app, accepted, body_hash, traceparent, problem)
}

/// # Errors
/// The policy that says whom it names has not come yet.
pub fn unprocessable(app: &App, accepted: AcceptedReport, body_hash: Vec<u8>, traceparent: Option<String>) -> Result<NewRejected, NotYet> {
    let problem = Problem::new(422, UNPROCESSABLE, "It was accepted and could not be registered", "来件已收到，但未能登记").with_detail(
        both("来件已保存，等待工作人员处理，无须重新报送", "it is kept, and somebody decides about it; it need not be sent again"),
    );
    refused(app, accepted, body_hash, traceparent, problem)
}

fn refused(
    app: &App,
    accepted: AcceptedReport,
    body_hash: Vec<u8>,
    traceparent: Option<String>,
    problem: Problem,
) -> Result<NewRejected, NotYet> {
    let directory = app.directory().map_err(|problem| NotYet(problem.to_string()))?;
    let (policy_version, policy) = policy_for(app, accepted.received_at)?;
    let ground = Ground { policy: &policy, policy_version, directory: &directory, contacts: &app.contacts.of(&directory) };
    let judged = judging::judge(&ground, &accepted, &[], None);
    let (excluded_people, excluded_units) = (judged.excluded_people, judged.excluded_units);
    Ok(NewRejected {
        id: ids::fresh(),
        excluded_people,
        excluded_units,
        body_hash,
        reason: problem.code.clone(),
        problem,
        rejected_at: app.platform.clock.cause_after(accepted.received_at),
        accepted,
        traceparent,
    })
}

/// Keeps rejections and tells of those that are new.
pub async fn reject(app: &App, tx: &mut PgConnection, mut refused: Vec<NewRejected>) -> Result<(), Failure> {
    if refused.is_empty() {
        return Ok(());
    }
    // In one order, so that two batches cannot wait for each other.
    refused.sort_by(|a, b| (a.accepted.receipt, &a.body_hash).cmp(&(b.accepted.receipt, &b.body_hash)));
    let kept = rejected::insert(tx, &app.platform.seal, &refused).await?;
    let directory = app.directory().map_err(|problem| NotYet(problem.to_string()))?;
    let events: Vec<NewEvent> = refused.iter().filter(|r| kept.contains(&r.id)).map(|refused| told(&directory, refused)).collect();
    app.measures.rejected(events.len());
    app.platform.outbox.write(tx, &events).await?;
    Ok(())
}

/// Settles the rejections of reports that could not be registered and have been handled after all, and tells of it.
pub async fn handled_after_all(app: &App, tx: &mut PgConnection, receipts: &[Uuid]) -> Result<(), Failure> {
    if receipts.is_empty() {
        return Ok(());
    }
    let settled = rejected::settle(tx, receipts, UNPROCESSABLE, app.platform.clock.now()).await?;
    let directory = app.directory().map_err(|problem| NotYet(problem.to_string()))?;
    let stamp = |rejected: &Rejected| app.platform.clock.cause_after(rejected.decided_at.unwrap_or(rejected.rejected_at));
    let events: Vec<NewEvent> = settled.iter().map(|rejected| decided(&directory, rejected, stamp(rejected))).collect();
    app.platform.outbox.write(tx, &events).await?;
    Ok(())
}

/// The unit as events may carry it: what a producer has written freely stays at home, and the root stands for it, as for cases.
fn told_unit(directory: &Directory, written: &str) -> String {
    let known = directory.unit(written).or_else(|| directory.units().find(|unit| unit.parent.is_none()));
    known.map(|unit| unit.code.clone()).unwrap_or_default()
}

fn told(directory: &Directory, refused: &NewRejected) -> NewEvent {
    let accepted = &refused.accepted;
    let body = ReportEvent {
        rejected: refused.id,
        receipt: accepted.receipt,
        producer: accepted.producer.clone(),
        unit: told_unit(directory, &accepted.unit),
        channel: accepted.report.channel.clone(),
        reason: refused.reason.clone(),
        title: title(&accepted.producer),
        title_zh: title_zh(&accepted.producer),
        received_at: accepted.received_at,
        case: None,
        policy: 0,
    };
    event("rejected", refused.id, 1, refused.rejected_at, refused.traceparent.clone(), &body)
}

/// That it was decided: `report.admitted` or `report.dismissed`, by the state in which the rejection stands.
pub fn decided(directory: &Directory, rejected: &Rejected, at: Timestamp) -> NewEvent {
    let body = ReportEvent {
        rejected: rejected.id,
        receipt: rejected.receipt,
        producer: rejected.producer.clone(),
        unit: told_unit(directory, &rejected.unit),
        channel: rejected.channel.clone(),
        reason: rejected.reason.clone(),
        title: title(&rejected.producer),
        title_zh: title_zh(&rejected.producer),
        received_at: rejected.received_at,
        case: rejected.case,
        policy: 0,
    };
    event(&rejected.state, rejected.id, rejected.version, at, rejected.traceparent.clone(), &body)
}

/// An event about a rejected report: `rejected`, `admitted`, `dismissed`.
fn event(happened: &str, rejected: Uuid, version: i64, at: Timestamp, traceparent: Option<String>, body: &ReportEvent) -> NewEvent {
    NewEvent::new(service::INTAKE, &format!("report.{happened}"), format!("report/{rejected}"), version, at, body)
        .with_traceparent(traceparent)
}

/// Short title of a rejected report, without personal text.
fn title(producer: &str) -> String {
    format!("Rejected report of {producer}")
}

fn title_zh(producer: &str) -> String {
    format!("{producer}的来件未能登记")
}
