//! The database while copies of another version come and go.

mod world;

use duban_contracts::Event;
use duban_contracts::subjects::stream;
use duban_platform::Platform;
use duban_platform::consumer::{BatchHandler, Consume, Failure};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgConnection, SqlSafeStr};
use std::time::Duration;
use world::{World, number, tell, until, words, worked_off};

const SOON: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_may_take_its_time() -> anyhow::Result<()> {
    let world = World::new().await?;
    let sql = "create table setting as select current_setting('statement_timeout') as timeout";
    let migration = Migration::new(1, "setting".into(), MigrationType::Simple, sql.into_sql_str(), false);
    let intake = Platform::start("intake", &world.settings("intake")?, Migrator::with_migrations(vec![migration])).await?;
    tokio::time::timeout(SOON, intake.db.migrated()).await?;
    let of_migration: String = sqlx::query_scalar("select timeout from setting").fetch_one(intake.db.pool()).await?;
    let of_others: String = sqlx::query_scalar("select current_setting('statement_timeout')").fetch_one(intake.db.pool()).await?;
    assert_eq!((of_migration.as_str(), of_others.as_str()), ("0", "1min"));
    Ok(())
}

/// Reads whole rows, so that its prepared statement breaks when the table gets another column.
struct ReadsWhole;

impl BatchHandler for ReadsWhole {
    async fn handle(&self, tx: &mut PgConnection, batch: &[Event]) -> Result<(), Failure> {
        sqlx::query("select * from effect limit 1").fetch_all(&mut *tx).await?;
        for event in batch {
            sqlx::query("insert into effect (event, word) values ($1, 'read')").bind(event.id).execute(&mut *tx).await?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_another_version_changes_makes_no_dead_letters() -> anyhow::Result<()> {
    let world = World::new().await?;
    let intake = world.service("intake").await?;
    let escalation = world.service("escalation").await?;
    // One failure by its own fault would be the end of an event.
    escalation.consume(Consume::new(ReadsWhole).stream(stream::INTAKE).batch(1).attempts(1));
    tell(&intake, &words(&intake, 0..10)).await?;
    until(escalation.db.pool(), world::EVENTS, 10, SOON).await?;
    sqlx::query("alter table effect add column more text").execute(escalation.db.pool()).await?;
    tell(&intake, &words(&intake, 10..20)).await?;
    until(escalation.db.pool(), world::EVENTS, 20, SOON).await?;
    worked_off(&escalation, stream::INTAKE, SOON).await?;
    assert_eq!(number(escalation.db.pool(), "select count(*) from dead_letter").await?, 0);
    assert_eq!(number(escalation.db.pool(), "select count(*) from set_aside").await?, 0);
    Ok(())
}
