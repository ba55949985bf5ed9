//! 试运行: which rules run on trial, what they have made so far, and what would have been sent to whom.

use super::frame::Frame;
use super::operation::next_page;
use super::{alert, respond};
use crate::App;
use crate::viewer::{PageViewer, Speaks};
use axum::extract::{Query, State};
use axum::response::Response;
use duban_contracts::alert::{AlertList, AlertListRequest};
use duban_contracts::duty::{TrialFigures, TrialFiguresRequest, TrialRule};
use duban_policy::Policy;
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

fn view(frame: &Frame, policy: &Policy, figures: &TrialFigures, alerts: &AlertList) -> Markup {
    let content = html! {
        p.soft { (frame.t("试运行中的制度或规则照常计时、照常记录，但不发任何通知。试运行结束后，已经超期的不再升级，尚未到期的转为正式执行。",
            "What is on trial is timed and kept as usual, and nobody is told. When a trial ends, what was missed in it climbs no further, and what is not due yet is for real.")) }
        h2 { (frame.t("试运行范围", "What is on trial")) }
        @if policy.trials().is_empty() {
            p.soft { (frame.t("现行版本没有试运行的制度或规则。", "Nothing is on trial in the version in force.")) }
        } @else { table {
            thead { tr { th { (frame.t("制度", "Regulation")) } th { (frame.t("范围", "Extent")) } th { (frame.t("状态", "State")) } } }
            tbody { @for trial in policy.trials() {
                @let words = policy.trial_words(trial);
                tr data-row {
                    td data-label=(frame.t("制度", "Regulation")) { (trial.pack.as_deref().map_or_else(|| frame.t("全部制度", "All of them").to_owned(), |pack| frame.pack(pack))) }
                    td data-label=(frame.t("范围", "Extent")) { (frame.t(&words.zh, &words.en)) }
                    td data-label=(frame.t("状态", "State")) { (if trial.holds_at(frame.now) { frame.t("试运行中", "runs") } else { frame.t("未在试运行期内", "does not run now") }) }
                }
            } }
        } }
        h2 { (frame.t("至今的数据", "Figures so far")) }
        (table(frame, policy, figures))
        p { a href="/duties?state=trial" { (frame.t("逐项查看", "Duty by duty")) } }
        h2 { (frame.t("本应发出的通知", "What would have been sent")) }
        (unsent(frame, alerts))
        @if let Some(next) = alerts.next { (next_page(frame, "/trials", &[("before", &next.to_string())])) }
    };
    frame.page(frame.t("试运行", "Trials"), false, &content)
}

fn table(frame: &Frame, policy: &Policy, figures: &TrialFigures) -> Markup {
    html! {
        @if figures.rules.is_empty() { p.soft { (frame.t("还没有试运行的事项。", "No duty has been on trial yet.")) } }
        @else { table {
            thead { tr {
                th { (frame.t("事项", "Duty")) } th.number { (frame.t("产生", "Opened")) } th.number { (frame.t("进行中", "Open")) }
                th.number { (frame.t("按时了结", "In time")) } th.number { (frame.t("逾期了结", "Late")) } th.number { (frame.t("超期", "Overdue")) }
                th.number { (frame.t("本应发出通知", "Alerts")) } th.number { (frame.t("人次", "People told")) }
            } }
            tbody { @for rule in &figures.rules { (row(frame, policy, rule)) } }
        } }
    }
}

fn row(frame: &Frame, policy: &Policy, rule: &TrialRule) -> Markup {
    let title = policy.rule_title(&rule.pack, &rule.rule);
    html! {
        tr data-row {
            td data-label=(frame.t("事项", "Duty")) { (frame.t(&title.zh, &title.en)) div.small.soft { (frame.pack(&rule.pack)) } }
            td.number data-label=(frame.t("产生", "Opened")) { (rule.opened) }
            td.number data-label=(frame.t("进行中", "Open")) { (rule.open) }
            td.number data-label=(frame.t("按时了结", "In time")) { (rule.closed_in_time) }
            td.number data-label=(frame.t("逾期了结", "Late")) { (rule.closed_late) }
            td.number data-label=(frame.t("超期", "Overdue")) { (rule.breached) }
            td.number data-label=(frame.t("本应发出通知", "Alerts")) { (rule.alerts) }
            td.number data-label=(frame.t("人次", "People told")) { (rule.tellings) }
        }
    }
}

fn unsent(frame: &Frame, alerts: &AlertList) -> Markup {
    html! {
        @if alerts.alerts.is_empty() { p.soft { (frame.t("没有。", "Nothing.")) } }
        @else { table {
            caption { (frame.counted(alerts.total, "条", "alert", "alerts")) }
            thead { tr { th { (frame.t("时间", "Time")) } th { (frame.t("事项", "Duty")) } th { (frame.t("本应通知", "Would have told")) } } }
            tbody { @for alert in &alerts.alerts { tr data-row {
                td data-label=(frame.t("时间", "Time")) { (frame.time(alert.raised_at)) }
                td data-label=(frame.t("事项", "Duty")) { a href={ "/duties/" (alert.duty) } { (frame.t(&alert.title_zh, &alert.title)) } " " span.small.soft { (alert::sort_word(frame, &alert.sort)) } }
                td data-label=(frame.t("本应通知", "Would have told")) {
                    @for told in &alert.recipients { div { (frame.name(&told.person)) " " span.small.soft { (frame.post(&told.post)) } } }
                    @if alert.recipients.is_empty() { (frame.t("无人可通知", "nobody")) }
                }
            } } }
        } }
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    before: Option<Uuid>,
}

/// `GET /trials`
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Query(asked): Query<Asked>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/trials");
    let unsent =
        AlertListRequest { state: Some("all".to_owned()), all: true, trial: true, before: asked.before, ..AlertListRequest::default() };
    let since_ever = TrialFiguresRequest::default();
    let content = async {
        let (_, policy) = app.policy()?;
        let (figures, alerts) = tokio::join!(app.services.trial_figures(&viewer, &since_ever), app.services.alert_list(&viewer, &unsent));
        Ok(view(&frame, &policy, &figures?, &alerts?))
    };
    respond::page(&frame, content.await)
}
