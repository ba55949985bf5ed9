//! Whatever a condition asks, of whatever facts: it answers, and `all`, `any` and `none` mean what they say.

use super::*;
use crate::fuzz_cases;
use crate::source::condition::ConditionText;
use proptest::prelude::*;
use serde_json::json;

fn figures(name: &str) -> Option<String> {
    ["5000", "2wd", ""].get(name.len()).map(|value| (*value).to_owned())
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "-?[0-9]{1,70}(\\.[0-9]{0,9})?(e-?[0-9]{1,4})?".prop_map(Value::from),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:00:00Z)?".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[ab]".prop_map(Value::from),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![4 => scalars(), 1 => proptest::collection::vec(scalars(), 0..3).prop_map(Value::from), 1 => Just(json!({ "a": 1 }))]
}

fn facts() -> impl Strategy<Value = Value> {
    let fields = proptest::option::of((values(), values()).prop_map(|(a, b)| json!({ "a": a, "b": b })));
    let times = proptest::collection::vec(scalars(), 0..3);
    let facts = (values(), values(), fields, values(), times).prop_map(
        |(a, b, fields, received, times)| json!({ "a": a, "b": b, "fields": fields, "received_at": received, "repeated_at": times }),
    );
    prop_oneof![9 => facts, 1 => values()]
}

fn operands() -> impl Strategy<Value = Operand> {
    let value = scalars().prop_map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    prop_oneof![
        4 => value.prop_map(|value| Operand::Value { title: Title::new(&value, &value), value }),
        1 => "p{0,3}".prop_map(Operand::Parameter),
    ]
}

fn checks() -> impl Strategy<Value = Check> {
    let comparison = proptest::sample::select(vec![Comparison::Above, Comparison::AtLeast, Comparison::Below, Comparison::AtMost]);
    let within = proptest::option::of(proptest::sample::select(vec!["90d", "3wd", "12mon", "36500d"]));
    prop_oneof![
        proptest::collection::vec(operands(), 0..3).prop_map(Check::OneOf),
        proptest::collection::vec(operands(), 0..3).prop_map(Check::NotOneOf),
        (comparison, operands()).prop_map(|(comparison, operand)| Check::Compare(comparison, operand)),
        Just(Check::Present),
        Just(Check::Absent),
        any::<bool>().prop_map(Check::YesNo),
        (any::<i64>(), within).prop_map(|(at_least, within)| Check::Count {
            at_least: Least::Number(at_least),
            within: within.map(|text| Amount::Fixed(text.parse().unwrap()))
        }),
    ]
}

fn paths() -> impl Strategy<Value = Vec<String>> {
    proptest::sample::select(vec![vec!["a"], vec!["b"], vec!["fields", "a"], vec!["fields", "b"], vec!["a", "a"], vec!["none"], vec![]])
        .prop_map(|path| path.into_iter().map(str::to_owned).collect())
}

fn tests() -> impl Strategy<Value = Test> {
    (paths(), checks()).prop_map(|(path, check)| Test { title: Title::new("甲", "a"), path, check })
}

fn conditions() -> impl Strategy<Value = Condition> {
    let leaf = proptest::collection::vec(tests(), 0..3).prop_map(|tests| Condition { tests, ..Condition::default() });
    leaf.prop_recursive(4, 24, 3, |inner| {
        let some = || proptest::collection::vec(inner.clone(), 0..3);
        (proptest::collection::vec(tests(), 0..2), some(), some(), some()).prop_map(|(tests, any, all, none)| Condition {
            tests,
            any,
            all,
            none,
            expression: None,
        })
    })
}

/// A condition as JSON, as it could stand in a pack.
fn written() -> impl Strategy<Value = Value> {
    let right = prop_oneof![
        "\\PC{0,8}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        proptest::collection::vec("[a-z]{1,4}", 0..3).prop_map(Value::from),
        (any::<i16>(), proptest::option::of("[0-9]d")).prop_map(|(at_least, within)| match within {
            Some(within) => json!({ "at_least": at_least, "within": within }),
            None => json!({ "at_least": at_least }),
        }),
    ];
    let line = ("[b-z][a-z]{0,5}", right);
    let leaf = proptest::collection::vec(line, 0..3).prop_map(|lines| Value::Object(lines.into_iter().collect()));
    leaf.prop_recursive(3, 12, 3, |inner| {
        (
            inner.clone(),
            proptest::sample::select(vec!["any", "all", "none"]),
            proptest::collection::vec(inner, 1..3),
            proptest::option::of("\\PC{1,9}"),
        )
            .prop_map(|(mut table, word, inner, cel)| {
                table[word] = Value::from(inner);
                if let Some(cel) = cel {
                    table["cel"] = Value::from(cel);
                }
                table
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(fuzz_cases(256)))]

    #[test]
    fn all_any_and_none_mean_what_they_say(some in proptest::collection::vec(conditions(), 1..4), facts in facts()) {
        let each: Vec<bool> = some.iter().map(|condition| condition.holds(&facts, &figures)).collect();
        let (all, any, none) = (
            Condition { all: some.clone(), ..Condition::default() },
            Condition { any: some.clone(), ..Condition::default() },
            Condition { none: some, ..Condition::default() },
        );
        prop_assert_eq!(all.holds(&facts, &figures), each.iter().all(|holds| *holds));
        prop_assert_eq!(any.holds(&facts, &figures), each.iter().any(|holds| *holds));
        prop_assert_eq!(none.holds(&facts, &figures), !any.holds(&facts, &figures));
        let twice = Condition { none: vec![none], ..Condition::default() };
        prop_assert_eq!(twice.holds(&facts, &figures), any.holds(&facts, &figures));
        prop_assert!(Condition::default().holds(&facts, &figures));
        let words = twice.words(&figures);
        prop_assert!(!words.zh.is_empty() && !words.en.is_empty());
    }

    #[test]
    fn what_is_asked_and_its_contrary_never_both_hold(path in paths(), facts in facts(), some in proptest::collection::vec(operands(), 1..3)) {
        let asks = |check: Check| Test { path: path.clone(), title: Title::new("甲", "a"), check }.holds(&facts, &figures);
        prop_assert_ne!(asks(Check::Present), asks(Check::Absent));
        prop_assert_ne!(asks(Check::YesNo(true)), asks(Check::YesNo(false)));
        let (is_one, is_none) = (asks(Check::OneOf(some.clone())), asks(Check::NotOneOf(some.clone())));
        prop_assert!(!(is_one && is_none));
        prop_assert_eq!(is_one || is_none, asks(Check::Present));
        let compare = |comparison| asks(Check::Compare(comparison, some[0].clone()));
        let (above, at_least, below, at_most) =
            (compare(Comparison::Above), compare(Comparison::AtLeast), compare(Comparison::Below), compare(Comparison::AtMost));
        for (one, contrary) in [(above, at_most), (below, at_least), (above, below)] {
            prop_assert!(!(one && contrary));
        }
        prop_assert_eq!(above || at_most, below || at_least);
        prop_assert!((!above || at_least) && (!below || at_most));
    }

    #[test]
    fn a_condition_is_written_as_it_is_read(table in written()) {
        if let Ok(read) = serde_json::from_value::<ConditionText>(table) {
            let written = serde_json::to_value(&read).unwrap();
            prop_assert_eq!(serde_json::from_value::<ConditionText>(written).unwrap(), read);
        }
    }
}
