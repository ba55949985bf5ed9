//! Rehearsals: who asked for them, how far they are, what they made, and what really was made.

use super::past::Duties;
use duban_contracts::rehearsal::{Counts, Made, Rehearsal, Rehearsed};
use duban_contracts::{Sentence, Timestamp};
use duban_engine::rehearsing::Tally;
use duban_platform::db::Ts;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Seconds for which whoever has a rehearsal in hand keeps it without saying so again.
const LEASE: f64 = 30.0;

/// One that breaks whoever runs it is not begun for ever.
const ATTEMPTS: i32 = 3;

/// Both sides, as kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sides {
    pub draft: Tally,
    pub real: Tally,
}

/// A rehearsal as kept.
#[derive(Debug, Clone)]
pub struct Kept {
    pub shown: Rehearsal,
    /// Once it is done.
    pub made: Option<Sides>,
}

/// Begins one; asked for again it is the same.
pub async fn begin(db: impl PgExecutor<'_>, new: &Rehearsal) -> Result<(), sqlx::Error> {
    let (draft, version) = match new.of {
        Rehearsed::Draft(draft) => (Some(draft), None),
        Rehearsed::Version(version) => (None, Some(version)),
    };
    sqlx::query(
        "insert into rehearsal (id, draft, version, packs, state, asked_by, asked_at, since, until, reached)
         values ($1, $2, $3, $4, 'waiting', $5, $6, $7, $8, $7) on conflict do nothing",
    )
    .bind(new.id)
    .bind(draft)
    .bind(version)
    .bind(&new.packs)
    .bind(&new.asked_by)
    .bind(Ts(new.asked_at))
    .bind(Ts(new.since))
    .bind(Ts(new.until))
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the oldest that waits or was left by whoever had it; it begins at its beginning.
pub async fn claim(db: impl PgExecutor<'_>) -> Result<Option<(Rehearsal, Attempt)>, sqlx::Error> {
    let row = sqlx::query(
        "update rehearsal set state = 'running', attempts = attempts + 1, leased_until = clock_timestamp() + make_interval(secs => $1),
             reached = since, played = 0, left_out = 0
         where id = (select id from rehearsal where state in ('waiting', 'running') and (leased_until is null or leased_until < clock_timestamp())
                       and attempts < $2 order by begun_at limit 1 for update skip locked)
         returning *",
    )
    .bind(LEASE)
    .bind(ATTEMPTS)
    .fetch_optional(db)
    .await?;
    row.as_ref().map(|row| Ok((kept(row)?.shown, Attempt(row.try_get("attempts")?)))).transpose()
}

/// Those that broke whoever ran them, too often.
pub async fn give_up(db: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "update rehearsal set state = 'failed', fault = 'it was broken off too often', fault_zh = '多次中断，未能完成'
         where state in ('waiting', 'running') and leased_until < clock_timestamp() and attempts >= $1",
    )
    .bind(ATTEMPTS)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Says how far it is, and keeps it. False: another has it by now.
pub async fn go_on(db: impl PgExecutor<'_>, at: &Rehearsal, attempt: Attempt) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "update rehearsal set reached = $3, played = $4, left_out = $5, leased_until = clock_timestamp() + make_interval(secs => $6)
         where id = $1 and state = 'running' and attempts = $2",
    )
    .bind(at.id)
    .bind(attempt.0)
    .bind(Ts(at.reached))
    .bind(at.played)
    .bind(at.left_out)
    .bind(LEASE)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The how manieth time that a rehearsal is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt(i32);

/// Ends it with what was made, or with why it failed.
pub async fn end(db: impl PgExecutor<'_>, at: &Rehearsal, attempt: Attempt, made: Result<&Sides, &Sentence>) -> Result<(), sqlx::Error> {
    let (state, fault, made) = match made {
        Ok(made) => ("done", None, Some(Json(made))),
        Err(fault) => ("failed", Some(fault), None),
    };
    sqlx::query(
        "update rehearsal set state = $3, fault = $4, made = $5, reached = $6, played = $7, left_out = $8, fault_zh = $9, leased_until = null
         where id = $1 and state = 'running' and attempts = $2",
    )
    .bind(at.id)
    .bind(attempt.0)
    .bind(state)
    .bind(fault.map(|fault| fault.en.as_str()))
    .bind(made)
    .bind(Ts(at.reached))
    .bind(at.played)
    .bind(at.left_out)
    .bind(fault.map(|fault| fault.zh.as_str()).unwrap_or_default())
    .execute(db)
    .await?;
    Ok(())
}

/// Lets it go, so that it is begun again at once by whoever looks.
pub async fn release(db: impl PgExecutor<'_>, id: Uuid, attempt: Attempt) -> Result<(), sqlx::Error> {
    sqlx::query("update rehearsal set state = 'waiting', leased_until = null, attempts = attempts - 1 where id = $1 and state = 'running' and attempts = $2")
        .bind(id)
        .bind(attempt.0)
        .execute(db)
        .await?;
    Ok(())
}

pub async fn show(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Kept>, sqlx::Error> {
    let row = sqlx::query("select * from rehearsal where id = $1").bind(id).fetch_optional(db).await?;
    row.as_ref().map(kept).transpose()
}

/// The newest first, without their rows.
pub async fn list(db: impl PgExecutor<'_>, most: i64) -> Result<Vec<Rehearsal>, sqlx::Error> {
    let rows = sqlx::query("select * from rehearsal order by begun_at desc limit $1").bind(most).fetch_all(db).await?;
    rows.iter().map(|row| kept(row).map(|kept| kept.shown)).collect()
}

/// Forgets those of more than three months ago.
pub async fn forget_old(db: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query("delete from rehearsal where begun_at < clock_timestamp() - interval '90 days'").execute(db).await?;
    Ok(done.rows_affected())
}

fn kept(row: &PgRow) -> Result<Kept, sqlx::Error> {
    let made = row.try_get::<Option<Json<Sides>>, _>("made")?.map(|made| made.0);
    let of = match row.try_get::<Option<i64>, _>("draft")? {
        Some(draft) => Rehearsed::Draft(draft),
        None => Rehearsed::Version(row.try_get::<Option<i64>, _>("version")?.unwrap_or_default()),
    };
    let sums = made.as_ref().map(|made| Made { draft: made.draft.in_all, real: made.real.in_all });
    let shown = Rehearsal {
        id: row.try_get("id")?,
        of,
        packs: row.try_get("packs")?,
        state: row.try_get("state")?,
        fault: row.try_get("fault")?,
        fault_zh: row.try_get("fault_zh")?,
        asked_by: row.try_get("asked_by")?,
        asked_at: row.try_get::<Ts, _>("asked_at")?.0,
        since: row.try_get::<Ts, _>("since")?.0,
        until: row.try_get::<Ts, _>("until")?.0,
        reached: row.try_get::<Ts, _>("reached")?.0,
        played: row.try_get("played")?,
        left_out: row.try_get("left_out")?,
        weeks: 0,
        made: sums.unwrap_or_default(),
    };
    Ok(Kept { shown, made })
}

/// What really was made of duties that were opened since, until then. Weeks are those of this zone.
pub async fn real(pool: &PgPool, of: Duties<'_>, until: Timestamp, zone: &str) -> Result<Tally, sqlx::Error> {
    let duties = counted(
        pool,
        of,
        until,
        zone,
        "select owed_by as who, opened_at as at, true as is_duty from duty where {duty}
         union all
         select owed_by, breached_at, false from duty where {duty} and withdrawn_at is null and breached_at < $2",
        "count(*) filter (where is_duty) as duties, count(*) filter (where not is_duty) as breaches, 0::bigint as alerts",
    );
    let told = |who: &'static str| {
        format!(
            "select distinct alert.id, told ->> '{who}' as who, alert.raised_at as at
             from alert join duty on duty.id = alert.duty, jsonb_array_elements(alert.recipients) as told
             where {{duty}} and alert.raised_at < $2"
        )
    };
    let alerts = "0::bigint as duties, 0::bigint as breaches, count(*) as alerts";
    let (of_posts, of_people) = (told("post"), told("person"));
    let raised = sqlx::query_scalar::<_, i64>(
        "select count(*) from alert join duty on duty.id = alert.duty
         where not duty.shadowed and duty.opened_at >= $1 and duty.opened_at < $2 and alert.raised_at < $2
           and (cardinality($3::text[]) = 0 or duty.pack = any ($3))",
    )
    .bind(Ts(of.since))
    .bind(Ts(until))
    .bind(of.packs)
    .fetch_one(pool);
    let (duties, posts, people, raised) = tokio::try_join!(
        duties,
        counted(pool, of, until, zone, &of_posts, alerts),
        counted(pool, of, until, zone, &of_people, alerts),
        raised
    )?;
    let mut tally = Tally { posts: duties, people, in_all: Counts { alerts: raised, ..Counts::default() } };
    for counts in tally.posts.values().flat_map(BTreeMap::values) {
        tally.in_all.duties += counts.duties;
        tally.in_all.breaches += counts.breaches;
    }
    for (post, weeks) in posts {
        let known = tally.posts.entry(post).or_default();
        for (week, counts) in weeks {
            known.entry(week).or_default().add(counts);
        }
    }
    Ok(tally)
}

type ByWeek = BTreeMap<String, BTreeMap<jiff::civil::Date, Counts>>;

/// Counts rows (`who`, `at`) by who and week. `{duty}` in the rows stands for: a duty that is meant.
async fn counted(pool: &PgPool, of: Duties<'_>, until: Timestamp, zone: &str, rows: &str, counts: &str) -> Result<ByWeek, sqlx::Error> {
    let meant =
        "not duty.shadowed and duty.opened_at >= $1 and duty.opened_at < $2 and (cardinality($3::text[]) = 0 or duty.pack = any ($3))";
    let rows = rows.replace("{duty}", meant);
    let query = format!(
        "select who, to_char(date_trunc('week', at at time zone $4), 'YYYY-MM-DD') as week, {counts}
         from ({rows}) as happened group by 1, 2"
    );
    let found =
        sqlx::query(sqlx::AssertSqlSafe(query)).bind(Ts(of.since)).bind(Ts(until)).bind(of.packs).bind(zone).fetch_all(pool).await?;
    let mut by_week = ByWeek::new();
    for row in &found {
        let week: String = row.try_get("week")?;
        let week = week.parse().map_err(|_| super::spoilt("week", "no date"))?;
        let counts = Counts { duties: row.try_get("duties")?, breaches: row.try_get("breaches")?, alerts: row.try_get("alerts")? };
        by_week.entry(row.try_get("who")?).or_default().insert(week, counts);
    }
    Ok(by_week)
}
