//! `POST /v1/session`: logs in with name and password; the cookie is set, the answer says who it is and what changes by cookie must carry.

use crate::App;
use crate::access::{LoginRequest, Me};
use crate::api::input::Given;
use crate::api::openapi::{Api, Endpoint, Who};
use crate::viewer::ClientAddress;
use crate::web::Refusal;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use axum_extra::extract::cookie::CookieJar;

pub fn mount(api: Api) -> Api {
    let endpoint = Endpoint::post("/v1/session", "Log in").by(Who::Public);
    api.route(endpoint.body::<LoginRequest>().answers::<Me>(), post(handle))
}

async fn handle(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    jar: CookieJar,
    Given(request): Given<LoginRequest>,
) -> Result<impl IntoResponse, Refusal> {
    let logged_in = app.access.login(&request, address).await?;
    let me = Me {
        language: app.holdings.language_of(&logged_in.person).unwrap_or_else(|| "zh".to_owned()),
        administers: app.holdings.administers(&logged_in.person),
        person: logged_in.person,
        name: logged_in.name,
        csrf: logged_in.csrf,
    };
    Ok((jar.add(logged_in.cookie), Json(me)))
}
