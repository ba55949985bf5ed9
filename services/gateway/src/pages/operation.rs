//! For operators: deliveries, records, who can see a case.

use super::duties::matter;
use super::frame::{Frame, Urgency};
use super::respond;
use crate::viewer::url_encoded;
use duban_contracts::case::WatchersAnswer;
use duban_contracts::delivery::{DeliveryEvent, DeliveryList, Unreachable};
use duban_contracts::record::{RecordDetail, RecordList};
use maud::{Markup, html};
use uuid::Uuid;

pub fn deliveries(frame: &Frame, list: &DeliveryList, state: &str) -> Markup {
    let content = html! {
        (unreachable(frame, &list.unreachable))
        ul.tabs { @for (value, zh, en) in [("all", "全部", "All"), ("waiting", "等待中", "Waiting"), ("sent", "已送出", "Sent"), ("failed", "失败", "Failed"), ("cancelled", "已取消", "Cancelled")] {
            li { a href={ "/deliveries?state=" (value) } aria-current=[(value == state).then_some("true")] { (frame.t(zh, en)) } }
        } }
        @if list.deliveries.is_empty() { div.sheet { p { (frame.t("没有您有权查看的投递记录。每发出一封督办通知，有权查看该事项的人在此可见一行。", "No deliveries that you may see. Every message sent has a row here, for who may see the matter.")) } } }
        @else { table {
            caption { (frame.counted(list.total, "次投递", "delivery", "deliveries")) }
            thead { tr { th { (frame.t("状态", "State")) } th { (frame.t("收件人", "To")) } th { (frame.t("渠道", "Channel")) } th.number { (frame.t("尝试", "Attempts")) } th { (frame.t("时间", "Time")) } th { (frame.t("最近的错误", "Last error")) } } }
            tbody { @for delivery in &list.deliveries { (delivery_row(frame, delivery)) } }
        } }
        @if let Some(next) = list.next { (next_page(frame, "/deliveries", &[("state", state), ("before", &next.to_string())])) }
    };
    frame.page(frame.t("投递", "Deliveries"), false, &content)
}

/// Whom no message reached, and about what: somebody must tell him otherwise.
pub fn unreachable(frame: &Frame, lost: &[Unreachable]) -> Markup {
    html! {
        @for lost in lost {
            div.notice.bad role="alert" {
                (frame.t("所有渠道均未送达：", "No channel got through: "))
                a href=(matter(&lost.link, lost.duty)) { (frame.t(&lost.title_zh, &lost.title)) } " → " (frame.name(&lost.person))
            }
        }
    }
}

fn delivery_row(frame: &Frame, delivery: &DeliveryEvent) -> Markup {
    let (urgency, word) = match delivery.state.as_str() {
        "sent" => (Urgency::Done, frame.t("已送出", "Sent")),
        "failed" => (Urgency::Overdue, frame.t("失败", "Failed")),
        "cancelled" => (Urgency::Done, frame.t("已取消", "Cancelled")),
        _ => (Urgency::Normal, frame.t("等待中", "Waiting")),
    };
    html! {
        tr data-row {
            td { span class={ "state " (urgency.class()) } { (word) } }
            td data-label=(frame.t("收件人", "To")) { (frame.name(&delivery.person)) " " span.soft { (delivery.address) } }
            td data-label=(frame.t("渠道", "Channel")) { (delivery.channel) (in_a_digest(frame, delivery)) }
            td.number data-label=(frame.t("尝试", "Attempts")) { (delivery.attempts) }
            td data-label=(frame.t("时间", "Time")) { (frame.time(delivery.sent_at.unwrap_or(delivery.created_at))) }
            td data-label=(frame.t("最近的错误", "Last error")) { (delivery.last_error.as_deref().unwrap_or("—")) }
        }
    }
}

/// Whether it goes out with others, or is what others go out in.
fn in_a_digest(frame: &Frame, delivery: &DeliveryEvent) -> Markup {
    html! {
        @match delivery.digest {
            Some(digest) if digest == delivery.delivery => { " " span.soft { (frame.t("汇总", "digest")) } }
            Some(digest) => { " " span.soft title=(digest) { (frame.t("随汇总发出", "in a digest")) } }
            None => {}
        }
    }
}

/// The link to what comes after, with every filter that stands.
pub fn next_page(frame: &Frame, path: &str, query: &[(&str, &str)]) -> Markup {
    let query: Vec<String> =
        query.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={}", url_encoded(value))).collect();
    html! { p { a.button.plain href={ (path) "?" (query.join("&")) } { (frame.t("下一页", "Next page")) } } }
}

pub fn records(frame: &Frame, list: &RecordList, unit: Option<&str>) -> Markup {
    let content = html! {
        @if list.records.is_empty() { div.sheet { p { (frame.t("还没有档案。案件办结后自动归档，列在这里。", "No records yet. A closed case is filed by itself and listed here.")) } } }
        @else { table {
            caption { (frame.counted(list.total, "卷", "record", "records")) }
            thead { tr { th { (frame.t("档号", "Index number")) } th { (frame.t("案件", "Case")) } th { (frame.t("单位", "Unit")) } th { (frame.t("归档时间", "Filed")) } } }
            tbody { @for record in &list.records { tr data-row {
                td data-label=(frame.t("档号", "Index number")) { a href={ "/records/" (record.record) } { (record.index_number) } }
                td data-label=(frame.t("案件", "Case")) { (record.number) " " (frame.t(&record.title_zh, &record.title)) }
                td data-label=(frame.t("单位", "Unit")) { (frame.unit(&record.unit)) }
                td data-label=(frame.t("归档时间", "Filed")) { (frame.time(record.filed_at)) }
            } } }
        } }
        @if let Some(next) = list.next {
            (next_page(frame, "/records", &[("unit", unit.unwrap_or_default()), ("before", &next.to_string())]))
        }
    };
    frame.page(frame.t("档案", "Records"), false, &content)
}

pub fn record(frame: &Frame, detail: &RecordDetail) -> Markup {
    let record = &detail.record;
    let content = html! {
        div.sheet { dl.facts {
            dt { (frame.t("案件", "Case")) } dd { @if let Some(case) = record.case { a href={ "/cases/" (case) } { (record.number) } } @else { (record.number) } }
            dt { (frame.t("单位", "Unit")) } dd { (frame.unit(&record.unit)) }
            dt { (frame.t("归档时间", "Filed")) } dd { (frame.time(record.filed_at)) }
            dt { (frame.t("内容摘要（SHA-256）", "Content (SHA-256)")) } dd { code { (record.content_hash) } }
            dt { (frame.t("版次", "Edition")) } dd { (record.edition) }
        } }
        h2 { (frame.t("保管台账", "Ledger")) }
        table {
            thead { tr { th.number { (frame.t("序号", "No.")) } th { (frame.t("行为", "Act")) } th { (frame.t("时间", "Time")) } th { (frame.t("校验", "Hash")) } } }
            tbody { @for entry in &detail.ledger { tr {
                td.number { (entry.sequence) }
                td { (if entry.act == "filed" { frame.t("归档", "Filed") } else { entry.act.as_str() }) " " (entry.by) }
                td { (frame.time(entry.at)) }
                td { code { (entry.hash) } }
            } } }
        }
    };
    frame.page(&format!("{} {}", frame.t("档案", "Record"), record.index_number), false, &content)
}

pub fn watchers(frame: &Frame, case: Uuid, number: &str, answer: &WatchersAnswer) -> Markup {
    let content = html! {
        p { a href={ "/cases/" (case) } { (number) } }
        table {
            caption { (frame.counted(answer.watchers.len(), "人", "person", "people")) }
            thead { tr { th { (frame.t("人员", "Person")) } th { (frame.t("理由", "Why")) } th { (frame.t("可见个人信息", "Sees personal text")) } } }
            tbody { @for watcher in &answer.watchers { tr data-row {
                td { (watcher.name) " " span.soft { (watcher.person) } }
                td data-label=(frame.t("理由", "Why")) { (frame.t(&watcher.reason_zh, &watcher.reason)) }
                td data-label=(frame.t("可见个人信息", "Sees personal text")) { (if watcher.personal_text { frame.t("是", "yes") } else { frame.t("否", "no") }) }
            } } }
        }
    };
    frame.page(frame.t("谁能看到本案，为什么", "Who can see this case, and why"), false, &content)
}

/// A page's error: what went wrong, in words.
pub fn problem(frame: &Frame, problem: &duban_contracts::Problem) -> Markup {
    let content = html! {
        div.notice.bad role="alert" {
            p { (frame.t(&problem.title_zh, &problem.title)) }
            @if !problem.detail.is_empty() { p.soft { (frame.said(&problem.detail_zh, &problem.detail)) } }
            @for error in &problem.errors { p { (respond::fault_in_words(frame, error)) } }
        }
        p { a.button.plain href="/" { (frame.t("回到首页", "Back to the start")) } }
    };
    frame.page(&format!("{}", problem.status), true, &content)
}
