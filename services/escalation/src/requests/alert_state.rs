//! `alert.state`: whether an alert still stands, asked by notifications just before sending. Carries no claim: the broker lets only
//! services ask.

use crate::App;
use crate::store::alerts;
use duban_contracts::Problem;
use duban_contracts::alert::{AlertEvent, AlertShowRequest};
use duban_platform::rpc::{Failed, Request};
use std::sync::Arc;

pub async fn state(app: Arc<App>, request: Request<AlertShowRequest>) -> Result<AlertEvent, Failed> {
    let mut tx = app.platform.db.begin().await?;
    // Waits for a close that is under way, so that its outcome is what is told.
    let duty = alerts::duty_settled(&mut tx, request.body.alert).await?.ok_or_else(Problem::not_found)?;
    let alert = alerts::one(&mut tx, request.body.alert).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    Ok(alert.told(&duty))
}
