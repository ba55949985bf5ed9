//! Every rule of the regulations that have packs is carried by something, or named for the version that will, or excused.

use crate::world::{POLICY, shanghai};
use std::collections::{BTreeMap, BTreeSet};

/// A rule of the regulations, as the collection counts them.
struct Rule {
    id: &'static str,
    /// The collection calls it an exhortation or metadata alone.
    excusable: bool,
    has_deadline: bool,
}

fn rules() -> Vec<Rule> {
    let lines = include_str!("rules.csv").lines().filter(|line| !line.starts_with('#'));
    let rule = |line: &'static str| {
        let mut columns = line.split(',');
        let id = columns.next().unwrap();
        Rule { id, excusable: columns.next() == Some("nothing"), has_deadline: columns.next() == Some("deadline") }
    };
    lines.map(rule).collect()
}

#[test]
fn no_rule_is_forgotten_and_none_is_invented() {
    let mut carried: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for covered in POLICY.coverage() {
        carried.entry(covered.id).or_default().push(covered.rule.unwrap_or_default());
    }
    let rules = rules();
    assert_eq!(rules.len(), 433);
    let forgotten: Vec<_> = rules.iter().map(|rule| rule.id).filter(|id| !carried.contains_key(*id)).collect();
    assert!(forgotten.is_empty(), "carried nowhere: {forgotten:?}");
    let invented: Vec<_> = carried.keys().filter(|id| !rules.iter().any(|known| known.id == *id)).collect();
    assert!(invented.is_empty(), "not in the regulations: {invented:?}");
}

#[test]
fn only_exhortations_and_metadata_are_excused() {
    let rules = rules();
    for covered in POLICY.coverage() {
        let excusable = rules.iter().any(|rule| rule.id == covered.id && rule.excusable);
        assert!(covered.rule.is_some() || excusable, "{} is excused, yet it has something to run", covered.id);
        assert!(covered.runs || covered.reason.is_some(), "{} says neither that it runs nor why not", covered.id);
    }
}

/// A parameter runs with what uses it.
#[test]
fn a_parameter_that_declarations_alone_use_does_not_run_yet() {
    let runs = |pack: &str, parameter: &str| -> Vec<bool> {
        let place = Some(format!("parameter.{parameter}"));
        POLICY.coverage().into_iter().filter(|covered| covered.pack == pack && covered.rule == place).map(|covered| covered.runs).collect()
    };
    assert_eq!(runs("customer-registration", "form_kept"), [false]);
    assert!(!runs("customer-relations", "round_visit_share").contains(&true));
    assert!(
        POLICY.coverage().iter().any(|covered| covered.runs && covered.rule.as_deref().is_some_and(|rule| rule.starts_with("parameter.")))
    );
}

/// What the regulations demand, or the default suggested where they leave it open, worked out from them and not from the packs: id, pack, duty, term.
const DEADLINES: &str = include_str!("deadlines.csv");

#[test]
fn every_duty_has_the_term_that_its_regulation_demands() {
    let coverage = POLICY.coverage();
    let mut wrong = Vec::new();
    let mut timed = BTreeSet::new();
    for line in DEADLINES.lines().skip(1) {
        let [id, pack, rule, term] = line.split(',').collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("not four columns: {line}"));
        timed.insert(id);
        let terms = POLICY.written_terms(pack, rule).map(|terms| terms.join(";"));
        if terms.as_deref() != Some(term) {
            wrong.push(format!("{id}: {pack}/{rule} is {terms:?}, demanded is {term}"));
        }
        let place = format!("duty.{rule}");
        let cites = |covered: &duban_policy::policy::Covered| {
            covered.id == id
                && covered.pack == pack
                && covered.rule.as_ref().is_some_and(|of| *of == place || *of == format!("recurring.{rule}"))
        };
        assert!(coverage.iter().any(cites), "{pack}/{rule} does not carry {id}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let untimed: Vec<&str> = rules().iter().filter(|rule| rule.has_deadline && !timed.contains(rule.id)).map(|rule| rule.id).collect();
    assert!(untimed.is_empty(), "no term is demanded of {untimed:?}");
}

/// Every deadline of the regulations is a duty that runs.
#[test]
fn every_deadline_is_a_duty() {
    let coverage = POLICY.coverage();
    for rule in rules().into_iter().filter(|rule| rule.has_deadline) {
        let by_duty = |place: &str| place.starts_with("duty.") || place.starts_with("recurring.");
        let runs =
            |covered: &duban_policy::policy::Covered| covered.id == rule.id && covered.runs && covered.rule.as_deref().is_some_and(by_duty);
        assert!(coverage.iter().any(runs), "{}", rule.id);
    }
}

/// What the regulations say is a duty, a kind, a declaration, or nothing to run: nothing waits for words to say it in.
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

/// What is declared and does not run yet, word for word as it explains itself: it is this that fails when a declaration is taken out or says
/// something else.
#[test]
fn every_declaration_says_what_is_expected_of_it() {
    let at = crate::world::shanghai("2026-03-06 18:40");
    for pack in POLICY.packs() {
        let mut said = String::new();
        for stated in pack.declarations.stated() {
            let place = stated.place();
            let whole = format!("{}/{place}", pack.id);
            let words = POLICY.explain(&whole, None, at).unwrap();
            said.push_str(&format!("# {place} · {} · {}\n{}\n{}\n\n", stated.article, stated.rules.join(" "), words.zh, words.en));
        }
        insta::assert_snapshot!(format!("declared_{}", pack.id), said);
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
            assert!(said.zh.contains("2026-") || said.zh.contains("2027-"), "no dates: {}", said.zh);
        }
    }
}

/// Every rule that is carried is explained by its id, by each thing that carries it; what is set aside says why.
#[test]
fn every_rule_of_the_regulations_explains_itself() {
    let at = shanghai("2026-03-06 18:40");
    let covered = POLICY.coverage();
    let ids: BTreeSet<&str> = covered.iter().map(|covered| covered.id.as_str()).collect();
    assert!(ids.len() > 380, "{}", ids.len());
    for id in ids {
        let said = POLICY.explain(id, None, at).unwrap_or_else(|| panic!("{id} is not explained"));
        for carried in covered.iter().filter(|covered| covered.id == id) {
            let pack = POLICY.pack(&carried.pack).unwrap();
            assert!(said.zh.contains(&pack.title.zh) && said.en.contains(&pack.title.en), "{id} in {}: {said:?}", pack.id);
            let Some(place) = carried.rule.as_deref().filter(|place| place.starts_with("kind.")) else { continue };
            let by_place = POLICY.explain(&format!("{}/{place}", pack.id), None, at).unwrap_or_else(|| panic!("{place} is not explained"));
            assert!(said.zh.contains(&by_place.zh) && said.en.contains(&by_place.en), "{id}: {place}");
        }
    }
}

#[test]
fn what_is_no_duty_is_explained_by_its_place() {
    let at = shanghai("2026-03-06 18:40");
    for (place, zh, en) in [
        ("car-dealer-complaints/kind.complaint.severity.major", "严重程度“", "Major: yes"),
        ("store-complaints/ladder.company", "通知：", "Tells"),
        ("store-complaints/parameter.rung_2", "系统建议，可由本组织另定", "left open by the source: ours"),
        ("store-complaints/kind.complaint_case.move.accept", "：裁定受理”", "By: "),
        ("store-complaints/pack", "制度“", "regulation '"),
    ] {
        let said = POLICY.explain(place, None, at).unwrap_or_else(|| panic!("{place} is not explained"));
        assert!(said.zh.contains(zh) && said.en.to_lowercase().contains(&en.to_lowercase()), "{place}: {said:?}");
    }
    // A ladder is explained rung by rung.
    assert_eq!(POLICY.explain("store-complaints/ladder.company", None, at).unwrap().zh.lines().count(), 3);
}

/// Who asks for an article as the regulation counts it gets all of its parts, and none of the next article's.
#[test]
fn an_id_that_others_begin_with_explains_all_of_them() {
    let at = shanghai("2026-03-06 18:40");
    for whole in ["R08.18", "R05.27", "R13.2.5", "R13.2.7"] {
        let said = POLICY.explain(whole, None, at).unwrap_or_else(|| panic!("{whole} is not explained")).zh;
        let is_part = |id: &str| id.strip_prefix(whole).is_some_and(|rest| rest.starts_with(|next: char| next.is_alphabetic()));
        let parts: Vec<String> = POLICY.coverage().into_iter().map(|covered| covered.id).filter(|id| is_part(id)).collect();
        let of_parts = parts.iter().filter_map(|part| POLICY.explain(part, None, at));
        assert!(
            of_parts.flat_map(|part| part.zh.lines().map(str::to_owned).collect::<Vec<_>>()).all(|line| said.contains(&line)),
            "{said}"
        );
    }
    assert!(POLICY.explain("R08.1", None, at).is_none_or(|said| !said.zh.contains("第18条")));
    assert_eq!(POLICY.explain("R", None, at), None);
    assert_eq!(POLICY.explain("", None, at), None);
}

#[test]
fn what_only_an_event_fills_is_shown_as_a_place() {
    let said = POLICY.explain("basics/hear_from_source", None, shanghai("2026-03-06 18:40")).unwrap();
    assert!(said.zh.contains("来件渠道 〔…〕 已静默") && said.en.contains("Nothing has come from 〔…〕 for too long"), "{}", said.zh);
}
