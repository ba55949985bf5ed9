//! What people do with a duty besides doing it: pause (暂停计时) and resume, extend (延期), hand over (移交), urge (催办). Who may, and what it
//! makes of the duty. Pure.

use crate::climb::{Rung, Tell};
use crate::duty::Duty;
use crate::recipients;
use crate::retiming::{calendar_of, replan};
use crate::shifts::{Extension, Pause, Span, length};
use duban_contracts::duty::{DutyAct, DutyCorrected};
use duban_contracts::{Problem, Timestamp, both};
use duban_policy::Policy;
use duban_policy::directory::{Directory, Right};
use duban_policy::ladder::{Sort, Until, Who};
use jiff::SignedDuration;

/// Longest text, in characters.
const REASON: usize = 2_000;

/// Longest pause, and furthest extension: what is later needs another decision.
const FURTHEST: SignedDuration = SignedDuration::from_hours(24 * 366);

/// How long after an urging nobody may urge again.
const URGED_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// What was done, as it is kept with the duty.
#[derive(Debug, Clone, PartialEq)]
pub struct Acted {
    pub at: Timestamp,
    pub act: What,
    /// None: nobody, it came of itself.
    pub by: Option<String>,
    pub reason: String,
    pub until: Option<Timestamp>,
    /// Whom it was handed to, or who is waited for.
    pub person: Option<String>,
    pub due_before: Timestamp,
    pub due_after: Timestamp,
    /// By which its time was counted anew, where it was one.
    pub corrected: Option<DutyCorrected>,
}

impl Acted {
    /// Whether its climb begins anew with it, so that what was told of the time before is settled.
    pub fn begins_anew(&self) -> bool {
        match self.act {
            What::Resumed | What::Extended => true,
            // A correction that leaves the due time where it was leaves what was told of it too.
            What::Retimed => self.corrected.is_none() || self.due_before != self.due_after,
            What::Paused | What::HandedOver | What::Urged => false,
        }
    }

    /// Nobody did it.
    pub(crate) fn of_itself(act: What, at: Timestamp, due_before: Timestamp) -> Self {
        Self { at, act, by: None, reason: String::new(), until: None, person: None, due_before, due_after: due_before, corrected: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Paused,
    Resumed,
    Extended,
    HandedOver,
    Urged,
    /// Its time was counted anew.
    Retimed,
}

impl What {
    pub const ALL: [Self; 6] = [Self::Paused, Self::Resumed, Self::Extended, Self::HandedOver, Self::Urged, Self::Retimed];

    /// As in `duban.escalation.v1.duty.<this>`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Extended => "extended",
            Self::HandedOver => "handed_over",
            Self::Urged => "urged",
            Self::Retimed => "retimed",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.as_str() == name)
    }

    pub fn event(self) -> &'static str {
        match self {
            Self::Paused => "duty.paused",
            Self::Resumed => "duty.resumed",
            Self::Extended => "duty.extended",
            Self::HandedOver => "duty.handed_over",
            Self::Urged => "duty.urged",
            Self::Retimed => "duty.retimed",
        }
    }
}

/// What is asked of a duty, by whom and by what.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub person: &'a str,
    pub at: Timestamp,
    pub policy: &'a Policy,
    /// The whole one.
    pub directory: &'a Directory,
}

/// What a person is to a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub owes: bool,
    /// Decides over its unit, and does not owe it: nobody grants time to himself.
    pub decides: bool,
}

impl Standing {
    pub fn of(duty: &Duty, asked: &Asked<'_>) -> Self {
        let owes = recipients::owes(asked.directory, duty, asked.person, asked.at) || duty.handed_to() == Some(asked.person);
        let open = recipients::open_to(asked.directory, &duty.facts);
        let is_out = duty.facts.excluded_people.iter().any(|out| out == asked.person);
        let decides = !owes && !is_out && open.may(asked.person, Right::Decide, &duty.facts.unit, asked.at).is_some();
        Self { owes: owes && !is_out, decides }
    }
}

/// What a person may do with a duty now, to offer it.
pub fn offered(duty: &Duty, asked: &Asked<'_>) -> Vec<What> {
    let standing = Standing::of(duty, asked);
    if !duty.state.is_open() || !(standing.owes || standing.decides) {
        return Vec::new();
    }
    let pauses = standing.decides || allowance(duty, asked.policy).is_some();
    let is_paused = duty.shifts.paused.is_some();
    let is_overdue = duty.breached_at.is_some() || asked.at > duty.due_at;
    let may = |what: &What| match what {
        What::Paused => pauses && !is_paused && !is_overdue && asked.policy.may_be_paused(&duty.pack, &duty.rule, &duty.facts.unit),
        What::Resumed => is_paused,
        What::Extended => standing.decides && !is_paused && asked.policy.may_be_extended(&duty.pack, &duty.rule),
        What::Urged => standing.decides && !is_paused,
        What::HandedOver => true,
        What::Retimed => false,
    };
    What::ALL.into_iter().filter(may).collect()
}

/// Does it. Gives what is kept of it, and for an urging the rung to raise.
///
/// # Errors
/// Why it may not be, by field; then nothing has changed.
pub fn take(duty: &mut Duty, act: &DutyAct, asked: &Asked<'_>) -> Result<(Acted, Option<Rung>), Problem> {
    if !duty.state.is_open() {
        return Err(Problem::refused("ended", "The duty has ended", "该责任事项已了结"));
    }
    let standing = Standing::of(duty, asked);
    if !(standing.owes || standing.decides) {
        return Err(Problem::forbidden(both(
            "仅限责任人和对该单位有审批权限的人员",
            "only who owes the duty and who decides over its unit may do this",
        )));
    }
    let due_before = duty.due_at;
    let mut acted =
        Acted { by: Some(asked.person.to_owned()), reason: reason_of(act)?, ..Acted::of_itself(What::Retimed, asked.at, due_before) };
    let mut rung = None;
    match act {
        DutyAct::Pause { until, waits_for, .. } => {
            let waits_for = waits_for.as_deref().map(str::trim).filter(|named| !named.is_empty());
            pause(duty, *until, waits_for, standing, asked)?;
            (acted.act, acted.until, acted.person) = (What::Paused, Some(*until), waits_for.map(str::to_owned));
        }
        DutyAct::Resume { .. } => {
            if duty.shifts.paused.is_none() {
                return Err(Problem::refused("not-paused", "The duty is not paused", "该责任事项未暂停"));
            }
            let at = duty.shifts.paused.as_ref().map_or(asked.at, |pause| pause.until.min(asked.at));
            resume(duty, at, asked.policy);
            acted.act = What::Resumed;
        }
        DutyAct::Extend { until, .. } => {
            extend(duty, *until, standing, asked)?;
            (acted.act, acted.until) = (What::Extended, Some(*until));
        }
        DutyAct::HandOver { to, .. } => {
            hand_over(duty, to, asked)?;
            (acted.act, acted.person) = (What::HandedOver, Some(to.clone()));
        }
        DutyAct::Urge { .. } => {
            rung = Some(urge(duty, standing, asked)?);
            acted.act = What::Urged;
        }
    }
    acted.due_after = duty.due_at;
    Ok((acted, rung))
}

/// Ends a pause whose time is over. None: it is not paused, or not over yet.
pub fn resume_by_itself(duty: &mut Duty, now: Timestamp, policy: &Policy) -> Option<Acted> {
    if !duty.state.is_open() {
        return None;
    }
    let until = duty.shifts.paused.as_ref().map(|pause| pause.until).filter(|until| *until <= now)?;
    let due_before = duty.due_at;
    resume(duty, until, policy);
    Some(Acted { due_after: duty.due_at, ..Acted::of_itself(What::Resumed, until, due_before) })
}

fn reason_of(act: &DutyAct) -> Result<String, Problem> {
    let (field, text, is_needed) = match act {
        DutyAct::Pause { reason, .. } | DutyAct::Extend { reason, .. } | DutyAct::HandOver { reason, .. } => ("/reason", reason, true),
        DutyAct::Resume { note } | DutyAct::Urge { note } => ("/note", note, false),
    };
    let text = text.trim();
    if is_needed && text.is_empty() {
        return Err(Problem::invalid_field(
            field,
            both("未填写", "it is empty"),
            both("用一句话说明理由，不含个人信息", "why, in a sentence, without personal text"),
        ));
    }
    if text.chars().count() > REASON {
        return Err(Problem::invalid_field(field, both("过长", "it is too long"), both("不超过2000字", "at most 2,000 characters")));
    }
    Ok(text.to_owned())
}

fn pause(duty: &mut Duty, until: Timestamp, waits_for: Option<&str>, standing: Standing, asked: &Asked<'_>) -> Result<(), Problem> {
    if duty.shifts.paused.is_some() {
        return Err(Problem::refused("already-paused", "The duty is paused already", "该责任事项已在暂停中"));
    }
    if duty.breached_at.is_some() || asked.at > duty.due_at {
        return Err(Problem::refused("overdue", "It is overdue: there is no time left to stop", "已逾期，不能再暂停计时"));
    }
    if !asked.policy.may_be_paused(&duty.pack, &duty.rule, &duty.facts.unit) {
        return Err(Problem::refused("never-paused", "Its rule lets nobody stop the clock", "制度规定该时限不得暂停"));
    }
    not_too_far(until, asked.at, "/until")?;
    let calendar = calendar_of(asked.policy, duty);
    if !standing.decides {
        let allowed = allowance(duty, asked.policy).ok_or_else(|| {
            Problem::forbidden(both(
                "按规定责任人不能暂停计时，须由对该单位有审批权限的人员暂停",
                "the rule does not let who owes the duty stop its clock: who decides over the unit may",
            ))
        })?;
        let basis = allowed.basis();
        let most = length(Span { from: asked.at, until: calendar.add(asked.at, allowed).at }, basis, calendar);
        let used = duty.shifts.paused_time(asked.at, basis, calendar);
        if used.saturating_add(length(Span { from: asked.at, until }, basis, calendar)) > most {
            let expected = both(
                format!("合计不超过{}，或由对该单位有审批权限的人员决定", allowed.zh()),
                format!("at most {} in all, or a decision of who decides over the unit", allowed.en()),
            );
            return Err(Problem::invalid_field("/until", both("暂停时间超过规定", "the pause is longer than the rule allows"), expected));
        }
    }
    if let Some(named) = waits_for {
        // Who is reminded of it sees it: nobody may be let in who is kept out.
        let open = recipients::open_to(asked.directory, &duty.facts);
        let may_know = |person: &str| {
            let is_there = asked.directory.person(person).is_some_and(|person| !person.disabled);
            let is_kept_out = duty.facts.excluded_people.iter().any(|out| out == person)
                || !duty.facts.excluded_units.is_empty() && open.may(person, Right::See, &duty.facts.unit, asked.at).is_none();
            is_there && !is_kept_out
        };
        let known = may_know(named) || open.post(named).is_some();
        if !known {
            return Err(Problem::invalid_field(
                "/waits_for",
                both("没有此人员或岗位，或其不得知悉此事", "nobody is called so"),
                both("请填写人员或岗位的代码，或留空", "the id of a person or a post, or nothing"),
            ));
        }
    }
    duty.shifts.paused = Some(Pause { since: asked.at, until, waits_for: waits_for.map(str::to_owned), reminded: 0 });
    duty.next_at = crate::climb::timer(duty, asked.at, calendar);
    Ok(())
}

/// How long the rule lets who owes the duty stop its clock in all.
fn allowance(duty: &Duty, policy: &Policy) -> Option<duban_policy::calendar::Duration> {
    policy.pause_allowed(&duty.pack, &duty.rule, &duty.facts.unit)
}

fn resume(duty: &mut Duty, at: Timestamp, policy: &Policy) {
    let Some(pause) = duty.shifts.paused.take() else { return };
    duty.shifts.pauses.push(Span { from: pause.since, until: at.max(pause.since) });
    replan(duty, at, policy);
}

fn extend(duty: &mut Duty, until: Timestamp, standing: Standing, asked: &Asked<'_>) -> Result<(), Problem> {
    if !standing.decides {
        return Err(Problem::forbidden(both(
            "延期须由对该单位有审批权限的人员准予，责任人不能自行延期",
            "more time is granted by who decides over the unit, not by who owes the duty",
        )));
    }
    if duty.shifts.paused.is_some() {
        return Err(Problem::refused("paused", "The duty is paused: resume it first", "该责任事项已暂停，请先恢复"));
    }
    not_too_far(until, asked.at, "/until")?;
    if !asked.policy.may_be_extended(&duty.pack, &duty.rule) {
        return Err(Problem::refused("never-extended", "Its rule lets nobody grant more time", "制度规定该时限不得延长"));
    }
    if duty.breached_at.is_none() && asked.at > duty.due_at {
        return Err(Problem::refused("not-told-yet", "It has just become overdue; ask again in a moment", "该事项刚刚逾期，请稍后再试"));
    }
    if until <= duty.due_at {
        return Err(Problem::invalid_field(
            "/until",
            both("不晚于现截止时间", "it is not later than the present due time"),
            both("应为更晚的时间", "a later time"),
        ));
    }
    duty.shifts.extended = Some(Extension { at: asked.at, to: until });
    // The breach was told, and stays on record with the extension; the clock begins anew.
    duty.breached_at = None;
    duty.late = false;
    replan(duty, asked.at, asked.policy);
    Ok(())
}

fn not_too_far(until: Timestamp, now: Timestamp, field: &str) -> Result<(), Problem> {
    if until <= now {
        return Err(Problem::invalid_field(field, both("时间已过", "it has passed"), both("应为将来的时间", "a time to come")));
    }
    if until.duration_since(now) > FURTHEST {
        return Err(Problem::invalid_field(field, both("时间过远", "it is too far away"), both("应在一年以内", "within a year")));
    }
    Ok(())
}

/// The person owes it from now on, before the posts that owed it; where they are told as who owes it, he is told too.
fn hand_over(duty: &mut Duty, to: &str, asked: &Asked<'_>) -> Result<(), Problem> {
    let person = asked.directory.person(to).filter(|person| !person.disabled);
    let open = recipients::open_to(asked.directory, &duty.facts);
    let may_see = person.is_some_and(|person| {
        !duty.facts.excluded_people.contains(&person.id) && open.may(&person.id, Right::See, &duty.facts.unit, asked.at).is_some()
    });
    if !may_see {
        return Err(Problem::invalid_field(
            "/to",
            both("没有可查看该单位事项的此人员", "nobody of this id sees the unit"),
            both("请选择有权查看该单位事项的人员", "the id of a person who has the right to see its matters"),
        ));
    }
    let to = Who::Person(to.to_owned());
    let before = duty.terms.owed.first().cloned();
    // Who hands it on is out of it; a post that owed it stays behind the person.
    let former = before.clone().filter(|_| duty.is_handed_over);
    duty.terms.owed.retain(|who| *who != to && Some(who) != former.as_ref());
    duty.terms.owed.insert(0, to.clone());
    duty.is_handed_over = true;
    for rung in &mut duty.terms.plan.rungs {
        if before.as_ref().is_some_and(|before| rung.tell.contains(before)) && !rung.tell.contains(&to) {
            rung.tell.insert(0, to.clone());
        }
        rung.tell.retain(|who| Some(who) != former.as_ref());
    }
    Ok(())
}

fn urge(duty: &mut Duty, standing: Standing, asked: &Asked<'_>) -> Result<Rung, Problem> {
    if !standing.decides {
        return Err(Problem::forbidden(both(
            "催办由对该单位有审批权限的人员进行，责任人不能催办",
            "who decides over the unit urges, not who owes the duty",
        )));
    }
    if duty.shifts.paused.is_some() {
        return Err(Problem::refused("paused", "The duty is paused", "该责任事项已暂停"));
    }
    if duty.shifts.urged_at.is_some_and(|at| asked.at.duration_since(at) < URGED_AGAIN) {
        return Err(Problem::refused("already-urged", "It was urged less than an hour ago", "一小时内已催办过"));
    }
    let repetition = duty.shifts.urged;
    duty.shifts.urged += 1;
    duty.shifts.urged_at = Some(asked.at);
    let at = asked.at;
    Ok(Rung { rung: 0, repetition, sort: Sort::Urge, tell: Tell::Debtor, until: Until::Any, urgent: true, at, late: false })
}

#[cfg(test)]
pub(crate) mod tests;
