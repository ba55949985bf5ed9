//! The sentences of a message, in the order in which they are read.

use super::{Language, Letter, Occasion, Urgency, deadline, moment, span};
use Language::{Chinese, English};

/// A message's sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraphs {
    pub language: Language,
    /// What is wanted of whom by when.
    pub wanted: String,
    /// Why, with the article.
    pub reason: String,
    /// What it is about; how it stands; who was told.
    pub story: [String; 3],
    /// What happens if nobody acts.
    pub next: String,
    /// The button's words and where it leads.
    pub acknowledge: (String, String),
    pub page: (String, String),
    /// What the link does and does not do.
    pub footer: String,
}

/// Writes the sentences.
pub fn paragraphs(letter: &Letter) -> Paragraphs {
    let language = letter.language;
    Paragraphs {
        language,
        wanted: wanted(letter),
        reason: reason(letter),
        story: [subject_matter(letter), standing(letter), told(letter)],
        next: next(letter),
        acknowledge: (language.pick("签收此督办通知", "Acknowledge this alert").to_owned(), letter.acknowledge_url.clone()),
        page: (language.pick("查看详情（需登录）", "See the details (log-in needed)").to_owned(), letter.page_url.clone()),
        footer: language
            .pick(
                "签收链接仅供您本人使用一次，打开后还需按一次按钮；请勿转发。",
                "The link is for you alone and works once; it opens a page with one button. Please do not forward it.",
            )
            .to_owned(),
    }
}

fn wanted(letter: &Letter) -> String {
    let due = deadline(letter.due_at, &letter.zone, letter.language);
    let title = &letter.title;
    let who = match (letter.post.is_empty(), letter.language) {
        (true, _) => letter.name.clone(),
        (false, Chinese) => format!("{}（{}）", letter.name, letter.post),
        (false, English) => format!("{} ({})", letter.name, letter.post),
    };
    if letter.occasion == Occasion::Awaited {
        return match letter.language {
            Chinese => format!("请{who}尽快答复或提供所需材料：{title}。该事项正等待您，已暂停计时。"),
            English => format!(
                "{who}: please give the answer or the papers that are waited for: {title}. It waits for you, and its clock is stopped."
            ),
        };
    }
    let by_others = !letter.owed_by.is_empty();
    match (letter.language, letter.overdue, by_others) {
        (Chinese, false, false) => format!("请{who}于{due}前办结：{title}。"),
        (Chinese, false, true) => format!("请{who}签收并督促{}于{due}前办结：{title}。", letter.owed_by),
        (Chinese, true, false) => format!("请{who}立即办结：{title}，本应于{due}前办结，现已超期。"),
        (Chinese, true, true) => format!("请{who}签收并督促{}立即办结：{title}，本应于{due}前办结，现已超期。", letter.owed_by),
        (English, false, false) => format!("{who}: please finish by {due}: {title}."),
        (English, false, true) => format!("{who}: please acknowledge, and see that {} finishes by {due}: {title}.", letter.owed_by),
        (English, true, false) => format!("{who}: please finish at once: {title}. It was due by {due} and is overdue."),
        (English, true, true) => {
            format!(
                "{who}: please acknowledge, and see that {} finishes at once: {title}. It was due by {due} and is overdue.",
                letter.owed_by
            )
        }
    }
}

fn reason(letter: &Letter) -> String {
    let cited = match (letter.language, letter.article.is_empty()) {
        (Chinese, false) => format!("依据：《{}》第{}条。", letter.pack, letter.article),
        (Chinese, true) => format!("依据：《{}》（原文未载明条款，为本单位设定）。", letter.pack),
        (English, false) => format!("Reason: {}, article {}.", letter.pack, letter.article),
        (English, true) => format!("Reason: {} (set by this organisation; the source has no article on it).", letter.pack),
    };
    if letter.instead.is_empty() { cited } else { format!("{cited}{}{}", letter.language.pick("", " "), letter.instead) }
}

fn subject_matter(letter: &Letter) -> String {
    let mut parts = Vec::new();
    if !letter.number.is_empty() {
        parts.push(match letter.language {
            Chinese => format!("案件{}", letter.number),
            English => format!("Case {}", letter.number),
        });
    }
    parts.push(letter.unit.clone());
    parts.join(letter.language.pick("，", ", "))
}

fn standing(letter: &Letter) -> String {
    let raised = moment(letter.raised_at, &letter.zone, letter.language);
    let state = if letter.overdue {
        let over = span(letter.due_at, letter.raised_at, letter.language);
        match letter.language {
            Chinese => format!("发出时（{raised}）已超期{over}"),
            English => format!("Overdue by {over} when this was raised ({raised})"),
        }
    } else {
        let left = span(letter.raised_at, letter.due_at, letter.language);
        match letter.language {
            Chinese => format!("发出时（{raised}）距时限还有{left}"),
            English => format!("{left} left when this was raised ({raised})"),
        }
    };
    if letter.late {
        format!("{state}{}", letter.language.pick("；因系统中断，此通知迟发", "; raised late, the system having been down"))
    } else {
        state
    }
}

fn told(letter: &Letter) -> String {
    let step = match (letter.language, letter.urgency, letter.rung) {
        (language, ..) if letter.occasion == Occasion::Urged => language.pick("上级催办", "A superior urges").to_owned(),
        (language, ..) if letter.occasion == Occasion::Opened => language.pick("即时通报", "Told at once").to_owned(),
        (language, ..) if letter.occasion == Occasion::Awaited => {
            language.pick("等待期间的提醒", "Reminder while you are waited for").to_owned()
        }
        (Chinese, Urgency::DueSoon, rung) => format!("第{}次提醒", rung.unsigned_abs()),
        (Chinese, _, rung) => format!("第{rung}级督办"),
        (English, Urgency::DueSoon, rung) => format!("Reminder {}", rung.unsigned_abs()),
        (English, _, rung) => format!("Rung {rung}"),
    };
    let again = match (letter.repetition, letter.language) {
        (0, _) => String::new(),
        (n, Chinese) => format!("（重发第{n}次）"),
        (n, English) => format!(" (repeated, {n})"),
    };
    let others = match (letter.others.is_empty(), letter.language) {
        (true, Chinese) => "仅通知您一人".to_owned(),
        (true, English) => "told to you alone".to_owned(),
        (false, Chinese) => format!("同时通知{}", letter.others.join("、")),
        (false, English) => format!("also told to {}", letter.others.join(", ")),
    };
    format!("{step}{again}{}{others}", letter.language.pick("，", ", "))
}

fn next(letter: &Letter) -> String {
    match (&letter.next, letter.language) {
        (None, Chinese) => "若仍无人办理：此后不再升级，请务必处理。".to_owned(),
        (None, English) => "If nobody acts: it climbs no higher. Please see to it.".to_owned(),
        (Some((at, who)), language) => {
            let at = moment(*at, &letter.zone, language);
            let who = who.join(language.pick("、", ", "));
            match (language, who.is_empty()) {
                (Chinese, false) => format!("若无人签收或办结：{at}将通知{who}。"),
                (Chinese, true) => format!("若无人签收或办结：{at}将再次通知。"),
                (English, false) => format!("If nobody acknowledges or finishes: {who} will be told on {at}."),
                (English, true) => format!("If nobody acknowledges or finishes: it is told again on {at}."),
            }
        }
    }
}
