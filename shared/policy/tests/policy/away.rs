//! Who has what while somebody is away or has delegated, and who may set that for whom.

use crate::world::{DIRECTORY, shanghai};
use duban_contracts::alert::MeantFor;
use duban_policy::Title;
use duban_policy::directory::{Absence, Delegation, Delegator, Directory, How, Language, Person, Right};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const SHOP: &str = "MD07";

fn at() -> Timestamp {
    shanghai("2026-02-10 09:00")
}

fn days(count: i64) -> Timestamp {
    at().checked_add(SignedDuration::from_hours(24 * count)).unwrap()
}

/// Who holds the posts of the first shop that has a manager with a deputy.
struct Shop {
    post: String,
    manager: String,
    deputy: String,
}

fn shop() -> Shop {
    let post = DIRECTORY.post(&format!("{SHOP}/store-manager")).unwrap();
    Shop { post: post.id.clone(), manager: post.holders[0].person.clone(), deputy: post.deputies[0].person.clone() }
}

fn away(person: &str, from: i64, until: Option<i64>) -> (String, Absence) {
    (person.to_owned(), Absence { from: days(from), until: until.map(days) })
}

fn of_person(of: &str, to: &str, from: i64, until: i64) -> Delegation {
    Delegation { of: Delegator::Person(of.to_owned()), to: to.to_owned(), from: days(from), until: days(until) }
}

fn of_post(post: &str, to: &str) -> Delegation {
    Delegation { of: Delegator::Post(post.to_owned()), to: to.to_owned(), from: days(0), until: days(5) }
}

/// Somebody of another branch.
fn outsider(nth: usize) -> String {
    let held = |person: &&Person| DIRECTORY.posts_of(&person.id, at()).iter().any(|held| held.post.unit.starts_with("RJ"));
    DIRECTORY.people().filter(held).nth(nth).unwrap().id.clone()
}

fn told(directory: &Directory, at: Timestamp) -> (How, Vec<String>, Vec<(String, String)>) {
    let found = directory.resolve_post("store-manager", SHOP, at, &[]);
    let meant = found.meant_for().into_iter().map(|meant| (meant.person, meant.why)).collect();
    (found.how, found.people, meant)
}

#[test]
fn what_is_meant_for_an_absent_holder_says_so_and_until_when() {
    let Shop { manager, deputy, .. } = shop();
    // Two absences that follow one another are one.
    let directory = DIRECTORY.clone().with_absences([away(&manager, 0, Some(2)), away(&manager, 2, Some(5))]);
    let found = directory.resolve_post("store-manager", SHOP, days(1), &[]);
    assert_eq!((found.how, found.people.as_slice()), (How::Deputy, [deputy].as_slice()));
    let meant = MeantFor { person: manager.clone(), why: "absent".to_owned(), until: Some(days(5)) };
    assert_eq!(found.recipients()[0].meant_for, [meant]);
    assert_eq!(told(&directory, days(5)), (How::Direct, vec![manager.clone()], Vec::new()));
    let open = DIRECTORY.clone().with_absences([away(&manager, 0, None)]);
    assert_eq!(open.resolve_post("store-manager", SHOP, days(90), &[]).passed[0].until, None);
    let words = directory.instead_of(&found.passed, &|_| Title::new("3月6日", "6 March"));
    let name = &DIRECTORY.person(&manager).unwrap().name;
    assert_eq!((words.zh, words.en), (format!("{name}离岗至3月6日"), format!("instead of {name}, who is away until 6 March")));
}

#[test]
fn a_delegate_comes_before_the_deputies_and_the_last_of_a_chain_who_is_there_has_it() {
    let Shop { manager, deputy, post } = shop();
    let (first, second) = (outsider(0), outsider(1));
    let chain = vec![of_person(&manager, &first, 0, 5), of_person(&first, &second, 0, 5)];
    let by_chain = DIRECTORY.clone().with_delegations(chain.clone());
    let meant = |why: &str| vec![(manager.clone(), why.to_owned())];
    assert_eq!(told(&by_chain, days(1)), (How::Delegate, vec![second.clone()], meant("delegated")));
    assert_eq!(told(&by_chain, days(6)), (How::Direct, vec![manager.clone()], Vec::new()));
    // The last of them is away: the one before has it.
    let one_away = by_chain.clone().with_absences([away(&second, 0, Some(5))]);
    assert_eq!(told(&one_away, days(1)), (How::Delegate, vec![first.clone()], meant("delegated")));
    // All delegates are away: the manager himself is there.
    let both_away = one_away.clone().with_absences([away(&first, 0, Some(5))]);
    assert_eq!(told(&both_away, days(1)), (How::Direct, vec![manager.clone()], Vec::new()));
    let all_away = both_away.with_absences([away(&manager, 0, Some(5))]);
    assert_eq!(told(&all_away, days(1)), (How::Deputy, vec![deputy], meant("absent")));
    // Who is away and has delegated is away: the delegate has it in his place.
    let handed = by_chain.with_absences([away(&manager, 0, Some(3))]);
    assert_eq!(told(&handed, days(1)), (How::Delegate, vec![second.clone()], meant("absent")));
    // A post is delegated whoever holds it, and a vacant one too.
    let of_the_post = DIRECTORY.clone().with_delegations(vec![of_post(&post, &second)]);
    assert_eq!(told(&of_the_post, days(1)), (How::Delegate, vec![second.clone()], meant("delegated")));
    let vacant = DIRECTORY.clone().with_delegations(vec![of_post("MD04/store-manager", &second)]);
    let found = vacant.resolve_post("store-manager", "MD04", days(1), &[]);
    assert_eq!((found.how, found.people), (How::Delegate, vec![second]));
}

#[test]
fn a_circle_ends_and_what_the_excluded_have_delegated_goes_to_nobody_of_theirs() {
    let Shop { manager, deputy, post } = shop();
    let other = outsider(0);
    let circle = DIRECTORY.clone().with_delegations(vec![of_person(&manager, &other, 0, 5), of_person(&other, &manager, 0, 5)]);
    assert_eq!(told(&circle, days(1)).1, std::slice::from_ref(&other));
    let itself = DIRECTORY.clone().with_delegations(vec![of_person(&manager, &manager, 0, 5)]);
    assert_eq!(told(&itself, days(1)), (How::Direct, vec![manager.clone()], Vec::new()));
    let found = circle.resolve_post("store-manager", SHOP, days(1), std::slice::from_ref(&manager));
    assert_eq!((found.people, found.passed), (vec![deputy.clone()], Vec::new()), "whom the complained about have named has nothing of it");
    let excluded = DIRECTORY.clone().with_delegations(vec![of_post(&post, &other)]);
    let found = excluded.resolve_post("store-manager", SHOP, days(1), std::slice::from_ref(&other));
    assert_eq!(found.people, std::slice::from_ref(&manager));
    assert!(circle.leads_back(&other, std::slice::from_ref(&manager), days(2), days(3)));
    assert!(!circle.leads_back(&other, &[manager], days(6), days(7)), "it is over by then");
}

#[test]
fn a_delegate_has_the_rights_that_go_with_it_but_never_administers() {
    let Shop { manager, .. } = shop();
    let other = outsider(0);
    let sees = |directory: &Directory, at| directory.may(&other, Right::See, SHOP, at);
    let directory = DIRECTORY.clone().with_delegations(vec![of_person(&manager, &other, 0, 5)]);
    assert!(sees(&DIRECTORY, days(1)).is_none() && sees(&directory, days(5)).is_none());
    let permission = sees(&directory, days(1)).unwrap();
    assert!(permission.as_delegate && permission.reason.zh.contains("受托代行"), "{permission:?}");
    assert!(directory.who_can(Right::See, SHOP, days(1)).iter().any(|permission| permission.person == other));
    assert!(directory.reach(&other, Right::See, days(1)).covers(SHOP, &[]));

    let administers = |person: &&Person| DIRECTORY.sees_everywhere(&person.id, Right::Administer, at());
    let administrator = DIRECTORY.people().find(administers).unwrap().id.clone();
    let directory = DIRECTORY.clone().with_delegations(vec![of_person(&administrator, &other, 0, 5)]);
    assert!(!directory.posts_of(&other, days(1)).iter().all(|held| !held.as_delegate), "he has the posts");
    assert!(!directory.sees_everywhere(&other, Right::Administer, days(1)));
    assert!(directory.may_anywhere(&other, Right::Administer, days(1)).is_none());
    assert!(directory.visible_units(&other, Right::Administer, days(1)).is_empty());
    assert!(directory.reach(&other, Right::Administer, days(1)).is_nowhere());
}

#[test]
fn those_who_head_the_unit_or_one_above_are_set_over_a_person() {
    let Shop { manager, post, .. } = shop();
    let post = DIRECTORY.post(&post).unwrap();
    let heads: Vec<String> = DIRECTORY
        .ancestors(SHOP)
        .into_iter()
        .filter_map(|unit| DIRECTORY.post(&format!("{}/{}", unit.code, unit.head.as_deref()?)))
        .flat_map(|head| DIRECTORY.holders(head, at()))
        .map(|person| person.id.clone())
        .collect();
    assert!(!heads.is_empty());
    for head in &heads {
        assert!(DIRECTORY.is_over(head, &manager, at()) && DIRECTORY.is_over_post(head, post, at()), "{head}");
        assert!(!DIRECTORY.is_over(&manager, head, at()), "{head}");
    }
    assert!(!DIRECTORY.is_over(&manager, &manager, at()) && !DIRECTORY.is_over(&outsider(0), &manager, at()));
}

/// Absences and delegations among everybody, however mad.
fn mad() -> impl Strategy<Value = Directory> {
    let people = DIRECTORY.people().count();
    let posts = DIRECTORY.posts().count();
    let absences = proptest::collection::vec((0..people, 0_i64..6, 0_i64..6), 0..60);
    let delegations = proptest::collection::vec((any::<bool>(), 0..people.max(posts), 0..people, 0_i64..6, 1_i64..6), 0..60);
    (absences, delegations).prop_map(move |(absences, delegations)| {
        let person = |nth: usize| DIRECTORY.people().nth(nth % people).unwrap().id.clone();
        let post = |nth: usize| DIRECTORY.posts().nth(nth % posts).unwrap().id.clone();
        let absences = absences.into_iter().map(|(who, from, long)| away(&person(who), from, (long > 0).then_some(from + long)));
        let delegations = delegations.into_iter().map(|(is_post, of, to, from, long)| Delegation {
            of: if is_post { Delegator::Post(post(of)) } else { Delegator::Person(person(of)) },
            to: person(to),
            from: days(from),
            until: days(from + long),
        });
        DIRECTORY.clone().with_absences(absences).with_delegations(delegations.collect())
    })
}

proptest! {
    /// Nothing ends at who is away while anybody is there on the way: not even with circles.
    #[test]
    fn nothing_ends_at_who_is_away(directory in mad(), post in 0_usize..80, unit in 0_usize..40, day in 0_i64..6) {
        let Some(post) = DIRECTORY.posts().nth(post) else { return Ok(()) };
        let unit = DIRECTORY.units().nth(unit).unwrap();
        let at = days(day);
        let there = |id: &String| directory.person(id).is_some_and(|person| !person.disabled && !person.is_absent(at));
        let own = directory.resolve_post(&post.id, &unit.code, at, &[]).how;
        if directory.holders(post, at).iter().any(|holder| !holder.is_absent(at)) {
            prop_assert!(matches!(own, How::Direct | How::Delegate), "{:?} of {}", own, post.id);
        }
        for found in [directory.resolve_post(&post.id, &unit.code, at, &[]), directory.resolve_post(&post.role, &unit.code, at, &[]), directory.resolve_superior(&post.id, &unit.code, at, &[])] {
            prop_assert!(found.people.iter().all(there) || found.how == How::Fallback, "{:?}", found);
            // Those in whose place it is are no recipients of their own part.
            for recipient in found.recipients() {
                prop_assert!(recipient.meant_for.iter().all(|meant| meant.person != recipient.person));
            }
            if !found.people.iter().any(there) {
                // Then nobody is there in the post itself, nor in the fallback post, whose holder is told all the same.
                let fallback = directory.post(directory.fallback().unwrap()).unwrap();
                prop_assert!(directory.holders(fallback, at).iter().all(|holder| holder.is_absent(at)));
                prop_assert!(directory.holders(fallback, at).is_empty() || !found.people.is_empty(), "{:?}", found);
            }
        }
    }

    /// Whoever acts for a post has the rights to do so: the two answers follow from the same delegations.
    #[test]
    fn who_has_it_by_delegation_holds_the_post(directory in mad(), post in 0_usize..80, day in 0_i64..6) {
        let Some(post) = DIRECTORY.posts().nth(post) else { return Ok(()) };
        let found = directory.resolve_post(&post.id, &post.unit, days(day), &[]);
        if matches!(found.how, How::Delegate | How::Direct) {
            for person in &found.people {
                prop_assert!(directory.posts_of(person, days(day)).iter().any(|held| held.post.id == post.id), "{person} for {}", post.id);
            }
        }
    }
}

#[test]
fn a_directory_with_absences_and_delegations_travels_whole() {
    let Shop { manager, deputy, .. } = shop();
    let directory = DIRECTORY.clone().with_absences([away(&manager, 0, None)]).with_delegations(vec![of_person(&manager, &deputy, 0, 5)]);
    let there: Directory = serde_json::from_value(serde_json::to_value(&directory).unwrap()).unwrap();
    assert_eq!(told(&there, days(1)), told(&directory, days(1)));
    // One of an older gateway has none.
    let mut old = serde_json::to_value(&*DIRECTORY).unwrap();
    old.as_object_mut().unwrap().remove("delegations");
    let there: Directory = serde_json::from_value(old).unwrap();
    assert!(there.delegations().is_empty() && there.person(&manager).is_some_and(|person| person.language == Language::Chinese));
}
