//! Who is told, who sees, and why.

use crate::world::{DIRECTORY, shanghai};
use duban_policy::Title;
use duban_policy::directory::{Absence, Directory, Grant, Holding, How, Person, Post, Right, Scope, Unit};
use jiff::Timestamp;
use proptest::prelude::*;

fn unit(code: &str, parent: Option<&str>, department: bool) -> Unit {
    Unit {
        code: code.into(),
        title: Title::new(code, code),
        parent: parent.map(Into::into),
        department,
        head: Some("head".into()),
        calendar: None,
    }
}

fn post(unit: &str, role: &str, holders: &[&str], deputies: &[&str], rights: &[(Right, Scope)]) -> Post {
    let held = |people: &[&str]| people.iter().map(|person| Holding { person: (*person).into(), from: None, until: None }).collect();
    Post {
        id: format!("{unit}/{role}"),
        unit: unit.into(),
        role: role.into(),
        title: Title::new(role, role),
        holders: held(holders),
        deputies: held(deputies),
        rights: rights.iter().map(|(right, scope)| Grant { right: *right, scope: *scope }).collect(),
    }
}

fn person(id: &str, absent: Option<(Timestamp, Timestamp)>) -> Person {
    let absences = absent.map(|(from, until)| Absence { from, until: Some(until) }).into_iter().collect();
    Person {
        id: id.into(),
        name: id.into(),
        email: None,
        phone: None,
        language: Default::default(),
        webhook: None,
        absences,
        disabled: false,
    }
}

/// group → shop → desk (a department), each with a head; the shop's clerk has a deputy.
fn small(clerk_absent: bool, deputy_absent: bool) -> Directory {
    small_without(|id| (id == "clerk" && clerk_absent) || (id == "deputy" && deputy_absent))
}

fn small_without(is_away: impl Fn(&str) -> bool) -> Directory {
    let away = |id: &str| is_away(id).then_some((Timestamp::MIN, Timestamp::MAX));
    Directory::new(
        1,
        vec![unit("group", None, false), unit("shop", Some("group"), false), unit("desk", Some("shop"), true)],
        vec![
            post("group", "head", &["chief"], &[], &[(Right::See, Scope::Below)]),
            post("group", "watch", &["guard"], &[], &[(Right::Administer, Scope::Everywhere)]),
            post("shop", "head", &["boss"], &[], &[(Right::See, Scope::Below)]),
            post("desk", "clerk", &["clerk"], &["deputy"], &[(Right::Move, Scope::Unit)]),
        ],
        vec![
            person("chief", away("chief")),
            person("guard", away("guard")),
            person("boss", away("boss")),
            person("clerk", away("clerk")),
            person("deputy", away("deputy")),
        ],
        Some("group/watch".into()),
    )
}

#[test]
fn an_absent_holder_is_stood_in_for_then_it_goes_up_the_tree_then_to_the_fallback() {
    let now = shanghai("2026-03-02 09:00");
    let all = ["chief", "boss", "deputy", "clerk"].map(str::to_owned);
    // The clerk away, the deputy away, who must not know: how, and who is told.
    type Case<'a> = (bool, bool, &'a [String], How, &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        (false, false, &[], How::Direct, &["clerk"]),
        (true, false, &[], How::Deputy, &["deputy"]),
        (true, true, &[], How::Climbed, &["boss"]),
        (true, true, &all[1..2], How::Climbed, &["chief"]),
        (true, true, &all[..2], How::Fallback, &["guard"]),
        (false, false, &all[3..], How::Deputy, &["deputy"]),
    ];
    for (clerk, deputy, excluded, how, people) in cases {
        let found = small(clerk, deputy).resolve_post("clerk", "shop", now, excluded);
        assert_eq!((found.how, found.people.iter().map(String::as_str).collect::<Vec<_>>()), (how, people.to_vec()));
        assert_eq!(found.reason.is_some(), how != How::Direct);
        // What is told of it is told in both languages.
        for told in found.recipients() {
            let said = told.reason.zip(told.reason_en).map(|(zh, en)| Title::new(zh, en));
            assert_eq!(said, found.reason, "{}", told.person);
        }
    }
}

/// Of an organisation whose only head is away, nobody heard of what had climbed to the top.
#[test]
fn where_nobody_is_there_at_all_who_holds_the_fallback_post_is_told_although_away() {
    let all_away = small_without(|_| true);
    let found = all_away.resolve_post("clerk", "shop", shanghai("2026-03-02 09:00"), &[]);
    assert_eq!((found.how, found.post.as_str(), found.people.as_slice()), (How::Fallback, "group/watch", &["guard".to_owned()][..]));
    assert!(found.reason.as_ref().unwrap().zh.contains("虽其离岗"), "{found:?}");
    assert!(found.recipients().iter().all(|told| told.meant_for.iter().all(|meant| meant.person != "guard")));
    // Who must not know is not told even then.
    let guard = ["guard".to_owned()];
    assert_eq!(all_away.resolve_post("clerk", "shop", shanghai("2026-03-02 09:00"), &guard).people, ["clerk"]);
}

#[test]
fn the_superior_of_a_post_is_the_head_of_its_unit_and_of_the_head_the_one_above() {
    let (directory, now) = (small(false, false), shanghai("2026-03-02 09:00"));
    assert_eq!(directory.resolve_superior("clerk", "shop", now, &[]).people, ["boss"]);
    assert_eq!(directory.resolve_superior("shop/head", "shop", now, &[]).people, ["chief"]);
    assert_eq!(directory.resolve_superior("group/head", "shop", now, &[]).people, ["guard"]);
}

#[test]
fn rights_of_a_department_reach_the_unit_that_it_is_part_of() {
    let now = shanghai("2026-03-02 09:00");
    let directory = small(false, false);
    assert!(directory.may("clerk", Right::Move, "shop", now).is_some());
    assert!(directory.may("clerk", Right::Move, "group", now).is_none());
    assert_eq!(directory.visible_units("clerk", Right::Move, now).into_iter().collect::<Vec<_>>(), ["desk", "shop"]);
    assert!(directory.may("deputy", Right::Move, "shop", now).is_none(), "the clerk is there");
    let permission = small(true, false).may("deputy", Right::Move, "shop", now).unwrap();
    assert!(permission.as_deputy && permission.reason.zh.contains("代理"));
    assert!(small(true, false).may("clerk", Right::Move, "shop", now).is_some(), "an absent holder keeps his rights");
}

#[test]
fn a_post_is_held_from_its_first_to_before_its_last_instant() {
    let (from, until) = (shanghai("2026-03-01 00:00"), shanghai("2026-04-01 00:00"));
    let holding = Holding { person: "a".into(), from: Some(from), until: Some(until) };
    assert!(holding.holds_at(from) && !holding.holds_at(until));
}

#[test]
fn a_vacant_shop_is_told_through_its_region() {
    let found = DIRECTORY.resolve_post("store-manager", "MD04", shanghai("2026-03-02 09:00"), &[]);
    assert_eq!((found.how, found.post.as_str()), (How::Climbed, "SM-HB/regional-manager"));
    assert!(found.reason.unwrap().zh.contains("济南泉城店店长无人在岗"));
    let deputy = DIRECTORY.resolve_post("store-manager", "MD07", shanghai("2026-03-05 09:00"), &[]);
    assert_eq!(deputy.how, How::Deputy);
}

proptest! {
    /// `may`, `visible_units` and `who_can` are three views of the same thing.
    #[test]
    fn the_three_answers_about_rights_agree(person in 0_usize..90, unit in 0_usize..40, right in 0_usize..7, day in 0_i64..60) {
        let at = shanghai("2026-02-20 12:00").checked_add(jiff::SignedDuration::from_hours(24 * day)).unwrap();
        let (person, unit, right) = (DIRECTORY.people().nth(person).unwrap(), DIRECTORY.units().nth(unit).unwrap(), Right::ALL[right]);
        let may = DIRECTORY.may(&person.id, right, &unit.code, at).is_some();
        prop_assert_eq!(may, DIRECTORY.visible_units(&person.id, right, at).contains(&unit.code));
        prop_assert_eq!(may, DIRECTORY.who_can(right, &unit.code, at).iter().any(|permission| permission.person == person.id));
    }

    /// Whoever is excluded is never told, whatever is asked for; and one who must not know leaves nobody untold of.
    #[test]
    fn the_excluded_are_never_told(post in 0_usize..80, unit in 0_usize..40, out in proptest::collection::vec(0_usize..90, 0..12)) {
        let excluded: Vec<String> = out.into_iter().map(|nth| DIRECTORY.people().nth(nth).unwrap().id.clone()).collect();
        let Some(post) = DIRECTORY.posts().nth(post) else { return Ok(()) };
        never_told(post, DIRECTORY.units().nth(unit).unwrap(), &excluded)?;
    }
}

fn never_told(post: &Post, unit: &Unit, excluded: &[String]) -> Result<(), TestCaseError> {
    let at = shanghai("2026-03-05 12:00");
    for found in [
        DIRECTORY.resolve_post(&post.id, &unit.code, at, excluded),
        DIRECTORY.resolve_post(&post.role, &unit.code, at, excluded),
        DIRECTORY.resolve_superior(&post.id, &unit.code, at, excluded),
    ] {
        prop_assert!(found.people.iter().all(|person| !excluded.contains(person)));
        prop_assert!(!found.people.is_empty() || excluded.len() > 1, "{found:?}");
    }
    Ok(())
}

/// Once he who alone holds the fallback post was complained about, nobody heard of what went beyond the highest post.
#[test]
fn where_the_fallback_post_must_not_know_the_heads_above_it_are_told() {
    let (post, unit) = (DIRECTORY.posts().nth(35).unwrap(), DIRECTORY.units().next().unwrap());
    let excluded = vec![DIRECTORY.people().nth(7).unwrap().id.clone()];
    assert_eq!((post.id.as_str(), unit.code.as_str(), excluded[0].as_str()), ("HY/ceo", "BJ01", "chen-haoran"));
    assert_eq!(DIRECTORY.fallback(), Some("HY-DB/duty-desk-head"));
    never_told(post, unit, &excluded).unwrap();
    let found = DIRECTORY.resolve_superior(&post.id, &unit.code, shanghai("2026-03-05 12:00"), &excluded);
    assert_eq!((found.how, found.post.as_str(), found.people.as_slice()), (How::Fallback, "HY/ceo", &["zhang-wei".to_owned()][..]));
    let reason = found.reason.unwrap();
    assert!(reason.zh.contains("兜底岗位均无人在岗，上升至") && reason.en.contains("nor in the fallback post"), "{reason:?}");
}
