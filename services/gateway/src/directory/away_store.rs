//! Tables of absences and delegations.

use super::period::{Period, whole_second};
use duban_contracts::Timestamp;
use duban_platform::Ts;
use duban_policy::directory::{Absence, Delegation, Delegator};
use jiff::SignedDuration;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row};
use uuid::Uuid;

/// An absence or, with a delegate, a delegation.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub id: Uuid,
    /// The person, or the post that is delegated.
    pub of: String,
    pub period: Period,
    pub reason: String,
    pub set_by: String,
    pub set_at: Timestamp,
    /// Who ended it before its time, and when.
    pub ended: Option<(String, Timestamp)>,
    pub withdrawn: bool,
    /// Whose part goes to whom.
    pub delegate: Option<(Delegator, String)>,
}

impl Kept {
    /// What it becomes when it is ended now; None if it is over already.
    pub fn ended_early(&self, by: &str, now: Timestamp) -> Option<Self> {
        let at = whole_second(now);
        if self.withdrawn || self.period.until.is_some_and(|until| until <= at) {
            return None;
        }
        let withdrawn = at <= self.period.from;
        let until = if withdrawn { self.period.until } else { Some(at) };
        Some(Self { period: Period { until, ..self.period }, ended: Some((by.to_owned(), now)), withdrawn, ..self.clone() })
    }
}

/// How long ones that are over stay in the directory: until every copy has told who is back.
const STAY: SignedDuration = SignedDuration::from_hours(100 * 24);

/// Absences as the directory has them, each with its person.
pub async fn in_directory(tx: &mut PgConnection, now: Timestamp) -> Result<Vec<(String, Absence)>, sqlx::Error> {
    let rows: Vec<(String, Ts, Option<Ts>)> = sqlx::query_as(
        "select person, from_at, until_at from absence where not withdrawn and (until_at is null or until_at > $1) order by person, from_at",
    )
    .bind(Ts(kept_since(now)))
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|(person, from, until)| (person, Absence { from: from.0, until: until.map(|until| until.0) })).collect())
}

/// Delegations as the directory has them: only those that are not over.
pub async fn delegations_in_directory(tx: &mut PgConnection, now: Timestamp) -> Result<Vec<Delegation>, sqlx::Error> {
    let rows = sqlx::query("select * from delegation where not withdrawn and until_at > $1 order by from_at, id")
        .bind(Ts(now))
        .fetch_all(tx)
        .await?;
    let read = |row: &PgRow| {
        let kept = delegation_of(row)?;
        let both = kept.delegate.zip(kept.period.until);
        Ok(both.map(|((of, to), until)| Delegation { of, to, from: kept.period.from, until }))
    };
    rows.iter().filter_map(|row| read(row).transpose()).collect()
}

fn kept_since(now: Timestamp) -> Timestamp {
    now.saturating_sub(STAY).unwrap_or(Timestamp::MIN)
}

pub async fn absence(tx: &mut PgConnection, id: Uuid) -> Result<Option<Kept>, sqlx::Error> {
    let row = sqlx::query("select * from absence where id = $1").bind(id).fetch_optional(tx).await?;
    row.as_ref().map(absence_of).transpose()
}

pub async fn delegation(tx: &mut PgConnection, id: Uuid) -> Result<Option<Kept>, sqlx::Error> {
    let row = sqlx::query("select * from delegation where id = $1").bind(id).fetch_optional(tx).await?;
    row.as_ref().map(delegation_of).transpose()
}

pub async fn put_absence(tx: &mut PgConnection, kept: &Kept) -> Result<(), sqlx::Error> {
    sqlx::query("insert into absence (id, person, from_at, until_at, reason, set_by, set_at) values ($1, $2, $3, $4, $5, $6, $7)")
        .bind(kept.id)
        .bind(&kept.of)
        .bind(Ts(kept.period.from))
        .bind(kept.period.until.map(Ts))
        .bind(&kept.reason)
        .bind(&kept.set_by)
        .bind(Ts(kept.set_at))
        .execute(tx)
        .await
        .map(|_| ())
}

pub async fn put_delegation(tx: &mut PgConnection, kept: &Kept) -> Result<(), sqlx::Error> {
    let (person, post) = match kept.delegate.as_ref().map(|(of, _)| of) {
        Some(Delegator::Person(person)) => (Some(person), None),
        Some(Delegator::Post(post)) => (None, Some(post)),
        None => (None, None),
    };
    sqlx::query(
        "insert into delegation (id, person, post, delegate, from_at, until_at, reason, set_by, set_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(kept.id)
    .bind(person)
    .bind(post)
    .bind(kept.delegate.as_ref().map(|(_, to)| to))
    .bind(Ts(kept.period.from))
    .bind(kept.period.until.map(Ts))
    .bind(&kept.reason)
    .bind(&kept.set_by)
    .bind(Ts(kept.set_at))
    .execute(tx)
    .await
    .map(|_| ())
}

pub async fn end_absence(tx: &mut PgConnection, kept: &Kept) -> Result<(), sqlx::Error> {
    end("update absence set until_at = $2, ended_by = $3, ended_at = $4, withdrawn = $5 where id = $1", tx, kept).await
}

pub async fn end_delegation(tx: &mut PgConnection, kept: &Kept) -> Result<(), sqlx::Error> {
    end("update delegation set until_at = $2, ended_by = $3, ended_at = $4, withdrawn = $5 where id = $1", tx, kept).await
}

async fn end(update: &'static str, tx: &mut PgConnection, kept: &Kept) -> Result<(), sqlx::Error> {
    sqlx::query(update)
        .bind(kept.id)
        .bind(kept.period.until.map(Ts))
        .bind(kept.ended.as_ref().map(|(by, _)| by))
        .bind(kept.ended.as_ref().map(|(_, at)| Ts(*at)))
        .bind(kept.withdrawn)
        .execute(tx)
        .await
        .map(|_| ())
}

/// Which ones are wanted.
pub struct Wanted {
    /// Of these people; None: of everybody.
    pub people: Option<Vec<String>>,
    pub person: Option<String>,
    /// Only those that are not over at this time.
    pub open_at: Option<Timestamp>,
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// A page, the latest beginning first.
pub async fn absences(pool: &PgPool, wanted: &Wanted) -> Result<Vec<Kept>, sqlx::Error> {
    let mut query = QueryBuilder::new("select * from absence where true");
    if let Some(people) = &wanted.people {
        query.push(" and person = any (").push_bind(people.clone()).push(")");
    }
    if let Some(person) = &wanted.person {
        query.push(" and person = ").push_bind(person.clone());
    }
    push_page(&mut query, wanted, "absence");
    query.build().fetch_all(pool).await?.iter().map(absence_of).collect()
}

/// Those of the organisation file, in no order.
pub async fn absences_of_file(pool: &PgPool, wanted: &Wanted) -> Result<Vec<(String, Absence)>, sqlx::Error> {
    let mut query =
        QueryBuilder::new("select id, body -> 'absences' from person where not disabled and jsonb_array_length(body -> 'absences') > 0");
    if let Some(people) = &wanted.people {
        query.push(" and id = any (").push_bind(people.clone()).push(")");
    }
    if let Some(person) = &wanted.person {
        query.push(" and id = ").push_bind(person.clone());
    }
    let rows: Vec<(String, Json<Vec<Absence>>)> = query.build_query_as().fetch_all(pool).await?;
    let each = rows.into_iter().flat_map(|(person, Json(absences))| absences.into_iter().map(move |absence| (person.clone(), absence)));
    let is_wanted = |absence: &Absence| wanted.open_at.is_none_or(|now| absence.until.is_none_or(|until| now < until));
    Ok(each.filter(|(_, absence)| is_wanted(absence)).collect())
}

/// A page of those of these people or posts, and of those to somebody.
pub async fn delegations(pool: &PgPool, wanted: &Wanted, to: &str, posts: &[String]) -> Result<Vec<Kept>, sqlx::Error> {
    let mut query = QueryBuilder::new("select * from delegation where true");
    if let Some(people) = &wanted.people {
        query.push(" and (person = any (").push_bind(people.clone()).push(") or post = any (").push_bind(posts.to_vec());
        query.push(") or delegate = ").push_bind(to.to_owned()).push(")");
    }
    push_page(&mut query, wanted, "delegation");
    query.build().fetch_all(pool).await?.iter().map(delegation_of).collect()
}

fn push_page(query: &mut QueryBuilder<Postgres>, wanted: &Wanted, table: &'static str) {
    if let Some(now) = wanted.open_at {
        query.push(" and not withdrawn and (until_at is null or until_at > ").push_bind(Ts(now)).push(")");
    }
    if let Some(before) = wanted.before {
        query.push(" and (from_at, id) < (select known.from_at, known.id from ").push(table).push(" as known where known.id = ");
        query.push_bind(before).push(")");
    }
    query.push(" order by from_at desc, id desc limit ").push_bind(wanted.limit);
}

fn absence_of(row: &PgRow) -> Result<Kept, sqlx::Error> {
    kept(row, row.try_get("person")?, None)
}

fn delegation_of(row: &PgRow) -> Result<Kept, sqlx::Error> {
    let of = match (row.try_get::<Option<String>, _>("person")?, row.try_get::<Option<String>, _>("post")?) {
        (Some(person), _) => Delegator::Person(person),
        (None, post) => Delegator::Post(post.unwrap_or_default()),
    };
    let name = match &of {
        Delegator::Person(name) | Delegator::Post(name) => name.clone(),
    };
    kept(row, name, Some((of, row.try_get("delegate")?)))
}

fn kept(row: &PgRow, of: String, delegate: Option<(Delegator, String)>) -> Result<Kept, sqlx::Error> {
    let ended_by: Option<String> = row.try_get("ended_by")?;
    Ok(Kept {
        id: row.try_get("id")?,
        of,
        period: Period { from: row.try_get::<Ts, _>("from_at")?.0, until: row.try_get::<Option<Ts>, _>("until_at")?.map(|until| until.0) },
        reason: row.try_get("reason")?,
        set_by: row.try_get("set_by")?,
        set_at: row.try_get::<Ts, _>("set_at")?.0,
        ended: ended_by.zip(row.try_get::<Option<Ts>, _>("ended_at")?.map(|at| at.0)),
        withdrawn: row.try_get("withdrawn")?,
        delegate,
    })
}
