//! Lists and counts of what a person may see.

use super::{alerts, duties};
use crate::sight::Sight;
use duban_contracts::Timestamp;
use duban_engine::alert::Alert;
use duban_engine::duty::Duty;
use duban_platform::db::Ts;
use sqlx::{PgConnection, PgExecutor, Postgres, QueryBuilder, Row};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Which duties are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub state: Filter,
    pub unit: Option<String>,
    pub case: Option<Uuid>,
    pub search: Option<String>,
    /// Due time (time of closing, for ended ones) and id of the last that is known.
    pub after: Option<(Timestamp, Uuid)>,
    pub limit: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Filter {
    #[default]
    All,
    Open,
    Breached,
    DueSoon,
    /// Ended ones, the newest first.
    Closed,
    /// Open ones that the asker owes: by his post, as who handles the case, handed to him, or told of it in the place of who owes it.
    Mine,
    /// On trial (试运行), open and ended.
    Trial,
}

/// How many are counted at most: who reads a list wants to know whether there are many, and counting a whole table takes its time.
const COUNTED: i64 = 10_000;

/// A page of duties, and how many there are, counted up to [`COUNTED`].
pub async fn duties(db: &mut PgConnection, sight: &Sight, wanted: &Wanted) -> Result<(Vec<Duty>, i64), sqlx::Error> {
    let mut count = QueryBuilder::new("select count(*) from (select from duty where ");
    push_wanted(&mut count, sight, wanted);
    count.push(" limit ").push_bind(COUNTED).push(") as wanted");
    let total: i64 = count.build_query_scalar().fetch_one(&mut *db).await?;

    let mut page = QueryBuilder::new("select * from duty where ");
    push_wanted(&mut page, sight, wanted);
    let is_newest_first = wanted.state == Filter::Closed;
    if let Some((at, id)) = wanted.after {
        page.push(if is_newest_first { " and closed_at <= " } else { " and due_at >= " }).push_bind(Ts(at));
        page.push(if is_newest_first {
            " and (-extract(epoch from closed_at), id) > (-extract(epoch from "
        } else {
            " and (due_at, id) > ("
        });
        page.push_bind(Ts(at)).push(if is_newest_first { "::timestamptz), " } else { ", " }).push_bind(id).push(")");
    }
    page.push(if is_newest_first { " order by closed_at desc, id limit " } else { " order by due_at, id limit " }).push_bind(wanted.limit);
    let rows = page.build().fetch_all(db).await?;
    Ok((rows.iter().map(duties::duty).collect::<Result<_, _>>()?, total))
}

fn push_wanted(query: &mut QueryBuilder<Postgres>, sight: &Sight, wanted: &Wanted) {
    query.push(match wanted.state {
        Filter::All => "not shadowed",
        Filter::Open => "open and not trial",
        Filter::Breached => "open and not trial and state = 'breached'",
        Filter::DueSoon => "open and not trial and state = 'due_soon'",
        Filter::Closed => "not open and not shadowed and not trial",
        Filter::Mine => "open and not trial and ",
        Filter::Trial => "trial and not shadowed",
    });
    if wanted.state == Filter::Mine {
        push_owes(query, sight);
    }
    if let Some(unit) = &wanted.unit {
        query.push(" and unit = ").push_bind(unit.clone());
    }
    if let Some(case) = wanted.case {
        query.push(" and case_id = ").push_bind(case);
    }
    if let Some(search) = &wanted.search {
        let pattern = format!("%{}%", search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        query.push(" and (title ilike ").push_bind(pattern.clone()).push(" or title_zh ilike ").push_bind(pattern).push(")");
    }
    query.push(" and ");
    push_sees(query, sight);
}

/// Whether any duty is of this unit.
pub async fn is_of_a_duty(db: impl PgExecutor<'_>, unit: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from duty where unit = $1)").bind(unit).fetch_one(db).await
}

/// The condition that he sees the duty; the same as [`Sight::sees`].
pub(super) fn push_sees(query: &mut QueryBuilder<Postgres>, sight: &Sight) {
    query.push("not excluded_people ? ").push_bind(sight.person.clone()).push(" and (");
    match sight.units() {
        None => {
            query.push("excluded_units = '[]'");
        }
        Some(units) => {
            let units: Vec<String> = units.into_iter().map(str::to_owned).collect();
            query.push("(excluded_units = '[]' and unit = any (").push_bind(units).push("))");
        }
    }
    for grant in &sight.grants {
        query.push(" or (excluded_units <> '[]' and not excluded_units ?| ").push_bind(grant.path.clone());
        if let Some(units) = &grant.units {
            query.push(" and unit = any (").push_bind(units.clone()).push(")");
        }
        query.push(")");
    }
    query.push(" or people_named ? ").push_bind(sight.person.clone()).push(" or ");
    push_is_his(query, sight);
    query.push(")");
}

fn push_is_his(query: &mut QueryBuilder<Postgres>, sight: &Sight) {
    query.push("(handler = ").push_bind(sight.person.clone());
    push_is_given(query, sight);
    query.push(" or duty.id in (select alert.duty from recipient join alert on alert.id = recipient.alert where recipient.person = ");
    query.push_bind(sight.person.clone()).push("))");
}

/// Reminders and urgings go to who owes it, or to whom it comes in his place.
fn push_owes(query: &mut QueryBuilder<Postgres>, sight: &Sight) {
    query.push(r#"((terms -> 'owed' @> '[{"handler": {}}]' and handler = "#).push_bind(sight.person.clone()).push(")");
    push_is_given(query, sight);
    query.push(" or duty.id in (select alert.duty from recipient join alert on alert.id = recipient.alert where recipient.person = ");
    query.push_bind(sight.person.clone()).push(" and alert.sort in ('reminder', 'urge')))");
}

/// Handed to him, or owed by a post of his.
fn push_is_given(query: &mut QueryBuilder<Postgres>, sight: &Sight) {
    query.push(" or handed_to = ").push_bind(sight.person.clone());
    for posts in &sight.posts {
        query.push(" or (owed_by = any (").push_bind(posts.ids.clone());
        query.push(") and (excluded_units = '[]' or not excluded_units ?| ").push_bind(posts.path.clone()).push("))");
    }
}

/// Which alerts are wanted.
#[derive(Debug, Clone)]
pub struct WantedAlerts {
    pub only_open: bool,
    /// Also those of others that the asker may see.
    pub all: bool,
    /// What was raised on trial, instead of what was sent.
    pub trial: bool,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// A page of alerts with their duties, the newest first, and how many there are, counted up to [`COUNTED`].
pub async fn alerts(db: &mut PgConnection, sight: &Sight, wanted: &WantedAlerts) -> Result<(Vec<(Alert, Duty)>, i64), sqlx::Error> {
    let mut count = QueryBuilder::new("select count(*) from (select from alert join duty on duty.id = alert.duty where ");
    push_wanted_alerts(&mut count, sight, wanted);
    count.push(" limit ").push_bind(COUNTED).push(") as wanted");
    let total: i64 = count.build_query_scalar().fetch_one(&mut *db).await?;

    let mut page = QueryBuilder::new("select alert.* from alert join duty on duty.id = alert.duty where ");
    push_wanted_alerts(&mut page, sight, wanted);
    if let Some(before) = wanted.before {
        page.push(" and (alert.raised_at, alert.id) < (select known.raised_at, known.id from alert as known where known.id = ");
        page.push_bind(before).push(")");
    }
    page.push(" order by alert.raised_at desc, alert.id desc limit ").push_bind(wanted.limit);
    let rows = page.build().fetch_all(&mut *db).await?;
    let found = alerts::with_acknowledgements(db, rows.iter().map(alerts::alert).collect::<Result<_, _>>()?).await?;
    Ok((with_duties(db, found).await?, total))
}

fn push_wanted_alerts(query: &mut QueryBuilder<Postgres>, sight: &Sight, wanted: &WantedAlerts) {
    query.push(if wanted.trial { "alert.trial and " } else { "not alert.trial and " });
    if wanted.only_open {
        query.push("alert.state = 'open' and ");
    }
    if wanted.all {
        push_sees(query, sight);
    } else {
        query.push("not excluded_people ? ").push_bind(sight.person.clone());
        query.push(" and alert.id in (select recipient.alert from recipient where person = ").push_bind(sight.person.clone()).push(")");
    }
}

async fn with_duties(db: &mut PgConnection, alerts: Vec<Alert>) -> Result<Vec<(Alert, Duty)>, sqlx::Error> {
    let ids: Vec<Uuid> = alerts.iter().map(|alert| alert.duty).collect();
    let rows = sqlx::query("select * from duty where id = any ($1)").bind(ids).fetch_all(db).await?;
    let duties: std::collections::BTreeMap<Uuid, Duty> =
        rows.iter().map(|row| duties::duty(row).map(|duty| (duty.id, duty))).collect::<Result<_, _>>()?;
    Ok(alerts.into_iter().filter_map(|alert| duties.get(&alert.duty).cloned().map(|duty| (alert, duty))).collect())
}

/// Whether an alert of the duty went to the person.
pub async fn was_alerted(db: impl PgExecutor<'_>, duty: Uuid, person: &str) -> Result<bool, sqlx::Error> {
    let row = sqlx::query(
        "select exists (select from alert join recipient on recipient.alert = alert.id where alert.duty = $1 and recipient.person = $2) as told",
    )
    .bind(duty)
    .bind(person)
    .fetch_one(db)
    .await?;
    row.try_get("told")
}

/// Of these duties, those of which an alert went to the person.
pub async fn alerted_of(db: impl PgExecutor<'_>, duties: &[Uuid], person: &str) -> Result<BTreeSet<Uuid>, sqlx::Error> {
    let found: Vec<Uuid> = sqlx::query_scalar(
        "select distinct alert.duty from alert join recipient on recipient.alert = alert.id
         where alert.duty = any ($1) and recipient.person = $2",
    )
    .bind(duties)
    .bind(person)
    .fetch_all(db)
    .await?;
    Ok(found.into_iter().collect())
}

/// How many duties are open, for the metric: the planner's estimate of the partial index, exact enough and free.
pub async fn open_count(db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select greatest(reltuples, 0)::bigint from pg_class where oid = 'duty_open'::regclass").fetch_one(db).await
}
