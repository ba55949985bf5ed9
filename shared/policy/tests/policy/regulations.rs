//! The life of a case under each of the three regimes, as events and duties.

use crate::world::{DIRECTORY, POLICY, case, closed, duty, fields, opened, rules, shanghai, wall};
use duban_policy::ladder::{Sort, Until, Who};
use duban_policy::policy::{CaseFacts, ReportFacts};
use serde_json::{Map, Value, json};

fn report<'a>(unit: &'a str, kind: Option<&'a str>, fields: &'a Map<String, Value>) -> ReportFacts<'a> {
    ReportFacts {
        unit,
        channel: "phone",
        producer: "hotline",
        kind,
        fields,
        anonymous: false,
        phone: Some("+86 138-0013-8000"),
        email: None,
        at: shanghai("2026-03-06 18:40"),
        repeated_at: &[],
    }
}

const CAR: &str = "car-dealer-complaints";

#[test]
fn a_customer_who_wants_to_return_the_car_is_a_major_complaint() {
    let sent = fields(json!({ "诉求": "x", "客户诉求": "退车", "plate": "京a·12345", "model": "云驰 X5", "about": "car" }));
    let judged = POLICY.judge(&report(
        "BJ01",
        None,
        &fields(json!({ "客户诉求": "退车", "plate": "京a·12345", "model": "云驰 X5", "about": "car" })),
    ));
    assert_eq!(
        (judged.pack.id.as_str(), judged.kind.id.as_str(), judged.severity.as_str(), judged.stage.as_str()),
        (CAR, "complaint", "major", "received")
    );
    assert!(judged.unsorted.is_none() && judged.warnings.is_empty(), "{:?}", judged.warnings);
    assert_eq!(
        Value::Object(judged.fields.clone()),
        json!({ "demand": "return", "plate": "京A12345", "model": "云驰 X5", "about": "car" })
    );
    assert_eq!(judged.reasons[0].text_zh, "重大客户投诉：客户诉求为退车、换车之一");
    assert_eq!(judged.reasons[0].article.as_deref(), Some("2.5"));
    let number = judged.kind.number.number(&judged.kind.number.prefix("BJ01", shanghai("2026-03-06 23:59"), POLICY.zone()), 7);
    assert_eq!(number, "TS-BJ01-20260306-0007");
    assert!(POLICY.judge(&report("BJ01", None, &sent)).unsorted.is_some(), "an unknown field asks for a person");
}

#[test]
fn the_second_complaint_within_ninety_days_is_major_and_never_an_anonymous_one() {
    let none = Map::new();
    let plate = fields(json!({ "plate": "沪A88888" }));
    let first = report("SH01", None, &plate);
    let judged = POLICY.judge(&first);
    assert_eq!(judged.severity, "ordinary");
    let keys = judged.kind.repeat_keys(&first, "SH01", &judged.fields);
    assert_eq!(keys.len(), 2, "by telephone and by plate: {keys:?}");
    assert!(keys[0].starts_with("phone=13800138000"));
    for (earlier, severity) in [("2025-12-10 09:00", "major"), ("2025-12-01 09:00", "ordinary")] {
        let times = [shanghai(earlier)];
        let again = ReportFacts { repeated_at: &times, ..report("SH01", None, &none) };
        assert_eq!(POLICY.judge(&again).severity, severity, "{earlier}");
    }
    let hidden = ReportFacts { anonymous: true, ..report("SH01", None, &plate) };
    assert!(judged.kind.repeat_keys(&hidden, "SH01", &judged.fields).is_empty());
}

#[test]
fn what_a_person_can_put_right_is_taken_named_and_left_to_be_sorted() {
    let none = Map::new();
    let odd = fields(json!({ "plat": "京A12345" }));
    let wrong = fields(json!({ "plate": "?" }));
    let cases = [
        ("BJ1", None, &none, "/unit", "unknown-unit", "是否指“BJ01”"),
        ("BJ01", Some("客户投述"), &none, "/kind", "unknown-kind", "没有事项类别“客户投述”"),
        ("BJ01", None, &odd, "/fields/plat", "unknown-field", "是否指“plate”"),
        ("HY-KF", None, &none, "/kind", "unbound-unit", "未注明类别"),
    ];
    for (unit, kind, sent, pointer, code, words) in cases {
        let judged = POLICY.judge(&report(unit, kind, sent));
        assert_eq!((judged.kind.id.as_str(), judged.pack.id.as_str()), ("unsorted", "basics"));
        let warning =
            judged.warnings.iter().find(|warning| warning.code == code).unwrap_or_else(|| panic!("{code}: {:?}", judged.warnings));
        assert_eq!(warning.field, pointer);
        assert!(warning.message_zh.contains(words), "{}", warning.message_zh);
    }
    let judged = POLICY.judge(&report("BJ01", None, &wrong));
    assert_eq!((judged.kind.id.as_str(), judged.warnings[0].code.as_str()), ("complaint", "bad-field"));
    assert_eq!(judged.undeclared["plate"], "?");
    let duties = opened("case.registered", shanghai("2026-03-06 18:40"), &case("basics", "unsorted", "HY", json!({ "unsorted": true })));
    assert_eq!(rules(&duties), ["sort"]);
    assert_eq!(duties[0].owed_by, [Who::Post("HY-DB/duty-desk".into())]);
    assert_eq!(closed("case.sorted", &case(CAR, "complaint", "BJ01", json!({}))), ["sort", "sort_again"]);
    let doubtful = opened("case.registered", shanghai("2026-03-06 18:40"), &case(CAR, "complaint", "BJ01", json!({ "unsorted": true })));
    assert!(rules(&doubtful).contains(&"sort"), "a case that keeps its kind may wait for a person too");
}

#[test]
fn a_major_car_complaint_alerts_several_at_once_and_climbs_to_the_ceo() {
    let at = shanghai("2026-03-06 18:40");
    let duties = opened("case.registered", at, &case(CAR, "complaint", "BJ01", json!({ "severity": "major" })));
    assert_eq!(
        rules(&duties),
        ["call_crisis_team", "check_identity", "close_complaint", "file_warning", "tell_managers", "warn_manufacturer"]
    );
    let warning = duty(&duties, "file_warning");
    assert_eq!(wall(warning.due), "2026-03-07 18:40", "24 hours, as the regulation says");
    assert_eq!(warning.plan.reminders.iter().map(|at| wall(*at)).collect::<Vec<_>>(), ["2026-03-07 06:40", "2026-03-07 16:40"]);
    assert_eq!(warning.key, "case/0190");
    assert_eq!(warning.title.zh, "重大投诉：预警报备 N-1");
    assert_eq!(warning.owed_to, [Who::Post("brand-division-head".into()), Who::Post("HY-FW/legal-counsel".into())]);
    let top = warning.plan.rungs.last().unwrap();
    assert_eq!((wall(top.at).as_str(), top.until, top.urgent), ("2026-03-08 00:40", Until::All, true));
    assert!(top.tell.contains(&Who::Post("HY/ceo".into())));
    let told = duty(&duties, "tell_managers");
    assert_eq!(wall(told.due), "2026-03-06 19:10", "30 minutes for the first moment");
    let notice = &told.plan.rungs[0];
    assert_eq!((notice.at, notice.sort, notice.tell.len()), (at, Sort::Notice, 3));
    // 'Immediately' is two working hours of the store, which is open until 21:00.
    assert_eq!(wall(duty(&duties, "check_identity").due), "2026-03-06 20:40");
    let again = opened("case.classified", at, &case(CAR, "complaint", "BJ01", json!({ "severity": "ordinary" })));
    assert!(again.is_empty());
    let filed = opened("case.warning_filed", at, &case(CAR, "complaint", "BJ01", json!({ "severity": "major" })));
    assert_eq!(rules(&filed), ["report_to_group"]);
    assert_eq!(closed("case.warning_filed", &case(CAR, "complaint", "BJ01", json!({}))), ["file_warning"]);
}

#[test]
fn a_brand_may_ask_for_its_warning_sooner() {
    let at = shanghai("2026-03-06 18:40");
    let due = |unit: &str| {
        let duties = opened("case.registered", at, &case(CAR, "complaint", unit, json!({ "severity": "major" })));
        wall(duty(&duties, "warn_manufacturer").due)
    };
    assert_eq!((due("BJ01").as_str(), due("SZ01").as_str()), ("2026-03-07 18:40", "2026-03-07 06:40"));
}

#[test]
fn what_the_group_call_centre_passed_on_is_fed_back_and_followed_up() {
    let at = shanghai("2026-03-06 18:40");
    let passed_on = case(CAR, "complaint", "BJ01", json!({ "fields": { "route": "group_call_centre" } }));
    let fed = opened("case.answered", at, &passed_on);
    assert_eq!((rules(&fed), wall(fed[0].due)), (vec!["feed_back"], "2026-03-07 18:40".to_owned()));
    assert!(opened("case.answered", at, &case(CAR, "complaint", "BJ01", json!({ "fields": { "route": "call" } }))).is_empty());
    assert_eq!(rules(&opened("case.fed_back", at, &passed_on)), ["follow_up"]);
}

#[test]
fn a_store_complaint_closes_within_seven_days_of_its_receipt() {
    let at = shanghai("2026-03-07 09:00");
    let facts = case("store-complaints", "complaint_case", "MD01", json!({}));
    let duties = opened("case.registered", at, &facts);
    assert_eq!(rules(&duties), ["close", "rule"]);
    assert_eq!(wall(duty(&duties, "close").due), "2026-03-13 18:40", "from receipt, not from registration");
    assert_eq!(rules(&opened("case.declined", at, &facts)), ["explain"]);
    assert_eq!(
        closed("case.closed", &facts),
        [
            "answer",
            "assign_again",
            "assign_department",
            "close",
            "close_again",
            "decide",
            "explain",
            "investigate",
            "rule",
            "sort",
            "sort_again"
        ]
    );
}

#[test]
fn joint_handling_is_due_on_the_day_set_in_the_form() {
    let at = shanghai("2026-03-06 10:00");
    let due = |more: Value| {
        let duties = opened("case.research_called", at, &case("after-sales", "product_complaint", "RJ", more));
        wall(duty(&duties, "handle_jointly").due)
    };
    assert_eq!(due(json!({ "fields": { "joint_until": "2026-03-12" } })), "2026-03-13 00:00");
    assert_eq!(due(json!({})), "2026-03-08 10:00");
}

#[test]
fn a_claim_above_ten_thousand_is_specially_serious() {
    for (claim, severity) in [("10000", "ordinary"), ("10,000.01", "serious"), ("9999.99", "ordinary"), ("12000元", "serious")] {
        let sent = fields(json!({ "claim": claim }));
        let judged = POLICY.judge(&report("RJ", Some("抱怨"), &sent));
        assert_eq!(judged.severity, severity, "{claim}: {:?}", judged.warnings);
    }
}

#[test]
fn returned_goods_are_booked_once_the_quantities_agree() {
    let at = shanghai("2026-03-06 10:00");
    let facts = case("after-sales", "product_complaint", "RJ", json!({ "fields": { "handling": "return" } }));
    let answered = opened("case.answered", at, &facts);
    assert_eq!((rules(&answered), wall(answered[0].due)), (vec!["issue_return"], "2026-03-06 12:00".to_owned()));
    assert_eq!(rules(&opened("case.quantities_agree", at, &facts)), ["book_return"]);
}

#[test]
fn an_undispatched_request_comes_first_the_next_day() {
    let facts = case("after-sales", "service", "RJ-BJ", json!({}));
    let duties = opened("case.voucher_submitted", shanghai("2026-03-06 16:00"), &facts);
    assert_eq!((rules(&duties), wall(duties[0].due)), (vec!["dispatch"], "2026-03-09 18:00".to_owned()));
    let submitted = opened("case.registered", shanghai("2026-03-06 16:00"), &facts);
    assert_eq!(
        duty(&submitted, "submit_voucher").owed_by,
        [Who::Post("RJ-BJ/service-engineer".into())],
        "the branch has an engineer of its own"
    );
}

#[test]
fn monthly_and_weekly_duties_come_once_for_each_post_that_owes_them() {
    let occurrences = POLICY.recurring(shanghai("2026-03-31 12:00"), shanghai("2026-04-06 12:00"));
    let of =
        |pack: &str, rule: &str| occurrences.iter().filter(|found| found.duty.pack == pack && found.duty.rule == rule).collect::<Vec<_>>();
    let statistics = of("store-complaints", "statistics");
    let owed_in: Vec<_> = statistics.iter().map(|found| (found.period.as_str(), found.duty.unit.as_str())).collect();
    assert_eq!(owed_in, [("2026-03", "SM-XZ")], "one for each post that plays the role where the regulation binds");
    assert_eq!(wall(statistics[0].at), "2026-04-01 00:00");
    assert_eq!(wall(statistics[0].duty.due), "2026-04-11 00:00", "within the first ten days");
    assert_eq!(statistics[0].duty.key, "period/SM-XZ/2026-03");
    let handed_in = case("store-complaints", "statistics", "SM-XZ", json!({ "fields": { "period": "2026-03" } }));
    let closes = POLICY.duties_closed(&duban_policy::policy::EventFacts {
        name: "case.registered",
        time: shanghai("2026-04-05 09:00"),
        facts: &handed_in,
    });
    assert_eq!(closes.iter().map(|duty| duty.key.as_str()).collect::<Vec<_>>(), ["period/SM-XZ/2026-03"]);
    assert_eq!(wall(of("after-sales", "sanction_review")[0].duty.due), "2026-04-10 00:00", "before the tenth");
    let weekly = of(CAR, "weekly_report");
    assert_eq!(weekly.len(), 6, "one for each 4S store");
    assert!(weekly.iter().all(|found| found.period == "2026-W14" && wall(found.duty.due) == "2026-04-06 12:00"));
    assert!(
        POLICY.recurring(shanghai("2026-04-01 00:00"), shanghai("2026-04-05 23:59")).iter().all(|found| found.duty.pack != CAR),
        "a border belongs to the earlier tick"
    );
}

#[test]
fn what_comes_round_says_by_which_report_it_is_done() {
    let weekly = POLICY.hand_in(CAR, "weekly_report", "BJ01").unwrap();
    assert_eq!((weekly.kind.as_str(), weekly.fields.len()), ("complaint_report", 0));
    let fire = POLICY.hand_in("tenant-service", "fire", "WY").unwrap();
    assert_eq!((fire.kind.as_str(), fire.fields.get("sort")), ("service_report", Some(&json!("fire"))));
    let patrol = POLICY.hand_in("reception-and-property", "patrol_security", "WF").unwrap();
    assert_eq!((patrol.kind.as_str(), &patrol.fields["subjects"]), ("patrol", &json!(["security"])));
    assert!(patrol.fields["rounds"].is_string(), "as many as the figure asks for");
    assert!(POLICY.hand_in(CAR, "file_warning", "BJ01").is_none(), "that comes once");
}

fn facts_of<'a>(stage: &'a str, facts: &'a Value, excluded: &'a [String]) -> CaseFacts<'a> {
    CaseFacts { pack: CAR, kind: "complaint", unit: "TJ01", stage, handler: None, reporter: None, excluded, returns: 0, done: &[], facts }
}

#[test]
fn a_step_is_checked_for_stage_role_and_fields_and_a_refusal_says_why() {
    let at = shanghai("2026-03-05 10:00");
    let holder = |post: &str| DIRECTORY.holders(DIRECTORY.post(post).unwrap(), at)[0].id.clone();
    let (officer, manager, stranger) =
        (holder("TJ01/customer-relations-officer"), holder("TJ01/customer-relations-manager"), holder("MD01/store-manager"));
    let facts = case(CAR, "complaint", "TJ01", json!({}));
    let check = |person: &str, stage: &str, step: &str, sent: Value, excluded: &[String]| {
        let checked = POLICY.check_step(&DIRECTORY, person, &facts_of(stage, &facts, excluded), step, &fields(sent), at);
        checked
            .map(|permitted| (permitted.event, permitted.to.map(str::to_owned), permitted.closes, permitted.reopens))
            .map_err(|refusal| (refusal.code, refusal.zh))
    };
    let done = check(&officer, "received", "identity_check", json!({ "identity": "属实" }), &[]).unwrap();
    assert_eq!(done, ("case.identity_checked".into(), Some("checked".into()), false, false));
    assert_eq!(check(&officer, "received", "identity_check", json!({}), &[]).unwrap_err().0, "missing-fields");
    assert_eq!(check(&officer, "received", "identity_check", json!({ "identity": "也许" }), &[]).unwrap_err().0, "bad-fields");
    let not_its_own = check(&officer, "received", "identity_check", json!({ "identity": "属实", "handling": "换件" }), &[]);
    assert_eq!(not_its_own.unwrap_err(), ("bad-fields", "有内容不由此步骤填写".into()), "what another step decides is not slipped in");
    assert_eq!(
        check(&officer, "handling", "identity_check", json!({}), &[]).unwrap_err(),
        ("wrong-stage", "案件处于“处理中”环节，不能“核实客户资料”".into())
    );
    assert_eq!(check(&stranger, "received", "identity_check", json!({}), &[]).unwrap_err().0, "no-right");
    assert_eq!(
        check(&officer, "received", "identity_check", json!({}), std::slice::from_ref(&officer)).unwrap_err().0,
        "no-right",
        "the one complained about"
    );
    assert_eq!(check(&officer, "answered", "close", json!({ "handling": "换件" }), &[]).unwrap_err().0, "wrong-role");
    assert_eq!(
        check(&manager, "answered", "close", json!({ "handling": "换件" }), &[]).unwrap(),
        ("case.settled".into(), Some("closed".into()), true, false)
    );
    assert_eq!(
        check(&manager, "closed", "reopen", json!({}), &[]).unwrap(),
        ("case.taken_up_again".into(), Some("handling".into()), false, true)
    );
    assert_eq!(
        check(&manager, "handling", "file_warning", json!({}), &[]).unwrap_err(),
        ("not-now", "“预警报备”的条件尚未满足：严重程度为重大客户投诉".into())
    );
    assert_eq!(check(&manager, "handling", "juggle", json!({}), &[]).unwrap_err().0, "unknown-step");
}

#[test]
fn an_alert_that_reaches_nobody_opens_a_duty_but_not_for_ever() {
    let at = shanghai("2026-03-06 18:40");
    let unreachable = |rule: &str| json!({ "alert": "a1", "duty": "d1", "person": "p", "unit": "MD01", "title": "x", "title_zh": "某事", "link": "/", "rule": rule });
    let opened_by = |rule: &str| opened("alert.unreachable", at, &unreachable(rule));
    assert_eq!(opened_by("close")[0].key, "unreachable/a1");
    assert!(opened_by("reach_otherwise").is_empty());
    let acknowledged = json!({ "alert": "a1", "pack": "store-complaints", "rule": "close", "unit": "MD01" });
    assert_eq!(closed("alert.acknowledged", &acknowledged), ["reach_otherwise"]);
}

#[test]
fn a_rejected_report_is_owed_to_the_desk_until_it_is_admitted_or_dismissed() {
    let rejected = json!({ "rejected": "r1", "receipt": "q", "producer": "web", "unit": "SM-HB", "channel": "web", "reason": "bad", "title": "来件", "policy": 0 });
    let duties = opened("report.rejected", shanghai("2026-03-06 17:00"), &rejected);
    assert_eq!(
        (duties[0].rule.as_str(), duties[0].key.as_str(), duties[0].link.as_str()),
        ("deal_with_rejected", "rejected/r1", "/rejected/r1")
    );
    assert_eq!(wall(duties[0].due), "2026-03-09 17:00");
    assert_eq!(closed("report.dismissed", &rejected), ["deal_with_rejected"]);
}

#[test]
fn the_end_of_a_day_is_its_24_00_and_an_example_in_a_year_of_which_no_holidays_are_known_says_so() {
    let said = |rule: &str, at: &str| POLICY.explain(rule, None, shanghai(at)).unwrap();
    let known = said("mining-customers/gathering", "2026-03-06 10:00");
    assert!(known.zh.contains("2026-04-01 00:00产生，2026-04-10 24:00到期") && !known.zh.contains("注意"), "{}", known.zh);
    let unknown = said("store-complaints/rule", "2027-03-05 17:30");
    assert!(
        unknown.zh.contains("日历未列出 2027 年的节假日") && unknown.en.contains("Mind that the calendar names no holidays of 2027"),
        "{unknown:?}"
    );
}

#[test]
fn a_rule_is_explained_with_its_dates() {
    let said = POLICY.explain("R13.2.5b", Some("BJ01"), shanghai("2026-03-06 18:40")).unwrap();
    insta::assert_snapshot!(format!("{}\n\n{}", said.zh, said.en));
}

#[test]
fn events_of_another_pack_or_of_no_rule_are_ignored() {
    assert!(POLICY.ignores("case.noted") && !POLICY.ignores("case.registered"));
    let elsewhere = case("store-complaints", "complaint_case", "MD01", json!({ "severity": "major" }));
    assert!(opened("case.classified", shanghai("2026-03-06 18:40"), &elsewhere).is_empty());
    for odd in [json!(null), json!([]), json!({ "pack": 3, "unit": {} }), json!({ "fields": "x", "severity": [] })] {
        assert!(opened("case.answered", shanghai("2026-03-06 18:40"), &odd).is_empty(), "{odd}");
    }
}
