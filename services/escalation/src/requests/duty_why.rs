//! `duty.why`: how a due time came about, and who is next if nobody acts.

use super::duty_close::{self, ByHand};
use super::sight;
use crate::App;
use crate::store::{duties, lists};
use duban_contracts::case::Reason;
use duban_contracts::duty::{NextRung, WhyAnswer, WhyRequest};
use duban_contracts::{Problem, Timestamp};
use duban_engine::climb::{self, Step, Tell};
use duban_engine::duty::Duty;
use duban_engine::recipients;
use duban_platform::rpc::{Failed, Request};
use duban_policy::Policy;
use duban_policy::calendar::Calendar;
use duban_policy::directory::Directory;
use std::sync::Arc;

/// Steps of the ladder that are told ahead.
const AHEAD: usize = 5;

pub async fn why(app: Arc<App>, request: Request<WhyRequest>) -> Result<WhyAnswer, Failed> {
    let (sight, directory) = sight(&app, &request)?;
    let pool = app.platform.db.pool();
    let duty = duties::one(pool, request.body.duty).await?.ok_or_else(Problem::not_found)?;
    if !sight.sees(&duty, lists::was_alerted(pool, duty.id, &sight.person).await?) {
        return Err(Problem::not_found().into());
    }
    let policy = app.platform.policies.get(duty.policy).ok_or_else(|| Problem::unavailable("the policy of this duty"))?;
    let calendar = policy.calendar(&duty.terms.calendar).unwrap_or_else(|| policy.calendar_of(&duty.facts.unit));
    let next = ahead(&directory, &duty, calendar, app.platform.clock.now());
    let by_hand = duty_close::by_hand(&app, &directory, &duty, &sight.person).ok().filter(|_| duty.state.is_open());
    let (may_close, may_cancel) = (by_hand == Some(ByHand::Done), by_hand == Some(ByHand::Cancelled));
    Ok(WhyAnswer { steps: steps(&duty, &policy, calendar), next, duty: duty.shown(), may_close, may_cancel })
}

fn steps(duty: &Duty, policy: &Policy, calendar: &Calendar) -> Vec<Reason> {
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
    steps.push(say(
        format!("By the calendar '{}' it is due {}.", calendar.title.en, wall(duty.due_at)),
        format!("按“{}”日历计算，截止时间为 {}。", calendar.title.zh, wall(duty.due_at)),
    ));
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

/// What comes next if nobody acts: the ladder climbed on a copy of the duty.
fn ahead(directory: &Directory, duty: &Duty, calendar: &Calendar, now: Timestamp) -> Vec<NextRung> {
    let directory = &*recipients::open_to(directory, &duty.facts);
    let mut duty = duty.clone();
    let mut next = Vec::new();
    let mut at = now;
    for _ in 0..AHEAD * 2 {
        let Some(timer) = climb::timer(&duty, at, calendar) else { break };
        at = at.max(timer);
        for step in climb::climb(&mut duty, at, at, calendar) {
            if let Step::Raised(rung) = step {
                let told = recipients::recipients(directory, &duty, &rung.tell, now);
                let mut posts: Vec<String> = told.iter().map(|told| told.post.clone()).collect();
                posts.dedup();
                if posts.is_empty() && rung.tell == Tell::Debtor {
                    posts.push(duty.owed_by.clone());
                }
                next.push(NextRung { at, posts, people: told.into_iter().map(|told| told.person).collect() });
            }
        }
        if next.len() >= AHEAD {
            break;
        }
    }
    next.truncate(AHEAD);
    next
}
