//! One line per log event, for people or as JSON, with the trace that it belongs to.

use crate::config::LogFormat;
use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

pub(super) struct Lines {
    service: String,
    format: LogFormat,
}

impl Lines {
    pub(super) fn new(service: &str, format: LogFormat) -> Self {
        Self { service: service.to_owned(), format }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let message = fields.0.shift_remove("message").map(text).unwrap_or_default();
        let now = jiff::Timestamp::now().round(jiff::Unit::Millisecond).unwrap_or_default();
        let context = opentelemetry::Context::current();
        let span = context.span().span_context().clone();
        match self.format {
            LogFormat::Human => {
                write!(out, "{now} {:>5} {}: {message}", event.metadata().level(), self.service)?;
                for (name, value) in fields.0 {
                    write!(out, " {name}={}", text(value))?;
                }
                if span.is_valid() {
                    write!(out, " trace={}", span.trace_id())?;
                }
                writeln!(out)
            }
            LogFormat::Json => {
                let mut line = Map::new();
                line.insert("time".into(), now.to_string().into());
                line.insert("level".into(), event.metadata().level().as_str().into());
                line.insert("service".into(), self.service.clone().into());
                line.insert("target".into(), event.metadata().target().into());
                line.insert("message".into(), message.into());
                if span.is_valid() {
                    line.insert("trace_id".into(), span.trace_id().to_string().into());
                    line.insert("span_id".into(), span.span_id().to_string().into());
                }
                line.extend(fields.0);
                writeln!(out, "{}", Value::Object(line))
            }
        }
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}
