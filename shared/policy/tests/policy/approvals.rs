//! Who signs for a change: what the organisation may say, how far a change goes, and whose signatures follow from the two.

use crate::world::{DIRECTORY, POLICY, listed, shanghai, sources};
use duban_policy::policy::approval::Signer;
use duban_policy::policy::extent::{Extent, Touched, touched};
use duban_policy::{Policy, Source};

/// The shipped set with some text of its files replaced; it must occur, and the set compile.
fn changed(changes: &[(&str, &str, &str)]) -> Vec<Source> {
    let mut sources = sources();
    for (file, from, to) in changes {
        let source = sources.iter_mut().find(|source| source.name.ends_with(file)).unwrap();
        assert!(source.text.contains(from), "{file} has no {from:?}");
        source.text = source.text.replacen(from, to, 1);
    }
    compiled(&sources);
    sources
}

fn compiled(sources: &[Source]) -> Policy {
    Policy::compile(sources).unwrap_or_else(|errors| panic!("{}", listed(&errors)))
}

fn touches(changes: &[(&str, &str, &str)]) -> Vec<(String, Extent)> {
    touched(&sources(), &changed(changes)).into_iter().map(|Touched { pack, extent }| (pack, extent)).collect()
}

fn alone(pack: &str, extent: Extent) -> Vec<(String, Extent)> {
    vec![(pack.to_owned(), extent)]
}

/// Whose signatures a change of the shipped set takes.
fn signers(changes: &[(&str, &str, &str)]) -> Vec<String> {
    let after = changed(changes);
    let words = POLICY.signers(&compiled(&after), &touched(&sources(), &after));
    words.iter().map(|signer| signer.as_str().to_owned()).collect()
}

const DUTY_TITLE: (&str, &str, &str) = ("customer-visits.toml", "审核客户拜访计划书 {number}", "审阅客户拜访计划书 {number}");
const VISITS: (&str, &str, &str) = ("customer-visits.toml", "value = \"8\"", "value = \"6\"");
const REVIEWER: (&str, &str, &str) = (
    "customer-visits.toml",
    "owed_by = \"department-supervisor\"\nowed_to = \"salesperson\"\nwithin = \"{review_within}\"",
    "owed_by = \"general-manager\"\nowed_to = \"salesperson\"\nwithin = \"{review_within}\"",
);

#[test]
fn comments_and_layout_are_no_change() {
    assert_eq!(touches(&[]), []);
    assert_eq!(touches(&[("customer-visits.toml", "value = \"8\"", "value    =   \"8\" # eight")]), []);
}

#[test]
fn words_that_nothing_hangs_on_are_wording() {
    assert_eq!(touches(&[DUTY_TITLE]), alone("customer-visits", Extent::Wording));
    let note = ("customer-visits.toml", "原文只说按岗位规定次数，没有数字和周期", "原文没有数字");
    assert_eq!(touches(&[DUTY_TITLE, note]), alone("customer-visits", Extent::Wording));
}

#[test]
fn words_by_which_reports_name_something_are_no_wording() {
    let kind = ("car-dealer-complaints.toml", "title = { zh = \"车辆客户投诉\"", "title = { zh = \"购车客户投诉\"");
    assert_eq!(touches(&[kind]), alone("car-dealer-complaints", Extent::Rules));
}

#[test]
fn words_that_something_refers_to_are_no_wording() {
    let by_title = |mut sources: Vec<Source>| {
        let pack = sources.iter_mut().find(|source| source.name == "car-dealer-complaints.toml").unwrap();
        let stages = pack.text.find("[kind.complaint.stage]").unwrap();
        let (title, id) = {
            let line = pack.text[stages..].lines().nth(2).unwrap();
            (line.split("zh = \"").nth(1).unwrap().split('"').next().unwrap().to_owned(), line.split(' ').next().unwrap().to_owned())
        };
        let referring = format!("to = \"{id}\"");
        assert!(pack.text.contains(&referring), "no step leads to {id}");
        pack.text = pack.text.replacen(&referring, &format!("to = \"{title}\""), 1);
        (sources, title)
    };
    let (before, title) = by_title(sources());
    compiled(&before);
    let mut after = before.clone();
    let pack = after.iter_mut().find(|source| source.name == "car-dealer-complaints.toml").unwrap();
    pack.text = pack.text.replacen(&format!("title = {{ zh = \"{title}\""), &format!("title = {{ zh = \"{title}了\""), 1);
    let touched = touched(&before, &after);
    assert_eq!(touched, [Touched { pack: "car-dealer-complaints".into(), extent: Extent::Rules }]);
}

#[test]
fn a_name_with_a_word_before_it_is_a_name_too() {
    let title = ("car-dealer-complaints.toml", "title = { zh = \"一般投诉\"", "title = { zh = \"普通投诉\"");
    assert_eq!(touches(&[title]), alone("car-dealer-complaints", Extent::Wording));
    // The same where a condition calls it by its title.
    let (file, from, to) = title;
    let written = |mut sources: Vec<Source>, from: &str, to: &str| {
        let pack = sources.iter_mut().find(|source| source.name == file).unwrap();
        assert!(pack.text.contains(from), "{from}");
        pack.text = pack.text.replacen(from, to, 1);
        sources
    };
    let before = written(sources(), "when = { severity = \"major\" }", "when = { severity = \"!= 一般投诉\" }");
    let after = written(before.clone(), from, to);
    assert_eq!(touched(&before, &after), [Touched { pack: "car-dealer-complaints".into(), extent: Extent::Rules }]);
}

#[test]
fn one_parameter_is_told_from_two_and_from_what_is_a_rule() {
    assert_eq!(touches(&[VISITS]), alone("customer-visits", Extent::Parameter("visits".into())));
    let its_note = ("customer-visits.toml", "原文只说按岗位规定次数，没有数字和周期", "2026年起减为六次");
    assert_eq!(touches(&[VISITS, its_note]), alone("customer-visits", Extent::Parameter("visits".into())));
    let another = ("customer-visits.toml", "value = \"1d\"\narticle = \"3.1.2\"", "value = \"3d\"\narticle = \"3.1.2\"");
    assert_eq!(touches(&[VISITS, another]), alone("customer-visits", Extent::Rules));
    assert_eq!(touches(&[VISITS, DUTY_TITLE]), alone("customer-visits", Extent::Rules));
    assert_eq!(touches(&[REVIEWER]), alone("customer-visits", Extent::Rules));
}

#[test]
fn the_order_of_stages_is_a_rule() {
    let stages =
        ("store-complaints.toml", "received = { title = { zh = \"门店已收到\", en = \"received at the store\" }, article = \"7\" }\n", "");
    let moved = (
        "store-complaints.toml",
        "accepted = { title = { zh = \"已受理\", en = \"accepted\" }, article = \"7\" }\n",
        "accepted = { title = { zh = \"已受理\", en = \"accepted\" }, article = \"7\" }\nreceived = { title = { zh = \"门店已收到\", en = \"received at the store\" }, article = \"7\" }\n",
    );
    let mut after = sources();
    let pack = after.iter_mut().find(|source| source.name == "store-complaints.toml").unwrap();
    for (_, from, to) in [stages, moved] {
        assert!(pack.text.contains(from));
        pack.text = pack.text.replacen(from, to, 1);
    }
    assert_eq!(touched(&sources(), &after), [Touched { pack: "store-complaints".into(), extent: Extent::Rules }]);
}

#[test]
fn the_organisations_own_figure_is_a_parameter_of_its_pack() {
    let own = ("organisation.toml", "name = \"visits\"\nvalue = \"4\"", "name = \"visits\"\nvalue = \"5\"");
    assert_eq!(touches(&[own]), alone("customer-visits-second", Extent::Parameter("visits".into())));
    let bound = ("organisation.toml", "pack = \"customer-relations\"\nunit = \"WH\"", "pack = \"customer-relations\"\nunit = \"WH-KF\"");
    assert_eq!(touches(&[bound]), alone("customer-relations", Extent::Rules));
    let calendar = ("cn.toml", "holidays = [", "holidays = [\n  \"2026-12-25\",");
    assert_eq!(touches(&[calendar]), alone("", Extent::Rules));
    let unit = ("organisation.toml", "华岳集团（演示）", "华岳控股（演示）");
    assert_eq!(touches(&[unit]), alone("", Extent::Wording));
}

#[test]
fn a_pack_that_comes_or_goes_is_touched_in_its_rules() {
    let mut without = sources();
    without.retain(|source| !source.name.ends_with("after-sales.toml"));
    let gone = touched(&sources(), &without);
    assert_eq!(gone, [Touched { pack: "after-sales".into(), extent: Extent::Rules }]);
    assert_eq!(touched(&without, &sources()), gone);
}

#[test]
fn the_post_that_the_organisation_names_signs_and_where_it_names_none_a_second_person() {
    assert_eq!(signers(&[REVIEWER]), ["MY/general-manager"]);
    assert_eq!(signers(&[VISITS]), ["MY/general-manager"], "no lighter one is named for parameters");
    assert_eq!(signers(&[DUTY_TITLE]), ["second person"]);
    let other = ("customer-visits-second.toml", "value = \"8\"", "value = \"7\"");
    assert_eq!(
        signers(&[VISITS, other, DUTY_TITLE]),
        ["MY/general-manager", "ME/general-manager"]
            .map(str::to_owned)
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
    let elsewhere = ("basics.toml", "value = \"2h\"", "value = \"3h\"");
    assert_eq!(signers(&[elsewhere]), ["second person"]);
    assert_eq!(signers(&[elsewhere, VISITS]), ["second person", "MY/general-manager"], "what one pack's post signs for is not another's");
    assert_eq!(signers(&[]), ["second person"]);
}

#[test]
fn a_change_of_who_approves_takes_the_approval_that_stood() {
    let mine = ("organisation.toml", "by = \"MY/general-manager\"\nwording = \"second person\"", "by = \"second person\"");
    assert_eq!(signers(&[mine]), ["MY/general-manager"]);
    let told = POLICY.changes_to(&compiled(&changed(&[mine])));
    let places: Vec<(&str, &str)> = told.iter().map(|change| (change.pack.as_str(), change.place.as_str())).collect();
    assert!(places.contains(&("customer-visits", "approval")), "{told:#?}");
    assert!(told[0].before.as_ref().unwrap().zh.contains("总经理"), "{told:#?}");
}

#[test]
fn lighter_approvals_may_be_nobody_besides_the_submitter() {
    let light = (
        "organisation.toml",
        "[[approval]]\npack = \"customer-visits\"",
        "[[approval]]\nby = \"HY-DB/duty-desk-head\"\nwording = \"submitter\"\nparameter = \"submitter\"\n\n[[approval]]\npack = \"customer-visits\"",
    );
    let before = changed(&[light]);
    let policy = compiled(&before);
    let signers = |change: (&str, &str, &str)| {
        let after = changed(&[light, change]);
        policy.signers(&compiled(&after), &touched(&before, &after)).into_iter().collect::<Vec<_>>()
    };
    assert_eq!(signers(("basics.toml", "value = \"2h\"", "value = \"3h\"")), []);
    assert_eq!(signers(("cn.toml", "holidays = [", "holidays = [\n  \"2026-12-25\",")), [Signer::Post("HY-DB/duty-desk-head".into())]);
    assert_eq!(signers(VISITS), [Signer::Post("MY/general-manager".into())], "a pack's own approval comes before the general one");
}

#[test]
fn of_a_new_pack_also_the_one_signs_whom_the_new_set_names() {
    let mut without = sources();
    without.retain(|source| source.name != "customer-visits.toml");
    let organisation = without.iter_mut().find(|source| source.name == "organisation.toml").unwrap();
    for named in [
        "[[approval]]\npack = \"customer-visits\"\nby = \"MY/general-manager\"\nwording = \"second person\"\n",
        "[[bind]]\npack = \"customer-visits\"\nunit = \"MY\"\nfrom = \"2010-01-01\"\n",
    ] {
        assert!(organisation.text.contains(named));
        organisation.text = organisation.text.replacen(named, "", 1);
    }
    let begins = organisation.text.find("[[plays]]\npack = \"customer-visits\"\n").unwrap();
    let ends = begins + organisation.text[begins..].find("[[plays]]\npack = \"customer-visits-second\"").unwrap();
    organisation.text.replace_range(begins..ends, "");
    let before = compiled(&without);
    let signers = before.signers(&POLICY, &touched(&without, &sources()));
    assert_eq!(signers.into_iter().collect::<Vec<_>>(), [Signer::SecondPerson, Signer::Post("MY/general-manager".into())]);
}

#[test]
fn who_submitted_never_signs_and_whoever_stands_in_does() {
    let at = shanghai("2026-03-06 10:00");
    let people = |signer: &Signer, submitted_by: &str| signer.people(&DIRECTORY, submitted_by, at).into_iter().collect::<Vec<_>>();
    let supervisor = Signer::Post("MY-XS/sales-department-supervisor".into());
    assert_eq!(people(&supervisor, "admin"), ["pan-xinyi"]);
    assert_eq!(people(&supervisor, "pan-xinyi"), ["tian-yuchen"], "the deputy");
    let manager = Signer::Post("MY/general-manager".into());
    assert_eq!(people(&manager, "pan-xinyi"), ["tian-yuchen"]);
    let above = people(&manager, "tian-yuchen");
    assert!(!above.is_empty() && !above.contains(&"tian-yuchen".to_owned()), "somebody further up: {above:?}");
    let seconds = people(&Signer::SecondPerson, "li-wenbo");
    assert!(!seconds.is_empty() && !seconds.contains(&"li-wenbo".to_owned()) && !seconds.contains(&"pan-xinyi".to_owned()), "{seconds:?}");
    assert!(people(&Signer::Submitter, "admin").is_empty());
}

#[test]
fn what_an_organisation_may_not_say_of_approvals_is_refused_with_its_place() {
    let refused = |from: &str, to: &str| {
        let mut sources = sources();
        let organisation = sources.iter_mut().find(|source| source.name == "organisation.toml").unwrap();
        assert!(organisation.text.contains(from));
        organisation.text = organisation.text.replacen(from, to, 1);
        let faults = Policy::compile(&sources).expect_err("it compiles");
        let [fault] = &faults[..] else { panic!("{}", listed(&faults)) };
        assert!(fault.line > 800 && fault.file == "organisation.toml", "{fault}");
        format!("{fault} {}", fault.message_zh)
    };
    let by = "by = \"MY/general-manager\"";
    let unknown = refused(by, "by = \"MY/general-manger\"");
    assert!(unknown.contains("unknown-post") && unknown.contains("MY/general-manager") && unknown.contains("没有岗位"), "{unknown}");
    let nobody = refused(by, "by = \"submitter\"");
    assert!(nobody.contains("needs-another") && nobody.contains("second person"), "{nobody}");
    let word = refused("wording = \"second person\"", "wording = \"second persn\"");
    assert!(word.contains("second person"), "{word}");
    let pack = refused("[[approval]]\npack = \"customer-visits\"", "[[approval]]\npack = \"customer-visit\"");
    assert!(pack.contains("unknown-pack") && pack.contains("customer-visits"), "{pack}");
    let twice = refused("[[approval]]\npack = \"customer-visits-second\"", "[[approval]]\npack = \"customer-visits\"");
    assert!(twice.contains("twice"), "{twice}");
    let key = refused(by, "by = \"MY/general-manager\"\nwordings = \"submitter\"");
    assert!(key.contains("unknown-key") && key.contains("wording"), "{key}");
}

#[test]
fn what_is_applied_keeps_the_approvals_and_an_organisation_without_any_is_written_as_before() {
    let organisation = crate::world::organisation();
    let source = organisation.policy_source();
    assert!(source.text.contains("[[approval]]") && source.text.contains("MY/general-manager"));
    let bare = sources().into_iter().find(|source| source.name == "organisation.toml").unwrap();
    let bare = Source { text: bare.text.replace("[[approval]]", "[[nothing]]"), ..bare };
    let begins = bare.text.find("[[nothing]]").unwrap();
    let ends = begins + bare.text[begins..].find("# --- 人员 ---").unwrap();
    let bare = Source { text: format!("{}{}", &bare.text[..begins], &bare.text[ends..]), ..bare };
    let written = duban_policy::organisation::Organisation::parse(&bare).unwrap_or_else(|faults| panic!("{}", listed(&faults)));
    assert!(!written.policy_source().text.contains("approval"));
}
