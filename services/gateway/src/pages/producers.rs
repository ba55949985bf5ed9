//! Producers: made, disabled, given new tokens, told for how long they may be silent, without a restart of anything.

use super::administration::{Nothing, disabling, secret, state, told};
use super::chosen::{self, Chooser};
use super::frame::Frame;
use super::respond;
use crate::App;
use crate::directory::producers::{self, ListedProducer, NewProducer, Watch};
use crate::viewer::{PageViewer, SignedForm, Speaks};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::Problem;
use duban_contracts::source::{SourceList, SourceShown};
use maud::{Markup, html};

/// `heard`: when they were heard last; None where that cannot be told now.
pub(super) fn table(frame: &Frame, producers: &[ListedProducer], heard: Option<&SourceList>) -> Markup {
    html! {
        @if producers.is_empty() { p.soft { (frame.t("还没有来件接入方。热线平台、网页表单要先登记，才能提交来件。", "None yet. A hotline or a form must be known before it can send reports.")) } }
        @else { table {
            thead { tr {
                th { (frame.t("代码", "Id")) } th { (frame.t("名称", "Name")) } th { (frame.t("默认单位", "Unit")) }
                th { (frame.t("最近来件", "Heard last")) } th { (frame.t("静默时限", "May be silent for")) }
                th { (frame.t("状态", "State")) } th { (frame.t("操作", "Actions")) }
            } }
            tbody { @for producer in producers { tr data-row {
                td data-label=(frame.t("代码", "Id")) { (producer.id) }
                td data-label=(frame.t("名称", "Name")) { (producer.name) }
                td data-label=(frame.t("默认单位", "Unit")) { (frame.unit(&producer.unit)) }
                td data-label=(frame.t("最近来件", "Heard last")) { (last_heard(frame, heard, &producer.id)) }
                td data-label=(frame.t("静默时限", "May be silent for")) { (silence(frame, producer)) }
                td { (state(frame, producer.disabled)) }
                td { (acts(frame, producer)) }
            } } }
        } }
    }
}

/// A new token takes the place of the old one, and enables a producer that was disabled.
fn acts(frame: &Frame, producer: &ListedProducer) -> Markup {
    let effect =
        frame.t("旧令牌随即失效，接入方须立即改用新令牌。", "The old token ends at once: the producer must use the new one from then on.");
    html! {
        details.small {
            summary { @if producer.disabled { (frame.t("启用并发放令牌", "Enable, with a new token")) } @else { (frame.t("换发令牌", "New token")) } }
            form method="post" action={ "/administration/producers/" (producer.id) "/token" } {
                (frame.csrf())
                @if !producer.disabled { p { (effect) } }
                button.plain type="submit" { @if producer.disabled { (frame.t("启用", "Enable")) } @else { (frame.t("换发", "Give")) } " " (producer.id) }
            }
        }
        @if !producer.disabled {
            (disabling(frame, "producers", &producer.id, frame.t("此后不再接受其来件；已受理的不受影响。", "It can send no reports from then on; what was accepted stays.")))
        }
    }
}

/// Where producers stand.
const PRODUCERS: &str = "/administration#producers";

fn last_heard(frame: &Frame, heard: Option<&SourceList>, producer: &str) -> Markup {
    let Some(heard) = heard else { return html! { span.soft { (frame.t("暂时无法查询", "cannot be told now")) } } };
    let known = heard.sources.iter().find(|source| source.producer == producer);
    html! {
        @match known.and_then(|source| source.heard_at) {
            Some(at) => (frame.time(at)),
            None => span.soft { (frame.t("尚无来件", "never")) },
        }
        @if let Some(SourceShown { silent_since: Some(since), .. }) = known {
            div { span.state.overdue { (frame.t("静默", "Silent")) } " " (frame.t("自", "since")) " " (frame.time(*since)) }
        }
    }
}

/// For how long it may be silent, to be changed on the spot.
fn silence(frame: &Frame, producer: &ListedProducer) -> Markup {
    let set = producer.silent_after.as_deref().unwrap_or_default();
    let label = format!(
        "{}：{}",
        producer.id,
        frame.t("静默时限，如 4wh；不填则不监测", "how long it may be silent, such as 4wh; empty: not watched")
    );
    html! {
        @if producer.disabled { (set) } @else {
            form method="post" action={ "/administration/producers/" (producer.id) "/watch" } {
                (frame.csrf())
                input name="silent_after" value=(set) size="6" placeholder=(frame.t("不监测", "not watched")) aria-label=(label);
                " " button.plain type="submit" { (frame.t("保存", "Save")) }
            }
        }
    }
}

pub(super) fn form(frame: &Frame) -> Markup {
    html! {
        details.sheet {
            summary { (frame.t("登记来件接入方", "Add a producer")) }
            form method="post" action="/administration/producers" {
                (frame.csrf())
                label for="producer-id" { (frame.t("代码", "Id")) span.hint { (frame.t("小写字母、数字、连字符；登记后不能更改", "lower-case letters, digits, hyphens; it can never be changed")) } }
                input #producer-id name="id" required pattern="[a-z0-9_\\-]{1,40}";
                label for="producer-name" { (frame.t("名称", "Name")) } input #producer-name name="name";
                label for="producer-unit" { (frame.t("默认单位", "Unit of reports that name none")) } (chosen::unit(frame, &Chooser { id: "producer-unit", name: "unit", value: "", empty: None }))
                label for="producer-silence" {
                    (frame.t("静默时限（可不填）", "How long it may be silent (optional)"))
                    span.hint { (frame.t("超过此时限没有来件即告警，按默认单位的日历计，如 4wh、1wd、24h", "longer without a report is told, in the calendar of its unit: 4wh, 1wd, 24h")) }
                }
                input #producer-silence name="silent_after";
                p { button type="submit" { (frame.t("登记并发放令牌", "Add and give a token")) } }
            }
        }
    }
}

/// `POST /administration/producers/{producer}/watch`
pub async fn watch(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(producer): Path<String>,
    SignedForm(watch): SignedForm<Watch>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/administration");
    let done = async {
        viewer.must_administer()?;
        producers::watch(&app, &viewer.person, &producer, &watch).await
    };
    done.await.map_or_else(|why| respond::problem(&frame, &why), |()| Redirect::to(PRODUCERS).into_response())
}

/// `POST /administration/producers`
pub async fn create(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    SignedForm(new): SignedForm<NewProducer>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/administration");
    let done = async {
        viewer.must_administer()?;
        producers::create(&app, &viewer.person, new).await
    };
    respond::page(&frame, done.await.map(|made| secret(&frame, &made.id, &made.token, PRODUCERS)))
}

/// `POST /administration/producers/{producer}/{token|disable}`
pub async fn act(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path((producer, act)): Path<(String, String)>,
    SignedForm(Nothing {}): SignedForm<Nothing>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/administration");
    let done = async {
        viewer.must_administer()?;
        match act.as_str() {
            "token" => producers::new_token(&app, &viewer.person, &producer).await.map(|made| Some(made.token)),
            "disable" => producers::disable(&app, &viewer.person, &producer).await.map(|()| None),
            _ => Err(Problem::not_found()),
        }
    };
    told(&frame, &producer, PRODUCERS, done.await)
}
