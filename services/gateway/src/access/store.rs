//! Credentials, sessions and tokens in schema `identity`. Ends are compared with the database's real clock.

use sqlx::{PgPool, Row};
use uuid::Uuid;

pub(super) struct Session {
    pub id: Uuid,
    pub person: String,
    pub csrf: String,
}

/// The password's hash of a person who may log in.
pub(super) async fn password_hash(pool: &PgPool, person: &str, demonstration: bool) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "select c.password_hash from credential c join person p on p.id = c.person
         where p.id = $1 and not p.disabled and ($2 or not c.demonstration)",
    )
    .bind(person)
    .bind(demonstration)
    .fetch_optional(pool)
    .await
}

pub(super) struct NewSession<'a> {
    pub id: Uuid,
    pub person: &'a str,
    pub token_hash: &'a str,
    pub csrf: &'a str,
    pub demonstration: bool,
    pub hours: u32,
}

pub(super) async fn begin_session(pool: &PgPool, session: NewSession<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into session (id, person, token_hash, csrf, demonstration, expires_at)
         values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(hours => $6))",
    )
    .bind(session.id)
    .bind(session.person)
    .bind(session.token_hash)
    .bind(session.csrf)
    .bind(session.demonstration)
    .bind(i32::try_from(session.hours).unwrap_or(i32::MAX))
    .execute(pool)
    .await
    .map(|_| ())
}

/// A session that lives; marks that it was used, at most once a minute, so that reading pages does not write each time.
pub(super) async fn session(
    pool: &PgPool,
    token_hash: &str,
    idle_minutes: u32,
    demonstration: bool,
) -> Result<Option<Session>, sqlx::Error> {
    let found = sqlx::query(
        "select s.id, s.person, s.csrf, s.used_at < clock_timestamp() - interval '1 minute' as stale
         from session s join person p on p.id = s.person
         where s.token_hash = $1 and s.expires_at > clock_timestamp()
           and s.used_at > clock_timestamp() - make_interval(mins => $2)
           and not p.disabled and ($3 or not s.demonstration)",
    )
    .bind(token_hash)
    .bind(i32::try_from(idle_minutes).unwrap_or(i32::MAX))
    .bind(demonstration)
    .fetch_optional(pool)
    .await?;
    let Some(row) = found else { return Ok(None) };
    let session = Session { id: row.try_get("id")?, person: row.try_get("person")?, csrf: row.try_get("csrf")? };
    if row.try_get::<bool, _>("stale")? {
        sqlx::query("update session set used_at = clock_timestamp() where id = $1").bind(session.id).execute(pool).await?;
    }
    Ok(Some(session))
}

/// Whether a session lives still; asking does not count as using it.
pub(super) async fn session_lives(pool: &PgPool, id: Uuid, idle_minutes: u32, demonstration: bool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (select from session s join person p on p.id = s.person
         where s.id = $1 and s.expires_at > clock_timestamp() and s.used_at > clock_timestamp() - make_interval(mins => $2)
           and not p.disabled and ($3 or not s.demonstration))",
    )
    .bind(id)
    .bind(i32::try_from(idle_minutes).unwrap_or(i32::MAX))
    .bind(demonstration)
    .fetch_one(pool)
    .await
}

pub(super) async fn end_session(pool: &PgPool, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("delete from session where id = $1").bind(id).execute(pool).await.map(|_| ())
}

/// Person and id of a token that is good.
pub(super) async fn api_token(pool: &PgPool, token_hash: &str, demonstration: bool) -> Result<Option<(String, Uuid)>, sqlx::Error> {
    sqlx::query_as(
        "select t.person, t.id from api_token t join person p on p.id = t.person
         where t.token_hash = $1 and t.revoked_at is null and t.expires_at > clock_timestamp()
           and not p.disabled and ($2 or not t.demonstration)",
    )
    .bind(token_hash)
    .bind(demonstration)
    .fetch_optional(pool)
    .await
}

/// Whether a token is good still.
pub(super) async fn api_token_lives(pool: &PgPool, id: Uuid, demonstration: bool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (select from api_token t join person p on p.id = t.person
         where t.id = $1 and t.revoked_at is null and t.expires_at > clock_timestamp() and not p.disabled and ($2 or not t.demonstration))",
    )
    .bind(id)
    .bind(demonstration)
    .fetch_one(pool)
    .await
}

pub(super) async fn delete_ended_sessions(pool: &PgPool, idle_minutes: u32) -> Result<u64, sqlx::Error> {
    sqlx::query("delete from session where expires_at <= clock_timestamp() or used_at <= clock_timestamp() - make_interval(mins => $1)")
        .bind(i32::try_from(idle_minutes).unwrap_or(i32::MAX))
        .execute(pool)
        .await
        .map(|done| done.rows_affected())
}
