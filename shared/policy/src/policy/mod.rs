//! A compiled policy set: every pack, calendar and binding of one version, checked, ready to be asked.

mod coverage;
mod duty;
mod explain;
mod judge;
mod kind;
mod number;
mod recurring;
mod step;
mod template;

pub use coverage::Covered;
pub use duty::{ClosedDuty, DutyRule, EventFacts, OpenedDuty, Reminder, TermSource, Trigger, When};
pub use judge::{Judgement, ReportFacts};
pub use kind::{Actor, Choice, Field, FieldSort, FollowsClosed, Kind, Repeats, Severity, Stage, Step, StepSort};
pub use number::NumberPattern;
pub use recurring::{Occurrence, RecurringRule};
pub use step::{CaseFacts, Permitted, Refusal};
pub use template::Template;

use crate::calendar::Calendar;
use crate::{Diagnostic, Source, Title};
use duban_contracts::Timestamp;

/// A pack, compiled.
#[derive(Debug, Clone)]
pub struct Pack {
    pub id: String,
    pub title: Title,
    /// `R13`, where it carries one of the seventeen.
    pub regulation: Option<String>,
    pub kinds: Vec<Kind>,
    pub duties: Vec<DutyRule>,
    pub recurring: Vec<RecurringRule>,
}

/// A whole policy set, compiled. Cheap to ask, shared behind an `Arc`.
#[derive(Debug)]
pub struct Policy {
    packs: std::collections::BTreeMap<String, Pack>,
}

impl Policy {
    /// Compiles a set: packs, calendars and exactly one organisation file, told apart by what is in them (`[pack]`, `[calendar]`,
    /// `[organisation]`), not by name.
    ///
    /// # Errors
    /// Everything that is wrong with any of the files, in order of file and place.
    pub fn compile(sources: &[Source]) -> Result<Self, Vec<Diagnostic>> {
        let _ = sources;
        todo!()
    }

    /// What is worth saying though the set compiles: roles that no post plays in a unit where the pack is bound, and the like.
    pub fn remarks(&self) -> &[Diagnostic] {
        todo!()
    }

    pub fn packs(&self) -> impl Iterator<Item = &Pack> {
        self.packs.values()
    }

    pub fn pack(&self, id: &str) -> Option<&Pack> {
        self.packs.get(id)
    }

    pub fn kind(&self, pack: &str, kind: &str) -> Option<&Kind> {
        self.pack(pack)?.kinds.iter().find(|candidate| candidate.id == kind)
    }

    /// The packs bound to a unit at this time, directly or from above.
    pub fn packs_of(&self, unit: &str, at: Timestamp) -> Vec<&Pack> {
        let _ = (unit, at);
        todo!()
    }

    /// Kinds that a report for this unit may have; for forms.
    pub fn kinds_of(&self, unit: &str, at: Timestamp) -> Vec<&Kind> {
        self.packs_of(unit, at).into_iter().flat_map(|pack| &pack.kinds).collect()
    }

    /// The post that plays a pack's role as seen from a unit, for `Directory::resolve_post`.
    pub fn post_for(&self, pack: &str, role: &str, unit: &str) -> String {
        let _ = (pack, role, unit);
        todo!()
    }

    /// The calendar of a unit (its own or the nearest above); unknown units have the root's.
    pub fn calendar_of(&self, unit: &str) -> &Calendar {
        let _ = unit;
        todo!()
    }

    pub fn calendar(&self, name: &str) -> Option<&Calendar> {
        let _ = name;
        todo!()
    }

    /// Declared channels (`phone`, `web` …) with titles.
    pub fn channels(&self) -> &[Choice] {
        todo!()
    }
}
