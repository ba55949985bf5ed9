//! What changes for people between two versions of the shipped packs.

use crate::world::{POLICY, listed, sources};
use duban_policy::policy::Change;
use duban_policy::{Policy, Source};

/// The shipped set with some text of one of its files replaced; it must occur.
fn changed(file: &str, from: &str, to: &str) -> Policy {
    let mut sources: Vec<Source> = sources();
    let source = sources.iter_mut().find(|source| source.name.ends_with(file)).unwrap();
    assert!(source.text.contains(from), "{file} has no {from:?}");
    source.text = source.text.replacen(from, to, 1);
    Policy::compile(&sources).unwrap_or_else(|errors| panic!("{}", listed(&errors)))
}

fn differences(file: &str, from: &str, to: &str) -> Vec<Change> {
    POLICY.changes_to(&changed(file, from, to))
}

#[test]
fn the_same_set_has_no_changes() {
    assert_eq!(POLICY.changes_to(&Policy::compile(&sources()).unwrap()), []);
}

#[test]
fn a_shorter_time_is_told_in_days() {
    let changes = differences(
        "store-complaints.toml",
        "from = \"received_at\"\nwithin = \"{close_within}\"",
        "from = \"received_at\"\nwithin = \"5d\"",
    );
    let [figure, change] = &changes[..] else { panic!("{changes:#?}") };
    assert_eq!(figure.aspect.as_ref().unwrap().en, "figures taken from");
    assert_eq!((change.pack.as_str(), change.place.as_str(), change.article.as_str()), ("store-complaints", "duty.close", "26"));
    assert_eq!(change.aspect.as_ref().unwrap().zh, "时限");
    assert_eq!((change.before.as_ref().unwrap().zh.as_str(), change.after.as_ref().unwrap().zh.as_str()), ("7天内", "5天内"));
    assert_eq!(change.after.as_ref().unwrap().en, "within 5 days");
    let words = change.sentence();
    assert_eq!((words.zh.as_str(), words.en.as_str()), ("时限：7天内 → 5天内", "time: within 7 days → within 5 days"));
}

#[test]
fn words_that_change_in_one_language_alone_are_told_in_both() {
    let changes = differences("customer-visits.toml", "审核客户拜访计划书 {number}", "审阅客户拜访计划书 {number}");
    let [change] = &changes[..] else { panic!("{changes:#?}") };
    let words = change.sentence();
    assert_eq!(words.zh, "名称：审核客户拜访计划书 → 审阅客户拜访计划书");
    assert_eq!(words.en, "title: (Chinese) 审核客户拜访计划书 → 审阅客户拜访计划书");
}

#[test]
fn a_parameter_changes_what_it_stands_for() {
    let from = "[parameter.ruling_within]\ntitle = { zh = \"上级主管裁定是否受理的时限\", en = \"time for the superior's ruling\" }\nvalue = \"1d\"";
    let changes = differences("store-complaints.toml", from, &from.replace("\"1d\"", "\"2wd\""));
    let places: Vec<&str> = changes.iter().map(|change| change.place.as_str()).collect();
    assert!(places.contains(&"parameter.ruling_within") && places.iter().any(|place| place.starts_with("duty.")), "{changes:#?}");
    assert!(changes.iter().all(|change| change.after.as_ref().unwrap().zh.contains("2个工作日")), "{changes:#?}");
}

/// What people feel though it is neither a time nor a person.
#[test]
fn what_becomes_of_reports_and_who_may_do_what_is_told_in_words() {
    let pack = "car-dealer-complaints.toml";
    let warned = "[duty.file_warning]\n";
    let any_pack = r#"closes = [{ on = ["case.warning_filed"], any_pack = true }]"#;
    let changes = [
        (pack, r#"{ reopen = "reopen" }"#, r#""join""#, "结案后又来件：以“重新处理”重新受理 → 并入原案，不重新受理"),
        (pack, "TS-{unit}", "TX-{unit}", "编号：TS-{unit}-{yyyy}{mm}{dd}-{seq} → TX-{unit}-{yyyy}{mm}{dd}-{seq}"),
        (pack, "public = true", "public = false", "公开表单上填写：是 → 否"),
        (pack, r#", ["plate", "kind"]"#, "", "同一事项的认定：电话 + 类别，或车牌号 + 类别 → 电话 + 类别"),
        (pack, warned, &format!("{warned}key = \"case/{{case}}/{{severity}}\"\n"), "同一件事的标识：无 → case/{case}/{severity}"),
        (pack, r#"from = "{warning_from}""#, r#"from = "received_at""#, "起算：该事件发生之时 → 来件收到之时"),
        (pack, r#"closes = "case.warning_filed""#, any_pack, "也看其他制度的案件：无 → “预警报备”办结"),
        (pack, r#""客户投诉", "投诉""#, r#""投诉""#, "来件中也称：客户投诉、投诉、complaint → 投诉、complaint"),
        (pack, r#"outcome = "withdrawn""#, r#"outcome = "settled""#, "办理结果记为：客户撤诉，办结（withdrawn） → 办结（settled）"),
        ("organisation.toml", r#"zone = "Asia/Shanghai""#, r#"zone = "Asia/Tokyo""#, "时区：Asia/Shanghai → Asia/Tokyo"),
        ("organisation.toml", "HY-DB/duty-desk-head", "HY/ceo", "无人可通知时：督办中心主任 → 华岳集团首席执行官"),
        ("organisation.toml", "parent = \"HY\"\ndepartment = true", "parent = \"HY\"", "内设部门：是 → 否"),
        ("organisation.toml", "head = \"legal-head\"", "head = \"legal-counsel\"", "负责人岗位：法务部负责人 → 法务专员"),
        (
            "organisation.toml",
            r#"rights = ["see everywhere", "move everywhere"]"#,
            r#"rights = ["see everywhere"]"#,
            "权限：查看（全部单位）、办理（全部单位） → 查看（全部单位）",
        ),
    ];
    for (file, from, to, said) in changes {
        let told: Vec<String> = differences(file, from, to).iter().map(|change| change.sentence().zh).collect();
        assert!(told.iter().any(|sentence| sentence == said), "{from} → {to} is told as {told:#?}");
    }
    let gone = differences("organisation.toml", "letter = { zh = \"来信\", en = \"letter\" }\n", "");
    assert!(gone.iter().any(|change| change.place == "channel.letter" && change.after.is_none()), "{gone:#?}");
}

#[test]
fn a_holiday_that_is_added_is_one_change() {
    let changes = differences("cn.toml", "holidays = [", "holidays = [\n  \"2026-12-25\",");
    let [change] = &changes[..] else { panic!("{changes:#?}") };
    assert_eq!((change.pack.as_str(), change.place.as_str()), ("", "calendar.cn.2026-12-25"));
    assert!(change.before.is_none() && change.aspect.is_none() && change.title.zh.contains("2026-12-25"));
}

#[test]
fn a_calendar_that_comes_is_one_change_and_not_one_for_each_day() {
    let mut more = sources();
    let text = "[calendar]\nname = \"cn-2027\"\ntitle = { zh = \"含2027年\", en = \"with 2027\" }\nextends = \"cn\"\nholidays = [\"2027-01-01\"]\n";
    more.push(Source { name: "calendars/cn-2027.toml".into(), text: text.into() });
    let changes = POLICY.changes_to(&Policy::compile(&more).unwrap_or_else(|errors| panic!("{}", listed(&errors))));
    let [change] = &changes[..] else { panic!("{changes:#?}") };
    assert!(change.place == "calendar.cn-2027" && change.before.is_none());
}

#[test]
fn a_pack_that_comes_or_goes_is_one_change() {
    let without: Vec<Source> = {
        let mut sources = sources();
        let organisation = sources.iter_mut().find(|source| source.name.ends_with("organisation.toml")).unwrap();
        organisation.text = without_pack(&organisation.text, "after-sales");
        sources.retain(|source| !source.name.ends_with("after-sales.toml"));
        sources
    };
    let without = Policy::compile(&without).unwrap_or_else(|errors| panic!("{}", listed(&errors)));
    let gone: Vec<Change> = POLICY.changes_to(&without).into_iter().filter(|change| change.pack == "after-sales").collect();
    let [change] = &gone[..] else { panic!("{gone:#?}") };
    assert!(change.after.is_none() && change.place == "pack");
    let come: Vec<Change> = without.changes_to(&POLICY).into_iter().filter(|change| change.pack == "after-sales").collect();
    assert!(come.len() == 1 && come[0].before.is_none(), "{come:#?}");
}

/// The organisation file without the tables that name a pack.
fn without_pack(text: &str, pack: &str) -> String {
    let named = format!("pack = \"{pack}\"");
    let mut kept: Vec<&str> = Vec::new();
    let mut dropping = false;
    let lines: Vec<&str> = text.lines().collect();
    for (nth, line) in lines.iter().enumerate() {
        let begins = line.starts_with('[');
        let goes_on = line.starts_with("[plays.") || line.starts_with("[parameters.") || line.starts_with("[set.");
        if begins && !(dropping && goes_on) {
            dropping = line.starts_with("[[") && lines.get(nth + 1).is_some_and(|next| *next == named);
        }
        if !dropping {
            kept.push(line);
        }
    }
    kept.join("\n")
}
