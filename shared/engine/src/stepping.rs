//! What a step (accept, investigate, answer, close …) makes of a case. The pack says who may make it, from where and with which fields.

use crate::case::{Case, Happening, Stamp, Told, Words};
use crate::judging::{self, Ground};
use crate::{naming, returning};
use duban_contracts::case::{Before, Step};
use duban_contracts::{Problem, Timestamp};
use duban_policy::policy::{CaseFacts, Kind, Permitted, Returning};
use serde_json::{Map, Value};

/// A step that is asked for: by whom, when, with what.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub person: &'a str,
    pub at: Timestamp,
    pub step: &'a str,
    pub fields: &'a Map<String, Value>,
    pub note: Option<&'a str>,
}

/// What came of a step, beside what it made of the case.
#[derive(Debug, Default)]
pub struct Stepped {
    /// In order; the case stands at the last one's version.
    pub told: Vec<Told>,
    /// The case's personal fields as they are now, where the step gave some: to be sealed.
    pub personal: Option<Map<String, Value>>,
    /// Who made it decides of the case from now on, and so sees it.
    pub decides: bool,
    /// Who made it has handed the case back: he decides of it no longer.
    pub returned: bool,
    /// The case was closed: nobody decides of it any longer.
    pub ends_decisions: bool,
}

/// Makes a step, if its pack allows it: stage, fields, and what is told of it. The case may be closed or reopened by it, and its severity
/// judged anew. `personal`: the case's personal fields, opened.
///
/// # Errors
/// Why it may not be made; nothing has changed then.
pub fn make(
    ground: Ground<'_>,
    case: &mut Case,
    personal: Map<String, Value>,
    asked: Asked<'_>,
    stamp: Stamp<'_>,
) -> Result<Stepped, Problem> {
    if case.merged_into.is_some() {
        return Err(Problem::refused(
            "merged-already",
            "The case was merged into another: go on there",
            "本案已并入其他案件，请在该案中办理",
        ));
    }
    crate::carrying::stands_for_itself(case)?;
    let facts = facts(case, &personal);
    let Asked { person, at, step, fields, .. } = asked;
    let mut permitted = ground.policy.check_step(ground.directory, person, &case_facts(case, &facts), step, fields, at)?;
    let kind = ground.policy.kind(&case.pack, &case.kind).ok_or_else(Problem::internal)?;
    permitted.fields = naming::resolved(ground, kind, std::mem::take(&mut permitted.fields))?;
    Ok(Making { ground, kind, asked, stamp, case, personal, out: Stepped::default() }.apply(&permitted))
}

/// A step under way.
struct Making<'a> {
    ground: Ground<'a>,
    kind: &'a Kind,
    asked: Asked<'a>,
    stamp: Stamp<'a>,
    case: &'a mut Case,
    personal: Map<String, Value>,
    out: Stepped,
}

impl Making<'_> {
    fn apply(mut self, permitted: &Permitted<'_>) -> Stepped {
        let step = permitted.step;
        let from = self.case.stage.clone();
        let to = match (permitted.to, &step.returning) {
            (Some(to), _) => to.to_owned(),
            (None, Some(_)) => self.kind.first_stage().to_owned(),
            (None, None) => from.clone(),
        };
        let told = Step {
            name: step.id.clone(),
            from,
            to: to.clone(),
            by: self.asked.person.to_owned(),
            article: Some(step.article.clone()).filter(|article| !article.is_empty()),
        };
        let units_before = judging::about_units(self.ground.directory, self.kind, self.case.fields.get(judging::ABOUT_UNIT));
        self.take_fields(&permitted.fields);
        self.keep_out_named(&permitted.fields, &units_before);
        self.case.stage.clone_from(&to);
        if permitted.reopens {
            reopened(self.case, &to);
        }
        if permitted.closes {
            self.case.closed = true;
            self.case.outcome = step.outcome.clone().or_else(|| Some(to.clone()));
        } else if let Some(outcome) = &step.outcome {
            self.case.outcome = Some(outcome.clone());
        }
        self.case.done.push(step.id.clone());
        if let Some(returned) = &step.returning {
            self.hand_back(permitted, returned);
        } else if !self.case.closed || permitted.closes {
            // Who acts on a closed case (a call afterwards) decides nothing of it any longer.
            self.decide();
        }
        self.tell_all(permitted, &told);
        self.out
    }

    /// The step by its own name, then what follows from it: another severity, a reopening, what was put right meanwhile, the close.
    fn tell_all(&mut self, permitted: &Permitted<'_>, told: &Step) {
        let step = permitted.step;
        let happened = permitted.event.strip_prefix("case.").unwrap_or(&permitted.event).to_owned();
        let happening = Happening { step: Some(told.clone()), ..Happening::default() };
        let mut words = Words::new(step.title.en.clone(), step.title.zh.clone()).citing(told.article.clone());
        words.note = self.asked.note.map(str::to_owned).filter(|note| !note.trim().is_empty());
        if let Some(returned) = &step.returning {
            let most = self.ground.policy.most_returns(&self.case.pack, returned, &self.case.unit);
            returning::say(&mut words, self.kind, step, &permitted.fields, self.case.returns, most);
        }
        self.tell(&happened, words, happening.clone());
        self.judge_severity();
        if permitted.reopens && happened != "reopened" {
            self.tell("reopened", Words::new("Reopened", "案件重新开启").citing(told.article.clone()), happening.clone());
        }
        if permitted.reopens {
            let again = taken_for_again(self.case, self.kind, self.asked.at, self.stamp);
            self.out.told.extend(again);
        }
        if permitted.closes {
            self.out.ends_decisions = true;
            self.case.people_deciding.clear();
            if happened != "closed" {
                let title = self.kind.stage(&told.to).map(|stage| stage.title.clone()).unwrap_or_default();
                let words = Words::new(format!("Closed: {}", title.en), format!("已办结：{}", title.zh)).citing(told.article.clone());
                self.tell("closed", words, happening);
            }
        }
    }

    fn tell(&mut self, happened: &str, words: Words, happening: Happening) {
        self.out.told.push(self.case.tell_in_words(self.stamp, self.asked.at, happened, words, happening));
    }

    /// Those who had the case have it no longer, and who returns it does not decide of it any more.
    fn hand_back(&mut self, permitted: &Permitted<'_>, returned: &Returning) {
        let cleared = returning::hand_back(self.ground.directory, self.kind, self.case, permitted, returned);
        let hidden: Vec<&String> = cleared.into_iter().filter(|field| self.personal.contains_key(*field)).collect();
        if !hidden.is_empty() {
            self.personal.retain(|field, _| !hidden.contains(&field));
            self.out.personal = Some(self.personal.clone());
        }
        self.case.people_deciding.retain(|person| person != self.asked.person);
        self.out.returned = true;
    }

    fn decide(&mut self) {
        self.out.decides = true;
        if !self.case.people_deciding.iter().any(|person| person == self.asked.person) {
            self.case.people_deciding.push(self.asked.person.to_owned());
        }
    }

    /// Takes in fields, the personal ones apart.
    fn take_fields(&mut self, given: &Map<String, Value>) {
        let (personal, open) = judging::apart(self.kind, given);
        self.case.fields.extend(open);
        if !personal.is_empty() {
            self.personal.extend(personal);
            self.out.personal = Some(self.personal.clone());
        }
    }

    /// Whom these fields name as complained about is kept out from now on. A unit takes the place of the one named before; a person does not:
    /// who is not meant after all is said by a correction, which takes another right.
    fn keep_out_named(&mut self, given: &Map<String, Value>, units_before: &[String]) {
        let Ground { directory, contacts, .. } = self.ground;
        let (people, doubts) = judging::about_people(directory, contacts, given.get(judging::ABOUT_PERSON));
        let units = judging::about_units(directory, self.kind, given.get(judging::ABOUT_UNIT));
        if given.contains_key(judging::ABOUT_UNIT) {
            self.case.excluded_units.retain(|unit| !units_before.contains(unit));
        }
        self.case.doubt(doubts);
        self.case.keep_out(&people, &units);
    }

    /// Judges the severity by the fields as they now are, unless a person has set it.
    fn judge_severity(&mut self) {
        if self.case.severity_set {
            return;
        }
        let (severity, reasons) = self.ground.policy.severity_of(self.kind, &facts(self.case, &self.personal));
        if severity != self.case.severity {
            self.case.reasons.extend(reasons);
            let before = self.case.taken_for();
            set_severity(self.case, self.kind, severity);
            let (words, happening) = classified(self.case, self.kind, before);
            self.tell("classified", words, happening);
        }
    }
}

/// A case is open again in this stage: steps that may be made once may be made again.
pub fn reopened(case: &mut Case, stage: &str) {
    case.closed = false;
    case.outcome = None;
    case.done.clear();
    case.returns = 0;
    stage.clone_into(&mut case.stage);
}

/// A case that was put right while it was closed: from its reopening on it owes what it is.
pub fn taken_for_again(case: &mut Case, kind: &Kind, cause: Timestamp, stamp: Stamp<'_>) -> Vec<Told> {
    if case.unsorted {
        return Vec::new();
    }
    let Some(before) = case.taken_for_at_close.take() else { return Vec::new() };
    let (words, happening) = sorted(kind, before.clone());
    let sorted = case.tell_in_words(stamp, cause, "sorted", words, happening);
    let (words, happening) = classified(case, kind, before);
    vec![sorted, case.tell_in_words(stamp, cause, "classified", words, happening)]
}

/// The case has another severity from now on.
pub fn set_severity(case: &mut Case, kind: &Kind, severity: String) {
    case.major = kind.severity_named(&severity).is_some_and(|found| found.major);
    case.severity = severity;
}

/// What is told of the severity that a case has now, and of what it was taken for before.
pub fn classified(case: &Case, kind: &Kind, before: Before) -> (Words, Happening) {
    let found = kind.severity_named(&case.severity);
    let title = found.map(|found| found.title.clone()).unwrap_or_default();
    let words = Words::new(format!("Classified as {}", title.en), format!("定级为{}", title.zh));
    let words = words.citing(found.map(|found| found.article.clone()));
    (words, Happening { before: Some(before), ..Happening::default() })
}

/// What is told when a case is taken for this kind: it owes what its kind owes, beside what it owed already.
pub fn sorted(kind: &Kind, before: Before) -> (Words, Happening) {
    let words = Words::new(format!("Sorted as {}", kind.title.en), format!("已分拣为{}", kind.title.zh));
    (words.citing(Some(kind.article.clone())), Happening { before: Some(before), ..Happening::default() })
}

/// The case as its events tell it, with the personal fields added: what conditions are asked about. It never leaves the process.
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
        returns: case.returns,
        done: &case.done,
        facts,
    }
}
