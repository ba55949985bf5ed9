//! One set of packs: what it changes for people, who signs for it, what happened to it, its files.

use super::frame::Frame;
use super::{policies, policy_cases, respond};
use crate::App;
use crate::api::policies::changes::{ChangesShown, TouchedShown};
use crate::api::policies::{approve, back, changes, foreseen, list, show, withdraw};
use crate::directory::history::{self, ChangeShown, HistoryQuery};
use crate::policies::PolicySetShown;
use crate::policies::back::{Back, OfWhen};
use crate::policies::correction::ListQuery;
use crate::policies::reaching::{self, ReachedCases};
use crate::viewer::{PageViewer, SignedForm, Speaks};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::policy::{Foreseen, ForeseenStage, PolicySource};
use duban_contracts::{FieldError, Problem, Timestamp};
use duban_policy::policy::Change;
use maud::{Markup, html};
use serde::Deserialize;

/// Everything about a set.
struct Whole<'a> {
    set: &'a PolicySetShown,
    in_force: Option<i64>,
    changes: &'a Result<ChangesShown, Problem>,
    foreseen: &'a Result<Option<Foreseen>, Problem>,
    reached: &'a Result<Vec<ReachedCases>, Problem>,
    history: &'a [ChangeShown],
    sources: &'a [PolicySource],
    remarks: &'a [FieldError],
}

fn view(frame: &Frame, reader: &str, whole: &Whole<'_>) -> Markup {
    let set = whole.set;
    let content = html! {
        p { a href="/policies" { (frame.t("全部版本", "All versions")) } }
        div.sheet { dl.facts {
            dt { (frame.t("状态", "State")) } dd { (policies::state(frame, whole.in_force, set)) (policies::held_back(frame, set)) }
            dt { (frame.t("提交", "Submitted")) } dd { (frame.name(&set.submitted_by)) " " (frame.time(set.submitted_at)) (policies::purpose(frame, set)) }
            dt { (frame.t("批准", "Approved")) } dd { (policies::approval(frame, set)) }
            @if let Some(from) = set.effective_from { dt { (frame.t("生效时间", "In force from")) } dd { (frame.time(from)) } }
            @if let Some(person) = &set.withdrawn_by { dt { (frame.t("撤回", "Withdrawn")) } dd { (frame.name(person)) } }
        }
        (policies::buttons(frame, reader, set))
        @if frame.administers && set.state != "withdrawn" { p { a href={ "/rehearsals?version=" (set.version) } { (frame.t("推演：按已发生的事试算", "Rehearse it over what has happened")) } } } }
        (remarks(frame, whole.remarks))
        @match whole.changes {
            Ok(changes) => (changed(frame, changes)),
            Err(why) => (frame.wrong(frame.t("无法比较", "It cannot be compared"), why)),
        }
        @match whole.foreseen {
            Ok(Some(list)) => (foreseen(frame, reader, set, list)),
            Ok(None) => {},
            Err(why) => (frame.wrong(frame.t("无法列出对未了结事项的影响", "What it changes for open duties cannot be listed"), why)),
        }
        (policy_cases::view(frame, whole.reached))
        @if !whole.history.is_empty() {
            h2 { (frame.t("经过", "What happened")) }
            ol.timeline { @for change in whole.history { li { (frame.time(change.at)) (frame.name(&change.by)) (frame.t("：", ": ")) (event(frame, change)) } } }
        }
        @if policies::may_go_back(frame, whole.in_force, set) { (going_back(frame, set.version)) }
        h2 { (frame.t("文件", "Files")) }
        @for source in whole.sources { details.sheet { summary { (source.name) } pre tabindex="0" { (source.text) } } }
    };
    frame.page(&format!("{} {}", frame.t("制度版本", "Policies, version"), set.version), false, &content)
}

/// What is worth a look though the files compile.
fn remarks(frame: &Frame, remarks: &[FieldError]) -> Markup {
    html! {
        @if !remarks.is_empty() {
            section #remarks {
                h2 { (frame.t("提示", "Worth a look")) }
                ul { @for remark in remarks { li {
                    (frame.t(&remark.wrong_zh, &remark.wrong)) " "
                    span.soft.small { (frame.t(&remark.expected_zh, &remark.expected)) " " code { (remark.field.trim_start_matches('/')) } }
                } } }
            }
        }
    }
}

/// With a reason, and with the organisation file of then where that is wanted.
fn going_back(frame: &Frame, version: i64) -> Markup {
    html! {
        section #back {
            h2 { (frame.t("恢复此版本", "Back to this version")) }
            form.sheet method="post" action={ "/policies/" (version) "/back" } {
                (frame.csrf())
                p.soft { (frame.t("作为新版本提交，与任何变更一样须经批准；制度包和日历恢复到当时的。",
                    "It is submitted as a new version and must be approved as every change is; packs and calendars are those of then.")) }
                label for="back-note" { (frame.t("原因", "Why")) span.hint { (frame.t("请勿填写个人信息", "no personal text, please")) } }
                textarea #back-note name="note" maxlength="2000" required {}
                label for="back-organisation" { (frame.t("适用单位、参数取值和角色担任", "Units bound, figures, and who plays the roles")) }
                select #back-organisation name="organisation" {
                    option value="now" { (frame.t("沿用现在的", "as they are now")) }
                    option value="then" { (frame.t("一并恢复到当时的", "as they were then")) }
                }
                (policies::corrects_field(frame, ""))
                p { button type="submit" { (frame.t("提交恢复", "Submit it")) } }
            }
        }
    }
}

fn changed(frame: &Frame, shown: &ChangesShown) -> Markup {
    html! {
        h2 { (frame.t("对人有什么改变", "What changes for people"))
            @if let Some(against) = shown.against { " " span.soft.small { (frame.t("与版本 ", "against version ")) a href={ "/policies/" (against) } { (against) } (frame.t(" 相比", "")) } } }
        @if shown.against.is_none() { p.soft { (frame.t("这是第一套制度，没有可比较的版本。", "This is the first set: there is none to compare it with.")) } }
        @else if shown.touched.is_empty() && shown.changes.is_empty() { p { (frame.t("没有变化。", "Nothing changes.")) } }
        @for touched in &shown.touched {
            h3 { (frame.t(&touched.title.zh, &touched.title.en)) " " span.soft.small { (extent(frame, touched)) } }
            @let changes: Vec<&Change> = shown.changes.iter().filter(|change| change.pack == touched.pack).collect();
            @if changes.is_empty() {
                p.soft { (frame.t("文件有改动，但没有能用一句话说明的变化，请看文件本身。", "The file differs in what is not told in words here: see the file itself.")) }
            } @else { (table(frame, &changes)) }
        }
        // What follows elsewhere from a change: a calendar's day, a figure that another pack's words show.
        @let elsewhere: Vec<&Change> = shown.changes.iter().filter(|change| !shown.touched.iter().any(|touched| touched.pack == change.pack)).collect();
        @if !elsewhere.is_empty() { h3 { (frame.t("由此带来的变化", "What follows from it")) } (table(frame, &elsewhere)) }
    }
}

/// What the correction would change of open duties, and the button by which this list is signed.
fn foreseen(frame: &Frame, reader: &str, set: &PolicySetShown, list: &Foreseen) -> Markup {
    let path = format!("/policies/{}", set.version);
    html! {
        section #foreseen {
            h2 { (frame.t("对未了结事项的影响", "What it changes for open duties")) }
            @match list.state.as_str() {
                "failed" => { div.notice.bad role="alert" { (list.fault.as_deref().unwrap_or_default()) } },
                "looking" => { p { (frame.t("正在逐项计算，已查看 ", "Being reckoned; looked at so far: ")) (list.looked) (frame.t(" 项。", ". ")) a href=(path) { (frame.t("刷新", "Look again")) } } },
                _ => { p {
                    (frame.t("截至 ", "As of ")) (frame.time(list.taken_at)) (frame.t("：查看未了结事项 ", ": open duties looked at ")) (list.looked)
                    (frame.t(" 项，变更 ", ", changed ")) strong { (list.moved) } (frame.t(" 项；无法确定而保持不变 ", "; not to be told, and left as they are ")) (list.left) (frame.t(" 项。已逾期的不变。", ". What is overdue stays."))
                } },
            }
            @if !list.changes.is_empty() {
                table {
                    thead { tr { th { (frame.t("责任事项", "Duty")) } th { (frame.t("更正依据", "By")) } th { (frame.t("截止时间", "Due")) } th { (frame.t("责任岗位", "Post")) } th { (frame.t("提醒与升级", "Reminders and rungs")) } } }
                    tbody { @for change in &list.changes { tr data-row {
                        td data-label=(frame.t("责任事项", "Duty")) { a href={ "/duties/" (change.duty) } { (frame.t(&change.title_zh, &change.title)) } }
                        td data-label=(frame.t("更正依据", "By")) { (change.of) }
                        td data-label=(frame.t("截止时间", "Due")) { (frame.time(change.due_before)) @if change.due_after != change.due_before { " → " (frame.time(change.due_after)) } }
                        td data-label=(frame.t("责任岗位", "Post")) { (frame.post(&change.owed_before)) @if change.owed_after != change.owed_before { " → " (frame.post(&change.owed_after)) } }
                        td data-label=(frame.t("提醒与升级", "Reminders and rungs")) { @for stage in &change.stages { div.small { (stage_of(frame, stage)) } } }
                    } } }
                }
            } @else if list.state == "done" && list.moved > 0 {
                p.soft { (frame.t("其中没有您有权查看的事项。", "There is none among them that you may see.")) }
            }
            @if let Some(next) = &list.next { p { a href={ (path) "?after=" (next) "#foreseen" } { (frame.t("下一页", "Next page")) } } }
            @if list.state != "looking" { p { a href={ (path) "?again=true#foreseen" } { (frame.t("重新列出", "List again")) } } }
            @if let Some(digest) = list.digest.as_ref().filter(|_| set.state == "submitted" && policies::may_sign(frame, reader, set)) {
                form method="post" action={ (path) "/approve" } {
                    (frame.csrf())
                    input type="hidden" name="list" value=(digest);
                    button type="submit" { (frame.t("按此清单批准", "Approve with this list")) }
                }
            }
        }
    }
}

/// A reminder or rung that would change: when, and who is told where that changes.
fn stage_of(frame: &Frame, stage: &ForeseenStage) -> Markup {
    let others = stage.told_before != stage.told_after;
    let told = |told: &[String]| told.iter().map(|who| who_is_told(frame, who)).collect::<Vec<_>>().join(frame.t("、", ", "));
    let side = |at: Option<Timestamp>, whom: &[String]| {
        html! {
            @match at { Some(at) => { (frame.time(at)) }, None => { "—" } }
            @if others && !whom.is_empty() { " " (told(whom)) }
        }
    };
    html! {
        @match stage.rung {
            Some(rung) => { (frame.t("第 ", "rung ")) (rung) (frame.t(" 级：", ": ")) },
            None => { (frame.t("提醒：", "reminder: ")) },
        }
        (side(stage.at_before, &stage.told_before)) " → " (side(stage.at_after, &stage.told_after))
    }
}

fn who_is_told(frame: &Frame, who: &str) -> String {
    match who {
        "handler" => frame.t("承办人", "handler").to_owned(),
        "superior" => frame.t("上级", "superior").to_owned(),
        post if post.contains('/') => frame.post(post),
        person => frame.name(person),
    }
}

fn extent(frame: &Frame, touched: &TouchedShown) -> String {
    match (touched.extent, &touched.parameter) {
        ("wording", _) => frame.t("仅文字变更", "wording alone").to_owned(),
        (_, Some(name)) => format!("{}{name}", frame.t("仅一项参数变更：", "one parameter alone: ")),
        _ => frame.t("内容变更", "its rules change").to_owned(),
    }
}

fn table(frame: &Frame, changes: &[&Change]) -> Markup {
    html! {
        table {
            thead { tr { th { (frame.t("条", "Article")) } th { (frame.t("事项", "What")) } th { (frame.t("变化", "Change")) } } }
            tbody { @for change in changes {
                @let words = change.sentence();
                tr data-row {
                    td data-label=(frame.t("条", "Article")) { (if change.article.is_empty() { "—" } else { &change.article }) }
                    td data-label=(frame.t("事项", "What")) { (frame.t(&change.title.zh, &change.title.en)) }
                    td data-label=(frame.t("变化", "Change")) { (frame.t(&words.zh, &words.en)) }
                }
            } }
        }
    }
}

/// An entry of the history in words.
pub(super) fn event(frame: &Frame, change: &ChangeShown) -> String {
    let after = change.after.as_ref().and_then(|after| after.as_str()).unwrap_or_default();
    if let Some(signer) = after.strip_prefix("signed for: ") {
        let signer = match signer {
            "submitter" => frame.t("提交人", "who submits it").to_owned(),
            post if post.contains('/') => frame.post(post),
            _ => frame.t("第二人", "second person").to_owned(),
        };
        return format!("{}{signer}{}", frame.t("批准（身份：", "signed as "), frame.t("）", ""));
    }
    if let Some(places) = after.strip_prefix("corrects: ") {
        return format!("{}{places}", frame.t("声明为更正：", "declared a correction: "));
    }
    if let Some(earlier) = after.strip_prefix("submitted, back to version ") {
        return format!("{}{earlier}", frame.t("提交，恢复到版本 ", "submitted, back to version "));
    }
    let words = match after {
        "submitted" => frame.t("提交", "submitted"),
        "announced" => frame.t("公告", "announced"),
        "applied" => frame.t("生效", "in force"),
        "applied, the first of this installation" => {
            frame.t("作为本系统的第一套制度立即生效", "in force at once, the first of this installation")
        }
        "withdrawn" => frame.t("撤回", "withdrawn"),
        other => other,
    };
    words.to_owned()
}

/// `GET /policies/{version}`
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(version): Path<i64>,
    Query(query): Query<ListQuery>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, &format!("/policies/{version}"));
    let content = async {
        let whole = show::perform(&app, version).await?;
        let in_force = list::in_force(&app);
        let changes = changes::perform(&app, version, None).await;
        let foreseen = foreseen::perform(&app, &viewer, version, &query).await;
        let reached = reaching::reached(&app, &viewer, &whole.set).await;
        let asked = HistoryQuery { what: Some("policy".to_owned()), which: Some(version.to_string()), before: None, limit: Some(50) };
        let mut history = history::list(&app, &asked).await?.changes;
        history.reverse();
        let whole = Whole {
            set: &whole.set,
            in_force,
            changes: &changes,
            foreseen: &foreseen,
            reached: &reached,
            history: &history,
            sources: &whole.sources,
            remarks: &whole.remarks,
        };
        Ok(view(&frame, &viewer.person, &whole))
    };
    respond::page(&frame, content.await)
}

/// What the buttons send.
#[derive(Debug, Default, Deserialize)]
pub struct Acting {
    #[serde(default)]
    note: String,
    #[serde(default)]
    organisation: OfWhen,
    /// The list that is signed with it.
    list: Option<String>,
    /// What going back corrects.
    #[serde(default)]
    corrects: String,
}

/// `POST /policies/{version}/{approve|withdraw|back}`
pub async fn act(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path((version, act)): Path<(i64, String)>,
    SignedForm(Acting { note, organisation, list, corrects }): SignedForm<Acting>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/policies");
    let done = match act.as_str() {
        "approve" => approve::perform(&app, &viewer, version, list.as_deref()).await.map(|()| version),
        "withdraw" => withdraw::perform(&app, &viewer, version).await.map(|()| version),
        "back" => {
            let request = Back { note: note.trim().to_owned(), organisation, corrects: policies::places(&corrects) };
            back::perform(&app, &viewer, version, &request).await.map(|submitted| submitted.version)
        }
        _ => Err(Problem::not_found()),
    };
    match done {
        Ok(version) => Redirect::to(&format!("/policies/{version}")).into_response(),
        Err(why) => respond::problem(&frame, &why),
    }
}
