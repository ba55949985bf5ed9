//! Figures for Prometheus.

use crate::{App, store};
use duban_platform::Metrics;
use prometheus::{GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec};
use std::time::Duration;

/// What is measured.
#[derive(Clone)]
pub struct Measures {
    /// Attempts at filing, by outcome: `filed`, `not_yet`, `unavailable`, `failed`.
    pub attempts: IntCounterVec,
    /// Seconds (domain time) from the close to the filing.
    pub age: HistogramVec,
    /// Bytes of a file before sealing.
    pub bytes: HistogramVec,
    waiting: IntGaugeVec,
    oldest: GaugeVec,
}

impl Measures {
    pub fn new(metrics: &Metrics) -> Self {
        let ages = vec![0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 86_400.0];
        let sizes = vec![1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 4e6];
        Self {
            attempts: metrics.counter("duban_filing_attempts_total", "Attempts at filing closed cases", &["outcome"]),
            age: metrics.histogram("duban_filing_age_seconds", "Seconds from the close of a case to its filing", &[], ages),
            bytes: metrics.histogram("duban_record_bytes", "Bytes of a filed case", &[], sizes),
            waiting: metrics.gauge("duban_filings_waiting", "Closed cases that wait to be filed", &[]),
            oldest: metrics.float_gauge("duban_filing_oldest_seconds", "How long the oldest of them has been due", &[]),
        }
    }
}

/// Looks at the backlog every ten seconds.
pub async fn watch(app: App) {
    loop {
        tokio::select! {
            () = app.platform.shutdown.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(10)) => {}
        }
        if let Ok((count, seconds)) = store::filings::backlog(app.platform.db.pool()).await {
            app.measures.waiting.with_label_values::<&str>(&[]).set(count);
            app.measures.oldest.with_label_values::<&str>(&[]).set(seconds.max(0.0));
        }
    }
}
