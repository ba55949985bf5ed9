//! Reports refused over NATS, kept sealed for a while: a hotline that publishes without looking at replies would lose them otherwise.
//! Kept as well as can be: with Postgres down the sender has the refusal, and only this copy of it is lost.

use crate::web::of_database;
use bytes::Bytes;
use duban_contracts::{FieldError, Problem, Timestamp, ids, time};
use duban_engine::mask;
use duban_platform::{CancellationToken, Clock, Database, Platform, Seal, Ts};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// At most so many of one producer are kept; a fault in its software would fill the table.
const MOST_OF_A_PRODUCER: i64 = 10_000;

/// So many bytes wait to be written at once: with Postgres down, what comes beyond is not kept.
const MOST_WAITING: usize = 32 << 20;
/// What one that waits counts for at least.
const LEAST_OF_ONE: usize = 1 << 10;
/// So many are written at once, so that a flood of them does not take all connections.
const WRITTEN_AT_ONCE: usize = 4;
/// How long those that wait still have when the process is to stop.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Cheap to clone.
#[derive(Clone)]
pub struct RefusedReports(Arc<Parts>);

struct Parts {
    db: Database,
    seal: Seal,
    clock: Clock,
    keep_days: u32,
    tasks: TaskTracker,
    shutdown: CancellationToken,
    /// In bytes.
    waiting: Arc<Semaphore>,
    writing: Semaphore,
}

/// A refused report without its body.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RefusedReport {
    pub id: Uuid,
    pub producer: String,
    #[schemars(schema_with = "time::schema")]
    pub refused_at: Timestamp,
    /// Where it quotes the report, telephone and identity numbers are masked.
    pub problem: Problem,
    #[schemars(schema_with = "time::schema")]
    pub keep_until: Timestamp,
}

/// With its body, opened for an administrator.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RefusedDetail {
    pub report: RefusedReport,
    /// As it came, as text.
    pub body: String,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct RefusedQuery {
    #[serde(default)]
    pub producer: Option<String>,
    #[serde(default)]
    pub before: Option<Uuid>,
    /// 1 to 200, default 50.
    #[serde(default)]
    pub limit: Option<u32>,
}

impl RefusedReports {
    pub fn new(platform: &Platform, keep_days: u32) -> Self {
        Self(Arc::new(Parts {
            db: platform.db.clone(),
            seal: platform.seal.clone(),
            clock: platform.clock.clone(),
            keep_days,
            tasks: platform.tasks.clone(),
            shutdown: platform.shutdown.clone(),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            writing: Semaphore::new(WRITTEN_AT_ONCE),
        }))
    }

    /// Keeps a report beside whatever goes on; nobody waits for it.
    pub(super) fn keep_beside(&self, producer: &str, problem: Problem, body: Bytes) {
        let size = u32::try_from(body.len().clamp(LEAST_OF_ONE, MOST_WAITING)).unwrap_or(u32::MAX);
        let Ok(room) = self.0.waiting.clone().try_acquire_many_owned(size) else {
            return tracing::warn!(producer, "a refused report is not kept: too many wait for the database");
        };
        let (this, producer) = (self.clone(), producer.to_owned());
        self.0.tasks.spawn(async move {
            let at_an_end = async {
                this.0.shutdown.cancelled().await;
                tokio::time::sleep(LAST_PATIENCE).await;
            };
            tokio::select! {
                () = this.keep(&producer, &problem, &body) => {}
                () = at_an_end => tracing::warn!(producer, "a refused report is not kept: the process stops"),
            }
            drop(room);
        });
    }

    async fn keep(&self, producer: &str, problem: &Problem, body: &[u8]) {
        let Ok(_turn) = self.0.writing.acquire().await else { return };
        let id = ids::fresh();
        let now = self.0.clock.now();
        let until = now.saturating_add(SignedDuration::from_hours(24 * i64::from(self.0.keep_days))).unwrap_or(Timestamp::MAX);
        let sealed = self.0.seal.seal(body, &of_body(id));
        let sealed_problem = serde_json::to_vec(problem).map(|problem| self.0.seal.seal(&problem, &of_problem(id)));
        let (Ok(sealed), Ok(Ok(sealed_problem))) = (sealed, sealed_problem) else {
            return tracing::error!("a refused report cannot be sealed and is not kept");
        };
        let written = sqlx::query(
            "insert into refused_report (id, producer, refused_at, code, status, sealed_problem, sealed, keep_until)
             select $1, $2, $3, $4, $5, $6, $7, $8
             where (select count(*) from (select from refused_report where producer = $2 limit $9) as kept) < $9",
        )
        .bind(id)
        .bind(producer)
        .bind(Ts(now))
        .bind(&problem.code)
        .bind(i16::try_from(problem.status).unwrap_or(i16::MAX))
        .bind(sealed_problem)
        .bind(sealed)
        .bind(Ts(until))
        .bind(MOST_OF_A_PRODUCER)
        .execute(self.0.db.pool())
        .await;
        if let Err(error) = written {
            tracing::warn!(%error, producer, "a refused report is not kept");
        }
    }

    /// # Errors
    /// 503 without the database.
    pub async fn list(&self, query: &RefusedQuery) -> Result<Vec<RefusedReport>, Problem> {
        let limit = query.limit.unwrap_or(50).clamp(1, 200);
        sqlx::query(
            "select id, producer, refused_at, code, status, sealed_problem, keep_until from refused_report
             where ($1::text is null or producer = $1) and ($2::uuid is null or id < $2) order by id desc limit $3",
        )
        .bind(&query.producer)
        .bind(query.before)
        .bind(i64::from(limit))
        .fetch_all(self.0.db.pool())
        .await
        .map_err(|e| of_database(&e))?
        .iter()
        .map(|row| self.shown(row))
        .collect()
    }

    /// # Errors
    /// 404 unknown or aged out; 500 if it cannot be opened; 503 without the database.
    pub async fn show(&self, id: Uuid) -> Result<RefusedDetail, Problem> {
        let row = sqlx::query(
            "select id, producer, refused_at, code, status, sealed_problem, keep_until, sealed from refused_report where id = $1",
        )
        .bind(id)
        .fetch_optional(self.0.db.pool())
        .await
        .map_err(|e| of_database(&e))?
        .ok_or_else(Problem::not_found)?;
        let sealed: Vec<u8> = row.try_get("sealed").map_err(|e| of_database(&e))?;
        let body = self.0.seal.open(&sealed, &of_body(id)).map_err(|_| Problem::internal())?;
        Ok(RefusedDetail { report: self.shown(&row)?, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// Deletes what has aged out. Called now and then.
    ///
    /// # Errors
    /// The database's.
    pub async fn tidy(&self) -> Result<(), sqlx::Error> {
        sqlx::query("delete from refused_report where keep_until <= $1")
            .bind(Ts(self.0.clock.now()))
            .execute(self.0.db.pool())
            .await
            .map(|_| ())
    }

    fn shown(&self, row: &PgRow) -> Result<RefusedReport, Problem> {
        let Row { id, producer, refused_at, code, status, sealed_problem, keep_until } = Row::read(row).map_err(|e| of_database(&e))?;
        let opened = sealed_problem.and_then(|sealed| self.0.seal.open(&sealed, &of_problem(id)).ok());
        // One that cannot be opened, since its key is gone, does not hide the others.
        let problem = opened.and_then(|opened| serde_json::from_slice(&opened).ok()).map_or_else(
            || Problem::new(u16::try_from(status).unwrap_or_default(), &code, "What was wrong is not kept any more", "具体原因已不再保存"),
            without_numbers,
        );
        Ok(RefusedReport { id, producer, refused_at, problem, keep_until })
    }
}

/// What a seal is of, so that none can be put in another's place.
fn of_body(id: Uuid) -> String {
    format!("refused/{id}")
}

fn of_problem(id: Uuid) -> String {
    format!("refused/{id}/problem")
}

struct Row {
    id: Uuid,
    producer: String,
    refused_at: Timestamp,
    code: String,
    status: i16,
    /// None of one that was kept before problems were sealed.
    sealed_problem: Option<Vec<u8>>,
    keep_until: Timestamp,
}

impl Row {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            producer: row.try_get("producer")?,
            refused_at: row.try_get::<Ts, _>("refused_at")?.0,
            code: row.try_get("code")?,
            status: row.try_get("status")?,
            sealed_problem: row.try_get("sealed_problem")?,
            keep_until: row.try_get::<Ts, _>("keep_until")?.0,
        })
    }
}

/// The problem as a list may show it: numbers of persons that it quotes have their middle hidden.
fn without_numbers(problem: Problem) -> Problem {
    let errors = problem.errors.into_iter().map(|error| FieldError {
        field: mask::within(&error.field),
        wrong: mask::within(&error.wrong),
        wrong_zh: mask::within(&error.wrong_zh),
        expected: mask::within(&error.expected),
        expected_zh: mask::within(&error.expected_zh),
    });
    Problem { detail: mask::within(&problem.detail), detail_zh: mask::within(&problem.detail_zh), errors: errors.collect(), ..problem }
}
