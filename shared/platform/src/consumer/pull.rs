//! Pulling batches from a durable consumer: what is there at once, and if there is nothing, waiting for the first.
//!
//! One inbox for all requests of a consumer, so that a message that answers a request which was given up is still read.

use crate::Bus;
use crate::bus::Link;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::consumer::pull::BatchConfig;
use async_nats::jetstream::{Context, Message};
use async_nats::{StatusCode, Subject, Subscriber};
use futures::StreamExt;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long the broker holds a request that waits for the first message.
const WAIT: Duration = Duration::from_secs(10);
/// It says this often that it still does; twice missed means that consumer or connection are gone.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long the answer to 'what is there at once' may take.
const ANSWER: Duration = Duration::from_secs(2);

pub(super) struct Puller {
    consumer: PullConsumer,
    context: Context,
    inbox: Subject,
    answers: Subscriber,
    link: watch::Receiver<Link>,
}

/// Why there is no batch: the consumer must be looked up, or made, again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct PullError(String);

/// What came from the broker.
enum Answer {
    Message(Box<Message>),
    Heartbeat,
    /// No more for this request.
    End,
}

impl Puller {
    pub async fn new(bus: &Bus, consumer: PullConsumer) -> Result<Self, PullError> {
        let inbox: Subject = bus.client.new_inbox().into();
        let answers = bus.client.subscribe(inbox.clone()).await.map_err(|error| PullError(error.to_string()))?;
        let mut link = bus.link();
        link.mark_unchanged();
        Ok(Self { consumer, context: bus.jetstream.clone(), inbox, answers, link })
    }

    /// The next messages, at least one; empty when stopped, or when nothing came for a while.
    pub async fn next(&mut self, most: usize, stop: &CancellationToken) -> Result<Vec<Message>, PullError> {
        let mut batch = self.at_once(most).await?;
        if batch.is_empty()
            && let Some(first) = self.first(stop).await?
        {
            batch.push(first);
            if most > 1 {
                batch.append(&mut self.at_once(most - 1).await?);
            }
        }
        Ok(batch)
    }

    async fn at_once(&mut self, most: usize) -> Result<Vec<Message>, PullError> {
        self.request(BatchConfig { batch: most, no_wait: true, ..BatchConfig::default() }).await?;
        let until = Instant::now() + ANSWER;
        let mut batch = Vec::new();
        while batch.len() < most {
            match tokio::time::timeout_at(until, self.answer()).await {
                Ok(Ok(Answer::Message(message))) => batch.push(*message),
                Ok(Ok(Answer::Heartbeat)) => {}
                Ok(Ok(Answer::End)) => break,
                // What has come is not lost with the rest.
                Ok(Err(error)) if batch.is_empty() => return Err(error),
                Err(_elapsed) if batch.is_empty() => return Err(PullError("no answer".to_owned())),
                Ok(Err(_)) | Err(_) => break,
            }
        }
        Ok(batch)
    }

    async fn first(&mut self, stop: &CancellationToken) -> Result<Option<Message>, PullError> {
        let request = BatchConfig { batch: 1, expires: Some(WAIT), idle_heartbeat: HEARTBEAT, ..BatchConfig::default() };
        self.request(request).await?;
        loop {
            let mut link = self.link.clone();
            let answer = tokio::select! {
                answer = tokio::time::timeout(2 * HEARTBEAT, self.answer()) => answer,
                () = stop.cancelled() => return Ok(None),
                // The broker has forgotten the request.
                _ = link.changed() => return Err(PullError("the connection was lost".to_owned())),
            };
            match answer {
                Ok(Ok(Answer::Message(message))) => return Ok(Some(*message)),
                Ok(Ok(Answer::Heartbeat)) => {}
                Ok(Ok(Answer::End)) => return Ok(None),
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) => return Err(PullError("no heartbeat".to_owned())),
            }
        }
    }

    async fn request(&self, batch: BatchConfig) -> Result<(), PullError> {
        self.consumer.request_batch(batch, self.inbox.clone()).await.map_err(|error| PullError(error.to_string()))
    }

    async fn answer(&mut self) -> Result<Answer, PullError> {
        let message = self.answers.next().await.ok_or_else(|| PullError("the connection is closed".to_owned()))?;
        match message.status {
            None | Some(StatusCode::OK) => Ok(Answer::Message(Box::new(Message { message, context: self.context.clone() }))),
            Some(StatusCode::IDLE_HEARTBEAT) => Ok(Answer::Heartbeat),
            Some(StatusCode::NOT_FOUND | StatusCode::TIMEOUT) => Ok(Answer::End),
            Some(status) => Err(PullError(format!("{status} {}", message.description.unwrap_or_default()))),
        }
    }
}
