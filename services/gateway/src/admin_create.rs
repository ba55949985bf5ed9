//! Request `admin.create`, which the broker lets only the command line's user send: the first administrator, while there is none.

use crate::App;
use crate::directory::people::{self, NewPerson};
use duban_contracts::{Problem, both};
use duban_platform::rpc::{Failed, Request};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long an empty database may take to get its tables.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Deserialize)]
pub struct FirstAdministrator {
    pub person: String,
    pub name: String,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub phone: Option<String>,
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub password: Option<String>,
}

/// The token is shown this once.
#[derive(Debug, Serialize)]
pub struct Created {
    pub person: String,
    pub token: String,
}

/// # Errors
/// 409 when there is one already; 422 for what cannot be; 503 without the database.
pub async fn create(app: App, request: Request<FirstAdministrator>) -> Result<Created, Failed> {
    // The first thing that is ever asked: half-made tables would take him in, and nobody could read back that he administers.
    if tokio::time::timeout(PATIENCE, app.platform.schema_complete()).await.is_err() {
        return Err(Problem::unavailable(both("网关数据库", "the gateway's database")).into());
    }
    let FirstAdministrator { person, name, email, phone, language, password } = request.body;
    let new = NewPerson { id: person, name, email, phone, language, webhook: None, password };
    let made = people::create_first_administrator(&app, new).await?;
    Ok(Created { person: made.id, token: made.token.unwrap_or_default() })
}
