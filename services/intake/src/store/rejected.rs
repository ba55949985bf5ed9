//! Reports that were accepted and cannot be registered: sealed, kept for a stated time, decided by a person.

use crate::store::cases::SEPARATOR;
use crate::store::{list, sealed};
use crate::visibility::Sight;
use duban_contracts::report::{AcceptedReport, RejectedReport};
use duban_contracts::{Problem, Timestamp};
use duban_platform::{Seal, Ts};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, QueryBuilder, Row};
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

/// A rejection to be kept.
#[derive(Debug, Clone)]
pub struct NewRejected {
    pub id: Uuid,
    pub accepted: AcceptedReport,
    pub body_hash: Vec<u8>,
    /// Stable code, also the problem's.
    pub reason: String,
    pub problem: Problem,
    pub rejected_at: Timestamp,
    pub traceparent: Option<String>,
    /// Whom it names as complained about: they neither read it nor decide about it.
    pub excluded_people: Vec<String>,
    pub excluded_units: Vec<String>,
}

/// A rejection as it stands, without its text.
#[derive(Debug, Clone)]
pub struct Rejected {
    pub id: Uuid,
    pub receipt: Uuid,
    pub producer: String,
    pub unit: String,
    pub channel: String,
    pub reason: String,
    pub problem: Problem,
    pub received_at: Timestamp,
    pub rejected_at: Timestamp,
    pub state: String,
    pub decided_by: Option<String>,
    pub decided_at: Option<Timestamp>,
    pub case: Option<Uuid>,
    pub version: i64,
    pub traceparent: Option<String>,
    pub excluded_people: Vec<String>,
    pub excluded_units: Vec<String>,
    sealed: Option<Vec<u8>>,
}

fn about(id: Uuid) -> String {
    format!("rejected/{id}")
}

impl Rejected {
    /// The report as it was accepted; None once its time has passed.
    pub fn open(&self, seal: &Seal) -> Result<Option<AcceptedReport>, sqlx::Error> {
        self.sealed.as_ref().map(|text| sealed::open_json(seal, text, &about(self.id))).transpose()
    }

    /// As its producer is told of it.
    pub fn told(&self, seal: &Seal) -> Result<RejectedReport, sqlx::Error> {
        let idempotency_key = self.open(seal)?.map(|accepted| accepted.idempotency_key).unwrap_or_default();
        Ok(RejectedReport {
            rejected: self.id,
            receipt: self.receipt,
            idempotency_key,
            received_at: self.received_at,
            problem: self.problem.clone(),
            state: self.state.clone(),
        })
    }
}

/// Keeps rejections and tells which are new: the same other body under the same key is rejected once.
pub async fn insert(tx: &mut PgConnection, seal: &Seal, new: &[NewRejected]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let texts = new.iter().map(|r| sealed::seal_json(seal, &r.accepted, &about(r.id))).collect::<Result<Vec<_>, _>>()?;
    let kept: Vec<Uuid> = sqlx::query_scalar(
        "insert into rejected (id, receipt, producer, unit, channel, reason, problem, body_hash, received_at, rejected_at, sealed, traceparent,
                               excluded_people, excluded_units)
         select id, receipt, producer, unit, channel, reason, problem, body_hash, received_at, rejected_at, sealed, traceparent,
                string_to_array(excluded_people, E'\\x1f'), string_to_array(excluded_units, E'\\x1f')
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::bytea[],
                     $9::timestamptz[], $10::timestamptz[], $11::bytea[], $12::text[], $13::text[], $14::text[])
              as new (id, receipt, producer, unit, channel, reason, problem, body_hash, received_at, rejected_at, sealed, traceparent,
                      excluded_people, excluded_units)
         on conflict (receipt, body_hash) do nothing
         returning id",
    )
    .bind(new.iter().map(|r| r.id).collect::<Vec<_>>())
    .bind(new.iter().map(|r| r.accepted.receipt).collect::<Vec<_>>())
    .bind(new.iter().map(|r| r.accepted.producer.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|r| r.accepted.unit.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|r| r.accepted.report.channel.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|r| r.reason.as_str()).collect::<Vec<_>>())
    .bind(new.iter().map(|r| Json(&r.problem)).collect::<Vec<_>>())
    .bind(new.iter().map(|r| r.body_hash.as_slice()).collect::<Vec<_>>())
    .bind(new.iter().map(|r| Ts(r.accepted.received_at)).collect::<Vec<_>>())
    .bind(new.iter().map(|r| Ts(r.rejected_at)).collect::<Vec<_>>())
    .bind(texts)
    .bind(new.iter().map(|r| r.traceparent.as_deref()).collect::<Vec<_>>())
    .bind(new.iter().map(|r| r.excluded_people.join(SEPARATOR)).collect::<Vec<_>>())
    .bind(new.iter().map(|r| r.excluded_units.join(SEPARATOR)).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(kept.into_iter().collect())
}

/// A producer's rejections after a cursor, in the order of their transactions; what a running transaction could still come before is left
/// for the next time, so that a cursor never passes over anything.
pub async fn of_producer(pool: &PgPool, producer: &str, after: Option<Uuid>, limit: i64) -> Result<Vec<Rejected>, sqlx::Error> {
    let rows = sqlx::query(
        "select * from rejected
         where producer = $1 and written_by < pg_snapshot_xmin(pg_current_snapshot())
           and ($2::uuid is null or (written_by, id) > (select written_by, id from rejected where id = $2 and producer = $1))
         order by written_by, id limit $3",
    )
    .bind(producer)
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Which rejections are wanted. None: no limit of that sort.
pub struct Wanted<'a> {
    pub id: Option<Uuid>,
    pub state: Option<&'a str>,
    /// A cursor.
    pub before: Option<Uuid>,
}

/// Rejections within what somebody may decide about, newest first.
pub async fn list(pool: &PgPool, sight: &Sight, wanted: &Wanted<'_>, limit: i64) -> Result<Vec<Rejected>, sqlx::Error> {
    let mut query = QueryBuilder::new("select * from rejected where ");
    list::within(&mut query, "rejected.unit", sight);
    if let Some(id) = wanted.id {
        query.push(" and id = ").push_bind(id);
    }
    if let Some(state) = wanted.state {
        query.push(" and state = ").push_bind(state.to_owned());
    }
    if let Some(before) = wanted.before {
        query.push(" and id < ").push_bind(before);
    }
    query.push(" order by id desc limit ").push_bind(limit);
    let rows = query.build().fetch_all(pool).await?;
    rows.iter().map(from_row).collect()
}

pub async fn lock(tx: &mut PgConnection, id: Uuid) -> Result<Option<Rejected>, sqlx::Error> {
    let row = sqlx::query("select * from rejected where id = $1 for update").bind(id).fetch_optional(tx).await?;
    row.as_ref().map(from_row).transpose()
}

/// How many rejections nobody has decided yet.
pub async fn count_open(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select count(*) from rejected where state = 'open'").fetch_one(pool).await
}

/// A person's decision on a rejection.
pub struct Decision<'a> {
    pub id: Uuid,
    /// `admitted` or `dismissed`.
    pub state: &'static str,
    pub by: &'a str,
    pub at: Timestamp,
    pub reason: &'a str,
    pub case: Option<Uuid>,
}

/// The rejection as it stands then.
pub async fn decide(tx: &mut PgConnection, seal: &Seal, decision: &Decision<'_>) -> Result<Rejected, sqlx::Error> {
    let row = sqlx::query(
        "update rejected set state = $2, decided_by = $3, decided_at = $4, sealed_decision = $5, case_id = $6, version = version + 1
         where id = $1 returning *",
    )
    .bind(decision.id)
    .bind(decision.state)
    .bind(decision.by)
    .bind(Ts(decision.at))
    .bind(sealed::seal(seal, decision.reason.as_bytes(), &about(decision.id))?)
    .bind(decision.case)
    .fetch_one(tx)
    .await?;
    from_row(&row)
}

/// Settles open rejections of these receipts, for this reason, whose reports have been handled after all: admitted, by nobody. They come back
/// as they stand then.
pub async fn settle(tx: &mut PgConnection, receipts: &[Uuid], reason: &str, at: Timestamp) -> Result<Vec<Rejected>, sqlx::Error> {
    let rows = sqlx::query(
        "update rejected
         set state = 'admitted', decided_at = greatest(rejected_at, $3), case_id = identity.case_id, version = version + 1
         from identity
         where identity.receipt = rejected.receipt and rejected.receipt = any($1) and reason = $2 and rejected.state = 'open'
         returning rejected.*",
    )
    .bind(receipts)
    .bind(reason)
    .bind(Ts(at))
    .fetch_all(tx)
    .await?;
    rows.iter().map(from_row).collect()
}

/// Erases the text of rejections that were decided longer than `kept` before `now`; tells how many. One that nobody has decided is an open
/// duty, not an old text.
pub async fn age_out(pool: &PgPool, now: Timestamp, kept: Duration) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "update rejected set sealed = null
         where sealed is not null and state <> 'open' and decided_at < $1 - make_interval(secs => $2)",
    )
    .bind(Ts(now))
    .bind(kept.as_secs_f64())
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

fn from_row(row: &PgRow) -> Result<Rejected, sqlx::Error> {
    Ok(Rejected {
        id: row.try_get("id")?,
        receipt: row.try_get("receipt")?,
        producer: row.try_get("producer")?,
        unit: row.try_get("unit")?,
        channel: row.try_get("channel")?,
        reason: row.try_get("reason")?,
        problem: row.try_get::<Json<_>, _>("problem")?.0,
        received_at: row.try_get::<Ts, _>("received_at")?.0,
        rejected_at: row.try_get::<Ts, _>("rejected_at")?.0,
        state: row.try_get("state")?,
        decided_by: row.try_get("decided_by")?,
        decided_at: row.try_get::<Option<Ts>, _>("decided_at")?.map(|ts| ts.0),
        case: row.try_get("case_id")?,
        version: row.try_get("version")?,
        traceparent: row.try_get("traceparent")?,
        excluded_people: row.try_get("excluded_people")?,
        excluded_units: row.try_get("excluded_units")?,
        sealed: row.try_get("sealed")?,
    })
}
