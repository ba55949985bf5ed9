//! From events to jobs: a close makes one, every event keeps the copy by which rights are decided.

use crate::App;
use crate::store::cases::{self, CaseRow};
use crate::store::filings::{self, NewFiling};
use duban_contracts::Event;
use duban_contracts::case::CaseEvent;
use duban_platform::Ts;
use duban_platform::consumer::{BatchHandler, Failure};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Takes in the events of intake.
pub struct IntakeOfEvents {
    pub app: App,
}

impl BatchHandler for IntakeOfEvents {
    async fn handle(&self, tx: &mut PgConnection, batch: &[Event]) -> Result<(), Failure> {
        let mut standing: HashMap<Uuid, CaseRow> = HashMap::new();
        let (mut closed, mut overtaken) = (Vec::new(), Vec::new());
        for event in batch {
            let Some(("case", happened)) = event.name().split_once('.') else { continue };
            let body: CaseEvent = event.parse().map_err(|error| Failure::unreadable(event, &error))?;
            let is_newer = standing.get(&body.case).is_none_or(|row| row.version < body.version);
            // A record comes of a close, which says all that a registration says; what happens to the case later is kept.
            // What was closed with its master is open again once it is detached from it.
            let turned = if matches!(happened, "closed" | "reopened" | "detached") { body.version } else { 0 };
            if is_newer && !matches!(happened, "registered" | "classified") {
                let before = standing.get(&body.case).map_or(0, |row| row.turned);
                standing.insert(body.case, CaseRow { turned: turned.max(before), ..row(&body) });
            } else if let Some(row) = standing.get_mut(&body.case) {
                row.turned = row.turned.max(turned);
            }
            if turned > 0 {
                overtaken.push((body.case, body.version));
            }
            if happened == "closed" {
                let traceparent = event.traceparent.clone();
                closed.push(NewFiling { closing: event.id, after: event.id, settled: false, closed_at: Ts(event.time), body, traceparent });
            }
        }
        let mut standing: Vec<CaseRow> = standing.into_values().collect();
        standing.sort_unstable_by_key(|row| row.id);
        cases::keep(tx, &standing).await?;
        filings::insert(tx, &closed).await?;
        filings::drop_overtaken(tx, &overtaken).await?;
        Ok(())
    }

    async fn committed(&self, batch: &[Event]) {
        if batch.iter().any(|event| event.name() == "case.closed") {
            self.app.wake.notify_one();
        }
    }
}

fn row(body: &CaseEvent) -> CaseRow {
    CaseRow {
        id: body.case,
        unit: body.unit.clone(),
        handler: body.handler.clone(),
        excluded_people: body.excluded_people.clone(),
        excluded_units: body.excluded_units.clone(),
        people_named: body.people_named.clone(),
        turned: 0,
        version: body.version,
    }
}
