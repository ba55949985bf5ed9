//! Mail goes to a relay that wants TLS, a user and a password; to one that cannot show who it is, nothing is told.

mod world;

use anyhow::Result;
use duban_contracts::Problem;
use duban_contracts::delivery::{DeliveryList, DeliveryListRequest};
use duban_local::process::TemporaryFolder;
use duban_policy::directory::Language;
use world::relay::{PASSWORD, Relay, Tls};
use world::{LIMIT, World, alert, person};

const NO_TRUST: &str = "the mail relay's certificate is not trusted, or is for another name";

/// Waits until a delivery of this alert waits because of this error.
async fn waits_because(world: &World, number: u128, error: &str) -> Result<()> {
    let request = DeliveryListRequest { alert: Some(alert(number, &[]).alert), ..DeliveryListRequest::default() };
    let wanted = |answer: &Result<DeliveryList, Problem>| {
        let waiting = |list: &DeliveryList| list.deliveries.iter().any(|d| d.state == "waiting" && d.last_error.as_deref() == Some(error));
        answer.as_ref().is_ok_and(waiting)
    };
    world.ask_until(Some("director"), "delivery.list", &request, wanted).await??;
    Ok(())
}

#[tokio::test]
async fn it_is_sent_under_tls_with_a_password_and_never_to_a_relay_that_cannot_show_who_it_is() -> Result<()> {
    let folder = TemporaryFolder::new()?;
    let asked = Relay::start(Tls::WhenAsked, folder.path()).await?;
    let at_once = Relay::start(Tls::AtOnce, folder.path()).await?;
    let authority = asked.authority.display().to_string();
    let wang = person("wang", Some("wang@duban.example"), None, Language::Chinese);
    // However long the steps below take, nothing is given up.
    let url = asked.url("localhost", PASSWORD);
    let mut world = World::with(vec![wang], &[("DUBAN_SMTP_URL", &url), ("DUBAN_DELIVERY_ATTEMPTS", "10000")]).await?;

    // Nobody here knows the authority.
    world.alert("raised", &alert(1, &["wang"])).await?;
    waits_because(&world, 1, NO_TRUST).await?;
    assert!(asked.kept().under_tls.is_empty() && asked.kept().messages.is_empty());

    // Known, it is the relay that was meant.
    world.restart_with(&[("SSL_CERT_FILE", &authority)]).await?;
    world.heard.wait_for("delivery.sent", 1, LIMIT).await?;
    let kept = asked.kept();
    assert_eq!(kept.messages.len(), 1, "{}", world.log());
    assert!(kept.messages[0].contains("To: ") && kept.messages[0].contains("<wang@duban.example>"), "{}", kept.messages[0]);
    assert!(kept.under_tls.contains(&"AUTH".to_owned()), "{kept:?}");

    // The same relay under a name that its certificate does not have.
    world.restart_with(&[("DUBAN_SMTP_URL", &asked.url("127.0.0.1", PASSWORD))]).await?;
    world.alert("raised", &alert(2, &["wang"])).await?;
    waits_because(&world, 2, NO_TRUST).await?;
    let kept = asked.kept();
    assert_eq!(kept.messages.len(), 1);
    let is_harmless = |command: &String| command.starts_with("EHLO ") || command == "STARTTLS";
    assert!(!kept.in_the_clear.is_empty() && kept.in_the_clear.iter().all(is_harmless), "{:?}", kept.in_the_clear);

    // A relay that speaks TLS from the first byte; a wrong password is a matter of the settings, and the mail waits until it is put right.
    let authority = at_once.authority.display().to_string();
    world.restart_with(&[("DUBAN_SMTP_URL", &at_once.url("localhost", "wrong")), ("SSL_CERT_FILE", &authority)]).await?;
    waits_because(&world, 2, "the mail relay refused us: 535").await?;
    assert!(at_once.kept().messages.is_empty());
    world.restart_with(&[("DUBAN_SMTP_URL", &at_once.url("localhost", PASSWORD))]).await?;
    world.heard.wait_for("delivery.sent", 2, LIMIT).await?;
    assert_eq!(at_once.kept().messages.len(), 1);

    for secret in [PASSWORD, "p%40ss%3Aw%2Frd", "wang@duban.example"] {
        assert!(!world.log().contains(secret), "{secret} in {}", world.log());
    }
    Ok(())
}
