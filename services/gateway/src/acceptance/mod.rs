//! Reports in: one journey for HTTP, NATS and the public form.
//!
//! Read (bytes → JSON), judge (JSON → report, every fault at once), compute identity (receipt, code), put on disk with all that arrived
//! meanwhile, answer. Nothing is looked up in a database on the way, so reports are accepted while Postgres is down.

pub mod body;
pub mod group_commit;
pub mod known;
pub mod over_nats;
pub mod refused;
pub mod validation;

use crate::holdings::Holdings;
use crate::producers::{Producer, ProducerBook};
use async_nats::HeaderMap;
use duban_contracts::event::header;
use duban_contracts::identity::{IdentityKeys, TrackingCode};
use duban_contracts::report::{Accepted, AcceptedReport, Links, Report, Warning};
use duban_contracts::{FieldError, Problem, Timestamp, both, ids, subjects};
use duban_platform::{Clock, telemetry};
use duban_policy::policy::ReportFacts;
use group_commit::{Envelope, GroupCommit, NotTaken};
use prometheus::IntCounterVec;
use serde_json::Value;
use std::sync::{Arc, LazyLock};
use tracing::Instrument;
use uuid::Uuid;

/// Where reports are accepted. Cheap to clone.
#[derive(Clone)]
pub struct Acceptance(Arc<Parts>);

/// What acceptance stands on.
pub struct Parts {
    pub keys: IdentityKeys,
    pub clock: Clock,
    pub holdings: Holdings,
    pub producers: ProducerBook,
    pub commit: GroupCommit,
    /// Public address without a slash at its end.
    pub public_base: String,
    /// Producer of the public form.
    pub web_producer: String,
    /// By outcome: `accepted`, or the problem's code.
    pub outcomes: IntCounterVec,
}

/// A report as it came in.
pub struct Arrived<'a> {
    pub idempotency_key: Option<&'a str>,
    pub body: Body<'a>,
    /// The channel that the subject names, over NATS.
    pub channel: Option<&'a str>,
    /// W3C trace context of the sender.
    pub traceparent: Option<&'a str>,
    /// How it came: `http`, `nats`, `form`.
    pub over: &'static str,
}

pub enum Body<'a> {
    Bytes(&'a [u8]),
    Value(Value),
}

/// A key for a form that is about to be shown: sent with it, the form pressed twice is one report.
pub fn form_key() -> String {
    format!("form-{}", ids::fresh().simple())
}

impl Acceptance {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The producer of a bearer token; None for any other token.
    pub fn producer_of(&self, token: &str) -> Option<Arc<Producer>> {
        self.0.producers.by_token(token)
    }

    /// The producer of this id, unless it is disabled.
    pub fn producer(&self, id: &str) -> Option<Arc<Producer>> {
        self.0.producers.by_id(id)
    }

    /// The producer in whose name the broker let somebody send.
    ///
    /// # Errors
    /// 403 disabled since it connected; 503 before the producers were first read.
    pub fn sender(&self, id: &str) -> Result<Arc<Producer>, Problem> {
        let refused = || self.0.holdings.directory_read().and(Err(Problem::forbidden(both("该接入方已停用", "the producer is disabled"))));
        self.producer(id).map_or_else(refused, Ok)
    }

    pub fn keys(&self) -> &IdentityKeys {
        &self.0.keys
    }

    /// Unit of reports by the public form that name none.
    pub fn form_unit(&self) -> Option<String> {
        self.producer(&self.0.web_producer).map(|producer| producer.unit.clone())
    }

    /// A report by the public form, under the producer of the form.
    ///
    /// # Errors
    /// As [`Self::accept`]; 503 while there is no such producer.
    pub async fn submit_form(&self, key: &str, body: Value) -> Result<Accepted, Problem> {
        let producer = self.producer(&self.0.web_producer).ok_or_else(|| {
            Problem::unavailable(both("网页来件渠道未登记或已停用", "the producer of the web form, which is not there or is disabled"))
        })?;
        let arrived = Arrived { idempotency_key: Some(key), body: Body::Value(body), channel: None, traceparent: None, over: "form" };
        self.accept(&producer, arrived).await
    }

    /// Takes a report: returns when it is on disk.
    ///
    /// # Errors
    /// 400 and 413 for what cannot be read, 422 with every field at fault, 409 for another body under a registered key, 503 when it could
    /// not be put on disk for certain: the sender may repeat it under the same key.
    pub async fn accept(&self, producer: &Producer, arrived: Arrived<'_>) -> Result<Accepted, Problem> {
        let span = tracing::info_span!(
            target: "duban::reports",
            "accept",
            otel.name = %format_args!("report {}", arrived.over),
            otel.kind = "server",
            producer = %producer.id,
            receipt = tracing::field::Empty,
            problem = tracing::field::Empty,
        );
        telemetry::adopt(&span, arrived.traceparent);
        let outcome = self.journey(producer, arrived, &span).instrument(span.clone()).await;
        let word = match &outcome {
            Ok(_) => "accepted",
            Err(problem) => {
                span.record("problem", problem.code.as_str());
                &problem.code
            }
        };
        self.0.outcomes.with_label_values(&[word]).inc();
        outcome
    }

    async fn journey(&self, producer: &Producer, arrived: Arrived<'_>, span: &tracing::Span) -> Result<Accepted, Problem> {
        let key = validation::idempotency_key(arrived.idempotency_key).map_err(|fault| {
            Problem::malformed(both("报头 Idempotency-Key 不符合要求", "the header Idempotency-Key cannot be taken"))
                .with_errors(vec![fault])
        })?;
        let value = match arrived.body {
            Body::Bytes(bytes) => body::read(bytes)?,
            Body::Value(value) => value,
        };
        let now = self.0.clock.now();
        let body_hash = hex::encode(self.0.keys.body_hash(&value));
        let report = validation::report(value, now).map_err(Problem::invalid)?;
        agrees_with_subject(&report, arrived.channel)?;
        let unit = report.unit.clone().unwrap_or_else(|| producer.unit.clone());
        let mut warnings = self.warnings(&report, &unit, producer, now);
        let receipt = self.0.keys.receipt(&producer.id, key);
        span.record("receipt", tracing::field::display(receipt));
        let (follows, follows_code) = self.target(producer, report.follows.as_deref());
        warnings.extend(self.warning_of_code(report.follows.as_deref()));
        let accepted = AcceptedReport {
            receipt,
            producer: producer.id.clone(),
            idempotency_key: key.to_owned(),
            body_hash: body_hash.clone(),
            received_at: now,
            unit,
            follows,
            follows_code,
            report,
        };
        let payload = serde_json::to_vec(&accepted).map_err(|_| Problem::internal())?.into();
        let headers = headers(receipt, now, telemetry::traceparent_of(span));
        let on_disk = self.0.commit.commit(Envelope { receipt, body_hash, headers, payload }).await.map_err(problem_of)?;
        let code = self.0.keys.tracking_code(receipt).to_string();
        let links = self.links(&code);
        Ok(Accepted { receipt, tracking_code: code, links, warnings, stream: on_disk.stream.as_ref().to_owned(), seq: on_disk.seq })
    }

    fn links(&self, code: &str) -> Links {
        let base = &self.0.public_base;
        Links { status: format!("{base}/v1/reports/{code}"), track: format!("{base}/track?code={code}") }
    }

    /// What a report follows: the receipt of the same producer's key, or the code's number.
    fn target(&self, producer: &Producer, follows: Option<&str>) -> (Option<Uuid>, Option<String>) {
        let Some(reference) = follows.map(str::trim) else { return (None, None) };
        match reference.parse::<TrackingCode>() {
            Ok(code) if self.0.keys.is_genuine(code) => (None, Some(code.hash.to_string())),
            _ => (Some(self.0.keys.receipt(&producer.id, reference)), None),
        }
    }

    /// What reads like a tracking code and is none may be an earlier key all the same: it is followed as that, and named.
    fn warning_of_code(&self, follows: Option<&str>) -> Option<Warning> {
        let reference = follows?.trim();
        let code: TrackingCode = reference.parse().ok()?;
        (!self.0.keys.is_genuine(code)).then(|| Warning {
            field: "/follows".to_owned(),
            code: "unknown-code".to_owned(),
            message: format!(
                "'{reference}' is no tracking code of ours, please check it; unless it is the key of an earlier report of yours, this one becomes a case of its own"
            ),
            message_zh: format!("“{reference}”不是有效的查询码，请核对；若也不是先前来件的编号，本件将单独立案"),
        })
    }

    /// What a person should put right later. Judged by the set in force here; intake judges again when it registers.
    fn warnings(&self, report: &Report, unit: &str, producer: &Producer, now: Timestamp) -> Vec<Warning> {
        let Some((_, policy)) = self.0.holdings.policy_at(now) else { return Vec::new() };
        policy.warnings(&ReportFacts {
            unit,
            channel: &report.channel,
            producer: &producer.id,
            kind: report.kind.as_deref(),
            fields: &report.fields,
            anonymous: report.reporter.anonymous,
            phone: report.reporter.phone.as_deref(),
            email: report.reporter.email.as_deref(),
            at: now,
            repeated_at: &[],
        })
    }
}

/// Over NATS the channel stands in the subject too, which is what the broker's permissions and tools see: the two must agree.
fn agrees_with_subject(report: &Report, channel: Option<&str>) -> Result<(), Problem> {
    match channel {
        Some(channel) if channel != report.channel => {
            let wrong = both("与主题中的渠道不一致", "it is not the channel of the subject");
            Err(Problem::invalid(vec![FieldError::new("/channel", wrong, both(channel, channel))]))
        }
        _ => Ok(()),
    }
}

/// CloudEvents, binary mode. No `Nats-Msg-Id`: the stream would compare it across producers and refuse whole batches for one twin.
fn headers(receipt: Uuid, now: Timestamp, traceparent: Option<String>) -> HeaderMap {
    static SAME: LazyLock<HeaderMap> = LazyLock::new(|| {
        let mut headers = HeaderMap::new();
        headers.insert(header::SPEC_VERSION, "1.0");
        headers.insert(header::SOURCE, "/duban/gateway");
        headers.insert(header::TYPE, subjects::REPORT_ACCEPTED);
        headers.insert(header::SUBJECT_VERSION, "1");
        headers.insert(header::POLICY, "0");
        headers.insert(header::CONTENT_TYPE, "application/json");
        headers
    });
    let mut headers = SAME.clone();
    headers.insert(header::ID, ids::fresh().to_string());
    headers.insert(header::TIME, now.to_string());
    headers.insert(header::SUBJECT, format!("report/{receipt}"));
    if let Some(traceparent) = traceparent {
        headers.insert(header::TRACEPARENT, traceparent);
    }
    headers
}

fn problem_of(why: NotTaken) -> Problem {
    match why {
        NotTaken::Conflict => {
            Problem::new(409, "idempotency-conflict", "Another report is registered under this key", "该幂等键已登记过内容不同的来件")
        }
        NotTaken::Full => {
            Problem::unavailable(both("待登记的来件已达上限，请稍后再提交", "as many accepted reports wait as may; send it again later"))
        }
        NotTaken::Busy => Problem::unavailable(both("同时提交的来件过多，请重新提交", "too many reports at once; send it again")),
        NotTaken::Unavailable => Problem::unavailable(both(
            "来件未能保存，请重新提交",
            "the report could not be brought to disk; send it again under the same key",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_carry_no_message_id() {
        let headers = headers(Uuid::nil(), Timestamp::UNIX_EPOCH, Some("00-x".into()));
        assert!(headers.get(header::MESSAGE_ID).is_none());
        assert_eq!(headers.get(header::TYPE).unwrap().as_str(), subjects::REPORT_ACCEPTED);
        assert_eq!(headers.get(header::TRACEPARENT).unwrap().as_str(), "00-x");
    }

    #[test]
    fn the_channel_of_body_and_subject_must_agree() {
        let report = validation::report(serde_json::json!({"channel": "web", "text": "x"}), Timestamp::UNIX_EPOCH).unwrap();
        assert!(agrees_with_subject(&report, None).is_ok());
        assert!(agrees_with_subject(&report, Some("web")).is_ok());
        assert_eq!(agrees_with_subject(&report, Some("phone")).unwrap_err().errors[0].field, "/channel");
    }
}
