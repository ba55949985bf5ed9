//! Undoing a link: the two are different matters after all.

use super::doing::{Doing, required_text};
use super::recognise;
use super::step::personal_fields;
use crate::app::App;
use crate::store::links;
use duban_contracts::Problem;
use duban_engine::case::{Case, Happening, Words};
use duban_engine::registering::OTHER;
use duban_engine::stepping::{classified, facts, set_severity};
use duban_platform::rpc::Failed;
use sqlx::PgConnection;

pub async fn perform(tx: &mut PgConnection, doing: &mut Doing, reason: &str) -> Result<(), Failed> {
    required_text("/reason", reason)?;
    let app = doing.app.clone();
    let Some(other) = &doing.other else { return Err(Problem::not_found().into()) };
    let other_id = other.id;
    let undone = links::undo(tx, doing.case.id, other_id, doing.at, &doing.person).await?;
    if undone.is_empty() {
        return Err(Problem::refused("not-linked", "The two cases are not linked, or are merged", "两案之间没有可解除的关联").into());
    }
    let own_id = doing.case.id;
    // Counted before it is told, so that what is told has the number.
    let (mut own, mut others) = (None, None);
    for (repeating, _) in undone.iter().filter(|(_, sort)| sort == "repeats") {
        if *repeating == own_id {
            own = count_again(&app, tx, &mut doing.case).await?;
        } else if let Some(other) = &mut doing.other {
            others = count_again(&app, tx, other).await?;
        }
    }
    let words = Words::new(format!("No longer linked with {OTHER}"), format!("解除与{OTHER}的关联")).with_note(reason);
    doing.tell("unlinked", words.clone(), Happening { other: Some(other_id), ..Happening::default() });
    doing.tell_other("unlinked", words, Happening { other: Some(own_id), ..Happening::default() });
    if let Some((words, happening)) = own {
        doing.tell("classified", words, happening);
    }
    if let Some((words, happening)) = others {
        doing.tell_other("classified", words, happening);
    }
    Ok(())
}

/// The later case no longer counts the earlier as the same matter: how grave it is is judged anew, unless a person has said so. None if that
/// makes no difference, or the case is closed.
async fn count_again(app: &App, tx: &mut PgConnection, case: &mut Case) -> Result<Option<(Words, Happening)>, Failed> {
    let policy = app.policy(case.policy)?;
    let Some(kind) = policy.kind(&case.pack, &case.kind) else { return Ok(None) };
    let keys = recognise::keys(app, tx, kind, case).await?;
    let earlier = recognise::earlier(tx, &policy, kind, case, &keys).await?;
    case.repeats_those_of(recognise::times(&earlier));
    if case.severity_set || case.closed {
        return Ok(None);
    }
    let (severity, reasons) = policy.severity_of(kind, &facts(case, &personal_fields(app, case)?));
    if severity == case.severity {
        return Ok(None);
    }
    let before = case.taken_for();
    case.reasons = reasons;
    set_severity(case, kind, severity);
    Ok(Some(classified(case, kind, before)))
}
