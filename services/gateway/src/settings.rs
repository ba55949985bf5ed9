//! What the gateway is told when it starts.

use anyhow::Context;
use clap::Args;
use duban_contracts::identity::IdentityKeys;
use duban_platform::config::{Common, Secret};
use std::net::IpAddr;

/// Settings of the gateway beside those that every service has.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "duban-gateway", version, about = "Reports in; API and pages for managers; directory and packs")]
pub struct Settings {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub gateway: Gateway,
}

#[derive(Debug, Clone, Args)]
pub struct Gateway {
    /// Address by which people and producers reach the gateway; stands in links.
    #[arg(long, env = "DUBAN_PUBLIC_URL", default_value = "http://127.0.0.1:8080")]
    pub public_url: String,
    /// Secret half of the key that signs claims: base64 of an Ed25519 seed.
    #[arg(long, env = "DUBAN_CLAIM_SEED", hide_env_values = true)]
    pub claim_seed: Secret,
    /// Secret of receipts, tracking codes and body hashes, base64 of 32 bytes. The same on every copy and in intake, for ever.
    #[arg(long, env = "DUBAN_IDENTITY_KEY", hide_env_values = true)]
    pub identity_key: Secret,
    /// Secret of the check part of tracking codes, base64 of 32 bytes.
    #[arg(long, env = "DUBAN_CHECK_KEY", hide_env_values = true)]
    pub check_key: Secret,
    /// Seed of the account key that lets producers onto the broker (auth callout), as `nk -gen account` writes it.
    #[arg(long, env = "DUBAN_ISSUER_SEED", hide_env_values = true)]
    pub issuer_seed: Secret,
    /// Producer under which the public web form sends its reports.
    #[arg(long, env = "DUBAN_WEB_PRODUCER", default_value = "web")]
    pub web_producer: String,
    /// Proxies whose X-Forwarded-For is believed: addresses or networks (10.0.0.0/8), separated by commas. None: nobody's.
    #[arg(long, env = "DUBAN_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
    /// Look-ups of tracking codes and links that one address may make a minute.
    #[arg(long, env = "DUBAN_LOOK_UPS_PER_MINUTE", default_value_t = 60)]
    pub look_ups_per_minute: u32,
    /// Reports that one address may send by the public form a minute.
    #[arg(long, env = "DUBAN_FORMS_PER_MINUTE", default_value_t = 6)]
    pub forms_per_minute: u32,
    /// Tries to log in that one address may make a minute; half as many for one name.
    #[arg(long, env = "DUBAN_LOGINS_PER_MINUTE", default_value_t = 20)]
    pub logins_per_minute: u32,
    /// Minutes without a request after which a session ends.
    #[arg(long, env = "DUBAN_SESSION_IDLE_MINUTES", default_value_t = 60)]
    pub session_idle_minutes: u32,
    /// Hours after which a session ends in any case.
    #[arg(long, env = "DUBAN_SESSION_HOURS", default_value_t = 12)]
    pub session_hours: u32,
    /// Below so many waiting reports a batch goes as single publishes.
    #[arg(long, env = "DUBAN_SINGLES_BELOW", default_value_t = 25)]
    pub singles_below: usize,
    /// Days for which reports refused over NATS are kept, sealed, for an operator to see.
    #[arg(long, env = "DUBAN_KEEP_REFUSED_DAYS", default_value_t = 30)]
    pub keep_refused_days: u32,
    /// Seconds between the approval of a policy set and its taking effect; at least 60, less only in a demonstration.
    #[arg(long, env = "DUBAN_ANNOUNCE_SECONDS", default_value_t = 60)]
    pub announce_seconds: u32,
    /// Time zone in which pages write dates, by its IANA name.
    #[arg(long, env = "DUBAN_TIME_ZONE", default_value = "Asia/Shanghai")]
    pub time_zone: String,
}

impl Gateway {
    /// # Errors
    /// A key that is not base64 of 32 bytes.
    pub fn identity_keys(&self) -> anyhow::Result<IdentityKeys> {
        Ok(IdentityKeys {
            identity: self.identity_key.key().context("DUBAN_IDENTITY_KEY")?,
            check: self.check_key.key().context("DUBAN_CHECK_KEY")?,
        })
    }

    /// The public address without a slash at its end.
    pub fn public_base(&self) -> &str {
        self.public_url.trim_end_matches('/')
    }

    /// Whether people reach us over TLS: then cookies go over nothing else.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// An address or a network, `10.1.2.3` or `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        let shifted = |bits: u128, width: u8| if self.prefix == 0 { 0 } else { bits >> (width - self.prefix) };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => shifted(own.to_bits().into(), 32) == shifted(other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => shifted(own.to_bits(), 128) == shifted(other.to_bits(), 128),
            _ => false,
        }
    }
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is neither an address nor a network like 10.0.0.0/8");
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| wrong())?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        match prefix.unwrap_or(width) {
            prefix if prefix <= width => Ok(Self { address, prefix }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_they_say() {
        let holds = |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.9.8.7") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.0.2.1", "192.0.2.1") && !holds("192.0.2.1", "192.0.2.2"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && holds("10.0.0.0/8", "::ffff:10.0.0.1"));
        for bad in ["", "10.0.0.0/33", "x", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
