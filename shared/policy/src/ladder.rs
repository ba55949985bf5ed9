//! Ladders: which rung of a duty is raised next, and when. Pure; the caller keeps what was raised and acknowledged.
//!
//! A [`Plan`] is made when a duty opens and stays with it. The rules of the climb:
//!
//! - Reminders come before the due time, once each; one whose time passed while nobody could raise it is dropped once the duty is due.
//! - Rungs are raised in order. A rung whose time has passed (after an outage) is raised at once, each once, in order.
//! - A rung that repeats is raised again after its interval until it is acknowledged or a higher rung is raised; missed repetitions are
//!   not made up for.
//! - An acknowledgement of the newest rung (by one, or by all where the rung asks for all) stops the climb for the rung's `hold`; if the
//!   duty is still open then, the climb goes on with the next rung. On the last it is raised again where the duty is overdue or it repeats:
//!   who acknowledged and has not seen to it is told once more.
//! - A rung that is held until working hours waits, with what is above it, for the next opening of the duty's calendar; so do its repetitions
//!   and its going on after an acknowledgement.
//! - Closing the duty ends everything: the caller asks no more.

use crate::calendar::{Calendar, Duration};
use duban_contracts::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything that will be told about a duty unless somebody acts. Small; kept with the duty as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Before due, ascending; the first is rung -1, the next -2 …
    pub reminders: Vec<Timestamp>,
    /// Ascending by time.
    pub rungs: Vec<TimedRung>,
}

/// A rung with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimedRung {
    /// From 1, as the ladder counts them; stays the same whichever conditions left others out.
    pub rung: i32,
    pub at: Timestamp,
    pub sort: Sort,
    pub tell: Vec<Who>,
    pub until: Until,
    /// Raised again after this long while it is not acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Duration>,
    /// How long an acknowledgement stops the climb.
    pub hold: Duration,
    /// Goes out in quiet hours too.
    #[serde(default)]
    pub urgent: bool,
    /// Never raised outside of working hours: held until work begins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// As in `duban_contracts::alert::AlertEvent::sort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    Reminder,
    /// Raised as soon as the duty opens.
    Notice,
    /// The first rung at or after due.
    Breach,
    Escalation,
    /// Somebody urged (催办), whatever the clock says.
    Urge,
    /// The duty is paused, and waits for who is told.
    Awaited,
}

impl Sort {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reminder => "reminder",
            Self::Notice => "notice",
            Self::Breach => "breach",
            Self::Escalation => "escalation",
            Self::Urge => "urge",
            Self::Awaited => "awaited",
        }
    }
}

/// Whose acknowledgement stops the climb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    Any,
    All,
}

impl Until {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }
}

/// Who is meant, before people are looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// A post for [`crate::directory::Directory::resolve_post`]: a role (`store-manager`, looked for from the unit upwards) or a certain
    /// post (`group/legal-counsel`).
    Post(String),
    /// The person whom the case is assigned to at that time; nobody assigned: the post.
    Handler { otherwise: String },
    /// A person named in the event.
    Person(String),
    /// The next superior of a post: the head of its unit, or of the unit above if it is the head itself.
    Superior(String),
}

/// What was raised and acknowledged of one run of a ladder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// How many reminders were raised (or dropped).
    pub reminders: usize,
    /// The newest raised rung.
    pub last: Option<Raised>,
    /// When the newest raised rung was acknowledged as its `until` asks.
    pub acknowledged_at: Option<Timestamp>,
}

/// A rung as raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised {
    pub rung: i32,
    /// From 0.
    pub repetition: i32,
    /// When it was really raised.
    pub at: Timestamp,
}

/// What comes next if nobody acts.
#[derive(Debug, Clone, PartialEq)]
pub struct Next<'a> {
    /// When it is to be raised; in the past: now, and late.
    pub at: Timestamp,
    /// Negative for reminders.
    pub rung: i32,
    pub repetition: i32,
    pub sort: Sort,
    /// None for reminders: they go to who owes the duty.
    pub timed: Option<&'a TimedRung>,
}

impl Plan {
    /// The next thing to raise, or none. `due`: the duty's; `now`: to drop reminders that nobody could raise in time.
    pub fn next<'a>(&'a self, due: Timestamp, progress: &Progress, now: Timestamp, calendar: &Calendar) -> Option<Next<'a>> {
        let reminder = self.next_reminder(due, progress, now);
        let rung = self.next_rung(progress, calendar);
        match (reminder, rung) {
            (Some(reminder), Some(rung)) => Some(if reminder.at <= rung.at { reminder } else { rung }),
            (reminder, rung) => reminder.or(rung),
        }
    }

    fn next_reminder<'a>(&'a self, due: Timestamp, progress: &Progress, now: Timestamp) -> Option<Next<'a>> {
        if now >= due {
            return None;
        }
        let at = *self.reminders.get(progress.reminders)?;
        let rung = -i32::try_from(progress.reminders).ok()? - 1;
        Some(Next { at, rung, repetition: 0, sort: Sort::Reminder, timed: None })
    }

    /// The next rung, or the repetition of the last: reminders apart.
    pub fn next_rung<'a>(&'a self, progress: &Progress, calendar: &Calendar) -> Option<Next<'a>> {
        let Some(last) = progress.last else {
            return self.rungs.first().map(|first| first.raised_at(first.at, 0, calendar));
        };
        let current = self.rungs.iter().find(|rung| rung.rung == last.rung);
        let higher = self.rungs.iter().find(|rung| rung.rung > last.rung);
        let resumes = self.resumes(progress, calendar);
        let climb = higher.map(|rung| rung.raised_at(resumes.map_or(rung.at, |resumes| rung.at.max(resumes)), 0, calendar));
        let again = current.and_then(|current| {
            let at = match (resumes, current.repeat) {
                // Acknowledged, and there is a higher rung: the climb goes on there.
                (Some(_), _) if higher.is_some() => return None,
                // A notice that was acknowledged has done its work.
                (Some(_), None) if current.sort == Sort::Notice => return None,
                (Some(resumes), _) => resumes,
                (None, Some(repeat)) => calendar.add(last.at, repeat).at,
                (None, None) => return None,
            };
            Some(current.raised_at(at, last.repetition.saturating_add(1), calendar))
        });
        match (climb, again) {
            (Some(climb), Some(again)) => Some(if again.at < climb.at { again } else { climb }),
            (climb, again) => climb.or(again),
        }
    }

    /// When the climb goes on after the acknowledgement of the newest rung; None: it was not acknowledged. Whoever has taken note of a notice has
    /// not done what is owed: what is told at the due time is never held back by that.
    pub fn resumes(&self, progress: &Progress, calendar: &Calendar) -> Option<Timestamp> {
        let at = progress.acknowledged_at?;
        let newest = progress.last.and_then(|last| self.rungs.iter().find(|rung| rung.rung == last.rung));
        let Some(newest) = newest else { return Some(at) };
        let held = calendar.add(at, newest.hold).at;
        let overdue = self.rungs.iter().find(|rung| rung.sort != Sort::Notice).filter(|_| newest.sort == Sort::Notice);
        Some(overdue.map_or(held, |overdue| held.min(overdue.at.max(at))))
    }
}

impl Next<'_> {
    /// Until when it waits that should have been raised before, and was not: it is held until working hours, and there are none at `now`.
    pub fn held_over(&self, now: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        let is_missed = self.at < now && self.timed.is_some_and(|timed| timed.held);
        Some(calendar.at_work(now)).filter(|opening| is_missed && *opening > now)
    }
}

impl TimedRung {
    /// Its place in a plan: not before the rung below it, which may be held or count in another time, and at work if it is held itself.
    pub fn placed(self, below: Option<&Self>, calendar: &Calendar) -> Self {
        let at = below.map_or(self.at, |below| self.at.max(below.at));
        Self { at: if self.held { calendar.at_work(at) } else { at }, ..self }
    }

    fn raised_at(&self, at: Timestamp, repetition: i32, calendar: &Calendar) -> Next<'_> {
        let at = if self.held { calendar.at_work(at) } else { at };
        Next { at, rung: self.rung, repetition, sort: self.sort, timed: Some(self) }
    }
}
