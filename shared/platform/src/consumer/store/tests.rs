//! What two copies do to the same rows.

use super::*;
use duban_local::Ground;

#[tokio::test]
async fn a_failure_that_two_copies_meet_at_once_is_counted_once() -> anyhow::Result<()> {
    let ground = Ground::for_test().await?;
    let pool = PgPool::connect(&ground.database_url("escalation")?).await?;
    sqlx::migrate!("./migrations").run(&pool).await?;
    let id = Uuid::from_u128(1);
    let burial =
        Burial { id, event: id, subject: "s".into(), sealed: vec![1], attempts: 1, reason: duban_contracts::Sentence::from("first") };
    set_aside(&pool, "INTAKE", &[burial], 0.0).await?;
    // Both have read the row with one failure.
    count_attempt(&pool, id, 1, "second", 0.0).await?;
    count_attempt(&pool, id, 1, "second", 0.0).await?;
    let attempts = async || sqlx::query_scalar::<_, i32>("select attempts from set_aside").fetch_one(&pool).await;
    assert_eq!(attempts().await?, 2);
    count_attempt(&pool, id, 2, "third", 0.0).await?;
    assert_eq!(attempts().await?, 3);
    Ok(())
}
