//! W3C trace context in and out of headers and columns.

use async_nats::HeaderMap;
use duban_contracts::event::header;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The trace context of the current span as a W3C `traceparent`; None outside any trace. For headers, and for columns that a later
/// span is to link to.
pub fn current_traceparent() -> Option<String> {
    written(Context::current().span().span_context())
}

/// The trace context of a span that need not be entered.
pub fn traceparent_of(span: &tracing::Span) -> Option<String> {
    written(span.context().span().span_context())
}

/// Makes `span` a child of the context. Must come before the span is entered for the first time.
pub fn adopt(span: &tracing::Span, traceparent: Option<&str>) {
    if let Some(context) = traceparent.and_then(read) {
        // Fails when tracing is off or the span is filtered out: then there is nothing to adopt.
        let _ = span.set_parent(Context::new().with_remote_span_context(context));
    }
}

/// Links `span` to the context: for a span that handles many messages, or that answers something of long ago.
pub fn link(span: &tracing::Span, traceparent: Option<&str>) {
    if let Some(context) = traceparent.and_then(read) {
        span.add_link(context);
    }
}

/// Makes `span` a child of the context in an HTTP request's headers.
pub fn adopt_http(span: &tracing::Span, headers: &axum::http::HeaderMap) {
    adopt(span, headers.get(header::TRACEPARENT).and_then(|value| value.to_str().ok()));
}

/// Puts the current trace context into a message's headers.
pub fn inject(headers: &mut HeaderMap) {
    if let Some(traceparent) = current_traceparent() {
        headers.insert(header::TRACEPARENT, traceparent);
    }
}

fn written(context: &SpanContext) -> Option<String> {
    context.is_valid().then(|| format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8()))
}

/// Reads `00-<32 hex>-<16 hex>-<2 hex>`; later versions may have more behind.
fn read(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let well_formed = version.len() == 2 && version != "ff" && trace.len() == 32 && span.len() == 16 && flags.len() == 2;
    if !well_formed || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let context = SpanContext::new(TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_comes_back_as_it_went() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(read(text).as_ref().and_then(written).as_deref(), Some(text));
    }

    #[test]
    fn what_is_no_traceparent_is_left_alone() {
        for bad in [
            "",
            "00-0-0-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-01",
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
