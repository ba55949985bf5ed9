//! What compiles and is worth a look all the same: each remark with its place and what to write instead.

use crate::small_set::{ORGANISATION, PACK, edited, said, set};
use std::fmt::Write as _;

/// Name, what is good, what is put in its place.
const IN_THE_PACK: &[(&str, &str, &str)] = &[
    ("who sorts is forgotten", "opens = [\"case.registered\", \"case.sorted\"]", "opens = \"case.registered\""),
    (
        "a kind that opens what it cannot close",
        "opens = { on = [\"case.registered\", \"case.sorted\"], when = { kind = \"complaint\" } }\ncloses = [\"case.accepted\", \"case.closed\"]\nowed_by = \"clerk\"\nwithin = \"{soon}\"\nremind = \"80%\"\n",
        OPENED_BY_PRAISE,
    ),
    (
        "a period in any words",
        ", key = \"period/{unit}/{month}\" }\n",
        " }\n\n[kind.complaint.field.period]\ntitle = \"期间\"\ntype = \"text\"\n",
    ),
    ("a period in any words, by a key of its own", "type = \"period\"", "type = \"text\""),
    ("a period that is a number", "type = \"period\"", "type = \"number\""),
    ("a period that may be left out", "type = \"period\"\nrequired = true\n", "type = \"period\"\n"),
    (
        "who sorts one kind is not who sorts the other",
        "opens = { on = [\"case.registered\", \"case.sorted\"], when = { kind = \"complaint\" } }\ncloses = [",
        "opens = [{ on = \"case.registered\", when = { kind = \"complaint\" } }, { on = \"case.sorted\", when = { kind = \"unsorted\" } }]\ncloses = [",
    ),
    (
        "a duty that never opens",
        "opens = [\"case.registered\", \"case.sorted\"]\ncloses = \"case.closed\"",
        "opens = { on = \"case.settled\", when = { stage = \"handling\" } }\ncloses = \"case.noted\"",
    ),
    ("a severity by repeats that nothing recognises", "when = { amount = \"> {large}\" }", "when = { repeats = { at_least = 2 } }"),
    ("a round of each week due on one day of the month", "every = \"month\"", "every = \"week\""),
    (
        "a reminder that never comes",
        "every = \"month\"\nwithin = \"by the 10th\"",
        "every = \"month\"\nremind = \"10d before\"\nwithin = \"by the 5th\"",
    ),
    ("a ladder by which nothing climbs", "[ladder.shop]", "[ladder.other]\nrungs = [{ at = \"due\", tell = \"boss\" }]\n\n[ladder.shop]"),
];

/// By a kind that is never accepted, too.
const OPENED_BY_PRAISE: &str = r#"opens = ["case.registered", "case.sorted"]
closes = "case.accepted"
owed_by = "clerk"
within = "{soon}"
remind = "80%"

[kind.praise]
title = "表扬"
article = "3"
number = "BY-{seq}"

[kind.praise.stage]
told = "已收到"
noted = { title = "已记录", terminal = true }

[kind.praise.move.note]
title = "记录"
from = "told"
to = "noted"
event = "praise_noted"
"#;

const IN_THE_ORGANISATION: &[(&str, &str, &str)] = &[
    ("a binding that is there already", "[person]", "[[bind]]\npack = \"shop\"\nunit = \"SHOP\"\nfrom = \"2026-06-01\"\n\n[person]"),
    ("a pack that holds nowhere", "[[bind]]\npack = \"shop\"\nunit = \"SHOP\"\nfrom = \"2026-01-01\"\n", ""),
    ("who makes a step and may not", "rights = [\"see unit\", \"move below\"]", "rights = [\"see unit\"]"),
    ("nobody administers", ", \"administer everywhere\"]", "]"),
    ("nobody sees everything", "rights = [\"see everywhere\", ", "rights = [\"see below\", "),
];

#[test]
fn what_is_worth_a_look_is_told_with_its_place_and_what_to_write() {
    let mut told = String::new();
    let mut tell = |name: &str, said: String| {
        assert!(said.starts_with("(no error)\n") && said.lines().filter(|line| !line.is_empty()).count() > 1, "{name}: {said}");
        let _ = writeln!(told, "# {name}\n{said}");
    };
    for (name, good, bad) in IN_THE_PACK {
        assert!(PACK.contains(good), "{name}");
        tell(name, said(&set(&PACK.replacen(good, bad, 1), ORGANISATION)));
    }
    for (name, good, bad) in IN_THE_ORGANISATION {
        assert!(ORGANISATION.contains(good), "{name}");
        tell(name, said(&set(PACK, &ORGANISATION.replacen(good, bad, 1))));
    }
    insta::assert_snapshot!(told);
}

/// Figures that the pack itself could have are tried like those that it has: where the organisation's put a reminder before the beginning, or a rung
/// before the one below it, that is told with the unit where it is so.
#[test]
fn figures_that_the_organisation_chooses_are_tried() {
    let pack = edited(&[
        (
            "[role]\n",
            "[parameter.long]\ntitle = \"期限\"\nvalue = \"2wd\"\n\n[parameter.second]\ntitle = \"第二级\"\nvalue = \"3d\"\n\n[role]\n",
        ),
        ("within = \"7d\"\nremind = \"12h before\"", "within = \"{long}\"\nremind = \"8wh before\""),
        ("until = \"acknowledged by all\" },\n", "until = \"acknowledged by all\" },\n  { at = \"{second} after\", tell = \"boss\" },\n"),
    ]);
    assert_eq!(said(&set(&pack, ORGANISATION)), "(no error)\n");
    let chosen = |unit: &str, name: &str, value: &str| {
        let parameter = format!("[[parameter]]\npack = \"shop\"\nname = \"{name}\"\nvalue = \"{value}\"\n{unit}\n[person]");
        said(&set(&pack, &ORGANISATION.replacen("[person]", &parameter, 1)))
    };
    assert_eq!(chosen("", "long", "3wd"), "(no error)\n");
    let told = [chosen("", "long", "4wh"), chosen("unit = \"STALL\"\n", "long", "4wh"), chosen("", "second", "12h")];
    insta::assert_snapshot!(told.join("\n"));
}
