//! Expressions in a part of CEL: what they mean, how they are read back, beside tables.

use crate::small_set::{ORGANISATION, PACK, set};
use crate::world::listed;
use duban_policy::Policy;
use serde_json::{Value, json};

fn policy(when: &str) -> Policy {
    let text = PACK.replacen("when = { amount = \"> {large}\" }", &format!("when = {when}"), 1);
    assert_ne!(text, PACK);
    let text = text.replacen("[kind.complaint.severity", &format!("{FIELDS}\n[kind.complaint.severity"), 1);
    Policy::compile(&set(&text, ORGANISATION)).unwrap_or_else(|faults| panic!("{when}: {}", listed(&faults)))
}

const FIELDS: &str = r#"
[kind.complaint.field.paid]
title = { zh = "已付款", en = "sum paid" }
type = "amount"

[kind.complaint.field.wants]
title = "诉求"
type = "choices"
choices = { repair = "维修", refund = "退款" }

[kind.complaint.field.bought_on]
title = "购买日"
type = "date"

[kind.complaint.field.known_on]
title = "发现日"
type = "date"

[kind.complaint.field.media]
title = "媒体关注"
type = "yes_no"
"#;

fn is_major(policy: &Policy, facts: Value) -> bool {
    let kind = policy.kind("shop", "complaint").unwrap();
    policy.severity_of(kind, &facts).0 == "major"
}

/// What an expression says of a case's fields; `-` where it cannot be known and so does not hold.
#[test]
fn expressions_say_what_they_say_in_cel_and_exactly() {
    let examples: &[(&str, Value, bool)] = &[
        ("amount - paid > 100", json!({ "amount": "300.10", "paid": "200" }), true),
        ("amount - paid > 100", json!({ "amount": "300", "paid": "200" }), false),
        // Tenths are exact: in binary fractions 0.1 + 0.2 is not 0.3.
        ("amount + paid == 0.3", json!({ "amount": "0.1", "paid": "0.2" }), true),
        ("amount * 3 == 0.3", json!({ "amount": "0.1" }), true),
        ("amount * amount > 99999999999999999999", json!({ "amount": "10000000000" }), true),
        ("amount * 2 >= parameter.large", json!({ "amount": 2500 }), true),
        ("amount * 2 >= parameter.large", json!({ "amount": 2499.99 }), false),
        ("amount > -1 && -amount < 1", json!({ "amount": "0" }), true),
        ("amount + paid * 2 == 7", json!({ "amount": "1", "paid": "3" }), true),
        ("(amount + paid) * 2 == 8", json!({ "amount": "1", "paid": "3" }), true),
        ("amount - paid - 1 == 1", json!({ "amount": "5", "paid": "3" }), true),
        // What is absent is not known; what is not known does not hold, nor does its contrary.
        ("amount > 5", json!({}), false),
        ("!(amount > 5)", json!({}), false),
        ("amount != 5", json!({}), false),
        ("amount > 5 || paid > 5", json!({ "paid": "6" }), true),
        ("paid > 5 && amount > 5", json!({ "paid": "6" }), false),
        ("!(amount > 5 && paid > 5)", json!({ "paid": "1" }), true),
        ("amount > 5 || paid > 5", json!({ "paid": "six", "amount": true }), false),
        ("has(fields.amount)", json!({ "amount": "0" }), true),
        ("!has(fields.amount)", json!({ "amount": "" }), true),
        ("has(fields.amount) ? amount > 5 : paid > 5", json!({ "paid": "6" }), true),
        // Yes and no: no when nothing is said, as in tables.
        ("media", json!({ "media": true }), true),
        ("media", json!({}), false),
        ("!media", json!({}), true),
        ("media == false", json!({}), true),
        // Words, one or several.
        ("demand == 'return'", json!({ "demand": "return" }), true),
        ("demand != \"return\"", json!({ "demand": "exchange" }), true),
        ("demand in ['return', 'exchange']", json!({ "demand": "exchange" }), true),
        ("demand in []", json!({ "demand": "exchange" }), false),
        ("!(demand in ['return'])", json!({}), false),
        ("'refund' in wants && size(wants) > 1", json!({ "wants": ["repair", "refund"] }), true),
        ("'refund' in wants", json!({ "wants": ["repair"] }), false),
        ("size(demand) == 1", json!({ "demand": "exchange" }), true),
        ("size(demand) == 0", json!({}), false),
        ("wants == 'refund'", json!({ "wants": ["repair", "refund"] }), true),
        // Dates by the day.
        ("known_on < bought_on", json!({ "known_on": "2026-03-01", "bought_on": "2026-03-02" }), true),
        ("'2026-03-01' == known_on", json!({ "known_on": "2026-03-01" }), true),
        ("bought_on >= '2026-01-01'", json!({ "bought_on": "2025-12-31" }), false),
        // Texts.
        ("number.startsWith('TS') && number.endsWith(\"7\")", json!({}), true),
        ("title.contains('it\\'s')", json!({}), false),
        ("size(number) == 4", json!({}), true),
        ("(media ? 'return' : 'exchange') == demand", json!({ "demand": "exchange" }), true),
        ("true", json!({}), true),
        ("!true", json!({}), false),
    ];
    for (expression, fields, holds) in examples {
        let policy = policy(&format!("{{ cel = {expression:?} }}"));
        let facts = json!({ "unit": "SHOP", "number": "TS-7", "title": "投诉", "fields": fields });
        assert_eq!(is_major(&policy, facts), *holds, "{expression} of {fields}");
    }
}

#[test]
fn an_expression_stands_beside_lines_and_all_must_hold() {
    let policy = policy("{ demand = \"return\", cel = \"amount > paid\", none = [{ cel = \"paid > 100\" }] }");
    let of = |demand: &str, amount: u32, paid: u32| {
        is_major(&policy, json!({ "unit": "SHOP", "fields": { "demand": demand, "amount": amount, "paid": paid } }))
    };
    assert!(of("return", 60, 50));
    assert!(!of("exchange", 60, 50));
    assert!(!of("return", 40, 50));
    assert!(!of("return", 400, 101));
    assert_eq!(policy.table_conditions().1 - policy.table_conditions().0, 1, "one condition is not a table alone");
}

#[test]
fn an_expression_is_read_back_as_a_sentence_beside_the_lines_of_its_table() {
    let policy = policy("{ demand = \"return\", cel = \" amount - paid > parameter.large && fields.paid > 1 \" }");
    let kind = policy.kind("shop", "complaint").unwrap();
    let facts = json!({ "unit": "SHOP", "fields": { "demand": "return", "amount": "9000", "paid": "2" } });
    let (_, reasons) = policy.severity_of(kind, &facts);
    insta::assert_snapshot!(format!("{}\n{}", reasons[0].text, reasons[0].text_zh));
}

#[test]
fn a_parameter_is_used_by_an_expression_that_names_it() {
    let unused = |when: &str| policy(when).remarks().iter().filter(|remark| remark.code == "unused").count();
    assert_eq!(unused("{ cel = \"amount in [parameter.large]\" }"), 0);
    assert_eq!(unused("{ cel = \"amount > 5000\" }"), 1);
}
