//! `duty.why`: how a due time came about, and who is next if nobody acts.

use super::case_timeline::of_alert;
use super::duty_close::{self, ByHand};
use super::sight;
use crate::App;
use crate::store::{acts, alerts, audits, duties, lists};
use crate::{diverted_in_words, done_in_words};
use duban_contracts::case::Reason;
use duban_contracts::duty::{DutyEvent, NextRung, WhyAnswer, WhyRequest};
use duban_contracts::timer::LostTimer;
use duban_contracts::{Problem, Timestamp, both};
use duban_engine::acts::{Acted, Asked, offered, resume_by_itself};
use duban_engine::climb::{self, Step, Tell};
use duban_engine::duty::Duty;
use duban_engine::{recipients, retiming};
use duban_platform::rpc::{Failed, Request};
use duban_policy::calendar::{Calendar, last_minute, whole_second};
use duban_policy::directory::Directory;
use duban_policy::{Policy, Title};
use std::sync::Arc;

/// Steps of the ladder that are told ahead, and how often it is looked at most for them: what is repeated until somebody acts is told once.
const AHEAD: usize = 8;
const LOOKS: usize = 200;
/// Alerts that are listed: what is repeated every hour for weeks is not read one by one.
const MOST_TOLD: i64 = 40;

pub async fn why(app: Arc<App>, request: Request<WhyRequest>) -> Result<WhyAnswer, Failed> {
    let (sight, directory) = sight(&app, &request)?;
    let pool = app.platform.db.pool();
    let duty = duties::one(pool, request.body.duty).await?.ok_or_else(Problem::not_found)?;
    if !sight.sees(&duty, lists::was_alerted(pool, duty.id, &sight.person).await?) {
        return Err(Problem::not_found().into());
    }
    let policy = app
        .platform
        .policies
        .get(duty.policy)
        .ok_or_else(|| Problem::unavailable(both("该责任事项所依据的制度正在载入", "the policy of this duty")))?;
    let now = app.platform.clock.now();
    let calendar = retiming::calendar_of(&policy, &duty);
    let next = ahead(&directory, &duty, &policy, now);
    let done = acts::of_duties(pool, &[duty.id]).await?.remove(&duty.id).unwrap_or_default();
    let asked = Asked { person: &sight.person, at: now, policy: &policy, directory: &directory };
    let offered = offered(&duty, &asked).into_iter().map(|what| what.as_str().to_owned()).collect();
    let by_hand = duty_close::by_hand(&app, &directory, &duty, &sight.person).ok().filter(|_| duty.state.is_open());
    let (may_close, may_cancel) = (by_hand == Some(ByHand::Done), by_hand == Some(ByHand::Cancelled));
    let mut steps = steps(&duty, &done, &policy, calendar, &directory);
    steps.extend(audits::of_duty(pool, duty.id).await?.iter().map(|(found_at, timer)| lost(timer, *found_at, calendar)));
    let diverted = recipients::diverted(&directory, &duty, now);
    steps.extend(diverted.as_ref().map(|diverted| diverted_in_words::now(diverted, &directory, &calendar.zone)));
    let mut connection = pool.acquire().await?;
    let (alerts, of_all) = alerts::newest(&mut connection, duty.id, MOST_TOLD).await?;
    let told_before = of_all - i64::try_from(alerts.len()).unwrap_or_default();
    let mut told: Vec<_> = alerts.iter().flat_map(|alert| of_alert(alert, &duty, &directory, &calendar.zone)).collect();
    told.sort_by_key(|entry| entry.at);
    let duty = DutyEvent { diverted, ..duty.shown() };
    Ok(WhyAnswer { steps, next, told, told_before, duty, may_close, may_cancel, offered })
}

fn steps(duty: &Duty, done: &[Acted], policy: &Policy, calendar: &Calendar, directory: &Directory) -> Vec<Reason> {
    let zone = &calendar.zone;
    let wall = |at: Timestamp| zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
    let article = (!duty.terms.article.is_empty()).then(|| duty.terms.article.clone());
    let say = |text: String, text_zh: String| Reason { text, text_zh, article: article.clone() };
    let mut steps = vec![say(
        format!("Opened {}; time counts from {}.", wall(duty.opened.at), wall(duty.terms.counts_from)),
        format!("{} 产生，自 {} 起计时。", wall(duty.opened.at), wall(duty.terms.counts_from)),
    )];
    let rule = format!("{}/{}", duty.pack, duty.rule);
    if let Some(rule) = policy.explain(&rule, Some(&duty.facts.unit), duty.terms.counts_from) {
        steps.push(say(rule.en, rule.zh));
    }
    if duty.trial {
        steps.push(say(
            "On trial: it is kept and counted, and nobody is told.".to_owned(),
            "试运行：照常计时、记录，不通知任何人。".to_owned(),
        ));
    }
    let first_due = done.first().map_or(duty.due_at, |acted| acted.due_before);
    let (en, zh) = counted_by(duty, policy, calendar);
    let counted = counted_day_by_day(duty, calendar, first_due);
    let due = last_minute(first_due, zone).map_or_else(|| wall(first_due), |last| wall(last).replace("23:59", "24:00"));
    steps.push(say(format!("{en}{} it is due {due}.", counted.en), format!("{zh}{}，截止时间为 {due}。", counted.zh)));
    steps.extend(done.iter().map(|acted| {
        let said = done_in_words::of(acted, directory, &wall);
        let reason = if said.reason.is_empty() {
            Default::default()
        } else {
            (format!(" “{}”", said.reason), format!("理由：{}", said.reason))
        };
        say(format!("{} {}{}", wall(acted.at), said.en, reason.0), format!("{} {}{}", wall(acted.at), said.zh, reason.1))
    }));
    if let Some(at) = duty.breached_at {
        steps.push(say(format!("Not done in time: breached, told {}.", wall(at)), format!("逾期未完成，{} 通报。", wall(at))));
    }
    if let Some(at) = duty.withdrawn_at {
        steps.push(say(
            format!("The breach was withdrawn: it turned out to have been done {}.", wall(at)),
            format!("逾期已撤销：后查明已于 {} 完成。", wall(at)),
        ));
    }
    if let Some(ended) = &duty.ended {
        let at = wall(ended.moment.at);
        steps.push(match (ended.cancelled, &ended.note) {
            (true, _) => say(format!("Fell away {at}."), format!("{at} 取消。")),
            (false, Some(note)) => say(format!("Closed {at}: {note}"), format!("{at} 完成：{note}")),
            (false, None) => say(format!("Closed {at}."), format!("{at} 完成。")),
        });
    }
    steps
}

/// By what its due time came about, as a sentence begins: a date that was put in, the hours of its calendar, or the clock alone.
fn counted_by(duty: &Duty, policy: &Policy, calendar: &Calendar) -> (String, String) {
    match duty.terms.term {
        None => {
            let dated = policy.dated_by(&duty.pack, &duty.rule);
            (format!("By what was put in for '{}'", dated.en), format!("以“{}”所填时间为准", dated.zh))
        }
        Some(term) if term.is_working() => {
            (format!("By the calendar '{}'", calendar.title.en), format!("按“{}”日历计算", calendar.title.zh))
        }
        Some(_) => ("By the clock, nights and days off included,".to_owned(), "按自然时间连续计算（不扣除休息时间）".to_owned()),
    }
}

/// The days and hours that were counted, where work alone counts: opening, days off and days worked, as `duban policy due` tells them.
fn counted_day_by_day(duty: &Duty, calendar: &Calendar, due: Timestamp) -> Title {
    let Some(term) = duty.terms.term.filter(|term| term.is_working()) else { return Title::default() };
    let steps = calendar.steps(whole_second(duty.terms.counts_from), term);
    let [_, counted @ .., last] = steps.as_slice() else { return Title::default() };
    // A calendar that was corrected since then gives other days: the acts below say so.
    if last.at != due || counted.is_empty() {
        return Title::default();
    }
    let (zh, en): (Vec<&str>, Vec<&str>) = counted.iter().map(|step| (step.words.zh.as_str(), step.words.en.as_str())).unzip();
    Title::new(format!("：{}", zh.join("；")), format!(": {};", en.join("; ")))
}

/// Its timer was found lost: so what was told of it came late, or nearly so.
fn lost(timer: &LostTimer, found_at: Timestamp, calendar: &Calendar) -> Reason {
    let wall = |at: Timestamp| calendar.zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
    let (found, should) = (wall(found_at), wall(timer.should_at));
    Reason {
        text: format!("{found} Its timer, which should run out {should}, was found lost and set right."),
        text_zh: format!("{found} 系统自查发现其定时（应为 {should}）丢失，已补正。"),
        article: None,
    }
}

/// What comes next if nobody acts: the ladder climbed on a copy of the duty.
fn ahead(directory: &Directory, duty: &Duty, policy: &Policy, now: Timestamp) -> Vec<NextRung> {
    let directory = &*recipients::open_to(directory, &duty.facts);
    let mut duty = duty.clone();
    let mut next = Vec::new();
    let mut at = now;
    for _ in 0..LOOKS {
        let Some(timer) = climb::timer(&duty, at, retiming::calendar_of(policy, &duty)) else { break };
        at = at.max(timer);
        resume_by_itself(&mut duty, at, policy);
        let calendar = retiming::calendar_of(policy, &duty);
        for step in climb::climb(&mut duty, at, at, calendar) {
            if let Step::Raised(rung) = step {
                if rung.repetition > 0 && !next.is_empty() {
                    continue;
                }
                let told = recipients::recipients(directory, &duty, &rung.tell, now);
                let mut posts: Vec<String> = told.iter().map(|told| told.post.clone()).collect();
                posts.dedup();
                if posts.is_empty() && rung.tell == Tell::Debtor {
                    posts.push(duty.owed_by.clone());
                }
                let sort = rung.sort.as_str().to_owned();
                next.push(NextRung { at, posts, people: told.into_iter().map(|told| told.person).collect(), sort });
            }
        }
        if next.len() >= AHEAD {
            break;
        }
    }
    next.truncate(AHEAD);
    next
}
