//! Sets of packs on their way into force: who submitted them, who signs, who holds them back; and a new one from changed files.

use super::frame::{Frame, Urgency};
use super::respond;
use crate::App;
use crate::api::policies::{list, submit};
use crate::policies::apply::{self, NewPolicySet};
use crate::policies::{PolicySetShown, Wanted, drafts, store};
use crate::viewer::{PageViewer, SignedUpload, Speaks, Viewer};
use crate::web::of_database;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::policy::PolicySource;
use duban_contracts::{Problem, both};
use duban_policy::{Diagnostic, Policy};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Seventeen packs come to about one megabyte.
pub const MOST_BYTES: usize = 8 << 20;

/// What was tried and did not come to pass.
#[derive(Default)]
struct Tried {
    note: String,
    corrects: String,
    wrong: Option<String>,
    faults: Vec<Diagnostic>,
}

/// The parts of what there is about packs.
pub fn tabs(frame: &Frame, path: &str) -> Markup {
    let tab = |to: &str, words: &str| html! { li { a href=(to) aria-current=[(to == path).then_some("true")] { (words) } } };
    html! {
        ul.tabs {
            (tab("/policies/packs", frame.t("现行制度", "Regulations in force")))
            (tab("/policies", frame.t("版本与审批", "Versions and approval")))
            @if frame.administers { (tab("/rehearsals", frame.t("推演", "Rehearsals"))) }
        }
    }
}

fn view(frame: &Frame, reader: &str, in_force: Option<i64>, sets: &[PolicySetShown], names: &[String], tried: &Tried) -> Markup {
    let content = html! {
        (tabs(frame, "/policies"))
        (complaints(frame, tried))
        @if sets.is_empty() {
            div.sheet { p { (frame.t("还没有制度。提交的第一套制度立即生效，此后每一套都须经批准。",
                "No packs yet. The first set that is submitted is in force at once; every later one must be approved.")) } }
        } @else { table {
            thead { tr { th.number { (frame.t("版本", "Version")) } th { (frame.t("状态", "State")) } th { (frame.t("提交", "Submitted")) } th { (frame.t("批准", "Approved")) } th { (frame.t("生效时间", "In force from")) } th { (frame.t("操作", "Actions")) } } }
            tbody { @for set in sets { (row(frame, reader, in_force, set)) } }
        } }
        @if frame.administers { (form(frame, names, tried)) }
    };
    frame.page(frame.t("制度", "Policies"), false, &content)
}

/// A set's state in a word.
pub fn state(frame: &Frame, in_force: Option<i64>, set: &PolicySetShown) -> Markup {
    let (urgency, word) = match set.state.as_str() {
        "submitted" => (Urgency::Soon, frame.t("待批准", "Waits for approval")),
        "announced" => (Urgency::Soon, frame.t("已公告，待生效", "Announced")),
        "applied" if in_force == Some(set.version) => (Urgency::Normal, frame.t("现正生效", "In force")),
        "applied" => (Urgency::Done, frame.t("曾生效", "Was in force")),
        "withdrawn" => (Urgency::Done, frame.t("已撤回", "Withdrawn")),
        other => (Urgency::Normal, other),
    };
    html! { span class={ "state " (urgency.class()) } { (word) } }
}

/// Services that an announced set waits for.
pub fn held_back(frame: &Frame, set: &PolicySetShown) -> Markup {
    html! {
        @if set.state == "announced" {
            @for held in &set.held_back_by {
                @match &held.error {
                    Some(error) => { p.wrong { (held.service) (frame.t(" 无法载入：", " cannot take it: ")) (error) } },
                    None => { p.small.soft { (frame.t("等待 ", "waits for ")) (held.service) } },
                }
            }
        }
    }
}

/// What was said of it, and what it goes back to.
pub fn purpose(frame: &Frame, set: &PolicySetShown) -> Markup {
    html! {
        @if let Some(earlier) = set.as_of { div { (frame.t("恢复到版本 ", "back to version ")) a href={ "/policies/" (earlier) } { (earlier) } } }
        @if !set.note.is_empty() { div { (set.note) } }
        @if !set.corrects.is_empty() { div { strong { (frame.t("更正，适用于未了结事项：", "Correction, for open matters too: ")) } (set.corrects.join(frame.t("、", ", "))) } }
    }
}

/// A signature that is wanted: given, or whose it may be.
pub fn wanted(frame: &Frame, wanted: &Wanted) -> Markup {
    html! {
        div {
            @match &wanted.signed_by {
                Some(person) => { "✓ " (frame.t(&wanted.title.zh, &wanted.title.en)) (frame.t("：", ": ")) (frame.name(person)) },
                None => {
                    (frame.t("须由", "To be signed by ")) (frame.t(&wanted.title.zh, &wanted.title.en)) (frame.t("批准", ""))
                    @if wanted.people.is_empty() { " " span.wrong { (frame.t("（现无此人）", "(nobody at present)")) } }
                    @else { " " span.soft.small { (frame.t("（", "(")) (wanted.people.iter().map(|person| frame.name(person)).collect::<Vec<_>>().join(frame.t("、", ", "))) (frame.t("）", ")")) } }
                },
            }
        }
    }
}

/// Who approved it, or whose approval it waits for.
pub fn approval(frame: &Frame, set: &PolicySetShown) -> Markup {
    html! {
        @if set.state == "submitted" {
            @for signature in &set.wanted { (wanted(frame, signature)) }
            @if set.wanted.is_empty() { (frame.t("无须他人批准", "nobody else need sign")) }
        } @else if set.signatures.is_empty() {
            @match &set.approved_by { Some(person) => { (frame.name(person)) }, None => "—" }
        } @else {
            @for signature in &set.signatures { div {
                (frame.name(&signature.person))
                @if signature.signer.contains('/') { span.soft.small { (frame.t("（", " (")) (frame.post(&signature.signer)) (frame.t("）", ")")) } }
                @if let Some(list) = &signature.list { span.soft.small {
                    (frame.t("，据", ", by the list of ")) (frame.time(list.taken_at)) (frame.t("的清单：", ": ")) (list.moved) (frame.t(" 项变更，", " change, ")) (list.left) (frame.t(" 项不变，摘要 ", " stay, digest ")) code { (list.digest.get(..12).unwrap_or(&list.digest)) }
                } }
            } }
        }
    }
}

fn row(frame: &Frame, reader: &str, in_force: Option<i64>, set: &PolicySetShown) -> Markup {
    html! {
        tr data-row {
            td.number data-label=(frame.t("版本", "Version")) { a href={ "/policies/" (set.version) } { (set.version) } }
            td data-label=(frame.t("状态", "State")) { (state(frame, in_force, set)) (held_back(frame, set)) }
            td data-label=(frame.t("提交", "Submitted")) { (frame.name(&set.submitted_by)) " " (frame.time(set.submitted_at)) (purpose(frame, set)) }
            td data-label=(frame.t("批准", "Approved")) { (approval(frame, set)) }
            td data-label=(frame.t("生效时间", "In force from")) { @if let Some(from) = set.effective_from { (frame.time(from)) } @else { "—" } }
            td {
                (buttons(frame, reader, set))
                @if may_go_back(frame, in_force, set) { a.button.plain.whole href={ "/policies/" (set.version) "#back" } { (frame.t("恢复此版本", "Back to this")) } }
            }
        }
    }
}

/// Whether the reader's signature is wanted.
pub fn may_sign(frame: &Frame, reader: &str, set: &PolicySetShown) -> bool {
    let signs = set.wanted.iter().any(|wanted| wanted.signed_by.is_none() && wanted.people.iter().any(|person| person == reader));
    signs || (set.wanted.is_empty() && frame.administers)
}

/// What the reader may do with a set: sign where his signature is wanted, take back.
pub fn buttons(frame: &Frame, reader: &str, set: &PolicySetShown) -> Markup {
    let action = |act: &str| format!("/policies/{}/{act}", set.version);
    html! {
        @if set.state == "submitted" {
            @if !set.corrects.is_empty() {
                // The list of what it changes is on its own page, and is signed there.
                p { a.button.plain.whole href={ "/policies/" (set.version) "#foreseen" } { (frame.t("查看影响清单", "See what it changes")) } }
            } @else if may_sign(frame, reader, set) {
                form method="post" action=(action("approve")) { (frame.csrf()) button type="submit" { (frame.t("批准", "Approve")) } }
            } @else if set.submitted_by == reader { p.small.soft { (frame.t("须由他人批准", "Somebody else must approve it")) } }
        }
        @if frame.administers && (set.state == "submitted" || set.state == "announced") {
            form method="post" action=(action("withdraw")) { (frame.csrf()) button.plain type="submit" { (frame.t("撤回", "Withdraw")) } }
        }
    }
}

/// Whether the reader may submit this set again.
pub fn may_go_back(frame: &Frame, in_force: Option<i64>, set: &PolicySetShown) -> bool {
    frame.administers && set.state == "applied" && in_force != Some(set.version)
}

/// Why it was not submitted: file, line, what is wrong, what to write.
fn complaints(frame: &Frame, tried: &Tried) -> Markup {
    html! {
        @if let Some(wrong) = &tried.wrong { div.notice.bad role="alert" { (wrong) } }
        @if !tried.faults.is_empty() {
            div.notice.bad role="alert" {
                p { (frame.t("文件未通过检查，什么都没有改变。", "The files did not pass the check; nothing has changed.")) }
                table {
                    thead { tr { th { (frame.t("文件", "File")) } th.number { (frame.t("行", "Line")) } th { (frame.t("问题", "What is wrong")) } th { (frame.t("怎样改", "What to write")) } } }
                    tbody { @for fault in &tried.faults { tr {
                        td data-label=(frame.t("文件", "File")) { (fault.file) }
                        td.number data-label=(frame.t("行", "Line")) { (fault.line) }
                        td data-label=(frame.t("问题", "What is wrong")) { (frame.t(&fault.message_zh, &fault.message)) " " code.small { (fault.code) } }
                        td data-label=(frame.t("怎样改", "What to write")) { (frame.language.pick(&fault.help_zh, &fault.help).as_deref().unwrap_or("—")) }
                    } } }
                }
            }
        }
    }
}

/// Where it is said what a set corrects.
pub fn corrects_field(frame: &Frame, value: &str) -> Markup {
    html! {
        label for="policy-corrects" { (frame.t("更正未了结事项（可不填）", "Corrects open matters (optional)"))
            span.hint { (frame.t("不填则只适用于新案件。日历有误：calendars（全部有变化的日历）或 calendar.日历名；规则有误：制度包/规则；办理步骤或字段有误：制度包/kind.类别。以空格分开。批准前会列出每一项变化。",
                "Left empty, it holds for new cases alone. For a calendar that was wrong: calendars (all that change) or calendar.NAME; for a rule: PACK/RULE; for steps or fields: PACK/kind.KIND; blanks between. Every change is listed before it is approved.")) } }
        input #policy-corrects name="corrects" maxlength="2000" value=(value);
    }
}

/// What was written into it.
pub fn places(written: &str) -> Vec<String> {
    let places = written.split(|c: char| c.is_whitespace() || "，、,；;".contains(c));
    places.filter(|place| !place.is_empty()).map(str::to_owned).collect()
}

fn form(frame: &Frame, names: &[String], tried: &Tried) -> Markup {
    let failed = tried.wrong.is_some() || !tried.faults.is_empty();
    html! {
        details.sheet open[failed] {
            summary { (frame.t("提交改动过的文件", "Submit changed files")) }
            form method="post" action="/policies" enctype="multipart/form-data" {
                (frame.csrf())
                label for="policy-files" { (frame.t("文件", "Files"))
                    span.hint { (frame.t("制度包和日历（TOML）。同名文件替换现行的，其余照旧；组织文件中只取与制度有关的部分，人员不变。",
                        "Packs and calendars (TOML). A file of the same name takes the place of the one in force, all others stay; of an organisation file only what binds packs is taken, people stay as they are.")) } }
                input #policy-files type="file" name="file" accept=".toml" multiple;
                @if !names.is_empty() {
                    details {
                        summary { (frame.t("废止现行文件", "Leave out files in force")) }
                        fieldset { legend { (frame.t("不再包括", "No longer part of it")) }
                            @for name in names { label { input type="checkbox" name="leave_out" value=(name); (name) } }
                        }
                    }
                }
                label for="policy-note" { (frame.t("改了什么，为什么", "What changes, and why")) span.hint { (frame.t("请勿填写个人信息", "no personal text, please")) } }
                textarea #policy-note name="note" maxlength="2000" required { (tried.note) }
                (corrects_field(frame, &tried.corrects))
                p { button type="submit" { (frame.t("检查并提交", "Check and submit")) } }
                p.small.soft { (frame.t("提交后由制度规定的人批准，批准一分钟后且各服务均已载入时生效。",
                    "Whom the organisation names approves it; it is in force a minute after that, once every service holds it.")) }
            }
        }
    }
}

/// The files of the set in force, without the organisation's.
async fn standing(app: &App) -> Result<Vec<PolicySource>, Problem> {
    let pool = app.platform.db.pool();
    let Some(version) = store::in_force(pool, app.platform.clock.now()).await.map_err(|e| of_database(&e))? else { return Ok(Vec::new()) };
    let sources = store::sources(pool, version).await.map_err(|e| of_database(&e))?;
    Ok(sources.into_iter().filter(|source| !apply::is_organisation(source)).collect())
}

async fn page(app: &App, frame: &Frame, viewer: &Viewer, tried: &Tried) -> Result<Markup, Problem> {
    let sets = list::perform(app).await?;
    let names: Vec<String> =
        if frame.administers { standing(app).await?.into_iter().map(|source| source.name).collect() } else { Vec::new() };
    Ok(view(frame, &viewer.person, sets.in_force, &sets.sets, &names, tried))
}

/// `GET /policies`
pub async fn show(State(app): State<App>, PageViewer(viewer): PageViewer, Speaks(language): Speaks) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/policies");
    respond::page(&frame, page(&app, &frame, &viewer, &Tried::default()).await)
}

/// `POST /policies`: changed files put into the set in force. What does not pass the check is shown with what was typed.
pub async fn submit(State(app): State<App>, PageViewer(viewer): PageViewer, Speaks(language): Speaks, upload: SignedUpload) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/policies");
    if let Err(why) = viewer.must_administer() {
        return respond::problem(&frame, &why);
    }
    let note = upload.members.iter().find(|(name, _)| name == "note").map(|(_, note)| note.trim().to_owned()).unwrap_or_default();
    let corrects = upload.members.iter().find(|(name, _)| name == "corrects").map(|(_, places)| places.clone()).unwrap_or_default();
    let places = places(&corrects);
    let left_out: BTreeSet<String> = upload.members.iter().filter(|(name, _)| name == "leave_out").map(|(_, file)| file.clone()).collect();
    let mut tried = Tried { note: note.clone(), corrects, ..Tried::default() };
    let sources = match standing(&app).await {
        Ok(standing) => (!upload.files.is_empty() || !left_out.is_empty()).then(|| {
            let came = upload.files.into_iter().map(|(name, text)| PolicySource { name, text }).collect();
            drafts::put_in(standing, came, &left_out)
        }),
        Err(why) => return respond::problem(&frame, &why),
    };
    let outcome = match sources {
        None => Err(Problem::invalid_field(
            "/file",
            both("未选择文件", "nothing was chosen"),
            both("请选择改动的文件，或要废止的现行文件", "files that change, or files to leave out"),
        )),
        Some(sources) => {
            submit::perform(&app, &viewer, NewPolicySet { sources: sources.clone(), note, corrects: places }).await.inspect_err(|why| {
                if why.code == "does-not-compile" {
                    tried.faults = faults(&app, sources);
                }
            })
        }
    };
    match outcome {
        Ok(submitted) => Redirect::to(&format!("/policies/{}", submitted.version)).into_response(),
        Err(why) => {
            if tried.faults.is_empty() {
                tried.wrong = Some(respond::in_words(&frame, &why));
            }
            match page(&app, &frame, &viewer, &tried).await {
                Ok(shown) => (respond::status(&why), shown).into_response(),
                Err(why) => respond::problem(&frame, &why),
            }
        }
    }
}

/// Every fault of a set that was refused, with its place; the organisation is the one that it would have got.
fn faults(app: &App, mut sources: Vec<PolicySource>) -> Vec<Diagnostic> {
    if !sources.iter().any(apply::is_organisation) {
        let held = app.policy().ok().and_then(|(version, _)| app.holdings.sources_of(version));
        sources.extend(held.iter().flat_map(|held| held.iter()).filter(|source| apply::is_organisation(source)).cloned());
    }
    Policy::compile(&sources).err().unwrap_or_default()
}
