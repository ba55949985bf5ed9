//! Absences that are over, and what waits for who is back.

use super::duties;
use duban_contracts::Timestamp;
use duban_contracts::alert::Recipient;
use duban_engine::duty::Duty;
use duban_platform::db::Ts;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

/// An absence that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub person: String,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// Duties that are read at most for one person.
const MOST: i64 = 10_000;

/// Notes that these are told. Gives those that were not told before; a twin's are waited for.
pub async fn insert(tx: &mut PgConnection, ended: &[Ended], now: Timestamp) -> Result<Vec<Ended>, sqlx::Error> {
    let rows: Vec<(String, Ts, Ts)> = sqlx::query_as(
        "insert into return_noticed (person, since, until, noticed_at)
         select person, since, until, $4 from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) as over (person, since, until)
         order by person, since on conflict do nothing returning person, since, until",
    )
    .bind(ended.iter().map(|absence| absence.person.as_str()).collect::<Vec<_>>())
    .bind(ended.iter().map(|absence| Ts(absence.since)).collect::<Vec<_>>())
    .bind(ended.iter().map(|absence| Ts(absence.until)).collect::<Vec<_>>())
    .bind(Ts(now))
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|(person, since, until)| Ended { person, since: since.0, until: until.0 }).collect())
}

/// Open duties of which others were alerted in the person's place since then, by due time, each with whom the newest of those alerts went to;
/// without those that he must not know of.
pub async fn waiting(tx: &mut PgConnection, person: &str, since: Timestamp) -> Result<Vec<(Duty, Vec<String>)>, sqlx::Error> {
    let rows = sqlx::query(
        "select distinct on (alert.duty) alert.duty, alert.recipients from diverted join alert on alert.id = diverted.alert
         where diverted.person = $1 and diverted.raised_at >= $2 order by alert.duty, alert.raised_at desc, alert.id desc",
    )
    .bind(person)
    .bind(Ts(since))
    .fetch_all(&mut *tx)
    .await?;
    let mut went_to: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    for row in rows {
        let recipients = row.try_get::<Json<Vec<Recipient>>, _>("recipients")?.0;
        went_to.insert(row.try_get("duty")?, recipients.into_iter().map(|recipient| recipient.person).collect());
    }
    let rows = sqlx::query("select * from duty where id = any ($1) and open and not excluded_people ? $2 order by due_at, id limit $3")
        .bind(went_to.keys().copied().collect::<Vec<_>>())
        .bind(person)
        .bind(MOST)
        .fetch_all(tx)
        .await?;
    rows.iter()
        .map(|row| {
            duties::duty(row).map(|duty| {
                let went_to = went_to.remove(&duty.id).unwrap_or_default();
                (duty, went_to)
            })
        })
        .collect()
}
