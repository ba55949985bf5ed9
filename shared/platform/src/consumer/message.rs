//! From a message to an event, and what is kept of one that is set aside.

use super::reason::no_event;
use async_nats::HeaderMap;
use async_nats::jetstream::Message;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use duban_contracts::event::header;
use duban_contracts::{Event, Sentence, Timestamp, ids};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A message as it came, with its event if it has one.
pub(super) struct Received {
    pub message: Message,
    /// Place in the stream; no identity.
    pub sequence: u64,
    pub event: Result<Event, Malformed>,
}

/// A message that is no event: an id to know it by, and what is wrong.
#[derive(Debug, Clone)]
pub(super) struct Malformed {
    pub kept: Kept,
    pub reason: Sentence,
}

impl Received {
    pub fn new(message: Message) -> Self {
        let sequence = message.info().map(|info| info.stream_sequence).unwrap_or_default();
        let event = read(&message).map_err(|reason| Malformed { kept: Kept::of_malformed(&message), reason });
        Self { message, sequence, event }
    }
}

fn read(message: &async_nats::Message) -> Result<Event, Sentence> {
    let headers = message.headers.as_ref().ok_or_else(|| no_event("缺少消息头", "no headers"))?;
    let needed = |name: &str| text(headers, name).ok_or_else(|| no_event(format!("缺少消息头 {name}"), format!("no header {name}")));
    let is_no = |name: &str, zh: &str, en: &str| no_event(format!("消息头 {name} 不是{zh}"), format!("header {name} is no {en}"));
    let number = |name: &str| match text(headers, name) {
        None => Ok(0),
        Some(value) => value.parse::<i64>().map_err(|_| is_no(name, "数字", "number")),
    };
    Ok(Event {
        id: needed(header::ID)?.parse().map_err(|_| is_no(header::ID, " UUID", "UUID"))?,
        subject: message.subject.to_string(),
        time: needed(header::TIME)?.parse().map_err(|_| is_no(header::TIME, "时间", "time"))?,
        about: text(headers, header::SUBJECT).unwrap_or_default().to_owned(),
        version: number(header::SUBJECT_VERSION)?,
        policy: number(header::POLICY)?,
        case: text(headers, header::CASE).map(|case| case.parse().map_err(|_| is_no(header::CASE, " UUID", "UUID"))).transpose()?,
        traceparent: text(headers, header::TRACEPARENT).map(str::to_owned),
        body: message.payload.to_vec(),
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(async_nats::HeaderValue::as_str)
}

/// An event as it is sealed into a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub id: Uuid,
    pub subject: String,
    pub time: Timestamp,
    pub about: String,
    pub version: i64,
    pub policy: i64,
    pub case: Option<Uuid>,
    pub traceparent: Option<String>,
    /// Base64: a body need not be text.
    pub body: String,
}

impl Kept {
    pub fn new(event: &Event) -> Self {
        Self {
            id: event.id,
            subject: event.subject.clone(),
            time: event.time,
            about: event.about.clone(),
            version: event.version,
            policy: event.policy,
            case: event.case,
            traceparent: event.traceparent.clone(),
            body: STANDARD.encode(&event.body),
        }
    }

    /// A message that is no event is known by what it holds: the same again is the same letter.
    fn of_malformed(message: &async_nats::Message) -> Self {
        let body = STANDARD.encode(&message.payload);
        Self {
            id: ids::derived("malformed", &[&message.subject, &body]),
            subject: message.subject.to_string(),
            time: Timestamp::UNIX_EPOCH,
            about: String::new(),
            version: 0,
            policy: 0,
            case: None,
            traceparent: None,
            body,
        }
    }

    pub fn into_event(self) -> anyhow::Result<Event> {
        Ok(Event {
            id: self.id,
            subject: self.subject,
            time: self.time,
            about: self.about,
            version: self.version,
            policy: self.policy,
            case: self.case,
            traceparent: self.traceparent,
            body: STANDARD.decode(self.body)?,
        })
    }
}
