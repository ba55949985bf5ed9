//! `duban policy explain`.

use super::sources;
use crate::show::{Show, table};
use anyhow::Context;
use duban_contracts::Problem;
use duban_policy::Policy;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(rule: Option<&str>, unit: Option<&str>, at: Option<&str>, set: &Path, show: Show) -> anyhow::Result<ExitCode> {
    let policy = sources::compile(set)?;
    let Some(rule) = rule else {
        list(&policy, show)?;
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(unit) = unit
        && policy.tree().unit(unit).is_none()
    {
        let known: Vec<&str> = policy.tree().units().map(|unit| unit.code.as_str()).collect();
        let detail = format!("--unit: the organisation has no unit '{unit}'; it has {}", known.join(", "));
        return Err(Problem::new(404, "no-such-unit", "There is no such unit", "没有这个单位").with_detail(detail).into());
    }
    let at = at.map_or_else(|| Ok(Timestamp::now()), |at| instant(policy.zone(), at))?;
    let Some(words) = policy.explain(rule, unit, at) else {
        let detail = format!("no pack has {rule:?} (`duban policy explain` without a rule lists them all, as pack/rule)");
        return Err(Problem::new(404, "no-such-rule", "There is no such rule", "没有这条规则").with_detail(detail).into());
    };
    show.print(&json!({ "rule": rule, "en": words.en, "zh": words.zh }), |_| format!("{}\n\n{}", words.zh, words.en))?;
    Ok(ExitCode::SUCCESS)
}

/// RFC 3339, or a day or wall time of the organisation's zone.
fn instant(zone: &TimeZone, text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let wall: DateTime = text
        .parse()
        .with_context(|| format!("--at: '{text}' is neither RFC 3339 nor a day or wall time such as 2026-03-06 or 2026-03-06 18:40"))?;
    Ok(zone.to_ambiguous_timestamp(wall).compatible()?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_or_wall_time_is_of_the_organisations_zone() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let read = |text: &str| instant(&zone, text).map(|at| at.to_string());
        assert_eq!(read("2026-03-06T18:40:00+08:00").unwrap(), "2026-03-06T10:40:00Z");
        assert_eq!(read("2026-03-06 18:40").unwrap(), "2026-03-06T10:40:00Z");
        assert_eq!(read("2026-03-06").unwrap(), "2026-03-05T16:00:00Z");
        assert!(read("明天").unwrap_err().to_string().starts_with("--at: '明天'"));
    }
}
