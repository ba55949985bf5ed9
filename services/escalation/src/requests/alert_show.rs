//! `alert.show`: one alert, to who was told, to who may see its duty, or to who holds a link for it.

use super::sight_of;
use crate::App;
use crate::store::{alerts, duties};
use duban_contracts::Problem;
use duban_contracts::alert::{AlertEvent, AlertShowRequest};
use duban_engine::recipients;
use duban_platform::rpc::{Failed, Request};
use std::sync::Arc;

pub async fn show(app: Arc<App>, request: Request<AlertShowRequest>) -> Result<AlertEvent, Failed> {
    let id = request.body.alert;
    // A link is for one alert and nothing beside.
    let person = request.claim()?.person_about(id).ok_or_else(Problem::not_found)?;
    let (sight, directory) = sight_of(&app, person)?;
    let mut connection = app.platform.db.pool().acquire().await?;
    let alert = alerts::one(&mut connection, id).await?.ok_or_else(Problem::not_found)?;
    let duty = duties::one(&mut *connection, alert.duty).await?.ok_or_else(Problem::not_found)?;
    let now = app.platform.clock.now();
    let directory = recipients::open_to(&directory, &duty.facts);
    let is_told = alert.is_recipient(&sight.person) || alert.is_deputy(&directory, &sight.person, &duty.facts.excluded_people, now);
    if !sight.sees(&duty, is_told) {
        return Err(Problem::not_found().into());
    }
    Ok(alert.shown(&duty))
}
