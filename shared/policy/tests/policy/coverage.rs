//! Every rule of the regulations that have packs is carried by something, or named for the version that will, or excused.

use crate::world::POLICY;
use std::collections::BTreeMap;

/// The ids of regulations 7, 8 and 13, as the collection counts them, and whether it calls them an exhortation or metadata alone.
const IDS: &[(&str, bool)] = &[
    ("R07.1", false),
    ("R07.2", false),
    ("R07.4", false),
    ("R07.7a", false),
    ("R07.7b", false),
    ("R07.9", false),
    ("R07.11", false),
    ("R07.12", false),
    ("R07.13", false),
    ("R07.14", false),
    ("R07.15", false),
    ("R07.17", false),
    ("R07.18", false),
    ("R07.25", false),
    ("R07.26", false),
    ("R07.27", false),
    ("R07.28", true),
    ("R08.1", true),
    ("R08.2", true),
    ("R08.3", false),
    ("R08.4", false),
    ("R08.6", false),
    ("R08.7", false),
    ("R08.8", false),
    ("R08.9", false),
    ("R08.10", false),
    ("R08.11", false),
    ("R08.12", false),
    ("R08.13", false),
    ("R08.14", false),
    ("R08.15", false),
    ("R08.16", false),
    ("R08.17", false),
    ("R08.18a", false),
    ("R08.18b", false),
    ("R08.19", false),
    ("R08.20", false),
    ("R08.21", false),
    ("R08.22", false),
    ("R08.23", false),
    ("R08.24.1", false),
    ("R08.24.2", false),
    ("R08.24.3", false),
    ("R08.25.1", false),
    ("R08.25.2", false),
    ("R08.25.3", false),
    ("R08.25.4", false),
    ("R08.25.5", false),
    ("R08.25.6a", false),
    ("R08.25.6b", false),
    ("R08.25.7", false),
    ("R08.25.8", false),
    ("R08.26.1", false),
    ("R08.26.2", false),
    ("R08.27", false),
    ("R08.28.1", false),
    ("R08.28.2", false),
    ("R08.29.1a", false),
    ("R08.29.1b", false),
    ("R08.29.2", false),
    ("R08.29.3", false),
    ("R08.31", false),
    ("R08.33", false),
    ("R08.32", false),
    ("R08.35", true),
    ("R08.5", false),
    ("R08.30", false),
    ("R08.34", false),
    ("R13.2.1", false),
    ("R13.2.2", false),
    ("R13.2.3", false),
    ("R13.2.4a", false),
    ("R13.2.4b", false),
    ("R13.2.4c", false),
    ("R13.2.5a", false),
    ("R13.2.5b", false),
    ("R13.2.5c", false),
    ("R13.2.6a", false),
    ("R13.2.6b", false),
    ("R13.2.7a", false),
    ("R13.2.7b", false),
    ("R13.2.8", false),
    ("R13.2.9", false),
];

#[test]
fn no_rule_is_forgotten_and_none_is_invented() {
    let mut carried: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for covered in POLICY.coverage() {
        carried.entry(covered.id).or_default().push(covered.rule.unwrap_or_default());
    }
    let forgotten: Vec<_> = IDS.iter().map(|(id, _)| *id).filter(|id| !carried.contains_key(*id)).collect();
    assert!(forgotten.is_empty(), "carried nowhere: {forgotten:?}");
    let invented: Vec<_> = carried.keys().filter(|id| !IDS.iter().any(|(known, _)| known == id)).collect();
    assert!(invented.is_empty(), "not in the regulations: {invented:?}");
}

#[test]
fn only_exhortations_and_metadata_are_excused() {
    for covered in POLICY.coverage() {
        let excusable = IDS.iter().any(|(id, excusable)| *id == covered.id && *excusable);
        assert!(covered.rule.is_some() || excusable, "{} is excused, yet it has something to run", covered.id);
        assert!(covered.runs || covered.reason.is_some(), "{} says neither that it runs nor why not", covered.id);
    }
}

/// Table (a): every deadline of the three is a duty that runs.
#[test]
fn every_deadline_is_a_duty() {
    let deadlines = [
        "R07.7b",
        "R07.26",
        "R07.27",
        "R08.7",
        "R08.11",
        "R08.18a",
        "R08.8",
        "R08.24.1",
        "R08.25.1",
        "R08.25.2",
        "R08.25.3",
        "R08.25.8",
        "R08.26.1",
        "R08.26.2",
        "R08.28.1",
        "R08.29.1b",
        "R08.29.2",
        "R08.31",
        "R08.33",
        "R08.34",
        "R13.2.3",
        "R13.2.4b",
        "R13.2.5b",
        "R13.2.5c",
        "R13.2.6a",
        "R13.2.7a",
    ];
    let coverage = POLICY.coverage();
    for id in deadlines {
        let by_duty = |rule: &str| rule.starts_with("duty.") || rule.starts_with("recurring.");
        assert!(coverage.iter().any(|covered| covered.id == id && covered.runs && covered.rule.as_deref().is_some_and(by_duty)), "{id}");
    }
}

/// What the three say is a duty, a kind, a declaration, or nothing to run: nothing waits for words to say it in.
#[test]
fn nothing_is_left_for_later() {
    let left: Vec<_> =
        POLICY.coverage().into_iter().filter(|covered| covered.rule.as_deref().is_some_and(|rule| rule.starts_with("later."))).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn every_declaration_explains_itself() {
    let at = crate::world::shanghai("2026-03-06 18:40");
    for pack in POLICY.packs() {
        for stated in pack.declarations.stated() {
            let said = POLICY.explain(&format!("{}/{}", pack.id, stated.place()), None, at).unwrap();
            assert!(said.zh.contains(&stated.title.zh) && said.en.contains(&stated.title.en), "{said:?}");
            assert!(said.zh.contains("尚不执行") && said.en.contains("does not run yet"), "{said:?}");
        }
    }
}

/// Whatever explains itself does so for every rule, in both languages, with its article.
#[test]
fn every_duty_explains_itself() {
    let at = crate::world::shanghai("2026-03-06 18:40");
    for pack in POLICY.packs() {
        let recurring = pack.recurring.iter().map(|recurring| &recurring.rule);
        for duty in pack.duties.iter().chain(recurring) {
            let said = POLICY.explain(&format!("{}/{}", pack.id, duty.id), None, at).unwrap();
            assert!(
                said.zh.contains(&format!("第{}条", duty.article)) && said.en.contains(&format!("article {}", duty.article)),
                "{said:?}"
            );
            assert!(said.zh.contains("2026-"), "no dates: {}", said.zh);
        }
    }
}
