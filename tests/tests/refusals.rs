//! On a Chinese page every refusal is Chinese, whichever service gives it: the forms and filters are sent what cannot be, and what comes
//! back holds no run of English words.

use anyhow::{Context, ensure};
use duban_contracts::duty::DutyList;
use duban_local::{ClockSetting, StackSettings};
use duban_tests::journey::{self, GENERAL_MANAGER, HANDLER};
use duban_tests::{Visitor, World};
use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;

/// Sees the cases of the store, and no more.
const LOOKER: &str = "deng-ruolan";

/// What is sent, and what is said of it.
type Sent<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_refuses_is_said_in_chinese_on_a_chinese_page() -> anyhow::Result<()> {
    let clock = Some(ClockSetting::Stepped { start: journey::START.into() });
    let mut world = World::with(StackSettings { clock, ..StackSettings::test() }).await?;
    let report = serde_json::from_value(journey::report("web"))?;
    let accepted = world.installation.producer("web")?.send_report("form-1", &report).await?;
    let case = journey::registered(&world, &accepted).await?;
    world.raised().await?;
    let manager = Visitor::with_new_password(&world.installation, GENERAL_MANAGER).await?;
    let looker = Visitor::with_new_password(&world.installation, LOOKER).await?;
    filters(&manager).await?;
    acts_on_a_case(&manager, &looker, case.case, &case.number).await?;
    acts_on_a_duty(&world, &manager, &looker, case.case).await?;
    world.stack.stop().await;
    Ok(())
}

async fn filters(manager: &Visitor) -> anyhow::Result<()> {
    for (path, said) in [
        ("/cases?state=foo", "状态：没有“foo”这一状态（open（在办）、"),
        ("/cases?severity=foo", "严重程度：没有严重程度“foo”（可选："),
        ("/cases?unit=XX", "单位：没有单位“XX”（请填写目录中的单位代码）"),
        ("/cases?kind=foo&stage=bar", "类别：没有类别“foo”（请填写制度所列类别的代码）；环节：没有环节“bar”"),
        ("/duties?unit=XX", "单位：没有单位“XX”（请填写目录中的单位代码）"),
        ("/records?unit=XX", "单位：没有单位“XX”（请填写目录中的单位代码）"),
        ("/duties?state=foo", "状态：没有此状态（open（未了结）、"),
        ("/alerts?state=foo", "状态：没有此状态（open（未签收）或 all（全部））"),
        ("/deliveries?state=foo", "状态：没有此状态（waiting（等待中）、"),
    ] {
        is_chinese(path, manager.get(path).await?, 422, said)?;
    }
    // Each part of the page stands for itself.
    is_chinese("/dead?state=foo", manager.get("/dead?state=foo").await?, 200, "状态：没有“foo”这一状态（open（待处理）、")?;
    for known in [
        "/cases?state=major",
        "/cases?severity=ordinary",
        "/cases?unit=BJ01&kind=complaint",
        "/duties?unit=BJ01",
        "/records?unit=BJ01",
        "/records?unit=",
    ] {
        let (status, text) = manager.get(known).await?;
        ensure!(status == StatusCode::OK && !text.contains("notice bad"), "{known}: {status}");
    }
    Ok(())
}

async fn acts_on_a_case(manager: &Visitor, looker: &Visitor, case: Uuid, number: &str) -> anyhow::Result<()> {
    let path = format!("/cases/{case}/act");
    let (long, nothing) = ("x".repeat(20_001), Uuid::now_v7().to_string());
    let acts: [Sent<'_>; 15] = [
        (&[("do", "merge"), ("into", "TS-BAD"), ("reason", "r")], 422, "并入的案件编号：没有此编号的案件，或您无权查看（请填写案件编号）"),
        (&[("do", "merge"), ("into", number), ("reason", "r")], 422, "并入的案件编号：填写的就是本案（请填写另一案件的编号）"),
        (&[("do", "merge"), ("into", number)], 422, "理由：未填写（请填写内容）"),
        (&[("do", "note"), ("text", &long)], 422, "内容：共20001字（不超过20000字）"),
        (&[("do", "answer"), ("text", "x"), ("by", &long[..41])], 422, "方式：未注明答复方式，或过长"),
        (&[("do", "assign"), ("person", "nobody")], 422, "人员：没有此人，或已离职（请填写目录中的人员代码）"),
        (&[("do", "add_person"), ("person", "nobody"), ("reason", "r")], 422, "人员：没有此人，或已离职"),
        (&[("do", "correct"), ("reason", "r")], 422, "没有要更正的内容（请至少更正"),
        (&[("do", "correct"), ("unit", "XX"), ("reason", "r")], 422, "单位：没有此单位（请填写目录中的单位代码）"),
        (&[("do", "correct"), ("kind", "foo"), ("reason", "r")], 422, "类别：该单位没有此类别（可选：车辆客户投诉"),
        (&[("do", "correct"), ("severity", "foo"), ("reason", "r")], 422, "严重程度：没有此严重程度（可选："),
        (&[("do", "correct"), ("about_person", "nobody"), ("reason", "r")], 422, "被投诉人：没有此人"),
        (&[("do", "unlink"), ("other", &nothing), ("reason", "r")], 404, "未找到"),
        (&[("do", "foo")], 400, "本页没有此项操作"),
        (&[("do", "note"), ("text", "x"), ("version", "999")], 409, "内容已被他人更新"),
    ];
    let (_, page) = manager.get(&format!("/cases/{case}")).await?;
    let version = page.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("no version")?;
    let mut wrong = Vec::new();
    for (members, status, said) in acts {
        let request = Uuid::now_v7().to_string();
        let sent = manager.post(&path, &[members, &[("request", request.as_str()), ("version", version)]].concat()).await?;
        wrong.extend(is_chinese(&format!("{:?}", &members[..2.min(members.len())]), sent, status, said).err().map(|why| why.to_string()));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    let request = Uuid::now_v7().to_string();
    let note = [("request", request.as_str()), ("do", "note"), ("text", "x")];
    is_chinese("no right", looker.post(&path, &note).await?, 403, "您无权进行此操作：需要对单位BJ01的“办理”或“受理”或“审批”权限")?;
    Ok(())
}

async fn acts_on_a_duty(world: &World, manager: &Visitor, looker: &Visitor, case: Uuid) -> anyhow::Result<()> {
    let asked = json!({ "case": case, "state": "open" });
    let open: DutyList = world.installation.person(HANDLER).await?.get("/v1/duties", &asked).await?;
    let duty = open.duties.first().context("no duty is open")?.duty;
    let path = format!("/duties/{duty}/act");
    let acts: [Sent<'_>; 8] = [
        (&[("do", "paused"), ("until", "soon"), ("reason", "r")], 422, "截止时间：不是有效时间"),
        (&[("do", "paused"), ("until", "2026-03-02T10:00")], 422, "理由：未填写（用一句话说明理由，不含个人信息）"),
        (&[("do", "paused"), ("until", "2020-01-01T10:00"), ("reason", "r")], 422, "截止时间：时间已过（应为将来的时间）"),
        (&[("do", "paused"), ("until", "2026-03-02T10:00"), ("reason", "r"), ("waits_for", "nobody")], 422, "等待何人：没有此人员或岗位"),
        (&[("do", "extended"), ("until", "2036-01-01T10:00"), ("reason", "r")], 422, "截止时间：时间过远（应在一年以内）"),
        (&[("do", "handed_over"), ("to", "nobody"), ("reason", "r")], 422, "接办人：没有可查看该单位事项的此人员"),
        (&[("do", "resumed")], 409, "该责任事项未暂停"),
        (&[("do", "foo")], 422, "操作：没有此项操作（请使用本页的表单）"),
    ];
    for (members, status, said) in acts {
        let request = Uuid::now_v7().to_string();
        let sent = manager.post(&path, &[members, &[("request", request.as_str())]].concat()).await?;
        is_chinese(&format!("{members:?}"), sent, status, said)?;
    }
    let request = Uuid::now_v7().to_string();
    let urge = [("request", request.as_str()), ("do", "urged")];
    is_chinese("no right", looker.post(&path, &urge).await?, 403, "仅限责任人和对该单位有审批权限的人员")?;
    let close = [("request", request.as_str()), ("note", "x")];
    is_chinese("no right", looker.post(&format!("/duties/{duty}/close"), &close).await?, 403, "仅责任人可以关闭，仅管理员可以撤销")?;
    Ok(())
}

/// The page's notices, without tags.
fn said(page: &str) -> String {
    let notices = page.split("<div class=\"notice bad\" role=\"alert\">").skip(1).filter_map(|after| after.split("</div>").next());
    notices.flat_map(|notice| notice.split(['<', '>']).step_by(2)).collect()
}

fn is_chinese(what: &str, (status, page): (StatusCode, String), expected: u16, words: &str) -> anyhow::Result<()> {
    let said = said(&page);
    ensure!(status.as_u16() == expected && said.contains(words), "{what}: {status}, no '{words}' in: {said}");
    let count = |run: &str| run.split(|c: char| !(c.is_ascii_alphabetic() || c == '\'')).filter(|word| word.len() > 1).count();
    let english = said.split(|c: char| !c.is_ascii()).find(|run| count(run) >= 4);
    ensure!(english.is_none(), "{what}: {english:?} in: {said}");
    Ok(())
}
