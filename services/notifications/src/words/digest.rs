//! What somebody reads for whom many alerts came at once: how many, how urgent, the first of them with their links, where the rest is. Pure.

use super::Language::{self, Chinese, English};
use super::html::listing;
use super::{Urgency, deadline};
use duban_contracts::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html as markup};

/// Alerts that a message lists.
pub const LISTED: usize = 20;

/// Everything that the message says, names looked up.
#[derive(Debug, Clone)]
pub struct Digest {
    pub language: Language,
    pub zone: TimeZone,
    pub name: String,
    pub total: usize,
    /// How many of each urgency, the greatest first; none that has none.
    pub counts: Vec<(Urgency, usize)>,
    /// The first of them: the most urgent, of these the earliest due.
    pub lines: Vec<Line>,
    pub list_url: String,
}

/// One of the alerts.
#[derive(Debug, Clone)]
pub struct Line {
    pub urgency: Urgency,
    pub title: String,
    /// The case's number, empty if the duty is about none.
    pub number: String,
    pub unit: String,
    pub due_at: Timestamp,
    pub acknowledge_url: String,
    pub page_url: String,
}

impl Digest {
    /// Counts the alerts and picks those that are listed.
    pub fn of(language: Language, zone: TimeZone, name: String, mut lines: Vec<Line>, list_url: String) -> Self {
        lines.sort_by_key(|line| (std::cmp::Reverse(line.urgency), line.due_at));
        let mut counts: Vec<(Urgency, usize)> = Vec::new();
        for line in &lines {
            match counts.last_mut() {
                Some((urgency, count)) if *urgency == line.urgency => *count += 1,
                _ => counts.push((line.urgency, 1)),
            }
        }
        let total = lines.len();
        lines.truncate(LISTED);
        Self { language, zone, name, total, counts, lines, list_url }
    }
}

pub fn subject(letter: &Digest) -> String {
    let (total, counts) = (letter.total, counts(letter));
    match letter.language {
        Chinese => format!("【督办·汇总】{total}件督办通知：{counts}"),
        English => format!("[Duban, digest] {}: {counts}", alerts(total)),
    }
}

fn alerts(count: usize) -> String {
    if count == 1 { "1 alert".to_owned() } else { format!("{count} alerts") }
}

/// `升级3件、超期980件`.
fn counts(letter: &Digest) -> String {
    let of = |(urgency, count): &(Urgency, usize)| match letter.language {
        Chinese => format!("{}{count}件", urgency.word(Chinese)),
        English => format!("{count} {}", urgency.word(English).to_lowercase()),
    };
    letter.counts.iter().map(of).collect::<Vec<_>>().join(letter.language.pick("、", ", "))
}

/// What is wanted of him.
fn wanted(letter: &Digest) -> String {
    let (name, total, counts) = (&letter.name, letter.total, counts(letter));
    match letter.language {
        Chinese => format!("{name}：短时间内有{total}件督办通知需要您处理（{counts}），为免逐件打扰，合为一封。每件仍须分别签收、办理。"),
        English => format!(
            "{name}: {} came for you within a short time ({counts}) and are put together here, so as not to send you each. Each is to be acknowledged and dealt with all the same.",
            alerts(total)
        ),
    }
}

fn line(letter: &Digest, line: &Line) -> String {
    let (language, due) = (letter.language, deadline(line.due_at, &letter.zone, letter.language));
    let (urgency, unit) = (line.urgency.word(language), &line.unit);
    let title = if line.number.is_empty() || line.title.contains(&line.number) {
        line.title.clone()
    } else {
        format!("{} {}", line.number, line.title)
    };
    match language {
        Chinese => format!("【{urgency}】{title}（{unit}），时限{due}"),
        English => format!("{urgency}: {title} ({unit}), due {due}"),
    }
}

fn rest(letter: &Digest) -> String {
    let (others, language) = (letter.total - letter.lines.len(), letter.language);
    match (language, others) {
        (_, 0) => language.pick("我的全部督办通知", "All your alerts").to_owned(),
        (Chinese, others) => format!("另有{others}件，见我的督办通知"),
        (English, others) => format!("{others} more, among your alerts"),
    }
}

fn acknowledge(language: Language) -> &'static str {
    language.pick("签收", "Acknowledge")
}

pub fn plain(letter: &Digest) -> String {
    let colon = letter.language.pick("：", ": ");
    let entry = |(nth, said): (usize, &Line)| {
        let acknowledge = acknowledge(letter.language);
        format!("{}. {}\n{}\n{acknowledge}{colon}{}", nth + 1, line(letter, said), said.page_url, said.acknowledge_url)
    };
    let lines: Vec<String> = letter.lines.iter().enumerate().map(entry).collect();
    format!("{}\n\n{}\n\n{}{colon}\n{}\n", wanted(letter), lines.join("\n\n"), rest(letter), letter.list_url)
}

/// The same sentences.
pub fn html(letter: &Digest) -> String {
    let entry = |said: &Line| {
        markup! { a href=(said.page_url) { (line(letter, said)) } " · " a href=(said.acknowledge_url) { (acknowledge(letter.language)) } }
    };
    let lines: Vec<Markup> = letter.lines.iter().map(entry).collect();
    listing(letter.language, &subject(letter), &wanted(letter), &lines, (&rest(letter), &letter.list_url))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(language: Language, overdue: usize) -> Digest {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let line = |urgency, title: &str, due: &str| Line {
            urgency,
            title: title.to_owned(),
            number: "TS-BJ01-2026-0007".to_owned(),
            unit: "朝阳店".to_owned(),
            due_at: at(due),
            acknowledge_url: "https://duban.example/a/token".to_owned(),
            page_url: "https://duban.example/cases/1".to_owned(),
        };
        let mut lines = vec![
            line(Urgency::DueSoon, "回访客户", "2026-03-07T10:00:00Z"),
            line(Urgency::Escalated, "<b>报备</b> TS-BJ01-2026-0007", "2026-03-05T10:00:00Z"),
        ];
        lines.extend((0..overdue).map(|_| line(Urgency::Overdue, "核实客户资料", "2026-03-06T10:00:00Z")));
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        Digest::of(language, zone, "王伟".to_owned(), lines, "https://duban.example/alerts".to_owned())
    }

    #[test]
    fn it_counts_first_then_lists_the_most_urgent_and_says_where_the_rest_is() {
        let zh = letter(Language::Chinese, 998);
        assert_eq!(subject(&zh), "【督办·汇总】1000件督办通知：升级1件、超期998件、临期1件");
        let text = plain(&zh);
        assert!(text.starts_with("王伟：短时间内有1000件督办通知需要您处理（升级1件、超期998件、临期1件），"), "{text}");
        let first = "1. 【升级】<b>报备</b> TS-BJ01-2026-0007（朝阳店），时限2026年3月5日";
        assert!(text.contains(first), "{text}");
        assert!(
            text.contains("2. 【超期】TS-BJ01-2026-0007 核实客户资料（朝阳店）") && text.contains("签收：https://duban.example/a/token")
        );
        assert!(text.ends_with("另有980件，见我的督办通知：\nhttps://duban.example/alerts\n"), "{text}");
        assert_eq!(text.matches("签收：").count(), LISTED);

        let en = letter(Language::English, 1);
        assert_eq!(subject(&en), "[Duban, digest] 3 alerts: 1 escalated, 1 overdue, 1 due soon");
        let text = plain(&en);
        assert!(text.starts_with("王伟: 3 alerts came for you within a short time (1 escalated, 1 overdue, 1 due soon)"), "{text}");
        assert!(text.contains("3. Due soon: TS-BJ01-2026-0007 回访客户 (朝阳店), due "), "{text}");
        assert!(text.ends_with("All your alerts: \nhttps://duban.example/alerts\n"), "{text}");
    }

    #[test]
    fn html_says_the_same_and_a_title_is_no_markup() {
        let letter = letter(Language::Chinese, 30);
        let page = html(&letter);
        assert!(page.contains(&wanted(&letter)) && page.contains("另有12件，见我的督办通知") && page.contains("&lt;b&gt;报备"), "{page}");
        assert_eq!(page.matches("<li").count(), LISTED);
    }
}
