//! Who changed what, when, from what into what.

use crate::App;
use crate::web::of_database;
use duban_contracts::{Problem, Timestamp, time};
use duban_platform::Ts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;
use uuid::Uuid;

/// Which changes; newest first.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct HistoryQuery {
    /// `unit`, `post`, `person`, `producer`, `token`, `credential`, `policy`, `absence`, `delegation`.
    #[serde(default)]
    pub what: Option<String>,
    #[serde(default)]
    pub which: Option<String>,
    #[serde(default)]
    pub before: Option<Uuid>,
    /// 1 to 200, default 50.
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct History {
    pub changes: Vec<ChangeShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// One change. Hashes of tokens are left out.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChangeShown {
    pub id: Uuid,
    #[schemars(schema_with = "time::schema")]
    pub at: Timestamp,
    pub by: String,
    pub what: String,
    pub which: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// # Errors
/// 503 without the database.
pub async fn list(app: &App, query: &HistoryQuery) -> Result<History, Problem> {
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let rows = sqlx::query(
        "select id, at, by, what, which, before, after from change
         where ($1::text is null or what = $1) and ($2::text is null or which = $2) and ($3::uuid is null or id < $3)
         order by id desc limit $4",
    )
    .bind(&query.what)
    .bind(&query.which)
    .bind(query.before)
    .bind(i64::from(limit))
    .fetch_all(app.platform.db.pool())
    .await
    .and_then(|rows| rows.iter().map(shown).collect::<Result<Vec<_>, _>>())
    .map_err(|e| of_database(&e))?;
    let next = (rows.len() == limit as usize).then(|| rows.last().map(|change| change.id)).flatten();
    Ok(History { changes: rows, next })
}

fn shown(row: &sqlx::postgres::PgRow) -> Result<ChangeShown, sqlx::Error> {
    Ok(ChangeShown {
        id: row.try_get("id")?,
        at: row.try_get::<Ts, _>("at")?.0,
        by: row.try_get("by")?,
        what: row.try_get("what")?,
        which: row.try_get("which")?,
        before: row.try_get::<Option<Value>, _>("before")?.map(without_hash),
        after: row.try_get::<Option<Value>, _>("after")?.map(without_hash),
    })
}

fn without_hash(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.shift_remove("token_hash");
    }
    value
}
