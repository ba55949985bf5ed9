//! Traces and logs.
//!
//! Every process makes spans (so that logs carry trace ids), and exports them by OTLP over gRPC when `OTEL_EXPORTER_OTLP_ENDPOINT` or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set. The other `OTEL_*` variables are those of the specification (`OTEL_TRACES_SAMPLER`,
//! `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_*` …). The level of logs is `RUST_LOG`. Nothing personal belongs in a span or a log line.

mod context;
mod lines;
mod variables;

pub use context::{adopt, adopt_http, current_traceparent, inject, link, traceparent_of};

use crate::config::LogFormat;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, dynamic_filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Holds the exporter; [`Self::flush`] before the process ends.
#[derive(Clone)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Starts logs and traces for the process. A second call in the same process (tests) changes nothing.
///
/// # Errors
/// A variable that cannot be used: it is named, with what is expected.
pub fn start(service: &str, copy: &str, format: LogFormat) -> anyhow::Result<Telemetry> {
    let wanted = variables::log_filter()?;
    let provider = provider(service, copy)?;
    let traces = provider.as_ref().map(|provider| {
        // Only our own spans: those of the libraries would drown them.
        let ours = Targets::new().with_target("duban", LevelFilter::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("duban"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(ours)
    });
    let lines = tracing_subscriber::fmt::layer().event_format(lines::Lines::new(service, format)).with_writer(std::io::stderr);
    // Asked anew of each event: a library that only asks whether it would be heard leaves its answer behind, and an event whose filters
    // are not asked because they always agree would be lost by it.
    let wanted = wanted.and(dynamic_filter_fn(|_, _| true));
    let started = tracing_subscriber::registry().with(traces).with(lines.with_filter(wanted)).try_init();
    Ok(Telemetry { provider: started.is_ok().then_some(provider).flatten() })
}

fn provider(service: &str, copy: &str) -> anyhow::Result<Option<SdkTracerProvider>> {
    if variables::is_disabled()? {
        return Ok(None);
    }
    variables::check_sampler()?;
    // What comes later wins: ours, then `OTEL_RESOURCE_ATTRIBUTES`, then `OTEL_SERVICE_NAME`.
    let mut resource = Resource::builder_empty()
        .with_service_name(format!("duban-{service}"))
        .with_attributes([
            KeyValue::new("service.namespace", "duban"),
            KeyValue::new("service.instance.id", copy.to_owned()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_detector(Box::new(EnvResourceDetector::new()));
    if let Some(name) = variables::service_name()? {
        resource = resource.with_service_name(name);
    }
    let resource = resource.build();
    // The builder reads OTEL_TRACES_SAMPLER; without it, parent based and always on.
    let mut builder = SdkTracerProvider::builder().with_resource(resource);
    if let Some(exporter) = variables::exporter()? {
        builder = builder.with_batch_exporter(exporter);
    }
    Ok(Some(builder.build()))
}

impl Telemetry {
    /// Sends what is still held. Blocks for at most a few seconds, hence on a thread of its own.
    pub async fn flush(self) {
        let Some(provider) = self.provider else { return };
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(std::time::Duration::from_secs(3))).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "some spans were not sent");
        }
    }
}
