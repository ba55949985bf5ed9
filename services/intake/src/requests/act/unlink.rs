//! Undoing a link: the two are different matters after all.

use super::doing::{Doing, Words, required_text};
use crate::case::Happening;
use crate::store::links;
use crate::store::timeline::OTHER;
use duban_contracts::Problem;
use duban_platform::rpc::Failed;
use sqlx::PgConnection;

pub async fn perform(tx: &mut PgConnection, doing: &mut Doing, reason: &str) -> Result<(), Failed> {
    required_text("/reason", reason)?;
    let Some(other) = &doing.other else { return Err(Problem::not_found().into()) };
    let other_id = other.id;
    let undone = links::undo(tx, doing.case.id, other_id, doing.at, &doing.person).await?;
    if undone.is_empty() {
        return Err(Problem::refused("not-linked", "The two cases are not linked, or are merged", "两案之间没有可解除的关联").into());
    }
    // The later one no longer counts the earlier as the same matter.
    for (repeating, sort) in &undone {
        if sort == "repeats" {
            let case = if *repeating == doing.case.id { Some(&mut doing.case) } else { doing.other.as_mut() };
            if let Some(case) = case {
                case.repeats = (case.repeats - 1).max(0);
            }
        }
    }
    let own_id = doing.case.id;
    let words = Words::new(format!("No longer linked with {OTHER}"), format!("解除与{OTHER}的关联")).with_note(reason);
    doing.tell("unlinked", words.clone(), Happening { other: Some(other_id), ..Happening::default() });
    doing.tell_other("unlinked", words, Happening { other: Some(own_id), ..Happening::default() });
    Ok(())
}
