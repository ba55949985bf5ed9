//! `case.act`: everything that a person does to a case. One file per act.
//!
//! Each act is a decision without I/O on what was locked for it ([`Doing`]); this file locks, checks that the asker sees the case and knows
//! its present version, and writes what came of it, with its events, in one transaction.

mod answer;
mod assign;
mod attach;
mod carry;
mod correct;
mod detach;
pub mod doing;
mod merge;
mod note;
mod people;
mod recognise;
mod refer;
pub mod step;
mod unlink;

use crate::app::App;
use crate::store::{carried, cases, list};
use crate::visibility::Sight;
pub use doing::required_text;
use doing::{Concerned, Doing, HandlingIsEnough};
use duban_contracts::Problem;
use duban_contracts::case::{CaseAct, CaseActRequest, CaseActed};
use duban_platform::acting::{self, Begun};
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::Right;
use sqlx::PgConnection;
use uuid::Uuid;

pub async fn act(app: App, request: Request<CaseActRequest>) -> Result<CaseActed, Failed> {
    let mut act = match acting::begin(&app.platform, &request).await? {
        Begun::Known(answer) => return Ok(answer),
        Begun::New(act) => act,
    };
    let person = act.person().to_owned();
    let asked = &request.body;
    let named = match &asked.act {
        CaseAct::Attach { cases, numbers, .. } => attach::named(act.tx(), cases, numbers).await?,
        _ => Vec::new(),
    };
    let others = others(act.tx(), asked, &named).await?;
    let mut doing = begin(&app, act.tx(), &person, asked.case, others).await?;
    if let Some((rights, handling)) = needed(&asked.act) {
        doing.require(rights, handling)?;
    }
    request.expect_version(doing.case.version, || doing.case.acted())?;
    match &asked.act {
        CaseAct::Step { name, fields, note } => {
            step::perform(&mut doing, name, fields, note.as_deref())?;
            carry::pass_on(&mut doing)?;
        }
        CaseAct::Assign { person } => assign::perform(&mut doing, person)?,
        CaseAct::Note { text } => note::perform(&mut doing, text)?,
        CaseAct::Answer { text, by } => {
            answer::perform(&mut doing, text, by)?;
            carry::pass_on(&mut doing)?;
        }
        CaseAct::Refer { attachment } => refer::perform(&mut doing, attachment)?,
        CaseAct::Correct { kind, unit, severity, about_person, reason } => {
            let correction = correct::Correction { kind, unit, severity, about_person, reason };
            correct::perform(&app, act.tx(), &mut doing, &correction).await?;
        }
        CaseAct::Unlink { reason, .. } => unlink::perform(act.tx(), &mut doing, reason).await?,
        CaseAct::Merge { into, reason } => merge::perform(&mut doing, *into, reason)?,
        CaseAct::Attach { reason, .. } => attach::perform(&mut doing, &named, reason)?,
        CaseAct::Detach { reason } => detach::perform(act.tx(), &mut doing, reason).await?,
        CaseAct::AddPerson { person, reason } => people::add(&mut doing, person, reason)?,
        CaseAct::RemovePerson { person, reason } => people::remove(&mut doing, person, reason)?,
    }
    let acted = doing.case.acted();
    doing.write(act.tx()).await?;
    act.finish(acted).await
}

/// Who may do what: one of the rights over the case's unit (of two cases, over both their units); or, where that is enough, handling the case. What a step needs besides, the
/// pack says. None: the act itself looks at it.
fn needed(act: &CaseAct) -> Option<(&'static [Right], HandlingIsEnough)> {
    use HandlingIsEnough::{No, Yes};
    Some(match act {
        CaseAct::Step { .. } | CaseAct::Answer { .. } => (&[Right::Move], Yes),
        CaseAct::Note { .. } => (&[Right::Move, Right::Take, Right::Decide], Yes),
        CaseAct::Assign { .. } | CaseAct::Refer { .. } | CaseAct::Unlink { .. } | CaseAct::Merge { .. } | CaseAct::Attach { .. } => {
            (&[Right::Move, Right::Take], Yes)
        }
        // Over one of the two: looked at where both are at hand.
        CaseAct::Detach { .. } => return None,
        CaseAct::AddPerson { .. } | CaseAct::RemovePerson { .. } => (&[Right::Move, Right::Administer], Yes),
        // What a case is decides whose clocks run: not for those on whom they run.
        CaseAct::Correct { .. } => (&[Right::Take, Right::Administer], No),
    })
}

/// The cases that an act concerns besides its own.
enum Others {
    None,
    /// The asker must see it too.
    Seen(Uuid),
    /// The master of the case, whether or not the asker sees it.
    Master(Uuid),
    /// Those that are to be attached, as far as the asker sees them.
    ToAttach(Vec<Uuid>),
    /// What is attached to the case goes with it, whoever sees it.
    Carried(Vec<Uuid>),
}

async fn others(tx: &mut PgConnection, asked: &CaseActRequest, named: &[(String, Uuid)]) -> Result<Others, sqlx::Error> {
    Ok(match &asked.act {
        CaseAct::Unlink { other, .. } => Others::Seen(*other),
        CaseAct::Merge { into, .. } if *into == asked.case => Others::None,
        CaseAct::Merge { into, .. } => Others::Seen(*into),
        CaseAct::Attach { .. } => Others::ToAttach(named.iter().map(|(_, id)| *id).filter(|id| *id != asked.case).collect()),
        CaseAct::Detach { .. } => carried::master_of(tx, asked.case).await?.map_or(Others::None, Others::Master),
        CaseAct::Step { .. } | CaseAct::Answer { .. } => Others::Carried(carried::of_master(tx, asked.case).await?),
        _ => Others::None,
    })
}

/// Locks the case and the others in one statement, and checks that the asker sees what he must see: who does not see a case is not told that it
/// is there.
async fn begin(app: &App, tx: &mut PgConnection, person: &str, id: Uuid, others: Others) -> Result<Doing, Failed> {
    let directory = app.directory()?;
    let at = app.platform.clock.now();
    let named = list::by_name(&mut *tx, person).await?;
    let sight = Sight::of(&directory, person, at, named);
    let mut wanted = vec![id];
    match &others {
        Others::None => {}
        Others::Seen(other) | Others::Master(other) => wanted.push(*other),
        Others::ToAttach(more) | Others::Carried(more) => wanted.extend(more),
    }
    let mut locked = cases::lock(tx, &wanted).await?;
    let mut take = |id: Uuid| locked.iter().position(|case| case.id == id).map(|at| locked.swap_remove(at));
    let case = take(id).filter(|case| sight.sees(case)).ok_or_else(Problem::not_found)?;
    let other = match &others {
        Others::Seen(other) => Some(take(*other).filter(|case| sight.sees(case)).ok_or_else(Problem::not_found)?),
        // It may have been detached while this act waited for it.
        Others::Master(other) => take(*other).filter(|master| case.carried_by == Some(master.id)),
        _ => None,
    };
    match others {
        Others::ToAttach(_) => locked.retain(|case| sight.sees(case)),
        _ => locked.retain(|other| other.carried_by == Some(case.id)),
    }
    let policy = app.policy(case.policy)?;
    let concerned = Concerned { case, other, carried: locked };
    Ok(Doing::new(app.clone(), person.to_owned(), at, directory, policy, concerned))
}
