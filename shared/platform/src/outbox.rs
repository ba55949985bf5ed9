//! Events to be published, written in the transaction that they tell of.

use duban_contracts::NewEvent;
use sqlx::PgConnection;

/// The outbox of this service.
#[derive(Clone)]
pub struct Outbox {}

impl Outbox {
    /// Writes events; they are published after the transaction has committed. Wake the relay after the commit.
    pub async fn write(&self, _tx: &mut PgConnection, _events: &[NewEvent]) -> Result<(), sqlx::Error> {
        todo!()
    }

    /// Tells the relay that something was committed. Without it the relay looks by itself ten times a second.
    pub fn wake(&self) {
        todo!()
    }
}
