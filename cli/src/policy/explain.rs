//! `duban policy explain`.

use super::sources;
use crate::show::{Show, table};
use duban_contracts::Problem;
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
        let detail = format!("no pack has {rule:?} (`duban policy explain` without a rule lists them all, as pack/rule)");
        return Err(Problem::new(404, "no-such-rule", "There is no such rule", "没有这条规则").with_detail(detail).into());
    };
    show.print(&json!({ "rule": rule, "en": words.en, "zh": words.zh }), |_| format!("{}\n\n{}", words.zh, words.en))?;
    Ok(ExitCode::SUCCESS)
}

fn list(policy: &Policy, show: Show) -> anyhow::Result<()> {
    let rules: Vec<_> = policy
        .packs()
        .flat_map(|pack| {
            let duties = pack.duties.iter().map(|d| (format!("{}/{}", pack.id, d.id), d.article.clone(), true));
            let recurring = pack.recurring.iter().map(|d| (format!("{}/{}", pack.id, d.rule.id), d.rule.article.clone(), true));
            let declared = pack.declarations.stated().map(|d| (format!("{}/{}", pack.id, d.place()), d.article.clone(), false));
            duties.chain(recurring).chain(declared).collect::<Vec<_>>()
        })
        .collect();
    let listed: Vec<_> = rules.iter().map(|(rule, article, runs)| json!({ "rule": rule, "article": article, "runs": runs })).collect();
    show.print(&json!(listed), |_| {
        let mut rows = table(["rule", "article", "runs"]);
        for (rule, article, runs) in &rules {
            rows.add_row([rule.as_str(), article.as_str(), if *runs { "yes" } else { "no" }]);
        }
        rows.to_string()
    })
}
