//! A case that is merged, or whose kind or severity is put right: which duties fall away, which stand, which are opened.

use crate::world::{case, closed, opened, rules, shanghai};
use duban_contracts::Timestamp;
use serde_json::{Value, json};

const AFTER_SALES: &str = "after-sales";
const CAR: &str = "car-dealer-complaints";

fn at() -> Timestamp {
    shanghai("2026-03-07 10:00")
}

fn before(pack: &str, kind: &str, severity: &str) -> Value {
    json!({ "pack": pack, "kind": kind, "severity": severity, "unsorted": false })
}

/// Rule and key of everything that merging a case of this pack ends.
fn closed_of_all(pack: &str, unit: &str) -> Vec<(String, String)> {
    let facts = case(pack, "tenant_request", unit, json!({}));
    let event = duban_policy::policy::EventFacts { name: "case.merged", time: at(), facts: &facts };
    crate::world::POLICY.duties_closed(&event).into_iter().filter(|end| end.cancelled).map(|end| (end.rule, end.key)).collect()
}

#[test]
fn a_merged_case_owes_nothing_any_longer() {
    let fields = json!({ "handling": "not_upheld", "tracked": true });
    let facts = case(AFTER_SALES, "product_complaint", "RJ", json!({ "fields": fields }));
    let ended = closed("case.merged", &facts);
    for rule in ["visit", "collect_receivable", "issue_return", "book_return", "track_improvement", "hand_over"] {
        assert!(ended.iter().any(|found| found == rule), "{rule} stays open for ever: {ended:?}");
    }
    let facts = case(CAR, "complaint", "TJ01", json!({ "fields": { "route": "group_call_centre" } }));
    let ended = closed("case.merged", &facts);
    assert!(["feed_back", "follow_up"].iter().all(|rule| ended.iter().any(|found| found == rule)), "{ended:?}");
    assert!(!ended.iter().any(|rule| rule == "weekly_report"), "what recurs is no case's: {ended:?}");
    // Its close, which follows, opens nothing that nobody could do.
    let closed = case(CAR, "complaint", "TJ01", json!({ "outcome": "merged", "fields": { "route": "group_call_centre" } }));
    assert!(opened("case.closed", at(), &closed).is_empty());
    // What a unit owes once, whichever case it came of, is not that case's alone.
    let tenant = closed_of_all("tenant-service", "WY-GM");
    assert!(!tenant.iter().any(|(_, key)| key.contains("WY-GM") && !key.contains("0190")), "{tenant:?}");
}

#[test]
fn a_kind_put_right_within_a_pack_ends_what_hung_on_the_old_one_and_opens_the_rest_of_the_new() {
    let facts = case(AFTER_SALES, "product_complaint", "RJ", json!({ "before": before(AFTER_SALES, "grievance", "ordinary") }));
    let plain = case(AFTER_SALES, "grievance", "RJ", json!({}));
    let (stood, fell) = (opened("case.registered", at(), &plain), closed("case.sorted", &facts));
    let fresh = opened("case.sorted", at(), &facts);
    let (stood, fresh) = (rules(&stood), rules(&fresh));
    // Both kinds want the customer visited: that goes on. (What was done is not asked for again where duties are kept.)
    assert!(stood.contains(&"visit") && !fell.iter().any(|rule| rule == "visit"), "{fell:?} {fresh:?}");
    for rule in stood.into_iter().filter(|rule| *rule != "visit") {
        assert!(fell.iter().any(|found| found == rule), "{rule} is the old kind's alone: {fell:?}");
    }
    assert!(fresh.contains(&"hand_over"), "{fresh:?}");
    // Whatever a later step of the old kind opens cannot happen to the new one.
    let facts = case(AFTER_SALES, "enquiry", "RJ", json!({ "before": before(AFTER_SALES, "product_complaint", "ordinary") }));
    assert!(["book_return", "track_improvement"].iter().all(|rule| closed("case.sorted", &facts).iter().any(|found| found == rule)));
}

#[test]
fn a_kind_of_another_pack_leaves_nothing_of_the_old_one_behind() {
    let facts = case(AFTER_SALES, "enquiry", "RJ", json!({ "before": before("store-complaints", "complaint_case", "ordinary") }));
    let stood = opened("case.registered", at(), &case("store-complaints", "complaint_case", "RJ", json!({})));
    let fell = closed("case.sorted", &facts);
    assert!(!stood.is_empty() && rules(&stood).iter().all(|rule| fell.iter().any(|found| found == rule)), "{fell:?}");
    assert!(opened("case.sorted", at(), &facts).iter().all(|duty| duty.pack == AFTER_SALES));
    assert!(!opened("case.sorted", at(), &facts).is_empty());
}

#[test]
fn a_severity_that_falls_ends_what_hung_on_it_and_one_that_rises_opens_it() {
    let kind = |severity: &str, was: &str| {
        case(CAR, "complaint", "TJ01", json!({ "severity": severity, "before": before(CAR, "complaint", was) }))
    };
    let (up, down) = (kind("major", "ordinary"), kind("ordinary", "major"));
    let fell = closed("case.classified", &down);
    let fresh = opened("case.classified", at(), &up);
    for rule in ["file_warning", "call_crisis_team", "warn_manufacturer"] {
        assert!(fell.iter().any(|found| found == rule), "{fell:?}");
        assert!(rules(&fresh).contains(&rule), "{:?}", rules(&fresh));
    }
    assert!(!fell.iter().any(|rule| rule == "feed_back"), "what hangs on no severity stands: {fell:?}");
    assert!(closed("case.classified", &up).is_empty());
}

#[test]
fn sorting_is_done_and_not_cancelled_by_what_it_sorts() {
    let facts = case(
        CAR,
        "complaint",
        "TJ01",
        json!({ "before": { "pack": "basics", "kind": "unsorted", "severity": "ordinary", "unsorted": true } }),
    );
    let ends = crate::world::POLICY.duties_closed(&duban_policy::policy::EventFacts { name: "case.sorted", time: at(), facts: &facts });
    let sort: Vec<bool> = ends.iter().filter(|end| end.rule == "sort").map(|end| end.cancelled).collect();
    assert_eq!(sort, [false]);
}
