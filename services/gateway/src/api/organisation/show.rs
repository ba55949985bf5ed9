//! `GET /v1/organisation`: the directory, and the file that it was last made from.

use crate::App;
use crate::api::openapi::{Api, Endpoint};
use crate::directory::organisation;
use crate::viewer::Viewer;
use crate::web::{Refusal, of_database};
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::Problem;
use duban_engine::mask;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganisationShown {
    pub version: i64,
    /// The file as last applied, TOML, whole, for who is to change it and apply it again; people made since are not in it.
    pub file: Option<String>,
    /// Units, posts and people as they are, telephone numbers masked as in every list.
    pub directory: Value,
}

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/organisation", "Units, posts and people").answers::<OrganisationShown>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer) -> Result<Json<OrganisationShown>, Refusal> {
    Ok(Json(perform(&app, &viewer).await?))
}

/// # Errors
/// 403 for who does not administer; 503 without the database.
pub async fn perform(app: &App, viewer: &Viewer) -> Result<OrganisationShown, Problem> {
    viewer.must_administer()?;
    let directory = app.directory()?;
    let file = async {
        let mut connection = app.platform.db.pool().acquire().await?;
        organisation::file(&mut connection).await
    };
    let file = file.await.map_err(|e| of_database(&e))?.map(|source| source.text);
    let version = directory.version();
    let mut directory = serde_json::to_value(&*directory).map_err(|_| Problem::internal())?;
    for phone in directory["people"].as_object_mut().into_iter().flat_map(|people| people.values_mut()).map(|person| &mut person["phone"]) {
        if let Value::String(number) = phone {
            *number = mask::number(number);
        }
    }
    Ok(OrganisationShown { version, file, directory })
}
