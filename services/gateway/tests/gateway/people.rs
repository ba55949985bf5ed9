//! People: passwords, sessions, forms, rights, and the history of what changed.

use crate::browser::Session;
use crate::policies::{install, shipped};
use crate::world::{Gateway, World, expect, until};
use duban_local::ClockSetting;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

/// Name and value of the session's cookie, and the token of its forms.
async fn log_in(gateway: &Gateway, name: &str, password: &str) -> anyhow::Result<(StatusCode, String, String)> {
    let answer = gateway.ask(Method::POST, "/v1/session").json(&json!({ "name": name, "password": password })).send().await?;
    let status = answer.status();
    let cookie = answer.headers().get(header::SET_COOKIE).map(|value| value.to_str().unwrap_or_default().to_owned()).unwrap_or_default();
    let me: Value = answer.json().await?;
    Ok((status, cookie, me["csrf"].as_str().unwrap_or_default().to_owned()))
}

#[tokio::test]
async fn a_session_is_kept_by_a_cookie_that_scripts_and_other_sites_cannot_use() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let (status, cookie, csrf) = log_in(&a, "chief@duban.example", "correct horse").await?;
    assert_eq!(status, StatusCode::OK);
    for part in ["__Host-duban_session=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let with_cookie = |method: Method, path: &str| a.ask(method, path).header(header::COOKIE, &cookie);
    let me = expect(with_cookie(Method::GET, "/v1/me").send().await?, StatusCode::OK).await?;
    assert_eq!((me["person"].as_str(), me["administers"].as_bool()), (Some("chief"), Some(true)));

    // What changes something needs the token of the session, and comes from our own pages.
    let disable = || with_cookie(Method::POST, "/v1/producers/hotline/disable");
    assert_eq!(disable().send().await?.status(), StatusCode::FORBIDDEN);
    assert_eq!(disable().header("X-CSRF-Token", "wrong").send().await?.status(), StatusCode::FORBIDDEN);
    let foreign = disable().header("X-CSRF-Token", &csrf).header(header::ORIGIN, "https://evil.example");
    assert_eq!(foreign.send().await?.status(), StatusCode::FORBIDDEN);
    let own = disable().header("X-CSRF-Token", &csrf).header(header::ORIGIN, "https://duban.example");
    assert_eq!(own.send().await?.status(), StatusCode::NO_CONTENT);

    let logout = with_cookie(Method::DELETE, "/v1/session").header("X-CSRF-Token", &csrf);
    assert_eq!(logout.send().await?.status(), StatusCode::NO_CONTENT);
    assert_eq!(with_cookie(Method::GET, "/v1/me").send().await?.status(), StatusCode::UNAUTHORIZED);

    // Only hashes are kept.
    let pool = sqlx::PgPool::connect(&world.ground.database_url("inspector")?).await?;
    let hash: String = sqlx::query_scalar("select password_hash from identity.credential").fetch_one(&pool).await?;
    assert!(hash.starts_with("$argon2id$"));
    let tokens: Vec<String> = sqlx::query_scalar("select token_hash from identity.api_token").fetch_all(&pool).await?;
    assert!(tokens.iter().all(|token| token.len() == 64 && !world.admin.contains(token.as_str())));
    Ok(())
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_over_and_when_its_person_is_shut_out_whatever_domain_time_says() -> anyhow::Result<()> {
    let settings = [("DUBAN_SESSION_IDLE_MINUTES", "30"), ("DUBAN_SESSION_HOURS", "2")];
    let (world, a, _) = World::start_with(&settings).await?;
    world.person(&a, "wang").await?;
    let pool = sqlx::PgPool::connect(world.ground.superuser_url()).await?;
    let log_in = || Session::of(&a, "wang", "correct horse");
    let age = async |sql: &'static str| sqlx::query(sql).execute(&pool).await.map(|done| assert_eq!(done.rows_affected(), 1));

    // Twenty-nine minutes without a request are borne, and counted anew from the next one; thirty-one are not.
    let idle = log_in().await?;
    age("update identity.session set used_at = clock_timestamp() - interval '29 minutes'").await?;
    assert_eq!(idle.get("/v1/me").await?.status, StatusCode::OK);
    let fresh = "select used_at > clock_timestamp() - interval '5 minutes' from identity.session";
    assert!(sqlx::query_scalar::<_, bool>(fresh).fetch_one(&pool).await?, "it was used just now");
    age("update identity.session set used_at = clock_timestamp() - interval '31 minutes'").await?;
    assert_eq!(idle.get("/v1/me").await?.status, StatusCode::UNAUTHORIZED);
    let led_on = idle.get("/alerts").await?;
    assert_eq!((led_on.status, led_on.location.as_str()), (StatusCode::SEE_OTHER, "/login?next=/alerts"));
    assert_eq!(idle.post("/logout", &[]).await?.location, "/login?next=/", "a form of an ended session does nothing");

    // However busily it is used, it lasts two hours and no longer.
    age("delete from identity.session").await?;
    let busy = log_in().await?;
    let lasts = "select extract(epoch from expires_at - clock_timestamp())::float8 from identity.session";
    let lasts: f64 = sqlx::query_scalar(lasts).fetch_one(&pool).await?;
    assert!(lasts <= 7_200.0 && lasts > 7_200.0 - crate::world::LIMIT.as_secs_f64(), "{lasts} seconds");
    assert_eq!(busy.get("/v1/me").await?.status, StatusCode::OK);
    age("update identity.session set expires_at = clock_timestamp()").await?;
    assert_eq!(busy.get("/v1/me").await?.status, StatusCode::UNAUTHORIZED);

    // A clock that was stepped far ahead ends nobody's session, and what has really ended is tidied away.
    let good = log_in().await?;
    world.ground.set_clock(&ClockSetting::Stepped { start: "2099-01-01T00:00:00Z".to_owned() }).await?;
    let b = world.gateway("b", &settings).await?;
    until("the other copy to be in 2099", || async {
        Ok(b.ask(Method::GET, "/report?lang=en").send().await?.text().await?.contains("2099"))
    })
    .await?;
    let kept = "select count(*) from identity.session";
    until("what has ended to be tidied away", || async { Ok(sqlx::query_scalar::<_, i64>(kept).fetch_one(&pool).await? == 1) }).await?;
    assert_eq!(good.at(&b).get("/v1/me").await?.status, StatusCode::OK);

    // Shut out, he is out at every copy at once.
    expect(a.post("/v1/people/wang/disable", &world.admin).send().await?, StatusCode::NO_CONTENT).await?;
    for session in [&good, &good.at(&b)] {
        assert_eq!(session.get("/v1/me").await?.status, StatusCode::UNAUTHORIZED);
        assert!(session.get("/alerts").await?.location.starts_with("/login"));
    }
    Ok(())
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() -> anyhow::Result<()> {
    let (_world, a, _) = World::start_with(&[("DUBAN_LOGINS_PER_MINUTE", "6")]).await?;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(log_in(&a, "chief", "wrong password").await?.0);
    }
    // Three at once, and one more each twenty seconds.
    assert_eq!(statuses[0], StatusCode::UNAUTHORIZED);
    assert!(statuses.contains(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
    // An unknown name is answered as a wrong password is.
    assert_eq!(log_in(&a, "nobody", "wrong password").await?.0, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn a_person_has_one_limit_under_all_his_names() -> anyhow::Result<()> {
    // Three tries a person, more from the address.
    let (_world, a, _) = World::start_with(&[("DUBAN_LOGINS_PER_MINUTE", "6")]).await?;
    let mut statuses = Vec::new();
    // No name is tried more than twice, and the address not more often than it may; each twenty seconds the person has one more try.
    let names = ["chief", " chief", "chief@duban.example", "CHIEF@duban.example\t"];
    for name in names.into_iter().chain(["chief", " chief"]) {
        statuses.push(log_in(&a, name, "wrong password").await?.0);
    }
    assert_eq!(statuses[..3], [StatusCode::UNAUTHORIZED; 3]);
    assert!(statuses.contains(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
    Ok(())
}

#[tokio::test]
async fn a_person_made_without_a_password_is_given_one_that_opens() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let made = a.post("/v1/people", &world.admin).json(&json!({ "id": "zhao", "name": "赵敏" })).send().await?;
    let made = expect(made, StatusCode::OK).await?;
    let password = made["password"].as_str().unwrap();
    assert_eq!(log_in(&a, "zhao", password).await?.0, StatusCode::OK);
    // One that was chosen is not told back.
    let chosen = json!({ "id": "qian", "name": "钱进", "password": "correct horse" });
    let made = expect(a.post("/v1/people", &world.admin).json(&chosen).send().await?, StatusCode::OK).await?;
    assert!(made.get("password").is_none());
    assert_eq!(log_in(&a, "qian", "correct horse").await?.0, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_telephone_number_is_masked_in_the_list_of_people_and_whole_where_one_is_asked_for() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let wang = json!({ "id": "wang", "name": "王芳", "phone": "13812342345" });
    expect(a.post("/v1/people", &world.admin).json(&wang).send().await?, StatusCode::OK).await?;
    let listed = expect(a.get("/v1/people", &world.admin).send().await?, StatusCode::OK).await?;
    let one = listed["people"].as_array().unwrap().iter().find(|person| person["id"] == "wang").unwrap();
    assert_eq!(one["phone"], "138****2345");
    assert!(!listed.to_string().contains("12342345"), "{listed}");
    let alone = expect(a.get("/v1/people/wang", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!((&alone["name"], &alone["phone"], &alone["posts"]), (&json!("王芳"), &json!("13812342345"), &json!([])));
    assert_eq!(a.get("/v1/people/nobody", &world.admin).send().await?.status(), StatusCode::NOT_FOUND);
    // As everywhere else that lists: what was changed, on the page too, and the organisation.
    let history = expect(a.get("/v1/history?which=wang", &world.admin).send().await?, StatusCode::OK).await?;
    assert!(history.to_string().contains("138****2345") && !history.to_string().contains("12342345"), "{history}");
    let organisation = expect(a.get("/v1/organisation", &world.admin).send().await?, StatusCode::OK).await?;
    assert_eq!(organisation["directory"]["people"]["wang"]["phone"], "138****2345");
    assert!(!organisation.to_string().contains("12342345"), "{organisation}");
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let page = chief.get("/administration?which=wang").await?.text;
    assert!(page.contains("138****2345") && !page.contains("12342345"), "{page}");
    // And why somebody is away, which people write.
    let away = json!({ "person": "wang", "reason": "急事请拨13812342345" });
    let away = a.post("/v1/absences", &world.admin).header("Idempotency-Key", uuid::Uuid::now_v7().to_string()).json(&away).send().await?;
    assert!(away.status().is_success(), "{}", away.status());
    let absences = expect(a.get("/v1/absences", &world.admin).send().await?, StatusCode::OK).await?;
    let page = chief.get("/absences").await?.text;
    for shown in [absences.to_string(), page] {
        assert!(shown.contains("138****2345") && !shown.contains("12342345"), "{shown}");
    }
    let li = world.person(&a, "li").await?;
    assert_eq!(a.get("/v1/people/wang", &li).send().await?.status(), StatusCode::FORBIDDEN);
    Ok(())
}

#[tokio::test]
async fn a_token_is_listed_revoked_or_replaced_at_every_copy_and_who_is_disabled_comes_back_without_one() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let b = world.gateway("b", &[]).await?;
    let laptop = world.person(&a, "wang").await?;
    let give = async |name: &str| {
        let made = a.post("/v1/people/wang/token", &world.admin).json(&json!({ "name": name, "days": 7 })).send().await?;
        anyhow::Ok(expect(made, StatusCode::OK).await?["token"].as_str().unwrap().to_owned())
    };
    let is_good = async |token: &str| {
        let mut answers = Vec::new();
        for copy in [&a, &b] {
            answers.push(copy.get("/v1/me", token).send().await?.status());
        }
        anyhow::ensure!(answers[0] == answers[1], "{answers:?}");
        anyhow::Ok(answers[0] == StatusCode::OK)
    };
    let listed = async || {
        let listed = expect(b.get("/v1/people/wang/tokens", &world.admin).send().await?, StatusCode::OK).await?;
        anyhow::Ok(listed["tokens"].as_array().cloned().unwrap_or_default())
    };
    // Another copy knows a person as soon as it has read the directory again.
    let old = give("dashboard").await?;
    until("both copies know him", || async { is_good(&old).await }).await?;

    // One of the same name takes its place; one of another stands beside it.
    let new = give("dashboard").await?;
    assert_eq!((is_good(&old).await?, is_good(&new).await?, is_good(&laptop).await?), (false, true, true));
    let tokens = listed().await?;
    assert_eq!(tokens.len(), 2, "{tokens:?}");
    let dashboard = tokens.iter().find(|token| token["name"] == "dashboard").unwrap();
    assert_eq!(dashboard["created_by"], "chief");
    let ends: jiff::Timestamp = dashboard["expires_at"].as_str().unwrap().parse()?;
    let good_for = ends.duration_since(jiff::Timestamp::now());
    assert!((160..=168).contains(&good_for.as_hours()), "{dashboard}");
    assert!(!json!(tokens).to_string().contains("duban_person_"));

    // Revoked at one copy, it is good at none; on the page the other one has its button.
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let revoke = |token: &Value| format!("/v1/people/wang/tokens/{}/revoke", token["id"].as_str().unwrap());
    expect(a.post(&revoke(dashboard), &world.admin).send().await?, StatusCode::NO_CONTENT).await?;
    assert_eq!((is_good(&new).await?, is_good(&laptop).await?), (false, true));
    assert_eq!(a.post(&revoke(dashboard), &world.admin).send().await?.status(), StatusCode::NOT_FOUND);
    assert_eq!(a.post(&revoke(dashboard), &laptop).send().await?.status(), StatusCode::FORBIDDEN);
    let path = revoke(&listed().await?[0]).replace("/v1/", "/administration/");
    assert!(chief.get("/administration").await?.text.contains(&path));
    assert_eq!(chief.post(&path, &[]).await?.status, StatusCode::SEE_OTHER);
    assert!(!is_good(&laptop).await? && listed().await?.is_empty());

    // A name that is none, a person who is none; and who is disabled gets none before he is enabled.
    let refused = a.post("/v1/people/wang/token", &world.admin).json(&json!({ "name": " " })).send().await?;
    assert_eq!(expect(refused, StatusCode::UNPROCESSABLE_ENTITY).await?["errors"][0]["field"], "/name");
    assert_eq!(a.get("/v1/people/nobody/tokens", &world.admin).send().await?.status(), StatusCode::NOT_FOUND);
    let last = give("last").await?;
    expect(a.post("/v1/people/wang/disable", &world.admin).send().await?, StatusCode::NO_CONTENT).await?;
    assert!(listed().await?.is_empty());
    let refused = a.post("/v1/people/wang/token", &world.admin).json(&json!({})).send().await?;
    assert_eq!(expect(refused, StatusCode::CONFLICT).await?["code"], "disabled");
    assert_eq!(chief.post("/administration/people/wang/enable", &[]).await?.status, StatusCode::SEE_OTHER);
    until("he logs in again", || async { Ok(log_in(&a, "wang", "correct horse").await?.0 == StatusCode::OK) }).await?;
    assert!(!is_good(&last).await?, "a token that was revoked stays so");
    until("both copies know that he is back", || async { is_good(&give("again").await?).await }).await?;
    assert_eq!(a.post("/v1/people/nobody/enable", &world.admin).send().await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn only_administrators_administer_and_every_change_is_kept() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    let wang = world.person(&a, "wang").await?;
    for (method, path) in [
        (Method::GET, "/v1/people"),
        (Method::POST, "/v1/producers/hotline/disable"),
        (Method::GET, "/v1/history"),
        (Method::POST, "/v1/policies/1/withdraw"),
        (Method::GET, "/v1/refused-reports"),
    ] {
        let answer = a.ask(method, path).bearer_auth(&wang).send().await?;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
    // A person's token sends no reports, a producer's reads no cases.
    assert_eq!(a.report(&wang, "k", &crate::world::a_report("x")).await?.0, StatusCode::UNAUTHORIZED);

    expect(a.post("/v1/people/wang/disable", &world.admin).send().await?, StatusCode::NO_CONTENT).await?;
    assert_eq!(a.get("/v1/me", &wang).send().await?.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(log_in(&a, "wang", "correct horse").await?.0, StatusCode::UNAUTHORIZED);
    let last = a.post("/v1/people/chief/disable", &world.admin).send().await?;
    assert_eq!(last.status(), StatusCode::CONFLICT);

    let history = expect(a.get("/v1/history?which=wang", &world.admin).send().await?, StatusCode::OK).await?;
    let changes = history["changes"].as_array().unwrap();
    assert!(changes.iter().all(|change| change["by"] == "chief" && change["at"].is_string()));
    let disabling = changes.iter().find(|c| c["what"] == "person" && c["before"].is_object()).unwrap();
    assert_eq!((&disabling["before"]["disabled"], &disabling["after"]["disabled"]), (&json!(false), &json!(true)));
    assert!(!history.to_string().contains("token_hash") && !history.to_string().contains("argon2"));
    Ok(())
}

#[tokio::test]
async fn every_change_of_rights_posts_and_people_is_kept_and_shown_with_who_and_when() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    install(&world, &a).await?;
    let second = a.post("/v1/people/li-wenbo/token", &world.admin).json(&json!({})).send().await?;
    let second = expect(second, StatusCode::OK).await?["token"].as_str().unwrap().to_owned();

    // Another administrator takes a right from the managers of stores, gives one store another manager, and writes down a person's new address.
    let file = shipped("organisation.toml");
    let role = "store-general-manager = { title = { zh = \"总经理\", en = \"general manager of the store\" }, rights = [\"see below\", ";
    let changes = [
        (format!("{role}\"see_personal below\", "), role.to_owned()),
        ("store-general-manager = \"song-zhiqiang\"".to_owned(), "store-general-manager = \"han-jianguo\"".to_owned()),
        ("song-zhiqiang@duban.example".to_owned(), "song@duban.example".to_owned()),
    ];
    let changed = changes.iter().try_fold(file, |text, (old, new)| {
        anyhow::ensure!(text.contains(old), "the file has no {old}");
        Ok(text.replacen(old, new, 1))
    })?;
    let before = jiff::Timestamp::now();
    let applied = a.ask(Method::PUT, "/v1/organisation").bearer_auth(&second).body(changed).send().await?;
    assert!(expect(applied, StatusCode::OK).await?["changed"].as_u64() >= Some(2));
    let after = jiff::Timestamp::now();

    let history = async |query: &str| {
        let found = expect(a.get(&format!("/v1/history?{query}"), &world.admin).send().await?, StatusCode::OK).await?;
        anyhow::Ok(found["changes"].as_array().cloned().unwrap_or_default())
    };
    let post = history("what=post&which=BJ01/store-general-manager").await?;
    assert_eq!(post.len(), 2, "{post:?}");
    assert_eq!((&post[0]["by"], &post[1]["by"], &post[1]["before"]), (&json!("li-wenbo"), &json!("chief"), &Value::Null));
    let at: jiff::Timestamp = post[0]["at"].as_str().unwrap().parse()?;
    assert!(before <= at && at <= after, "{before} {at} {after}");
    let right = json!({ "right": "see_personal", "scope": "below" });
    let has = |side: &str| post[0][side]["rights"].as_array().unwrap().contains(&right);
    assert_eq!((has("before"), has("after")), (true, false), "{}", post[0]);
    let holder = |side: &str| post[0][side]["holders"][0]["person"].as_str().map(str::to_owned);
    assert_eq!((holder("before").as_deref(), holder("after").as_deref()), (Some("song-zhiqiang"), Some("han-jianguo")));
    let person = &history("what=person&which=song-zhiqiang").await?[0];
    assert_eq!(
        (&person["before"]["email"], &person["after"]["email"]),
        (&json!("song-zhiqiang@duban.example"), &json!("song@duban.example"))
    );

    // The page: what became what, who did it and when; each thing's own story, and older ones behind a link.
    let chief = Session::of(&a, "chief", "correct horse").await?;
    let shown = chief.get("/administration?what=post&which=BJ01/store-general-manager").await?;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    let story = shown.text.split("id=\"changes\"").nth(1).unwrap();
    for said in ["李文博", "li-wenbo", "岗位与权限", "see_personal", "song-zhiqiang", "han-jianguo", post[0]["at"].as_str().unwrap()]
    {
        assert!(story.contains(said), "{said}: {story}");
    }
    assert!(!story.contains("customer-relations-manager"), "another post's story");
    let all = chief.get("/administration").await?.text;
    let next = all.split("href=\"/administration?before=").nth(1).unwrap().split('"').next().unwrap();
    let older = chief.get(&format!("/administration?before={next}")).await?.text;
    let expected = history(&format!("before={next}")).await?;
    assert_eq!(expected.len(), 50);
    assert!(expected.iter().all(|change| older.contains(change["which"].as_str().unwrap())), "{older}");
    world.person(&a, "wang").await?;
    let wang = Session::of(&a, "wang", "correct horse").await?;
    assert_eq!(wang.get("/administration?what=post").await?.status, StatusCode::FORBIDDEN);
    Ok(())
}

#[tokio::test]
async fn there_is_one_first_administrator_and_only_the_command_line_makes_him() -> anyhow::Result<()> {
    let (world, _a, token) = World::start().await?;
    let body = json!({ "person": "mallory", "name": "Mallory", "password": "correct horse" }).to_string();
    let operator = world.ground.connect_nats("operator").await?;
    let second = operator.request("duban.gateway.rpc.v1.admin.create", body.clone().into()).await?;
    assert_eq!(serde_json::from_slice::<Value>(&second.payload)?["code"], "administrator-exists");
    let hotline = world.connect_producer("hotline", &token).await?;
    let asked = tokio::time::timeout(std::time::Duration::from_secs(2), hotline.request("duban.gateway.rpc.v1.admin.create", body.into()));
    assert!(!matches!(asked.await, Ok(Ok(_))));
    Ok(())
}

#[tokio::test]
async fn credentials_of_a_demonstration_work_nowhere_else() -> anyhow::Result<()> {
    let (world, demonstration, token) = World::start_with(&[("DUBAN_DEMONSTRATION", "true")]).await?;
    assert_eq!(demonstration.report(&token, "k", &crate::world::a_report("x")).await?.0, StatusCode::ACCEPTED);
    assert_eq!(demonstration.get("/v1/me", &world.admin).send().await?.status(), StatusCode::OK);
    let earnest = world.gateway("b", &[]).await?;
    crate::world::until("the directory is read", || async { Ok(earnest.ask(Method::GET, "/readyz").send().await?.status().is_success()) })
        .await?;
    assert_eq!(earnest.report(&token, "k", &crate::world::a_report("x")).await?.0, StatusCode::UNAUTHORIZED);
    assert_eq!(earnest.get("/v1/me", &world.admin).send().await?.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(log_in(&earnest, "chief", "correct horse").await?.0, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn a_service_that_is_down_is_a_503_for_its_part_and_the_rest_works() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    for path in ["/v1/cases", "/v1/alerts", "/v1/duties", "/v1/deliveries", "/v1/records"] {
        let answer = a.get(path, &world.admin).send().await?;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    expect(a.get("/v1/people", &world.admin).send().await?, StatusCode::OK).await?;
    let openapi = expect(a.ask(Method::GET, "/openapi.json").send().await?, StatusCode::OK).await?;
    assert_eq!(openapi["openapi"], "3.1.0");
    // Everything that the description names is there.
    for (path, operations) in openapi["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let path = path.replace(['{', '}'], "");
            let answer = a.ask(Method::from_bytes(method.to_uppercase().as_bytes())?, &path).send().await?;
            assert_ne!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert!(path.contains("/v1/reports/") || answer.status() != StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
    let headers = a.get("/v1/me", &world.admin).send().await?.headers().clone();
    assert!(headers["content-security-policy"].to_str()?.contains("default-src 'none'"));
    assert!(!headers["content-security-policy"].to_str()?.contains("unsafe"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    Ok(())
}

#[tokio::test]
async fn a_list_asked_for_by_what_there_is_not_says_so_in_both_languages() -> anyhow::Result<()> {
    let (world, a, _) = World::start().await?;
    for (path, field, wrong, wrong_zh) in [
        ("/v1/absences?person=nobody", "/person", "there is no person 'nobody'", "没有人员“nobody”"),
        ("/v1/refused-reports?producer=nobody", "/producer", "there is no producer 'nobody'", "没有接入方“nobody”"),
        ("/v1/history?what=nothing", "/what", "there are no changes of 'nothing'", "没有“nothing”这一类变更"),
        ("/v1/history?what=person&which=nobody", "/which", "nothing is known of 'nobody'", "没有“nobody”的变更"),
    ] {
        let problem = expect(a.get(path, &world.admin).send().await?, StatusCode::UNPROCESSABLE_ENTITY).await?;
        let fault = &problem["errors"][0];
        assert_eq!((&fault["field"], &fault["wrong"], &fault["wrong_zh"]), (&json!(field), &json!(wrong), &json!(wrong_zh)), "{path}");
        assert!(fault["expected"].is_string() && fault["expected_zh"].is_string(), "{path}: {problem}");
    }
    for path in [
        "/v1/absences?person=chief",
        "/v1/refused-reports?producer=hotline",
        "/v1/history?what=absence&which=chief",
        "/v1/history?what=delegation",
        "/v1/history?what=&which=",
    ] {
        expect(a.get(path, &world.admin).send().await?, StatusCode::OK).await?;
    }
    Ok(())
}
