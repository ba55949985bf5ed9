//! A request as its endpoint sees it.

use super::claims::unbelieved;
use duban_contracts::claim::{Claim, ClaimError};
use duban_contracts::{Problem, both};
use serde::Serialize;
use uuid::Uuid;

/// A request as received. Its claim has been checked already; whether one is needed is the endpoint's affair.
#[derive(Debug, Clone)]
pub struct Request<Req> {
    pub subject: String,
    pub body: Req,
    /// The body as it came.
    pub raw: bytes::Bytes,
    pub request_id: Option<Uuid>,
    /// The version that the asker has seen.
    pub expected_version: Option<i64>,
    /// W3C trace context of the asker.
    pub traceparent: Option<String>,
    pub(super) claim: Result<Claim, ClaimError>,
    /// The operator's name, where the request came by a subject that the broker keeps for him.
    pub operator: Option<String>,
}

impl<Req> Request<Req> {
    /// A request made up for a test or a call within the process.
    pub fn of(body: Req, claim: Result<Claim, ClaimError>) -> Self {
        Self {
            subject: String::new(),
            body,
            raw: bytes::Bytes::new(),
            request_id: None,
            expected_version: None,
            traceparent: None,
            claim,
            operator: None,
        }
    }

    /// The claim.
    ///
    /// # Errors
    /// 401 without one that can be believed.
    pub fn claim(&self) -> Result<&Claim, Problem> {
        self.claim.as_ref().map_err(|error| unbelieved(*error))
    }

    /// Whether a claim came at all, believed or not.
    pub fn has_claim(&self) -> bool {
        !matches!(self.claim, Err(ClaimError::Missing))
    }

    /// The person who asks, by session or token.
    ///
    /// # Errors
    /// 401 without a claim of a person; also for a link's.
    pub fn person(&self) -> Result<&str, Problem> {
        self.claim()?.person().ok_or_else(Problem::unauthenticated)
    }

    /// Compares the version that the asker has seen with the present one.
    ///
    /// # Errors
    /// 400 if none was given; 409 with the present state if it is another.
    pub fn expect_version<T: Serialize>(&self, present: i64, state: impl FnOnce() -> T) -> Result<(), Problem> {
        match self.expected_version {
            Some(version) if version == present => Ok(()),
            Some(_) => Err(Problem::version_conflict(serde_json::to_value(state()).unwrap_or_default())),
            None => Err(Problem::malformed(both(
                "缺少所见版本（HTTP 头 If-Match），请刷新页面后重试",
                "the version that you have seen is needed: header If-Match over HTTP, duban-expected-version over NATS",
            ))),
        }
    }

    /// The same where a version need not be given.
    ///
    /// # Errors
    /// 409 with the present state if another was given.
    pub fn expect_version_if_given<T: Serialize>(&self, present: i64, state: impl FnOnce() -> T) -> Result<(), Problem> {
        if self.expected_version.is_some() { self.expect_version(present, state) } else { Ok(()) }
    }

    /// The same request with another body.
    pub fn map<T>(self, change: impl FnOnce(Req) -> T) -> Request<T> {
        Request {
            subject: self.subject,
            body: change(self.body),
            raw: self.raw,
            request_id: self.request_id,
            expected_version: self.expected_version,
            traceparent: self.traceparent,
            claim: self.claim,
            operator: self.operator,
        }
    }
}
