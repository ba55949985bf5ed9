//! A reference to something that is kept elsewhere: a recording, a letter, a photograph.

use super::doing::{Doing, required_text};
use duban_contracts::Problem;
use duban_contracts::report::Attachment;
use duban_engine::case::{Happening, Words};

pub fn perform(doing: &mut Doing, attachment: &Attachment) -> Result<(), Problem> {
    required_text("/attachment/name", &attachment.name)?;
    required_text("/attachment/reference", &attachment.reference)?;
    let words = Words::new("A reference was added", "添加了资料引用").with_note(format!("{}: {}", attachment.name, attachment.reference));
    doing.tell("referred", words, Happening::default());
    Ok(())
}
