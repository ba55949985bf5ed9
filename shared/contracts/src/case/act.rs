//! What people do to cases and to what was rejected.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Request `intake … case.act`: one request for everything that a person does to a case. Needs a claim, a request id and the expected version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseActRequest {
    pub case: Uuid,
    #[serde(flatten)]
    pub act: CaseAct,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum CaseAct {
    /// A move or act that the pack declares, with the fields that it asks for.
    Step {
        name: String,
        #[serde(default)]
        fields: Map<String, Value>,
        #[serde(default)]
        note: Option<String>,
    },
    /// Hand to a person.
    Assign {
        person: String,
    },
    Note {
        text: String,
    },
    /// An answer to the reporter, by letter, telephone …
    Answer {
        text: String,
        by: String,
    },
    /// A reference to something kept elsewhere.
    Refer {
        attachment: crate::report::Attachment,
    },
    /// A wrong kind, unit or severity put right; also how an unsorted case is sorted.
    Correct {
        #[serde(default)]
        kind: Option<String>,
        #[serde(default)]
        unit: Option<String>,
        #[serde(default)]
        severity: Option<String>,
        /// Who is complained about, beside those who are known to be; whoever bears the same name is meant no longer. Empty: nobody after all.
        #[serde(default)]
        about_person: Option<String>,
        reason: String,
    },
    /// Undo the link to a repeated matter.
    Unlink {
        other: Uuid,
        reason: String,
    },
    /// This case's matter is that of the other.
    Merge {
        into: Uuid,
        reason: String,
    },
    /// Make this case the master of others, or attach more to it: they stay cases of their own, and are answered and closed with it.
    Attach {
        /// Together with `numbers` 1 to 200.
        #[serde(default)]
        cases: Vec<Uuid>,
        #[serde(default)]
        numbers: Vec<String>,
        reason: String,
    },
    /// Take this case from its master: it stands for itself again.
    Detach {
        reason: String,
    },
    /// Let a person see the case by name.
    AddPerson {
        person: String,
        reason: String,
    },
    RemovePerson {
        person: String,
        reason: String,
    },
}

/// The answer to an act: no personal text (answers are kept).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseActed {
    pub case: Uuid,
    pub number: String,
    pub stage: String,
    pub version: i64,
}

/// Request `intake … report.rejected.list|admit|dismiss` of an operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum RejectedAct {
    Admit {
        rejected: Uuid,
        #[serde(default)]
        corrected: Option<Box<crate::report::Report>>,
        reason: String,
    },
    Dismiss {
        rejected: Uuid,
        reason: String,
    },
}
