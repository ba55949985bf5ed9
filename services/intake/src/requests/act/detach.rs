//! Taking a case from its master: it stands for itself again, and owes again what it owed.

use super::doing::{Doing, HandlingIsEnough, required_text};
use crate::store::carried;
use duban_contracts::Problem;
use duban_engine::carrying;
use duban_platform::rpc::Failed;
use duban_policy::directory::Right;
use sqlx::PgConnection;

pub async fn perform(tx: &mut PgConnection, doing: &mut Doing, reason: &str) -> Result<(), Failed> {
    required_text("/reason", reason)?;
    let Some(master) = doing.other.take() else {
        return Err(Problem::refused("not-attached", "The case is attached to no master case", "本案未挂入主案").into());
    };
    // Whoever has a say in either of the two: he whose case it is, and he whose incident it is not.
    let may = |case| doing.require_over(case, &[Right::Move, Right::Take], HandlingIsEnough::Yes);
    may(&doing.case).or_else(|refused| may(&master).map_err(|_| refused))?;
    let history = carried::history(tx, doing.case.id).await?;
    let happened = carrying::while_for_itself(history.iter().map(String::as_str));
    let app = doing.app.clone();
    let stamp = |cause| app.platform.clock.cause_after(cause);
    let master = doing.other.insert(master);
    let told = carrying::detach(master, &mut doing.case, happened, reason, doing.at, &stamp);
    told.into_iter().for_each(|(case, told)| doing.take(case, told));
    Ok(())
}
