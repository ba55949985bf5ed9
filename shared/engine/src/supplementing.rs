//! A report that follows another joins its case as a supplement. What it makes of a closed case its pack says.

use crate::case::{Case, Happening, Stamp, Told, Words};
use crate::stepping;
use duban_contracts::Timestamp;
use duban_contracts::case::Step;
use duban_contracts::report::Report;
use duban_policy::policy::{FollowsClosed, Kind};
use uuid::Uuid;

/// What becomes of a report whose target is known.
#[derive(Debug)]
pub enum Rule {
    Join,
    /// Joins, and the supplement itself makes the pack's step.
    Reopen {
        step: Box<Step>,
        event: String,
    },
    /// A case of its own, linked with the closed one.
    NewCase,
}

/// What the pack says of a report that follows a case in this state.
pub fn rule_for(case: &Case, kind: &Kind) -> Rule {
    if !case.closed {
        return Rule::Join;
    }
    // Its incident is over: whether this is of the same one again is for a person to say.
    if case.carried_by.is_some() {
        return Rule::NewCase;
    }
    match &kind.follows_closed {
        FollowsClosed::Join => Rule::Join,
        FollowsClosed::NewCase => Rule::NewCase,
        FollowsClosed::Reopen { step } => kind.step(step).map_or(Rule::Join, |step| Rule::Reopen {
            event: step.event.clone(),
            step: Box::new(Step {
                name: step.id.clone(),
                from: case.stage.clone(),
                to: step.to.clone().unwrap_or_else(|| kind.first_stage().to_owned()),
                by: String::new(),
                article: Some(step.article.clone()).filter(|article| !article.is_empty()),
            }),
        }),
    }
}

/// The supplement on the case's timeline. `report`: None where its text was erased meanwhile.
pub fn supplement(case: &mut Case, receipt: Uuid, report: Option<&Report>, cause: Timestamp, stamp: Stamp<'_>) -> Told {
    let note = report.map(said).unwrap_or_default();
    let channel = report.map_or("", |report| report.channel.as_str());
    let mut words = Words::new(format!("A supplement came ({channel})"), format!("收到补充来件（{channel}）"));
    words.note = (!note.is_empty()).then(|| note.join("\n"));
    case.tell_in_words(stamp, cause, "supplemented", words, Happening { receipt: Some(receipt), ..Happening::default() })
}

/// All that a supplement brings: subject and text, fields under the names that it gives them, references. It is shown nowhere else.
fn said(report: &Report) -> Vec<String> {
    let words = [&report.subject, &report.text].into_iter().flatten().cloned();
    let fields =
        report.fields.iter().map(|(name, value)| format!("{name}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    let references = report.attachments.iter().map(|attachment| format!("{}: {}", attachment.name, attachment.reference));
    words.chain(fields).chain(references).collect()
}

/// The pack's step is made by the supplement itself; it is told by its own name, and as every reopening is.
pub fn reopen(case: &mut Case, kind: &Kind, receipt: Uuid, by: (&Step, &str), cause: Timestamp, stamp: Stamp<'_>) -> Vec<Told> {
    let (step, event) = by;
    stepping::reopened(case, &step.to);
    let names = if event == "reopened" { vec!["reopened"] } else { vec![event, "reopened"] };
    let mut told: Vec<Told> = names
        .into_iter()
        .map(|happened| {
            let words = Words::new("Reopened: a supplement came", "收到补充来件，案件重新开启").citing(step.article.clone());
            let happening = Happening { step: Some(step.clone()), receipt: Some(receipt), ..Happening::default() };
            case.tell_in_words(stamp, cause, happened, words, happening)
        })
        .collect();
    told.extend(stepping::taken_for_again(case, kind, cause, stamp));
    told
}
