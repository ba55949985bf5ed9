//! A child process that does not outlive its parent.
//!
//! Each child gets a process group of its own, so that Ctrl-C reaches the parent alone, which then stops the children in
//! its order. And if the parent dies without doing so (`kill -9`, a test runner's time limit)? One small shell, the
//! watchman, is started with the first child and reads from a pipe that only the parent holds: when the pipe closes, it
//! ends all children still on its list and removes the temporary folders. (`PR_SET_PDEATHSIG` would not do: it watches the
//! thread that spawned, it is lost when Postgres changes its user, and setting it takes unsafe code.)

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process, kill_process_group};

use crate::{Error, Result};

/// A running (or ended, not yet replaced) child.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    gentle: Signal,
    reaped: Option<ExitStatus>,
}

impl Process {
    /// Starts `command`, its output appended to `log`. `gentle` is the signal that asks it to stop.
    pub fn spawn(name: &str, mut command: Command, log: &Path, gentle: Signal) -> Result<Process> {
        let doing = || format!("starting {name} ({})", command_line(&command));
        let output = OpenOptions::new().create(true).append(true).open(log).map_err(Error::io(format!("opening {}", log.display())))?;
        let errors = output.try_clone().map_err(Error::io(doing()))?;
        let told = doing();
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0).spawn().map_err(Error::io(told))?;
        watchman::tell(&format!("add {} {}", child.id(), signal_name(gentle)))?;
        Ok(Process { name: name.into(), child, log: log.into(), gentle, reaped: None })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.reaped.is_none() {
            self.reaped = self.child.try_wait().ok().flatten();
            if self.reaped.is_some() {
                let _ = watchman::tell(&format!("del {}", self.child.id()));
            }
        }
        self.reaped
    }

    /// The error to return when it has ended although it should run.
    pub fn fail_if_ended(&mut self) -> Result<()> {
        match self.ended() {
            None => Ok(()),
            Some(status) => {
                Err(Error::Ended { name: self.name.clone(), status: status.to_string(), log: self.log.clone(), tail: self.tail() })
            }
        }
    }

    /// The last lines of its log.
    pub fn tail(&self) -> String {
        tail(&self.log)
    }

    /// Sends a signal to the process itself; nothing happens if it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none()
            && let Some(pid) = self.pid()
        {
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks it to stop, waits for as long as `grace`, then kills it. True if it stopped by itself.
    pub async fn stop(&mut self, grace: Duration) -> bool {
        self.signal(self.gentle);
        let stopped = self.wait(grace).await;
        if !stopped {
            tracing::warn!(process = self.name, "did not stop in {grace:?}, killed");
            self.kill9().await;
        }
        stopped
    }

    /// `kill -9`, of it and what it started in its group; returns when it is gone.
    pub async fn kill9(&mut self) {
        self.kill_group();
        self.wait(Duration::from_secs(10)).await;
    }

    /// Waits until it has ended; false if it has not in `limit`.
    pub async fn wait(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.ended().is_none() {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        true
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }

    fn kill_group(&mut self) {
        if self.ended().is_none()
            && let Some(pid) = self.pid()
        {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Process {
    /// For tests that end early: asks, waits two seconds, kills. What must stop in an orderly way calls [`Process::stop`].
    fn drop(&mut self) {
        self.signal(self.gentle);
        let deadline = Instant::now() + Duration::from_secs(2);
        while self.ended().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill_group();
        if self.reaped.is_none() {
            let _ = self.child.wait();
            let _ = watchman::tell(&format!("del {}", self.child.id()));
        }
    }
}

/// A folder that is removed when it is dropped, or by the watchman.
#[derive(Debug)]
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Made in the system's folder for such, readable by all: what is secret in it has a mode of its own.
    pub fn new() -> Result<TemporaryFolder> {
        let path = crate::place::temporary()?.join(format!("duban-{}-{:08x}", std::process::id(), rand::random::<u32>()));
        fs::create_dir_all(&path).map_err(Error::io(format!("making {}", path.display())))?;
        crate::place::set_mode(&path, 0o755)?;
        let folder = TemporaryFolder(path);
        // The watchman reads words: a path with blanks is left to `drop` alone.
        let shown = folder.0.display().to_string();
        if !shown.contains(char::is_whitespace) {
            watchman::tell(&format!("folder {shown}"))?;
        }
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if std::env::var_os("DUBAN_KEEP").is_none() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// The end of a log, for error texts: at most forty lines.
pub fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let from = file.metadata()?.len().saturating_sub(8_000);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

fn command_line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::INT => "INT",
        Signal::QUIT => "QUIT",
        Signal::KILL => "KILL",
        _ => "TERM",
    }
}

mod watchman {
    use super::{ChildStdin, Command, CommandExt, Error, Mutex, PoisonError, Result, Stdio, Write};

    /// Reads what to end when its input closes: `add PID SIGNAL`, `del PID`, `folder PATH`.
    const SCRIPT: &str = r#"
trap '' INT TERM HUP
IFS=' '
list= folders=
while read -r verb what signal; do
  case $verb in
    add) list="$list $what:$signal" ;;
    del) kept=; for one in $list; do [ "${one%%:*}" = "$what" ] || kept="$kept $one"; done; list=$kept ;;
    folder) folders="$folders $what" ;;
  esac
done
for one in $list; do kill -s "${one#*:}" "${one%%:*}" 2>/dev/null; done
tries=0
while [ -n "$list" ] && [ $tries -lt 60 ]; do
  alive=; for one in $list; do kill -0 "${one%%:*}" 2>/dev/null && alive="$alive $one"; done
  list=$alive; tries=$((tries + 1)); [ -z "$list" ] || sleep 0.1
done
for one in $list; do kill -s KILL "${one%%:*}" 2>/dev/null; done
[ -n "$DUBAN_KEEP" ] || for one in $folders; do case $one in */duban-*) rm -rf "$one" ;; esac; done
"#;

    static PIPE: Mutex<Option<ChildStdin>> = Mutex::new(None);

    pub(super) fn tell(line: &str) -> Result<()> {
        let mut pipe = PIPE.lock().unwrap_or_else(PoisonError::into_inner);
        let doing = "starting the shell that ends what a killed parent leaves";
        if pipe.is_none() {
            let mut shell = Command::new("/bin/sh")
                .args(["-c", SCRIPT, "duban-watchman"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()
                .map_err(Error::io(doing))?;
            *pipe = shell.stdin.take();
        }
        match pipe.as_mut() {
            Some(pipe) => pipe.write_all(format!("{line}\n").as_bytes()).map_err(Error::io("telling the watchman")),
            None => Err(Error::Wrong(format!("{doing}: no pipe"))),
        }
    }
}
