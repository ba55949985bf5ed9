//! The reckoning: every accepted report has its place, every case its duties, every breach its alert, and nothing is left on its way.

use super::SETTLING;
use super::producers::Sent;
use super::staff::Done;
use anyhow::Context;
use duban_platform::clock::control::{self, Change};
use duban_tests::{World, until};
use jiff::SignedDuration;
use std::time::Duration;
use uuid::Uuid;

const LEAP: SignedDuration = SignedDuration::from_hours(3);

pub const CASES_WITHOUT_DUTY: &str =
    "select count(*) from intake.cases c where not exists (select 1 from escalation.duty d where d.case_id = c.id)";

/// How long what was accepted may take to be worked off: killed again and again, who registers lags far behind who accepts.
pub fn settling(sent: &Sent) -> Duration {
    /// Reports a second, on a slow machine with much else to do.
    const WORKED_OFF: f64 = 60.0;
    SETTLING + Duration::from_secs_f64(sent.accepted() as f64 / WORKED_OFF)
}

/// How far everything is, for who wonders why nothing happens.
pub async fn standing(world: &World) -> anyhow::Result<String> {
    let mut told = Vec::new();
    for (what, sql) in [
        ("cases", "select count(*) from intake.cases"),
        ("events under way", UNDER_WAY),
        ("duties", "select count(*) from escalation.duty"),
        ("alerts", "select count(*) from escalation.alert"),
    ] {
        told.push(format!("{} {what}", world.count(sql).await?));
    }
    Ok(told.join(", "))
}

/// Waits until nothing is on its way any more. The clock leaps once, so that in the shortest test too something is overdue, and stands from
/// then on, so that ladders do not go on climbing meanwhile.
///
/// # Errors
/// When something stays on its way.
pub async fn settled(world: &World, sent: &Sent) -> anyhow::Result<()> {
    let settling = settling(sent);
    let operator = world.stack.ground.connect_nats("operator").await?;
    let (_, now) = control::read(&world.database).await?;
    control::set(&world.database, &operator, Change::Begin { at: now.checked_add(LEAP)?, factor: 0.0 }).await?;
    until("every due duty to be raised", settling, || async {
        let waiting = world.count(OVERDUE_AND_NOT_RAISED).await?;
        anyhow::ensure!(waiting == 0, "{waiting} are not");
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    let receipts = sent.receipts();
    until("every accepted report to be taken in", settling, || async {
        let missing = count_of(world, NOT_TAKEN_IN, &receipts).await?;
        anyhow::ensure!(missing == 0, "{missing} of {} are missing", receipts.len());
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    let conflicting = sent.conflicting();
    until("every second body under a key to be rejected", settling, || async {
        let missing = count_of(world, NOT_REJECTED, &conflicting).await?;
        anyhow::ensure!(missing == 0, "{missing} of {} are not", conflicting.len());
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    until("the outboxes to be empty and every event to be handled", settling, || async {
        for schema in ["identity", "intake", "escalation", "notifications", "archive"] {
            let waiting = world.count(&format!("select count(*) from {schema}.outbox where published_at is null")).await?;
            anyhow::ensure!(waiting == 0, "{waiting} events of {schema} are unpublished");
        }
        // What follows from a commit is there with it; so each is looked at after what brings it about, and all of it again until nothing
        // is found.
        let waiting = world.count(WAITS_FOR_WHAT_IS_THERE).await?;
        anyhow::ensure!(waiting == 0, "{waiting} reports wait for one that is there");
        let under_way = world.count(UNDER_WAY).await?;
        anyhow::ensure!(under_way == 0, "{under_way} events are not handled");
        let overdue = world.count(OVERDUE_AND_NOT_RAISED).await?;
        anyhow::ensure!(overdue == 0, "{overdue} due duties are not raised");
        let untold = world.count(UNTOLD).await?;
        anyhow::ensure!(untold == 0, "{untold} events of alerts are not handled by notifications");
        let unfiled = world.count(CLOSED_AND_NOT_FILED).await?;
        anyhow::ensure!(unfiled == 0, "{unfiled} closed cases are not filed");
        let unsent = world.count("select count(*) from notifications.delivery where state = 'waiting'").await?;
        anyhow::ensure!(unsent == 0, "{unsent} deliveries are waiting");
        Ok::<_, anyhow::Error>(())
    })
    .await
}

const OVERDUE_AND_NOT_RAISED: &str = "select count(*) from escalation.duty where next_at <= (select domain_start from clock.setting)";

const CLOSED_AND_NOT_FILED: &str =
    "select count(*) from intake.cases c where c.closed and not exists (select 1 from archive.record r where r.case_id = c.id)";

const NOT_TAKEN_IN: &str = "select count(*) from unnest($1::uuid[]) as sent (receipt)
     where not exists (select 1 from intake.identity i where i.receipt = sent.receipt)";

const NOT_REJECTED: &str = "select count(*) from unnest($1::uuid[]) as sent (receipt)
     where (select count(*) from intake.rejected r where r.receipt = sent.receipt) <> 1";

const WAITS_FOR_WHAT_IS_THERE: &str = "select count(*) from intake.waiting w join intake.identity target on target.receipt = w.target
     where w.alone is null and target.case_id is not null";

/// Events that escalation has not handled, which hears all of these streams, its own ones, and what any service has set aside to try again.
pub const UNDER_WAY: &str = "select (select count(*) from (
            select 'INTAKE' as stream, id from intake.outbox union all
            select 'NOTIFICATIONS', id from notifications.outbox union all
            select 'ARCHIVE', id from archive.outbox) as told
         where not exists (select 1 from escalation.inbox i where i.stream = told.stream and i.id = told.id))
      + (select count(*) from escalation.own_event)
      + (select count(*) from intake.set_aside) + (select count(*) from escalation.set_aside)
      + (select count(*) from notifications.set_aside) + (select count(*) from archive.set_aside)";

const UNTOLD: &str = "select count(*) from escalation.outbox o where o.subject like 'duban.escalation.v1.alert.%'
     and not exists (select 1 from notifications.inbox i where i.stream = 'ESCALATION' and i.id = o.id)";

pub const DEAD_LETTERS: &str = "select (select count(*) from intake.dead_letter) + (select count(*) from escalation.dead_letter)
      + (select count(*) from notifications.dead_letter) + (select count(*) from archive.dead_letter)";

async fn count_of(world: &World, sql: &'static str, receipts: &[Uuid]) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(sql).bind(receipts).fetch_one(&world.database).await?)
}

/// What must not be there in the end, with how many there are of it.
const NEVER: [(&str, &str); 15] = [
    ("a receipt with two cases", "select count(*) from (select receipt from intake.cases group by receipt having count(*) > 1) twice"),
    (
        "a registered report that is not the case of its own",
        "select count(*) from intake.identity i where i.state = 'registered'
         and not exists (select 1 from intake.cases c where c.id = i.case_id and c.receipt = i.receipt)",
    ),
    (
        "a supplement that has a case of its own besides, or none that it joined",
        "select count(*) from intake.identity i where i.state = 'supplement'
         and (exists (select 1 from intake.cases c where c.receipt = i.receipt) or not exists (select 1 from intake.cases c where c.id = i.case_id))",
    ),
    (
        "a report that waits for nothing",
        "select count(*) from intake.identity i where i.state = 'waiting' and not exists (select 1 from intake.waiting w where w.receipt = i.receipt)",
    ),
    ("a report that waits for one that is there", WAITS_FOR_WHAT_IS_THERE),
    (
        "a rejected report without its duty",
        "select count(*) from intake.rejected r where not exists (select 1 from escalation.duty d where d.key = 'rejected/' || r.id)",
    ),
    ("a case number twice", "select count(*) from (select number from intake.cases group by number having count(*) > 1) twice"),
    ("a case without a duty", CASES_WITHOUT_DUTY),
    // Alike cases must have alike duties: one whose event was lost on the way would lack one, one that was handled twice would have more.
    (
        "a case whose duties differ from those of its like",
        "select count(*) from (
            select 1 from (
                select c.pack, c.kind, c.severity, c.unit, array_agg(d.rule order by d.rule) as rules
                from intake.cases c
                join intake.outbox o on o.case_id = c.id and o.subject like '%.case.registered'
                join escalation.duty d on d.case_id = c.id and d.opened_by = o.id
                group by c.id
            ) as each group by pack, kind, severity, unit having count(distinct rules) > 1
         ) as different",
    ),
    (
        "a breach without an alert",
        "select count(*) from escalation.duty d where d.breached_at is not null and d.withdrawn_at is null and not d.shadowed
         and not exists (select 1 from escalation.alert a where a.duty = d.id and a.rung >= 0)",
    ),
    (
        "a rung raised twice",
        "select count(*) from (select 1 from escalation.alert group by duty, run, rung, repetition having count(*) > 1) twice",
    ),
    (
        "an alert that nobody is told of",
        "select count(*) from escalation.alert a where jsonb_array_length(a.recipients) > 0 and a.state = 'open'
         and not exists (select 1 from notifications.delivery d where d.alert = a.id)",
    ),
    ("a duty that should have been raised and was not", OVERDUE_AND_NOT_RAISED),
    ("a close that is filed twice", "select count(*) from (select closing from archive.record group by closing having count(*) > 1) twice"),
    ("a dead letter", DEAD_LETTERS),
];

/// What people were told is done is done, and once.
///
/// # Errors
/// What does not add up.
pub async fn check_acts(world: &World, done: &Done) -> anyhow::Result<()> {
    anyhow::ensure!(!done.closed.is_empty() && !done.acknowledged.is_empty(), "nobody did anything, so the test shows nothing of it");
    let told = |event: &str| format!("select count(*) from intake.outbox where subject = 'duban.intake.v1.case.{event}'");
    for (what, sql, wanted) in [
        ("notes", "select count(*) from intake.timeline where event = 'case.noted'".to_owned(), done.noted),
        ("closes", "select count(*) from intake.timeline where event = 'case.closed'".to_owned(), done.closed.len()),
        ("closes told", told("closed"), done.closed.len()),
        ("first editions", "select count(*) from archive.record where edition = 1".to_owned(), done.closed.len()),
    ] {
        let found = world.count(&sql).await?;
        anyhow::ensure!(found == i64::try_from(wanted)?, "{found} {what} for {wanted} that were answered");
    }
    let acknowledged: Vec<Uuid> = done.acknowledged.iter().copied().collect();
    let open: i64 = sqlx::query_scalar("select count(*) from escalation.alert where id = any($1) and state = 'open'")
        .bind(acknowledged)
        .fetch_one(&world.database)
        .await?;
    anyhow::ensure!(open == 0, "{open} acknowledged alerts are open");
    Ok(())
}

/// # Errors
/// What does not add up.
pub async fn check(world: &World, sent: &Sent) -> anyhow::Result<()> {
    // Whoever waits in vain for the report that he follows becomes a case at any time, and then is on his way himself for a moment.
    until("everything to add up", SETTLING, || async {
        let mut wrong = Vec::new();
        for (what, sql) in NEVER {
            let count = world.count(sql).await.with_context(|| what.to_owned())?;
            if count != 0 {
                wrong.push(format!("{what}: {count}"));
            }
        }
        anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("; "));
        anyhow::Ok(())
    })
    .await?;
    // Only what was sent is there: every identity is that of a report which was accepted, or whose answer a kill swallowed.
    let identities = world.count("select count(*) from intake.identity").await?;
    anyhow::ensure!(identities >= i64::try_from(sent.accepted())?, "{identities} identities for {} accepted reports", sent.accepted());
    for (what, sql) in [
        ("alert", "select count(*) from escalation.alert where rung >= 0"),
        ("breach", "select count(*) from escalation.duty where breached_at is not null"),
        ("supplement", "select count(*) from intake.identity where state = 'supplement'"),
        ("rejected report", "select count(*) from intake.rejected where reason = 'idempotency-conflict'"),
        ("major case", "select count(*) from intake.cases where major"),
        (
            "duty that a registration opened",
            "select count(*) from escalation.duty d join intake.outbox o on o.id = d.opened_by and o.subject like '%.case.registered'",
        ),
    ] {
        let count = world.count(sql).await?;
        println!("{what}: {count}");
        anyhow::ensure!(count > 0, "there was no {what}, so the test shows nothing of them");
    }
    Ok(())
}
