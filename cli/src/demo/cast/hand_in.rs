//! What comes back regularly, such as a weekly report: whoever owes one hands it in as a report of its kind, some of them late.

use super::Cast;
use duban_contracts::Timestamp;
use duban_contracts::duty::{DutyEvent, DutyList, DutyListRequest};
use duban_contracts::report::{Report, Reporter};
use serde_json::Value;
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

/// How often the staff looks, real time. What is done every day is due an hour or two of domain time after it is handed in: at the pace of a
/// demonstration, a second or two.
const LOOK: Duration = Duration::from_millis(250);

impl Cast {
    pub(super) async fn hand_in(&self) -> anyhow::Result<()> {
        let mut handed_in: HashSet<Uuid> = HashSet::new();
        loop {
            let now = self.pace.now();
            for duty in self.recurring().await.unwrap_or_default() {
                let planned = self.handed_in_at(&duty);
                if !handed_in.contains(&duty.duty) && planned <= now && self.send(&duty, now).await {
                    self.remember(duty.duty, 0, planned);
                    handed_in.insert(duty.duty);
                }
            }
            tokio::time::sleep(LOOK).await;
        }
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
        let Ok(gateway) = self.installation.producer("web") else { return true };
        let sent = gateway.send_report(&format!("hand-in-{}", duty.duty), &report).await.is_ok();
        if sent {
            self.count(|tally| tally.acts += 1);
        }
        sent
    }
}
