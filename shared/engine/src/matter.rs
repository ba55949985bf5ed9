//! A matter: everything that one rule and one key have in common. Its opens and closes may be read late, twice or out of order; what comes
//! of them is the same in every order. Pure.
//!
//! An open starts a duty unless one stands already; then it is kept in that one's shadow, for a close that is read late may show that the
//! earlier one had ended before. A close ends what was opened before it and is remembered for opens still to be read, so a later
//! reopening is left alone. An open that comes of a kind or severity put right asks for nothing that was done.

use crate::duty::{Closing, Duty, Ended, State};
use duban_policy::ladder::Progress;

/// What was done to a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Opened,
    Closing(Closing),
    /// An earlier open, read later, shows that the duty stood already: this one falls away.
    Superseded,
    /// Opened while another stood: kept, and nobody is told.
    Shadowed,
}

/// Settles a matter: its duties as kept, followed by those that new opens make (from `fresh` on), and every close of it that is known.
/// Changes the duties and says which, by their place, in the order of their opening.
pub fn settle(duties: &mut [Duty], fresh: usize, closes: &[Ended]) -> Vec<(usize, Change)> {
    let order = in_order_of_opening(duties);
    let mut changes = Vec::new();
    let mut standing: Option<(usize, Option<Ended>)> = None;
    let mut was_done = false;
    let mut run = 0;
    for place in order {
        let duty = &duties[place];
        let end = first_end(duty, closes);
        let stands_already = standing.as_ref().is_some_and(|(_, end)| end.as_ref().is_none_or(|end| duty.opened.is_ended_by(&end.moment)));
        was_done |= standing.as_ref().is_some_and(|(_, end)| end.as_ref().is_some_and(|end| !end.cancelled));
        let duty = &mut duties[place];
        let is_fresh = place >= fresh;
        if stands_already || (duty.again && was_done) {
            changes.extend(shadow(duty, is_fresh).map(|change| (place, change)));
            continue;
        }
        run += 1;
        if is_fresh || duty.shadowed {
            emerge(duty, run);
            changes.push((place, Change::Opened));
        }
        if let Some(closing) = end.as_ref().and_then(|end| duty.end(end)) {
            changes.push((place, Change::Closing(closing)));
        }
        standing = Some((place, end));
    }
    changes
}

/// Places in the order of opening. Versions and times of events from outside may contradict each other, so this must not be a sort that
/// relies on a total order; a matter has few duties.
fn in_order_of_opening(duties: &[Duty]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(duties.len());
    for (place, duty) in duties.iter().enumerate() {
        let at = order.iter().rposition(|earlier| !duty.opened.is_before(&duties[*earlier].opened)).map_or(0, |before| before + 1);
        order.insert(at, place);
    }
    order
}

/// The first close after the duty's opening, that by hand included.
fn first_end(duty: &Duty, closes: &[Ended]) -> Option<Ended> {
    let ending = closes.iter().chain(&duty.ended).filter(|close| duty.opened.is_ended_by(&close.moment));
    ending.reduce(|first, close| if close.moment.is_before(&first.moment) { close } else { first }).cloned()
}

/// Puts a duty into the shadow of an earlier one.
fn shadow(duty: &mut Duty, is_fresh: bool) -> Option<Change> {
    if duty.shadowed && !is_fresh {
        return None;
    }
    let was_open = duty.state.is_open();
    if was_open && !is_fresh {
        duty.run += 1;
    }
    duty.shadowed = true;
    duty.state = State::Cancelled;
    duty.ended = None;
    duty.next_at = None;
    match (is_fresh, was_open) {
        (true, _) => Some(Change::Shadowed),
        (false, true) => Some(Change::Superseded),
        (false, false) => Some(Change::Shadowed),
    }
}

/// A duty that stands by itself, as at its opening.
fn emerge(duty: &mut Duty, run: i32) {
    if duty.shadowed {
        duty.shadowed = false;
        duty.state = State::Pending;
        duty.next_at = Some(duty.opened.at);
        // What was told of it before it fell away is not in the way of what is told now.
        duty.breached_at = None;
        duty.late = false;
        duty.progress = Progress::default();
    }
    duty.run = duty.run.max(run);
}

#[cfg(test)]
mod tests;
