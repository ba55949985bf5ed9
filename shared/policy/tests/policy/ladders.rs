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
    }
}

fn minutes(at: Timestamp, minutes: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

/// Plays the climb from `start`: everything raised until `end`, acknowledged where told; (minute, rung, repetition).
fn play(plan: &Plan, due: Timestamp, start: Timestamp, end: Timestamp, acknowledged: &[i64]) -> Vec<(i64, i32, i32)> {
    let calendar = POLICY.calendar("always").unwrap();
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
fn after_an_outage_every_missed_rung_comes_once_in_order_and_reminders_not_at_all() {
    let due = shanghai("2026-03-06 12:00");
    let told = play(&plan(due), due, minutes(due, 305), minutes(due, 370), &[]);
    assert_eq!(told, [(305, 1, 0), (305, 2, 0), (305, 3, 0), (365, 3, 1)]);
}

proptest! {
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
