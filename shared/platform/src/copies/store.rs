//! The copies' SQL, in the service's own schema.

use crate::db::Ts;
use duban_contracts::policy::{PolicySource, PolicyVersion};
use duban_policy::directory::Directory;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgPool, Row};

pub(super) async fn directory(pool: &PgPool) -> Result<Option<Directory>, sqlx::Error> {
    let row: Option<Json<Directory>> =
        sqlx::query_scalar("select directory from directory_copy order by version desc limit 1").fetch_optional(pool).await?;
    Ok(row.map(|row| row.0))
}

/// Keeps the newest directory alone; its history is the gateway's.
pub(super) async fn put_directory(pool: &PgPool, version: i64, directory: &Value) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("insert into directory_copy (version, directory) values ($1, $2) on conflict (version) do nothing")
        .bind(version)
        .bind(directory)
        .execute(&mut *tx)
        .await?;
    sqlx::query("delete from directory_copy where version < $1").bind(version).execute(&mut *tx).await?;
    tx.commit().await
}

/// All versions with their sources.
pub(super) async fn policies(pool: &PgPool) -> Result<Vec<(PolicyVersion, Vec<PolicySource>)>, sqlx::Error> {
    let rows = sqlx::query("select version, state, effective_from, corrects, approved_by, sources from policy_copy order by version")
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| {
            let version = PolicyVersion {
                version: row.try_get("version")?,
                state: row.try_get("state")?,
                effective_from: row.try_get::<Ts, _>("effective_from")?.0,
                corrects: row.try_get("corrects")?,
                approved_by: row.try_get("approved_by")?,
            };
            let sources: Json<Vec<PolicySource>> = row.try_get("sources")?;
            Ok((version, sources.0))
        })
        .collect()
}

pub(super) async fn put_policy(pool: &PgPool, version: &PolicyVersion, sources: &[PolicySource]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into policy_copy (version, state, effective_from, sources, corrects, approved_by) values ($1, $2, $3, $4, $5, $6)
         on conflict (version) do update set state = excluded.state, effective_from = excluded.effective_from, sources = excluded.sources,
             corrects = excluded.corrects, approved_by = excluded.approved_by",
    )
    .bind(version.version)
    .bind(&version.state)
    .bind(Ts(version.effective_from))
    .bind(Json(sources))
    .bind(&version.corrects)
    .bind(&version.approved_by)
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes the state of versions that are kept already.
pub(super) async fn put_states(pool: &PgPool, versions: &[PolicyVersion]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update policy_copy set state = told.state, effective_from = told.effective_from
         from unnest($1::bigint[], $2::text[], $3::timestamptz[]) as told (version, state, effective_from)
         where policy_copy.version = told.version
           and (policy_copy.state, policy_copy.effective_from) is distinct from (told.state, told.effective_from)",
    )
    .bind(versions.iter().map(|one| one.version).collect::<Vec<_>>())
    .bind(versions.iter().map(|one| one.state.as_str()).collect::<Vec<_>>())
    .bind(versions.iter().map(|one| Ts(one.effective_from)).collect::<Vec<_>>())
    .execute(pool)
    .await?;
    Ok(())
}
