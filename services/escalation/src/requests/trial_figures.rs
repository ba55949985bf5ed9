//! `trial.figures`: what trials (试运行) have made so far, of what the asker sees.

use super::sight;
use crate::App;
use crate::store::trials;
use duban_contracts::duty::{TrialFigures, TrialFiguresRequest};
use duban_platform::rpc::{Failed, Request};
use std::sync::Arc;

pub async fn figures(app: Arc<App>, request: Request<TrialFiguresRequest>) -> Result<TrialFigures, Failed> {
    let (sight, _) = sight(&app, &request)?;
    let rules = trials::figures(app.platform.db.pool(), &sight, request.body.since).await?;
    Ok(TrialFigures { rules })
}
