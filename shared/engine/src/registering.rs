//! What is told of a report that was registered as a case.

use crate::case::{Case, Happening, Stamp, Told, Words};
use crate::judging;
use duban_contracts::Timestamp;
use duban_policy::Policy;
use uuid::Uuid;

/// Stands in a timeline's words for the number of the other case that they are about.
pub const OTHER: &str = "{other}";
/// What the timeline of a case says that repeats a matter.
pub const REPEATS: &str = "Repeats an open matter: {other}";
pub const REPEATS_ZH: &str = "与在办的{other}为同一事项";

/// Tells of a case that has its number: registered, classified where it is more than ordinary, linked with the open case that it repeats.
pub fn tell(policy: &Policy, case: &mut Case, repeated: Option<Uuid>, cause: Timestamp, stamp: Stamp<'_>) -> Vec<Told> {
    let article = case.reasons.iter().find_map(|reason| reason.article.clone());
    let (registered, classified) = (registered(policy, case), classified(policy, case));
    let mut tell = |happened: &str, words: Words, other: Option<Uuid>| {
        let words = words.citing(article.clone());
        case.tell_in_words(stamp, cause, happened, words, Happening { other, ..Happening::default() })
    };
    let mut told = vec![tell("registered", registered, None)];
    told.extend(classified.map(|words| tell("classified", words, None)));
    told.extend(repeated.map(|other| tell("linked", Words::new(REPEATS, REPEATS_ZH), Some(other))));
    told
}

/// Tells of a case that another one belongs with it, of which the report says so: a person is to look whether the two are one matter.
pub fn belongs_with(case: &mut Case, other: Uuid, now: Timestamp, stamp: Stamp<'_>) -> Told {
    let words = Words::new(
        format!("Belongs with {OTHER}, which came later or earlier: look whether the two are to be merged"),
        format!("与{OTHER}为前后来件，请核实是否并案"),
    );
    case.tell_in_words(stamp, now, "linked", words, Happening { other: Some(other), ..Happening::default() })
}

fn registered(policy: &Policy, case: &Case) -> Words {
    let channel = policy.channels().iter().find(|known| known.value == case.channel);
    let (zh, en) = channel.map_or((&case.channel, &case.channel), |channel| (&channel.title.zh, &channel.title.en));
    let (unsorted, unsorted_zh) = if case.unsorted { (", unsorted", "，待分拣") } else { ("", "") };
    let number = &case.number;
    Words::new(format!("Registered as {number} ({en}){unsorted}"), format!("登记为{number}（{zh}）{unsorted_zh}"))
}

fn classified(policy: &Policy, case: &Case) -> Option<Words> {
    let kind = policy.kind(&case.pack, &case.kind).filter(|kind| judging::is_classified(kind, &case.severity))?;
    let title = kind.severity_named(&case.severity).map(|severity| &severity.title);
    let (zh, en) = title.map_or((&case.severity, &case.severity), |title| (&title.zh, &title.en));
    Some(Words::new(format!("Classified as {en}"), format!("定级为{zh}")))
}
