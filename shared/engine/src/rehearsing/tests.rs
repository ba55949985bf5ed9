//! What was made under a set of packs is made again when the same set is rehearsed over what happened.

use super::*;
use crate::simulate::{Line, Scenario, play_with_past};
use duban_policy::Source;
use duban_policy::organisation::Organisation;
use std::path::{Path, PathBuf};

struct Set {
    sources: Vec<Source>,
    policy: Arc<Policy>,
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
    let policy = Arc::new(Policy::compile(&sources).unwrap());
    let directory = sources.iter().find_map(|source| Organisation::parse(source).ok()).unwrap().directory(1);
    Set { sources, policy, directory }
}

impl Set {
    /// With some text of one file replaced, which must stand there.
    fn draft(&self, file: &str, from: &str, to: &str) -> Policy {
        let mut sources = self.sources.clone();
        let source = sources.iter_mut().find(|source| source.name == file).unwrap();
        assert!(source.text.contains(from), "{from}");
        source.text = source.text.replace(from, to);
        Policy::compile(&sources).unwrap()
    }
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

/// Rehearses without what comes round: a scenario plays the rounds that it names alone. As there, what falls due within a second comes before what
/// is done in it, whichever is some microseconds ahead.
fn rehearsed(set: &Set, draft: &Policy, scenario: &Scenario, past: &[Past], until: Timestamp) -> (Tally, i64) {
    let directory = scenario.organisation(&set.directory);
    let then = Box::new(|_| Some(set.policy.clone()));
    let mut rehearsal = Rehearsal::new(draft, &directory, then, BTreeSet::new(), scenario.start);
    rehearsal.rounds_until = Timestamp::MAX;
    for past in past.iter().cloned() {
        let now = Timestamp::new(past.at().as_second(), 999_999_999).unwrap();
        rehearsal.take_at(past, now);
    }
    let left_out = rehearsal.left_out;
    (rehearsal.finish_at(until, || true).unwrap(), left_out)
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
        let (lines, past) = play_with_past(&set.policy, &set.directory, &scenario).unwrap();
        let until = scenario.events.last().unwrap().at;
        let (tally, _) = rehearsed(&set, &set.policy, &scenario, &past, until);
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
    let draft = set.draft("store-complaints.toml", "value = \"7d\"", "value = \"1d\"");
    let mut more = 0;
    for file in files(&root().join("scenarios")).into_iter().filter(|file| file.display().to_string().contains("store-complaints-in-time"))
    {
        let scenario = scenario(&set, &file);
        let (lines, past) = play_with_past(&set.policy, &set.directory, &scenario).unwrap();
        let until = scenario.events.last().unwrap().at;
        let (tally, _) = rehearsed(&set, &draft, &scenario, &past, until);
        let real = counted(&lines);
        assert_eq!(tally.in_all.duties, real.duties, "{}", file.display());
        assert!(tally.in_all.breaches >= real.breaches && tally.in_all.alerts >= real.alerts, "{}", file.display());
        more += tally.in_all.breaches - real.breaches;
    }
    assert!(more > 0);
}

#[test]
fn a_draft_that_takes_more_for_major_asks_of_those_what_is_asked_of_major_ones() {
    let set = set();
    // What is demanded of the manufacturer, and now whatever comes by telephone.
    let draft =
        set.draft("car-dealer-complaints.toml", "  { to = \"manufacturer\" },", "  { to = \"manufacturer\" },\n  { channel = \"phone\" },");
    let scenario = scenario(&set, &root().join("scenarios/car-dealer-complaints-in-time.toml"));
    let (lines, past) = play_with_past(&set.policy, &set.directory, &scenario).unwrap();
    assert!(lines.iter().any(|line| line.event == "case.registered" && line.says.ends_with("ordinary")), "{lines:?}");
    let until = scenario.events.last().unwrap().at;
    let (tally, _) = rehearsed(&set, &draft, &scenario, &past, until);
    let real = counted(&lines);
    assert!(tally.in_all.duties > real.duties && tally.in_all.alerts > real.alerts, "{:?} {real:?}", tally.in_all);

    // One whose severity a person has set, or that hung on more than its events say, stays as it was.
    let set_by_hand = |past: &Past| match past {
        Past::Event(event) if event.name().starts_with("case.") => {
            let mut facts: serde_json::Value = event.parse().unwrap();
            facts["severity"] = "major".into();
            Past::Event(Event { body: facts.to_string().into_bytes(), ..event.clone() })
        }
        other => other.clone(),
    };
    let as_major: Vec<Past> = past.iter().map(set_by_hand).collect();
    let (by_hand, _) = rehearsed(&set, &set.policy, &scenario, &as_major, until);
    assert_eq!(by_hand.in_all.duties, tally.in_all.duties);
}

#[test]
fn weeks_begin_on_monday_by_the_organisations_wall() {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let week = |at: &str| monday(at.parse().unwrap(), &zone).to_string();
    assert_eq!(week("2026-03-01T15:59:59Z"), "2026-02-23");
    assert_eq!(week("2026-03-01T16:00:00Z"), "2026-03-02");
    assert_eq!(week("2026-03-08T15:59:59Z"), "2026-03-02");
}
