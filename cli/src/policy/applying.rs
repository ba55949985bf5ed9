//! Packs on their way into force, from the command line: submitted, approved, withdrawn, gone back to, over the gateway's HTTP API.

use super::{diff, sources};
use crate::connection::Connection;
use crate::gateway::Gateway;
use crate::show::{Show, instant, table};
use duban_policy::Title;
use duban_policy::policy::Change;
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum Applying {
    /// Submit a set: all packs and calendars of a folder; with an organisation file, what of it binds packs.
    Submit {
        /// Folders and files of one set.
        #[arg(default_value = "policies")]
        paths: Vec<PathBuf>,
        /// What changes, and why.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Sign for a set that waits, with the token of whom the organisation names (--token).
    Approve { version: i64 },
    /// Take a set back that is not in force.
    Withdraw { version: i64 },
    /// Submit a version again that was in force; it is approved as every change is.
    Back {
        version: i64,
        #[arg(long, default_value = "")]
        note: String,
        /// Whose bindings, figures and players of roles: those of now, or of then.
        #[arg(long, default_value = "now", value_parser = ["now", "then"])]
        organisation: String,
    },
    /// Sets with their state, newest first: who submitted and signed, who holds them back.
    List,
    /// What a set changes for people, against the one in force unless another is named.
    Changes {
        version: i64,
        #[arg(long)]
        against: Option<i64>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Sets {
    in_force: Option<i64>,
    sets: Vec<Set>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Set {
    version: i64,
    state: String,
    note: String,
    submitted_by: String,
    submitted_at: Timestamp,
    approved_by: Option<String>,
    effective_from: Option<Timestamp>,
    withdrawn_by: Option<String>,
    as_of: Option<i64>,
    signatures: Vec<Value>,
    wanted: Vec<Wanted>,
    held_back_by: Vec<HeldBack>,
}

/// A signature that a set takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// A post, or `second person`.
    pub signer: String,
    pub title: Title,
    /// Who may give it.
    pub people: Vec<String>,
    /// Who has given it.
    #[serde(default)]
    pub signed_by: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct HeldBack {
    service: String,
    error: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Changes {
    version: i64,
    against: Option<i64>,
    #[serde(default)]
    touched: Vec<Value>,
    changes: Vec<Change>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Submitted {
    version: i64,
    state: String,
}

/// # Errors
/// The gateway's problem, files that cannot be read, or that the gateway cannot be reached.
pub async fn run(command: Applying, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let gateway = Gateway::new(connection.gateway_url()?, connection.admin_token()?)?;
    match command {
        Applying::Submit { paths, note } => {
            let set = json!({ "sources": sources::read(&paths)?, "note": note });
            let submitted: Submitted = gateway.send(Method::POST, "/v1/policies", &set).await?;
            show.print(&submitted, told)?;
        }
        Applying::Back { version, note, organisation } => {
            let back = json!({ "note": note, "organisation": organisation });
            let submitted: Submitted = gateway.send(Method::POST, &format!("/v1/policies/{version}/back"), &back).await?;
            show.print(&submitted, told)?;
        }
        Applying::Approve { version } => act(&gateway, version, "approve", show).await?,
        Applying::Withdraw { version } => act(&gateway, version, "withdraw", show).await?,
        Applying::List => {
            let sets: Sets = gateway.get("/v1/policies", &()).await?;
            show.print(&sets, listed)?;
        }
        Applying::Changes { version, against } => {
            let changes: Changes = gateway.get(&format!("/v1/policies/{version}/changes"), &json!({ "against": against })).await?;
            show.print(&changes, |shown| diff::people(&shown.changes))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Acts, and says how the set stands then.
async fn act(gateway: &Gateway, version: i64, act: &str, show: Show) -> anyhow::Result<()> {
    let _: Value = gateway.send(Method::POST, &format!("/v1/policies/{version}/{act}"), &json!({})).await?;
    let sets: Sets = gateway.get("/v1/policies", &()).await?;
    let in_force = sets.in_force;
    let sets = Sets { in_force, sets: sets.sets.into_iter().filter(|set| set.version == version).collect() };
    show.print(&sets, listed)
}

fn told(submitted: &Submitted) -> String {
    let what = match submitted.state.as_str() {
        "applied" => "it is in force: the first of this installation. 作为第一套制度已生效。",
        "announced" => "nobody else need sign: it is announced. 无须他人批准，已公告。",
        _ => "it waits for approval; `duban policy list` says whose. 待批准，由谁批准见 duban policy list。",
    };
    format!("{}: {what}", submitted.version)
}

fn listed(sets: &Sets) -> String {
    let mut rows = table(["version", "state", "submitted", "approved by", "in force from", "note"]);
    for set in &sets.sets {
        rows.add_row([
            set.version.to_string(),
            state(set, sets.in_force),
            format!("{} {}", set.submitted_by, instant(set.submitted_at)),
            approval(set),
            set.effective_from.map(instant).unwrap_or_default(),
            note(set),
        ]);
    }
    rows.to_string()
}

fn state(set: &Set, in_force: Option<i64>) -> String {
    if in_force == Some(set.version) {
        return "in force".to_owned();
    }
    let mut state = set.state.clone();
    if set.state == "announced" {
        for held in &set.held_back_by {
            state.push_str(&format!("\nheld back by {}: {}", held.service, held.error.as_deref().unwrap_or("no answer yet")));
        }
    }
    state
}

fn approval(set: &Set) -> String {
    if set.state != "submitted" {
        return set.approved_by.clone().unwrap_or_default();
    }
    let signature = |wanted: &Wanted| match &wanted.signed_by {
        Some(person) => format!("{}: signed by {person}", wanted.signer),
        None => format!(
            "waits for {}: {}",
            wanted.signer,
            if wanted.people.is_empty() { "nobody yet".to_owned() } else { wanted.people.join(", ") }
        ),
    };
    set.wanted.iter().map(signature).collect::<Vec<_>>().join("\n")
}

fn note(set: &Set) -> String {
    let back = set.as_of.map(|earlier| format!("back to version {earlier} 恢复到版本 {earlier}"));
    back.into_iter().chain((!set.note.is_empty()).then(|| set.note.clone())).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_whose_signature_a_set_waits_for_and_where_it_goes_back() {
        let wanted = |signer: &str, people: &[&str], signed_by: Option<&str>| Wanted {
            signer: signer.into(),
            title: Title::default(),
            people: people.iter().map(|person| (*person).to_owned()).collect(),
            signed_by: signed_by.map(str::to_owned),
        };
        let set = Set {
            version: 7,
            state: "submitted".into(),
            note: "the figure was wrong".into(),
            submitted_by: "admin".into(),
            submitted_at: "2026-03-02T01:00:00Z".parse().unwrap(),
            approved_by: None,
            effective_from: None,
            withdrawn_by: None,
            as_of: Some(3),
            signatures: Vec::new(),
            wanted: vec![wanted("MY/general-manager", &["li"], None), wanted("ME/general-manager", &[], Some("wang"))],
            held_back_by: Vec::new(),
        };
        let text = listed(&Sets { in_force: Some(6), sets: vec![set] });
        for part in ["waits for MY/general-manager: li", "ME/general-manager: signed by wang", "back to version 3", "the figure was wrong"]
        {
            let found = part.split(' ').all(|word| text.contains(word));
            assert!(found, "{part} in {text}");
        }
    }
}
