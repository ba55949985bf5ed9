//! Errors as people and programs meet them: problem details (RFC 9457) with a stable code and, for bad input, every field at fault.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One field of a request that cannot be taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// JSON pointer to the field, e.g. `/reporter/phone`; empty for the whole body.
    pub field: String,
    /// What was wrong, in a sentence.
    pub wrong: String,
    /// What is expected, in a sentence.
    pub expected: String,
}

/// Problem details, content type `application/problem+json`, over HTTP and in replies over NATS alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:duban:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stable code for programs, e.g. `idempotency-conflict`.
    pub code: String,
    /// HTTP status that goes with it, also over NATS.
    pub status: u16,
    /// Short sentence in English.
    pub title: String,
    /// The same in Chinese.
    pub title_zh: String,
    /// What was wrong this time, in a sentence; never personal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Bad input, field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// For a version conflict: the present state of what was to be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<serde_json::Value>,
}

impl Problem {
    pub fn new(status: u16, code: &str, title: impl Into<String>, title_zh: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:duban:problem:{code}"),
            code: code.to_owned(),
            status,
            title: title.into(),
            title_zh: title_zh.into(),
            detail: String::new(),
            errors: Vec::new(),
            present: None,
        }
    }

    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// 422: well-formed, but fields cannot be taken as they are.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self::new(422, "invalid", "Some fields cannot be accepted as they are", "有字段不符合要求").with_errors(errors)
    }

    /// 422 for one field.
    pub fn invalid_field(field: &str, wrong: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { field: field.to_owned(), wrong: wrong.into(), expected: expected.into() }])
    }

    /// 400: cannot be read at all.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(400, "malformed", "The request cannot be read", "请求无法解析").with_detail(detail)
    }

    /// 401: no credential, or one that is not known.
    pub fn unauthenticated() -> Self {
        Self::new(401, "unauthenticated", "A valid credential is needed", "需要有效的身份凭证")
    }

    /// 403: known, but may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", "You may not do this", "您无权进行此操作").with_detail(detail)
    }

    /// 404: not there, or not to be seen by the asker (the two are not told apart).
    pub fn not_found() -> Self {
        Self::new(404, "not-found", "There is nothing here that you may see", "未找到，或您无权查看")
    }

    /// 409: the expected version is not the present one; `present` is the present state.
    pub fn version_conflict(present: serde_json::Value) -> Self {
        let mut problem = Self::new(409, "version-conflict", "It has changed meanwhile", "内容已被他人更新，请刷新后重试");
        problem.present = Some(present);
        problem
    }

    /// 409 for a move or act that the present state does not allow.
    pub fn refused(code: &str, title: impl Into<String>, title_zh: impl Into<String>) -> Self {
        Self::new(409, code, title, title_zh)
    }

    /// 503: a service or store that is needed does not answer; nothing was changed as far as is known.
    pub fn unavailable(what: &str) -> Self {
        Self::new(503, "unavailable", "A part that is needed does not answer", "所需的服务暂时没有响应").with_detail(what.to_owned())
    }

    /// 500: a fault of ours. The detail is for the log, not for the caller.
    pub fn internal() -> Self {
        Self::new(500, "internal", "Something failed on our side", "系统内部错误")
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.title)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        for error in &self.errors {
            write!(f, "; {}: {} (expected: {})", error.field, error.wrong, error.expected)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
