//! The list of cases that the reader may see.

use super::chosen::{self, Chooser};
use super::frame::{Frame, Urgency};
use super::operation::next_page;
use super::respond;
use crate::App;
use crate::viewer::{PageViewer, Speaks, url_encoded};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use duban_contracts::Problem;
use duban_contracts::case::{CaseList, CaseListRequest, CaseSummary};
use duban_policy::directory::Right;
use maud::{Markup, html};

const STATES: [(&str, &str, &str); 7] = [
    ("open", "在办", "Open"),
    ("mine", "我承办的", "Mine"),
    ("major", "重大", "Major"),
    ("unsorted", "待分拣", "Unsorted"),
    ("master", "主案", "Masters"),
    ("attached", "已挂入主案", "Attached"),
    ("closed", "已办结", "Closed"),
];

/// The list, or why there is none, above the filters as they were given.
pub fn view(frame: &Frame, list: Result<&CaseList, &Problem>, asked: &CaseListRequest) -> Markup {
    let state = asked.state.as_deref().filter(|state| STATES.iter().any(|known| known.0 == *state)).unwrap_or("open");
    let content = html! {
        @if let Err(why) = list { div.notice.bad role="alert" { (respond::in_words(frame, why)) } }
        ul.tabs { @for (value, zh, en) in STATES {
            li { a href={ "/cases?state=" (value) } aria-current=[(value == state).then_some("true")] { (frame.t(zh, en)) } }
        } }
        form.filters method="get" action="/cases" role="search" {
            input type="hidden" name="state" value=(state);
            div { label for="search" { (frame.t("编号或标题", "Number or title")) } input #search type="search" name="search" value=(asked.search.as_deref().unwrap_or_default()); }
            div { label for="unit" { (frame.t("单位", "Unit")) }
                (chosen::unit(frame, &Chooser { id: "unit", name: "unit", value: asked.unit.as_deref().unwrap_or_default(), empty: Some(frame.t("全部", "All")) })) }
            div { button type="submit" { (frame.t("查找", "Search")) } }
        }
        @if let Ok(list) = list { (found(frame, list, asked, state)) }
    };
    frame.page(frame.t("案件", "Cases"), false, &content)
}

fn found(frame: &Frame, list: &CaseList, asked: &CaseListRequest, state: &str) -> Markup {
    html! {
        @if list.cases.is_empty() {
            div.sheet { p { (frame.t("没有符合条件的案件。收到来件后，系统立案编号，您有权查看的会列在这里。",
                "No case fits. When a report comes in it is registered under a number, and what you may see is listed here.")) } }
        } @else { (table(frame, list)) }
        @if let Some(next) = list.next {
            (next_page(frame, "/cases", &[&filters(asked, state)[..], &[("before", &next.to_string())]].concat()))
        }
        @if frame.rights.contains(&Right::Export) {
            p.small { a href={ "/v1/cases/export?" (query(&filters(asked, state))) "format=csv" } download { (frame.t("导出为 CSV", "Export as CSV")) } }
        }
    }
}

/// Every filter that stands, by its name in the query.
fn filters<'a>(asked: &'a CaseListRequest, state: &'a str) -> [(&'static str, &'a str); 6] {
    [
        ("state", state),
        ("unit", asked.unit.as_deref().unwrap_or_default()),
        ("search", asked.search.as_deref().unwrap_or_default()),
        ("kind", asked.kind.as_deref().unwrap_or_default()),
        ("stage", asked.stage.as_deref().unwrap_or_default()),
        ("severity", asked.severity.as_deref().unwrap_or_default()),
    ]
}

fn query(filters: &[(&str, &str)]) -> String {
    let given = filters.iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| format!("{name}={}&", url_encoded(value))).collect()
}

fn table(frame: &Frame, list: &CaseList) -> Markup {
    html! {
        table {
            caption { (frame.counted(list.total, "件", "case", "cases")) }
            thead { tr {
                th { (frame.t("编号", "Number")) } th { (frame.t("事项", "Matter")) } th { (frame.t("单位", "Unit")) }
                th { (frame.t("环节", "Stage")) } th { (frame.t("来件人电话", "Telephone")) } th { (frame.t("收到", "Received")) }
            } }
            tbody { @for case in &list.cases { (row(frame, case)) } }
        }
    }
}

fn row(frame: &Frame, case: &CaseSummary) -> Markup {
    html! {
        tr data-row {
            td.whole data-label=(frame.t("编号", "Number")) { a href={ "/cases/" (case.case) } { (case.number) } }
            td data-label=(frame.t("事项", "Matter")) {
                (case.subject.as_deref().unwrap_or(frame.t(&case.title_zh, &case.title)))
                @if case.severity != "ordinary" { " " span.state.escalated { (severity(frame, case)) } }
                @if case.unsorted { " " span.state.soon { (frame.t("待分拣", "Unsorted")) } }
                @if case.returns > 0 && !case.closed { " " span.state.soon { (frame.t("退回", "Returned")) } }
                @if case.carries > 0 { " " span.state.escalated { (frame.t("主案 ", "Master of ")) (case.carries) } }
                @if case.carried_by.is_some() { " " span.small.soft { (frame.t("随主案", "with its master")) } }
                @if case.repeats > 0 { " " span.small.soft { (frame.t("第", "report no. ")) (case.repeats + 1) (frame.t("次来件", "")) } }
            }
            td data-label=(frame.t("单位", "Unit")) { (frame.unit(&case.unit)) }
            td data-label=(frame.t("环节", "Stage")) {
                @if case.closed { (Urgency::Done.mark(frame.language)) } @else { (frame.t(&case.stage_title_zh, &case.stage_title)) }
            }
            td data-label=(frame.t("来件人电话", "Telephone")) { (case.phone.as_deref().unwrap_or("—")) }
            td data-label=(frame.t("收到", "Received")) { (frame.time(case.received_at)) }
        }
    }
}

/// A severity by the name that the pack gives it. Where its pack is no longer held, two are every pack's.
pub fn severity<'a>(frame: &Frame, case: &'a CaseSummary) -> &'a str {
    match (&case.severity_title_zh, &case.severity_title, case.severity.as_str()) {
        (Some(zh), Some(en), _) => frame.language.pick(zh, en),
        (_, _, "major") => frame.language.pick("重大", "Major"),
        (_, _, "ordinary") => frame.language.pick("一般", "Ordinary"),
        (_, _, other) => other,
    }
}

/// `GET /cases`
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Query(mut asked): Query<CaseListRequest>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/cases");
    asked.state.get_or_insert_with(|| "open".to_owned());
    // An empty field of the search form means no filter.
    for filter in [&mut asked.unit, &mut asked.search, &mut asked.pack, &mut asked.kind, &mut asked.stage, &mut asked.severity] {
        filter.take_if(|text| text.trim().is_empty());
    }
    match app.services.case_list(&viewer, &asked).await {
        Ok(list) => view(&frame, Ok(&list), &asked).into_response(),
        // A filter by what there is not is put right where it stands.
        Err(why) if why.status == 422 => (respond::status(&why), view(&frame, Err(&why), &asked)).into_response(),
        Err(why) => respond::problem(&frame, &why),
    }
}
