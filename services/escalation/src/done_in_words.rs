//! What was done with a duty, in words.

use duban_contracts::Timestamp;
use duban_contracts::duty::DutyCorrected;
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
            let why = match (&acted.corrected, acted.reason.as_str()) {
                (Some(corrected), _) => correction(corrected, directory),
                (None, "date") => ("a date was put in".to_owned(), "日期字段已填写或更改".to_owned()),
                (None, _) => ("kind, severity or unit was put right".to_owned(), "类别、严重程度或单位已更正".to_owned()),
            };
            if acted.due_before == acted.due_after {
                let (en, zh) = ("Reminders, rungs or posts are other ones from now on", "提醒、升级或责任岗位自此按新规定");
                (format!("{en}, {}; due {due} as before.", why.0), format!("{zh}（{}），截止时间仍为 {due}。", why.1))
            } else {
                (format!("Time counted anew, {}; due {due}.", why.0), format!("重新计时（{}），截止时间改为 {due}。", why.1))
            }
        }
    };
    let reason = if acted.act == What::Retimed { String::new() } else { acted.reason.clone() };
    Said { en, zh, reason }
}

/// Which version corrects what.
fn correction(corrected: &DutyCorrected, directory: &Directory) -> (String, String) {
    let DutyCorrected { version, of, approved_by } = corrected;
    let (en, zh) = match of.strip_prefix("calendar.") {
        Some(calendar) => (format!("calendar '{calendar}'"), format!("日历“{calendar}”")),
        None => (format!("rule '{of}'"), format!("规则“{of}”")),
    };
    let approved = approved_by.as_deref().map(|person| named(person, directory));
    let approved = approved.map(|(en, zh)| (format!(", approved by {en}"), format!("，由{zh}批准"))).unwrap_or_default();
    (format!("version {version} corrects {en}{}", approved.0), format!("制度版本 {version} 更正了{zh}{}", approved.1))
}

/// A person or a post, as people are called.
fn named(id: &str, directory: &Directory) -> (String, String) {
    if let Some(person) = directory.person(id) {
        return (person.name.clone(), person.name.clone());
    }
    directory.post(id).map_or_else(|| (id.to_owned(), id.to_owned()), |post| (post.title.en.clone(), post.title.zh.clone()))
}
