//! Which rows may go, asked of a real database.

use super::*;
use crate::Database;
use duban_local::Ground;

/// Every row is old enough.
const DAYS: i32 = 0;

/// The outbox of a service that has only it.
struct Outbox {
    _ground: Ground,
    pool: PgPool,
    lease: Lease,
}

impl Outbox {
    async fn new() -> anyhow::Result<Self> {
        let ground = Ground::for_test().await?;
        let pool = PgPool::connect(&ground.database_url("intake")?).await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        let lease = Lease::take(&Database::from_pool(pool.clone()), "copy").await?;
        Ok(Self { _ground: ground, pool, lease: lease.ok_or_else(|| anyhow::anyhow!("no lease"))? })
    }

    async fn publication(&self, created: i64, again_from: Option<Timestamp>) -> anyhow::Result<i32> {
        Ok(begin_publication(&self.pool, "INTAKE", Timestamp::from_second(created)?, "server", again_from).await?)
    }

    /// Writes rows and publishes them, one batch.
    async fn publish(&self, publication: i32, ids: &[Uuid]) -> anyhow::Result<()> {
        sqlx::query(
            "insert into outbox (id, subject, time, about, version, policy, body)
             select id, 'duban.intake.v1.case.registered', now(), 'case/1', 1, 1, '{}' from unnest($1::uuid[]) as id on conflict do nothing",
        )
        .bind(ids)
        .execute(&self.pool)
        .await?;
        anyhow::ensure!(mark(&self.pool, &self.lease, publication, ids).await?, "the lease is lost");
        Ok(())
    }

    async fn has_handled(&self, consumer: &str, event: Uuid) -> anyhow::Result<()> {
        anyhow::ensure!(put_floor(&self.pool, consumer, event, Timestamp::UNIX_EPOCH).await?, "no such event");
        Ok(())
    }

    async fn left(&self) -> anyhow::Result<i64> {
        delete_handled(&self.pool, DAYS).await?;
        Ok(sqlx::query_scalar("select count(*) from outbox").fetch_one(&self.pool).await?)
    }
}

fn ids(count: u128) -> Vec<Uuid> {
    (1..=count).map(Uuid::from_u128).collect()
}

#[tokio::test]
async fn rows_stay_until_every_service_that_ever_had_a_consumer_has_handled_them() -> anyhow::Result<()> {
    let outbox = Outbox::new().await?;
    let first = outbox.publication(1, None).await?;
    let rows = ids(3);
    for row in &rows {
        outbox.publish(first, &[*row]).await?;
    }
    remember_consumers(&outbox.pool, &["archive".to_owned(), "escalation".to_owned()]).await?;
    outbox.has_handled("archive", rows[2]).await?;
    assert_eq!(outbox.left().await?, 3, "escalation has told nothing yet");
    // The stream is made anew, and escalation is away: of its durable consumer nothing is left.
    remember_consumers(&outbox.pool, &["archive".to_owned()]).await?;
    assert_eq!(outbox.left().await?, 3);
    outbox.has_handled("escalation", rows[1]).await?;
    assert_eq!(outbox.left().await?, 2, "what was reached stays");
    Ok(())
}

#[tokio::test]
async fn a_floor_passes_nothing_that_was_or_is_still_to_be_published_again() -> anyhow::Result<()> {
    let outbox = Outbox::new().await?;
    let first = outbox.publication(1, None).await?;
    let rows = ids(4);
    for row in &rows[..3] {
        outbox.publish(first, &[*row]).await?;
    }
    // Another stream. A new row goes first, and the consumer has it before any of the old ones has come again.
    let second = outbox.publication(2, Some(Timestamp::UNIX_EPOCH)).await?;
    outbox.publish(second, &rows[3..]).await?;
    outbox.has_handled("escalation", rows[3]).await?;
    assert_eq!(outbox.left().await?, 4, "they are still to be published again");
    outbox.publish(second, &rows[..3]).await?;
    let open = open_republication(&outbox.pool).await?.ok_or_else(|| anyhow::anyhow!("nothing is published again"))?;
    end_republication(&outbox.pool, open.id).await?;
    assert_eq!(outbox.left().await?, 4, "they lie behind what the consumer has reached");
    // Handled again up to one that was first published long ago: no row is taken to lie before it by that.
    outbox.has_handled("escalation", rows[1]).await?;
    assert_eq!(outbox.left().await?, 4);
    let last = Uuid::from_u128(9);
    outbox.publish(second, &[last]).await?;
    outbox.has_handled("escalation", last).await?;
    assert_eq!(outbox.left().await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_floor_within_a_batch_passes_none_of_the_batch() -> anyhow::Result<()> {
    let outbox = Outbox::new().await?;
    let first = outbox.publication(1, None).await?;
    let rows = ids(50);
    outbox.publish(first, &rows).await?;
    outbox.has_handled("escalation", rows[49]).await?;
    assert_eq!(outbox.left().await?, 50);
    Ok(())
}

#[tokio::test]
async fn the_backlog_is_counted_up_to_a_bound_and_its_age_is_the_oldest_rows() -> anyhow::Result<()> {
    let outbox = Outbox::new().await?;
    sqlx::query(
        "insert into outbox (id, subject, time, about, version, policy, body, created_at)
         select gen_random_uuid(), 's', now(), 'a', 1, 1, '{}', now() - interval '1 hour' from generate_series(1, 30)",
    )
    .execute(&outbox.pool)
    .await?;
    let (rows, age) = lag(&outbox.pool, 20).await?;
    assert_eq!(rows, 20);
    assert!((3_600.0..3_700.0).contains(&age), "{age}");
    Ok(())
}
