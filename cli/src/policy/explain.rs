//! `duban policy explain`.

use super::sources;
use crate::exit;
use crate::show::{Show, table};
use duban_policy::Policy;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(rule: Option<&str>, unit: Option<&str>, at: Option<jiff::Timestamp>, set: &Path, show: Show) -> anyhow::Result<ExitCode> {
    let policy = sources::compile(set)?;
    let Some(rule) = rule else {
        list(&policy, show)?;
        return Ok(ExitCode::SUCCESS);
    };
    let Some(words) = policy.explain(rule, unit, at.unwrap_or_else(jiff::Timestamp::now)) else {
        eprintln!("duban: there is no rule {rule:?}, or several packs have one; `duban policy explain` lists them as pack/rule");
        return Ok(ExitCode::from(exit::REFUSED));
    };
    show.print(&json!({ "rule": rule, "en": words.en, "zh": words.zh }), |_| format!("{}\n\n{}", words.zh, words.en))?;
    Ok(ExitCode::SUCCESS)
}

fn list(policy: &Policy, show: Show) -> anyhow::Result<()> {
    let rules: Vec<_> = policy
        .packs()
        .flat_map(|pack| {
            let duties = pack.duties.iter().map(|d| (format!("{}/{}", pack.id, d.id), d.article.clone()));
            let recurring = pack.recurring.iter().map(|d| (format!("{}/{}", pack.id, d.rule.id), d.rule.article.clone()));
            duties.chain(recurring).collect::<Vec<_>>()
        })
        .collect();
    show.print(&json!(rules.iter().map(|(rule, article)| json!({ "rule": rule, "article": article })).collect::<Vec<_>>()), |_| {
        let mut rows = table(["rule", "article"]);
        for (rule, article) in &rules {
            rows.add_row([rule.clone(), article.clone().to_string()]);
        }
        rows.to_string()
    })
}
