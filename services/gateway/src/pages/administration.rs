//! People (and, beside this, producers): made, disabled and enabled, given tokens that can be revoked, without a restart of anything; and
//! who changed what.

use super::frame::Frame;
use super::operation::next_page;
use super::policy_set;
use super::producers;
use super::respond;
use crate::App;
use crate::directory::history::{CHANGED, ChangeShown, History, HistoryQuery};
use crate::directory::producers::ListedProducer;
use crate::directory::tokens::PersonToken;
use crate::directory::{history, people, tokens};
use crate::policies::promote::SYSTEM;
use crate::viewer::{PageViewer, SignedForm, Speaks, url_encoded};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::Problem;
use duban_contracts::source::SourceList;
use duban_policy::directory::{Directory, Person, Post};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

/// What a token is called that is given here, unless it is named.
const TOKEN_NAME: &str = "page";

/// So many people are listed at once; who looks for another searches.
const MOST_PEOPLE: usize = 50;

/// Which people.
#[derive(Debug, Default, Deserialize)]
pub struct PeopleQuery {
    /// Part of a name, code, post or unit.
    #[serde(default)]
    person: String,
}

/// What the page shows.
struct Standing<'a> {
    directory: &'a Directory,
    listed: &'a [ListedProducer],
    /// None while intake does not answer.
    heard: Option<&'a SourceList>,
    history: &'a History,
    /// Of everybody, by person.
    tokens: &'a [PersonToken],
}

fn view(frame: &Frame, standing: &Standing<'_>, sought: &str, asked: &HistoryQuery) -> Markup {
    let Standing { directory, listed, heard, history, tokens } = standing;
    let content = html! {
        h2 #producers { (frame.t("来件接入方", "Producers")) }
        (producers::table(frame, listed, *heard))
        (producers::form(frame))
        h2 { (frame.t("人员", "People")) }
        (people_search(frame, sought))
        (people_table(frame, directory, tokens, sought))
        (new_person(frame))
        h2 #changes { (frame.t("变更记录", "Changes")) }
        (changes_of(frame, asked))
        (history_table(frame, &history.changes))
        @if let Some(next) = history.next {
            @let (what, which) = (asked.what.as_deref().unwrap_or_default(), asked.which.as_deref().unwrap_or_default());
            (next_page(frame, "/administration", &[("what", what), ("which", which), ("before", &next.to_string())]))
        }
    };
    frame.page(frame.t("管理", "Administration"), false, &content)
}

pub(super) fn state(frame: &Frame, disabled: bool) -> Markup {
    html! { @if disabled { span.state.off { (frame.t("已停用", "Disabled")) } } @else { span.state.normal { (frame.t("启用", "Active")) } } }
}

/// Disabling is asked about once more: `effect` says what it does.
pub(super) fn disabling(frame: &Frame, what: &str, id: &str, effect: &str) -> Markup {
    html! {
        details.small {
            summary { (frame.t("停用", "Disable")) }
            form method="post" action={ "/administration/" (what) "/" (id) "/disable" } {
                (frame.csrf())
                p { (effect) }
                button.plain type="submit" { (frame.t("确认停用", "Disable")) " " (id) }
            }
        }
    }
}

fn person_acts(frame: &Frame, person: &Person) -> Markup {
    let field = format!("token-name-{}", person.id);
    html! {
        @if !person.disabled {
            details.small {
                summary { (frame.t("发放令牌", "New token")) }
                form method="post" action={ "/administration/people/" (person.id) "/token" } {
                    (frame.csrf())
                    label for=(field) { (frame.t("用途（同名令牌随即失效）", "What for (a token of the same name ends)")) }
                    input id=(field) name="name" value=(TOKEN_NAME) required maxlength="100";
                    " " button.plain type="submit" { (frame.t("发放", "Give")) }
                }
            }
            (disabling(frame, "people", &person.id, frame.t("随即退出登录，令牌全部失效，通知改送其代理人或上级。", "He is logged out, his tokens end, and alerts go to his deputy or superior.")))
        }
    }
}

fn people_search(frame: &Frame, sought: &str) -> Markup {
    html! {
        form.filters method="get" action="/administration#people" role="search" {
            div { label for="people-search" { (frame.t("姓名、代码、岗位或单位", "Name, id, post or unit")) } input #people-search type="search" name="person" value=(sought); }
            div { button type="submit" { (frame.t("查找", "Search")) } }
        }
    }
}

/// Whether a person is meant by what was typed: by name or id, by a post or its unit.
fn is_sought(frame: &Frame, directory: &Directory, person: &Person, sought: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(sought);
    let at = |post: &Post| has(frame.t(&post.title.zh, &post.title.en)) || has(&post.unit) || has(&frame.unit(&post.unit));
    has(&person.id) || has(&person.name) || directory.posts_of(&person.id, frame.now).iter().any(|held| at(held.post))
}

fn people_table(frame: &Frame, directory: &Directory, tokens: &[PersonToken], sought: &str) -> Markup {
    let sought = sought.to_lowercase();
    let found: Vec<&Person> =
        directory.people().filter(|person| sought.is_empty() || is_sought(frame, directory, person, &sought)).collect();
    html! {
        table #people {
            caption {
                (frame.counted(found.len(), "人", "person", "people"))
                @if found.len() > MOST_PEOPLE { (frame.t("，以下为前 ", "; the first ")) (MOST_PEOPLE) (frame.t(" 人，请用查找缩小范围", " are shown, search for others")) }
            }
            thead { tr { th { (frame.t("代码", "Id")) } th { (frame.t("姓名", "Name")) } th { (frame.t("岗位", "Posts")) } th { (frame.t("状态", "State")) } th { (frame.t("操作", "Actions")) } } }
            @if found.is_empty() { tbody { tr { td colspan="5" { (frame.t("没有符合条件的人员。", "Nobody fits.")) } } } }
            tbody { @for person in found.iter().take(MOST_PEOPLE) { tr data-row {
                td data-label=(frame.t("代码", "Id")) { (person.id) }
                td data-label=(frame.t("姓名", "Name")) { (person.name) }
                td data-label=(frame.t("岗位", "Posts")) {
                    @for held in directory.posts_of(&person.id, frame.now) {
                        div.small { (frame.t(&held.post.title.zh, &held.post.title.en)) " · " (frame.unit(&held.post.unit)) @if held.as_deputy { " " (frame.t("（代理）", "(deputy)")) } @if held.as_delegate { " " (frame.t("（受托）", "(delegate)")) } }
                    }
                }
                td { (state(frame, person.disabled)) }
                td { (person_acts(frame, person)) (enabling(frame, person)) (tokens_of(frame, tokens, &person.id)) }
            } } }
        }
    }
}

fn enabling(frame: &Frame, person: &Person) -> Markup {
    html! {
        @if person.disabled {
            form method="post" action={ "/administration/people/" (person.id) "/enable" } { (frame.csrf()) button.plain type="submit" { (frame.t("启用", "Enable")) } }
        }
    }
}

/// The tokens of a person, each with its end and the way to end it now.
fn tokens_of(frame: &Frame, tokens: &[PersonToken], person: &str) -> Markup {
    let own: Vec<&PersonToken> = tokens.iter().filter(|token| token.person == person).collect();
    html! {
        @if !own.is_empty() {
            details.small {
                summary { (frame.counted(own.len(), "个令牌", "token", "tokens")) }
                @for token in own {
                    form method="post" action={ "/administration/people/" (person) "/tokens/" (token.id) "/revoke" } {
                        (frame.csrf())
                        (token.name) " · " (frame.t("有效期至 ", "good until ")) (frame.time(token.expires_at)) " "
                        button.plain type="submit" { (frame.t("吊销", "Revoke")) }
                    }
                }
            }
        }
    }
}

fn new_person(frame: &Frame) -> Markup {
    html! {
        details.sheet {
            summary { (frame.t("添加人员", "Add a person")) }
            form method="post" action="/administration/people" {
                (frame.csrf())
                label for="person-id" { (frame.t("代码（登录名）", "Id (to log in)")) } input #person-id name="id" required pattern="[a-z0-9_\\-]{1,40}";
                label for="person-name" { (frame.t("姓名", "Name")) } input #person-name name="name" required;
                label for="person-email" { (frame.t("邮箱", "Email")) } input #person-email name="email" type="email";
                label for="person-phone" { (frame.t("电话", "Telephone")) } input #person-phone name="phone" type="tel";
                label for="person-webhook" { (frame.t("个人 Webhook 地址（可不填）", "Address of a webhook of his own (optional)")) } input #person-webhook name="webhook" type="url";
                label for="person-language" { (frame.t("语言", "Language")) }
                select #person-language name="language" { option value="zh" { "中文" } option value="en" { "English" } }
                label for="person-password" { (frame.t("初始密码", "First password")) } input #person-password name="password" type="password" autocomplete="new-password" required minlength="10";
                p { button type="submit" { (frame.t("添加人员", "Add the person")) } }
            }
        }
    }
}

fn changes_of(frame: &Frame, asked: &HistoryQuery) -> Markup {
    html! {
        ul.tabs {
            li { a href="/administration#changes" aria-current=[asked.what.is_none().then_some("true")] { (frame.t("全部", "All")) } }
            @for (what, zh, en) in CHANGED {
                li { a href={ "/administration?what=" (what) "#changes" } aria-current=[(asked.what.as_deref() == Some(what)).then_some("true")] { (frame.t(zh, en)) } }
            }
        }
    }
}

fn history_table(frame: &Frame, changes: &[ChangeShown]) -> Markup {
    html! {
        table {
            thead { tr { th { (frame.t("时间", "Time")) } th { (frame.t("谁", "Who")) } th { (frame.t("什么", "What")) } th { (frame.t("改前 → 改后", "Before → after")) } } }
            tbody { @for change in changes { tr {
                td { (frame.time(change.at)) }
                td data-label=(frame.t("谁", "Who")) { (who(frame, &change.by)) }
                td data-label=(frame.t("什么", "What")) { (changed(frame, &change.what)) " " a href=(history_of(change)) { (change.which) } (frame.t("：", ": ")) (done(frame, change)) }
                td { details { summary { (frame.t("查看", "Show")) } pre tabindex="0" { (shown(change.before.as_ref())) "\n→\n" (shown(change.after.as_ref())) } } }
            } } }
        }
    }
}

fn changed<'a>(frame: &Frame, what: &'a str) -> &'a str {
    CHANGED.iter().find(|known| known.0 == what).map_or(what, |(_, zh, en)| frame.t(zh, en))
}

/// A person's name with his code, since names may be the same.
fn who(frame: &Frame, by: &str) -> Markup {
    let name = frame.name(by);
    html! { (name) @if name != by && by != SYSTEM { " " span.soft { (by) } } }
}

/// What was done to it, in a word.
fn done(frame: &Frame, change: &ChangeShown) -> String {
    match (change.what.as_str(), &change.before, &change.after) {
        ("policy", ..) => policy_set::event(frame, change),
        (_, None, Some(_)) => frame.t("新增", "added").to_owned(),
        (_, Some(_), None) => frame.t("删除", "removed").to_owned(),
        _ => frame.t("变更", "changed").to_owned(),
    }
}

/// Where all changes of one thing stand.
fn history_of(change: &ChangeShown) -> String {
    format!("/administration?what={}&which={}#changes", url_encoded(&change.what), url_encoded(&change.which))
}

fn shown(value: Option<&serde_json::Value>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| serde_json::to_string_pretty(value).unwrap_or_default())
}

/// A secret, shown once.
pub(super) fn secret(frame: &Frame, whose: &str, secret: &str, back: &str) -> Markup {
    let content = html! {
        div.notice role="status" {
            p { (whose) " " (frame.t("的令牌，只显示这一次，请立即保存：", "has this token. It is shown only this once; keep it now:")) }
            p { code { (secret) } }
        }
        p { a.button href=(back) { (frame.t("我已保存", "I have kept it")) } }
    };
    frame.page(frame.t("新令牌", "New token"), true, &content)
}

/// `GET /administration`; a query chooses among the changes.
pub async fn show(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Query(asked): Query<HistoryQuery>,
    Query(PeopleQuery { person }): Query<PeopleQuery>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/administration");
    let content = async {
        viewer.must_administer()?;
        let directory = app.directory()?;
        let listed = crate::directory::producers::list(&app).await?;
        // Without intake the page stands all the same.
        let heard = app.services.source_list(&viewer).await.ok();
        let history = history::list(&app, &asked).await?;
        let tokens = tokens::list(&app, None).await?;
        let standing = Standing { directory: &directory, listed: &listed, heard: heard.as_ref(), history: &history, tokens: &tokens };
        Ok(view(&frame, &standing, person.trim(), &asked))
    };
    respond::page(&frame, content.await)
}

/// The form sends every field, the empty ones too: an empty one is one not given.
fn as_given(new: people::NewPerson) -> people::NewPerson {
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    people::NewPerson {
        email: given(new.email),
        phone: given(new.phone),
        language: given(new.language),
        webhook: given(new.webhook),
        password: new.password.filter(|password| !password.is_empty()),
        ..new
    }
}

/// `POST /administration/people`
pub async fn create_person(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    SignedForm(new): SignedForm<people::NewPerson>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/administration");
    let done = async {
        viewer.must_administer()?;
        people::create(&app, &viewer.person, as_given(new)).await
    };
    done.await.map_or_else(|why| respond::problem(&frame, &why), |made| Redirect::to(&at_person(&made.id)).into_response())
}

/// Forms whose address says everything.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// What else may be said with an act on a person.
#[derive(Debug, Deserialize)]
pub struct Act {
    /// What a new token is called.
    #[serde(default)]
    name: Option<String>,
}

/// `POST /administration/people/{person}/{token|disable|enable}`
pub async fn act_on_person(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path((person, act)): Path<(String, String)>,
    SignedForm(Act { name }): SignedForm<Act>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/administration");
    let done = async {
        viewer.must_administer()?;
        match act.as_str() {
            "token" => tokens::give(&app, &viewer.person, &person, name.as_deref().unwrap_or(TOKEN_NAME), tokens::DAYS)
                .await
                .map(|made| made.token),
            "disable" => people::disable(&app, &viewer.person, &person).await.map(|()| None),
            "enable" => people::enable(&app, &viewer.person, &person).await.map(|()| None),
            _ => Err(Problem::not_found()),
        }
    };
    told(&frame, &person, &at_person(&person), done.await)
}

/// The page with this person found, and at his row.
fn at_person(person: &str) -> String {
    format!("/administration?person={}#people", url_encoded(person))
}

/// `POST /administration/people/{person}/tokens/{token}/revoke`
pub async fn revoke_token(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path((person, token)): Path<(String, Uuid)>,
    SignedForm(Nothing {}): SignedForm<Nothing>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/administration");
    let done = async {
        viewer.must_administer()?;
        tokens::revoke(&app, &viewer.person, &person, token).await.map(|()| None)
    };
    told(&frame, &person, &at_person(&person), done.await)
}

/// A new token is shown; anything else leads back to where it was asked for.
pub(super) fn told(frame: &Frame, whose: &str, back: &str, done: Result<Option<String>, Problem>) -> Response {
    match done {
        Ok(Some(token)) => secret(frame, whose, &token, back).into_response(),
        Ok(None) => Redirect::to(back).into_response(),
        Err(why) => respond::problem(frame, &why),
    }
}
