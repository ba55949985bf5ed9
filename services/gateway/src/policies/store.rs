//! Schema `policy`.

use super::{HeldBack, ListSigned, PolicySetShown, Signature};
use duban_contracts::Timestamp;
use duban_contracts::policy::{PolicySource, PolicyVersion};
use duban_contracts::subjects::service;
use duban_platform::Ts;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::collections::BTreeMap;

/// The services that must hold a set before it comes into force.
pub const HOLDERS: [&str; 4] = [service::INTAKE, service::ESCALATION, service::ARCHIVE, service::NOTIFICATIONS];

/// Versions that others may need: those announced, applied, or withdrawn after they were announced.
pub async fn versions(pool: &PgPool) -> Result<Vec<PolicyVersion>, sqlx::Error> {
    let rows = sqlx::query(
        "select version, state, effective_from, corrects, approved_by from policy.applied_set where effective_from is not null order by version",
    )
    .fetch_all(pool)
    .await?;
    let version = |row: &PgRow| {
        Ok(PolicyVersion {
            version: row.try_get("version")?,
            state: row.try_get("state")?,
            effective_from: row.try_get::<Ts, _>("effective_from")?.0,
            corrects: row.try_get("corrects")?,
            approved_by: row.try_get("approved_by")?,
        })
    };
    rows.iter().map(version).collect()
}

pub async fn sources(from: impl PgExecutor<'_>, version: i64) -> Result<Vec<PolicySource>, sqlx::Error> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("select name, body from policy.source where version = $1 order by name").bind(version).fetch_all(from).await?;
    Ok(rows.into_iter().map(|(name, text)| PolicySource { name, text }).collect())
}

/// The newest set that was not withdrawn: what the next one is made from.
pub async fn newest(tx: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("select max(version) from policy.applied_set where state <> 'withdrawn'").fetch_one(tx).await
}

pub struct NewSet<'a> {
    pub note: &'a str,
    pub by: &'a str,
    pub at: Timestamp,
    pub sources: &'a [PolicySource],
    /// The version that it goes back to.
    pub as_of: Option<i64>,
    /// What it corrects, checked.
    pub corrects: &'a [String],
}

/// Writes a submitted set and gives its version.
pub async fn submit(tx: &mut PgConnection, set: NewSet<'_>) -> Result<i64, sqlx::Error> {
    let version: i64 = sqlx::query_scalar(
        "insert into policy.applied_set (state, note, submitted_by, submitted_at, as_of, corrects) values ('submitted', $1, $2, $3, $4, $5) returning version",
    )
    .bind(set.note)
    .bind(set.by)
    .bind(Ts(set.at))
    .bind(set.as_of)
    .bind(set.corrects)
    .fetch_one(&mut *tx)
    .await?;
    let (names, bodies): (Vec<&str>, Vec<&str>) = set.sources.iter().map(|s| (s.name.as_str(), s.text.as_str())).unzip();
    sqlx::query("insert into policy.source (version, name, body) select $1, * from unnest($2::text[], $3::text[])")
        .bind(version)
        .bind(names)
        .bind(bodies)
        .execute(tx)
        .await?;
    Ok(version)
}

/// A set's state, locked until the transaction ends.
pub struct Locked {
    pub state: String,
    pub submitted_by: String,
    pub effective_from: Option<Timestamp>,
}

pub async fn lock(tx: &mut PgConnection, version: i64) -> Result<Option<Locked>, sqlx::Error> {
    let row: Option<(String, String, Option<Ts>)> =
        sqlx::query_as("select state, submitted_by, effective_from from policy.applied_set where version = $1 for update")
            .bind(version)
            .fetch_optional(tx)
            .await?;
    Ok(row.map(|(state, submitted_by, from)| Locked { state, submitted_by, effective_from: from.map(|ts| ts.0) }))
}

pub async fn state(from: impl PgExecutor<'_>, version: i64) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("select state from policy.applied_set where version = $1").bind(version).fetch_optional(from).await
}

/// What a set corrects; None: there is none.
pub async fn corrects(from: impl PgExecutor<'_>, version: i64) -> Result<Option<Vec<String>>, sqlx::Error> {
    sqlx::query_scalar("select corrects from policy.applied_set where version = $1").bind(version).fetch_optional(from).await
}

/// Keeps a draft, and forgets those of more than a quarter ago.
pub async fn keep_draft(
    tx: &mut PgConnection,
    by: &str,
    at: Timestamp,
    against: Option<i64>,
    sources: &[PolicySource],
) -> Result<i64, sqlx::Error> {
    sqlx::query("delete from policy.draft where kept_at < clock_timestamp() - interval '90 days'").execute(&mut *tx).await?;
    let number: i64 = sqlx::query_scalar("insert into policy.draft (by_person, at, against) values ($1, $2, $3) returning number")
        .bind(by)
        .bind(Ts(at))
        .bind(against)
        .fetch_one(&mut *tx)
        .await?;
    let (names, bodies): (Vec<&str>, Vec<&str>) = sources.iter().map(|s| (s.name.as_str(), s.text.as_str())).unzip();
    sqlx::query("insert into policy.draft_source (draft, name, body) select $1, * from unnest($2::text[], $3::text[])")
        .bind(number)
        .bind(names)
        .bind(bodies)
        .execute(tx)
        .await?;
    Ok(number)
}

/// The files of a draft; none: it is not known any longer.
pub async fn draft_sources(from: impl PgExecutor<'_>, draft: i64) -> Result<Vec<PolicySource>, sqlx::Error> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("select name, body from policy.draft_source where draft = $1 order by name").bind(draft).fetch_all(from).await?;
    Ok(rows.into_iter().map(|(name, text)| PolicySource { name, text }).collect())
}

/// Whether others may read a set's files: all that were announced, and those that are submitted, since who owns the duties says what a
/// correction changes, and what a set would have made.
pub async fn is_for_services(from: impl PgExecutor<'_>, version: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (select from policy.applied_set
         where version = $1 and (effective_from is not null or state = 'submitted'))",
    )
    .bind(version)
    .fetch_one(from)
    .await
}

/// Whether another set is announced and not yet in force.
pub async fn one_is_announced(tx: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from policy.applied_set where state = 'announced')").fetch_one(tx).await
}

pub async fn none_was_ever(tx: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select not exists (select from policy.applied_set where state in ('announced', 'applied'))").fetch_one(tx).await
}

/// The set in force at an instant.
pub async fn in_force(from: impl PgExecutor<'_>, at: Timestamp) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "select version from policy.applied_set where state = 'applied' and effective_from <= $1 order by effective_from desc, version desc limit 1",
    )
    .bind(Ts(at))
    .fetch_optional(from)
    .await
}

/// The set that was in force before this one; of one that never was, None.
pub async fn in_force_before(from: impl PgExecutor<'_>, version: i64) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "select earlier.version from policy.applied_set s join policy.applied_set earlier
           on earlier.state = 'applied' and (earlier.effective_from, earlier.version) < (s.effective_from, s.version)
         where s.version = $1 order by earlier.effective_from desc, earlier.version desc limit 1",
    )
    .bind(version)
    .fetch_optional(from)
    .await
}

/// Notes a signature; a second one in the same capacity changes nothing.
pub async fn sign(tx: &mut PgConnection, version: i64, signer: &str, signature: &Signature, against: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into policy.signature (version, signer, person, at, against, list) values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
    )
    .bind(version)
    .bind(signer)
    .bind(&signature.person)
    .bind(Ts(signature.at))
    .bind(against)
    .bind(signature.list.as_ref().map(Json))
    .execute(tx)
    .await
    .map(|_| ())
}

/// What was signed of the way from one set to another.
pub async fn signatures(from: impl PgExecutor<'_>, version: i64, against: i64) -> Result<Vec<Signature>, sqlx::Error> {
    let rows: Vec<(String, String, Ts, Option<Json<ListSigned>>)> =
        sqlx::query_as("select signer, person, at, list from policy.signature where version = $1 and against = $2 order by at, signer")
            .bind(version)
            .bind(against)
            .fetch_all(from)
            .await?;
    Ok(rows.into_iter().map(|(signer, person, at, list)| Signature { signer, person, at: at.0, list: list.map(|list| list.0) }).collect())
}

pub async fn approve(
    tx: &mut PgConnection,
    version: i64,
    by: &str,
    at: Timestamp,
    from: Timestamp,
    state: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("update policy.applied_set set state = $5, approved_by = $2, approved_at = $3, effective_from = $4 where version = $1")
        .bind(version)
        .bind(by)
        .bind(Ts(at))
        .bind(Ts(from))
        .bind(state)
        .execute(tx)
        .await
        .map(|_| ())
}

pub async fn withdraw(tx: &mut PgConnection, version: i64, by: &str, at: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("update policy.applied_set set state = 'withdrawn', withdrawn_by = $2, withdrawn_at = $3 where version = $1")
        .bind(version)
        .bind(by)
        .bind(Ts(at))
        .execute(tx)
        .await
        .map(|_| ())
}

/// The announced set whose time has come and that all hold, locked; copies of the gateway step round each other.
pub async fn lock_ripe(tx: &mut PgConnection, now: Timestamp) -> Result<Option<(i64, Timestamp)>, sqlx::Error> {
    let row: Option<(i64, Ts)> = sqlx::query_as(
        "select version, effective_from from policy.applied_set s
         where state = 'announced' and effective_from <= $1
           and (select count(*) from policy.holding h where h.version = s.version and h.error is null and h.service = any($2)) = $3
         order by version limit 1 for update skip locked",
    )
    .bind(Ts(now))
    .bind(HOLDERS.as_slice())
    .bind(HOLDERS.len() as i64)
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|(version, from)| (version, from.0)))
}

pub async fn put_in_force(tx: &mut PgConnection, version: i64, from: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("update policy.applied_set set state = 'applied', effective_from = $2 where version = $1")
        .bind(version)
        .bind(Ts(from))
        .execute(tx)
        .await
        .map(|_| ())
}

pub async fn keep_holding(pool: &PgPool, version: i64, service: &str, error: Option<&str>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into policy.holding (version, service, error)
         select $1, $2, $3 where exists (select from policy.applied_set where version = $1)
         on conflict (version, service) do update set error = excluded.error, told_at = clock_timestamp()",
    )
    .bind(version)
    .bind(service)
    .bind(error)
    .execute(pool)
    .await
    .map(|_| ())
}

/// Sets, newest first; one alone if a version is given.
pub async fn shown(pool: &PgPool, version: Option<i64>) -> Result<Vec<PolicySetShown>, sqlx::Error> {
    let rows = sqlx::query(
        "select s.*, coalesce((select jsonb_object_agg(h.service, h.error) from policy.holding h where h.version = s.version), '{}') as holdings,
           coalesce((select jsonb_agg(jsonb_build_object('signer', g.signer, 'person', g.person, 'at', g.at, 'list', g.list) order by g.at, g.signer)
                     from policy.signature g where g.version = s.version), '[]') as signatures
         from policy.applied_set s where $1::bigint is null or s.version = $1 order by s.version desc limit 100",
    )
    .bind(version)
    .fetch_all(pool)
    .await?;
    rows.iter().map(of_row).collect()
}

fn of_row(row: &PgRow) -> Result<PolicySetShown, sqlx::Error> {
    let Json(holdings): Json<BTreeMap<String, Option<String>>> = row.try_get("holdings")?;
    let Json(signatures): Json<Vec<Signature>> = row.try_get("signatures")?;
    let time = |name: &str| row.try_get::<Option<Ts>, _>(name).map(|ts| ts.map(|ts| ts.0));
    let held_by = holdings.iter().filter(|(_, error)| error.is_none()).map(|(service, _)| service.clone()).collect();
    let state: String = row.try_get("state")?;
    let behind = HOLDERS.iter().filter(|service| state != "withdrawn" && !matches!(holdings.get(**service), Some(None)));
    let held_back_by = behind.map(|s| HeldBack { service: (*s).to_owned(), error: holdings.get(*s).cloned().flatten() }).collect();
    Ok(PolicySetShown {
        version: row.try_get("version")?,
        state,
        note: row.try_get("note")?,
        submitted_by: row.try_get("submitted_by")?,
        submitted_at: row.try_get::<Ts, _>("submitted_at")?.0,
        approved_by: row.try_get("approved_by")?,
        approved_at: time("approved_at")?,
        effective_from: time("effective_from")?,
        withdrawn_by: row.try_get("withdrawn_by")?,
        as_of: row.try_get("as_of")?,
        corrects: row.try_get("corrects")?,
        signatures,
        wanted: Vec::new(),
        held_by,
        held_back_by,
    })
}
