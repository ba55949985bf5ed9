//! A folder of policies brought to an installation. The first set of an empty one is in force at once; every later one goes the way of all
//! changes: submitted, approved by whom the organisation names, announced, in force when every service holds it. Nothing here goes round that; it says
//! what has to be done.

use super::applied::{Applied, is_organisation};
use super::applying::Wanted;
use crate::gateway::Gateway;
use anyhow::Context;
use duban_contracts::policy::PolicySource;
use duban_policy::Source;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What there is to say about policies after a start; nothing if the files are those that were applied and nothing waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct News {
    /// What was given to the installation now: `organisation`, `packs`.
    pub given: Vec<&'static str>,
    /// Sets that are not in force yet.
    pub waiting: Vec<Waiting>,
}

/// A set that is not in force yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub version: i64,
    /// `submitted`: whom the organisation names must approve it; `announced`: approved, it waits for its time.
    pub state: String,
    pub submitted_by: String,
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub effective_from: Option<jiff::Timestamp>,
    /// Whose signatures it takes.
    #[serde(default)]
    pub wanted: Vec<Wanted>,
}

#[derive(Deserialize)]
struct Sets {
    sets: Vec<Waiting>,
}

/// Gives the gateway what differs from what it was given before.
///
/// # Errors
/// Files that do not compile (nothing of them is applied), or that the gateway does not answer.
pub async fn bring(gateway: &Gateway, sources: &[Source], before: &Applied) -> anyhow::Result<News> {
    let now = Applied::of(sources);
    let organisation = sources.iter().find(|source| is_organisation(source)).context("no organisation file among the packs")?;
    let sets: Sets = gateway.get("/v1/policies", &()).await?;
    let mut news = News::default();
    if sets.sets.is_empty() {
        organise(gateway, organisation).await?;
        submit(gateway, sources, "本系统的首套制度（the first set of this installation）").await?;
        return Ok(news);
    }
    // Packs first, with the organisation's bindings beside them: bindings may name a pack that is only now there.
    if now.packs != before.packs && !is_newest(gateway, &sets.sets, sources).await? {
        submit(gateway, sources, "制度目录中的文件有改动（changed files of the folder of policies）").await?;
        news.given.push("packs");
    }
    if now.organisation != before.organisation && !is_present(gateway, organisation).await? {
        organise(gateway, organisation).await?;
        news.given.push("organisation");
    }
    let sets: Sets = gateway.get("/v1/policies", &()).await?;
    news.waiting = sets.sets.into_iter().filter(|set| matches!(set.state.as_str(), "submitted" | "announced")).collect();
    Ok(news)
}

impl News {
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.waiting.is_empty()
    }

    /// For people: what was given, what is not in force yet, who does what about it where.
    pub fn told(&self, url: &str) -> String {
        let mut lines = Vec::new();
        if self.given.contains(&"organisation") {
            lines.push(
                "The organisation file has changed: units, posts and people are as it says now. 组织文件有变更，人员与岗位已更新。"
                    .to_owned(),
            );
        }
        if self.given.contains(&"packs") {
            lines.push("The packs have changed: they are submitted as a new set. 制度包有变更，已作为新版本提交。".to_owned());
        }
        lines.extend(self.waiting.iter().map(|set| set.told(url)));
        lines.join("\n")
    }
}

impl Waiting {
    fn told(&self, url: &str) -> String {
        let version = self.version;
        if self.state == "announced" {
            let from = self.effective_from.map(crate::show::instant).unwrap_or_default();
            return format!(
                "Policy set {version} is approved and NOT IN FORCE yet: it takes effect at {from}, once every service holds it. \
                 制度版本 {version} 已批准、尚未生效，将于 {from} 且各服务均已载入后生效。"
            );
        }
        let open: Vec<&Wanted> = self.wanted.iter().filter(|wanted| wanted.signed_by.is_none()).collect();
        let (zh, en): (Vec<&str>, Vec<&str>) = open.iter().map(|wanted| (wanted.title.zh.as_str(), wanted.title.en.as_str())).unzip();
        let by = &self.submitted_by;
        // Nobody's signature is wanted, and yet it waits: another set was announced.
        let (zh, en) = if open.is_empty() {
            ("有管理权限的人".to_owned(), "who administers".to_owned())
        } else {
            (zh.join("、"), en.join(" and "))
        };
        let who: Vec<String> = open.iter().map(|wanted| wanted.people.join(", ")).collect();
        let who = if who.iter().any(String::is_empty) {
            "nobody yet: the organisation file must give somebody else the post, or the right to administer / 暂无，请先在组织文件中授予他人该岗位或管理权限"
                .to_owned()
        } else {
            who.join("; ")
        };
        format!(
            "Policy set {version}, submitted by {by}, is NOT IN FORCE: it must be approved by {en} at {url}/policies. It takes effect a \
             minute after that, once every service holds it; until then the set before it goes on.\n\
             制度版本 {version}（{by} 提交）尚未生效：须由{zh}在 {url}/policies 批准，批准一分钟后且各服务均已载入时生效；此前沿用现行版本。\n  \
             may approve 可批准者: {who}"
        )
    }
}

async fn organise(gateway: &Gateway, organisation: &Source) -> anyhow::Result<()> {
    gateway.apply_organisation(&organisation.text).await.context("applying the organisation file").map(|_| ())
}

async fn submit(gateway: &Gateway, sources: &[Source], note: &str) -> anyhow::Result<()> {
    let set = json!({ "sources": sources, "note": note });
    let _: Value = gateway.send(Method::POST, "/v1/policies", &set).await.context("applying the packs")?;
    Ok(())
}

/// Whether the newest set that nobody has withdrawn has these packs already: a start that was cut off after submitting does not submit again.
async fn is_newest(gateway: &Gateway, sets: &[Waiting], sources: &[Source]) -> anyhow::Result<bool> {
    #[derive(Deserialize)]
    struct Whole {
        sources: Vec<PolicySource>,
    }
    let Some(newest) = sets.iter().filter(|set| set.state != "withdrawn").map(|set| set.version).max() else { return Ok(false) };
    let whole: Whole = gateway.get(&format!("/v1/policies/{newest}"), &()).await?;
    Ok(Applied::of(&whole.sources).packs == Applied::of(sources).packs)
}

/// Whether the file was applied last as it is.
async fn is_present(gateway: &Gateway, organisation: &Source) -> anyhow::Result<bool> {
    let shown: Value = gateway.get("/v1/organisation", &()).await?;
    Ok(shown["file"].as_str() == Some(organisation.text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_with_who_approves_it_where() {
        let waiting = |state: &str, approvers: &[&str]| Waiting {
            version: 7,
            state: state.into(),
            submitted_by: "admin".into(),
            note: String::new(),
            effective_from: Some("2026-03-02T01:00:00Z".parse().unwrap()),
            wanted: vec![Wanted {
                signer: "second person".into(),
                title: duban_policy::Title::new("另一人", "a second person"),
                people: approvers.iter().map(|who| (*who).to_owned()).collect(),
                signed_by: None,
            }],
        };
        let told = |set: Waiting| News { given: vec!["packs"], waiting: vec![set] }.told("http://duban");
        let submitted = told(waiting("submitted", &["li", "wang"]));
        for part in ["Policy set 7", "admin", "NOT IN FORCE", "http://duban/policies", "li, wang", "a second person", "尚未生效"] {
            assert!(submitted.contains(part), "{part} in {submitted}");
        }
        assert!(told(waiting("submitted", &[])).contains("nobody yet"));
        assert!(told(waiting("announced", &[])).contains("2026-03-02 09:00"));
        assert!(News::default().is_empty());
    }
}
