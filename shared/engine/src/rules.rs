//! What an event means by the policy: which duties it opens, which it ends, and what it says of where its subject belongs.

use crate::climb;
use crate::duty::{Duty, Ended, Facts, State, Terms};
use crate::moment::Moment;
use crate::recipients;
use crate::shifts::Shifts;
use duban_contracts::{Event, ids};
use duban_policy::Policy;
use duban_policy::directory::Directory;
use duban_policy::ladder::Progress;
use duban_policy::policy::{DutyRule, EventFacts, OpenedDuty};
use serde_json::Value;

/// Rule and key: what the opens and closes of one matter have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatterKey {
    pub key: String,
    pub rule: String,
    pub pack: String,
}

/// What one event does.
#[derive(Debug, Default)]
pub struct Effects {
    pub opens: Vec<Duty>,
    pub closes: Vec<(MatterKey, Ended)>,
}

/// What the event opens and closes by its policy.
pub fn effects(event: &Event, facts: &Value, policy: &Policy, version: i64, directory: Option<&Directory>) -> Effects {
    let seen = EventFacts { name: event.name(), time: event.time, facts };
    let closes = policy.duties_closed(&seen).into_iter().map(|close| {
        let ended = Ended { moment: Moment::of(event), cancelled: close.cancelled, by: None, note: None };
        (MatterKey { key: close.key, rule: close.rule, pack: close.pack }, ended)
    });
    let closes = closes.collect();
    let is_put_right = facts.get("before").is_some() && !is_given_anew(facts);
    let opens = policy.duties_opened(&seen).into_iter().map(|opened| {
        let place = Facts { unit: opened.unit.clone(), ..said_of(facts, event.version) };
        let mut duty = from_rule(opened, Moment::of(event), place, policy, version, directory);
        duty.terms.number = facts.get("number").and_then(Value::as_str).map(str::to_owned);
        duty.case = event.case;
        duty.again = is_put_right;
        // What follows from a duty on trial is on trial.
        duty.terms.follows_trial = facts.get("trial").and_then(Value::as_bool) == Some(true);
        duty.trial |= duty.terms.follows_trial;
        duty.traceparent = event.traceparent.clone();
        duty
    });
    Effects { opens: opens.collect(), closes }
}

/// A case that was returned and is sorted again: whoever has it now owes all of it, whatever those did who returned it.
fn is_given_anew(facts: &Value) -> bool {
    let was_unsorted = facts.pointer("/before/unsorted").and_then(Value::as_bool) == Some(true);
    was_unsorted && facts.get("returns").and_then(Value::as_i64).is_some_and(|returns| returns > 0)
}

/// A duty as its rule makes it, not settled yet.
pub fn from_rule(opened: OpenedDuty, at: Moment, facts: Facts, policy: &Policy, version: i64, directory: Option<&Directory>) -> Duty {
    let closes_case = policy.duty_rule(&opened.pack, &opened.rule).is_some_and(DutyRule::is_closed_by_closing);
    let owing = |directory: &Directory| recipients::owing_post(&recipients::open_to(directory, &facts), &opened.owed_by, &facts);
    let post = directory.and_then(owing);
    let post = post.or_else(|| opened.owed_by.first().map(|who| crate::duty::post_of(who).to_owned()));
    let trial = policy.is_on_trial(&opened.pack, &opened.rule, &opened.unit, at.at);
    let mut duty = Duty {
        id: ids::derived("duty", &[&opened.pack, &opened.rule, &opened.key, &at.event.to_string()]),
        pack: opened.pack,
        rule: opened.rule,
        key: opened.key,
        case: None,
        title: opened.title.en,
        title_zh: opened.title.zh,
        owed_by: post.unwrap_or_default(),
        policy: version,
        corrections: i32::try_from(policy.corrections()).unwrap_or(i32::MAX),
        run: 1,
        by_hand: false,
        shadowed: false,
        again: false,
        trial,
        is_handed_over: false,
        closes_case,
        terms: Terms {
            article: opened.article,
            link: opened.link,
            number: None,
            owed: opened.owed_by,
            owed_to: opened.owed_to,
            calendar: opened.calendar,
            counts_from: opened.from,
            term: opened.term,
            settled_due: None,
            timed_by: 0,
            follows_trial: false,
            plan: opened.plan,
        },
        facts,
        opened: at,
        due_at: opened.due,
        shifts: Shifts::default(),
        ended: None,
        breached_at: None,
        withdrawn_at: None,
        state: State::Pending,
        late: false,
        progress: Progress::default(),
        next_at: None,
        traceparent: None,
        version: 0,
    };
    let calendar = crate::retiming::calendar_of(policy, &duty);
    // As seen from its opening: what has passed meanwhile is for the tick to find.
    duty.next_at = climb::timer(&duty, duty.opened.at, calendar);
    duty
}

/// What an event's body says of where its subject belongs, by the members that all events use alike.
pub fn said_of(facts: &Value, version: i64) -> Facts {
    let text = |name: &str| facts.get(name).and_then(Value::as_str).map(str::to_owned);
    let list = |name: &str| {
        let members = facts.get(name).and_then(Value::as_array).into_iter().flatten();
        members.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Facts {
        unit: text("unit").unwrap_or_default(),
        handler: text("handler"),
        excluded_people: list("excluded_people"),
        excluded_units: list("excluded_units"),
        people_named: list("people_named"),
        version,
    }
}
