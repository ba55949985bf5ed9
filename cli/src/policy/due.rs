//! `duban policy due`: one deadline with its steps, or thousands from standard input, so that another system can be checked against ours.

use super::sources;
use crate::exit;
use crate::show::{Show, table};
use anyhow::{Context, bail};
use duban_policy::Policy;
use duban_policy::calendar::{BadDuration, Calendar, Term};
use duban_policy::source::calendar::LooseCalendar;
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

#[derive(Debug, clap::Args)]
pub struct DueArguments {
    /// Name of a calendar of the set.
    #[arg(long, required_unless_present = "batch")]
    calendar: Option<String>,
    /// When it begins: RFC 3339, or a wall time such as '2026-03-06 18:40' in the calendar's zone.
    #[arg(long, required_unless_present = "batch")]
    start: Option<String>,
    /// How long: h d w mon run round the clock, wd wh wm ws in working time; or 'end of working day', '10:00 next day', 'by the 10th'.
    #[arg(long = "in", value_name = "TERM", required_unless_present = "batch")]
    term: Option<String>,
    /// Reads JSON Lines {"calendar": NAME or CALENDAR, "start": RFC 3339, "in": TERM} and answers {"due": …} or {"error": …}, a line each.
    #[arg(long, conflicts_with_all = ["calendar", "start", "term"])]
    batch: bool,
    /// Where the calendars are.
    #[arg(long, default_value = "policies")]
    set: PathBuf,
}

pub(super) fn run(arguments: &DueArguments, show: Show) -> anyhow::Result<ExitCode> {
    if arguments.batch {
        return batch(&arguments.set, &mut std::io::stdin().lock(), &mut std::io::stdout().lock());
    }
    let [Some(calendar), Some(start), Some(written)] = [&arguments.calendar, &arguments.start, &arguments.term] else {
        bail!("--calendar, --start and --in are needed");
    };
    let policy = sources::compile(&arguments.set)?;
    let found = named(&policy, calendar)?;
    let begun = instant(found, start)?;
    let term = term(written)?;
    let steps = found.steps(begun, term);
    let due = found.due(begun, term);
    let answer = json!({
        "calendar": calendar,
        "start": begun,
        "in": written,
        "due": (!due.ran_out).then_some(due.at),
        "steps": steps.iter().map(|step| json!({ "at": step.at, "zh": step.words.zh, "en": step.words.en })).collect::<Vec<_>>(),
    });
    show.print(&answer, |_| {
        let mut rows = table(["", "步骤", "step"]);
        for (nth, step) in steps.iter().enumerate() {
            rows.add_row([(nth + 1).to_string(), step.words.zh.clone(), step.words.en.clone()]);
        }
        rows.to_string()
    })?;
    Ok(if due.ran_out { ExitCode::from(exit::REFUSED) } else { ExitCode::SUCCESS })
}

/// A question of a batch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    calendar: Value,
    start: String,
    #[serde(rename = "in")]
    term: String,
}

/// Calendars that have been asked for: those of the set are read when the first is named, loose ones are built once.
struct Calendars<'a> {
    set: &'a Path,
    policy: Option<Policy>,
    loose: HashMap<String, Rc<Calendar>>,
}

/// Answers every line in its turn; one that cannot be answered says why and holds up none of the others.
fn batch(set: &Path, questions: &mut impl BufRead, answers: &mut impl Write) -> anyhow::Result<ExitCode> {
    let mut calendars = Calendars { set, policy: None, loose: HashMap::new() };
    let mut refused = false;
    for line in questions.lines() {
        let line = line.context("reading standard input")?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = match calendars.answer(&line) {
            Ok(due) => json!({ "due": due }),
            Err(error) => {
                refused = true;
                json!({ "error": format!("{error:#}") })
            }
        };
        writeln!(answers, "{answer}").context("writing the answer")?;
    }
    answers.flush().context("writing the answers")?;
    Ok(if refused { ExitCode::from(exit::REFUSED) } else { ExitCode::SUCCESS })
}

impl Calendars<'_> {
    fn answer(&mut self, line: &str) -> anyhow::Result<Timestamp> {
        let question: Question = serde_json::from_str(line)?;
        let term = term(&question.term)?;
        let start: Timestamp = question.start.parse().map_err(|_| anyhow::anyhow!("start: '{}' is not RFC 3339", question.start))?;
        let due = match question.calendar {
            Value::String(name) => {
                if self.policy.is_none() {
                    self.policy = Some(sources::compile(self.set)?);
                }
                let policy = self.policy.as_ref().context("no calendars")?;
                named(policy, &name)?.due(start, term)
            }
            written => self.loose(written)?.due(start, term),
        };
        if due.ran_out {
            bail!("{}", due.why_not().en);
        }
        Ok(due.at)
    }

    fn loose(&mut self, written: Value) -> anyhow::Result<Rc<Calendar>> {
        let key = written.to_string();
        if let Some(known) = self.loose.get(&key) {
            return Ok(known.clone());
        }
        let calendar: LooseCalendar = serde_json::from_value(written).context("calendar")?;
        let calendar = Rc::new(calendar.build().map_err(|problem| anyhow::anyhow!("calendar: {problem}"))?);
        self.loose.insert(key, calendar.clone());
        Ok(calendar)
    }
}

fn named<'a>(policy: &'a Policy, name: &str) -> anyhow::Result<&'a Calendar> {
    policy.calendar(name).with_context(|| {
        let known: Vec<&str> = policy.calendars().map(|calendar| calendar.name.as_str()).collect();
        format!("there is no calendar '{name}'; the set has {}", known.join(", "))
    })
}

fn term(text: &str) -> anyhow::Result<Term> {
    text.parse().map_err(|error: BadDuration| anyhow::anyhow!("in: {error}{}", also(&error)))
}

/// What else than a duration may be asked for.
fn also(error: &BadDuration) -> &'static str {
    match error {
        BadDuration::Unreadable(_) | BadDuration::Measure(..) => {
            "; or end of day, end of next working day, end of last working day, 10:00 next day, by the 10th (1st to 31st), before the 10th"
        }
        _ => "",
    }
}

fn instant(calendar: &Calendar, text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let wall: DateTime =
        text.parse().with_context(|| format!("start: '{text}' is neither RFC 3339 nor a wall time such as 2026-03-06 18:40"))?;
    Ok(calendar.instant(wall))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(questions: &str) -> Vec<Value> {
        let mut out = Vec::new();
        batch(Path::new("../policies"), &mut questions.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_batch_answers_each_line_and_says_what_is_wrong_with_one() {
        let answers = answers(
            r#"{"calendar": "cn", "start": "2026-03-06T18:40:00+08:00", "in": "2wh"}
{"calendar": {"zone": "Asia/Shanghai", "weekly": {"mon": [["00:00", "24:00"]]}}, "start": "2026-03-08T12:00:00+08:00", "in": "25wh"}
{"calendar": {"zone": "UTC", "weekly": {}, "special": {"2026-03-10": [["09:00", "17:00"]]}}, "start": "2026-03-01T00:00:00Z", "in": "2wh"}

{"calendar": "cm", "start": "2026-03-06T18:40:00+08:00", "in": "2wh"}
{"calendar": "cn", "start": "2026-03-06T18:40:00+08:00", "in": "2 fortnights"}
{"calendar": {"zone": "UTC"}, "start": "2026-03-06T18:40:00Z", "in": "1wh"}
{"calendar": "cn", "start": "tomorrow", "in": "1wh"}
{"calendar": "cn", "start": "2026-03-06T18:40:00Z", "in": "1mon", "zone": "UTC"}"#,
        );
        assert_eq!(answers[0], json!({ "due": "2026-03-09T03:00:00Z" }));
        assert_eq!(answers[1], json!({ "due": "2026-03-15T17:00:00Z" }));
        assert_eq!(answers[2], json!({ "due": "2026-03-10T11:00:00Z" }));
        let wrong: Vec<&str> = answers[3..].iter().map(|answer| answer["error"].as_str().unwrap()).collect();
        assert!(wrong[0].contains("no calendar 'cm'") && wrong[0].contains("cn"), "{wrong:?}");
        assert!(
            wrong[1].starts_with("in: ") && wrong[2].contains("not that much working time") && wrong[3].contains("tomorrow"),
            "{wrong:?}"
        );
        assert!(wrong[4].contains("zone"), "{wrong:?}");
        assert_eq!(wrong.len(), 5);
    }

    #[test]
    fn a_wall_time_is_read_in_the_calendars_zone() {
        let policy = sources::compile(Path::new("../policies")).unwrap();
        let cn = named(&policy, "cn").unwrap();
        assert_eq!(instant(cn, "2026-03-06 18:40").unwrap(), "2026-03-06T10:40:00Z".parse().unwrap());
        assert_eq!(instant(cn, "2026-03-06T18:40:00+08:00").unwrap(), "2026-03-06T10:40:00Z".parse().unwrap());
        assert!(instant(cn, "soon").is_err());
    }
}
