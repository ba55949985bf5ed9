//! One folder with an installation, and the program that works in it.

use crate::LIMIT;
use anyhow::Context;
use duban_local::account::Account;
use duban_local::process::{Process, Signal, TemporaryFolder};
use duban_tests::world::repository;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub type Env = BTreeMap<String, String>;

/// One folder, and the program that works in it.
pub struct Here {
    pub folder: TemporaryFolder,
    pub data: PathBuf,
    pub program: PathBuf,
    /// Settings of every command.
    pub environment: Vec<(String, String)>,
    /// As whom commands run; none: as who runs the test.
    pub user: Option<Account>,
}

/// What programs say that were named by a setting.
pub const NAMED: &str = "started by the program that a setting names";

impl Here {
    pub fn new() -> anyhow::Result<Self> {
        let folder = TemporaryFolder::new()?;
        let program = std::env::current_exe()?.ancestors().nth(2).context("no folder of binaries")?.join("duban");
        Ok(Self { data: folder.path().join(".duban"), folder, program, environment: Vec::new(), user: None })
    }

    /// For a user who is not root, with servers' programs that settings name. Where only root can reach what was built, all is done as root.
    pub fn of_somebody() -> anyhow::Result<Self> {
        let mut here = Self::new()?;
        let named = here.folder.path().join("named");
        std::fs::create_dir(&named)?;
        let postgres = duban_local::programs::postgres_bin()?.canonicalize()?;
        for program in ["postgres", "initdb"] {
            let real = postgres.join(program);
            write_program(&named.join(program), &format!("echo '{NAMED}' >&2\nexec '{}' \"$@\"", real.display()))?;
        }
        let nats = duban_local::programs::nats_server()?.canonicalize()?;
        write_program(&named.join("nats"), &format!("echo '{NAMED}' >&2\nexec '{}' \"$@\"", nats.display()))?;
        let setting = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
        here.environment = vec![setting("DUBAN_POSTGRES_BIN", &named), setting("DUBAN_NATS_SERVER", &named.join("nats"))];

        // Postgres wants to know its user by name.
        let nobody = nobody()?;
        if myself()? == 0
            && let Some(nobody) = nobody
        {
            let home = here.folder.path().join("home");
            std::fs::create_dir(&home)?;
            std::os::unix::fs::chown(&home, Some(nobody.uid), Some(nobody.gid))?;
            here.environment.push(setting("HOME", &home));
            here.user = Some(nobody);
            let reaches = |program: &Path| {
                let mut command = Command::new(program);
                command.arg("--version").current_dir(repository()).uid(nobody.uid).gid(nobody.gid);
                command.output().is_ok_and(|output| output.status.success())
            };
            let programs = [named.join("postgres"), named.join("nats"), here.program.clone(), here.program.with_file_name("duban-intake")];
            if programs.iter().all(|program| reaches(program)) {
                here.data = home.join(".duban");
            } else {
                eprintln!("\n*** SKIPPED: only root can reach the programs here, so nothing was tried as another user ***\n");
                here.user = None;
            }
        }
        Ok(here)
    }

    /// The program with nothing from this process's surroundings but where servers are to be found.
    pub fn duban(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DUBAN_") && name != "DUBAN_TOOLS") {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(repository()).args(arguments).arg("--dir").arg(&self.data);
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }

    /// Starts `duban up` and waits until it says that all is ready.
    pub async fn up(&self, arguments: &[&str]) -> anyhow::Result<Process> {
        let mut up = self.begun(arguments)?;
        self.until_said(&mut up, "Ctrl-C stops everything").await?;
        Ok(up)
    }

    /// Starts it again while one service hangs: as long as it does, nobody is told by the file `env`, though one of the last run lay there.
    pub async fn up_while_one_hangs(&self) -> anyhow::Result<Process> {
        let env = self.data.join("env");
        anyhow::ensure!(env.exists(), "there is no file of the last run");
        let mut up = self.begun(&[])?;
        let deadline = std::time::Instant::now() + LIMIT;
        let hanging = loop {
            if let Some(child) = child(up.id(), "duban-archive")? {
                break child;
            }
            up.fail_if_ended()?;
            anyhow::ensure!(std::time::Instant::now() < deadline, "no archive is started: {}", up.tail());
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        signal("STOP", hanging)?;
        self.until_said(&mut up, "… all services ready").await?;
        // As long as waiting for the others takes, and longer.
        tokio::time::sleep(Duration::from_secs(2)).await;
        anyhow::ensure!(!env.exists() && !self.said(&up)?.contains("Ctrl-C stops everything"), "told before all is ready: {}", up.tail());
        signal("CONT", hanging)?;
        self.until_said(&mut up, "Ctrl-C stops everything").await?;
        Ok(up)
    }

    fn begun(&self, arguments: &[&str]) -> anyhow::Result<Process> {
        let mut command = self.duban(&[&["up"], arguments].concat());
        // A minute ahead is for the earnest case.
        command.env("DUBAN_ANNOUNCE_SECONDS", "1");
        let log = self.folder.path().join(format!("up-{}.log", uuid::Uuid::now_v7().simple()));
        Ok(Process::spawn("duban up", command, &log, Signal::INT)?)
    }

    async fn until_said(&self, up: &mut Process, words: &str) -> anyhow::Result<()> {
        let deadline = std::time::Instant::now() + LIMIT;
        while !self.said(up)?.contains(words) {
            up.fail_if_ended()?;
            anyhow::ensure!(std::time::Instant::now() < deadline, "it does not say {words:?}: {}", up.tail());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    pub fn said(&self, up: &Process) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(up.log())?)
    }

    pub fn env(&self) -> anyhow::Result<Env> {
        duban::env_file::read(&self.data)
    }

    /// A start that cannot be, since nobody's way in is known; it says what to do.
    pub fn refused_start(&self, policies: &str) -> anyhow::Result<()> {
        let refused = self.duban(&["up", "--exit", "--policies", policies]).output()?;
        let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
        anyhow::ensure!(!refused.status.success() && complaint.contains("--token"), "{complaint}");
        Ok(())
    }

    /// What a command says for people.
    pub fn done(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.duban(arguments).output()?;
        anyhow::ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A command that ends with `code`, says why on standard error, to people as to programs, and nothing on standard output. Gives what it
    /// says to people.
    pub fn refused(&self, arguments: &[&str], code: u8, said: &str) -> anyhow::Result<String> {
        let (people, programs) = (self.duban(arguments).output()?, self.duban(&[arguments, &["--json"]].concat()).output()?);
        for output in [&people, &programs] {
            assert_eq!(output.status.code(), Some(i32::from(code)), "{arguments:?}: {output:?}");
            assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{arguments:?} says nothing of {said:?}: {output:?}");
        }
        let error: Value = serde_json::from_slice(&programs.stderr).with_context(|| format!("{arguments:?}: {programs:?}"))?;
        assert!(!error["error"].is_null() && programs.stdout.is_empty(), "{arguments:?}: {programs:?}");
        let told = String::from_utf8_lossy(&people.stderr).into_owned();
        assert!(told.starts_with("duban: "), "{arguments:?}: {told}");
        Ok(told)
    }

    /// What a command says for programs.
    pub fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let text = self.done(&[arguments, &["--json"]].concat())?;
        serde_json::from_str(&text).with_context(|| format!("{arguments:?}: {text}"))
    }
}

/// A process that another has started, by its program.
fn child(of: u32, program: &str) -> anyhow::Result<Option<u32>> {
    for entry in std::fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that has ended meanwhile has none.
        let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/status")) else { continue };
        let is_child = status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|parent| parent.trim() == of.to_string()));
        let link = std::fs::read_link(format!("/proc/{id}/exe"));
        if is_child && link.is_ok_and(|exe| exe.file_name().is_some_and(|name| name == program)) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn signal(name: &str, process: u32) -> anyhow::Result<()> {
    let done = Command::new("/bin/sh").args(["-c", &format!("kill -{name} {process}")]).status()?;
    anyhow::ensure!(done.success(), "{process} takes no {name}");
    Ok(())
}

/// The number of who runs this test.
pub fn myself() -> anyhow::Result<u32> {
    Ok(std::fs::metadata("/proc/self")?.uid())
}

/// The user `nobody`, if the machine has one.
fn nobody() -> anyhow::Result<Option<Account>> {
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    let numbers = passwd.lines().find_map(|line| {
        let [name, _, uid, gid, ..] = line.split(':').collect::<Vec<_>>()[..] else { return None };
        (name == "nobody").then(|| Some(Account { uid: uid.parse().ok()?, gid: gid.parse().ok()? })).flatten()
    });
    Ok(numbers)
}

pub fn write_program(path: &Path, script: &str) -> anyhow::Result<()> {
    std::fs::write(path, format!("#!/bin/sh\n{script}\n"))?;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?)
}

/// A file of this name below a folder.
pub fn found(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|found| found == name) {
                return Ok(path);
            }
            if path.is_dir() && !path.ends_with("data") {
                folders.push(path);
            }
        }
    }
    anyhow::bail!("no {name} below {}", folder.display())
}
