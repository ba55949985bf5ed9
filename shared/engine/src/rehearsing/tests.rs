//! What was made under a set of packs is made again when the same set is rehearsed over what happened.

use super::*;
use crate::simulate::{Line, Scenario, play_with_past};
use duban_policy::Source;
use duban_policy::organisation::Organisation;
use std::path::{Path, PathBuf};

struct Set {
    sources: Vec<Source>,
    policy: Policy,
    directory: Directory,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

fn set() -> Set {
    let policies = root().join("policies");
    let read = |file: PathBuf| Source {
        name: file.strip_prefix(&policies).unwrap().display().to_string(),
        text: std::fs::read_to_string(&file).unwrap(),
    };
    let sources: Vec<Source> = files(&policies).into_iter().chain(files(&policies.join("calendars"))).map(read).collect();
    let policy = Policy::compile(&sources).unwrap();
    let directory = sources.iter().find_map(|source| Organisation::parse(source).ok()).unwrap().directory(1);
    Set { sources, policy, directory }
}

fn scenario(set: &Set, file: &Path) -> Scenario {
    Scenario::parse(&std::fs::read_to_string(file).unwrap(), set.policy.zone()).unwrap()
}

/// As the timeline says. Missed is what was, and was given no more time and not done in time after all.
fn counted(lines: &[Line]) -> Counts {
    let count = |event: &str| i64::try_from(lines.iter().filter(|line| line.event == event).count()).unwrap();
    let mut missed: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for line in lines {
        let of = missed.entry((&line.about, &line.what)).or_default();
        match line.event.as_str() {
            "duty.breached" => *of += 1,
            "duty.withdrawn" => *of -= 1,
            "duty.extended" => *of = 0,
            _ => {}
        }
    }
    Counts { duties: count("duty.opened"), breaches: missed.into_values().sum(), alerts: count("alert.raised") }
}

/// Rehearses without what comes round: a scenario plays the rounds that it names alone. Its clock stands at whole seconds while things happen, each
/// some microseconds after the other.
fn rehearsed(policy: &Policy, directory: &Directory, scenario: &Scenario, past: &[Past], until: Timestamp) -> (Tally, i64) {
    let mut rehearsal = Rehearsal::new(policy, directory, BTreeSet::new(), scenario.start);
    rehearsal.rounds_until = Timestamp::MAX;
    for past in past.iter().cloned() {
        let now = Timestamp::from_second(past.at().as_second()).unwrap();
        rehearsal.take_at(past, now);
    }
    rehearsal.pass_to(until);
    let left_out = rehearsal.left_out;
    (rehearsal.finish(), left_out)
}

#[test]
fn what_the_scenarios_make_is_made_again_by_the_same_packs() {
    let set = set();
    let mut played = 0;
    for file in files(&root().join("scenarios")) {
        let scenario = scenario(&set, &file);
        // On trial nobody can acknowledge; and what comes round is played for one pack alone.
        if !scenario.recurring.is_empty() || !scenario.trials.is_empty() {
            continue;
        }
        let directory = scenario.organisation(&set.directory);
        let (lines, past) = play_with_past(&set.policy, &set.directory, &scenario).unwrap();
        let until = scenario.events.last().unwrap().at;
        let (tally, _) = rehearsed(&set.policy, &directory, &scenario, &past, until);
        assert_eq!(tally.in_all, counted(&lines), "{}", file.display());
        let of_posts = |of: fn(&Counts) -> i64| tally.posts.values().flat_map(BTreeMap::values).map(of).sum::<i64>();
        assert_eq!(of_posts(|counts| counts.duties), tally.in_all.duties, "{}", file.display());
        assert!(of_posts(|counts| counts.alerts) >= tally.in_all.alerts, "{}", file.display());
        played += 1;
    }
    assert!(played > 150, "{played} scenarios");
}

#[test]
fn a_shorter_term_makes_more_breaches_and_alerts_and_no_more_duties() {
    let set = set();
    let shorter: Vec<Source> = set
        .sources
        .iter()
        .map(|source| match source.name.as_str() {
            "store-complaints.toml" => Source { name: source.name.clone(), text: shorten(&source.text) },
            _ => source.clone(),
        })
        .collect();
    let draft = Policy::compile(&shorter).unwrap();
    let mut more = 0;
    for file in files(&root().join("scenarios")).into_iter().filter(|file| file.display().to_string().contains("store-complaints-in-time"))
    {
        let scenario = scenario(&set, &file);
        let (lines, past) = play_with_past(&set.policy, &set.directory, &scenario).unwrap();
        let until = scenario.events.last().unwrap().at;
        let (tally, _) = rehearsed(&draft, &set.directory, &scenario, &past, until);
        let real = counted(&lines);
        assert_eq!(tally.in_all.duties, real.duties, "{}", file.display());
        assert!(tally.in_all.breaches >= real.breaches && tally.in_all.alerts >= real.alerts, "{}", file.display());
        more += tally.in_all.breaches - real.breaches;
    }
    assert!(more > 0);
}

/// Closed within a day, not seven.
fn shorten(text: &str) -> String {
    text.replace("within = \"7d\"", "within = \"1d\"")
}

#[test]
fn weeks_begin_on_monday_by_the_organisations_wall() {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let week = |at: &str| monday(at.parse().unwrap(), &zone).to_string();
    assert_eq!(week("2026-03-01T15:59:59Z"), "2026-02-23");
    assert_eq!(week("2026-03-01T16:00:00Z"), "2026-03-02");
    assert_eq!(week("2026-03-08T15:59:59Z"), "2026-03-02");
}
