//! Each rung once, in order, whenever somebody looks.

use super::{Step, acknowledge, climb, quiet_until};
use crate::duty::{Duty, Ended, Facts, State, Terms};
use crate::moment::Moment;
use duban_contracts::Timestamp;
use duban_policy::calendar::{Calendar, Duration, Hours, Measure};
use duban_policy::ladder::{Plan, Progress, Sort, TimedRung, Until, Who};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use uuid::Uuid;

fn minute(count: i64) -> Timestamp {
    Timestamp::from_second(1_772_000_000 + count * 60).unwrap()
}

fn always() -> Calendar {
    Calendar::always(TimeZone::UTC)
}

/// Due at minute 100, reminded at 60 and 90; rungs at 100 (again every 20, held for 30), 150 and 200 (again every 10).
pub(crate) fn duty() -> Duty {
    let rung = |rung, at, sort, repeat: Option<u32>| TimedRung {
        rung,
        at: minute(at),
        sort,
        tell: vec![Who::Post("head".into())],
        until: Until::Any,
        repeat: repeat.map(|minutes| Duration::new(minutes, Measure::Minute)),
        hold: Duration::new(30, Measure::Minute),
        urgent: false,
        held: false,
    };
    let opened = Moment { event: Uuid::from_u128(1), subject: "case/1".into(), version: 1, at: minute(0) };
    Duty {
        id: Uuid::from_u128(7),
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
            plan: Plan {
                reminders: vec![minute(60), minute(90)],
                rungs: vec![
                    rung(1, 100, Sort::Breach, Some(20)),
                    rung(2, 150, Sort::Escalation, None),
                    rung(3, 200, Sort::Escalation, Some(10)),
                ],
            },
        },
        facts: Facts::default(),
        due_at: minute(100),
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
        version: 1,
    }
}

/// What a look at this minute finds: 0 for the breach, else the rung and its repetition.
fn look(duty: &mut Duty, at: i64) -> Vec<(i32, i32)> {
    let steps = climb(duty, minute(at), minute(0), &always());
    steps.into_iter().map(|step| if let Step::Raised(rung) = step { (rung.rung, rung.repetition) } else { (0, 0) }).collect()
}

/// Whoever is told what follows if nobody acts is told of the next rung, and not that its owner is reminded before.
#[test]
fn what_follows_if_nobody_acts_is_a_rung_and_no_reminder() {
    let (duty, (_, directory)) = (duty(), crate::acts::tests::ground(&[]));
    assert_eq!(duty.terms.plan.next(duty.due_at, &duty.progress, minute(10), &always()).map(|next| next.sort), Some(Sort::Reminder));
    let next = crate::recipients::next_rung(&directory, &duty, minute(10), &always()).unwrap();
    assert_eq!((next.at, next.sort.as_str()), (minute(100), "breach"));
}

#[test]
fn reminders_then_the_breach_then_rungs_and_repetitions() {
    let mut duty = duty();
    assert_eq!(look(&mut duty, 59), []);
    assert_eq!(duty.next_at, Some(minute(60)));
    assert_eq!(look(&mut duty, 60), [(-1, 0)]);
    assert_eq!(duty.state, State::DueSoon);
    assert_eq!(look(&mut duty, 90), [(-2, 0)]);
    assert_eq!(look(&mut duty, 100), [(0, 0), (1, 0)]);
    assert_eq!(duty.state, State::Breached);
    assert_eq!(look(&mut duty, 120), [(1, 1)]);
    assert_eq!(look(&mut duty, 140), [(1, 2)]);
    assert_eq!(look(&mut duty, 150), [(2, 0)]);
}

#[test]
fn after_an_outage_each_missed_rung_comes_once_in_order_and_late() {
    let mut duty = duty();
    let steps = climb(&mut duty, minute(500), minute(490), &always());
    let rungs: Vec<_> =
        steps.iter().filter_map(|step| if let Step::Raised(rung) = step { Some((rung.rung, rung.late)) } else { None }).collect();
    assert_eq!(rungs, [(1, true), (2, true), (3, true)]);
    assert!(duty.late);
    // Missed repetitions are not made up for.
    assert_eq!(duty.next_at, Some(minute(510)));
}

/// Monday to Friday, nine to six.
fn office() -> Calendar {
    let day = vec![Hours { from: 9 * 60, to: 18 * 60 }];
    let weekly = std::array::from_fn(|day_of_week| if day_of_week < 5 { day.clone() } else { Vec::new() });
    Calendar { weekly, ..always() }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Due on a Wednesday; its first rung held, its second not.
fn held(due: &str, second: &str) -> Duty {
    let mut duty = duty();
    let [mut first, mut higher, _] = <[TimedRung; 3]>::try_from(std::mem::take(&mut duty.terms.plan.rungs)).unwrap();
    (first.at, first.held, first.repeat, higher.at) = (at(due), true, None, at(second));
    let first = first.placed(None, &office());
    let higher = higher.placed(Some(&first), &office());
    duty.terms.plan = Plan { reminders: Vec::new(), rungs: vec![first, higher] };
    duty.due_at = at(due);
    duty.opened.at = at("2026-02-25T00:00:00Z");
    duty
}

fn raised_late(steps: Vec<Step>) -> Vec<Option<(i32, bool)>> {
    steps.into_iter().map(|step| if let Step::Raised(rung) = step { Some((rung.rung, rung.late)) } else { None }).collect()
}

#[test]
fn a_held_rung_comes_with_the_office_and_the_breach_at_its_time() {
    let mut duty = held("2026-02-25T20:00:00Z", "2026-02-25T21:00:00Z");
    assert_eq!(raised_late(climb(&mut duty, at("2026-02-25T20:00:00Z"), minute(0), &office())), [None]);
    assert_eq!(duty.next_at, Some(at("2026-02-26T09:00:00Z")));
    let morning = at("2026-02-26T09:00:00Z");
    let steps = climb(&mut duty, morning, at("2026-02-26T08:59:55Z"), &office());
    assert_eq!(raised_late(steps), [Some((1, false)), Some((2, false))], "nothing of it is late");
}

#[test]
fn what_an_outage_kept_from_the_hours_is_held_over_to_the_next_ones_and_is_late_then() {
    let mut duty = held("2026-02-25T10:00:00Z", "2026-02-25T11:00:00Z");
    let night = at("2026-02-25T23:00:00Z");
    assert_eq!(raised_late(climb(&mut duty, night, night, &office())), [None], "the breach is told");
    assert_eq!(duty.next_at, Some(at("2026-02-26T09:00:00Z")));
    let morning = at("2026-02-26T09:00:00Z");
    let steps = climb(&mut duty, morning, at("2026-02-26T08:59:55Z"), &office());
    assert_eq!(raised_late(steps), [Some((1, true)), Some((2, true))]);
}

#[test]
fn a_tick_just_after_closing_raises_what_was_due_at_closing() {
    let mut duty = held("2026-02-25T18:00:00Z", "2026-02-26T18:00:00Z");
    let steps = climb(&mut duty, at("2026-02-25T18:00:00.2Z"), at("2026-02-25T17:59:55Z"), &office());
    assert_eq!(raised_late(steps), [None, Some((1, false))]);
}

#[test]
fn an_acknowledgement_stops_the_climb_for_the_rungs_hold_and_then_it_goes_on() {
    let mut duty = duty();
    look(&mut duty, 100);
    acknowledge(&mut duty, 1, minute(140), &always());
    assert_eq!(quiet_until(&duty, 1, &always()), Some(minute(170)));
    assert_eq!(look(&mut duty, 169), []);
    assert_eq!(look(&mut duty, 170), [(2, 0)]);
}

/// Who has taken note of a notice has not done what is owed: what is told at the due time comes at the due time.
#[test]
fn an_acknowledged_notice_holds_nothing_back_that_is_told_at_the_due_time() {
    let mut duty = duty();
    let breach = duty.terms.plan.rungs[0].clone();
    let hold = Duration::new(1_440, Measure::Minute);
    let notice = |rung, at| TimedRung { rung, at: minute(at), sort: Sort::Notice, repeat: None, hold, ..breach.clone() };
    duty.terms.plan.rungs.splice(0..0, [notice(-2, 0), notice(-1, 50)]);
    duty.terms.plan.reminders.clear();
    assert_eq!(look(&mut duty, 0), [(-2, 0)]);
    acknowledge(&mut duty, -2, minute(10), &always());
    assert_eq!(quiet_until(&duty, -2, &always()), Some(minute(100)), "no day, but until it is due");
    assert_eq!(look(&mut duty, 99), [], "another notice is held back");
    assert_eq!(look(&mut duty, 100), [(0, 0), (-1, 0), (1, 0)]);
    // Acknowledged when it is overdue already, it stops nothing either.
    let mut late = self::duty();
    late.terms.plan.rungs.insert(0, notice(-1, 99));
    late.terms.plan.reminders.clear();
    assert_eq!(look(&mut late, 99), [(-1, 0)]);
    assert_eq!(look(&mut late, 100), [(0, 0), (1, 0)]);
}

#[test]
fn an_older_rungs_acknowledgement_stops_nothing() {
    let mut duty = duty();
    look(&mut duty, 150);
    let timer = duty.next_at;
    acknowledge(&mut duty, 1, minute(151), &always());
    assert_eq!((duty.next_at, quiet_until(&duty, 1, &always())), (timer, None));
}

#[test]
fn nothing_is_raised_once_the_duty_has_ended() {
    let mut duty = duty();
    let moment = Moment { event: Uuid::from_u128(2), subject: "case/1".into(), version: 2, at: minute(99) };
    duty.end(&Ended { moment, cancelled: false, by: None, note: None });
    assert_eq!(look(&mut duty, 500), []);
    assert_eq!(duty.next_at, None);
}

proptest! {
    #[test]
    fn whenever_it_is_looked_at_each_rung_and_repetition_comes_once_and_in_order(
        looks in prop::collection::vec(0i64..400, 1..30),
        acknowledged in prop::collection::vec(any::<bool>(), 30),
    ) {
        let (mut duty, mut looks) = (duty(), looks);
        looks.sort_unstable();
        let mut seen = Vec::new();
        for (nth, at) in looks.into_iter().enumerate() {
            let timer = duty.next_at;
            let found = look(&mut duty, at);
            prop_assert_eq!(found.is_empty(), timer.is_none_or(|timer| timer > minute(at)) || nth == 0 && found.is_empty());
            prop_assert!(duty.next_at.is_none_or(|next| next > minute(at)));
            seen.extend(found.into_iter().filter(|(rung, _)| *rung > 0));
            if let (true, Some((rung, _))) = (acknowledged[nth], seen.last()) {
                acknowledge(&mut duty, *rung, minute(at), &always());
            }
        }
        prop_assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
        let new_rungs: Vec<i32> = seen.iter().filter(|(_, repetition)| *repetition == 0).map(|(rung, _)| *rung).collect();
        let wanted: Vec<i32> = (1..).take(new_rungs.len()).collect();
        prop_assert_eq!(new_rungs, wanted);
    }
}
