//! `duban case`: lists cases, and shows one with its timeline across services, as its asker may see it.

use crate::connection::Connection;
use crate::gateway::Gateway;
use crate::show::{Show, counted, instant, table};
use duban_contracts::case::{CaseDetail, CaseList, CaseListRequest, TimelineEntry};
use duban_contracts::delivery::DeliveryEvent;
use duban_contracts::duty::DutyEvent;
use duban_contracts::record::RecordEvent;
use serde::{Deserialize, Serialize};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum CaseCommand {
    /// The cases that the token's person may see, newest first.
    List(ListArguments),
    /// One case whole: what it is, who owes what by when, and everything that happened.
    Show {
        /// Number (TS-…) or id.
        case: String,
    },
}

#[derive(Debug, clap::Args)]
pub struct ListArguments {
    /// Code of a unit, e.g. BJ01.
    #[arg(long)]
    unit: Option<String>,
    /// A kind by its id in the pack, e.g. complaint.
    #[arg(long)]
    kind: Option<String>,
    /// A stage by its id in the pack.
    #[arg(long)]
    stage: Option<String>,
    /// A severity by its id in the pack, e.g. major.
    #[arg(long)]
    severity: Option<String>,
    /// Without it, all of them.
    #[arg(long, value_parser = ["open", "closed", "unsorted", "mine", "major", "master", "attached"])]
    state: Option<String>,
    /// Part of a number or title.
    #[arg(long)]
    search: Option<String>,
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
}

/// What the gateway gathers of a case from all services.
#[derive(Debug, Serialize, Deserialize)]
pub struct CaseWhole {
    pub detail: CaseDetail,
    #[serde(default)]
    pub timeline: Vec<TimelineEntry>,
    #[serde(default)]
    pub duties: Vec<DutyEvent>,
    #[serde(default)]
    pub deliveries: Vec<DeliveryEvent>,
    #[serde(default)]
    pub records: Vec<RecordEvent>,
    /// Services that did not answer: their part is missing.
    #[serde(default)]
    pub unavailable: Vec<String>,
}

/// # Errors
/// The gateway's problem, or that it cannot be reached.
pub async fn run(command: CaseCommand, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let gateway = Gateway::new(connection.gateway_url()?, connection.viewer_token()?)?;
    match command {
        CaseCommand::List(arguments) => {
            let filter = CaseListRequest {
                pack: None,
                unit: arguments.unit,
                kind: arguments.kind,
                stage: arguments.stage,
                severity: arguments.severity,
                state: arguments.state,
                search: arguments.search,
                before: None,
                limit: Some(arguments.limit),
            };
            show.print(&gateway.cases(&filter).await?, listed)?;
        }
        CaseCommand::Show { case } => {
            let whole: CaseWhole = gateway.get(&format!("/v1/cases/{case}"), &()).await?;
            show.print(&whole, told)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(list: &CaseList) -> String {
    let mut rows = table(["number", "unit", "kind", "severity", "stage", "handler", "registered"]);
    for case in &list.cases {
        rows.add_row([
            case.number.clone(),
            case.unit.clone(),
            case.kind_title_zh.clone(),
            case.severity.clone(),
            case.stage_title_zh.clone(),
            case.handler.clone().unwrap_or_default(),
            instant(case.registered_at),
        ]);
    }
    let shown = i64::try_from(list.cases.len()).unwrap_or(i64::MAX);
    let total = counted(list.total, "case", "cases");
    if shown == list.total { format!("{rows}\n{total}") } else { format!("{rows}\n{shown} of {total}") }
}

fn state_of(duty: &DutyEvent) -> String {
    if duty.trial { format!("{} (on trial)", duty.state) } else { duty.state.clone() }
}

fn told(whole: &CaseWhole) -> String {
    let case = &whole.detail.summary;
    let mut text = format!(
        "{}  {} / {}\nstage {} / {}   severity {}   unit {}",
        case.number, case.title_zh, case.title, case.stage_title_zh, case.stage_title, case.severity, case.unit
    );
    if let Some(handler) = &case.handler {
        text.push_str(&format!("   handler {handler}"));
    }
    if case.returns > 0 {
        text.push_str(&format!("   returned {}", case.returns));
    }
    if case.carries > 0 {
        text.push_str(&format!("   master of {}", case.carries));
    }
    for link in &whole.detail.links {
        text.push_str(&format!("\n{} {}", link.sort.replace('_', " "), link.number));
    }
    if let Some(report) = &whole.detail.report {
        text.push_str(&format!("\n\n{}\n{}", report.subject.as_deref().unwrap_or_default(), report.text.as_deref().unwrap_or_default()));
    }
    if !whole.duties.is_empty() {
        let mut rows = table(["duty", "owed by", "due", "state", "article"]);
        for duty in &whole.duties {
            rows.add_row([duty.title_zh.clone(), duty.owed_by.clone(), instant(duty.due_at), state_of(duty), duty.article.clone()]);
        }
        text.push_str(&format!("\n\n{rows}"));
    }
    let mut rows = table(["time", "event", "what", "by"]);
    for entry in &whole.timeline {
        rows.add_row([instant(entry.at), entry.event.clone(), entry.text_zh.clone(), entry.by.clone()]);
    }
    text.push_str(&format!("\n\n{rows}"));
    for service in &whole.unavailable {
        text.push_str(&format!("\n{service} does not answer: its part is missing"));
    }
    text
}
