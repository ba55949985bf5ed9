//! The audit of timers: whose turn it is, what is looked at, what is set right.

use super::duties;
use duban_contracts::Timestamp;
use duban_contracts::timer::LostTimer;
use duban_engine::duty::Duty;
use duban_platform::db::Ts;
use sqlx::{PgConnection, PgExecutor, Row};
use std::time::Duration;
use uuid::Uuid;

/// What there is to be done now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Turn {
    /// Another copy is at it.
    Others,
    /// The next round begins after so long.
    Rest(Duration),
    /// Look on from here; None: from the beginning.
    Look(Option<Place>),
}

/// A place in the order of due times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub due_at: Timestamp,
    pub duty: Uuid,
}

/// Takes the turn until the transaction ends.
pub async fn take_turn(tx: &mut PgConnection) -> Result<Turn, sqlx::Error> {
    let row = sqlx::query(
        "select due_at, duty, extract(epoch from next_round_at - clock_timestamp())::float8 as rest from audit for update skip locked",
    )
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else { return Ok(Turn::Others) };
    let reached = row.try_get::<Option<Ts>, _>("due_at")?.zip(row.try_get::<Option<Uuid>, _>("duty")?);
    let rest: f64 = row.try_get("rest")?;
    Ok(match reached {
        Some((due_at, duty)) => Turn::Look(Some(Place { due_at: due_at.0, duty })),
        None if rest > 0.0 => Turn::Rest(Duration::try_from_secs_f64(rest).unwrap_or(Duration::MAX)),
        None => Turn::Look(None),
    })
}

/// A duty at its place, or why its row cannot be read.
pub type Seen = (Place, Result<Duty, sqlx::Error>);

/// Open duties after a place that the tick will not come to by itself now, in the order of due times. Nothing is locked.
pub async fn duties_after(tx: &mut PgConnection, after: Option<Place>, now: Timestamp, most: i64) -> Result<Vec<Seen>, sqlx::Error> {
    let rows = sqlx::query(
        "select * from duty where open and not put_off and (next_at is null or next_at > $1)
           and ($2::timestamptz is null or (due_at, id) > ($2, $3)) order by due_at, id limit $4",
    )
    .bind(Ts(now))
    .bind(after.map(|place| Ts(place.due_at)))
    .bind(after.map(|place| place.duty))
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            let place = Place { due_at: row.try_get::<Ts, _>("due_at")?.0, duty: row.try_get("id")? };
            Ok((place, duties::duty(row)))
        })
        .collect()
}

/// These, as they are now, held until the transaction ends; without those that another transaction holds: it sets their timers.
pub async fn lock(tx: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Duty>, sqlx::Error> {
    let rows = sqlx::query("select * from duty where id = any ($1) and open and not put_off order by id for no key update skip locked")
        .bind(ids)
        .fetch_all(tx)
        .await?;
    rows.iter().map(duties::duty).collect()
}

/// Sets timers right and keeps what was found.
pub async fn set_right(tx: &mut PgConnection, audit: Uuid, lost: &[LostTimer], now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query(
        "with lost as (
             select * from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) as t (duty, should_at, was_at)
         ), kept as (
             insert into lost_timer (duty, found_at, should_at, was_at, audit)
             select duty, $4, should_at, was_at, $5 from lost on conflict do nothing
         )
         update duty set next_at = lost.should_at from lost where duty.id = lost.duty",
    )
    .bind(lost.iter().map(|timer| timer.duty).collect::<Vec<_>>())
    .bind(lost.iter().map(|timer| Ts(timer.should_at)).collect::<Vec<_>>())
    .bind(lost.iter().map(|timer| timer.was_at.map(Ts)).collect::<Vec<_>>())
    .bind(Ts(now))
    .bind(audit)
    .execute(tx)
    .await?;
    Ok(())
}

/// The round has come up to here.
pub async fn move_on(tx: &mut PgConnection, to: Place, looked: i64) -> Result<(), sqlx::Error> {
    sqlx::query("update audit set due_at = $1, duty = $2, looked = looked + $3")
        .bind(Ts(to.due_at))
        .bind(to.duty)
        .bind(looked)
        .execute(tx)
        .await?;
    Ok(())
}

/// The round is over; the next begins after `every`. Gives how many duties were looked at in it.
pub async fn end_round(tx: &mut PgConnection, looked: i64, every: Duration) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "with was as (select looked from audit)
         update audit set due_at = null, duty = null, looked = 0, next_round_at = clock_timestamp() + make_interval(secs => $2)
         from was returning was.looked + $1",
    )
    .bind(looked)
    .bind(every.as_secs_f64())
    .fetch_one(tx)
    .await
}

/// What was found of a duty, in order: when, and the timer.
pub async fn of_duty(db: impl PgExecutor<'_>, duty: Uuid) -> Result<Vec<(Timestamp, LostTimer)>, sqlx::Error> {
    let rows: Vec<(Ts, Ts, Option<Ts>)> =
        sqlx::query_as("select found_at, should_at, was_at from lost_timer where duty = $1 order by found_at")
            .bind(duty)
            .fetch_all(db)
            .await?;
    let timer = |should_at: Ts, was_at: Option<Ts>| LostTimer { duty, should_at: should_at.0, was_at: was_at.map(|at| at.0) };
    Ok(rows.into_iter().map(|(found_at, should_at, was_at)| (found_at.0, timer(should_at, was_at))).collect())
}
