//! Masters and what is attached to them, while a scenario is played. Who may, the services decide.

use super::play::{Stopped, place_of};
use super::world::World;
use crate::carrying;
use crate::case::{Case, Told, Words};
use duban_contracts::Problem;
use duban_contracts::subjects::event_name;
use uuid::Uuid;

/// What an event is called, and what was said of it.
pub(super) fn said(told: &Told) -> (String, Words) {
    (event_name(&told.event.subject).unwrap_or_default().to_owned(), told.words.clone())
}

pub(super) fn attach(world: &mut World<'_>, master: &str, cases: &[String]) -> Result<Result<(), Problem>, Stopped> {
    let master = place_of(world, master)?;
    let places = cases.iter().map(|case| place_of(world, case)).collect::<Result<Vec<usize>, _>>()?;
    let mut carrier = world.cases[master].case.clone();
    let mut attached: Vec<Case> = places.iter().map(|place| world.cases[*place].case.clone()).collect();
    if let Err(problem) = carrying::may_carry(&carrier) {
        return Ok(Err(problem));
    }
    if let Some((en, zh)) = attached.iter().find_map(|case| carrying::unfit(&carrier, case)) {
        return Ok(Err(Problem::refused("unfit", en, zh)));
    }
    let told = carrying::attach(&mut carrier, &mut attached, "", world.now(), &|cause| world.stamp(cause));
    world.cases[master].case = carrier;
    for (place, case) in places.into_iter().zip(attached) {
        world.cases[place].case = case;
    }
    tell_all(world, told);
    Ok(Ok(()))
}

pub(super) fn detach(world: &mut World<'_>, case: &str) -> Result<Result<(), Problem>, Stopped> {
    let place = place_of(world, case)?;
    let carrier = world.cases[place].case.carried_by.and_then(|id| place_by_id(world, id));
    let Some(carrier) = carrier else {
        return Ok(Err(Problem::refused("not-attached", "It is attached to no master", "本案未挂入主案")));
    };
    let own = world.lines.iter().filter(|line| line.about == case).map(|line| line.event.as_str());
    let happened = carrying::while_for_itself(own);
    let (mut master, mut detached) = (world.cases[carrier].case.clone(), world.cases[place].case.clone());
    let told = carrying::detach(&mut master, &mut detached, happened, "", world.now(), &|cause| world.stamp(cause));
    world.cases[carrier].case = master;
    world.cases[place].case = detached;
    tell_all(world, told);
    Ok(Ok(()))
}

/// An answer given on a master, and its close, go for all that it carries.
pub(super) fn pass_on(world: &mut World<'_>, master: usize, said: &[(String, Words)]) {
    let carrier = world.cases[master].case.clone();
    let places: Vec<usize> = (0..world.cases.len()).filter(|place| world.cases[*place].case.carried_by == Some(carrier.id)).collect();
    if places.is_empty() {
        return;
    }
    let mut carried: Vec<Case> = places.iter().map(|place| world.cases[*place].case.clone()).collect();
    let mut all = Vec::new();
    for (event, words) in said {
        let stamp = |cause| world.stamp(cause);
        match event.as_str() {
            "case.answered" => all.extend(carrying::answer(carrier.id, &mut carried, words, world.now(), &stamp)),
            "case.closed" => all.extend(carrying::close(&carrier, &mut carried, world.now(), &stamp)),
            _ => {}
        }
    }
    for (place, case) in places.into_iter().zip(carried) {
        world.cases[place].case = case;
    }
    tell_all(world, all);
}

fn tell_all(world: &mut World<'_>, told: Vec<carrying::ToldOf>) {
    for (case, told) in told {
        if let Some(place) = place_by_id(world, case) {
            world.tell(place, vec![told]);
        }
    }
}

fn place_by_id(world: &World<'_>, case: Uuid) -> Option<usize> {
    world.cases.iter().position(|standing| standing.case.id == case)
}
