//! A handler's note on a case.

use super::doing::{Doing, Words, required_text};
use crate::case::Happening;
use duban_contracts::Problem;

pub fn perform(doing: &mut Doing, text: &str) -> Result<(), Problem> {
    required_text("/text", text)?;
    doing.tell("noted", Words::new("A note was added", "添加了备注").with_note(text), Happening::default());
    Ok(())
}
