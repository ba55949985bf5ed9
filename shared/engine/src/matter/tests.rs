//! Whatever the order in which opens and closes are read, the same comes of them.

use super::settle;
use crate::duty::{Duty, Ended, Facts, State, Terms};
use crate::moment::Moment;
use duban_contracts::Timestamp;
use duban_policy::ladder::{Plan, Progress};
use proptest::prelude::*;
use uuid::Uuid;

fn moment(version: i64) -> Moment {
    let at = Timestamp::from_second(1_772_000_000 + version * 60).unwrap();
    Moment { event: Uuid::from_u128(u128::try_from(version).unwrap()), subject: "case/1".to_owned(), version, at }
}

fn opened(version: i64) -> Duty {
    let opened = moment(version);
    Duty {
        id: Uuid::from_u128(1_000 + u128::try_from(version).unwrap()),
        pack: "p".into(),
        rule: "r".into(),
        key: "case/1".into(),
        case: None,
        title: String::new(),
        title_zh: String::new(),
        owed_by: String::new(),
        policy: 1,
        corrections: 0,
        run: 1,
        by_hand: false,
        shadowed: false,
        again: false,
        trial: false,
        is_handed_over: false,
        closes_case: false,
        terms: Terms {
            article: String::new(),
            link: String::new(),
            number: None,
            owed: Vec::new(),
            owed_to: Vec::new(),
            calendar: "always".into(),
            counts_from: opened.at,
            term: None,
            settled_due: None,
            timed_by: 0,
            follows_trial: false,
            plan: Plan::default(),
        },
        facts: Facts::default(),
        due_at: opened.at.saturating_add(jiff::SignedDuration::from_mins(2)).unwrap(),
        shifts: Default::default(),
        next_at: Some(opened.at),
        opened,
        ended: None,
        breached_at: None,
        withdrawn_at: None,
        state: State::Pending,
        late: false,
        progress: Progress::default(),
        traceparent: None,
        version: 0,
    }
}

fn close(version: i64) -> Ended {
    Ended { moment: moment(version), cancelled: false, by: None, note: None }
}

/// A life of a matter: at each version it is opened, closed, or neither.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Open,
    Close,
    Neither,
}

/// Reads events (by their versions) in this order, in batches of this size.
fn read(life: &[Act], order: &[usize], batch: usize) -> Vec<Duty> {
    let (mut kept, mut closes): (Vec<Duty>, Vec<Ended>) = (Vec::new(), Vec::new());
    for some in order.chunks(batch) {
        let fresh = kept.len();
        for place in some {
            let version = i64::try_from(*place).unwrap() + 1;
            match life[*place] {
                Act::Open => kept.push(opened(version)),
                Act::Close => closes.push(close(version)),
                Act::Neither => {}
            }
        }
        settle(&mut kept, fresh, &closes);
    }
    kept.sort_by_key(|duty| duty.opened.version);
    kept
}

/// Opened when, ended when, how.
fn summary(duties: &[Duty]) -> Vec<(i64, Option<i64>, State)> {
    let stands = duties.iter().filter(|duty| !duty.shadowed);
    stands.map(|duty| (duty.opened.version, duty.ended.as_ref().map(|ended| ended.moment.version), duty.state)).collect()
}

/// What a reader of the events in their order would say, written down plainly.
fn told_plainly(life: &[Act]) -> Vec<(i64, Option<i64>, State)> {
    let mut said: Vec<(i64, Option<i64>, State)> = Vec::new();
    for (place, act) in life.iter().enumerate() {
        let version = i64::try_from(place).unwrap() + 1;
        let standing = said.last_mut().filter(|last| last.1.is_none());
        match (act, standing) {
            (Act::Open, None) => said.push((version, None, State::Pending)),
            (Act::Close, Some(last)) => {
                last.1 = Some(version);
                last.2 = if version - last.0 <= 2 { State::ClosedInTime } else { State::ClosedLate };
            }
            _ => {}
        }
    }
    said
}

proptest! {
    #[test]
    fn the_order_of_reading_makes_no_difference(
        life in prop::collection::vec(prop_oneof![Just(Act::Open), Just(Act::Close), Just(Act::Neither)], 1..9),
        seed in any::<u64>(),
        batch in 1usize..4,
    ) {
        let mut order: Vec<usize> = (0..life.len()).collect();
        let mut state = seed;
        for place in (1..order.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(place, usize::try_from(state >> 33).unwrap() % (place + 1));
        }
        let duties = read(&life, &order, batch);
        prop_assert_eq!(summary(&duties), told_plainly(&life));
        for duty in &duties {
            prop_assert!(duty.next_at.is_none() || duty.state.is_open());
        }
    }
}

#[test]
fn at_the_same_instant_a_close_of_another_subject_ends_the_open() {
    let mut close = close(1);
    close.moment.event = Uuid::from_u128(99);
    close.moment.subject = "loan/7".to_owned();
    let mut duties = [opened(1)];
    settle(&mut duties, 0, &[close]);
    assert_eq!(duties[0].state, State::ClosedInTime);
}

#[test]
fn a_renewal_ends_the_former_duty_and_opens_the_next() {
    let mut duties = [opened(1), opened(5)];
    // Version 5 both closes what stood and opens anew.
    settle(&mut duties, 0, &[close(5)]);
    assert_eq!(duties[0].ended.as_ref().map(|ended| ended.moment.version), Some(5));
    assert!(duties[1].state.is_open() && !duties[1].shadowed);
}

#[test]
fn what_was_done_is_not_asked_for_again_when_a_kind_is_put_right_and_what_was_not_is() {
    let again = |version: i64| Duty { again: true, ..opened(version) };
    // In whatever order they are read.
    for (done, states) in [(true, [State::ClosedInTime, State::Cancelled]), (false, [State::Cancelled, State::Pending])] {
        let end = Ended { cancelled: !done, ..close(2) };
        let mut in_order = vec![opened(1), again(3)];
        settle(&mut in_order, 0, std::slice::from_ref(&end));
        assert_eq!([in_order[0].state, in_order[1].state], states);
        let mut later = vec![again(3)];
        settle(&mut later, 0, std::slice::from_ref(&end));
        later.push(opened(1));
        settle(&mut later, 1, &[end]);
        assert_eq!([later[1].state, later[0].state], states);
    }
}
