//! Absences and delegations: one's own, with one button to say 'I am back'; and those of the people whom one is set over.

use super::chosen::{self, Chooser, Shown};
use super::frame::Frame;
use super::respond;
use crate::App;
use crate::api::{absences, delegations};
use crate::directory::absences::{AbsenceQuery, AbsenceShown, NewAbsence, people_of};
use crate::directory::delegations::{DelegationQuery, DelegationShown, NewDelegation};
use crate::directory::period::State;
use crate::viewer::{PageViewer, SignedForm, Speaks, Viewer};
use axum::extract::{Path, Query, State as Held};
use axum::response::{IntoResponse, Redirect, Response};
use duban_contracts::{Problem, Timestamp, ids};
use duban_policy::directory::Directory;
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

/// What the page shows.
pub struct Seen<'a> {
    pub person: &'a str,
    pub absences: &'a [AbsenceShown],
    pub delegations: &'a [DelegationShown],
    /// For whom he may say that they are away, himself left out.
    pub people: Vec<Shown>,
    /// What he may delegate besides his own part.
    pub parts: Vec<Shown>,
    /// Everybody who can act for somebody.
    pub delegates: Vec<Shown>,
    pub said: Said,
}

/// What the page says besides.
#[derive(Debug, Default, Deserialize)]
pub struct Said {
    told: Option<String>,
    #[serde(skip)]
    wrong: Option<String>,
    #[serde(skip)]
    sent: Sent,
}

/// What a form sends; fields that a form does not have are empty.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Sent {
    request: Uuid,
    #[serde(default)]
    person: String,
    /// What is delegated: empty, `post:<post>` or `person:<person>`.
    #[serde(default)]
    of: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    reason: String,
}

pub fn view(frame: &Frame, seen: &Seen<'_>) -> Markup {
    let now = seen.absences.iter().find(|absence| absence.person == seen.person && absence.state == State::Current);
    let content = html! {
        @match seen.said.told.as_deref() {
            Some("set") => { div.notice role="status" { (frame.t("已登记。", "It is on record.")) } }
            Some("ended") => { div.notice role="status" { (frame.t("已结束。", "It has ended.")) } }
            _ => {}
        }
        @if let Some(wrong) = &seen.said.wrong { div.notice.bad role="alert" { (wrong) } }
        @if let Some(absence) = now { (away(frame, absence)) }
        h2 { (frame.t("离岗", "Absences")) }
        (absence_table(frame, seen))
        (absence_form(frame, seen))
        h2 { (frame.t("委托", "Delegations")) }
        (delegation_table(frame, seen))
        (delegation_form(frame, seen))
    };
    frame.page(frame.t("离岗与委托", "Absences and delegations"), false, &content)
}

/// To who is away himself: until when, what happens meanwhile, and the one button.
fn away(frame: &Frame, absence: &AbsenceShown) -> Markup {
    html! {
        article.card.soon {
            p {
                strong { (frame.t("您现在离岗，", "You are away, "))
                @if absence.until.is_some() { (frame.t("至", "until ")) }
                (until(frame, absence.until)) }
            }
            p.soft { (frame.t("其间应由您办理的事项转给受托人、代理人或上级。返岗时，仍未办结的会一次列给您。",
                "What would come to you goes to your delegate, deputy or superior. When you are back you are told once what of it still stands.")) }
            @match absence.absence {
                Some(id) => { form method="post" action={ "/absences/" (id) "/end" } {
                    (frame.csrf())
                    button.big type="submit" { (frame.t("我已返岗", "I am back")) }
                } }
                None => { p { (frame.t("此离岗登记在组织文件中，提前返岗请告知管理员。", "The organisation's file says so: tell an administrator if you are back before.")) } }
            }
        }
    }
}

fn until(frame: &Frame, until: Option<Timestamp>) -> Markup {
    html! {
        @match until {
            Some(until) => { (frame.time(until)) }
            None => { (frame.t("返岗时间未定", "until further notice")) }
        }
    }
}

fn absence_table(frame: &Frame, seen: &Seen<'_>) -> Markup {
    html! {
        @if seen.absences.is_empty() {
            p.soft { (frame.t("目前没有登记的离岗。登记后，应由离岗人办理的事项会自动转给他人。", "Nobody is away. Once it is said, what would come to who is away goes to others by itself.")) }
        } @else { table {
            thead { tr { th { (frame.t("姓名", "Name")) } th { (frame.t("自", "From")) } th { (frame.t("至", "Until")) } th { (frame.t("事由", "Reason")) } th { (frame.t("操作", "Actions")) } } }
            tbody { @for absence in seen.absences { tr data-row {
                td data-label=(frame.t("姓名", "Name")) { (frame.name(&absence.person)) " " (state(frame, absence.state)) }
                td data-label=(frame.t("自", "From")) { (frame.time(absence.from)) }
                td data-label=(frame.t("至", "Until")) { (until(frame, absence.until)) }
                td data-label=(frame.t("事由", "Reason")) {
                    @if absence.reason.is_empty() { "—" } @else { (absence.reason) }
                    @match &absence.set_by {
                        Some(by) if *by != absence.person => { div.small.soft { (frame.t("登记人：", "set by ")) (frame.name(by)) } }
                        Some(_) => {}
                        None => { div.small.soft { (frame.t("组织文件所载", "in the organisation's file")) } }
                    }
                }
                td { @if let Some(id) = absence.absence { (end_button(frame, &format!("/absences/{id}/end"), absence.state)) } }
            } } }
        } }
    }
}

fn delegation_table(frame: &Frame, seen: &Seen<'_>) -> Markup {
    html! {
        @if seen.delegations.is_empty() {
            p.soft { (frame.t("目前没有委托。", "Nothing is delegated.")) }
        } @else { table {
            thead { tr { th { (frame.t("委托方", "Of")) } th { (frame.t("受托人", "To")) } th { (frame.t("自", "From")) } th { (frame.t("至", "Until")) } th { (frame.t("操作", "Actions")) } } }
            tbody { @for delegation in seen.delegations { tr data-row {
                td data-label=(frame.t("委托方", "Of")) { (part(frame, delegation)) " " (state(frame, delegation.state)) }
                td data-label=(frame.t("受托人", "To")) { (frame.name(&delegation.to)) }
                td data-label=(frame.t("自", "From")) { (frame.time(delegation.from)) }
                td data-label=(frame.t("至", "Until")) { (frame.time(delegation.until)) }
                td { @if delegation.may_end { (end_button(frame, &format!("/delegations/{}/end", delegation.delegation), delegation.state)) } }
            } } }
        } }
    }
}

fn part(frame: &Frame, delegation: &DelegationShown) -> String {
    match (&delegation.person, &delegation.post) {
        (Some(person), _) => frame.name(person),
        (None, post) => frame.post(post.as_deref().unwrap_or_default()),
    }
}

fn state(frame: &Frame, state: State) -> Markup {
    html! {
        @match state {
            State::Current => { span.small.soft { (frame.t("进行中", "now")) } }
            State::Upcoming => { span.small.soft { (frame.t("未开始", "to come")) } }
            State::Ended => { span.small.soft { (frame.t("已结束", "over")) } }
            State::Withdrawn => { span.small.soft { (frame.t("已撤回", "withdrawn")) } }
        }
    }
}

fn end_button(frame: &Frame, action: &str, state: State) -> Markup {
    let words = match state {
        State::Current => frame.t("结束", "End it"),
        State::Upcoming => frame.t("撤回", "Withdraw it"),
        State::Ended | State::Withdrawn => return html! {},
    };
    html! { form method="post" action=(action) { (frame.csrf()) button.plain type="submit" { (words) } } }
}

fn absence_form(frame: &Frame, seen: &Seen<'_>) -> Markup {
    let sent = &seen.said.sent;
    // What was typed into the other form is not for this one.
    let typed = sent.to.is_empty();
    let value = |of: fn(&Sent) -> &str| if typed { of(sent).to_owned() } else { String::new() };
    html! {
        form.sheet method="post" action="/absences" {
            h3 { (frame.t("登记离岗", "Say who is away")) }
            (frame.csrf())
            input type="hidden" name="request" value=(ids::fresh());
            @if !seen.people.is_empty() {
                label for="absence-person" { (frame.t("离岗人", "Who")) }
                (chosen::select(&Chooser { id: "absence-person", name: "person", value: &value(|sent| &sent.person), empty: Some(frame.t("本人", "myself")) }, &seen.people))
            }
            label for="absence-from" { (frame.t("自", "From")) span.hint { (frame.t("留空表示从现在起", "empty: from now on")) } }
            input #absence-from name="from" type="datetime-local" value=(value(|sent| &sent.from));
            label for="absence-until" { (frame.t("至", "Until")) span.hint { (frame.t("留空表示返岗时间未定", "empty: until further notice")) } }
            input #absence-until name="until" type="datetime-local" value=(value(|sent| &sent.until));
            label for="absence-reason" { (frame.t("事由（可不填）", "Reason (optional)")) span.hint { (frame.t("仅本人、上级和管理员可见", "seen by him, his superiors and administrators alone")) } }
            input #absence-reason name="reason" maxlength="500" value=(value(|sent| &sent.reason));
            p { button type="submit" { (frame.t("登记离岗", "Put it on record")) } }
        }
    }
}

fn delegation_form(frame: &Frame, seen: &Seen<'_>) -> Markup {
    let sent = &seen.said.sent;
    let typed = !sent.to.is_empty();
    let value = |of: fn(&Sent) -> &str| if typed { of(sent).to_owned() } else { String::new() };
    html! {
        details.sheet open[typed] {
            summary { (frame.t("委托他人代办", "Let somebody act")) }
            p.soft { (frame.t("受托人在此期间办理应由您（或该岗位）办理的事项，并有相应权限（管理权限除外）。",
                "In this time he does what would come to you (or to the post), with the rights that go with it, but never administers.")) }
            form method="post" action="/delegations" {
                (frame.csrf())
                input type="hidden" name="request" value=(ids::fresh());
                @if !seen.parts.is_empty() {
                    label for="delegation-of" { (frame.t("委托内容", "What")) }
                    (chosen::select(&Chooser { id: "delegation-of", name: "of", value: &value(|sent| &sent.of), empty: Some(frame.t("应由本人办理的全部事项", "all that would come to me")) }, &seen.parts))
                }
                label for="delegation-to" { (frame.t("受托人", "To")) }
                (chosen::select(&Chooser { id: "delegation-to", name: "to", value: &value(|sent| &sent.to), empty: None }, &seen.delegates))
                label for="delegation-from" { (frame.t("自", "From")) span.hint { (frame.t("留空表示从现在起", "empty: from now on")) } }
                input #delegation-from name="from" type="datetime-local" value=(value(|sent| &sent.from));
                label for="delegation-until" { (frame.t("至", "Until")) }
                input #delegation-until name="until" type="datetime-local" required value=(value(|sent| &sent.until));
                label for="delegation-reason" { (frame.t("事由（可不填）", "Reason (optional)")) }
                input #delegation-reason name="reason" maxlength="500" value=(value(|sent| &sent.reason));
                p { button type="submit" { (frame.t("委托", "Delegate")) } }
            }
        }
    }
}

/// People and posts whose parts he may delegate besides his own.
fn parts(frame: &Frame, directory: &Directory, by: &str) -> Vec<Shown> {
    let now = frame.now;
    let posts = directory.posts().filter(|post| {
        let holds = directory.holders(post, now).iter().any(|holder| holder.id == by);
        post.unit != crate::directory::INSTALLATION && (holds || frame.administers || directory.is_over_post(by, post, now))
    });
    let people = directory
        .people()
        .filter(|person| !person.disabled && person.id != by && (frame.administers || directory.is_over_in_all(by, &person.id, now)));
    let posts = posts.map(|post| (format!("post:{}", post.id), frame.post(&post.id)));
    posts.chain(people.map(|person| (format!("person:{}", person.id), person.name.clone()))).collect()
}

async fn seen(app: &App, frame: &Frame, viewer: &Viewer, said: Said) -> Result<Markup, Problem> {
    let directory = app.directory()?;
    let away = absences::list::perform(app, viewer, &AbsenceQuery { limit: Some(200), ..AbsenceQuery::default() }).await?;
    let acting = delegations::list::perform(app, viewer, &DelegationQuery { limit: Some(200), ..DelegationQuery::default() }).await?;
    let of_him = people_of(&directory, &viewer.person, frame.now);
    let others =
        directory.people().filter(|person| person.id != viewer.person && of_him.as_ref().is_none_or(|people| people.contains(&person.id)));
    let seen = Seen {
        person: &viewer.person,
        absences: &away.absences,
        delegations: &acting.delegations,
        people: chosen::people(others),
        parts: parts(frame, &directory, &viewer.person),
        delegates: chosen::people(directory.people().filter(|person| person.id != viewer.person)),
        said,
    };
    Ok(view(frame, &seen))
}

/// `GET /absences`
pub async fn show(Held(app): Held<App>, PageViewer(viewer): PageViewer, Speaks(language): Speaks, Query(said): Query<Said>) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/absences");
    respond::page(&frame, seen(&app, &frame, &viewer, said).await)
}

/// `POST /absences`. A refusal shows the page again with what was typed.
pub async fn set(
    Held(app): Held<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    SignedForm(form): SignedForm<Sent>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/absences");
    let done = async {
        let new = NewAbsence {
            person: given(&form.person),
            from: time(&frame, &form.from, "/from")?,
            until: time(&frame, &form.until, "/until")?,
            reason: given(&form.reason),
        };
        absences::create::perform(&app, &viewer, form.request, new).await
    };
    match done.await {
        Ok(_) => Redirect::to("/absences?told=set").into_response(),
        Err(wrong) => again(&app, &frame, &viewer, form, &wrong).await,
    }
}

/// `POST /delegations`. A refusal shows the page again with what was typed.
pub async fn delegate(
    Held(app): Held<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    SignedForm(form): SignedForm<Sent>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/absences");
    let done = async {
        let of = |sort: &str| form.of.strip_prefix(sort).map(str::to_owned);
        let new = NewDelegation {
            person: of("person:"),
            post: of("post:"),
            to: form.to.trim().to_owned(),
            from: time(&frame, &form.from, "/from")?,
            until: chosen::wall_time(&form.until, &frame.zone, "/until")?,
            reason: given(&form.reason),
        };
        delegations::create::perform(&app, &viewer, form.request, new).await
    };
    match done.await {
        Ok(_) => Redirect::to("/absences?told=set").into_response(),
        Err(wrong) => again(&app, &frame, &viewer, form, &wrong).await,
    }
}

/// Forms whose address says everything.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// `POST /absences/{absence}/end`
pub async fn end(
    Held(app): Held<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(absence): Path<Uuid>,
    SignedForm(Nothing {}): SignedForm<Nothing>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/absences");
    ended(&frame, absences::end::perform(&app, &viewer, absence).await.map(|_| ()))
}

/// `POST /delegations/{delegation}/end`
pub async fn end_delegation(
    Held(app): Held<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    Path(delegation): Path<Uuid>,
    SignedForm(Nothing {}): SignedForm<Nothing>,
) -> Response {
    let frame = respond::frame(&app, Some(&viewer), language, "/absences");
    ended(&frame, delegations::end::perform(&app, &viewer, delegation).await.map(|_| ()))
}

fn ended(frame: &Frame, done: Result<(), Problem>) -> Response {
    done.map_or_else(|why| respond::problem(frame, &why), |()| Redirect::to("/absences?told=ended").into_response())
}

async fn again(app: &App, frame: &Frame, viewer: &Viewer, sent: Sent, wrong: &Problem) -> Response {
    let said = Said { told: None, wrong: Some(respond::in_words(frame, wrong)), sent };
    match seen(app, frame, viewer, said).await {
        Ok(page) => (respond::status(wrong), page).into_response(),
        Err(_) => respond::problem(frame, wrong),
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn time(frame: &Frame, text: &str, field: &str) -> Result<Option<Timestamp>, Problem> {
    given(text).map(|text| chosen::wall_time(&text, &frame.zone, field)).transpose()
}
