//! `delivery.list`: what was told to whom over what, and who could not be reached.

use crate::rights::Sight;
use crate::unreachable::unreachable;
use crate::{App, store};
use duban_contracts::delivery::{DeliveryList, DeliveryListRequest};
use duban_contracts::{Problem, both};
use duban_platform::rpc::{Failed, Request};

const STATES: [&str; 4] = ["waiting", "sent", "failed", "cancelled"];

pub async fn list(app: App, request: Request<DeliveryListRequest>) -> Result<DeliveryList, Failed> {
    let person = request.person()?;
    if request.body.state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
        return Err(Problem::invalid_field(
            "/state",
            both("没有此状态", "The state is not known."),
            both("waiting（等待中）、sent（已送出）、failed（失败）或 cancelled（已取消）", "One of waiting, sent, failed, cancelled."),
        )
        .into());
    }
    let sight = Sight::of(&*app.platform.directory.current()?, person, app.platform.clock.now());
    let limit = i64::from(request.body.limit.unwrap_or(50).clamp(1, 200));
    let pool = app.platform.db.pool();
    let (deliveries, total) = store::listing::deliveries(pool, &request.body, &sight, limit).await?;
    let unreached = store::listing::unreachable(pool, &request.body, &sight, limit).await?;
    let next = (deliveries.len() as i64 == limit).then(|| deliveries.last().map(|delivery| delivery.delivery)).flatten();
    Ok(DeliveryList {
        deliveries,
        total,
        next,
        unreachable: unreached.into_iter().map(|(person, alert)| unreachable(&alert, person)).collect(),
    })
}
