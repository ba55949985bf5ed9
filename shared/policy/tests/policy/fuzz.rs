//! Packs as nobody would write them: the shipped ones, with lines and words cut out, doubled, changed places, with values of other types, odd
//! letters and deep nesting. They compile or are refused, in bounded time, with places that lie in the file. How often: `DUBAN_FUZZ_CASES`.

use crate::small_set::ORGANISATION;
use crate::world::{cases, sources};
use duban_policy::{Diagnostic, Policy, Source};
use proptest::prelude::*;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Far more than one pack takes, also on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

static SHIPPED: LazyLock<Vec<Source>> = LazyLock::new(sources);

fn packs() -> impl Iterator<Item = &'static Source> {
    SHIPPED.iter().filter(|source| source.text.contains("[pack]"))
}

#[derive(Debug, Clone)]
enum Change {
    CutLine(usize),
    DoubleLine(usize),
    SwapLines(usize, usize),
    CutWord(usize),
    DoubleWord(usize),
    SwapWords(usize, usize),
    /// What stands after an equals sign becomes something else.
    Value(usize, String),
    Insert(usize, String),
    Truncate(usize),
}

fn values() -> impl Strategy<Value = String> {
    let fixed = [
        "5",
        "-9223372036854775808",
        "99999999999999999999999999999999",
        "1e999",
        "nan",
        "true",
        "\"\"",
        "\"x\"",
        "\"{\"",
        "\"{}\"",
        "\"> \"",
        "\"99999999999999d\"",
        "\"4294967296wh\"",
        "\"by the 99999999999th\"",
        "\"\\u0000\\U0010FFFF\"",
        "[]",
        "[[]]",
        "{}",
        "{ zh = 1 }",
        "2026-02-30",
        "2026-01-01T00:00:00Z",
        "\"\"\"\n客\n\"\"\"",
        "{ cel = \"((((1\" }",
        "{ cel = \"-severity in [severity]\" }",
        "{ any = [{ none = [{}] }] }",
    ];
    let deep = (proptest::sample::select(vec![("[", "]"), ("{ a = ", " }"), ("{ any = [", "] }")]), 1_usize..3_000)
        .prop_map(|((open, close), depth)| format!("{}1{}", open.repeat(depth), close.repeat(depth)));
    prop_oneof![
        6 => proptest::sample::select(fixed.to_vec()).prop_map(str::to_owned),
        1 => deep,
        2 => "\\PC{0,12}".prop_map(|text| format!("{text:?}")),
        1 => "[0-9]{1,400}(\\.[0-9]{1,40})?",
    ]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = || 0_usize..1_000_000;
    let odd = prop_oneof![
        proptest::sample::select(vec![
            "\u{feff}", "\u{202e}", "\u{0}", "\r", "\t", "😀", "e\u{301}", "“", "=", "'''", "\"\"\"", "#", "[[", "]]", "."
        ])
        .prop_map(str::to_owned),
        "\\PC{1,8}",
    ];
    let change = prop_oneof![
        1 => place().prop_map(Change::CutLine),
        1 => place().prop_map(Change::DoubleLine),
        1 => (place(), place()).prop_map(|(a, b)| Change::SwapLines(a, b)),
        1 => place().prop_map(Change::CutWord),
        1 => place().prop_map(Change::DoubleWord),
        1 => (place(), place()).prop_map(|(a, b)| Change::SwapWords(a, b)),
        3 => (place(), values()).prop_map(|(at, value)| Change::Value(at, value)),
        1 => (place(), odd).prop_map(|(at, odd)| Change::Insert(at, odd)),
        1 => place().prop_map(Change::Truncate),
    ];
    proptest::collection::vec(change, 1..4)
}

/// Byte ranges of words: what stands between blanks.
fn words(text: &str) -> Vec<(usize, usize)> {
    text.split_whitespace()
        .map(|word| (word.as_ptr().addr() - text.as_ptr().addr(), word.len()))
        .map(|(at, length)| (at, at + length))
        .collect()
}

fn changed(text: &str, change: &Change) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let line = |nth: usize| nth % lines.len().max(1);
    let words = words(text);
    let word = |nth: usize| words.get(nth % words.len().max(1)).copied().unwrap_or((0, 0));
    let boundary = |at: usize| (0..=at % (text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let put = |(from, until): (usize, usize), new: &str| [&text[..from], new, &text[until..]].concat();
    let mut moved = lines.clone();
    match change {
        Change::CutLine(nth) if !lines.is_empty() => {
            moved.remove(line(*nth));
            moved.concat()
        }
        Change::DoubleLine(nth) if !lines.is_empty() => {
            moved.insert(line(*nth), lines[line(*nth)]);
            moved.concat()
        }
        Change::SwapLines(a, b) if !lines.is_empty() => {
            moved.swap(line(*a), line(*b));
            moved.concat()
        }
        Change::CutWord(nth) => put(word(*nth), ""),
        Change::DoubleWord(nth) => {
            let (from, until) = word(*nth);
            put((until, until), &format!(" {}", &text[from..until]))
        }
        Change::SwapWords(a, b) => {
            let (first, second) = (word(*a).min(word(*b)), word(*a).max(word(*b)));
            if first == second {
                return text.to_owned();
            }
            [&text[..first.0], &text[second.0..second.1], &text[first.1..second.0], &text[first.0..first.1], &text[second.1..]].concat()
        }
        Change::Value(nth, value) => {
            let equals: Vec<usize> = text.match_indices(" = ").map(|(at, _)| at + 3).collect();
            let Some(from) = equals.get(nth % equals.len().max(1)).copied() else { return text.to_owned() };
            let until = text[from..].find(['\n', ',', '}']).map_or(text.len(), |length| from + length);
            put((from, until), value)
        }
        Change::Insert(at, odd) => put((boundary(*at), boundary(*at)), odd),
        Change::Truncate(at) => text[..boundary(*at)].to_owned(),
        Change::CutLine(_) | Change::DoubleLine(_) | Change::SwapLines(..) => text.to_owned(),
    }
}

/// The set of one pack: bound to the small shop, with every calendar.
fn set(pack: &Source, text: String) -> Vec<Source> {
    let id = pack.name.trim_end_matches(".toml");
    let organisation = ORGANISATION.replace("pack = \"shop\"", &format!("pack = {id:?}"));
    let mut set = vec![Source { name: pack.name.clone(), text }, Source { name: "organisation.toml".to_owned(), text: organisation }];
    set.extend(SHIPPED.iter().filter(|source| source.name.starts_with("calendars/")).cloned());
    set
}

fn stands(diagnostic: &Diagnostic, set: &[Source]) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{what}: {diagnostic:?}"));
    let Some(source) = set.iter().find(|source| source.name == diagnostic.file) else { return wrong("of no file") };
    let lines: Vec<&str> = source.text.split('\n').collect();
    let Some(line) = diagnostic.line.checked_sub(1).and_then(|nth| lines.get(nth)) else { return wrong("in no line") };
    if diagnostic.column < 1 || diagnostic.column > line.chars().count() + 1 {
        return wrong("in no column");
    }
    if source.text.get(diagnostic.offset..diagnostic.offset + diagnostic.length).is_none() {
        return wrong("not in the text");
    }
    if diagnostic.message.is_empty() || diagnostic.message_zh.is_empty() || diagnostic.help.is_some() != diagnostic.help_zh.is_some() {
        return wrong("not in both languages");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(48), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_mangled_pack_is_compiled_or_refused_with_its_places(nth in 0_usize..100, changes in changes()) {
        let packs: Vec<&Source> = packs().collect();
        let pack = packs[nth % packs.len()];
        let text = changes.iter().fold(pack.text.clone(), |text, change| changed(&text, change));
        let set = set(pack, text);
        let begun = Instant::now();
        let told = match Policy::compile(&set) {
            Ok(policy) => {
                policy.table_conditions();
                policy.coverage();
                policy.remarks().to_vec()
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                faults
            }
        };
        prop_assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
        for diagnostic in &told {
            prop_assert_eq!(stands(diagnostic, &set), Ok(()));
        }
    }
}

#[test]
fn what_is_mangled_was_good() {
    // With the binding of the small shop each has faults of the organisation at most.
    for pack in packs() {
        let faults = Policy::compile(&set(pack, pack.text.clone())).err().unwrap_or_default();
        assert!(faults.iter().all(|fault| fault.file == "organisation.toml"), "{faults:?}");
    }
}
