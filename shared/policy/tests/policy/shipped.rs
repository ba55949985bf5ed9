//! The packs, calendars and the demonstration organisation as they ship.

use crate::world::{DIRECTORY, POLICY, listed, organisation, policies, shanghai, sources};
use duban_policy::directory::Right;
use duban_policy::source;
use duban_policy::{Policy, Source};

#[test]
fn everything_compiles_without_a_remark() {
    assert!(POLICY.remarks().is_empty(), "{}", listed(POLICY.remarks()));
    let at = shanghai("2026-03-02 09:00");
    for (unit, regimes) in [
        ("BJ01", &["car-dealer-complaints", "basics"][..]),
        ("MD01", &["store-staff-rules", "store-complaints", "store-employee-principles", "basics"]),
        ("RJ-CD", &["after-sales", "basics"]),
        ("WY-GM", &["tenant-service", "basics"]),
    ] {
        let packs: Vec<&str> = POLICY.packs_of(unit, at).into_iter().map(|pack| pack.id.as_str()).collect();
        assert_eq!(packs, regimes, "{unit}");
    }
    let regulations: std::collections::BTreeSet<&str> = POLICY.packs().filter_map(|pack| pack.regulation.as_deref()).collect();
    assert_eq!(regulations.len(), 17);
    for pack in POLICY.packs() {
        let binds = POLICY.tree().units().any(|unit| POLICY.packs_of(&unit.code, at).iter().any(|bound| bound.id == pack.id));
        assert!(binds, "{} binds no unit of the demonstration", pack.id);
    }
}

#[test]
fn the_demonstration_has_units_for_every_regulation_vacancies_absences_and_administrators() {
    assert_eq!(DIRECTORY.units().count(), 80);
    assert!((120..=240).contains(&DIRECTORY.people().count()));
    let at = shanghai("2026-03-05 10:00");
    assert!(DIRECTORY.posts().any(|post| post.holders.is_empty()), "a vacancy");
    assert!(DIRECTORY.people().any(|person| person.is_absent(at)), "an absence");
    let administrators = DIRECTORY.who_can(Right::Administer, "BJ01", at);
    assert!(administrators.len() >= 2);
    assert!(administrators.iter().all(|permission| permission.reason.zh.contains("管理权限")));
    for person in DIRECTORY.people() {
        assert!(person.email.as_ref().is_some_and(|email| email.ends_with("@duban.example")), "{}", person.id);
        assert!(person.phone.is_some());
    }
}

#[test]
fn a_policy_set_keeps_no_people_and_means_the_same() {
    let clean = organisation().policy_source();
    for person in DIRECTORY.people() {
        assert!(!clean.text.contains(&person.name) && !clean.text.contains(&person.id), "{}", person.id);
    }
    let mut set: Vec<Source> = sources().into_iter().filter(|source| source.name != "organisation.toml").collect();
    set.push(clean);
    let policy = Policy::compile(&set).unwrap_or_else(|faults| panic!("{}", listed(&faults)));
    let at = shanghai("2026-03-02 09:00");
    assert_eq!(policy.packs_of("MD03", at).len(), 4);
    assert_eq!(policy.post_for("store-complaints", "store", "SM"), "SM-YY/operations-customer-service");
    assert_eq!(policy.post_for("store-complaints", "store", "MD03"), "store-manager");
    assert_eq!(policy.figure("car-dealer-complaints", "manufacturer_warning", "SZ01").as_deref(), Some("12h"));
    assert_eq!(policy.figure("car-dealer-complaints", "manufacturer_warning", "BJ01").as_deref(), Some("24h"));
}

/// Editors read these files; `DUBAN_WRITE=1` writes them anew.
#[test]
fn the_published_schemas_are_those_of_the_code() {
    let schemas =
        [("pack", source::pack_schema()), ("organisation", source::organisation_schema()), ("calendar", source::calendar_schema())];
    for (name, schema) in schemas {
        let path = policies().join(format!("schema/{name}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("DUBAN_WRITE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(published, text, "{name}.schema.json is stale: run the test with DUBAN_WRITE=1");
    }
}

/// What an editor says of the files is what the compiler says.
#[test]
fn every_shipped_file_is_valid_by_the_published_schema() {
    let schema = |name: &str| {
        let text = std::fs::read_to_string(policies().join(format!("schema/{name}.schema.json"))).unwrap();
        jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap_or_else(|fault| panic!("{name}: {fault}"))
    };
    let (pack, calendar, organisation) = (schema("pack"), schema("calendar"), schema("organisation"));
    let mut seen = [0; 3];
    for source in sources().into_iter().filter(|source| source.name != "coverage.toml") {
        let file: serde_json::Value = toml::from_str(&source.text).unwrap();
        let (nth, schema) = match source.name.as_str() {
            "organisation.toml" => (2, &organisation),
            name if name.starts_with("calendars/") => (1, &calendar),
            _ => (0, &pack),
        };
        seen[nth] += 1;
        let faults: Vec<String> = schema.iter_errors(&file).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{}: {faults:#?}", source.name);
        // The schema says no where something is wrong, not yes to everything.
        let mut odd = file;
        odd["nonsense"] = serde_json::json!({ "x": 1 });
        assert!(!schema.is_valid(&odd), "{}", source.name);
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn a_directory_survives_being_sent_in_pages() {
    let json = serde_json::to_string(&*DIRECTORY).unwrap();
    let whole: duban_policy::directory::Directory = serde_json::from_str(&json).unwrap();
    let mut merged = duban_policy::directory::Directory::new(1, Vec::new(), whole.posts().cloned().collect(), Vec::new(), None);
    merged.merge(duban_policy::directory::Directory::new(
        1,
        whole.units().cloned().collect(),
        Vec::new(),
        whole.people().cloned().collect(),
        whole.fallback().map(str::to_owned),
    ));
    assert_eq!(serde_json::to_string(&merged).unwrap(), json);
}
