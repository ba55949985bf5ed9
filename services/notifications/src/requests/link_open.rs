//! `link.open`: what a link in a message is for. Reading it changes nothing: mail scanners open links.

use crate::{App, link, store};
use duban_contracts::Problem;
use duban_contracts::delivery::{Link, LinkOpenRequest};
use duban_platform::rpc::{Failed, Request};

/// 404 for a token that is none of ours, 410 for one that has expired. A used one is shown with the time of its use.
pub async fn open(app: App, request: Request<LinkOpenRequest>) -> Result<Link, Failed> {
    let hash = link::hash(&request.body.token);
    let found = store::links::find(app.platform.db.pool(), &hash).await?.ok_or_else(Problem::not_found)?;
    if found.expires_at <= app.platform.clock.now() {
        return Err(expired().into());
    }
    Ok(found)
}

fn expired() -> Problem {
    Problem::new(410, "link-expired", "This link has expired; please log in to see your alerts", "此链接已过期，请登录后查看督办通知")
}
