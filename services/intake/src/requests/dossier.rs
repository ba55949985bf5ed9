//! `case.dossier`: everything that intake has of a case, for its file in the archive, in pieces that fit into a message. No claim: the
//! broker lets only archive ask.

use super::act::step::personal_fields;
use super::fitting::{MOST_BYTES, bytes_of};
use crate::app::App;
use crate::showing::summary;
use crate::store::{cases, links, reports, timeline};
use duban_contracts::Problem;
use duban_contracts::case::{Dossier, DossierRequest};
use duban_contracts::subjects::service;
use duban_engine::case::Case;
use duban_platform::rpc::{Failed, Request};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// So many reports, and so many entries of the timeline, are read at once.
const READ_REPORTS: i64 = 8;
const READ_ENTRIES: i64 = 64;

pub async fn dossier(app: App, request: Request<DossierRequest>) -> Result<Dossier, Failed> {
    let case = cases::by_ids(app.platform.db.pool(), &[request.body.case]).await?.pop().ok_or_else(Problem::not_found)?;
    let (begun, mut piece) = match &request.body.from {
        None => (Place { version: case.version, reports: 0, entry: 0 }, Piece::first(&app, &case).await?),
        Some(from) => (Place::read(from)?, Piece::default()),
    };
    if begun.version != case.version {
        // What stands in the pieces must belong together.
        return Err(Problem::refused("not-yet", "The case has changed meanwhile: begin anew", "案件已有变动，请重新获取").into());
    }
    let next = piece.fill(&app, &case, begun).await?;
    Ok(Dossier {
        service: service::INTAKE.to_owned(),
        case: case.id,
        content: piece.content(),
        unsettled: false,
        alert: None,
        next: next.map(Place::written),
    })
}

/// How far a dossier was handed over.
struct Place {
    /// The case's version when it was begun.
    version: i64,
    reports: i64,
    /// The case's version after the last entry of its timeline.
    entry: i64,
}

impl Place {
    fn written(self) -> String {
        format!("{}:{}:{}", self.version, self.reports, self.entry)
    }

    fn read(text: &str) -> Result<Self, Problem> {
        let numbers: Option<Vec<u32>> = text.split(':').map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some([version, reports, entry]) => {
                Ok(Self { version: i64::from(*version), reports: i64::from(*reports), entry: i64::from(*entry) })
            }
            _ => Err(Problem::invalid_field("/from", "it is no place in this dossier", "what the piece before gave as next")),
        }
    }
}

/// One piece of a dossier: with the case in the first, and as many reports and entries as fit.
#[derive(Default)]
struct Piece {
    head: Map<String, Value>,
    reports: Vec<Value>,
    entries: Vec<Value>,
    bytes: usize,
}

impl Piece {
    async fn first(app: &App, case: &Case) -> Result<Self, Failed> {
        let links = links::of_case(app.platform.db.pool(), case.id).await?;
        let head = Map::from_iter([("case".to_owned(), whole(app, case)?), ("links".to_owned(), json!(links))]);
        Ok(Self { bytes: bytes_of(&head), head, ..Self::default() })
    }

    /// Reports, then entries, from a place on; tells where the next piece begins.
    async fn fill(&mut self, app: &App, case: &Case, mut place: Place) -> Result<Option<Place>, Failed> {
        let (pool, seal) = (app.platform.db.pool(), &app.platform.seal);
        loop {
            let found = reports::of_case(pool, seal, case.id, place.reports, READ_REPORTS).await?;
            for report in &found {
                let report = told(report);
                if !self.takes(&report) {
                    return Ok(Some(place));
                }
                self.reports.push(report);
                place.reports += 1;
            }
            if (found.len() as i64) < READ_REPORTS {
                break;
            }
        }
        loop {
            let found = timeline::after(pool, seal, case.id, place.entry, READ_ENTRIES).await?;
            let others: Vec<uuid::Uuid> = found.iter().filter_map(|entry| entry.other).collect();
            // Who may read the file is another question: in it everything stands.
            let numbers = if others.is_empty() { HashMap::new() } else { cases::numbers(pool, &others).await? };
            let is_last = (found.len() as i64) < READ_ENTRIES;
            for entry in found {
                let version = entry.version;
                let entry = json!(entry.for_reader(&numbers));
                if !self.takes(&entry) {
                    return Ok(Some(place));
                }
                self.entries.push(entry);
                place.entry = version;
            }
            if is_last {
                return Ok(None);
            }
        }
    }

    /// Whether there is room for it; an empty piece has room for anything.
    fn takes(&mut self, part: &Value) -> bool {
        self.bytes += bytes_of(part);
        self.bytes <= MOST_BYTES || (self.head.is_empty() && self.reports.is_empty() && self.entries.is_empty())
    }

    fn content(self) -> Value {
        let mut content = self.head;
        content.insert("reports".to_owned(), Value::Array(self.reports));
        content.insert("timeline".to_owned(), Value::Array(self.entries));
        Value::Object(content)
    }
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
