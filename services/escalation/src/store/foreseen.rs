//! Lists of what submitted corrections would change.

use super::{duties::duty, lists};
use crate::sight::Sight;
use duban_contracts::Timestamp;
use duban_contracts::policy::{ForeseenChange, ForeseenStage};
use duban_engine::duty::Duty;
use duban_platform::db::Ts;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, QueryBuilder, Row};
use uuid::Uuid;

/// How far a list is.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    pub version: i64,
    pub against: i64,
    pub corrects: Vec<String>,
    pub state: String,
    pub fault: Option<String>,
    /// The last duty that was looked at.
    pub reached: (i32, Uuid),
    pub looked: i64,
    pub moved: i64,
    pub stays: i64,
    pub digest: Vec<u8>,
    pub taken_at: Timestamp,
}

/// A change of a list, as kept.
#[derive(Debug, Clone)]
pub struct Found {
    pub duty: Uuid,
    pub concerns: String,
    pub due: (Timestamp, Timestamp),
    pub owed: (String, String),
    pub stages: Vec<ForeseenStage>,
}

/// The list of a version: begun where there is none, where it was taken of another version in force, and where it is wanted again and not being
/// made.
pub async fn wanted(
    tx: &mut PgConnection,
    version: i64,
    against: i64,
    corrects: &[String],
    again: bool,
    now: Timestamp,
) -> Result<List, sqlx::Error> {
    sqlx::query(
        "insert into foreseen (version, against, corrects, state, taken_at) values ($1, $2, $3, 'looking', $4) on conflict do nothing",
    )
    .bind(version)
    .bind(against)
    .bind(corrects)
    .bind(Ts(now))
    .execute(&mut *tx)
    .await?;
    let row = sqlx::query("select * from foreseen where version = $1 for update").bind(version).fetch_one(&mut *tx).await?;
    let known = list(&row)?;
    if known.against == against && !(again && known.state != "looking") {
        return Ok(known);
    }
    sqlx::query("delete from foreseen where version = $1").bind(version).execute(&mut *tx).await?;
    let row =
        sqlx::query("insert into foreseen (version, against, corrects, state, taken_at) values ($1, $2, $3, 'looking', $4) returning *")
            .bind(version)
            .bind(against)
            .bind(corrects)
            .bind(Ts(now))
            .fetch_one(tx)
            .await?;
    list(&row)
}

/// One that is being made, held until the transaction ends; None while another copy holds it, or there is none.
pub async fn claim(tx: &mut PgConnection) -> Result<Option<List>, sqlx::Error> {
    let row = sqlx::query("select * from foreseen where state = 'looking' order by asked_at limit 1 for update skip locked")
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(list).transpose()
}

/// The next open duties that are not overdue, in the order in which lists are made.
pub async fn duties_after(tx: &mut PgConnection, reached: (i32, Uuid), most: i64) -> Result<Vec<Duty>, sqlx::Error> {
    let rows = sqlx::query("select * from duty where open and (corrections, id) > ($1, $2) order by corrections, id limit $3")
        .bind(reached.0)
        .bind(reached.1)
        .bind(most)
        .fetch_all(tx)
        .await?;
    rows.iter().map(duty).collect()
}

/// Keeps how far it is, and what was found.
pub async fn keep(tx: &mut PgConnection, list: &List, found: &[Found]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update foreseen set state = $2, fault = $3, behind = $4, reached = $5, looked = $6, moved = $7, stays = $8, digest = $9
         where version = $1",
    )
    .bind(list.version)
    .bind(&list.state)
    .bind(&list.fault)
    .bind(list.reached.0)
    .bind(list.reached.1)
    .bind(list.looked)
    .bind(list.moved)
    .bind(list.stays)
    .bind(&list.digest)
    .execute(&mut *tx)
    .await?;
    if found.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into foreseen_change (version, duty, concerns, due_before, due_after, owed_before, owed_after, stages)
         select $1, * from unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::jsonb[])
         on conflict do nothing",
    )
    .bind(list.version)
    .bind(found.iter().map(|change| change.duty).collect::<Vec<_>>())
    .bind(found.iter().map(|change| change.concerns.as_str()).collect::<Vec<_>>())
    .bind(found.iter().map(|change| Ts(change.due.0)).collect::<Vec<_>>())
    .bind(found.iter().map(|change| Ts(change.due.1)).collect::<Vec<_>>())
    .bind(found.iter().map(|change| change.owed.0.as_str()).collect::<Vec<_>>())
    .bind(found.iter().map(|change| change.owed.1.as_str()).collect::<Vec<_>>())
    .bind(found.iter().map(|change| Json(&change.stages)).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// A page of what would change, as far as somebody may see it, by due time.
pub async fn page(
    db: &mut PgConnection,
    sight: &Sight,
    version: i64,
    after: Option<(Timestamp, Uuid)>,
    most: i64,
) -> Result<Vec<ForeseenChange>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "select change.*, duty.pack, duty.rule, duty.title, duty.title_zh, duty.unit
         from foreseen_change as change join duty on duty.id = change.duty where change.version = ",
    );
    query.push_bind(version).push(" and ");
    if let Some((at, id)) = after {
        query.push("(change.due_before, change.duty) > (").push_bind(Ts(at)).push(", ").push_bind(id).push(") and ");
    }
    lists::push_sees(&mut query, sight);
    query.push(" order by change.due_before, change.duty limit ").push_bind(most);
    query.build().fetch_all(db).await?.iter().map(change).collect()
}

/// Forgets lists that nobody has asked for in a month.
pub async fn forget_old(db: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query("delete from foreseen where asked_at < clock_timestamp() - interval '30 days'").execute(db).await?;
    Ok(done.rows_affected())
}

fn list(row: &PgRow) -> Result<List, sqlx::Error> {
    Ok(List {
        version: row.try_get("version")?,
        against: row.try_get("against")?,
        corrects: row.try_get("corrects")?,
        state: row.try_get("state")?,
        fault: row.try_get("fault")?,
        reached: (row.try_get("behind")?, row.try_get("reached")?),
        looked: row.try_get("looked")?,
        moved: row.try_get("moved")?,
        stays: row.try_get("stays")?,
        digest: row.try_get("digest")?,
        taken_at: row.try_get::<Ts, _>("taken_at")?.0,
    })
}

fn change(row: &PgRow) -> Result<ForeseenChange, sqlx::Error> {
    Ok(ForeseenChange {
        duty: row.try_get("duty")?,
        pack: row.try_get("pack")?,
        rule: row.try_get("rule")?,
        title: row.try_get("title")?,
        title_zh: row.try_get("title_zh")?,
        unit: row.try_get("unit")?,
        of: row.try_get("concerns")?,
        due_before: row.try_get::<Ts, _>("due_before")?.0,
        due_after: row.try_get::<Ts, _>("due_after")?.0,
        owed_before: row.try_get("owed_before")?,
        owed_after: row.try_get("owed_after")?,
        stages: row.try_get::<Json<Vec<ForeseenStage>>, _>("stages")?.0,
    })
}
