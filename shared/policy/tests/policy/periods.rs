//! What comes round: how its term reads, and which periods end it.

use crate::small_set::{ORGANISATION, edited, set};
use crate::world::{listed, shanghai};
use duban_policy::Policy;
use duban_policy::policy::check_fields;
use serde_json::json;

fn with(edits: &[(&str, &str)]) -> Policy {
    Policy::compile(&set(&edited(edits), ORGANISATION)).unwrap_or_else(|faults| panic!("{}", listed(&faults)))
}

/// With the field by which rounds are closed where nothing else is said.
const BY_FIELD: [(&str, &str); 3] =
    [("field.month]", "field.period]"), ("title = \"月份\"", "title = \"期间\""), (", key = \"period/{unit}/{month}\"", "")];

/// A term counts from the day after the period: 'the month' is the one that follows it.
#[test]
fn the_term_of_a_round_is_read_from_the_end_of_its_period() {
    for (every, within, zh, en) in [
        ("month", "by the 10th", "每月结束后，店长须在次月10日前（含当日）完成", "by the end of the 10th of the month that follows"),
        ("quarter", "by the 5th of the 2nd month", "自次月起第2个月的5日前（含当日）", "by the end of the 5th of the 2nd month after it"),
        ("month", "end of last working day", "次月最后一个工作日结束前", "the last working day of the month that follows"),
        ("week", "by the 10th", "每周结束后，店长须在10日前（含当日）完成", "by the end of the 10th"),
        ("week", "end of last working day", "月末最后一个工作日结束前", "by the end of the month's last working day"),
        ("month", "end of day", "期满后第1日结束前", "by the end of the first day after it"),
        ("month", "end of next working day", "期满后第2个工作日结束前", "by the end of the second working day after it"),
        ("day", "10:00 next day", "期满后第2日 10:00 前", "by 10:00 on the second day after it"),
        ("month", "10:00 next working day", "期满后第2个工作日 10:00 前", "by 10:00 on the second working day after it"),
        ("month", "3wd", "每月结束后，店长须在3个工作日内完成", "within 3 working days"),
    ] {
        let policy = with(&[
            ("every = \"month\"", &format!("every = \"{every}\"")),
            ("within = \"by the 10th\"", &format!("within = \"{within}\"")),
        ]);
        let said = policy.explain("shop/statistics", None, shanghai("2026-03-08 10:00")).unwrap();
        assert!(said.zh.contains(zh), "{every}, {within}: {}", said.zh);
        assert!(said.en.contains(en), "{every}, {within}: {}", said.en);
    }
}

/// A quarter handed in for a monthly round would be taken, and the round would go on waiting.
#[test]
fn a_kind_that_ends_rounds_takes_no_period_of_another_length() {
    let periods = ["2026-03-31", "2026-W09", "2026-03", "2026-Q1", "2026-H1", "2026"];
    for (every, fits) in
        [("day", 0), ("working day", 0), ("week", 1), ("month", 2), ("quarter", 3), ("half-year", 4), ("year", 5), ("year to june", 5)]
    {
        let policy = with(&[BY_FIELD[0], BY_FIELD[1], BY_FIELD[2], ("every = \"month\"", &format!("every = \"{every}\""))]);
        let fields = &policy.kind("shop", "complaint").unwrap().fields;
        for (nth, period) in periods.iter().enumerate() {
            let sent = json!({ "period": period });
            let (good, bad) = check_fields(fields, sent.as_object().unwrap());
            assert_eq!(good.contains_key("period"), nth == fits, "{every}: {period}");
            assert!(bad.iter().all(|bad| bad.expected == format!("a period such as {}", periods[fits])), "{bad:?}");
        }
    }
}

/// Of several rounds each one's; and any where a parameter says how often, which may differ by unit.
#[test]
fn a_kind_that_ends_several_rounds_takes_each_of_their_periods() {
    let yearly = "[recurring.review]\ntitle = \"{period}回顾\"\narticle = \"28\"\nevery = \"year\"\nwithin = \"1mon\"\nowed_by = \"boss\"\n\
                  closes = { on = [\"case.registered\", \"case.sorted\"], when = { kind = \"complaint\" } }\n\n[ladder.shop]";
    let takes = |policy: &Policy, period: &str| {
        let fields = &policy.kind("shop", "complaint").unwrap().fields;
        check_fields(fields, json!({ "period": period }).as_object().unwrap()).1.is_empty()
    };
    let several = with(&[BY_FIELD[0], BY_FIELD[1], BY_FIELD[2], ("[ladder.shop]", yearly)]);
    assert!(takes(&several, "2026年3月") && takes(&several, "2026") && !takes(&several, "2026-Q1"));
    let chosen = yearly.replace("every = \"year\"", "every = \"{often}\"");
    let often = "[parameter.often]\ntitle = { zh = \"多久\", en = \"how often\" }\nvalue = \"year\"\n\n[role]";
    let any = with(&[BY_FIELD[0], BY_FIELD[1], BY_FIELD[2], ("[ladder.shop]", &chosen), ("[role]", often)]);
    assert!(takes(&any, "2026-03") && takes(&any, "2026-Q1"));
}
