//! 'Not ours, returned' (退回): how often, what ends by it and what goes on, and what is said of it.

use crate::world::{DIRECTORY, POLICY, case, closed, duty, fields, opened, rules, shanghai};
use duban_policy::policy::{CaseFacts, EventFacts, Refusal};
use serde_json::{Value, json};

const STORE: &str = "store-complaints";
const CAR: &str = "car-dealer-complaints";

fn returned(pack: &str, kind: &str, unit: &str, returns: i64, unsorted: bool) -> Value {
    let step = json!({ "name": "not_ours", "from": "investigating", "to": "accepted", "by": "feng-xiaodong" });
    case(pack, kind, unit, json!({ "returns": returns, "unsorted": unsorted, "step": step }))
}

fn asked(returns: i64, unsorted: bool, sent: Value) -> Result<String, Refusal> {
    let at = shanghai("2026-03-05 10:00");
    let person = &DIRECTORY.holders(DIRECTORY.post("SM-SP/merchandise-officer").unwrap(), at)[0].id;
    let standing = json!({ "return_reason": "上次的理由" });
    let facts = case(STORE, "complaint_case", "MD01", json!({ "stage": "investigating", "unsorted": unsorted, "fields": standing }));
    let known = CaseFacts {
        pack: STORE,
        kind: "complaint_case",
        unit: "MD01",
        stage: "investigating",
        handler: None,
        reporter: None,
        excluded: &[],
        returns,
        done: &[],
        facts: &facts,
    };
    POLICY.check_step(&DIRECTORY, person, &known, "not_ours", &fields(sent), at).map(|permitted| permitted.event)
}

#[test]
fn a_case_is_returned_with_a_reason_each_time_and_no_oftener_than_its_pack_says() {
    let reason = || json!({ "return_reason": "归营运部" });
    assert_eq!(asked(0, false, reason()).unwrap(), "case.returned");
    assert_eq!(asked(1, false, reason()).unwrap(), "case.returned");
    assert_eq!(asked(1, false, json!({})).unwrap_err().code, "missing-fields", "the reason of last time is none");
    let refused = asked(2, false, reason()).unwrap_err();
    assert_eq!(refused.code, "returned-too-often");
    assert_eq!(refused.zh, "“不属本部门，退回”：案件已退回2次，最多可退回2次，归属由总经理裁定");
    assert!(
        refused.en.ends_with("the case was returned 2 times, 2 at most; where it belongs is decided by: general manager"),
        "{}",
        refused.en
    );
}

#[test]
fn what_those_owed_who_had_it_ends_and_what_the_customer_was_promised_goes_on() {
    let facts = returned(STORE, "complaint_case", "MD01", 1, false);
    let at = shanghai("2026-03-07 10:00");
    let ends = POLICY.duties_closed(&EventFacts { name: "case.returned", time: at, facts: &facts });
    let fallen: Vec<&str> = ends.iter().filter(|end| end.cancelled).map(|end| end.rule.as_str()).collect();
    assert!(fallen.contains(&"investigate"), "{fallen:?}");
    for goes_on in ["close", "close_again", "rule", "assign_department", "assign_again", "statistics"] {
        assert!(!ends.iter().any(|end| end.rule == goes_on), "{goes_on}: {ends:?}");
    }
    assert_eq!(rules(&opened("case.returned", at, &facts)), ["assign_again"]);
    assert!(closed("case.department_assigned", &facts).contains(&"assign_again".to_owned()));
}

#[test]
fn back_to_who_sorts_only_the_clock_of_the_whole_case_goes_on() {
    let facts = returned(CAR, "complaint", "TJ01", 1, true);
    let ends = closed("case.returned", &facts);
    for rule in ["check_identity", "tell_managers", "file_warning", "feed_back"] {
        assert!(ends.iter().any(|end| end == rule), "{rule}: {ends:?}");
    }
    assert!(!ends.iter().any(|end| ["close_complaint", "weekly_report", "sort_again"].contains(&end.as_str())), "{ends:?}");
    let fresh = opened("case.returned", shanghai("2026-03-07 10:00"), &facts);
    assert_eq!(rules(&fresh), ["sort_again"], "the desk's, whichever pack the case is under");
    assert_eq!(fresh[0].pack, "basics");
    // A store's own return to an earlier stage is nothing for the desk.
    assert!(
        !rules(&opened("case.returned", shanghai("2026-03-07 10:00"), &returned(STORE, "complaint_case", "MD01", 1, false)))
            .contains(&"sort_again")
    );
}

#[test]
fn the_last_return_is_told_higher_up_at_once() {
    let at = shanghai("2026-03-07 10:00");
    let rungs = |returns: i64| {
        let opened = opened("case.returned", at, &returned(STORE, "complaint_case", "MD01", returns, false));
        duty(&opened, "assign_again").plan.rungs.iter().map(|rung| rung.rung).collect::<Vec<_>>()
    };
    assert_eq!((rungs(1), rungs(2)), (vec![2, 3], vec![1, 2, 3]));
}

#[test]
fn a_return_is_read_on_paper_with_its_limit_and_who_decides_then() {
    let paper = POLICY.paper(STORE, shanghai("2026-03-05 10:00")).unwrap();
    let entries = paper.articles.iter().flat_map(|article| &article.entries);
    let entry = entries.into_iter().find(|entry| entry.place == "kind.complaint_case.return.not_ours").expect("the step");
    let said: Vec<String> = entry.says.iter().map(|said| format!("{}：{}", said.name.zh, said.value.zh)).collect();
    for wanted in ["转入环节：已受理", "必须填写：退回理由", "清空：受理部门", "最多退回次数：2", "达到次数后由谁裁定：总经理"]
    {
        assert!(said.iter().any(|said| said == wanted), "{wanted}: {said:?}");
    }
    let explained = POLICY.explain("store-complaints/assign_again", None, shanghai("2026-03-05 10:00")).unwrap();
    assert!(explained.zh.contains("“不属本部门，退回”"), "{}", explained.zh);
    let explained = POLICY.explain("basics/sort_again", None, shanghai("2026-03-05 10:00")).unwrap();
    assert!(explained.zh.contains("案件被退回") && explained.en.contains("a return of the case"), "{}", explained.zh);
}
