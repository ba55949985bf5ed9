//! One line per log event, for people or as JSON, with the trace that it belongs to. What a value holds cannot begin another line.

use crate::config::LogFormat;
use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use std::borrow::Cow;
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
                write!(out, "{now} {:>5} {}: {}", event.metadata().level(), self.service, on_one_line(&message))?;
                for (name, value) in fields.0 {
                    write!(out, " {name}={}", on_one_line(&text(value)))?;
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

/// Control characters as they are written in programs: `\n`.
fn on_one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let written = |character: char| if character.is_control() { character.escape_default().to_string() } else { character.to_string() };
    Cow::Owned(text.chars().map(written).collect())
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

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What stands in the log after a line with a value that would begin a line of its own.
    fn logged(format: LogFormat, in_trace: bool) -> String {
        let written = Written::default();
        let into = written.clone();
        let subscriber = tracing_subscriber::fmt().event_format(Lines::new("intake", format)).with_writer(move || into.clone()).finish();
        let trace = TraceId::from_hex("4bf92f3577b34da6a3ce929d0e0e4736").unwrap();
        let span = SpanContext::new(trace, SpanId::from_hex("00f067aa0ba902b7").unwrap(), TraceFlags::SAMPLED, true, TraceState::NONE);
        let context = opentelemetry::Context::new();
        let _attached = if in_trace { context.with_remote_span_context(span) } else { context }.attach();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(subject = "duban.x", error = "a\nERROR intake: forged\r\u{1b}[31m", count = 3, "could not\nbe read");
        });
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_for_people_is_one_line_with_its_trace() {
        let line = logged(LogFormat::Human, true);
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{line}");
        let expected = "WARN intake: could not\\nbe read subject=duban.x error=a\\nERROR intake: forged\\r\\u{1b}[31m count=3 \
                        trace=4bf92f3577b34da6a3ce929d0e0e4736\n";
        assert_eq!(rest.trim_start(), expected);
        assert!(!logged(LogFormat::Human, false).contains("trace="));
    }

    #[test]
    fn a_line_for_programs_is_one_object_with_its_trace() {
        let line = logged(LogFormat::Json, true);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((&line["span_id"], &line["service"], &line["count"]), (&"00f067aa0ba902b7".into(), &"intake".into(), &3.into()));
        assert_eq!(line["message"], "could not\nbe read");
    }
}
