//! The ports of the last start (`ports.json`), so that bookmarks and settings stay true over a restart.

use std::{collections::BTreeMap, fs, path::Path};

use duban_contracts::subjects::service;

use super::Stack;
use crate::{Result, place};

pub(super) fn last(dir: &Path) -> BTreeMap<String, u16> {
    fs::read_to_string(dir.join("ports.json")).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

pub(super) fn remember(stack: &Stack) -> Result<()> {
    let port_of = |url: &str| reqwest::Url::parse(url).ok().and_then(|url| url.port());
    let ports: BTreeMap<&str, u16> = [
        ("gateway", port_of(&stack.url(service::GATEWAY, 0))),
        ("mail", port_of(&stack.mail.smtp_url())),
        ("mail-page", port_of(&stack.mail.page_url())),
        ("nats", stack.ground.nats.as_ref().map(crate::Nats::port)),
        ("postgres", stack.ground.postgres.as_ref().map(crate::Postgres::port)),
    ]
    .into_iter()
    .filter_map(|(name, port)| Some((name, port?)))
    .collect();
    place::write_private(&stack.dir.join("ports.json"), &serde_json::json!(ports).to_string())
}
