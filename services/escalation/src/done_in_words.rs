//! What was done with a duty, in words.

use duban_contracts::Timestamp;
use duban_engine::acts::{Acted, What};
use duban_policy::directory::Directory;

/// A sentence in both languages, and the reason that somebody gave.
pub struct Said {
    pub en: String,
    pub zh: String,
    pub reason: String,
}

/// `wall`: an instant as people read it.
pub fn of(acted: &Acted, directory: &Directory, wall: &impl Fn(Timestamp) -> String) -> Said {
    let due = wall(acted.due_after);
    let until = acted.until.map(wall).unwrap_or_default();
    let by = acted.by.as_deref().map(|by| named(by, directory));
    let (by_en, by_zh) = by.map(|by| (format!(" by {}", by.0), format!("（{}）", by.1))).unwrap_or_default();
    let person = acted.person.as_deref().map(|person| named(person, directory));
    let (en, zh) = match acted.act {
        What::Paused => {
            let waits = person.map(|person| (format!(", waiting for {}", person.0), format!("，等待{}", person.1))).unwrap_or_default();
            (format!("Clock stopped{by_en} until {until} at most{}.", waits.0), format!("暂停计时{by_zh}，最迟至 {until}{}。", waits.1))
        }
        What::Resumed => (format!("Clock goes on{by_en}; due {due}."), format!("恢复计时{by_zh}，截止时间顺延至 {due}。")),
        What::Extended => {
            let was = wall(acted.due_before);
            let overdue = if acted.due_before < acted.at {
                (format!(" (overdue since {was})"), format!("（此前已于 {was} 逾期）"))
            } else {
                Default::default()
            };
            (format!("Extended{by_en}{}; due {due}.", overdue.0), format!("准予延期{by_zh}{}，截止时间改为 {due}。", overdue.1))
        }
        What::HandedOver => {
            let to = person.unwrap_or_default();
            (format!("Handed over{by_en} to {}.", to.0), format!("移交{by_zh}给{}。", to.1))
        }
        What::Urged => (format!("Urged{by_en}."), format!("催办{by_zh}。")),
        What::Retimed => {
            let why = match acted.reason.as_str() {
                "date" => ("a date was put in", "日期字段已填写或更改"),
                _ => ("kind, severity or unit was put right", "类别、级别或单位已更正"),
            };
            (format!("Time counted anew, {}; due {due}.", why.0), format!("重新计时（{}），截止时间改为 {due}。", why.1))
        }
    };
    let reason = if acted.act == What::Retimed { String::new() } else { acted.reason.clone() };
    Said { en, zh, reason }
}

/// A person or a post, as people are called.
fn named(id: &str, directory: &Directory) -> (String, String) {
    if let Some(person) = directory.person(id) {
        return (person.name.clone(), person.name.clone());
    }
    directory.post(id).map_or_else(|| (id.to_owned(), id.to_owned()), |post| (post.title.en.clone(), post.title.zh.clone()))
}
