//! Somebody with a browser: logged in on the page, with the cookie of his session.

use anyhow::Context;
use duban::install::Installation;
use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};

/// A session at the gateway.
pub struct Visitor {
    client: Client,
    url: String,
    pub password: String,
    /// Name and value, as a browser sends it back.
    pub cookie: String,
    /// What the session's forms carry.
    pub csrf: String,
}

impl Visitor {
    /// Somebody of the organisation, with a password that was made for him just now.
    ///
    /// # Errors
    /// There is no such person.
    pub async fn with_new_password(installation: &Installation, person: &str) -> anyhow::Result<Self> {
        let made: Value = installation.administrator()?.send(Method::POST, &format!("/v1/people/{person}/reset"), &json!({})).await?;
        Self::log_in(&installation.url, person, made["password"].as_str().context("no password")?).await
    }

    /// # Errors
    /// The gateway does not let him in.
    pub async fn log_in(url: &str, name: &str, password: &str) -> anyhow::Result<Self> {
        let client = Client::new();
        let answer = client.post(format!("{url}/v1/session")).json(&json!({ "name": name, "password": password })).send().await?;
        let answer = answer.error_for_status()?;
        let cookie = answer.headers().get(header::SET_COOKIE).context("no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let me: Value = answer.json().await?;
        let csrf = me["csrf"].as_str().context("no token for forms")?.to_owned();
        Ok(Self { client, url: url.to_owned(), password: password.to_owned(), cookie, csrf })
    }

    /// A page, with its status.
    ///
    /// # Errors
    /// The gateway cannot be reached.
    pub async fn get(&self, path: &str) -> anyhow::Result<(StatusCode, String)> {
        let answer = self.client.get(format!("{}{path}", self.url)).header(header::COOKIE, &self.cookie).send().await?;
        Ok((answer.status(), answer.text().await?))
    }

    /// Sends a form of the page, with the session's token.
    ///
    /// # Errors
    /// The gateway cannot be reached.
    pub async fn post(&self, path: &str, members: &[(&str, &str)]) -> anyhow::Result<(StatusCode, String)> {
        let members = members.iter().copied().chain([("csrf", self.csrf.as_str())]);
        let form: Vec<String> = members.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let posting = self.client.post(format!("{}{path}", self.url)).header(header::COOKIE, &self.cookie);
        let answer = posting.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.join("&")).send().await?;
        Ok((answer.status(), answer.text().await?))
    }
}

/// A text as it stands in a form's body.
fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
