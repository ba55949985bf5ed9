//! Fields that name people and units, by a small organisation in which two have one name.

use super::*;
use crate::contacts::Contacts;
use duban_contracts::policy::PolicySource;
use duban_policy::Policy;
use duban_policy::organisation::Organisation;
use serde_json::json;

const PACK: &str = r#"
[pack]
id = "desk"
title = "服务台"

[role]
clerk = "办事员"

[kind.request]
title = "诉求"
default = true
number = "R-{seq}"
[kind.request.field.witness]
title = "见证人"
type = "person"
[kind.request.field.responsible]
title = "责任单位"
type = "unit"
[kind.request.field.about_person]
title = "被投诉人"
type = "person"
personal = true
[kind.request.stage]
received = "已受理"
closed = { title = "已办结", terminal = true }
[kind.request.move.close]
title = "办结"
from = "received"
to = "closed"
by = "clerk"
asks = ["witness", "responsible", "about_person"]
event = "settled"
outcome = "settled"

[duty.answer]
title = "答复"
article = "4"
opens = "case.registered"
closes = "case.settled"
owed_by = "clerk"
within = "5wd"
on_miss = "ladder.up"

[ladder.up]
rungs = [{ at = "due", tell = "owner" }]
"#;

const ORGANISATION: &str = r#"
[organisation]
title = "机构"
zone = "Asia/Shanghai"
calendar = "always"
fallback = "HQ/clerk"
languages = ["zh"]
[role]
clerk = { title = "办事员", rights = ["see below", "move below"] }
[unit.HQ]
title = "总部"
head = "clerk"
post.clerk = "chen"
[unit.A]
title = "一部"
parent = "HQ"
[unit.B]
title = "门市"
parent = "HQ"
[unit.C]
title = "门市"
parent = "HQ"
[[bind]]
pack = "desk"
unit = "HQ"
from = "2026-01-01"
[[bind]]
pack = "basics"
unit = "HQ"
from = "2026-01-01"
[[plays]]
pack = "basics"
[plays.role]
duty-desk = "clerk"
duty-desk-head = "clerk"
system-administrator = "clerk"
[person.chen]
name = "陈晓"
[person.liu]
name = "刘洋"
[person.liu2]
name = "刘洋"
"#;

fn resolve(fields: Value) -> Result<Value, Vec<(String, String)>> {
    let sources = [
        ("desk.toml", PACK),
        ("organisation.toml", ORGANISATION),
        ("basics.toml", include_str!("../../../../policies/basics.toml")),
        ("always.toml", include_str!("../../../../policies/calendars/always.toml")),
    ];
    let sources = sources.map(|(name, text)| PolicySource { name: name.into(), text: text.into() });
    let policy = Policy::compile(&sources).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let directory = Organisation::parse(&sources[1]).unwrap_or_else(|faults| panic!("{faults:#?}")).directory(1);
    let contacts = Contacts::of(&directory);
    let ground = Ground { policy: &policy, policy_version: 1, directory: &directory, contacts: &contacts };
    let kind = policy.kind("desk", "request").unwrap();
    let fields = fields.as_object().cloned().unwrap_or_default();
    resolved(ground, kind, fields)
        .map(Value::Object)
        .map_err(|problem| problem.errors.into_iter().map(|error| (error.field, error.wrong_zh)).collect())
}

#[test]
fn names_and_titles_become_ids() {
    assert_eq!(resolve(json!({ "witness": "chen", "responsible": "A" })).unwrap(), json!({ "witness": "chen", "responsible": "A" }));
    assert_eq!(resolve(json!({ "witness": "陈晓", "responsible": "一部" })).unwrap(), json!({ "witness": "chen", "responsible": "A" }));
}

#[test]
fn what_names_nobody_or_several_is_refused_field_by_field() {
    let refused = resolve(json!({ "witness": "王五", "responsible": "二部" })).unwrap_err();
    let refused: std::collections::BTreeMap<_, _> = refused.into_iter().collect();
    assert_eq!(refused["/fields/witness"], "“见证人”在通讯录中查无此人", "what is said of people is not said back");
    assert_eq!(refused["/fields/responsible"], "“责任单位”：没有单位“二部”");
    assert_eq!(resolve(json!({ "witness": "刘洋" })).unwrap_err()[0].1, "“见证人”有2人同名");
    assert_eq!(resolve(json!({ "responsible": "门市" })).unwrap_err()[0].1, "“责任单位”：“门市”可指 B、C");
}

/// Who is complained about is said as it is known; somebody looks at it.
#[test]
fn whom_a_case_is_about_is_taken_as_it_is_said() {
    assert_eq!(resolve(json!({ "about_person": "高个子的经理" })).unwrap(), json!({ "about_person": "高个子的经理" }));
}
