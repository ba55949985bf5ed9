//! Absences and delegations: who may set them, what is refused, what the others are told, the page.

use crate::approvals::token;
use crate::browser::{Session, hidden};
use crate::policies::install;
use crate::world::{Gateway, World, expect};
use duban_policy::directory::Directory;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A store manager with a deputy, his deputy, who is over him, and somebody of another branch.
const MANAGER: &str = "zhou-ruolan";
const DEPUTY: &str = "wu-jianguo";
const STORE: &str = "MD07/store-manager";
const STRANGER: &str = "guo-wenbo";

struct Staff {
    world: World,
    a: Gateway,
    tokens: BTreeMap<String, String>,
    /// Heads the region of the store.
    superior: String,
}

impl Staff {
    async fn start() -> anyhow::Result<Self> {
        let (world, a, _) = World::start_with(&[("DUBAN_DEMONSTRATION", "true")]).await?;
        install(&world, &a).await?;
        let mut staff = Self { world, a, tokens: BTreeMap::new(), superior: String::new() };
        let directory = staff.told().await?;
        staff.superior = directory.post("SM-HN/regional-manager").unwrap().holders[0].person.clone();
        for person in [MANAGER, DEPUTY, STRANGER, &staff.superior.clone()] {
            staff.tokens.insert(person.to_owned(), token(&staff.world, &staff.a, person).await?);
        }
        Ok(staff)
    }

    /// The directory as the other services are told it.
    async fn told(&self) -> anyhow::Result<Directory> {
        let client = self.world.ground.connect_nats("escalation").await?;
        let mut whole = Directory::default();
        let mut page = 0;
        loop {
            let body = json!({ "page": page }).to_string();
            let answer: Value =
                serde_json::from_slice(&client.request("duban.gateway.rpc.v1.directory.snapshot", body.into()).await?.payload)?;
            whole.merge(serde_json::from_value(answer["directory"].clone())?);
            page += 1;
            if Some(page) >= answer["pages"].as_u64() {
                return Ok(whole);
            }
        }
    }

    async fn post(&self, by: &str, path: &str, key: &str, body: &Value) -> anyhow::Result<(StatusCode, Value)> {
        let token = self.tokens.get(by).unwrap_or(&self.world.admin);
        let answer = self.a.post(path, token).header("Idempotency-Key", key).json(body).send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    async fn get(&self, by: &str, path: &str) -> anyhow::Result<Value> {
        expect(self.a.get(path, self.tokens.get(by).unwrap_or(&self.world.admin)).send().await?, StatusCode::OK).await
    }
}

fn in_days(days: i64) -> String {
    let at = jiff::Timestamp::now().as_second() + days * 86_400;
    jiff::Timestamp::from_second(at).unwrap().to_string()
}

fn fields(answer: &Value) -> Vec<&str> {
    answer["errors"].as_array().into_iter().flatten().filter_map(|error| error["field"].as_str()).collect()
}

#[tokio::test]
async fn an_absence_is_set_by_himself_by_his_superior_and_by_an_administrator_and_by_nobody_else() -> anyhow::Result<()> {
    let staff = Staff::start().await?;
    let own = json!({ "until": in_days(3), "reason": "婚假" });
    let (status, set) = staff.post(MANAGER, "/v1/absences", "own", &own).await?;
    assert_eq!((status, set["person"].as_str(), set["state"].as_str()), (StatusCode::OK, Some(MANAGER), Some("current")), "{set}");
    // Sent again it is the same one; the same id for something else is refused.
    assert_eq!(staff.post(MANAGER, "/v1/absences", "own", &own).await?, (StatusCode::OK, set.clone()));
    let other = json!({ "until": in_days(9) });
    assert_eq!(staff.post(MANAGER, "/v1/absences", "own", &other).await?.1["code"], "request-id-reused");

    let later = |from, until| json!({ "person": MANAGER, "from": in_days(from), "until": in_days(until) });
    let superior = staff.superior.clone();
    assert_eq!(staff.post(&superior, "/v1/absences", "1", &later(10, 11)).await?.0, StatusCode::OK);
    assert_eq!(staff.post("chief", "/v1/absences", "1", &later(12, 13)).await?.0, StatusCode::OK);
    for (by, person) in [(STRANGER, MANAGER), (DEPUTY, MANAGER), (MANAGER, superior.as_str())] {
        let body = json!({ "person": person, "from": in_days(20), "until": in_days(21) });
        assert_eq!(staff.post(by, "/v1/absences", "2", &body).await?.0, StatusCode::FORBIDDEN, "{by} for {person}");
    }
    // Each sees his own and those of his people; nobody else's reasons.
    assert_eq!(staff.get(MANAGER, "/v1/absences").await?["absences"].as_array().unwrap().len(), 3);
    assert_eq!(staff.get(&superior, &format!("/v1/absences?person={MANAGER}")).await?["absences"].as_array().unwrap().len(), 3);
    assert_eq!(staff.get(STRANGER, "/v1/absences?state=all").await?["absences"], json!([]));
    let page = staff.get("chief", "/v1/absences?limit=2").await?;
    let rest = staff.get("chief", &format!("/v1/absences?limit=2&before={}", page["next"].as_str().unwrap())).await?;
    assert_eq!((page["absences"].as_array().unwrap().len(), &rest["absences"][0]["absence"]), (2, &set["absence"]));

    // The others are told, without the reason.
    let told = staff.told().await?;
    assert_eq!(
        told.person(MANAGER)
            .unwrap()
            .absences
            .iter()
            .filter(|absence| absence.from > jiff::Timestamp::from_second(1_780_000_000).unwrap())
            .count(),
        3
    );
    assert!(!serde_json::to_string(&told)?.contains("婚假"));
    let history = staff.get("chief", "/v1/history?what=absence").await?;
    assert_eq!(history["changes"].as_array().unwrap().len(), 3);
    assert!(!history.to_string().contains("婚假"));

    // Ended early, by himself; once more it stays as it is. One that has not begun is withdrawn.
    let end = format!("/v1/absences/{}/end", set["absence"].as_str().unwrap());
    assert_eq!(staff.post(STRANGER, &end, "x", &json!({})).await?.0, StatusCode::NOT_FOUND);
    let (status, ended) = staff.post(MANAGER, &end, "x", &json!({})).await?;
    assert_eq!((status, ended["ended_by"].as_str()), (StatusCode::OK, Some(MANAGER)), "{ended}");
    assert_eq!(staff.post(MANAGER, &end, "x", &json!({})).await?.1, ended);
    let upcoming = &staff.get(MANAGER, "/v1/absences").await?["absences"][0];
    let end = format!("/v1/absences/{}/end", upcoming["absence"].as_str().unwrap());
    assert_eq!(staff.post(&superior, &end, "x", &json!({})).await?.1["state"], "withdrawn");
    assert!(!staff.told().await?.person(MANAGER).unwrap().is_absent(jiff::Timestamp::now()));

    // The organisation's file, applied again, leaves them standing.
    // What it says itself of absences is listed beside them, and nobody ends it here.
    let person = "wu-jianguo = { name";
    let file = crate::policies::shipped("organisation.toml").replace(person, "wu-jianguo = { absent = [{ from = \"2026-01-05\" }], name");
    let apply = staff.a.ask(reqwest::Method::PUT, "/v1/organisation").bearer_auth(&staff.world.admin).body(file);
    expect(apply.send().await?, StatusCode::OK).await?;
    assert_eq!(staff.get(MANAGER, &format!("/v1/absences?person={MANAGER}")).await?["absences"].as_array().unwrap().len(), 1);
    // The manager is set over him.
    for person in [MANAGER, DEPUTY] {
        let seen = staff.get(person, &format!("/v1/absences?person={DEPUTY}")).await?;
        assert_eq!(seen["absences"].as_array().unwrap().len(), 1, "{person}: {seen}");
    }
    let of_file = &staff.get(DEPUTY, "/v1/absences").await?["absences"];
    assert_eq!(
        (of_file.as_array().unwrap().len(), &of_file[0]["person"], &of_file[0]["state"]),
        (1, &json!(DEPUTY), &json!("current")),
        "{of_file}"
    );
    assert!(of_file[0].get("absence").is_none() && of_file[0].get("until").is_none() && of_file[0].get("set_by").is_none(), "{of_file}");
    assert_eq!(staff.get(STRANGER, "/v1/absences").await?["absences"], json!([]));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_field_and_changes_nothing() -> anyhow::Result<()> {
    let staff = Staff::start().await?;
    assert_eq!(staff.post(MANAGER, "/v1/absences", "ok", &json!({ "from": in_days(5), "until": in_days(8) })).await?.0, StatusCode::OK);
    let version = staff.told().await?.version();
    let absences = [
        (json!({ "from": in_days(3), "until": in_days(2) }), "/until"),
        (json!({ "from": in_days(-3), "until": in_days(2) }), "/from"),
        (json!({ "from": in_days(7), "until": in_days(9) }), "/from"),
        (json!({ "from": in_days(1) }), "/from"),
        (json!({ "from": in_days(9), "until": in_days(900) }), "/until"),
        (json!({ "from": in_days(9), "until": in_days(10), "reason": "长".repeat(501) }), "/reason"),
    ];
    for (nth, (body, field)) in absences.iter().enumerate() {
        let (status, answer) = staff.post(MANAGER, "/v1/absences", &format!("a{nth}"), body).await?;
        assert_eq!((status, fields(&answer)), (StatusCode::UNPROCESSABLE_ENTITY, vec![*field]), "{body}: {answer}");
    }
    let unknown = staff.post("chief", "/v1/absences", "u", &json!({ "person": "nobody", "until": in_days(2) })).await?.1;
    assert_eq!(fields(&unknown), ["/person"]);

    let act = |body: Value| {
        let mut body = body;
        body["until"] = body.get("until").cloned().unwrap_or_else(|| in_days(3).into());
        body
    };
    assert_eq!(staff.post(STRANGER, "/v1/delegations", "ok", &act(json!({ "to": MANAGER }))).await?.0, StatusCode::OK);
    let away = json!({ "person": DEPUTY, "until": in_days(4) });
    assert_eq!(staff.post("chief", "/v1/absences", "away", &away).await?.0, StatusCode::OK);
    let delegations = [
        (MANAGER, json!({ "to": MANAGER }), "/to"),
        (MANAGER, json!({ "to": "nobody" }), "/to"),
        (MANAGER, json!({ "to": STRANGER }), "/to"),
        (MANAGER, json!({ "to": DEPUTY }), "/to"),
        (MANAGER, json!({ "post": STORE, "to": STRANGER, "person": MANAGER }), "/post"),
        (MANAGER, json!({ "post": STORE, "to": MANAGER }), "/to"),
        (MANAGER, json!({ "post": "MD07/nothing", "to": STRANGER }), "/post"),
        (STRANGER, json!({ "to": staff.superior }), "/from"),
        ("chief", json!({ "post": "installation/administrator", "to": MANAGER }), "/post"),
    ];
    for (nth, (by, body, field)) in delegations.iter().enumerate() {
        let (status, answer) = staff.post(by, "/v1/delegations", &format!("d{nth}"), &act(body.clone())).await?;
        assert_eq!((status, fields(&answer)), (StatusCode::UNPROCESSABLE_ENTITY, vec![*field]), "{body}: {answer}");
    }
    assert_eq!(staff.told().await?.version(), version + 2, "what was refused has changed nothing");
    assert_eq!(
        staff.post("chief", "/v1/delegations", "own", &act(json!({ "post": STORE, "to": "chief" }))).await?.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(staff.post(STRANGER, "/v1/delegations", "x", &act(json!({ "post": STORE, "to": DEPUTY }))).await?.0, StatusCode::FORBIDDEN);
    Ok(())
}

#[tokio::test]
async fn a_delegation_is_told_and_ended_by_either_side() -> anyhow::Result<()> {
    let staff = Staff::start().await?;
    let superior = staff.superior.clone();
    let (status, set) =
        staff.post(&superior, "/v1/delegations", "1", &json!({ "post": STORE, "to": STRANGER, "until": in_days(3) })).await?;
    assert_eq!(status, StatusCode::OK, "{set}");
    let now = jiff::Timestamp::now();
    assert_eq!(staff.told().await?.resolve_post("store-manager", "MD07", now, &[]).people, [STRANGER]);
    // Whose part it is and who acts see it; others do not.
    for (by, seen) in [(MANAGER, 1), (STRANGER, 1), (superior.as_str(), 1), (DEPUTY, 0)] {
        assert_eq!(staff.get(by, "/v1/delegations").await?["delegations"].as_array().unwrap().len(), seen, "{by}");
    }
    let end = format!("/v1/delegations/{}/end", set["delegation"].as_str().unwrap());
    assert_eq!(staff.post(DEPUTY, &end, "x", &json!({})).await?.0, StatusCode::NOT_FOUND);
    assert_eq!(staff.post(STRANGER, &end, "x", &json!({})).await?.0, StatusCode::OK);
    assert_eq!(staff.told().await?.resolve_post("store-manager", "MD07", now, &[]).people, [MANAGER]);
    Ok(())
}

/// Both copies are asked at once: one of them sets it.
#[tokio::test]
async fn two_copies_that_set_overlapping_absences_at_once_set_one() -> anyhow::Result<()> {
    let staff = Staff::start().await?;
    let b = staff.world.gateway("b", &[("DUBAN_DEMONSTRATION", "true")]).await?;
    let set = |gateway: &Gateway, nth: usize| {
        let body = json!({ "until": in_days(3) });
        gateway.post("/v1/absences", &staff.tokens[MANAGER]).header("Idempotency-Key", format!("k{nth}")).json(&body).send()
    };
    let requests = (0..8).map(|nth| set(if nth % 2 == 0 { &staff.a } else { &b }, nth));
    let answers = futures::future::try_join_all(requests).await?;
    let taken = answers.iter().filter(|answer| answer.status() == StatusCode::OK).count();
    assert_eq!((taken, answers.iter().filter(|answer| answer.status() == StatusCode::UNPROCESSABLE_ENTITY).count()), (1, 7));
    // The other copy knows it too.
    crate::world::until("the other copy lists it", || async {
        let list = expect(b.get("/v1/absences", &staff.tokens[MANAGER]).send().await?, StatusCode::OK).await?;
        Ok(list["absences"].as_array().is_some_and(|absences| absences.len() == 1))
    })
    .await
}

#[tokio::test]
async fn on_the_page_a_person_says_that_he_is_away_and_that_he_is_back() -> anyhow::Result<()> {
    let staff = Staff::start().await?;
    let password = json!({ "password": "correct horse" });
    expect(staff.a.post(&format!("/v1/people/{MANAGER}/reset"), &staff.world.admin).json(&password).send().await?, StatusCode::OK).await?;
    let session = Session::of(&staff.a, MANAGER, "correct horse").await?;
    let page = session.get("/absences?lang=zh").await?;
    assert!(page.text.contains("离岗与委托") && page.text.contains("目前没有登记的离岗"), "{}", page.text);
    assert!(session.get("/absences?lang=en").await?.text.contains("Nobody is away"));
    let request = hidden(&page.text, "request").unwrap();
    let members = [("request", request.as_str()), ("from", ""), ("until", "2020-01-01T09:00"), ("reason", "体检")];
    let wrong = session.post("/absences", &members).await?;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("2020-01-01T09:00") && wrong.text.contains("体检"), "what was typed is kept: {}", wrong.text);
    let members = [("request", request.as_str()), ("from", ""), ("until", ""), ("reason", "体检")];
    let set = session.post("/absences", &members).await?;
    assert_eq!((set.status, set.location.as_str()), (StatusCode::SEE_OTHER, "/absences?told=set"), "{}", set.text);
    let page = session.get("/absences?lang=zh").await?;
    assert!(page.text.contains("您现在离岗") && page.text.contains("返岗时间未定") && page.text.contains("我已返岗"), "{}", page.text);
    let (_, after) = page.text.split_once("action=\"/absences/").unwrap();
    let back = session.post(&format!("/absences/{}", after.split('"').next().unwrap()), &[]).await?;
    assert_eq!(back.location, "/absences?told=ended", "{}", back.text);
    assert!(!session.get("/absences").await?.text.contains("我已返岗"));

    let until = in_days(3);
    let members = [("request", "0192c4d2-0000-7000-8000-000000000000"), ("of", ""), ("to", DEPUTY), ("until", &until[..16])];
    assert_eq!(session.post("/delegations", &members).await?.location, "/absences?told=set");
    let page = session.get("/absences?lang=zh").await?;
    assert!(page.text.contains("/delegations/"), "{}", page.text);
    Ok(())
}
