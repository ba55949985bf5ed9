//! The last words of a demonstration.

use super::board::{self, Counts};
use super::breaches::Breaches;
use super::cast::Tally;
use super::sending::Played;
use crate::show::{Show, counted};
use serde_json::json;

/// Prints it. True if every report that was played is registered, and nothing was late for want of machine.
pub(super) fn print(
    counts: &Counts,
    played: &Played,
    tally: Option<Tally>,
    breaches: Option<&Breaches>,
    show: Show,
) -> anyhow::Result<bool> {
    let registered = counts.registered + counts.supplements;
    let all_registered = played.refused.is_empty() && registered >= i64::try_from(played.accepted)?;
    let whole = all_registered && breaches.is_none_or(|breaches| breaches.by_machine.is_empty());
    let said = json!({ "whole": whole, "played": played, "counts": counts, "staff": tally, "breaches": breaches });
    show.print(&said, |_| {
        let mut text = format!(
            "\n{} accepted ({} with something to put right), {} that are owed regularly handed in by the staff; \
             {} registered as cases, {} joined a case\n{}",
            counted(played.accepted, "report", "reports"),
            played.with_warnings,
            tally.as_ref().map_or(0, |tally| tally.handed_in),
            counts.registered,
            counts.supplements,
            board::table(counts),
        );
        if let Some(tally) = &tally {
            text.push_str(&format!(
                "\nthe scripted staff made {} and acknowledged {}; {} refused",
                counted(tally.acts, "act", "acts"),
                counted(tally.acknowledged, "alert", "alerts"),
                counted(tally.refused, "act was", "acts were")
            ));
            for (why, count) in &tally.refusals {
                text.push_str(&format!("\n  {count} × {why}"));
            }
        }
        if let Some(breaches) = breaches {
            text.push_str(&format!("\n{}", breaches.told()));
        }
        if !all_registered {
            text.push_str(&format!("\nNOT EVERY REPORT WAS REGISTERED: {registered} of {}", played.accepted + played.refused.len()));
        }
        text
    })?;
    if show.json {
        return Ok(whole);
    }
    played.must_be_whole()?;
    Ok(whole)
}
