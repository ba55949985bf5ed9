//! One copy of one service.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use duban_contracts::subjects::service;

use crate::{
    Error, Port, Result,
    ground::Setting,
    place,
    process::{Process, Signal},
    programs,
};

/// A service's process and what it was started with; stopped or killed, it can be started again on the same port.
#[derive(Debug)]
pub struct Copy {
    service: &'static str,
    number: usize,
    port: Port,
    program: PathBuf,
    log: PathBuf,
    /// Settings that are secret, and what must be known without Postgres.
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    process: Option<Process>,
}

impl Copy {
    pub(super) fn new(service: &'static str, number: usize, port: Port, dir: &Path, binaries: Option<&Path>) -> Result<Copy> {
        let logs = dir.join("logs");
        fs::create_dir_all(&logs).map_err(Error::io(format!("making {}", logs.display())))?;
        let log = logs.join(if number == 0 { format!("{service}.log") } else { format!("{service}-{number}.log") });
        let folder = dir.join("run").join(format!("{service}-{number}"));
        place::private_folder(&folder)?;
        let program = binaries.map_or_else(|| programs::service(service), |folder| Ok(folder.join(format!("duban-{service}"))))?;
        Ok(Copy { service, number, port, program, log, folder, environment: BTreeMap::new(), process: None })
    }

    pub fn service(&self) -> &'static str {
        self.service
    }

    pub fn number(&self) -> usize {
        self.number
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The settings that it was started with; secret ones name files.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Its process id, 0 while it is down.
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().map_or(0, Process::id)
    }

    /// Sends a signal, e.g. STOP and CONT for a copy that hangs.
    pub fn signal(&mut self, signal: Signal) {
        if let Some(process) = &mut self.process {
            process.signal(signal);
        }
    }

    /// The error, if it ended by itself.
    pub fn fail_if_ended(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Process::fail_if_ended)
    }

    /// Started and not stopped or killed since.
    pub fn is_started(&self) -> bool {
        self.process.is_some()
    }

    pub(super) fn own_settings(&self, public: Option<String>, smtp: &str) -> Vec<Setting> {
        let plain = |name: &str, value: String| Setting { name: name.into(), value, secret: false };
        let mut own = vec![
            plain("DUBAN_BIND", format!("127.0.0.1:{}", self.port.number())),
            plain("DUBAN_STATE_DIR", self.folder.join("state").display().to_string()),
            plain("DUBAN_DEMONSTRATION", "true".into()),
        ];
        if self.service == service::GATEWAY || self.service == service::NOTIFICATIONS {
            own.push(plain("DUBAN_PUBLIC_URL", public.unwrap_or_else(|| self.url())));
        }
        if self.service == service::NOTIFICATIONS {
            own.push(plain("DUBAN_SMTP_URL", smtp.into()));
        }
        own
    }

    /// Writes secret settings to files of its folder and remembers the environment.
    pub(super) fn configure(&mut self, settings: &[Setting], inherit: bool) -> Result<()> {
        place::private_folder(&self.folder.join("state"))?;
        let ours = |name: &str| {
            let name = name.strip_suffix("_FILE").unwrap_or(name);
            settings.iter().any(|setting| setting.name == name)
        };
        self.environment = std::env::vars().filter(|(name, _)| passed_on(name, inherit) && !ours(name)).collect();
        for Setting { name, value, secret } in settings {
            if *secret {
                let file = self.folder.join(name);
                place::write_private(&file, value)?;
                self.environment.insert(format!("{name}_FILE"), file.display().to_string());
            } else {
                self.environment.insert(name.clone(), value.clone());
            }
        }
        Ok(())
    }

    pub(super) fn spawn(&mut self) -> Result<()> {
        let mut command = self.command();
        command.env_clear().envs(&self.environment).current_dir(&self.folder);
        let name = if self.number == 0 { self.service.to_string() } else { format!("{} ({})", self.service, self.number) };
        self.process = Some(Process::spawn(&name, command, &self.log, Signal::TERM)?);
        Ok(())
    }

    /// Who sends a report waits for the gateway's answer, and nobody for the others': where processors are short, they come after it.
    fn command(&self) -> Command {
        if self.service == service::GATEWAY {
            return Command::new(&self.program);
        }
        let mut command = Command::new("nice");
        command.args(["-n", "10"]).arg(&self.program);
        command
    }

    /// Waits until `/readyz` answers 200.
    pub async fn wait_until_ready(&mut self, limit: Duration) -> Result<()> {
        let url = format!("{}/readyz", self.url());
        let deadline = Instant::now() + limit;
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build();
        let client = client.map_err(|error| Error::Wrong(format!("making an HTTP client: {error}")))?;
        loop {
            let Some(process) = &mut self.process else { return Err(Error::Wrong(format!("{} was not started", self.service))) };
            process.fail_if_ended()?;
            let last = match client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => format!("{url} answered {}: {}", answer.status(), answer.text().await.unwrap_or_default()),
                Err(error) => format!("{url}: {error}"),
            };
            if Instant::now() > deadline {
                let (log, tail) = (self.log.clone(), process.tail());
                return Err(Error::NotReady { name: self.service.into(), seconds: limit.as_secs(), last, log, tail });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(super) async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop(Duration::from_secs(30)).await;
        }
    }

    pub(super) async fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill9().await;
        }
    }
}

/// What of this process's environment a service gets: what the system and the telemetry need, and, if wanted, Duban's settings.
fn passed_on(name: &str, inherit: bool) -> bool {
    let system = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "RUST_LOG", "RUST_BACKTRACE"];
    // Where to find programs and what this process itself logs in with is not the services' business.
    let not_theirs = ["DUBAN_TOOLS", "DUBAN_POSTGRES_BIN", "DUBAN_NATS_SERVER", "DUBAN_URL", "DUBAN_PASSWORD", "DUBAN_KEEP"];
    system.contains(&name)
        || name.starts_with("OTEL_")
        || (inherit && name.starts_with("DUBAN_") && !not_theirs.contains(&name) && !name.starts_with("DUBAN_TOKEN"))
}
