//! Cases: inserted and saved in batches.

use duban_contracts::Timestamp;
use duban_contracts::case::Before;
use duban_engine::case::Case;
use duban_platform::Ts;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, Postgres, Row, query::Query};
use std::collections::HashMap;
use uuid::Uuid;

/// The members of a text array travel in one text each, because `unnest` would run arrays of arrays together.
pub const SEPARATOR: &str = "\u{1f}";

pub async fn insert(tx: &mut PgConnection, cases: &[Case]) -> Result<(), sqlx::Error> {
    let statement = sqlx::query(
        "insert into cases (id, number, receipt, pack, kind, unit, severity, stage, title, title_zh, unsorted, major, severity_set,
                           done, closed, outcome, handler, excluded_people, excluded_units, fields, sealed_fields, repeats,
                           reasons, merged_into, policy, version, last_event_at, people_added, people_deciding, number_scope, channel, producer,
                           anonymous, occurred_at, received_at, registered_at, reported_by, sealed_subject, phone_masked, traceparent,
                           repeated_at)
         select id, number, receipt, pack, kind, unit, severity, stage, title, title_zh, unsorted, major, severity_set,
                string_to_array(done, E'\\x1f'), closed, outcome, handler, string_to_array(excluded_people, E'\\x1f'),
                string_to_array(excluded_units, E'\\x1f'), fields, sealed_fields, repeats, reasons, merged_into, policy, version,
                last_event_at, string_to_array(people_added, E'\\x1f'),
                string_to_array(people_deciding, E'\\x1f'), number_scope, channel, producer, anonymous, occurred_at,
                received_at, registered_at, reported_by, sealed_subject, phone_masked, traceparent,
                string_to_array(repeated_at, E'\\x1f')::timestamptz[]
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::text[], $11::bool[], $12::bool[], $13::bool[], $14::text[], $15::bool[], $16::text[], $17::text[],
                     $18::text[], $19::text[], $20::jsonb[], $21::bytea[], $22::bigint[], $23::jsonb[], $24::uuid[],
                     $25::bigint[], $26::bigint[], $27::timestamptz[], $28::text[], $29::text[], $30::text[], $31::text[],
                     $32::text[], $33::text[], $34::bool[], $35::timestamptz[], $36::timestamptz[], $37::timestamptz[], $38::text[],
                     $39::bytea[], $40::text[], $41::text[])
              as new (id, number, receipt, pack, kind, unit, severity, stage, title, title_zh, unsorted, major, severity_set,
                      done, closed, outcome, handler, excluded_people, excluded_units, fields, sealed_fields, repeats, reasons,
                      merged_into, policy, version, last_event_at, people_added, people_deciding, repeated_at, number_scope, channel,
                      producer, anonymous, occurred_at, received_at, registered_at, reported_by, sealed_subject, phone_masked, traceparent)",
    );
    bind_birth(bind_state(statement, cases), cases).execute(tx).await?;
    Ok(())
}

/// Saves what may change of cases that the transaction has locked.
pub async fn save(tx: &mut PgConnection, cases: &[Case]) -> Result<(), sqlx::Error> {
    let statement = sqlx::query(
        "update cases set number = new.number, pack = new.pack, kind = new.kind, unit = new.unit, severity = new.severity,
                          stage = new.stage, title = new.title, title_zh = new.title_zh, unsorted = new.unsorted,
                          major = new.major, severity_set = new.severity_set, done = string_to_array(new.done, E'\\x1f'),
                          closed = new.closed, outcome = new.outcome, handler = new.handler,
                          excluded_people = string_to_array(new.excluded_people, E'\\x1f'),
                          excluded_units = string_to_array(new.excluded_units, E'\\x1f'), fields = new.fields,
                          sealed_fields = new.sealed_fields, repeats = new.repeats, reasons = new.reasons,
                          merged_into = new.merged_into, policy = new.policy, version = new.version,
                          last_event_at = new.last_event_at, people_added = string_to_array(new.people_added, E'\\x1f'),
                          people_deciding = string_to_array(new.people_deciding, E'\\x1f'),
                          taken_for_at_close = new.taken_for_at_close, returns = new.returns, came_from = new.came_from,
                          carried_by = new.carried_by, carries = new.carries,
                          repeated_at = string_to_array(new.repeated_at, E'\\x1f')::timestamptz[]
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::text[], $11::bool[], $12::bool[], $13::bool[], $14::text[], $15::bool[], $16::text[], $17::text[],
                     $18::text[], $19::text[], $20::jsonb[], $21::bytea[], $22::bigint[], $23::jsonb[], $24::uuid[],
                     $25::bigint[], $26::bigint[], $27::timestamptz[], $28::text[], $29::text[], $30::text[], $31::jsonb[],
                     $32::bigint[], $33::text[], $34::uuid[], $35::bigint[])
              as new (id, number, receipt, pack, kind, unit, severity, stage, title, title_zh, unsorted, major, severity_set,
                      done, closed, outcome, handler, excluded_people, excluded_units, fields, sealed_fields, repeats, reasons,
                      merged_into, policy, version, last_event_at, people_added, people_deciding, repeated_at, taken_for_at_close, returns,
                      came_from, carried_by, carries)
         where cases.id = new.id",
    );
    let statement = bind_state(statement, cases).bind(cases.iter().map(|c| c.taken_for_at_close.as_ref().map(Json)).collect::<Vec<_>>());
    let statement = statement.bind(cases.iter().map(|c| c.returns).collect::<Vec<_>>());
    let statement = statement.bind(cases.iter().map(|c| c.came_from.as_deref()).collect::<Vec<_>>());
    let statement = statement.bind(cases.iter().map(|c| c.carried_by).collect::<Vec<_>>());
    let statement = statement.bind(cases.iter().map(|c| c.carries).collect::<Vec<_>>());
    statement.execute(tx).await?;
    Ok(())
}

/// What may change, `$1` to `$30`: both an insert and a save write it.
fn bind_state<'q>(statement: Query<'q, Postgres, PgArguments>, cases: &'q [Case]) -> Query<'q, Postgres, PgArguments> {
    statement
        .bind(cases.iter().map(|c| c.id).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.number.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.receipt).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.pack.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.kind.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.unit.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.severity.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.stage.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.title.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.title_zh.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.unsorted).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.major).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.severity_set).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.done.join(SEPARATOR)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.closed).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.outcome.as_deref()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.handler.as_deref()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.excluded_people.join(SEPARATOR)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.excluded_units.join(SEPARATOR)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| Json(&c.fields)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.sealed_fields.as_deref()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.repeats).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| Json(&c.reasons)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.merged_into).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.policy).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.version).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| Ts(c.last_event_at)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.people_added.join(SEPARATOR)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.people_deciding.join(SEPARATOR)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| joined(&c.repeated_at)).collect::<Vec<_>>())
}

fn joined(times: &[Timestamp]) -> String {
    times.iter().map(ToString::to_string).collect::<Vec<_>>().join(SEPARATOR)
}

/// What a case is born with, from `$31` on.
fn bind_birth<'q>(statement: Query<'q, Postgres, PgArguments>, cases: &'q [Case]) -> Query<'q, Postgres, PgArguments> {
    statement
        .bind(cases.iter().map(|c| c.number_scope.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.channel.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.producer.as_str()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.anonymous).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| Ts(c.occurred_at)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| Ts(c.received_at)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| Ts(c.registered_at)).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.reported_by.as_deref()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.sealed_subject.as_deref()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.phone_masked.as_deref()).collect::<Vec<_>>())
        .bind(cases.iter().map(|c| c.traceparent.as_deref()).collect::<Vec<_>>())
}

/// Locks cases for this transaction, in the order of their ids, so that two transactions cannot deadlock. Their ids stay free to be referred to:
/// a registration that links to one of them need not wait.
pub async fn lock(tx: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Case>, sqlx::Error> {
    let rows = sqlx::query("select * from cases where id = any($1) order by id for no key update").bind(ids).fetch_all(tx).await?;
    rows.iter().map(from_row).collect()
}

pub async fn by_ids(executor: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<Vec<Case>, sqlx::Error> {
    let rows = sqlx::query("select * from cases where id = any($1)").bind(ids).fetch_all(executor).await?;
    rows.iter().map(from_row).collect()
}

/// The cases of a number: one, unless two patterns came to the same text.
pub async fn by_number(executor: impl PgExecutor<'_>, number: &str) -> Result<Vec<Case>, sqlx::Error> {
    let rows = sqlx::query("select * from cases where number = $1 order by id desc").bind(number).fetch_all(executor).await?;
    rows.iter().map(from_row).collect()
}

/// The numbers of cases.
pub async fn numbers(executor: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, sqlx::Error> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as("select id, number from cases where id = any($1)").bind(ids).fetch_all(executor).await?;
    Ok(rows.into_iter().collect())
}

/// Where the matter of each case is dealt with now: itself, or, for one that was merged, the case at the end of its mergers.
pub async fn living(tx: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Uuid>, sqlx::Error> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "with recursive way (start, id, merged_into, depth) as (
            select id, id, merged_into, 1 from cases where id = any($1)
            union all
            select way.start, cases.id, cases.merged_into, way.depth + 1
            from way join cases on cases.id = way.merged_into where way.depth < 64
         )
         select start, id from way where merged_into is null",
    )
    .bind(ids)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().collect())
}

pub fn from_row(row: &PgRow) -> Result<Case, sqlx::Error> {
    Ok(Case {
        id: row.try_get("id")?,
        number: row.try_get("number")?,
        receipt: row.try_get("receipt")?,
        pack: row.try_get("pack")?,
        kind: row.try_get("kind")?,
        unit: row.try_get("unit")?,
        severity: row.try_get("severity")?,
        stage: row.try_get("stage")?,
        title: row.try_get("title")?,
        title_zh: row.try_get("title_zh")?,
        unsorted: row.try_get("unsorted")?,
        major: row.try_get("major")?,
        severity_set: row.try_get("severity_set")?,
        done: row.try_get("done")?,
        closed: row.try_get("closed")?,
        outcome: row.try_get("outcome")?,
        handler: row.try_get("handler")?,
        excluded_people: row.try_get("excluded_people")?,
        excluded_units: row.try_get("excluded_units")?,
        people_added: row.try_get("people_added")?,
        people_deciding: row.try_get("people_deciding")?,
        taken_for_at_close: row.try_get::<Option<Json<Before>>, _>("taken_for_at_close")?.map(|before| before.0),
        fields: row.try_get::<Json<_>, _>("fields")?.0,
        sealed_fields: row.try_get("sealed_fields")?,
        repeats: row.try_get("repeats")?,
        repeated_at: row.try_get::<Vec<Ts>, _>("repeated_at")?.into_iter().map(|at| at.0).collect(),
        returns: row.try_get("returns")?,
        came_from: row.try_get("came_from")?,
        carried_by: row.try_get("carried_by")?,
        carries: row.try_get("carries")?,
        reasons: row.try_get::<Json<_>, _>("reasons")?.0,
        merged_into: row.try_get("merged_into")?,
        policy: row.try_get("policy")?,
        version: row.try_get("version")?,
        last_event_at: row.try_get::<Ts, _>("last_event_at")?.0,
        number_scope: row.try_get("number_scope")?,
        channel: row.try_get("channel")?,
        producer: row.try_get("producer")?,
        anonymous: row.try_get("anonymous")?,
        occurred_at: row.try_get::<Ts, _>("occurred_at")?.0,
        received_at: row.try_get::<Ts, _>("received_at")?.0,
        registered_at: row.try_get::<Ts, _>("registered_at")?.0,
        reported_by: row.try_get("reported_by")?,
        sealed_subject: row.try_get("sealed_subject")?,
        phone_masked: row.try_get("phone_masked")?,
        traceparent: row.try_get("traceparent")?,
    })
}
