//! The regulations in force as they would be read on paper: article by article, each rule with its figures.

use super::frame::{Frame, article_id};
use super::{policies, respond};
use crate::App;
use crate::viewer::{PageViewer, Speaks, url_encoded};
use axum::extract::{Path, State};
use axum::response::Response;
use duban_contracts::Problem;
use duban_policy::Policy;
use duban_policy::policy::Pack;
use duban_policy::policy::paper::{Article, Entry, Paper, Said};
use maud::{Markup, html};

fn list(frame: &Frame, version: i64, policy: &Policy) -> Markup {
    let content = html! {
        (policies::tabs(frame, "/policies/packs"))
        p.soft { (frame.t("现行版本 ", "Version in force: ")) a href={ "/policies/" (version) } { (version) } }
        table {
            caption { (policy.packs().count()) " " (frame.t("部制度", "regulations")) }
            thead { tr { th { (frame.t("制度", "Regulation")) } th { (frame.t("编号", "No.")) } th { (frame.t("适用单位", "Units bound")) } th.number { (frame.t("执行中的规则", "Rules that run")) } th.number { (frame.t("仅作声明", "Declared")) } } }
            tbody { @for pack in policy.packs() { (row(frame, policy, pack)) } }
        }
    };
    frame.page(frame.t("现行制度", "Regulations in force"), false, &content)
}

fn row(frame: &Frame, policy: &Policy, pack: &Pack) -> Markup {
    let units = policy.bound_units(&pack.id);
    let units: Vec<&str> = units.iter().map(|unit| frame.t(&unit.zh, &unit.en)).collect();
    html! {
        tr data-row {
            td data-label=(frame.t("制度", "Regulation")) {
                a href={ "/policies/packs/" (url_encoded(&pack.id)) } { (frame.t(&pack.title.zh, &pack.title.en)) }
                @if policy.trials().iter().any(|trial| trial.concerns(&pack.id) && trial.holds_at(frame.now)) {
                    " " a.small href="/trials" { (frame.t("试运行", "on trial")) }
                }
            }
            td.whole data-label=(frame.t("编号", "No.")) { (pack.regulation.as_deref().unwrap_or("—")) }
            td data-label=(frame.t("适用单位", "Units bound")) { (if units.is_empty() { frame.t("暂无", "none").to_owned() } else { units.join(frame.t("、", ", ")) }) }
            td.number data-label=(frame.t("执行中的规则", "Rules that run")) { (pack.duties.len() + pack.recurring.len()) }
            td.number data-label=(frame.t("仅作声明", "Declared")) { (pack.declarations.stated().count()) }
        }
    }
}

fn paper(frame: &Frame, version: i64, paper: &Paper) -> Markup {
    let content = html! {
        p { a href="/policies/packs" { (frame.t("全部现行制度", "All regulations in force")) } " · " (frame.t("版本 ", "version ")) a href={ "/policies/" (version) } { (version) } }
        div.sheet { dl.facts.said {
            @if let Some(regulation) = &paper.regulation { dt { (frame.t("编号", "No.")) } dd { (regulation) } }
            (facts(frame, &paper.head))
            dt { (frame.t("适用单位", "Units bound")) }
            dd { @if paper.bound.is_empty() { (frame.t("暂无", "none")) } @for unit in &paper.bound { div { (frame.t(&unit.zh, &unit.en)) } } }
        } }
        @if !paper.roles.is_empty() { details.sheet {
            summary { (frame.t("角色由谁担任", "Who plays the roles")) }
            dl.facts.said { (facts(frame, &paper.roles)) }
        } }
        nav aria-label=(frame.t("条目", "Articles")) { p.articles { @for article in &paper.articles {
            a href={ "#" (url_encoded(&article_id(&article.article))) } { (heading(frame, article)) } " "
        } } }
        @for article in &paper.articles {
            section id=(article_id(&article.article)) {
                h2 { (heading(frame, article)) }
                @for rule in &article.entries { (entry(frame, rule)) }
            }
        }
    };
    frame.page(frame.t(&paper.title.zh, &paper.title.en), false, &content)
}

fn heading(frame: &Frame, article: &Article) -> String {
    match article.article.as_str() {
        "" => frame.t("未注明条款", "No article cited").to_owned(),
        number => format!("{}{number}{}", frame.t("第", "Article "), frame.t("条", "")),
    }
}

fn facts(frame: &Frame, said: &[Said]) -> Markup {
    html! { @for said in said { dt { (frame.t(&said.name.zh, &said.name.en)) } dd { (frame.t(&said.value.zh, &said.value.en)) } } }
}

fn entry(frame: &Frame, entry: &Entry) -> Markup {
    html! {
        article.sheet.rule id=[(!entry.place.is_empty()).then_some(&entry.place)] {
            h3 { (frame.t(&entry.title.zh, &entry.title.en)) }
            p.small.soft {
                (frame.t(&entry.sort.zh, &entry.sort.en))
                @if !entry.rules.is_empty() { " · " (entry.rules.join(frame.t("、", ", "))) }
                @if let Some(engine) = &entry.later { " · " (frame.t("尚不执行，将随", "does not run yet, will run with ")) (frame.t(&engine.zh, &engine.en)) (frame.t("执行", "")) }
            }
            @if !entry.sentence.zh.is_empty() { p { (frame.t(&entry.sentence.zh, &entry.sentence.en)) } }
            @if !entry.says.is_empty() { dl.facts.said { (facts(frame, &entry.says)) } }
            @if !entry.rungs.is_empty() {
                p.miss { (frame.t("逾期不办的后果", "What follows if nobody acts")) }
                ol { @for rung in &entry.rungs { li { (frame.t(&rung.zh, &rung.en)) } } }
            }
            @if !entry.parts.is_empty() { details {
                summary { (parts_heading(frame, entry)) }
                ul { @for part in &entry.parts { li {
                    span.soft { (frame.t(&part.sort.zh, &part.sort.en)) } " " (frame.t(&part.title.zh, &part.title.en))
                    @if !part.says.is_empty() { (frame.t("（", " (")) (said(frame, &part.says)) (frame.t("）", ")")) }
                } } }
            } }
            @if let Some(note) = &entry.note { p.small.soft { (frame.t("注：", "Note: ")) (frame.t(&note.zh, &note.en)) } }
        }
    }
}

/// `环节 5 · 字段 12`.
fn parts_heading(frame: &Frame, entry: &Entry) -> String {
    let runs = entry.parts.chunk_by(|one, next| one.sort == next.sort);
    let counted = runs.filter_map(|run| Some(format!("{} {}", frame.t(&run.first()?.sort.zh, &run.first()?.sort.en), run.len())));
    counted.collect::<Vec<_>>().join(" · ")
}

fn said(frame: &Frame, said: &[Said]) -> String {
    let words = said
        .iter()
        .map(|said| format!("{}{}{}", frame.t(&said.name.zh, &said.name.en), frame.t("：", ": "), frame.t(&said.value.zh, &said.value.en)));
    words.collect::<Vec<_>>().join(frame.t("；", "; "))
}

/// `GET /policies/packs`
pub async fn show(State(app): State<App>, PageViewer(viewer): PageViewer, Speaks(language): Speaks) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/policies/packs");
    respond::page(&frame, app.policy().map(|(version, policy)| list(&frame, version, &policy)))
}

/// `GET /policies/packs/{pack}`
pub async fn read(State(app): State<App>, PageViewer(viewer): PageViewer, Speaks(language): Speaks, Path(pack): Path<String>) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/policies/packs/{pack}"));
    let read = app.policy().and_then(|(version, policy)| {
        let read = policy.paper(&pack, frame.now).ok_or_else(Problem::not_found)?;
        Ok(paper(&frame, version, &read))
    });
    respond::page(&frame, read)
}
