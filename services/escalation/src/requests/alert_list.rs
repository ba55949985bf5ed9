//! `alert.list`: the asker's alerts, and on wish those of others that he may see.

use super::{page, sight};
use crate::App;
use crate::store::lists::{self, WantedAlerts};
use duban_contracts::alert::{AlertList, AlertListRequest};
use duban_contracts::{Problem, both};
use duban_platform::rpc::{Failed, Request};
use std::sync::Arc;

pub async fn list(app: Arc<App>, request: Request<AlertListRequest>) -> Result<AlertList, Failed> {
    let (sight, _) = sight(&app, &request)?;
    let asked = request.body;
    let only_open = match asked.state.as_deref() {
        None | Some("" | "open") => true,
        Some("all") => false,
        Some(_) => {
            return Err(Problem::invalid_field(
                "/state",
                both("没有此状态", "It is not a state of alerts"),
                both("open（未签收）或 all（全部）", "open or all"),
            )
            .into());
        }
    };
    let wanted = WantedAlerts { only_open, all: asked.all, trial: asked.trial, before: asked.before, limit: page(asked.limit) };
    let mut connection = app.platform.db.pool().acquire().await?;
    let (found, total) = lists::alerts(&mut connection, &sight, &wanted).await?;
    let is_full = i64::try_from(found.len()).is_ok_and(|count| count == wanted.limit);
    let next = found.last().filter(|_| is_full).map(|(alert, _)| alert.id);
    Ok(AlertList { alerts: found.iter().map(|(alert, duty)| alert.shown(duty)).collect(), total, next })
}
