//! The private servers start fast, keep what they were told over a `kill -9`, and share nothing.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use async_nats::jetstream::{self, ErrorCode, context::GetStreamErrorKind};
use duban_local::{
    ClockSetting, Ground, GroundSettings, Nats, NatsSettings, Port, Postgres, PostgresSettings, containers,
    process::{Process, Signal, TemporaryFolder},
    programs, provision,
};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn a_ground_has_a_schema_for_each_service() -> Result<()> {
    let began = Instant::now();
    let ground = Ground::for_test().await?;
    println!("laid in {:?}", began.elapsed());
    let mut connection = PgConnection::connect(&ground.database_url("gateway")?).await?;
    let path: String = sqlx::query_scalar("show search_path").fetch_one(&mut connection).await?;
    assert_eq!(path, "identity, policy");
    Ok(())
}

#[tokio::test]
async fn committed_rows_outlive_a_kill() -> Result<()> {
    let mut postgres = Postgres::start(PostgresSettings::test()).await?;
    let url = postgres.create_database("kept").await?;
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql("create table told (nr int); insert into told values (1)").execute(&mut connection).await?;
    postgres.kill9().await;
    ensure!(PgConnection::connect(&url).await.is_err(), "a killed server answers");
    postgres.restart().await?;
    let mut connection = PgConnection::connect(&url).await?;
    let told: i32 = sqlx::query_scalar("select nr from told").fetch_one(&mut connection).await?;
    assert_eq!(told, 1);
    Ok(())
}

#[tokio::test]
async fn a_kept_ground_continues_with_what_is_there() -> Result<()> {
    let folder = duban_local::process::TemporaryFolder::new()?;
    let first = {
        let mut ground = Ground::start(GroundSettings::kept(folder.path())).await?;
        let mut connection = PgConnection::connect(&ground.database_url("intake")?).await?;
        sqlx::raw_sql("create table kept (nr int); insert into kept values (7)").execute(&mut connection).await?;
        connection.close().await?;
        ground.stop().await;
        ground.secrets().identity_key()?
    };
    let ground = Ground::start(GroundSettings::kept(folder.path())).await?;
    assert_eq!(ground.secrets().identity_key()?, first);
    let mut connection = PgConnection::connect(&ground.database_url("inspector")?).await?;
    let kept: i32 = sqlx::query_scalar("select nr from intake.kept").fetch_one(&mut connection).await?;
    assert_eq!(kept, 7);
    Ok(())
}

#[tokio::test]
async fn a_role_touches_its_own_schema_and_nothing_else() -> Result<()> {
    let ground = Ground::for_test().await?;
    let mut intake = PgConnection::connect(&ground.database_url("intake")?).await?;
    sqlx::raw_sql("create table secret_of_intake (nr int)").execute(&mut intake).await?;
    let mut escalation = PgConnection::connect(&ground.database_url("escalation")?).await?;
    for forbidden in [
        "select * from intake.secret_of_intake",
        "insert into intake.secret_of_intake values (1)",
        "create table intake.foothold (nr int)",
        "create table public.foothold (nr int)",
        "create schema foothold",
        "create temporary table foothold (nr int)",
        "update clock.setting set factor = 5",
        "set role intake",
        "alter role intake password 'x'",
    ] {
        ensure!(sqlx::raw_sql(forbidden).execute(&mut escalation).await.is_err(), "allowed: {forbidden}");
    }
    let mut inspector = PgConnection::connect(&ground.database_url("inspector")?).await?;
    sqlx::raw_sql("select * from intake.secret_of_intake").execute(&mut inspector).await.context("inspector looks")?;
    for forbidden in ["insert into intake.secret_of_intake values (1)", "drop table intake.secret_of_intake"] {
        ensure!(sqlx::raw_sql(forbidden).execute(&mut inspector).await.is_err(), "allowed: {forbidden}");
        let override_first = sqlx::AssertSqlSafe(format!("set transaction_read_only = off; {forbidden}"));
        ensure!(sqlx::raw_sql(override_first).execute(&mut inspector).await.is_err(), "allowed: {forbidden}");
    }
    let mut connection = PgConnection::connect(&ground.database_url("archive")?).await?;
    let factor: f64 = sqlx::query_scalar("select factor from clock.setting").fetch_one(&mut connection).await?;
    assert!((factor - 1.0).abs() < f64::EPSILON);
    ground.set_clock(&ClockSetting::Stepped { start: "2026-01-05T09:00:00+08:00".into() }).await?;
    let factor: f64 = sqlx::query_scalar("select factor from clock.setting").fetch_one(&mut connection).await?;
    assert!(factor.abs() < f64::EPSILON);
    Ok(())
}

#[tokio::test]
async fn no_services_role_reads_writes_or_makes_anything_in_anothers_schema() -> Result<()> {
    const SCHEMAS: [(&str, &str); 6] = [
        ("gateway", "identity"),
        ("gateway", "policy"),
        ("intake", "intake"),
        ("escalation", "escalation"),
        ("archive", "archive"),
        ("notifications", "notifications"),
    ];
    let ground = Ground::for_test().await?;
    let tried = |role: &'static str, statement: String| {
        let url = ground.database_url(role);
        async move {
            let mut connection = PgConnection::connect(&url?).await?;
            anyhow::Ok(sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.map(|_| ()))
        }
    };
    for (owner, schema) in SCHEMAS {
        tried(owner, format!("create table {schema}.secret (nr int); insert into {schema}.secret values (1)")).await??;
    }
    for role in ["gateway", "intake", "escalation", "archive", "notifications"] {
        for (owner, schema) in SCHEMAS {
            for statement in [
                format!("select * from {schema}.secret"),
                format!("insert into {schema}.secret values (1)"),
                format!("update {schema}.secret set nr = nr"),
                format!("delete from {schema}.secret where nr = 0"),
                format!("create table {schema}.made_by_{role} (nr int)"),
                format!("create function {schema}.made_by_{role}() returns int language sql as 'select 1'"),
            ] {
                match tried(role, statement.clone()).await? {
                    // What the owner itself may: else the statement would fail for another reason.
                    Ok(()) => ensure!(owner == role, "allowed to {role}: {statement}"),
                    Err(error) => {
                        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
                        ensure!(owner != role && code.as_deref() == Some("42501"), "{role}: {statement}: {error}");
                    }
                }
            }
        }
        for statement in ["drop schema clock cascade", "update clock.setting set factor = 5", "create schema foothold", "set role postgres"]
        {
            ensure!(tried(role, statement.to_owned()).await?.is_err(), "allowed to {role}: {statement}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn trigrams_know_chinese() -> Result<()> {
    let postgres = Postgres::start(PostgresSettings::test()).await?;
    let mut connection = PgConnection::connect(&postgres.create_database("search").await?).await?;
    sqlx::raw_sql("create extension pg_trgm").execute(&mut connection).await?;
    let trigrams: i32 = sqlx::query_scalar("select cardinality(show_trgm('客户档案'))").fetch_one(&mut connection).await?;
    ensure!(trigrams > 0, "no trigrams of 客户档案");
    Ok(())
}

#[tokio::test]
async fn acknowledged_messages_outlive_a_kill_and_a_wiped_store_loses_them() -> Result<()> {
    let mut nats = Nats::start(NatsSettings::test()).await?;
    let stream = jetstream::stream::Config { name: "INTAKE".into(), subjects: vec!["duban.intake.v1.>".into()], ..Default::default() };
    let context = jetstream::new(nats.connect("intake").await?);
    context.create_stream(stream).await?;
    context.publish("duban.intake.v1.case.registered", "{}".into()).await?.await?;
    nats.kill9().await;
    nats.restart().await?;
    let again = jetstream::new(nats.connect("intake").await?);
    assert_eq!(again.get_stream("INTAKE").await?.cached_info().state.messages, 1);
    ensure!(nats.wipe_store().is_err(), "the store was wiped under a running server");
    nats.kill9().await;
    nats.wipe_store()?;
    nats.restart().await?;
    let anew = jetstream::new(nats.connect("intake").await?);
    let gone = anew.get_stream("INTAKE").await.err().context("the stream is still there")?;
    let is_unknown = matches!(gone.kind(), GetStreamErrorKind::JetStream(refusal) if refusal.error_code() == ErrorCode::STREAM_NOT_FOUND);
    ensure!(is_unknown, "{gone}");
    Ok(())
}

#[tokio::test]
async fn what_is_acknowledged_is_on_disk_in_every_way_to_start() -> Result<()> {
    // As `duban up` and the tests start them.
    let nats = Nats::start(NatsSettings::test()).await?;
    flushes_each_message(&nats.monitor_url()).await?;
    let folder = TemporaryFolder::new()?;
    let postgres = Postgres::start(PostgresSettings::kept(folder.path().join("postgres"))).await?;
    let mut connection = PgConnection::connect(&postgres.superuser_url("postgres")).await?;
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let shown: String = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("show {setting}"))).fetch_one(&mut connection).await?;
        assert_eq!(shown, "on", "{setting}");
    }

    // As the containers do: the broker with the file that is handed out for it, Postgres with nothing that would weaken it.
    let volumes = folder.path().join("volumes");
    containers::hand_out_secrets(&volumes)?;
    let (port, monitor) = (Port::reserve()?, Port::reserve()?);
    let mut broker = Command::new(programs::nats_server()?);
    broker.arg("-c").arg(volumes.join("nats/nats.conf")).arg("-sd").arg(folder.path().join("store"));
    broker.args(["-a", "127.0.0.1", "-p", &port.number().to_string(), "-m", &monitor.number().to_string()]).env_clear();
    let _broker = Process::spawn("nats-server", broker, &folder.path().join("nats.log"), Signal::TERM)?;
    flushes_each_message(&format!("http://127.0.0.1:{}", monitor.number())).await?;
    let compose = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker-compose.yml"))?;
    ensure!(compose.contains("command: [postgres, "), "Postgres is started in another way than is looked at here");
    for weaker in ["fsync", "synchronous_commit", "full_page_writes", "sync_interval", "postgresql.conf"] {
        ensure!(!compose.contains(weaker), "docker-compose.yml sets {weaker}");
    }
    Ok(())
}

/// By the broker's own account of its configuration.
async fn flushes_each_message(monitor: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let shown: Value = loop {
        match reqwest::get(format!("{monitor}/jsz?config=true")).await {
            Ok(answer) => break answer.json().await?,
            Err(error) if Instant::now() > deadline => return Err(error).context("the broker's monitoring does not answer"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    ensure!(shown["config"]["sync_always"] == true, "it does not flush each message: {}", shown["config"]);
    Ok(())
}

/// No older server is at hand, so that this one says that it is one.
#[tokio::test]
async fn an_older_postgres_is_refused_by_name_and_nothing_is_made_in_it() -> Result<()> {
    let postgres = Postgres::start(PostgresSettings::test()).await?;
    let url = postgres.create_database("old").await?;
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql(
        "create schema old;
         create function old.current_setting(name text) returns text language sql as $$
             select case name when 'server_version_num' then '160004' when 'server_version' then '16.4'
                    else pg_catalog.current_setting(name) end $$;
         alter database old set search_path = old, pg_catalog, public;",
    )
    .execute(&mut connection)
    .await?;
    let refused = provision::provision(&url, |role| Ok(role.to_owned())).await.err().context("it was taken")?;
    ensure!(refused.to_string().contains("PostgreSQL 17 or newer is needed, this is 16.4"), "{refused}");
    let made: i64 = sqlx::query_scalar("select count(*) from pg_roles where rolname in ('intake', 'gateway', 'inspector')")
        .fetch_one(&mut connection)
        .await?;
    assert_eq!(made, 0);
    Ok(())
}
