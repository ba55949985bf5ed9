//! Submitting, approving and withdrawing a set of packs.
//!
//! Whoever holds a post that the organisation names may sign without administering: the right to sign is the organisation's own word.

use super::judged::judge;
use super::{Signature, correction, store};
use crate::App;
use crate::directory::Edit;
use crate::viewer::Viewer;
use crate::web::of_database;
use duban_contracts::policy::{PolicyChanged, PolicySource};
use duban_contracts::subjects::service;
use duban_contracts::{FieldError, NewEvent, Problem, Sentence, Timestamp, both};
use duban_policy::organisation::Organisation;
use duban_policy::policy::approval::Signer;
use duban_policy::{Diagnostic, Policy, Title};
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
    /// What it corrects, for open matters too: `calendar.cn`, `calendars` (all that change), `store-complaints/answer`,
    /// `store-complaints/kind.complaint_case`. Absent: it holds for new ones alone.
    #[serde(default)]
    pub corrects: Vec<String>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Submitted {
    pub version: i64,
    /// `submitted`: it waits for whom the organisation names; `announced`: nobody else need sign; `applied`: the first set of an empty
    /// installation is in force at once.
    pub state: String,
    /// What is worth saying though the files compile, with file and line: roles that nobody plays in a unit, and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<FieldError>,
}

/// What is kept of a set besides its files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kept<'a> {
    /// Why, in a sentence.
    pub note: &'a str,
    /// The version that it goes back to.
    pub as_of: Option<i64>,
    /// What it is declared to correct.
    pub corrects: &'a [String],
}

/// Checks and keeps a set. The first of an empty installation is in force at once: nobody else could approve it yet.
///
/// # Errors
/// 422 with every fault of every file; 503 without the database.
pub async fn submit(app: &App, by: &str, set: NewPolicySet) -> Result<Submitted, Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let sources = complete(&mut edit, set.sources).await?;
    let submitted = submit_in(app, &mut edit, Kept { note: &set.note, as_of: None, corrects: &set.corrects }, sources).await?;
    edit.finish(app).await?;
    Ok(submitted)
}

/// The same within a change of the directory, whose organisation file comes with it. A set for which the organisation wants nobody else's
/// signature is announced at once, unless another one is.
///
/// # Errors
/// As [`submit`].
pub async fn submit_in(app: &App, edit: &mut Edit, kept: Kept<'_>, sources: Vec<PolicySource>) -> Result<Submitted, Problem> {
    let compiled = compile(&sources)?;
    let (by, at) = (edit.by().to_owned(), edit.at());
    let against = store::in_force(edit.tx(), at).await.map_err(|e| of_database(&e))?;
    let corrects = correction::read(app, edit.tx(), against, &compiled, kept.corrects).await?;
    let set = store::NewSet { note: kept.note, by: &by, at, sources: &sources, as_of: kept.as_of, corrects: &corrects };
    let version = store::submit(edit.tx(), set).await.map_err(|e| of_database(&e))?;
    let words = kept.as_of.map_or_else(|| "submitted".to_owned(), |earlier| format!("submitted, back to version {earlier}"));
    edit.note("policy", &version.to_string(), None, Some(&words));
    if !corrects.is_empty() {
        edit.note("policy", &version.to_string(), None, Some(&format!("corrects: {}", corrects.join(", "))));
    }
    let state = |state: &str| Submitted { version, state: state.to_owned(), remarks: remarks(&compiled) };
    if store::none_was_ever(edit.tx()).await.map_err(|e| of_database(&e))? {
        store::approve(edit.tx(), version, &by, at, at, "applied").await.map_err(|e| of_database(&e))?;
        edit.note("policy", &version.to_string(), Some(&"submitted"), Some(&"applied, the first of this installation"));
        tell(app, edit, "policy.applied", version, at).await?;
        return Ok(state("applied"));
    }
    let Some(against) = against else { return Ok(state("submitted")) };
    let judged = judge(app, edit.tx(), version, against).await?;
    let is_free = !store::one_is_announced(edit.tx()).await.map_err(|e| of_database(&e))?;
    // What a correction changes is seen before it is announced, by somebody at least.
    if judged.signers.is_empty() && is_free && corrects.is_empty() {
        announce(app, edit, version).await?;
        return Ok(state("announced"));
    }
    Ok(state("submitted"))
}

/// A signature. With the last that the organisation wants the set is announced, and will be in force a minute later if every service then
/// holds it. Who signs is named by the set in force, and never is who submitted it.
///
/// # Errors
/// 404 unknown; 403 for whose signature is not wanted; 409 if it is not waiting, or another one is announced, or the list of what a correction
/// changes is not the one that he has `seen`.
pub async fn approve(app: &App, viewer: &Viewer, version: i64, seen: Option<&str>) -> Result<(), Problem> {
    let person = &viewer.person;
    // Asked of escalation before anything is held.
    let list = correction::signed(app, viewer, version, seen).await;
    let mut edit = Edit::begin(app, person).await?;
    let set = store::lock(edit.tx(), version).await.map_err(|e| of_database(&e))?.ok_or_else(Problem::not_found)?;
    let at = edit.at();
    let against = store::in_force(edit.tx(), at).await.map_err(|e| of_database(&e))?;
    // Without a set in force there is nothing that could name anybody: a second person signs.
    let signers = match against {
        Some(against) if set.state == "submitted" => judge(app, edit.tx(), version, against).await?.signers.clone(),
        _ => vec![(Signer::SecondPerson, Title::default())],
    };
    let signed = match against {
        Some(against) => store::signatures(edit.tx(), version, against).await.map_err(|e| of_database(&e))?,
        None => Vec::new(),
    };
    let directory = app.directory()?;
    let open = signers.into_iter().filter(|(signer, _)| !signed.iter().any(|signature| signature.signer == signer.as_str()));
    let is_mine = |(signer, _): &(Signer, Title)| signer.people(&directory, &set.submitted_by, at).contains(person);
    let (mine, others): (Vec<_>, Vec<_>) = open.partition(is_mine);
    must_sign(viewer, &set.submitted_by, &mine, &others)?;
    if set.state != "submitted" {
        return Err(
            Problem::refused("not-waiting", "It does not wait for approval", "该版本不在待批准状态").with_detail(state_now(&set.state))
        );
    }
    if store::one_is_announced(edit.tx()).await.map_err(|e| of_database(&e))? {
        return Err(Problem::refused(
            "another-announced",
            "Another set is announced; wait for it or withdraw it",
            "另一版本已公告，请等待其生效或先撤回",
        ));
    }
    let list = match list? {
        Some((_, listed)) if Some(listed) != against => {
            return Err(Problem::refused(
                "list-not-seen",
                "The list was made against another version",
                "清单所依据的现行版本已变，请重新查看",
            ));
        }
        list => list.map(|(list, _)| list),
    };
    // Where nobody's signature is wanted, who announces a correction signs its list.
    let alone = [(Signer::Submitter, Title::default())];
    let signing = if mine.is_empty() && list.is_some() { &alone[..] } else { &mine[..] };
    for (signer, _) in signing {
        if let Some(against) = against {
            let signature = Signature { signer: signer.as_str().to_owned(), person: person.clone(), at, list: list.clone() };
            store::sign(edit.tx(), version, signer.as_str(), &signature, against).await.map_err(|e| of_database(&e))?;
        }
        edit.note("policy", &version.to_string(), None, Some(&format!("signed for: {}", signer.as_str())));
    }
    if others.is_empty() {
        announce(app, &mut edit, version).await?;
    }
    edit.finish(app).await.map(|_| ())
}

/// Whose signature is wanted, or, where nobody's is, who administers.
fn must_sign(viewer: &Viewer, submitted_by: &str, mine: &[(Signer, Title)], others: &[(Signer, Title)]) -> Result<(), Problem> {
    if !mine.is_empty() {
        return Ok(());
    }
    if others.is_empty() {
        return viewer.must_administer();
    }
    let is_own = viewer.person == submitted_by;
    let own = if is_own { both("提交人不得批准；", "who submitted it may not approve it; ") } else { Sentence::default() };
    let names = |name: fn(&(Signer, Title)) -> &str, between: &str| others.iter().map(name).collect::<Vec<_>>().join(between);
    let (en, zh) = (names(|(_, title)| &title.en, ", "), names(|(_, title)| &title.zh, "、"));
    let (own_zh, own_en) = (own.zh, own.en);
    Err(Problem::forbidden(both(format!("{own_zh}须由{zh}批准"), format!("{own_en}it waits for the signature of: {en}"))))
}

async fn announce(app: &App, edit: &mut Edit, version: i64) -> Result<(), Problem> {
    let ahead = app.settings.announce_seconds.max(if app.settings.demonstration { 0 } else { 60 });
    let (by, at) = (edit.by().to_owned(), edit.at());
    let from = at.saturating_add(SignedDuration::from_secs(i64::from(ahead))).unwrap_or(at);
    store::approve(edit.tx(), version, &by, at, from, "announced").await.map_err(|e| of_database(&e))?;
    edit.note("policy", &version.to_string(), Some(&"submitted"), Some(&"announced"));
    tell(app, edit, "policy.announced", version, from).await
}

/// Takes a set back that is not in force.
///
/// # Errors
/// 404 unknown; 409 if it is in force or was withdrawn before.
pub async fn withdraw(app: &App, by: &str, version: i64) -> Result<(), Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let set = store::lock(edit.tx(), version).await.map_err(|e| of_database(&e))?.ok_or_else(Problem::not_found)?;
    if !matches!(set.state.as_str(), "submitted" | "announced") {
        return Err(Problem::refused("not-withdrawable", "It is in force or was withdrawn", "该版本已生效或已撤回")
            .with_detail(state_now(&set.state)));
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
pub(super) async fn complete(edit: &mut Edit, sources: Vec<PolicySource>) -> Result<Vec<PolicySource>, Problem> {
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
        let file = file.ok_or_else(|| {
            Problem::invalid_field(
                "/sources",
                both("尚无组织文件", "no organisation file is here"),
                both("请先应用组织文件，或一并提交", "apply one first, or send it along"),
            )
        })?;
        complete.push(Organisation::parse(&file).map_err(|faults| refused(&faults))?.policy_source());
    }
    Ok(complete)
}

/// Told apart by content, as the compiler does.
pub fn is_organisation(source: &PolicySource) -> bool {
    source.text.lines().any(|line| line.trim_start().starts_with("[organisation"))
}

/// # Errors
/// 422 with every fault.
pub fn compile(sources: &[PolicySource]) -> Result<Policy, Problem> {
    Policy::compile(sources).map_err(|faults| refused(&faults))
}

/// How far a set has come, where that is what stands in the way.
pub(super) fn state_now(state: &str) -> Sentence {
    let zh = match state {
        "submitted" => "目前待批准",
        "announced" => "目前已公告，待生效",
        "applied" => "已生效",
        "withdrawn" => "已撤回",
        other => other,
    };
    both(zh, state)
}

/// Every fault with its file and line.
pub fn refused(faults: &[Diagnostic]) -> Problem {
    Problem::new(422, "does-not-compile", "The files do not compile", "制度文件未通过检查").with_errors(faults.iter().map(told).collect())
}

/// What is worth saying of a set that compiles.
pub fn remarks(policy: &Policy) -> Vec<FieldError> {
    policy.remarks().iter().map(told).collect()
}

fn told(fault: &Diagnostic) -> FieldError {
    let wrong = both(format!("{}：{}", fault.code, fault.message_zh), format!("{}: {}", fault.code, fault.message));
    let expected = both(fault.help_zh.clone().unwrap_or_default(), fault.help.clone().unwrap_or_default());
    FieldError::new(format!("/{}:{}:{}", fault.file, fault.line, fault.column), wrong, expected)
}
