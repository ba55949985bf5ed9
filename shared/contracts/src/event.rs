//! Events: CloudEvents 1.0 in binary mode over NATS. Attributes travel as `ce-*` headers, the JSON body is the message.

use crate::subjects;
use crate::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Header names, CloudEvents NATS protocol binding 1.0 and our extensions.
pub mod header {
    pub const SPEC_VERSION: &str = "ce-specversion";
    pub const ID: &str = "ce-id";
    pub const SOURCE: &str = "ce-source";
    pub const TYPE: &str = "ce-type";
    pub const TIME: &str = "ce-time";
    pub const SUBJECT: &str = "ce-subject";
    /// Version of the subject after this event: 1, 2, 3 … within one `ce-subject`; numbered by its owner alone.
    pub const SUBJECT_VERSION: &str = "ce-subjectversion";
    /// Version of the applied policy set that the subject was opened under.
    pub const POLICY: &str = "ce-policy";
    /// The case that this is about, where it is about one.
    pub const CASE: &str = "ce-case";
    pub const CONTENT_TYPE: &str = "content-type";
    pub const MESSAGE_ID: &str = "Nats-Msg-Id";
    pub const TRACEPARENT: &str = "traceparent";
    pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
    pub const CLAIM: &str = "duban-claim";
    pub const REQUEST_ID: &str = "duban-request-id";
    pub const EXPECTED_VERSION: &str = "duban-expected-version";
    /// By which the operator says who he is, on the subjects that are kept for him.
    pub const OPERATOR: &str = "duban-operator";
}

/// An event as received.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: Uuid,
    /// NATS subject, e.g. `duban.intake.v1.case.registered`; equals `ce-type`.
    pub subject: String,
    /// When it happened, domain time; later than that of what caused it.
    pub time: Timestamp,
    /// What it is about, e.g. `case/0192…`; `ce-subject`.
    pub about: String,
    /// Version of `about` after this event.
    pub version: i64,
    /// Policy set version, 0 where none applies.
    pub policy: i64,
    pub case: Option<Uuid>,
    /// W3C trace context of the act that caused it.
    pub traceparent: Option<String>,
    /// JSON body as it came.
    pub body: Vec<u8>,
}

impl Event {
    /// The name that pack rules use: `case.registered`. Empty if the subject is not an event's.
    pub fn name(&self) -> &str {
        subjects::event_name(&self.subject).unwrap_or_default()
    }

    /// Parses the body. A failure is the message's own and leads to the dead letters.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// An event to be written to the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    pub id: Uuid,
    pub subject: String,
    pub time: Timestamp,
    pub about: String,
    pub version: i64,
    pub policy: i64,
    pub case: Option<Uuid>,
    pub traceparent: Option<String>,
    pub body: Vec<u8>,
}

impl NewEvent {
    /// An event of `service` named `name` (`case.registered`) about `about` (`case/<id>`), with a fresh id.
    ///
    /// The trace context is filled in by the outbox from the current span unless set before.
    pub fn new<T: Serialize>(service: &str, name: &str, about: impl Into<String>, version: i64, time: Timestamp, body: &T) -> Self {
        Self {
            id: crate::ids::fresh(),
            subject: subjects::event(service, name),
            time,
            about: about.into(),
            version,
            policy: 0,
            case: None,
            traceparent: None,
            body: serde_json::to_vec(body).unwrap_or_else(|_| b"null".to_vec()),
        }
    }

    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = id;
        self
    }

    pub fn with_policy(mut self, version: i64) -> Self {
        self.policy = version;
        self
    }

    pub fn with_case(mut self, case: Uuid) -> Self {
        self.case = Some(case);
        self
    }

    pub fn with_traceparent(mut self, traceparent: Option<String>) -> Self {
        self.traceparent = traceparent;
        self
    }
}
