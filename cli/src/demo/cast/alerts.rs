//! Acknowledging alerts, as their recipients, after a while; some late, some never.

use super::Cast;
use duban_contracts::Timestamp;
use duban_contracts::alert::{AlertEvent, AlertList, AlertListRequest};
use futures::StreamExt;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// How often the staff looks at its alerts, real time.
const LOOK: Duration = Duration::from_millis(400);

/// How many are acknowledged at once.
const AT_ONCE: usize = 8;

impl Cast {
    pub(super) async fn acknowledge_alerts(&self) -> anyhow::Result<()> {
        // When each alert is acknowledged, by the decision of the first look; None for never.
        let mut planned: HashMap<Uuid, Option<Timestamp>> = HashMap::new();
        loop {
            let open = self.open_alerts().await.unwrap_or_default();
            let now = self.pace.now();
            let due: Vec<AlertEvent> = open
                .into_iter()
                .filter(|alert| planned.entry(alert.alert).or_insert_with(|| self.acknowledged_at(alert)).is_some_and(|at| at <= now))
                .collect();
            let at_work: Vec<_> = due.iter().map(|alert| async move { (alert.alert, self.acknowledge(alert).await) }).collect();
            let acknowledged: Vec<(Uuid, bool)> = futures::stream::iter(at_work).buffer_unordered(AT_ONCE).collect().await;
            planned.extend(acknowledged.into_iter().filter(|(_, done)| *done).map(|(alert, _)| (alert, None)));
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn open_alerts(&self) -> anyhow::Result<Vec<AlertEvent>> {
        let request = AlertListRequest { state: Some("open".into()), all: true, before: None, limit: Some(200) };
        let list: AlertList = self.overseer.get("/v1/alerts", &request).await?;
        Ok(list.alerts)
    }

    fn acknowledged_at(&self, alert: &AlertEvent) -> Option<Timestamp> {
        let after = self.rules.acknowledged_after(&alert.alert.to_string())?;
        let at = alert.raised_at.checked_add(after).ok()?;
        let calendar = self.policy.calendar_of(&alert.unit);
        Some(if alert.urgent || calendar.is_open(at) { at } else { calendar.next_opening(at).at })
    }

    /// By every recipient where all must, else by the first. True when it is done with.
    async fn acknowledge(&self, alert: &AlertEvent) -> bool {
        let needed = if alert.until == "all" { alert.recipients.len() } else { 1 };
        let mut done = true;
        for recipient in alert.recipients.iter().take(needed) {
            let Ok(gateway) = self.installation.person(&recipient.person).await else { continue };
            match gateway.acknowledge(alert.alert, Uuid::now_v7()).await {
                Ok(_) => self.count(|tally| tally.acknowledged += 1),
                Err(error) => done &= crate::exit::code(&error) != crate::exit::UNAVAILABLE,
            }
        }
        done
    }
}
