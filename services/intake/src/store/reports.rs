//! What was sent, sealed.

use crate::store::sealed;
use duban_contracts::Timestamp;
use duban_contracts::report::AcceptedReport;
use duban_platform::{Seal, Ts};
use sqlx::{PgConnection, PgExecutor, Row};
use uuid::Uuid;

/// A report's body as it is kept.
#[derive(Debug, Clone)]
pub struct SealedReport {
    pub receipt: Uuid,
    pub received_at: Timestamp,
    pub sealed: Vec<u8>,
}

impl SealedReport {
    pub fn of(seal: &Seal, accepted: &AcceptedReport) -> Result<Self, sqlx::Error> {
        let sealed = sealed::seal_json(seal, accepted, &about(accepted.receipt))?;
        Ok(Self { receipt: accepted.receipt, received_at: accepted.received_at, sealed })
    }
}

/// What a sealed report is bound to, so that one row's content cannot stand in another's.
pub fn about(receipt: Uuid) -> String {
    format!("report/{receipt}")
}

pub async fn insert(tx: &mut PgConnection, reports: &[SealedReport]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into report (receipt, received_at, sealed)
         select * from unnest($1::uuid[], $2::timestamptz[], $3::bytea[])",
    )
    .bind(reports.iter().map(|r| r.receipt).collect::<Vec<_>>())
    .bind(reports.iter().map(|r| Ts(r.received_at)).collect::<Vec<_>>())
    .bind(reports.iter().map(|r| r.sealed.as_slice()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// The reports of these receipts, opened; erased ones are absent.
pub async fn open(executor: impl PgExecutor<'_>, seal: &Seal, receipts: &[Uuid]) -> Result<Vec<AcceptedReport>, sqlx::Error> {
    let rows = sqlx::query("select receipt, sealed from report where receipt = any($1) order by received_at, receipt")
        .bind(receipts)
        .fetch_all(executor)
        .await?;
    rows.iter().map(|row| unseal(seal, row.try_get(0)?, row.try_get(1)?)).collect()
}

/// Some of the reports of a case, opened, the one that opened it first: it and its supplements, without the first `skip` of them.
pub async fn of_case(
    executor: impl PgExecutor<'_>,
    seal: &Seal,
    case: Uuid,
    skip: i64,
    most: i64,
) -> Result<Vec<AcceptedReport>, sqlx::Error> {
    let rows = sqlx::query(
        "select report.receipt, sealed from report
         join (select receipt from cases where id = $1 union select receipt from identity where case_id = $1 and state = 'supplement') of_it
           on of_it.receipt = report.receipt
         order by report.receipt <> (select receipt from cases where id = $1), received_at, report.receipt
         offset $2 limit $3",
    )
    .bind(case)
    .bind(skip)
    .bind(most)
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| unseal(seal, row.try_get(0)?, row.try_get(1)?)).collect()
}

fn unseal(seal: &Seal, receipt: Uuid, text: Vec<u8>) -> Result<AcceptedReport, sqlx::Error> {
    sealed::open_json(seal, &text, &about(receipt))
}
