//! Pages put together are the whole, and none is too large for the broker.

use super::{MOST, Place, page, rest};
use duban_contracts::Timestamp;
use duban_contracts::alert::Recipient;
use duban_engine::alert::{Alert, State};
use duban_engine::duty::{Duty, Facts, State as DutyState, Terms};
use duban_engine::moment::Moment;
use duban_policy::ladder::{Plan, Progress};
use proptest::prelude::*;
use uuid::Uuid;

fn second(count: usize) -> Timestamp {
    Timestamp::from_second(1_772_000_000 + i64::try_from(count).unwrap()).unwrap()
}

fn duty(number: usize) -> Duty {
    let at = second(number);
    Duty {
        id: Uuid::from_u128(number as u128 + 1),
        pack: "p".into(),
        rule: "r".into(),
        key: "case/1".into(),
        case: None,
        title: "Answer".into(),
        title_zh: "答复".into(),
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
            counts_from: at,
            term: None,
            settled_due: None,
            timed_by: 0,
            follows_trial: false,
            plan: Plan::default(),
        },
        facts: Facts::default(),
        opened: Moment { event: Uuid::nil(), subject: "case/1".into(), version: 1, at },
        due_at: at,
        shifts: Default::default(),
        ended: None,
        breached_at: None,
        withdrawn_at: None,
        state: DutyState::Pending,
        late: false,
        progress: Progress::default(),
        next_at: None,
        traceparent: None,
        version: 1,
    }
}

/// An alert told to so many people.
fn alert(duty: &Duty, number: usize, people: usize) -> Alert {
    let recipient = |person: usize| Recipient {
        person: format!("person-{person}"),
        post: "BR-1/clerk".into(),
        unit: "BR-1".into(),
        how: "direct".into(),
        reason: None,
        reason_en: None,
        meant_for: Vec::new(),
    };
    Alert {
        id: Uuid::from_u128(duty.id.as_u128() * 100_000 + number as u128),
        duty: duty.id,
        run: 1,
        rung: 1,
        repetition: i32::try_from(number).unwrap(),
        sort: "breach".into(),
        until: "any".into(),
        urgent: false,
        recipients: (0..people).map(recipient).collect(),
        next: None,
        late: false,
        trial: false,
        state: State::Open,
        due_at: duty.due_at,
        raised_at: second(number),
        ended_at: None,
        acknowledgements: Vec::new(),
        version: 1,
        traceparent: None,
    }
}

/// What the store gives for a page.
fn following(alerts: &[Alert], duties: &[Duty], after: Option<Uuid>) -> Vec<Alert> {
    let mut found = Vec::new();
    for (nth, duty) in duties.iter().enumerate() {
        let of_duty = alerts.iter().filter(|alert| alert.duty == duty.id);
        found.extend(of_duty.filter(|alert| nth > 0 || after.is_none_or(|after| alert.id > after)).cloned());
    }
    found.truncate(usize::try_from(MOST).unwrap());
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pages_give_the_whole_again_and_each_fits_into_a_message(
        counts in proptest::collection::vec(prop_oneof![Just(0usize), 1usize..4, 400usize..1_500], 1..6),
        people in 1usize..40,
    ) {
        let duties: Vec<Duty> = (0..counts.len()).map(duty).collect();
        let alerts: Vec<Alert> =
            duties.iter().zip(&counts).flat_map(|(duty, count)| (0..*count).map(|number| alert(duty, number, people))).collect();
        let (mut given, mut told, mut place) = (Vec::new(), Vec::new(), None);
        loop {
            let left = rest(&duties, place);
            let known = following(&alerts, left, place.and_then(|place: Place| place.alert));
            let page = page(left, &known, place);
            let mut bytes = 0;
            for part in &page.parts {
                bytes += serde_json::to_vec(&part.duty.shown()).unwrap().len();
                bytes += part.alerts.iter().map(|alert| serde_json::to_vec(&alert.shown(part.duty)).unwrap().len()).sum::<usize>();
                given.extend(part.is_first.then_some(part.duty.id));
                told.extend(part.alerts.iter().map(|alert| alert.id));
            }
            prop_assert!(bytes < 700_000, "{bytes}");
            prop_assert!(!page.parts.is_empty() || page.next.is_none());
            match page.next {
                // As it travels.
                Some(next) => place = Some(Place::read(&next.to_string(), "/after").unwrap()),
                None => break,
            }
        }
        prop_assert_eq!(given, duties.iter().map(|duty| duty.id).collect::<Vec<_>>());
        prop_assert_eq!(told, alerts.iter().map(|alert| alert.id).collect::<Vec<_>>());
    }
}

#[test]
fn a_place_that_was_made_up_is_refused() {
    for bad in ["", "x", "0192c4d2-0000-7000-8000-000000000000.", ".0192c4d2-0000-7000-8000-000000000000"] {
        assert!(Place::read(bad, "/after").is_err(), "{bad}");
    }
}
