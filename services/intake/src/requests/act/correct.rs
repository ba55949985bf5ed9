//! Correcting: a wrong kind, unit or severity put right, or who is complained about; also how an unsorted case is sorted.

use super::doing::{Doing, required_text};
use super::recognise;
use super::step::{personal_fields, tell_classified, tell_sorted};
use crate::app::App;
use crate::store::{cases, links, matters, reports, sealed};
use duban_contracts::case::Before;
use duban_contracts::{Problem, both};
use duban_engine::case::{Happening, Words};
use duban_engine::judging;
use duban_engine::registering::{REPEATS, REPEATS_ZH};
use duban_engine::stepping::{facts, set_severity};
use duban_platform::rpc::Failed;
use duban_policy::policy::Kind;
use duban_policy::{Policy, Title};
use serde_json::{Map, Value};
use sqlx::PgConnection;

/// What is to be put right; None leaves it.
pub struct Correction<'a> {
    pub kind: &'a Option<String>,
    pub unit: &'a Option<String>,
    pub severity: &'a Option<String>,
    /// Empty text: nobody after all.
    pub about_person: &'a Option<String>,
    pub reason: &'a str,
}

pub async fn perform(app: &App, tx: &mut PgConnection, doing: &mut Doing, correction: &Correction<'_>) -> Result<(), Failed> {
    required_text("/reason", correction.reason)?;
    if correction.kind.is_none() && correction.unit.is_none() && correction.severity.is_none() && correction.about_person.is_none() {
        return Err(Problem::invalid_field(
            "",
            both("没有要更正的内容", "nothing is to be corrected"),
            both("请至少更正类别、单位、严重程度或被投诉人中的一项", "kind, unit, severity or about_person"),
        )
        .into());
    }
    let policy = doing.policy.clone();
    let before = doing.case.taken_for();
    let units_before = own_units(doing, &policy);
    let mut said = Said::default();
    let moved = correct_unit(doing, correction, &mut said)?;
    let kind = correct_kind(doing, &policy, correction, moved, &mut said)?;
    if correction.kind.is_some() {
        read_again(app, tx, doing, &policy, kind, &units_before).await?;
    }
    correct_person(tx, doing, correction, &mut said).await?;
    if moved || correction.kind.is_some() {
        (doing.case.title, doing.case.title_zh) = judging::title(&doing.directory, kind, &doing.case.unit);
        recognise(app, tx, doing, &policy, kind).await?;
    }
    doing.case.unsorted = doing.case.unsorted && kind.unsorted;
    correct_severity(doing, &policy, kind, correction, &before)?;
    tell(doing, kind, correction, before, said);
    Ok(())
}

/// Tells what was put right. An open case is sorted by it, if its kind is another or settled only now: from then on it has the duties of
/// what it is, and no longer those of what it was taken for. Of a closed case only that is told which ends; its reopening opens the rest.
fn tell(doing: &mut Doing, kind: &Kind, correction: &Correction<'_>, before: Before, mut said: Said) {
    let is_of_another_kind = (&before.pack, &before.kind) != (&doing.case.pack, &doing.case.kind);
    let is_sorted = !doing.case.closed && !doing.case.unsorted && (is_of_another_kind || before.unsorted);
    let is_classified = before.severity != doing.case.severity || correction.kind.is_some();
    if doing.case.closed && before.severity != doing.case.severity {
        let title = kind.severity_named(&doing.case.severity).map(|found| found.title.clone()).unwrap_or_default();
        said.say(format!("severity: {}", title.en), format!("严重程度更正为{}", title.zh));
    }
    let words = Words::new(said.en.join("; "), said.zh.join("；")).with_note(correction.reason);
    let is_elsewhere = before.unit != doing.case.unit;
    let says_it_itself = is_sorted || is_classified && !doing.case.closed;
    // Elsewhere other calendars and figures hold: what is owed is timed as if it had been there from the beginning.
    let is_told = is_of_another_kind && !is_sorted || doing.case.closed || is_elsewhere && !says_it_itself;
    let ends = is_told.then(|| before.clone());
    if doing.case.closed && (is_of_another_kind || before.severity != doing.case.severity) {
        doing.case.taken_for_at_close.get_or_insert_with(|| before.clone());
    }
    doing.tell("corrected", words, Happening { before: ends, ..Happening::default() });
    if is_sorted {
        tell_sorted(doing, kind, before.clone());
    }
    if is_classified && !doing.case.closed {
        tell_classified(doing, kind, before);
    }
}

/// What is said of the correction on the timeline.
#[derive(Default)]
struct Said {
    en: Vec<String>,
    zh: Vec<String>,
}

impl Said {
    fn say(&mut self, en: String, zh: String) {
        self.en.push(en);
        self.zh.push(zh);
    }
}

fn correct_unit(doing: &mut Doing, correction: &Correction<'_>, said: &mut Said) -> Result<bool, Problem> {
    let Some(unit) = correction.unit.as_deref().filter(|unit| *unit != doing.case.unit) else { return Ok(false) };
    let directory = doing.directory.clone();
    let Some(found) = directory.unit(unit) else {
        return Err(Problem::invalid_field(
            "/unit",
            both("没有此单位", "no such unit"),
            both("请填写目录中的单位代码", "the code of a unit of the directory"),
        ));
    };
    let old = directory.unit(&doing.case.unit).map_or_else(|| Title::new(&doing.case.unit, &doing.case.unit), |unit| unit.title.clone());
    said.say(format!("unit: {} instead of {}", found.title.en, old.en), format!("单位由{}更正为{}", old.zh, found.title.zh));
    doing.case.came_from = Some(std::mem::replace(&mut doing.case.unit, unit.to_owned()));
    Ok(true)
}

/// The kind that the case now has. One of another pack must be bound to its unit, as it was when the report was received.
fn correct_kind<'p>(
    doing: &mut Doing,
    policy: &'p Policy,
    correction: &Correction<'_>,
    moved: bool,
    said: &mut Said,
) -> Result<&'p Kind, Problem> {
    let mut offered = policy.kinds_of(&doing.case.unit, doing.case.received_at);
    let is_own = |kind: &Kind| kind.pack == doing.case.pack && kind.id == doing.case.kind;
    // Nothing is put right by calling it unsorted.
    offered.retain(|kind| !kind.unsorted || is_own(kind));
    let among = || {
        let (zh, en): (Vec<_>, Vec<_>) = offered.iter().map(|kind| (kind.title.zh.as_str(), kind.id.as_str())).unzip();
        both(format!("可选：{}", zh.join("、")), format!("one of {}", en.join(", ")))
    };
    let Some(word) = correction.kind.as_deref() else {
        if moved && !offered.iter().any(|kind| is_own(kind)) {
            return Err(Problem::invalid_field(
                "/kind",
                both("该单位适用其他制度，须同时更正类别", "that unit is under another regulation, so the kind must be named too"),
                among(),
            ));
        }
        return policy.kind(&doing.case.pack, &doing.case.kind).ok_or_else(Problem::internal);
    };
    let Some(kind) = offered.iter().copied().find(|kind| kind.is_called(word)) else {
        return Err(Problem::invalid_field("/kind", both("该单位没有此类别", "no such kind for this unit"), among()));
    };
    if kind.id != doing.case.kind || kind.pack != doing.case.pack {
        said.say(format!("kind: {}", kind.title.en), format!("事项类别更正为{}", kind.title.zh));
        doing.case.pack.clone_from(&kind.pack);
        doing.case.kind.clone_from(&kind.id);
        doing.case.done.clear();
        // A stage that the new kind has too, and in which the case is as open as it was, is kept: work that was done need not be done again.
        if kind.stage(&doing.case.stage).is_none_or(|stage| stage.terminal != doing.case.closed) {
            let end = kind.stages.iter().find(|stage| stage.terminal).map(|stage| stage.id.as_str());
            let place = if doing.case.closed { end } else { None };
            place.unwrap_or_else(|| kind.first_stage()).clone_into(&mut doing.case.stage);
        }
    } else {
        said.say(format!("kind confirmed: {}", kind.title.en), format!("确认事项类别为{}", kind.title.zh));
    }
    doing.case.unsorted = kind.unsorted;
    Ok(kind)
}

/// The units that the case is kept from by what its own report says, as its kind so far has it.
fn own_units(doing: &Doing, policy: &Policy) -> Vec<String> {
    let kind = policy.kind(&doing.case.pack, &doing.case.kind);
    kind.map(|kind| judging::about_units(&doing.directory, kind, doing.case.fields.get(judging::ABOUT_UNIT))).unwrap_or_default()
}

/// Reads the report's fields as its new kind declares them. What handlers have put in since comes before what was sent. Whom the report
/// names as complained about is kept out from now on.
async fn read_again(
    app: &App,
    tx: &mut PgConnection,
    doing: &mut Doing,
    policy: &Policy,
    kind: &Kind,
    units_before: &[String],
) -> Result<(), Failed> {
    let bodies = reports::open(&mut *tx, &app.platform.seal, &[doing.case.receipt]).await?;
    let mut all: Map<String, Value> =
        bodies.first().map(|body| judging::fields_as(policy, kind, &doing.case.unit, body)).unwrap_or_default();
    all.extend(doing.case.fields.clone());
    all.extend(personal_fields(app, &doing.case)?);
    // What this report itself said of a unit is read anew; what came by a merger or a supplement stands.
    doing.case.excluded_units.retain(|unit| !units_before.contains(unit));
    let units = judging::about_units(&doing.directory, kind, all.get(judging::ABOUT_UNIT));
    let mut people = Vec::new();
    // Where somebody has said who is meant, that stands.
    if doing.case.excluded_people.is_empty() {
        let contacts = app.contacts.of(&doing.directory);
        let (named, doubts) = judging::about_people(&doing.directory, &contacts, all.get(judging::ABOUT_PERSON));
        doing.case.doubt(doubts);
        people = named;
    }
    doing.case.keep_out(&people, &units);
    let (personal, open) = judging::apart(kind, &all);
    doing.case.fields = open;
    let about = doing.case.about();
    doing.case.sealed_fields = if personal.is_empty() { None } else { Some(sealed::seal_json(&app.platform.seal, &personal, &about)?) };
    Ok(())
}

/// Who is complained about: from now on that person sees nothing of it and handles nothing of it. Whoever bears the same name, and was kept out
/// while nobody knew which of them was meant, is kept out no longer; others who are complained about stay so, and those of a merged case too.
async fn correct_person(tx: &mut PgConnection, doing: &mut Doing, correction: &Correction<'_>, said: &mut Said) -> Result<(), Failed> {
    let Some(person) = correction.about_person.as_deref() else { return Ok(()) };
    let elsewhere = kept_out_elsewhere(tx, doing).await?;
    if person.is_empty() {
        doing.case.excluded_people.retain(|out| elsewhere.contains(out));
        said.say("it is about no person".to_owned(), "未涉及具体人员".to_owned());
        return Ok(());
    }
    let directory = doing.directory.clone();
    let Some(found) = directory.person(person) else {
        let expected = both("请填写目录中的人员代码；不涉及具体人员时留空", "the id of a person of the directory, or empty for nobody");
        return Err(Problem::invalid_field("/about_person", both("没有此人", "no such person"), expected).into());
    };
    let bears_the_name = |out: &String| directory.person(out).is_some_and(|other| other.name == found.name);
    doing.case.excluded_people.retain(|out| elsewhere.contains(out) || !bears_the_name(out));
    doing.case.keep_out(std::slice::from_ref(&found.id), &[]);
    said.say("the person complained about was named".to_owned(), "已确认被投诉人".to_owned());
    Ok(())
}

/// Whom the cases that this one was merged with keep out.
async fn kept_out_elsewhere(tx: &mut PgConnection, doing: &Doing) -> Result<Vec<String>, Failed> {
    let merged =
        links::of_case(&mut *tx, doing.case.id).await?.into_iter().filter(|link| matches!(link.sort.as_str(), "merged" | "merged_into"));
    let others: Vec<_> = merged.map(|link| link.other).collect();
    let cases = cases::by_ids(&mut *tx, &others).await?;
    Ok(cases.into_iter().flat_map(|case| case.excluded_people).collect())
}

/// Severity as set, or judged anew by the kind that the case now has.
fn correct_severity(doing: &mut Doing, policy: &Policy, kind: &Kind, correction: &Correction<'_>, before: &Before) -> Result<(), Failed> {
    let severity = match correction.severity.as_deref() {
        Some(severity) => {
            if kind.severity_named(severity).is_none() {
                let (zh, en): (Vec<_>, Vec<_>) = kind.severities.iter().map(|known| (known.title.zh.as_str(), known.id.as_str())).unzip();
                let among = both(format!("可选：{}", zh.join("、")), format!("one of {}", en.join(", ")));
                return Err(Problem::invalid_field("/severity", both("没有此严重程度", "no such severity"), among).into());
            }
            doing.case.severity_set = true;
            severity.to_owned()
        }
        None if doing.case.severity_set && kind.severity_named(&before.severity).is_some() => before.severity.clone(),
        None => {
            let personal = personal_fields(&doing.app, &doing.case)?;
            let (severity, reasons) = policy.severity_of(kind, &facts(&doing.case, &personal));
            doing.case.severity_set = false;
            doing.case.reasons = reasons;
            severity
        }
    };
    set_severity(&mut doing.case, kind, severity);
    Ok(())
}

/// Kind or unit are part of what makes two reports one matter: the keys are made anew, and what it repeats is looked for again.
async fn recognise(app: &App, tx: &mut PgConnection, doing: &mut Doing, policy: &Policy, kind: &Kind) -> Result<(), Failed> {
    let keys = recognise::keys(app, tx, kind, &doing.case).await?;
    matters::forget(tx, doing.case.id).await?;
    let earlier = recognise::earlier(tx, policy, kind, &doing.case, &keys).await?;
    // What it was linked to under its old kind or unit is another matter now.
    links::undo_repeats_but(tx, doing.case.id, &earlier.iter().map(|found| found.case).collect::<Vec<_>>(), doing.at).await?;
    let (id, received_at) = (doing.case.id, doing.case.received_at);
    matters::insert(tx, &keys.into_iter().map(|key| (key, id, received_at)).collect::<Vec<_>>()).await?;
    doing.case.repeats_those_of(recognise::times(&earlier));
    if let Some(open) = earlier.iter().filter(|found| found.open).max_by_key(|found| found.received_at) {
        doing.link(id, open.case, "repeats");
        let words = Words::new(REPEATS, REPEATS_ZH);
        doing.tell("linked", words, Happening { other: Some(open.case), ..Happening::default() });
    }
    Ok(())
}
