//! The journey of accepted reports: identity, rejection of another body under a known key, waiting for what is followed, registration.

use crate::app::App;
use crate::listening;
use crate::register::{self, Opening};
use crate::rejecting;
use crate::store::identities::{self, NewIdentity};
use crate::store::waiting::{self, NewWaiting, Target};
use crate::store::{rejected, reports};
use duban_contracts::identity::TrackingCode;
use duban_contracts::report::AcceptedReport;
use duban_contracts::{Event, Timestamp, both, ids};
use duban_platform::consumer::{BatchHandler, Failure, NotYet};
use serde::Deserialize;
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The consumer of the work queue of accepted reports.
pub struct IntakeOfReports {
    pub app: App,
}

/// What makes a report itself: its receipt (of producer and key) and its body.
#[derive(Deserialize)]
struct Identity {
    receipt: Uuid,
    body_hash: String,
}

/// By when it was received a report is judged.
#[derive(Deserialize)]
struct Received {
    received_at: Timestamp,
}

/// A report as it came from the queue.
struct Incoming {
    accepted: AcceptedReport,
    body_hash: Vec<u8>,
    time: Timestamp,
    traceparent: Option<String>,
    /// The case that it opens, unless it follows another.
    case: Uuid,
}

impl BatchHandler for IntakeOfReports {
    /// Without a policy and the directory nothing can be judged.
    fn ready(&self, event: &Event) -> Result<(), NotYet> {
        // What cannot be read waits for nothing: it is a dead letter.
        let received_at = event.parse::<Received>().map_or(event.time, |received| received.received_at);
        register::policy_for(&self.app, received_at)?;
        self.app.directory().map_err(|problem| NotYet(problem.to_string()))?;
        Ok(())
    }

    /// Receipt and body, not the event's id: another body under the same key must be seen, and a second sending of the same must not.
    fn identity(&self, event: &Event) -> Uuid {
        match event.parse::<Identity>() {
            Ok(identity) => ids::derived("report", &[&identity.receipt.to_string(), &identity.body_hash]),
            Err(_) => event.id,
        }
    }

    async fn handle(&self, tx: &mut PgConnection, batch: &[Event]) -> Result<(), Failure> {
        let incoming = batch.iter().map(|event| read(&self.app, event)).collect::<Result<Vec<_>, _>>()?;
        let heard: Vec<(String, Timestamp)> =
            incoming.iter().map(|report| (report.accepted.producer.clone(), report.accepted.received_at)).collect();
        take_in(&self.app, tx, incoming).await?;
        // Last, so that copies which hear the same producer wait for each other's commit alone.
        listening::hear(&self.app, tx, heard.iter().map(|(producer, at)| (producer.as_str(), *at))).await
    }

    /// A report that could not be registered is rejected, so that its sender learns of it and somebody decides about it.
    async fn buried(&self, tx: &mut PgConnection, event: &Event) -> Result<(), Failure> {
        // Of what cannot be read there is nothing to decide: the dead letter is all.
        let Ok(accepted) = event.parse::<AcceptedReport>() else { return Ok(()) };
        reject_unprocessable(&self.app, tx, accepted, event).await
    }

    async fn committed(&self, batch: &[Event]) {
        self.app.measures.batch(batch.len());
        self.app.followers.notify_one();
    }
}

fn read(app: &App, event: &Event) -> Result<Incoming, Failure> {
    let accepted: AcceptedReport = event.parse().map_err(|error| Failure::unreadable(event, &error))?;
    // One that must wait keeps none of the others waiting.
    register::policy_for(app, accepted.received_at).map_err(|reason| Failure::waits(event, reason))?;
    let body_hash = hex::decode(&accepted.body_hash)
        .map_err(|error| Failure::of(event, both(format!("body_hash 不是十六进制数：{error}"), format!("body_hash: {error}"))))?;
    Ok(Incoming { accepted, body_hash, time: event.time, traceparent: event.traceparent.clone(), case: ids::fresh() })
}

async fn take_in(app: &App, tx: &mut PgConnection, incoming: Vec<Incoming>) -> Result<(), Failure> {
    let (first, others) = first_of_each_key(incoming);
    let taken = identities::take(tx, &first.iter().map(|report| identity(app, report)).collect::<Vec<_>>()).await?;
    let (new, known): (Vec<Incoming>, Vec<Incoming>) = first.into_iter().partition(|report| taken.all.contains(&report.accepted.receipt));
    let second: Vec<Incoming> = known.into_iter().chain(others).collect();
    let (following, opening): (Vec<Incoming>, Vec<Incoming>) = new.into_iter().partition(|report| target(app, &report.accepted).is_some());

    let openings: Vec<Opening> = opening.into_iter().map(Incoming::opens).collect();
    let cases = register::register(app, tx, &openings).await?;
    app.measures.registered(&cases);
    wait(app, tx, &following).await?;
    rejecting::handled_after_all(app, tx, &taken.rejected).await?;
    reject_other_bodies(app, tx, second).await
}

impl Incoming {
    fn opens(self) -> Opening {
        Opening {
            accepted: self.accepted,
            case: self.case,
            cause: self.time,
            traceparent: self.traceparent,
            unsorted: None,
            by: String::new(),
            kept: false,
        }
    }
}

/// The first report of each key in the batch, and the others.
fn first_of_each_key(incoming: Vec<Incoming>) -> (Vec<Incoming>, Vec<Incoming>) {
    let mut seen = HashSet::new();
    incoming.into_iter().partition(|report| seen.insert(report.accepted.receipt))
}

fn identity(app: &App, report: &Incoming) -> NewIdentity {
    let follows = target(app, &report.accepted).is_some();
    NewIdentity {
        receipt: report.accepted.receipt,
        producer: report.accepted.producer.clone(),
        body_hash: report.body_hash.clone(),
        code: code_of(app, report.accepted.receipt),
        case: (!follows).then_some(report.case),
        first_seen: report.time,
    }
}

/// The 54 bits of a receipt's tracking code.
pub fn code_of(app: &App, receipt: Uuid) -> i64 {
    i64::try_from(app.keys.tracking_code(receipt).hash).unwrap_or(i64::MAX)
}

/// What a report follows. A code that this installation cannot have made is followed in vain and not at all.
fn target(app: &App, accepted: &AcceptedReport) -> Option<Target> {
    if let Some(receipt) = accepted.follows {
        return Some(Target::Receipt(receipt));
    }
    let written = accepted.follows_code.as_deref()?;
    let hash = match written.parse::<u64>() {
        Ok(hash) if hash < 1 << 54 => hash,
        _ => written.parse::<TrackingCode>().ok().filter(|code| app.keys.is_genuine(*code))?.hash,
    };
    i64::try_from(hash).ok().map(Target::Code)
}

/// Reports that follow another are joined to its case apart from this, so that it does not matter which came first.
async fn wait(app: &App, tx: &mut PgConnection, following: &[Incoming]) -> Result<(), Failure> {
    if following.is_empty() {
        return Ok(());
    }
    let seal = &app.platform.seal;
    let bodies = following.iter().map(|report| reports::SealedReport::of(seal, &report.accepted)).collect::<Result<Vec<_>, _>>()?;
    let rows: Vec<NewWaiting> = following
        .iter()
        .filter_map(|report| {
            let target = target(app, &report.accepted)?;
            Some(NewWaiting { receipt: report.accepted.receipt, target, traceparent: report.traceparent.clone() })
        })
        .collect();
    reports::insert(tx, &bodies).await?;
    waiting::insert(tx, &rows).await?;
    Ok(())
}

/// Unless something stands under its key already: it itself, handled meanwhile or rejected before, or another.
async fn reject_unprocessable(app: &App, tx: &mut PgConnection, accepted: AcceptedReport, event: &Event) -> Result<(), Failure> {
    // The hash may be what is wrong with it.
    let body_hash = match hex::decode(&accepted.body_hash) {
        Ok(hash) => hash,
        Err(_) => app.keys.body_hash(&serde_json::to_value(&accepted.report).map_err(anyhow::Error::from)?).to_vec(),
    };
    let report = Incoming { accepted, body_hash, time: event.time, traceparent: event.traceparent.clone(), case: ids::fresh() };
    if !identities::reject(tx, &identity(app, &report)).await? {
        return reject_other_bodies(app, tx, vec![report]).await;
    }
    let refused = rejecting::unprocessable(app, report.accepted, report.body_hash, report.traceparent)?;
    rejecting::reject(app, tx, vec![refused]).await
}

/// A key that is known: the same body is a repetition and tells nothing new; another body is kept as rejected, and told.
async fn reject_other_bodies(app: &App, tx: &mut PgConnection, second: Vec<Incoming>) -> Result<(), Failure> {
    if second.is_empty() {
        return Ok(());
    }
    let receipts: Vec<Uuid> = second.iter().map(|report| report.accepted.receipt).collect();
    let known: HashMap<Uuid, Vec<u8>> = identities::body_hashes(&mut *tx, &receipts).await?;
    let mut refused: Vec<rejected::NewRejected> = Vec::new();
    for report in second {
        let receipt = report.accepted.receipt;
        let twice = refused.iter().any(|other| other.accepted.receipt == receipt && other.body_hash == report.body_hash);
        if known.get(&receipt) != Some(&report.body_hash) && !twice {
            refused.push(rejecting::other_body(app, report.accepted, report.body_hash, report.traceparent)?);
        }
    }
    rejecting::reject(app, tx, refused).await
}
