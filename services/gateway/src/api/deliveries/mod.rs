//! Deliveries, owned by notifications.

pub mod list;
