//! What can be seen of intake from outside: Prometheus metrics.

use crate::store::waiting::Counted;
use duban_engine::case::Case;
use duban_platform::Metrics;
use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};

pub struct Measures {
    reports: IntCounterVec,
    waiting: IntGaugeVec,
    waiting_age: IntGaugeVec,
    parked: IntGaugeVec,
    follower_failures: IntCounterVec,
    rejected: IntGaugeVec,
    silent: IntGaugeVec,
    delay: HistogramVec,
    batches: HistogramVec,
}

impl Measures {
    pub fn register(metrics: &Metrics) -> Self {
        let silent =
            metrics.gauge("duban_intake_sources_silent", "Watched producers that have sent nothing for longer than they should", &[]);
        silent.with_label_values::<&str>(&[]).set(0);
        Self {
            reports: metrics.counter(
                "duban_intake_reports_total",
                "Reports by what became of them: registered, unsorted, supplement, alone (a follower that became a case of its own), rejected",
                &["outcome"],
            ),
            waiting: metrics.gauge("duban_intake_waiting", "Reports that wait for the report that they follow", &[]),
            waiting_age: metrics.gauge("duban_intake_waiting_age_seconds", "Age of the oldest report that waits, in real seconds", &[]),
            parked: metrics.gauge(
                "duban_intake_waiting_parked",
                "Reports that follow another and failed by themselves: they are tried again ever more seldom",
                &[],
            ),
            follower_failures: metrics.counter(
                "duban_intake_follower_failures_total",
                "Failures of single reports that follow another, to be joined or registered",
                &[],
            ),
            rejected: metrics.gauge("duban_intake_rejected_open", "Rejected reports that nobody has decided about", &[]),
            silent,
            delay: metrics.histogram(
                "duban_intake_registration_seconds",
                "Domain time from acceptance to registration",
                &[],
                vec![0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0],
            ),
            batches: metrics.histogram(
                "duban_intake_batch_reports",
                "New reports in one transaction",
                &[],
                vec![1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0],
            ),
        }
    }

    pub fn batch(&self, reports: usize) {
        self.batches.with_label_values::<&str>(&[]).observe(reports as f64);
    }

    pub fn registered(&self, cases: &[Case]) {
        for case in cases {
            self.count(if case.unsorted { "unsorted" } else { "registered" }, 1);
            let delay = case.registered_at.duration_since(case.received_at).as_secs_f64();
            self.delay.with_label_values::<&str>(&[]).observe(delay.max(0.0));
        }
    }

    pub fn rejected(&self, reports: usize) {
        self.count("rejected", reports);
    }

    pub fn count(&self, outcome: &str, reports: usize) {
        self.reports.with_label_values(&[outcome]).inc_by(reports as u64);
    }

    pub fn follower_failed(&self) {
        self.follower_failures.with_label_values::<&str>(&[]).inc();
    }

    pub fn silent(&self, sources: usize) {
        self.silent.with_label_values::<&str>(&[]).set(i64::try_from(sources).unwrap_or(i64::MAX));
    }

    pub fn stand(&self, counted: &Counted, rejected: i64) {
        self.waiting.with_label_values::<&str>(&[]).set(counted.waiting);
        self.waiting_age.with_label_values::<&str>(&[]).set(counted.oldest_seconds);
        self.parked.with_label_values::<&str>(&[]).set(counted.parked);
        self.rejected.with_label_values::<&str>(&[]).set(rejected);
    }
}
