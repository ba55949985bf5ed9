//! What an installation gave out, kept in the data folder's file `credentials` as soon as it is there: a token is shown only when it is made.
//! The file `env` says the same to shells, but only of an installation that is ready.

use crate::env_file;
use crate::install::{self, Installation};
use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

/// What the token of the manager whose login is shown is called.
const OF_THE_MANAGER: &str = "manager of this installation";

/// How a manager comes in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manager {
    pub login: String,
    pub password: String,
    /// For the API and for `duban case`.
    pub token: String,
}

/// What earlier runs kept in a folder.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn known(dir: &Path) -> anyhow::Result<Installation> {
    let mut kept = env_file::kept(dir)?;
    let mut of = |name: &str| kept.remove(name).filter(|value| !value.is_empty());
    let admin_token = of("DUBAN_ADMIN_TOKEN").unwrap_or_default();
    let admin_login = (of("DUBAN_ADMIN_LOGIN").unwrap_or_default(), of("DUBAN_ADMIN_PASSWORD").unwrap_or_default());
    let producers = [("hotline", "DUBAN_TOKEN_HOTLINE"), ("web", "DUBAN_TOKEN_WEB")];
    let producers = producers.into_iter().filter_map(|(id, name)| Some((id.to_owned(), of(name)?))).collect();
    let shown = Manager {
        login: of("DUBAN_LOGIN").unwrap_or_default(),
        password: of("DUBAN_PASSWORD").unwrap_or_default(),
        token: of("DUBAN_MANAGER_TOKEN").unwrap_or_default(),
    };
    Ok(Installation { admin_token, admin_login, producers, shown, ..Installation::default() })
}

/// The manager whose login is shown: as he was kept, with a new token where the old one is good no longer; else with a new password too.
///
/// # Errors
/// When the gateway refuses.
pub async fn manager(installation: &mut Installation) -> anyhow::Result<Manager> {
    let administrator = installation.administrator()?;
    if installation.shown.login.is_empty() || installation.shown.password.is_empty() {
        anyhow::ensure!(
            !installation.manager.is_empty(),
            "nobody in the organisation file sees every unit: there is no manager's login to show"
        );
        let password = crate::admin::fresh_password();
        let path = format!("/v1/people/{}/reset", installation.manager);
        let body = json!({ "password": password });
        let _: Value = administrator.send(Method::POST, &path, &body).await.context("setting the manager's password")?;
        installation.shown = Manager { login: installation.manager.clone(), password, token: String::new() };
    }
    let shown = &mut installation.shown;
    if shown.token.is_empty() || install::who(&administrator.with_token(shown.token.clone())).await?.is_none() {
        shown.token = install::new_token(&administrator, &shown.login, OF_THE_MANAGER).await?;
    }
    Ok(shown.clone())
}

/// The secrets, in the order in which they are written.
fn secrets(installation: &Installation) -> [(&'static str, String); 8] {
    let producer = |id: &str| installation.producers.get(id).cloned().unwrap_or_default();
    [
        ("DUBAN_TOKEN_HOTLINE", producer("hotline")),
        ("DUBAN_TOKEN_WEB", producer("web")),
        ("DUBAN_LOGIN", installation.shown.login.clone()),
        ("DUBAN_PASSWORD", installation.shown.password.clone()),
        ("DUBAN_MANAGER_TOKEN", installation.shown.token.clone()),
        ("DUBAN_ADMIN_TOKEN", installation.admin_token.clone()),
        ("DUBAN_ADMIN_LOGIN", installation.admin_login.0.clone()),
        ("DUBAN_ADMIN_PASSWORD", installation.admin_login.1.clone()),
    ]
}

/// Keeps them for the next run, however this one ends. There is no file where there is nothing to keep.
///
/// # Errors
/// When the folder cannot be written to.
pub fn keep(dir: &Path, installation: &Installation) -> anyhow::Result<()> {
    let kept: Vec<(&str, String)> = secrets(installation).into_iter().filter(|(_, value)| !value.is_empty()).collect();
    if kept.is_empty() { env_file::keep_nothing(dir) } else { env_file::keep(dir, &kept) }
}

/// Tells shells, of an installation that is ready; `more` are settings that only this kind of installation has.
///
/// # Errors
/// When the folder cannot be written to.
pub fn tell(dir: &Path, installation: &Installation, more: &[(&'static str, String)]) -> anyhow::Result<()> {
    let mut settings = vec![("DUBAN_URL", installation.url.clone()), ("DUBAN_NATS_URL", installation.nats_url("hotline")?)];
    settings.extend(secrets(installation));
    settings.extend(more.iter().cloned());
    env_file::write(dir, &settings)
}
