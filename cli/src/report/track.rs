//! `duban report track`.

use crate::connection::Connection;
use crate::gateway::Gateway;
use crate::show::{Show, instant};
use std::process::ExitCode;

pub(super) async fn run(code: &str, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let status = Gateway::new(connection.gateway_url()?, "")?.track(code).await?;
    show.print(&status, |status| match &status.case {
        None => format!("state: {}", status.state),
        Some(case) => {
            let due = case.due.map(|due| format!(", due {}", instant(due))).unwrap_or_default();
            format!("state: {}\ncase {}: {} / {}{due}", status.state, case.number, case.stage, case.stage_zh)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
