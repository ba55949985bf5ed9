//! Duties that are timed anew, by the packs of a small organisation.

use super::*;
use crate::rules;
use crate::shifts::Span;
use duban_contracts::policy::PolicySource;
use duban_contracts::{Event, ids};
use serde_json::json;
use uuid::Uuid;

const PACK: &str = r#"
[pack]
id = "desk"
title = { zh = "服务台", en = "Service desk" }

[role]
clerk = { title = { zh = "办事员", en = "clerk" } }
head = { title = { zh = "主任", en = "head" } }

[kind.request]
title = { zh = "诉求", en = "Request" }
default = true
number = "R-{seq}"
[kind.request.field.visit_on]
title = { zh = "上门日期", en = "date of the visit" }
type = "date"
[kind.request.severity.grave]
title = { zh = "严重", en = "grave" }
when = { channel = "letter" }
[kind.request.severity.ordinary]
title = { zh = "一般", en = "ordinary" }
[kind.request.stage]
received = { title = { zh = "已受理", en = "received" } }
closed = { title = { zh = "已办结", en = "closed" }, terminal = true }
[kind.request.act.arrange]
title = { zh = "约定", en = "arrange" }
in = ["received"]
by = "clerk"
requires = "visit_on"
event = "arranged"
[kind.request.move.close]
title = { zh = "办结", en = "close" }
from = "received"
to = "closed"
by = "clerk"
event = "settled"
outcome = "settled"

[duty.visit]
title = { zh = "上门", en = "Visit" }
article = "3"
opens = "case.registered"
closes = "case.settled"
owed_by = "clerk"
within = { field = "visit_on", within = "3wd" }
remind = ["1d before"]
on_miss = "ladder.up"

[duty.answer]
title = { zh = "答复", en = "Answer" }
article = "4"
opens = "case.registered"
closes = "case.settled"
owed_by = "clerk"
within = [{ when = { severity = "grave" }, within = "8wh" }, { within = "5wd" }]
on_miss = "ladder.up"

[ladder.up]
rungs = [{ at = "due", tell = "owner", repeat = "1d" }, { at = "1wd after", tell = "head" }]
"#;

const ORGANISATION: &str = r#"
[organisation]
title = "机构"
zone = "Asia/Shanghai"
calendar = "office"
fallback = "HQ/head"
[role]
clerk = { title = { zh = "办事员", en = "clerk" }, rights = ["see below", "move below"] }
head = { title = { zh = "主任", en = "head" }, rights = ["see below", "decide below"] }
[unit.HQ]
title = "总部"
head = "head"
[unit.HQ.post]
clerk = "chen"
head = "liu"
[[bind]]
pack = "desk"
unit = "HQ"
from = "2026-01-01"
[[bind]]
pack = "basics"
unit = "HQ"
from = "2026-01-01"
[[plays]]
pack = "desk"
[plays.role]
clerk = "clerk"
head = "head"
[[plays]]
pack = "basics"
[plays.role]
duty-desk = "clerk"
duty-desk-head = "head"
system-administrator = "head"
[person.chen]
name = "陈"
[person.liu]
name = "刘"
"#;

fn calendar(holidays: &str) -> String {
    format!(
        "[calendar]\nname = \"office\"\ntitle = {{ zh = \"办公\", en = \"Office\" }}\nzone = \"Asia/Shanghai\"\nholidays = [{holidays}]\n[calendar.weekly]\n{}",
        ["mon", "tue", "wed", "thu", "fri"].map(|day| format!("{day} = [[\"09:00\", \"17:00\"]]\n")).concat()
    )
}

pub(crate) fn policy(holidays: &str) -> Policy {
    edited(holidays, &[])
}

/// With some text of the pack replaced, which must stand there.
pub(crate) fn edited(holidays: &str, edits: &[(&str, &str)]) -> Policy {
    let pack = edits.iter().fold(PACK.to_owned(), |pack, (from, to)| {
        assert!(pack.contains(from), "no {from}");
        pack.replacen(from, to, 1)
    });
    let basics = include_str!("../../../../policies/basics.toml");
    let sources = [
        ("desk.toml", pack),
        ("basics.toml", basics.to_owned()),
        ("organisation.toml", ORGANISATION.to_owned()),
        ("office.toml", calendar(holidays)),
    ];
    let sources: Vec<PolicySource> = sources.into_iter().map(|(name, text)| PolicySource { name: name.into(), text }).collect();
    Policy::compile(&sources).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// A wall time in Shanghai.
pub(crate) fn at(wall: &str) -> Timestamp {
    format!("2026-03-{wall}:00+08:00").replace(' ', "T").parse().unwrap()
}

pub(crate) fn facts(severity: &str, visit_on: Option<&str>) -> Value {
    json!({ "pack": "desk", "kind": "request", "unit": "HQ", "case": CASE.to_string(), "number": "R-1", "severity": severity,
            "channel": "phone", "fields": visit_on.map_or_else(|| json!({}), |date| json!({ "visit_on": date })) })
}

const CASE: Uuid = Uuid::from_u128(9);

pub(crate) fn event(name: &str, version: i64, time: Timestamp, facts: &Value) -> Event {
    Event {
        id: ids::derived("test", &[name, &version.to_string()]),
        subject: format!("duban.intake.v1.case.{name}"),
        time,
        about: format!("case/{CASE}"),
        version,
        policy: 1,
        case: Some(CASE),
        traceparent: None,
        body: serde_json::to_vec(facts).unwrap(),
    }
}

/// The duty of a rule, opened on Monday 2 March at ten.
pub(crate) fn opened(policy: &Policy, rule: &str) -> Duty {
    opened_for(policy, rule, &facts("ordinary", None))
}

pub(crate) fn opened_for(policy: &Policy, rule: &str, facts: &Value) -> Duty {
    let effects = rules::effects(&event("registered", 1, at("02 10:00"), facts), facts, policy, 1, None);
    effects.opens.into_iter().find(|duty| duty.rule == rule).unwrap()
}

fn told(duty: &mut Duty, policy: &Policy, version: i64, time: Timestamp, facts: &Value) -> bool {
    let moment = Moment::of(&event("told", version, time, facts));
    let Some(retimed) = by_facts(duty, &moment, facts, policy) else { return false };
    retime(duty, retimed, &moment, facts, time, policy);
    true
}

#[test]
fn a_date_that_is_put_in_later_moves_the_due_time_and_what_hangs_on_it() {
    let policy = policy("");
    let mut duty = opened(&policy, "visit");
    assert_eq!(duty.due_at, at("05 10:00"));
    assert!(told(&mut duty, &policy, 2, at("03 09:00"), &facts("ordinary", Some("2026-03-10"))));
    assert_eq!(duty.due_at, at("11 00:00"), "the date's end");
    assert_eq!(duty.terms.plan.reminders, [at("10 00:00")]);
    assert_eq!(duty.terms.plan.rungs.iter().map(|rung| rung.at).collect::<Vec<_>>(), [at("11 00:00"), at("12 09:00")]);
    assert_eq!((duty.run, duty.next_at), (2, Some(at("10 00:00"))));
    // Told twice, or by an older event that is read late, nothing more happens; a newer date moves it again.
    assert!(!told(&mut duty, &policy, 2, at("03 09:00"), &facts("ordinary", Some("2026-03-10"))));
    assert!(!told(&mut duty, &policy, 2, at("03 08:00"), &facts("ordinary", Some("2026-03-06"))));
    assert!(told(&mut duty, &policy, 3, at("04 09:00"), &facts("ordinary", Some("2026-03-06"))));
    assert_eq!(duty.due_at, at("07 00:00"));
}

#[test]
fn what_is_overdue_or_ended_is_not_timed_anew() {
    let policy = policy("");
    let later = facts("ordinary", Some("2026-03-20"));
    let mut overdue = opened(&policy, "visit");
    overdue.breached_at = Some(at("05 10:00"));
    assert!(!told(&mut overdue, &policy, 2, at("04 09:00"), &later));
    let mut unnoticed = opened(&policy, "visit");
    assert!(!told(&mut unnoticed, &policy, 2, at("05 10:01"), &later), "after its time");
    let mut ended = opened(&policy, "visit");
    ended.state = State::ClosedInTime;
    assert!(!told(&mut ended, &policy, 2, at("04 09:00"), &later));
}

#[test]
fn a_severity_that_is_put_right_counts_from_where_it_counted_and_keeps_pauses() {
    let policy = policy("");
    let mut duty = opened(&policy, "answer");
    assert_eq!(duty.due_at, at("09 10:00"));
    duty.shifts.pauses.push(Span { from: at("02 11:00"), until: at("02 13:00") });
    let mut facts = facts("grave", None);
    // Not said to be put right: nothing.
    assert!(!told(&mut duty, &policy, 2, at("02 14:00"), &facts));
    facts["before"] = json!({ "pack": "desk", "kind": "request", "severity": "ordinary" });
    assert!(told(&mut duty, &policy, 3, at("02 14:00"), &facts));
    assert_eq!(duty.settled_due(), at("03 10:00"), "eight working hours from ten");
    assert_eq!(duty.due_at, at("03 12:00"), "and the two that were paused");
}

#[test]
fn a_kind_that_is_put_right_counts_from_where_it_counted_and_keeps_pauses() {
    let appeal = "[kind.appeal]\ntitle = { zh = \"申诉\", en = \"Appeal\" }\nnumber = \"A-{seq}\"\n[kind.appeal.stage]\n\
                  received = { title = { zh = \"已受理\", en = \"received\" } }\nclosed = { title = { zh = \"已办结\", en = \"closed\" }, terminal = true }\n\
                  [kind.appeal.move.close]\ntitle = { zh = \"办结\", en = \"close\" }\nfrom = \"received\"\nto = \"closed\"\nby = \"clerk\"\n\
                  event = \"settled\"\noutcome = \"settled\"\n\n[duty.visit]";
    let longer = "within = [{ when = { kind = \"appeal\" }, within = \"10wd\" }, { when = { severity = \"grave\" }";
    let policy = edited("", &[("[duty.visit]", appeal), ("within = [{ when = { severity = \"grave\" }", longer)]);
    let mut duty = opened(&policy, "answer");
    assert_eq!(duty.due_at, at("09 10:00"));
    duty.shifts.pauses.push(Span { from: at("02 11:00"), until: at("02 13:00") });
    let mut facts = facts("ordinary", None);
    facts["kind"] = "appeal".into();
    facts["before"] = json!({ "pack": "desk", "kind": "request", "severity": "ordinary" });
    assert!(told(&mut duty, &policy, 2, at("04 14:00"), &facts));
    assert_eq!(duty.settled_due(), at("16 10:00"), "ten working days from where it counted");
    assert_eq!(duty.due_at, at("16 12:00"), "and the two hours that were paused");
    // And back again, as if nothing had been.
    facts["kind"] = "request".into();
    facts["before"] = json!({ "pack": "desk", "kind": "appeal", "severity": "ordinary" });
    assert!(told(&mut duty, &policy, 3, at("05 09:00"), &facts));
    assert_eq!((duty.settled_due(), duty.due_at), (at("09 10:00"), at("09 12:00")));
}
