//! When producers were heard last, and which are silent.

use duban_contracts::Timestamp;
use duban_platform::db::Ts;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};
use std::collections::BTreeMap;

/// A producer as known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub producer: String,
    /// First heard, or first watched.
    pub counts_from: Timestamp,
    pub heard_at: Option<Timestamp>,
    /// Since when it counts as silent.
    pub silent_at: Option<Timestamp>,
    pub version: i64,
}

/// Notes who was heard, at the latest of the given times; what is less than a second newer than what is known changes nothing, so that a busy
/// producer costs one row a second. Rows are taken in order, whichever copies do. Gives those that had been silent, as they are now, with since when
/// they had been.
pub async fn hear(tx: &mut PgConnection, heard: &BTreeMap<String, Timestamp>) -> Result<Vec<(Source, Timestamp)>, sqlx::Error> {
    if heard.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "with heard as (
             select * from unnest($1::text[], $2::timestamptz[]) as t (producer, at)
         ), turn as materialized (
             select source.producer, source.silent_at, heard.at from source join heard using (producer)
             where source.heard_at is null or source.heard_at <= heard.at - interval '1 second' order by source.producer for update of source
         ), known as (
             update source set heard_at = turn.at, silent_at = null,
                 version = source.version + case when turn.silent_at is null then 0 else 1 end
             from turn where source.producer = turn.producer
             returning source.*, turn.silent_at as was_silent_at
         ), fresh as (
             insert into source (producer, counts_from, heard_at) select producer, at, at from heard order by producer on conflict do nothing
         )
         select * from known where was_silent_at is not null order by producer",
    )
    .bind(heard.keys().cloned().collect::<Vec<_>>())
    .bind(heard.values().map(|at| Ts(*at)).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| Ok((source(row)?, row.try_get::<Ts, _>("was_silent_at")?.0))).collect()
}

/// Begins to count for those that are watched and were never seen.
pub async fn begin(db: impl PgExecutor<'_>, producers: &[&str], now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("insert into source (producer, counts_from) select producer, $2 from unnest($1::text[]) as t (producer) order by 1 on conflict do nothing")
        .bind(producers)
        .bind(Ts(now))
        .execute(db)
        .await?;
    Ok(())
}

/// All of them, by id.
pub async fn all(db: impl PgExecutor<'_>) -> Result<Vec<Source>, sqlx::Error> {
    let rows = sqlx::query("select * from source order by producer").fetch_all(db).await?;
    rows.iter().map(source).collect()
}

/// Notes that these are silent, each since the time given, unless they were heard or found silent meanwhile. Gives those that are news.
pub async fn fall_silent(tx: &mut PgConnection, found: &[(&Source, Timestamp)]) -> Result<Vec<Source>, sqlx::Error> {
    let rows = sqlx::query(
        "with found as (
             select source.producer, t.since from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) as t (producer, heard_at, since)
             join source using (producer)
             where source.silent_at is null and source.heard_at is not distinct from t.heard_at order by source.producer for update of source
         )
         update source set silent_at = found.since, version = source.version + 1 from found where source.producer = found.producer
         returning source.*",
    )
    .bind(found.iter().map(|(source, _)| source.producer.as_str()).collect::<Vec<_>>())
    .bind(found.iter().map(|(source, _)| source.heard_at.map(Ts)).collect::<Vec<_>>())
    .bind(found.iter().map(|(_, since)| Ts(*since)).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    rows.iter().map(source).collect()
}

/// Notes that these do not count as silent any longer though nothing was heard. Gives those of which it is news.
pub async fn release(tx: &mut PgConnection, producers: &[&str]) -> Result<Vec<Source>, sqlx::Error> {
    let rows = sqlx::query(
        "with silent as (
             select producer from source where producer = any ($1) and silent_at is not null order by producer for update
         )
         update source set silent_at = null, version = version + 1 from silent where source.producer = silent.producer returning source.*",
    )
    .bind(producers)
    .fetch_all(tx)
    .await?;
    rows.iter().map(source).collect()
}

fn source(row: &PgRow) -> Result<Source, sqlx::Error> {
    Ok(Source {
        producer: row.try_get("producer")?,
        counts_from: row.try_get::<Ts, _>("counts_from")?.0,
        heard_at: row.try_get::<Option<Ts>, _>("heard_at")?.map(|at| at.0),
        silent_at: row.try_get::<Option<Ts>, _>("silent_at")?.map(|at| at.0),
        version: row.try_get("version")?,
    })
}
