//! What each service holds: at its highest while it starts, which is compiling the packs, at its highest afterwards, and when all is over.

use super::sheet::Sheet;
use super::stage::Theatre;
use anyhow::Context;
use duban_local::Stack;
use std::collections::BTreeMap;

/// Written to `/proc/<pid>/clear_refs` it has Linux forget the highest that a process held.
const FORGET_HIGHEST: &str = "5";

/// What each process held at its highest when it had started, by its id.
#[derive(Debug, Default)]
pub struct Starts(BTreeMap<u32, f64>);

impl Starts {
    /// Notes processes that have started since it was called last, and counts anew for them from here.
    ///
    /// # Errors
    /// When a process cannot be looked at.
    pub fn note(&mut self, stack: &mut Stack) -> anyhow::Result<()> {
        for copy in stack.copies().filter(|copy| copy.is_started()) {
            let process = copy.process_id();
            if self.0.contains_key(&process) {
                continue;
            }
            self.0.insert(process, megabytes(&status(process)?, "VmHWM:"));
            let file = format!("/proc/{process}/clear_refs");
            std::fs::write(&file, FORGET_HIGHEST).with_context(|| format!("writing {file}"))?;
        }
        Ok(())
    }
}

/// # Errors
/// When a process cannot be looked at.
pub fn measure(theatre: &mut Theatre, sheet: &mut Sheet) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let (mut most, mut most_at_start): (f64, f64) = (0.0, 0.0);
    for copy in theatre.stack.copies().filter(|copy| copy.is_started()) {
        let status = status(copy.process_id())?;
        let (now, highest) = (megabytes(&status, "VmRSS:"), megabytes(&status, "VmHWM:"));
        let at_start = theatre.starts.0.get(&copy.process_id()).copied().unwrap_or_default();
        (most, most_at_start) = (most.max(highest), most_at_start.max(at_start));
        rows.push(vec![copy.service().to_owned(), format!("{at_start:.0}"), format!("{highest:.0}"), format!("{now:.0}")]);
    }
    let heading = ["service", "at its highest while it started", "at its highest under load", "when all is over"].map(str::to_owned);
    sheet.table("Memory of each service, MB", &heading, &rows);
    sheet.figure("highest memory of any service under load, MB", most);
    sheet.figure("highest memory of any service while it started, MB", most_at_start);
    Ok(())
}

fn status(process: u32) -> anyhow::Result<String> {
    let file = format!("/proc/{process}/status");
    std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))
}

/// A line of `/proc/<pid>/status`, which tells kibibytes, in megabytes.
fn megabytes(status: &str, name: &str) -> f64 {
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix(name)).and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.unwrap_or(0.0) * 1024.0 / 1e6
}

#[cfg(test)]
mod tests {
    use super::megabytes;

    #[test]
    fn kibibytes_become_megabytes() {
        assert!((megabytes("Name: x\nVmRSS:\t   50000 kB\n", "VmRSS:") - 51.2).abs() < 1e-9);
    }
}
