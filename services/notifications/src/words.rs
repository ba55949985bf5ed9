//! What a message says, in Chinese and English: first what is wanted of whom by when, then the reason with its article, then the story in
//! three lines, then what happens if nobody acts, then the links. Plain text and HTML are made from the same [`Paragraphs`], so they say
//! the same. Pure: names have been looked up before.

pub mod digest;
mod html;
mod moment;
mod paragraphs;
mod plain;
pub mod returned;

pub use html::html;
pub use moment::{deadline, moment, span};
pub use paragraphs::{Paragraphs, paragraphs};
pub use plain::plain;

use duban_contracts::Timestamp;
use jiff::tz::TimeZone;

/// The languages that messages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Chinese,
    English,
}

impl Language {
    /// English for `en…`, otherwise Chinese.
    pub fn of(code: &str) -> Self {
        if code.to_ascii_lowercase().starts_with("en") { Self::English } else { Self::Chinese }
    }

    pub fn code(self) -> &'static str {
        self.pick("zh", "en")
    }

    pub fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Chinese => zh,
            Self::English => en,
        }
    }
}

/// How much it burns. The four words that pages and messages share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    OnTime,
    DueSoon,
    Overdue,
    Escalated,
    /// Somebody urges, whatever the clock says.
    Urged,
}

impl Urgency {
    /// From an alert's `sort`. What goes at once to several, whatever the hour, counts as escalated.
    pub fn of(sort: &str, urgent: bool) -> Self {
        match sort {
            "reminder" | "awaited" => Self::DueSoon,
            "breach" => Self::Overdue,
            "escalation" => Self::Escalated,
            "urge" => Self::Urged,
            _ if urgent => Self::Escalated,
            _ => Self::OnTime,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::OnTime => "on-time",
            Self::DueSoon => "due-soon",
            Self::Overdue => "overdue",
            Self::Escalated => "escalated",
            Self::Urged => "urged",
        }
    }

    pub fn word(self, language: Language) -> &'static str {
        match self {
            Self::OnTime => language.pick("正常", "On time"),
            Self::DueSoon => language.pick("临期", "Due soon"),
            Self::Overdue => language.pick("超期", "Overdue"),
            Self::Escalated => language.pick("升级", "Escalated"),
            Self::Urged => language.pick("催办", "Urged"),
        }
    }
}

/// What an alert is raised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The duty's clock.
    Clock,
    /// The duty has opened, and this is told at once.
    Opened,
    /// Somebody urged (催办).
    Urged,
    /// The duty is paused, and the recipient is waited for.
    Awaited,
}

impl Occasion {
    /// From an alert's `sort`.
    pub fn of(sort: &str) -> Self {
        match sort {
            "notice" => Self::Opened,
            "urge" => Self::Urged,
            "awaited" => Self::Awaited,
            _ => Self::Clock,
        }
    }
}

/// Everything that a message about an alert says, names looked up, to one person in his language.
#[derive(Debug, Clone)]
pub struct Letter {
    pub language: Language,
    pub zone: TimeZone,
    pub urgency: Urgency,
    pub occasion: Occasion,
    /// The duty is overdue at the time of raising.
    pub overdue: bool,
    /// The recipient, and as which post he is told.
    pub name: String,
    pub post: String,
    /// Why it comes to him and not to the one meant first; empty if he was.
    pub instead: String,
    /// Who owes the duty; empty if unknown or the recipient's own post.
    pub owed_by: String,
    pub title: String,
    /// The case's number, empty if the duty is about none.
    pub number: String,
    pub unit: String,
    pub pack: String,
    pub article: String,
    pub due_at: Timestamp,
    pub raised_at: Timestamp,
    pub late: bool,
    /// From 1; negative for reminders.
    pub rung: i32,
    /// From 0.
    pub repetition: i32,
    /// The others who are told the same.
    pub others: Vec<String>,
    /// When and to whom it goes next if nobody acts.
    pub next: Option<(Timestamp, Vec<String>)>,
    pub acknowledge_url: String,
    pub page_url: String,
}

/// The subject line. It is the same for every message of a duty and urgency, so that mail programs keep them together.
pub fn subject(letter: &Letter) -> String {
    // Nothing has been missed yet: an alert that goes out as the duty opens is not called an escalation.
    let urgency = match letter.occasion {
        Occasion::Opened => letter.language.pick("通报", "Notice"),
        _ => letter.urgency.word(letter.language),
    };
    let title = if letter.number.is_empty() || letter.title.contains(&letter.number) {
        letter.title.clone()
    } else {
        match letter.language {
            Language::Chinese => format!("{} {}", letter.number, letter.title),
            Language::English => format!("{}: {}", letter.number, letter.title),
        }
    };
    match letter.language {
        Language::Chinese => format!("【督办·{urgency}】{title}"),
        Language::English => format!("[Duban, {}] {title}", urgency.to_lowercase()),
    }
}

#[cfg(test)]
mod tests;
