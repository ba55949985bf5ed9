//! A panic as an error, so that one bad row ends no task.

use anyhow::anyhow;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;

/// Does the work; a panic in it is an error like any other. What the work has begun is dropped, transactions roll back.
///
/// # Errors
/// The work's, or that it panicked.
pub async fn guarded<T, E: From<anyhow::Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|_panic| Err(anyhow!("it panicked").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_as_an_error() {
        let outcome: anyhow::Result<u8> = guarded(async { panic!("on purpose") }).await;
        assert_eq!(outcome.unwrap_err().to_string(), "it panicked");
        assert_eq!(guarded(async { anyhow::Ok(7) }).await.unwrap(), 7);
    }
}
