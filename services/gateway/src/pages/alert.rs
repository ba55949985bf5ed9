//! One alert: what happened, what must be done, by when, what follows if nobody does it, and the button to acknowledge it (签收).

use super::alerts::{button, facts};
use super::duties::matter;
use super::frame::{Frame, Urgency};
use super::respond;
use crate::App;
use crate::viewer::{PageViewer, Speaks};
use axum::extract::{Path, State};
use axum::response::Response;
use duban_contracts::alert::{AlertEvent, Recipient};
use maud::{Markup, html};
use uuid::Uuid;

/// `reader`: the person who looks at it.
pub fn view(frame: &Frame, alert: &AlertEvent, reader: &str) -> Markup {
    let urgency = Urgency::of_alert(alert);
    let content = html! {
        article class={ "card " (urgency.class()) } {
            p { (urgency.mark(frame.language)) " " (happened(frame, alert)) }
            (facts(frame, alert))
            @if alert.late { p.small.soft { (frame.t("补发：系统曾中断", "Sent late: the system was interrupted")) } }
        }
        h2 { (frame.t("需要做什么", "What must be done")) }
        p { (must_be_done(frame, alert, reader)) }
        @if alert.state == "open" { (button(frame, alert)) }
        // A duty about an alert leads to this very page: then there is nothing further to open.
        @let link = matter(&alert.link, alert.duty);
        @if link != frame.path { p { a.button.plain href=(link) { (frame.t("打开相关事项", "Open the matter")) } } }
        p { a href={ "/duties/" (alert.duty) } { (frame.t("这个时限是怎么来的", "How this due time came about")) } }
        h2 { (frame.t("通知了谁", "Who was told")) }
        ul { @for recipient in &alert.recipients { li { (told(frame, recipient)) } } }
    };
    frame.page(frame.t(&alert.title_zh, &alert.title), true, &content)
}

fn happened(frame: &Frame, alert: &AlertEvent) -> &'static str {
    match alert.sort.as_str() {
        "reminder" => frame.language.pick("时限将至，尚未完成。", "It nears its time and is not done."),
        "breach" => frame.language.pick("已超过时限，尚未完成。", "Its time has passed and it is not done."),
        "escalation" => frame.language.pick("超期后仍未处理，已上升到您这一级。", "It is overdue, nobody acted, and it has climbed."),
        "urge" => frame.language.pick("上级催办此事项，请立即办理。", "A superior urges: please see to it at once."),
        "awaited" => frame.language.pick("该事项正等待您的答复，已暂停计时。", "It waits for your answer, and its clock is stopped."),
        _ => frame.language.pick("特此通知，请关注。", "You are told of this: please take note."),
    }
}

/// What sort of alert it is, in a word.
pub fn sort_word<'a>(frame: &Frame, sort: &'a str) -> &'a str {
    match sort {
        "reminder" | "awaited" => frame.language.pick("提醒", "reminder"),
        "notice" => frame.language.pick("通报", "notice"),
        "breach" => frame.language.pick("超期", "overdue"),
        "escalation" => frame.language.pick("升级", "escalated"),
        "urge" => frame.language.pick("催办", "urged"),
        other => other,
    }
}

fn must_be_done(frame: &Frame, alert: &AlertEvent, reader: &str) -> String {
    let what = frame.t(&alert.title_zh, &alert.title);
    let all = alert.until.contains("all");
    // As the message of it says: who does not owe it sees to it that who owes it does it. One who was told is told of his own part.
    let is_own = |told: &&Recipient| told.person == reader;
    let told: Vec<&Recipient> = if alert.recipients.iter().any(|told| is_own(&told)) {
        alert.recipients.iter().filter(is_own).collect()
    } else {
        alert.recipients.iter().collect()
    };
    let is_owed_by_others = !told.is_empty() && told.iter().all(|told| told.post != alert.owed_by && told.meant_for.is_empty());
    if alert.state == "open" && is_owed_by_others {
        let owed_by = frame.post(&alert.owed_by);
        let (zh, en) = if all {
            ("请每位收件人分别签收", "Each of those told: please acknowledge")
        } else {
            ("请签收", "Please acknowledge")
        };
        let (zh, en) = (format!("。{zh}，并督促{owed_by}办结。"), format!(". {en}, and see that {owed_by} gets it done."));
        return format!("{what}{}", frame.t(&zh, &en));
    }
    let (zh, en) = match (alert.state.as_str(), all) {
        ("open", true) => ("请完成该事项；请每位收件人分别签收。", "Get it done; each of those told acknowledges for himself."),
        ("open", false) => ("请完成该事项并签收。", "Get it done, and acknowledge this alert."),
        ("acknowledged", _) => ("已签收。办结之前，时限照常计算。", "It is acknowledged. Its clock runs until it is done."),
        _ => ("此事项已了结，无需处理。", "This matter has been settled; there is nothing to do."),
    };
    format!("{what}{}{}", frame.t("。", ". "), frame.t(zh, en))
}

fn told(frame: &Frame, recipient: &Recipient) -> Markup {
    html! {
        (frame.name(&recipient.person)) " " span.soft { (frame.post(&recipient.post)) }
        @if let Some(reason) = found(frame, recipient) { br; span.small.soft { (reason) } }
        @if !recipient.meant_for.is_empty() { br; span.small.soft { (frame.instead_of(&recipient.meant_for)) } }
    }
}

/// Why it is not simply the holder of the post. An alert from before the English words were kept has the Chinese alone.
fn found<'a>(frame: &Frame, recipient: &'a Recipient) -> Option<&'a str> {
    let reason = recipient.reason.as_deref()?;
    Some(frame.t(reason, recipient.reason_en.as_deref().unwrap_or(reason)))
}

/// `GET /alerts/{alert}`
pub async fn show(State(app): State<App>, PageViewer(viewer): PageViewer, Speaks(language): Speaks, Path(alert): Path<Uuid>) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/alerts/{alert}"));
    let alert = app.services.alert_show(&viewer, alert).await;
    respond::page(&frame, alert.map(|alert| view(&frame, &alert, &viewer.person)))
}
