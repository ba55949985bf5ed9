//! Request `policy.snapshot`: which versions there are, or the sources of one.

use super::store;
use crate::App;
use duban_contracts::policy::{PolicySnapshot, PolicySnapshotRequest};
use duban_platform::rpc::{Failed, Request};

/// # Errors
/// 503 without the database.
pub async fn snapshot(app: App, request: Request<PolicySnapshotRequest>) -> Result<PolicySnapshot, Failed> {
    let pool = app.platform.db.pool();
    let versions = store::versions(pool).await?;
    let sources = match request.body.version {
        // Only what was announced is anybody's business.
        Some(version) if versions.iter().any(|known| known.version == version) => store::sources(pool, version).await?,
        _ => Vec::new(),
    };
    Ok(PolicySnapshot { versions, sources })
}
