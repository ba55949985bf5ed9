//! Playing a scenario: what happens in it, and between that what falls due.

use super::carried;
use super::scenario::{Act, Reported, Scenario};
use super::timeline::{Expected, Line};
use super::world::{Standing, World};
use crate::case::{Case, Words};
use crate::judging::{self, Ground};
use crate::playing::POLICY;
use crate::registering;
use crate::rehearsing::Past;
use crate::stepping::{self, Asked};
use crate::supplementing::{self, Rule};
use duban_contracts::report::AcceptedReport;
use duban_contracts::{Problem, Timestamp, ids};
use duban_policy::Policy;
use duban_policy::directory::{Delegator, Directory};
use duban_policy::policy::{DutyRule, Pack};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Why a scenario could not be played to its end: it names what is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped(pub String);

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stopped {}

/// Secret of the keys by which reports are recognised: here nobody is hidden by it.
const SECRET: [u8; 32] = [0; 32];

/// Asked whether to go on.
type GoesOn<'a> = &'a mut dyn FnMut(&[Line]) -> bool;

/// Plays a scenario. `directory`: with its people, of the same organisation as the policy.
///
/// # Errors
/// The scenario names a pack, unit, person, case or recurring rule that is not there.
pub fn play(policy: &Policy, directory: &Directory, scenario: &Scenario) -> Result<Vec<Line>, Stopped> {
    play_while(policy, directory, scenario, &mut |_| true).map(|(lines, _)| lines)
}

/// As [`play`], with what happened that duties came of.
///
/// # Errors
/// As [`play`].
pub fn play_with_past(policy: &Policy, directory: &Directory, scenario: &Scenario) -> Result<(Vec<Line>, Vec<Past>), Stopped> {
    play_while(policy, directory, scenario, &mut |_| true)
}

/// Whether a scenario gives this timeline, line for line. It is played no further than to what differs.
///
/// # Errors
/// As [`play`].
pub fn gives(policy: &Policy, directory: &Directory, scenario: &Scenario, expected: &str) -> Result<bool, Stopped> {
    let mut expected = Expected::read(expected);
    play_while(policy, directory, scenario, &mut |lines| expected.agrees(lines, policy.zone()))?;
    Ok(expected.is_whole())
}

/// Plays as long as it is wanted, which is asked with the lines that have come so far.
fn play_while(policy: &Policy, directory: &Directory, scenario: &Scenario, goes_on: GoesOn<'_>) -> Result<(Vec<Line>, Vec<Past>), Stopped> {
    checked(policy, directory, scenario)?;
    let directory = scenario.organisation(directory);
    let on_trial = (!scenario.trials.is_empty()).then(|| policy.clone().with_trials(scenario.trials.iter().cloned()));
    let policy = on_trial.as_ref().unwrap_or(policy);
    let mut world = World::new(policy, &directory, scenario.start);
    for happens in &scenario.events {
        pass(&mut world, scenario, happens.at, goes_on);
        if !goes_on(&world.lines) {
            break;
        }
        let outcome = match &happens.act {
            Act::Report(reported) => report(&mut world, scenario, reported)?,
            Act::Step { case, step, by, fields } => step_with(&mut world, case, step, by, fields)?,
            Act::Attach { master, cases, .. } => carried::attach(&mut world, master, cases)?,
            Act::Detach { case, .. } => carried::detach(&mut world, case)?,
            Act::Acknowledge { case, rule, by } => world.acknowledge(rule, case.as_deref(), by),
            Act::Close { case, rule, by } => world.close(rule, case.as_deref(), by),
            Act::Do { case, rule, by, act } => world.act(rule, case.as_deref(), by, act),
            Act::Tell { event, with } => {
                world.told_of_no_case(event, with, &scenario.unit);
                Ok(())
            }
            Act::Pass => Ok(()),
        };
        if let Err(problem) = outcome {
            let (about, what, by) = named(&happens.act);
            let says = format!("{} · by {by}", problem.code);
            world.lines.push(Line { at: happens.at, event: "refused".to_owned(), about, what, says });
        }
        world.settle_all();
        // What falls due at the very instant.
        pass(&mut world, scenario, happens.at, goes_on);
    }
    goes_on(&world.lines);
    Ok((world.lines, world.past))
}

fn checked(policy: &Policy, directory: &Directory, scenario: &Scenario) -> Result<(), Stopped> {
    let pack = policy.pack(&scenario.pack).ok_or_else(|| Stopped(format!("there is no pack '{}'", scenario.pack)))?;
    let unit = |code: &str| directory.unit(code).map(|_| ()).ok_or_else(|| Stopped(format!("there is no unit '{code}'")));
    unit(&scenario.unit)?;
    for rule in &scenario.recurring {
        if !pack.recurring.iter().any(|recurring| recurring.rule.id == *rule) {
            return Err(Stopped(format!("pack '{}' has no recurring rule '{rule}'", scenario.pack)));
        }
    }
    let delegators = scenario.delegated.iter().filter_map(|delegation| match &delegation.of {
        Delegator::Person(person) => Some(person),
        Delegator::Post(_) => None,
    });
    let away = scenario.absent.iter().map(|(person, _)| person).chain(scenario.delegated.iter().map(|delegation| &delegation.to));
    if let Some(unknown) = away.chain(delegators).find(|person| directory.person(person).is_none()) {
        return Err(Stopped(format!("there is no person '{unknown}'")));
    }
    let mut names: Vec<&str> = Vec::new();
    for happens in &scenario.events {
        if let Act::Report(reported) = &happens.act {
            if names.contains(&reported.name.as_str()) {
                return Err(Stopped(format!("two reports are called '{}'", reported.name)));
            }
            names.push(&reported.name);
        }
        let (_, what, by) = named(&happens.act);
        if !by.is_empty() && directory.person(&by).is_none() {
            return Err(Stopped(format!("there is no person '{by}' ({what})")));
        }
        if let Act::Report(reported) = &happens.act {
            reported.unit.as_deref().map_or(Ok(()), unit)?;
        }
        match &happens.act {
            Act::Step { step, .. } => known_step(policy, pack, step)?,
            Act::Acknowledge { rule, .. } | Act::Close { rule, .. } | Act::Do { rule, .. } => known_duty(policy, pack, rule)?,
            _ => {}
        }
    }
    Ok(())
}

/// A step that no kind has is a slip of the pen, and no refusal to be believed in.
fn known_step(policy: &Policy, pack: &Pack, name: &str) -> Result<(), Stopped> {
    let mut steps = policy.packs().flat_map(|pack| &pack.kinds).flat_map(|kind| &kind.steps);
    if steps.any(|step| step.id == name || step.title.says(name)) {
        return Ok(());
    }
    let own: BTreeSet<&str> = pack.kinds.iter().flat_map(|kind| &kind.steps).map(|step| step.id.as_str()).collect();
    let own = own.into_iter().collect::<Vec<_>>().join(", ");
    Err(Stopped(format!("no kind has a step '{name}'; those of pack '{}' have: {own}", pack.id)))
}

/// Nor is a duty that no pack has.
fn known_duty(policy: &Policy, pack: &Pack, name: &str) -> Result<(), Stopped> {
    if policy.packs().flat_map(Pack::duty_rules).any(|rule| rule.id == name) {
        return Ok(());
    }
    let own = pack.duty_rules().map(|rule| rule.id.as_str()).collect::<Vec<_>>().join(", ");
    Err(Stopped(format!("no pack has a duty '{name}'; pack '{}' has: {own}", pack.id)))
}

/// A step that another kind has is none of this case's, and no refusal either.
fn step_of_kind(policy: &Policy, case: &Case, name: &str) -> Result<(), Stopped> {
    let Some(kind) = policy.kind(&case.pack, &case.kind) else { return Ok(()) };
    if kind.steps.iter().any(|step| step.id == name || step.title.says(name)) {
        return Ok(());
    }
    let own = kind.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>().join(", ");
    Err(Stopped(format!("'{}' of pack '{}' has no step '{name}'; it has: {own}", kind.id, kind.pack)))
}

/// What an act is about, in the words of the timeline: case, rule or step, person.
fn named(act: &Act) -> (String, String, String) {
    match act {
        Act::Report(reported) => (reported.name.clone(), "report".to_owned(), String::new()),
        Act::Step { case, step, by, .. } => (case.clone(), step.clone(), by.clone()),
        Act::Attach { master, by, .. } => (master.clone(), "attach".to_owned(), by.clone()),
        Act::Detach { case, by } => (case.clone(), "detach".to_owned(), by.clone()),
        Act::Acknowledge { case, rule, by } | Act::Close { case, rule, by } | Act::Do { case, rule, by, .. } => {
            (case.clone().unwrap_or_default(), rule.clone(), by.clone())
        }
        Act::Tell { .. } | Act::Pass => Default::default(),
    }
}

/// Lets time pass: duties come round and fall due, each at its time. What falls due within the second in which something is done comes before it: a
/// repetition hangs on an alert that was raised a few microseconds after its second had begun.
fn pass(world: &mut World<'_>, scenario: &Scenario, until: Timestamp, goes_on: GoesOn<'_>) {
    let is_played = |pack: &Pack, rule: &DutyRule| pack.id == scenario.pack && scenario.recurring.contains(&rule.id);
    let mut rounds = world.policy.recurring_of(world.now(), until, is_played);
    rounds.retain(|round| world.directory.is_within(&round.duty.unit, &scenario.unit));
    rounds.reverse();
    while goes_on(&world.lines) {
        let timer = world.next_timer().filter(|at| at.as_second() <= until.as_second());
        let round = rounds.last().map(|round| round.at);
        match (timer, round) {
            (timer, Some(round)) if timer.is_none_or(|timer| round <= timer) => {
                world.pass_to(round);
                if let Some(round) = rounds.pop() {
                    world.come_round(round);
                }
            }
            (Some(timer), _) => {
                world.pass_to(timer);
                world.tick();
            }
            (None, _) => break,
        }
    }
    world.pass_to(until);
}

fn report(world: &mut World<'_>, scenario: &Scenario, reported: &Reported) -> Result<Result<(), Problem>, Stopped> {
    let accepted = accepted(world.now(), scenario, reported);
    let Some(follows) = &reported.follows else {
        register(world, &reported.name, &accepted);
        return Ok(Ok(()));
    };
    let target = place_of(world, follows)?;
    supplement(world, target, &reported.name, &accepted);
    Ok(Ok(()))
}

fn accepted(now: Timestamp, scenario: &Scenario, reported: &Reported) -> AcceptedReport {
    let report = reported.report(&scenario.unit);
    AcceptedReport {
        receipt: ids::derived("scenario", &[&reported.name]),
        producer: "scenario".to_owned(),
        idempotency_key: reported.name.clone(),
        body_hash: String::new(),
        received_at: now,
        unit: report.unit.clone().unwrap_or_default(),
        follows: None,
        follows_code: None,
        report,
    }
}

/// Registers a report as a case, as intake does.
fn register(world: &mut World<'_>, name: &str, accepted: &AcceptedReport) {
    let ground = Ground { policy: world.policy, policy_version: POLICY, directory: world.directory, contacts: &world.contacts };
    let mut judged = judging::judge(&ground, accepted, &[], None);
    let keys = judging::matter_keys(&SECRET, &judged, accepted);
    let kind = judged.judgement.kind;
    let since = world.policy.repeats_since(kind, &judged.judgement.unit, accepted.received_at);
    let mut earlier: Vec<(Timestamp, usize)> = keys.iter().filter_map(|key| world.known.get(key)).flatten().copied().collect();
    earlier.retain(|(received_at, _)| *received_at >= since);
    earlier.sort_unstable();
    earlier.dedup();
    if !earlier.is_empty() {
        let times: Vec<Timestamp> = earlier.iter().map(|(at, _)| *at).collect();
        judged = judging::judge(&ground, accepted, &times, None);
    }
    let kind = judged.judgement.kind;
    let id = ids::derived("case", &[name]);
    let mut case = judging::draft(&ground, &judged, accepted, id, world.now());
    case.repeats_those_of(earlier.iter().map(|(at, _)| *at).collect());
    case.number_scope = kind.number.prefix(&case.unit, case.received_at, &world.policy.calendar_of(&case.unit).zone);
    let sequence = world.sequences.entry(case.number_scope.clone()).or_insert(0);
    *sequence += 1;
    case.number = kind.number.number(&case.number_scope, *sequence);
    let repeated = earlier.iter().rev().map(|(_, place)| &world.cases[*place].case).find(|case| !case.closed).map(|case| case.id);
    let told = registering::tell(world.policy, &mut case, repeated, accepted.received_at, &|cause| world.stamp(cause));
    let place = world.cases.len();
    let personal = judged.personal.clone();
    for key in keys {
        world.known.entry(key).or_default().push((case.received_at, place));
    }
    world.cases.push(Standing { name: name.to_owned(), case, personal });
    world.tell(place, told);
}

fn supplement(world: &mut World<'_>, target: usize, name: &str, accepted: &AcceptedReport) {
    let mut case = world.cases[target].case.clone();
    let Some(kind) = world.policy.kind(&case.pack, &case.kind) else { return };
    let rule = supplementing::rule_for(&case, kind);
    if matches!(rule, Rule::NewCase) {
        let own = world.cases.len();
        register(world, name, accepted);
        for (one, other) in [(own, target), (target, own)] {
            let (mut case, other) = (world.cases[one].case.clone(), world.cases[other].case.id);
            let told = registering::belongs_with(&mut case, other, world.now(), &|cause| world.stamp(cause));
            world.cases[one].case = case;
            world.tell(one, vec![told]);
        }
        return;
    }
    let ground = Ground { policy: world.policy, policy_version: POLICY, directory: world.directory, contacts: &world.contacts };
    let named = judging::named_in(&ground, kind, &case.unit, accepted);
    case.doubt(named.doubts);
    case.keep_out(&named.people, &named.units);
    let stamp = |cause| world.stamp(cause);
    let mut told = vec![supplementing::supplement(&mut case, accepted.receipt, Some(&accepted.report), world.now(), &stamp)];
    if let Rule::Reopen { step, event } = &rule {
        told.extend(supplementing::reopen(&mut case, kind, accepted.receipt, (&**step, event), world.now(), &stamp));
    }
    world.cases[target].case = case;
    world.tell(target, told);
}

fn step_with(world: &mut World<'_>, case: &str, step: &str, by: &str, fields: &Map<String, Value>) -> Result<Result<(), Problem>, Stopped> {
    let place = place_of(world, case)?;
    let Standing { case, personal, .. } = &world.cases[place];
    step_of_kind(world.policy, case, step)?;
    let (mut case, personal) = (case.clone(), personal.clone());
    let ground = Ground { policy: world.policy, policy_version: POLICY, directory: world.directory, contacts: &world.contacts };
    let asked = Asked { person: by, at: world.now(), step, fields, note: None };
    let stepped = match stepping::make(ground, &mut case, personal, asked, &|cause| world.stamp(cause)) {
        Ok(stepped) => stepped,
        Err(problem) => return Ok(Err(problem)),
    };
    let standing = &mut world.cases[place];
    standing.case = case;
    if let Some(personal) = stepped.personal {
        standing.personal = personal;
    }
    let said: Vec<(String, Words)> = stepped.told.iter().map(carried::said).collect();
    world.tell(place, stepped.told);
    carried::pass_on(world, place, &said);
    Ok(Ok(()))
}

pub(super) fn place_of(world: &World<'_>, name: &str) -> Result<usize, Stopped> {
    let found = world.cases.iter().position(|standing| standing.name == name);
    found.ok_or_else(|| Stopped(format!("no report above is called '{name}', or it became a supplement")))
}
