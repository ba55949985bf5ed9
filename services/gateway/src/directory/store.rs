//! The directory's tables in schema `identity`.

use super::away_store;
use crate::producers::Producer;
use duban_contracts::Timestamp;
use duban_platform::Ts;
use duban_policy::directory::{Directory, Person, Post, Unit};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

pub async fn version(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select version from directory_version").fetch_one(pool).await
}

pub async fn raise_version(tx: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("update directory_version set version = version + 1 returning version").fetch_one(tx).await
}

/// The whole directory and all producers, as of one moment. `now` in domain time: what is long over is left out.
pub async fn load(pool: &PgPool, now: Timestamp) -> Result<(Directory, Vec<Producer>), sqlx::Error> {
    let mut tx = pool.begin_with("begin isolation level repeatable read read only").await?;
    let version: i64 = sqlx::query_scalar("select version from directory_version").fetch_one(&mut *tx).await?;
    let directory = directory(&mut tx, version, now).await?;
    let producers = producers(&mut tx).await?;
    tx.commit().await?;
    let directory = directory.with_watched(producers.iter().filter_map(Producer::watched));
    Ok((directory, producers))
}

/// The whole directory as the transaction sees it, with who is away and who acts for whom.
pub async fn directory(tx: &mut PgConnection, version: i64, now: Timestamp) -> Result<Directory, sqlx::Error> {
    let units = units(tx).await?;
    let posts = posts(tx).await?;
    let people = people(tx).await?;
    let fallback = fallback(tx).await?;
    let absences = away_store::in_directory(tx, now).await?;
    let delegations = away_store::delegations_in_directory(tx, now).await?;
    let bare =
        Directory::new(version, units.into_values().collect(), posts.into_values().collect(), people.into_values().collect(), fallback);
    Ok(bare.with_absences(absences).with_delegations(delegations))
}

pub async fn units(tx: &mut PgConnection) -> Result<BTreeMap<String, Unit>, sqlx::Error> {
    let rows: Vec<(String, Json<Unit>)> = sqlx::query_as("select id, body from unit").fetch_all(tx).await?;
    Ok(rows.into_iter().map(|(id, Json(unit))| (id, unit)).collect())
}

pub async fn posts(tx: &mut PgConnection) -> Result<BTreeMap<String, Post>, sqlx::Error> {
    let rows: Vec<(String, Json<Post>)> = sqlx::query_as("select id, body from post").fetch_all(tx).await?;
    Ok(rows.into_iter().map(|(id, Json(post))| (id, post)).collect())
}

/// All people; whether one is disabled stands in a column of its own, which a query can use.
pub async fn people(tx: &mut PgConnection) -> Result<BTreeMap<String, Person>, sqlx::Error> {
    let rows: Vec<(String, Json<Person>, bool)> = sqlx::query_as("select id, body, disabled from person").fetch_all(tx).await?;
    Ok(rows.into_iter().map(|(id, Json(person), disabled)| (id, Person { disabled, ..person })).collect())
}

pub async fn put_units(tx: &mut PgConnection, units: &[&Unit]) -> Result<(), sqlx::Error> {
    let (ids, bodies) = rows(units, |unit| &unit.code);
    sqlx::query(
        "insert into unit (id, body) select * from unnest($1::text[], $2::jsonb[]) on conflict (id) do update set body = excluded.body",
    )
    .bind(ids)
    .bind(bodies)
    .execute(tx)
    .await
    .map(|_| ())
}

pub async fn put_posts(tx: &mut PgConnection, posts: &[&Post]) -> Result<(), sqlx::Error> {
    let (ids, bodies) = rows(posts, |post| &post.id);
    sqlx::query(
        "insert into post (id, body) select * from unnest($1::text[], $2::jsonb[]) on conflict (id) do update set body = excluded.body",
    )
    .bind(ids)
    .bind(bodies)
    .execute(tx)
    .await
    .map(|_| ())
}

pub async fn put_people(tx: &mut PgConnection, people: &[&Person]) -> Result<(), sqlx::Error> {
    let (ids, bodies) = rows(people, |person| &person.id);
    let disabled: Vec<bool> = people.iter().map(|person| person.disabled).collect();
    sqlx::query(
        "insert into person (id, body, disabled) select * from unnest($1::text[], $2::jsonb[], $3::bool[])
         on conflict (id) do update set body = excluded.body, disabled = excluded.disabled",
    )
    .bind(ids)
    .bind(bodies)
    .bind(disabled)
    .execute(tx)
    .await
    .map(|_| ())
}

pub async fn delete_units_and_posts(tx: &mut PgConnection, units: &[String], posts: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query("delete from unit where id = any($1)").bind(units).execute(&mut *tx).await?;
    sqlx::query("delete from post where id = any($1)").bind(posts).execute(tx).await.map(|_| ())
}

pub async fn fallback(tx: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("select post from fallback").fetch_optional(tx).await
}

pub async fn put_fallback(tx: &mut PgConnection, post: Option<&str>) -> Result<(), sqlx::Error> {
    sqlx::query("delete from fallback where $1::text is null").bind(post).execute(&mut *tx).await?;
    sqlx::query("insert into fallback (post) select $1 where $1 is not null on conflict (single) do update set post = excluded.post")
        .bind(post)
        .execute(tx)
        .await
        .map(|_| ())
}

fn rows<'a, T: Serialize>(items: &'a [&'a T], id: impl Fn(&T) -> &String) -> (Vec<String>, Vec<Json<&'a T>>) {
    items.iter().map(|item| (id(item).clone(), Json(*item))).unzip()
}

/// Sets a person's password and ends every session of his.
pub async fn put_password(tx: &mut PgConnection, person: &str, password_hash: &str, demonstration: bool) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into credential (person, password_hash, demonstration) values ($1, $2, $3)
         on conflict (person) do update set password_hash = excluded.password_hash, demonstration = excluded.demonstration,
             changed_at = clock_timestamp()",
    )
    .bind(person)
    .bind(password_hash)
    .bind(demonstration)
    .execute(&mut *tx)
    .await?;
    end_sessions(tx, person).await
}

/// Ends all sessions of a person.
pub async fn end_sessions(tx: &mut PgConnection, person: &str) -> Result<(), sqlx::Error> {
    sqlx::query("delete from session where person = $1").bind(person).execute(tx).await.map(|_| ())
}

pub async fn producers(tx: &mut PgConnection) -> Result<Vec<Producer>, sqlx::Error> {
    let rows = sqlx::query("select id, name, unit, token_hash, disabled, demonstration, silent_after from producer order by id")
        .fetch_all(tx)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Producer {
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                unit: row.try_get("unit")?,
                token_hash: row.try_get("token_hash")?,
                disabled: row.try_get("disabled")?,
                demonstration: row.try_get("demonstration")?,
                // What does not read as a duration was never written: then nothing is watched.
                silent_after: row.try_get::<Option<String>, _>("silent_after")?.and_then(|text| text.parse().ok()),
            })
        })
        .collect()
}

pub async fn put_producer(tx: &mut PgConnection, producer: &Producer) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into producer (id, name, unit, token_hash, disabled, demonstration, silent_after) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do update set name = excluded.name, unit = excluded.unit, token_hash = excluded.token_hash,
             disabled = excluded.disabled, demonstration = excluded.demonstration, silent_after = excluded.silent_after",
    )
    .bind(&producer.id)
    .bind(&producer.name)
    .bind(&producer.unit)
    .bind(&producer.token_hash)
    .bind(producer.disabled)
    .bind(producer.demonstration)
    .bind(producer.silent_after.map(|duration| duration.to_string()))
    .execute(tx)
    .await
    .map(|_| ())
}

/// What something was and what it became.
pub struct Change {
    pub id: Uuid,
    pub what: &'static str,
    pub which: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

pub async fn keep_changes(tx: &mut PgConnection, at: Timestamp, by: &str, changes: &[Change]) -> Result<(), sqlx::Error> {
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into change (id, at, by, what, which, before, after)
         select id, $1, $2, what, which, before, after
         from unnest($3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[]) as c (id, what, which, before, after)",
    )
    .bind(Ts(at))
    .bind(by)
    .bind(changes.iter().map(|c| c.id).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.what).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.which.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.before.clone()).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.after.clone()).collect::<Vec<_>>())
    .execute(tx)
    .await
    .map(|_| ())
}
