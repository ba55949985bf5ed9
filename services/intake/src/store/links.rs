//! Links between cases.

use duban_contracts::Timestamp;
use duban_contracts::case::CaseLink;
use duban_platform::Ts;
use sqlx::{PgConnection, PgExecutor, Row};
use uuid::Uuid;

/// `case` repeats the matter of `other`, is merged into it, or follows it.
#[derive(Debug, Clone)]
pub struct NewLink {
    pub case: Uuid,
    pub other: Uuid,
    /// `repeats`, `merged_into`, `follows`.
    pub sort: &'static str,
    pub at: Timestamp,
}

/// Makes links; one that was undone is made again.
pub async fn insert(tx: &mut PgConnection, links: &[NewLink]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into link (case_id, other, sort, at)
         select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])
         on conflict (case_id, other, sort) do update set at = excluded.at, undone_at = null, undone_by = null",
    )
    .bind(links.iter().map(|l| l.case).collect::<Vec<_>>())
    .bind(links.iter().map(|l| l.other).collect::<Vec<_>>())
    .bind(links.iter().map(|l| l.sort).collect::<Vec<_>>())
    .bind(links.iter().map(|l| Ts(l.at)).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Undoes the link of two cases, whichever way it points; tells its sort and which of the two it was made of, or None if there is none.
/// A merger is not undone here.
pub async fn undo(tx: &mut PgConnection, one: Uuid, other: Uuid, at: Timestamp, by: &str) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    sqlx::query_as(
        "update link set undone_at = $3, undone_by = $4
         where undone_at is null and sort <> 'merged_into' and ((case_id = $1 and other = $2) or (case_id = $2 and other = $1))
         returning case_id, sort",
    )
    .bind(one)
    .bind(other)
    .bind(Ts(at))
    .bind(by)
    .fetch_all(tx)
    .await
}

/// Undoes the links of a case to what it repeats, but for these; by nobody's word.
pub async fn undo_repeats_but(tx: &mut PgConnection, case: Uuid, others: &[Uuid], at: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update link set undone_at = $3, undone_by = ''
         where case_id = $1 and sort = 'repeats' and undone_at is null and other <> all ($2)",
    )
    .bind(case)
    .bind(others)
    .bind(Ts(at))
    .execute(tx)
    .await?;
    Ok(())
}

/// The cases that this one was said to repeat and does not, by a person's word.
pub async fn parted(executor: impl PgExecutor<'_>, case: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar("select other from link where case_id = $1 and sort = 'repeats' and undone_at is not null and undone_by <> ''")
        .bind(case)
        .fetch_all(executor)
        .await
}

/// The links of a case, seen from it: `repeats`, `repeated_by`, `merged_into`, `merged`, `follows`, `followed_by`.
pub async fn of_case(executor: impl PgExecutor<'_>, case: Uuid) -> Result<Vec<CaseLink>, sqlx::Error> {
    let rows = sqlx::query(
        "select there.id, there.number, link.at,
                case when link.case_id = $1 then link.sort
                     else case link.sort when 'repeats' then 'repeated_by' when 'merged_into' then 'merged' else 'followed_by' end
                end as sort
         from link
         join cases there on there.id = case when link.case_id = $1 then link.other else link.case_id end
         where (link.case_id = $1 or link.other = $1) and link.undone_at is null
         order by link.at, there.id",
    )
    .bind(case)
    .fetch_all(executor)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(CaseLink {
                other: row.try_get("id")?,
                number: row.try_get("number")?,
                sort: row.try_get("sort")?,
                at: row.try_get::<Ts, _>("at")?.0,
            })
        })
        .collect()
}
