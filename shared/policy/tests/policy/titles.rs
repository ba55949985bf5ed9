//! A pack may name things by their Chinese titles: it means the same as with their ids.

use crate::small_set::{ORGANISATION, PACK, set};
use crate::world::listed;
use duban_policy::Policy;

/// Beside what the small set refers to: a key by which repeats are known, and a person whom a field names.
const MORE: &str = r#"[kind.complaint.field.witness]
title = "证人"
type = "person"

[kind.complaint.repeats]
keys = [["demand", "unit"]]
within = "30d"
article = "5"

[kind.complaint.act.recall]
title = "核对"
in = "handling"
by = { field = "witness" }
event = "recalled"

[kind.complaint.severity.major]"#;

/// An id, and the title that may stand there.
const TITLES: &[(&str, &str)] = &[
    ("keys = [[\"demand\", \"unit\"]]", "keys = [[\"要求\", \"unit\"]]"),
    ("in = \"handling\"", "in = \"处理中\""),
    ("by = { field = \"witness\" }", "by = { field = \"证人\" }"),
    ("from = \"received\"\nto = \"handling\"\nby = \"clerk\"", "from = \"已收到\"\nto = \"处理中\"\nby = \"店员\""),
    ("by = [\"boss\", \"handler\"]\nrequires = \"demand\"", "by = [\"店长\", \"handler\"]\nrequires = \"要求\""),
    ("when = { amount = \"> {large}\" }", "when = { \"金额\" = \"> {large}\" }"),
    ("when = { kind = \"complaint\" } }\ncloses = [\"case.accepted\"", "when = { kind = \"客户投诉\" } }\ncloses = [\"case.accepted\""),
    ("owed_by = \"clerk\"", "owed_by = \"店员\""),
    ("period/{unit}/{month}", "period/{unit}/{月份}"),
    ("tell = [\"boss\", \"superior\"]", "tell = [\"店长\", \"superior\"]"),
    ("decided_by = \"boss\"", "decided_by = \"店长\""),
];

fn compiled(pack: &str) -> String {
    let policy = Policy::compile(&set(pack, ORGANISATION)).unwrap_or_else(|faults| panic!("{}", listed(&faults)));
    format!("{:#?}", policy.pack("shop").unwrap())
}

#[test]
fn whatever_is_named_by_its_title_is_named_by_its_id() {
    let by_id = PACK.replacen("[kind.complaint.severity.major]", MORE, 1);
    let mut all = by_id.clone();
    let meant = compiled(&by_id);
    for (id, title) in TITLES {
        assert!(by_id.contains(id), "{id}");
        assert_eq!(compiled(&by_id.replacen(id, title, 1)), meant, "{title}");
        all = all.replacen(id, title, 1);
    }
    assert_eq!(compiled(&all), meant);
}
