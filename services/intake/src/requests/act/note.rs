//! A handler's note on a case.

use super::doing::{Doing, required_text};
use duban_contracts::Problem;
use duban_engine::case::{Happening, Words};

pub fn perform(doing: &mut Doing, text: &str) -> Result<(), Problem> {
    required_text("/text", text)?;
    doing.tell("noted", Words::new("A note was added", "添加了备注").with_note(text), Happening::default());
    Ok(())
}
