//! Submitting, approving and withdrawing a set of packs.

use super::store;
use crate::App;
use crate::directory::Edit;
use crate::web::of_database;
use duban_contracts::policy::{PolicyChanged, PolicySource};
use duban_contracts::subjects::service;
use duban_contracts::{FieldError, NewEvent, Problem, Timestamp};
use duban_policy::organisation::Organisation;
use duban_policy::{Diagnostic, Policy};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `POST /v1/policies`: a whole set. Without an organisation file, that of the last applied one is taken.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicySet {
    pub sources: Vec<PolicySource>,
    /// Why, in a sentence.
    #[serde(default)]
    pub note: String,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Submitted {
    pub version: i64,
    /// `submitted`: it waits for a second person; `applied`: the first set of an empty installation is in force at once.
    pub state: String,
}

/// Checks and keeps a set. The first of an empty installation is in force at once: nobody else could approve it yet.
///
/// # Errors
/// 422 with every fault of every file; 503 without the database.
pub async fn submit(app: &App, by: &str, set: NewPolicySet) -> Result<Submitted, Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let sources = complete(&mut edit, set.sources).await?;
    let submitted = submit_in(app, &mut edit, &set.note, sources).await?;
    edit.finish(app).await?;
    Ok(submitted)
}

/// The same within a change of the directory, whose organisation file comes with it.
///
/// # Errors
/// As [`submit`].
pub async fn submit_in(app: &App, edit: &mut Edit, note: &str, sources: Vec<PolicySource>) -> Result<Submitted, Problem> {
    compile(&sources)?;
    let (by, at) = (edit.by().to_owned(), edit.at());
    let set = store::NewSet { note, by: &by, at, sources: &sources };
    let version = store::submit(edit.tx(), set).await.map_err(|e| of_database(&e))?;
    edit.note("policy", &version.to_string(), None, Some(&"submitted"));
    if !store::none_was_ever(edit.tx()).await.map_err(|e| of_database(&e))? {
        return Ok(Submitted { version, state: "submitted".to_owned() });
    }
    store::approve(edit.tx(), version, &by, at, at, "applied").await.map_err(|e| of_database(&e))?;
    edit.note("policy", &version.to_string(), Some(&"submitted"), Some(&"applied, the first of this installation"));
    tell(app, edit, "policy.applied", version, at).await?;
    Ok(Submitted { version, state: "applied".to_owned() })
}

/// A second person's approval: the set is announced, and will be in force a minute later if every service then holds it.
///
/// # Errors
/// 404 unknown; 403 for who submitted it; 409 if it is not waiting, or another one is announced.
pub async fn approve(app: &App, by: &str, version: i64) -> Result<(), Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let set = store::lock(edit.tx(), version).await.map_err(|e| of_database(&e))?.ok_or_else(Problem::not_found)?;
    if set.state != "submitted" {
        return Err(Problem::refused("not-waiting", "It does not wait for approval", "该版本不在待批准状态").with_detail(set.state));
    }
    if set.submitted_by == by {
        return Err(Problem::forbidden("a second person must approve: who submitted it may not"));
    }
    if store::one_is_announced(edit.tx()).await.map_err(|e| of_database(&e))? {
        return Err(Problem::refused(
            "another-announced",
            "Another set is announced; wait for it or withdraw it",
            "另一版本已公告，请等待其生效或先撤回",
        ));
    }
    let ahead = app.settings.announce_seconds.max(if app.settings.demonstration { 0 } else { 60 });
    let from = edit.at().saturating_add(SignedDuration::from_secs(i64::from(ahead))).unwrap_or(edit.at());
    let at = edit.at();
    store::approve(edit.tx(), version, by, at, from, "announced").await.map_err(|e| of_database(&e))?;
    edit.note("policy", &version.to_string(), Some(&"submitted"), Some(&"announced"));
    tell(app, &mut edit, "policy.announced", version, from).await?;
    edit.finish(app).await.map(|_| ())
}

/// Takes a set back that is not in force.
///
/// # Errors
/// 404 unknown; 409 if it is in force or was withdrawn before.
pub async fn withdraw(app: &App, by: &str, version: i64) -> Result<(), Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let set = store::lock(edit.tx(), version).await.map_err(|e| of_database(&e))?.ok_or_else(Problem::not_found)?;
    if !matches!(set.state.as_str(), "submitted" | "announced") {
        return Err(Problem::refused("not-withdrawable", "It is in force or was withdrawn", "该版本已生效或已撤回").with_detail(set.state));
    }
    let at = edit.at();
    store::withdraw(edit.tx(), version, by, at).await.map_err(|e| of_database(&e))?;
    edit.note("policy", &version.to_string(), Some(&set.state.as_str()), Some(&"withdrawn"));
    if let Some(from) = set.effective_from {
        tell(app, &mut edit, "policy.withdrawn", version, from).await?;
    }
    edit.finish(app).await.map(|_| ())
}

/// Writes the event about a set into the outbox.
pub(super) async fn tell(app: &App, edit: &mut Edit, name: &str, version: i64, effective_from: Timestamp) -> Result<(), Problem> {
    let body = PolicyChanged { version, effective_from };
    // Announced, then applied or withdrawn: two events at most about a set.
    let nth = if name == "policy.announced" { 1 } else { 2 };
    let event = NewEvent::new(service::GATEWAY, name, format!("policy/{version}"), nth, edit.at(), &body).with_policy(version);
    app.platform.outbox.write(edit.tx(), &[event]).await.map_err(|e| of_database(&e))
}

/// Adds the organisation file of now, without people, where the set brings none; takes the people out of one that it brings.
async fn complete(edit: &mut Edit, sources: Vec<PolicySource>) -> Result<Vec<PolicySource>, Problem> {
    let mut complete: Vec<PolicySource> = Vec::with_capacity(sources.len() + 1);
    let mut has_organisation = false;
    for source in sources {
        if is_organisation(&source) {
            has_organisation = true;
            complete.push(Organisation::parse(&source).map_err(|faults| refused(&faults))?.policy_source());
        } else {
            complete.push(source);
        }
    }
    if !has_organisation {
        let file = crate::directory::organisation::file(edit.tx()).await.map_err(|e| of_database(&e))?;
        let file =
            file.ok_or_else(|| Problem::invalid_field("/sources", "no organisation file is here", "apply one first, or send it along"))?;
        complete.push(Organisation::parse(&file).map_err(|faults| refused(&faults))?.policy_source());
    }
    Ok(complete)
}

/// Told apart by content, as the compiler does.
pub fn is_organisation(source: &PolicySource) -> bool {
    source.text.lines().any(|line| line.trim_start().starts_with("[organisation"))
}

fn compile(sources: &[PolicySource]) -> Result<Policy, Problem> {
    Policy::compile(sources).map_err(|faults| refused(&faults))
}

/// Every fault with its file and line.
pub fn refused(faults: &[Diagnostic]) -> Problem {
    let errors = faults.iter().map(|fault| FieldError {
        field: format!("/{}:{}:{}", fault.file, fault.line, fault.column),
        wrong: format!("{}: {} / {}", fault.code, fault.message, fault.message_zh),
        expected: fault.help.clone().unwrap_or_default(),
    });
    Problem::new(422, "does-not-compile", "The files do not compile", "制度文件未通过检查").with_errors(errors.collect())
}
