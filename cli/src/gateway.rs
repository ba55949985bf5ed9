//! The gateway's HTTP API as a client sees it: every path that this program calls stands here.

use anyhow::Context;
use duban_contracts::alert::Acknowledged;
use duban_contracts::duty::{DutyAct, DutyEvent};
use duban_contracts::report::{Accepted, Report};
use duban_contracts::{Problem, case, report::PublicStatus};
use reqwest::Method;
use reqwest::header::{COOKIE, SET_COOKIE};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// A client with one person's or producer's token.
#[derive(Debug, Clone)]
pub struct Gateway {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Gateway {
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("duban/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, url: url.into(), token: token.into() })
    }

    /// The same gateway, asked by another.
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { client: self.client.clone(), url: self.url.clone(), token: token.into() }
    }

    /// A new token for a person, by his own login: for who may administer and has no token any more.
    ///
    /// # Errors
    /// The gateway's problem (the login is wrong, he may not), or that it cannot be reached.
    pub async fn token_by_login(&self, login: &str, password: &str, name: &str) -> anyhow::Result<String> {
        let login = json!({ "name": login, "password": password });
        let answer = self.client.post(format!("{}/v1/session", self.url)).json(&login).send().await.context("logging in")?;
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let cookie = cookies.collect::<Vec<_>>().join("; ");
        let me: Value = read(answer).await?;
        let of = |member: &str| me[member].as_str().map(str::to_owned).with_context(|| format!("no {member} after logging in"));
        let request = self
            .client
            .post(format!("{}/v1/people/{}/token", self.url, of("person")?))
            .header(COOKIE, &cookie)
            .header("X-CSRF-Token", of("csrf")?)
            .json(&json!({ "name": name }));
        let made: Value = read(request.send().await.context("asking for a token")?).await?;
        made["token"].as_str().map(str::to_owned).context("no token in the answer")
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// `POST /v1/reports`.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn send_report(&self, key: &str, report: &Report) -> anyhow::Result<Accepted> {
        let request = self.client.post(format!("{}/v1/reports", self.url)).header("Idempotency-Key", key).json(report);
        self.answer(request).await
    }

    /// `GET /v1/reports/{tracking_code}`.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn track(&self, code: &str) -> anyhow::Result<PublicStatus> {
        self.get(&format!("/v1/reports/{code}"), &()).await
    }

    /// `GET /v1/cases`.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn cases(&self, filter: &case::CaseListRequest) -> anyhow::Result<case::CaseList> {
        self.get("/v1/cases", filter).await
    }

    /// `POST /v1/cases/{id}/acts`, with a request id so that a repetition acts once.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn act(&self, case: Uuid, request: Uuid, expected: i64, act: &case::CaseAct) -> anyhow::Result<case::CaseActed> {
        let request = self
            .client
            .post(format!("{}/v1/cases/{case}/acts", self.url))
            .header("Idempotency-Key", request.to_string())
            .header("If-Match", format!("\"{expected}\""))
            .json(act);
        self.answer(request).await
    }

    /// `POST /v1/alerts/{id}/acknowledge`.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn acknowledge(&self, alert: Uuid, request: Uuid) -> anyhow::Result<Acknowledged> {
        let request =
            self.client.post(format!("{}/v1/alerts/{alert}/acknowledge", self.url)).header("Idempotency-Key", request.to_string());
        self.answer(request).await
    }

    /// `POST /v1/duties/{duty}/act`: pause, resume, extend, hand over, urge.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn act_on_duty(&self, duty: Uuid, request: Uuid, act: &DutyAct) -> anyhow::Result<DutyEvent> {
        let request = self.client.post(format!("{}/v1/duties/{duty}/act", self.url)).header("Idempotency-Key", request.to_string());
        self.answer(request.json(act)).await
    }

    /// `PUT /v1/organisation`: an organisation file as it is.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn apply_organisation(&self, file: &str) -> anyhow::Result<serde_json::Value> {
        let request = self.client.put(format!("{}/v1/organisation", self.url)).header("Content-Type", "text/plain; charset=utf-8");
        self.answer(request.body(file.to_owned())).await
    }

    /// Any `GET` with a query.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> anyhow::Result<T> {
        self.answer(self.client.get(format!("{}{path}{}", self.url, query_text(query)?))).await
    }

    /// Any other request with a JSON body.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn send<T: DeserializeOwned>(&self, method: Method, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.answer(self.client.request(method, format!("{}{path}", self.url)).json(body)).await
    }

    /// Any `POST` that acts, with a request id so that a repetition acts once.
    ///
    /// # Errors
    /// The gateway's problem, or that it cannot be reached.
    pub async fn act_once<T: DeserializeOwned>(&self, path: &str, request: Uuid, body: &impl Serialize) -> anyhow::Result<T> {
        let post = self.client.post(format!("{}{path}", self.url)).header("Idempotency-Key", request.to_string());
        self.answer(post.json(body)).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> anyhow::Result<T> {
        let request = if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
        let response = request.send().await.map_err(|why| {
            let said = match why.is_connect() {
                true => format!("nothing answers at {}: is Duban running? `make up` starts it, --url names another", self.url),
                false => format!("asking the gateway at {}", self.url),
            };
            anyhow::Error::new(why).context(said)
        })?;
        read(response).await
    }
}

/// The body of an answer, or the problem that it is.
async fn read<T: DeserializeOwned>(response: reqwest::Response) -> anyhow::Result<T> {
    let status = response.status();
    let bytes = response.bytes().await.context("reading the gateway's answer")?;
    if status.is_success() {
        let body: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        return serde_json::from_slice(body).context("the gateway's answer is not what this version expects");
    }
    let problem = serde_json::from_slice::<Problem>(&bytes).unwrap_or_else(|_| {
        let said: String = String::from_utf8_lossy(&bytes).chars().take(200).collect();
        Problem::new(status.as_u16(), "http", format!("The gateway answered {status}"), String::new()).with_detail(said)
    });
    Err(problem.into())
}

/// `?a=b&c=d` of a flat struct's members that are there.
fn query_text(query: &impl Serialize) -> anyhow::Result<String> {
    let mut url = reqwest::Url::parse("http://query/")?;
    if let serde_json::Value::Object(members) = serde_json::to_value(query)? {
        for (name, value) in members {
            match value {
                serde_json::Value::Null => {}
                serde_json::Value::String(text) => {
                    url.query_pairs_mut().append_pair(&name, &text);
                }
                other => {
                    url.query_pairs_mut().append_pair(&name, &other.to_string());
                }
            }
        }
    }
    Ok(url.query().map(|query| format!("?{query}")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_what_is_asked_for_and_nothing_else() {
        let filter = case::CaseListRequest { search: Some("退 款&".into()), limit: Some(5), ..Default::default() };
        assert_eq!(query_text(&filter).unwrap(), "?search=%E9%80%80+%E6%AC%BE%26&limit=5");
        assert_eq!(query_text(&()).unwrap(), "");
    }
}
