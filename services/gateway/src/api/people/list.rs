//! `GET /v1/people`: everybody in the directory, with the posts that they hold now. Telephone numbers are masked; `GET /v1/people/{person}`
//! has them whole.

use crate::App;
use crate::api::openapi::{Api, Endpoint};
use crate::viewer::Viewer;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use duban_contracts::{Problem, Timestamp};
use duban_engine::mask;
use duban_policy::directory::{Directory, Person};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct People {
    pub people: Vec<PersonShown>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PersonShown {
    pub id: String,
    pub name: String,
    pub email: Option<String>,
    /// Masked in the list, whole where one person is asked for.
    pub phone: Option<String>,
    pub disabled: bool,
    /// Posts, `<unit>/<role>`.
    pub posts: Vec<String>,
    pub administers: bool,
}

pub fn mount(api: Api) -> Api {
    api.route(Endpoint::get("/v1/people", "People and their posts").answers::<People>(), get(handle))
}

async fn handle(State(app): State<App>, viewer: Viewer) -> Result<Json<People>, Refusal> {
    Ok(Json(perform(&app, &viewer).await?))
}

/// # Errors
/// 403 for who does not administer.
pub async fn perform(app: &App, viewer: &Viewer) -> Result<People, Problem> {
    viewer.must_administer()?;
    let directory = app.directory()?;
    let now = app.platform.clock.now();
    let people = directory.people().map(|person| {
        let whole = shown(app, &directory, person, now);
        PersonShown { phone: whole.phone.as_deref().map(mask::number), ..whole }
    });
    Ok(People { people: people.collect() })
}

/// A person with his posts of this moment, everything whole.
pub fn shown(app: &App, directory: &Directory, person: &Person, at: Timestamp) -> PersonShown {
    PersonShown {
        id: person.id.clone(),
        name: person.name.clone(),
        email: person.email.clone(),
        phone: person.phone.clone(),
        disabled: person.disabled,
        posts: directory.posts_of(&person.id, at).into_iter().map(|held| held.post.id.clone()).collect(),
        administers: app.holdings.administers(&person.id),
    }
}
