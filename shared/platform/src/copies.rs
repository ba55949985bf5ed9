//! A service's own copies of the directory and of the applied policies.

use crate::consumer::NotYet;
use duban_contracts::{Problem, Timestamp};
use std::sync::Arc;
use tokio::sync::watch;

/// The directory as last heard from the gateway.
#[derive(Clone)]
pub struct DirectoryCopy {}

impl DirectoryCopy {
    pub fn version(&self) -> i64 {
        todo!()
    }

    pub fn changed(&self) -> watch::Receiver<i64> {
        todo!()
    }
}

/// Every policy version, compiled.
#[derive(Clone)]
pub struct PolicyCopy {}

impl PolicyCopy {
    /// # Errors
    /// The version is not held yet; it is being fetched.
    pub fn require(&self, _version: i64) -> Result<(), NotYet> {
        todo!()
    }

    pub fn changed(&self) -> watch::Receiver<i64> {
        todo!()
    }

    #[doc(hidden)]
    pub fn unfinished(&self, _at: Timestamp) -> Result<Arc<()>, Problem> {
        todo!()
    }
}
