//! A master case (主案) that stands for many reports of one incident: a power cut, and two hundred calls. Pure.
//!
//! What is attached stays a case of its own, with its number and its reporter, unlike what is merged. While the master carries it, it owes
//! nothing itself and nobody takes it from stage to stage; an answer that is given on the master is given to it, and it is closed with the
//! master. A master is not attached to another, so that one look tells who stands for whom. When a master is taken up again, what was closed
//! with it stays closed: each of them was answered; whoever reports again is looked at again.

use crate::case::{Case, Happening, Stamp, Told, Words};
use crate::registering::OTHER;
use duban_contracts::case::CARRIED;
use duban_contracts::{Problem, Timestamp};
use uuid::Uuid;

/// So many are attached by one request.
pub const MOST_AT_ONCE: usize = 200;

/// So many are attached to one master: they are answered and closed in one transaction.
pub const MOST_CARRIED: i64 = 1_000;

/// What was told of which case.
pub type ToldOf = (Uuid, Told);

/// A case that is carried by its master is moved with it and not by itself.
///
/// # Errors
/// 409 for one that is carried.
pub fn stands_for_itself(case: &Case) -> Result<(), Problem> {
    if case.carried_by.is_none() {
        return Ok(());
    }
    Err(Problem::refused(
        "carried",
        "The case is attached to a master case: go on there, or detach it first",
        "本案已挂入主案，请在主案中办理，或先移出主案",
    ))
}

/// Whether others can be attached to this case.
///
/// # Errors
/// 409 for one that is closed, merged or attached itself.
pub fn may_carry(case: &Case) -> Result<(), Problem> {
    if case.closed {
        return Err(Problem::refused("closed", "The case is closed: reopen it first", "案件已办结，请先重新开启"));
    }
    stands_for_itself(case)
}

/// Why a case cannot be attached to a master, in English and Chinese; None if it can.
pub fn unfit(master: &Case, case: &Case) -> Option<(&'static str, &'static str)> {
    if case.id == master.id {
        return Some(("it is the master itself", "即主案本身"));
    }
    if case.carried_by == Some(master.id) {
        return Some(("it is attached already", "已挂入本主案"));
    }
    if case.carried_by.is_some() {
        return Some(("it is attached to another master: detach it first", "已挂入其他主案，请先移出"));
    }
    if case.carries > 0 {
        return Some(("others are attached to it: detach them first", "本身为主案，请先移出其附案"));
    }
    if case.closed {
        return Some(("it is closed: reopen it first", "已办结，请先重新开启"));
    }
    None
}

/// The master carries these cases from now on. Each of them tells so, and owes nothing from then on; of the master it is told once.
pub fn attach(master: &mut Case, cases: &mut [Case], reason: &str, cause: Timestamp, stamp: Stamp<'_>) -> Vec<ToldOf> {
    let mut told = Vec::with_capacity(cases.len() + 1);
    for case in cases.iter_mut() {
        case.carried_by = Some(master.id);
        let words = Words::new(format!("Attached to the master case {OTHER}"), format!("挂入主案{OTHER}")).with_note(reason);
        told.push((case.id, about(case, "attached", master.id, words, cause, stamp)));
    }
    master.carries += i64::try_from(cases.len()).unwrap_or(i64::MAX);
    let (count, all) = (cases.len(), master.carries);
    let words = Words::new(format!("{count} attached to this master case, {all} in all"), format!("{count}件挂入本主案，共{all}件"));
    let other = if let [only] = cases { Some(only.id) } else { None };
    let happening = Happening { other, ..Happening::default() };
    told.push((master.id, master.tell_in_words(stamp, cause, "linked", words.with_note(reason), happening)));
    told
}

/// The case stands for itself again, and is open, whatever became of the incident meanwhile. `happened`: as [`while_for_itself`] has it.
pub fn detach(master: &mut Case, case: &mut Case, happened: Vec<String>, reason: &str, cause: Timestamp, stamp: Stamp<'_>) -> Vec<ToldOf> {
    case.carried_by = None;
    case.closed = false;
    case.outcome = None;
    let words = Words::new(format!("Detached from the master case {OTHER}"), format!("移出主案{OTHER}")).with_note(reason);
    let happening = Happening { other: Some(master.id), happened, ..Happening::default() };
    let own = case.tell_in_words(stamp, cause, "detached", words, happening);
    master.carries -= 1;
    let words = Words::new(format!("No longer attached to this master case: {OTHER}"), format!("{OTHER}移出本主案")).with_note(reason);
    vec![(case.id, own), (master.id, about(master, "unlinked", case.id, words, cause, stamp))]
}

/// An answer that was given on the master is given to all that it carries. `said`: what the master's timeline says of it.
pub fn answer(master: Uuid, carried: &mut [Case], said: &Words, cause: Timestamp, stamp: Stamp<'_>) -> Vec<ToldOf> {
    let answered = |case: &mut Case| {
        let words = Words::new(format!("With the master case {OTHER}: {}", said.text), format!("随主案{OTHER}：{}", said.text_zh));
        let words = Words { note: said.note.clone(), ..words };
        (case.id, about(case, "answered", master, words, cause, stamp))
    };
    carried.iter_mut().map(answered).collect()
}

/// The master was closed: so is what it carries and is open yet, each by itself.
pub fn close(master: &Case, carried: &mut [Case], cause: Timestamp, stamp: Stamp<'_>) -> Vec<ToldOf> {
    let is_alike = |case: &Case| (&case.pack, &case.kind) == (&master.pack, &master.kind);
    let closed = |case: &mut Case| {
        case.closed = true;
        case.outcome = master.outcome.clone().filter(|_| is_alike(case)).or_else(|| Some(CARRIED.to_owned()));
        case.people_deciding.clear();
        let words = Words::new(format!("Closed with the master case {OTHER}"), format!("随主案{OTHER}办结"));
        (case.id, about(case, "closed", master.id, words, cause, stamp))
    };
    carried.iter_mut().filter(|case| !case.closed).map(closed).collect()
}

fn about(case: &mut Case, happened: &str, other: Uuid, words: Words, cause: Timestamp, stamp: Stamp<'_>) -> Told {
    case.tell_in_words(stamp, cause, happened, words, Happening { other: Some(other), ..Happening::default() })
}

/// What happened to a case while it stood for itself: each event's last token once, in the order of when it last happened. `events`: all of
/// its own in order, by their names.
pub fn while_for_itself<'e>(events: impl Iterator<Item = &'e str>) -> Vec<String> {
    let mut is_carried = false;
    let mut happened: Vec<String> = Vec::new();
    for word in events.filter_map(|event| event.strip_prefix("case.")) {
        match word {
            "attached" => is_carried = true,
            "detached" => is_carried = false,
            _ if is_carried => {}
            _ => {
                happened.retain(|known| known != word);
                happened.push(word.to_owned());
            }
        }
    }
    happened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_while_another_stood_for_it_is_not_its_own() {
        let events = [
            "case.registered",
            "case.noted",
            "case.accepted",
            "case.noted",
            "case.attached",
            "case.answered",
            "case.closed",
            "case.detached",
            "case.investigated",
            "case.attached",
            "case.answered",
        ];
        assert_eq!(while_for_itself(events.into_iter()), ["registered", "accepted", "noted", "investigated"]);
    }
}
