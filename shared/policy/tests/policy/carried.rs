//! A case that is attached to a master owes nothing; detached, it owes again what it owed, by what had happened to it.

use crate::world::{case, closed, duty, opened, rules, shanghai};
use duban_contracts::Timestamp;
use serde_json::{Value, json};

const CAR: &str = "car-dealer-complaints";
const STORE: &str = "store-complaints";

fn at() -> Timestamp {
    shanghai("2026-03-20 10:00")
}

fn detached(pack: &str, kind: &str, unit: &str, happened: &[&str], more: Value) -> Vec<duban_policy::policy::OpenedDuty> {
    let mut facts = case(pack, kind, unit, more);
    facts["happened"] = json!(happened);
    opened("case.detached", at(), &facts)
}

#[test]
fn what_is_attached_owes_nothing_and_nothing_is_opened_while_it_is() {
    let more = json!({ "carried_by": "0191", "severity": "major", "fields": { "route": "group_call_centre" } });
    let facts = case(CAR, "complaint", "TJ01", more);
    let ends = closed("case.attached", &facts);
    for rule in ["check_identity", "close_complaint", "file_warning", "feed_back"] {
        assert!(ends.iter().any(|end| end == rule), "{rule}: {ends:?}");
    }
    assert!(!ends.iter().any(|end| end == "weekly_report"), "what recurs is no case's: {ends:?}");
    for event in ["case.answered", "case.classified", "case.closed", "case.reopened", "case.sorted"] {
        assert!(opened(event, at(), &facts).is_empty(), "{event}");
    }
    let itself = case(CAR, "complaint", "TJ01", json!({ "severity": "major" }));
    assert!(!opened("case.classified", at(), &itself).is_empty(), "one that stands for itself does");
}

#[test]
fn what_is_detached_owes_what_it_owed_and_not_what_was_done() {
    let back = detached(CAR, "complaint", "TJ01", &["registered"], json!({}));
    assert_eq!(rules(&back), ["check_identity", "close_complaint"]);
    assert_eq!(duty(&back, "check_identity").from, at(), "anew, from now on");
    let back = detached(CAR, "complaint", "TJ01", &["registered", "identity_checked", "taken_up"], json!({}));
    assert_eq!(rules(&back), ["close_complaint"]);
    let major = json!({ "severity": "major" });
    let back = detached(CAR, "complaint", "TJ01", &["registered", "classified", "warning_filed"], major);
    assert!(rules(&back).contains(&"report_to_group") && !rules(&back).contains(&"file_warning"), "{:?}", rules(&back));
    // A promise that counts from the receipt would be overdue at once: it counts from now on too.
    let back = detached(STORE, "complaint_case", "MD01", &["registered"], json!({}));
    assert_eq!((duty(&back, "close").from, duty(&back, "close").due), (at(), shanghai("2026-03-27 10:00")));
}

#[test]
fn what_was_opened_again_counts_by_what_came_last() {
    let investigating = ["registered", "accepted", "investigated", "department_assigned", "report_returned"];
    let back = detached(STORE, "complaint_case", "MD01", &investigating, json!({ "stage": "investigating" }));
    assert!(rules(&back).contains(&"investigate") && !rules(&back).contains(&"decide"), "{:?}", rules(&back));
    // Returned as not the department's: it is to be named again, and investigates nothing.
    let returned = ["registered", "accepted", "department_assigned", "returned"];
    let back = detached(STORE, "complaint_case", "MD01", &returned, json!({ "stage": "accepted", "returns": 1 }));
    assert!(rules(&back).contains(&"assign_again") && !rules(&back).contains(&"investigate"), "{:?}", rules(&back));
    // Closed and taken up again: the second seven days.
    let again = ["registered", "accepted", "closed", "taken_up_again", "reopened"];
    let back = detached(STORE, "complaint_case", "MD01", &again, json!({ "stage": "accepted" }));
    assert!(rules(&back).contains(&"close_again") && !rules(&back).contains(&"close"), "{:?}", rules(&back));
}
