//! The API's description (OpenAPI 3.1), made from the same table as its routes and the same structs as its bodies, so that the two cannot part.

use crate::App;
use axum::Router;
use axum::routing::MethodRouter;
use duban_contracts::Problem;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anybody.
    Public,
    /// A producer's bearer token.
    Producer,
    /// A person's bearer token or session.
    Person,
}

type SchemaOf = fn(&mut SchemaGenerator) -> schemars::Schema;

/// One endpoint, as the description tells it.
#[derive(Clone, Copy)]
pub struct Endpoint {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    who: Who,
    query: Option<SchemaOf>,
    more_query: Option<SchemaOf>,
    body: Option<SchemaOf>,
    answer: Option<SchemaOf>,
    /// Besides JSON.
    other_media: &'static [&'static str],
    status: &'static str,
    headers: &'static [(&'static str, &'static str, bool)],
}

const IDEMPOTENCY_KEY: (&str, &str, bool) = ("Idempotency-Key", "Names this request; the same at every retry, then it is done once.", true);
const IF_MATCH: (&str, &str, bool) = ("If-Match", "The version that you have seen, e.g. \"7\"; another present version is a 409.", false);

impl Endpoint {
    const fn new(method: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            summary,
            who: Who::Person,
            query: None,
            more_query: None,
            body: None,
            answer: None,
            other_media: &[],
            status: "200",
            headers: &[],
        }
    }

    pub const fn get(path: &'static str, summary: &'static str) -> Self {
        Self::new("get", path, summary)
    }

    pub const fn post(path: &'static str, summary: &'static str) -> Self {
        Self::new("post", path, summary)
    }

    pub const fn put(path: &'static str, summary: &'static str) -> Self {
        Self::new("put", path, summary)
    }

    pub const fn delete(path: &'static str, summary: &'static str) -> Self {
        Self::new("delete", path, summary)
    }

    pub const fn by(self, who: Who) -> Self {
        Self { who, ..self }
    }

    pub const fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(|generator| T::json_schema(generator)), ..self }
    }

    /// A second struct of the query.
    pub const fn more_query<T: JsonSchema>(self) -> Self {
        Self { more_query: Some(|generator| T::json_schema(generator)), ..self }
    }

    pub const fn body<T: JsonSchema>(self) -> Self {
        Self { body: Some(|generator| generator.subschema_for::<T>()), ..self }
    }

    pub const fn answers<T: JsonSchema>(self) -> Self {
        Self { answer: Some(|generator| generator.subschema_for::<T>()), ..self }
    }

    /// What it answers with on request, besides JSON.
    pub const fn or_as(self, other_media: &'static [&'static str]) -> Self {
        Self { other_media, ..self }
    }

    pub const fn status(self, status: &'static str) -> Self {
        Self { status, ..self }
    }

    /// It acts: the request has an id.
    pub const fn acts(self) -> Self {
        Self { headers: &[IDEMPOTENCY_KEY], ..self }
    }

    /// It acts on a version.
    pub const fn acts_on_version(self) -> Self {
        Self { headers: &[IDEMPOTENCY_KEY, IF_MATCH], ..self }
    }
}

/// Routes with their description.
#[derive(Default)]
pub struct Api {
    routes: Router<App>,
    endpoints: Vec<Endpoint>,
}

impl Api {
    /// Adds an endpoint; several methods of one path are added one after the other.
    pub fn route(mut self, endpoint: Endpoint, handler: MethodRouter<App>) -> Self {
        self.routes = self.routes.route(endpoint.path, handler);
        self.endpoints.push(endpoint);
        self
    }

    /// Describes an endpoint that is routed elsewhere.
    pub fn describe(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    pub fn finish(self) -> (Router<App>, Value) {
        let document = document(&self.endpoints);
        (self.routes, document)
    }
}

fn document(endpoints: &[Endpoint]) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in endpoints {
        let operation = operation(endpoint, &mut generator);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method] = operation;
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Duban",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Reports in; cases, duties and alerts for managers. Every error is problem details (RFC 9457) with a stable code.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": { "description": "What was wrong", "content": { "application/problem+json": { "schema": problem } } }
            },
            "securitySchemes": {
                "producer": { "type": "http", "scheme": "bearer", "description": "A producer's token" },
                "person": { "type": "http", "scheme": "bearer", "description": "A person's token" },
                "session": { "type": "apiKey", "in": "cookie", "name": "duban_session",
                    "description": "A session; changes also need the header X-CSRF-Token" },
            },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut parameters = path_parameters(endpoint.path);
    for schema in [endpoint.query, endpoint.more_query].into_iter().flatten() {
        parameters.extend(query_parameters(schema(generator).to_value()));
    }
    parameters.extend(endpoint.headers.iter().map(|(name, description, required)| {
        json!({ "name": name, "in": "header", "required": required, "description": description, "schema": { "type": "string" } })
    }));
    let mut answer = json!({ "description": endpoint.summary });
    if let Some(schema) = endpoint.answer {
        answer["content"] = json!({ "application/json": { "schema": schema(generator) } });
    }
    for media in endpoint.other_media {
        answer["content"][media] = json!({ "schema": { "type": "string" } });
    }
    let mut operation = json!({
        "summary": endpoint.summary,
        "operationId": operation_id(endpoint),
        "responses": { endpoint.status: answer, "default": { "$ref": "#/components/responses/Problem" } },
        "security": match endpoint.who {
            Who::Public => json!([]),
            Who::Producer => json!([{ "producer": [] }]),
            Who::Person => json!([{ "person": [] }, { "session": [] }]),
        },
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(schema) = endpoint.body {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema(generator) } } });
    }
    operation
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })).collect()
}

fn query_parameters(mut schema: Value) -> Vec<Value> {
    let properties = schema.get_mut("properties").map(Value::take);
    let Some(Value::Object(properties)) = properties else { return Vec::new() };
    properties
        .into_iter()
        .map(|(name, mut schema)| {
            let description = schema.as_object_mut().and_then(|schema| schema.shift_remove("description")).unwrap_or_default();
            json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
        })
        .collect()
}

/// `get /v1/cases/{case}/watchers` → `get_cases_case_watchers`.
fn operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.split('/').filter(|part| !part.is_empty() && *part != "v1");
    std::iter::once(endpoint.method.to_owned())
        .chain(words.map(|word| word.trim_matches(['{', '}']).replace('-', "_")))
        .collect::<Vec<_>>()
        .join("_")
}
