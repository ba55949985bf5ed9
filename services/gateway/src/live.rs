//! Live updates: events as they pass the broker, to each person those that he may see.
//!
//! What a page missed while its line was down it sees when it loads again: these are hints, the lists are the truth.

use crate::App;
use crate::viewer::Viewer;
use async_nats::Client;
use async_nats::Message;
use duban_contracts::event::header;
use duban_contracts::{alert::AlertEvent, subjects};
use futures::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::broadcast;
use uuid::Uuid;

/// How many events a slow reader may be behind before it loses some.
const BEHIND: usize = 1_024;

/// Hands events on to whoever watches. Cheap to clone.
#[derive(Clone)]
pub struct Live(broadcast::Sender<Arc<Passing>>);

/// An event that passes by.
pub struct Passing {
    pub id: String,
    pub told: Told,
    /// Recipients of an alert, the person of a delivery.
    pub meant_for: BTreeSet<String>,
    /// Those who never learn of it.
    pub excluded: Vec<String>,
}

/// What a watcher is told: no personal text, as in all events.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Told {
    /// `alert.raised`, `case.registered` …
    pub event: String,
    pub time: String,
    pub case: Option<Uuid>,
    /// `ce-subject`, e.g. `alert/0192…`.
    pub about: String,
    pub title: String,
    pub title_zh: String,
    pub number: Option<String>,
    pub link: Option<String>,
    /// The watcher is one of those that it is meant for.
    pub mine: bool,
}

/// The members of bodies that are looked at.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    case: Option<Uuid>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    title_zh: String,
    #[serde(default)]
    number: Option<String>,
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    person: Option<String>,
    #[serde(default)]
    excluded_people: Vec<String>,
}

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }
}

impl Live {
    /// Listens to all services' events until shutdown.
    ///
    /// # Errors
    /// A subscription cannot be made.
    pub async fn run(self, client: &Client, shutdown: duban_platform::CancellationToken) -> Result<(), async_nats::SubscribeError> {
        let mut events = futures::stream::SelectAll::new();
        for service in ["intake", "escalation", "archive", "notifications"] {
            events.push(client.subscribe(subjects::event(service, ">")).await?);
        }
        loop {
            let message = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                message = events.next() => message,
            };
            let Some(message) = message else { return Ok(()) };
            // Nobody watches: nothing is parsed.
            if self.0.receiver_count() > 0
                && let Some(passing) = read(&message)
            {
                let _ = self.0.send(Arc::new(passing));
            }
        }
    }

    pub fn watch(&self) -> broadcast::Receiver<Arc<Passing>> {
        self.0.subscribe()
    }
}

fn read(message: &Message) -> Option<Passing> {
    let name = subjects::event_name(&message.subject)?.to_owned();
    let text = |header: &str| message.headers.as_ref().and_then(|headers| headers.get(header)).map(|value| value.as_str().to_owned());
    let json: Value = serde_json::from_slice(&message.payload).ok()?;
    let mut meant_for = BTreeSet::new();
    if name.starts_with("alert.")
        && let Ok(alert) = serde_json::from_value::<AlertEvent>(json.clone())
    {
        // On trial nobody is told, here no more than by mail.
        if alert.trial {
            return None;
        }
        meant_for.extend(alert.recipients.into_iter().map(|recipient| recipient.person));
    }
    let body: Body = serde_json::from_value(json).ok()?;
    meant_for.extend(body.person);
    let case = text(header::CASE).and_then(|case| case.parse().ok()).or(body.case);
    Some(Passing {
        id: text(header::ID)?,
        told: Told {
            event: name,
            time: text(header::TIME).unwrap_or_default(),
            case,
            about: text(header::SUBJECT).unwrap_or_default(),
            title: body.title,
            title_zh: body.title_zh,
            number: body.number,
            link: body.link,
            mine: false,
        },
        meant_for,
        excluded: body.excluded_people,
    })
}

/// What the viewer is told of events that passed, with their ids. What is meant for him he sees; about cases their owner decides, asked once
/// for all of them; the rest is for administrators.
pub async fn told_to(app: &App, viewer: &Viewer, passing: &[Arc<Passing>]) -> Vec<(String, Told)> {
    let mut theirs: Vec<(&Passing, bool)> = Vec::with_capacity(passing.len());
    for passing in passing.iter().filter(|passing| !passing.excluded.contains(&viewer.person)) {
        theirs.push((passing, passing.meant_for.contains(&viewer.person)));
    }
    let cases: BTreeSet<Uuid> = theirs.iter().filter(|(_, mine)| !mine).filter_map(|(passing, _)| passing.told.case).collect();
    let visible = match cases.is_empty() {
        true => Vec::new(),
        false => app.services.case_visible(viewer, cases.into_iter().collect()).await.map(|answer| answer.visible).unwrap_or_default(),
    };
    let may_see = |passing: &Passing| passing.told.case.map_or(viewer.administers, |case| visible.contains(&case));
    let seen = theirs.into_iter().filter(|(passing, mine)| *mine || may_see(passing));
    seen.map(|(passing, mine)| (passing.id.clone(), Told { mine, ..passing.told.clone() })).collect()
}
