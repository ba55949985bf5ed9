//! Whom an alert is told over which channels: one message per person, one delivery per channel. Pure.

use crate::link;
use crate::mask;
use crate::store::deliveries::{DeliveryRow, MessageRow};
use duban_contracts::absence::ReturnNoticed;
use duban_contracts::alert::AlertEvent;
use duban_contracts::{Timestamp, ids};
use duban_platform::Ts;
use duban_policy::directory::{Directory, Language, Person};
use jiff::SignedDuration;
use std::collections::HashSet;

/// A way to reach a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Email,
    Webhook,
}

impl Channel {
    pub const ALL: [Self; 2] = [Self::Email, Self::Webhook];

    pub fn code(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
        }
    }

    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.code() == code)
    }

    /// The person's address on this channel, as the directory has it now; none for who has left.
    pub fn address(self, person: &Person) -> Option<&str> {
        if person.disabled {
            return None;
        }
        match self {
            Self::Email => person.email.as_deref(),
            Self::Webhook => person.webhook.as_deref(),
        }
        .map(str::trim)
        .filter(|address| !address.is_empty())
    }

    fn masked(self, address: &str) -> String {
        match self {
            Self::Email => mask::email(address),
            Self::Webhook => mask::webhook(address),
        }
    }

    /// All mail goes to one relay; each person's webhook is a place of its own.
    fn destination(self, person: &str) -> String {
        match self {
            Self::Email => "smtp".to_owned(),
            Self::Webhook => format!("webhook/{person}"),
        }
    }
}

/// What is to be written for the alerts.
#[derive(Default)]
pub struct Told {
    pub messages: Vec<MessageRow>,
    pub deliveries: Vec<DeliveryRow>,
}

impl Told {
    /// Adds what an alert tells: one message per recipient, however many posts he is told as; none to who is `excluded` by what was heard
    /// since it was raised. `now` is domain time.
    pub fn add(&mut self, alert: &AlertEvent, excluded: &[String], directory: &Directory, settings: &LinkSettings, now: Timestamp) {
        let mut seen: HashSet<&str> = excluded.iter().chain(&alert.excluded_people).map(String::as_str).collect();
        for recipient in alert.recipients.iter().filter(|recipient| seen.insert(recipient.person.as_str())) {
            let person = directory.person(&recipient.person);
            let link = link::id(alert.alert, &recipient.person);
            self.messages.push(MessageRow {
                alert: alert.alert,
                person: recipient.person.clone(),
                language: match person.map(|person| person.language).unwrap_or_default() {
                    Language::Chinese => "zh",
                    Language::English => "en",
                },
                told_at: Ts(now),
                link,
                token_hash: link::hash(&link::token(&settings.key, link)).to_vec(),
                link_expires_at: Ts(now.saturating_add(settings.lifetime).unwrap_or(Timestamp::MAX)),
            });
            let channels = Channel::ALL.into_iter().filter_map(|channel| Some((channel, channel.address(person?)?)));
            self.deliveries.extend(channels.map(|(channel, address)| DeliveryRow {
                id: ids::derived("delivery", &[&alert.alert.to_string(), &recipient.person, channel.code()]),
                alert: Some(alert.alert),
                notice: None,
                person: recipient.person.clone(),
                channel: channel.code(),
                destination: channel.destination(&recipient.person),
                address: channel.masked(address),
                created_at: Ts(now),
            }));
        }
    }

    /// Adds what is told to somebody who is back.
    pub fn add_return(&mut self, notice: &ReturnNoticed, directory: &Directory, now: Timestamp) {
        let person = directory.person(&notice.person);
        let channels = Channel::ALL.into_iter().filter_map(|channel| Some((channel, channel.address(person?)?)));
        self.deliveries.extend(channels.map(|(channel, address)| DeliveryRow {
            id: ids::derived("delivery", &[&notice.notice.to_string(), &notice.person, channel.code()]),
            alert: None,
            notice: Some(notice.notice),
            person: notice.person.clone(),
            channel: channel.code(),
            destination: channel.destination(&notice.person),
            address: channel.masked(address),
            created_at: Ts(now),
        }));
    }
}

/// How links are made.
#[derive(Clone)]
pub struct LinkSettings {
    pub key: [u8; 32],
    /// Domain time.
    pub lifetime: SignedDuration,
}
