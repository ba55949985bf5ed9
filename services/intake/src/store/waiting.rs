//! Reports that wait for the report that they follow.

use sqlx::{PgConnection, PgExecutor, PgPool, QueryBuilder, Row};
use std::time::Duration;
use uuid::Uuid;

/// What a report waits for: a receipt, or a tracking code's 54 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Receipt(Uuid),
    Code(i64),
}

#[derive(Debug, Clone)]
pub struct NewWaiting {
    pub receipt: Uuid,
    pub target: Target,
    pub traceparent: Option<String>,
}

pub async fn insert(tx: &mut PgConnection, waiting: &[NewWaiting]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into waiting (receipt, target, target_code, traceparent)
         select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[])",
    )
    .bind(waiting.iter().map(|w| w.receipt).collect::<Vec<_>>())
    .bind(waiting.iter().map(|w| if let Target::Receipt(receipt) = w.target { Some(receipt) } else { None }).collect::<Vec<_>>())
    .bind(waiting.iter().map(|w| if let Target::Code(code) = w.target { Some(code) } else { None }).collect::<Vec<_>>())
    .bind(waiting.iter().map(|w| w.traceparent.as_deref()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// A report that need not wait any longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    pub receipt: Uuid,
    /// The case of the report that it follows, if that is known; None: it becomes a case of its own.
    pub target_case: Option<Uuid>,
    /// The case that it became meanwhile, because it had waited for too long.
    pub alone: Option<Uuid>,
    pub traceparent: Option<String>,
}

/// Which of the rows are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that still wait.
    Waiting,
    /// Those that became cases of their own meanwhile.
    Alone,
}

/// Takes reports whose target is known by now, and that have a case; `only`: none but this one. Rows that another copy is just taking are
/// left to it. A tracking code counts only while one report alone has it.
pub async fn take_known(tx: &mut PgConnection, which: Which, only: Option<Uuid>, most: i64) -> Result<Vec<Released>, sqlx::Error> {
    // As words, not as a parameter: those that wait are few and have an index, the others may be many.
    let alone = match which {
        Which::Waiting => "is null",
        Which::Alone => "is not null",
    };
    let mut query = QueryBuilder::new("with known as (select waiting.receipt, target.case_id ");
    query.push("from waiting join identity target on target.receipt = waiting.target where waiting.alone ").push(alone);
    query.push(
        " and waiting.target is not null and target.case_id is not null and target.receipt <> waiting.receipt
         union all
         select waiting.receipt, target.case_id
         from waiting join identity target on target.code = waiting.target_code where waiting.alone ",
    );
    query.push(alone).push(
        " and waiting.target_code is not null and target.case_id is not null and target.receipt <> waiting.receipt
          and not exists (select 1 from identity twin where twin.code = target.code and twin.receipt <> target.receipt)
         ), taken as (
            select waiting.receipt, known.case_id from waiting join known using (receipt)
            where (waiting.asleep_until is null or waiting.asleep_until < clock_timestamp())",
    );
    if let Some(only) = only {
        query.push(" and waiting.receipt = ").push_bind(only);
    }
    query.push(" order by waiting.receipt limit ").push_bind(most).push(
        " for update of waiting skip locked
         )
         delete from waiting using taken where waiting.receipt = taken.receipt
         returning waiting.receipt, taken.case_id, waiting.alone, waiting.traceparent",
    );
    let rows = query.build().fetch_all(tx).await?;
    rows.iter().map(released).collect()
}

/// Reports that have waited for too long by the database's real clock, or that stand in a cycle; not taken away, only locked. `only`: none
/// but this one.
pub async fn lock_hopeless(tx: &mut PgConnection, patience: Duration, only: Option<Uuid>, most: i64) -> Result<Vec<Released>, sqlx::Error> {
    let rows = sqlx::query(
        "with recursive chain (start, receipt, depth) as (
            select waiting.receipt, waiting.target, 1 from waiting where alone is null and target is not null
            union all
            select chain.start, waiting.target, chain.depth + 1
            from chain join waiting on waiting.receipt = chain.receipt
            where waiting.alone is null and waiting.target is not null and chain.receipt <> chain.start and chain.depth < 64
         )
         select waiting.receipt, null::uuid as case_id, waiting.alone, waiting.traceparent
         from waiting
         where alone is null
           and (since < clock_timestamp() - make_interval(secs => $1)
                or receipt in (select start from chain where chain.receipt = chain.start))
           and ($3::uuid is null or receipt = $3) and (asleep_until is null or asleep_until < clock_timestamp())
         order by receipt limit $2 for update of waiting skip locked",
    )
    .bind(patience.as_secs_f64())
    .bind(most)
    .bind(only)
    .fetch_all(tx)
    .await?;
    rows.iter().map(released).collect()
}

fn released(row: &sqlx::postgres::PgRow) -> Result<Released, sqlx::Error> {
    Ok(Released {
        receipt: row.try_get("receipt")?,
        target_case: row.try_get("case_id")?,
        alone: row.try_get("alone")?,
        traceparent: row.try_get("traceparent")?,
    })
}

/// Notes that reports became cases of their own; they stay here, so that their target is recognised if it comes after all.
pub async fn set_alone(tx: &mut PgConnection, alone: &[(Uuid, Uuid)]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update waiting set alone = own.case_id from unnest($1::uuid[], $2::uuid[]) as own (receipt, case_id)
         where waiting.receipt = own.receipt",
    )
    .bind(alone.iter().map(|a| a.0).collect::<Vec<_>>())
    .bind(alone.iter().map(|a| a.1).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// This report failed by itself: it is left alone for longer each time, up to an hour.
pub async fn park(pool: &PgPool, receipt: Uuid, trouble: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update waiting
         set failures = failures + 1, trouble = $2,
             asleep_until = clock_timestamp() + least(interval '1 hour', interval '2 seconds' * power(2, least(failures, 12)))
         where receipt = $1",
    )
    .bind(receipt)
    .bind(trouble)
    .execute(pool)
    .await?;
    Ok(())
}

/// This report waits for something of ours: nothing is counted.
pub async fn put_off(pool: &PgPool, receipt: Uuid, what: &str, pause: Duration) -> Result<(), sqlx::Error> {
    sqlx::query("update waiting set trouble = $2, asleep_until = clock_timestamp() + make_interval(secs => $3) where receipt = $1")
        .bind(receipt)
        .bind(what)
        .bind(pause.as_secs_f64())
        .execute(pool)
        .await?;
    Ok(())
}

/// Forgets those that became cases of their own and whose target has not come for so long by the real clock; tells how many.
pub async fn expire_alone(pool: &PgPool, kept: Duration) -> Result<u64, sqlx::Error> {
    let done = sqlx::query("delete from waiting where alone is not null and since < clock_timestamp() - make_interval(secs => $1)")
        .bind(kept.as_secs_f64())
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}

/// What stands here.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Counted {
    /// Reports that still wait.
    pub waiting: i64,
    /// For how many seconds of the real clock the oldest of these has.
    pub oldest_seconds: i64,
    /// Reports that failed by themselves.
    pub parked: i64,
}

pub async fn count(pool: &PgPool) -> Result<Counted, sqlx::Error> {
    sqlx::query_as(
        "select count(*) as waiting, coalesce(extract(epoch from clock_timestamp() - min(since)), 0)::bigint as oldest_seconds,
                (select count(*) from waiting where failures > 0) as parked
         from waiting where alone is null",
    )
    .fetch_one(pool)
    .await
}

/// Whether any of them stand here; asked before anything dearer.
pub async fn any(executor: impl PgExecutor<'_>, which: Which) -> Result<bool, sqlx::Error> {
    let statement = match which {
        Which::Waiting => "select exists (select 1 from waiting where alone is null)",
        Which::Alone => "select exists (select 1 from waiting where alone is not null)",
    };
    sqlx::query_scalar(statement).fetch_one(executor).await
}
