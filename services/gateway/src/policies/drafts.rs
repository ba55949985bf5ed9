//! Drafts, and their rehearsals (推演): files put into the set in force, run over what really happened. Escalation runs them.

use super::{apply, store};
use crate::App;
use crate::viewer::Viewer;
use crate::web::of_database;
use duban_contracts::policy::PolicySource;
use duban_contracts::rehearsal::{Rehearsal, RehearseRequest, Rehearsed};
use duban_contracts::{Problem, Timestamp, both};
use duban_policy::Policy;
use duban_policy::organisation::Organisation;
use duban_policy::policy::extent::touched;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeSet;
use uuid::Uuid;

/// `POST /v1/rehearsals`: a draft of changed files, or a version that waits, is announced, or was in force.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRehearsal {
    /// Files that take the place of those of the same name in the set in force, or come to it. None where a version is named.
    #[serde(default)]
    pub sources: Vec<PolicySource>,
    #[serde(default)]
    pub version: Option<i64>,
    /// The packs whose rules are played. None: those that change; all where calendars or the organisation change, or nothing does.
    #[serde(default)]
    pub packs: Vec<String>,
    /// From when on: a date of the organisation's (`2026-03-01`), or RFC 3339.
    pub since: String,
}

/// Keeps the draft and has it rehearsed.
///
/// # Errors
/// 403 for who does not administer; 404 for a version that is not there; 422 with what is wrong with the files, the packs or the date; 503
/// without the database, or while escalation does not answer.
pub async fn begin(app: &App, viewer: &Viewer, new: NewRehearsal) -> Result<Rehearsal, Problem> {
    viewer.must_administer()?;
    let now = app.platform.clock.now();
    let since = instant(&new.since, &zone(app))?;
    let (before, against) = in_force(app, now).await?;
    let (of, packs) = match (new.version, new.sources.is_empty()) {
        (Some(version), true) => {
            let sources = of_version(app, version).await?;
            (Rehearsed::Version(version), packs(before, sources, new.packs).await?)
        }
        (None, false) => {
            let came = new.sources.into_iter().map(without_people).collect::<Result<Vec<_>, _>>()?;
            let sources = put_in(before.clone(), came, &BTreeSet::new());
            let packs = packs(before, sources.clone(), new.packs).await?;
            (Rehearsed::Draft(keep(app, viewer, against, &sources).await?), packs)
        }
        _ => {
            return Err(Problem::invalid_field(
                "/sources",
                both("文件和版本须提供一项，且只能一项", "one of files and version is needed, and one alone"),
                both("改动的文件，或 version", "changed files, or `version`"),
            ));
        }
    };
    app.services.rehearsal_begin(viewer, &RehearseRequest { rehearsal: Uuid::now_v7(), of, packs, since }).await
}

/// The set in force, with its version.
async fn in_force(app: &App, now: Timestamp) -> Result<(Vec<PolicySource>, Option<i64>), Problem> {
    let pool = app.platform.db.pool();
    let Some(version) = store::in_force(pool, now).await.map_err(|e| of_database(&e))? else { return Ok((Vec::new(), None)) };
    Ok((store::sources(pool, version).await.map_err(|e| of_database(&e))?, Some(version)))
}

async fn of_version(app: &App, version: i64) -> Result<Vec<PolicySource>, Problem> {
    let pool = app.platform.db.pool();
    if !store::is_for_services(pool, version).await.map_err(|e| of_database(&e))? {
        return Err(Problem::not_found());
    }
    store::sources(pool, version).await.map_err(|e| of_database(&e))
}

async fn keep(app: &App, viewer: &Viewer, against: Option<i64>, sources: &[PolicySource]) -> Result<i64, Problem> {
    let mut tx = app.platform.db.begin().await.map_err(|e| of_database(&e))?;
    let kept = store::keep_draft(&mut tx, &viewer.person, app.platform.clock.now(), against, sources).await;
    let draft = kept.map_err(|e| of_database(&e))?;
    tx.commit().await.map_err(|e| of_database(&e))?;
    Ok(draft)
}

/// Which packs are played: those wished for, which must be there; else those that change.
async fn packs(before: Vec<PolicySource>, after: Vec<PolicySource>, wished: Vec<String>) -> Result<Vec<String>, Problem> {
    // Compiling takes a while: not on the threads that answer everybody else.
    let reckoned = tokio::task::spawn_blocking(move || {
        let policy = apply::compile(&after)?;
        must_have(&policy, &wished)?;
        Ok(if wished.is_empty() { changed(&before, &after) } else { wished })
    });
    reckoned.await.map_err(|_| Problem::internal())?
}

fn must_have(policy: &Policy, wished: &[String]) -> Result<(), Problem> {
    let Some((nth, unknown)) = wished.iter().enumerate().find(|(_, pack)| policy.pack(pack).is_none()) else { return Ok(()) };
    let known = policy.packs().map(|pack| pack.id.as_str()).collect::<Vec<_>>().join(", ");
    Err(Problem::invalid_field(
        &format!("/packs/{nth}"),
        both(format!("没有制度“{unknown}”"), format!("there is no pack '{unknown}'")),
        both(format!("其中之一：{known}"), format!("one of: {known}")),
    ))
}

/// The packs that change; none, which is all, where something changes that concerns all of them.
fn changed(before: &[PolicySource], after: &[PolicySource]) -> Vec<String> {
    let packs: Vec<String> = touched(before, after).into_iter().map(|touched| touched.pack).collect();
    if packs.iter().any(String::is_empty) { Vec::new() } else { packs }
}

fn without_people(source: PolicySource) -> Result<PolicySource, Problem> {
    if apply::is_organisation(&source) {
        return Ok(Organisation::parse(&source).map_err(|faults| apply::refused(&faults))?.policy_source());
    }
    Ok(source)
}

/// Files with those put in that came, by their names without folders, and without those that are left out.
pub fn put_in(standing: Vec<PolicySource>, came: Vec<PolicySource>, left_out: &BTreeSet<String>) -> Vec<PolicySource> {
    let base = |name: &str| name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned();
    let mut sources: Vec<PolicySource> = standing.into_iter().filter(|source| !left_out.contains(&source.name)).collect();
    for PolicySource { name, text } in came {
        let name = base(&name);
        match sources.iter_mut().find(|source| base(&source.name) == name) {
            Some(source) => source.text = text,
            None => sources.push(PolicySource { name, text }),
        }
    }
    sources
}

/// The organisation's wall time.
fn zone(app: &App) -> TimeZone {
    app.policy().map_or(TimeZone::UTC, |(_, policy)| policy.zone().clone())
}

/// The beginning of a date, or an instant.
fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp, Problem> {
    let text = text.trim();
    let date = || {
        let midnight = text.parse::<Date>().ok()?.at(0, 0, 0, 0);
        zone.to_ambiguous_timestamp(midnight).compatible().ok()
    };
    text.parse::<Timestamp>().ok().or_else(date).ok_or_else(|| {
        Problem::invalid_field(
            "/since",
            both(format!("“{text}”不是日期"), format!("'{text}' is no date")),
            both("日期，如 2026-03-01", "a date such as 2026-03-01, or RFC 3339"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> PolicySource {
        PolicySource { name: name.into(), text: text.into() }
    }

    #[test]
    fn a_file_takes_the_place_of_its_namesake_wherever_that_stands() {
        let standing = vec![source("a.toml", "1"), source("calendars/cn.toml", "2"), source("b.toml", "3")];
        let came = vec![source("C:\\x\\cn.toml", "4"), source("new.toml", "5")];
        let put = put_in(standing, came, &BTreeSet::from(["b.toml".to_owned()]));
        assert_eq!(put, [source("a.toml", "1"), source("calendars/cn.toml", "4"), source("new.toml", "5")]);
    }

    #[test]
    fn a_date_begins_where_the_organisation_is() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        assert_eq!(instant("2026-03-01", &zone).unwrap().to_string(), "2026-02-28T16:00:00Z");
        assert_eq!(instant(" 2026-03-01T08:00:00Z ", &zone).unwrap().to_string(), "2026-03-01T08:00:00Z");
        let wrong = instant("1 March", &zone).unwrap_err();
        assert_eq!((wrong.status, wrong.errors[0].field.as_str()), (422, "/since"));
    }
}
