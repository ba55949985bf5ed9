//! What each service holds, after all that was done to it.

use super::sheet::Sheet;
use super::stage::Theatre;
use anyhow::Context;

/// # Errors
/// When a process cannot be looked at.
pub fn measure(theatre: &mut Theatre, sheet: &mut Sheet) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut most: f64 = 0.0;
    for copy in theatre.stack.copies().filter(|copy| copy.is_started()) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", copy.process_id()))
            .with_context(|| format!("looking at {}", copy.service()))?;
        let (now, peak) = (megabytes(&status, "VmRSS:"), megabytes(&status, "VmHWM:"));
        most = most.max(peak);
        rows.push(vec![copy.service().to_owned(), format!("{now:.0}"), format!("{peak:.0}")]);
    }
    sheet.table("Memory of each service, MB", &["service".into(), "now".into(), "at its highest since it was started".into()], &rows);
    sheet.figure("highest memory of any service, MB", most);
    Ok(())
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
