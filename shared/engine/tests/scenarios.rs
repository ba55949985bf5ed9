//! The scenarios of the shipped packs: each gives the timeline that it promises, and each rule that runs is shown by one that changes when
//! the rule is taken out.
//!
//! `scenarios/shown.csv` says by which. `DUBAN_WRITE=1` finds out anew which scenario shows which rule; what none shows stays empty, and is
//! a gap to be closed.

use duban_engine::simulate::{Line, Scenario, compared, gives, play};
use duban_policy::directory::Directory;
use duban_policy::organisation::Organisation;
use duban_policy::{Policy, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)
}

fn gather(folder: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push(Source { name: path.file_name().unwrap().to_string_lossy().into_owned(), text });
        }
    }
}

struct World {
    policy: Policy,
    directory: Directory,
    /// By the name of the file, without its ending.
    scenarios: BTreeMap<String, Scenario>,
}

impl World {
    fn shipped() -> Self {
        let mut sources = Vec::new();
        gather(&root("policies"), &mut sources);
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        let policy = Policy::compile(&sources).unwrap();
        let organisation = sources.iter().find(|source| source.name == "organisation.toml").unwrap();
        let directory = Organisation::parse(organisation).unwrap().directory(1);
        let mut files = Vec::new();
        gather(&root("scenarios"), &mut files);
        let read = |file: Source| {
            let scenario = Scenario::parse(&file.text, policy.zone()).unwrap_or_else(|fault| panic!("{}: {fault}", file.name));
            (file.name.trim_end_matches(".toml").to_owned(), scenario)
        };
        let scenarios = files.into_iter().map(read).collect();
        Self { policy, directory, scenarios }
    }

    fn played(&self, policy: &Policy, scenario: &Scenario) -> Result<Vec<String>, String> {
        let lines: Vec<Line> = play(policy, &self.directory, scenario).map_err(|stopped| stopped.to_string())?;
        Ok(lines.iter().map(|line| line.written(policy.zone())).collect())
    }

    /// Whether the scenario gives something else than it promises, or cannot be played, by this set.
    fn differs(&self, name: &str, policy: &Policy) -> bool {
        let scenario = &self.scenarios[name];
        let expected = scenario.expected.as_deref().unwrap_or_default();
        !gives(policy, &self.directory, scenario, expected).unwrap_or(false)
    }

    /// (pack, place) of everything that carries a rule of the regulations and runs, with the set without it.
    fn running(&self) -> impl Iterator<Item = ((String, String), Policy)> {
        let covered = self.policy.coverage().into_iter().filter(|covered| covered.runs);
        let places: BTreeSet<(String, String)> = covered.filter_map(|covered| Some((covered.pack, covered.rule?))).collect();
        // The pack's own head is metadata.
        let places = places.into_iter().filter(|(_, place)| place != "pack");
        places.filter_map(|(pack, place)| self.policy.without(&pack, &place).map(|policy| ((pack, place), policy)))
    }
}

#[test]
fn every_scenario_gives_the_timeline_that_it_promises() {
    let world = World::shipped();
    let mut wrong = Vec::new();
    for (name, scenario) in &world.scenarios {
        let expected = scenario.expected.as_deref().unwrap_or_else(|| panic!("{name} promises nothing"));
        let came = world.played(&world.policy, scenario).unwrap_or_else(|stopped| panic!("{name}: {stopped}"));
        if let Some((line, expected, came)) = compared(expected, &came) {
            wrong.push(format!("{name}, line {line}:\n  expected {expected}\n  came     {came}"));
        } else if world.differs(name, &world.policy) {
            wrong.push(format!("{name} is called different though it is not"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_regulation_has_a_scenario() {
    let world = World::shipped();
    let played: BTreeSet<&str> = world.scenarios.values().map(|scenario| scenario.pack.as_str()).collect();
    let without: Vec<&str> = world.policy.packs().map(|pack| pack.id.as_str()).filter(|pack| !played.contains(pack)).collect();
    assert!(without.is_empty(), "no scenario plays {without:?}");
}

/// The life of each regulation, good and bad: done in time and late, forgotten until it has climbed to the top, paused, and taken up again.
#[test]
fn the_scenarios_of_every_regulation_play_its_whole_life() {
    let world = World::shipped();
    for pack in world.policy.packs() {
        let of_it = world.scenarios.values().filter(|scenario| scenario.pack == pack.id);
        let lines: Vec<&str> = of_it.flat_map(|scenario| scenario.expected.as_deref().unwrap_or_default().lines()).collect();
        let tops: Vec<String> = pack.ladders.values().map(|ladder| format!("rung {} →", ladder.rungs.len())).collect();
        assert!(
            lines.iter().any(|line| tops.iter().any(|top| line.contains(top.as_str()))),
            "no scenario of {} climbs to the top",
            pack.id
        );
        for (what, word) in [
            ("done in time", "closed_in_time"),
            ("done late", "closed_late"),
            ("missed", "  duty.breached  "),
            ("paused", "  duty.paused  "),
            ("taken up again", "  case.reopened  "),
        ] {
            assert!(lines.iter().any(|line| line.contains(word)), "no scenario of {} has something {what}", pack.id);
        }
    }
}

#[test]
fn a_scenario_that_shows_a_rule_changes_when_the_rule_is_taken_out() {
    let world = World::shipped();
    let file = root("scenarios/shown.csv");
    if std::env::var_os("DUBAN_WRITE").is_some() {
        write(&world, &file);
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let row = |line: &str| {
        let columns: [&str; 3] = line.split(',').collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("not three columns: {line}"));
        let [pack, place, scenario] = columns.map(str::to_owned);
        ((pack, place), scenario)
    };
    let shown: BTreeMap<(String, String), String> = text.lines().skip(1).map(row).collect();
    let mut running = BTreeSet::new();
    let mut unmoved = Vec::new();
    for (place, without) in world.running() {
        if let Some(scenario) = shown.get(&place).filter(|scenario| !scenario.is_empty() && !world.differs(scenario, &without)) {
            unmoved.push(format!("{scenario} is the same without {}/{}", place.0, place.1));
        }
        running.insert(place);
    }
    assert_eq!(shown.keys().cloned().collect::<BTreeSet<_>>(), running, "shown.csv lists exactly what runs");
    let unshown: Vec<_> = shown.iter().filter(|(_, scenario)| scenario.is_empty()).collect();
    assert!(unshown.is_empty(), "no scenario shows {unshown:?}");
    assert!(unmoved.is_empty(), "{}", unmoved.join("\n"));
}

/// Finds for each place a scenario that depends on it: among those of the pack in which it is named, or, of what has no name there, among all of
/// them.
fn write(world: &World, file: &Path) {
    let mut text = "pack,place,scenario\n".to_owned();
    for ((pack, place), policy) in world.running() {
        let name = place.rsplit('.').next().unwrap_or_default();
        let is_nameless = place.starts_with("ladder.") || place.starts_with("parameter.");
        let may_show = |scenario: &Scenario| scenario.pack == pack && (is_nameless || format!("{scenario:?}").contains(name));
        let mut candidates = world.scenarios.iter().filter(|(_, scenario)| may_show(scenario));
        let shown = candidates.find(|(name, _)| world.differs(name, &policy)).map_or("", |(name, _)| name.as_str());
        text.push_str(&format!("{pack},{place},{shown}\n"));
    }
    std::fs::write(file, text).unwrap();
}

/// What the page for whoever writes his first pack shows is what its files say, compiles without a remark, and plays as it promises.
#[test]
fn the_first_pack_is_what_its_page_shows() {
    let mut sources = Vec::new();
    gather(&root("docs/first-pack/rules"), &mut sources);
    let shipped = |name: &str, path: &str| Source { name: name.to_owned(), text: std::fs::read_to_string(root(path)).unwrap() };
    let files: String = sources.iter().map(|source| source.text.as_str()).collect();
    sources.push(shipped("basics.toml", "policies/basics.toml"));
    sources.push(shipped("cn.toml", "policies/calendars/cn.toml"));
    let policy = Policy::compile(&sources).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert!(policy.remarks().is_empty(), "{:?}", policy.remarks());
    let organisation = sources.iter().find(|source| source.name == "organisation.toml").unwrap();
    let directory = Organisation::parse(organisation).unwrap().directory(1);
    let text = std::fs::read_to_string(root("docs/first-pack/scenarios/late.toml")).unwrap();
    let scenario = Scenario::parse(&text, policy.zone()).unwrap();
    let came = play(&policy, &directory, &scenario).unwrap();
    let came: Vec<String> = came.iter().map(|line| line.written(policy.zone())).collect();
    assert_eq!(compared(scenario.expected.as_deref().unwrap(), &came), None);

    let page = std::fs::read_to_string(root("docs/first-pack.md")).unwrap();
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() > 5);
    for block in blocks {
        // The figure becomes a parameter two steps later.
        let block = block.replacen("within = \"3wd\"", "within = \"{promptly}\"", 1);
        assert!(files.contains(&block) || text.contains(&block), "{block}");
    }
    let mistyped = text.replacen("step = \"finish\"", "step = \"fnish\"", 1);
    let stopped = play(&policy, &directory, &Scenario::parse(&mistyped, policy.zone()).unwrap()).unwrap_err().to_string();
    assert!(stopped.contains("no kind has a step 'fnish'") && stopped.contains("finish"), "{stopped}");
}
