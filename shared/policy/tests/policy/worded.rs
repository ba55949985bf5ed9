//! Parameters where a rule has more than a figure: reminders, pauses, from when time counts, how long before a date, how many repeats.

use crate::refused::{ORGANISATION, PACK, set};
use crate::world::{case, listed, shanghai, wall};
use duban_policy::Policy;
use duban_policy::policy::{EventFacts, OpenedDuty};
use serde_json::{Value, json};

const PARAMETERS: &str = r#"
[parameter.remind_at]
title = "提醒时间"
value = "80%"

[parameter.pause_most]
title = "可暂停多久"
value = "never"

[parameter.counts_from]
title = "起算时间"
value = "event"

[parameter.early]
title = "提前量"
value = "30m"

[parameter.times]
title = "第几次重复"
value = "2"

[role]
"#;

/// The stall has its own figures.
const OF_THE_STALL: &str = r#"
[[parameter]]
pack = "shop"
name = "remind_at"
value = "2d before"
unit = "STALL"

[[parameter]]
pack = "shop"
name = "pause_most"
value = "5d"
unit = "STALL"

[[parameter]]
pack = "shop"
name = "counts_from"
value = "received_at"
unit = "STALL"

[[parameter]]
pack = "shop"
name = "early"
value = "2h"
unit = "STALL"

[[parameter]]
pack = "shop"
name = "times"
value = "1"
unit = "STALL"

[person]
"#;

fn policy() -> Policy {
    with(OF_THE_STALL)
}

fn with(of_the_stall: &str) -> Policy {
    let replaced = [
        ("[role]\n", PARAMETERS),
        (
            "within = \"7d\"\nremind = \"12h before\"",
            "within = \"7d\"\nremind = \"{remind_at}\"\npause = \"{pause_most}\"\nfrom = \"{counts_from}\"",
        ),
        ("within = \"{soon}\"", "within = { field = \"arrives\", before = \"{early}\", within = \"{soon}\" }"),
        (
            "when = { amount = \"> {large}\" }",
            "when = { any = [{ amount = \"> {large}\" }, { repeats = { at_least = \"{times}\", within = \"90d\" } }] }",
        ),
        (
            "[kind.complaint.field.amount]",
            "[kind.complaint.field.arrives]\ntitle = \"到达\"\ntype = \"date\"\n\n[kind.complaint.field.amount]",
        ),
    ];
    let pack = replaced.iter().fold(PACK.to_owned(), |pack, (old, new)| {
        assert!(pack.contains(old), "{old}");
        pack.replacen(old, new, 1)
    });
    let organisation = ORGANISATION.replacen("[person]\n", of_the_stall, 1);
    Policy::compile(&set(&pack, &organisation)).unwrap_or_else(|faults| panic!("{}", listed(&faults)))
}

fn registered(policy: &Policy, unit: &str, more: Value) -> Vec<OpenedDuty> {
    let facts = case("shop", "complaint", unit, more);
    policy.duties_opened(&EventFacts { name: "case.registered", time: shanghai("2026-03-08 10:00"), facts: &facts })
}

fn of<'a>(duties: &'a [OpenedDuty], rule: &str) -> &'a OpenedDuty {
    duties.iter().find(|duty| duty.rule == rule).unwrap()
}

#[test]
fn a_reminder_and_a_beginning_are_what_the_unit_says() {
    let policy = policy();
    let told = |unit: &str| {
        let duties = registered(&policy, unit, json!({}));
        let close = of(&duties, "close");
        (wall(close.from), wall(close.due), close.plan.reminders.iter().map(|at| wall(*at)).collect::<Vec<_>>())
    };
    // The event: seven days from registration, reminded after four fifths of them.
    assert_eq!(told("SHOP"), ("2026-03-08 10:00".into(), "2026-03-15 10:00".into(), vec!["2026-03-14 00:24".to_owned()]));
    // From receipt, two days before.
    assert_eq!(told("STALL"), ("2026-03-06 18:40".into(), "2026-03-13 18:40".into(), vec!["2026-03-11 18:40".to_owned()]));
}

#[test]
fn whether_a_clock_may_be_stopped_is_what_the_unit_says() {
    let policy = policy();
    assert!(!policy.may_be_paused("shop", "close", "SHOP") && policy.pause_allowed("shop", "close", "SHOP").is_none());
    assert!(policy.may_be_paused("shop", "close", "STALL"));
    assert_eq!(policy.pause_allowed("shop", "close", "STALL").map(|span| span.to_string()).as_deref(), Some("5d"));
}

#[test]
fn a_term_may_end_so_long_before_the_date_in_a_field() {
    let policy = policy();
    let due = |unit: &str, more: Value| wall(of(&registered(&policy, unit, more), "accept").due);
    assert_eq!(due("SHOP", json!({ "fields": { "arrives": "2026-03-10" } })), "2026-03-10 23:30");
    assert_eq!(due("STALL", json!({ "fields": { "arrives": "2026-03-10T12:00:00+08:00" } })), "2026-03-10 10:00");
    assert_eq!(due("SHOP", json!({})), "2026-03-09 10:00", "else the term");
    // What has passed is due at once, not before it began.
    assert_eq!(due("SHOP", json!({ "fields": { "arrives": "2026-03-01" } })), "2026-03-08 10:00");
}

#[test]
fn how_many_repeats_count_is_what_the_unit_says() {
    let policy = policy();
    let kind = policy.kind("shop", "complaint").unwrap();
    let severity = |unit: &str, repeats: i64| policy.severity_of(kind, &case("shop", "complaint", unit, json!({ "repeats": repeats }))).0;
    assert_eq!(
        [severity("SHOP", 1), severity("SHOP", 2), severity("STALL", 1), severity("STALL", 0)],
        ["ordinary", "major", "major", "ordinary"]
    );
}

/// What is said of them where the rule is explained, with the figures of the whole organisation.
#[test]
fn they_are_explained_by_what_they_say() {
    let said = |rule: &str| {
        let said = policy().explain(rule, None, shanghai("2026-03-08 10:00")).unwrap();
        format!("{}\n{}\n", said.zh, said.en)
    };
    insta::assert_snapshot!(format!("{}\n{}", said("shop/close"), said("shop/accept")));
}

/// A correction cannot move duties to another beginning, since the date of then is not kept: also where a parameter says it.
#[test]
fn another_beginning_by_parameter_is_no_correction() {
    let (old, new) = (policy(), with(&OF_THE_STALL.replacen("received_at", "occurred_at", 1)));
    let wrong = old.correctable(&new, &["shop/close".to_owned()]).unwrap_err();
    assert!(wrong[0].wrong.en.contains("from when time counts"), "{wrong:?}");
}
