//! Waiting for a condition with a limit: the only way in which these tests wait.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until `look` gives a value, or fails after `limit` with what was awaited and the last reason why not.
///
/// # Errors
/// When the limit has passed.
pub async fn until<T, E: Debug, F: Future<Output = Result<T, E>>>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        let looked = Instant::now();
        match look().await {
            Ok(value) => return Ok(value),
            Err(why) if started.elapsed() > limit => anyhow::bail!("waited {limit:?} for {what}: {why:?}"),
            // A look that costs much is not repeated so often that it holds up what is waited for.
            Err(_) => tokio::time::sleep(PAUSE.max(looked.elapsed() * 4)).await,
        }
    }
}
