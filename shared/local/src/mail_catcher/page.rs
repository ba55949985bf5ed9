//! What came, as pages and as JSON.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use maud::{DOCTYPE, Markup, html};
use tokio::net::TcpListener;

use super::{Mail, Mailbox};

const STYLE: &str = include_str!("page.css");

pub(super) async fn serve(listener: TcpListener, mailbox: Arc<Mailbox>) {
    let pages = Router::new()
        .route("/", get(list))
        .route("/style.css", get(async || ([(header::CONTENT_TYPE, "text/css")], STYLE)))
        .route("/messages", get(list_as_json))
        .route("/messages/{id}", get(one_as_json))
        .route("/mail/{id}", get(one))
        .route("/mail/{id}/html", get(body))
        .route("/mail/{id}/raw", get(raw))
        .with_state(mailbox);
    if let Err(error) = axum::serve(listener, pages).await {
        tracing::error!(%error, "the mail catcher's page ended");
    }
}

type Box = State<Arc<Mailbox>>;

async fn list_as_json(State(mailbox): Box) -> Json<Vec<Mail>> {
    Json(mailbox.all())
}

async fn one_as_json(State(mailbox): Box, Path(id): Path<u64>) -> Response {
    mailbox.one(id).map_or_else(nothing, |mail| Json(mail).into_response())
}

async fn list(State(mailbox): Box) -> Markup {
    let mails = mailbox.all();
    page(
        "邮件 Mail",
        html! {
            h1 { "收到的邮件 " small { "Mail caught: " (mails.len()) } }
            p.note { "这里只接收、不外发。 Caught here, delivered to nobody. " a href="/messages" { "JSON" } }
            @if mails.is_empty() {
                p.empty { "还没有邮件：有督办通知时会出现在这里。 None yet: alerts will appear here." }
            } @else {
                table {
                    thead { tr { th { "时间 Time" } th { "收件人 To" } th { "主题 Subject" } } }
                    tbody { @for mail in mails.iter().rev() { tr {
                        td { time datetime=(mail.received) { (received(&mail.received)) } }
                        td { (mail.to.join(", ")) }
                        td { a href={ "/mail/" (mail.id) } { (if mail.subject.is_empty() { "（无主题）" } else { &mail.subject }) } }
                    } } }
                }
            }
        },
    )
}

/// To the second, and in which time.
fn received(at: &str) -> String {
    format!("{} UTC", at.get(..19).unwrap_or(at).replace('T', " "))
}

async fn one(State(mailbox): Box, Path(id): Path<u64>) -> Response {
    let Some(mail) = mailbox.one(id) else { return nothing() };
    page(
        &mail.subject,
        html! {
            p { a href="/" { "← 全部邮件 All mail" } " · " a href={ "/mail/" (id) "/raw" } { "原文 Source" } }
            h1 { (mail.subject) }
            dl {
                dt { "发件人 From" } dd { (mail.from) }
                dt { "收件人 To" } dd { (mail.to.join(", ")) }
                dt { "时间 Time" } dd { (received(&mail.received)) }
                @if let Some(message_id) = &mail.message_id { dt { "Message-ID" } dd { (message_id) } }
                @if !mail.attachments.is_empty() { dt { "附件 Attached" } dd { (mail.attachments.join(", ")) } }
            }
            @if mail.html.is_some() {
                // What a stranger wrote runs no script here, and its links open outside the frame.
                iframe src={ "/mail/" (id) "/html" } title="邮件正文 Message" sandbox="allow-popups allow-popups-to-escape-sandbox" {}
                details { summary { "纯文本 Plain text" } (words(&mail.text)) }
            } @else { (words(&mail.text)) }
        },
    )
    .into_response()
}

async fn body(State(mailbox): Box, Path(id): Path<u64>) -> Response {
    let Some(html) = mailbox.one(id).and_then(|mail| mail.html) else { return nothing() };
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    (headers, format!("<base target=\"_blank\">{html}")).into_response()
}

async fn raw(State(mailbox): Box, Path(id): Path<u64>) -> Response {
    let text = |mail: Mail| ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], mail.raw.to_vec()).into_response();
    mailbox.one(id).map_or_else(nothing, text)
}

fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "没有这封邮件。 No such mail.\n").into_response()
}

/// Plain text with its web addresses made links.
fn words(text: &str) -> Markup {
    html! { pre { @for (nr, line) in text.lines().enumerate() {
        @if nr > 0 { "\n" }
        @for (nr, word) in line.split(' ').enumerate() {
            @if nr > 0 { " " }
            @if word.starts_with("http://") || word.starts_with("https://") { a href=(word) target="_blank" rel="noopener" { (word) } } @else { (word) }
        }
    } } }
}

fn page(title: &str, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="zh" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (title) " · 督办 Duban" }
                link rel="stylesheet" href="/style.css";
            }
            body { main { (content) } }
        }
    }
}
