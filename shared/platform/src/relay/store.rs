//! The relay's SQL. Times are the database's real clock, except an event's own.

use super::lease::Lease;
use crate::db::Ts;
use duban_contracts::Timestamp;
use sqlx::{PgPool, Row};
use uuid::Uuid;

/// A row to be published.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Waiting {
    pub id: Uuid,
    pub subject: String,
    pub time: Ts,
    pub about: String,
    pub version: i64,
    pub policy: i64,
    pub case_id: Option<Uuid>,
    pub traceparent: Option<String>,
    pub body: String,
}

pub(super) async fn take_lease(pool: &PgPool, holder: &str, seconds: f64) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "insert into relay_lease as lease (name, holder, epoch, until)
         values ('relay', $1, 1, clock_timestamp() + make_interval(secs => $2))
         on conflict (name) do update set holder = excluded.holder, epoch = lease.epoch + 1, until = excluded.until
         where lease.until < clock_timestamp()
         returning epoch",
    )
    .bind(holder)
    .bind(seconds)
    .fetch_optional(pool)
    .await
}

pub(super) async fn renew_lease(pool: &PgPool, holder: &str, epoch: i64, seconds: f64) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update relay_lease set until = clock_timestamp() + make_interval(secs => $3) where name = 'relay' and holder = $1 and epoch = $2",
    )
    .bind(holder)
    .bind(epoch)
    .bind(seconds)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn release_lease(pool: &PgPool, holder: &str, epoch: i64) -> Result<(), sqlx::Error> {
    sqlx::query("update relay_lease set until = '-infinity' where name = 'relay' and holder = $1 and epoch = $2")
        .bind(holder)
        .bind(epoch)
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn waiting(pool: &PgPool, most: i64) -> Result<Vec<Waiting>, sqlx::Error> {
    sqlx::query_as(
        "select id, subject, time, about, version, policy, case_id, traceparent, body
         from outbox where published_at is null order by seq limit $1",
    )
    .bind(most)
    .fetch_all(pool)
    .await
}

/// Marks rows that the broker has acknowledged, if the lease is still ours. Also moves the publication's last acknowledgement.
pub(super) async fn mark(pool: &PgPool, lease: &Lease, publication: i32, ids: &[Uuid]) -> Result<bool, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let is_held: Option<i32> =
        sqlx::query_scalar("select 1 from relay_lease where name = 'relay' and holder = $1 and epoch = $2 for share")
            .bind(&lease.holder)
            .bind(lease.epoch)
            .fetch_optional(&mut *tx)
            .await?;
    if is_held.is_none() {
        return Ok(false);
    }
    // The first time is the transaction's, one for all of a batch, so that a floor within the batch passes none of it.
    sqlx::query(
        "update outbox set first_published_at = coalesce(first_published_at, published_at, now()), published_at = clock_timestamp(), publication = $2
         where id = any($1)",
    )
    .bind(ids)
    .bind(publication)
    .execute(&mut *tx)
    .await?;
    sqlx::query("update publication set last_at = clock_timestamp() where id = $1").bind(publication).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(true)
}

/// Where rows went last.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Publication {
    pub id: i32,
    pub stream_created: Ts,
    pub server: String,
    pub last_at: Ts,
}

pub(super) async fn last_publication(pool: &PgPool, stream: &str) -> Result<Option<Publication>, sqlx::Error> {
    sqlx::query_as("select id, stream_created, server, last_at from publication where stream = $1 order by last_at desc, id desc limit 1")
        .bind(stream)
        .fetch_optional(pool)
        .await
}

/// Notes a new publication and, in the same transaction, what must be published again because of it.
pub(super) async fn begin_publication(
    pool: &PgPool,
    stream: &str,
    created: Timestamp,
    server: &str,
    again_from: Option<Timestamp>,
) -> Result<i32, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let id = sqlx::query_scalar(
        "insert into publication (stream, stream_created, server) values ($1, $2, $3)
         on conflict (stream, stream_created, server) do update set last_at = clock_timestamp() returning id",
    )
    .bind(stream)
    .bind(Ts(created))
    .bind(server)
    .fetch_one(&mut *tx)
    .await?;
    if let Some(from) = again_from {
        sqlx::query("insert into republication (from_time, to_time) values ($1, clock_timestamp())")
            .bind(Ts(from))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// A span of acknowledgements that must be published again.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Republication {
    pub id: i32,
    pub from_time: Ts,
    pub to_time: Ts,
}

pub(super) async fn open_republication(pool: &PgPool) -> Result<Option<Republication>, sqlx::Error> {
    sqlx::query_as("select id, from_time, to_time from republication where done_at is null order by id limit 1").fetch_optional(pool).await
}

/// Rows of the span that still stand under another publication: what has been published again has left it.
pub(super) async fn to_publish_again(
    pool: &PgPool,
    span: &Republication,
    publication: i32,
    most: i64,
) -> Result<Vec<Waiting>, sqlx::Error> {
    sqlx::query_as(
        "select id, subject, time, about, version, policy, case_id, traceparent, body
         from outbox where published_at between $1 and $2 and publication is distinct from $3
         order by published_at, seq limit $4",
    )
    .bind(span.from_time)
    .bind(span.to_time)
    .bind(publication)
    .bind(most)
    .fetch_all(pool)
    .await
}

pub(super) async fn end_republication(pool: &PgPool, id: i32) -> Result<(), sqlx::Error> {
    sqlx::query("update republication set done_at = clock_timestamp() where id = $1").bind(id).execute(pool).await?;
    Ok(())
}

/// Rows not published yet, counted up to `most`, and the age of the oldest in seconds.
pub(super) async fn lag(pool: &PgPool, most: i64) -> Result<(i64, f64), sqlx::Error> {
    let row = sqlx::query(
        "select (select count(*) from (select from outbox where published_at is null limit $1) as waiting) as rows,
                coalesce((select extract(epoch from clock_timestamp() - created_at) from outbox where published_at is null order by seq limit 1),
                         0)::float8 as age",
    )
    .bind(most)
    .fetch_one(pool)
    .await?;
    Ok((row.try_get("rows")?, row.try_get("age")?))
}

/// The latest time that this service has given to an event, as far as it matters to a copy that starts.
pub(crate) async fn latest_time(pool: &PgPool) -> Result<Option<Timestamp>, sqlx::Error> {
    let latest: Option<Ts> = sqlx::query_scalar(
        "select greatest((select max(time) from outbox where published_at is null),
                         (select max(time) from outbox where published_at > clock_timestamp() - interval '1 hour'))",
    )
    .fetch_one(pool)
    .await?;
    Ok(latest.map(|latest| latest.0))
}

/// A consuming service tells up to which event it has handled all. False if we do not keep that event (any more).
pub(super) async fn put_floor(pool: &PgPool, consumer: &str, event: Uuid, time: Timestamp) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into outbox_floor as floor (consumer, event, time, published_at)
         select $1, $2, $3, coalesce(first_published_at, published_at) from outbox where id = $2 and published_at is not null
         on conflict (consumer) do update
         set event = excluded.event, time = excluded.time, published_at = greatest(floor.published_at, excluded.published_at),
             told_at = clock_timestamp()",
    )
    .bind(consumer)
    .bind(event)
    .bind(Ts(time))
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// When the oldest row that is still kept was published first or written; None if there is none.
pub(super) async fn oldest_kept(pool: &PgPool) -> Result<Option<Timestamp>, sqlx::Error> {
    let oldest: Option<Ts> = sqlx::query_scalar(
        "select least((select min(time) from (select time from outbox where published_at is not null order by published_at, seq limit 1000) as first),
                      (select min(time) from (select time from outbox where published_at is null order by seq limit 1000) as waiting))",
    )
    .fetch_one(pool)
    .await?;
    Ok(oldest.map(|oldest| oldest.0))
}

/// Remembers services that have a durable consumer on the stream: once seen they are waited for, though the stream is made anew without it.
/// What they have not told yet is nothing.
pub(super) async fn remember_consumers(pool: &PgPool, consumers: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into outbox_floor (consumer, event, time, published_at)
         select consumer, '00000000-0000-0000-0000-000000000000', 'epoch', 'epoch' from unnest($1::text[]) as seen (consumer)
         order by consumer on conflict do nothing",
    )
    .bind(consumers)
    .execute(pool)
    .await?;
    Ok(())
}

/// What the consuming services have told: for each its name and how many seconds the event that it has reached was first published before
/// the newest that is published.
pub(super) async fn floors(pool: &PgPool) -> Result<Vec<(String, f64)>, sqlx::Error> {
    sqlx::query_as(
        "select consumer,
                greatest(extract(epoch from (select coalesce(first_published_at, published_at) from outbox
                                             where published_at is not null order by published_at desc limit 1) - published_at), 0)::float8
         from outbox_floor",
    )
    .fetch_all(pool)
    .await
}

/// Deletes rows that are published, older than the kept days, and behind every consuming service that was ever seen; none while something is
/// being published again, for what is still to be looks older than it will be. At most 5,000 at a time.
pub(super) async fn delete_handled(pool: &PgPool, days: i32) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "with bound as (
             select least(clock_timestamp() - make_interval(days => $1), (select min(published_at) from outbox_floor)) as at
             where not exists (select from republication where done_at is null))
         delete from outbox where id in (
             select id from outbox where published_at < (select at from bound) order by published_at limit 5000)",
    )
    .bind(days)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests;
