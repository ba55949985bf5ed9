//! From a post to the people who are to be told.
//!
//! A role is looked for in the unit, then in its departments, then in the unit above and its departments, and so on. In the post found:
//! whoever holds it and is present; else its deputies; else the same role further up; else the head of the unit, of the unit above and so
//! on; else the fallback post. People who must not know (those complained about) are passed over on the whole way.

use super::{Directory, Person, Post, Unit};
use crate::Title;
use duban_contracts::Timestamp;
use duban_contracts::alert::Recipient;
use serde::Serialize;

/// Who is told for a post, and how they came to be the ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolution {
    /// Post id found, or the role that was asked for where there is no such post.
    pub post: String,
    pub unit: String,
    pub how: How,
    /// Ids; empty only if not even the fallback post has anybody.
    pub people: Vec<String>,
    /// Why it is not simply the holder.
    pub reason: Option<Title>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    Direct,
    Deputy,
    /// Somebody further up the tree.
    Climbed,
    Fallback,
}

impl How {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Deputy => "deputy",
            Self::Climbed => "climbed",
            Self::Fallback => "fallback",
        }
    }
}

impl Resolution {
    /// As alerts carry them; the reason in Chinese.
    pub fn recipients(&self) -> Vec<Recipient> {
        let recipient = |person: &String| Recipient {
            person: person.clone(),
            post: self.post.clone(),
            unit: self.unit.clone(),
            how: self.how.as_str().to_owned(),
            reason: self.reason.as_ref().map(|reason| reason.zh.clone()),
        };
        self.people.iter().map(recipient).collect()
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
        for (nth, candidate) in candidates.iter().enumerate() {
            if let Some(found) = self.in_post(candidate, at, excluded, nth > 0) {
                return self.explained(found, first, role);
            }
        }
        // From where the post stands, and not from where it was looked for: nobody's matter climbs down to those below him.
        let above = self.unit_and_above(first.map_or(start, |post| post.unit.as_str()));
        for head in above.iter().filter_map(|unit| self.head_of(unit)) {
            if let Some(found) = self.in_post(head, at, excluded, true) {
                return self.explained(found, first, role);
            }
        }
        self.fall_back(first, role, unit, at, excluded)
    }

    /// The next superior of a post: the head of its unit; for the head itself, that of the unit above.
    pub fn resolve_superior(&self, post: &str, unit: &str, at: Timestamp, excluded: &[String]) -> Resolution {
        let path = self.unit_and_above(self.post(post).map_or(unit, |post| post.unit.as_str()));
        let base = match self.post(post) {
            Some(certain) => Some(certain),
            None => self.posts_upwards(post, &path).next(),
        };
        let path = base.map_or(path, |base| self.unit_and_above(&base.unit));
        for head in path.iter().filter_map(|unit| self.head_of(unit)).filter(|head| base.is_none_or(|base| base.id != head.id)) {
            if let Some(found) = self.in_post(head, at, excluded, false) {
                return found;
            }
        }
        self.fall_back(base, post, unit, at, excluded)
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

    fn head_of(&self, unit: &Unit) -> Option<&Post> {
        let role = unit.head.as_deref()?;
        self.posts_in(&unit.code).find(|post| post.role == role)
    }

    fn in_post(&self, post: &Post, at: Timestamp, excluded: &[String], climbed: bool) -> Option<Resolution> {
        let allowed = |person: &&Person| !excluded.contains(&person.id);
        let holders: Vec<String> = self.present_holders(post, at).into_iter().filter(allowed).map(|person| person.id.clone()).collect();
        let (people, how) = if holders.is_empty() {
            let deputies = post.deputies.iter().filter(|holding| holding.holds_at(at)).filter_map(|holding| self.person(&holding.person));
            let present = deputies.filter(|person| !person.disabled && !person.is_absent(at)).filter(allowed);
            (present.map(|person| person.id.clone()).collect(), How::Deputy)
        } else {
            (holders, How::Direct)
        };
        let how = if climbed { How::Climbed } else { how };
        (!people.is_empty()).then(|| Resolution { post: post.id.clone(), unit: post.unit.clone(), how, people, reason: None })
    }

    /// Adds why it was not the holder of the post asked for.
    fn explained(&self, mut found: Resolution, first: Option<&Post>, role: &str) -> Resolution {
        let wanted = self.words_for(first, role);
        found.reason = match found.how {
            How::Direct => None,
            How::Deputy => Some(Title::new(
                format!("{}空缺或缺勤，由代理人负责", wanted.zh),
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

    fn fall_back(&self, first: Option<&Post>, role: &str, unit: &str, at: Timestamp, excluded: &[String]) -> Resolution {
        let wanted = self.words_for(first, role);
        let fallback = self.fallback.as_deref().and_then(|id| self.post(id));
        let reason = Some(Title::new(
            format!("{}及其上级均无人在岗，转交兜底岗位", wanted.zh),
            format!("nobody is present as {} nor above: it goes to the fallback post", wanted.en),
        ));
        let (people, post, unit) = match fallback.and_then(|post| Some((self.in_post(post, at, excluded, false)?, post))) {
            Some((found, post)) => (found.people, post.id.clone(), post.unit.clone()),
            None => (Vec::new(), first.map_or_else(|| role.to_owned(), |post| post.id.clone()), unit.to_owned()),
        };
        Resolution { post, unit, how: How::Fallback, people, reason }
    }

    fn words_for(&self, post: Option<&Post>, role: &str) -> Title {
        post.map_or_else(|| Title::new(format!("岗位“{role}”"), format!("the post '{role}'")), |post| self.post_title(post))
    }
}
