//! Free ports that stay ours.
//!
//! A port that the kernel hands out (bind to 0) lies in the range from which it also takes the near ends of outgoing
//! connections: while a killed server is down, any client may be given its port, and the restart fails. So ports are taken
//! from below that range, and a lock file per port keeps processes of this crate apart for as long as the port is held.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::MetadataExt,
};

use rand::Rng;

use crate::{Error, Result};

/// A port of 127.0.0.1, reserved against other users of this crate until dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: Option<File>,
}

impl Port {
    /// A free one.
    pub fn reserve() -> Result<Port> {
        let folder = std::env::temp_dir().join(format!("duban-ports-{}", rustix::process::geteuid().as_raw()));
        fs::create_dir_all(&folder).map_err(Error::io(format!("making {}", folder.display())))?;
        let owner = folder.metadata().map_err(Error::io(format!("reading {}", folder.display())))?.uid();
        if owner != rustix::process::geteuid().as_raw() {
            return Err(Error::Wrong(format!("{} belongs to another user; remove it", folder.display())));
        }
        let ceiling = ephemeral_start().clamp(16_000, 32_768);
        for _ in 0..200 {
            let number = rand::rng().random_range(12_000..ceiling);
            let path = folder.join(number.to_string());
            let lock = File::create(&path).map_err(Error::io(format!("making {}", path.display())))?;
            if lock.try_lock().is_ok() && is_free(number) {
                return Ok(Port { number, _lock: Some(lock) });
            }
        }
        Err(Error::Wrong("no free port found on 127.0.0.1 after 200 tries".into()))
    }

    /// The one that was asked for; refused if something listens there.
    pub fn fixed(number: u16) -> Result<Port> {
        if is_free(number) { Ok(Port { number, _lock: None }) } else { Err(Error::Wrong(format!("port {number} of 127.0.0.1 is taken"))) }
    }

    /// `preferred` if it is free, else any: what a second start of an installation wants.
    pub fn preferring(preferred: Option<u16>) -> Result<Port> {
        match preferred {
            Some(number) if is_free(number) => Port::fixed(number),
            _ => Port::reserve(),
        }
    }

    pub fn number(&self) -> u16 {
        self.number
    }
}

/// Whether nothing listens there now.
pub fn is_free(number: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
}

/// The first port that the kernel uses for outgoing connections.
fn ephemeral_start() -> u16 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(32_768)
}
