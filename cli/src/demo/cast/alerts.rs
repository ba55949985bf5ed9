//! Acknowledging alerts, as their recipients, after a while; some late, some never.

use super::{Cast, patiently};
use duban_contracts::Timestamp;
use duban_contracts::alert::{AlertEvent, AlertList, AlertListRequest};
use futures::StreamExt;
use std::collections::HashMap;
use uuid::Uuid;

/// How many are acknowledged at once.
const AT_ONCE: usize = 8;

/// When each open alert is acknowledged, by the decision of the first look; none for never, and for what is done with.
#[derive(Debug, Default)]
pub(super) struct Acknowledgements(HashMap<Uuid, Option<(AlertEvent, Timestamp)>>);

impl Acknowledgements {
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.values().flatten().map(|(_, at)| *at).min()
    }
}

impl Cast {
    pub(super) async fn look_at_alerts(&self, alerts: &mut Acknowledgements) -> anyhow::Result<()> {
        for alert in patiently(|| self.open_alerts()).await? {
            alerts.0.entry(alert.alert).or_insert_with(|| self.acknowledged_at(&alert).map(|at| (alert, at)));
        }
        Ok(())
    }

    /// Acknowledges what was planned for now; how many.
    pub(super) async fn acknowledge(&self, alerts: &mut Acknowledgements) -> usize {
        let now = self.pace.now();
        let due: Vec<AlertEvent> = alerts.0.values().flatten().filter(|(_, at)| *at <= now).map(|(alert, _)| alert.clone()).collect();
        let at_work: Vec<_> = due.iter().map(|alert| async move { (alert.alert, self.acknowledge_one(alert).await) }).collect();
        let acknowledged: Vec<(Uuid, bool)> = futures::stream::iter(at_work).buffer_unordered(AT_ONCE).collect().await;
        alerts.0.extend(acknowledged.iter().filter(|(_, done)| *done).map(|(alert, _)| (*alert, None)));
        due.len()
    }

    async fn open_alerts(&self) -> anyhow::Result<Vec<AlertEvent>> {
        let request = AlertListRequest { state: Some("open".into()), all: true, trial: false, before: None, limit: Some(200) };
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
    async fn acknowledge_one(&self, alert: &AlertEvent) -> bool {
        let needed = if alert.until == "all" { alert.recipients.len() } else { 1 };
        let mut done = true;
        for recipient in alert.recipients.iter().take(needed) {
            let Ok(gateway) = self.gateway_of(&recipient.person).await else { continue };
            match gateway.acknowledge(alert.alert, Uuid::now_v7()).await {
                Ok(_) => self.count(|tally| tally.acknowledged += 1),
                Err(error) => done &= crate::exit::code(&error) != crate::exit::UNAVAILABLE,
            }
        }
        done
    }
}
