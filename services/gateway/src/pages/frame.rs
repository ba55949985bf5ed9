//! What every page stands in: head, navigation, who is logged in, in which language, and what time it is in the organisation.

use super::{respond, words};
use crate::policies::promote::SYSTEM;
use crate::viewer::{Language, url_encoded};
use duban_contracts::alert::MeantFor;
use duban_contracts::duty::Diverted;
use duban_contracts::{Problem, Timestamp};
use duban_policy::directory::{Directory, Right};
use duban_policy::{Policy, Title};
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

/// The reader and the moment of a page.
#[derive(Debug, Clone)]
pub struct Frame {
    pub language: Language,
    /// Name of the person logged in and the token that his forms carry.
    pub person: Option<(String, String)>,
    /// Whether the reader administers: shows the administration's pages in the navigation.
    pub administers: bool,
    /// The reader's rights over any unit at all: what pages offer. What he may in truth, the owners of the data decide.
    pub rights: BTreeSet<Right>,
    pub now: Timestamp,
    pub zone: TimeZone,
    /// Path of the page itself, for the navigation and the change of language.
    pub path: String,
    /// For names instead of codes; without it pages show the codes.
    pub directory: Option<Arc<Directory>>,
    /// For titles of packs and channels; without it pages show the ids.
    pub policy: Option<Arc<Policy>>,
    /// A demonstration says so on every page.
    pub demonstration: bool,
}

/// A page of the navigation: path, Chinese, English.
const PAGES: [(&str, &str, &str); 6] = [
    ("/alerts", "我的督办", "My alerts"),
    ("/duties", "责任事项", "Duties"),
    ("/cases", "案件", "Cases"),
    ("/records", "档案", "Records"),
    ("/policies", "制度", "Policies"),
    ("/absences", "离岗与委托", "Absences"),
];

/// For who takes in reports, too.
const DEAD: (&str, &str, &str) = ("/dead", "死信与拒收", "Dead letters");

const OPERATION: [(&str, &str, &str); 2] = [("/deliveries", "投递", "Deliveries"), ("/administration", "管理", "Administration")];

impl Frame {
    pub fn t<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        self.language.pick(zh, en)
    }

    /// A sentence of an answer; the English stands for Chinese that is not given.
    pub fn said<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        self.t(if zh.is_empty() { en } else { zh }, en)
    }

    /// An exact time with its distance from now beside it.
    pub fn time(&self, at: Timestamp) -> Markup {
        html! {
            time datetime=(at) title=(words::instant(self.language, at, &self.zone)) {
                (words::instant(self.language, at, &self.zone)) " "
                span.soft.small { "(" (words::distance(self.language, at, self.now, &self.zone)) ")" }
            }
        }
    }

    /// By when something is owed: the end of a day is its 24:00.
    pub fn due(&self, at: Timestamp) -> Markup {
        let day = duban_policy::calendar::last_minute(at, &self.zone).unwrap_or(at);
        html! {
            time datetime=(at) title=(words::instant(self.language, at, &self.zone)) {
                (words::deadline(self.language, at, &self.zone)) " "
                span.soft.small { "(" (words::distance(self.language, day, self.now, &self.zone)) ")" }
            }
        }
    }

    /// How many there are of what a list shows; `zh` is the Chinese measure word.
    pub fn counted<N: Display + PartialEq + From<u8>>(&self, count: N, zh: &str, one: &str, many: &str) -> String {
        words::counted(self.language, count, zh, one, many)
    }

    /// By which article, behind what it is the article of.
    pub fn by_article(&self, article: Option<&str>) -> Markup {
        html! { @if let Some(article) = article { " " span.soft.small { (self.t("（第", "(article ")) (article) (self.t("条）", ")")) } } }
    }

    /// A unit's title; its code where the directory does not know it.
    pub fn unit(&self, code: &str) -> String {
        let unit = self.directory.as_ref().and_then(|directory| directory.unit(code));
        unit.map_or_else(|| code.to_owned(), |unit| self.t(&unit.title.zh, &unit.title.en).to_owned())
    }

    /// A post's title with its unit's; the post's id where the directory does not know it.
    pub fn post(&self, id: &str) -> String {
        let post = self.directory.as_ref().and_then(|directory| directory.post(id));
        post.map_or_else(|| id.to_owned(), |post| format!("{} · {}", self.unit(&post.unit), self.t(&post.title.zh, &post.title.en)))
    }

    /// A pack by the name of its regulation.
    pub fn pack(&self, id: &str) -> String {
        let pack = self.policy.as_ref().and_then(|policy| policy.pack(id));
        pack.map_or_else(|| id.to_owned(), |pack| self.t(&pack.title.zh, &pack.title.en).to_owned())
    }

    /// A channel that reports come by.
    pub fn channel(&self, id: &str) -> String {
        let channel = self.policy.as_ref().and_then(|policy| policy.channels().iter().find(|known| known.value == id));
        channel.map_or_else(|| id.to_owned(), |channel| self.t(&channel.title.zh, &channel.title.en).to_owned())
    }

    /// An article as it is cited: the regulation and its number; for who has logged in, a link to where it is read.
    pub fn article(&self, pack: &str, article: &str) -> Markup {
        let cited = html! {
            (self.t("《", "")) (self.pack(pack)) (self.t("》", ""))
            @if !article.is_empty() { (self.t("第", ", article ")) (article) (self.t("条", "")) }
        };
        let known = self.policy.as_ref().is_some_and(|policy| policy.pack(pack).is_some());
        if self.person.is_none() || !known {
            return cited;
        }
        html! { a href={ "/policies/packs/" (url_encoded(pack)) "#" (url_encoded(&article_id(article))) } { (cited) } }
    }

    /// A person's name; the id where the directory does not know it.
    pub fn name(&self, person: &str) -> String {
        if person == SYSTEM {
            return self.t("系统自动", "the system itself").to_owned();
        }
        let known = self.directory.as_ref().and_then(|directory| directory.person(person));
        known.map_or_else(|| person.to_owned(), |known| known.name.clone())
    }

    /// In whose place something comes to somebody: '王伟离岗至…', 'instead of Wang Wei, who is away until …'.
    pub fn instead_of(&self, meant_for: &[MeantFor]) -> String {
        let Some(directory) = &self.directory else { return String::new() };
        let wall = |at: Timestamp| {
            Title::new(words::instant(Language::Chinese, at, &self.zone), words::instant(Language::English, at, &self.zone))
        };
        let words = directory.instead_of(meant_for, &wall);
        self.t(&words.zh, &words.en).to_owned()
    }

    /// To whom a duty goes now, and in whose place.
    pub fn diverted(&self, diverted: &Diverted) -> String {
        let instead = self.instead_of(&diverted.meant_for);
        let people = diverted.people.iter().map(|person| self.name(person)).collect::<Vec<_>>().join(self.t("、", ", "));
        match (self.language, diverted.people.is_empty()) {
            (Language::Chinese, false) => format!("{instead}，现由{people}办理"),
            (Language::Chinese, true) => format!("{instead}，目前无人可办理"),
            (Language::English, false) => format!("goes to {people} {instead}"),
            (Language::English, true) => format!("goes to nobody {instead}"),
        }
    }

    /// The hidden field that every form carries against cross-site requests.
    pub fn csrf(&self) -> Markup {
        html! { @if let Some((_, token)) = &self.person { input type="hidden" name="csrf" value=(token); } }
    }

    /// A whole page. `narrow` is for forms and single alerts.
    pub fn page(&self, title: &str, narrow: bool, content: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang=(if self.language == Language::Chinese { "zh-CN" } else { "en" }) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " · " (self.t("督办", "Duban")) }
                    link rel="stylesheet" href="/assets/style.css";
                    link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                    script src="/assets/live.js" defer {}
                }
                body {
                    a.skip href="#content" { (self.t("跳到正文", "Skip to content")) }
                    (self.top())
                    main #content.narrow[narrow] tabindex="-1" { h1 { (title) } (content) }
                    (self.foot())
                }
            }
        }
    }

    /// An error as a line of a page whose other parts stand.
    pub fn wrong(&self, what: &str, why: &Problem) -> Markup {
        html! {
            div.notice.bad role="alert" {
                (what) (self.t("：", ": ")) (self.t(&why.title_zh, &why.title))
                @if !why.detail.is_empty() { " " span.soft.small { (self.said(&why.detail_zh, &why.detail)) } }
                @for fault in &why.errors { " " span.soft.small { (respond::fault_in_words(self, fault)) } }
            }
        }
    }

    fn top(&self) -> Markup {
        html! {
            header.top { div {
                a.brand href="/" { (self.t("督办", "Duban")) }
                @if let Some((name, _)) = &self.person {
                    nav.main aria-label=(self.t("主导航", "Main")) { ul {
                        @for page in &PAGES { (self.entry(page)) }
                        @if self.administers || self.rights.contains(&Right::Take) { (self.entry(&DEAD)) }
                        @if self.administers { @for page in &OPERATION { (self.entry(page)) } }
                    } }
                    div.who {
                        span { (name) }
                        form method="post" action="/logout" { (self.csrf()) button.plain type="submit" { (self.t("退出", "Log out")) } }
                        (self.other_language())
                    }
                } @else {
                    nav.main aria-label=(self.t("主导航", "Main")) { ul {
                        (self.entry(&("/report", "提交来件", "Send a report")))
                        (self.entry(&("/track", "查询进度", "Track a report")))
                        (self.entry(&("/login", "登录", "Log in")))
                    } }
                    div.who { (self.other_language()) }
                }
            } }
        }
    }

    fn entry(&self, (path, zh, en): &(&str, &str, &str)) -> Markup {
        // Rehearsals are a part of what there is about packs.
        let of_packs = *path == "/policies" && self.path.starts_with("/rehearsals");
        let here = of_packs || self.path == *path || self.path.starts_with(&format!("{path}/"));
        html! { li { a href=(path) aria-current=[here.then_some("page")] { (self.t(zh, en)) } } }
    }

    fn other_language(&self) -> Markup {
        let (tag, own_name) = match self.language {
            Language::Chinese => ("en", "English"),
            Language::English => ("zh", "中文"),
        };
        html! { a href={ "/language/" (tag) "?back=" (self.path) } lang=(tag) hreflang=(tag) { (own_name) } }
    }

    fn foot(&self) -> Markup {
        html! {
            footer {
                (self.t("时间：", "Time: ")) (words::instant(self.language, self.now, &self.zone))
                @if self.demonstration { " · " (self.t("演示数据，人物与事件均为虚构", "Demonstration data; people and events are invented")) }
            }
        }
    }
}

/// Where an article stands on its pack's page.
pub fn article_id(article: &str) -> String {
    format!("article-{}", article.replace(char::is_whitespace, "-"))
}

/// The four urgencies, what is told at once or urged, what somebody has taken in hand, and what is done: a word, a shape and a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    Normal,
    Soon,
    Overdue,
    Escalated,
    /// Of an alert: somebody urges, whatever the clock says.
    Urged,
    /// Of an alert: told at once, as its duty opened; nothing has been missed.
    Notice,
    /// Of an alert: its duty runs on.
    Acknowledged,
    Done,
    /// Done after its time.
    DoneLate,
    /// What nobody has to do any more.
    Cancelled,
}

impl Urgency {
    /// Of a duty's state.
    pub fn of_duty(state: &str) -> Self {
        match state {
            "breached" => Self::Overdue,
            "due_soon" => Self::Soon,
            "pending" => Self::Normal,
            "closed_late" => Self::DoneLate,
            "cancelled" => Self::Cancelled,
            _ => Self::Done,
        }
    }

    /// Of an alert.
    pub fn of_alert(alert: &duban_contracts::alert::AlertEvent) -> Self {
        match (alert.state.as_str(), alert.sort.as_str()) {
            ("open", "reminder" | "awaited") => Self::Soon,
            ("open", "breach") => Self::Overdue,
            ("open", "urge") => Self::Urged,
            ("open", "notice") => Self::Notice,
            ("open", _) => Self::Escalated,
            ("acknowledged", _) => Self::Acknowledged,
            _ => Self::Done,
        }
    }

    pub fn class(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Soon => "soon",
            Self::Overdue => "overdue",
            Self::Escalated | Self::Urged | Self::Notice => "escalated",
            Self::Acknowledged => "acknowledged",
            Self::Done | Self::DoneLate | Self::Cancelled => "done",
        }
    }

    pub fn word(self, language: Language) -> &'static str {
        match self {
            Self::Normal => language.pick("正常", "On time"),
            Self::Soon => language.pick("临期", "Due soon"),
            Self::Overdue => language.pick("超期", "Overdue"),
            Self::Escalated => language.pick("升级", "Escalated"),
            Self::Urged => language.pick("催办", "Urged"),
            Self::Notice => language.pick("通报", "Notice"),
            Self::Acknowledged => language.pick("已签收", "Acknowledged"),
            Self::Done => language.pick("已了结", "Done"),
            Self::DoneLate => language.pick("逾期了结", "Done late"),
            Self::Cancelled => language.pick("已取消", "Cancelled"),
        }
    }

    pub fn mark(self, language: Language) -> Markup {
        html! { span class={ "state " (self.class()) } { (self.word(language)) } }
    }
}

/// The icon, small enough to stand here: a bell under a tick.
pub const ICON: PreEscaped<&str> = PreEscaped(
    r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0b57a4"/><path d="M8 17l6 6L25 9" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/></svg>"##,
);
