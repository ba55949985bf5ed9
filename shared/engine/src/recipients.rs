//! From posts to people, at the time of raising: deputies, then up the tree, with the reason; who is excluded is passed over, and so are the
//! posts of units that are kept out.

use crate::climb::Tell;
use crate::duty::{Duty, Facts};
use duban_contracts::Timestamp;
use duban_contracts::alert::{MeantFor, Recipient};
use duban_contracts::duty::{Diverted, NextRung};
use duban_policy::directory::{Directory, How, Resolution};
use duban_policy::ladder::Who;
use std::borrow::Cow;

/// The directory as far as it concerns a matter: without the posts of units that are kept out of it, so that whoever is looked for there is
/// looked for further up. It gives rights by the other posts alone.
pub fn open_to<'a>(directory: &'a Directory, facts: &Facts) -> Cow<'a, Directory> {
    if facts.excluded_units.is_empty() {
        return Cow::Borrowed(directory);
    }
    let posts = directory.posts().filter(|post| !facts.excluded_units.contains(&post.unit)).cloned().collect();
    let (units, people) = (directory.units().cloned().collect(), directory.people().cloned().collect());
    let open = Directory::new(directory.version(), units, posts, people, directory.fallback().map(str::to_owned));
    Cow::Owned(open.with_delegations(directory.delegations().to_vec()))
}

/// Everybody to be told, each once, as the post by which he comes first, in the place of all those whose part came to him. The directory is that which is [open to](open_to) the duty; so for
/// all that follow.
pub fn recipients(directory: &Directory, duty: &Duty, tell: &Tell, at: Timestamp) -> Vec<Recipient> {
    match tell {
        Tell::Debtor => debtor(directory, &duty.terms.owed, &duty.facts, at).recipients(),
        Tell::All(posts) => {
            let mut told: Vec<Recipient> = Vec::new();
            for recipient in posts.iter().flat_map(|who| resolve(directory, who, &duty.facts, at).recipients()) {
                match told.iter_mut().find(|earlier| earlier.person == recipient.person) {
                    Some(earlier) => {
                        let is_new = |meant: &MeantFor| !earlier.meant_for.iter().any(|known| known.person == meant.person);
                        let more: Vec<MeantFor> = recipient.meant_for.into_iter().filter(is_new).collect();
                        earlier.meant_for.extend(more);
                    }
                    None => told.push(recipient),
                }
            }
            told
        }
    }
}

/// Who owes a duty: the first of those named for whom somebody is there; else wherever the first one leads.
pub fn debtor(directory: &Directory, owed: &[Who], facts: &Facts, at: Timestamp) -> Resolution {
    let found: Vec<Resolution> = owed.iter().map(|who| resolve(directory, who, facts, at)).collect();
    let is_there = |resolution: &Resolution| matches!(resolution.how, How::Direct | How::Delegate | How::Deputy);
    let there = found.iter().position(is_there).unwrap_or(0);
    let before: Vec<MeantFor> = found.iter().take(there).flat_map(|resolution| resolution.passed.clone()).collect();
    found.into_iter().nth(there).map_or_else(|| head(directory, facts, at), |resolution| resolution.after(before))
}

/// To whom a duty goes now in place of those who owe it; None where it goes to nobody else. The directory is the whole one.
pub fn diverted(directory: &Directory, duty: &Duty, at: Timestamp) -> Option<Diverted> {
    let found = debtor(&open_to(directory, &duty.facts), &duty.terms.owed, &duty.facts, at);
    let meant_for = found.meant_for();
    (duty.state.is_open() && !meant_for.is_empty()).then_some(Diverted { people: found.people, meant_for })
}

/// The post that owes a duty, as lists show it: the first named that exists as seen from the unit, held or not.
pub fn owing_post(directory: &Directory, owed: &[Who], facts: &Facts) -> Option<String> {
    owed.iter().find_map(|who| match who {
        Who::Post(post) | Who::Handler { otherwise: post } => directory.find_post(post, &facts.unit).map(|post| post.id.clone()),
        Who::Superior(_) | Who::Person(_) => None,
    })
}

/// Whether a person holds a post that owes the duty, or is whom that post resolves to. The directory is the whole one.
pub fn owes(directory: &Directory, duty: &Duty, person: &str, at: Timestamp) -> bool {
    let directory = open_to(directory, &duty.facts);
    directory.acts_for(person, &duty.owed_by, &duty.facts.unit, at, &duty.facts.excluded_people)
        || debtor(&directory, &duty.terms.owed, &duty.facts, at).people.iter().any(|debtor| debtor == person)
}

/// When and to whom it goes next if nobody acts. Who is reminded meanwhile of what he owes is no step of that.
pub fn next_rung(directory: &Directory, duty: &Duty, at: Timestamp, calendar: &duban_policy::calendar::Calendar) -> Option<NextRung> {
    let next = duty.terms.plan.next_rung(&duty.progress, calendar)?;
    let tell = next.timed.map_or(Tell::Debtor, |timed| Tell::All(timed.tell.clone()));
    let told = recipients(directory, duty, &tell, at);
    let mut posts: Vec<String> = told.iter().map(|recipient| recipient.post.clone()).collect();
    posts.dedup();
    let (people, sort) = (told.into_iter().map(|recipient| recipient.person).collect(), next.sort.as_str().to_owned());
    Some(NextRung { at: next.at, posts, people, sort })
}

fn resolve(directory: &Directory, who: &Who, facts: &Facts, at: Timestamp) -> Resolution {
    let out = &facts.excluded_people;
    match who {
        Who::Post(post) => directory.resolve_post(post, &facts.unit, at, out),
        Who::Superior(post) => directory.resolve_superior(post, &facts.unit, at, out),
        Who::Handler { otherwise } => {
            let handler = facts.handler.as_deref().map_or(Err(Vec::new()), |person| himself(directory, person, otherwise, facts, at));
            handler.unwrap_or_else(|passed| directory.resolve_post(otherwise, &facts.unit, at, out).after(passed))
        }
        Who::Person(person) => himself(directory, person, "", facts, at).unwrap_or_else(|passed| head(directory, facts, at).after(passed)),
    }
}

/// A person himself or who does it for him, if one of them is there and may know; else whom it was meant for.
fn himself(directory: &Directory, person: &str, post: &str, facts: &Facts, at: Timestamp) -> Result<Resolution, Vec<MeantFor>> {
    let post = directory.find_post(post, &facts.unit).map_or_else(|| post.to_owned(), |post| post.id.clone());
    directory.resolve_person(person, &post, &facts.unit, at, &facts.excluded_people)
}

/// The head of the unit, or of the one above.
fn head(directory: &Directory, facts: &Facts, at: Timestamp) -> Resolution {
    directory.resolve_superior("", &facts.unit, at, &facts.excluded_people)
}
