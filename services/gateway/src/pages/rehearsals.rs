//! 推演: a draft over what really happened, and what it would have made for posts and people beside what was made.

use super::frame::{Frame, Urgency};
use super::{policies, respond, words};
use crate::App;
use crate::api::rehearsals::show::Rows;
use crate::api::rehearsals::{begin, list, show};
use crate::policies::drafts::NewRehearsal;
use crate::viewer::{PageViewer, SignedUpload, Speaks, url_encoded};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::policy::PolicySource;
use duban_contracts::rehearsal::{
    Counts, Made, Rehearsal, RehearsalDetail, RehearsalList, RehearsalListRequest, RehearsalRow, Rehearsed, Sides,
};
use duban_contracts::{Problem, Timestamp, both};
use jiff::SignedDuration;
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

/// What was tried and did not come to pass.
#[derive(Debug, Default)]
struct Tried {
    version: String,
    since: String,
    wrong: Option<String>,
}

fn view(frame: &Frame, list: &RehearsalList, tried: &Tried) -> Markup {
    let content = html! {
        (policies::tabs(frame, "/rehearsals"))
        p.soft { (frame.t("用一份草案重演已经发生的事：若当时就按草案执行，各岗位、各人每周会有多少责任事项、多少超期、收到多少通知，与实际对照。推演不改变任何事，也不通知任何人。",
            "A draft is run over what has happened: had it been in force, how many duties, breaches and alerts a week would it have made for each post and person, beside what was made. A rehearsal changes nothing and tells nobody.")) }
        @if let Some(wrong) = &tried.wrong { div.notice.bad role="alert" { (wrong) } }
        (form(frame, tried))
        @if list.rehearsals.is_empty() { div.sheet { p { (frame.t("还没有推演。", "Nothing has been rehearsed yet.")) } } }
        @else { table {
            thead { tr { th { (frame.t("提出", "Asked for")) } th { (frame.t("对象", "Of")) } th { (frame.t("期间", "Period")) } th { (frame.t("状态", "State")) } th.number { (frame.t("超期", "Breaches")) } th.number { (frame.t("通知", "Alerts")) } } }
            tbody { @for rehearsal in &list.rehearsals { (row_of_list(frame, rehearsal)) } }
        } }
    };
    frame.page(frame.t("推演", "Rehearsals"), false, &content)
}

fn form(frame: &Frame, tried: &Tried) -> Markup {
    html! {
        details.sheet open[tried.wrong.is_some() || !tried.version.is_empty()] {
            summary { (frame.t("新的推演", "A new rehearsal")) }
            form method="post" action="/rehearsals" enctype="multipart/form-data" {
                (frame.csrf())
                label for="rehearsal-files" { (frame.t("改动过的文件", "Changed files"))
                    span.hint { (frame.t("制度包和日历（TOML）。同名文件替换现行的，其余照旧。", "Packs and calendars (TOML). A file of the same name takes the place of the one in force, all others stay.")) } }
                input #rehearsal-files type="file" name="file" accept=".toml" multiple;
                label for="rehearsal-version" { (frame.t("或者：版本号", "Or: a version")) span.hint { (frame.t("待批准、已公告或曾生效的版本", "one that waits, is announced, or is or was in force")) } }
                input #rehearsal-version name="version" inputmode="numeric" pattern="[0-9]*" value=(tried.version);
                label for="rehearsal-since" { (frame.t("自哪天起", "Since")) span.hint { (frame.t("如 2026-03-01", "e.g. 2026-03-01")) } }
                input #rehearsal-since type="date" name="since" required value=(tried.since);
                p { button type="submit" { (frame.t("开始推演", "Rehearse")) } }
            }
        }
    }
}

fn row_of_list(frame: &Frame, rehearsal: &Rehearsal) -> Markup {
    let Made { draft, real } = rehearsal.made;
    let is_done = rehearsal.state == "done";
    html! {
        tr data-row {
            td data-label=(frame.t("提出", "Asked for")) { a href={ "/rehearsals/" (rehearsal.id) } { (frame.name(&rehearsal.asked_by)) } " " (frame.time(rehearsal.asked_at)) }
            td data-label=(frame.t("对象", "Of")) { (of(frame, rehearsal)) }
            td data-label=(frame.t("期间", "Period")) { (period(frame, rehearsal)) }
            td data-label=(frame.t("状态", "State")) { (state(frame, rehearsal)) }
            td.number data-label=(frame.t("超期", "Breaches")) { @if is_done { (real.breaches) " → " (draft.breaches) } @else { "—" } }
            td.number data-label=(frame.t("通知", "Alerts")) { @if is_done { (real.alerts) " → " (draft.alerts) } @else { "—" } }
        }
    }
}

/// What is rehearsed, and of which packs.
fn of(frame: &Frame, rehearsal: &Rehearsal) -> Markup {
    html! {
        @match rehearsal.of {
            Rehearsed::Draft(number) => { (frame.t("草案 ", "draft ")) (number) },
            Rehearsed::Version(version) => { a href={ "/policies/" (version) } { (frame.t("版本 ", "version ")) (version) } },
        }
        div.small.soft {
            @if rehearsal.packs.is_empty() { (frame.t("全部制度", "all regulations")) }
            @else { (rehearsal.packs.iter().map(|pack| frame.pack(pack)).collect::<Vec<_>>().join(frame.t("、", ", "))) }
        }
    }
}

fn period(frame: &Frame, rehearsal: &Rehearsal) -> String {
    format!("{} {} {}", words::day(rehearsal.since, &frame.zone), frame.t("至", "to"), words::day(rehearsal.until, &frame.zone))
}

fn state(frame: &Frame, rehearsal: &Rehearsal) -> Markup {
    let (urgency, word) = match rehearsal.state.as_str() {
        "waiting" => (Urgency::Normal, frame.t("等待中", "Waiting")),
        "running" => (Urgency::Soon, frame.t("进行中", "Running")),
        "done" => (Urgency::Done, frame.t("已完成", "Done")),
        _ => (Urgency::Overdue, frame.t("未能完成", "Failed")),
    };
    html! { span class={ "state " (urgency.class()) } { (word) } }
}

fn whole(frame: &Frame, detail: &RehearsalDetail, by: Sides) -> Markup {
    let rehearsal = &detail.rehearsal;
    let path = format!("/rehearsals/{}", rehearsal.id);
    let content = html! {
        p { a href="/rehearsals" { (frame.t("全部推演", "All rehearsals")) } }
        div.sheet { dl.facts {
            dt { (frame.t("状态", "State")) } dd { (state(frame, rehearsal)) @if let Some(fault) = &rehearsal.fault { " " span.wrong { (frame.t(if rehearsal.fault_zh.is_empty() { fault } else { &rehearsal.fault_zh }, fault)) } } }
            dt { (frame.t("对象", "Of")) } dd { (of(frame, rehearsal)) }
            dt { (frame.t("期间", "Period")) } dd { (period(frame, rehearsal)) }
            dt { (frame.t("提出", "Asked for")) } dd { (frame.name(&rehearsal.asked_by)) " " (frame.time(rehearsal.asked_at)) }
            @if rehearsal.state == "running" { dt { (frame.t("已推演至", "Reached")) } dd { (frame.time(rehearsal.reached)) " " a href=(path) { (frame.t("刷新", "Look again")) } } }
            dt { (frame.t("重演", "Played")) } dd { (rehearsal.played) " " (frame.t("项事件和操作", "events and acts"))
                @if rehearsal.left_out > 0 { " " span.soft.small { (frame.t("，其中 ", ", of which ")) (rehearsal.left_out) (frame.t(" 件签收或办理在草案下没有对象或不再有权", " acknowledgements or acts have nothing to act on under the draft, or nobody with the right to")) } } }
        } }
        @if rehearsal.state == "waiting" { p { (frame.t("等待推演。", "It waits for its turn. ")) a href=(path) { (frame.t("刷新", "Look again")) } } }
        @if rehearsal.state == "done" { (results(frame, detail, by, &path)) }
    };
    frame.page(frame.t("推演结果", "A rehearsal"), false, &content)
}

fn results(frame: &Frame, detail: &RehearsalDetail, by: Sides, path: &str) -> Markup {
    let rehearsal = &detail.rehearsal;
    let weeks = length_in_weeks(rehearsal);
    let tabs = [(Sides::Posts, "posts", frame.t("按岗位", "By post")), (Sides::People, "people", frame.t("按人员", "By person"))];
    html! {
        h2 { (frame.t("合计", "In all")) }
        table {
            thead { tr { th {} th.number { (frame.t("实际", "Was made")) } th.number { (frame.t("按草案", "By the draft")) } th.number { (frame.t("每周，实际", "A week, was made")) } th.number { (frame.t("每周，按草案", "A week, by the draft")) } } }
            tbody { @for (what, count) in counted(frame) {
                @let (real, draft) = (count(&rehearsal.made.real), count(&rehearsal.made.draft));
                tr data-row {
                    th scope="row" { (what) }
                    td.number data-label=(frame.t("实际", "Was made")) { (real) }
                    td.number data-label=(frame.t("按草案", "By the draft")) { @if real == draft { (draft) } @else { strong { (draft) } } }
                    td.number data-label=(frame.t("每周，实际", "A week, was made")) { (a_week(real, weeks)) }
                    td.number data-label=(frame.t("每周，按草案", "A week, by the draft")) { (a_week(draft, weeks)) }
                }
            } }
        }
        p.small.soft { (frame.t("案件的类别、环节和承办人均按当时实际，严重程度按草案重新判定（人工设定的除外）；岗位由谁担任按现在的组织。按草案多出的通知无人签收过，因此会一直升级到事项了结：这是上限。期间开始前产生的事项不计。",
            "Kind, stage and handler of every case are those of then, its severity is judged by the draft unless a person had set it; who holds which post is as of now. Nobody ever acknowledged the alerts that only the draft makes, so they climb until the duty ends: they are the most that there could be. What was opened before the period is left out.")) }
        ul.tabs { @for (side, name, words) in tabs { li { a href={ (path) "?by=" (name) } aria-current=[(side == by).then_some("true")] { (words) } } } }
        @if detail.rows.is_empty() { p.soft { (frame.t("期间内没有任何事项。", "Nothing was made in this time.")) } }
        @else { table {
            caption { (frame.t("每周平均：实际 → 按草案", "A week on average: was made → by the draft")) }
            thead { tr {
                th { (if by == Sides::Posts { frame.t("岗位", "Post") } else { frame.t("人员", "Person") }) }
                @for (what, _) in counted(frame) { th.number { (what) } }
                th { (frame.t("逐周", "Week by week")) }
            } }
            tbody { @for row in &detail.rows { (row_of(frame, row, by, weeks)) } }
        } }
        @if let Some(next) = detail.next {
            p { a href={ (path) "?by=" (if by == Sides::Posts { "posts" } else { "people" }) "&after=" (next) } { (frame.t("下一页", "Next page")) } }
        }
    }
}

fn row_of(frame: &Frame, row: &RehearsalRow, by: Sides, weeks: f64) -> Markup {
    let name = if by == Sides::Posts { frame.post(&row.who) } else { frame.name(&row.who) };
    html! {
        tr data-row {
            td data-label=(frame.t("名称", "Name")) { (name) }
            @for (what, count) in counted(frame) { td.number data-label=(what) { (both_sides(count(&row.made.real), count(&row.made.draft), |count| a_week(count, weeks))) } }
            td data-label=(frame.t("逐周", "Week by week")) {
                details {
                    summary { (busiest(frame, row)) }
                    table.small {
                        thead { tr { th { (frame.t("周一", "Monday")) } @for (what, _) in counted(frame) { th.number { (what) } } } }
                        tbody { @for week in &row.weeks { tr {
                            td { (week.monday) }
                            @for (_, count) in counted(frame) { td.number { (both_sides(count(&week.made.real), count(&week.made.draft), |count| count.to_string())) } }
                        } } }
                    }
                }
            }
        }
    }
}

/// The week in which the draft sends most.
fn busiest(frame: &Frame, row: &RehearsalRow) -> String {
    let most = row.weeks.iter().max_by_key(|week| (week.made.draft.alerts, week.made.draft.breaches, week.made.draft.duties));
    most.map_or_else(String::new, |week| {
        format!("{} {}{}", week.monday, week.made.draft.alerts, frame.t(" 次通知（最多的一周）", " alerts, the busiest week"))
    })
}

type Count = fn(&Counts) -> i64;

/// What is counted, in the order of columns.
fn counted<'a>(frame: &Frame) -> [(&'a str, Count); 3] {
    [
        (frame.language.pick("责任事项", "Duties"), |counts| counts.duties),
        (frame.language.pick("超期", "Breaches"), |counts| counts.breaches),
        (frame.language.pick("通知", "Alerts"), |counts| counts.alerts),
    ]
}

fn both_sides(real: i64, draft: i64, written: impl Fn(i64) -> String) -> Markup {
    html! { @if real == draft { (written(real)) } @else { (written(real)) " → " strong { (written(draft)) } } }
}

/// At least one, so that a time of days is not blown up to weeks.
fn length_in_weeks(rehearsal: &Rehearsal) -> f64 {
    (rehearsal.until.duration_since(rehearsal.since).as_secs_f64() / (7.0 * 86_400.0)).max(1.0)
}

fn a_week(count: i64, weeks: f64) -> String {
    // Counts are far below what a double holds exactly.
    #[allow(clippy::cast_precision_loss)]
    let average = count as f64 / weeks;
    format!("{average:.1}")
}

#[derive(Debug, Default, Deserialize)]
pub struct Prefilled {
    version: Option<i64>,
}

/// A quarter ago.
fn some_time_ago(frame: &Frame) -> String {
    let ago: Timestamp = frame.now.saturating_sub(SignedDuration::from_hours(24 * 91)).unwrap_or(frame.now);
    words::day(ago, &frame.zone)
}

/// `GET /rehearsals`
pub async fn show_list(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Query(prefilled): Query<Prefilled>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/rehearsals");
    let version = prefilled.version.map(|version| version.to_string()).unwrap_or_default();
    let tried = Tried { version, since: some_time_ago(&frame), wrong: None };
    let list = list::perform(&app, &viewer, &RehearsalListRequest::default()).await;
    respond::page(&frame, list.map(|list| view(&frame, &list, &tried)))
}

/// `POST /rehearsals`
pub async fn submit(State(app): State<App>, PageViewer(viewer): PageViewer, Speaks(language): Speaks, upload: SignedUpload) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/rehearsals");
    let said = |name: &str| upload.members.iter().find(|(member, _)| member == name).map(|(_, text)| text.trim().to_owned());
    let mut tried = Tried { version: said("version").unwrap_or_default(), since: said("since").unwrap_or_default(), wrong: None };
    let outcome = match version(&tried.version) {
        Ok(version) => {
            let sources = upload.files.into_iter().map(|(name, text)| PolicySource { name, text }).collect();
            let new = NewRehearsal { sources, version, packs: Vec::new(), since: tried.since.clone() };
            begin::perform(&app, &viewer, new).await
        }
        Err(why) => Err(why),
    };
    match outcome {
        Ok(rehearsal) => Redirect::to(&format!("/rehearsals/{}", url_encoded(&rehearsal.id.to_string()))).into_response(),
        Err(why) => {
            tried.wrong = Some(respond::in_words(&frame, &why));
            match list::perform(&app, &viewer, &RehearsalListRequest::default()).await {
                Ok(list) => (respond::status(&why), view(&frame, &list, &tried)).into_response(),
                Err(why) => respond::problem(&frame, &why),
            }
        }
    }
}

fn version(text: &str) -> Result<Option<i64>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        Problem::invalid_field("/version", both(format!("“{text}”不是版本号"), format!("'{text}' is no version")), both("数字", "a number"))
    })
}

/// `GET /rehearsals/{rehearsal}`
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(rehearsal): Path<Uuid>,
    Query(rows): Query<Rows>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/rehearsals/{rehearsal}"));
    let detail = show::perform(&app, &viewer, rehearsal, rows).await;
    respond::page(&frame, detail.map(|detail| whole(&frame, &detail, rows.by)))
}
