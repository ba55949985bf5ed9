//! Packs as they would be read on paper.

use crate::world::{POLICY, shanghai};
use duban_policy::policy::paper::{Entry, Paper};

fn paper(pack: &str) -> Paper {
    POLICY.paper(pack, shanghai("2026-03-06 10:00")).unwrap()
}

fn entry<'a>(paper: &'a Paper, place: &str) -> (&'a str, &'a Entry) {
    let mut entries = paper.articles.iter().flat_map(|article| article.entries.iter().map(move |entry| (article.article.as_str(), entry)));
    entries.find(|(_, entry)| entry.place == place).unwrap_or_else(|| panic!("no {place} on the paper of {}", paper.pack))
}

fn said(entry: &Entry, name: &str) -> String {
    entry.says.iter().find(|said| said.name.zh == name).map(|said| said.value.zh.clone()).unwrap_or_default()
}

#[test]
fn every_rule_of_every_pack_stands_on_its_paper_once() {
    for pack in POLICY.packs() {
        let paper = paper(&pack.id);
        let places: Vec<&str> = paper.articles.iter().flat_map(|article| &article.entries).map(|entry| entry.place.as_str()).collect();
        let times = |place: String| places.iter().filter(|found| **found == place).count();
        for duty in &pack.duties {
            assert_eq!(times(format!("duty.{}", duty.id)), 1, "{}", duty.id);
        }
        pack.recurring.iter().for_each(|recurring| assert_eq!(times(format!("recurring.{}", recurring.rule.id)), 1));
        pack.declarations.stated().for_each(|stated| assert_eq!(times(stated.place()), 1, "{}", stated.place()));
        pack.kinds.iter().for_each(|kind| assert_eq!(times(format!("kind.{}", kind.id)), 1));
        pack.parameters.keys().for_each(|name| assert_eq!(times(format!("parameter.{name}")), 1));
        let ids: Vec<&String> = paper.articles.iter().flat_map(|article| &article.entries).flat_map(|entry| &entry.rules).collect();
        for covered in POLICY.coverage().iter().filter(|covered| covered.pack == pack.id && covered.rule.as_deref() != Some("pack")) {
            let of_ladder = covered.rule.as_ref().is_some_and(|rule| rule.starts_with("ladder."));
            assert!(of_ladder || ids.contains(&&covered.id), "{} of {} is not on paper", covered.id, pack.id);
        }
        for entry in paper.articles.iter().flat_map(|article| &article.entries) {
            assert!(!entry.title.zh.is_empty() && !entry.title.en.is_empty(), "{}/{}", pack.id, entry.place);
        }
    }
}

#[test]
fn a_duty_says_who_owes_what_by_when_and_what_follows_a_miss() {
    let paper = paper("car-dealer-complaints");
    let (article, duty) = entry(&paper, "duty.file_warning");
    assert_eq!((article, duty.rules.as_slice()), ("2.5", &["R13.2.5b".to_owned()][..]));
    assert_eq!(said(duty, "时限"), "24小时内");
    assert!(!said(duty, "责任人").is_empty() && !said(duty, "提醒").is_empty(), "{duty:#?}");
    assert!(duty.sentence.zh.contains("24小时内") && duty.sentence.en.contains("within 24 hours"), "{duty:#?}");
    assert!(duty.rungs.len() > 1 && duty.rungs[0].zh.starts_with("到期时：通知") && duty.rungs[0].en.contains("tells"), "{duty:#?}");
    assert!(duty.later.is_none(), "it runs");
}

#[test]
fn a_declaration_says_that_it_does_not_run_yet_and_a_parameter_shows_its_figure_and_note() {
    let paper = paper("customer-visits-second");
    let (_, declared) = entry(&paper, "decision.visit_plan");
    assert!(declared.later.as_ref().is_some_and(|engine| engine.zh.contains("引擎")), "{declared:#?}");
    let (article, visits) = entry(&paper, "parameter.visits");
    assert_eq!((article, said(visits, "取值").as_str(), said(visits, "制度包的默认值").as_str()), ("2.3", "4", "8"));
    assert!(visits.note.as_ref().is_some_and(|note| note.zh.contains("原文")));
}

#[test]
fn the_head_says_who_is_bound_and_who_signs_for_changes() {
    let paper = paper("customer-visits");
    assert!(paper.bound.iter().any(|unit| unit.zh.contains("自2010-01-01")), "{:?}", paper.bound);
    let signed: Vec<&str> = paper.head.iter().filter(|said| said.name.zh.contains("批准")).map(|said| said.value.zh.as_str()).collect();
    assert!(signed[0].contains("总经理") && signed[1].contains("另一名"), "{signed:?}");
    assert!(paper.roles.iter().any(|said| said.name.zh.contains("总经理") && said.value.zh.contains("总经理")));
}

#[test]
fn there_is_no_paper_of_what_is_no_pack() {
    assert!(POLICY.paper("nothing", shanghai("2026-03-06 10:00")).is_none());
}
