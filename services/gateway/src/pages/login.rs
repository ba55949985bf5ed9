//! Logging in.

use super::frame::Frame;
use super::respond;
use crate::App;
use crate::access::LoginRequest;
use crate::viewer::{ClientAddress, OpenForm, PageViewer, SignedForm, Speaks};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use maud::{Markup, html};
use serde::Deserialize;

/// `then` is the path to go to afterwards; only paths of our own.
pub fn view(frame: &Frame, name: &str, then: &str, wrong: Option<&str>) -> Markup {
    let content = html! {
        @if let Some(wrong) = wrong { div.notice.bad role="alert" { (wrong) } }
        form.sheet method="post" action="/login" {
            input type="hidden" name="then" value=(then);
            label for="login" { (frame.t("人员代码", "User name")) } input #login name="login" autocomplete="username" value=(name) required autofocus;
            label for="password" { (frame.t("密码", "Password")) } input #password name="password" type="password" autocomplete="current-password" required;
            p { button.big type="submit" { (frame.t("登录", "Log in")) } }
        }
        @if frame.demonstration { p.soft.small { (frame.t("演示环境：登录名和密码见 .duban/env。", "Demonstration: the login stands in .duban/env.")) } }
    };
    frame.page(frame.t("登录", "Log in"), true, &content)
}

#[derive(Debug, Default, Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /login`
pub async fn show(State(app): State<App>, Speaks(language): Speaks, Query(next): Query<Next>) -> Response {
    let frame = respond::frame(&app, None, language, "/login");
    view(&frame, "", respond::own_path(&next.next), None).into_response()
}

#[derive(Debug, Deserialize)]
pub struct Entered {
    login: String,
    password: String,
    #[serde(default)]
    then: String,
}

/// `POST /login`
pub async fn submit(
    State(app): State<App>,
    Speaks(language): Speaks,
    ClientAddress(address): ClientAddress,
    jar: CookieJar,
    OpenForm(entered): OpenForm<Entered>,
) -> Response {
    let request = LoginRequest { name: entered.login.clone(), password: entered.password };
    match app.access.login(&request, address).await {
        Ok(logged_in) => (jar.add(logged_in.cookie), Redirect::to(respond::own_path(&entered.then))).into_response(),
        Err(why) => {
            let frame = respond::frame(&app, None, language, "/login");
            let status = StatusCode::from_u16(why.status).unwrap_or(StatusCode::UNAUTHORIZED);
            let wrong = if why.status == 401 {
                frame.t("人员代码或密码不正确。", "The user name or the password is not right.")
            } else {
                frame.t(&why.title_zh, &why.title)
            };
            (status, view(&frame, &entered.login, respond::own_path(&entered.then), Some(wrong))).into_response()
        }
    }
}

/// The form has no fields but the token against cross-site requests.
#[derive(Debug, Deserialize)]
pub struct Leaving {}

/// `POST /logout`
pub async fn logout(
    State(app): State<App>,
    PageViewer(viewer): PageViewer,
    Speaks(language): Speaks,
    jar: CookieJar,
    SignedForm(Leaving {}): SignedForm<Leaving>,
) -> Response {
    match app.access.logout(&viewer).await {
        Ok(gone) => (jar.add(gone), Redirect::to("/login")).into_response(),
        Err(why) => respond::problem(&respond::frame(&app, Some(&viewer), language, "/logout"), &why),
    }
}
