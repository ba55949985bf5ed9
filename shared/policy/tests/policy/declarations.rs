//! Declarations: what is refused of them, how they explain themselves, how they are compared and counted.

use crate::small_set::{ORGANISATION, PACK, said, set};
use crate::world::{listed, shanghai};
use duban_policy::Policy;
use proptest::prelude::*;
use std::fmt::Write;

const DECLARED: &str = r#"
[parameter.limit]
title = { zh = "权限金额", en = "limit of authority" }
value = "10000"

[parameter.regularly]
title = { zh = "定期", en = "regularly" }
value = "quarter"

[parameter.retention]
title = { zh = "保管期限", en = "retention" }
value = "10y"

[decision.refund]
title = { zh = "退款审批", en = "refund" }
article = "18"
rule = "R07.18"
of = "complaint"
asked_by = "clerk"
not_by = "handler"
field.reason = { title = { zh = "理由", en = "reason" }, type = "text", required = true }
field.witness = { title = { zh = "见证人", en = "witness" }, type = "person" }
steps = [
  { by = ["boss", "handler"], title = { zh = "审核", en = "review" }, within = "2wd" },
  { by_all = ["superior", { field = "witness" }], when = { amount = "> {limit}" } },
]

[form.card]
title = { zh = "投诉记录卡", en = "complaint record card" }
article = "15"
register = true
kept_by = ["clerk", "boss"]
copies = 3
decision = "refund"
field.got_on = { title = { zh = "收到日期", en = "received on" }, type = "date", required = true }

[report.overview]
title = { zh = "投诉概况", en = "overview of complaints" }
article = "27"
every = "{regularly}"
within = "by the 10th"
from = "clerk"
to = "boss"
figures = [{ zh = "收到件数", en = "received" }, { zh = "办结件数", en = "closed" }]
release = "decision.refund"
duty = "statistics"

[record.file]
title = { zh = "投诉档案", en = "complaint files" }
article = "11"
grade = "confidential"
custodian = "clerk"
holds = ["complaint", "form.card"]
index = "DA-{unit}-{yyyy}-{seq}"
kept = "{retention}"
kept_from = { zh = "自结案之日起", en = "from closure" }
access = { by = "boss" }
loan = { decision = "refund", for = "3d" }
copy = { never = true }
inspected = "half-year"
field.shelf = { title = { zh = "架位", en = "shelf" }, type = "text" }

[notice.answer]
title = { zh = "书面答复", en = "written answer" }
article = "14"
on = { on = "case.settled", when = { demand = "return" } }
to = ["reporter", "boss"]
by = ["letter", "sms"]
within = "24h"
receipt = true
message = "answer"

[message.answer]
subject = { zh = "{number}的答复", en = "Answer to {number}" }
body = { zh = "您的投诉{number}已处理。", en = "Your complaint {number} has been dealt with." }

[survey.satisfaction]
title = { zh = "满意度调查", en = "satisfaction" }
article = "14"
on = "case.closed"
to = "reporter"
by = "telephone"
questions = [{ zh = "态度", en = "attitude" }]
grades = [{ zh = "满意", en = "satisfied" }, { zh = "不满意", en = "not satisfied" }]
from_share = "100%"

[quota.visits]
title = { zh = "拜访", en = "visits" }
article = "4"
every = "month"
of = { zh = "投诉客户", en = "customers who complained" }
at_least = 2
per = "clerk"
counts = { on = ["case.registered", "case.sorted"], when = { kind = "complaint" } }
duty = "close"

[conduct.argue]
title = { zh = "不得争执", en = "no arguing" }
article = "4"
forbids = { zh = "与客户争执", en = "arguing with customers" }
applies_to = "clerk"
consequence = { zh = "计入当月考核", en = "it counts in the month's appraisal" }
kind = "complaint"
"#;

/// The steps of the decision, as they stand there.
const STEPS: &str = r#"steps = [
  { by = ["boss", "handler"], title = { zh = "审核", en = "review" }, within = "2wd" },
  { by_all = ["superior", { field = "witness" }], when = { amount = "> {limit}" } },
]"#;

fn with(declared: &str) -> String {
    format!("{PACK}{declared}")
}

fn compiled(declared: &str) -> Policy {
    Policy::compile(&set(&with(declared), ORGANISATION)).unwrap_or_else(|faults| panic!("{}", listed(&faults)))
}

/// What stands in the declarations, and what is written instead.
const REFUSED: &[(&str, &str, &str)] = &[
    ("a decision that nobody declared", "decision = \"refund\"\nfield", "decision = \"refunds\"\nfield"),
    ("a decision of nothing", "of = \"complaint\"\nasked", "of = \"complain\"\nasked"),
    ("a decision without a list of steps", "steps = [\n", "stages = [\n"),
    ("a decision that nobody signs", STEPS, "steps = []"),
    ("a step that nobody signs", "by = [\"boss\", \"handler\"], title", "title"),
    ("a step signed by any and by all", "by = [\"boss\", \"handler\"], title", "by = \"boss\", by_all = \"boss\", title"),
    ("a step that only the asker could sign", "by = [\"boss\", \"handler\"], title", "by = \"clerk\", title"),
    ("a step whose signers are all ruled out", "by = [\"boss\", \"handler\"], title", "by = \"handler\", title"),
    ("a step signed by who signed before", "by_all = [\"superior\", { field = \"witness\" }]", "by = \"boss\""),
    ("a signer who is no role", "by = [\"boss\", \"handler\"], title", "by = \"bos\", title"),
    ("a signer from a field without people", "{ field = \"witness\" }", "{ field = \"reason\" }"),
    ("a condition on something else", "amount = \"> {limit}\"", "sum = \"> {limit}\""),
    ("a condition of another type", "amount = \"> {limit}\"", "amount = true"),
    ("a parameter that is not there", "amount = \"> {limit}\"", "amount = \"> {limits}\""),
    ("a field that the kind has", "field.reason", "field.demand"),
    ("a time that is none", "within = \"2wd\"", "within = \"2days\""),
    ("a key that steps do not have", "within = \"2wd\"", "before = \"2wd\""),
    ("a rule of another regulation", "rule = \"R07.18\"", "rule = \"R08.18\""),
    ("no copies", "copies = 3", "copies = 0"),
    ("copies in words", "copies = 3", "copies = \"three\""),
    ("a keeper whom nobody knows", "kept_by = [\"clerk\", \"boss\"]", "kept_by = [\"clerk\", \"bosss\"]"),
    ("a type that fields do not have", "type = \"date\"", "type = \"day\""),
    ("a period that is none", "every = \"month\"\nof", "every = \"moon\"\nof"),
    ("a parameter that is no period", "value = \"quarter\"", "value = \"3mon\""),
    ("a duty that does not come back", "duty = \"statistics\"", "duty = \"close\""),
    ("a report that nobody makes", "from = \"clerk\"\nto", "to"),
    ("a grade that there is not", "grade = \"confidential\"", "grade = \"confidental\""),
    ("something held that there is not", "\"form.card\"]", "\"form.cards\"]"),
    ("an index without a sequence", "DA-{unit}-{yyyy}-{seq}", "DA-{unit}-{yyyy}"),
    ("a parameter that is no time to keep something", "value = \"10y\"", "value = \"10wd\""),
    ("a time to keep that is none", "kept = \"{retention}\"", "kept = \"for ever\""),
    ("a start without a time", "kept = \"{retention}\"\n", ""),
    ("a loan without an end", "for = \"3d\"", "for = \"3\""),
    ("forbidden and decided on", "copy = { never = true }", "copy = { never = true, decision = \"refund\" }"),
    ("an event that nothing tells", "on = \"case.settled\"", "on = \"case.setled\""),
    ("a notice on nothing", "on = { on = \"case.settled\", when = { demand = \"return\" } }\n", ""),
    ("a notice to nobody", "to = [\"reporter\", \"boss\"]\n", ""),
    ("a way that there is not", "by = [\"letter\", \"sms\"]", "by = [\"letter\", \"smss\"]"),
    ("a message that there is not", "message = \"answer\"", "message = \"reply\""),
    ("personal text in a message", "您的投诉{number}", "您的电话{phone}"),
    ("a place that the event does not have", "Your complaint {number}", "Your complaint {nummber}"),
    ("a message without words", "body = { zh = \"您的投诉{number}已处理。\", en = \"Your complaint {number} has been dealt with.\" }", ""),
    ("one grade", ", { zh = \"不满意\", en = \"not satisfied\" }]", "]"),
    ("a share above all", "from_share = \"100%\"", "from_share = \"120%\""),
    ("a quota without a figure", "at_least = 2\n", ""),
    ("a figure that is none", "at_least = 2", "at_least = \"two\""),
    ("a quota's duty that there is not", "duty = \"close\"", "duty = \"closes\""),
    ("conduct that is neither", "forbids = { zh = \"与客户争执\", en = \"arguing with customers\" }\n", ""),
    ("conduct that is both", "forbids =", "requires = \"礼貌\"\nforbids ="),
    ("a kind for breaches that there is not", "kind = \"complaint\"\n", "kind = \"conduct\"\n"),
    ("a declaration without an article", "article = \"14\"\non = \"case.closed\"", "on = \"case.closed\""),
];

#[test]
fn the_declarations_are_good() {
    let policy = compiled(DECLARED);
    assert!(policy.remarks().is_empty(), "{}", listed(policy.remarks()));
}

#[test]
fn every_fault_of_a_declaration_is_told_with_its_place_and_what_to_write() {
    let mut told = String::new();
    for (name, good, bad) in REFUSED {
        assert!(DECLARED.contains(good), "{name}");
        let _ = writeln!(told, "# {name}\n{}", said(&set(&with(&DECLARED.replacen(good, bad, 1)), ORGANISATION)));
    }
    assert!(!told.contains("(no error)"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_declared_and_unused_or_unplayed_is_remarked() {
    let unsent = DECLARED.replacen("message = \"answer\"\n", "", 1);
    let unplayed =
        DECLARED.replacen("[parameter.limit]", "[role.auditor]\ntitle = { zh = \"审计\", en = \"auditor\" }\n\n[parameter.limit]", 1);
    let unplayed = unplayed.replacen("custodian = \"clerk\"", "custodian = \"auditor\"", 1);
    let idle = DECLARED.replacen("[parameter.limit]", "[role.idle]\ntitle = { zh = \"闲职\", en = \"sinecure\" }\n\n[parameter.limit]", 1);
    let said = |declared: &str| listed(compiled(declared).remarks());
    insta::assert_snapshot!([said(&unsent), said(&unplayed), said(&idle)].join("\n"));
}

/// The organisation's own figures must be what the declarations need, and years may stand for days.
#[test]
fn an_organisation_may_override_what_declarations_use() {
    let overridden = |name: &str, value: &str| {
        let own = format!("{ORGANISATION}\n[[parameter]]\npack = \"shop\"\nname = \"{name}\"\nvalue = \"{value}\"\n");
        said(&set(&with(&DECLARED.replacen("value = \"10y\"", "value = \"30d\"", 1)), &own))
    };
    for (name, value) in [("retention", "10y"), ("retention", "for good"), ("regularly", "half-year"), ("limit", "20000")] {
        assert_eq!(overridden(name, value), "(no error)\n", "{name} = {value}");
    }
    let refused = [("retention", "3wd"), ("regularly", "3mon"), ("limit", "much")].map(|(name, value)| overridden(name, value));
    insta::assert_snapshot!(refused.join("\n"));
}

#[test]
fn self_approval_lets_who_asked_sign() {
    let alone = DECLARED.replacen("by = [\"boss\", \"handler\"], title", "by = \"clerk\", title", 1);
    assert!(Policy::compile(&set(&with(&alone), ORGANISATION)).is_err());
    compiled(&alone.replacen("not_by = \"handler\"", "self_approval = true", 1));
}

/// Two steps that may exclude each other can have the same signer; two that always come cannot.
#[test]
fn steps_with_conditions_are_not_held_against_each_other() {
    let steps = |first: &str| {
        let written = format!("steps = [{{ by = \"boss\"{first} }}, {{ by = \"boss\", when = {{ amount = \"> {{limit}}\" }} }}]");
        DECLARED.replacen(STEPS, &written, 1)
    };
    compiled(&steps(", when = { amount = \"<= {limit}\" }"));
    assert!(Policy::compile(&set(&with(&steps("")), ORGANISATION)).is_err());
}

#[test]
fn every_declaration_explains_itself_in_both_languages() {
    let policy = compiled(DECLARED);
    let at = shanghai("2026-03-06 18:40");
    let places: Vec<String> = policy.pack("shop").unwrap().declarations.stated().map(|stated| stated.place()).collect();
    assert_eq!(places.len(), 9);
    let mut told = String::new();
    for place in &places {
        let words = policy.explain(&format!("shop/{place}"), None, at).unwrap();
        assert_eq!(policy.explain(place, None, at), Some(words.clone()), "{place}");
        let _ = writeln!(told, "{}\n{}\n", words.zh, words.en);
    }
    assert!(policy.explain("R07.18", None, at).unwrap().zh.contains("退款审批"));
    insta::assert_snapshot!(told);
}

#[test]
fn a_change_of_a_declaration_is_told_in_words() {
    let before = compiled(DECLARED);
    let after = DECLARED
        .replacen("value = \"10y\"", "value = \"for good\"", 1)
        .replacen("within = \"2wd\"", "within = \"3wd\"", 1)
        .replacen("at_least = 2", "at_least = \"{limit}\"", 1)
        .replacen("type = \"date\", required = true", "type = \"date\"", 1)
        .replacen("grade = \"confidential\"", "grade = \"绝密\"", 1);
    let mut told = String::new();
    for change in before.changes_to(&compiled(&after)) {
        let words = |title: Option<duban_policy::Title>| title.map(|title| format!("{} | {}", title.zh, title.en)).unwrap_or_default();
        let (aspect, before, after) = (words(change.aspect), words(change.before), words(change.after));
        let _ = writeln!(told, "{} ({aspect})\n  {before}\n  {after}", change.place);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_declared_is_covered_and_does_not_run() {
    let coverage = compiled(DECLARED).coverage();
    let found = coverage.iter().find(|covered| covered.id == "R07.18").unwrap();
    assert_eq!((found.rule.as_deref(), found.runs), (Some("decision.refund"), false));
    assert!(found.reason.as_deref().unwrap().contains("审批引擎"), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is cut out of, or put into, good declarations: they compile or are refused.
    #[test]
    fn no_declaration_makes_it_panic(at in 0.0..1.0_f64, cut in 0_usize..40, put in "[\\[\\]{}=\",.a-z0-9% \\n客]{0,12}") {
        let chars: Vec<char> = DECLARED.chars().collect();
        let from = (at * chars.len() as f64) as usize;
        let until = (from + cut).min(chars.len());
        let text = chars[..from].iter().collect::<String>() + &put + &chars[until..].iter().collect::<String>();
        match Policy::compile(&set(&with(&text), ORGANISATION)) {
            Ok(policy) => {
                let place = policy.pack("shop").and_then(|pack| pack.declarations.stated().next().map(|stated| stated.place()));
                let explained = place.map(|place| policy.explain(&place, None, shanghai("2026-03-06 18:40")).is_some());
                prop_assert!(explained.unwrap_or(true));
            }
            Err(faults) => prop_assert!(faults.iter().all(|fault| fault.line >= 1 && fault.column >= 1 && !fault.message_zh.is_empty())),
        }
    }
}
