//! A policy set as a list of things and what holds of each, in words: what two versions are compared by.

mod calendar;
mod kind;
mod organisation;

use super::declaration::{Declaration, Words};
use super::duty::{Amount, DutyRule, Ladder, Pausing, Reminder, Rung, RungAt, TermSource, Trigger};
use super::kind::Actor;
use super::recurring::Every;
use super::template::Template;
use super::worded::read_aloud;
use super::{Pack, Policy};
use crate::Title;
use crate::calendar::Term;
use crate::condition::Condition;
use crate::ladder::Until;
use serde_json::json;
use std::collections::BTreeMap;

/// One thing of a set: a duty, a stage, a rung, a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing {
    pub title: Title,
    pub article: String,
    /// What holds of it, in the order of reading.
    pub aspects: Vec<Aspect>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aspect {
    /// A word that stays the same in every version.
    pub key: &'static str,
    pub name: Title,
    pub value: Title,
}

/// Things by pack and place: `("store-complaints", "duty.close")`. What belongs to no pack stands under an empty one.
pub(super) type Things = BTreeMap<(String, String), Thing>;

impl Thing {
    pub(super) fn new(title: Title, article: &str) -> Self {
        Self { title, article: article.to_owned(), aspects: Vec::new() }
    }

    /// Says what holds of it; nothing where there is nothing to say.
    pub(super) fn says(mut self, key: &'static str, zh: &str, en: &str, value: Title) -> Self {
        if !value.zh.is_empty() {
            self.aspects.push(Aspect { key, name: Title::new(zh, en), value });
        }
        self
    }

    pub(super) fn aspect(&self, key: &str) -> Option<&Aspect> {
        self.aspects.iter().find(|aspect| aspect.key == key)
    }
}

impl Policy {
    pub(super) fn described(&self) -> Things {
        let mut things = Things::new();
        for pack in self.packs() {
            self.describe_pack(pack, &mut things);
        }
        for calendar in self.calendars.values() {
            calendar::describe_calendar(calendar, &mut things);
        }
        self.describe_organisation(&mut things);
        things
    }

    pub(super) fn describe_pack(&self, pack: &Pack, things: &mut Things) {
        let mut put = |place: String, thing: Thing| {
            things.insert((pack.id.clone(), place), thing);
        };
        let head = Thing::new(pack.title.clone(), "").says("title", "名称", "title", pack.title.clone()).says(
            "in_force",
            "施行",
            "in force",
            pack.in_force.clone().unwrap_or_default(),
        );
        let regulation = pack.regulation.as_ref().map(|number| Title::new(number, number)).unwrap_or_default();
        let head = head
            .says("regulation", "编号", "number", regulation)
            .says("purpose", "目的", "purpose", pack.purpose.clone().unwrap_or_default())
            .says("scope", "适用范围", "applies to", pack.scope.clone().unwrap_or_default())
            .says(
                "interpretation",
                "解释",
                "interpreted by",
                pack.interpretation.as_ref().map(|phrase| self.phrase(pack, phrase, &self.root)).unwrap_or_default(),
            );
        put("pack".to_owned(), head);
        for (id, parameter) in &pack.parameters {
            let thing = Thing::new(parameter.title.clone(), parameter.article.as_deref().unwrap_or_default());
            let value = self.parameter(&pack.id, id, &self.root).unwrap_or(&parameter.value);
            let default = if *value == parameter.value { Title::default() } else { value_words(&parameter.value) };
            let thing = thing
                .says("value", "取值", "value", value_words(value))
                .says("default", "制度包的默认值", "the pack's default", default)
                .says("elsewhere", "各单位另定", "where units differ", self.elsewhere(pack, id))
                .says("note", "注", "note", parameter.note.clone().unwrap_or_default());
            put(format!("parameter.{id}"), thing);
        }
        for (id, title) in &pack.roles {
            put(format!("role.{id}"), Thing::new(title.clone(), "").says("played", "由谁担任", "played by", self.players(pack, id)));
        }
        for kind in &pack.kinds {
            self.describe_kind(pack, kind, &mut put);
        }
        for duty in &pack.duties {
            put(format!("duty.{}", duty.id), self.describe_duty(pack, duty));
        }
        for recurring in &pack.recurring {
            let every = self.every_in(pack, &recurring.every, &self.root).map(Every::words).unwrap_or_default();
            let thing = self.describe_duty(pack, &recurring.rule).says("every", "周期", "every", every);
            put(format!("recurring.{}", recurring.rule.id), thing);
        }
        for ladder in pack.ladders.values() {
            for (nth, rung) in ladder.rungs.iter().enumerate() {
                put(format!("ladder.{}.{}", ladder.id, nth + 1), self.describe_rung(pack, ladder, nth, rung));
            }
        }
        for declaration in pack.declarations.all() {
            self.describe_declaration(pack, declaration, &mut put);
        }
        for set in &pack.set_aside {
            let (sort, zh, en) =
                if set.later { ("later", "留待以后", "left for later") } else { ("excused", "无须执行", "nothing to run") };
            let thing = Thing::new(set.says.clone(), &set.article).says("with", zh, en, Title::new(&set.with, &set.with));
            put(format!("{sort}.{}", set.rules.join("+")), thing);
        }
    }

    pub(super) fn describe_rung(&self, pack: &Pack, ladder: &Ladder, nth: usize, rung: &Rung) -> Thing {
        let title = Title::new(format!("{}第{}级", ladder.title.zh, nth + 1), format!("{}, rung {}", ladder.title.en, nth + 1));
        let all = rung.until == Until::All;
        let repeat = rung.repeat.as_ref().map(|amount| self.amount_words(pack, amount)).unwrap_or_default();
        let hold = self.amount_words(pack, &rung.hold);
        let hold = if matches!(rung.at, RungAt::Due | RungAt::After(_)) { hold } else { until_due_at_most(hold) };
        Thing::new(title, &ladder.article)
            .says("at", "时间", "when", self.rung_time(pack, &rung.at))
            .says("tell", "通知", "tells", self.people(pack, &rung.tell))
            .says("repeat", "重复", "again every", repeat)
            .says("hold", "签收后暂停", "an acknowledgement holds for", hold)
            .says(
                "until",
                "签收",
                "acknowledged by",
                if all { Title::new("全部签收", "all") } else { Title::new("一人签收即可", "anyone") },
            )
            .says(
                "urgent",
                "免打扰时段",
                "in quiet hours",
                if rung.urgent { Title::new("照发", "sent") } else { Title::new("不发", "not sent") },
            )
            .says("held", "非工作时间", "outside of working hours", if rung.held { held() } else { Title::default() })
            .says("when", "条件", "only if", self.condition(pack, rung.when.as_ref()))
    }

    pub(super) fn describe_declaration(&self, pack: &Pack, declaration: &dyn Declaration, put: &mut impl FnMut(String, Thing)) {
        let stated = declaration.stated();
        let words = Words { policy: self, pack, unit: &self.root };
        let thing = declaration.describe(Thing::new(stated.title.clone(), &stated.article), &words);
        put(stated.place(), thing.says("note", "注", "note", stated.note.clone().unwrap_or_default()));
        for field in declaration.fields() {
            put(format!("{}.field.{}", stated.place(), field.id), self.describe_field(pack, &stated.title, field));
        }
    }

    pub(super) fn describe_duty(&self, pack: &Pack, duty: &DutyRule) -> Thing {
        let facts = json!({ "number": "", "period": "", "title": "", "title_zh": "" });
        let title = Title::new(without_places(&duty.title_zh.fill(&facts)), without_places(&duty.title_en.fill(&facts)));
        let ladder = duty.ladder.as_ref().and_then(|id| pack.ladders.get(id)).map(|ladder| ladder.title.clone());
        let calendar = duty.calendar.as_ref().and_then(|name| self.calendars.get(name)).map(|calendar| calendar.title.clone());
        Thing::new(title, &duty.article)
            .says("within", "时限", "time", self.term_words(pack, duty, &self.root))
            .says("owed_by", "责任人", "owed by", self.people(pack, &duty.owed_by))
            .says("owed_to", "责任对象", "owed to", self.people(pack, &duty.owed_to))
            .says("opens", "产生", "opened by", self.trigger_words(pack, &duty.opens, &self.root))
            .says("closes", "办结", "closed by", self.trigger_words(pack, &duty.closes, &self.root))
            .says("cancels", "无需再办", "cancelled by", self.trigger_words(pack, &duty.cancels, &self.root))
            .says("remind", "提醒", "reminders", joined(duty.remind.iter().map(|reminder| self.reminder_words(pack, reminder))))
            .says("pause", "暂停计时", "its clock may be stopped", self.pausing_words(pack, &duty.pause))
            .says("extend", "延期", "more time", if duty.may_be_extended { Title::default() } else { Title::new("不得延期", "never") })
            .says("ladder", "逾期阶梯", "ladder", ladder.unwrap_or_default())
            .says("calendar", "日历", "calendar", calendar.unwrap_or_default())
            .says("from", "起算", "counted from", self.start_words(pack, duty))
            .says(
                "dated",
                "期限所取的字段",
                "dates taken from",
                joined(duty.within.iter().filter_map(|when| self.date_field(pack, &when.term))),
            )
            .says(
                "figures",
                "期限所取的参数",
                "figures taken from",
                joined(duty.within.iter().filter_map(|when| parameter_words(pack, &when.term))),
            )
            .says(
                "any_pack",
                "也看其他制度的案件",
                "sees cases under other packs too",
                self.triggers_that(pack, duty, |trigger| trigger.any_pack.then(Title::default)),
            )
            .says("key", "同一件事的标识", "one matter is known by", written_unless(&duty.key, &["case/{case}"]))
            .says(
                "trigger_key",
                "事件另有标识",
                "events known by another",
                self.triggers_that(pack, duty, |trigger| trigger.key.as_ref().map(|key| written_unless(key, &[]))),
            )
            .says("places", "标题中填入", "filled into the title", places(duty))
            .says("link", "链接", "leads to", written_unless(&duty.link, &["/cases/{case}", "{link}"]))
    }

    /// The events of a duty of which something holds, with what is said of each.
    fn triggers_that(&self, pack: &Pack, duty: &DutyRule, of: impl Fn(&Trigger) -> Option<Title>) -> Title {
        let sorts = [(&duty.opens, "产生", "opens"), (&duty.closes, "办结", "closes"), (&duty.cancels, "无需再办", "cancels")];
        let all = sorts.into_iter().flat_map(|(triggers, zh, en)| triggers.iter().map(move |trigger| (trigger, zh, en)));
        joined(all.filter_map(|(trigger, zh, en)| {
            let said = of(trigger)?;
            let event = self.trigger_words(pack, std::slice::from_ref(trigger), &self.root);
            let (more_zh, more_en) =
                if said.zh.is_empty() { (String::new(), String::new()) } else { (format!("（{}）", said.zh), format!(" ({})", said.en)) };
            Some(Title::new(format!("{}{more_zh}{zh}", event.zh), format!("{en} at {}{more_en}", event.en)))
        }))
    }

    /// The field whose date is a term.
    fn date_field(&self, pack: &Pack, term: &TermSource) -> Option<Title> {
        let TermSource::Field { field, before, .. } = term else { return None };
        let field = field_words(pack, field.strip_prefix("fields.").unwrap_or(field));
        let Some(before) = before else { return Some(field) };
        let before = self.amount_words(pack, before);
        Some(Title::new(format!("{}之前{}", field.zh, before.zh), format!("{} before {}", before.en, field.en)))
    }

    /// The figures that units have of their own.
    pub(super) fn elsewhere(&self, pack: &Pack, parameter: &str) -> Title {
        let own = self.overrides.get(&(pack.id.clone(), parameter.to_owned()));
        joined(own.into_iter().flatten().filter_map(|(unit, value)| {
            let (unit, words) = (unit.as_ref()?, value_words(value));
            Some(Title::new(format!("{unit}：{}", words.zh), format!("{unit}: {}", words.en)))
        }))
    }

    fn people(&self, pack: &Pack, actors: &[Actor]) -> Title {
        joined(actors.iter().map(|actor| self.actor_words(&pack.id, actor)))
    }

    fn condition(&self, pack: &Pack, condition: Option<&Condition>) -> Title {
        condition.map(|when| when.words(&|name: &str| self.figure(&pack.id, name, &self.root))).unwrap_or_default()
    }

    pub(super) fn amount_words(&self, pack: &Pack, amount: &Amount) -> Title {
        match amount {
            Amount::Fixed(duration) => Title::new(duration.zh(), duration.en()),
            Amount::Parameter(name) => self.parameter(&pack.id, name, &self.root).map(value_words).unwrap_or_default(),
        }
    }

    pub(super) fn start_words(&self, pack: &Pack, duty: &DutyRule) -> Title {
        match (&duty.from, self.start_member(pack, duty, &self.root)) {
            (None, _) => Title::default(),
            (Some(_), Some(member)) => member_words(pack, &member),
            (Some(_), None) => Title::new("该事件发生之时", "the event itself"),
        }
    }

    pub(super) fn pausing_words(&self, pack: &Pack, pausing: &Pausing) -> Title {
        match &self.pausing(pack, pausing, &self.root) {
            Pausing::ByDecision | Pausing::Parameter(_) => Title::default(),
            Pausing::Never => Title::new("不得暂停", "never"),
            Pausing::Within(amount) => {
                let amount = self.amount_words(pack, amount);
                Title::new(format!("责任人可暂停，累计不超过{}", amount.zh), format!("by who owes it, {} in all", amount.en))
            }
        }
    }

    fn reminder_words(&self, pack: &Pack, reminder: &Reminder) -> Title {
        let Some(reminder) = self.reminder(pack, reminder, &self.root) else { return Title::default() };
        match &reminder {
            Reminder::Parameter(_) => Title::default(),
            Reminder::Share(share) => Title::new(format!("期限过{share}%时"), format!("after {share} % of the time")),
            Reminder::Before(amount) => {
                let amount = self.amount_words(pack, amount);
                Title::new(format!("到期前{}", amount.zh), format!("{} before", amount.en))
            }
        }
    }

    fn rung_time(&self, pack: &Pack, at: &RungAt) -> Title {
        let around = |amount: &Amount, zh: &str, en: &str| {
            let amount = self.amount_words(pack, amount);
            Title::new(format!("{zh}{}", amount.zh), format!("{} {en}", amount.en))
        };
        match at {
            RungAt::Opened => Title::new("产生时", "when it is opened"),
            RungAt::Due => Title::new("到期时", "when it is due"),
            RungAt::After(amount) => around(amount, "到期后", "after it is due"),
            RungAt::Before(amount) => around(amount, "到期前", "before it is due"),
        }
    }
}

/// Of a rung that waits for working hours.
fn held() -> Title {
    Title::new("顺延至上班", "held until work begins")
}

/// A notice that was acknowledged holds back nothing that is told when the duty is due.
pub(super) fn until_due_at_most(hold: Title) -> Title {
    Title::new(format!("{}（至迟到期时止）", hold.zh), format!("{}, until it is due at most", hold.en))
}

pub(super) fn yes(holds: bool) -> Title {
    if holds { Title::new("是", "yes") } else { Title::new("否", "no") }
}

/// Of what is said only where it holds.
fn only(holds: bool) -> Title {
    if holds { yes(true) } else { Title::default() }
}

/// A member of an event as it is called: `received_at`, or the title of a field.
fn member_words(pack: &Pack, member: &str) -> Title {
    match member.strip_prefix("fields.") {
        Some(field) => field_words(pack, field),
        None if member == "received_at" => Title::new("来件收到之时", "when the report came in"),
        None => Title::new(member, member),
    }
}

pub(super) fn field_words(pack: &Pack, field: &str) -> Title {
    let found = pack.kinds.iter().find_map(|kind| kind.field(field));
    found.map_or_else(|| Title::new(field, field), |field| field.title.clone())
}

/// The parameter that a term follows: one of the same value today may have another in some unit, or tomorrow.
fn parameter_words(pack: &Pack, term: &TermSource) -> Option<Title> {
    match term {
        TermSource::Parameter(name) => {
            Some(pack.parameters.get(name).map_or_else(|| Title::new(name, name), |parameter| parameter.title.clone()))
        }
        TermSource::Field { otherwise, .. } => parameter_words(pack, otherwise),
        TermSource::Fixed(_) => None,
    }
}

/// A template as it stands, nothing where it is one that need not be said.
fn written_unless(template: &Template, unsaid: &[&str]) -> Title {
    let written = template.verbatim();
    if unsaid.contains(&written.as_str()) { Title::default() } else { Title::new(&written, &written) }
}

/// What events fill into a duty's title.
fn places(duty: &DutyRule) -> Title {
    let named = |template: &Template| template.places().map(|place| format!("{{{place}}}")).collect::<Vec<_>>();
    Title::new(named(&duty.title_zh).join("、"), named(&duty.title_en).join(", "))
}

/// A parameter's value as it is read: a term in words, anything else as it is written.
pub(super) fn value_words(value: &Title) -> Title {
    match value.zh.parse::<Term>() {
        Ok(Term::Within(duration)) => Title::new(duration.zh(), duration.en()),
        Ok(term) => Title::new(term.zh(), term.en()),
        Err(_) => read_aloud(&value.zh).unwrap_or_else(|| value.clone()),
    }
}

/// A title of which some places were left empty.
fn without_places(title: &str) -> String {
    let words: Vec<&str> = title.split_whitespace().collect();
    words.join(" ").trim_end_matches([',', '，']).to_owned()
}

fn within(kind: &Title, part: &Title) -> Title {
    Title::new(format!("{}：{}", kind.zh, part.zh), format!("{}: {}", kind.en, part.en))
}

fn joined(parts: impl Iterator<Item = Title>) -> Title {
    let (zh, en): (Vec<_>, Vec<_>) = parts.map(|title| (title.zh, title.en)).unzip();
    Title::new(zh.join("、"), en.join(", "))
}
