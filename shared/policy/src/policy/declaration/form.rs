//! Forms and registers (表单、登记簿): what is filled in, and who keeps it.

use super::super::describe::Thing;
use super::super::kind::{Actor, Field};
use super::{Declaration, DeclarationSort, Stated, Words};
use crate::Title;

/// A form, compiled.
#[derive(Debug, Clone)]
pub struct Form {
    pub stated: Stated,
    /// A running register to which entries are added.
    pub register: bool,
    pub filled_by: Vec<Actor>,
    pub kept_by: Vec<Actor>,
    pub copies: Option<u32>,
    pub fields: Vec<Field>,
    /// Entries take effect through it.
    pub decision: Option<String>,
}

impl Declaration for Form {
    fn stated(&self) -> &Stated {
        &self.stated
    }

    fn describe(&self, thing: Thing, words: &Words<'_>) -> Thing {
        let sort = if self.register { Title::new("登记簿，逐条登记", "a running register") } else { Title::default() };
        let copies = self.copies.map(|copies| Title::new(format!("一式{copies}份"), copies.to_string())).unwrap_or_default();
        thing
            .says("register", "形式", "form", sort)
            .says("states", "填写", "states", words.fields(&self.fields))
            .says("filled_by", "填写人", "filled in by", words.people(&self.filled_by))
            .says("copies", "份数", "copies", copies)
            .says("kept_by", "留存", "kept by", words.people(&self.kept_by))
            .says("decision", "生效须经", "takes effect by", words.referred(DeclarationSort::Decision, self.decision.as_ref()))
    }

    fn actors(&self) -> Vec<&Actor> {
        self.filled_by.iter().chain(&self.kept_by).collect()
    }

    fn fields(&self) -> &[Field] {
        &self.fields
    }
}
