//! A move or act that the pack declares: accept, investigate, answer, close … The pack says who, from where, with which fields; what it makes
//! of the case is [`stepping`]'s.

use super::doing::Doing;
use crate::app::App;
use crate::store::sealed;
use duban_contracts::case::Before;
use duban_engine::case::Case;
use duban_engine::judging::Ground;
use duban_engine::stepping::{self, Asked};
use duban_platform::rpc::Failed;
use duban_policy::policy::Kind;
use serde_json::{Map, Value};

pub fn perform(doing: &mut Doing, step: &str, fields: &Map<String, Value>, note: Option<&str>) -> Result<(), Failed> {
    let personal = personal_fields(&doing.app, &doing.case)?;
    let (app, policy, directory) = (doing.app.clone(), doing.policy.clone(), doing.directory.clone());
    let contacts = app.contacts.of(&directory);
    let ground = Ground { policy: &policy, policy_version: doing.case.policy, directory: &directory, contacts: &contacts };
    let person = doing.person.clone();
    let asked = Asked { person: &person, at: doing.at, step, fields, note };
    let stepped = stepping::make(ground, &mut doing.case, personal, asked, &|cause| app.platform.clock.cause_after(cause))?;
    if let Some(personal) = &stepped.personal {
        doing.case.sealed_fields = Some(sealed::seal_json(&app.platform.seal, personal, &doing.case.about())?);
    }
    if stepped.decides {
        doing.decides();
    }
    if stepped.returned {
        doing.release(&person, "decided");
    }
    if stepped.ends_decisions {
        doing.end_decisions();
    }
    let case = doing.case.id;
    stepped.told.into_iter().for_each(|told| doing.take(case, told));
    Ok(())
}

/// From now on the case owes what its kind owes, beside what it owed already.
pub fn tell_sorted(doing: &mut Doing, kind: &Kind, before: Before) {
    let (words, happening) = stepping::sorted(kind, before);
    doing.tell("sorted", words, happening);
}

pub fn tell_classified(doing: &mut Doing, kind: &Kind, before: Before) {
    let (words, happening) = stepping::classified(&doing.case, kind, before);
    doing.tell("classified", words, happening);
}

/// The personal fields of a case, opened.
pub fn personal_fields(app: &App, case: &Case) -> Result<Map<String, Value>, sqlx::Error> {
    match &case.sealed_fields {
        Some(text) => sealed::open_json(&app.platform.seal, text, &case.about()),
        None => Ok(Map::new()),
    }
}
