//! Figures for Prometheus.

use crate::tell::Channel;
use crate::{App, store};
use duban_platform::Metrics;
use prometheus::{GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec};
use std::time::Duration;

/// What is measured.
#[derive(Clone)]
pub struct Measures {
    /// Attempts by channel and outcome (`sent`, `try_again`, `failed`).
    pub attempts: IntCounterVec,
    /// Deliveries that ended, by channel and state.
    pub ended: IntCounterVec,
    /// Seconds (domain time) from an alert's raising to its delivery's sending.
    pub age: HistogramVec,
    /// Alerts of which no channel reached the person.
    pub unreachable: IntCounterVec,
    digests: IntCounterVec,
    gathered: IntCounterVec,
    waiting: IntGaugeVec,
    oldest: GaugeVec,
}

impl Measures {
    pub fn new(metrics: &Metrics) -> Self {
        let ages = vec![0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0];
        let digests = metrics.counter("duban_digests_total", "Digests made of what waited for one person", &["channel"]);
        let gathered = metrics.counter("duban_deliveries_gathered_total", "Deliveries that go out in a digest", &["channel"]);
        // Shown before the first, so that an alarm on their rise has something to start from.
        for channel in Channel::ALL {
            digests.with_label_values(&[channel.code()]);
            gathered.with_label_values(&[channel.code()]);
        }
        Self {
            attempts: metrics.counter("duban_delivery_attempts_total", "Attempts at deliveries", &["channel", "outcome"]),
            ended: metrics.counter("duban_deliveries_total", "Deliveries that ended", &["channel", "state"]),
            age: metrics.histogram("duban_delivery_age_seconds", "Seconds from raising to sending", &["channel"], ages),
            unreachable: metrics.counter("duban_alerts_unreachable_total", "Alerts that reached a person over no channel", &[]),
            digests,
            gathered,
            waiting: metrics.gauge("duban_deliveries_waiting", "Deliveries that wait to be sent", &["channel"]),
            oldest: metrics.float_gauge("duban_delivery_oldest_seconds", "How long the oldest waiting delivery has been due", &["channel"]),
        }
    }
}

impl Measures {
    /// So many deliveries became one digest.
    pub fn gathered(&self, channel: &str, deliveries: usize) {
        self.digests.with_label_values(&[channel]).inc();
        self.gathered.with_label_values(&[channel]).inc_by(u64::try_from(deliveries).unwrap_or_default());
    }
}

/// Looks at the backlog every ten seconds.
pub async fn watch(app: App) {
    loop {
        tokio::select! {
            () = app.platform.shutdown.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(10)) => {}
        }
        let Ok(backlog) = store::claims::backlog(app.platform.db.pool()).await else { continue };
        app.measures.waiting.reset();
        app.measures.oldest.reset();
        for (channel, count, seconds) in backlog {
            app.measures.waiting.with_label_values(&[channel.as_str()]).set(count);
            app.measures.oldest.with_label_values(&[channel.as_str()]).set(seconds.max(0.0));
        }
    }
}
