//! What only a small change of a pack shows.

use super::{Scenario, play};
use crate::acts::tests::ground;

/// The lines of what a report becomes, as `day hour event words`.
fn played(edits: &[(&str, &str)], events: &str) -> Vec<String> {
    let (policy, directory) = ground(edits);
    let head = "title = { zh = \"试\", en = \"Try\" }\npack = \"store-complaints\"\nunit = \"MD01\"\nstart = \"2026-03-02 09:30\"\n";
    let scenario = Scenario::parse(&format!("{head}{events}"), policy.zone()).unwrap();
    let lines = play(&policy, &directory, &scenario).unwrap();
    lines
        .iter()
        .map(|line| format!("{} {} {} {}", line.written(policy.zone()).get(5..16).unwrap(), line.event, line.what, line.says))
        .collect()
}

fn complaint(name: &str, at: &str) -> String {
    format!(
        "[[event]]\nat = \"2026-{at}\"\nreport = \"{name}\"\nkind = \"complaint_case\"\nphone = \"19900005678\"\nfields = {{ matter = \"quantity\" }}\n"
    )
}

/// Who complains again within thirty days is told of one rung higher as soon as it is overdue. What was said longer ago is known as the same
/// matter (ninety days), and does not count here.
#[test]
fn what_repeats_within_a_window_starts_on_a_higher_rung() {
    let first = "{ at = \"due\", tell = [\"owner\", \"superior\"], repeat = \"8h\", hold = \"1d\" },\n  { at = \"{rung_2} after\", tell = [\"admin-hr\"";
    let rungs = first.replace(
        "  { at = \"{rung_2}",
        "  { at = \"due\", tell = \"general-manager\", when = { repeats = { at_least = 1, within = \"30d\" } } },\n  { at = \"{rung_2}",
    );
    let end = "[[event]]\nat = \"2026-05-07 18:00\"\nend = true\n";
    let lines = played(
        &[(first, &rungs)],
        &(complaint("a", "03-02 09:30") + &complaint("b", "04-20 09:30") + &complaint("c", "04-29 09:30") + end),
    );
    let told: Vec<&String> = lines.iter().filter(|line| line.contains("alert.raised rule rung 2 →")).collect();
    assert_eq!(told, ["04-30 09:30 alert.raised rule rung 2 → SM/general-manager liang-jingyi"], "{lines:#?}");
    // The others reach him by the days that go by.
    assert!(lines.contains(&"04-23 09:30 alert.raised rule rung 4 → SM/general-manager liang-jingyi".to_owned()));
}

/// What counts within a window where a duty opens counts as it does where a severity is judged.
#[test]
fn a_duty_for_what_repeats_within_a_window_opens_for_that_alone() {
    let plain = "[duty.rule]\n";
    let twice = "[duty.visit]\ntitle = { zh = \"上门 {number}\", en = \"Visit, {number}\" }\narticle = \"7\"\n\
                 opens = { on = \"case.registered\", when = { kind = \"complaint_case\", repeats = { at_least = 1, within = \"30d\" } } }\n\
                 closes = \"case.closed\"\nowed_by = \"store\"\nwithin = \"3d\"\n\n[duty.rule]\n";
    let lines = played(
        &[(plain, twice)],
        &(complaint("a", "03-02 09:30")
            + &complaint("b", "04-20 09:30")
            + &complaint("c", "04-29 09:30")
            + "[[event]]\nat = \"2026-04-29 12:00\"\nend = true\n"),
    );
    let opened: Vec<&String> = lines.iter().filter(|line| line.contains("duty.opened visit")).collect();
    assert_eq!(opened.len(), 1, "{lines:#?}");
    assert!(opened[0].starts_with("04-29 09:30"), "{opened:?}");
}
