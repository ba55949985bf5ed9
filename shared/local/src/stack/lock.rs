//! One installation, one `duban up`: the folder's lock file, held for as long as it runs, with its process id inside.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Error, Result};

/// The kernel lets go of it when the process ends, however that happens.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(dir: &Path) -> Result<Lock> {
        let doing = || format!("locking {}", dir.display());
        let mut file = open(dir)?;
        if file.try_lock().is_err() {
            return Err(Error::InUse { dir: dir.to_path_buf(), pid: holder(&mut file).map_or("unknown".into(), |pid| pid.to_string()) });
        }
        file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes())).map_err(Error::io(doing()))?;
        Ok(Lock { _file: file })
    }
}

/// Asks what runs in `dir` to stop and waits until it has; false if nothing runs there.
pub async fn stop_running(dir: &Path) -> Result<bool> {
    if !dir.join("lock").exists() {
        return Ok(false);
    }
    let mut file = open(dir)?;
    if file.try_lock().is_ok() {
        return Ok(false);
    }
    let pid = holder(&mut file)
        .and_then(Pid::from_raw)
        .ok_or_else(|| Error::Wrong(format!("{} is locked by an unknown process", dir.display())))?;
    kill_process(pid, Signal::TERM)
        .map_err(|error| Error::Io { doing: format!("asking process {pid:?} to stop"), source: error.into() })?;
    let deadline = Instant::now() + Duration::from_secs(90);
    while file.try_lock().is_err() {
        if Instant::now() > deadline {
            return Err(Error::Wrong(format!("process {pid:?} still runs 90 s after it was asked to stop")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(true)
}

fn open(dir: &Path) -> Result<File> {
    let path = dir.join("lock");
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    opened.map_err(Error::io(format!("opening {}", path.display())))
}

fn holder(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
