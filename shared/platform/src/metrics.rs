//! Prometheus metrics: the process's registry, and the figures that every service has.

use prometheus::core::Collector;
use prometheus::{Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};
use std::sync::Arc;

/// The process's registry and the platform's own figures.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    pub(crate) own: Arc<Own>,
}

/// What the platform measures by itself.
pub(crate) struct Own {
    /// Messages in a stream that the shared consumer has not acknowledged, by stream.
    pub consumer_lag: IntGaugeVec,
    /// Messages per handled batch.
    pub batch_size: HistogramVec,
    /// Seconds from taking a batch to its commit.
    pub batch_seconds: HistogramVec,
    /// Messages by stream and outcome: handled, repeated, aside, dead.
    pub messages: IntCounterVec,
    /// Messages waiting in the table of those set aside.
    pub set_aside: IntGaugeVec,
    /// Dead letters that nobody has replayed.
    pub dead_letters: IntGaugeVec,
    /// Outbox rows not published yet.
    pub outbox_lag: IntGaugeVec,
    /// Age of the oldest of them in seconds.
    pub outbox_age: GaugeVec,
    pub outbox_published: IntCounterVec,
    /// Seconds that a consuming service is behind in what keeps our outbox rows, by service.
    pub outbox_floor_age: GaugeVec,
    /// Seconds per request answered, by endpoint and status.
    pub request_seconds: HistogramVec,
}

const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const SIZES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0];

impl Metrics {
    /// A registry whose figures all carry the service's name.
    pub fn new(service: &str) -> Self {
        let labels = std::collections::HashMap::from([("service".to_owned(), service.to_owned())]);
        // Fails only for a malformed prefix or label, and these are constants.
        let registry = Registry::new_custom(None, Some(labels)).unwrap_or_default();
        let own = Own {
            consumer_lag: gauge(&registry, "duban_consumer_lag", "Messages that the shared consumer has not acknowledged", &["stream"]),
            batch_size: histogram(&registry, "duban_batch_size", "Messages per handled batch", &["stream"], SIZES.to_vec()),
            batch_seconds: histogram(&registry, "duban_batch_seconds", "Seconds from batch to commit", &["stream"], SECONDS.to_vec()),
            messages: counter(&registry, "duban_messages_total", "Messages by stream and outcome", &["stream", "outcome"]),
            set_aside: gauge(&registry, "duban_set_aside", "Messages set aside to be retried", &[]),
            dead_letters: gauge(&registry, "duban_dead_letters", "Dead letters not replayed", &[]),
            outbox_lag: gauge(&registry, "duban_outbox_lag", "Outbox rows not published yet", &[]),
            outbox_age: float_gauge(&registry, "duban_outbox_age_seconds", "Age of the oldest unpublished outbox row", &[]),
            outbox_published: counter(&registry, "duban_outbox_published_total", "Outbox rows published", &["again"]),
            outbox_floor_age: float_gauge(
                &registry,
                "duban_outbox_floor_age_seconds",
                "How far behind a consuming service is",
                &["consumer"],
            ),
            request_seconds: histogram(
                &registry,
                "duban_request_seconds",
                "Seconds per request answered",
                &["endpoint", "status"],
                SECONDS.to_vec(),
            ),
        };
        Self { registry, own: Arc::new(own) }
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// A counter, registered. Names begin with `duban_`; a name that is taken gives a counter that nobody sees, and a logged error.
    pub fn counter(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        counter(&self.registry, name, help, labels)
    }

    pub fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        gauge(&self.registry, name, help, labels)
    }

    pub fn float_gauge(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        float_gauge(&self.registry, name, help, labels)
    }

    pub fn histogram(&self, name: &str, help: &str, labels: &[&str], buckets: Vec<f64>) -> HistogramVec {
        histogram(&self.registry, name, help, labels, buckets)
    }

    /// All figures in Prometheus' text form.
    pub fn text(&self) -> String {
        let mut out = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            tracing::error!(%error, "metrics cannot be written");
        }
        String::from_utf8(out).unwrap_or_default()
    }
}

/// One without labels stands at nought from the start, so that an alarm on its rise sees the first time too.
fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    let counter = register(registry, name, IntCounterVec::new(Opts::new(name, help), labels), || {
        IntCounterVec::new(Opts::new("invalid", "invalid"), labels)
    });
    if labels.is_empty() {
        counter.with_label_values::<&str>(&[]);
    }
    counter
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    register(registry, name, IntGaugeVec::new(Opts::new(name, help), labels), || IntGaugeVec::new(Opts::new("invalid", "invalid"), labels))
}

fn float_gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    register(registry, name, GaugeVec::new(Opts::new(name, help), labels), || GaugeVec::new(Opts::new("invalid", "invalid"), labels))
}

fn histogram(registry: &Registry, name: &str, help: &str, labels: &[&str], buckets: Vec<f64>) -> HistogramVec {
    let made = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets), labels);
    register(registry, name, made, || HistogramVec::new(HistogramOpts::new("invalid", "invalid"), labels))
}

/// Registers a metric. A malformed or repeated name is a mistake in the code: it is logged, and the metric counts unseen, for a service
/// does not fall over its figures.
fn register<M: Collector + Clone + 'static>(
    registry: &Registry,
    name: &str,
    made: prometheus::Result<M>,
    fallback: impl FnOnce() -> prometheus::Result<M>,
) -> M {
    let registered = made.and_then(|metric| registry.register(Box::new(metric.clone())).map(|()| metric));
    match registered.or_else(|error| {
        tracing::error!(metric = name, %error, "metric not registered");
        fallback()
    }) {
        Ok(metric) => metric,
        Err(error) => panic!("metric {name}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_carry_the_services_name_and_a_repeated_name_does_no_harm() {
        let metrics = Metrics::new("intake");
        metrics.counter("duban_test_total", "Tests", &["of"]).with_label_values(&["this"]).inc();
        metrics.counter("duban_test_total", "Tests", &["of"]).with_label_values(&["other"]).inc();
        let text = metrics.text();
        assert!(text.contains("duban_test_total{of=\"this\",service=\"intake\"} 1"), "{text}");
        assert!(!text.contains("other"));
    }

    #[test]
    fn a_counter_stands_before_anything_has_happened() {
        let metrics = Metrics::new("intake");
        metrics.counter("duban_test_total", "Tests", &[]);
        assert!(metrics.text().contains("duban_test_total{service=\"intake\"} 0"), "{}", metrics.text());
    }
}
