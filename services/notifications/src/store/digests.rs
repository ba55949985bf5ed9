//! Heaps of deliveries, and the digests that they go out in.

use super::claims::Share;
use super::deliveries;
use duban_contracts::alert::AlertEvent;
use duban_contracts::delivery::DeliveryEvent;
use duban_platform::Ts;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, Row};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// What waits for one person on one channel, and what was sent of late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heap {
    pub person: String,
    pub channel: String,
    /// Alerts that nobody has tried to send yet; counted no further than matters.
    pub waiting: i64,
    /// Of the present window.
    pub singly: i64,
    pub digests: i64,
}

/// A delivery that could be gathered.
pub struct Waiting {
    pub delivery: Uuid,
    pub person: String,
    pub channel: String,
    pub destination: String,
    /// Masked.
    pub address: String,
}

/// A digest to be made.
pub struct DigestRow {
    pub id: Uuid,
    pub person: String,
    pub channel: String,
    pub destination: String,
    pub address: String,
    /// The deliveries that go out in it.
    pub covers: Vec<Uuid>,
}

/// A delivery that goes out in a digest.
#[derive(Debug, Clone)]
pub struct Covered {
    pub delivery: Uuid,
    pub alert: AlertEvent,
    /// Number of the case, if its registration was read.
    pub number: String,
    pub traceparent: Option<String>,
    /// Whether its alert is still to be told to him, as far as is known here.
    pub wanted: bool,
}

/// Those at the heads of the queues for whom more waits than may go out by itself now. Nothing is locked; nobody, mostly.
pub async fn heads(tx: &mut PgConnection, share: &Share<'_>, over: i64, window: Duration) -> Result<Vec<Heap>, sqlx::Error> {
    let rows = sqlx::query(
        "with busy as (select * from unnest($1::text[], $2::int[]) as t(id, attempts)),
         head as materialized (
             select distinct picked.person, picked.channel from destination
             left join busy on busy.id = destination.id
             cross join lateral (
                 select delivery.person, delivery.channel from delivery
                 where delivery.destination = destination.id and delivery.state = 'waiting' and delivery.digest is null
                   and delivery.alert is not null and delivery.attempts = 0 and delivery.next_at <= clock_timestamp()
                   and (delivery.lease_until is null or delivery.lease_until <= clock_timestamp())
                 order by delivery.next_at, delivery.id
                 limit greatest(case destination.channel when 'email' then $3 else $4 end - coalesce(busy.attempts, 0), 0)
             ) as picked
         ), heap as (
             select head.person, head.channel, counted.waiting,
                    case when pace.began_at + make_interval(secs => $6) > clock_timestamp() then pace.singly else 0 end as singly
             from head left join pace on pace.person = head.person and pace.channel = head.channel
             cross join lateral (
                 select count(*) as waiting from (
                     select from delivery
                     where delivery.person = head.person and delivery.channel = head.channel and delivery.state = 'waiting'
                       and delivery.digest is null and delivery.alert is not null and delivery.attempts = 0
                       and delivery.next_at <= clock_timestamp()
                     limit $5 + 1
                 ) as some_of_it
             ) as counted
         )
         select person, channel, waiting from heap where waiting + singly > $5",
    )
    .bind(share.busy.iter().map(|busy| busy.0.clone()).collect::<Vec<_>>())
    .bind(share.busy.iter().map(|busy| busy.1).collect::<Vec<_>>())
    .bind(i64::from(share.email))
    .bind(i64::from(share.webhook))
    .bind(over)
    .bind(window.as_secs_f64())
    .fetch_all(tx)
    .await?;
    let heap = |row: &sqlx::postgres::PgRow| {
        let (person, channel) = (row.try_get("person")?, row.try_get("channel")?);
        Ok(Heap { person, channel, waiting: row.try_get("waiting")?, singly: 0, digests: 0 })
    };
    rows.iter().map(heap).collect()
}

/// Takes the turn of these until the transaction ends, in order, and gives them with what was sent in the present window.
pub async fn take_turns(tx: &mut PgConnection, heaps: Vec<Heap>, window: Duration) -> Result<Vec<Heap>, sqlx::Error> {
    let rows: Vec<(String, String, i32, i32)> = sqlx::query_as(
        "insert into pace as known (person, channel, began_at, singly, digests)
         select person, channel, clock_timestamp(), 0, 0 from unnest($1::text[], $2::text[]) as t (person, channel) order by 1, 2
         on conflict (person, channel) do update set
             began_at = case when known.began_at + make_interval(secs => $3) > clock_timestamp() then known.began_at else clock_timestamp() end,
             singly = case when known.began_at + make_interval(secs => $3) > clock_timestamp() then known.singly else 0 end,
             digests = case when known.began_at + make_interval(secs => $3) > clock_timestamp() then known.digests else 0 end
         returning person, channel, singly, digests",
    )
    .bind(heaps.iter().map(|heap| heap.person.clone()).collect::<Vec<_>>())
    .bind(heaps.iter().map(|heap| heap.channel.clone()).collect::<Vec<_>>())
    .bind(window.as_secs_f64())
    .fetch_all(tx)
    .await?;
    let paces: BTreeMap<(String, String), (i64, i64)> =
        rows.into_iter().map(|(person, channel, singly, digests)| ((person, channel), (singly.into(), digests.into()))).collect();
    let with_pace = |heap: Heap| {
        let (singly, digests) = paces.get(&(heap.person.clone(), heap.channel.clone())).copied().unwrap_or_default();
        Heap { singly, digests, ..heap }
    };
    Ok(heaps.into_iter().map(with_pace).collect())
}

/// Lets what waits for these wait until their windows end.
pub async fn let_wait(tx: &mut PgConnection, heaps: &[Heap], window: Duration) -> Result<(), sqlx::Error> {
    if heaps.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "with waiting as (
             select delivery.id, pace.began_at + make_interval(secs => $3) as until from unnest($1::text[], $2::text[]) as t (person, channel)
             join pace using (person, channel) join delivery using (person, channel)
             where delivery.state = 'waiting' and delivery.digest is null and delivery.alert is not null and delivery.attempts = 0
               and delivery.next_at <= clock_timestamp()
             for update of delivery skip locked
         )
         update delivery set next_at = waiting.until from waiting where delivery.id = waiting.id",
    )
    .bind(heaps.iter().map(|heap| heap.person.clone()).collect::<Vec<_>>())
    .bind(heaps.iter().map(|heap| heap.channel.clone()).collect::<Vec<_>>())
    .bind(window.as_secs_f64())
    .execute(tx)
    .await?;
    Ok(())
}

/// What waits for these, held until the transaction ends, so many of each at most, the oldest first.
pub async fn waiting(tx: &mut PgConnection, heaps: &[Heap], most: i64) -> Result<Vec<Waiting>, sqlx::Error> {
    let rows = sqlx::query(
        "select waiting.* from unnest($1::text[], $2::text[]) as t (person, channel)
         cross join lateral (
             select delivery.id, delivery.person, delivery.channel, delivery.destination, delivery.address, delivery.created_at from delivery
             where delivery.person = t.person and delivery.channel = t.channel and delivery.state = 'waiting' and delivery.digest is null
               and delivery.alert is not null and delivery.attempts = 0 and delivery.next_at <= clock_timestamp()
             order by delivery.created_at, delivery.id limit $3 for update skip locked
         ) as waiting order by waiting.created_at, waiting.id",
    )
    .bind(heaps.iter().map(|heap| heap.person.clone()).collect::<Vec<_>>())
    .bind(heaps.iter().map(|heap| heap.channel.clone()).collect::<Vec<_>>())
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Waiting {
                delivery: row.try_get("id")?,
                person: row.try_get("person")?,
                channel: row.try_get("channel")?,
                destination: row.try_get("destination")?,
                address: row.try_get("address")?,
            })
        })
        .collect()
}

/// Makes digests, to be tried at once, and lets what they cover go out in them.
pub async fn insert(tx: &mut PgConnection, digests: &[DigestRow], now: Ts) -> Result<(), sqlx::Error> {
    // The oldest of what it gathers was due before all that waits behind: so is the digest.
    sqlx::query(
        "insert into delivery (id, digest, person, channel, destination, address, created_at, next_at)
         select t.id, t.id, t.person, t.channel, t.destination, t.address, $6,
                coalesce((select next_at from delivery where delivery.id = t.first), clock_timestamp())
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $7::uuid[]) as t (id, person, channel, destination, address, first)
         order by 1 on conflict do nothing",
    )
    .bind(digests.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(digests.iter().map(|row| row.person.clone()).collect::<Vec<_>>())
    .bind(digests.iter().map(|row| row.channel.clone()).collect::<Vec<_>>())
    .bind(digests.iter().map(|row| row.destination.clone()).collect::<Vec<_>>())
    .bind(digests.iter().map(|row| row.address.clone()).collect::<Vec<_>>())
    .bind(now)
    .bind(digests.iter().map(|row| row.covers.first().copied()).collect::<Vec<_>>())
    .execute(&mut *tx)
    .await?;
    let covered: Vec<(Uuid, Uuid)> = digests.iter().flat_map(|row| row.covers.iter().map(|delivery| (*delivery, row.id))).collect();
    sqlx::query("update delivery set digest = t.digest from unnest($1::uuid[], $2::uuid[]) as t (id, digest) where delivery.id = t.id")
        .bind(covered.iter().map(|covered| covered.0).collect::<Vec<_>>())
        .bind(covered.iter().map(|covered| covered.1).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// After a digest nothing goes out by itself in its window.
pub async fn note_digests(tx: &mut PgConnection, digests: &[DigestRow], over: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update pace set digests = pace.digests + 1, singly = greatest(pace.singly, $3) from unnest($1::text[], $2::text[]) as t (person, channel)
         where pace.person = t.person and pace.channel = t.channel",
    )
    .bind(digests.iter().map(|row| row.person.clone()).collect::<Vec<_>>())
    .bind(digests.iter().map(|row| row.channel.clone()).collect::<Vec<_>>())
    .bind(i32::try_from(over).unwrap_or(i32::MAX))
    .execute(tx)
    .await?;
    Ok(())
}

/// Counts what goes out by itself, in the window that is on or in one that begins now.
pub async fn count(tx: &mut PgConnection, counts: &BTreeMap<(&str, &str), i32>, window: Duration) -> Result<(), sqlx::Error> {
    if counts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into pace as known (person, channel, began_at, singly, digests)
         select person, channel, clock_timestamp(), singly, 0
         from unnest($1::text[], $2::text[], $3::int[]) as t (person, channel, singly) order by 1, 2
         on conflict (person, channel) do update set
             began_at = case when known.began_at + make_interval(secs => $4) > clock_timestamp() then known.began_at else clock_timestamp() end,
             singly = case when known.began_at + make_interval(secs => $4) > clock_timestamp() then known.singly else 0 end + excluded.singly,
             digests = case when known.began_at + make_interval(secs => $4) > clock_timestamp() then known.digests else 0 end",
    )
    .bind(counts.keys().map(|(person, _)| (*person).to_owned()).collect::<Vec<_>>())
    .bind(counts.keys().map(|(_, channel)| (*channel).to_owned()).collect::<Vec<_>>())
    .bind(counts.values().copied().collect::<Vec<_>>())
    .bind(window.as_secs_f64())
    .execute(tx)
    .await?;
    Ok(())
}

/// What a digest gathers and has not ended yet.
pub async fn covered(db: impl PgExecutor<'_>, digest: Uuid) -> Result<Vec<Covered>, sqlx::Error> {
    let rows = sqlx::query(
        "select delivery.id, alert.body, alert.traceparent, coalesce(case_copy.number, '') as number,
                alert.state = 'open' and coalesce(duty.ended_at < alert.raised_at, true)
                and not delivery.person = any(coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}'))
                and not alert.body -> 'acknowledgements' @> jsonb_build_array(jsonb_build_object('person', delivery.person)) is true as wanted
         from delivery join alert on alert.id = delivery.alert left join duty on duty.id = alert.duty
         left join case_copy on case_copy.id = alert.case_id
         where delivery.digest = $1 and delivery.id <> $1 and delivery.state = 'waiting' order by delivery.created_at, delivery.id",
    )
    .bind(digest)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Covered {
                delivery: row.try_get("id")?,
                alert: row.try_get::<Json<AlertEvent>, _>("body")?.0,
                number: row.try_get("number")?,
                traceparent: row.try_get("traceparent")?,
                wanted: row.try_get("wanted")?,
            })
        })
        .collect()
}

/// How deliveries of a digest end.
pub struct End<'a> {
    pub digest: Uuid,
    pub deliveries: &'a [Uuid],
    /// `sent`, `failed`, `cancelled`.
    pub state: &'static str,
    pub error: Option<&'a str>,
    /// How often the digest was tried.
    pub attempts: i32,
    pub at: Ts,
}

/// Ends them, but for those that ended otherwise meanwhile. Gives those that ended.
pub async fn end(tx: &mut PgConnection, end: &End<'_>) -> Result<Vec<DeliveryEvent>, sqlx::Error> {
    if end.deliveries.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "with held as (
             select id from delivery where id = any($2) and digest = $1 and id <> $1 and state = 'waiting' order by id for update
         ), ended as (
             update delivery set state = $3, sent_at = case when $3 = 'sent' then $4 end, ended_at = $4, last_error = $5,
                 attempts = case when $3 = 'cancelled' then attempts else $6 end, version = version + 1
             from held where delivery.id = held.id returning delivery.*
         )
         select ended.*, alert.duty, alert.case_id,
                coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}') as excluded
         from ended join alert on alert.id = ended.alert left join duty on duty.id = alert.duty
         left join case_copy on case_copy.id = alert.case_id order by ended.id",
    )
    .bind(end.digest)
    .bind(end.deliveries)
    .bind(end.state)
    .bind(end.at)
    .bind(end.error)
    .bind(end.attempts)
    .fetch_all(tx)
    .await?;
    rows.iter().map(deliveries::delivery).collect()
}
