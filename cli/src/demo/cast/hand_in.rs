//! What comes back regularly, such as a weekly report: whoever owes one hands it in as a report of its kind, some of them late.

use super::{Cast, patiently};
use duban_contracts::Timestamp;
use duban_contracts::duty::{DutyEvent, DutyList, DutyListRequest};
use duban_contracts::report::{Report, Reporter};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What is owed, and when it is handed in.
#[derive(Debug, Default)]
pub(super) struct HandIns {
    planned: HashMap<Uuid, (DutyEvent, Timestamp)>,
    done: HashSet<Uuid>,
}

impl HandIns {
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.planned.values().map(|(_, at)| *at).min()
    }
}

impl Cast {
    pub(super) async fn look_at_duties(&self, hand_ins: &mut HandIns) -> anyhow::Result<()> {
        let owed = patiently(|| self.recurring()).await?;
        let left = owed.into_iter().filter(|duty| !hand_ins.done.contains(&duty.duty));
        hand_ins.planned = left.map(|duty| (duty.duty, self.planned(duty))).collect();
        Ok(())
    }

    /// Hands in what was planned for now; how many.
    pub(super) async fn hand_in(&self, hand_ins: &mut HandIns) -> usize {
        let now = self.pace.now();
        let due: Vec<(DutyEvent, Timestamp)> = hand_ins.planned.extract_if(|_, (_, at)| *at <= now).map(|(_, planned)| planned).collect();
        for (duty, planned) in &due {
            if self.send(duty, now).await {
                self.remember(duty.duty, 0, *planned);
                hand_ins.done.insert(duty.duty);
            }
        }
        due.len()
    }

    /// Open duties that a report ends.
    async fn recurring(&self) -> anyhow::Result<Vec<DutyEvent>> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let request = DutyListRequest { state: Some("open".into()), limit: Some(200), after, ..DutyListRequest::default() };
            let list: DutyList = self.overseer.get("/v1/duties", &request).await?;
            found.extend(list.duties.into_iter().filter(|duty| self.policy.hand_in(&duty.pack, &duty.rule, &duty.unit).is_some()));
            after = list.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    fn planned(&self, duty: DutyEvent) -> (DutyEvent, Timestamp) {
        let at = self.handed_in_at(&duty);
        (duty, at)
    }

    fn handed_in_at(&self, duty: &DutyEvent) -> Timestamp {
        let calendar = self.policy.calendar_of(&duty.unit);
        // It opens at midnight, when nobody is at work.
        let begun = if calendar.is_open(duty.opened_at) { duty.opened_at } else { calendar.next_opening(duty.opened_at).at };
        let at = begun.saturating_add(self.rules.delay_of("hand_in", &duty.key)).unwrap_or(Timestamp::MAX);
        if calendar.is_open(at) { at } else { calendar.next_opening(at).at }
    }

    /// True when it is accepted.
    async fn send(&self, duty: &DutyEvent, now: Timestamp) -> bool {
        // The key names unit and period.
        let (Some(hand_in), Some(period)) = (self.policy.hand_in(&duty.pack, &duty.rule, &duty.unit), duty.key.rsplit('/').next()) else {
            return true;
        };
        let mut fields = hand_in.fields;
        fields.insert("period".to_owned(), Value::from(period));
        let report = Report {
            channel: "manual".into(),
            kind: Some(hand_in.kind),
            unit: Some(duty.unit.clone()),
            occurred_at: Some(now),
            reporter: Reporter { anonymous: true, ..Reporter::default() },
            subject: Some(duty.title_zh.clone()),
            text: None,
            fields,
            attachments: Vec::new(),
            follows: None,
        };
        let Some(token) = self.installation.producers.get("web") else { return true };
        let sent = self.overseer.with_token(token).send_report(&format!("hand-in-{}", duty.duty), &report).await.is_ok();
        if sent {
            self.count(|tally| {
                tally.acts += 1;
                tally.handed_in += 1;
            });
        }
        sent
    }
}
