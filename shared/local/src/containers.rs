//! An installation in containers: its secrets, each service's in a folder (a volume) of its own, so that none can read
//! another's.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
};

use duban_contracts::subjects::service;

use crate::{Error, Result, Secrets, ground, nats, place, postgres};

/// The user that runs in our image, and in the broker's.
pub const USER: u32 = 10_001;

/// Where the servers are within the containers' network.
const NATS_URL: &str = "nats://nats:4222";
const DATABASE_HOST: &str = "postgres:5432";

/// Makes what is missing of the secrets in `<dir>/all`, and hands each its own: `<dir>/<service>/<NAME>` for the settings
/// `<NAME>_FILE`, `<dir>/nats/nats.conf`, `<dir>/postgres/superuser.key`, `<dir>/operator/operator` for the command line.
/// Any number of times; what is there stays as it is.
pub fn hand_out_secrets(dir: &Path) -> Result<()> {
    let secrets = Secrets::in_folder(dir.join("all"))?;
    for service in service::ALL {
        let folder = folder(dir, service)?;
        let database = format!("postgres://{service}:{}@{DATABASE_HOST}/{}", secrets.database_password(service)?, ground::DATABASE);
        for setting in ground::settings_of(service, &secrets, NATS_URL, database)? {
            give(&folder.join(&setting.name), &setting.value)?;
        }
    }
    give(&folder(dir, "nats")?.join("nats.conf"), &nats_configuration(&secrets)?)?;
    let superuser = folder(dir, "postgres")?;
    // Read by the image's own user, whoever that is; nobody else mounts this folder.
    place::set_mode(&superuser, 0o755)?;
    let key = superuser.join("superuser.key");
    place::write_private(&key, &secrets.database_password(postgres::SUPERUSER)?)?;
    place::set_mode(&key, 0o444)?;
    let operator = format!(
        "DUBAN_OPERATOR_NATS_URL='{NATS_URL}'\nDUBAN_OPERATOR_PASSWORD='{}'\nDUBAN_SUPERUSER_URL='{}'\n",
        secrets.nats_password("operator")?,
        socket_url()
    );
    give(&folder(dir, "operator")?.join("operator"), &operator)
}

/// The superuser's way in, by the socket that the database's container shares with those that may have it.
pub fn socket_url() -> String {
    format!("postgres://{}@localhost/{}?host=/var/run/postgresql", postgres::SUPERUSER, ground::DATABASE)
}

/// `deploy/nats/nats.conf` with what it takes from the environment written before it: the official image has no way to give a
/// variable a file's content.
fn nats_configuration(secrets: &Secrets) -> Result<String> {
    let mut text = String::from("DUBAN_NATS_SERVER_NAME: duban\n");
    text.push_str(&format!("DUBAN_NATS_ISSUER: {}\n", secrets.issuer_public()?));
    for user in nats::USERS {
        text.push_str(&format!("DUBAN_NATS_PASSWORD_{}: {}\n", user.to_uppercase(), secrets.nats_password(user)?));
    }
    Ok(text + "\n" + nats::CONFIGURATION)
}

fn folder(dir: &Path, name: &str) -> Result<PathBuf> {
    let folder = dir.join(name);
    place::private_folder(&folder)?;
    own(&folder)?;
    Ok(folder)
}

fn give(path: &Path, content: &str) -> Result<()> {
    place::write_private(path, content)?;
    own(path)
}

/// Gives `path` to [`USER`]; only root can, and only root needs to.
pub fn own(path: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    fs::metadata(path)
        .and_then(|_| chown(path, Some(USER), Some(USER)))
        .map_err(Error::io(format!("giving {} to its user", path.display())))
}
