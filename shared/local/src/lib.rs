//! Starts what Duban stands on, and Duban itself, as ordinary processes of this machine: a private PostgreSQL, a private
//! nats-server, the five services and a mail catcher. `duban up` and `duban demo` use it, and so do the tests, each with
//! servers of its own.
//!
//! - [`Postgres`] and [`Nats`]: one server each; stopped, killed and restarted at will.
//! - [`Ground`]: both together with the secrets, roles and users of an installation; what a test of one service needs.
//! - [`Stack`]: a ground and the services' binaries on top, any number of copies; what end-to-end and fault tests need.
//! - [`MailCatcher`]: takes mail by SMTP and shows it as pages and JSON.
//!
//! Everything listens on 127.0.0.1 alone, with generated passwords, and dies with the process that started it, however
//! that ends (see [`process`]).

pub mod account;
pub mod clock;
pub mod containers;
mod error;
pub mod ground;
pub mod mail_catcher;
pub mod nats;
pub mod neighbours;
pub mod place;
pub mod port;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod provision;
pub mod secrets;
pub mod stack;

pub use clock::ClockSetting;
pub use error::Error;
pub use ground::{Ground, GroundSettings};
pub use mail_catcher::MailCatcher;
pub use nats::{Nats, NatsSettings};
pub use neighbours::Neighbours;
pub use port::Port;
pub use postgres::{Postgres, PostgresSettings};
pub use secrets::Secrets;
pub use stack::{Stack, StackSettings};

/// What every act of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;
