//! What became of a producer's reports that were rejected after they had been accepted: over NATS, and for the gateway's HTTP.

use crate::app::App;
use crate::store::rejected;
use duban_contracts::Problem;
use duban_contracts::claim::Asker;
use duban_contracts::report::{Results, ResultsRequest};
use duban_platform::rpc::{Failed, Request};

/// `duban.report-result.v1.<producer>.list`: the producer is the one of the subject, to which the broker lets nobody else publish.
pub async fn over_nats(app: App, request: Request<ResultsRequest>) -> Result<Results, Failed> {
    let producer = request.subject.split('.').nth(3).unwrap_or_default().to_owned();
    list(&app, &producer, &request.body).await
}

/// `report.results`: the producer is the one whom the gateway vouches for.
pub async fn for_gateway(app: App, request: Request<ResultsRequest>) -> Result<Results, Failed> {
    let Asker::Producer { producer } = &request.claim()?.asker else {
        return Err(Problem::forbidden("only a producer asks for its results").into());
    };
    list(&app, producer, &request.body).await
}

async fn list(app: &App, producer: &str, asked: &ResultsRequest) -> Result<Results, Failed> {
    let limit = asked.limit.unwrap_or(100).clamp(1, 500) as usize;
    let mut found = rejected::of_producer(app.platform.db.pool(), producer, asked.after, limit as i64 + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().map(|last| last.id) } else { None };
    let results = found.iter().map(|rejected| rejected.told(&app.platform.seal)).collect::<Result<_, sqlx::Error>>()?;
    Ok(Results { results, next })
}
