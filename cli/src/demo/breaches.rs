//! Whose fault a breach was: the script's, in which some are slow and some negligent, or the machine's, which took too long over what the
//! script had planned in time. None is to be the machine's.

use super::cast::Done;
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// A duty that was not done in time.
#[derive(Debug, Clone)]
pub struct Breached {
    pub duty: Uuid,
    pub case: Option<Uuid>,
    /// pack/rule
    pub rule: String,
    pub due_at: Timestamp,
    /// Version of its case that ended it.
    pub closed_version: Option<i64>,
    pub open: bool,
}

/// All breaches of a play, by their cause.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Breaches {
    /// Ended by an act that the staff had planned for the due time or after it.
    pub by_script: usize,
    /// Nobody has done it.
    pub standing: usize,
    /// Ended by something else than the staff.
    pub otherwise: usize,
    /// The staff had planned it in time.
    pub by_machine: Vec<TooSlow>,
}

/// A breach for want of machine.
#[derive(Debug, Clone, Serialize)]
pub struct TooSlow {
    /// pack/rule
    pub rule: String,
    /// Real seconds from when the act was planned until it was made.
    pub seconds: f64,
}

impl Breaches {
    /// `factor`: how many times faster than real time the play was.
    pub fn of(breached: &[Breached], done: &[Done], factor: f64) -> Self {
        let mut breaches = Self::default();
        for duty in breached {
            match (duty.open, ending(duty, done)) {
                (true, _) => breaches.standing += 1,
                (false, None) => breaches.otherwise += 1,
                // Events of one instant follow one another by microseconds.
                (false, Some(act)) if act.planned.as_second() >= duty.due_at.as_second() => breaches.by_script += 1,
                (false, Some(act)) => {
                    let seconds = act.at.duration_since(act.planned).as_secs_f64() / factor;
                    breaches.by_machine.push(TooSlow { rule: duty.rule.clone(), seconds });
                }
            }
        }
        breaches
    }

    /// For people.
    pub fn told(&self) -> String {
        let mut text = format!(
            "breaches: {} by the script's slow and negligent, {} that nobody has done, {} ended otherwise, {} for want of machine",
            self.by_script,
            self.standing,
            self.otherwise,
            self.by_machine.len()
        );
        for late in &self.by_machine {
            text.push_str(&format!("\n  ! {}: made {:.1} s after it was planned", late.rule, late.seconds));
        }
        text
    }
}

/// The act that ended it: an act leads to the versions up to its own.
fn ending<'a>(duty: &Breached, done: &'a [Done]) -> Option<&'a Done> {
    let of_case = |act: &&Done| Some(act.of) == duty.case && Some(act.version) >= duty.closed_version && duty.closed_version.is_some();
    done.iter().find(|act| act.of == duty.duty).or_else(|| done.iter().filter(of_case).min_by_key(|act| act.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_is_the_machines_only_where_the_staff_had_planned_in_time() {
        let (case, report) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let at = |second| Timestamp::from_second(second).unwrap();
        // What is done at the very instant at which it is due is not done by then.
        let act = |of, version, planned, made| Done { of, version, planned: at(planned), at: at(made) };
        let done = [act(case, 3, 50, 90), act(case, 5, 60, 60), act(report, 0, 20, 80)];
        let duty = |duty, case, due, closed_version, open| Breached {
            duty: Uuid::from_u128(duty),
            case,
            rule: "pack/rule".into(),
            due_at: at(due),
            closed_version,
            open,
        };
        let breached = [
            duty(7, Some(case), 60, Some(2), false),  // planned at 50 for 60, made at 90
            duty(8, Some(case), 60, Some(4), false),  // planned at 60
            duty(9, Some(case), 60, None, true),      // open
            duty(10, Some(case), 60, Some(6), false), // ended by none of the acts
            duty(2, None, 60, Some(1), false),        // handed in
        ];
        let breaches = Breaches::of(&breached, &done, 10.0);
        assert_eq!((breaches.by_script, breaches.standing, breaches.otherwise), (1, 1, 1));
        assert_eq!(breaches.by_machine.iter().map(|late| late.seconds).collect::<Vec<_>>(), [4.0, 6.0]);
        assert!(breaches.told().contains("made 4.0 s after"), "{}", breaches.told());
    }
}
