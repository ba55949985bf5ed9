//! The catcher takes what the services' mail client sends, shows it, and keeps it.

use std::time::Duration;

use anyhow::{Result, ensure};
use duban_local::{MailCatcher, mail_catcher::MailCatcherSettings, process::TemporaryFolder};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::MultiPart};

async fn send(catcher: &MailCatcher, subject: &str, text: &str) -> Result<()> {
    let mail = Message::builder()
        .from("督办 <duban@example.cn>".parse()?)
        .to("张经理 <zhang@example.cn>".parse()?)
        .subject(subject)
        .message_id(Some("<alert-1@duban>".into()))
        .multipart(MultiPart::alternative_plain_html(text.to_string(), format!("<p>{text}</p>")))?;
    AsyncSmtpTransport::<Tokio1Executor>::from_url(&catcher.smtp_url())?.build().send(mail).await?;
    Ok(())
}

#[tokio::test]
async fn a_chinese_mail_is_caught_shown_and_kept() -> Result<()> {
    let folder = TemporaryFolder::new()?;
    let settings = MailCatcherSettings { dir: Some(folder.path().join("mail")), ..Default::default() };
    let catcher = MailCatcher::start(settings.clone()).await?;
    let text = "请于今日18:40前核实。\n.点开头的一行\n签收：http://127.0.0.1:9/a/abc123。谢谢";
    send(&catcher, "【升级】TS-2026-000001 核实客户资料", text).await?;
    let mail = catcher.wait_for(Duration::from_secs(60), |mail| mail.subject.contains("TS-2026-000001")).await?;
    assert_eq!(mail.to, ["zhang@example.cn"]);
    assert_eq!(mail.from, "duban@example.cn");
    assert_eq!(mail.message_id.as_deref(), Some("alert-1@duban"));
    assert_eq!(mail.text.replace("\r\n", "\n").trim_end(), text);
    assert_eq!(mail.link("/a/").as_deref(), Some("http://127.0.0.1:9/a/abc123"));
    ensure!(mail.html.as_deref().is_some_and(|html| html.contains("核实")));

    let list: serde_json::Value = reqwest::get(format!("{}messages", catcher.page_url())).await?.json().await?;
    assert_eq!(list[0]["subject"], "【升级】TS-2026-000001 核实客户资料");
    for path in ["", "mail/1", "mail/1/html", "mail/1/raw", "style.css"] {
        let page = reqwest::get(format!("{}{path}", catcher.page_url())).await?;
        ensure!(page.status().is_success(), "{path}: {}", page.status());
    }
    assert_eq!(reqwest::get(format!("{}mail/2", catcher.page_url())).await?.status(), 404);
    drop(catcher);

    let again = MailCatcher::start(settings).await?;
    assert_eq!(again.messages().len(), 1);
    send(&again, "第二封", "x").await?;
    assert_eq!(again.wait_for(Duration::from_secs(60), |mail| mail.subject == "第二封").await?.id, 2);
    Ok(())
}

#[tokio::test]
async fn a_server_that_refuses_keeps_nothing() -> Result<()> {
    let catcher = MailCatcher::start(MailCatcherSettings::default()).await?;
    catcher.refuse(true);
    ensure!(send(&catcher, "x", "x").await.is_err(), "taken");
    catcher.refuse(false);
    send(&catcher, "x", "x").await?;
    assert_eq!(catcher.messages().len(), 1);
    Ok(())
}
