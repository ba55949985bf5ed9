//! `case.timeline`: what archive did with a case, for its story.

use crate::rights::Sight;
use crate::{App, store};
use duban_contracts::case::TimelineEntry;
use duban_contracts::duty::{Timeline, TimelineRequest};
use duban_contracts::ids;
use duban_contracts::record::{RecordEvent, RecordListRequest};
use duban_platform::rpc::{Failed, Request};

pub async fn timeline(app: App, request: Request<TimelineRequest>) -> Result<Timeline, Failed> {
    let person = request.person()?;
    let sight = Sight::of(&*app.platform.directory.current()?, person, app.platform.clock.now());
    let wanted = RecordListRequest { case: Some(request.body.case), ..RecordListRequest::default() };
    let (records, _) = store::listing::records(app.platform.db.pool(), &wanted, &sight, 200).await?;
    Ok(Timeline { entries: records.iter().rev().map(entry).collect(), duties: Vec::new(), next: None })
}

fn entry(record: &RecordEvent) -> TimelineEntry {
    let (index_number, edition) = (&record.index_number, record.edition);
    let (again, again_zh) =
        if edition > 1 { (format!(", edition {edition}"), format!("，第{edition}版")) } else { <(String, String)>::default() };
    TimelineEntry {
        id: ids::derived("timeline", &[&record.record.to_string(), "filed"]),
        at: record.filed_at,
        event: "record.filed".to_owned(),
        text: format!("Filed as {index_number}{again}"),
        text_zh: format!("已归档，编号{index_number}{again_zh}"),
        by: String::new(),
        note: None,
        article: None,
    }
}
