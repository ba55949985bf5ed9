//! `record.list`: the records that the asker may see, newest first.

use crate::rights::Sight;
use crate::{App, store};
use duban_contracts::Problem;
use duban_contracts::record::{RecordList, RecordListRequest};
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::unknown;

pub async fn list(app: App, request: Request<RecordListRequest>) -> Result<RecordList, Failed> {
    let person = request.person()?;
    let directory = app.platform.directory.current()?;
    let sight = Sight::of(&directory, person, app.platform.clock.now());
    let mut asked = request.body.clone();
    asked.unit = asked.unit.map(|unit| unit.trim().to_owned()).filter(|unit| !unit.is_empty());
    let pool = app.platform.db.pool();
    if let Some(unit) = asked.unit.as_deref().filter(|unit| directory.unit(unit).is_none()) {
        // Records of a unit that was dissolved are found by its code as before; an empty list would read as if there were none of it.
        if !store::listing::is_of_a_record(pool, unit).await? {
            return Err(Problem::invalid(vec![unknown::unit(unit)]).into());
        }
    }
    let limit = i64::from(asked.limit.unwrap_or(50).clamp(1, 200));
    let (records, total) = store::listing::records(pool, &asked, &sight, limit).await?;
    let next = (records.len() as i64 == limit).then(|| records.last().map(|record| record.record)).flatten();
    Ok(RecordList { records, total, next })
}
