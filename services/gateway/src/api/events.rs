//! `GET /v1/events`: live updates as server-sent events, to each person what he may see.

use crate::App;
use crate::api::openapi::{Api, Endpoint};
use crate::live::{self, Passing};
use crate::viewer::Viewer;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures::{Stream, StreamExt};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// Longest that one line stays open: then the browser comes again and shows anew who he is.
const LONGEST: Duration = Duration::from_secs(15 * 60);

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/events", "Live updates (text/event-stream)"), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15)).text("hello");
    Sse::new(updates(app, viewer)).keep_alive(keep_alive)
}

fn updates(app: App, viewer: Viewer) -> impl Stream<Item = Result<Event, Infallible>> {
    let watching = app.live.watch();
    let until = tokio::time::Instant::now() + LONGEST;
    let bundles = futures::stream::unfold((app, viewer, watching), move |(app, viewer, mut watching)| async move {
        let bundle = tokio::select! {
            () = tokio::time::sleep_until(until) => return None,
            () = app.platform.shutdown.cancelled() => return None,
            bundle = bundle(&app, &viewer, &mut watching) => bundle?,
        };
        Some((futures::stream::iter(bundle.into_iter().map(Ok)), (app, viewer, watching)))
    });
    bundles.flatten()
}

/// Waits for an event, and a moment more for others, so that many at once are one question to the cases' owner. None when nothing can come.
async fn bundle(app: &App, viewer: &Viewer, watching: &mut Receiver<Arc<Passing>>) -> Option<Vec<Event>> {
    const MOMENT: Duration = Duration::from_millis(150);
    const MOST: usize = 200;
    let missed = || Event::default().event("missed").data("{}");
    let mut passed = match watching.recv().await {
        Ok(first) => vec![first],
        // A reader too slow for what passed is told to load again.
        Err(RecvError::Lagged(_)) => return Some(vec![missed()]),
        Err(RecvError::Closed) => return None,
    };
    tokio::time::sleep(MOMENT).await;
    let mut lost = false;
    while passed.len() < MOST {
        match watching.try_recv() {
            Ok(next) => passed.push(next),
            Err(TryRecvError::Lagged(_)) => lost = true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    // Who has logged out or was shut out meanwhile hears nothing more. With the database down that cannot be known, and the line goes on for
    // the rest of its quarter of an hour.
    let viewer = match app.access.again(viewer).await {
        Ok(viewer) => viewer?,
        Err(_) => viewer.clone(),
    };
    let told = live::told_to(app, &viewer, &passed).await.into_iter();
    let events = told.map(|(id, told)| Event::default().id(id).event(&told.event).json_data(&told).unwrap_or_default());
    Some(events.chain(lost.then(missed)).collect())
}
