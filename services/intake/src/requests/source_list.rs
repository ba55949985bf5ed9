//! `source.list`: when producers were heard last, and which are silent; for who administers everything, as producers belong to no unit.

use crate::app::App;
use crate::store::sources;
use duban_contracts::Problem;
use duban_contracts::source::{SourceList, SourceListRequest, SourceShown};
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::Right;

pub async fn list(app: App, request: Request<SourceListRequest>) -> Result<SourceList, Failed> {
    let person = request.person()?;
    if !app.directory()?.sees_everywhere(person, Right::Administer, app.platform.clock.now()) {
        return Err(Problem::forbidden("it takes the right to administer everything").into());
    }
    let known = sources::all(app.platform.db.pool()).await?;
    let shown =
        |source: sources::Source| SourceShown { producer: source.producer, heard_at: source.heard_at, silent_since: source.silent_at };
    Ok(SourceList { sources: known.into_iter().map(shown).collect() })
}
