//! Prometheus metrics.

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec, Registry};

/// The process's registry.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub fn counter(&self, _name: &str, _help: &str, _labels: &[&str]) -> IntCounterVec {
        todo!()
    }

    pub fn gauge(&self, _name: &str, _help: &str, _labels: &[&str]) -> IntGaugeVec {
        todo!()
    }

    pub fn histogram(&self, _name: &str, _help: &str, _labels: &[&str], _buckets: Vec<f64>) -> HistogramVec {
        todo!()
    }
}
