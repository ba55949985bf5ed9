//! What a version may be declared to correct, and what becomes of earlier versions by it.

use crate::small_set::{ORGANISATION, PACK, set};
use crate::world::{POLICY, case, listed, shanghai, sources, wall};
use duban_policy::policy::EventFacts;
use duban_policy::policy::correction::{Correction, Corrects, Version, as_corrected};
use duban_policy::{Policy, Source};
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

fn changed(changes: &[(&str, &str, &str)]) -> Policy {
    let mut sources: Vec<Source> = sources();
    for (file, from, to) in changes {
        let source = sources.iter_mut().find(|source| source.name.ends_with(file)).unwrap();
        assert!(source.text.contains(from), "{file} has no {from:?}");
        source.text = source.text.replacen(from, to, 1);
    }
    Policy::compile(&sources).unwrap_or_else(|errors| panic!("{}", listed(&errors)))
}

/// What is said of a declaration: the places that it comes to, or why it is refused.
fn declared(after: &Policy, places: &[&str]) -> Result<Vec<String>, String> {
    let places: Vec<String> = places.iter().map(|place| (*place).to_owned()).collect();
    let said = POLICY.correctable(after, &places).map(|corrects| corrects.places());
    said.map_err(|wrongs| {
        wrongs.iter().map(|wrong| format!("{}: {} ({})", wrong.nth, wrong.wrong.en, wrong.expected.en)).collect::<Vec<_>>().join("\n")
    })
}

/// A day off for everybody, and a shorter term.
const HOLIDAY: (&str, &str, &str) = ("cn.toml", "holidays = [", "holidays = [\n  \"2026-03-10\",");
const TERM: (&str, &str, &str) =
    ("store-complaints.toml", "from = \"received_at\"\nwithin = \"{close_within}\"", "from = \"received_at\"\nwithin = \"5d\"");

#[test]
fn a_calendar_that_changes_and_a_rule_that_changes_may_be_corrected() {
    let after = changed(&[HOLIDAY]);
    assert_eq!(declared(&after, &["calendar.cn"]), Ok(vec!["calendar.cn".to_owned()]));
    let all = declared(&after, &["calendars"]).unwrap();
    let rule = changed(&[HOLIDAY, TERM]);
    assert_eq!(
        declared(&rule, &["store-complaints/close", "calendar.cn"]),
        Ok(vec!["calendar.cn".to_owned(), "store-complaints/close".to_owned()])
    );
    // A figure of the organisation is part of what a rule says.
    let figure = changed(&[("store-complaints.toml", "[parameter.ruling_within]", "[parameter.ruling_within] # of old")]);
    assert!(declared(&figure, &["store-complaints/rule"]).is_err(), "a comment is no change");
    assert!(all.contains(&"calendar.cn".to_owned()) && !all.contains(&"calendar.always".to_owned()), "{all:?}");
}

#[test]
fn what_is_unknown_or_unchanged_is_refused_with_what_was_meant() {
    let after = changed(&[HOLIDAY]);
    let refused = declared(&after, &["calendar.cm", "calendar.always", "store-complaints/clsoe", "nonsense"]).unwrap_err();
    let lines: Vec<&str> = refused.lines().collect();
    assert_eq!(lines.len(), 4, "{refused}");
    assert!(lines[0].starts_with("0: 'calendar.cm' is no calendar") && lines[0].contains("did you mean 'calendar.cn'?"), "{refused}");
    assert!(lines[1].contains("'calendar.always' does not change"), "{refused}");
    assert!(lines[2].contains("did you mean 'store-complaints/close'?"), "{refused}");
    assert!(lines[3].contains("calendar.NAME"), "{refused}");
    assert!(declared(&POLICY, &["calendars"]).unwrap_err().contains("no calendar changes"));
}

#[test]
fn what_could_not_reach_duties_that_stand_is_refused_with_the_reason() {
    let close = |from: &'static str, to: &'static str| changed(&[("store-complaints.toml", from, to)]);
    let refused = |after: &Policy, rule: &str| declared(after, &[rule]).unwrap_err();
    let closing =
        close("closes = [\"case.accepted\", \"case.declined\"]", "closes = [\"case.accepted\", \"case.declined\", \"case.reasons_given\"]");
    assert!(refused(&closing, "store-complaints/rule").contains("what opens, closes or cancels it changes"));
    let from = close("from = \"received_at\"\nwithin = \"{close_within}\"", "within = \"{close_within}\"");
    assert!(refused(&from, "store-complaints/close").contains("from when time counts changes"));
    let conditional = close(
        "from = \"received_at\"\nwithin = \"{close_within}\"",
        "from = \"received_at\"\nwithin = [{ when = { anonymous = true }, within = \"5d\" }, { within = \"7d\" }]",
    );
    assert!(refused(&conditional, "store-complaints/close").contains("the conditions or date fields of `within` change"));
}

/// The small set, with these changes.
fn small(changes: &[(&str, &str)]) -> Policy {
    let text = changes.iter().fold(PACK.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    Policy::compile(&set(&text, ORGANISATION)).unwrap_or_else(|errors| panic!("{}", listed(&errors)))
}

const KIND: &str = "shop/kind.complaint";
/// The shop's head may take up a complaint too.
const BY_BOTH: (&str, &str) = ("by = \"clerk\"\nevent = \"accepted\"", "by = [\"clerk\", \"boss\"]\nevent = \"accepted\"");

#[test]
fn a_kind_that_is_corrected_is_that_of_open_cases_too_and_all_else_of_its_pack_stays() {
    let (old, new) = (small(&[]), Arc::new(small(&[BY_BOTH, ("within = \"7d\"", "within = \"5d\"")])));
    let corrects = old.correctable(&new, &[KIND.to_owned()]).unwrap();
    assert_eq!(corrects.places(), [KIND]);
    assert_eq!(Corrects::read(&corrects.places()), corrects);
    let corrected = old.corrected(&new, &corrects);
    let by = |policy: &Policy| policy.kind("shop", "complaint").unwrap().step("accept").unwrap().by.len();
    assert_eq!([&old, &new, &corrected].map(by), [1, 2, 2]);
    let within = |policy: &Policy| format!("{:?}", policy.duty_rule("shop", "close").unwrap().within);
    assert!(within(&old) == within(&corrected) && within(&old) != within(&new), "the rule is not corrected");
    assert!(corrects.concerning("shop", "close", "always").is_none(), "no duty is");
}

/// One choice goes, another comes.
const CHOICE: (&str, &str) = ("choices = { return = \"退货\", exchange = \"换货\" }", "choices = { return = \"退货\", refund = \"退款\" }");

/// A case keeps what it has: its stage, its severity, what its fields hold.
#[test]
fn a_kind_is_corrected_only_where_every_case_still_fits_it() {
    let old = small(&[]);
    for (changes, why) in [
        (vec![("handling", "working")], "a stage goes"),
        (
            vec![(
                "closed = { title = \"已结案\", terminal = true }\n\n[kind.complaint.move",
                "closed = { title = \"已结案\", terminal = true }\nput_by = { title = \"已搁置\", terminal = true }\n\n[kind.complaint.move.put_by]\ntitle = \"搁置\"\nfrom = \"received\"\nto = \"put_by\"\nevent = \"put_by\"\n\n[kind.complaint.move",
            )],
            "",
        ),
        (vec![("severity.major", "severity.grave")], "a severity goes"),
        (vec![("type = \"amount\"", "type = \"number\"")], "a field goes"),
        (vec![CHOICE], "a choice goes"),
        (vec![("title = \"要求\"\n", "title = \"要求\"\npersonal = true\n")], "a field goes"),
        (
            vec![
                ("boss = \"店长\"", "boss = \"店长\"\nguard = \"保安\""),
                ("by = \"clerk\"\nevent = \"accepted\"", "by = \"guard\"\nevent = \"accepted\""),
            ],
            "names a role",
        ),
        (vec![BY_BOTH, ("value = \"5000\"", "value = \"6000\"")], "a figure that its conditions use changes"),
    ] {
        let new = match changes.first() {
            Some((_, to)) if to.contains("guard") => with_guard(&changes),
            _ => small(&changes),
        };
        let said = old.correctable(&new, &[KIND.to_owned()]);
        match said {
            Ok(_) => assert!(why.is_empty(), "{changes:?} is let pass"),
            Err(wrong) => assert!(!why.is_empty() && wrong[0].wrong.en.contains(why), "{changes:?}: {wrong:?}"),
        }
    }
    let refused = |place: &str| old.correctable(&old, &[place.to_owned()]).unwrap_err()[0].clone();
    assert!(refused(KIND).wrong.en.contains("does not change"));
    assert!(refused("shop/kind.complain").expected.en.contains("did you mean 'shop/kind.complaint'?"));
}

/// The guard's post is there, so that his role is played.
fn with_guard(changes: &[(&str, &str)]) -> Policy {
    let text = changes.iter().fold(PACK.to_owned(), |text, (from, to)| text.replace(from, to));
    let organisation = ORGANISATION
        .replace(
            "boss = { title = \"店长\", rights",
            "guard = { title = \"保安\", rights = [\"see unit\"] }\nboss = { title = \"店长\", rights",
        )
        .replace("post = { clerk = \"an\",", "post = { guard = \"an\", clerk = \"an\",");
    Policy::compile(&set(&text, &organisation)).unwrap_or_else(|errors| panic!("{}", listed(&errors)))
}

fn due(policy: &Policy, rule: &str, at: Timestamp) -> String {
    let mut facts = case("store-complaints", "complaint_case", "MD01", json!({}));
    facts["received_at"] = at.to_string().into();
    let opened = policy.duties_opened(&EventFacts { name: "case.registered", time: at, facts: &facts });
    wall(opened.iter().find(|duty| duty.rule == rule).unwrap().due)
}

/// Version 1, a correction of a rule (2), a set that corrects nothing (3), a correction of a calendar (4): in the order in which they came into
/// force, which is not that of their numbers.
#[test]
fn every_version_follows_the_corrections_that_came_into_force_after_it() {
    let at = |day: &str| shanghai(&format!("2026-03-{day} 10:00"));
    let version = |day: &str, policy: Policy| Version { since: at(day), policy: Arc::new(policy) };
    // The shipped calendar of stores knows no holidays of this sort: the rule counts calendar days, another working ones.
    let versions = BTreeMap::from([
        (1, version("01", POLICY.clone())),
        (2, version("05", changed(&[TERM]))),
        (3, version("03", POLICY.clone())),
        (4, version("06", changed(&[TERM, HOLIDAY]))),
    ]);
    let correction = |version: i64, place: &str| Correction {
        version,
        since: versions[&version].since,
        corrects: Corrects::read(&[place.to_owned()]),
        approved_by: None,
    };
    let corrections = [correction(2, "store-complaints/close"), correction(4, "calendar.cn")];
    let of = |version, count| as_corrected(&versions, &corrections, version, count).unwrap();
    let opened = at("06");
    assert_eq!(due(&of(1, 0), "close", opened), "2026-03-13 10:00");
    for version in [1, 3] {
        assert_eq!(due(&of(version, 1), "close", opened), "2026-03-11 10:00", "{version}");
        assert_eq!(of(version, 2).corrections(), 2);
        let holiday = "2026-03-10".parse().unwrap();
        assert!(
            of(version, 2).calendar("cn").unwrap().holidays.contains(&holiday)
                && !of(version, 1).calendar("cn").unwrap().holidays.contains(&holiday)
        );
        // What a corrected rule counts by is corrected too.
        let calendar = |count| of(version, count).calendar_of_duty("store-complaints", "close", "cn", "MD01").holidays.contains(&holiday);
        assert!(calendar(2) && !calendar(1));
    }
    // It is later than the one, and is the other itself.
    assert_eq!(due(&of(4, 2), "close", opened), "2026-03-11 10:00");
    assert!(as_corrected(&versions, &corrections, 9, 2).is_none() && as_corrected(&versions, &corrections, 1, 3).is_none());
}
