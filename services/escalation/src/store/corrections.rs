//! Duties that a correction has yet to reach.

use super::duties::duty;
use duban_engine::duty::Duty;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// What some corrections concern.
#[derive(Debug, Default)]
pub struct Concerned {
    pub calendars: Vec<String>,
    pub packs: Vec<String>,
    /// Beside the packs, one by one.
    pub rules: Vec<String>,
}

/// Lets duties pass that no correction concerns, or can move any longer. Gives how many.
pub async fn pass(tx: &mut PgConnection, known: i32, concerned: &Concerned, most: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "update duty set corrections = $1 where id in (
             select id from duty where open and corrections < $1
               and (shadowed or breached_at is not null
                    or (terms ->> 'calendar' <> all ($2) and (pack, rule) not in (select * from unnest($3::text[], $4::text[]))))
             order by corrections, id limit $5 for no key update skip locked)",
    )
    .bind(known)
    .bind(&concerned.calendars)
    .bind(&concerned.packs)
    .bind(&concerned.rules)
    .bind(most)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Open duties that follow fewer than so many corrections, held until the transaction ends; those that another transaction holds are left, and
/// those under a policy that this copy lacks.
pub async fn claim(tx: &mut PgConnection, known: i32, lacking: &[i64], most: i64) -> Result<Vec<Duty>, sqlx::Error> {
    let rows = sqlx::query(
        "select * from duty where open and corrections < $1 and policy <> all ($2) order by corrections, id limit $3
         for no key update skip locked",
    )
    .bind(known)
    .bind(lacking)
    .bind(most)
    .fetch_all(tx)
    .await?;
    rows.iter().map(duty).collect()
}

/// Ids of those that [`claim`] would claim; nothing is held, nothing of them read.
pub async fn behind(db: impl PgExecutor<'_>, known: i32, lacking: &[i64], most: i64) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar("select id from duty where open and corrections < $1 and policy <> all ($2) order by corrections, id limit $3")
        .bind(known)
        .bind(lacking)
        .bind(most)
        .fetch_all(db)
        .await
}

/// One of them, if it still is behind and nobody holds it.
pub async fn claim_one(tx: &mut PgConnection, id: Uuid, known: i32) -> Result<Option<Duty>, sqlx::Error> {
    let row = sqlx::query("select * from duty where id = $1 and open and corrections < $2 for no key update skip locked")
        .bind(id)
        .bind(known)
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(duty).transpose()
}

/// Gives one up that cannot be read or moved: it stays as it is.
pub async fn give_up(db: impl PgExecutor<'_>, id: Uuid, known: i32) -> Result<(), sqlx::Error> {
    sqlx::query("update duty set corrections = $2 where id = $1 and corrections < $2").bind(id).bind(known).execute(db).await?;
    Ok(())
}
