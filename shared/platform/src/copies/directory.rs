//! The directory in memory.

use duban_contracts::{Problem, both};
use duban_policy::directory::Directory;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// The directory as last heard from the gateway. Cheap to clone.
#[derive(Clone)]
pub struct DirectoryCopy(Arc<Inner>);

struct Inner {
    current: RwLock<Option<Arc<Directory>>>,
    version: watch::Sender<i64>,
}

impl Default for DirectoryCopy {
    fn default() -> Self {
        Self(Arc::new(Inner { current: RwLock::new(None), version: watch::Sender::new(0) }))
    }
}

impl DirectoryCopy {
    /// The present directory.
    ///
    /// # Errors
    /// 503 until the first copy has come.
    pub fn current(&self) -> Result<Arc<Directory>, Problem> {
        let current = self.0.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone().ok_or_else(|| Problem::unavailable(both("组织目录尚未载入", "the directory has not come yet")))
    }

    /// Its version, 0 until the first copy has come.
    pub fn version(&self) -> i64 {
        *self.0.version.borrow()
    }

    /// Tells each new version.
    pub fn changed(&self) -> watch::Receiver<i64> {
        self.0.version.subscribe()
    }

    /// Puts a directory in place unless it is older than the present one. The gateway and tests call it; elsewhere the platform does.
    pub fn put(&self, directory: Directory) {
        let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
        let version = directory.version();
        if current.as_ref().is_some_and(|present| present.version() >= version) {
            return;
        }
        *current = Some(Arc::new(directory));
        drop(current);
        self.0.version.send_replace(version);
    }
}
