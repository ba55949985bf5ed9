//! `case.visible`: of these cases, which may the asker see. For the other services' lists, and for live updates.

use crate::app::App;
use crate::store::list;
use duban_contracts::Problem;
use duban_contracts::case::{VisibleAnswer, VisibleRequest};
use duban_platform::rpc::{Failed, Request};

const MOST: usize = 5_000;

pub async fn visible(app: App, request: Request<VisibleRequest>) -> Result<VisibleAnswer, Failed> {
    let (_, sight) = app.sight(request.person()?).await?;
    let cases = &request.body.cases;
    if cases.len() > MOST {
        return Err(Problem::invalid_field("/cases", format!("{} cases", cases.len()), format!("at most {MOST}")).into());
    }
    Ok(VisibleAnswer { visible: list::visible(app.platform.db.pool(), &sight, cases).await? })
}
