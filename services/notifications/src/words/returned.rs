//! What somebody reads who is back: how many duties went to others in his place and still stand, the first ten of them, where the rest is.

use super::Language::{self, Chinese, English};
use super::html::listing;
use super::{deadline, moment};
use duban_contracts::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html as markup};

/// Duties that a message lists.
pub const LISTED: usize = 10;

/// Everything that the message says, names looked up.
#[derive(Debug, Clone)]
pub struct Returned {
    pub language: Language,
    pub zone: TimeZone,
    pub name: String,
    pub since: Timestamp,
    pub until: Timestamp,
    pub total: i64,
    pub waiting: Vec<Waiting>,
    pub list_url: String,
}

/// One of the duties.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub title: String,
    pub unit: String,
    pub due_at: Timestamp,
    pub overdue: bool,
    pub went_to: Vec<String>,
    pub url: String,
}

pub fn subject(letter: &Returned) -> String {
    match letter.language {
        Chinese => format!("【督办·返岗】离岗期间转给他人的事项，{}件仍未办结", letter.total),
        English => format!("[Duban, back] {} still open of what went to others while you were away", duties(letter.total)),
    }
}

fn duties(count: i64) -> String {
    if count == 1 { "1 duty".to_owned() } else { format!("{count} duties") }
}

/// What is wanted of him.
fn wanted(letter: &Returned) -> String {
    let at = |at| moment(at, &letter.zone, letter.language);
    let (name, since, until, total) = (&letter.name, at(letter.since), at(letter.until), letter.total);
    match letter.language {
        Chinese => format!("{name}：您离岗期间（{since}至{until}），有{total}件事项转给了他人，现仍未办结。请与代办人交接。"),
        English => format!(
            "{name}: while you were away ({since} to {until}), {} went to others and still stand open. Please take over from them.",
            duties(total)
        ),
    }
}

fn line(letter: &Returned, waiting: &Waiting) -> String {
    let due = deadline(waiting.due_at, &letter.zone, letter.language);
    let to = waiting.went_to.join(letter.language.pick("、", ", "));
    let (title, unit) = (&waiting.title, &waiting.unit);
    match (letter.language, waiting.overdue) {
        (Chinese, false) => format!("{title}（{unit}），时限{due}，转给{to}"),
        (Chinese, true) => format!("【超期】{title}（{unit}），本应于{due}前办结，转给{to}"),
        (English, false) => format!("{title} ({unit}), due {due}, went to {to}"),
        (English, true) => format!("Overdue: {title} ({unit}), was due {due}, went to {to}"),
    }
}

fn rest(letter: &Returned) -> String {
    let listed = i64::try_from(letter.waiting.len()).unwrap_or_default();
    let (others, language) = ((letter.total - listed).max(0), letter.language);
    match (language, others) {
        (_, 0) => language.pick("我负责的全部事项", "All that is yours").to_owned(),
        (Chinese, others) => format!("另有{others}件，见我负责的全部事项"),
        (English, others) => format!("{others} more, among all that is yours"),
    }
}

pub fn plain(letter: &Returned) -> String {
    let lines: Vec<String> = letter
        .waiting
        .iter()
        .enumerate()
        .map(|(nth, waiting)| format!("{}. {}\n{}", nth + 1, line(letter, waiting), waiting.url))
        .collect();
    let colon = letter.language.pick("：", ": ");
    format!("{}\n\n{}\n\n{}{colon}\n{}\n", wanted(letter), lines.join("\n\n"), rest(letter), letter.list_url)
}

/// The same sentences.
pub fn html(letter: &Returned) -> String {
    let lines: Vec<Markup> = letter.waiting.iter().map(|waiting| markup! { a href=(waiting.url) { (line(letter, waiting)) } }).collect();
    listing(letter.language, &subject(letter), &wanted(letter), &lines, (&rest(letter), &letter.list_url))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(language: Language, total: i64) -> Returned {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let waiting = |title: &str, overdue: bool| Waiting {
            title: title.to_owned(),
            unit: "朝阳店".to_owned(),
            due_at: at("2026-03-05T10:00:00Z"),
            overdue,
            went_to: vec!["李娜".to_owned()],
            url: "https://duban.example/cases/1".to_owned(),
        };
        Returned {
            language,
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
            name: "王伟".to_owned(),
            since: at("2026-03-02T01:00:00Z"),
            until: at("2026-03-06T10:00:00Z"),
            total,
            waiting: vec![waiting("核实客户资料 TS-1", true), waiting("<b>回访</b>", false)],
            list_url: "https://duban.example/duties?state=mine".to_owned(),
        }
    }

    #[test]
    fn it_counts_first_then_lists_and_says_where_the_rest_is() {
        let text = plain(&letter(Chinese, 7));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "王伟：您离岗期间（2026年3月2日（周一）09:00至2026年3月6日（周五）18:00），有7件事项转给了他人，现仍未办结。请与代办人交接。"
        );
        assert_eq!(lines[2], "1. 【超期】核实客户资料 TS-1（朝阳店），本应于2026年3月5日（周四）18:00前办结，转给李娜");
        assert!(text.contains("另有5件"), "{text}");
        assert_eq!(subject(&letter(English, 1)), "[Duban, back] 1 duty still open of what went to others while you were away");
        assert!(!plain(&letter(English, 2)).contains("more"));
    }

    #[test]
    fn html_says_the_same_and_trusts_no_title() {
        let page = html(&letter(Chinese, 2));
        assert!(page.contains("&lt;b&gt;回访&lt;/b&gt;") && page.contains("有2件事项") && !page.contains("<b>回访"), "{page}");
    }
}
