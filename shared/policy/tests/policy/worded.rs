//! Parameters where a rule has more than a figure: reminders, pauses, from when time counts, how long before a date, how many repeats, words.

use crate::small_set::{ORGANISATION, PACK, set};
use crate::world::{case, listed, shanghai, wall};
use duban_policy::policy::{EventFacts, OpenedDuty};
use duban_policy::{Diagnostic, Policy};
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
            "[kind.complaint.field.arrives]\ntitle = \"到达\"\ntype = \"datetime\"\n\n[kind.complaint.field.amount]",
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
    assert_eq!(due("STALL", json!({ "fields": { "arrives": "2026-03-10 12:00" } })), "2026-03-10 10:00");
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

/// A date and time is the unit's own wall time, however it is written; what is said in another zone is none.
#[test]
fn a_date_and_time_is_read_as_people_write_it() {
    let policy = policy();
    let field = policy.kind("shop", "complaint").unwrap().fields.iter().find(|field| field.id == "arrives").unwrap();
    let read = |text: &str| field.normal(&json!(text)).map(|value| value.as_str().unwrap_or_default().to_owned());
    for written in
        ["2026-03-10 09:05", "2026-03-10T09:05", "2026-03-10T09:05:00", "2026/3/10 09:05", "2026年3月10日 09:05", "2026年3月10日09：05"]
    {
        assert_eq!(read(written).as_deref(), Some("2026-03-10 09:05"), "{written}");
    }
    assert_eq!(read("2026-03-10 09:05:30").as_deref(), Some("2026-03-10 09:05:30"));
    for written in
        ["2026-03-10", "09:05", "2026-03-10T09:05Z", "2026-03-10T09:05+08:00", "2026-03-10 25:00", "2026-02-30 09:05", "2026-03-10 9"]
    {
        assert_eq!(read(written), None, "{written}");
    }
}

const SPOKEN: &str = r#"
interpretation = "{interpreter}"

[parameter.interpreter]
title = "由谁解释"
value = { zh = "由行政部解释", en = "interpreted by administration" }

[parameter.kept_since]
title = "保管期限起算"
value = { zh = "自办结之日起", en = "from closure" }

[parameter.columns]
title = "统计表栏目"
value = { zh = "件数、金额", en = "number, amount" }

[parameter.holidays]
title = "问候的节日"
value = { zh = "法定节假日", en = "statutory holidays" }

[parameter.important]
title = "何为重要"
value = { zh = "重要文件须经批准", en = "important documents need approval" }

[parameter.channels]
title = "可用的渠道"
value = { zh = "以任何渠道外传", en = "sending it by any channel" }

[report.overview]
title = "概况"
article = "27"
from = "clerk"
figures = ["{columns}", "说明"]

[record.file]
title = "档案"
article = "11"
kept = "10y"
kept_from = "{kept_since}"
copy = { by = "boss", says = "{important}" }

[notice.greeting]
title = "问候"
article = "14"
occasion = "{holidays}"
to = "boss"

[conduct.leak]
title = "保密"
article = "4"
forbids = "{channels}"

"#;

const SPOKEN_OTHERWISE: &str = r#"
[[parameter]]
pack = "shop"
name = "kept_since"
value = { zh = "自入店之日起", en = "from arrival at the shop" }

[[parameter]]
pack = "shop"
name = "columns"
value = "件数"

[[parameter]]
pack = "shop"
name = "interpreter"
value = { zh = "由店长解释", en = "interpreted by the boss" }

[person]
"#;

fn spoken(pack: (&str, &str), overrides: &str) -> Result<Policy, String> {
    let head = "regulation = \"R07\"\n";
    let text = PACK.replacen(head, &format!("{head}{SPOKEN}"), 1);
    assert!(text.contains("{interpreter}") && text.contains(pack.0));
    let text = text.replacen(pack.0, pack.1, 1);
    let organisation = ORGANISATION.replacen("[person]\n", overrides, 1);
    Policy::compile(&set(&text, &organisation)).map_err(|faults| listed(&faults))
}

/// What a source leaves open in words is the organisation's to say, too; where it says nothing, the pack's words stand.
#[test]
fn words_may_be_the_organisations_own() {
    let said = |policy: &Policy, place: &str| {
        let said = policy.explain(&format!("shop/{place}"), None, shanghai("2026-03-08 10:00")).unwrap();
        format!("{} {}", said.zh, said.en)
    };
    let (own, others) = (spoken(("", ""), SPOKEN_OTHERWISE).unwrap(), spoken(("", ""), "[person]\n").unwrap());
    for (place, of_the_pack, of_the_organisation) in [
        ("record.file", ["自办结之日起", "from closure"], ["自入店之日起", "from arrival at the shop"]),
        ("report.overview", ["件数、金额、说明", "number, amount"], ["件数、说明", "件数"]),
        ("notice.greeting", ["法定节假日", "statutory holidays"], ["法定节假日", "statutory holidays"]),
        ("conduct.leak", ["以任何渠道外传", "sending it by any channel"], ["以任何渠道外传", "by any channel"]),
        ("pack", ["由行政部解释", "interpreted by administration"], ["由店长解释", "interpreted by the boss"]),
    ] {
        for (policy, words) in [(&others, of_the_pack), (&own, of_the_organisation)] {
            let said = said(policy, place);
            assert!(words.iter().all(|words| said.contains(words)), "{place}: {said}");
        }
    }
    let differences: Vec<String> = others.changes_to(&own).into_iter().map(|change| change.sentence().zh).collect();
    assert!(differences.iter().any(|change| change.contains("自办结之日起 → 自入店之日起")), "{differences:?}");
}

#[test]
fn a_parameters_words_in_chinese_alone_are_told_where_english_is_declared_and_names_of_roles_are_not() {
    let plays = "\n[[plays]]\npack = \"shop\"\nrole = { clerk = \"店长\" }\n";
    let declared = ("calendar = \"always\"", "languages = [\"zh\", \"en\"]\ncalendar = \"always\"");
    let organisation = ORGANISATION.replacen("[person]\n", &format!("{plays}{SPOKEN_OTHERWISE}"), 1).replacen(declared.0, declared.1, 1);
    let head = "regulation = \"R07\"\n";
    let pack = PACK.replacen(head, &format!("{head}{SPOKEN}"), 1);
    let told = Policy::compile(&set(&pack, &organisation)).unwrap_err();
    let told = |line: &str| {
        let at = organisation.lines().position(|written| written == line).unwrap() + 1;
        let is_there = |fault: &&Diagnostic| fault.file == "organisation.toml" && fault.code == "missing-language" && fault.line == at;
        told.iter().filter(is_there).count()
    };
    assert_eq!(told("value = \"件数\""), 1);
    assert_eq!(told("value = { zh = \"由店长解释\", en = \"interpreted by the boss\" }"), 0);
    assert_eq!(told("role = { clerk = \"店长\" }"), 0);
}

#[test]
fn words_that_are_no_figure_and_figures_that_are_two_are_refused() {
    let wrong = spoken(("kept_from = \"{kept_since}\"", "kept_from = \"{kept_sinse}\""), "[person]\n").unwrap_err();
    assert!(wrong.contains("kept_sinse") && wrong.contains("kept_since"), "{wrong}");
    let wrong = spoken(("kept = \"10y\"", "kept = \"{kept_since}\""), "[person]\n").unwrap_err();
    assert!(wrong.contains("how long something is kept"), "{wrong}");
    let two = "value = { zh = \"2h\", en = \"3h\" }";
    let wrong = spoken(("value = \"5000\"", two), "[person]\n").unwrap_err();
    assert!(wrong.contains("a figure is the same in every language"), "{wrong}");
    let overridden = "[[parameter]]\npack = \"shop\"\nname = \"large\"\nvalue = { zh = \"2\", en = \"3\" }\n\n[person]\n";
    let wrong = spoken(("", ""), overridden).unwrap_err();
    assert!(wrong.contains("a figure is the same in every language"), "{wrong}");
}

/// What comes round once a year may do so with any month's end, and is called after the year in which that is.
#[test]
fn a_year_may_end_with_another_month() {
    let yearly = |word: &str| {
        let pack = PACK.replacen("every = \"month\"\nwithin = \"by the 10th\"", &format!("every = \"{word}\"\nwithin = \"10d\""), 1);
        Policy::compile(&set(&pack, ORGANISATION)).map_err(|faults| listed(&faults))
    };
    let rounds = |word: &str, from: &str, to: &str| -> Vec<(String, String, String)> {
        let found = yearly(word).unwrap().recurring(shanghai(from), shanghai(to));
        found.into_iter().map(|round| (round.period, wall(round.at), wall(round.duty.due))).collect()
    };
    let november = rounds("year to november", "2026-01-01 00:00", "2027-01-31 00:00");
    assert_eq!(november.first().unwrap(), &("2026".into(), "2026-12-01 00:00".into(), "2026-12-11 00:00".into()));
    assert!(november.iter().all(|round| round == &november[0]), "{november:?}");
    let [calendar, december] = ["year", "year to december"].map(|word| rounds(word, "2026-01-01 00:00", "2027-01-31 00:00"));
    assert_eq!((calendar[0].1.as_str(), &calendar), ("2027-01-01 00:00", &december));
    let said = yearly("year to november").unwrap().explain("shop/statistics", None, shanghai("2026-03-08 10:00")).unwrap();
    assert!(said.zh.contains("每年（至11月底止）") && said.en.contains("every year to the end of November"), "{said:?}");
    let wrong = yearly("year to movember").unwrap_err();
    assert!(wrong.contains("year to movember"), "{wrong}");
}
