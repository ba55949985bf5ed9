//! Who changed what, when, from what into what.

use crate::App;
use crate::web::of_database;
use duban_contracts::{Problem, Timestamp, both, time};
use duban_engine::mask;
use duban_platform::Ts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;
use uuid::Uuid;

/// Which changes; newest first.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct HistoryQuery {
    /// One of `unit`, `post`, `person`, `producer`, `token`, `credential`, `webhook`, `policy`, `absence`, `delegation`, `refused_report`.
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

/// One change. Hashes of tokens are left out, telephone and identity numbers masked.
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

/// What changes are of: as [`HistoryQuery::what`] has it, and in words.
pub const CHANGED: [(&str, &str, &str); 11] = [
    ("post", "岗位与权限", "Posts and rights"),
    ("person", "人员", "People"),
    ("unit", "单位", "Units"),
    ("producer", "接入方", "Producers"),
    ("policy", "制度", "Policies"),
    ("token", "令牌", "Tokens"),
    ("credential", "密码", "Passwords"),
    ("webhook", "Webhook 密钥", "Webhook secrets"),
    ("absence", "离岗", "Absences"),
    ("delegation", "委托", "Delegations"),
    ("refused_report", "被拒的来件", "Refused reports"),
];

/// # Errors
/// 422 for what no change can be or is of; 503 without the database.
pub async fn list(app: &App, query: &HistoryQuery) -> Result<History, Problem> {
    let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let (what, which) = (given(&query.what), given(&query.which));
    if let Some(what) = what.as_deref().filter(|what| !CHANGED.iter().any(|(known, _, _)| known == what)) {
        return Err(no_such_sort(what));
    }
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let rows = sqlx::query(
        "select id, at, by, what, which, before, after from change
         where ($1::text is null or what = $1) and ($2::text is null or which = $2) and ($3::uuid is null or id < $3)
         order by id desc limit $4",
    )
    .bind(&what)
    .bind(&which)
    .bind(query.before)
    .bind(i64::from(limit))
    .fetch_all(app.platform.db.pool())
    .await
    .and_then(|rows| rows.iter().map(shown).collect::<Result<Vec<_>, _>>())
    .map_err(|e| of_database(&e))?;
    if let Some(which) = which.filter(|_| rows.is_empty() && query.before.is_none()) {
        // Whatever is known came by a change. One of which there is none of this sort has an empty list.
        let is_known = sqlx::query_scalar("select exists (select from change where which = $1)").bind(&which);
        if !is_known.fetch_one(app.platform.db.pool()).await.map_err(|e| of_database(&e))? {
            let wrong = both(format!("没有“{which}”的变更"), format!("nothing is known of '{which}'"));
            return Err(Problem::invalid_field("/which", wrong, both("请填写曾有变更者的代码", "the id of what was changed once")));
        }
    }
    let next = (rows.len() == limit as usize).then(|| rows.last().map(|change| change.id)).flatten();
    Ok(History { changes: rows, next })
}

fn no_such_sort(what: &str) -> Problem {
    let zh: Vec<String> = CHANGED.iter().map(|(id, zh, _)| format!("{id}（{zh}）")).collect();
    let en: Vec<&str> = CHANGED.iter().map(|(id, _, _)| *id).collect();
    let expected = both(format!("可选：{}", zh.join("、")), format!("one of {}", en.join(", ")));
    Problem::invalid_field("/what", both(format!("没有“{what}”这一类变更"), format!("there are no changes of '{what}'")), expected)
}

fn shown(row: &sqlx::postgres::PgRow) -> Result<ChangeShown, sqlx::Error> {
    Ok(ChangeShown {
        id: row.try_get("id")?,
        at: row.try_get::<Ts, _>("at")?.0,
        by: row.try_get("by")?,
        what: row.try_get("what")?,
        which: row.try_get("which")?,
        before: row.try_get::<Option<Value>, _>("before")?.map(for_a_list),
        after: row.try_get::<Option<Value>, _>("after")?.map(for_a_list),
    })
}

/// A change as a list may show it.
fn for_a_list(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.shift_remove("token_hash");
        if let Some(Value::String(phone)) = members.get_mut("phone") {
            *phone = mask::number(phone);
        }
        // Why somebody is away is written by people.
        if let Some(Value::String(reason)) = members.get_mut("reason") {
            *reason = mask::within(reason);
        }
    }
    value
}
