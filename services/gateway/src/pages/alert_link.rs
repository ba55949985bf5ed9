//! The page behind the link in an alert's message: one screen, one button, no login. Opening it never acts, because mail scanners open links.

use super::alerts::facts;
use super::duties::matter;
use super::frame::{Frame, Urgency};
use super::respond;
use crate::App;
use crate::viewer::{ClientAddress, OpenForm, Speaks};
use axum::extract::{Path, State};
use axum::response::Response;
use duban_contracts::Problem;
use duban_contracts::alert::AlertEvent;
use duban_contracts::delivery::Link;
use maud::{Markup, html};
use serde::Deserialize;

/// Before the button is pressed, and afterwards: what was done.
pub fn view(frame: &Frame, token: &str, link: &Link, alert: &AlertEvent) -> Markup {
    let urgency = Urgency::of_alert(alert);
    let title = frame.t(&alert.title_zh, &alert.title);
    let content = html! {
        article class={ "card " (urgency.class()) } {
            p { (urgency.mark(frame.language)) }
            (facts(frame, alert))
        }
        @if let Some(used) = link.used_at {
            div.notice role="status" { (frame.t("已签收：", "Acknowledged: ")) (frame.time(used))
                (frame.t("。此链接已使用，无需再次操作。", ". This link has been used; there is nothing more to do.")) }
        } @else if alert.state != "open" {
            div.notice role="status" { (frame.t("此事项已了结，无需再签收。", "This matter has been settled; there is nothing to acknowledge.")) }
        } @else {
            form method="post" action={ "/a/" (token) } {
                button.big type="submit" { (frame.t("签收此督办", "Acknowledge this alert")) }
            }
            p.soft.small { (frame.t("签收表示您已知悉并负责跟进；在办结之前，时限照常计算。",
                "Acknowledging says that you know and will follow it up; its clock runs until it is done.")) }
        }
        p { a href=(matter(&alert.link, alert.duty)) { (frame.t("登录后查看全部经过", "Log in to see the whole story")) } }
    };
    frame.page(title, true, &content)
}

/// A link that is unknown, expired or of an alert that is gone.
pub fn gone(frame: &Frame) -> Markup {
    let content = html! {
        div.notice { (frame.t("此链接无效或已过期。您可以登录后在“我的督办”中处理。", "This link is not valid any more. Log in and look under My alerts."))
        } p { a.button href="/alerts" { (frame.t("打开我的督办", "Open my alerts")) } }
    };
    frame.page(frame.t("链接已失效", "The link is not valid any more"), true, &content)
}

/// `GET /a/{token}`: shows, never acts.
pub async fn show(
    State(app): State<App>,
    Speaks(language): Speaks,
    Path(token): Path<String>,
    ClientAddress(address): ClientAddress,
) -> Response {
    let frame = respond::frame(&app, None, language, "/a");
    if let Err(why) = app.limits.look_up(address) {
        return respond::problem(&frame, &why);
    }
    respond::page(&frame, opened(&app, &frame, &token).await)
}

async fn opened(app: &App, frame: &Frame, token: &str) -> Result<Markup, Problem> {
    let link = match app.services.link_open(token).await {
        Ok(link) => link,
        Err(why) if why.status == 404 || why.status == 410 => return Ok(gone(frame)),
        Err(why) => return Err(why),
    };
    let alert = app.services.link_alert(&link).await?;
    Ok(view(frame, token, &link, &alert))
}

/// `POST /a/{token}`: acknowledges, then shows what was done. Pressing twice acts once.
pub async fn acknowledge(
    State(app): State<App>,
    Speaks(language): Speaks,
    Path(token): Path<String>,
    ClientAddress(address): ClientAddress,
    OpenForm(Nothing {}): OpenForm<Nothing>,
) -> Response {
    let frame = respond::frame(&app, None, language, "/a");
    if let Err(why) = app.limits.look_up(address) {
        return respond::problem(&frame, &why);
    }
    respond::page(&frame, acknowledged(&app, &frame, &token).await)
}

/// The form has no fields: the link says everything.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

async fn acknowledged(app: &App, frame: &Frame, token: &str) -> Result<Markup, Problem> {
    let mut link = match app.services.link_open(token).await {
        Ok(link) => link,
        Err(why) if why.status == 404 || why.status == 410 => return Ok(gone(frame)),
        Err(why) => return Err(why),
    };
    if link.used_at.is_none() {
        app.services.link_acknowledge(&link).await?;
        // The link is marked used by the event of the acknowledgement, which may still be on its way.
        link.used_at = Some(frame.now);
    }
    let alert = app.services.link_alert(&link).await?;
    Ok(view(frame, token, &link, &alert))
}
