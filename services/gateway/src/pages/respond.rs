//! What all handlers share: the frame of the asker, assets, the change of language, and errors as pages.

use super::frame::{Frame, ICON};
use super::{labels, operation};
use crate::App;
use crate::viewer::{Language, MaybeViewer, Viewer};
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use duban_contracts::{FieldError, Problem};
use duban_policy::directory::Right;
use maud::Markup;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The frame of a page for this reader.
pub fn frame(app: &App, viewer: Option<&Viewer>, language: Language, path: &str) -> Frame {
    Frame {
        language,
        person: viewer.map(|v| (v.name.clone(), v.csrf.clone())),
        administers: viewer.is_some_and(|v| v.administers),
        rights: viewer.map(|viewer| rights(app, viewer)).unwrap_or_default(),
        now: app.platform.clock.now(),
        zone: app.zone(),
        path: path.to_owned(),
        directory: app.directory().ok(),
        policy: app.policy().ok().map(|(_, policy)| policy),
        demonstration: app.settings.demonstration,
    }
}

fn rights(app: &App, viewer: &Viewer) -> BTreeSet<Right> {
    Right::ALL.into_iter().filter(|right| viewer.may_somewhere(app, *right)).collect()
}

/// A problem in a sentence, with every field at fault.
pub fn in_words(frame: &Frame, why: &Problem) -> String {
    let mut text = frame.t(&why.title_zh, &why.title).to_owned();
    if !why.detail.is_empty() {
        text.push_str(frame.t("：", ": "));
        text.push_str(frame.said(&why.detail_zh, &why.detail));
    }
    for error in &why.errors {
        text.push_str(frame.t("；", "; "));
        text.push_str(&fault_in_words(frame, error));
    }
    text
}

/// A field at fault: what it is called, what was wrong, what is expected.
pub fn fault_in_words(frame: &Frame, fault: &FieldError) -> String {
    let label = labels::of(frame, &fault.field);
    let between = if label.is_empty() { "" } else { frame.t("：", ": ") };
    format!("{label}{between}{}", at_its_field(frame, fault))
}

/// The same where the field stands above it.
pub fn at_its_field(frame: &Frame, fault: &FieldError) -> String {
    let (wrong, expected) = (frame.said(&fault.wrong_zh, &fault.wrong), frame.said(&fault.expected_zh, &fault.expected));
    if expected.is_empty() { wrong.to_owned() } else { format!("{wrong}{}{expected}{}", frame.t("（", " ("), frame.t("）", ")")) }
}

/// The status of a problem.
pub fn status(why: &Problem) -> StatusCode {
    StatusCode::from_u16(why.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A problem as a page, with its status.
pub fn problem(frame: &Frame, problem: &Problem) -> Response {
    (status(problem), operation::problem(frame, problem)).into_response()
}

/// A page, or its problem as a page.
pub fn page(frame: &Frame, content: Result<Markup, Problem>) -> Response {
    match content {
        Ok(markup) => markup.into_response(),
        Err(why) => problem(frame, &why),
    }
}

/// `/`: a person's alerts; for the public the form.
pub async fn start(MaybeViewer(viewer): MaybeViewer) -> Redirect {
    Redirect::to(if viewer.is_some() { "/alerts" } else { "/report" })
}

/// Style sheet, script and icon. Revalidated on each start of the gateway by its version.
pub async fn asset(Path(name): Path<String>) -> Response {
    let (kind, content): (&str, &str) = match name.as_str() {
        "style.css" => ("text/css; charset=utf-8", include_str!("style.css")),
        "live.js" => ("text/javascript; charset=utf-8", include_str!("live.js")),
        "icon.svg" => ("image/svg+xml", ICON.0),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=300")], content).into_response()
}

#[derive(Debug, Deserialize)]
pub struct Back {
    #[serde(default)]
    back: String,
}

/// Remembers the reader's language and goes back to where he was.
pub async fn language(jar: CookieJar, Path(code): Path<String>, Query(back): Query<Back>) -> Response {
    let code = if code == "en" { "en" } else { "zh" };
    let cookie = Cookie::build(("duban_language", code)).path("/").same_site(SameSite::Lax).permanent().build();
    (jar.add(cookie), Redirect::to(own_path(&back.back))).into_response()
}

/// Only a path of our own, so that no link leads a reader elsewhere.
pub fn own_path(path: &str) -> &str {
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && !path.bytes().any(|b| b.is_ascii_control());
    if ours { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn nobody_is_sent_away() {
        assert_eq!(own_path("/cases?state=open"), "/cases?state=open");
        for bad in ["https://x.example", "//x.example", "/\\x.example", "", "/a\r\nSet-Cookie: x"] {
            assert_eq!(own_path(bad), "/", "{bad}");
        }
    }
}
