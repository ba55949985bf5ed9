//! Who may do what with a duty, and what is left as it was where he may not.

use super::*;
use crate::climb::{self, Step};
use crate::simulate::{Scenario, play};
use duban_contracts::policy::PolicySource;
use duban_policy::organisation::Organisation;
use std::path::Path;

/// For a case that the regulation itself does not have.
const PAUSE: (&str, &str) = ("[duty.rule]\n", "[duty.rule]\npause = \"8h\"\n");

/// The demonstration's organisation with the regulation of store complaints, in which the first of each pair has become the second.
pub(crate) fn ground(edits: &[(&str, &str)]) -> (Policy, Directory) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut sources = Vec::new();
    for folder in [root.clone(), root.join("calendars")] {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_wanted = ["store-complaints.toml", "basics.toml", "organisation.toml"].contains(&name.as_str())
                || path.parent().unwrap().ends_with("calendars");
            if is_wanted && name.ends_with(".toml") {
                sources.push(PolicySource { name, text: std::fs::read_to_string(path).unwrap() });
            }
        }
    }
    let organisation = sources.iter_mut().find(|source| source.name == "organisation.toml").unwrap();
    organisation.text = only_packs(&organisation.text, &["store-complaints", "basics"]);
    let directory = Organisation::parse(organisation).unwrap().directory(1);
    let pack = sources.iter_mut().find(|source| source.name == "store-complaints.toml").unwrap();
    for (old, new) in edits {
        assert!(pack.text.contains(old), "the pack has no {old}");
        pack.text = pack.text.replacen(old, new, 1);
    }
    let policy = Policy::compile(&sources).unwrap_or_else(|faults| panic!("{faults:#?}"));
    (policy, directory)
}

/// The organisation without what it says of other packs.
fn only_packs(text: &str, kept: &[&str]) -> String {
    let mut organisation: toml::Table = text.parse().unwrap();
    for list in ["bind", "plays", "parameter", "approval"] {
        if let Some(toml::Value::Array(tables)) = organisation.get_mut(list) {
            tables.retain(|table| table.get("pack").and_then(toml::Value::as_str).is_none_or(|pack| kept.contains(&pack)));
        }
    }
    toml::to_string(&organisation).unwrap()
}

/// What comes of a complaint whose ruling is owed by the store manager within a day, and of these events after it.
fn played(pause: bool, events: &str) -> Vec<String> {
    played_with(if pause { &[PAUSE] } else { &[] }, events)
}

fn played_with(edits: &[(&str, &str)], events: &str) -> Vec<String> {
    let (policy, directory) = ground(edits);
    let text = format!(
        r#"
title = {{ zh = "试", en = "Try" }}
pack = "store-complaints"
unit = "MD01"
start = "2026-03-02 09:30"
[[event]]
at = "2026-03-02 09:30"
report = "c"
kind = "complaint_case"
phone = "19900005678"
fields = {{ matter = "quantity" }}
{events}
"#
    );
    let scenario = Scenario::parse(&text, policy.zone()).unwrap();
    let lines = play(&policy, &directory, &scenario).unwrap();
    let of_rule = lines.iter().filter(|line| line.what == "rule");
    of_rule.map(|line| format!("{} {} {}", line.written(policy.zone()).get(8..16).unwrap(), line.event, line.says)).collect()
}

const MANAGER: &str = "zhang-haitao";
const GENERAL_MANAGER: &str = "liang-jingyi";

fn event(at: &str, act: &str, by: &str, more: &str) -> String {
    format!("[[event]]\nat = \"2026-03-{at}\"\n{act} = \"rule\"\ncase = \"c\"\nby = \"{by}\"\n{more}\n")
}

fn has(lines: &[String], line: &str) {
    assert!(lines.iter().any(|came| came == line), "{line} is not among {lines:#?}");
}

#[test]
fn who_owes_it_stops_the_clock_only_as_far_as_the_rule_allows() {
    let until = "until = \"2026-03-02 18:00\"\nreason = \"等顾客\"";
    has(&played(false, &event("02 10:30", "pause", MANAGER, until)), "02 10:30 refused forbidden · by zhang-haitao");
    let goes_on = event("02 10:30", "pause", MANAGER, until) + "[[event]]\nat = \"2026-03-02 19:00\"\nend = true\n";
    has(&played(true, &goes_on), "02 18:00 duty.resumed due 2026-03-03 17:00:00");
    // Eight hours in all, not each time.
    let twice = event("02 10:30", "pause", MANAGER, until)
        + &event("02 18:30", "pause", MANAGER, "until = \"2026-03-02 20:00\"\nreason = \"再等\"");
    has(&played(true, &twice), "02 18:30 refused invalid · by zhang-haitao");
}

/// The store works from nine to nine in the evening. What is due at its closing is put off by hours worked, not into the night.
#[test]
fn what_is_due_at_the_end_of_a_working_day_is_put_off_and_reminded_of_at_work() {
    let edits = [
        PAUSE,
        (
            "closes = [\"case.accepted\", \"case.declined\"]\ncancels = \"case.closed\"\nowed_by = \"store\"\nowed_to = \"superior-supervisor\"\nwithin = \"{ruling_within}\"",
            "closes = [\"case.accepted\", \"case.declined\"]\ncancels = \"case.closed\"\nowed_by = \"store\"\nowed_to = \"superior-supervisor\"\nwithin = \"end of working day\"",
        ),
    ];
    let until = "until = \"2026-03-02 12:30\"\nreason = \"等顾客\"";
    let lines = played_with(&edits, &(event("02 10:30", "pause", MANAGER, until) + "[[event]]\nat = \"2026-03-03 12:00\"\nend = true\n"));
    has(&lines, "02 09:30 duty.opened due 2026-03-02 21:00:00 · MD01/store-manager");
    has(&lines, "02 12:30 duty.resumed due 2026-03-03 11:00:00");
    // Four fifths of eleven and a half hours at work, and the two that it stood still.
    has(&lines, "02 20:42 alert.raised reminder → MD01/store-manager zhang-haitao");
    assert!(lines.iter().any(|line| line.starts_with("03 11:00 duty.breached")), "{lines:#?}");
}

#[test]
fn a_pause_stands_still_and_goes_on_by_itself() {
    let lines = played(
        false,
        &(event("02 10:30", "pause", GENERAL_MANAGER, "until = \"2026-03-04 10:30\"\nreason = \"等物流\"\nwaits_for = \"zhang-haitao\"")
            + "[[event]]\nat = \"2026-03-05 09:00\"\nend = true\n"),
    );
    has(&lines, "02 10:30 alert.raised waited for → zhang-haitao");
    has(&lines, "03 10:30 alert.raised waited for → zhang-haitao");
    has(&lines, "04 10:30 duty.resumed due 2026-03-05 09:30:00");
    assert!(!lines.iter().any(|line| line.contains("breached") || line.contains("reminder") && line < &"04".to_owned()), "{lines:#?}");
}

#[test]
fn nobody_grants_time_to_himself_and_an_extension_begins_the_climb_anew() {
    let until = "until = \"2026-03-06 10:30\"\nreason = \"等物流\"";
    has(&played(false, &event("02 10:30", "extend", MANAGER, until)), "02 10:30 refused forbidden · by zhang-haitao");
    let lines =
        played(false, &(event("04 12:00", "extend", GENERAL_MANAGER, until) + "[[event]]\nat = \"2026-03-06 11:00\"\nend = true\n"));
    has(&lines, "04 12:00 duty.extended due 2026-03-06 10:30:00 · by liang-jingyi");
    let breaches = lines.iter().filter(|line| line.contains("duty.breached")).count();
    let first_rungs = lines.iter().filter(|line| line.contains("rung 1 →")).count();
    assert_eq!((breaches, first_rungs), (2, 2), "{lines:#?}");
    // Earlier than it is due already, or past: no extension.
    for bad in ["2026-03-02 12:00", "2026-03-01 12:00", "2028-01-01 12:00"] {
        let lines = played(false, &event("02 13:00", "extend", GENERAL_MANAGER, &format!("until = \"{bad}\"\nreason = \"x\"")));
        has(&lines, "02 13:00 refused invalid · by liang-jingyi");
    }
}

#[test]
fn who_it_was_handed_to_is_told_and_urging_has_its_pause() {
    let reason = "to = \"xu-huiling\"\nreason = \"店长休假\"";
    let lines = played(
        false,
        &(event("02 10:00", "hand_over", GENERAL_MANAGER, reason)
            + &event("02 11:00", "urge", GENERAL_MANAGER, "")
            + &event("02 11:30", "urge", GENERAL_MANAGER, "")
            + &event("02 12:30", "urge", MANAGER, "")
            + "[[event]]\nat = \"2026-03-03 10:00\"\nend = true\n"),
    );
    has(&lines, "02 10:00 duty.handed_over to xu-huiling · by liang-jingyi");
    has(&lines, "02 11:00 alert.raised urging → xu-huiling");
    has(&lines, "02 11:30 refused already-urged · by liang-jingyi");
    has(&lines, "02 12:30 refused forbidden · by zhang-haitao");
    let rung = lines.iter().find(|line| line.contains("rung 1 →")).unwrap();
    assert!(rung.contains("xu-huiling") && rung.contains("cao-chunyan"), "{rung}");
}

#[test]
fn what_is_done_while_the_clock_stands_still_is_in_time() {
    let (policy, directory) = ground(&[]);
    let mut duty = crate::climb::tests::duty();
    duty.facts.unit = "MD01".into();
    duty.terms.owed = vec![Who::Post("store-manager".into())];
    let now = duty.opened.at;
    let asked = Asked { person: GENERAL_MANAGER, at: now, policy: &policy, directory: &directory };
    let until = now.checked_add(SignedDuration::from_hours(48)).unwrap();
    let pause = DutyAct::Pause { reason: "等".into(), until, waits_for: None };
    take(&mut duty, &pause, &asked).unwrap();
    let late = duty.due_at.checked_add(SignedDuration::from_hours(1)).unwrap();
    let calendar = calendar_of(&policy, &duty).clone();
    assert_eq!(climb::climb(&mut duty, late, Timestamp::MIN, &calendar), Vec::<Step>::new());
    let moment = crate::moment::Moment { event: uuid::Uuid::from_u128(5), subject: duty.opened.subject.clone(), version: 9, at: late };
    duty.end(&crate::duty::Ended { moment, cancelled: false, by: None, note: None });
    assert_eq!(duty.state, crate::duty::State::ClosedInTime);
}

#[test]
fn a_refusal_changes_nothing() {
    let (policy, directory) = ground(&[]);
    let mut duty = crate::climb::tests::duty();
    duty.facts.unit = "MD01".into();
    duty.terms.owed = vec![Who::Post("store-manager".into())];
    let before = duty.clone();
    let at = duty.opened.at;
    let soon = at.checked_add(SignedDuration::from_hours(1)).unwrap();
    let refused = [
        (GENERAL_MANAGER, DutyAct::Resume { note: String::new() }),
        (GENERAL_MANAGER, DutyAct::Pause { reason: " ".into(), until: soon, waits_for: None }),
        (GENERAL_MANAGER, DutyAct::Pause { reason: "x".into(), until: soon, waits_for: Some("nobody".into()) }),
        (GENERAL_MANAGER, DutyAct::Pause { reason: "x".repeat(2_001), until: soon, waits_for: None }),
        (GENERAL_MANAGER, DutyAct::HandOver { to: "nobody".into(), reason: "x".into() }),
        (MANAGER, DutyAct::Urge { note: String::new() }),
        ("wei-dandan", DutyAct::HandOver { to: MANAGER.into(), reason: "x".into() }),
    ];
    for (person, act) in refused {
        let asked = Asked { person, at, policy: &policy, directory: &directory };
        assert!(take(&mut duty, &act, &asked).is_err(), "{person}: {act:?}");
        assert_eq!(duty, before, "{act:?}");
    }
}
