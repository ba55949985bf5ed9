//! `duban policy read`: a pack as it would be read on paper, article by article.

use super::sources;
use crate::show::Show;
use duban_contracts::Problem;
use duban_policy::policy::paper::{Entry, Paper, Said};
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(pack: &str, english: bool, set: &Path, show: Show) -> anyhow::Result<ExitCode> {
    let policy = sources::compile(set)?;
    let Some(paper) = policy.paper(pack, jiff::Timestamp::now()) else {
        let known: Vec<&str> = policy.packs().map(|pack| pack.id.as_str()).collect();
        let detail = format!("{pack:?}; the set has {}", known.join(", "));
        return Err(Problem::new(404, "no-such-pack", "There is no such pack", "没有这部制度").with_detail(detail).into());
    };
    show.print(&paper, |paper| read(paper, english))?;
    Ok(ExitCode::SUCCESS)
}

fn read(paper: &Paper, english: bool) -> String {
    let t = |title: &duban_policy::Title| if english { title.en.clone() } else { title.zh.clone() };
    let said = |said: &Said| format!("  {}: {}\n", t(&said.name), t(&said.value));
    let mut text = format!("{} {}\n", t(&paper.title), paper.regulation.as_deref().unwrap_or_default());
    text.extend(paper.head.iter().map(said));
    text.push_str(&format!("  {}\n", paper.bound.iter().map(t).collect::<Vec<_>>().join(if english { ", " } else { "、" })));
    for article in &paper.articles {
        let number = match (article.article.as_str(), english) {
            ("", true) => "No article cited".to_owned(),
            ("", false) => "未注明条款".to_owned(),
            (number, true) => format!("Article {number}"),
            (number, false) => format!("第{number}条"),
        };
        text.push_str(&format!("\n{number}\n"));
        for entry in &article.entries {
            text.push_str(&told(entry, english, &t, &said));
        }
    }
    text
}

fn told(entry: &Entry, english: bool, t: &dyn Fn(&duban_policy::Title) -> String, said: &dyn Fn(&Said) -> String) -> String {
    let mut text = format!("\n  [{}] {} {}\n", t(&entry.sort), t(&entry.title), entry.rules.join(" "));
    if let Some(engine) = &entry.later {
        let words = if english { "does not run yet, will run with" } else { "尚不执行，将随以下引擎执行：" };
        text.push_str(&format!("  {words} {}\n", t(engine)));
    }
    if !entry.sentence.zh.is_empty() {
        text.push_str(&format!("  {}\n", t(&entry.sentence)));
    }
    text.extend(entry.says.iter().map(said));
    text.extend(entry.rungs.iter().map(|rung| format!("  > {}\n", t(rung))));
    text.extend(entry.parts.iter().map(|part| format!("  - {} {}\n", t(&part.sort), t(&part.title))));
    text.extend(entry.note.iter().map(|note| format!("  ({})\n", t(note))));
    text
}
