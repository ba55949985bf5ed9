//! `GET /v1/events`: live updates as server-sent events, to each person what he may see.

use crate::App;
use crate::api::openapi::{Api, Endpoint};
use crate::live;
use crate::viewer::Viewer;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures::Stream;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

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
    futures::stream::unfold((app, viewer, watching), move |(app, viewer, mut watching)| async move {
        loop {
            let passing = tokio::select! {
                () = tokio::time::sleep_until(until) => return None,
                () = app.platform.shutdown.cancelled() => return None,
                passing = watching.recv() => passing,
            };
            let event = match passing {
                Ok(passing) => match live::told_to(&app, &viewer, &passing).await {
                    Some(told) => Event::default().id(&passing.id).event(&told.event).json_data(&told).unwrap_or_default(),
                    None => continue,
                },
                // A reader too slow for what passed: he is told to load again.
                Err(RecvError::Lagged(_)) => Event::default().event("missed").data("{}"),
                Err(RecvError::Closed) => return None,
            };
            return Some((Ok(event), (app, viewer, watching)));
        }
    })
}
