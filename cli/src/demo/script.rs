//! What is played: reports with the instants of domain time at which they come in, in order.

use crate::report::import;
use anyhow::{Context, bail};
use duban_contracts::report::Report;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// A play.
#[derive(Debug, Clone)]
pub struct Script {
    /// Domain time at which the clock is started.
    pub begins: Timestamp,
    pub entries: Vec<Entry>,
    /// How long the staff goes on after the last report.
    pub after: SignedDuration,
}

/// One report.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub at: Timestamp,
    pub key: String,
    /// `hotline` over NATS, `web` over HTTP.
    pub via: Via,
    pub report: Report,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    Hotline,
    Web,
}

impl Via {
    /// The producer's id.
    pub fn producer(self) -> &'static str {
        match self {
            Via::Hotline => "hotline",
            Via::Web => "web",
        }
    }
}

/// A line of `demo/reports.jsonl`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    key: String,
    /// Day of the play, from 1.
    day: i16,
    /// Wall-clock time in China.
    time: String,
    via: Via,
    report: Report,
}

/// Monday before the Qingming festival of 2026, whose holidays fall into the fortnight.
const FIRST_DAY: Date = Date::constant(2026, 3, 30);

impl Script {
    /// The written fortnight.
    ///
    /// # Errors
    /// With the line that cannot be read.
    pub fn written(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("reading {} (the demonstration is run from the project's folder)", file.display()))?;
        let zone = TimeZone::get("Asia/Shanghai")?;
        let mut entries = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let entry = written_entry(line, &zone).with_context(|| format!("{}, line {}", file.display(), number + 1))?;
            entries.push(entry);
        }
        let begins = FIRST_DAY.at(8, 0, 0, 0).to_zoned_datetime(zone)?.timestamp();
        Self::new(begins, entries, SignedDuration::from_hours(36))
    }

    /// Anybody's reports, by their own dates.
    ///
    /// # Errors
    /// With the line that is no report, or has no date.
    pub fn of_anyone(file: &Path, mapping: Option<&Path>) -> anyhow::Result<Self> {
        let mut entries = Vec::new();
        for mut mapped in import::reports_of(file, mapping, "web")? {
            let at = mapped.report.occurred_at.with_context(|| format!("the report {} has no date (occurred_at)", mapped.key))?;
            // It comes in when it happened: a clock of ours and one of theirs need not agree to the second.
            mapped.report.occurred_at = Some(at);
            let via = if mapped.report.channel == "phone" { Via::Hotline } else { Via::Web };
            entries.push(Entry { at, key: mapped.key, via, report: mapped.report });
        }
        entries.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.key.cmp(&b.key)));
        let begins = entries.first().map(|first| first.at).context("there are no reports in it")?;
        Self::new(begins, entries, SignedDuration::from_hours(48))
    }

    fn new(begins: Timestamp, mut entries: Vec<Entry>, after: SignedDuration) -> anyhow::Result<Self> {
        if entries.is_empty() {
            bail!("there are no reports to play");
        }
        entries.sort_by_key(|entry| entry.at);
        Ok(Self { begins, entries, after })
    }

    /// The last instant of the play.
    pub fn ends(&self) -> Timestamp {
        let last = self.entries.last().map_or(self.begins, |entry| entry.at);
        last.checked_add(self.after).unwrap_or(Timestamp::MAX)
    }

    /// How fast it must run to be over in `real`, when stretches longer than `quiet` are stepped over.
    pub fn factor_for(&self, real: Duration, quiet: SignedDuration) -> f64 {
        let instants = std::iter::once(self.begins).chain(self.entries.iter().map(|entry| entry.at)).chain(std::iter::once(self.ends()));
        let instants: Vec<Timestamp> = instants.collect();
        let lived: f64 = instants.windows(2).map(|pair| pair[1].duration_since(pair[0]).min(quiet).as_secs_f64()).sum();
        (lived / real.as_secs_f64()).max(1.0)
    }
}

fn written_entry(line: &str, zone: &TimeZone) -> anyhow::Result<Entry> {
    let line: Line = serde_json::from_str(line)?;
    let time: Time = line.time.parse().context("time")?;
    let day = FIRST_DAY.checked_add(jiff::Span::new().days(line.day - 1)).context("day")?;
    let at = day.to_datetime(time).to_zoned_datetime(zone.clone())?.timestamp();
    Ok(Entry { at, key: line.key, via: line.via, report: line.report })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn repository() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    #[test]
    fn the_written_fortnight_shows_what_it_is_to_show() {
        let script = Script::written(&repository().join("demo/reports.jsonl")).unwrap();
        assert!(script.entries.len() >= 120, "{}", script.entries.len());
        let keys: HashSet<&str> = script.entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys.len(), script.entries.len(), "a key stands twice");
        let reports = || script.entries.iter().map(|entry| &entry.report);
        assert!(reports().filter(|report| report.reporter.anonymous).count() >= 5);
        assert!(reports().filter(|report| report.follows.is_some()).count() >= 3);
        assert!(script.entries.iter().any(|entry| entry.via == Via::Hotline) && script.entries.iter().any(|entry| entry.via == Via::Web));
        // What comes by telephone comes through the hotline's producer, over NATS; the rest over HTTP.
        for entry in &script.entries {
            assert_eq!(entry.via == Via::Hotline, entry.report.channel == "phone", "{}", entry.key);
        }
        let with = |field: &str, values: &[&str]| {
            let has =
                |report: &&Report| report.fields.get(field).and_then(|value| value.as_str()).is_some_and(|value| values.contains(&value));
            reports().filter(has).count()
        };
        assert!(with("demand", &["return", "exchange"]) >= 10, "major ones");
        assert!(reports().any(|report| report.fields.contains_key("about_person")));
        let phones: Vec<&str> = reports().filter_map(|report| report.reporter.phone.as_deref()).collect();
        assert!(phones.iter().filter(|phone| phones.iter().filter(|other| other == phone).count() >= 3).count() >= 3, "nobody comes back");
        for follows in script.entries.iter().filter_map(|entry| entry.report.follows.as_deref()) {
            assert!(keys.contains(follows), "{follows} is followed and not there");
        }
        // The last reports come on the twelfth day, so that the fortnight also shows how they end.
        assert!(script.ends().duration_since(script.begins).as_hours() >= 11 * 24);
    }

    #[test]
    fn the_factor_leaves_out_what_is_stepped_over() {
        let at = |hours: i64| Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_hours(hours)).unwrap();
        let report = Report { channel: "web".into(), text: Some("x".into()), ..serde_json::from_str(r#"{"channel":"web"}"#).unwrap() };
        let entry = |hours| Entry { at: at(hours), key: hours.to_string(), via: Via::Web, report: report.clone() };
        let script = Script::new(at(0), vec![entry(1), entry(10_001)], SignedDuration::from_hours(1)).unwrap();
        let factor = script.factor_for(Duration::from_secs(3600), SignedDuration::from_hours(100));
        assert!((factor - 102.0).abs() < 1e-9, "{factor}");
    }

    #[test]
    fn real_complaints_come_in_at_their_real_dates() {
        let file = repository().join("../shared/data/cfpb-complaints.csv");
        if !file.exists() {
            eprintln!("\n*** SKIPPED: {} is not there, so nothing was tried on real complaints ***\n", file.display());
            return;
        }
        let script = Script::of_anyone(&file, Some(&repository().join("demo/cfpb.mapping.toml"))).unwrap();
        assert_eq!(script.entries.len(), 145);
        assert_eq!(script.begins.to_string(), "2012-05-17T13:00:00Z");
        assert_eq!(script.entries.iter().filter(|entry| entry.via == Via::Hotline).count(), 9);
        assert!(script.entries.iter().all(|entry| entry.report.text.is_some() && entry.report.fields.contains_key("company")));
    }
}
