//! The consumer's SQL: inbox, set-aside table, dead letters.

use crate::db::Ts;
use duban_contracts::{Sentence, Timestamp};
use sqlx::{PgConnection, PgPool};
use std::collections::HashSet;
use uuid::Uuid;

/// Inserts inbox rows, sorted by id so that two batches cannot deadlock; gives those that are new. A row of another transaction that is
/// under way is waited for.
pub(super) async fn enter(tx: &mut PgConnection, stream: &str, entries: &[(Uuid, Timestamp)]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let mut sorted = entries.to_vec();
    sorted.sort_unstable_by_key(|(id, _)| *id);
    sorted.dedup_by_key(|(id, _)| *id);
    let new: Vec<Uuid> = sqlx::query_scalar(
        "insert into inbox (id, stream, time)
         select id, $1, time from unnest($2::uuid[], $3::timestamptz[]) with ordinality as entry (id, time, place) order by place
         on conflict (id) do nothing returning id",
    )
    .bind(stream)
    .bind(sorted.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(sorted.iter().map(|(_, time)| Ts(*time)).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(new.into_iter().collect())
}

/// A message on its way into a table.
#[derive(Debug, Clone)]
pub(crate) struct Burial {
    /// Identity in the inbox.
    pub id: Uuid,
    pub event: Uuid,
    pub subject: String,
    pub sealed: Vec<u8>,
    /// Failures by its own fault so far.
    pub attempts: i32,
    pub reason: Sentence,
}

/// Sets messages aside, to be tried again after some seconds; one that is there already stays as it is.
pub(super) async fn set_aside(pool: &PgPool, stream: &str, what: &[Burial], after_seconds: f64) -> Result<(), sqlx::Error> {
    if what.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into set_aside (id, event, stream, subject, sealed, attempts, reason, next_at)
         select id, event, $1, subject, sealed, attempts, reason, clock_timestamp() + make_interval(secs => $2)
         from unnest($3::uuid[], $4::uuid[], $5::text[], $6::bytea[], $7::int[], $8::text[])
              as burial (id, event, subject, sealed, attempts, reason)
         order by id
         on conflict (id) do nothing",
    )
    .bind(stream)
    .bind(after_seconds)
    .bind(what.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind(what.iter().map(|one| one.event).collect::<Vec<_>>())
    .bind(what.iter().map(|one| one.subject.as_str()).collect::<Vec<_>>())
    .bind(what.iter().map(|one| one.sealed.as_slice()).collect::<Vec<_>>())
    .bind(what.iter().map(|one| one.attempts).collect::<Vec<_>>())
    .bind(what.iter().map(|one| one.reason.en.as_str()).collect::<Vec<_>>())
    .execute(pool)
    .await?;
    Ok(())
}

/// Makes a dead letter of a message, or notes that an old one died again.
pub(crate) async fn bury(tx: &mut PgConnection, stream: &str, what: &Burial) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into dead_letter as letter (id, event, stream, subject, sealed, attempts, reason, reason_zh, first_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, coalesce((select first_at from set_aside where id = $1), clock_timestamp()))
         on conflict (id) do update
         set sealed = excluded.sealed, attempts = letter.attempts + excluded.attempts, reason = excluded.reason, reason_zh = excluded.reason_zh,
             died_at = clock_timestamp(), replayed_at = null",
    )
    .bind(what.id)
    .bind(what.event)
    .bind(stream)
    .bind(&what.subject)
    .bind(&what.sealed)
    .bind(what.attempts)
    .bind(&what.reason.en)
    .bind(&what.reason.zh)
    .execute(&mut *tx)
    .await?;
    sqlx::query("delete from set_aside where id = $1").bind(what.id).execute(tx).await?;
    Ok(())
}

/// A message that waits in the table.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Aside {
    pub id: Uuid,
    pub event: Uuid,
    pub stream: String,
    pub subject: String,
    pub sealed: Vec<u8>,
    pub attempts: i32,
    /// Seconds since it first came.
    pub age: f64,
}

/// Messages whose time has come; not locked.
pub(super) async fn due(pool: &PgPool, streams: &[&str], most: i64) -> Result<Vec<Aside>, sqlx::Error> {
    sqlx::query_as(
        "select id, event, stream, subject, sealed, attempts, extract(epoch from clock_timestamp() - first_at)::float8 as age
         from set_aside where next_at <= clock_timestamp() and stream = any($1) order by next_at limit $2",
    )
    .bind(streams)
    .bind(most)
    .fetch_all(pool)
    .await
}

/// Takes messages out of the table for good, if the transaction commits; those that another copy has locked are left out.
pub(super) async fn take_out(tx: &mut PgConnection, ids: &[Uuid]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let taken: Vec<Uuid> = sqlx::query_scalar(
        "delete from set_aside where id in (select id from set_aside where id = any($1) order by id for update skip locked) returning id",
    )
    .bind(ids)
    .fetch_all(tx)
    .await?;
    Ok(taken.into_iter().collect())
}

/// Puts messages off; nothing is counted.
pub(super) async fn put_off(pool: &PgPool, ids: &[Uuid], reason: &str, after_seconds: f64) -> Result<(), sqlx::Error> {
    sqlx::query("update set_aside set reason = $2, next_at = clock_timestamp() + make_interval(secs => $3) where id = any($1)")
        .bind(ids)
        .bind(reason)
        .bind(after_seconds)
        .execute(pool)
        .await?;
    Ok(())
}

/// Counts a failed attempt and puts the message off; unless another copy, which tried it at the same time, has counted it already. `seen` is
/// how many had failed before.
pub(super) async fn count_attempt(pool: &PgPool, id: Uuid, seen: i32, reason: &str, after_seconds: f64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update set_aside set attempts = attempts + 1, reason = $3, next_at = clock_timestamp() + make_interval(secs => $4)
         where id = $1 and attempts = $2",
    )
    .bind(id)
    .bind(seen)
    .bind(reason)
    .bind(after_seconds)
    .execute(pool)
    .await?;
    Ok(())
}

/// Puts a dead letter back among those set aside, with no failure counted.
pub(crate) async fn set_aside_from_dead(tx: &mut PgConnection, letter: Uuid) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into set_aside (id, event, stream, subject, sealed, attempts, reason, first_at, next_at)
         select id, event, stream, subject, sealed, 0, 'replayed', clock_timestamp(), clock_timestamp() from dead_letter where id = $1
         on conflict (id) do update set attempts = 0, next_at = excluded.next_at",
    )
    .bind(letter)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many wait in the table, and how many dead letters nobody has replayed.
pub(super) async fn counts(pool: &PgPool) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as("select (select count(*) from set_aside), (select count(*) from dead_letter where replayed_at is null)")
        .fetch_one(pool)
        .await
}

/// A stream's owner has told the oldest event that it may publish again.
pub(super) async fn put_oldest(pool: &PgPool, stream: &str, oldest: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into inbox_floor (stream, oldest) values ($1, $2)
         on conflict (stream) do update set oldest = excluded.oldest, told_at = clock_timestamp()",
    )
    .bind(stream)
    .bind(Ts(oldest))
    .execute(pool)
    .await?;
    Ok(())
}

/// Deletes inbox rows older than any message or outbox row that could come again. A work queue (no owner tells an oldest) gives each
/// message once; for it the days are enough.
pub(super) async fn clean_inbox(pool: &PgPool, days: i32, queues: &[&str]) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "delete from inbox where id in (
             select inbox.id from inbox left join inbox_floor as floor using (stream)
             where seen_at < clock_timestamp() - make_interval(days => $1)
               and (inbox.stream = any($2) or inbox.time < floor.oldest)
             limit 5000)",
    )
    .bind(days)
    .bind(queues)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn clean_dead_letters(pool: &PgPool, days: i32) -> Result<u64, sqlx::Error> {
    let done = sqlx::query("delete from dead_letter where died_at < clock_timestamp() - make_interval(days => $1)")
        .bind(days)
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests;
