//! The streams and their settings. Each belongs to one service, which makes it when it is missing, also at run time: a wiped store
//! answers 'stream not found' while the connection stays up.

use super::Bus;
use async_nats::jetstream::context::CreateStreamError;
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, PersistenceMode, RetentionPolicy, StorageType};
use duban_contracts::Timestamp;
use duban_contracts::subjects::{service, stream};
use std::time::Duration;

/// How long a stream holds events. Outboxes hold theirs for some days too, inboxes for longer than both.
pub const EVENTS_MAX_AGE: Duration = Duration::from_secs(14 * 24 * 3600);

/// How many accepted reports may wait. Then new ones are refused, which the gateway answers with 503.
const REPORTS_MOST: i64 = 5_000_000;

/// The streams that a service makes: its events', and the gateway also the queue of accepted reports.
pub fn owned(of: &str) -> &'static [&'static str] {
    match of {
        service::GATEWAY => &[stream::GATEWAY, stream::REPORTS],
        service::INTAKE => &[stream::INTAKE],
        service::ESCALATION => &[stream::ESCALATION],
        service::ARCHIVE => &[stream::ARCHIVE],
        service::NOTIFICATIONS => &[stream::NOTIFICATIONS],
        _ => &[],
    }
}

impl Bus {
    /// The stream as it is, made if it is missing. Only for streams that this service owns.
    ///
    /// # Errors
    /// The broker does not answer or refuses.
    pub async fn ensure_stream(&self, name: &'static str) -> Result<Info, CreateStreamError> {
        let stream = self.jetstream.get_or_create_stream(settings(name)).await?;
        Ok(stream.cached_info().clone())
    }

    /// Makes sure of all streams that this service owns; tries until it is done.
    pub(crate) async fn ensure_own_streams(&self) {
        for name in owned(self.service()) {
            while let Err(error) = self.ensure_stream(name).await {
                tracing::debug!(stream = name, %error, "stream not there yet");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

/// When the stream was made: another instant is another stream, though of the same name.
pub(crate) fn created(info: &Info) -> Timestamp {
    Timestamp::from_nanosecond(info.created.unix_timestamp_nanos()).unwrap_or_default()
}

fn settings(name: &str) -> Config {
    let subjects = stream::subjects(name).iter().map(|subject| (*subject).to_owned()).collect();
    let common = Config { name: name.to_owned(), subjects, storage: StorageType::File, num_replicas: 1, ..Config::default() };
    if name == stream::REPORTS {
        // What producers were promised: on disk before it is acknowledged, gone only when intake has it, never by age.
        return Config {
            description: Some("Accepted reports on their way to intake".to_owned()),
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            max_messages: REPORTS_MOST,
            allow_atomic_publish: true,
            deny_delete: true,
            ..common
        };
    }
    // Acknowledged before it is written: safe, because the outbox is the truth and fills a lost tail again.
    Config {
        description: Some("Events; the outbox of their service is the truth".to_owned()),
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_age: EVENTS_MAX_AGE,
        persist_mode: Some(PersistenceMode::Async),
        deny_delete: true,
        ..common
    }
}
