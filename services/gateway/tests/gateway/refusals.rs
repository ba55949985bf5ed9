//! What the gateway itself refuses on a Chinese page is said in Chinese; what its neighbours refuse, in the words that they give.

use crate::browser::{FORM, Page, Session, form, page};
use crate::pages::{answer, neighbours};
use crate::policies::{install, shipped};
use crate::policy_pages::session;
use crate::world::World;
use duban_contracts::{Problem, both};
use reqwest::{Method, StatusCode, header};
use uuid::Uuid;

/// Where a form is sent, its members, and what is said of it.
type Sent<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

/// The text of a page's notices and of what stands at its fields, without tags.
fn said(page: &str) -> String {
    let of = |start: &str, end: &str| {
        page.split(start)
            .skip(1)
            .filter_map(|after| after.split(end).next())
            .flat_map(|part| part.split(['<', '>']).step_by(2))
            .collect::<Vec<_>>()
            .join(" ")
    };
    of("<div class=\"notice bad\" role=\"alert\">", "</div>") + &of("<p class=\"wrong\">", "</p>")
}

/// Four words of English in a row.
fn english(text: &str) -> Option<&str> {
    let words = |run: &&str| run.split(|c: char| !(c.is_ascii_alphabetic() || c == '\'')).filter(|word| word.len() > 1).count();
    text.split(|c: char| !c.is_ascii()).find(|run| words(run) >= 4)
}

#[track_caller]
fn is_chinese(what: &str, refused: &Page, status: u16, words: &str) {
    let text = said(&refused.text).replace("&quot;", "\"");
    assert_eq!(refused.status.as_u16(), status, "{what}: {text} {}", refused.text);
    assert!(refused.text.contains("lang=\"zh-CN\"") && text.contains(words), "{what}: no '{words}' in: {text}");
    assert!(english(&text).is_none(), "{what}: {:?} in: {text}", english(&text));
}

#[test]
fn english_is_recognised() {
    assert!(english("理由：it takes the right to do so（x）").is_some());
    assert!(english("单位 BJ01：形如 name@example.com 的地址，open 或 all").is_none());
}

#[tokio::test]
async fn the_public_form_says_in_chinese_what_to_put_right() -> anyhow::Result<()> {
    let (world, a, _) = World::start_with(&[("DUBAN_FORMS_PER_MINUTE", "60")]).await?;
    install(&world, &a).await?;
    world.producer(&a, "web").await?;
    let send = async |members: &[(&str, &str)]| {
        let request = a.ask(Method::POST, "/report").header(header::CONTENT_TYPE, FORM).header(header::ACCEPT_LANGUAGE, "zh");
        page(request.body(form(&[members, &[("key", "k-1")]].concat())).send().await?).await
    };
    let long = "长".repeat(201);
    is_chinese("a long subject", &send(&[("subject", &long)]).await?, 422, "共201字，过长（不超过200字）");
    is_chinese("a long name", &send(&[("text", "x"), ("name", &long)]).await?, 422, "不超过200字");
    is_chinese("nothing", &send(&[]).await?, 422, "主题和经过均未填写（请填写主题或经过，至少填写一项）");
    is_chinese("no code", &send(&[("text", "x"), ("follows", "zzzzz")]).await?, 422, "这不是有效的查询码");
    let kind = send(&[("text", "x"), ("unit", "BJ01"), ("kind", "complaint_report")]).await?;
    is_chinese("a kind of ours", &kind, 422, "该单位不受理此类事项（请从列表中选择）");
    let foreign = a.ask(Method::POST, "/report").header(header::CONTENT_TYPE, FORM).header(header::ORIGIN, "https://evil.example");
    is_chinese("another site", &page(foreign.body("text=x").send().await?).await?, 403, "请求来自其他网站的页面");
    Ok(())
}

#[tokio::test]
async fn forms_of_the_administration_are_refused_in_chinese() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let reader = session(&world, &a, "pan-xinyi").await?;
    is_chinese("no right", &reader.get("/administration").await?, 403, "需要全局管理权限");

    let person = [("id", "A B"), ("name", " "), ("email", "x"), ("language", "fr")];
    let refused = chief.post("/administration/people", &person).await?;
    is_chinese("a person", &refused, 422, "代码：不能用作人员代码（1至40个小写字母、数字、“-”或“_”）");
    is_chinese("a person", &refused, 422, "邮箱：不是有效的邮箱地址");
    let short = [("id", "new-one"), ("name", "新人"), ("password", "short")];
    is_chinese("a password", &chief.post("/administration/people", &short).await?, 422, "密码：共5个字符（10至200个字符）");
    is_chinese("half a form", &chief.post("/administration/people", &[("id", "x")]).await?, 400, "表单内容不完整或格式有误");
    let stale = chief.post_without_token("/administration/people", &short).await?;
    is_chinese("a form of another session", &stale, 403, "表单已失效，请刷新页面后重试");
    let taken = chief.post("/administration/people", &[("id", "pan-xinyi"), ("name", "潘")]).await?;
    is_chinese("taken", &taken, 409, "该编号已被占用");
    let producer = chief.post("/administration/producers", &[("id", "intake"), ("unit", "NOWHERE")]).await?;
    is_chinese("a producer", &producer, 422, "单位：没有此单位（请填写目录中的单位代码）");
    is_chinese("nobody", &chief.post("/administration/people/nobody/disable", &[]).await?, 404, "未找到");
    Ok(())
}

#[tokio::test]
async fn absences_and_delegations_are_refused_in_chinese() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let reader = session(&world, &a, "pan-xinyi").await?;
    let request = Uuid::now_v7().to_string();
    let asked = ("request", request.as_str());
    let (set, delegate) = ("/absences", "/delegations");
    let cases: [Sent<'_>; 6] = [
        (set, &[("until", "soon")], "截止时间：不是有效时间（日期和时间，如 2026-03-05T18:00）"),
        (set, &[("until", "2020-01-01T00:00")], "截止时间：不晚于开始时间（应晚于开始时间）"),
        (set, &[("from", "2020-01-01T00:00")], "开始时间：早于一天之前"),
        (set, &[("person", "nobody")], "人员：没有此人（请填写目录中的人员代码）"),
        (delegate, &[("to", "chief"), ("until", "2099-01-01T00:00")], "接办人：不能委托给本人（请选择其他人员）"),
        (delegate, &[("to", "nobody"), ("of", "post:X/y"), ("until", "2099-01-01T00:00")], "岗位：没有可委托的这一岗位"),
    ];
    for (path, members, words) in cases {
        is_chinese(words, &chief.post(path, &[members, &[asked]].concat()).await?, 422, words);
    }
    let other = reader.post(set, &[asked, ("person", "song-zhiqiang")]).await?;
    is_chinese("another's", &other, 403, "仅限本人、其上级和管理员");
    Ok(())
}

#[tokio::test]
async fn sets_of_packs_are_refused_in_chinese() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let nothing = chief.upload("/policies", &[("note", "x")], &[("", "")], &chief.csrf).await?;
    is_chinese("nothing", &nothing, 422, "文件：未选择文件（请选择改动的文件，或要废止的现行文件）");
    let wrong = shipped("store-complaints.toml").replacen("within = \"{close_within}\"", "within = \"sometimes\"", 1);
    let faults = chief.upload("/policies", &[("note", "x")], &[("store-complaints.toml", &wrong)], &chief.csrf).await?;
    is_chinese("faults", &faults, 422, "文件未通过检查");
    let pack = shipped("store-complaints.toml").replacen("within = \"{close_within}\"", "within = \"5d\"", 1);
    let corrects = [("note", "x"), ("corrects", "nothing/here")];
    let refused = chief.upload("/policies", &corrects, &[("store-complaints.toml", &pack)], &chief.csrf).await?;
    is_chinese("no correction", &refused, 422, "不能作此更正；更正未了结事项：");
    is_chinese("in force", &chief.post("/policies/1/withdraw", &[]).await?, 409, "该版本已生效或已撤回");
    is_chinese("in force", &chief.post("/policies/1/back", &[]).await?, 409, "该版本现正生效");
    is_chinese("none", &chief.post("/policies/99/approve", &[]).await?, 404, "未找到");
    let submitted = chief.upload("/policies", &[("note", "x")], &[("store-complaints.toml", &pack)], &chief.csrf).await?;
    assert_eq!(submitted.status, StatusCode::SEE_OTHER, "{}", submitted.text);
    is_chinese("his own", &chief.post("/policies/2/approve", &[]).await?, 403, "提交人不得批准；须由");
    is_chinese("never in force", &chief.post("/policies/2/back", &[]).await?, 409, "目前待批准");
    Ok(())
}

#[tokio::test]
async fn what_neighbours_refuse_is_said_in_the_readers_language() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let chief = Session::of(&a, "chief", "correct horse").await?;
    is_chinese("nobody answers", &chief.get("/cases").await?, 503, "所需的服务暂时没有响应");
    let neighbours = neighbours(&world).await?;
    let why = Problem::invalid_field("/state", both("没有“foo”这一状态", "'foo' is no state"), both("open（在办）", "open, closed or so"));
    answer(&neighbours, "intake", "case.list", Err(why)).await?;
    let list = chief.get("/cases?state=foo").await?;
    is_chinese("a state", &list, 422, "状态：没有“foo”这一状态（open（在办））");
    assert!(
        list.text.contains("action=\"/cases\"") && list.text.contains("name=\"state\" value=\"open\""),
        "the form stands: {}",
        list.text
    );
    let english = chief.get("/cases?state=foo&lang=en").await?;
    assert!(said(&english.text).contains("State: 'foo' is no state (open, closed or so)"), "{}", english.text);

    // An owner that has not learnt Chinese yet is shown as he speaks.
    answer(&neighbours, "escalation", "duty.list", Err(Problem::forbidden("it takes a right"))).await?;
    let old = chief.get("/duties").await?;
    assert!(old.status == StatusCode::FORBIDDEN && said(&old.text).contains("it takes a right"), "{}", old.text);
    Ok(())
}
