//! A service's own copies of the directory and of the applied policies.
//!
//! Every process keeps them in memory and the service keeps them in its schema, so that it starts and works without the gateway. The
//! gateway's events are heard by every process (a plain subscription beside the stream) and only say that there is something new; what
//! is new is fetched by request, and looked for every fifteen seconds besides, so that a hint that was missed costs no more than that.

mod directory;
mod keeping;
mod policies;
mod store;

pub use directory::DirectoryCopy;
pub(crate) use keeping::keep;
pub use keeping::{draft_sources, policy_sources};
pub use policies::PolicyCopy;
