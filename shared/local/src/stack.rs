//! The whole of Duban as processes of this machine: a [`Ground`], a [`MailCatcher`] and any number of copies of the five
//! services. `duban up` keeps one in a folder; each end-to-end test has one of its own.
//!
//! Nothing is restarted by itself: a test says when, and `duban up` shows what ended. What was started stops in order:
//! services first (SIGTERM), then the broker, then Postgres.

mod copy;
mod lock;
mod ports;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use duban_contracts::subjects::service;
use tokio::signal::unix::{SignalKind, signal};

pub use copy::Copy;
pub use lock::stop_running;

use crate::{
    ClockSetting, Error, Ground, GroundSettings, MailCatcher, Port, Result, mail_catcher::MailCatcherSettings, place,
    process::TemporaryFolder,
};

/// How long a service may take from its start until `/readyz` says so.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// How to start a stack.
#[derive(Debug, Clone)]
pub struct StackSettings {
    /// None for a temporary folder.
    pub dir: Option<PathBuf>,
    /// Whether Postgres flushes at each commit. (The broker always does.)
    pub durable: bool,
    /// Written before the services start; None leaves it as it is (real, in a new folder).
    pub clock: Option<ClockSetting>,
    /// Copies to start with, by service; one where nothing is said, 0 for none.
    pub copies: BTreeMap<&'static str, usize>,
    /// More settings, by service (`*` for all), name and value; they win over what the stack itself sets.
    pub extra: Vec<(String, String, String)>,
    /// Fixed ports; None for the ports of the last start if they are free, else for any.
    pub gateway_port: Option<u16>,
    pub postgres_port: Option<u16>,
    pub nats_port: Option<u16>,
    pub mail_port: Option<u16>,
    pub mail_page_port: Option<u16>,
    /// A superuser's URL of a Postgres that runs already.
    pub postgres_url: Option<String>,
    /// A broker that runs already with this folder's passwords.
    pub nats_url: Option<String>,
    /// Folder of the services' binaries; None for those that [`programs::service`](crate::programs::service) finds.
    pub binaries: Option<PathBuf>,
    /// Whether the services get the `DUBAN_*` variables of this process, so that one can tune an installation from outside.
    pub inherit: bool,
    /// A file in the folder that tells others that all is ready: taken away as soon as the folder is this stack's.
    pub ready_file: Option<&'static str>,
}

impl StackSettings {
    /// Temporary and fast.
    pub fn test() -> StackSettings {
        StackSettings {
            dir: None,
            durable: false,
            clock: None,
            copies: BTreeMap::new(),
            extra: Vec::new(),
            gateway_port: None,
            postgres_port: None,
            nats_port: None,
            mail_port: None,
            mail_page_port: None,
            postgres_url: None,
            nats_url: None,
            binaries: None,
            inherit: false,
            ready_file: None,
        }
    }

    /// Temporary, with every commit on disk: for tests that kill Postgres and count what is left.
    pub fn durable_test() -> StackSettings {
        StackSettings { durable: true, ..StackSettings::test() }
    }

    /// Kept in `dir`, with every commit on disk.
    pub fn kept(dir: impl Into<PathBuf>) -> StackSettings {
        StackSettings { dir: Some(dir.into()), durable: true, inherit: true, ..StackSettings::test() }
    }
}

/// A running stack. Dropped, everything stops; see [`Stack::stop`] for good order.
#[derive(Debug)]
pub struct Stack {
    // In the order in which they are to be dropped: services, mail, servers, folder, lock.
    copies: BTreeMap<&'static str, Vec<Copy>>,
    pub mail: MailCatcher,
    pub ground: Ground,
    settings: StackSettings,
    dir: PathBuf,
    _temporary: Option<TemporaryFolder>,
    _lock: Option<lock::Lock>,
}

impl Stack {
    /// Starts everything and waits until every service is ready.
    pub async fn start(settings: StackSettings) -> Result<Stack> {
        let mut stack = Stack::launch(settings).await?;
        stack.wait_until_ready().await?;
        Ok(stack)
    }

    /// Starts everything and waits for Postgres and the broker alone: for who has something to do before the services are
    /// ready, such as loading packs. [`Stack::wait_until_ready`] does the rest.
    pub async fn launch(settings: StackSettings) -> Result<Stack> {
        let temporary = if settings.dir.is_none() { Some(TemporaryFolder::new()?) } else { None };
        let dir = match (&settings.dir, &temporary) {
            (Some(dir), _) => std::path::absolute(dir).map_err(Error::io(format!("finding {}", dir.display())))?,
            (None, Some(folder)) => folder.path().to_path_buf(),
            (None, None) => return Err(Error::Wrong("no folder".into())),
        };
        std::fs::create_dir_all(&dir).map_err(Error::io(format!("making {}", dir.display())))?;
        let lock = if temporary.is_none() { Some(lock::Lock::take(&dir)?) } else { None };
        if let Some(ready) = settings.ready_file {
            place::remove_if_there(&dir.join(ready))?;
        }
        let last = ports::last(&dir);
        let or_last = |fixed: Option<u16>, name: &str| fixed.or_else(|| last.get(name).copied().filter(|port| crate::port::is_free(*port)));
        let mail = MailCatcher::start(MailCatcherSettings {
            dir: Some(dir.join("mail")),
            smtp_port: or_last(settings.mail_port, "mail"),
            http_port: or_last(settings.mail_page_port, "mail-page"),
        })
        .await?;
        let ground = Ground::start(GroundSettings {
            dir: Some(dir.clone()),
            durable: settings.durable,
            template: temporary.is_some(),
            clock: settings.clock.clone(),
            postgres_port: or_last(settings.postgres_port, "postgres"),
            nats_port: or_last(settings.nats_port, "nats"),
            postgres_url: settings.postgres_url.clone(),
            nats_url: settings.nats_url.clone(),
        })
        .await?;
        let gateway = or_last(settings.gateway_port, "gateway").map_or_else(Port::reserve, Port::fixed)?;
        let mut stack = Stack { copies: BTreeMap::new(), mail, ground, settings, dir, _temporary: temporary, _lock: lock };
        let mut first_port = Some(gateway);
        for name in service::ALL {
            for _ in 0..stack.settings.copies.get(name).copied().unwrap_or(1) {
                let port = if name == service::GATEWAY { first_port.take() } else { None };
                stack.spawn_copy(name, port)?;
            }
        }
        ports::remember(&stack)?;
        Ok(stack)
    }

    /// Waits until every copy that runs is ready.
    pub async fn wait_until_ready(&mut self) -> Result<()> {
        for copy in self.copies.values_mut().flatten().filter(|copy| copy.is_started()) {
            copy.wait_until_ready(READY_WITHIN).await?;
        }
        Ok(())
    }

    /// Starts one more copy, waits until it is ready, and gives its number.
    pub async fn start_copy(&mut self, service: &str) -> Result<usize> {
        let number = self.spawn_copy(known(service)?, None)?;
        self.copy(service, number)?.wait_until_ready(READY_WITHIN).await?;
        Ok(number)
    }

    /// Asks a copy to stop and waits until it has.
    pub async fn stop_copy(&mut self, service: &str, number: usize) -> Result<()> {
        self.copy(service, number)?.stop().await;
        Ok(())
    }

    /// `kill -9`.
    pub async fn kill9(&mut self, service: &str, number: usize) -> Result<()> {
        self.copy(service, number)?.kill9().await;
        Ok(())
    }

    /// Starts a copy again, on its port, and waits until it is ready; stops it first if it runs.
    pub async fn restart(&mut self, service: &str, number: usize) -> Result<()> {
        self.respawn(service, number).await?;
        self.copy(service, number)?.wait_until_ready(READY_WITHIN).await
    }

    /// The same without waiting for its readiness: what depends on a server that is down now is not ready for a while.
    pub async fn respawn(&mut self, service: &str, number: usize) -> Result<()> {
        let copy = self.copy(service, number)?;
        copy.stop().await;
        copy.spawn()
    }

    /// Where a copy answers: `http://127.0.0.1:PORT`. Empty if there is no such copy.
    pub fn url(&self, service: &str, number: usize) -> String {
        self.copies.get(service).and_then(|copies| copies.get(number)).map(Copy::url).unwrap_or_default()
    }

    /// A copy, to look at or to send signals to.
    pub fn copy(&mut self, service: &str, number: usize) -> Result<&mut Copy> {
        let copy = self.copies.get_mut(service).and_then(|copies| copies.get_mut(number));
        copy.ok_or_else(|| Error::Wrong(format!("there is no copy {number} of {service}")))
    }

    /// All copies that were ever started, also those that are stopped.
    pub fn copies(&mut self) -> impl Iterator<Item = &mut Copy> {
        self.copies.values_mut().flatten()
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The error of a copy that ended by itself, if one has.
    pub fn ended(&mut self) -> Option<Error> {
        self.copies().find_map(|copy| copy.fail_if_ended().err())
    }

    /// Waits until one of the copies ends by itself, and tells which. For `duban up`, beside [`interrupted`].
    pub async fn until_something_ends(&mut self) -> Error {
        loop {
            if let Some(error) = self.ended() {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Services first, then the broker, then Postgres.
    pub async fn stop(&mut self) {
        self.stop_services().await;
        self.ground.stop().await;
    }

    /// All services at once, and waits until they have stopped.
    pub async fn stop_services(&mut self) {
        futures::future::join_all(self.copies().map(Copy::stop)).await;
    }

    fn spawn_copy(&mut self, service: &'static str, port: Option<Port>) -> Result<usize> {
        let number = self.copies.get(service).map_or(0, Vec::len);
        let port = port.map_or_else(Port::reserve, Ok)?;
        let public = self.copies.get(service::GATEWAY).and_then(|gateways| gateways.first()).map(Copy::url);
        let mut copy = Copy::new(service, number, port, &self.dir, self.settings.binaries.as_deref())?;
        let mut settings = self.ground.settings(service)?;
        settings.extend(copy.own_settings(public, &self.mail.smtp_url()));
        let extra = self.settings.extra.iter().filter(|(of, ..)| of == "*" || of == service);
        for (_, name, value) in extra {
            settings.retain(|setting| &setting.name != name);
            settings.push(crate::ground::Setting { name: name.clone(), value: value.clone(), secret: false });
        }
        copy.configure(&settings, self.settings.inherit)?;
        copy.spawn()?;
        self.copies.entry(service).or_default().push(copy);
        Ok(number)
    }
}

fn known(service: &str) -> Result<&'static str> {
    service::ALL.into_iter().find(|name| *name == service).ok_or_else(|| Error::Wrong(format!("there is no service {service}")))
}

/// Waits for Ctrl-C, SIGTERM (`duban down`) or SIGHUP (the terminal was closed).
pub async fn interrupted() -> Result<()> {
    let listen = |kind| signal(kind).map_err(Error::io("listening for signals"));
    let (mut ctrl_c, mut terminate, mut hang_up) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?);
    tokio::select! { _ = ctrl_c.recv() => {}, _ = terminate.recv() => {}, _ = hang_up.recv() => {} }
    Ok(())
}
