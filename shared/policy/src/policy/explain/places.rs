//! What is no duty and no declaration in words: kinds with their fields, severities and steps, ladders, parameters, what is set aside.

use super::super::coverage::carried_places;
use super::super::describe::{Aspect, Thing, Things};
use super::super::{Pack, Policy};
use super::{capitalised, is_part_of, joined};
use crate::Title;

impl Policy {
    /// The things of a pack that answer to `rule`: by their place (`kind.complaint.severity.major`, a ladder with all of its rungs), or because
    /// they carry that rule of the regulations. Duties and declarations say more of themselves, and are left to themselves.
    pub(super) fn explain_places(&self, pack: &Pack, rule: &str) -> Vec<Title> {
        let own = rule.strip_prefix(pack.id.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(rule);
        let carrying: Vec<String> = carried_places(pack).filter(|(id, _)| is_part_of(id, rule)).map(|(_, place)| place).collect();
        let is_meant = |place: &str| {
            let ladder = place.rsplit_once('.').map(|(ladder, _)| ladder).filter(|_| place.starts_with("ladder."));
            let names = |wanted: &str| wanted == place || ladder == Some(wanted);
            names(own) || carrying.iter().any(|wanted| names(wanted))
        };
        let mut things = Things::new();
        if carrying.iter().any(|place| says_of_itself(place)) || says_of_itself(own) {
            self.describe_pack(pack, &mut things);
        }
        let told = things.iter().filter(|((_, place), _)| says_of_itself(place) && is_meant(place));
        let told = told.map(|((_, place), thing)| sentence(pack, place, thing));
        let set_aside = pack.set_aside.iter().filter(|set| set.rules.iter().any(|id| is_part_of(id, rule)));
        told.chain(set_aside.map(|set| set_aside_words(pack, &set.article, &set.says, set.later))).collect()
    }
}

/// Duties, recurring duties and declarations have sentences of their own; roles are who plays them, and carry no rule.
fn says_of_itself(place: &str) -> bool {
    ["pack", "parameter.", "kind.", "ladder."].iter().any(|start| place.starts_with(start))
}

fn sentence(pack: &Pack, place: &str, thing: &Thing) -> Title {
    let (sort_zh, sort_en) = sort(place);
    let said = thing.aspects.iter().map(|Aspect { name, value, .. }| {
        Title::new(format!("{}：{}", name.zh, value.zh.trim_end_matches('。')), format!("{}: {}", name.en, value.en.trim_end_matches('.')))
    });
    let said = joined(said, "；", "; ");
    let (article_zh, article_en) = article(place, &thing.article);
    let (mut zh, mut en) = (
        format!("〔{}〕{article_zh}{sort_zh}“{}”。", pack.title.zh, thing.title.zh),
        format!("[{}] {article_en}{sort_en} '{}'.", pack.title.en, thing.title.en),
    );
    if !said.zh.is_empty() {
        zh.push_str(&format!("{}。", said.zh));
        en.push_str(&format!(" {}.", capitalised(&said.en)));
    }
    Title::new(zh, en)
}

/// A figure without an article is one that the source leaves open: what stands is this system's suggestion, and the organisation's to set.
fn article(place: &str, article: &str) -> (String, String) {
    match article {
        "" if place.starts_with("parameter.") => {
            ("（原文未定，系统建议，可由本组织另定）".to_owned(), "(left open by the source: ours) ".to_owned())
        }
        "" => (String::new(), String::new()),
        article => (format!("第{article}条："), format!("article {article}: ")),
    }
}

/// What a place is of, by its words.
fn sort(place: &str) -> (&'static str, &'static str) {
    let mut parts = place.split('.');
    match (parts.next(), parts.nth(1)) {
        (Some("parameter"), _) => ("参数", "parameter"),
        (Some("ladder"), _) => ("督办阶梯", "ladder"),
        (Some("kind"), None) => ("事项类别", "kind"),
        (Some("kind"), Some("field")) => ("字段", "field"),
        (Some("kind"), Some("severity")) => ("严重程度", "severity"),
        (Some("kind"), Some("stage")) => ("环节", "stage"),
        (Some("kind"), Some("return")) => ("退回", "return"),
        (Some("kind"), Some("act")) => ("办理事项", "act"),
        (Some("kind"), _) => ("流转步骤", "move"),
        _ => ("制度", "regulation"),
    }
}

fn set_aside_words(pack: &Pack, article: &str, says: &Title, later: bool) -> Title {
    let (why_zh, why_en) =
        if later { ("留待以后实现", "left for later") } else { ("不需系统执行", "nothing for a system to do") };
    Title::new(
        format!("〔{}〕第{article}条：{}。{why_zh}。", pack.title.zh, says.zh.trim_end_matches('。')),
        format!("[{}] article {article}: {}. {}.", pack.title.en, says.en.trim_end_matches('.'), capitalised(why_en)),
    )
}
