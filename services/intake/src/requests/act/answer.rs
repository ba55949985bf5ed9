//! An answer to the reporter, by letter, telephone or otherwise, kept as it was given.

use super::doing::{Doing, required_text};
use duban_contracts::{Problem, both};
use duban_engine::case::{Happening, Words};

pub fn perform(doing: &mut Doing, text: &str, by: &str) -> Result<(), Problem> {
    required_text("/text", text)?;
    let by = by.trim();
    if by.is_empty() || by.chars().count() > 40 {
        return Err(Problem::invalid_field(
            "/by",
            both("未注明答复方式，或过长", "the way of answering is missing or too long"),
            both("如书面、电话、邮件，不超过40字", "e.g. letter, phone, email; at most 40 characters"),
        ));
    }
    let words = Words::new(format!("The reporter was answered ({by})"), format!("已答复投诉人（{by}）")).with_note(text);
    doing.tell("answered", words, Happening::default());
    Ok(())
}
