//! From what a delivery tells to what its message says to one person: names looked up in the directory and the packs at the time of sending.

use crate::App;
use crate::channels;
use crate::link;
use crate::store::claims::{Claimed, Tells};
use crate::store::digests::Covered;
use crate::words::digest::{self, Digest, Line};
use crate::words::returned::{self, Returned, Waiting};
use crate::words::{self, Language, Letter, Occasion, Urgency};
use duban_contracts::Problem;
use duban_contracts::absence::ReturnNoticed;
use duban_contracts::alert::{AlertEvent, Recipient};
use duban_policy::Title;
use duban_policy::directory::{self, Directory};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// A message in all its forms, whatever it tells: what the channels take.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The recipient.
    pub name: String,
    pub subject: String,
    pub plain: String,
    pub html: String,
    /// Of an alert: mails of a duty and urgency keep together.
    pub urgency: Option<Urgency>,
    /// What a webhook gets.
    pub payload: Value,
}

/// Looks up the names and writes the message.
///
/// # Errors
/// No directory yet; what a digest gathers could not be read.
pub fn write(app: &App, claimed: &Claimed) -> Result<Outgoing, Problem> {
    let directory = app.platform.directory.current()?;
    Ok(match &claimed.tells {
        Tells::Alert(alert) => of_alert(app, &directory, claimed, alert),
        Tells::Return(notice) => of_return(app, &directory, claimed, notice),
        Tells::Digest { covered: Some(covered), .. } => of_digest(app, &directory, claimed, covered),
        Tells::Digest { covered: None, .. } => return Err(Problem::unavailable("what is gathered in it")),
    })
}

fn of_alert(app: &App, directory: &Directory, claimed: &Claimed, alert: &AlertEvent) -> Outgoing {
    let policy = app.platform.policies.get(alert.policy);
    let pack = policy.as_ref().and_then(|policy| policy.pack(&alert.pack)).map(|pack| pack.title.clone());
    let settings = &app.settings;
    let link = link::id(alert.alert, &claimed.delivery.person);
    let names = Names { directory, pack, zone: &settings.time_zone };
    let mut letter = names.letter(claimed, alert);
    letter.acknowledge_url = format!("{}/a/{}", settings.public_url, link::token(&settings.links.key, link));
    letter.page_url = page_url(&settings.public_url, &alert.link, "/alerts");
    let paragraphs = words::paragraphs(&letter);
    let subject = words::subject(&letter);
    Outgoing {
        plain: words::plain(&paragraphs),
        html: words::html(&paragraphs, &subject, letter.urgency),
        urgency: Some(letter.urgency),
        payload: channels::payload(claimed, alert, &letter),
        name: letter.name,
        subject,
    }
}

/// What waits for somebody who is back.
fn of_return(app: &App, directory: &Directory, claimed: &Claimed, notice: &ReturnNoticed) -> Outgoing {
    let settings = &app.settings;
    let names = Names { directory, pack: None, zone: &settings.time_zone };
    let language = names.language(&notice.person);
    let waiting = notice.duties.iter().take(returned::LISTED).map(|duty| Waiting {
        title: language.pick(&duty.title_zh, &duty.title).to_owned(),
        unit: names.unit(&duty.unit, language),
        due_at: duty.due_at,
        overdue: duty.due_at <= notice.until,
        went_to: duty.went_to.iter().map(|person| names.person(person)).collect(),
        url: page_url(&settings.public_url, &duty.link, "/duties?state=mine"),
    });
    let letter = Returned {
        language,
        zone: settings.time_zone.clone(),
        name: names.person(&notice.person),
        since: notice.since,
        until: notice.until,
        total: notice.total,
        waiting: waiting.collect(),
        list_url: format!("{}/duties?state=mine", settings.public_url),
    };
    let (subject, plain) = (returned::subject(&letter), returned::plain(&letter));
    let payload = json!({
        "type": "return.noticed",
        "timestamp": notice.until,
        "data": {
            "delivery": claimed.delivery.delivery,
            "notice": notice.notice,
            "person": notice.person,
            "since": notice.since,
            "until": notice.until,
            "total": notice.total,
            "duties": notice.duties.iter().map(|duty| duty.duty).collect::<Vec<_>>(),
            "language": language.code(),
            "subject": subject,
            "text": plain,
            "url": letter.list_url,
        }
    });
    Outgoing { name: letter.name.clone(), html: returned::html(&letter), subject, plain, urgency: None, payload }
}

/// What was gathered for one person and is still wanted.
fn of_digest(app: &App, directory: &Directory, claimed: &Claimed, covered: &[Covered]) -> Outgoing {
    let settings = &app.settings;
    let names = Names { directory, pack: None, zone: &settings.time_zone };
    let person = &claimed.delivery.person;
    let language = names.language(person);
    let wanted: Vec<&Covered> = covered.iter().filter(|covered| covered.wanted).collect();
    let line = |covered: &&Covered| {
        let alert = &covered.alert;
        let link = link::id(alert.alert, person);
        Line {
            urgency: Urgency::of(&alert.sort, alert.urgent),
            title: language.pick(&alert.title_zh, &alert.title).to_owned(),
            number: covered.number.clone(),
            unit: names.unit(&alert.unit, language),
            due_at: alert.due_at,
            acknowledge_url: format!("{}/a/{}", settings.public_url, link::token(&settings.links.key, link)),
            page_url: page_url(&settings.public_url, &alert.link, "/alerts"),
        }
    };
    let letter = Digest::of(
        language,
        settings.time_zone.clone(),
        names.person(person),
        wanted.iter().map(line).collect(),
        format!("{}/alerts", settings.public_url),
    );
    let (subject, plain) = (digest::subject(&letter), digest::plain(&letter));
    let payload = json!({
        "type": "alerts.gathered",
        "timestamp": claimed.delivery.created_at,
        "data": {
            "delivery": claimed.delivery.delivery,
            "person": person,
            "total": wanted.len(),
            "alerts": wanted.iter().map(|covered| covered.alert.alert).collect::<Vec<_>>(),
            "language": language.code(),
            "subject": subject,
            "text": plain,
            "url": letter.list_url,
        }
    });
    Outgoing { name: letter.name.clone(), html: digest::html(&letter), subject, plain, urgency: None, payload }
}

/// The matter's own page, or another where the duty names none.
fn page_url(public_url: &str, link: &str, otherwise: &str) -> String {
    let path = if link.starts_with('/') && !link.starts_with("//") { link } else { otherwise };
    format!("{public_url}{path}")
}

struct Names<'a> {
    directory: &'a Directory,
    pack: Option<Title>,
    zone: &'a TimeZone,
}

impl Names<'_> {
    fn language(&self, person: &str) -> Language {
        match self.directory.person(person).map(|person| person.language).unwrap_or_default() {
            directory::Language::Chinese => Language::Chinese,
            directory::Language::English => Language::English,
        }
    }

    fn letter(&self, claimed: &Claimed, alert: &AlertEvent) -> Letter {
        let language = self.language(&claimed.delivery.person);
        let recipient = alert.recipients.iter().find(|recipient| recipient.person == claimed.delivery.person);
        let owes = recipient.is_some_and(|recipient| self.is_same_post(&recipient.post, &claimed.owed_by, &alert.unit));
        Letter {
            language,
            zone: self.zone.clone(),
            urgency: Urgency::of(&alert.sort, alert.urgent),
            occasion: Occasion::of(&alert.sort),
            overdue: alert.raised_at >= alert.due_at,
            name: self.person(&claimed.delivery.person),
            post: recipient.map(|recipient| self.post(&recipient.post, &alert.unit, language)).unwrap_or_default(),
            instead: recipient.map(|recipient| self.instead(recipient, language)).unwrap_or_default(),
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
            others: self.others(claimed, alert, language),
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
    fn others(&self, claimed: &Claimed, alert: &AlertEvent, language: Language) -> Vec<String> {
        let delivery = &claimed.delivery;
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

    /// Why it comes to him: who was meant and is away, by name; else how he was found.
    fn instead(&self, recipient: &Recipient, language: Language) -> String {
        let found = found(recipient, language);
        if recipient.meant_for.is_empty() {
            return found;
        }
        let wall = |at| Title::new(words::moment(at, self.zone, Language::Chinese), words::moment(at, self.zone, Language::English));
        let instead = self.directory.instead_of(&recipient.meant_for, &wall);
        match (language, found.is_empty()) {
            (Language::Chinese, _) => format!("{found}{}，现由您办理。", instead.zh),
            (Language::English, true) => format!("It comes to you {}.", instead.en),
            (Language::English, false) => format!("{found} It comes {}.", instead.en),
        }
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
            Language::Chinese => self.directory.post_title(found).zh,
            Language::English => format!("{title}, {at}"),
        }
    }

    fn unit(&self, code: &str, language: Language) -> String {
        self.directory.unit(code).map_or(code, |unit| language.pick(&unit.title.zh, &unit.title.en)).to_owned()
    }
}

/// How he was found: the reason that escalation gives, which it writes in Chinese; in English by its sort.
fn found(recipient: &Recipient, language: Language) -> String {
    match (recipient.how.as_str(), language) {
        ("direct", _) => String::new(),
        (_, Language::Chinese) => recipient.reason.as_ref().map(|reason| format!("{reason}。")).unwrap_or_default(),
        ("delegate", Language::English) => "It comes to you as delegate.".to_owned(),
        ("deputy", Language::English) => "It comes to you as deputy.".to_owned(),
        ("fallback", Language::English) => "It comes to you because nobody else could be found.".to_owned(),
        (_, Language::English) => "It comes to you because nobody is present in the post meant first.".to_owned(),
    }
}
