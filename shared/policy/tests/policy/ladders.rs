//! The climb, by its rules: raised in order, each once, held by acknowledgements, never after it was closed (nobody asks then).

use crate::world::{POLICY, shanghai};
use duban_policy::calendar::{Duration, Measure};
use duban_policy::ladder::{Plan, Progress, Raised, Sort, TimedRung, Until, Who};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

fn rung(rung: i32, at: Timestamp, repeat: Option<u32>, hold: u32) -> TimedRung {
    TimedRung {
        rung,
        at,
        sort: if rung == 1 { Sort::Breach } else { Sort::Escalation },
        tell: vec![Who::Post("a".into())],
        until: Until::Any,
        repeat: repeat.map(|minutes| Duration::new(minutes, Measure::Minute)),
        hold: Duration::new(hold, Measure::Minute),
        urgent: false,
        held: false,
    }
}

fn minutes(at: Timestamp, minutes: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

/// Plays the climb from `start`: everything raised until `end`, acknowledged where told; (minute, rung, repetition).
fn play(plan: &Plan, due: Timestamp, start: Timestamp, end: Timestamp, acknowledged: &[i64]) -> Vec<(i64, i32, i32)> {
    play_in("always", plan, due, start, end, acknowledged)
}

fn play_in(calendar: &str, plan: &Plan, due: Timestamp, start: Timestamp, end: Timestamp, acknowledged: &[i64]) -> Vec<(i64, i32, i32)> {
    let calendar = POLICY.calendar(calendar).unwrap();
    let mut progress = Progress::default();
    let (mut raised, mut now) = (Vec::new(), start);
    let mut acknowledged = acknowledged.to_vec();
    for _ in 0..500 {
        let next = plan.next(due, &progress, now, calendar);
        let coming = next.as_ref().map_or(end, |next| next.at.max(now));
        if let Some(first) = acknowledged.first().map(|minute| minutes(due, *minute)).filter(|first| *first <= coming && *first < end) {
            acknowledged.remove(0);
            now = now.max(first);
            if progress.last.is_some() {
                progress.acknowledged_at = Some(first);
            }
            continue;
        }
        let Some(next) = next.filter(|next| next.at.max(now) < end) else { break };
        now = next.at.max(now);
        raised.push((now.duration_since(due).as_mins(), next.rung, next.repetition));
        if next.rung < 0 {
            progress.reminders += 1;
        } else {
            progress.last = Some(Raised { rung: next.rung, repetition: next.repetition, at: now });
            progress.acknowledged_at = None;
        }
    }
    raised
}

fn plan(due: Timestamp) -> Plan {
    Plan {
        reminders: vec![minutes(due, -60), minutes(due, -10)],
        rungs: vec![rung(1, due, Some(30), 120), rung(2, minutes(due, 100), None, 60), rung(3, minutes(due, 300), Some(60), 240)],
    }
}

#[test]
fn nobody_acts_and_it_climbs_to_the_top() {
    let due = shanghai("2026-03-06 12:00");
    let told = play(&plan(due), due, minutes(due, -120), minutes(due, 430), &[]);
    let expected =
        [(-60, -1, 0), (-10, -2, 0), (0, 1, 0), (30, 1, 1), (60, 1, 2), (90, 1, 3), (100, 2, 0), (300, 3, 0), (360, 3, 1), (420, 3, 2)];
    assert_eq!(told, expected);
}

#[test]
fn an_acknowledgement_holds_the_climb_for_its_time_then_it_goes_on() {
    let due = shanghai("2026-03-06 12:00");
    let told = play(&plan(due), due, due, minutes(due, 900), &[40, 310, 620]);
    // Acknowledged at 40: rung 2 waits until 160 instead of 100. Rung 3, repeating and the last, comes again after each hold.
    assert_eq!(told, [(0, 1, 0), (30, 1, 1), (160, 2, 0), (300, 3, 0), (550, 3, 1), (610, 3, 2), (860, 3, 3)]);
}

#[test]
fn on_the_last_rung_who_acknowledged_and_has_not_seen_to_it_is_told_once_more() {
    let due = shanghai("2026-03-06 12:00");
    let ladder = |sort: Sort| Plan { reminders: Vec::new(), rungs: vec![TimedRung { sort, ..rung(1, due, None, 120) }] };
    // It does not repeat: without an acknowledgement it was told, and that is all.
    assert_eq!(play(&ladder(Sort::Breach), due, due, minutes(due, 900), &[]), [(0, 1, 0)]);
    assert_eq!(play(&ladder(Sort::Breach), due, due, minutes(due, 900), &[40, 300]), [(0, 1, 0), (160, 1, 1), (420, 1, 2)]);
    // A notice that was acknowledged has done its work, and nothing is overdue.
    assert_eq!(play(&ladder(Sort::Notice), due, due, minutes(due, 900), &[40, 300]), [(0, 1, 0)]);
}

#[test]
fn after_an_outage_every_missed_rung_comes_once_in_order_and_reminders_not_at_all() {
    let due = shanghai("2026-03-06 12:00");
    let told = play(&plan(due), due, minutes(due, 305), minutes(due, 370), &[]);
    assert_eq!(told, [(305, 1, 0), (305, 2, 0), (305, 3, 0), (365, 3, 1)]);
}

/// As a ladder places its rungs in a calendar.
fn placed(rungs: Vec<TimedRung>, calendar: &str) -> Plan {
    let mut plan = Plan::default();
    for rung in rungs {
        plan.rungs.push(rung.placed(plan.rungs.last(), POLICY.calendar(calendar).unwrap()));
    }
    plan
}

fn held(rung: TimedRung) -> TimedRung {
    TimedRung { held: true, ..rung }
}

/// Minutes from Friday 6 March 2026, 17:00, an hour before the office closes.
const TO_CLOSING: i64 = 60;
const TO_MONDAY: i64 = 64 * 60;

#[test]
fn a_held_rung_waits_for_the_office_and_what_is_above_it_waits_too() {
    let due = shanghai("2026-03-06 17:00");
    let rungs = vec![rung(1, due, None, 60), held(rung(2, minutes(due, 120), None, 60)), rung(3, minutes(due, 180), None, 60)];
    let told = play_in("cn", &placed(rungs.clone(), "cn"), due, due, minutes(due, TO_MONDAY + 10), &[]);
    assert_eq!(told, [(0, 1, 0), (TO_MONDAY, 2, 0), (TO_MONDAY, 3, 0)]);
    let told = play_in("always", &placed(rungs, "always"), due, due, minutes(due, TO_MONDAY), &[]);
    assert_eq!(told, [(0, 1, 0), (120, 2, 0), (180, 3, 0)], "round the clock nothing is held");
}

#[test]
fn a_held_rung_is_repeated_and_goes_on_in_working_hours_only() {
    let due = shanghai("2026-03-06 17:00");
    let plan = placed(vec![held(rung(1, due, Some(50), 30))], "cn");
    // At 17:50 again, not at 18:40; at closing itself it would be.
    let told = play_in("cn", &plan, due, due, minutes(due, TO_MONDAY + 60), &[]);
    assert_eq!(told, [(0, 1, 0), (50, 1, 1), (TO_MONDAY, 1, 2), (TO_MONDAY + 50, 1, 3)]);
    let at_closing = placed(vec![held(rung(1, due, Some(60), 30))], "cn");
    let told = play_in("cn", &at_closing, due, due, minutes(due, TO_MONDAY + 1), &[]);
    assert_eq!(told, [(0, 1, 0), (TO_CLOSING, 1, 1), (TO_MONDAY, 1, 2)]);
    // Acknowledged at 17:40 for half an hour: it goes on when work begins.
    let told = play_in("cn", &plan, due, due, minutes(due, TO_MONDAY + 1), &[40]);
    assert_eq!(told, [(0, 1, 0), (TO_MONDAY, 1, 1)]);
}

proptest! {
    #[test]
    fn what_is_held_is_raised_at_work_and_in_its_turn(
        offsets in proptest::collection::vec(-3_000_i64..9_000, 1..6),
        holding in proptest::collection::vec(any::<bool>(), 6),
        repeats in proptest::collection::vec(proptest::option::of(30_u32..2_000), 6),
        mut acknowledged in proptest::collection::vec(-3_000_i64..9_000, 0..5),
    ) {
        let due = shanghai("2026-03-06 17:00");
        let calendar = POLICY.calendar("cn").unwrap();
        let mut offsets = offsets;
        offsets.sort_unstable();
        acknowledged.sort_unstable();
        let rungs = offsets.iter().enumerate().map(|(nth, offset)| {
            TimedRung { held: holding[nth], ..rung(nth as i32 + 1, minutes(due, *offset), repeats[nth], 100) }
        });
        let told = play_in("cn", &placed(rungs.collect(), "cn"), due, minutes(due, -4_000), minutes(due, 15_000), &acknowledged);
        for (at, rung, _) in &told {
            let nth = *rung as usize - 1;
            let instant = minutes(due, *at);
            prop_assert!(!holding[nth] || calendar.at_work(instant) == instant, "rung {rung} at {instant}");
            prop_assert!(*at >= offsets[nth]);
        }
        prop_assert!(told.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
    }

    #[test]
    fn rungs_ascend_repetitions_count_up_and_nothing_comes_twice(
        offsets in proptest::collection::vec(0_i64..500, 1..6),
        repeats in proptest::collection::vec(proptest::option::of(5_u32..200), 6),
        holds in proptest::collection::vec(1_u32..300, 6),
        start in -100_i64..700,
        mut acknowledged in proptest::collection::vec(0_i64..900, 0..5),
    ) {
        let due = shanghai("2026-03-06 12:00");
        let mut offsets = offsets;
        offsets.sort_unstable();
        acknowledged.sort_unstable();
        let rungs = offsets.iter().enumerate().map(|(nth, offset)| rung(nth as i32 + 1, minutes(due, *offset), repeats[nth], holds[nth])).collect();
        let plan = Plan { reminders: vec![minutes(due, -30)], rungs };
        let told = play(&plan, due, minutes(due, start), minutes(due, 1_000), &acknowledged);
        let rungs: Vec<_> = told.iter().filter(|(_, rung, _)| *rung > 0).collect();
        for pair in rungs.windows(2) {
            let ((at, rung, repetition), (later, next, again)) = (pair[0], pair[1]);
            prop_assert!(later >= at);
            prop_assert!((*next == *rung && *again == repetition + 1) || (*next == rung + 1 && *again == 0));
        }
        for (at, rung, _) in &rungs {
            prop_assert!(*at >= offsets[*rung as usize - 1], "never before its time");
        }
        if acknowledged.is_empty() {
            prop_assert!(offsets.len() == rungs.iter().map(|(_, rung, _)| rung).max().copied().unwrap_or(0) as usize, "all are reached");
        }
    }
}
