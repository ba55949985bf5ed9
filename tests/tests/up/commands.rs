//! The commands, for people and for programs.

use crate::LIMIT;
use crate::here::{Env, Here};
use anyhow::Context;
use duban_local::Secrets;
use duban_tests::until;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::process::Output;

/// What no service can read lies in its dead letters, and the operator looks at it.
pub async fn dead_letters(here: &Here, env: &Env) -> anyhow::Result<()> {
    assert!(here.done(&["dead", "list"])?.contains("no dead letters"));
    let mut url = reqwest::Url::parse(&env["DUBAN_NATS_URL"])?;
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| anyhow::anyhow!("{url} takes no credentials"))?;
    let password = Secrets::in_folder(here.data.join("secrets"))?.nats_password("intake")?;
    let intake = async_nats::ConnectOptions::with_user_and_password("intake".into(), password).connect(url.as_str()).await?;
    intake.publish("duban.intake.v1.case.registered", "not an event".into()).await?;
    intake.flush().await?;
    let letter = until("the dead letter", LIMIT, || async {
        let found = here.json(&["dead", "list", "escalation"])?;
        found["escalation"]["letters"][0]["letter"].as_str().map(str::to_owned).context("none yet")
    })
    .await?;
    let shown = here.json(&["dead", "show", "escalation", &letter])?;
    assert_eq!((&shown["letter"]["reason"], &shown["body"]), (&json!("no headers"), &json!("not an event")), "{shown}");
    assert!(here.done(&["dead", "show", "escalation", &letter])?.contains("not an event"));
    assert!(here.done(&["dead", "list"])?.contains(&letter));

    // Given back, it is handled again under its own id; since nothing was put right, it will lie there again.
    assert!(here.done(&["dead", "replay", "escalation", &letter])?.contains(&letter));
    let replayed = here.json(&["dead", "replay", "escalation", &letter])?;
    let by = replayed["replayed_by"].as_str().context("it is not recorded who replayed it")?;
    assert!(by.starts_with("operator/") && replayed["replayed_at"].is_string(), "{replayed}");
    let mut database = PgConnection::connect(&env["DUBAN_DATABASE_URL"]).await?;
    let again = "select attempts from escalation.set_aside where id = $1 and attempts > 0
                 union select 0 from escalation.dead_letter where id = $1 and replayed_at is null";
    let id: uuid::Uuid = letter.parse()?;
    until("the dead letter to be handled again", LIMIT, || async {
        let mut database = PgConnection::connect(&env["DUBAN_DATABASE_URL"]).await?;
        sqlx::query_scalar::<_, i32>(again).bind(id).fetch_optional(&mut database).await?.context("not yet")
    })
    .await?;
    let acts: Vec<(String, String)> =
        sqlx::query_as("select act, by from escalation.dead_letter_act order by at").fetch_all(&mut database).await?;
    let acts: Vec<(&str, &str)> = acts.iter().map(|(act, by)| (act.as_str(), by.as_str())).collect();
    assert_eq!(acts, [("shown", by), ("shown", by), ("replayed", by), ("replayed", by)]);
    Ok(())
}

/// Every command has an answer for people and one for programs; what went wrong is told on standard error alone, each by its exit code.
pub fn commands_answer_people_and_programs(here: &Here) -> anyhow::Result<()> {
    let listed = here.json(&["case", "list", "--limit", "1"])?;
    let number = listed["cases"][0]["number"].as_str().context("no case")?;
    for command in [
        &["case", "list"][..],
        &["case", "show", number],
        &["dead", "list"],
        &["dead", "list", "intake"],
        &["admin", "producer", "list"],
        &["admin", "person", "list"],
        &["policy", "check"],
        &["policy", "explain"],
        &["policy", "explain", "car-dealer-complaints/file_warning"],
        &["policy", "list"],
        &["policy", "coverage"],
        &["clock", "show"],
    ] {
        let (people, programs) = (here.duban(command).output()?, here.duban(&[command, &["--json"]].concat()).output()?);
        for output in [&people, &programs] {
            assert!(output.status.success() && output.stderr.is_empty(), "{command:?}: {output:?}");
        }
        let is_json = |output: &Output| serde_json::from_slice::<Value>(&output.stdout).is_ok();
        assert!(is_json(&programs) && !is_json(&people) && !people.stdout.trim_ascii().is_empty(), "{command:?}: {people:?} {programs:?}");
    }

    use duban::exit::REFUSED;
    let nothing = uuid::Uuid::nil().to_string();
    for (command, said) in [
        (&["case", "show", "TS-19990101-0001"][..], "未找到"),
        (&["dead", "show", "intake", &nothing], "未找到"),
        (&["dead", "replay", "intake", &nothing], "未找到"),
        (&["policy", "explain", "no/such-rule"], "no/such-rule"),
        (&["policy", "read", "no-such-pack"], "no-such-pack"),
        (&["report", "send", "--subject", "x", "--token", "wrong"], "credential"),
        (&["report", "send", "--subject", "x", "--channel", "web", "--occurred-at", "2999-01-01T00:00:00Z"], "occurred_at"),
        (&["report", "track", "AAAA-AAAA-AAAA-AA"], "查询码不存在"),
        (&["admin", "producer", "create", "app", "--name", "x", "--unit", "MD01"], "taken"),
        (&["admin", "create", "--email", "second@duban.example"], "administrator"),
    ] {
        here.refused(command, REFUSED, said)?;
    }
    for command in [&["case", "frobnicate"][..], &["dead", "show", "gateway", &nothing], &["bench", "everything"]] {
        let output = here.duban(command).output()?;
        assert_eq!(output.status.code(), Some(i32::from(duban::exit::USAGE)), "{command:?}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{command:?}: {output:?}");
    }
    Ok(())
}
