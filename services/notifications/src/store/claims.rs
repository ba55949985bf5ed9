//! Taking deliveries to be sent. A claim is a lease: who dies with it loses it, and the delivery is tried again under the same id.

use super::digests::Covered;
use duban_contracts::Timestamp;
use duban_contracts::absence::ReturnNoticed;
use duban_contracts::alert::AlertEvent;
use duban_contracts::delivery::DeliveryEvent;
use duban_platform::Ts;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::time::Duration;
use uuid::Uuid;

/// What a delivery tells.
#[derive(Debug, Clone)]
pub enum Tells {
    Alert(Box<AlertEvent>),
    /// What waits for somebody who is back.
    Return(Box<ReturnNoticed>),
    /// Several alerts at once, gathered at this time. What they are is read just before it is sent; None: not yet.
    Digest {
        gathered_at: Timestamp,
        covered: Option<Vec<Covered>>,
    },
}

impl Tells {
    /// When it came about: what is told of it is later.
    pub fn cause(&self) -> Timestamp {
        match self {
            Self::Alert(alert) => alert.raised_at,
            Self::Return(notice) => notice.until,
            Self::Digest { gathered_at, .. } => *gathered_at,
        }
    }

    pub fn policy(&self) -> i64 {
        match self {
            Self::Alert(alert) => alert.policy,
            Self::Return(_) | Self::Digest { .. } => 0,
        }
    }
}

/// A delivery that this copy may try now.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub delivery: DeliveryEvent,
    pub destination: String,
    pub tells: Tells,
    pub traceparent: Option<String>,
    /// Whether it is still to be sent: a notice and a digest are; an alert where it is open, its duty has not ended since, and the recipient has neither acknowledged it nor
    /// been named meanwhile as complained about.
    pub wanted: bool,
    /// Who owes the duty, if its opening was read.
    pub owed_by: String,
    /// Number of the case, if its registration was read.
    pub number: String,
    /// Names this claim.
    pub lease: Uuid,
}

/// How much a copy takes.
pub struct Share<'a> {
    /// Destinations that this copy is busy with, and how many attempts are under way there.
    pub busy: &'a [(String, i32)],
    /// Most attempts of one copy at a time on one destination of the channel.
    pub email: i32,
    pub webhook: i32,
    /// Most to take in one go.
    pub batch: i64,
    /// How long a claim holds. Longer than any attempt.
    pub lease: Duration,
}

/// Claims what is due, oldest first within each destination, from every destination no more than there is room for: so one that is slow
/// or dead holds up nobody but itself. The attempt is counted here, before it is made.
pub async fn claim_due(tx: &mut PgConnection, share: &Share<'_>) -> Result<Vec<Claimed>, sqlx::Error> {
    let lease = Uuid::now_v7();
    let rows = sqlx::query(
        "with busy as (select * from unnest($1::text[], $2::int[]) as t(id, attempts)),
         due as materialized (
             select picked.id from destination
             left join busy on busy.id = destination.id
             cross join lateral (
                 select delivery.id from delivery
                 where delivery.destination = destination.id and delivery.state = 'waiting' and delivery.next_at <= clock_timestamp()
                   and (delivery.digest is null or delivery.digest = delivery.id)
                   and (delivery.lease_until is null or delivery.lease_until <= clock_timestamp())
                 order by delivery.next_at, delivery.id
                 limit greatest(case destination.channel when 'email' then $3 else $4 end - coalesce(busy.attempts, 0), 0)
                 for update skip locked
             ) as picked
             limit $5
         ), claimed as (
             update delivery set attempts = attempts + 1, lease = $6, lease_until = clock_timestamp() + make_interval(secs => $7)
             from due where delivery.id = due.id returning delivery.*
         )
         select claimed.*, alert.duty, alert.case_id, alert.body, return_notice.body as returned,
                coalesce(alert.traceparent, return_notice.traceparent) as traceparent, coalesce(duty.owed_by, alert.body ->> 'owed_by', '') as owed_by,
                coalesce(case_copy.number, '') as number,
                coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}') as excluded,
                claimed.alert is null or alert.state = 'open' and coalesce(duty.ended_at < alert.raised_at, true)
                and not claimed.person = any(coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}'))
                and not alert.body -> 'acknowledgements' @> jsonb_build_array(jsonb_build_object('person', claimed.person)) is true as wanted
         from claimed left join alert on alert.id = claimed.alert left join duty on duty.id = alert.duty
         left join case_copy on case_copy.id = alert.case_id left join return_notice on return_notice.id = claimed.notice
         order by claimed.next_at, claimed.id",
    )
    .bind(share.busy.iter().map(|busy| busy.0.clone()).collect::<Vec<_>>())
    .bind(share.busy.iter().map(|busy| busy.1).collect::<Vec<_>>())
    .bind(i64::from(share.email))
    .bind(i64::from(share.webhook))
    .bind(share.batch)
    .bind(lease)
    .bind(share.lease.as_secs_f64())
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Claimed {
                delivery: super::deliveries::delivery(row)?,
                destination: row.try_get("destination")?,
                tells: match (
                    row.try_get::<Option<Json<ReturnNoticed>>, _>("returned")?,
                    row.try_get::<Option<Json<AlertEvent>>, _>("body")?,
                ) {
                    (Some(notice), _) => Tells::Return(Box::new(notice.0)),
                    (None, Some(alert)) => Tells::Alert(Box::new(alert.0)),
                    (None, None) => Tells::Digest { gathered_at: row.try_get::<Ts, _>("created_at")?.0, covered: None },
                },
                traceparent: row.try_get("traceparent")?,
                wanted: row.try_get("wanted")?,
                owed_by: row.try_get("owed_by")?,
                number: row.try_get("number")?,
                lease,
            })
        })
        .collect()
}

/// Who must not be told of a delivery's alert, nor named in it, as is known by now.
pub async fn excluded(pool: &sqlx::PgPool, delivery: Uuid) -> Result<Vec<String>, sqlx::Error> {
    let known: Option<Vec<String>> = sqlx::query_scalar(
        "select coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}')
         from delivery join alert on alert.id = delivery.alert left join duty on duty.id = alert.duty
         left join case_copy on case_copy.id = alert.case_id where delivery.id = $1",
    )
    .bind(delivery)
    .fetch_optional(pool)
    .await?;
    Ok(known.unwrap_or_default())
}

/// How long the oldest waiting delivery of each channel has been due, in seconds, and how many wait.
pub async fn backlog(pool: &sqlx::PgPool) -> Result<Vec<(String, i64, f64)>, sqlx::Error> {
    sqlx::query_as(
        "select channel, count(*), coalesce(extract(epoch from clock_timestamp() - min(next_at)), 0)::float8
         from delivery where state = 'waiting' group by channel",
    )
    .fetch_all(pool)
    .await
}

/// What became of a claimed delivery.
pub struct Ending<'a> {
    pub claimed: &'a Claimed,
    /// `sent`, `failed`, `cancelled`; None to try again after `wait`.
    pub state: Option<&'static str>,
    pub wait: Duration,
    pub error: Option<&'a str>,
    pub at: Ts,
}

/// Ends the claim, unless another copy has taken the delivery over meanwhile: then None, and the other's outcome stands. An attempt that was
/// not made, the delivery being cancelled, is not counted.
pub async fn end(tx: &mut PgConnection, ending: &Ending<'_>) -> Result<Option<DeliveryEvent>, sqlx::Error> {
    let row = sqlx::query(
        "with ended as (
             update delivery set
                 state = coalesce($3, 'waiting'),
                 attempts = case when $3 = 'cancelled' then attempts - 1 else attempts end,
                 sent_at = case when $3 = 'sent' then $4 end,
                 ended_at = case when $3 is not null then $4 end,
                 next_at = clock_timestamp() + make_interval(secs => $5),
                 last_error = case when $3 = 'sent' then null else coalesce($6, last_error) end,
                 lease = null, lease_until = null,
                 version = case when $3 is null then version else version + 1 end
             where id = $1 and state = 'waiting' and lease = $2
             returning *
         )
         select ended.*, alert.duty, alert.case_id,
                coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}') as excluded
         from ended left join alert on alert.id = ended.alert left join duty on duty.id = alert.duty
         left join case_copy on case_copy.id = alert.case_id",
    )
    .bind(ending.claimed.delivery.delivery)
    .bind(ending.claimed.lease)
    .bind(ending.state)
    .bind(ending.at)
    .bind(ending.wait.as_secs_f64())
    .bind(ending.error)
    .fetch_optional(tx)
    .await?;
    row.as_ref().map(super::deliveries::delivery).transpose()
}
