//! What runs on trial, where and until when, and how it is told.

use crate::small_set::{ORGANISATION, PACK, set};
use crate::world::{listed, shanghai};
use duban_policy::Policy;
use duban_policy::policy::extent::touched;

fn on_trial(trial: &str) -> Policy {
    Policy::compile(&set(PACK, &format!("{ORGANISATION}\n[[trial]]\n{trial}"))).unwrap_or_else(|faults| panic!("{}", listed(&faults)))
}

#[test]
fn a_trial_is_of_what_it_names_in_units_and_below_and_between_its_dates() {
    let policy =
        on_trial("pack = \"shop\"\nrule = [\"accept\", \"statistics\"]\nunit = \"STALL\"\nfrom = \"2026-03-01\"\nuntil = \"2026-03-31\"");
    let at = |rule: &str, unit: &str, time: &str| policy.is_on_trial("shop", rule, unit, shanghai(time));
    assert!(at("accept", "STALL", "2026-03-01 00:00") && at("statistics", "STALL", "2026-03-31 23:59"));
    assert!(!at("accept", "STALL", "2026-02-28 23:59") && !at("accept", "STALL", "2026-04-01 00:00"), "outside its dates");
    assert!(!at("close", "STALL", "2026-03-10 00:00"), "another rule");
    assert!(!at("accept", "SHOP", "2026-03-10 00:00"), "the unit above");
    assert!(!policy.is_on_trial("other", "accept", "STALL", shanghai("2026-03-10 00:00")), "another pack");

    let below = on_trial("unit = \"SHOP\"");
    assert!(below.is_on_trial("shop", "close", "STALL", shanghai("2036-01-01 00:00")), "all packs, the units below, without end");
    assert_eq!(policy.trials().len(), 2, "one for each rule");
}

#[test]
fn a_trial_is_read_on_paper_told_as_a_change_and_signed_as_its_pack_is() {
    let plain = Policy::compile(&set(PACK, ORGANISATION)).unwrap();
    let policy = on_trial("pack = \"shop\"\nrule = \"accept\"\nunit = \"STALL\"\nuntil = \"2026-03-31\"");
    let paper = policy.paper("shop", shanghai("2026-03-10 00:00")).unwrap();
    let said = paper.head.iter().find(|said| said.name.zh.starts_with("试运行")).expect("the head says so");
    assert_eq!((said.value.zh.as_str(), said.value.en.as_str()), ("受理，摊位，至2026-03-31", "Accept, 摊位, until 2026-03-31"));

    let changes = plain.changes_to(&policy);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].pack, "shop");
    let text = "\n[[trial]]\npack = \"shop\"\nunit = \"STALL\"";
    let touched = touched(&set(PACK, ORGANISATION), &set(PACK, &format!("{ORGANISATION}{text}")));
    assert_eq!(touched.iter().map(|touched| touched.pack.as_str()).collect::<Vec<_>>(), ["shop"]);
}
