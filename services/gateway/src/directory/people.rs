//! People: made, disabled and enabled, given passwords. Posts and their rights come by the organisation file.

use super::{Edit, INSTALLATION, administrator_post, installation_unit, store, token_store, tokens};
use crate::access::passwords;
use crate::token;
use crate::web::of_database;
use crate::{App, viewer};
use duban_contracts::{FieldError, Problem, Sentence, both, subjects};
use duban_policy::directory::{Language, Person};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A person to be made.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Short name for logging in and for the organisation file: lower-case letters, digits, `-`, `_`.
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub phone: Option<String>,
    /// `zh` or `en`.
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub webhook: Option<String>,
    /// Absent: a random one is made, and shown once.
    #[serde(default)]
    pub password: Option<String>,
}

/// What is shown once: it is kept as a hash only.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Shown {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// Makes a person who can log in: with the password given, or with a random one that is shown once.
///
/// # Errors
/// 409 if the id is taken; 422 for what cannot be.
pub async fn create(app: &App, by: &str, new: NewPerson) -> Result<Shown, Problem> {
    let made = new.password.is_none().then(random_password);
    let (person, hash) = checked(NewPerson { password: made.clone().or(new.password.clone()), ..new }).await?;
    let mut edit = Edit::begin(app, by).await?;
    let known = store::people(edit.tx()).await.map_err(|e| of_database(&e))?;
    if known.contains_key(&person.id) {
        return Err(taken());
    }
    write(app, &mut edit, None, &person).await?;
    if let Some(hash) = hash {
        set_password(app, &mut edit, &person.id, &hash).await?;
    }
    edit.finish(app).await?;
    Ok(Shown { id: person.id, password: made, token: None })
}

/// A person who can no longer come in, holds nothing and is told nothing; his sessions end, his tokens are revoked.
///
/// # Errors
/// 404 unknown; 409 for the last administrator.
pub async fn disable(app: &App, by: &str, id: &str) -> Result<(), Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let person = find(&mut edit, id).await?;
    if is_last_administrator(app, id) {
        return Err(Problem::refused("last-administrator", "He is the last who may administer", "这是最后一名管理员，不能停用"));
    }
    let disabled = Person { disabled: true, ..person.clone() };
    write(app, &mut edit, Some(&person), &disabled).await?;
    let shut_out = async {
        store::end_sessions(edit.tx(), id).await?;
        token_store::revoke_all(edit.tx(), id).await
    };
    shut_out.await.map_err(|e| of_database(&e))?;
    edit.finish(app).await.map(|_| ())
}

/// A person who was disabled comes in again with his password, and has his posts again. His tokens stay revoked.
///
/// # Errors
/// 404 unknown.
pub async fn enable(app: &App, by: &str, id: &str) -> Result<(), Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let person = find(&mut edit, id).await?;
    write(app, &mut edit, Some(&person), &Person { disabled: false, ..person.clone() }).await?;
    edit.finish(app).await.map(|_| ())
}

/// Sets a password, a random one if none is given; it is shown once. All sessions of the person end; his tokens, which do not depend on
/// it, stay good until they are revoked.
///
/// # Errors
/// 404 unknown; 422 a password that is too short.
pub async fn reset(app: &App, by: &str, id: &str, password: Option<String>) -> Result<Shown, Problem> {
    let made = password.is_none();
    let password = password.unwrap_or_else(random_password);
    let hash = passwords::hash(&password).await?;
    let mut edit = Edit::begin(app, by).await?;
    find(&mut edit, id).await?;
    set_password(app, &mut edit, id, &hash).await?;
    edit.finish(app).await?;
    Ok(Shown { id: id.to_owned(), password: made.then_some(password), token: None })
}

/// The first administrator, with a token for the command line. Only while nobody may administer.
///
/// # Errors
/// 409 when there is one already.
pub async fn create_first_administrator(app: &App, new: NewPerson) -> Result<Shown, Problem> {
    let (person, hash) = checked(new).await?;
    let mut edit = Edit::begin(app, "operator").await?;
    // Looked at under the lock, so that two first administrators cannot be made at once.
    let known = store::people(edit.tx()).await.map_err(|e| of_database(&e))?;
    let posts = store::posts(edit.tx()).await.map_err(|e| of_database(&e))?;
    let administer = |post: &duban_policy::directory::Post| post.rights.contains(&administrator_post(&[]).rights[0]);
    let alive = |id: &String| known.get(id).is_some_and(|person| !person.disabled);
    if posts.values().filter(|post| administer(post)).flat_map(|post| &post.holders).any(|holding| alive(&holding.person)) {
        return Err(Problem::refused("administrator-exists", "There is an administrator already", "系统已有管理员"));
    }
    write(app, &mut edit, known.get(&person.id), &person).await?;
    let post = administrator_post(std::slice::from_ref(&person.id));
    edit.note("post", &post.id, posts.get(&post.id), Some(&post));
    let unit = installation_unit();
    let written = async {
        store::put_units(edit.tx(), &[&unit]).await?;
        store::put_posts(edit.tx(), &[&post]).await
    };
    written.await.map_err(|e| of_database(&e))?;
    if let Some(hash) = hash {
        set_password(app, &mut edit, &person.id, &hash).await?;
    }
    let token = tokens::put(app, &mut edit, &person.id, "first administrator", 90).await?;
    edit.finish(app).await?;
    tracing::info!(person = person.id, "the first administrator is made");
    Ok(Shown { id: person.id, password: None, token: Some(token) })
}

pub(super) async fn find(edit: &mut Edit, id: &str) -> Result<Person, Problem> {
    store::people(edit.tx()).await.map_err(|e| of_database(&e))?.remove(id).ok_or_else(Problem::not_found)
}

async fn write(_app: &App, edit: &mut Edit, before: Option<&Person>, after: &Person) -> Result<(), Problem> {
    edit.note("person", &after.id, before, Some(after));
    store::put_people(edit.tx(), &[after]).await.map_err(|e| of_database(&e))
}

async fn set_password(app: &App, edit: &mut Edit, person: &str, hash: &str) -> Result<(), Problem> {
    edit.note("credential", person, None, Some(&"password set"));
    store::put_password(edit.tx(), person, hash, app.settings.demonstration).await.map_err(|e| of_database(&e))
}

async fn checked(new: NewPerson) -> Result<(Person, Option<String>), Problem> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, wrong: Sentence, expected: Sentence| faults.push(FieldError::new(field, wrong, expected));
    if !subjects::is_token(&new.id) || [INSTALLATION, "operator", "system"].contains(&new.id.as_str()) {
        fault(
            "/id",
            both("不能用作人员代码", "it cannot name a person"),
            both("1至40个小写字母、数字、“-”或“_”", "1 to 40 lower-case letters, digits, - and _"),
        );
    }
    if new.name.trim().is_empty() || new.name.chars().count() > 100 {
        fault("/name", both("未填写或过长", "it is empty or too long"), both("1至100字", "1 to 100 characters"));
    }
    if new.email.as_deref().is_some_and(|email| !email.contains('@') || email.len() > 320 || email.contains(char::is_whitespace)) {
        fault("/email", both("不是有效的邮箱地址", "it is no address"), both("形如 name@example.com 的地址", "name@place"));
    }
    let language = match new.language.as_deref().map(viewer::Language::of_code) {
        None | Some(Some(viewer::Language::Chinese)) => Language::Chinese,
        Some(Some(viewer::Language::English)) => Language::English,
        Some(None) => {
            fault("/language", both("没有此语言", "the language is not known"), both("zh 或 en", "zh or en"));
            Language::Chinese
        }
    };
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let hash = match &new.password {
        Some(password) => Some(passwords::hash(password).await?),
        None => None,
    };
    let person = Person {
        id: new.id,
        name: new.name,
        email: new.email,
        phone: new.phone,
        language,
        webhook: new.webhook,
        absences: Vec::new(),
        disabled: false,
    };
    Ok((person, hash))
}

/// 20 symbols of 64: 120 bits.
fn random_password() -> String {
    token::fresh("").chars().take(20).collect()
}

fn taken() -> Problem {
    Problem::refused("taken", "The id is taken", "该编号已被占用")
}

fn is_last_administrator(app: &App, id: &str) -> bool {
    let directory = app.holdings.directory();
    let administers = |person: &Person| app.holdings.administers(&person.id);
    app.holdings.administers(id) && directory.people().filter(|person| administers(person)).count() == 1
}
