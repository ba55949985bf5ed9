//! What an installation gave out, kept in the data folder's file `credentials` from run to run. The file `env` says the same to shells, but
//! only of an installation that is ready.

use crate::connection::Connection;
use crate::env_file;
use crate::install::{self, Installation};
use anyhow::Context;
use std::path::Path;

/// What an earlier run kept. Where it knows no administrator's token, that of `--token` or of the environment counts.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn known(connection: &Connection) -> anyhow::Result<Installation> {
    let mut kept = env_file::kept(&connection.dir)?;
    let mut of = |name: &str| kept.remove(name).filter(|value| !value.is_empty());
    let admin_token = of("DUBAN_ADMIN_TOKEN").or_else(|| connection.admin_token().ok()).unwrap_or_default();
    let admin_login = (of("DUBAN_ADMIN_LOGIN").unwrap_or_default(), of("DUBAN_ADMIN_PASSWORD").unwrap_or_default());
    let producers = [("hotline", "DUBAN_TOKEN_HOTLINE"), ("web", "DUBAN_TOKEN_WEB")];
    let producers = producers.into_iter().filter_map(|(id, name)| Some((id.to_owned(), of(name)?))).collect();
    Ok(Installation { admin_token, admin_login, producers, ..Installation::default() })
}

/// How a manager comes in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manager {
    pub login: String,
    pub password: String,
    /// For the API and for `duban case`.
    pub token: String,
}

/// The manager's credentials: as they were kept, else with a new password and token.
///
/// # Errors
/// When the gateway refuses.
pub async fn manager(dir: &Path, installation: &Installation) -> anyhow::Result<Manager> {
    let mut kept = env_file::kept(dir)?;
    let mut of = |name: &str| kept.remove(name).filter(|value| !value.is_empty());
    if let (Some(login), Some(password), Some(token)) = (of("DUBAN_LOGIN"), of("DUBAN_PASSWORD"), of("DUBAN_MANAGER_TOKEN")) {
        return Ok(Manager { login, password, token });
    }
    anyhow::ensure!(
        !installation.manager.is_empty(),
        "nobody in the organisation file sees every unit: there is no manager's login to show"
    );
    let password = crate::admin::fresh_password();
    let body = serde_json::json!({ "password": password });
    let path = format!("/v1/people/{}/reset", installation.manager);
    let administrator = installation.administrator()?;
    let _: serde_json::Value = administrator.send(reqwest::Method::POST, &path, &body).await.context("setting the manager's password")?;
    let token = install::new_token(&administrator, &installation.manager, "manager of this installation").await?;
    Ok(Manager { login: installation.manager.clone(), password, token })
}

/// What there is to know, in the order in which it is written.
fn settings(installation: &Installation, manager: &Manager) -> anyhow::Result<Vec<(&'static str, String)>> {
    let producer = |id: &str| installation.producers.get(id).cloned().unwrap_or_default();
    Ok(vec![
        ("DUBAN_URL", installation.url.clone()),
        ("DUBAN_TOKEN_HOTLINE", producer("hotline")),
        ("DUBAN_TOKEN_WEB", producer("web")),
        ("DUBAN_NATS_URL", installation.nats_url("hotline")?),
        ("DUBAN_LOGIN", manager.login.clone()),
        ("DUBAN_PASSWORD", manager.password.clone()),
        ("DUBAN_MANAGER_TOKEN", manager.token.clone()),
        ("DUBAN_ADMIN_TOKEN", installation.admin_token.clone()),
        ("DUBAN_ADMIN_LOGIN", installation.admin_login.0.clone()),
        ("DUBAN_ADMIN_PASSWORD", installation.admin_login.1.clone()),
    ])
}

/// Keeps it for the next run, at once: tokens are shown only when they are made.
///
/// # Errors
/// When the folder cannot be written to.
pub fn keep(dir: &Path, installation: &Installation, manager: &Manager) -> anyhow::Result<()> {
    env_file::keep(dir, &settings(installation, manager)?)
}

/// Tells shells, of an installation that is ready; `more` are settings that only this kind of installation has.
///
/// # Errors
/// When the folder cannot be written to.
pub fn tell(dir: &Path, installation: &Installation, manager: &Manager, more: &[(&'static str, String)]) -> anyhow::Result<()> {
    let mut settings = settings(installation, manager)?;
    settings.extend(more.iter().cloned());
    env_file::write(dir, &settings)
}
