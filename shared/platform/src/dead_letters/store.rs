//! The dead letters' SQL for those who ask.

use crate::db::Ts;
use duban_contracts::dead::DeadLetter;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// What is recorded of a letter.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Shown,
    Replayed,
}

/// Newest first; `before` is the last letter of the page before.
pub(super) async fn list(pool: &PgPool, service: &str, before: Option<Uuid>, limit: i64) -> Result<Vec<DeadLetter>, sqlx::Error> {
    let rows = sqlx::query(
        "select letter.*, (select by from dead_letter_act where dead_letter = letter.id and act = 'replayed' order by at desc limit 1) as replayed_by
         from dead_letter as letter
         where $1::uuid is null or (died_at, id) < (select died_at, id from dead_letter where id = $1)
         order by died_at desc, id desc limit $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| read(row, service)).collect()
}

pub(super) async fn count(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select count(*) from dead_letter").fetch_one(pool).await
}

/// A letter with its sealed body.
pub(super) async fn open(tx: &mut PgConnection, service: &str, id: Uuid) -> Result<Option<(DeadLetter, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query(
        "select letter.*, (select by from dead_letter_act where dead_letter = letter.id and act = 'replayed' order by at desc limit 1) as replayed_by
         from dead_letter as letter where id = $1",
    )
    .bind(id)
    .fetch_optional(tx)
    .await?;
    row.map(|row| Ok((read(&row, service)?, row.try_get("sealed")?))).transpose()
}

pub(super) async fn record(tx: &mut PgConnection, letter: Uuid, act: Act, by: &str) -> Result<(), sqlx::Error> {
    let act = match act {
        Act::Shown => "shown",
        Act::Replayed => "replayed",
    };
    sqlx::query("insert into dead_letter_act (dead_letter, act, by) values ($1, $2, $3)")
        .bind(letter)
        .bind(act)
        .bind(by)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn mark_replayed(tx: &mut PgConnection, letter: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("update dead_letter set replayed_at = clock_timestamp() where id = $1").bind(letter).execute(tx).await?;
    Ok(())
}

fn read(row: &PgRow, service: &str) -> Result<DeadLetter, sqlx::Error> {
    Ok(DeadLetter {
        letter: row.try_get("id")?,
        service: service.to_owned(),
        message: row.try_get("event")?,
        subject: row.try_get("subject")?,
        reason: row.try_get("reason")?,
        reason_zh: row.try_get("reason_zh")?,
        attempts: row.try_get("attempts")?,
        at: row.try_get::<Ts, _>("died_at")?.0,
        replayed_at: row.try_get::<Option<Ts>, _>("replayed_at")?.map(|at| at.0),
        replayed_by: row.try_get("replayed_by")?,
    })
}
