//! `/livez`, `/readyz`, `/metrics`.

/// Named checks of readiness.
#[derive(Clone, Default)]
pub struct Health {}

impl Health {
    /// Adds a check, or replaces the one of that name.
    pub fn ready<F, Fut>(&self, _name: &'static str, _check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        todo!()
    }

    pub fn without(&self, _name: &str) {
        todo!()
    }
}
