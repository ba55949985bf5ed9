//! Whatever is written as an expression is read or refused, and whatever is read answers, of whatever facts.

use super::*;
use crate::fuzz_cases;
use crate::policy::kind::{Choice, Field, FieldSort};
use proptest::prelude::*;
use serde_json::{Value, json};

fn vocabulary() -> Vocabulary {
    let field = |id: &str, sort: FieldSort| Field {
        id: id.to_owned(),
        title: Title::new(id, id),
        sort,
        personal: false,
        choices: ["x", "y"].map(|value| Choice { value: value.to_owned(), title: Title::new(value, value) }).to_vec(),
        periods: Vec::new(),
        required_when: None,
        article: String::new(),
        rules: Vec::new(),
        public: false,
    };
    let titled = Field {
        title: Title::new("诉求", "demand"),
        choices: [("return", "退货"), ("swap", "换货")]
            .map(|(value, zh)| Choice { value: value.to_owned(), title: Title::new(zh, value) })
            .to_vec(),
        ..field("demand", FieldSort::Choice)
    };
    let fields = [
        titled,
        field("n", FieldSort::Amount),
        field("m", FieldSort::Number),
        field("d", FieldSort::Date),
        field("c", FieldSort::Choices),
        field("b", FieldSort::YesNo),
        field("t", FieldSort::Text),
    ];
    Vocabulary::of_fields(&fields, vec![("p".to_owned(), "5000".to_owned()), ("q".to_owned(), "2wd".to_owned())])
}

fn figures(name: &str) -> Option<String> {
    (name == "p").then(|| "5000".to_owned())
}

fn numbers() -> BoxedStrategy<String> {
    let leaf =
        prop_oneof!["[0-9]{1,30}(\\.[0-9]{1,9})?", Just("n".to_owned()), Just("fields.m".to_owned()), Just("parameter.p".to_owned())];
    leaf.prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), "[-+*]", inner.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            inner.prop_map(|a| format!("-{a}")),
            Just("size(c)".to_owned()),
        ]
    })
    .boxed()
}

/// Expressions that are well made.
fn expressions() -> impl Strategy<Value = String> {
    let comparison = proptest::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        (numbers(), comparison.clone(), numbers()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        (comparison, "20[0-9]{2}-0[1-9]-1[0-9]").prop_map(|(sign, date)| format!("d {sign} '{date}'")),
        proptest::sample::select(vec![
            "b",
            "b == false",
            "has(fields.n)",
            "c == 'x'",
            "'y' in c",
            "c in ['x', 'y']",
            "t.contains('x')",
            "t == 'x'",
            "t in ['x', t]",
            "true",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), "&&|\\|\\|", inner.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

/// Words and signs in any order.
fn gibberish() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(vec![
        "n",
        "c",
        "fields",
        ".",
        "parameter",
        "p",
        "q",
        "has",
        "size",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        "?",
        ":",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        "in",
        "'x'",
        "\"",
        "'",
        "\\",
        "1",
        "0.5",
        "1e9",
        "0x1",
        "true",
        "null",
        "all",
        "map",
        "\n",
        "\u{0}",
        "金",
        "😀",
        "99999999999999999999999999999999999999999999999999999999999999999999999999",
    ]);
    prop_oneof![proptest::collection::vec(word, 0..24).prop_map(|words| words.join(" ")), "\\PC{0,60}"]
}

fn facts() -> impl Strategy<Value = Value> {
    let value = || {
        prop_oneof![
            3 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::from),
            2 => any::<i64>().prop_map(Value::from),
            1 => any::<f64>().prop_map(Value::from),
            2 => "-?[0-9]{1,60}(\\.[0-9]{0,3})?".prop_map(Value::from),
            2 => "20[0-9]{2}-0[1-9]-1[0-9]".prop_map(Value::from),
            2 => "[xy]".prop_map(Value::from),
            1 => proptest::collection::vec("[xy]", 0..3).prop_map(Value::from),
            1 => Just(json!({ "x": [1] })),
        ]
    };
    (value(), value(), value(), value(), value(), value())
        .prop_map(|(n, m, d, c, b, t)| json!({ "fields": { "n": n, "m": m, "d": d, "c": c, "b": b, "t": t } }))
}

fn compiled(text: &str) -> Result<Expression, Vec<Fault>> {
    let mut faults = Vec::new();
    let found = vocabulary().expression(&Placed::nowhere(text.to_owned()), &mut faults);
    found.ok_or(faults)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(fuzz_cases(256)))]

    #[test]
    fn whatever_is_written_is_read_or_refused_in_both_languages(text in gibberish(), facts in facts()) {
        match compiled(&text) {
            Ok(expression) => drop(expression.holds(&facts, &figures)),
            Err(faults) => prop_assert!(faults.len() == 1 && !faults[0].en.is_empty() && !faults[0].zh.is_empty()),
        }
    }

    #[test]
    fn what_is_well_made_answers_and_the_laws_of_logic_hold(a in expressions(), b in expressions(), facts in facts()) {
        let holds = |text: &str| compiled(text).map(|expression| expression.holds(&facts, &figures)).map_err(|faults| format!("{text}: {faults:?}"));
        let (one, other) = (holds(&a), holds(&b));
        prop_assert!(one.is_ok() && other.is_ok(), "{:?} {:?}", one, other);
        let (one, other) = (one == Ok(true), other == Ok(true));
        prop_assert_eq!(holds(&format!("({a}) && ({b})")), Ok(one && other));
        prop_assert_eq!(holds(&format!("({a}) || ({b})")), Ok(one || other));
        prop_assert_eq!(holds(&format!("!({a}) && ({a})")), Ok(false));
        prop_assert_eq!(holds(&format!("!(!({a}))")), Ok(one));
        prop_assert_eq!(holds(&format!("!(({a}) && ({b}))")), holds(&format!("!({a}) || !({b})")));
        prop_assert_eq!(holds(&format!("!(({a}) || ({b}))")), holds(&format!("!({a}) && !({b})")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(fuzz_cases(256)))]

    #[test]
    fn what_is_well_made_is_read_back_by_what_its_members_are_called(text in expressions()) {
        let expression = compiled(&text).map_err(|faults| TestCaseError::fail(format!("{text}: {faults:?}")))?;
        let condition = crate::condition::Condition { expression: Some(expression.clone()), ..Default::default() };
        let words = condition.words(&figures);
        for member in &expression.spoken {
            prop_assert!(words.zh.contains(&member.title.zh) && words.en.contains(&member.title.en), "{text}: {words:?}");
        }
        for sign in ["&&", "||", "==", "!=", "<", ">", "fields.", "parameter.", "()"] {
            prop_assert!(!words.zh.contains(sign) && !words.en.contains(sign), "{text}: {words:?}");
        }
    }
}

#[test]
fn an_expression_is_read_back_as_a_sentence() {
    for (text, zh, en) in [
        ("n - m > parameter.p", "n减m超过5000", "n minus m is above 5000"),
        ("n - (m - 1) >= 2 * (n + 1)", "n减（m减1）不低于2乘以（n加1）", "n minus (m minus 1) is at least 2 times (n plus 1)"),
        ("-n != 3 || -(n + m) == 3", "负n不等于3，或者负（n加m）等于3", "minus n does not equal 3 or minus (n plus m) equals 3"),
        ("demand == 'return'", "诉求为退货", "demand is return"),
        ("demand in ['return', 'swap']", "诉求为退货、换货之一", "demand is one of return, swap"),
        ("demand in ['return']", "诉求为退货", "demand is return"),
        ("'x' in c", "c中有x", "c includes x"),
        ("demand == (n > 5 ? 'return' : 'swap')", "诉求为（n超过5时取退货，否则取换货）", "demand is (return if n is above 5, else swap)"),
        (
            "d < '2026-01-31' && !(d >= '2026-01-01')",
            "d早于2026-01-31，且不是（d不早于2026-01-01）",
            "d is before 2026-01-31 and not (d is not before 2026-01-01)",
        ),
        ("has(fields.n) && !has(fields.m)", "已填写n，且未填写m", "n is given and m is not given"),
        ("b || !b", "b，或者并非b", "b or not b"),
        ("b && (n > 1 || m > 1)", "b，且（n超过1，或者m超过1）", "b and (n is above 1 or m is above 1)"),
        ("b && n > 1 || m > 1", "（b，且n超过1），或者m超过1", "(b and n is above 1) or m is above 1"),
        ("!(n > 1 && m > 1)", "不是（n超过1，且m超过1）", "not (n is above 1 and m is above 1)"),
        (
            "size(c) >= 2 && size(t) < 9",
            "c所选的项数不低于2，且t的字数低于9",
            "the number of choices in c is at least 2 and the length of t is below 9",
        ),
        ("t.contains('漏水')", "t含有“漏水”", "t contains \"漏水\""),
        ("(n > 1) == b", "（n超过1）为b", "(n is above 1) is b"),
    ] {
        let condition = crate::condition::Condition { expression: Some(compiled(text).unwrap()), ..Default::default() };
        let words = condition.words(&figures);
        assert_eq!((words.zh.as_str(), words.en.as_str()), (zh, en), "{text}");
    }
}

/// Fields and their choices may be named by their Chinese titles, as in tables.
#[test]
fn what_is_named_by_its_title_is_the_same() {
    for (by_id, by_title) in [
        ("demand == 'return'", "诉求 == '退货'"),
        ("fields.demand in ['return', 'swap']", "fields.诉求 in ['退货', '换货']"),
        ("'swap' != demand", "'换货' != 诉求"),
        ("demand == (n > 5 ? 'return' : 'swap')", "诉求 == (n > 5 ? '退货' : '换货')"),
        ("has(fields.demand)", "has(fields.诉求)"),
    ] {
        assert_eq!(compiled(by_id).unwrap().root, compiled(by_title).unwrap().root, "{by_title}");
    }
    assert!(compiled("诉求 == '修理'").is_err() && compiled("要求 == '退货'").is_err());
}

#[test]
fn what_is_too_much_is_refused_at_once() {
    let nested = ["(", "!", "-", "[", "has(", "1 + (", "b ? b : "].map(|open| open.repeat(1_000 / open.len()));
    let chains = ["n + ".repeat(240) + "1 > 0", "b && ".repeat(190) + "b", "x".repeat(1_001), "'".to_owned() + &"客".repeat(999)];
    for text in nested.iter().chain(&chains) {
        let faults = compiled(text).unwrap_err();
        assert_eq!(faults[0].code, "bad-expression", "{faults:?}");
    }
    // A chain of products grows no longer than numbers may be: it is unknown then, and does not hold.
    let product = compiled(&format!("{} > 0", ["n"; 90].join(" * "))).unwrap();
    assert!(!product.holds(&json!({ "fields": { "n": "9".repeat(60) } }), &figures));
    assert!(product.holds(&json!({ "fields": { "n": "1" } }), &figures));
}
