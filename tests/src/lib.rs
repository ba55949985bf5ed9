//! The ground of the tests that use Duban as its users do: all services as processes, a broker and a database of their own, real clients
//! over real sockets. Each promise is a test named after it in `tests/tests/`.

pub mod collector;
pub mod journey;
pub mod visitor;
pub mod waiting;
pub mod world;

pub use visitor::Visitor;
pub use waiting::until;
pub use world::World;
