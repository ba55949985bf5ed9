//! Who is back, and what waits for him.

use duban_contracts::absence::ReturnNoticed;
use duban_platform::Ts;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A notice as an event tells it.
pub struct NoticeRow {
    pub body: ReturnNoticed,
    pub noticed_at: Ts,
    pub traceparent: Option<String>,
}

/// Writes notices; those that are there already stay as they are.
pub async fn insert(tx: &mut PgConnection, rows: &[NoticeRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into return_notice (id, person, body, noticed_at, traceparent)
         select * from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::timestamptz[], $5::text[]) order by 1 on conflict do nothing",
    )
    .bind(rows.iter().map(|row| row.body.notice).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.body.person.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| Json(&row.body)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.noticed_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.traceparent.as_deref()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Of these duties, those that have ended as far as is known, and those that the person must not know of.
pub async fn not_for(pool: &PgPool, person: &str, duties: &[Uuid], cases: &[Option<Uuid>]) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "select listed.duty from unnest($2::uuid[], $3::uuid[]) as listed (duty, case_id)
         left join duty on duty.id = listed.duty left join case_copy on case_copy.id = listed.case_id
         where duty.ended_at is not null
            or $1 = any (coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}'))",
    )
    .bind(person)
    .bind(duties)
    .bind(cases)
    .fetch_all(pool)
    .await
}
