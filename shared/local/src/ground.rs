//! What the services stand on: a Postgres with their roles and schemas, a broker with their users, and their secrets.

use std::path::{Path, PathBuf};

use crate::{
    ClockSetting, Error, Nats, NatsSettings, Postgres, PostgresSettings, Result, Secrets, postgres, process::TemporaryFolder, provision,
};

/// The one database.
pub const DATABASE: &str = "duban";

/// How to lay a ground.
#[derive(Debug, Clone)]
pub struct GroundSettings {
    /// None for a temporary folder.
    pub dir: Option<PathBuf>,
    /// Whether Postgres flushes at each commit. (The broker always does.)
    pub durable: bool,
    /// Whether a new cluster may be a copy of the machine's template (fast, but then all share a superuser's password).
    pub template: bool,
    /// Written when the ground is laid; None leaves it as it is (real, in a new one).
    pub clock: Option<ClockSetting>,
    pub postgres_port: Option<u16>,
    pub nats_port: Option<u16>,
    /// A superuser's URL of a server that runs already, instead of a private one.
    pub postgres_url: Option<String>,
    /// A server that runs already with `deploy/nats/nats.conf` and this installation's passwords, instead of a private one.
    pub nats_url: Option<String>,
}

impl GroundSettings {
    /// Temporary and fast.
    pub fn test() -> GroundSettings {
        GroundSettings {
            dir: None,
            durable: false,
            template: true,
            clock: None,
            postgres_port: None,
            nats_port: None,
            postgres_url: None,
            nats_url: None,
        }
    }

    /// Kept in `dir`, with every commit on disk.
    pub fn kept(dir: impl Into<PathBuf>) -> GroundSettings {
        GroundSettings { dir: Some(dir.into()), durable: true, template: false, ..GroundSettings::test() }
    }
}

/// A setting of a service: an environment variable; a secret one is handed over by a file, `<name>_FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub value: String,
    pub secret: bool,
}

/// Postgres, NATS and secrets. Dropped, the servers stop; see [`Ground::stop`] for good order.
#[derive(Debug)]
pub struct Ground {
    /// None if a server that ran already is used.
    pub postgres: Option<Postgres>,
    /// None if a server that ran already is used.
    pub nats: Option<Nats>,
    secrets: Secrets,
    superuser_url: String,
    nats_url: String,
    dir: PathBuf,
    _temporary: Option<TemporaryFolder>,
}

impl Ground {
    /// What a test of one service starts with.
    pub async fn for_test() -> Result<Ground> {
        Ground::start(GroundSettings::test()).await
    }

    /// Both servers at once, then roles and schemas.
    pub async fn start(settings: GroundSettings) -> Result<Ground> {
        let temporary = if settings.dir.is_none() { Some(TemporaryFolder::new()?) } else { None };
        let dir = match (&settings.dir, &temporary) {
            (Some(dir), _) => std::path::absolute(dir).map_err(Error::io(format!("finding {}", dir.display())))?,
            (None, Some(folder)) => folder.path().to_path_buf(),
            (None, None) => return Err(Error::Wrong("no folder".into())),
        };
        std::fs::create_dir_all(&dir).map_err(Error::io(format!("making {}", dir.display())))?;
        let secrets = Secrets::in_folder(dir.join("secrets"))?;
        let (postgres, nats) = futures::try_join!(own_postgres(&settings, &dir), own_nats(&settings, &dir, &secrets))?;
        let maintenance = match (&postgres, &settings.postgres_url) {
            (Some(own), _) => own.superuser_url("postgres"),
            (None, Some(url)) => url.clone(),
            (None, None) => return Err(Error::Wrong("no Postgres".into())),
        };
        postgres::create_database(&maintenance, DATABASE).await?;
        let superuser_url = with_database(&maintenance, DATABASE)?;
        provision::provision(&superuser_url, |role| secrets.database_password(role)).await?;
        if let Some(clock) = &settings.clock {
            clock.write(&superuser_url).await?;
        }
        let nats_url = nats.as_ref().map(Nats::url).or(settings.nats_url).unwrap_or_default();
        Ok(Ground { postgres, nats, secrets, superuser_url, nats_url, dir, _temporary: temporary })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The broker, without credentials.
    pub fn nats_url(&self) -> &str {
        &self.nats_url
    }

    /// A connection to the broker as a service or as `operator`.
    pub async fn connect_nats(&self, user: &str) -> Result<async_nats::Client> {
        crate::nats::connect(&self.nats_url, user, &self.secrets.nats_password(user)?).await
    }

    /// The database as a service's role (or `inspector`) sees it.
    pub fn database_url(&self, role: &str) -> Result<String> {
        as_user(&self.superuser_url, role, &self.secrets.database_password(role)?)
    }

    /// The database as its owner sees it: for the clock, and for tests that look behind the scenes.
    pub fn superuser_url(&self) -> &str {
        &self.superuser_url
    }

    /// Our own Postgres, to stop, kill and restart.
    pub fn postgres(&mut self) -> Result<&mut Postgres> {
        self.postgres.as_mut().ok_or_else(|| Error::Wrong("the Postgres is not ours".into()))
    }

    /// Our own broker, to stop, kill, wipe and restart.
    pub fn nats(&mut self) -> Result<&mut Nats> {
        self.nats.as_mut().ok_or_else(|| Error::Wrong("the broker is not ours".into()))
    }

    /// Sets domain time. Services that run must be told on `duban.clock.v1.reload`.
    pub async fn set_clock(&self, clock: &ClockSetting) -> Result<i64> {
        clock.write(&self.superuser_url).await
    }

    /// Everything that a service needs to know of this installation, but its address.
    pub fn settings(&self, service: &str) -> Result<Vec<Setting>> {
        settings_of(service, &self.secrets, &self.nats_url, self.database_url(service)?)
    }

    /// The broker first, then Postgres. The services must have stopped.
    pub async fn stop(&mut self) {
        if let Some(nats) = &mut self.nats {
            nats.stop().await;
        }
        if let Some(postgres) = &mut self.postgres {
            postgres.stop().await;
        }
    }
}

/// What a service needs to know of an installation whose servers are reached at these URLs (the database's with its role's
/// password), but its own address.
pub fn settings_of(service: &str, secrets: &Secrets, nats_url: &str, database_url: String) -> Result<Vec<Setting>> {
    let mut all = vec![
        plain("DUBAN_NATS_URL", nats_url.into()),
        plain("DUBAN_NATS_USER", service.into()),
        secret("DUBAN_NATS_PASSWORD", secrets.nats_password(service)?),
        secret("DUBAN_DATABASE_URL", database_url),
        secret("DUBAN_SEAL_KEY", secrets.seal_key(service)?),
        plain("DUBAN_CLAIM_PUBLIC", secrets.claim_public()?),
    ];
    if service == "gateway" {
        all.push(secret("DUBAN_CLAIM_SEED", secrets.claim_seed()?));
        all.push(secret("DUBAN_ISSUER_SEED", secrets.issuer_seed()?));
    }
    if service == "gateway" || service == "intake" {
        all.push(secret("DUBAN_IDENTITY_KEY", secrets.identity_key()?));
        all.push(secret("DUBAN_CHECK_KEY", secrets.check_key()?));
    }
    if service == "notifications" {
        all.push(secret("DUBAN_LINK_KEY", secrets.link_key()?));
    }
    Ok(all)
}

fn plain(name: &str, value: String) -> Setting {
    Setting { name: name.into(), value, secret: false }
}

fn secret(name: &str, value: String) -> Setting {
    Setting { name: name.into(), value, secret: true }
}

async fn own_postgres(settings: &GroundSettings, dir: &Path) -> Result<Option<Postgres>> {
    if settings.postgres_url.is_some() {
        return Ok(None);
    }
    let wanted = PostgresSettings {
        dir: Some(dir.join("postgres")),
        port: settings.postgres_port,
        durable: settings.durable,
        template: settings.template,
    };
    Postgres::start(wanted).await.map(Some)
}

async fn own_nats(settings: &GroundSettings, dir: &Path, secrets: &Secrets) -> Result<Option<Nats>> {
    if settings.nats_url.is_some() {
        return Ok(None);
    }
    let wanted = NatsSettings { dir: Some(dir.join("nats")), port: settings.nats_port, secrets: Some(secrets.clone()) };
    Nats::start(wanted).await.map(Some)
}

fn with_database(url: &str, database: &str) -> Result<String> {
    let mut parsed = parsed(url)?;
    parsed.set_path(database);
    Ok(parsed.into())
}

fn as_user(url: &str, user: &str, password: &str) -> Result<String> {
    let mut parsed = parsed(url)?;
    let refused = || Error::Wrong(format!("the Postgres URL takes no user {user}"));
    parsed.set_username(user).map_err(|()| refused())?;
    parsed.set_password(Some(password)).map_err(|()| refused())?;
    Ok(parsed.into())
}

fn parsed(url: &str) -> Result<reqwest::Url> {
    // The URL holds a password: it does not go into the text.
    reqwest::Url::parse(url).map_err(|error| Error::Wrong(format!("the Postgres URL is not one: {error}")))
}
