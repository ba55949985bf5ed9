//! Errors as people and programs meet them: problem details (RFC 9457) with a stable code and, for bad input, every field at fault.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A sentence in both languages. What only programs read may be English alone: then the Chinese is empty, and English stands for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sentence {
    pub zh: String,
    pub en: String,
}

/// A sentence in Chinese and English.
pub fn both(zh: impl Into<String>, en: impl Into<String>) -> Sentence {
    Sentence { zh: zh.into(), en: en.into() }
}

impl From<&str> for Sentence {
    fn from(en: &str) -> Self {
        both("", en)
    }
}

impl From<String> for Sentence {
    fn from(en: String) -> Self {
        both("", en)
    }
}

/// One field of a request that cannot be taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// JSON pointer to the field, e.g. `/reporter/phone`; empty for the whole body.
    pub field: String,
    /// What was wrong, in a sentence.
    pub wrong: String,
    /// The same in Chinese; absent where only programs come.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wrong_zh: String,
    /// What is expected, in a sentence.
    pub expected: String,
    /// The same in Chinese; absent where only programs come.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected_zh: String,
}

impl FieldError {
    /// `field` is a JSON pointer.
    pub fn new(field: impl Into<String>, wrong: impl Into<Sentence>, expected: impl Into<Sentence>) -> Self {
        let (wrong, expected) = (wrong.into(), expected.into());
        Self { field: field.into(), wrong: wrong.en, wrong_zh: wrong.zh, expected: expected.en, expected_zh: expected.zh }
    }
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
    /// The same in Chinese; absent where only programs come.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail_zh: String,
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
            detail_zh: String::new(),
            errors: Vec::new(),
            present: None,
        }
    }

    pub fn with_detail(mut self, detail: impl Into<Sentence>) -> Self {
        Sentence { zh: self.detail_zh, en: self.detail } = detail.into();
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
    pub fn invalid_field(field: &str, wrong: impl Into<Sentence>, expected: impl Into<Sentence>) -> Self {
        Self::invalid(vec![FieldError::new(field, wrong, expected)])
    }

    /// 400: cannot be read at all.
    pub fn malformed(detail: impl Into<Sentence>) -> Self {
        Self::new(400, "malformed", "The request cannot be read", "请求无法解析").with_detail(detail)
    }

    /// 401: no credential, or one that is not known.
    pub fn unauthenticated() -> Self {
        Self::new(401, "unauthenticated", "A valid credential is needed", "需要有效的身份凭证")
    }

    /// 403: known, but may not do this.
    pub fn forbidden(detail: impl Into<Sentence>) -> Self {
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
    pub fn unavailable(what: impl Into<Sentence>) -> Self {
        Self::new(503, "unavailable", "A part that is needed does not answer", "所需的服务暂时没有响应").with_detail(what)
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn chinese_that_is_not_given_is_absent() {
        let plain = Problem::invalid_field("/note", "it is empty", "some words").with_detail("a detail");
        let sent = serde_json::to_value(&plain).unwrap();
        assert_eq!(sent["errors"], json!([{ "field": "/note", "wrong": "it is empty", "expected": "some words" }]));
        assert!(sent.get("detail_zh").is_none(), "{sent}");
        assert_eq!(serde_json::from_value::<Problem>(sent).unwrap(), plain);
    }

    #[test]
    fn both_languages_travel() {
        let problem = Problem::forbidden(both("仅限管理员", "for administrators")).with_errors(vec![FieldError::new(
            "/note",
            both("未填写", "it is empty"),
            both("请填写说明", "some words"),
        )]);
        let sent = serde_json::to_value(&problem).unwrap();
        assert_eq!((&sent["detail"], &sent["detail_zh"]), (&json!("for administrators"), &json!("仅限管理员")));
        let fault = json!({ "field": "/note", "wrong": "it is empty", "wrong_zh": "未填写", "expected": "some words", "expected_zh": "请填写说明" });
        assert_eq!(sent["errors"], json!([fault]));
        assert_eq!(serde_json::from_value::<Problem>(sent).unwrap(), problem);
    }

    #[test]
    fn what_was_sent_before_there_was_chinese_still_parses() {
        let old = json!({ "type": "urn:duban:problem:invalid", "code": "invalid", "status": 422, "title": "t", "title_zh": "题",
            "detail": "d", "errors": [{ "field": "/a", "wrong": "w", "expected": "e" }] });
        let read: Problem = serde_json::from_value(old).unwrap();
        assert_eq!((read.detail_zh.as_str(), read.errors[0].wrong_zh.as_str()), ("", ""));
    }
}
