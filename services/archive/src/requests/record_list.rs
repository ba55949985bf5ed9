//! `record.list`: the records that the asker may see, newest first.

use crate::rights::Sight;
use crate::{App, store};
use duban_contracts::record::{RecordList, RecordListRequest};
use duban_platform::rpc::{Failed, Request};

pub async fn list(app: App, request: Request<RecordListRequest>) -> Result<RecordList, Failed> {
    let person = request.person()?;
    let sight = Sight::of(&*app.platform.directory.current()?, person, app.platform.clock.now());
    let limit = i64::from(request.body.limit.unwrap_or(50).clamp(1, 200));
    let (records, total) = store::listing::records(app.platform.db.pool(), &request.body, &sight, limit).await?;
    let next = (records.len() as i64 == limit).then(|| records.last().map(|record| record.record)).flatten();
    Ok(RecordList { records, total, next })
}
