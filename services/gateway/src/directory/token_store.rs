//! Tokens of people in schema `identity`. Their ends are compared with the database's real clock.

use duban_platform::Ts;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use super::tokens::PersonToken;

/// One to be kept.
pub(super) struct NewToken<'a> {
    pub id: Uuid,
    pub person: &'a str,
    pub name: &'a str,
    pub token_hash: &'a str,
    pub demonstration: bool,
    pub by: &'a str,
    pub days: i32,
}

/// Keeps a token in the place of the person's older one of this name. Whether there was one.
pub(super) async fn put(tx: &mut PgConnection, token: NewToken<'_>) -> Result<bool, sqlx::Error> {
    let replaced = sqlx::query(
        "update api_token set revoked_at = clock_timestamp()
         where person = $1 and name = $2 and revoked_at is null and expires_at > clock_timestamp()",
    )
    .bind(token.person)
    .bind(token.name)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "insert into api_token (id, person, name, token_hash, demonstration, created_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(days => $7))",
    )
    .bind(token.id)
    .bind(token.person)
    .bind(token.name)
    .bind(token.token_hash)
    .bind(token.demonstration)
    .bind(token.by)
    .bind(token.days)
    .execute(tx)
    .await?;
    Ok(replaced.rows_affected() > 0)
}

/// Those that are good, of one person or of everybody, oldest first.
pub(super) async fn good(pool: &PgPool, person: Option<&str>, demonstration: bool) -> Result<Vec<PersonToken>, sqlx::Error> {
    sqlx::query(
        "select id, person, name, created_at, created_by, expires_at from api_token
         where ($1::text is null or person = $1) and revoked_at is null and expires_at > clock_timestamp() and ($2 or not demonstration)
         order by person, id",
    )
    .bind(person)
    .bind(demonstration)
    .fetch_all(pool)
    .await?
    .iter()
    .map(read)
    .collect()
}

/// Revokes a token that is good. Its name; None if the person has no such token.
pub(super) async fn revoke(tx: &mut PgConnection, person: &str, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "update api_token set revoked_at = clock_timestamp()
         where person = $1 and id = $2 and revoked_at is null and expires_at > clock_timestamp() returning name",
    )
    .bind(person)
    .bind(id)
    .fetch_optional(tx)
    .await
}

/// Revokes every token of a person.
pub(super) async fn revoke_all(tx: &mut PgConnection, person: &str) -> Result<(), sqlx::Error> {
    sqlx::query("update api_token set revoked_at = clock_timestamp() where person = $1 and revoked_at is null")
        .bind(person)
        .execute(tx)
        .await
        .map(|_| ())
}

fn read(row: &PgRow) -> Result<PersonToken, sqlx::Error> {
    Ok(PersonToken {
        id: row.try_get("id")?,
        person: row.try_get("person")?,
        name: row.try_get("name")?,
        created_at: row.try_get::<Ts, _>("created_at")?.0,
        created_by: row.try_get("created_by")?,
        expires_at: row.try_get::<Ts, _>("expires_at")?.0,
    })
}
