//! `case.timeline`: the deliveries of a case, for its story.

use crate::rights::Sight;
use crate::{App, store};
use duban_contracts::case::TimelineEntry;
use duban_contracts::delivery::DeliveryEvent;
use duban_contracts::duty::{Timeline, TimelineRequest};
use duban_contracts::ids;
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::Directory;

pub async fn timeline(app: App, request: Request<TimelineRequest>) -> Result<Timeline, Failed> {
    let directory = app.platform.directory.current()?;
    let sight = Sight::of(&directory, request.person()?, app.platform.clock.now());
    let ended = store::listing::ended_of_case(app.platform.db.pool(), request.body.case, &sight).await?;
    let entries = ended.into_iter().map(|(delivery, at)| entry(&directory, &delivery, at.0)).collect();
    Ok(Timeline { entries, duties: Vec::new(), next: None })
}

fn entry(directory: &Directory, delivery: &DeliveryEvent, at: duban_contracts::Timestamp) -> TimelineEntry {
    let name = directory.person(&delivery.person).map_or(delivery.person.as_str(), |person| person.name.as_str());
    let (channel, channel_zh) = match delivery.channel.as_str() {
        "email" => ("email", "邮件"),
        _ => ("webhook", "网络回调"),
    };
    let address = &delivery.address;
    let (text, text_zh) = match delivery.state.as_str() {
        "sent" if delivery.digest.is_some() => (
            format!("Told to {name} by {channel} ({address}), with others in one message"),
            format!("已通过{channel_zh}汇总通知{name}（{address}）"),
        ),
        "sent" => (format!("Told to {name} by {channel} ({address})"), format!("已通过{channel_zh}通知{name}（{address}）")),
        "cancelled" => (format!("The {channel} to {name} was no longer needed"), format!("无需再通过{channel_zh}通知{name}，已取消")),
        _ => (format!("{name} could not be told by {channel} ({address})"), format!("未能通过{channel_zh}通知{name}（{address}）")),
    };
    TimelineEntry {
        id: ids::derived("timeline", &[&delivery.delivery.to_string(), &delivery.state]),
        at,
        event: format!("delivery.{}", delivery.state),
        text,
        text_zh,
        by: String::new(),
        note: None,
        article: None,
    }
}
