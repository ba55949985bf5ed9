//! Filters of the list and of the export: one by what there is not is refused, for an empty list would read as 'nothing of it'.

use crate::world::{World, complaint, with};
use duban_contracts::case::{CaseExport, CaseListRequest};
use serde_json::json;

fn by(what: &str, value: &str) -> CaseListRequest {
    serde_json::from_value(json!({ what: value })).unwrap_or_else(|error| panic!("{what}: {error}"))
}

#[tokio::test]
async fn what_there_is_not_is_named_with_what_is_expected_in_both_languages() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.case_of(world.report("k1", complaint()).await?).await?;
    let cases = [
        ("state", "foo", "open, closed, unsorted, mine, major, master or attached", "open（在办）、closed（已办结）"),
        ("severity", "foo", "one of major, ordinary", "可选：major（重大）、ordinary（一般）"),
        ("unit", "XX", "the code of a unit of the directory", "请填写目录中的单位代码"),
        ("pack", "foo", "the id of a pack of the policy", "请填写制度包的代码"),
        ("kind", "foo", "the id of a kind of the policy", "请填写制度所列类别的代码"),
        ("stage", "foo", "the id of a stage of the policy", "请填写制度所列环节的代码"),
    ];
    for (what, value, expected, expected_zh) in cases {
        let listed = world.list("dora", by(what, value)).await.expect_err(what);
        let exported = world.ask::<_, CaseExport>("dora", "case.export", &by(what, value)).await.expect_err(what);
        assert_eq!((listed.status, &listed.errors), (422, &exported.errors), "{what}");
        let [fault] = listed.errors.as_slice() else { panic!("{what}: {listed}") };
        assert_eq!((fault.field.as_str(), fault.expected.as_str()), (format!("/{what}").as_str(), expected));
        assert!(fault.wrong.contains(value) && fault.wrong_zh.contains(value), "{fault:?}");
        assert!(fault.expected_zh.starts_with(expected_zh), "{fault:?}");
    }
    let all = CaseListRequest { severity: Some("foo".into()), unit: Some("XX".into()), ..by("state", "foo") };
    assert_eq!(world.list("dora", all).await.expect_err("three").errors.len(), 3, "every fault at once");
    for (what, value) in
        [("severity", "ordinary"), ("severity", " "), ("unit", "EAST"), ("unit", "GROUP"), ("kind", "complaint"), ("stage", "registered")]
    {
        assert_eq!(world.list("dora", by(what, value)).await?.total, 1, "{what}={value}");
    }
    assert_eq!(world.list("dora", by("severity", "major")).await?.total, 0, "there is such a severity, and no such case");
    Ok(())
}

#[tokio::test]
async fn the_cases_of_a_dissolved_unit_are_found_by_its_code() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.case_of(world.report("k1", with(complaint(), json!({ "unit": "WEST" }))).await?).await?;
    world.reorganise(2, &[("unit.WEST", "unit.NORTH")])?;
    assert_eq!(world.list("dora", by("unit", "WEST")).await?.total, 1);
    assert_eq!(world.list("dora", by("unit", "NORTH")).await?.total, 0);
    Ok(())
}
