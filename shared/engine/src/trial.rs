//! Trials (试运行): a duty on trial lives as any other, and nobody is told of it. Pure.

use crate::duty::Duty;
use duban_contracts::Timestamp;

/// Whether the trial of a duty is over, so that from now on it is for real. What was missed while it was on trial stays on trial to its end: the
/// end of a trial starts no ladder for what is past. `is_on_trial`: whether its rule is, in its unit, at an instant that has come.
pub fn is_over(duty: &Duty, now: Timestamp, is_on_trial: impl Fn(Timestamp) -> bool) -> bool {
    let was_missed = duty.breached_at.is_some() || (duty.due_at < now && is_on_trial(duty.due_at));
    duty.trial && !duty.terms.follows_trial && duty.state.is_open() && !was_missed && !is_on_trial(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::climb::tests::duty;

    /// Minutes after the duty's opening; it is due after a hundred.
    fn at(minutes: i64) -> Timestamp {
        duty().opened.at.saturating_add(jiff::SignedDuration::from_mins(minutes)).unwrap()
    }

    #[test]
    fn what_is_due_after_the_trial_is_for_real_and_what_was_missed_in_it_is_not() {
        let until = |end: i64| move |instant: Timestamp| instant < at(end);
        let mut duty = duty();
        duty.trial = true;
        assert!(!is_over(&duty, at(50), until(60)), "the trial goes on");
        assert!(is_over(&duty, at(60), until(60)));
        assert!(is_over(&duty, at(120), until(60)), "due after the trial, seen late: for real");
        assert!(!is_over(&duty, at(120), until(110)), "missed in the trial, seen late");
        duty.breached_at = Some(at(100));
        assert!(!is_over(&duty, at(120), until(60)), "told as missed in the trial");
        duty.breached_at = None;
        duty.terms.follows_trial = true;
        assert!(!is_over(&duty, at(70), until(60)), "what was missed in a trial has no consequences");
        duty.terms.follows_trial = false;
        duty.trial = false;
        assert!(!is_over(&duty, at(70), until(60)));
    }
}
