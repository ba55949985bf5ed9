//! `GET /v1/policies/{version}/changes`: what a set changes for people, and how far it goes in each pack.

use crate::App;
use crate::api::input::{Asked, At};
use crate::api::openapi::{Api, Endpoint};
use crate::policies::judged::{self, Judged};
use crate::policies::store;
use crate::viewer::Viewer;
use crate::web::{Refusal, of_database};
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_policy::Title;
use duban_policy::policy::Change;
use duban_policy::policy::extent::Extent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Against which set.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
pub struct ChangesQuery {
    /// A version; without it the set in force or, of one that is or was in force, the one before it.
    #[serde(default)]
    pub against: Option<i64>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChangesShown {
    pub version: i64,
    /// Absent: there is no set to hold it against.
    pub against: Option<i64>,
    pub touched: Vec<TouchedShown>,
    /// Pack by pack, in both languages. A change of what is not told to people (an order, an alias) is in `touched` alone.
    pub changes: Vec<Change>,
}

/// A pack that changes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TouchedShown {
    /// Empty for calendars and the organisation.
    pub pack: String,
    pub title: Title,
    /// `wording`, `parameter`, `rules`.
    pub extent: &'static str,
    /// The one that changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
}

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::get("/v1/policies/{version}/changes", "What a set of packs changes for people");
    api.route(endpoint.query::<ChangesQuery>().answers::<ChangesShown>(), get(handle))
}

async fn handle(
    State(app): State<App>,
    _reader: Viewer,
    At(version): At<i64>,
    Asked(query): Asked<ChangesQuery>,
) -> Result<Json<ChangesShown>, Refusal> {
    Ok(Json(perform(&app, version, query.against).await?))
}

/// For everybody who may log in, as the packs are.
///
/// # Errors
/// 404 unknown; 422 if one of the two does not compile in this version of Duban; 503 without the database.
pub async fn perform(app: &App, version: i64, against: Option<i64>) -> Result<ChangesShown, Problem> {
    let mut connection = app.platform.db.pool().acquire().await.map_err(|e| of_database(&e))?;
    let state = store::state(&mut *connection, version).await.map_err(|e| of_database(&e))?.ok_or_else(Problem::not_found)?;
    let against = match against {
        Some(against) => Some(against),
        None if state == "applied" => store::in_force_before(&mut *connection, version).await.map_err(|e| of_database(&e))?,
        None => store::in_force(&mut *connection, app.platform.clock.now()).await.map_err(|e| of_database(&e))?,
    };
    let Some(against) = against else { return Ok(ChangesShown { version, against: None, touched: Vec::new(), changes: Vec::new() }) };
    let judged = judged::judge(app, &mut connection, version, against).await?;
    Ok(ChangesShown { version, against: Some(against), touched: touched(&judged), changes: judged.changes.clone() })
}

fn touched(judged: &Judged) -> Vec<TouchedShown> {
    let elsewhere = || Title::new("日历与组织", "calendars and organisation");
    let shown = judged.touched.iter().map(|touched| {
        let (extent, parameter) = match &touched.extent {
            Extent::Wording => ("wording", None),
            Extent::Parameter(name) => ("parameter", Some(name.clone())),
            Extent::Rules => ("rules", None),
        };
        let title = judged.titles.get(&touched.pack).cloned().unwrap_or_else(elsewhere);
        TouchedShown { pack: touched.pack.clone(), title, extent, parameter }
    });
    shown.collect()
}
