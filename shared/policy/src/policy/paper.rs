//! A pack as it would be read on paper: article by article, each rule in the words that `explain` and `diff` have for it.

use super::declaration::{Declaration, Words};
use super::describe::{Aspect, Thing, value_words};
use super::duty::{DutyRule, Ladder};
use super::explain::{NUMBER, capitalised};
use super::kind::Kind;
use super::{Pack, Policy, Set};
use crate::Title;
use duban_contracts::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// A whole pack to be read.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Paper {
    pub pack: String,
    pub title: Title,
    /// `R13`, where it carries one of the seventeen.
    pub regulation: Option<String>,
    /// Purpose, scope, since when, who interprets it, who signs for its changes; what the pack does not say is left out.
    pub head: Vec<Said>,
    /// Units that it binds, with those below them, and since when.
    pub bound: Vec<Title>,
    /// Roles, and which posts play them.
    pub roles: Vec<Said>,
    /// In order of articles; what no article is cited for comes last.
    pub articles: Vec<Article>,
}

/// An article with everything that carries it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Article {
    /// As the source counts; empty for what cites none.
    pub article: String,
    pub entries: Vec<Entry>,
}

/// A rule on paper.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Entry {
    /// Where it stands in the pack: `duty.close`.
    pub place: String,
    /// What sort of thing it is.
    pub sort: Title,
    pub title: Title,
    /// Rule ids that it carries.
    pub rules: Vec<String>,
    /// The whole rule in a sentence; empty where its figures say it.
    pub sentence: Title,
    pub says: Vec<Said>,
    /// What belongs to it: stages, severities, fields.
    pub parts: Vec<Part>,
    /// What happens when nobody acts, rung by rung.
    pub rungs: Vec<Title>,
    pub note: Option<Title>,
    /// What will run it; absent for what runs.
    pub later: Option<Title>,
}

/// A name and what is said under it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Said {
    pub name: Title,
    pub value: Title,
}

/// A part of a rule with what holds of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Part {
    pub sort: Title,
    pub title: Title,
    pub says: Vec<Said>,
}

/// Rules by article, while they are gathered.
type Gathered = BTreeMap<Numbered, Vec<Entry>>;

/// What a change of matters to people, and nobody reads on paper: how events and titles are put together.
const FOR_PROGRAMS: [&str; 5] = ["key", "trigger_key", "places", "link", "event"];

impl Policy {
    /// A pack as it would be read on paper, figures as they hold for the whole organisation; None if there is no such pack.
    pub fn paper(&self, pack: &str, at: Timestamp) -> Option<Paper> {
        let pack = self.pack(pack)?;
        let mut gathered = Gathered::new();
        for kind in &pack.kinds {
            self.read_kind(pack, kind, &mut gathered);
        }
        for duty in &pack.duties {
            let unit = self.first_bound(pack, at);
            let facts = json!({ "number": NUMBER.0, "title": "…", "title_zh": "…", "period": "…" });
            let sentence = self.duty_sentence(pack, duty, &unit, &facts);
            self.read_duty(pack, duty, ("duty", Title::new("责任事项", "duty")), &sentence, &mut gathered);
        }
        for recurring in &pack.recurring {
            let sentence = self.recurring_sentence(pack, recurring, &self.first_bound(pack, at));
            self.read_duty(pack, &recurring.rule, ("recurring", Title::new("定期事项", "recurring duty")), &sentence, &mut gathered);
        }
        for ladder in pack.ladders.values().filter(|ladder| !ladder.article.is_empty()) {
            let thing = Thing::new(ladder.title.clone(), &ladder.article);
            let entry = entry(format!("ladder.{}", ladder.id), Title::new("升级阶梯", "ladder"), &ladder.rules, thing);
            put(&mut gathered, &ladder.article, Entry { rungs: self.rung_sentences(pack, ladder), ..entry });
        }
        for declaration in pack.declarations.all() {
            self.read_declaration(pack, declaration, &mut gathered);
        }
        self.read_parameters(pack, &mut gathered);
        for set in &pack.set_aside {
            put(&mut gathered, &set.article, set_aside(set));
        }
        let articles = gathered.into_iter().map(|(numbered, entries)| Article { article: numbered.text, entries });
        Some(Paper {
            pack: pack.id.clone(),
            title: pack.title.clone(),
            regulation: pack.regulation.clone(),
            head: self.head_of_paper(pack),
            bound: self.bound_words(pack),
            roles: pack.roles.iter().map(|(id, title)| Said { name: title.clone(), value: self.players(pack, id) }).collect(),
            articles: articles.collect(),
        })
    }

    fn head_of_paper(&self, pack: &Pack) -> Vec<Said> {
        let approval = self.approval_of(&pack.id);
        let lighter = [
            (Title::new("仅文字变更由其批准", "changes of wording alone by"), &approval.wording),
            (Title::new("仅一项参数变更由其批准", "changes of one parameter alone by"), &approval.parameter),
        ];
        let full = (Title::new("变更由其批准", "changes are approved by"), &approval.by);
        let signers = std::iter::once(full).chain(lighter.into_iter().filter(|(_, signer)| **signer != approval.by));
        let interpretation = pack.interpretation.as_ref().map(|phrase| self.phrase(pack, phrase, &self.root));
        let texts = [
            (Title::new("目的", "purpose"), &pack.purpose),
            (Title::new("适用范围", "scope"), &pack.scope),
            (Title::new("施行", "in force"), &pack.in_force),
            (Title::new("解释", "interpretation"), &interpretation),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some(Said { name, value: text.clone()? }));
        let trials = self.trials.iter().filter(|trial| trial.concerns(&pack.id));
        let trials = trials.map(|trial| Said {
            name: Title::new("试运行（只记录，不通知）", "on trial (kept, nobody is told)"),
            value: self.trial_words(trial),
        });
        texts.chain(signers.map(|(name, signer)| Said { name, value: self.signer_words(signer) })).chain(trials).collect()
    }

    /// The units that a pack binds, each with those below it.
    pub fn bound_units(&self, pack: &str) -> Vec<Title> {
        self.bindings.iter().filter(|binding| binding.pack == pack).map(|binding| self.unit_title(&binding.unit)).collect()
    }

    fn unit_title(&self, unit: &str) -> Title {
        self.tree.unit(unit).map_or_else(|| Title::new(unit, unit), |unit| unit.title.clone())
    }

    fn bound_words(&self, pack: &Pack) -> Vec<Title> {
        let bindings = self.bindings.iter().filter(|binding| binding.pack == pack.id);
        let words = bindings.map(|binding| {
            let date = |at| self.zone.to_datetime(at).date();
            let (unit, from) = (self.unit_title(&binding.unit), date(binding.from));
            match binding.until.map(date) {
                Some(until) => Title::new(format!("{}（{from}至{until}）", unit.zh), format!("{} ({from} to {until})", unit.en)),
                None => Title::new(format!("{}（自{from}）", unit.zh), format!("{} (from {from})", unit.en)),
            }
        });
        words.collect()
    }

    fn read_kind(&self, pack: &Pack, kind: &Kind, gathered: &mut Gathered) {
        let mut things: BTreeMap<String, Thing> = BTreeMap::new();
        self.describe_kind(pack, kind, &mut |place, thing| {
            things.insert(place, thing);
        });
        let base = format!("kind.{}", kind.id);
        let mut take = |place: &str| {
            let mut thing = things.remove(place).unwrap_or_else(|| Thing::new(Title::default(), ""));
            // Stages and severities follow as parts of the kind, in their order.
            thing.aspects.retain(|aspect| !matches!(aspect.key, "begins" | "graver") && !FOR_PROGRAMS.contains(&aspect.key));
            thing
        };
        let mut read = entry(base.clone(), Title::new("事项类别", "kind of case"), &kind.rules, take(&base));
        for stage in &kind.stages {
            let thing = take(&format!("{base}.stage.{}", stage.id));
            read.parts.push(part(Title::new("环节", "stage"), &stage.title, thing));
        }
        for severity in &kind.severities {
            let thing = take(&format!("{base}.severity.{}", severity.id));
            let part = part(Title::new("严重程度", "severity"), &severity.title, thing);
            if severity.article.is_empty() || severity.article == kind.article {
                read.parts.push(part);
            } else {
                let where_it_stands = Title::new(format!("见第{}条", severity.article), format!("see article {}", severity.article));
                let says = vec![Said { name: Title::new("条款", "article"), value: where_it_stands }];
                read.parts.push(Part { sort: part.sort.clone(), title: part.title.clone(), says });
                let own = Thing { aspects: Vec::new(), ..Thing::new(severity.title.clone(), &severity.article) };
                let own = entry(format!("{base}.severity.{}", severity.id), part.sort, &severity.rules, own);
                put(gathered, &severity.article, Entry { says: part.says, ..own });
            }
        }
        for field in &kind.fields {
            let thing = take(&format!("{base}.field.{}", field.id));
            read.parts.push(part(Title::new("字段", "field"), &field.title, thing));
            read.rules.extend(field.rules.iter().cloned());
        }
        let steps = kind.steps.iter().map(|step| {
            let place = format!("{base}.{}.{}", step.sort.as_str(), step.id);
            (step, take(&place), place)
        });
        let steps: Vec<_> = steps.collect();
        read.rules.sort();
        read.rules.dedup();
        put(gathered, &kind.article, read);
        for (step, thing, place) in steps {
            let article = if step.article.is_empty() { &kind.article } else { &step.article };
            put(gathered, article, entry(place, Title::new("办理步骤", "step"), &step.rules, thing));
        }
    }

    fn read_duty(&self, pack: &Pack, duty: &DutyRule, (table, sort): (&str, Title), sentence: &Title, gathered: &mut Gathered) {
        let mut thing = self.describe_duty(pack, duty);
        // The sentence has said when it arises and what ends it, the rungs what follows.
        thing.aspects.retain(|aspect| !matches!(aspect.key, "opens" | "closes" | "ladder" | "dated" | "figures"));
        thing.aspects.retain(|aspect| !FOR_PROGRAMS.contains(&aspect.key));
        let ladder = duty.ladder.as_ref().and_then(|id| pack.ladders.get(id));
        let entry = entry(format!("{table}.{}", duty.id), sort, &duty.rules, thing);
        let sentence = Title::new(format!("{}。", sentence.zh), format!("{}.", capitalised(&sentence.en)));
        put(
            gathered,
            &duty.article,
            Entry { sentence, rungs: ladder.map(|ladder| self.rung_sentences(pack, ladder)).unwrap_or_default(), ..entry },
        );
    }

    fn read_declaration(&self, pack: &Pack, declaration: &dyn Declaration, gathered: &mut Gathered) {
        let stated = declaration.stated();
        let words = Words { policy: self, pack, unit: &self.root };
        let thing = declaration.describe(Thing::new(stated.title.clone(), &stated.article), &words);
        let mut read = entry(stated.place(), stated.sort.title(), &stated.rules, thing);
        let fields = declaration.fields().iter();
        let fields = fields.map(|field| part(Title::new("字段", "field"), &field.title, self.describe_field(pack, &stated.title, field)));
        read.parts = fields.collect();
        read.note = stated.note.clone();
        read.later = Some(stated.sort.engine());
        put(gathered, &stated.article, read);
    }

    fn read_parameters(&self, pack: &Pack, gathered: &mut Gathered) {
        for (id, parameter) in &pack.parameters {
            let article = parameter.article.clone().unwrap_or_default();
            let holds = self.parameter(&pack.id, id, &self.root).unwrap_or(&parameter.value);
            let own = if *holds == parameter.value { Title::default() } else { value_words(&parameter.value) };
            let thing = Thing::new(parameter.title.clone(), &article)
                .says("value", "取值", "value", value_words(holds))
                .says("default", "制度包的默认值", "the pack's default", own)
                .says("elsewhere", "各单位另定", "where units differ", self.elsewhere(pack, id));
            // What the source says of it stands in the note; without an article it says nothing.
            let sort = match article.as_str() {
                "" => Title::new("参数（原文未定，可由本组织另定）", "parameter, left open by the source, for the organisation to set"),
                _ => Title::new("参数（可由本组织另定）", "parameter, for the organisation to set"),
            };
            let read = entry(format!("parameter.{id}"), sort, &parameter.rules, thing);
            put(gathered, &article, Entry { note: parameter.note.clone(), ..read });
        }
    }

    fn rung_sentences(&self, pack: &Pack, ladder: &Ladder) -> Vec<Title> {
        let rungs = ladder.rungs.iter().enumerate();
        rungs.map(|(nth, rung)| rung_sentence(&self.describe_rung(pack, ladder, nth, rung))).collect()
    }
}

/// `到期时：通知店长，每1小时重复，直至一人签收即可；签收后暂停升级4小时`.
fn rung_sentence(rung: &Thing) -> Title {
    let said = |key: &str| rung.aspect(key).map(|aspect| aspect.value.clone());
    let of = |key: &str| said(key).unwrap_or_default();
    let (at, tell, hold) = (of("at"), of("tell"), of("hold"));
    let mut words = Title::new(format!("{}：通知{}", at.zh, tell.zh), format!("{}: tells {}", capitalised(&at.en), tell.en));
    if let Some(when) = said("when") {
        words = Title::new(format!("{}（仅当{}）", words.zh, when.zh), format!("{} (only if {})", words.en, when.en));
    }
    if let Some(repeat) = said("repeat") {
        let until = of("until");
        words.zh.push_str(&format!("，每{}重复，直至{}", repeat.zh, until.zh.trim_end_matches("即可")));
        words.en.push_str(&format!(", again every {} until acknowledged by {}", repeat.en, until.en));
    }
    if let Some(held) = said("held") {
        words.zh.push_str(&format!("；非工作时间{}", held.zh));
        words.en.push_str(&format!("; outside of working hours {}", held.en));
    }
    words.zh.push_str(&format!("；签收后暂停升级{}", hold.zh));
    words.en.push_str(&format!("; an acknowledgement holds the climb for {}", hold.en));
    words
}

fn set_aside(set: &Set) -> Entry {
    let (sort, with) = if set.later {
        (Title::new("留待以后执行", "left for later"), Some(Title::new(&set.with, &set.with)))
    } else {
        (Title::new("无须执行", "nothing to run"), None)
    };
    Entry {
        place: String::new(),
        sort,
        title: set.says.clone(),
        rules: set.rules.clone(),
        sentence: Title::default(),
        says: Vec::new(),
        parts: Vec::new(),
        rungs: Vec::new(),
        note: None,
        later: with,
    }
}

fn entry(place: String, sort: Title, rules: &[String], thing: Thing) -> Entry {
    Entry {
        place,
        sort,
        title: thing.title,
        rules: rules.to_vec(),
        sentence: Title::default(),
        says: said(thing.aspects),
        parts: Vec::new(),
        rungs: Vec::new(),
        note: None,
        later: None,
    }
}

fn part(sort: Title, title: &Title, thing: Thing) -> Part {
    Part { sort, title: title.clone(), says: said(thing.aspects) }
}

/// That something is not so goes without saying on paper.
fn said(aspects: Vec<Aspect>) -> Vec<Said> {
    aspects.into_iter().filter(|aspect| aspect.value.en != "no").map(|Aspect { name, value, .. }| Said { name, value }).collect()
}

fn put(gathered: &mut Gathered, article: &str, entry: Entry) {
    gathered.entry(Numbered::of(article)).or_default().push(entry);
}

/// An article in its place: 2.3 before 2.10, none after all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Numbered {
    none: bool,
    parts: Vec<(u64, String)>,
    text: String,
}

impl Numbered {
    fn of(article: &str) -> Self {
        let parts = article.split(['.', '-', '、', ',', ' ']).map(|part| {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = part.split_at(digits);
            (number.parse().unwrap_or_default(), rest.to_owned())
        });
        Self { none: article.is_empty(), parts: parts.collect(), text: article.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::Numbered;

    #[test]
    fn articles_stand_in_the_order_of_their_numbers() {
        let mut articles = ["", "2.10", "10", "2.3", "2", "2.3.1", "2.3b"].map(Numbered::of);
        articles.sort();
        assert_eq!(articles.map(|article| article.text), ["2", "2.3", "2.3.1", "2.3b", "2.10", "10", ""]);
    }
}
