//! Files that cannot be meant, each with what is said of it. One fault is put into a small good set at a time.

use crate::small_set::{ORGANISATION, PACK, said, set};
use duban_policy::{Policy, Source};
use proptest::prelude::*;
use std::fmt::Write;

const OTHER: &str = r#"
[pack]
id = "other"
title = "另一制度"
regulation = "R08"

[kind.return]
title = "退换货"
aliases = ["客户投诉"]
article = "9"
rule = "R08.25.1"
number = "TH-{seq}"

[kind.return.stage]
received = "已收到"
closed = { title = "已结案", terminal = true }

[kind.return.move.close]
title = "结案"
from = "received"
to = "closed"
event = "settled"
"#;

/// What stands in the pack, and what is written instead.
const IN_THE_PACK: &[(&str, &str, &str)] = &[
    ("an event nobody tells", r#"closes = ["case.accepted""#, r#"closes = ["case.acepted""#),
    ("a role nobody declared", r#"owed_by = "clerk""#, r#"owed_by = "clark""#),
    ("a stage that is not there", r#"to = "handling""#, r#"to = "handeling""#),
    ("a field that is not there", r#"requires = "demand""#, r#"requires = "demnad""#),
    ("a parameter that is not there", r#"within = "{soon}""#, r#"within = "{son}""#),
    ("a ladder that is not there", r#"on_miss = "ladder.shop""#, r#"on_miss = "ladder.shopp""#),
    ("a key that does not exist", "terminal = true }\n\n[kind.complaint.move", "final = true }\n\n[kind.complaint.move"),
    ("a section that does not exist", "[duty.close]", "[dutty.close]"),
    ("a key that is missing", "article = \"26\"\n", ""),
    ("a number where words belong", r#"title = "受理""#, "title = 5"),
    ("a duration without a measure", r#"within = "7d""#, r#"within = "7""#),
    ("a duration with a wrong measure", r#"within = "7d""#, r#"within = "7days""#),
    ("no time at all", r#"within = "7d""#, r#"within = "0d""#),
    ("longer than a hundred years", r#"within = "7d""#, r#"within = "70000d""#),
    ("a reminder before the beginning", r#"remind = "12h before""#, r#"remind = "8d before""#),
    ("a reminder that is none", r#"remind = "80%""#, r#"remind = "often""#),
    ("a reminder by a parameter that is not there", r#"remind = "80%""#, r#"remind = "{remnid}""#),
    ("a reminder by a parameter that is none", r#"remind = "80%""#, r#"remind = "{large}""#),
    ("a pause by a parameter that is none", "within = \"7d\"\n", "within = \"7d\"\npause = \"{large}\"\n"),
    ("a beginning by a parameter that is none", "within = \"7d\"\n", "within = \"7d\"\nfrom = \"{large}\"\n"),
    ("so long before no date", "within = \"7d\"\n", "within = { within = \"7d\", before = \"1h\" }\n"),
    ("a parameter that is no term", "value = \"1wd\"", "value = \"及时\""),
    ("a stage that nothing leads to", "handling = \"处理中\"", "handling = \"处理中\"\nwaiting = \"等待\""),
    (
        "two stages that lead to each other alone",
        "closed = { title = \"已结案\", terminal = true }",
        "closed = { title = \"已结案\", terminal = true }\napart = \"分流\"\nbeside = \"旁置\"\n\
         [kind.complaint.move.part]\ntitle = \"分开\"\nfrom = \"received\"\nto = \"apart\"\nevent = \"parted\"\n\
         [kind.complaint.move.put]\ntitle = \"旁置\"\nfrom = \"apart\"\nto = \"beside\"\nevent = \"put_beside\"\n\
         [kind.complaint.move.take]\ntitle = \"取回\"\nfrom = \"beside\"\nto = \"apart\"\nevent = \"taken_back\"",
    ),
    ("a kind that never ends", "closed = { title = \"已结案\", terminal = true }", "closed = { title = \"已结案\" }"),
    ("a duty that nothing can close", "closes = [\"case.accepted\", \"case.closed\"]", "closes = \"case.dismissed\""),
    ("a duty that nothing closes", "closes = [\"case.accepted\", \"case.closed\"]", "closes = []"),
    ("a duty whose miss nobody hears of", "[defaults]\non_miss = \"ladder.shop\"", ""),
    ("personal text in a title", "\"受理 {number}\"", "\"受理 {phone}\""),
    ("personal text in a condition", "when = { kind = \"complaint\" } }\ncloses = [", "when = { phone = \"present\" } }\ncloses = ["),
    ("a telephone that is not personal", "personal = true\n", ""),
    ("a title of something absent", "\"结案 {number}\"", "\"结案 {nummer}\""),
    ("a value that never occurs", "when = { kind = \"complaint\" } }\ncloses = [", "when = { kind = \"complain\" } }\ncloses = ["),
    ("a number compared with words", "amount = \"> {large}\"", "amount = \"> 五千\""),
    ("words compared by size", "amount = \"> {large}\"", "demand = \"> 3\""),
    ("yes or no asked of a choice", "amount = \"> {large}\"", "demand = true"),
    ("a count of what is not counted", "amount = \"> {large}\"", "amount = { at_least = 2 }"),
    ("a number of repeats that is none", "amount = \"> {large}\"", "repeats = { at_least = \"often\" }"),
    ("no repeats at all", "amount = \"> {large}\"", "repeats = { at_least = 0 }"),
    ("a number of repeats by a parameter that is none", "amount = \"> {large}\"", "repeats = { at_least = \"{soon}\" }"),
    ("a number of repeats that is a list", "amount = \"> {large}\"", "repeats = { at_least = [2] }"),
    ("a condition on something absent", "amount = \"> {large}\"", "amuont = \"> {large}\""),
    ("an expression that breaks off", "amount = \"> {large}\"", "cel = \"amount >\""),
    ("an expression on something absent", "amount = \"> {large}\"", "cel = \"amuont > 5000\""),
    ("an expression with a parameter that is not there", "amount = \"> {large}\"", "cel = \"amount > parameter.lagre\""),
    ("an expression with a parameter that is no number", "amount = \"> {large}\"", "cel = \"amount > parameter.soon\""),
    ("an expression that says neither yes nor no", "amount = \"> {large}\"", "cel = \"amount + 1\""),
    ("an expression that compares a number with text", "amount = \"> {large}\"", "cel = \"amount > 'much'\""),
    ("an expression that orders words", "amount = \"> {large}\"", "cel = \"demand > 'return'\""),
    ("an expression with a value that never occurs", "amount = \"> {large}\"", "cel = \"demand == 'retrun'\""),
    ("an expression that divides", "amount = \"> {large}\"", "cel = \"amount / 3 > 100\""),
    ("an expression with a macro", "amount = \"> {large}\"", "cel = \"[1, 2].exists(x, x > amount)\""),
    ("an expression with a function that is not there", "amount = \"> {large}\"", "cel = \"int(amount) > 3\""),
    ("a presence asked of what is no field", "amount = \"> {large}\"", "cel = \"has(handler)\""),
    ("a title in an expression that nothing has", "amount = \"> {large}\"", "cel = \"金钱 > 5000\""),
    ("a full-width sign in an expression", "amount = \"> {large}\"", "cel = \"金额 ＞ 5000\""),
    ("a condition that says nothing", "when = { amount = \"> {large}\" }", "when = {}"),
    ("one equals sign", "amount = \"> {large}\"", "cel = \"amount = 5000\""),
    ("a text in an expression that does not end", "amount = \"> {large}\"", "cel = \"demand == 'return\""),
    ("a double in an expression", "amount = \"> {large}\"", "cel = \"amount > 1e3\""),
    ("an expression with what CEL reserves", "amount = \"> {large}\"", "cel = \"amount != null\""),
    ("an expression too deep", "amount = \"> {large}\"", "cel = \"((((((((((((((((((((((((((amount))))))))))))))))))))))))))> 1\""),
    ("an expression where text is no text", "amount = \"> {large}\"", "cel = 5"),
    (
        "a personal field in an expression",
        "when = { kind = \"complaint\" } }\ncloses = [",
        "when = { cel = \"has(fields.phone)\" } }\ncloses = [",
    ),
    ("a field named like an expression", "[kind.complaint.field.amount]", "[kind.complaint.field.cel]"),
    ("a ladder with a gap", "at = \"due\"", "at = \"2h after\""),
    ("a ladder out of order", "at = \"1d after\"", "at = \"2h before\""),
    ("a rung nowhere", "at = \"1d after\"", "at = \"later\""),
    ("a rung that tells nobody", "tell = \"owner\"", "tell = []"),
    ("a rung held until something that is no time", "tell = \"owner\"", "tell = \"owner\", held = \"until morning\""),
    ("a rung that is held and goes out at any hour", "tell = \"owner\"", "tell = \"owner\", urgent = true, held = \"until working hours\""),
    ("an end of a rung that is none", "acknowledged by all", "acknowledged by everyone"),
    ("a rule of another regulation", "rule = \"R07.7a\"", "rule = \"R08.7\""),
    ("a number without a sequence", "TS-{unit}-{yyyy}-{seq}", "TS-{unit}-{yyyy}"),
    ("a place that numbers do not have", "TS-{unit}-{yyyy}-{seq}", "TS-{unit}-{year}-{seq}"),
    ("a choice of nothing", "choices = { return = \"退货\", exchange = \"换货\" }", ""),
    ("a type that fields do not have", "type = \"amount\"", "type = \"money\""),
    ("a field named like a member", "[kind.complaint.field.amount]", "[kind.complaint.field.stage]"),
    ("an event that is told anyway", "event = \"settled\"", "event = \"closed\""),
    ("a period that is none", "every = \"month\"", "every = \"fortnight\""),
    ("an id with capitals", "id = \"shop\"", "id = \"Shop\""),
    ("a return without a reason", "requires = \"demand\"\nlimit", "requires = []\nlimit"),
    (
        "a return that goes onwards",
        "from = \"handling\"\nto = \"received\"\nby = \"handler\"",
        "from = \"received\"\nto = \"handling\"\nby = \"handler\"",
    ),
    ("a return of what has ended", "from = \"handling\"\nto = \"received\"", "from = \"closed\"\nto = \"received\""),
    ("a return without end", "limit = 2", "limit = 0"),
    ("a return as often as a time", "limit = 2", "limit = \"{soon}\""),
    ("a return by a parameter that is not there", "limit = 2", "limit = \"{twice}\""),
    ("a return that nobody decides on", "decided_by = \"boss\"", "decided_by = []"),
    ("a return with an event of its own", "limit = 2", "limit = 2\nevent = \"returned\""),
    ("a return called like a move", "[kind.complaint.return.not_ours]", "[kind.complaint.return.accept]"),
    ("a calendar that is not there", "within = \"7d\"", "within = \"7d\"\ncalendar = \"alway\""),
    ("a string that does not end", "title = \"结案\"", "title = \"结案"),
    ("one title for two roles", "clerk = { title = { zh = \"店员\"", "clerk = { title = { zh = \"店长\""),
    ("one title for two choices", "exchange = \"换货\"", "exchange = \"退货\""),
    ("one title for two stages", "handling = \"处理中\"", "handling = \"已收到\""),
    ("a title without words", "title = \"金额\"", "title = \" \""),
    ("a title without Chinese words", "title = { zh = \"客户投诉\"", "title = { zh = \"\""),
    ("a duty that breeds itself", "[duty.close]", BREEDS_ITSELF),
    ("two duties that breed each other", "[duty.close]", BREED_EACH_OTHER),
    ("a duty that only its own beginning closes", "closes = [\"case.accepted\", \"case.closed\"]", "closes = \"case.registered\""),
    ("a rung that is repeated every second", "at = \"1d after\"", "at = \"1d after\", repeat = \"1s\""),
    ("a rung years after", "at = \"1d after\"", "at = \"1800d after\""),
    ("an acknowledgement that holds for decades", "tell = \"owner\"", "tell = \"owner\", hold = \"10000d\""),
    ("a term of a lifetime", "within = \"7d\"", "within = \"1100mon\""),
    ("a pause for decades", "within = \"7d\"", "within = \"7d\"\npause = \"9000d\""),
    ("any of nothing", "when = { amount = \"> {large}\" }", "when = { any = [] }"),
    ("terms of which none may count", "within = \"7d\"\n", "within = [{ when = { severity = \"major\" }, within = \"1d\" }]\n"),
    (
        "a term that never counts",
        "within = \"7d\"\n",
        "within = [{ within = \"7d\" }, { when = { severity = \"major\" }, within = \"1d\" }]\n",
    ),
    (
        "a key that closes nothing",
        "closes = \"case.closed\"\n",
        "closes = [\"case.closed\", { on = \"case.accepted\", key = \"other/{number}\" }]\n",
    ),
    (
        "a duty that closes in a stage in which its event is never told",
        "closes = [\"case.accepted\", \"case.closed\"]",
        "closes = { on = \"case.accepted\", when = { stage = \"closed\" } }",
    ),
    (
        "a reminder before the beginning in hours worked",
        "within = \"7d\"\nremind = \"12h before\"",
        "within = \"1wh\"\nremind = \"8wh before\"",
    ),
    (
        "a duty whose closing event cannot follow the one that opens it",
        "opens = [\"case.registered\", \"case.sorted\"]\ncloses = \"case.closed\"",
        "opens = \"case.settled\"\ncloses = \"case.settled\"",
    ),
    (
        "a duty that opens at the close and is closed by what comes before it",
        "opens = [\"case.registered\", \"case.sorted\"]\ncloses = \"case.closed\"",
        "opens = \"case.closed\"\ncloses = \"case.accepted\"",
    ),
    ("a round that a handler owes", "within = \"by the 10th\"\nowed_by = \"boss\"", "within = \"by the 10th\"\nowed_by = \"handler\""),
    ("money taken for a date", "within = \"7d\"\n", "within = { field = \"amount\", within = \"7d\" }\n"),
    ("time that counts from a channel", "within = \"7d\"\n", "within = \"7d\"\nfrom = \"channel\"\n"),
    ("a Chinese title nearly right", "owed_by = \"clerk\"", "owed_by = \"店圆\""),
    ("a stage's title nearly right", "to = \"handling\"", "to = \"处里中\""),
    ("a kind's title nearly right", "when = { kind = \"complaint\" } }\ncloses = [", "when = { kind = \"客户投拆\" } }\ncloses = ["),
    ("a unit that the organisation does not have", "when = { amount = \"> {large}\" }", "when = { unit = \"SHOOP\" }"),
    ("a round of no period", ", key = \"period/{unit}/{month}\"", ""),
    (
        "a case that begins at its end",
        "received = \"已收到\"\nhandling = ",
        "received = { title = \"已收到\", terminal = true }\nhandling = ",
    ),
    ("a key of another round", "key = \"period/{unit}/{month}\"", "key = \"round/{unit}/{month}\""),
    (
        "a reminder before the beginning by a parameter",
        "within = \"7d\"\nremind = \"12h before\"",
        "within = \"{soon}\"\nremind = \"2d before\"",
    ),
    ("a figure in two languages", "value = \"1wd\"", "value = { zh = \"1wd\", en = \"2wd\" }"),
    ("a year that ends with no month", "every = \"month\"", "every = \"year to nowember\""),
    ("a day of no month", "within = \"by the 10th\"", "within = \"by the 10th of the 30th month\""),
    ("numbers that two cases would share", "[duty.close]", SHARES_NUMBERS),
];

/// What is opened by its own breach.
const BREEDS_ITSELF: &str = r#"[duty.again]
title = "再查"
article = "9"
opens = [{ on = "duty.breached", key = "again/{duty}" }]
closes = "duty.closed"
owed_by = "boss"
within = "1d"

[duty.close]"#;

const BREED_EACH_OTHER: &str = r#"[duty.there]
title = "去"
article = "9"
opens = [{ on = "duty.breached", when = { rule = "back" }, key = "there/{duty}" }]
closes = "duty.closed"
owed_by = "boss"
within = "1d"

[duty.back]
title = "回"
article = "9"
opens = [{ on = "duty.opened", when = { rule = ["accept", "there"] }, key = "back/{duty}" }]
closes = "duty.closed"
owed_by = "boss"
within = "1d"

[duty.close]"#;

/// Its 0001 is the other kind's 0001.
const SHARES_NUMBERS: &str = r#"[kind.slip]
title = "便条"
number = "TS-{unit}-{yyyy}-0{seq:3}"

[kind.slip.stage]
received = "已收到"
closed = { title = "已结案", terminal = true }

[kind.slip.move.close]
title = "了结"
from = "received"
to = "closed"
by = "clerk"
event = "settled"

[duty.close]"#;

const IN_THE_ORGANISATION: &[(&str, &str, &str)] = &[
    ("a pack that is not there", "pack = \"shop\"", "pack = \"shops\""),
    ("a unit that is not there", "unit = \"SHOP\"\nfrom", "unit = \"SHOPS\"\nfrom"),
    ("a parent that is not there", "parent = \"SHOP\"", "parent = \"SOHP\""),
    ("a unit below itself", "title = \"小店\"\nhead", "title = \"小店\"\nparent = \"STALL\"\nhead"),
    ("a second root", "parent = \"SHOP\"\n", ""),
    ("a person who is not there", "clerk = \"an\"", "clerk = \"ann\""),
    ("a head without a post", "head = \"boss\"", "head = \"bos\""),
    ("a role that is not there", "clerk = \"an\",", "clrek = \"an\","),
    ("a fallback that is not there", "fallback = \"SHOP/boss\"", "fallback = \"SHOP/chief\""),
    ("a right that is none", "see unit", "look unit"),
    ("a zone that is none", "Asia/Shanghai", "Asia/Beijing"),
    ("a date that is none", "2026-01-01", "2026-02-30"),
    ("a deputy of himself", "deputies = \"an\"", "deputies = \"bo\""),
    (
        "a holder who ends before he begins",
        "clerk = \"an\"",
        "clerk = { holders = { person = \"an\", from = \"2026-05-01\", until = \"2026-04-30\" } }",
    ),
    ("a binding that ends before it begins", "from = \"2026-01-01\"", "from = \"2026-01-01\"\nuntil = \"2025-12-31\""),
    ("a calendar unknown", "calendar = \"always\"", "calendar = \"never\""),
    ("a parameter that the pack lacks", "[person]", "[[parameter]]\npack = \"shop\"\nname = \"sun\"\nvalue = \"2wd\"\n\n[person]"),
    ("a trial of nothing", "[person]", "[[trial]]\nuntil = \"2026-03-31\"\n\n[person]"),
    ("a trial of a pack that is not there", "[person]", "[[trial]]\npack = \"shops\"\n\n[person]"),
    ("a trial of a rule that the pack lacks", "[person]", "[[trial]]\npack = \"shop\"\nrule = \"acept\"\n\n[person]"),
    ("a trial of a rule of no pack", "[person]", "[[trial]]\nunit = \"STALL\"\nrule = \"accept\"\n\n[person]"),
    ("a trial in a unit that is not there", "[person]", "[[trial]]\nunit = \"STALLS\"\n\n[person]"),
    (
        "a trial that ends before it begins",
        "[person]",
        "[[trial]]\nunit = \"STALL\"\nfrom = \"2026-03-31\"\nuntil = \"2026-03-01\"\n\n[person]",
    ),
    ("words that are there in Chinese alone", "calendar = \"always\"", "languages = [\"zh\", \"en\"]\ncalendar = \"always\""),
    (
        "two values of one parameter",
        "[person]",
        "[[parameter]]\npack = \"shop\"\nname = \"soon\"\nvalue = \"2wd\"\n\n[[parameter]]\npack = \"shop\"\nname = \"soon\"\nvalue = \"3wd\"\n\n[person]",
    ),
    ("a language that nobody declares", "calendar = \"always\"", "languages = [\"fr\"]\ncalendar = \"always\""),
    ("a parameter of another sort", "[person]", "[[parameter]]\npack = \"shop\"\nname = \"soon\"\nvalue = \"quick\"\n\n[person]"),
];

#[test]
fn every_fault_is_told_with_its_place_and_what_to_write() {
    let mut told = String::new();
    for (name, good, bad) in IN_THE_PACK {
        assert!(PACK.contains(good), "{name}");
        let _ = writeln!(told, "# {name}\n{}", said(&set(&PACK.replacen(good, bad, 1), ORGANISATION)));
    }
    for (name, good, bad) in IN_THE_ORGANISATION {
        assert!(ORGANISATION.contains(good), "{name}");
        let _ = writeln!(told, "# {name}\n{}", said(&set(PACK, &ORGANISATION.replacen(good, bad, 1))));
    }
    assert!(!told.contains("(no error)"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn a_calendar_by_which_nobody_ever_works_is_refused() {
    let mut set = set(PACK, ORGANISATION);
    let idle = "[calendar]\nname = \"idle\"\ntitle = \"闲\"\nzone = \"Asia/Shanghai\"\n[calendar.weekly]\n";
    set.push(Source { name: "idle.toml".into(), text: idle.into() });
    insta::assert_snapshot!(said(&set));
}

/// Hours that were refused are no hours, and are told of once.
#[test]
fn a_span_over_midnight_is_told_of_once() {
    let mut set = set(PACK, ORGANISATION);
    let night =
        "[calendar]\nname = \"night\"\ntitle = \"夜\"\nzone = \"Asia/Shanghai\"\n[calendar.weekly]\nmon = [[\"22:00\", \"06:00\"]]\n";
    set.push(Source { name: "night.toml".into(), text: night.into() });
    let told = said(&set);
    assert!(told.contains("span") && !told.contains("no-hours"), "{told}");
}

/// Where no kind has a return, 'returned' is not what was meant.
#[test]
fn an_event_of_no_kind_is_not_suggested() {
    let without = PACK.split("[kind.complaint.return.not_ours]").collect::<Vec<_>>();
    let rest = without[1].split_once("[duty.accept]").unwrap().1;
    let pack = format!("{}[duty.accept]{}", without[0], rest.replacen("case.accepted", "case.retruned", 1));
    let told = said(&set(&pack, ORGANISATION));
    assert!(told.contains("unknown-event") && !told.contains("did you mean 'case.returned'"), "{told}");
}

#[test]
fn two_packs_that_claim_the_same_report_are_refused_by_name() {
    let both = ORGANISATION.replace("pack = \"shop\"", "pack = [\"shop\", \"other\"]");
    let mut refused = set(PACK, &both);
    refused.push(Source { name: "other.toml".into(), text: OTHER.into() });
    let mut defaults = refused.clone();
    defaults[3].text = OTHER.replace("aliases = [\"客户投诉\"]\n", "default = true\n");
    // Bound further down in place of the other, both may stand.
    let apart = ORGANISATION.to_owned() + "\n[[bind]]\npack = \"other\"\nunit = \"STALL\"\nfrom = \"2026-01-01\"\ninstead_of = \"shop\"\n";
    let mut good = set(PACK, &apart);
    good.push(refused[3].clone());
    // The stall has the other pack alone; unsorted reports go where the root sends them.
    assert!(Policy::compile(&good).is_ok(), "{}", said(&good));
    insta::assert_snapshot!(format!("{}\n{}", said(&refused), said(&defaults)));
}

#[test]
fn a_set_has_one_organisation_and_no_strangers() {
    let whole = set(PACK, ORGANISATION);
    let mut twice = whole.clone();
    twice.push(Source { name: "more.toml".into(), text: ORGANISATION.into() });
    let mut stranger = whole.clone();
    stranger.push(Source { name: "stranger.toml".into(), text: "[nothing]\n".into() });
    let deep = vec![Source { name: "deep.toml".into(), text: format!("[pack]\nid = {}", "[".repeat(9_000)) }];
    insta::assert_snapshot!([said(&whole[..1]), said(&twice), said(&stranger), said(&deep)].join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is cut out of, or put into, a good file: it compiles or it is refused.
    #[test]
    fn nothing_that_is_written_makes_it_panic(file in 0_usize..2, at in 0.0..1.0_f64, cut in 0_usize..40, put in "[\\[\\]{}=\",.a-z0-9 \\n客]{0,12}") {
        let mut texts = [PACK.to_owned(), ORGANISATION.to_owned()];
        let chars: Vec<char> = texts[file].chars().collect();
        let from = (at * chars.len() as f64) as usize;
        let until = (from + cut).min(chars.len());
        texts[file] = chars[..from].iter().collect::<String>() + &put + &chars[until..].iter().collect::<String>();
        if let Err(faults) = Policy::compile(&set(&texts[0], &texts[1])) {
            prop_assert!(!faults.is_empty());
            prop_assert!(faults.iter().all(|fault| fault.line >= 1 && fault.column >= 1 && !fault.message_zh.is_empty()));
        }
    }
}
