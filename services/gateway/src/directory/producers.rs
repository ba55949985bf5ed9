//! Producers: made, disabled, given new tokens, while everything runs.

use super::{Edit, store};
use crate::App;
use crate::producers::Producer;
use crate::token;
use crate::web::of_database;
use duban_contracts::{FieldError, Problem, both, subjects};
use duban_policy::calendar::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A producer to be made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProducer {
    /// Subject token and broker user; part of every report's identity, so it never changes and is never given again.
    pub id: String,
    #[serde(default)]
    pub name: Option<String>,
    /// Unit of reports that name none.
    pub unit: String,
    /// For how long it may send nothing before that is told, in its unit's calendar (`4wh`, `1d`); absent: it is not watched.
    #[serde(default)]
    pub silent_after: Option<String>,
}

/// For how long a producer may send nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// `4wh`, `1d`, in its unit's calendar; absent or empty: its silence is not told any longer.
    #[serde(default)]
    pub silent_after: Option<String>,
}

/// A producer as lists show it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListedProducer {
    pub id: String,
    pub name: String,
    pub unit: String,
    pub disabled: bool,
    pub demonstration: bool,
    /// For how long it may send nothing before that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_after: Option<String>,
}

/// A token, shown once.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProducerToken {
    pub id: String,
    pub token: String,
}

/// Users of the broker that are no producers.
const RESERVED: [&str; 7] = ["gateway", "intake", "escalation", "archive", "notifications", "operator", "system"];

/// # Errors
/// 503 without the database.
pub async fn list(app: &App) -> Result<Vec<ListedProducer>, Problem> {
    let listed = async {
        let mut connection = app.platform.db.pool().acquire().await?;
        store::producers(&mut connection).await
    };
    let producers = listed.await.map_err(|e| of_database(&e))?;
    let shown = |p: Producer| ListedProducer {
        silent_after: p.silent_after.map(|duration| duration.to_string()),
        id: p.id,
        name: p.name,
        unit: p.unit,
        disabled: p.disabled,
        demonstration: p.demonstration,
    };
    Ok(producers.into_iter().map(shown).collect())
}

/// # Errors
/// 409 if the id is taken, also by one that is disabled; 422 for what cannot be.
pub async fn create(app: &App, by: &str, new: NewProducer) -> Result<ProducerToken, Problem> {
    let mut faults = Vec::new();
    if !subjects::is_token(&new.id) || RESERVED.contains(&new.id.as_str()) {
        let expected =
            both("1至40个小写字母、数字、“-”或“_”，且不与服务重名", "1 to 40 lower-case letters, digits, - and _, and no service's name");
        faults.push(FieldError::new("/id", both("不能用作接入方代码", "it cannot name a producer"), expected));
    }
    if app.holdings.directory().unit(&new.unit).is_none() {
        faults.push(FieldError::new("/unit", both("没有此单位", "there is no such unit"), both("请填写目录中的单位代码", "a unit's code")));
    }
    let silent_after = silence(new.silent_after.as_deref()).map_err(|fault| faults.push(fault)).unwrap_or_default();
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let mut edit = Edit::begin(app, by).await?;
    if find(&mut edit, &new.id).await.is_ok() {
        return Err(Problem::refused("taken", "The id is taken", "该编号已被占用"));
    }
    let secret = token::fresh(token::PRODUCER);
    let producer = Producer {
        name: new.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| new.id.clone()),
        id: new.id,
        unit: new.unit,
        token_hash: token::hash(&secret),
        disabled: false,
        demonstration: app.settings.demonstration,
        silent_after,
    };
    write(&mut edit, None, &producer).await?;
    edit.finish(app).await?;
    Ok(ProducerToken { id: producer.id, token: secret })
}

/// For how long it may send nothing from now on.
///
/// # Errors
/// 404 unknown; 422 for what is no duration.
pub async fn watch(app: &App, by: &str, id: &str, watch: &Watch) -> Result<(), Problem> {
    let silent_after = silence(watch.silent_after.as_deref()).map_err(|fault| Problem::invalid(vec![fault]))?;
    let mut edit = Edit::begin(app, by).await?;
    let producer = find(&mut edit, id).await?;
    write(&mut edit, Some(&producer), &Producer { silent_after, ..producer.clone() }).await?;
    edit.finish(app).await.map(|_| ())
}

fn silence(text: Option<&str>) -> Result<Option<Duration>, FieldError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|wrong: duban_policy::calendar::BadDuration| {
        let expected = both("请填写时长，如 4wh、1wd 或 24h；不监测则留空", "a duration such as 4wh, 1wd or 24h, or nothing");
        FieldError::new("/silent_after", both("不是有效的时长", wrong.to_string()), expected)
    })
}

/// Its reports are refused from now on, over HTTP and over a connection to the broker that stands already.
///
/// # Errors
/// 404 unknown.
pub async fn disable(app: &App, by: &str, id: &str) -> Result<(), Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let producer = find(&mut edit, id).await?;
    write(&mut edit, Some(&producer), &Producer { disabled: true, ..producer.clone() }).await?;
    edit.finish(app).await.map(|_| ())
}

/// A new token; the old one is good no longer. A disabled producer is enabled by it.
///
/// # Errors
/// 404 unknown.
pub async fn new_token(app: &App, by: &str, id: &str) -> Result<ProducerToken, Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let producer = find(&mut edit, id).await?;
    let secret = token::fresh(token::PRODUCER);
    let demonstration = app.settings.demonstration;
    let renewed = Producer { token_hash: token::hash(&secret), disabled: false, demonstration, ..producer.clone() };
    write(&mut edit, Some(&producer), &renewed).await?;
    edit.finish(app).await?;
    Ok(ProducerToken { id: renewed.id, token: secret })
}

async fn find(edit: &mut Edit, id: &str) -> Result<Producer, Problem> {
    let all = store::producers(edit.tx()).await.map_err(|e| of_database(&e))?;
    all.into_iter().find(|producer| producer.id == id).ok_or_else(Problem::not_found)
}

async fn write(edit: &mut Edit, before: Option<&Producer>, after: &Producer) -> Result<(), Problem> {
    edit.note("producer", &after.id, before, Some(after));
    store::put_producer(edit.tx(), after).await.map_err(|e| of_database(&e))
}
