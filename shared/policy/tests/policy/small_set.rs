//! A small good set, into which faults are put one at a time, and what is said of it then.

use crate::world::{listed, sources};
use duban_policy::{Policy, Source};
use std::fmt::Write;

pub const PACK: &str = r#"
[pack]
id = "shop"
title = { zh = "门店投诉", en = "Shop complaints" }
regulation = "R07"

[defaults]
on_miss = "ladder.shop"

[parameter.soon]
title = { zh = "及时", en = "promptly" }
value = "1wd"

[parameter.large]
title = { zh = "大额", en = "large" }
value = "5000"

[role]
clerk = { title = { zh = "店员", en = "clerk" } }
boss = "店长"

[kind.complaint]
title = { zh = "客户投诉", en = "Complaint" }
article = "2"
rule = "R07.2"
default = true
number = "TS-{unit}-{yyyy}-{seq}"

[kind.complaint.field.amount]
title = "金额"
type = "amount"

[kind.complaint.field.phone]
title = "电话"
type = "phone"
personal = true

[kind.complaint.field.demand]
title = "要求"
type = "choice"
choices = { return = "退货", exchange = "换货" }

[kind.complaint.field.month]
title = "月份"
type = "period"
required = true

[kind.complaint.severity.major]
title = "重大"
when = { amount = "> {large}" }

[kind.complaint.stage]
received = "已收到"
handling = "处理中"
closed = { title = "已结案", terminal = true }

[kind.complaint.move.accept]
title = "受理"
from = "received"
to = "handling"
by = "clerk"
event = "accepted"

[kind.complaint.move.close]
title = "结案"
from = ["handling", "已收到"]
to = "closed"
by = ["boss", "handler"]
requires = "demand"
event = "settled"

[kind.complaint.return.not_ours]
title = "不归我管，退回"
from = "handling"
to = "received"
by = "handler"
requires = "demand"
limit = 2
decided_by = "boss"

[duty.accept]
title = { zh = "受理 {number}", en = "Accept {number}" }
article = "7"
rule = "R07.7a"
opens = { on = ["case.registered", "case.sorted"], when = { kind = "complaint" } }
closes = ["case.accepted", "case.closed"]
owed_by = "clerk"
within = "{soon}"
remind = "80%"

[duty.close]
title = "结案 {number}"
article = "26"
opens = ["case.registered", "case.sorted"]
closes = "case.closed"
owed_by = ["handler", "clerk"]
within = "7d"
remind = "12h before"

[recurring.statistics]
title = "{period}统计"
article = "27"
every = "month"
within = "by the 10th"
owed_by = "boss"
closes = { on = ["case.registered", "case.sorted"], when = { kind = "complaint" }, key = "period/{unit}/{month}" }

[ladder.shop]
rungs = [
  { at = "due", tell = "owner", repeat = "1h" },
  { at = "1d after", tell = ["boss", "superior"], until = "acknowledged by all" },
]

[kind.unsorted]
title = "待分拣"
unsorted = true
number = "DF-{seq}"

[kind.unsorted.stage]
waiting = "待分拣"
gone = { title = "已作废", terminal = true }

[kind.unsorted.move.dismiss]
title = "作废"
from = "waiting"
to = "gone"
event = "dismissed"
"#;

pub const ORGANISATION: &str = r#"
[organisation]
title = "小店"
zone = "Asia/Shanghai"
calendar = "always"
fallback = "SHOP/boss"

[channel]
phone = "电话"

[role]
clerk = { title = "店员", rights = ["see unit", "move below"] }
boss = { title = "店长", rights = ["see everywhere", "move below", "administer everywhere"] }

[unit.SHOP]
title = "小店"
head = "boss"
post = { clerk = "an", boss = { holders = "bo", deputies = "an" } }

[unit.STALL]
title = "摊位"
parent = "SHOP"

[person]
an = { name = "安" }
bo = { name = "柏" }

[[bind]]
pack = "shop"
unit = "SHOP"
from = "2026-01-01"
"#;

/// The pack with what is good in it replaced by what is written beside.
pub fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(PACK.to_owned(), |pack, (good, written)| {
        assert!(pack.contains(good), "{good}");
        pack.replacen(good, written, 1)
    })
}

pub fn set(pack: &str, organisation: &str) -> Vec<Source> {
    let always = sources().into_iter().find(|source| source.name == "calendars/always.toml").unwrap();
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    vec![source("shop.toml", pack), source("organisation.toml", organisation), always]
}

pub fn said(set: &[Source]) -> String {
    match Policy::compile(set) {
        Ok(policy) => format!("(no error)\n{}", listed(policy.remarks())),
        Err(faults) => faults.iter().fold(String::new(), |mut text, fault| {
            let says_what_to_write = |help: &Option<String>| help.as_ref().is_some_and(|help| !help.is_empty());
            assert!(says_what_to_write(&fault.help) && says_what_to_write(&fault.help_zh), "what is to be written instead? {fault}");
            let _ = writeln!(
                text,
                "{fault}\n    {}{}",
                fault.message_zh,
                fault.help_zh.as_ref().map(|help| format!("（{help}）")).unwrap_or_default()
            );
            text
        }),
    }
}

#[test]
fn the_small_set_is_good() {
    let policy = Policy::compile(&set(PACK, ORGANISATION)).unwrap_or_else(|faults| panic!("{}", listed(&faults)));
    assert!(policy.remarks().is_empty(), "{}", listed(policy.remarks()));
}
