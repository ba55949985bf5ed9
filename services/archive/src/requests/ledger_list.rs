//! `ledger.list`: a stretch of the whole chain, so that a reader can recompute it (see [`crate::ledger::verify`]).

use crate::{App, rights, store};
use duban_contracts::record::{LedgerEntry, LedgerList, LedgerListRequest};
use duban_contracts::{Problem, both};
use duban_platform::rpc::{Failed, Request};

pub async fn list(app: App, request: Request<LedgerListRequest>) -> Result<LedgerList, Failed> {
    let person = request.person()?;
    let directory = app.platform.directory.current()?;
    if !rights::may_administer(&directory, person, app.platform.clock.now()) {
        return Err(Problem::forbidden(both("保管台账全文仅限管理员查看", "Only an administrator may read the whole ledger.")).into());
    }
    let limit = i64::from(request.body.limit.unwrap_or(200).clamp(1, 1_000));
    let pool = app.platform.db.pool();
    // The length first: it may grow meanwhile, and a reader must not take that for a cut end.
    let length = store::ledger::length(pool).await?;
    let entries = store::ledger::after(pool, request.body.after.max(0), limit).await?;
    Ok(LedgerList { entries: entries.iter().map(LedgerEntry::from).collect(), length })
}
