//! From events to messages: what escalation raises is told, what is acknowledged, closed or ended is not told any more, nor is who turns out
//! to be complained about.

use crate::App;
use crate::store::alerts::{self, AlertRow, DutyRow};
use crate::store::cases::{self, CaseRow};
use crate::store::deliveries::{self, Suspects};
use crate::store::links;
use crate::store::returns::{self, NoticeRow};
use crate::tell::Told;
use duban_contracts::alert::AlertEvent;
use duban_contracts::case::CaseEvent;
use duban_contracts::duty::DutyEvent;
use duban_contracts::{Event, NewEvent};
use duban_platform::Ts;
use duban_platform::consumer::{BatchHandler, Failure, NotYet};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Takes in the events of escalation and intake.
pub struct IntakeOfEvents {
    pub app: App,
}

/// What a batch says, the newest of each thing.
#[derive(Default)]
struct Read {
    cases: HashMap<Uuid, CaseRow>,
    closings: Vec<(Uuid, Uuid)>,
    duties: HashMap<Uuid, DutyRow>,
    alerts: HashMap<Uuid, AlertRow>,
    used_links: Vec<(Uuid, Ts)>,
    /// Alerts whose raising is in the batch, with the event's time.
    raised: Vec<(Uuid, Ts)>,
    returns: Vec<NoticeRow>,
    /// Duties, alerts and cases of which something may have ended, or whose people may not all be told any more.
    suspects: Suspects,
}

impl BatchHandler for IntakeOfEvents {
    /// Nobody can be told without the directory.
    fn ready(&self, event: &Event) -> Result<(), NotYet> {
        if matches!(event.name(), "alert.raised" | "return.noticed") {
            self.app.platform.directory.current().map_err(|_| NotYet("the directory".to_owned()))?;
        }
        Ok(())
    }

    async fn handle(&self, tx: &mut PgConnection, batch: &[Event]) -> Result<(), Failure> {
        let read = Read::of(batch)?;
        cases::keep(tx, &sorted(read.cases)).await?;
        cases::keep_closings(tx, &read.closings).await?;
        alerts::keep_duties(tx, &sorted(read.duties)).await?;
        let bodies = sorted(read.alerts);
        alerts::keep_alerts(tx, &bodies).await?;
        links::mark_used(tx, &read.used_links).await?;
        self.tell_returns(tx, &read.returns).await?;
        let mut out = self.tell(tx, &read.raised, &bodies, batch).await?;
        out.extend(self.cancel(tx, &read.suspects, batch).await?);
        self.app.platform.outbox.write(tx, &out).await?;
        Ok(())
    }

    async fn committed(&self, batch: &[Event]) {
        if batch.iter().any(|event| matches!(event.name(), "alert.raised" | "return.noticed")) {
            self.app.wake.notify_one();
        }
    }
}

impl IntakeOfEvents {
    /// Writes what is told to those who are back, and their deliveries.
    async fn tell_returns(&self, tx: &mut PgConnection, noticed: &[NoticeRow]) -> Result<(), Failure> {
        if noticed.is_empty() {
            return Ok(());
        }
        let directory = self.app.platform.directory.current().map_err(|_| NotYet("the directory".to_owned()))?;
        let mut told = Told::default();
        noticed.iter().for_each(|row| told.add_return(&row.body, &directory, self.app.platform.clock.now()));
        returns::insert(tx, noticed).await?;
        deliveries::insert_deliveries(tx, &told.deliveries).await?;
        Ok(())
    }

    /// Writes messages and deliveries of the alerts raised in the batch that are wanted still.
    async fn tell(
        &self,
        tx: &mut PgConnection,
        raised: &[(Uuid, Ts)],
        bodies: &[AlertRow],
        batch: &[Event],
    ) -> Result<Vec<NewEvent>, Failure> {
        if raised.is_empty() {
            return Ok(Vec::new());
        }
        let directory = self.app.platform.directory.current().map_err(|_| NotYet("the directory".to_owned()))?;
        let ids: Vec<Uuid> = raised.iter().map(|raised| raised.0).collect();
        let wanted = alerts::wanted(tx, &ids).await?;
        let now = self.app.platform.clock.now();
        let mut told = Told::default();
        for row in bodies {
            if let Some(excluded) = wanted.get(&row.body.alert) {
                told.add(&row.body, excluded, &directory, &self.app.settings.links, now);
            }
        }
        deliveries::insert_messages(tx, &told.messages).await?;
        deliveries::insert_deliveries(tx, &told.deliveries).await?;
        let unreached = told
            .messages
            .iter()
            .filter(|message| !told.deliveries.iter().any(|d| d.alert == Some(message.alert) && d.person == message.person));
        let unreached: Vec<_> = unreached.map(|message| (message.alert, message.person.clone())).collect();
        let cause = batch.iter().map(|event| event.time).max().unwrap_or(now);
        crate::unreachable::tell(&self.app, tx, &unreached, cause).await.map_err(Failure::from)
    }

    /// Cancels what waits and is not wanted any more.
    async fn cancel(&self, tx: &mut PgConnection, suspects: &Suspects, batch: &[Event]) -> Result<Vec<NewEvent>, Failure> {
        if suspects.is_empty() {
            return Ok(Vec::new());
        }
        let clock = &self.app.platform.clock;
        let cancelled = deliveries::cancel_unwanted(tx, suspects, Ts(clock.now())).await?;
        let cause = batch.iter().map(|event| event.time).max().unwrap_or_else(|| clock.now());
        self.app.measures.ended.with_label_values(&["any", "cancelled"]).inc_by(cancelled.len() as u64);
        Ok(cancelled.iter().map(|delivery| crate::outcome::event(delivery, clock.cause_after(cause))).collect())
    }
}

impl Read {
    fn of(batch: &[Event]) -> Result<Self, Failure> {
        let mut read = Self::default();
        for event in batch {
            match event.name().split_once('.') {
                Some(("case", happened)) => read.case(event, happened)?,
                Some(("duty", happened)) => read.duty(event, happened)?,
                Some(("alert", happened)) => read.alert(event, happened)?,
                Some(("return", _)) => {
                    let body = event.parse().map_err(|error| Failure::unreadable(event, &error))?;
                    read.returns.push(NoticeRow { body, noticed_at: Ts(event.time), traceparent: event.traceparent.clone() });
                }
                // Reports are no concern of ours.
                _ => {}
            }
        }
        Ok(read)
    }

    fn case(&mut self, event: &Event, happened: &str) -> Result<(), Failure> {
        let body: CaseEvent = event.parse().map_err(|error| Failure::unreadable(event, &error))?;
        if happened == "closed" {
            self.closings.push((event.id, body.case));
        }
        if !body.excluded_people.is_empty() {
            self.suspects.cases.push(body.case);
        }
        if self.cases.get(&body.case).is_none_or(|row| row.version < body.version) {
            self.cases.insert(
                body.case,
                CaseRow {
                    id: body.case,
                    number: body.number,
                    unit: body.unit,
                    handler: body.handler,
                    excluded_people: body.excluded_people,
                    excluded_units: body.excluded_units,
                    people_named: body.people_named,
                    version: body.version,
                },
            );
        }
        Ok(())
    }

    fn duty(&mut self, event: &Event, happened: &str) -> Result<(), Failure> {
        let body: DutyEvent = event.parse().map_err(|error| Failure::unreadable(event, &error))?;
        let ends = matches!(happened, "closed" | "cancelled" | "withdrawn");
        if ends || !body.excluded_people.is_empty() {
            self.suspects.duties.push(body.duty);
        }
        let ended_at = ends.then_some(Ts(event.time));
        let row = DutyRow { id: body.duty, owed_by: body.owed_by, excluded_people: body.excluded_people, version: body.version, ended_at };
        match self.duties.entry(body.duty) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(row);
            }
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                let ended_at = entry.get().ended_at.max(row.ended_at);
                if row.version > entry.get().version {
                    entry.insert(row);
                }
                entry.get_mut().ended_at = ended_at;
            }
        }
        Ok(())
    }

    fn alert(&mut self, event: &Event, happened: &str) -> Result<(), Failure> {
        let body: AlertEvent = event.parse().map_err(|error| Failure::unreadable(event, &error))?;
        // On trial nobody is told: neither now nor, where an event of it is read late, ever.
        if body.trial {
            return Ok(());
        }
        let raised = (happened == "raised").then(|| (Ts(event.time), event.traceparent.clone()));
        match &raised {
            Some((at, _)) => self.raised.push((body.alert, *at)),
            None => self.suspects.alerts.push(body.alert),
        }
        self.used_links.extend(body.acknowledgements.iter().filter_map(|by| Some((by.link?, Ts(by.at)))));
        // Its duty's opening is not read: what the alert says of it counts until an event of the duty itself says more.
        self.duties.entry(body.duty).or_insert_with(|| DutyRow {
            id: body.duty,
            owed_by: body.owed_by.clone(),
            excluded_people: body.excluded_people.clone(),
            version: 0,
            ended_at: None,
        });
        match self.alerts.entry(body.alert) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(AlertRow { body, raised });
            }
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                let kept = entry.get_mut();
                kept.raised = kept.raised.take().or(raised);
                if body.version > kept.body.version {
                    kept.body = body;
                }
            }
        }
        Ok(())
    }
}

/// In a fixed order, so that two batches lock rows in the same order.
fn sorted<T>(rows: HashMap<Uuid, T>) -> Vec<T> {
    let mut rows: Vec<(Uuid, T)> = rows.into_iter().collect();
    rows.sort_unstable_by_key(|row| row.0);
    rows.into_iter().map(|row| row.1).collect()
}
