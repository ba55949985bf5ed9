//! A private nats-server, configured by `deploy/nats/nats.conf`, the file that the containers use as well.

use std::{
    fs,
    net::Ipv4Addr,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{
    Error, Port, Result, Secrets,
    process::{Process, Signal, TemporaryFolder},
    programs,
};

/// The server's configuration: account, users, allow-lists, auth callout.
pub const CONFIGURATION: &str = include_str!("../../../deploy/nats/nats.conf");

/// The users of that file.
pub const USERS: [&str; 7] = ["gateway", "intake", "escalation", "archive", "notifications", "operator", "system"];

/// How to start a server.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// Where configuration, log and streams lie; None for a temporary folder.
    pub dir: Option<PathBuf>,
    /// None for any free port.
    pub port: Option<u16>,
    /// The users' passwords and the issuer's key; None for secrets of its own.
    pub secrets: Option<Secrets>,
}

impl NatsSettings {
    /// Temporary, with secrets of its own.
    pub fn test() -> NatsSettings {
        NatsSettings { dir: None, port: None, secrets: None }
    }

    /// Kept in `dir`.
    pub fn kept(dir: impl Into<PathBuf>, secrets: Secrets) -> NatsSettings {
        NatsSettings { dir: Some(dir.into()), port: None, secrets: Some(secrets) }
    }
}

/// A server of our own. Dropped, it stops.
#[derive(Debug)]
pub struct Nats {
    process: Option<Process>,
    program: PathBuf,
    dir: PathBuf,
    secrets: Secrets,
    port: Port,
    monitor: Port,
    _temporary: Option<TemporaryFolder>,
}

impl Nats {
    /// Starts the server and waits until it takes connections.
    pub async fn start(settings: NatsSettings) -> Result<Nats> {
        let temporary = if settings.dir.is_none() { Some(TemporaryFolder::new()?) } else { None };
        let dir = match (settings.dir, &temporary) {
            (Some(dir), _) => dir,
            (None, Some(folder)) => folder.path().join("nats"),
            (None, None) => return Err(Error::Wrong("no folder for the broker".into())),
        };
        crate::place::private_folder(&dir)?;
        let secrets = match settings.secrets {
            Some(secrets) => secrets,
            None => Secrets::in_folder(dir.join("secrets"))?,
        };
        let port = match settings.port {
            Some(number) => Port::fixed(number)?,
            None => Port::reserve()?,
        };
        let program = programs::nats_server()?;
        let mut server = Nats { process: None, program, dir, secrets, port, monitor: Port::reserve()?, _temporary: temporary };
        server.restart().await?;
        Ok(server)
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Without credentials.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port())
    }

    /// The server's monitoring pages (`/healthz`, `/jsz`, `/connz`).
    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor.number())
    }

    pub fn log(&self) -> PathBuf {
        self.dir.join("nats.log")
    }

    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The server's process id, 0 while it is down.
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().map_or(0, Process::id)
    }

    pub fn password(&self, user: &str) -> Result<String> {
        self.secrets.nats_password(user)
    }

    /// A connection as one of [`USERS`], with that user's inbox prefix.
    pub async fn connect(&self, user: &str) -> Result<async_nats::Client> {
        connect(&self.url(), user, &self.password(user)?).await
    }

    /// Stops in good order.
    pub async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop(Duration::from_secs(20)).await;
        }
    }

    /// `kill -9`.
    pub async fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill9().await;
        }
    }

    /// Starts it again, on the same port and streams; stops it first if it runs.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await;
        let mut process = self.spawn()?;
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            process.fail_if_ended()?;
            // The server opens its port after its streams have been recovered; its first word is INFO.
            let last = match greeting(self.port()).await {
                Ok(word) if word.starts_with("INFO ") => break,
                Ok(word) => format!("it said {word:?}"),
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                return Err(Error::NotReady { name: "nats-server".into(), seconds: 60, last, log: self.log(), tail: process.tail() });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.process = Some(process);
        Ok(())
    }

    /// Takes away every stream while the server is down: what a lost disk does. The server must be stopped or killed.
    pub fn wipe_store(&self) -> Result<()> {
        if self.process.is_some() {
            return Err(Error::Wrong("the store cannot be wiped under a running server: stop or kill it first".into()));
        }
        let store = self.store();
        match fs::remove_dir_all(&store) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(format!("wiping {}", store.display()))(error)),
            _ => Ok(()),
        }
    }

    fn store(&self) -> PathBuf {
        self.dir.join("streams")
    }

    fn spawn(&self) -> Result<Process> {
        let configuration = self.dir.join("nats.conf");
        crate::place::write_private(&configuration, CONFIGURATION)?;
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(&configuration).arg("-sd").arg(self.store());
        command.args(["-a", "127.0.0.1", "-p", &self.port().to_string()]);
        command.args(["-m", &self.monitor.number().to_string()]);
        command.env_clear().env("DUBAN_NATS_SERVER_NAME", "duban").env("DUBAN_NATS_ISSUER", self.secrets.issuer_public()?);
        for user in USERS {
            command.env(format!("DUBAN_NATS_PASSWORD_{}", user.to_uppercase()), self.password(user)?);
        }
        Process::spawn("nats-server", command, &self.log(), Signal::TERM)
    }
}

/// Connects with the inbox prefix that the user's allow-list has: the common `_INBOX.>` would let one read another's replies.
pub async fn connect(url: &str, user: &str, password: &str) -> Result<async_nats::Client> {
    async_nats::ConnectOptions::with_user_and_password(user.into(), password.into())
        .custom_inbox_prefix(format!("_INBOX_{user}"))
        .connection_timeout(Duration::from_secs(5))
        .connect(url)
        .await
        .map_err(|error| Error::Wrong(format!("connecting to {url} as {user}: {error}")))
}

async fn greeting(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let mut word = [0; 5];
    tokio::time::timeout(Duration::from_secs(2), stream.read_exact(&mut word)).await??;
    Ok(String::from_utf8_lossy(&word).into_owned())
}
