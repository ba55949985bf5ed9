//! Records as people may see them.

use crate::rights::Sight;
use duban_contracts::record::{RecordEvent, RecordListRequest};
use duban_platform::Ts;
use duban_platform::reach::push_covers;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use uuid::Uuid;

const COLUMNS: &str =
    "select record.id, record.index_number, record.case_id, record.edition, record.number, record.unit, record.title, record.title_zh,
    record.content_hash, record.content_bytes, record.filed_at, record.policy, record.version";
const FROM: &str = " from record left join case_copy on case_copy.id = record.case_id where true";

const UNIT: &str = "coalesce(case_copy.unit, record.unit)";
const EXCLUDED_UNITS: &str = "coalesce(case_copy.excluded_units, '{}')";

/// Adds what the person may see: what his posts reach, or a case that he handles or is named in; never one that he is complained about in.
fn push_sight(query: &mut QueryBuilder<Postgres>, sight: &Sight) {
    query.push(" and not (").push_bind(sight.person.clone()).push(" = any(coalesce(case_copy.excluded_people, '{}')))");
    query.push(" and (");
    if sight.by_name {
        query.push("case_copy.handler = ").push_bind(sight.person.clone());
        query.push(" or case_copy.people_named @> array[").push_bind(sight.person.clone()).push("] or ");
    }
    push_covers(query, UNIT, EXCLUDED_UNITS, &sight.reach);
    query.push(")");
}

fn push_filters(query: &mut QueryBuilder<Postgres>, request: &RecordListRequest, sight: &Sight) {
    if let Some(case) = request.case {
        query.push(" and record.case_id = ").push_bind(case);
    }
    if let Some(unit) = &request.unit {
        query.push(" and record.unit = ").push_bind(unit.clone());
    }
    push_sight(query, sight);
}

/// A page of records, newest first, and how many there are.
pub async fn records(
    pool: &PgPool,
    request: &RecordListRequest,
    sight: &Sight,
    limit: i64,
) -> Result<(Vec<RecordEvent>, i64), sqlx::Error> {
    let mut count = QueryBuilder::new("select count(*)");
    count.push(FROM);
    push_filters(&mut count, request, sight);
    let total: i64 = count.build_query_scalar().fetch_one(pool).await?;

    let mut query = QueryBuilder::new(COLUMNS);
    query.push(FROM);
    push_filters(&mut query, request, sight);
    if let Some(before) = request.before {
        query.push(" and (record.filed_at, record.id) < (select filed_at, id from record where id = ").push_bind(before).push(")");
    }
    query.push(" order by record.filed_at desc, record.id desc limit ").push_bind(limit);
    let rows = query.build().fetch_all(pool).await?;
    Ok((rows.iter().map(shown).collect::<Result<_, _>>()?, total))
}

/// Whether any record is of this unit.
pub async fn is_of_a_record(pool: &PgPool, unit: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from record where unit = $1)").bind(unit).fetch_one(pool).await
}

/// One record, if the person may see it.
pub async fn record(pool: &PgPool, id: Uuid, sight: &Sight) -> Result<Option<RecordEvent>, sqlx::Error> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(FROM).push(" and record.id = ").push_bind(id);
    push_sight(&mut query, sight);
    query.build().fetch_optional(pool).await?.as_ref().map(shown).transpose()
}

fn shown(row: &PgRow) -> Result<RecordEvent, sqlx::Error> {
    Ok(RecordEvent {
        record: row.try_get("id")?,
        index_number: row.try_get("index_number")?,
        case: row.try_get("case_id")?,
        number: row.try_get("number")?,
        unit: row.try_get("unit")?,
        title: row.try_get("title")?,
        title_zh: row.try_get("title_zh")?,
        content_hash: crate::ledger::hex(row.try_get("content_hash")?),
        content_bytes: row.try_get("content_bytes")?,
        filed_at: row.try_get::<Ts, _>("filed_at")?.0,
        edition: row.try_get("edition")?,
        // Who is complained about is not for everybody who sees the record.
        excluded_people: Vec::new(),
        policy: row.try_get("policy")?,
        version: row.try_get("version")?,
    })
}
