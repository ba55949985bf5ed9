//! An act under way: who does it, what was locked for it, and what comes of it.

use crate::app::App;
use crate::store::{cases, involvement, links, timeline};
use crate::visibility;
use duban_contracts::{NewEvent, Problem, Timestamp, both};
use duban_engine::case::{Case, Happening, Told, Words};
use duban_policy::Policy;
use duban_policy::directory::{Directory, Right};
use sqlx::PgConnection;
use std::sync::Arc;
use uuid::Uuid;

/// What was locked for an act.
pub struct Concerned {
    pub case: Case,
    /// The other case of a merger or a link, or the master of one that is detached.
    pub other: Option<Case>,
    /// Those that are attached to it, or are to be.
    pub carried: Vec<Case>,
}

/// Everything that an act decides upon, and what it decided.
pub struct Doing {
    pub app: App,
    /// Who acts.
    pub person: String,
    pub at: Timestamp,
    pub directory: Arc<Directory>,
    /// The policy that the case was registered under.
    pub policy: Arc<Policy>,
    pub case: Case,
    /// The other case of a merger or a link, or the master of one that is detached.
    pub other: Option<Case>,
    /// Those that are attached to it, or are to be: what is done with a master is done with them.
    pub carried: Vec<Case>,
    changes: Changes,
}

#[derive(Default)]
struct Changes {
    events: Vec<NewEvent>,
    entries: Vec<timeline::NewEntry>,
    links: Vec<links::NewLink>,
    involve: Vec<(String, &'static str)>,
    release: Vec<(String, &'static str)>,
    decisions_ended: Vec<Uuid>,
}

impl Doing {
    pub fn new(app: App, person: String, at: Timestamp, directory: Arc<Directory>, policy: Arc<Policy>, concerned: Concerned) -> Self {
        let Concerned { case, other, carried } = concerned;
        Self { app, person, at, directory, policy, case, other, carried, changes: Changes::default() }
    }

    /// Refuses unless who acts has one of the rights, or handles the case where that is enough; of two cases, over each.
    pub fn require(&self, rights: &[Right], handling_is_enough: HandlingIsEnough) -> Result<(), Problem> {
        std::iter::once(&self.case).chain(&self.other).try_for_each(|case| self.require_over(case, rights, handling_is_enough))
    }

    pub fn require_over(&self, case: &Case, rights: &[Right], handling_is_enough: HandlingIsEnough) -> Result<(), Problem> {
        let may = rights.iter().any(|right| visibility::may(&self.directory, &self.person, *right, case, self.at));
        let handles = case.handler.as_deref() == Some(&self.person);
        if may || (handling_is_enough == HandlingIsEnough::Yes && handles) {
            return Ok(());
        }
        let list = |word: fn(Right) -> String, or: &str| rights.iter().map(|right| word(*right)).collect::<Vec<_>>().join(or);
        Err(Problem::forbidden(both(
            format!("需要对单位{}的“{}”权限", case.unit, list(|r| r.title().zh, "”或“")),
            format!("it takes the right to {} over unit {}", list(|r| r.title().en, " or to "), case.unit),
        )))
    }

    /// Something happened to the case: its next version, its event and its line on the timeline.
    pub fn tell(&mut self, happened: &str, words: Words, happening: Happening) {
        let stamp = |cause| self.app.platform.clock.cause_after(cause);
        let told = self.case.tell_in_words(&stamp, self.at, happened, words, happening);
        self.take(self.case.id, told);
    }

    /// Takes what was told of a case, to be written.
    pub fn take(&mut self, case: Uuid, told: Told) {
        self.changes.entries.push(timeline::NewEntry::of(case, &told, &self.person));
        self.changes.events.push(told.event);
    }

    /// The same to the other case.
    pub fn tell_other(&mut self, happened: &str, words: Words, happening: Happening) {
        let Some(other) = &mut self.other else { return };
        let stamp = |cause| self.app.platform.clock.cause_after(cause);
        let (case, told) = (other.id, other.tell_in_words(&stamp, self.at, happened, words, happening));
        self.take(case, told);
    }

    pub fn link(&mut self, case: Uuid, other: Uuid, sort: &'static str) {
        self.changes.links.push(links::NewLink { case, other, sort, at: self.at });
    }

    /// From now on this person sees the case by name, having been added to it.
    pub fn add(&mut self, person: &str) {
        self.changes.involve.push((person.to_owned(), "added"));
    }

    /// From now on, and until the case is closed, who acts sees it by name: he decides of it.
    pub fn decides(&mut self) {
        self.changes.involve.push((self.person.clone(), "decided"));
    }

    pub fn release(&mut self, person: &str, sort: &'static str) {
        self.changes.release.push((person.to_owned(), sort));
    }

    /// Event and words of what was told of this case by now.
    pub fn told(&self) -> Vec<(String, Words)> {
        let own = self.changes.entries.iter().filter(|entry| entry.case == self.case.id);
        let words =
            |entry: &timeline::NewEntry| Words { note: entry.note.clone(), ..Words::new(entry.text.clone(), entry.text_zh.clone()) };
        own.map(|entry| (entry.event.clone(), words(entry))).collect()
    }

    /// The case is closed: nobody decides anything of it any longer.
    pub fn end_decisions(&mut self) {
        self.decided(self.case.id);
        self.case.people_deciding.clear();
    }

    /// The same of a case that is closed with its master.
    pub fn decided(&mut self, case: Uuid) {
        self.changes.decisions_ended.push(case);
    }

    /// Writes what came of it: state, timeline, links, and the events that tell of it.
    pub async fn write(self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let seal = &self.app.platform.seal;
        let id = self.case.id;
        let touched: Vec<Case> = std::iter::once(self.case).chain(self.other).chain(self.carried).collect();
        cases::save(tx, &touched).await?;
        timeline::insert(tx, seal, &self.changes.entries).await?;
        if !self.changes.links.is_empty() {
            links::insert(tx, &self.changes.links).await?;
        }
        for (person, sort) in &self.changes.involve {
            involvement::add(tx, id, person, sort, self.at, &self.person).await?;
        }
        for (person, sort) in &self.changes.release {
            involvement::end(tx, id, person, sort, self.at).await?;
        }
        if !self.changes.decisions_ended.is_empty() {
            involvement::end_decisions(tx, &self.changes.decisions_ended, self.at).await?;
        }
        self.app.platform.outbox.write(tx, &self.changes.events).await
    }
}

/// Whether it is enough to handle the case, without any right by a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandlingIsEnough {
    Yes,
    No,
}

/// Free text that a person must give: not empty, and not endless.
pub fn required_text(field: &str, text: &str) -> Result<(), Problem> {
    let length = text.trim().chars().count();
    match length {
        0 => Err(Problem::invalid_field(field, both("未填写", "it is empty"), both("请填写内容", "some words"))),
        1..=20_000 => Ok(()),
        _ => Err(Problem::invalid_field(
            field,
            both(format!("共{length}字"), format!("{length} characters")),
            both("不超过20000字", "at most 20,000 characters"),
        )),
    }
}
