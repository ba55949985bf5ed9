//! Messages and deliveries as they are written when an alert is told, and as they end.

use duban_contracts::alert::AlertEvent;
use duban_contracts::delivery::DeliveryEvent;
use duban_platform::Ts;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// A message to one person about one alert, with its link.
pub struct MessageRow {
    pub alert: Uuid,
    pub person: String,
    pub language: &'static str,
    pub told_at: Ts,
    pub link: Uuid,
    pub token_hash: Vec<u8>,
    pub link_expires_at: Ts,
}

/// A delivery to be made.
pub struct DeliveryRow {
    pub id: Uuid,
    /// What it tells: an alert, or the notice of somebody's return.
    pub alert: Option<Uuid>,
    pub notice: Option<Uuid>,
    pub person: String,
    pub channel: &'static str,
    pub destination: String,
    /// Masked.
    pub address: String,
    pub created_at: Ts,
}

/// Writes messages with their links; those that are there already stay as they are.
pub async fn insert_messages(tx: &mut PgConnection, rows: &[MessageRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let alerts: Vec<Uuid> = rows.iter().map(|row| row.alert).collect();
    let people: Vec<String> = rows.iter().map(|row| row.person.clone()).collect();
    sqlx::query(
        "insert into message (alert, person, language, told_at)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) order by 1, 2 on conflict do nothing",
    )
    .bind(&alerts)
    .bind(&people)
    .bind(rows.iter().map(|row| row.language.to_owned()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.told_at).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "insert into link (id, alert, person, token_hash, expires_at)
         select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::timestamptz[]) order by 1 on conflict do nothing",
    )
    .bind(rows.iter().map(|row| row.link).collect::<Vec<_>>())
    .bind(&alerts)
    .bind(&people)
    .bind(rows.iter().map(|row| row.token_hash.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.link_expires_at).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes deliveries, to be tried at once; those that are there already stay as they are.
pub async fn insert_deliveries(tx: &mut PgConnection, rows: &[DeliveryRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let destinations: Vec<String> = rows.iter().map(|row| row.destination.clone()).collect();
    let channels: Vec<String> = rows.iter().map(|row| row.channel.to_owned()).collect();
    sqlx::query(
        "insert into destination (id, channel)
         select distinct * from unnest($1::text[], $2::text[]) order by 1 on conflict do nothing",
    )
    .bind(&destinations)
    .bind(&channels)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "insert into delivery (id, alert, person, channel, destination, address, created_at, notice, next_at)
         select t.*, clock_timestamp()
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::uuid[]) as t
         order by 1 on conflict do nothing",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.alert).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.person.clone()).collect::<Vec<_>>())
    .bind(&channels)
    .bind(&destinations)
    .bind(rows.iter().map(|row| row.address.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.notice).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Of what something was read that may make it unwanted.
#[derive(Default)]
pub struct Suspects {
    pub alerts: Vec<Uuid>,
    pub duties: Vec<Uuid>,
    pub cases: Vec<Uuid>,
}

impl Suspects {
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.duties.is_empty() && self.cases.is_empty()
    }
}

/// Cancels what waits and is no longer wanted, of these alerts or of these duties' or cases' alerts: the alert was acknowledged or closed,
/// the recipient himself acknowledged it or is complained about, or its duty has ended. What is being sent at this moment, by itself or in a
/// digest, is left to the sender, who looks again before a next attempt. Answers what was cancelled.
pub async fn cancel_unwanted(tx: &mut PgConnection, suspects: &Suspects, now: Ts) -> Result<Vec<DeliveryEvent>, sqlx::Error> {
    let rows = sqlx::query(
        "with suspect as materialized (
             select unnest($1::uuid[]) as id
             union select id from alert where duty = any($2)
             union select id from alert where case_id = any($4)
         ), unwanted as materialized (
             select delivery.id from suspect join alert using (id) join delivery on delivery.alert = alert.id
             left join duty on duty.id = alert.duty left join case_copy on case_copy.id = alert.case_id
             where delivery.state = 'waiting'
               and (delivery.lease_until is null or delivery.lease_until < clock_timestamp())
               and not exists (select from delivery as whole where whole.id = delivery.digest and whole.lease_until >= clock_timestamp())
               and (alert.state <> 'open' or duty.ended_at >= alert.raised_at
                    or delivery.person = any(coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}'))
                    or alert.body -> 'acknowledgements' @> jsonb_build_array(jsonb_build_object('person', delivery.person)))
             order by delivery.id for update of delivery
         ), cancelled as (
             update delivery set state = 'cancelled', ended_at = $3, version = version + 1, lease = null, lease_until = null
             from unwanted where delivery.id = unwanted.id and delivery.state = 'waiting' returning delivery.*
         )
         select cancelled.*, alert.duty, alert.case_id,
                coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}') as excluded
         from cancelled join alert on alert.id = cancelled.alert left join duty on duty.id = alert.duty
         left join case_copy on case_copy.id = alert.case_id order by cancelled.id",
    )
    .bind(&suspects.alerts)
    .bind(&suspects.duties)
    .bind(now)
    .bind(&suspects.cases)
    .fetch_all(tx)
    .await?;
    rows.iter().map(delivery).collect()
}

/// Marks messages whose channels have all failed (or that had none) as unreachable, once. Answers the alerts of those that became so.
pub async fn mark_unreachable(
    tx: &mut PgConnection,
    messages: &[(Uuid, String)],
    now: Ts,
) -> Result<Vec<(String, AlertEvent)>, sqlx::Error> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let alerts: Vec<Uuid> = messages.iter().map(|message| message.0).collect();
    let people: Vec<String> = messages.iter().map(|message| message.1.clone()).collect();
    // Locked by a statement of its own: where two channels fail at once, the second one's look below comes after the first one's commit.
    sqlx::query(
        "select 1 from message join unnest($1::uuid[], $2::text[]) as named(alert, person) using (alert, person)
         order by alert, person for update of message",
    )
    .bind(&alerts)
    .bind(&people)
    .execute(&mut *tx)
    .await?;
    let rows: Vec<(String, Json<AlertEvent>)> = sqlx::query_as(
        "with marked as (
             update message set unreachable_at = $3 from unnest($1::uuid[], $2::text[]) as named(alert, person)
             where message.alert = named.alert and message.person = named.person and message.unreachable_at is null
               and not exists (select 1 from delivery where delivery.alert = message.alert and delivery.person = message.person
                               and delivery.state <> 'failed')
             returning message.alert, message.person
         )
         select marked.person, alert.body from marked join alert on alert.id = marked.alert order by marked.alert, marked.person",
    )
    .bind(&alerts)
    .bind(&people)
    .bind(now)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|(person, body)| (person, body.0)).collect())
}

/// A delivery as people are shown it: who is complained about is not for everybody who sees it.
pub fn shown(row: &sqlx::postgres::PgRow) -> Result<DeliveryEvent, sqlx::Error> {
    Ok(DeliveryEvent { excluded_people: Vec::new(), ..delivery(row)? })
}

/// A delivery with who must be kept out of it, as services tell each other: from a row of `delivery` joined with its alert's `duty` and
/// `case_id` and with who is `excluded` from both.
pub fn delivery(row: &sqlx::postgres::PgRow) -> Result<DeliveryEvent, sqlx::Error> {
    let state: String = row.try_get("state")?;
    let next_at: Ts = row.try_get("next_at")?;
    let mut excluded_people: Vec<String> = row.try_get("excluded")?;
    excluded_people.sort_unstable();
    excluded_people.dedup();
    Ok(DeliveryEvent {
        delivery: row.try_get("id")?,
        alert: row.try_get("alert")?,
        duty: row.try_get("duty")?,
        notice: row.try_get("notice")?,
        digest: row.try_get("digest")?,
        case: row.try_get("case_id")?,
        person: row.try_get("person")?,
        channel: row.try_get("channel")?,
        address: row.try_get("address")?,
        attempts: row.try_get("attempts")?,
        created_at: row.try_get::<Ts, _>("created_at")?.0,
        sent_at: row.try_get::<Option<Ts>, _>("sent_at")?.map(|ts| ts.0),
        next_at: (state == "waiting").then_some(next_at.0),
        last_error: row.try_get("last_error")?,
        excluded_people,
        version: row.try_get("version")?,
        state,
    })
}
