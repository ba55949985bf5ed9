//! The organisation file: units, posts, people, rights, and which packs bind which units.

use crate::directory::Directory;
use crate::{Diagnostic, Source};

/// An organisation file, read and checked for itself.
#[derive(Debug, Clone)]
pub struct Organisation {}

impl Organisation {
    /// # Errors
    /// Everything wrong with the file: shapes, names that mean nothing, trees with cycles.
    pub fn parse(source: &Source) -> Result<Self, Vec<Diagnostic>> {
        let _ = source;
        todo!()
    }

    /// Units, posts and people as a directory.
    pub fn directory(&self, version: i64) -> Directory {
        let _ = version;
        todo!()
    }

    /// The file as it belongs into a policy set: units, roles and bindings, without people. Compile with this one, so that applied
    /// versions keep no personal data.
    pub fn policy_source(&self) -> Source {
        todo!()
    }
}
