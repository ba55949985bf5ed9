//! Duties on trial.

use super::{duties, lists};
use crate::sight::Sight;
use duban_contracts::Timestamp;
use duban_contracts::duty::TrialRule;
use duban_engine::duty::Duty;
use duban_platform::db::Ts;
use sqlx::{PgConnection, PgExecutor, QueryBuilder, Row};
use uuid::Uuid;

/// Duties per batch.
const BATCH: i64 = 500;

/// Open ones in the order of their ids, held until the transaction ends.
pub async fn open(tx: &mut PgConnection, after: Uuid) -> Result<Vec<Duty>, sqlx::Error> {
    let rows = sqlx::query("select * from duty where trial and open and id > $1 order by id limit $2 for no key update")
        .bind(after)
        .bind(BATCH)
        .fetch_all(tx)
        .await?;
    rows.iter().map(duties::duty).collect()
}

/// These are for real from now on.
pub async fn end(tx: &mut PgConnection, duties: &[Uuid]) -> Result<(), sqlx::Error> {
    if !duties.is_empty() {
        sqlx::query("update duty set trial = false, version = version + 1 where id = any ($1)").bind(duties).execute(tx).await?;
    }
    Ok(())
}

/// What each rule on trial has made, of the duties that somebody sees.
pub async fn figures(db: impl PgExecutor<'_>, sight: &Sight, since: Option<Timestamp>) -> Result<Vec<TrialRule>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "select pack, rule, count(*) as opened, count(*) filter (where open) as open,
             count(*) filter (where breached_at is not null and withdrawn_at is null) as breached,
             count(*) filter (where state = 'closed_in_time') as in_time, count(*) filter (where state = 'closed_late') as late,
             coalesce(sum(told.alerts), 0)::bigint as alerts, coalesce(sum(told.tellings), 0)::bigint as tellings
         from duty, lateral (
             select count(*) as alerts, sum(jsonb_array_length(recipients)) as tellings from alert where alert.duty = duty.id and alert.trial
         ) as told
         where duty.trial and not shadowed and ",
    );
    lists::push_sees(&mut query, sight);
    if let Some(since) = since {
        query.push(" and opened_at >= ").push_bind(Ts(since));
    }
    query.push(" group by pack, rule order by pack, rule");
    let rows = query.build().fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            Ok(TrialRule {
                pack: row.try_get("pack")?,
                rule: row.try_get("rule")?,
                opened: row.try_get("opened")?,
                open: row.try_get("open")?,
                breached: row.try_get("breached")?,
                closed_in_time: row.try_get("in_time")?,
                closed_late: row.try_get("late")?,
                alerts: row.try_get("alerts")?,
                tellings: row.try_get("tellings")?,
            })
        })
        .collect()
}
