//! From a post to the people who are to be told.
//!
//! A role is looked for in the unit, then in its departments, then in the unit above and its departments, and so on. In the post found:
//! whoever holds it and is present, or to whom he has delegated his part; else its deputies; else the same role further up; else the head of
//! the unit, of the unit above and so on; else the fallback post; else the heads of its unit and of those above. People who must not know (those
//! complained about) are passed over on the whole way, and what they have delegated with them. Whoever would have had it and is away or has
//! delegated is named with what was found.

use super::delegating::Part;
use super::{Directory, Holding, Post, Unit};
use crate::Title;
use duban_contracts::Timestamp;
use duban_contracts::alert::{MeantFor, Recipient};
use serde::Serialize;

/// Who is told for a post, and how they came to be the ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolution {
    /// Post id found, or the role that was asked for where there is no such post.
    pub post: String,
    pub unit: String,
    pub how: How,
    /// Ids; empty only if not even the fallback post and the heads above it have anybody.
    pub people: Vec<String>,
    /// Why it is not simply the holder.
    pub reason: Option<Title>,
    /// Those who would have had it before, and are away.
    pub passed: Vec<MeantFor>,
    /// For each of `people` to whom it comes by delegation: in whose place.
    pub delegated: Vec<(String, MeantFor)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    Direct,
    /// Each of the people has it by delegation.
    Delegate,
    Deputy,
    /// Somebody further up the tree.
    Climbed,
    Fallback,
}

impl How {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Delegate => "delegate",
            Self::Deputy => "deputy",
            Self::Climbed => "climbed",
            Self::Fallback => "fallback",
        }
    }
}

impl Resolution {
    /// As alerts carry them.
    pub fn recipients(&self) -> Vec<Recipient> {
        let recipient = |person: &String| {
            let delegated = self.delegated.iter().filter(|(to, _)| to == person).map(|(_, of)| of);
            let meant_for: Vec<MeantFor> = self.passed.iter().chain(delegated).filter(|of| of.person != *person).cloned().collect();
            Recipient {
                person: person.clone(),
                post: self.post.clone(),
                unit: self.unit.clone(),
                how: self.how.as_str().to_owned(),
                reason: self.reason.as_ref().map(|reason| reason.zh.clone()),
                reason_en: self.reason.as_ref().map(|reason| reason.en.clone()),
                meant_for,
            }
        };
        self.people.iter().map(recipient).collect()
    }

    /// Everybody in whose place it comes to these people, each once.
    pub fn meant_for(&self) -> Vec<MeantFor> {
        let mut all: Vec<MeantFor> = Vec::new();
        for meant in self.passed.iter().chain(self.delegated.iter().map(|(_, meant)| meant)) {
            if !all.iter().any(|known| known.person == meant.person) {
                all.push(meant.clone());
            }
        }
        all
    }

    /// After those who were asked before in vain.
    pub fn after(mut self, passed: Vec<MeantFor>) -> Self {
        let known: Vec<MeantFor> = std::mem::take(&mut self.passed);
        for meant in passed.into_iter().chain(known) {
            note(&mut self.passed, meant);
        }
        self
    }
}

impl Directory {
    /// The people to be told for `post` as seen from `unit`: a role (`store-manager`) or a certain post (`GROUP/legal-counsel`).
    pub fn resolve_post(&self, post: &str, unit: &str, at: Timestamp, excluded: &[String]) -> Resolution {
        let (role, start) = match self.post(post) {
            Some(certain) => (certain.role.as_str(), certain.unit.as_str()),
            None => (post.rsplit('/').next().unwrap_or(post), unit),
        };
        let path = self.unit_and_above(start);
        let candidates: Vec<&Post> = match self.post(post) {
            Some(certain) => {
                std::iter::once(certain).chain(self.posts_upwards(role, &path).filter(|found| found.id != certain.id)).collect()
            }
            None => self.posts_upwards(role, &path).collect(),
        };
        let first = candidates.first().copied();
        let mut passed = Vec::new();
        for (nth, candidate) in candidates.iter().enumerate() {
            if let Some(found) = self.in_post(candidate, at, excluded, nth > 0, &mut passed) {
                return self.explained(found, first, role);
            }
        }
        // From where the post stands, and not from where it was looked for: nobody's matter climbs down to those below him.
        let above = self.unit_and_above(first.map_or(start, |post| post.unit.as_str()));
        for head in above.iter().filter_map(|unit| self.head_of(unit)) {
            if let Some(found) = self.in_post(head, at, excluded, true, &mut passed) {
                return self.explained(found, first, role);
            }
        }
        self.fall_back(first, role, unit, at, excluded, passed)
    }

    /// The next superior of a post: the head of its unit; for the head itself, that of the unit above.
    pub fn resolve_superior(&self, post: &str, unit: &str, at: Timestamp, excluded: &[String]) -> Resolution {
        let path = self.unit_and_above(self.post(post).map_or(unit, |post| post.unit.as_str()));
        let base = match self.post(post) {
            Some(certain) => Some(certain),
            None => self.posts_upwards(post, &path).next(),
        };
        let path = base.map_or(path, |base| self.unit_and_above(&base.unit));
        let mut passed = Vec::new();
        for head in path.iter().filter_map(|unit| self.head_of(unit)).filter(|head| base.is_none_or(|base| base.id != head.id)) {
            if let Some(found) = self.in_post(head, at, excluded, false, &mut passed) {
                return found;
            }
        }
        self.fall_back(base, post, unit, at, excluded, passed)
    }

    /// The post that plays a role as seen from a unit, occupied or not.
    pub fn find_post(&self, post: &str, unit: &str) -> Option<&Post> {
        self.post(post).or_else(|| self.posts_upwards(post, &self.unit_and_above(unit)).next())
    }

    /// Whether a person is, at this time, one of those who act for the post: holder, or whoever it resolves to.
    pub fn acts_for(&self, person: &str, post: &str, unit: &str, at: Timestamp, excluded: &[String]) -> bool {
        if excluded.iter().any(|out| out == person) {
            return false;
        }
        let holds = self.find_post(post, unit).is_some_and(|found| self.holders(found, at).iter().any(|holder| holder.id == person));
        holds || self.resolve_post(post, unit, at, excluded).people.iter().any(|told| told == person)
    }

    fn posts_upwards<'a, 'p>(&'a self, role: &'p str, path: &'p [&'a Unit]) -> impl Iterator<Item = &'a Post> + use<'a, 'p> {
        // Looked for only as far as somebody asks: mostly the first is all that is wanted.
        let units = path.iter().flat_map(|unit| std::iter::once(*unit).chain(self.departments(&unit.code)));
        let mut seen: Vec<&str> = Vec::new();
        units.flat_map(|unit| self.posts_in(&unit.code)).filter(move |post| {
            let is_new = post.role == role && !seen.contains(&post.id.as_str());
            if is_new {
                seen.push(&post.id);
            }
            is_new
        })
    }

    pub(super) fn head_of(&self, unit: &Unit) -> Option<&Post> {
        let role = unit.head.as_deref()?;
        self.posts_in(&unit.code).find(|post| post.role == role)
    }

    /// Who is there for a post; `passed` gains those who are away. `climbed`: it is not the post that was asked for.
    fn in_post(&self, post: &Post, at: Timestamp, excluded: &[String], climbed: bool, passed: &mut Vec<MeantFor>) -> Option<Resolution> {
        let mut there = There::default();
        match self.post_delegate(post, at, excluded) {
            Some((delegate, meant)) => there.by_delegation(&delegate, meant),
            None => self.look_among(&post.holders, at, excluded, &mut there, passed),
        }
        let how = match (there.people.is_empty(), there.is_all_delegated()) {
            (false, true) => How::Delegate,
            (false, false) => How::Direct,
            (true, _) => {
                self.look_among(&post.deputies, at, excluded, &mut there, passed);
                How::Deputy
            }
        };
        let how = if climbed { How::Climbed } else { how };
        let There { people, delegated, .. } = there;
        let found = |people| Resolution {
            post: post.id.clone(),
            unit: post.unit.clone(),
            how,
            people,
            reason: None,
            passed: passed.clone(),
            delegated,
        };
        (!people.is_empty()).then(|| found(people))
    }

    fn look_among(&self, holdings: &[Holding], at: Timestamp, excluded: &[String], there: &mut There, passed: &mut Vec<MeantFor>) {
        let current = holdings.iter().filter(|holding| holding.holds_at(at)).filter_map(|holding| self.person(&holding.person));
        for person in current.filter(|person| !person.disabled && !excluded.contains(&person.id)) {
            match self.part_of(person, at, excluded) {
                Part::His => there.add(&person.id),
                Part::Delegated(delegate, meant) => there.by_delegation(&delegate, vec![meant]),
                Part::Away(meant) => note(passed, meant),
            }
        }
    }

    /// Somebody himself, or who does it for him; else those who are away.
    ///
    /// # Errors
    /// Why it does not come to him; empty if he must not know or is not of the directory.
    pub fn resolve_person(
        &self,
        person: &str,
        post: &str,
        unit: &str,
        at: Timestamp,
        excluded: &[String],
    ) -> Result<Resolution, Vec<MeantFor>> {
        let found = self.person(person).filter(|found| !found.disabled && !excluded.contains(&found.id)).ok_or_else(Vec::new)?;
        let (people, how, delegated) = match self.part_of(found, at, excluded) {
            Part::His => (found.id.clone(), How::Direct, Vec::new()),
            Part::Delegated(delegate, meant) => (delegate.clone(), How::Delegate, vec![(delegate, meant)]),
            Part::Away(meant) => return Err(vec![meant]),
        };
        Ok(Resolution {
            post: post.to_owned(),
            unit: unit.to_owned(),
            how,
            people: vec![people],
            reason: None,
            passed: Vec::new(),
            delegated,
        })
    }

    /// Adds why it was not the holder of the post asked for.
    fn explained(&self, mut found: Resolution, first: Option<&Post>, role: &str) -> Resolution {
        let wanted = self.words_for(first, role);
        found.reason = match found.how {
            How::Direct => None,
            How::Delegate => {
                Some(Title::new(format!("{}已委托他人代行", wanted.zh), format!("{} is delegated: the delegate acts", wanted.en)))
            }
            How::Deputy => Some(Title::new(
                format!("{}空缺或离岗，由代理人负责", wanted.zh),
                format!("{} is vacant or absent: the deputy stands in", wanted.en),
            )),
            How::Climbed | How::Fallback => {
                let to = self.words_for(self.post(&found.post), &found.post);
                Some(Title::new(
                    format!("{}无人在岗，上升至{}", wanted.zh, to.zh),
                    format!("nobody is present as {}: it goes up to {}", wanted.en, to.en),
                ))
            }
        };
        found
    }

    fn fall_back(
        &self,
        first: Option<&Post>,
        role: &str,
        unit: &str,
        at: Timestamp,
        excluded: &[String],
        mut passed: Vec<MeantFor>,
    ) -> Resolution {
        let wanted = self.words_for(first, role);
        let mut reason = Title::new(
            format!("{}及其上级均无人在岗，转交兜底岗位", wanted.zh),
            format!("nobody is present as {} nor above: it goes to the fallback post", wanted.en),
        );
        let fallback = self.fallback.as_deref().and_then(|id| self.post(id));
        let mut found = fallback.and_then(|post| self.in_post(post, at, excluded, false, &mut passed));
        if let Some(post) = fallback.filter(|_| found.is_none()) {
            // Whoever must not know may be the very one who holds it. What nobody gets is forgotten, so it climbs from there as from any post.
            let above = self.unit_and_above(&post.unit);
            let mut heads = above.iter().filter_map(|unit| self.head_of(unit));
            found = heads.find_map(|head| self.in_post(head, at, excluded, false, &mut passed));
            if let Some(found) = &found {
                let to = self.words_for(self.post(&found.post), &found.post);
                reason = Title::new(
                    format!("{}及其上级、兜底岗位均无人在岗，上升至{}", wanted.zh, to.zh),
                    format!("nobody is present as {} nor above nor in the fallback post: it goes up to {}", wanted.en, to.en),
                );
            }
        }
        if found.is_none() {
            // Nobody is there at all: who holds the fallback post is told though he is away, else who holds the post that was meant.
            let posts = fallback.into_iter().chain(first);
            let absent = posts.map(|post| (post, self.holders(post, at)));
            let told = absent.map(|(post, people)| (post, people.into_iter().filter(|person| !excluded.contains(&person.id))));
            let told = told.map(|(post, people)| (post, people.map(|person| person.id.clone()).collect::<Vec<_>>()));
            if let Some((post, people)) = told.into_iter().find(|(_, people)| !people.is_empty()) {
                let reason = Title::new(
                    format!("{}及其上级、兜底岗位均无人在岗，仍通知{}，虽其离岗", wanted.zh, self.words_for(Some(post), &post.id).zh),
                    format!("nobody is present at all: {} is told although away", self.words_for(Some(post), &post.id).en),
                );
                passed.retain(|meant| !people.contains(&meant.person));
                let (how, reason) = (How::Fallback, Some(reason));
                return Resolution { post: post.id.clone(), unit: post.unit.clone(), how, people, reason, passed, delegated: Vec::new() };
            }
        }
        let reason = Some(reason);
        match found {
            Some(found) => Resolution { how: How::Fallback, reason, ..found },
            None => Resolution {
                post: first.map_or_else(|| role.to_owned(), |post| post.id.clone()),
                unit: unit.to_owned(),
                how: How::Fallback,
                people: Vec::new(),
                reason,
                passed,
                delegated: Vec::new(),
            },
        }
    }

    fn words_for(&self, post: Option<&Post>, role: &str) -> Title {
        post.map_or_else(|| Title::new(format!("岗位“{role}”"), format!("the post '{role}'")), |post| self.post_title(post))
    }
}

/// Who is there, as far as it was looked.
#[derive(Default)]
struct There {
    people: Vec<String>,
    /// Those of them who have it by delegation.
    delegates: Vec<String>,
    delegated: Vec<(String, MeantFor)>,
}

impl There {
    fn add(&mut self, person: &str) {
        if !self.people.iter().any(|known| known == person) {
            self.people.push(person.to_owned());
        }
    }

    fn by_delegation(&mut self, delegate: &str, meant: Vec<MeantFor>) {
        self.add(delegate);
        self.delegates.push(delegate.to_owned());
        self.delegated.extend(meant.into_iter().map(|meant| (delegate.to_owned(), meant)));
    }

    fn is_all_delegated(&self) -> bool {
        !self.people.is_empty() && self.people.iter().all(|person| self.delegates.contains(person))
    }
}

/// Each once.
fn note(passed: &mut Vec<MeantFor>, meant: MeantFor) {
    if !passed.iter().any(|known| known.person == meant.person) {
        passed.push(meant);
    }
}
