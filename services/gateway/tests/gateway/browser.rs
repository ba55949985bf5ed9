//! A browser as the pages meet it: forms, a cookie, the token that a session's forms carry.

use crate::world::Gateway;
use anyhow::Context;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};

pub const FORM: &str = "application/x-www-form-urlencoded";

/// A page as it came.
pub struct Page {
    pub status: StatusCode,
    pub text: String,
    /// Where it leads on, for an answer that only leads on.
    pub location: String,
}

/// Somebody who has logged in on the page.
pub struct Session<'a> {
    gateway: &'a Gateway,
    cookie: String,
    pub csrf: String,
}

impl<'a> Session<'a> {
    pub async fn of(gateway: &'a Gateway, name: &str, password: &str) -> anyhow::Result<Self> {
        let form = form(&[("login", name), ("password", password)]);
        let answer = gateway.ask(Method::POST, "/login").header(header::CONTENT_TYPE, FORM).body(form).send().await?;
        anyhow::ensure!(answer.status() == StatusCode::SEE_OTHER, "{}: {}", answer.status(), answer.text().await?);
        let cookie = answer.headers().get(header::SET_COOKIE).context("a cookie")?.to_str()?;
        let mut session = Self { gateway, cookie: cookie.split(';').next().unwrap_or_default().to_owned(), csrf: String::new() };
        session.csrf = hidden(&session.get("/report").await?.text, "csrf").context("a token of the session's forms")?;
        Ok(session)
    }

    /// The same browser at another copy of the gateway.
    pub fn at(&self, gateway: &'a Gateway) -> Self {
        Self { gateway, cookie: self.cookie.clone(), csrf: self.csrf.clone() }
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.gateway.ask(method, path).header(header::COOKIE, &self.cookie)
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Page> {
        page(self.ask(Method::GET, path).send().await?).await
    }

    /// Sends a form of the page, with the session's token.
    pub async fn post(&self, path: &str, members: &[(&str, &str)]) -> anyhow::Result<Page> {
        let members: Vec<_> = members.iter().copied().chain([("csrf", self.csrf.as_str())]).collect();
        self.post_without_token(path, &members).await
    }

    /// Sends a form with files, as a browser does.
    pub async fn upload(&self, path: &str, members: &[(&str, &str)], files: &[(&str, &str)], token: &str) -> anyhow::Result<Page> {
        const BOUNDARY: &str = "between-the-parts";
        let member =
            |(name, value): &(&str, &str)| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        let file = |(name, text): &(&str, &str)| {
            let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/toml");
            format!("--{BOUNDARY}\r\n{head}\r\n\r\n{text}\r\n")
        };
        let body: String = [("csrf", token)].iter().chain(members).map(member).chain(files.iter().map(file)).collect();
        let form = self.ask(Method::POST, path).header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"));
        page(form.body(format!("{body}--{BOUNDARY}--\r\n")).send().await?).await
    }

    pub async fn post_without_token(&self, path: &str, members: &[(&str, &str)]) -> anyhow::Result<Page> {
        page(self.ask(Method::POST, path).header(header::CONTENT_TYPE, FORM).body(form(members)).send().await?).await
    }
}

/// Members as a browser sends them.
pub fn form(members: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String {
        text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
    };
    members.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&")
}

pub async fn page(answer: Response) -> anyhow::Result<Page> {
    let status = answer.status();
    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Ok(Page { status, location, text: answer.text().await? })
}

/// The value of a hidden field.
pub fn hidden(page: &str, name: &str) -> Option<String> {
    let (_, after) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    after.split('"').next().map(str::to_owned)
}
