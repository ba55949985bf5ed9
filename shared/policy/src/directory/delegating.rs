//! Whose part another does: where a delegation leads, what it gives, and who may set absences and delegations for whom.
//!
//! A delegate may delegate in turn; the last of the chain who is there and may know has it. A circle ends where it closes.

use super::{Delegation, Delegator, Directory, Person, Post};
use duban_contracts::Timestamp;
use duban_contracts::alert::MeantFor;

/// What becomes of a person's part.
pub(super) enum Part {
    /// He does it himself.
    His,
    /// This person does it for him.
    Delegated(String, MeantFor),
    /// He is away, and nobody does it for him.
    Away(MeantFor),
}

impl Directory {
    /// Who does a person's part at this time.
    pub(super) fn part_of(&self, person: &Person, at: Timestamp, excluded: &[String]) -> Part {
        let away = person.is_absent(at).then(|| absent(person, at));
        let delegation = self.delegation_of(&person.id, at);
        let delegate = delegation.and_then(|delegation| Some((delegation, self.delegate(&person.id, &delegation.to, at, excluded)?)));
        match (delegate, away) {
            (Some((_, delegate)), Some(away)) => Part::Delegated(delegate, away),
            (Some((delegation, delegate)), None) => Part::Delegated(delegate, delegated(person, delegation)),
            (None, Some(away)) => Part::Away(away),
            (None, None) => Part::His,
        }
    }

    /// Who acts for a post that is delegated as such, and in whose place.
    pub(super) fn post_delegate(&self, post: &Post, at: Timestamp, excluded: &[String]) -> Option<(String, Vec<MeantFor>)> {
        let is_of = |delegation: &&Delegation| matches!(&delegation.of, Delegator::Post(of) if *of == post.id) && delegation.covers(at);
        let delegation = self.delegations.iter().find(is_of)?;
        let delegate = self.delegate("", &delegation.to, at, excluded)?;
        let meant = self.holders(post, at).into_iter().filter(|holder| holder.id != delegate && !excluded.contains(&holder.id));
        let meant = meant.map(|holder| if holder.is_absent(at) { absent(holder, at) } else { delegated(holder, delegation) });
        let meant = meant.collect();
        Some((delegate, meant))
    }

    /// The posts whose part comes to a person by delegation at this time, directly or from one delegate to the next.
    pub(super) fn posts_delegated_to(&self, person: &str, at: Timestamp) -> Vec<&Post> {
        let mut people = vec![person];
        let mut posts: Vec<&Post> = Vec::new();
        let mut nth = 0;
        while let Some(delegate) = people.get(nth).copied() {
            for delegation in self.delegations.iter().filter(|delegation| delegation.to == delegate && delegation.covers(at)) {
                match &delegation.of {
                    Delegator::Person(of) if !people.contains(&of.as_str()) && self.person(of).is_some_and(|of| !of.disabled) => {
                        people.push(of);
                        posts.extend(self.posts_held(of, at));
                    }
                    Delegator::Person(_) => {}
                    Delegator::Post(post) => posts.extend(self.post(post)),
                }
            }
            nth += 1;
        }
        posts
    }

    /// Whether somebody is set over a person: he heads the unit of a post which that one holds or deputises for, or a unit above it.
    pub fn is_over(&self, superior: &str, person: &str, at: Timestamp) -> bool {
        superior != person && self.posts_named(person, at).any(|post| self.is_over_post(superior, post, at))
    }

    /// The same of all posts of the person, of which he has some.
    pub fn is_over_in_all(&self, superior: &str, person: &str, at: Timestamp) -> bool {
        let mut posts = self.posts_named(person, at).peekable();
        superior != person && posts.peek().is_some() && posts.all(|post| self.is_over_post(superior, post, at))
    }

    /// Whether somebody heads the unit of a post, or a unit above it, by another post than this.
    pub fn is_over_post(&self, superior: &str, post: &Post, at: Timestamp) -> bool {
        let held = self.posts_of(superior, at);
        let above = self.unit_and_above(&post.unit);
        above
            .into_iter()
            .filter_map(|unit| self.head_of(unit))
            .any(|head| head.id != post.id && held.iter().any(|held| held.post.id == head.id))
    }

    /// Where delegating from one person to another would lead back to him: through delegations that hold at some time of this period.
    pub fn leads_back(&self, to: &str, origins: &[String], from: Timestamp, until: Timestamp) -> bool {
        let mut reached = vec![to];
        let mut nth = 0;
        while let Some(person) = reached.get(nth).copied() {
            if origins.iter().any(|origin| origin == person) {
                return true;
            }
            for delegation in self.delegations.iter().filter(|delegation| delegation.from < until && from < delegation.until) {
                if matches!(&delegation.of, Delegator::Person(of) if of == person) && !reached.contains(&delegation.to.as_str()) {
                    reached.push(&delegation.to);
                }
            }
            nth += 1;
        }
        false
    }

    fn delegation_of(&self, person: &str, at: Timestamp) -> Option<&Delegation> {
        self.delegations.iter().find(|delegation| matches!(&delegation.of, Delegator::Person(of) if of == person) && delegation.covers(at))
    }

    /// The last of the chain that begins with `to` who is there and may know; never `origin` himself.
    fn delegate(&self, origin: &str, to: &str, at: Timestamp, excluded: &[String]) -> Option<String> {
        let mut chain = vec![to];
        while let Some(next) = chain.last().and_then(|last| self.delegation_of(last, at)) {
            if next.to == origin || chain.contains(&next.to.as_str()) {
                break;
            }
            chain.push(&next.to);
        }
        let there =
            |id: &&&str| self.person(id).is_some_and(|person| !person.disabled && !person.is_absent(at) && !excluded.contains(&person.id));
        chain.iter().rev().find(there).filter(|id| **id != origin).map(|id| (*id).to_owned())
    }

    fn posts_held<'a>(&'a self, person: &'a str, at: Timestamp) -> impl Iterator<Item = &'a Post> {
        let holds = move |post: &&Post| post.holders.iter().any(|holding| holding.person == person && holding.holds_at(at));
        self.index().posts_of.get(person).into_iter().flatten().filter_map(|id| self.post(id)).filter(holds)
    }

    fn posts_named<'a>(&'a self, person: &'a str, at: Timestamp) -> impl Iterator<Item = &'a Post> {
        let is_named =
            move |post: &&Post| post.holders.iter().chain(&post.deputies).any(|holding| holding.person == person && holding.holds_at(at));
        self.index().posts_of.get(person).into_iter().flatten().filter_map(|id| self.post(id)).filter(is_named)
    }
}

fn absent(person: &Person, at: Timestamp) -> MeantFor {
    MeantFor { person: person.id.clone(), why: "absent".to_owned(), until: person.back_at(at) }
}

fn delegated(person: &Person, delegation: &Delegation) -> MeantFor {
    MeantFor { person: person.id.clone(), why: "delegated".to_owned(), until: Some(delegation.until) }
}
