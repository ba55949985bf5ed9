//! `case.act`: everything that a person does to a case. One file per act.
//!
//! Each act is a decision without I/O on what was locked for it ([`Doing`]); this file locks, checks that the asker sees the case and knows
//! its present version, and writes what came of it, with its events, in one transaction.

mod answer;
mod assign;
mod correct;
pub mod doing;
mod merge;
mod note;
mod people;
mod recognise;
mod refer;
pub mod step;
mod unlink;

use crate::app::App;
use crate::store::{cases, list};
use crate::visibility::Sight;
use doing::Doing;
use doing::HandlingIsEnough;
pub use doing::required_text;
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
    let mut doing = begin(&app, act.tx(), &person, asked.case, other_case(&asked.act)).await?;
    let (rights, handling) = needed(&asked.act);
    doing.require(rights, handling)?;
    request.expect_version(doing.case.version, || doing.case.acted())?;
    match &asked.act {
        CaseAct::Step { name, fields, note } => step::perform(&mut doing, name, fields, note.as_deref())?,
        CaseAct::Assign { person } => assign::perform(&mut doing, person)?,
        CaseAct::Note { text } => note::perform(&mut doing, text)?,
        CaseAct::Answer { text, by } => answer::perform(&mut doing, text, by)?,
        CaseAct::Refer { attachment } => refer::perform(&mut doing, attachment)?,
        CaseAct::Correct { kind, unit, severity, about_person, reason } => {
            let correction = correct::Correction { kind, unit, severity, about_person, reason };
            correct::perform(&app, act.tx(), &mut doing, &correction).await?;
        }
        CaseAct::Unlink { reason, .. } => unlink::perform(act.tx(), &mut doing, reason).await?,
        CaseAct::Merge { reason, .. } => merge::perform(&mut doing, reason)?,
        CaseAct::AddPerson { person, reason } => people::add(&mut doing, person, reason)?,
        CaseAct::RemovePerson { person, reason } => people::remove(&mut doing, person, reason)?,
    }
    let acted = doing.case.acted();
    doing.write(act.tx()).await?;
    act.finish(acted).await
}

/// Who may do what: one of the rights over the case's unit (of two cases, over both their units); or, where that is enough, handling the case. What a step needs besides, the
/// pack says.
fn needed(act: &CaseAct) -> (&'static [Right], HandlingIsEnough) {
    use HandlingIsEnough::{No, Yes};
    match act {
        CaseAct::Step { .. } | CaseAct::Answer { .. } => (&[Right::Move], Yes),
        CaseAct::Note { .. } => (&[Right::Move, Right::Take, Right::Decide], Yes),
        CaseAct::Assign { .. } | CaseAct::Refer { .. } | CaseAct::Unlink { .. } | CaseAct::Merge { .. } => {
            (&[Right::Move, Right::Take], Yes)
        }
        CaseAct::AddPerson { .. } | CaseAct::RemovePerson { .. } => (&[Right::Move, Right::Administer], Yes),
        // What a case is decides whose clocks run: not for those on whom they run.
        CaseAct::Correct { .. } => (&[Right::Take, Right::Administer], No),
    }
}

/// The second case that an act concerns.
fn other_case(act: &CaseAct) -> Option<Uuid> {
    match act {
        CaseAct::Unlink { other, .. } => Some(*other),
        CaseAct::Merge { into, .. } => Some(*into),
        _ => None,
    }
}

/// Locks the case and the other one, and checks that the asker sees both: who does not see a case is not told that it is there.
async fn begin(app: &App, tx: &mut PgConnection, person: &str, id: Uuid, other: Option<Uuid>) -> Result<Doing, Failed> {
    let directory = app.directory()?;
    let at = app.platform.clock.now();
    let named = list::by_name(&mut *tx, person).await?;
    let sight = Sight::of(&directory, person, at, named);
    let wanted: Vec<Uuid> = std::iter::once(id).chain(other).collect();
    let mut locked = cases::lock(tx, &wanted).await?;
    locked.retain(|case| sight.sees(case));
    let mut take = |id: Uuid| locked.iter().position(|case| case.id == id).map(|at| locked.swap_remove(at));
    let case = take(id).ok_or_else(Problem::not_found)?;
    let other = match other {
        Some(other) => Some(take(other).ok_or_else(Problem::not_found)?),
        None => None,
    };
    let policy = app.policy(case.policy)?;
    Ok(Doing::new(app.clone(), person.to_owned(), at, directory, policy, case, other))
}
