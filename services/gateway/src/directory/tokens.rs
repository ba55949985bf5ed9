//! Tokens of people for the API: given, listed, revoked. Each has a name that says what uses it.

use super::people::{self, Shown};
use super::{Edit, token_store};
use crate::web::of_database;
use crate::{App, token};
use duban_contracts::{Problem, Timestamp, both, ids, time};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// What a token is called where nobody says.
pub const UNNAMED: &str = "api";
/// How long a token is good where nobody says, in days of real time.
pub const DAYS: i32 = 365;

/// A token that is good. The token itself was shown once, and is kept as a hash.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PersonToken {
    pub id: Uuid,
    pub person: String,
    pub name: String,
    /// Real time, as all three: sessions and tokens know no other.
    #[schemars(schema_with = "time::schema")]
    pub created_at: Timestamp,
    pub created_by: String,
    #[schemars(schema_with = "time::schema")]
    pub expires_at: Timestamp,
}

/// A new token, shown once. It takes the place of the person's older one of the same name; others stay good.
///
/// # Errors
/// 404 unknown; 409 for who is disabled; 422 for a name that is none.
pub async fn give(app: &App, by: &str, person: &str, name: &str, days: i32) -> Result<Shown, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        let wrong = both("令牌名称未填写或过长", "the token's name is empty or too long");
        return Err(Problem::invalid_field("/name", wrong, both("1至100字，说明用途", "1 to 100 characters that say what it is for")));
    }
    let mut edit = Edit::begin(app, by).await?;
    if people::find(&mut edit, person).await?.disabled {
        return Err(Problem::refused("disabled", "The person is disabled: enable him first", "该人员已停用，请先启用"));
    }
    let token = put(app, &mut edit, person, name, days).await?;
    edit.finish(app).await?;
    Ok(Shown { id: person.to_owned(), password: None, token: Some(token) })
}

/// As part of another change. Gives the token.
pub(super) async fn put(app: &App, edit: &mut Edit, person: &str, name: &str, days: i32) -> Result<String, Problem> {
    let secret = token::fresh(token::PERSON);
    let by = edit.by().to_owned();
    let (token_hash, demonstration) = (token::hash(&secret), app.settings.demonstration);
    let new = token_store::NewToken { id: ids::fresh(), person, name, token_hash: &token_hash, demonstration, by: &by, days };
    let replaced = token_store::put(edit.tx(), new).await.map_err(|e| of_database(&e))?;
    let before = replaced.then(|| name.to_owned());
    // What it was and what it is have one name: the second says that it is a new one.
    edit.note("token", person, before.as_ref(), Some(&if replaced { format!("{name}: new") } else { name.to_owned() }));
    Ok(secret)
}

/// Those that are good, of one person or of everybody.
///
/// # Errors
/// 404 unknown; 503 without the database.
pub async fn list(app: &App, person: Option<&str>) -> Result<Vec<PersonToken>, Problem> {
    if let Some(person) = person {
        app.directory()?.person(person).ok_or_else(Problem::not_found)?;
    }
    token_store::good(app.platform.db.pool(), person, app.settings.demonstration).await.map_err(|e| of_database(&e))
}

/// Good no longer from now on, at every copy of the gateway.
///
/// # Errors
/// 404 if the person has no such token, or none that is good.
pub async fn revoke(app: &App, by: &str, person: &str, id: Uuid) -> Result<(), Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let name = token_store::revoke(edit.tx(), person, id).await.map_err(|e| of_database(&e))?.ok_or_else(Problem::not_found)?;
    edit.note("token", person, Some(&name), None);
    edit.finish(app).await.map(|_| ())
}
