//! The organisation file applied: units, posts and people take its shape at once; what binds packs to units goes the way of policy sets.

use super::{Edit, INSTALLATION, store};
use crate::App;
use crate::policies::apply::{self as policies, Kept, Submitted};
use crate::policies::store as policy_store;
use crate::web::of_database;
use duban_contracts::policy::PolicySource;
use duban_contracts::{Problem, both};
use duban_platform::Ts;
use duban_policy::directory::{Directory, Person, Post, Unit};
use duban_policy::organisation::Organisation;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// What applying a file did.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganisationApplied {
    /// Version of the directory after it.
    pub version: i64,
    /// Units, posts and people that changed.
    pub changed: usize,
    /// The policy set that its bindings make, where they changed: it waits for approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Submitted>,
}

/// Applies a file whole: units and posts that it does not name go, people that it does not name stay (histories name them).
///
/// # Errors
/// 422 with every fault of the file, or of the packs under its bindings; 503 without the database.
pub async fn apply(app: &App, by: &str, text: String) -> Result<OrganisationApplied, Problem> {
    let source = PolicySource { name: "organisation.toml".to_owned(), text };
    let organisation = Organisation::parse(&source).map_err(|faults| policies::refused(&faults))?;
    let directory = organisation.directory(0);
    if directory.unit(INSTALLATION).is_some() {
        let expected = both("请改用其他代码：此代码留给管理岗位", "another code: this one is kept for the post that administers");
        return Err(Problem::invalid_field("/unit/installation", both("单位不能使用此代码", "no unit may have this code"), expected));
    }
    let mut edit = Edit::begin(app, by).await?;
    let written = write(&mut edit, &directory).await;
    written.map_err(|e| of_database(&e))?;
    let changed = edit.changed();
    keep_file(&mut edit, &source.text).await.map_err(|e| of_database(&e))?;
    let policy = rebind(app, &mut edit, organisation.policy_source()).await?;
    let version = edit.finish(app).await?;
    Ok(OrganisationApplied { version, changed, policy })
}

/// The file as it was last applied.
///
/// # Errors
/// The database's.
pub async fn file(tx: &mut PgConnection) -> Result<Option<PolicySource>, sqlx::Error> {
    let text: Option<String> = sqlx::query_scalar("select body from organisation_file").fetch_optional(tx).await?;
    Ok(text.map(|text| PolicySource { name: "organisation.toml".to_owned(), text }))
}

async fn keep_file(edit: &mut Edit, text: &str) -> Result<(), sqlx::Error> {
    let (by, at) = (edit.by().to_owned(), edit.at());
    sqlx::query(
        "insert into organisation_file (body, applied_by, applied_at) values ($1, $2, $3)
         on conflict (single) do update set body = excluded.body, applied_by = excluded.applied_by, applied_at = excluded.applied_at",
    )
    .bind(text)
    .bind(by)
    .bind(Ts(at))
    .execute(edit.tx())
    .await
    .map(|_| ())
}

/// A new policy set where the bindings differ from those of the newest set; none before the first packs have come.
async fn rebind(app: &App, edit: &mut Edit, bindings: PolicySource) -> Result<Option<Submitted>, Problem> {
    let newest = policy_store::newest(edit.tx()).await.map_err(|e| of_database(&e))?;
    let Some(newest) = newest else { return Ok(None) };
    let sources = policy_store::sources(edit.tx(), newest).await.map_err(|e| of_database(&e))?;
    let (old, mut packs): (Vec<_>, Vec<_>) = sources.into_iter().partition(policies::is_organisation);
    if old.iter().any(|source| source.text == bindings.text) {
        return Ok(None);
    }
    packs.push(bindings);
    policies::submit_in(app, edit, Kept { note: "bindings of the organisation file", as_of: None, corrects: &[] }, packs).await.map(Some)
}

async fn write(edit: &mut Edit, new: &Directory) -> Result<(), sqlx::Error> {
    let old = Old { units: store::units(edit.tx()).await?, posts: store::posts(edit.tx()).await?, people: store::people(edit.tx()).await? };
    let people: Vec<Person> = new.people().map(|person| old.kept(person)).collect();
    let units: Vec<&Unit> = new.units().filter(|unit| old.units.get(&unit.code) != Some(unit)).collect();
    let posts: Vec<&Post> = new.posts().filter(|post| old.posts.get(&post.id) != Some(post)).collect();
    let people: Vec<&Person> = people.iter().filter(|person| old.people.get(&person.id) != Some(person)).collect();
    let gone_units = old.units.values().filter(|unit| new.unit(&unit.code).is_none() && unit.code != INSTALLATION);
    let gone_posts = old.posts.values().filter(|post| new.post(&post.id).is_none() && post.unit != INSTALLATION);
    let (gone_units, gone_posts): (Vec<&Unit>, Vec<&Post>) = (gone_units.collect(), gone_posts.collect());

    units.iter().for_each(|unit| edit.note("unit", &unit.code, old.units.get(&unit.code), Some(unit)));
    posts.iter().for_each(|post| edit.note("post", &post.id, old.posts.get(&post.id), Some(post)));
    people.iter().for_each(|person| edit.note("person", &person.id, old.people.get(&person.id), Some(person)));
    gone_units.iter().for_each(|unit| edit.note("unit", &unit.code, Some(unit), None));
    gone_posts.iter().for_each(|post| edit.note("post", &post.id, Some(post), None));

    store::put_units(edit.tx(), &units).await?;
    store::put_posts(edit.tx(), &posts).await?;
    store::put_people(edit.tx(), &people).await?;
    let gone_units: Vec<String> = gone_units.into_iter().map(|unit| unit.code.clone()).collect();
    let gone_posts: Vec<String> = gone_posts.into_iter().map(|post| post.id.clone()).collect();
    store::delete_units_and_posts(edit.tx(), &gone_units, &gone_posts).await?;
    store::put_fallback(edit.tx(), new.fallback()).await
}

struct Old {
    units: BTreeMap<String, Unit>,
    posts: BTreeMap<String, Post>,
    people: BTreeMap<String, Person>,
}

impl Old {
    /// A file does not let in again whom an administrator has shut out.
    fn kept(&self, person: &Person) -> Person {
        let disabled = person.disabled || self.people.get(&person.id).is_some_and(|old| old.disabled);
        Person { disabled, ..person.clone() }
    }
}
