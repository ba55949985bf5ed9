//! What is measured: how late what is due is raised, how long ticks take, how many duties are open.

use crate::auditing::Found;
use duban_contracts::NewEvent;
use duban_engine::alert::Alert;
use duban_platform::Platform;
use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};
use std::time::Duration;

/// The service's own figures.
pub struct Figures {
    lateness: HistogramVec,
    ticks: HistogramVec,
    batches: HistogramVec,
    duties: IntCounterVec,
    alerts: IntCounterVec,
    on_trial: IntCounterVec,
    nobody: IntCounterVec,
    put_off: IntCounterVec,
    open: IntGaugeVec,
    audited: IntCounterVec,
    lost: IntCounterVec,
}

impl Figures {
    pub fn new(platform: &Platform) -> Self {
        let metrics = &platform.metrics;
        let put_off = metrics.counter("duban_rows_put_off_total", "Rows put off because they cannot be worked on, by sort", &["sort"]);
        // Shown before the first happens, so that an alarm on its rise has something to start from.
        for sort in ["duty", "own_event", "recurring", "return", "correction", "audit"] {
            put_off.with_label_values(&[sort]);
        }
        let lost = metrics.counter(
            "duban_timers_lost_total",
            "Timers of duties found lost and set right, by whether they were overdue",
            &["found"],
        );
        for found in ["overdue", "before"] {
            lost.with_label_values(&[found]);
        }
        let on_trial = metrics.counter("duban_alerts_on_trial_total", "Alerts that would have been sent, by sort", &["sort"]);
        for sort in ["reminder", "notice", "breach", "escalation", "urge", "awaited"] {
            on_trial.with_label_values(&[sort]);
        }
        let audited = metrics.counter("duban_timers_audited_total", "Timers of duties held against their plans", &[]);
        audited.with_label_values::<&str>(&[]);
        let seconds = vec![0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0, 3600.0];
        Self {
            lateness: metrics.histogram("duban_duty_lateness_seconds", "Real seconds between due and raised", &[], seconds),
            ticks: metrics.histogram(
                "duban_tick_seconds",
                "Seconds per tick that looked for what is due",
                &[],
                vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0],
            ),
            batches: metrics.histogram(
                "duban_raised_batch_size",
                "Alerts raised per transaction",
                &[],
                vec![1.0, 5.0, 25.0, 100.0, 250.0, 500.0, 1000.0],
            ),
            duties: metrics.counter("duban_duties_total", "What happened to duties", &["event"]),
            alerts: metrics.counter("duban_alerts_total", "Alerts raised, by sort", &["sort"]),
            on_trial,
            nobody: metrics.counter("duban_alerts_to_nobody_total", "Alerts for which no person could be found", &[]),
            put_off,
            open: metrics.gauge("duban_duties_open", "Open duties", &[]),
            audited,
            lost,
        }
    }

    /// What has happened to duties, by the events that tell of it.
    pub fn told(&self, events: &[NewEvent]) {
        for event in events {
            if let Some(happened) = event.subject.strip_prefix("duban.escalation.v1.duty.") {
                self.duties.with_label_values(&[happened]).inc();
            }
        }
    }

    pub fn ticked(&self, took: Duration) {
        self.ticks.with_label_values::<&str>(&[]).observe(took.as_secs_f64());
    }

    pub fn raised(&self, alerts: &[Alert], lateness: &[f64]) {
        self.batches.with_label_values::<&str>(&[]).observe(alerts.len() as f64);
        for alert in alerts.iter().filter(|alert| alert.trial) {
            self.on_trial.with_label_values(&[&alert.sort]).inc();
        }
        for alert in alerts.iter().filter(|alert| !alert.trial) {
            self.alerts.with_label_values(&[&alert.sort]).inc();
            if alert.recipients.is_empty() {
                self.nobody.with_label_values::<&str>(&[]).inc();
            }
        }
        for seconds in lateness {
            self.lateness.with_label_values::<&str>(&[]).observe(*seconds);
        }
    }

    /// A duty, an own event or the recurring duties could not be worked on and hold up nothing else.
    pub fn put_off(&self, sort: &str) {
        self.put_off.with_label_values(&[sort]).inc();
    }

    /// Timers were held against their plans, and some found lost.
    pub fn audited(&self, looked: i64, found: &[Found]) {
        self.audited.with_label_values::<&str>(&[]).inc_by(u64::try_from(looked).unwrap_or_default());
        for found in found {
            self.lost.with_label_values(&[if found.late >= 0 { "overdue" } else { "before" }]).inc();
        }
    }

    pub fn open(&self, count: i64) {
        self.open.with_label_values::<&str>(&[]).set(count);
    }
}
