//! A move or act that the pack declares: accept, investigate, answer, close … The pack says who, from where, with which fields.

use super::doing::{Doing, Words};
use crate::app::App;
use crate::case::{Case, Happening};
use crate::judging;
use crate::store::sealed;
use duban_contracts::Problem;
use duban_contracts::case::{Before, Step};
use duban_platform::rpc::Failed;
use duban_policy::Policy;
use duban_policy::policy::{CaseFacts, Kind, Permitted};
use serde_json::{Map, Value};

pub fn perform(doing: &mut Doing, name: &str, fields: &Map<String, Value>, note: Option<&str>) -> Result<(), Failed> {
    if doing.case.merged_into.is_some() {
        return Err(Problem::refused(
            "merged-already",
            "The case was merged into another: go on there",
            "本案已并入其他案件，请在该案中办理",
        )
        .into());
    }
    let policy = doing.policy.clone();
    let personal = personal_fields(&doing.app, &doing.case)?;
    let facts = facts(&doing.case, &personal);
    let permitted = policy
        .check_step(&doing.directory, &doing.person, &case_facts(&doing.case, &facts), name, fields, doing.at)
        .map_err(Problem::from)?;
    apply(doing, &policy, &permitted, personal, note)
}

/// Makes the step: stage, fields, and what is told of it. The case may be closed or reopened by it, and its severity judged anew.
fn apply(
    doing: &mut Doing,
    policy: &Policy,
    permitted: &Permitted<'_>,
    personal: Map<String, Value>,
    note: Option<&str>,
) -> Result<(), Failed> {
    let step = permitted.step;
    let kind = policy.kind(&doing.case.pack, &doing.case.kind).ok_or_else(Problem::internal)?;
    let from = doing.case.stage.clone();
    let to = permitted.to.map_or_else(|| from.clone(), str::to_owned);
    let told = Step {
        name: step.id.clone(),
        from,
        to: to.clone(),
        by: doing.person.clone(),
        article: Some(step.article.clone()).filter(|article| !article.is_empty()),
    };
    let units_before = judging::about_units(&doing.directory, kind, doing.case.fields.get(judging::ABOUT_UNIT));
    take_fields(doing, kind, &permitted.fields, personal)?;
    keep_out_named(doing, kind, &permitted.fields, &units_before);
    doing.case.stage = to.clone();
    if permitted.reopens {
        reopened(&mut doing.case, &to);
    }
    if permitted.closes {
        doing.case.closed = true;
        doing.case.outcome = step.outcome.clone().or_else(|| Some(to.clone()));
    } else if let Some(outcome) = &step.outcome {
        doing.case.outcome = Some(outcome.clone());
    }
    doing.case.done.push(step.id.clone());
    // Who acts on a closed case (a call afterwards) decides nothing of it any longer.
    if !doing.case.closed || permitted.closes {
        doing.decide();
    }

    let happened = permitted.event.strip_prefix("case.").unwrap_or(&permitted.event).to_owned();
    let happening = Happening { step: Some(told.clone()), ..Happening::default() };
    let mut words = Words::new(step.title.en.clone(), step.title.zh.clone()).citing(told.article.clone());
    words.note = note.map(str::to_owned).filter(|note| !note.trim().is_empty());
    doing.tell(&happened, words, happening.clone());
    judge_severity(doing, policy, kind)?;
    if permitted.reopens && happened != "reopened" {
        doing.tell("reopened", Words::new("Reopened", "案件重新开启").citing(told.article.clone()), happening.clone());
    }
    if permitted.reopens
        && !doing.case.unsorted
        && let Some(before) = doing.case.taken_for_at_close.take()
    {
        tell_sorted(doing, kind, before.clone());
        tell_classified(doing, kind, before);
    }
    if permitted.closes {
        doing.end_decisions();
        if happened != "closed" {
            let title = kind.stage(&to).map(|stage| stage.title.clone()).unwrap_or_default();
            let words = Words::new(format!("Closed: {}", title.en), format!("已办结：{}", title.zh)).citing(told.article);
            doing.tell("closed", words, happening);
        }
    }
    Ok(())
}

/// A case is open again in this stage: steps that may be made once may be made again.
pub fn reopened(case: &mut Case, stage: &str) {
    case.closed = false;
    case.outcome = None;
    case.done.clear();
    stage.clone_into(&mut case.stage);
}

/// Takes in fields, the personal ones sealed.
fn take_fields(doing: &mut Doing, kind: &Kind, given: &Map<String, Value>, mut personal: Map<String, Value>) -> Result<(), sqlx::Error> {
    if given.is_empty() {
        return Ok(());
    }
    let (given_personal, given_open) = judging::apart(kind, given);
    doing.case.fields.extend(given_open);
    if !given_personal.is_empty() {
        personal.extend(given_personal);
        doing.case.sealed_fields = Some(sealed::seal_json(&doing.app.platform.seal, &personal, &doing.case.about())?);
    }
    Ok(())
}

/// Whom these fields name as complained about is kept out from now on. A unit takes the place of the one named before; a person does not:
/// who is not meant after all is said by a correction, which takes another right.
fn keep_out_named(doing: &mut Doing, kind: &Kind, given: &Map<String, Value>, units_before: &[String]) {
    let contacts = doing.app.contacts.of(&doing.directory);
    let (people, doubts) = judging::about_people(&doing.directory, &contacts, given.get(judging::ABOUT_PERSON));
    let units = judging::about_units(&doing.directory, kind, given.get(judging::ABOUT_UNIT));
    if given.contains_key(judging::ABOUT_UNIT) {
        doing.case.excluded_units.retain(|unit| !units_before.contains(unit));
    }
    doing.case.doubt(doubts);
    doing.case.keep_out(&people, &units);
}

/// Judges the severity by the fields as they now are, unless a person has set it.
fn judge_severity(doing: &mut Doing, policy: &Policy, kind: &Kind) -> Result<(), sqlx::Error> {
    if doing.case.severity_set {
        return Ok(());
    }
    let personal = personal_fields(&doing.app, &doing.case)?;
    let (severity, reasons) = policy.severity_of(kind, &facts(&doing.case, &personal));
    if severity != doing.case.severity && !falls_for_repeats(kind, &doing.case, &severity) {
        doing.case.reasons.extend(reasons);
        classify(doing, kind, severity);
    }
    Ok(())
}

/// What was grave because it repeats stays so: the times of the earlier reports are not at hand here.
fn falls_for_repeats(kind: &Kind, case: &Case, severity: &str) -> bool {
    let rank = |id: &str| kind.severities.iter().position(|severity| severity.id == id);
    case.repeats > 0 && rank(severity) > rank(&case.severity)
}

/// The case has another severity from now on.
fn classify(doing: &mut Doing, kind: &Kind, severity: String) {
    let before = doing.case.taken_for();
    set_severity(&mut doing.case, kind, severity);
    tell_classified(doing, kind, before);
}

pub fn set_severity(case: &mut Case, kind: &Kind, severity: String) {
    case.major = kind.severity_named(&severity).is_some_and(|found| found.major);
    case.severity = severity;
}

/// What is told of a severity.
pub struct Classified {
    pub words: Words,
    pub happening: Happening,
}

/// Which severity the case has now, and what it was taken for before.
pub fn classified(case: &Case, kind: &Kind, before: Before) -> Classified {
    let found = kind.severity_named(&case.severity);
    let title = found.map(|found| found.title.clone()).unwrap_or_default();
    let article = found.map(|found| found.article.clone()).filter(|article| !article.is_empty());
    let words = Words::new(format!("Classified as {}", title.en), format!("定级为{}", title.zh)).citing(article);
    Classified { words, happening: Happening { before: Some(before), ..Happening::default() } }
}

/// From now on the case owes what its kind owes, beside what it owed already.
pub fn tell_sorted(doing: &mut Doing, kind: &Kind, before: Before) {
    let words = sorted_words(kind);
    doing.tell("sorted", words, Happening { before: Some(before), ..Happening::default() });
}

/// What is said of it.
pub fn sorted_words(kind: &Kind) -> Words {
    let article = Some(kind.article.clone()).filter(|article| !article.is_empty());
    Words::new(format!("Sorted as {}", kind.title.en), format!("已分拣为{}", kind.title.zh)).citing(article)
}

pub fn tell_classified(doing: &mut Doing, kind: &Kind, before: Before) {
    let told = classified(&doing.case, kind, before);
    doing.tell("classified", told.words, told.happening);
}

/// The personal fields of a case, opened.
pub fn personal_fields(app: &App, case: &Case) -> Result<Map<String, Value>, sqlx::Error> {
    match &case.sealed_fields {
        Some(text) => sealed::open_json(&app.platform.seal, text, &case.about()),
        None => Ok(Map::new()),
    }
}

/// The case as its events tell it, with the personal fields added: what conditions are asked about. It never leaves this process.
pub fn facts(case: &Case, personal: &Map<String, Value>) -> Value {
    let mut facts = serde_json::to_value(case.body(Happening::default())).unwrap_or_default();
    let mut fields = case.fields.clone();
    fields.extend(personal.clone());
    facts["fields"] = Value::Object(fields);
    facts
}

/// What the pack needs to know of a case to allow a step.
pub fn case_facts<'a>(case: &'a Case, facts: &'a Value) -> CaseFacts<'a> {
    CaseFacts {
        pack: &case.pack,
        kind: &case.kind,
        unit: &case.unit,
        stage: &case.stage,
        handler: case.handler.as_deref(),
        reporter: case.reported_by.as_deref(),
        excluded: &case.excluded_people,
        done: &case.done,
        facts,
    }
}
