//! Request `policy.held`: a service says that it holds a version compiled, or why it cannot.

use super::store;
use crate::App;
use duban_contracts::policy::PolicyHeld;
use duban_platform::rpc::{Failed, Request};

/// # Errors
/// 503 without the database: the service will say it again.
pub async fn held(app: App, request: Request<PolicyHeld>) -> Result<(), Failed> {
    let PolicyHeld { service, version, error } = &request.body;
    if let Some(error) = error {
        tracing::warn!(service, version, error, "a service cannot compile a policy set");
    }
    store::keep_holding(app.platform.db.pool(), *version, service, error.as_deref()).await?;
    app.wake_promotion.notify_one();
    Ok(())
}
