//! Which server and which making of the stream the rows go to, and what must be published again because it is another one.

use super::{Relay, Trouble, store};
use crate::bus::created;
use async_nats::jetstream::context::CreateStreamErrorKind;
use duban_contracts::Timestamp;
use std::time::Duration;

/// How far back rows are published again when the server is another one: far more than the half second that it may have lost.
const BACK: Duration = Duration::from_secs(600);

impl Relay {
    /// Compares server and stream with those of the last publication. The same both: nothing to do. Another server: again what was
    /// acknowledged in the ten minutes before that server's last acknowledgement. Another stream: every row still kept.
    pub(super) async fn identify(&self) -> Result<i32, Trouble> {
        let info = self.bus.ensure_stream(self.stream).await.map_err(|error| match error.kind() {
            CreateStreamErrorKind::NotFound => Trouble::StreamGone,
            _ => Trouble::Broker(error.to_string()),
        })?;
        // To the microsecond, as the table keeps it.
        let created = Timestamp::from_microsecond(created(&info).as_microsecond()).unwrap_or_default();
        let server = self.bus.client.server_info().server_id;
        let last = store::last_publication(self.db.pool(), self.stream).await?;
        let again_from = match &last {
            None => None,
            Some(last) if last.stream_created.0 != created => Some(Timestamp::UNIX_EPOCH),
            Some(last) if last.server != server => Some(last.last_at.0.saturating_sub(BACK).unwrap_or(Timestamp::UNIX_EPOCH)),
            Some(last) => return Ok(last.id),
        };
        if let Some(from) = again_from {
            tracing::info!(stream = self.stream, %from, "another server or stream: events are published again");
        }
        Ok(store::begin_publication(self.db.pool(), self.stream, created, &server, again_from).await?)
    }
}
