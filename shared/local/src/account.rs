//! Postgres refuses to run as root. A caller who is root runs it as `postgres` if the machine has that user, else as
//! `nobody` (`DUBAN_POSTGRES_USER` names another); any other caller runs it as himself.

use std::{fs, os::unix::fs::MetadataExt, path::Path, process::Command};

use std::os::unix::process::CommandExt;

use crate::{Error, Result};

/// Another user to run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// Whom Postgres is to run as; None for the caller himself. A cluster that exists keeps its owner.
    pub fn for_postgres(cluster: &Path) -> Result<Option<Account>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        if let Ok(made) = fs::metadata(cluster.join("PG_VERSION")) {
            return Ok(Some(Account { uid: made.uid(), gid: made.gid() }));
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(Error::io("reading /etc/passwd"))?;
        let named = std::env::var("DUBAN_POSTGRES_USER").ok();
        let names: Vec<&str> = named.as_deref().map_or_else(|| vec!["postgres", "nobody"], |name| vec![name]);
        names.iter().find_map(|name| find(&passwd, name)).map(Some).ok_or_else(|| {
            Error::Wrong(format!("Postgres does not run as root, and there is no user {}. Set DUBAN_POSTGRES_USER", names.join(" or ")))
        })
    }

    /// Whether it can reach what lies in `folder`: every folder on the way must let it in.
    pub fn can_enter(self, folder: &Path) -> bool {
        let Ok(real) = folder.canonicalize() else { return false };
        real.ancestors().all(|step| {
            fs::metadata(step).is_ok_and(|found| {
                let bit = if found.uid() == self.uid {
                    0o100
                } else if found.gid() == self.gid {
                    0o010
                } else {
                    0o001
                };
                found.mode() & bit != 0
            })
        })
    }

    /// Makes `command` run as it.
    pub fn applied_to(account: Option<Account>, command: &mut Command) {
        if let Some(Account { uid, gid }) = account {
            command.uid(uid).gid(gid);
        }
    }
}

fn find(passwd: &str, name: &str) -> Option<Account> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some(Account { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_from_passwd() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";
        assert_eq!(find(passwd, "nobody"), Some(Account { uid: 65_534, gid: 65_533 }));
        assert_eq!(find(passwd, "nobod"), None);
    }
}
