//! Back to a version that was in force: submitted as a set of its own, so that it is approved, announced and held as every change is.
//!
//! Packs and calendars are those of then. The organisation file is that of now unless that of then is asked for: units, posts and people live
//! in the directory, which nothing sets back, and a unit made since would else be bound by nothing. That of then is for when a binding, a
//! parameter or who plays a role was the mistake.

use super::apply::{self, Submitted, is_organisation};
use super::store;
use crate::App;
use crate::directory::Edit;
use crate::web::of_database;
use duban_contracts::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

/// `POST /v1/policies/{version}/back`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Back {
    /// Why, in a sentence.
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub organisation: OfWhen,
    /// As of [`apply::NewPolicySet`].
    #[serde(default)]
    pub corrects: Vec<String>,
}

/// Whose bindings, parameters and players of roles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfWhen {
    #[default]
    Now,
    Then,
}

/// Submits an earlier version again.
///
/// # Errors
/// 404 unknown; 409 if it never was in force, or is; 422 where its packs and the organisation of now do not go together.
pub async fn back(app: &App, by: &str, version: i64, back: &Back) -> Result<Submitted, Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let set = store::lock(edit.tx(), version).await.map_err(|e| of_database(&e))?.ok_or_else(Problem::not_found)?;
    if set.state != "applied" {
        return Err(Problem::refused("never-in-force", "It never was in force", "该版本从未生效").with_detail(apply::state_now(&set.state)));
    }
    let at = edit.at();
    if store::in_force(edit.tx(), at).await.map_err(|e| of_database(&e))? == Some(version) {
        return Err(Problem::refused("in-force", "It is in force", "该版本现正生效"));
    }
    let mut sources = store::sources(edit.tx(), version).await.map_err(|e| of_database(&e))?;
    if back.organisation == OfWhen::Now {
        sources.retain(|source| !is_organisation(source));
    }
    let sources = apply::complete(&mut edit, sources).await?;
    let submitted =
        apply::submit_in(app, &mut edit, apply::Kept { note: &back.note, as_of: Some(version), corrects: &back.corrects }, sources).await?;
    edit.finish(app).await?;
    Ok(submitted)
}
