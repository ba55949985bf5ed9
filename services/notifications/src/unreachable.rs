//! Nobody got through: told as an event, so that packs and pages can act on it, and counted.

use crate::App;
use crate::store::deliveries;
use duban_contracts::delivery::Unreachable;
use duban_contracts::{NewEvent, Timestamp, ids};
use duban_platform::Ts;
use sqlx::PgConnection;
use uuid::Uuid;

/// Looks whether every channel of these messages has failed, marks those once, and gives the events to be written.
///
/// # Errors
/// The database's.
pub async fn tell(app: &App, tx: &mut PgConnection, messages: &[(Uuid, String)], cause: Timestamp) -> Result<Vec<NewEvent>, sqlx::Error> {
    let clock = &app.platform.clock;
    let marked = deliveries::mark_unreachable(tx, messages, Ts(clock.now())).await?;
    Ok(marked
        .into_iter()
        .map(|(person, alert)| {
            app.measures.unreachable.with_label_values::<&str>(&[]).inc();
            tracing::warn!(alert = %alert.alert, duty = %alert.duty, "no channel reached a recipient");
            let message = ids::derived("message", &[&alert.alert.to_string(), &person]);
            let body = unreachable(&alert, person);
            let event =
                NewEvent::new("notifications", "alert.unreachable", format!("message/{message}"), 1, clock.cause_after(cause), &body)
                    .with_policy(alert.policy);
            match alert.case {
                Some(case) => event.with_case(case),
                None => event,
            }
        })
        .collect())
}

/// As told and shown.
pub fn unreachable(alert: &duban_contracts::alert::AlertEvent, person: String) -> Unreachable {
    Unreachable {
        alert: alert.alert,
        duty: alert.duty,
        case: alert.case,
        person,
        unit: alert.unit.clone(),
        title: alert.title.clone(),
        title_zh: alert.title_zh.clone(),
        link: alert.link.clone(),
        policy: alert.policy,
        rule: alert.rule.clone(),
    }
}
