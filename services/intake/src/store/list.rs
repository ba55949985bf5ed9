//! Lists and counts of cases, within what a person may see: the rights stand in the query, so that pages and counts are right.

use crate::store::cases;
use crate::visibility::Sight;
use duban_engine::case::Case;
use duban_platform::reach::push_covers;
use sqlx::{PgExecutor, PgPool, Postgres, QueryBuilder, Row};
use uuid::Uuid;

/// Which cases are asked for. None takes all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Units, those below included.
    pub units: Option<Vec<String>>,
    pub pack: Option<String>,
    pub kind: Option<String>,
    pub stage: Option<String>,
    pub severity: Option<String>,
    pub closed: Option<bool>,
    pub unsorted: bool,
    /// Of a severity that its pack marks as major.
    pub major: bool,
    /// Others are attached to it.
    pub master: bool,
    /// Attached to a master.
    pub attached: bool,
    /// Handled by the asker.
    pub mine: bool,
    /// Part of number or title.
    pub search: Option<String>,
}

/// A page, newest first: one case more than `limit` is looked for, so that the caller knows whether there is a next page.
pub async fn page(pool: &PgPool, sight: &Sight, filter: &Filter, before: Option<Uuid>, limit: i64) -> Result<Vec<Case>, sqlx::Error> {
    let mut query = QueryBuilder::new("select * from cases where ");
    restrict(&mut query, sight, filter);
    if let Some(before) = before {
        query.push(" and id < ").push_bind(before);
    }
    query.push(" order by id desc limit ").push_bind(limit + 1);
    let rows = query.build().fetch_all(pool).await?;
    rows.iter().map(cases::from_row).collect()
}

/// How many cases there are of what is asked for.
pub async fn count(pool: &PgPool, sight: &Sight, filter: &Filter) -> Result<i64, sqlx::Error> {
    let mut query = QueryBuilder::new("select count(*) from cases where ");
    restrict(&mut query, sight, filter);
    query.build().fetch_one(pool).await?.try_get(0)
}

/// Whether any case is of this unit.
pub async fn is_of_a_case(pool: &PgPool, unit: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from cases where unit = $1)").bind(unit).fetch_one(pool).await
}

/// Of these cases, those that the person may see.
pub async fn visible(pool: &PgPool, sight: &Sight, ids: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    let mut query = QueryBuilder::new("select id from cases where id = any(");
    query.push_bind(ids).push(") and ");
    within(&mut query, "cases.unit", sight);
    query.push(" order by id");
    query.build_query_scalar().fetch_all(pool).await
}

/// The cases that a person sees by name.
pub async fn by_name(executor: impl PgExecutor<'_>, person: &str) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar("select distinct case_id from involvement where person = $1 and ended_at is null")
        .bind(person)
        .fetch_all(executor)
        .await
}

fn restrict(query: &mut QueryBuilder<Postgres>, sight: &Sight, filter: &Filter) {
    within(query, "cases.unit", sight);
    if let Some(units) = &filter.units {
        query.push(" and unit = any(").push_bind(units.clone()).push(")");
    }
    for (column, value) in [("pack", &filter.pack), ("kind", &filter.kind), ("stage", &filter.stage), ("severity", &filter.severity)] {
        if let Some(value) = value {
            query.push(" and ").push(column).push(" = ").push_bind(value.clone());
        }
    }
    if let Some(closed) = filter.closed {
        query.push(if closed { " and closed" } else { " and not closed" });
    }
    if filter.unsorted {
        // What its master stands for need not be sorted.
        query.push(" and unsorted and carried_by is null");
    }
    if filter.major {
        query.push(" and major");
    }
    if filter.master {
        query.push(" and carries > 0");
    }
    if filter.attached {
        query.push(" and carried_by is not null");
    }
    if filter.mine {
        query.push(" and handler = ").push_bind(sight.person.clone());
    }
    if let Some(search) = &filter.search {
        let pattern = format!("%{}%", search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        query.push(" and (number ilike ").push_bind(pattern.clone());
        query.push(" or title ilike ").push_bind(pattern.clone());
        query.push(" or title_zh ilike ").push_bind(pattern).push(")");
    }
}

/// The rule of who sees what, in SQL, for the rows whose unit is `unit`. A person complained about sees nothing, however he would otherwise.
pub fn within(query: &mut QueryBuilder<Postgres>, unit: &'static str, sight: &Sight) {
    query.push("not (excluded_people @> array[").push_bind(sight.person.clone()).push("]) and (");
    if sight.by_name {
        query.push("handler = ").push_bind(sight.person.clone());
        query.push(" or reported_by = ").push_bind(sight.person.clone());
        query.push(" or id = any(").push_bind(sight.named.clone()).push(") or ");
    }
    push_covers(query, unit, "excluded_units", &sight.reach);
    query.push(")");
}
