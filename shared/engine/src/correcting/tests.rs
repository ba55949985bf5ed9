//! Corrections of a calendar and of rules, by the packs of the small organisation of the retiming's tests.

use super::*;
use crate::acts;
use crate::climb::{Step, climb};
use crate::duty::State;
use crate::retiming::tests::{at, edited, facts, opened, opened_for, policy};
use crate::shifts::{Pause, Span};
use duban_policy::policy::correction::Corrects;
use jiff::SignedDuration;
use proptest::prelude::*;
use std::sync::Arc;

fn correction(version: i64, since: Timestamp, places: &[&str]) -> Correction {
    let places: Vec<String> = places.iter().map(|place| (*place).to_owned()).collect();
    Correction { version, since, corrects: Corrects::read(&places), approved_by: Some("liu".into()) }
}

fn corrected(duty: &mut Duty, before: &Policy, later: Policy, by: &Correction) -> Corrected {
    let after = before.corrected(&Arc::new(later), &by.corrects);
    correct(duty, Sides { before, after: &after }, by, None, by.since)
}

const CALENDAR: &[&str] = &["calendar.office"];
/// Thursday 5 March and Friday 6 March.
const TWO_DAYS: &str = "\"2026-03-05\", \"2026-03-06\"";

#[test]
fn a_new_holiday_moves_what_is_not_overdue_and_says_why() {
    let before = policy("");
    let mut duty = opened(&before, "answer");
    assert_eq!(duty.due_at, at("09 10:00"));
    let by = correction(7, at("04 09:00"), CALENDAR);
    let Corrected::Changed(acted) = corrected(&mut duty, &before, policy(TWO_DAYS), &by) else { panic!("it stays") };
    assert_eq!((duty.due_at, duty.corrections), (at("11 10:00"), 1));
    assert_eq!((acted.due_before, acted.due_after, acted.by.as_deref()), (at("09 10:00"), at("11 10:00"), Some("liu")));
    let why = acted.corrected.unwrap();
    assert_eq!((why.version, why.of.as_str(), why.approved_by.as_deref()), (7, "calendar.office", Some("liu")));
    // Its rungs too, the second by working time.
    assert_eq!(duty.terms.plan.rungs.iter().map(|rung| rung.at).collect::<Vec<_>>(), [at("11 10:00"), at("12 10:00")]);
    assert_eq!((duty.run, duty.next_at, duty.policy), (2, Some(at("11 10:00")), 1));
}

#[test]
fn what_is_overdue_when_the_correction_comes_stays_and_what_is_paused_is_not_overdue() {
    let before = policy("");
    let by = correction(7, at("09 10:01"), CALENDAR);
    let mut unnoticed = opened(&before, "answer");
    assert_eq!(corrected(&mut unnoticed, &before, policy(TWO_DAYS), &by), Corrected::Unchanged, "its time passed a minute ago");
    assert_eq!((unnoticed.due_at, unnoticed.corrections), (at("09 10:00"), 1));
    let mut breached = opened(&before, "answer");
    climb(&mut breached, at("09 10:00"), Timestamp::MIN, &calendar_of(&before, &opened(&before, "answer")).clone());
    assert_eq!(breached.state, State::Breached);
    let was = Duty { corrections: 1, ..breached.clone() };
    assert_eq!(corrected(&mut breached, &before, policy(TWO_DAYS), &correction(7, at("04 09:00"), CALENDAR)), Corrected::Unchanged);
    assert_eq!(breached, was);
    let mut paused = opened(&before, "answer");
    paused.shifts.paused = Some(Pause { since: at("04 10:00"), until: at("13 10:00"), waits_for: None, reminded: 0 });
    assert!(matches!(corrected(&mut paused, &before, policy(TWO_DAYS), &by), Corrected::Changed(_)));
    // What was paused on the holidays was no working time.
    let after = before.corrected(&Arc::new(policy(TWO_DAYS)), &by.corrects);
    acts::resume_by_itself(&mut paused, at("13 10:00"), &after).unwrap();
    assert_eq!(paused.due_at, at("18 10:00"), "three working days were left when it was paused");
}

#[test]
fn what_was_told_stands_where_the_due_time_does_not_move() {
    let before = edited(
        "",
        &[("within = { field = \"visit_on\", within = \"3wd\" }\nremind = [\"1d before\"]", "within = \"2wd\"\nremind = [\"1d before\"]")],
    );
    let mut duty = opened(&before, "visit");
    assert_eq!(duty.due_at, at("04 10:00"));
    let steps = climb(&mut duty, at("03 10:00"), Timestamp::MIN, calendar_of(&before, &opened(&before, "visit")));
    assert!(matches!(steps.as_slice(), [Step::Raised(_)]), "{steps:?}");
    // A holiday after its time: only the rung above moves.
    let later = edited(
        TWO_DAYS,
        &[("within = { field = \"visit_on\", within = \"3wd\" }\nremind = [\"1d before\"]", "within = \"2wd\"\nremind = [\"1d before\"]")],
    );
    let Corrected::Changed(acted) = corrected(&mut duty, &before, later, &correction(7, at("03 11:00"), CALENDAR)) else {
        panic!("it stays")
    };
    assert_eq!((acted.due_before, acted.due_after), (at("04 10:00"), at("04 10:00")));
    assert!(!acted.begins_anew());
    assert_eq!((duty.run, duty.state, duty.progress.reminders), (1, State::DueSoon, 1));
    assert_eq!(duty.terms.plan.rungs.iter().map(|rung| rung.at).collect::<Vec<_>>(), [at("04 10:00"), at("09 10:00")]);
    assert_eq!(duty.next_at, Some(at("04 10:00")));
}

#[test]
fn a_new_holiday_moves_a_rung_that_is_held_until_working_hours_though_its_own_time_is_by_the_clock() {
    const EDITS: &[(&str, &str)] = &[
        ("within = { field = \"visit_on\", within = \"3wd\" }\nremind = [\"1d before\"]", "within = \"2wd\"\nremind = [\"1d before\"]"),
        ("{ at = \"1wd after\", tell = \"head\" }", "{ at = \"20h after\", tell = \"head\", held = \"until working hours\" }"),
    ];
    let before = edited("", EDITS);
    let mut duty = opened(&before, "visit");
    let was = duty.clone();
    assert_eq!(
        duty.terms.plan.rungs.iter().map(|rung| rung.at).collect::<Vec<_>>(),
        [at("04 10:00"), at("05 09:00")],
        "six in the morning"
    );
    let Corrected::Changed(acted) = corrected(&mut duty, &before, edited(TWO_DAYS, EDITS), &correction(7, at("03 11:00"), CALENDAR)) else {
        panic!("it stays")
    };
    assert_eq!(acted.due_before, acted.due_after);
    let head = vec!["head".to_owned()];
    assert_eq!(listed(&was, &duty), [(Some(2), Some(at("05 09:00")), Some(at("09 09:00")), head)]);
}

/// Rung, before, after, told after.
type Stage = (Option<i32>, Option<Timestamp>, Option<Timestamp>, Vec<String>);

fn listed(before: &Duty, after: &Duty) -> Vec<Stage> {
    stages(before, after).into_iter().map(|stage| (stage.rung, stage.at_before, stage.at_after, stage.told_after)).collect()
}

#[test]
fn reminders_and_rungs_that_change_are_listed_with_whom_they_tell() {
    let before = policy("");
    let mut answer = opened(&before, "answer");
    let was = answer.clone();
    assert_eq!(stages(&was, &answer), []);
    corrected(&mut answer, &before, policy(TWO_DAYS), &correction(7, at("04 09:00"), CALENDAR));
    let (clerk, head) = (vec!["clerk".to_owned()], vec!["head".to_owned()]);
    assert_eq!(
        listed(&was, &answer),
        [(Some(1), Some(at("09 10:00")), Some(at("11 10:00")), clerk), (Some(2), Some(at("10 10:00")), Some(at("12 10:00")), head.clone())]
    );
    // A reminder that is new, one that stays, a rung that falls away and one that others are told on.
    let later = edited(
        "",
        &[
            ("remind = [\"1d before\"]", "remind = [\"2d before\", \"1d before\"]"),
            (
                "rungs = [{ at = \"due\", tell = \"owner\", repeat = \"1d\" }, { at = \"1wd after\", tell = \"head\" }]",
                "rungs = [{ at = \"due\", tell = \"head\" }]",
            ),
        ],
    );
    let mut visit = opened(&before, "visit");
    let was = visit.clone();
    corrected(&mut visit, &before, later, &correction(7, at("02 11:00"), &["desk/visit"]));
    assert_eq!(
        listed(&was, &visit),
        [
            (None, None, Some(at("03 10:00")), Vec::new()),
            (Some(1), Some(at("05 10:00")), Some(at("05 10:00")), head),
            (Some(2), Some(at("06 10:00")), None, Vec::new())
        ]
    );
    // What was told is told.
    climb(&mut visit, at("05 10:00"), Timestamp::MIN, calendar_of(&before, &was));
    let mut fewer = visit.clone();
    fewer.terms.plan.rungs.clear();
    assert_eq!(stages(&visit, &fewer), []);
}

#[test]
fn a_calendar_that_does_not_matter_to_it_changes_nothing() {
    let before = policy("");
    let mut duty = opened(&before, "answer");
    let was = Duty { corrections: 1, ..duty.clone() };
    assert_eq!(corrected(&mut duty, &before, policy("\"2026-12-01\""), &correction(7, at("04 09:00"), CALENDAR)), Corrected::Unchanged);
    assert_eq!(duty, was);
    assert_eq!(corrected(&mut duty, &before, policy(TWO_DAYS), &correction(7, at("04 09:00"), &["desk/visit"])), Corrected::Unchanged);
}

#[test]
fn a_corrected_rule_gives_its_term_post_and_ladder_to_what_stands() {
    let before = policy("");
    let later = edited(
        "",
        &[
            (
                "owed_by = \"clerk\"\nwithin = [{ when = { severity = \"grave\" }, within = \"8wh\" }, { within = \"5wd\" }]",
                "owed_by = \"head\"\nwithin = [{ when = { severity = \"grave\" }, within = \"4wh\" }, { within = \"3wd\" }]",
            ),
            (
                "{ at = \"1wd after\", tell = \"head\" }]",
                "{ at = \"1wd after\", tell = \"head\" }, { at = \"2wd after\", tell = \"superior\" }]",
            ),
        ],
    );
    let by = correction(7, at("02 11:00"), &["desk/answer"]);
    let mut ordinary = opened(&before, "answer");
    assert!(matches!(corrected(&mut ordinary, &before, later.clone(), &by), Corrected::Changed(_)));
    assert_eq!(ordinary.due_at, at("05 10:00"));
    assert_eq!(ordinary.terms.owed, [Who::Post("head".into())]);
    assert_eq!(ordinary.terms.plan.rungs.len(), 3);
    assert_eq!(ordinary.terms.plan.rungs[0].tell, [Who::Post("head".into())], "who owes it now");
    // Which of the conditions held at the opening is known by the term that came of it.
    let mut grave = opened_for(&before, "answer", &facts("grave", None));
    assert_eq!(grave.due_at, at("03 10:00"));
    assert!(matches!(corrected(&mut grave, &before, later.clone(), &by), Corrected::Changed(_)));
    assert_eq!(grave.due_at, at("02 14:00"));
    // Another rule of the pack, with the same ladder, is as it was.
    let mut visit = opened(&before, "visit");
    assert_eq!(corrected(&mut visit, &before, later, &by), Corrected::Unchanged);
    assert_eq!(visit.terms.plan.rungs.len(), 2);
}

#[test]
fn whom_a_duty_was_handed_to_owes_it_before_the_post_of_the_corrected_rule() {
    let before = policy("");
    let later = edited("", &[("owed_by = \"clerk\"\nwithin = [", "owed_by = \"head\"\nwithin = [")]);
    let mut duty = opened(&before, "answer");
    duty.terms.owed.insert(0, Who::Person("chen".into()));
    duty.is_handed_over = true;
    corrected(&mut duty, &before, later, &correction(7, at("02 11:00"), &["desk/answer"]));
    assert_eq!(duty.terms.owed, [Who::Person("chen".into()), Who::Post("head".into())]);
    assert_eq!(duty.terms.plan.rungs[0].tell, [Who::Person("chen".into()), Who::Post("head".into())]);
}

#[test]
fn what_opens_later_under_the_old_version_follows_the_correction_too() {
    let later = Arc::new(edited(TWO_DAYS, &[("{ within = \"5wd\" }", "{ within = \"4wd\" }")]));
    let by = correction(7, at("02 09:00"), &["calendar.office", "desk/answer"]);
    let after = policy("").corrected(&later, &by.corrects);
    let answer = opened(&after, "answer");
    assert_eq!((answer.due_at, answer.corrections), (at("10 10:00"), 1));
    assert_eq!(opened(&after, "visit").due_at, at("09 10:00"), "three working days by the calendar as it is right");
    let words = after.explain("desk/answer", Some("HQ"), at("02 10:00")).unwrap();
    assert!(words.zh.contains("4个工作日"), "{words:?}");
}

#[test]
fn more_time_that_was_granted_is_kept() {
    let before = policy("");
    let mut duty = opened(&before, "answer");
    duty.shifts.extended = Some(crate::shifts::Extension { at: at("03 09:00"), to: at("20 12:00") });
    duty.due_at = at("20 12:00");
    duty.terms.settled_due = Some(at("09 10:00"));
    corrected(&mut duty, &before, policy(TWO_DAYS), &correction(7, at("04 09:00"), CALENDAR));
    assert_eq!((duty.due_at, duty.settled_due()), (at("20 12:00"), at("11 10:00")));
}

#[test]
fn an_act_of_then_is_not_undone() {
    // A pause and its end before the correction, then the correction: as if the calendar had been right from the beginning.
    let before = policy("");
    let right = before.corrected(&Arc::new(policy(TWO_DAYS)), &correction(7, at("09 09:00"), CALENDAR).corrects);
    let paused = |mut duty: Duty| {
        duty.shifts.pauses.push(Span { from: at("04 12:00"), until: at("06 12:00") });
        duty
    };
    let mut duty = paused(opened(&before, "answer"));
    corrected(&mut duty, &before, policy(TWO_DAYS), &correction(7, at("09 09:00"), CALENDAR));
    let other = paused(opened(&right, "answer"));
    let calendar = calendar_of(&right, &other);
    assert_eq!(duty.due_at, other.shifts.due(other.due_at, basis_of(other.terms.term), calendar));
}

proptest! {
    /// A calendar that is corrected, and corrected back, gives the first due time again; and what is left to work is the term each time, less
    /// what was paused.
    #[test]
    fn a_calendar_corrected_back_gives_the_first_due_time(
        days in proptest::collection::btree_set(3_u8..28, 0..8),
        pauses in proptest::collection::vec((0_i64..6_000, 1_i64..2_000), 0..3),
        rule in prop_oneof![Just("answer"), Just("visit")],
    ) {
        let listed = days.iter().map(|day| format!("\"2026-03-{day:02}\"")).collect::<Vec<_>>().join(", ");
        let before = policy("");
        let mut duty = opened(&before, rule);
        let mut from = at("02 10:00");
        for (after, minutes) in pauses {
            from = from.checked_add(SignedDuration::from_mins(after)).unwrap();
            let until = from.checked_add(SignedDuration::from_mins(minutes)).unwrap();
            duty.shifts.pauses.push(Span { from, until });
            from = until;
        }
        replan(&mut duty, at("02 10:00"), &before);
        let first = duty.due_at;
        let since = at("02 10:01");
        let there = correction(7, since, CALENDAR);
        let after = before.corrected(&Arc::new(policy(&listed)), &there.corrects);
        correct(&mut duty, Sides { before: &before, after: &after }, &there, None, since);
        let calendar = calendar_of(&after, &duty).clone();
        let paused = duty.shifts.paused_time(since, basis_of(duty.terms.term), &calendar);
        let settled = duty.settled_due();
        prop_assert_eq!(calendar.due(duty.terms.counts_from, duty.terms.term.unwrap()).at, settled);
        let moved: SignedDuration = calendar.working_between(settled, duty.due_at);
        prop_assert!(basis_of(duty.terms.term) != duban_policy::calendar::Basis::Working || moved == paused, "{} {}", moved, paused);
        let back = correction(8, since, CALENDAR);
        let again = after.corrected(&Arc::new(policy("")), &back.corrects);
        correct(&mut duty, Sides { before: &after, after: &again }, &back, None, since);
        prop_assert_eq!(duty.due_at, first);
        prop_assert_eq!(duty.corrections, 2);
    }
}
