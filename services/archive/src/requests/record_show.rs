//! `record.show`: a record with its ledger entries, without what is in it.

use crate::rights::Sight;
use crate::{App, store};
use duban_contracts::Problem;
use duban_contracts::record::{LedgerEntry, RecordDetail, RecordShowRequest};
use duban_platform::rpc::{Failed, Request};

pub async fn show(app: App, request: Request<RecordShowRequest>) -> Result<RecordDetail, Failed> {
    let person = request.person()?;
    let sight = Sight::of(&*app.platform.directory.current()?, person, app.platform.clock.now());
    let pool = app.platform.db.pool();
    let record = store::listing::record(pool, request.body.record, &sight).await?.ok_or_else(Problem::not_found)?;
    let ledger = store::ledger::of_record(pool, record.record).await?;
    Ok(RecordDetail { record, ledger: ledger.iter().map(LedgerEntry::from).collect() })
}
