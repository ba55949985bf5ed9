//! What falls due as time passes: breaches, and the rungs that are raised.

use super::{Hear, Heard, Of, Place, Playing};
use crate::alert::Alert;
use crate::climb::{self, Rung, Step};
use crate::duty::Duty;
use crate::{acts, recipients, telling};
use duban_contracts::Timestamp;
use duban_contracts::duty::NextRung;
use duban_policy::ladder::Sort;
use std::collections::BTreeSet;

/// Alerts of a duty that a rehearsal keeps, the newest ones.
const KEPT: usize = 16;

impl Playing<'_> {
    /// When the next duty's timer runs out.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Raises everything that is due now.
    pub fn tick(&mut self, hear: Hear<'_>) {
        let due: BTreeSet<Place> = self.timers.iter().take_while(|(at, _)| *at <= self.now).map(|(_, place)| place.clone()).collect();
        for place in due {
            let Some(mut duty) = self.at(&place).cloned() else { continue };
            self.climb(&mut duty, hear);
            self.keep(&place, duty);
        }
        self.settle_all(hear);
    }

    fn climb(&mut self, duty: &mut Duty, hear: Hear<'_>) {
        self.end_trial(duty);
        let calendar = self.calendar_of(duty);
        let directory = recipients::open_to(self.directory, &duty.facts);
        let now = self.now;
        let cause = duty.opened.at;
        if let Some(acted) = acts::resume_by_itself(duty, now, self.policy) {
            self.close_alerts(duty);
            self.tell_act(duty, &acted, hear);
        }
        let steps = climb::climb(duty, now, Timestamp::MIN, calendar);
        // Of a rehearsal nobody reads an alert.
        let next = if self.for_real { None } else { recipients::next_rung(&directory, duty, now, calendar) };
        for step in steps {
            match step {
                Step::Breached => self.tell_duty(duty, "duty.breached", cause, hear),
                Step::Raised(rung) => {
                    if rung.sort == Sort::Reminder {
                        self.tell_duty(duty, "duty.reminded", cause, hear);
                    }
                    self.raise(duty, &rung, next.clone(), hear);
                }
            }
        }
    }

    pub(super) fn raise(&mut self, duty: &Duty, rung: &Rung, next: Option<NextRung>, hear: Hear<'_>) {
        let directory = recipients::open_to(self.directory, &duty.facts);
        let told = recipients::recipients(&directory, duty, &rung.tell, self.now);
        let mut alert = Alert::raised(duty, rung, told, self.now);
        alert.next = next;
        let event = telling::of_alert(&alert, duty, "alert.raised", self.stamp(duty.opened.at));
        hear(Heard { at: event.time, event: "alert.raised", duty, of: Of::Alert(&alert) });
        self.queue.push_back(event);
        let alerts = self.alerts.entry(duty.id).or_default();
        alerts.push(alert);
        // Where nobody ever acknowledges, a duty raises them by the thousand; whoever takes notice does so of a late one.
        if self.for_real && alerts.len() > KEPT {
            alerts.remove(0);
        }
    }
}
