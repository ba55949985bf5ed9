//! From an alert to what its message says to one person: names looked up in the directory and the packs at the time of sending.

use crate::App;
use crate::link;
use crate::store::claims::Claimed;
use crate::words::{Language, Letter, Occasion, Urgency};
use duban_contracts::Problem;
use duban_contracts::alert::{AlertEvent, Recipient};
use duban_policy::Title;
use duban_policy::directory::{self, Directory};

/// Looks up the names and writes the letter.
///
/// # Errors
/// No directory yet.
pub fn write(app: &App, claimed: &Claimed) -> Result<Letter, Problem> {
    let directory = app.platform.directory.current()?;
    let policy = app.platform.policies.get(claimed.alert.policy);
    let pack = policy.as_ref().and_then(|policy| policy.pack(&claimed.alert.pack)).map(|pack| pack.title.clone());
    let settings = &app.settings;
    let link = link::id(claimed.alert.alert, &claimed.delivery.person);
    let names = Names { directory: &directory, pack };
    let mut letter = names.letter(claimed);
    letter.zone = settings.time_zone.clone();
    letter.acknowledge_url = format!("{}/a/{}", settings.public_url, link::token(&settings.links.key, link));
    letter.page_url = page_url(&settings.public_url, &claimed.alert);
    Ok(letter)
}

/// The matter's own page, or the list of alerts where the duty names none.
fn page_url(public_url: &str, alert: &AlertEvent) -> String {
    let path = if alert.link.starts_with('/') && !alert.link.starts_with("//") { alert.link.as_str() } else { "/alerts" };
    format!("{public_url}{path}")
}

struct Names<'a> {
    directory: &'a Directory,
    pack: Option<Title>,
}

impl Names<'_> {
    fn letter(&self, claimed: &Claimed) -> Letter {
        let alert = &claimed.alert;
        let person = self.directory.person(&claimed.delivery.person);
        let language = match person.map(|person| person.language).unwrap_or_default() {
            directory::Language::Chinese => Language::Chinese,
            directory::Language::English => Language::English,
        };
        let recipient = alert.recipients.iter().find(|recipient| recipient.person == claimed.delivery.person);
        let owes = recipient.is_some_and(|recipient| self.is_same_post(&recipient.post, &claimed.owed_by, &alert.unit));
        Letter {
            language,
            zone: jiff::tz::TimeZone::UTC,
            urgency: Urgency::of(&alert.sort, alert.urgent),
            occasion: Occasion::of(&alert.sort),
            overdue: alert.raised_at >= alert.due_at,
            name: self.person(&claimed.delivery.person),
            post: recipient.map(|recipient| self.post(&recipient.post, &alert.unit, language)).unwrap_or_default(),
            instead: recipient.map(|recipient| instead(recipient, language)).unwrap_or_default(),
            owed_by: if owes || claimed.owed_by.is_empty() { String::new() } else { self.post(&claimed.owed_by, &alert.unit, language) },
            title: language.pick(&alert.title_zh, &alert.title).to_owned(),
            number: claimed.number.clone(),
            unit: self.unit(&alert.unit, language),
            pack: self.pack.as_ref().map_or(alert.pack.as_str(), |pack| language.pick(&pack.zh, &pack.en)).to_owned(),
            article: alert.article.clone(),
            due_at: alert.due_at,
            raised_at: alert.raised_at,
            late: alert.late,
            rung: alert.rung,
            repetition: alert.repetition,
            others: self.others(claimed, language),
            next: alert.next.as_ref().map(|next| {
                let posts = next.posts.iter().map(|post| self.post(post, &alert.unit, language));
                (next.at, posts.collect())
            }),
            acknowledge_url: String::new(),
            page_url: String::new(),
        }
    }

    fn is_same_post(&self, one: &str, other: &str, unit: &str) -> bool {
        let id = |post: &str| self.directory.find_post(post, unit).map(|post| post.id.clone());
        one == other || id(one).is_some_and(|one| Some(one) == id(other))
    }

    /// Who else is told; who is complained about is not, though the alert was raised to him.
    fn others(&self, claimed: &Claimed, language: Language) -> Vec<String> {
        let (alert, delivery) = (&claimed.alert, &claimed.delivery);
        let is_told = |recipient: &&Recipient| recipient.person != delivery.person && !delivery.excluded_people.contains(&recipient.person);
        let mut others: Vec<String> = Vec::new();
        for recipient in alert.recipients.iter().filter(is_told) {
            let name = self.person(&recipient.person);
            let post = self.post(&recipient.post, &alert.unit, language);
            let words = match language {
                Language::Chinese => format!("{name}（{post}）"),
                Language::English => format!("{name} ({post})"),
            };
            if !others.contains(&words) {
                others.push(words);
            }
        }
        others
    }

    fn person(&self, id: &str) -> String {
        self.directory.person(id).map_or_else(|| id.to_owned(), |person| person.name.clone())
    }

    /// The post with its unit where that is another than the alert's.
    fn post(&self, post: &str, unit: &str, language: Language) -> String {
        let Some(found) = self.directory.find_post(post, unit) else { return post.to_owned() };
        let title = language.pick(&found.title.zh, &found.title.en);
        if found.unit == unit {
            return title.to_owned();
        }
        let at = self.unit(&found.unit, language);
        match language {
            Language::Chinese => format!("{at}{title}"),
            Language::English => format!("{title}, {at}"),
        }
    }

    fn unit(&self, code: &str, language: Language) -> String {
        self.directory.unit(code).map_or(code, |unit| language.pick(&unit.title.zh, &unit.title.en)).to_owned()
    }
}

/// Why it comes to him: the reason that escalation gives, which it writes in Chinese; in English by how he was found.
fn instead(recipient: &Recipient, language: Language) -> String {
    match (recipient.how.as_str(), language) {
        ("direct", _) => String::new(),
        (_, Language::Chinese) => recipient.reason.as_ref().map(|reason| format!("{reason}。")).unwrap_or_default(),
        ("deputy", Language::English) => "It comes to you as deputy.".to_owned(),
        ("fallback", Language::English) => "It comes to you because nobody else could be found.".to_owned(),
        (_, Language::English) => "It comes to you because nobody is present in the post meant first.".to_owned(),
    }
}
