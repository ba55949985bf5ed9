//! Who keeps the processors busy: so that it shows what bounds a rate.

use anyhow::Context;
use std::path::Path;

/// Time that processes have had, in ticks of the kernel's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Busy {
    postgres: u64,
    escalation: u64,
    /// Of all processors, idle or not.
    all: u64,
    idle: u64,
}

/// Of as many processors as the machine has, how many were busy for whom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cores {
    pub postgres: f64,
    pub escalation: f64,
    /// Everything that runs on the machine.
    pub all: f64,
    pub there_are: f64,
}

impl Busy {
    /// # Errors
    /// Where `/proc` cannot be read.
    pub fn now() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string("/proc/stat").context("reading /proc/stat")?;
        let (all, idle) = of_the_machine(&text);
        let mut busy = Self { postgres: 0, escalation: 0, all, idle };
        for entry in std::fs::read_dir("/proc").context("reading /proc")?.flatten() {
            // A process may end while it is looked at.
            let Some((name, ticks)) = std::fs::read_to_string(Path::new(&entry.path()).join("stat")).ok().as_deref().and_then(of_a_process)
            else {
                continue;
            };
            match name.as_str() {
                "postgres" => busy.postgres += ticks,
                // The kernel keeps fifteen letters.
                "duban-escalatio" => busy.escalation += ticks,
                _ => {}
            }
        }
        Ok(busy)
    }

    /// From then to now.
    pub fn since(self, then: Self) -> Cores {
        let there_are = std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
        let all = self.all.saturating_sub(then.all).max(1) as f64;
        let cores = |now: u64, then: u64| now.saturating_sub(then) as f64 / all * there_are;
        Cores {
            postgres: cores(self.postgres, then.postgres),
            escalation: cores(self.escalation, then.escalation),
            all: there_are - cores(self.idle, then.idle),
            there_are,
        }
    }
}

/// Ticks in all and idle ones, of the line `cpu  user nice system idle iowait irq softirq steal …`.
fn of_the_machine(text: &str) -> (u64, u64) {
    let ticks: Vec<u64> =
        text.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8).filter_map(|ticks| ticks.parse().ok()).collect();
    (ticks.iter().sum(), ticks.iter().skip(3).take(2).sum())
}

/// Name and ticks (user and system) of a line of `/proc/<pid>/stat`; the name stands in brackets and may hold anything.
fn of_a_process(line: &str) -> Option<(String, u64)> {
    let (_, rest) = line.split_once('(')?;
    let (name, rest) = rest.rsplit_once(')')?;
    let mut ticks = rest.split_whitespace().skip(11).map_while(|ticks| ticks.parse::<u64>().ok());
    Some((name.to_owned(), ticks.next()? + ticks.next()?))
}

#[cfg(test)]
mod tests {
    use super::{Busy, of_a_process, of_the_machine};

    #[test]
    fn what_the_kernel_tells_is_read() {
        assert_eq!(of_the_machine("cpu  10 0 20 60 10 0 0 0 0 0\ncpu0 1 2 3"), (100, 70));
        let line = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 1 0 100";
        assert_eq!(of_a_process(line), Some(("a (b) c".to_owned(), 300)));
        assert_eq!(of_a_process("42"), None);
    }

    #[test]
    fn shares_are_of_the_processors_that_there_are() {
        let then = Busy { postgres: 100, escalation: 0, all: 1_000, idle: 500 };
        let now = Busy { postgres: 150, escalation: 25, all: 1_100, idle: 510 };
        let cores = now.since(then);
        assert!((cores.postgres - cores.there_are / 2.0).abs() < 1e-9 && (cores.escalation - cores.there_are / 4.0).abs() < 1e-9);
        assert!((cores.all - cores.there_are * 0.9).abs() < 1e-9);
    }
}
