//! Packs on their way into force, from the command line: submitted, approved, withdrawn, gone back to, over the gateway's HTTP API.

use super::{diff, sources};
use crate::connection::Connection;
use crate::gateway::Gateway;
use crate::show::{Show, instant, table};
use duban_contracts::case::CaseSummary;
use duban_contracts::policy::{Foreseen, ForeseenStage};
use duban_contracts::{FieldError, Problem};
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
        /// What it corrects, for open matters too: calendar.NAME, calendars (all that change), PACK/RULE, PACK/kind.KIND; several times if need be.
        #[arg(long, value_name = "PLACE")]
        corrects: Vec<String>,
    },
    /// Sign for a set that waits, with the token of whom the organisation names (--token).
    Approve {
        version: i64,
        /// Of a correction: the digest of the list of what it changes, as `changes` shows it.
        #[arg(long, value_name = "DIGEST")]
        list: Option<String>,
    },
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
        /// As of `submit`.
        #[arg(long, value_name = "PLACE")]
        corrects: Vec<String>,
    },
    /// Sets with their state, newest first: who submitted and signed, who holds them back.
    List,
    /// What a set changes for people, against the one in force unless another is named; of a correction that waits also every open duty that
    /// would change.
    Changes {
        version: i64,
        #[arg(long)]
        against: Option<i64>,
        /// List the duties again: what was listed some time ago is not what would change now.
        #[arg(long)]
        again: bool,
        /// So many duties at most; all are counted.
        #[arg(long, default_value_t = 1_000)]
        most: usize,
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
    #[serde(default)]
    corrects: Vec<String>,
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
    /// Of a correction that waits: the open duties that would change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    foreseen: Option<Foreseen>,
    /// The open cases that a corrected kind reaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cases: Vec<ReachedCases>,
    /// Why those are not listed, if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cases_missing: Option<Problem>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ForeseenShown {
    foreseen: Option<Foreseen>,
    #[serde(default)]
    cases: Vec<ReachedCases>,
    #[serde(default)]
    cases_missing: Option<Problem>,
}

/// As the gateway shows them.
#[derive(Debug, Serialize, Deserialize)]
struct ReachedCases {
    of: String,
    total: i64,
    cases: Vec<CaseSummary>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Submitted {
    version: i64,
    state: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<FieldError>,
}

/// # Errors
/// The gateway's problem, files that cannot be read, or that the gateway cannot be reached.
pub async fn run(command: Applying, connection: &Connection, show: Show) -> anyhow::Result<ExitCode> {
    let gateway = Gateway::new(connection.gateway_url()?, connection.admin_token()?)?;
    match command {
        Applying::Submit { paths, note, corrects } => {
            let set = json!({ "sources": sources::read(&paths)?, "note": note, "corrects": corrects });
            let submitted: Submitted = gateway.send(Method::POST, "/v1/policies", &set).await?;
            show.print(&submitted, told)?;
        }
        Applying::Back { version, note, organisation, corrects } => {
            let back = json!({ "note": note, "organisation": organisation, "corrects": corrects });
            let submitted: Submitted = gateway.send(Method::POST, &format!("/v1/policies/{version}/back"), &back).await?;
            show.print(&submitted, told)?;
        }
        Applying::Approve { version, list } => {
            let act_with = list.map_or_else(|| "approve".to_owned(), |list| format!("approve?list={list}"));
            act(&gateway, version, &act_with, show).await?;
        }
        Applying::Withdraw { version } => act(&gateway, version, "withdraw", show).await?,
        Applying::List => {
            let sets: Sets = gateway.get("/v1/policies", &()).await?;
            show.print(&sets, listed)?;
        }
        Applying::Changes { version, against, again, most } => {
            let mut changes: Changes = gateway.get(&format!("/v1/policies/{version}/changes"), &json!({ "against": against })).await?;
            let shown = foreseen(&gateway, version, again, most).await?;
            (changes.foreseen, changes.cases, changes.cases_missing) = (shown.foreseen, shown.cases, shown.cases_missing);
            show.print(&changes, |shown| {
                let listed = shown.foreseen.as_ref().map(foreseen_in_words);
                let reached = shown.cases.iter().map(|reached| reached_in_words(reached, most));
                let missing = shown.cases_missing.as_ref().map(|why| {
                    format!("适用更正的案件暂时无法列出 The cases that follow cannot be listed: {} {}", why.title_zh, why.title)
                });
                Some(diff::people(&shown.changes)).into_iter().chain(listed).chain(reached).chain(missing).collect::<Vec<_>>().join("\n\n")
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How long a list may take to be made.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// The list of what a correction would change, once it is done, page after page.
async fn foreseen(gateway: &Gateway, version: i64, again: bool, most: usize) -> anyhow::Result<ForeseenShown> {
    let path = format!("/v1/policies/{version}/foreseen");
    let page = async |again: bool, after: Option<&str>| -> anyhow::Result<ForeseenShown> {
        gateway.get(&path, &json!({ "again": again, "after": after, "limit": 100 })).await
    };
    let began = std::time::Instant::now();
    let mut shown = page(again, None).await?;
    while shown.foreseen.as_ref().is_some_and(|list| list.state == "looking") && began.elapsed() < PATIENCE {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        shown = page(false, None).await?;
    }
    let Some(list) = &mut shown.foreseen else { return Ok(shown) };
    while let Some(after) = list.next.take().filter(|_| list.changes.len() < most) {
        let Some(further) = page(false, Some(&after)).await?.foreseen else { break };
        list.changes.extend(further.changes);
        list.next = further.next;
    }
    list.changes.truncate(most);
    Ok(shown)
}

/// Which cases go on by a corrected kind's new steps.
fn reached_in_words(reached: &ReachedCases, most: usize) -> String {
    let ReachedCases { of, total, cases } = reached;
    let head = format!("{of}: 未结案件 {total} 件按新的步骤办理 open cases that go on by the new steps");
    if cases.is_empty() {
        return head;
    }
    let mut rows = table(["number", "stage", "case"]);
    for case in cases.iter().take(most) {
        rows.add_row([case.number.clone(), format!("{} {}", case.stage_title_zh, case.stage_title), case.title_zh.clone()]);
    }
    format!("{head}\n{rows}")
}

fn foreseen_in_words(list: &Foreseen) -> String {
    let head = match (&list.digest, list.fault.as_deref()) {
        (Some(digest), _) => format!(
            "未了结事项 open duties: {} looked at, {} change, {} stay because it cannot be told (变更 {} 项)\nlist 清单: {digest}",
            list.looked, list.moved, list.left, list.moved
        ),
        (None, Some(fault)) => format!("the list cannot be made 无法列出: {fault}"),
        (None, None) => format!("the list is still being made 清单正在生成: {}", list.looked),
    };
    if list.changes.is_empty() {
        return head;
    }
    let mut rows = table(["duty", "by", "due", "post", "told"]);
    let both = |before: String, after: String| if before == after { before } else { format!("{before} → {after}") };
    for change in &list.changes {
        rows.add_row([
            format!("{}\n{}", change.title_zh, change.title),
            change.of.clone(),
            both(instant(change.due_before), instant(change.due_after)),
            both(change.owed_before.clone(), change.owed_after.clone()),
            change.stages.iter().map(stage_in_words).collect::<Vec<_>>().join("\n"),
        ]);
    }
    format!("{head}\n{rows}")
}

/// A reminder or rung that would change.
fn stage_in_words(stage: &ForeseenStage) -> String {
    let what = stage.rung.map_or_else(|| "提醒 reminder".to_owned(), |rung| format!("第{rung}级 rung {rung}"));
    let told = |at: Option<Timestamp>, told: &[String], is_new: bool| {
        let at = at.map_or_else(|| "—".to_owned(), instant);
        if is_new && !told.is_empty() { format!("{at} {}", told.join(", ")) } else { at }
    };
    let others = stage.told_before != stage.told_after;
    format!("{what}: {} → {}", told(stage.at_before, &stage.told_before, others), told(stage.at_after, &stage.told_after, others))
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
    let remark = |remark: &FieldError| {
        let place = remark.field.trim_start_matches('/');
        format!("\n{place}\n  {} {}\n  {} {}", remark.wrong_zh, remark.expected_zh, remark.wrong, remark.expected)
    };
    format!("{}: {what}{}", submitted.version, submitted.remarks.iter().map(remark).collect::<String>())
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
            // In the first minute after an announcement every service is still asked.
            state.push_str(&match &held.error {
                Some(error) => format!("\nheld back by {}: {error}", held.service),
                None => format!("\nwaits for {}", held.service),
            });
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
    let corrects = (!set.corrects.is_empty()).then(|| format!("corrects 更正 {}", set.corrects.join(", ")));
    back.into_iter().chain(corrects).chain((!set.note.is_empty()).then(|| set.note.clone())).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use duban_contracts::policy::ForeseenChange;

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
            corrects: vec!["calendar.cn".into()],
            signatures: Vec::new(),
            wanted: vec![wanted("MY/general-manager", &["li"], None), wanted("ME/general-manager", &[], Some("wang"))],
            held_back_by: Vec::new(),
        };
        let text = listed(&Sets { in_force: Some(6), sets: vec![set] });
        for part in [
            "waits for MY/general-manager: li",
            "ME/general-manager: signed by wang",
            "back to version 3",
            "the figure was wrong",
            "corrects calendar.cn",
        ] {
            let found = part.split(' ').all(|word| text.contains(word));
            assert!(found, "{part} in {text}");
        }
    }

    #[test]
    fn the_list_of_a_correction_says_due_time_post_and_stages_and_its_digest() {
        let at = |time: &str| time.parse().unwrap();
        let change = ForeseenChange {
            duty: uuid::Uuid::nil(),
            pack: "desk".into(),
            rule: "answer".into(),
            title: "Answer".into(),
            title_zh: "答复".into(),
            unit: "HQ".into(),
            of: "desk/answer".into(),
            due_before: at("2026-03-09T02:00:00Z"),
            due_after: at("2026-03-11T02:00:00Z"),
            owed_before: "HQ/clerk".into(),
            owed_after: "HQ/head".into(),
            stages: vec![ForeseenStage {
                rung: Some(2),
                at_before: Some(at("2026-03-10T02:00:00Z")),
                at_after: None,
                told_before: vec!["HQ/boss".into()],
                told_after: Vec::new(),
            }],
        };
        let list = Foreseen {
            version: 7,
            against: 6,
            state: "done".into(),
            fault: None,
            looked: 40,
            moved: 1,
            left: 3,
            digest: Some("5af0".into()),
            taken_at: at("2026-03-04T02:00:00Z"),
            changes: vec![change],
            next: None,
        };
        let text = foreseen_in_words(&list);
        for part in
            ["40 looked at", "1 change", "3 stay", "5af0", "2026-03-09", "2026-03-11", "HQ/clerk", "HQ/head", "第2级", "HQ/boss", "—"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        let failed = Foreseen { state: "failed".into(), digest: None, fault: Some("it is gone".into()), changes: Vec::new(), ..list };
        assert!(foreseen_in_words(&failed).contains("it is gone"));
    }
}
