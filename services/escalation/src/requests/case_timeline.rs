//! `case.timeline`: a case's duties and alerts, as far as the asker may see them.

use super::sight;
use crate::App;
use crate::pages::{self, Part, Place};
use crate::store::{acts, alerts, case, lists};
use crate::{diverted_in_words, done_in_words};
use duban_contracts::case::TimelineEntry;
use duban_contracts::duty::{DutyEvent, Timeline, TimelineRequest};
use duban_contracts::{Timestamp, ids};
use duban_engine::acts::Acted;
use duban_engine::alert::Alert;
use duban_engine::duty::{Duty, State};
use duban_engine::recipients;
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::Directory;
use jiff::tz::TimeZone;
use std::sync::Arc;
use uuid::Uuid;

pub async fn timeline(app: Arc<App>, request: Request<TimelineRequest>) -> Result<Timeline, Failed> {
    let (sight, directory) = sight(&app, &request)?;
    let place = request.body.after.as_deref().map(|text| Place::read(text, "/after")).transpose()?;
    let mut connection = app.platform.db.pool().acquire().await?;
    let mut duties = case::duties(&mut *connection, request.body.case).await?;
    let alerted = lists::alerted_of(&mut *connection, &ids(&duties), &sight.person).await?;
    duties.retain(|duty| sight.sees(duty, alerted.contains(&duty.id)));
    let duties = pages::rest(&duties, place);
    let alerts = alerts::following(&mut connection, &ids(duties), place.and_then(|place| place.alert), pages::MOST).await?;
    let page = pages::page(duties, &alerts, place);
    let zone = app.platform.policies.in_force(app.platform.clock.now()).map_or(TimeZone::UTC, |(_, policy)| policy.zone().clone());
    let begun: Vec<Uuid> = page.parts.iter().filter(|part| part.is_first).map(|part| part.duty.id).collect();
    let done = acts::of_duties(&mut *connection, &begun).await?;
    let mut entries: Vec<TimelineEntry> = page.parts.iter().flat_map(|part| of_part(part, &directory, &zone)).collect();
    for part in page.parts.iter().filter(|part| part.is_first) {
        entries.extend(done.get(&part.duty.id).into_iter().flatten().map(|acted| of_act(acted, part.duty, &directory, &zone)));
    }
    // At one instant a duty comes before its alerts, and a breach before what was told of it.
    entries.sort_by_key(|entry| entry.at);
    let now = app.platform.clock.now();
    let shown = |duty: &Duty| DutyEvent { diverted: recipients::diverted(&directory, duty, now), ..duty.shown() };
    let begun = page.parts.iter().filter(|part| part.is_first).map(|part| shown(part.duty));
    Ok(Timeline { entries, duties: begun.collect(), next: page.next.map(|place| place.to_string()) })
}

fn ids(duties: &[Duty]) -> Vec<Uuid> {
    duties.iter().map(|duty| duty.id).collect()
}

fn of_part(part: &Part<'_>, directory: &Directory, zone: &TimeZone) -> Vec<TimelineEntry> {
    let mut entries = if part.is_first { of_duty(part.duty) } else { Vec::new() };
    entries.extend(part.alerts.iter().flat_map(|alert| of_alert(alert, part.duty, directory, zone)));
    entries
}

/// One entry. Its id is derived, so that asked again it is the same.
fn entry(of: Uuid, at: Timestamp, event: &str, text: String, text_zh: String, article: &str) -> TimelineEntry {
    TimelineEntry {
        id: ids::derived("timeline", &[&of.to_string(), event, &at.to_string()]),
        at,
        event: event.to_owned(),
        text,
        text_zh,
        by: String::new(),
        note: None,
        article: (!article.is_empty()).then(|| article.to_owned()),
    }
}

fn of_duty(duty: &Duty) -> Vec<TimelineEntry> {
    let (en, zh) = (&duty.title, &duty.title_zh);
    let say = |at: Timestamp, event: &str, text: String, text_zh: String| entry(duty.id, at, event, text, text_zh, &duty.terms.article);
    let trial = if duty.trial { (", on trial", "（试运行）") } else { ("", "") };
    let mut entries = vec![say(duty.opened.at, "duty.opened", format!("Duty{}: {en}", trial.0), format!("产生责任事项{}：{zh}", trial.1))];
    if let Some(at) = duty.breached_at {
        let late = if duty.late { (" (told late)", "（补报）") } else { ("", "") };
        entries.push(say(at, "duty.breached", format!("Not done in time: {en}{}", late.0), format!("逾期：{zh}{}", late.1)));
    }
    if let (Some(at), Some(told)) = (duty.withdrawn_at, duty.breached_at) {
        // It happened before the breach was told; it belongs behind it.
        let text = format!("Breach withdrawn, it was done in time: {en}");
        entries.push(say(at.max(told), "duty.withdrawn", text, format!("逾期撤销，实际已按时完成：{zh}")));
    }
    if let Some(ended) = &duty.ended {
        let (event, text, text_zh) = match (ended.cancelled, duty.state == State::ClosedLate) {
            (true, _) => ("duty.cancelled", format!("Fell away: {en}"), format!("责任事项取消：{zh}")),
            (false, true) => ("duty.closed", format!("Done late: {en}"), format!("逾期完成：{zh}")),
            (false, false) => ("duty.closed", format!("Done in time: {en}"), format!("按时完成：{zh}")),
        };
        let mut closed = say(ended.moment.at, event, text, text_zh);
        closed.by = ended.by.clone().unwrap_or_default();
        closed.note = ended.note.clone();
        entries.push(closed);
    }
    entries
}

/// That it was raised, and who acknowledged.
pub(super) fn of_alert(alert: &Alert, duty: &Duty, directory: &Directory, zone: &TimeZone) -> Vec<TimelineEntry> {
    let (posts, posts_zh) = posts(alert, directory);
    let (sort, sort_zh) = match alert.sort.as_str() {
        "reminder" => ("Reminder", "到期提醒"),
        "notice" => ("Notice", "即时通报"),
        "breach" => ("Alert", "逾期督办"),
        "urge" => ("Urged", "催办"),
        "awaited" => ("Reminder to who is waited for", "等待期间提醒"),
        _ => ("Escalated", "升级督办"),
    };
    let again = if alert.repetition > 0 {
        (format!(", again ({})", alert.repetition + 1), format!("（第{}次）", alert.repetition + 1))
    } else {
        Default::default()
    };
    let unsent = if alert.trial { ("On trial, not sent: ", "试运行，未发出：") } else { ("", "") };
    let instead = diverted_in_words::of_alert(alert, directory, zone);
    let say = |at: Timestamp, event: &str, text: String, text_zh: String| entry(alert.id, at, event, text, text_zh, &duty.terms.article);
    let mut entries = vec![say(
        alert.raised_at,
        "alert.raised",
        format!("{}{sort} to {posts}: {}{}{}", unsent.0, duty.title, again.0, instead.en),
        format!("{}{sort_zh}（{posts_zh}）：{}{}{}", unsent.1, duty.title_zh, again.1, instead.zh),
    )];
    for acknowledgement in &alert.acknowledgements {
        let mut taken = say(
            acknowledgement.at,
            "alert.acknowledged",
            format!("{sort} acknowledged: {}", duty.title),
            format!("已签收{sort_zh}：{}", duty.title_zh),
        );
        taken.id = ids::derived("timeline", &[&alert.id.to_string(), "alert.acknowledged", &acknowledgement.person]);
        taken.by.clone_from(&acknowledgement.person);
        entries.push(taken);
    }
    entries
}

/// The posts told, in words; without one, that nobody could be found.
fn posts(alert: &Alert, directory: &Directory) -> (String, String) {
    let mut titles: Vec<(String, String)> = Vec::new();
    for recipient in &alert.recipients {
        let title = directory
            .post(&recipient.post)
            .map_or((recipient.post.clone(), recipient.post.clone()), |post| (post.title.en.clone(), post.title.zh.clone()));
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    if titles.is_empty() {
        return ("nobody (no post is filled)".to_owned(), "无人在岗".to_owned());
    }
    let (en, zh): (Vec<String>, Vec<String>) = titles.into_iter().unzip();
    (en.join(", "), zh.join("、"))
}

fn of_act(acted: &Acted, duty: &Duty, directory: &Directory, zone: &TimeZone) -> TimelineEntry {
    let wall = |at: Timestamp| zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
    let said = done_in_words::of(acted, directory, &wall);
    let (text, text_zh) = (format!("{}: {}", duty.title, said.en), format!("{}：{}", duty.title_zh, said.zh));
    let mut entry = entry(duty.id, acted.at, acted.act.event(), text, text_zh, &duty.terms.article);
    entry.by = acted.by.clone().unwrap_or_default();
    entry.note = (!said.reason.is_empty()).then_some(said.reason);
    entry
}
