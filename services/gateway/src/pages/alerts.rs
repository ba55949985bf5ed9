//! 我的督办: the alerts that wait for the reader, what burns first on top, live; and above them whom no message reached, and the sets of
//! regulations that wait for his signature.

use super::duties::matter;
use super::frame::{Frame, Urgency};
use super::operation::unreachable;
use super::respond;
use crate::App;
use crate::policies::judged;
use crate::viewer::{PageViewer, SignedForm, Speaks};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::Problem;
use duban_contracts::alert::{AlertEvent, AlertList, AlertListRequest};
use duban_contracts::delivery::{DeliveryList, DeliveryListRequest};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

/// So many of those whom no message reached are named; the page of deliveries has them all.
const MOST_UNREACHABLE: u32 = 20;

/// What stands above the alerts.
pub struct Above<'a> {
    pub sent: &'a Result<DeliveryList, Problem>,
    /// Versions of the policy set that wait for the reader's signature.
    pub to_sign: &'a [i64],
    pub told: Option<&'a str>,
}

/// The page. `all` shows settled ones too.
pub fn view(frame: &Frame, list: &AlertList, above: &Above<'_>, all: bool) -> Markup {
    let title = frame.t("我的督办", "My alerts");
    let content = html! {
        @if let Some(told) = above.told { div.notice role="status" { (told) } }
        @for version in above.to_sign { div.notice {
            a href={ "/policies/" (version) } { (frame.t("制度第", "Version ")) (version) (frame.t("版等您批准", " of the policies waits for your signature")) }
        } }
        (tabs(frame, all))
        div.live #live hidden role="status" aria-live="polite"
            data-before=(frame.t("", "Show ")) data-after=(frame.t(" 条更新，点此显示", " changes")) {
            button type="button" {}
        }
        // What is shown anew when the reader asks for it, whole.
        div data-live="alerts" tabindex="-1" {
            (not_told(frame, above.sent))
            ul.cards { @for alert in &list.alerts { li { (card(frame, alert)) } } }
            @if list.alerts.is_empty() { (empty(frame)) }
            @if let Some(next) = list.next {
                p { a.button.plain href={ "/alerts?before=" (next) (if all { "&state=all" } else { "" }) } { (frame.t("更早的", "Earlier ones")) } }
            }
        }
    };
    frame.page(title, false, &content)
}

/// Whom no message reached. Where that cannot be known it is said: nobody is to believe that all were told.
fn not_told(frame: &Frame, sent: &Result<DeliveryList, Problem>) -> Markup {
    match sent {
        Ok(sent) => unreachable(frame, &sent.unreachable),
        Err(why) if why.status < 500 => html! {},
        Err(why) => frame.wrong(frame.t("通知是否送达", "Whether messages arrived"), why),
    }
}

fn tabs(frame: &Frame, all: bool) -> Markup {
    html! {
        ul.tabs {
            li { a href="/alerts" aria-current=[(!all).then_some("true")] { (frame.t("待签收", "To acknowledge")) } }
            li { a href="/alerts?state=all" aria-current=[all.then_some("true")] { (frame.t("全部", "All")) } }
        }
    }
}

fn empty(frame: &Frame) -> Markup {
    html! { div.sheet { p {
        (frame.t("现在没有等您签收的督办。事项临近时限、超期或升级到您这里时，会出现在这一页，并发邮件通知您。",
            "Nothing waits for you. When a matter nears its time, is overdue or climbs to you, it appears here and you get a mail."))
        " " a href="/duties?state=mine" { (frame.t("查看由我负责的事项", "See what I owe")) }
    } } }
}

/// One alert: what, by when, what happens otherwise, one button.
pub fn card(frame: &Frame, alert: &AlertEvent) -> Markup {
    let urgency = Urgency::of_alert(alert);
    html! {
        article class={ "card " (urgency.class()) } data-row id={ "alert-" (alert.alert) } {
            div.row {
                (urgency.mark(frame.language))
                @if alert.repetition > 0 { span.small.soft { (frame.t("第", "Reminder no. ")) (alert.repetition + 1) (frame.t("次提醒", "")) } }
                @if alert.late { span.small.soft { (frame.t("补发：系统曾中断", "Sent late: the system was interrupted")) } }
            }
            h2 { a href=(matter(&alert.link, alert.duty)) { (frame.t(&alert.title_zh, &alert.title)) } }
            (facts(frame, alert))
            @if alert.state == "open" { (button(frame, alert)) }
            p.small { a href={ "/alerts/" (alert.alert) } { (frame.t("通知详情", "About this alert")) } }
        }
    }
}

/// Due time, rule and what comes next.
pub fn facts(frame: &Frame, alert: &AlertEvent) -> Markup {
    html! {
        dl.facts {
            dt { (frame.t("时限", "Due")) } dd { a href={ "/duties/" (alert.duty) } { (frame.due(alert.due_at)) } }
            dt { (frame.t("依据", "Article")) } dd { (frame.article(&alert.pack, &alert.article)) }
            dt { (frame.t("发出", "Raised")) } dd { (frame.time(alert.raised_at)) }
            @if !alert.owed_by.is_empty() { dt { (frame.t("责任岗位", "Owed by")) } dd { (frame.post(&alert.owed_by)) } }
            @if let Some(next) = alert.next.as_ref().filter(|_| alert.state == "open") {
                dt { (frame.t("若不处理", "If nobody acts")) }
                dd { (next.posts.iter().map(|post| frame.post(post)).collect::<Vec<_>>().join(frame.t("、", ", "))) " " (frame.time(next.at)) }
            }
            @for acknowledgement in &alert.acknowledgements {
                dt { (frame.t("签收", "Acknowledged")) } dd { (frame.name(&acknowledgement.person)) " " (frame.time(acknowledgement.at)) }
            }
        }
    }
}

/// The button that acknowledges.
pub fn button(frame: &Frame, alert: &AlertEvent) -> Markup {
    html! {
        form method="post" action={ "/alerts/" (alert.alert) "/acknowledge" } {
            (frame.csrf())
            // One id for this showing of the button: pressing it twice acts once.
            input type="hidden" name="request" value=(duban_contracts::ids::fresh());
            button type="submit" { (frame.t("签收此督办", "Acknowledge this alert")) }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    state: Option<String>,
    before: Option<Uuid>,
    told: Option<String>,
}

/// `GET /alerts`
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Query(asked): Query<Asked>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/alerts");
    let all = asked.state.as_deref() == Some("all");
    let request = AlertListRequest { state: asked.state, before: asked.before, ..AlertListRequest::default() };
    let told = (asked.told.as_deref() == Some("acknowledged"))
        .then(|| frame.t("已签收。办结之前，时限照常计算。", "Acknowledged. Its clock runs until it is done."));
    let sent = DeliveryListRequest { limit: Some(MOST_UNREACHABLE), ..DeliveryListRequest::default() };
    let (list, sent, to_sign) = tokio::join!(
        app.services.alert_list(&viewer, &request),
        app.services.delivery_list(&viewer, &sent),
        judged::to_sign(&app, &viewer.person)
    );
    // Alerts are shown whatever is with the policies; the page of these says what.
    let to_sign = to_sign.unwrap_or_default();
    respond::page(&frame, list.map(|list| view(&frame, &list, &Above { sent: &sent, to_sign: &to_sign, told }, all)))
}

#[derive(Debug, Deserialize)]
pub struct Acknowledging {
    request: Uuid,
}

/// `POST /alerts/{alert}/acknowledge`
pub async fn acknowledge(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(alert): Path<Uuid>,
    SignedForm(form): SignedForm<Acknowledging>,
) -> Response {
    match app.services.alert_acknowledge(&viewer, form.request, alert).await {
        Ok(_) => Redirect::to("/alerts?told=acknowledged").into_response(),
        Err(why) => respond::problem(&respond::frame(&app, Some(&viewer), language, "/alerts"), &why),
    }
}
