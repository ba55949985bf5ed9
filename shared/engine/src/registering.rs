//! What is told of a report that was registered as a case.

use crate::case::{Case, Happening, Stamp, Told, Words};
use duban_contracts::Timestamp;
use uuid::Uuid;

/// Stands in a timeline's words for the number of the other case that they are about.
pub const OTHER: &str = "{other}";
/// What the timeline of a case says that repeats a matter.
pub const REPEATS: &str = "Repeats an open matter: {other}";
pub const REPEATS_ZH: &str = "与在办的{other}为同一事项";

/// Tells of a case that has its number: registered, classified where it is more than ordinary, linked with the open case that it repeats.
pub fn tell(case: &mut Case, is_classified: bool, repeated: Option<Uuid>, cause: Timestamp, stamp: Stamp<'_>) -> Vec<Told> {
    let (number, channel) = (case.number.clone(), case.channel.clone());
    let (unsorted, unsorted_zh) = if case.unsorted { (", unsorted", "，待分拣") } else { ("", "") };
    let article = case.reasons.iter().find_map(|reason| reason.article.clone());
    let severity = case.severity.clone();
    let mut tell = |happened: &str, text: String, text_zh: String, other: Option<Uuid>| {
        let words = Words::new(text, text_zh).citing(article.clone());
        case.tell_in_words(stamp, cause, happened, words, Happening { other, ..Happening::default() })
    };
    let mut told = vec![tell(
        "registered",
        format!("Registered as {number} ({channel}){unsorted}"),
        format!("登记为{number}（{channel}）{unsorted_zh}"),
        None,
    )];
    if is_classified {
        told.push(tell("classified", format!("Classified as {severity}"), format!("定级为{severity}"), None));
    }
    if let Some(other) = repeated {
        told.push(tell("linked", REPEATS.to_owned(), REPEATS_ZH.to_owned(), Some(other)));
    }
    told
}
