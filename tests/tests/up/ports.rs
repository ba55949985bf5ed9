//! Ports that an operator has chosen.

use crate::here::Env;
use anyhow::Context;
use duban_local::Port;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::io::AsyncBufReadExt;

/// Ports that an operator has chosen.
pub struct Ports {
    gateway: u16,
    broker: u16,
    postgres: u16,
    mail: u16,
}

impl Ports {
    /// Free ones, given back so that the program can take them.
    pub fn free() -> anyhow::Result<Self> {
        let held = [Port::reserve()?, Port::reserve()?, Port::reserve()?, Port::reserve()?];
        let [gateway, broker, postgres, mail] = held.each_ref().map(Port::number);
        Ok(Self { gateway, broker, postgres, mail })
    }

    /// Two of them are named by flags,
    pub fn flags(&self) -> [String; 4] {
        ["--gateway-port".into(), self.gateway.to_string(), "--nats-port".into(), self.broker.to_string()]
    }

    /// two by variables.
    pub fn variables(&self) -> Vec<(String, String)> {
        [("DUBAN_POSTGRES_PORT", self.postgres), ("DUBAN_MAIL_PAGE_PORT", self.mail)]
            .map(|(name, port)| (name.to_owned(), port.to_string()))
            .to_vec()
    }

    /// Each is in the file `env`, and what listens there is what was to listen there.
    pub async fn are_those_of(&self, env: &Env) -> anyhow::Result<()> {
        assert_eq!(env["DUBAN_URL"], format!("http://127.0.0.1:{}", self.gateway));
        assert!(env["DUBAN_NATS_URL"].ends_with(&format!("@127.0.0.1:{}", self.broker)), "{}", env["DUBAN_NATS_URL"]);
        assert!(env["DUBAN_DATABASE_URL"].contains(&format!("@127.0.0.1:{}/", self.postgres)), "{}", env["DUBAN_DATABASE_URL"]);
        assert_eq!(env["DUBAN_MAIL_URL"].trim_end_matches('/'), format!("http://127.0.0.1:{}", self.mail));

        let alive = reqwest::get(format!("http://127.0.0.1:{}/livez", self.gateway)).await?;
        assert!(alive.status().is_success(), "{}", alive.status());
        let mails = reqwest::get(format!("http://127.0.0.1:{}/", self.mail)).await?;
        assert!(mails.status().is_success(), "{}", mails.status());
        let mut said = String::new();
        let broker = tokio::net::TcpStream::connect(("127.0.0.1", self.broker)).await?;
        tokio::io::BufReader::new(broker).read_line(&mut said).await?;
        let said: Value = serde_json::from_str(said.strip_prefix("INFO ").context("no broker listens there")?)?;
        assert_eq!(said["port"], self.broker, "{said}");
        let mut database = PgConnection::connect(&env["DUBAN_DATABASE_URL"]).await?;
        let port: String = sqlx::query_scalar("show port").fetch_one(&mut database).await?;
        assert_eq!(port, self.postgres.to_string());
        Ok(())
    }
}
