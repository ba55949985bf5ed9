//! A policy set as a list of things and what holds of each, in words: what two versions are compared by.

use super::declaration::{Declaration, Words};
use super::duty::{Amount, DutyRule, Ladder, Pausing, Reminder, Rung, RungAt};
use super::kind::{Actor, Field, Kind, Limit, Step, StepSort};
use super::{Pack, Policy};
use crate::Title;
use crate::calendar::{Calendar, Term};
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
            describe_calendar(calendar, &mut things);
        }
        self.describe_organisation(&mut things);
        things
    }

    fn describe_pack(&self, pack: &Pack, things: &mut Things) {
        let mut put = |place: String, thing: Thing| {
            things.insert((pack.id.clone(), place), thing);
        };
        let head = Thing::new(pack.title.clone(), "").says("title", "名称", "title", pack.title.clone()).says(
            "in_force",
            "施行",
            "in force",
            pack.in_force.clone().unwrap_or_default(),
        );
        put("pack".to_owned(), head);
        for (id, parameter) in &pack.parameters {
            let thing = Thing::new(parameter.title.clone(), parameter.article.as_deref().unwrap_or_default());
            let value = self.figure(&pack.id, id, &self.root).unwrap_or_else(|| parameter.value.clone());
            let thing = thing.says("value", "取值", "value", figure_words(&value));
            put(format!("parameter.{id}"), thing.says("elsewhere", "各单位另定", "where units differ", self.elsewhere(pack, id)));
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
            let (zh, en) = recurring.every.words();
            let thing = self.describe_duty(pack, &recurring.rule).says("every", "周期", "every", Title::new(zh, en));
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
    }

    pub(super) fn describe_rung(&self, pack: &Pack, ladder: &Ladder, nth: usize, rung: &Rung) -> Thing {
        let title = Title::new(format!("{}第{}级", ladder.title.zh, nth + 1), format!("{}, rung {}", ladder.title.en, nth + 1));
        let all = rung.until == Until::All;
        let repeat = rung.repeat.as_ref().map(|amount| self.amount_words(pack, amount)).unwrap_or_default();
        Thing::new(title, &ladder.article)
            .says("at", "时间", "when", self.rung_time(pack, &rung.at))
            .says("tell", "通知", "tells", self.people(pack, &rung.tell))
            .says("repeat", "重复", "again every", repeat)
            .says("hold", "签收后暂停", "an acknowledgement holds for", self.amount_words(pack, &rung.hold))
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

    pub(super) fn describe_kind(&self, pack: &Pack, kind: &Kind, put: &mut impl FnMut(String, Thing)) {
        let base = format!("kind.{}", kind.id);
        let repeats = kind.repeats.as_ref().map(|repeats| Title::new(repeats.within.zh(), repeats.within.en())).unwrap_or_default();
        let thing = Thing::new(kind.title.clone(), &kind.article)
            .says("public", "公开表单可选", "on the public form", yes(kind.public))
            .says("default", "未写类别时归入", "takes what names no kind", yes(kind.default))
            .says("repeats", "同一事项的期间", "counts as a repeat within", repeats);
        put(base.clone(), thing);
        for field in &kind.fields {
            put(format!("{base}.field.{}", field.id), self.describe_field(pack, &kind.title, field));
        }
        for severity in &kind.severities {
            let thing = Thing::new(within(&kind.title, &severity.title), &severity.article)
                .says("when", "条件", "if", self.condition(pack, severity.when.as_ref()))
                .says("major", "重大", "major", yes(severity.major));
            put(format!("{base}.severity.{}", severity.id), thing);
        }
        for stage in &kind.stages {
            let thing = Thing::new(within(&kind.title, &stage.title), &stage.article).says(
                "terminal",
                "终结",
                "closes the case",
                yes(stage.terminal),
            );
            put(format!("{base}.stage.{}", stage.id), thing);
        }
        for step in &kind.steps {
            put(format!("{base}.{}.{}", step.sort.as_str(), step.id), self.describe_step(pack, kind, step));
        }
    }

    pub(super) fn describe_field(&self, pack: &Pack, owner: &Title, field: &Field) -> Thing {
        let required = self.condition(pack, field.required_when.as_ref());
        let choices = joined(field.choices.iter().map(|choice| choice.title.clone()));
        let always = field.required_when.is_some() && required.zh.is_empty();
        Thing::new(within(owner, &field.title), &field.article)
            .says("type", "类型", "type", Title::new(field.sort.as_str(), field.sort.as_str()))
            .says("choices", "选项", "choices", choices)
            .says("required", "必填", "required", if always { yes(true) } else { required })
            .says("personal", "个人信息", "personal", yes(field.personal))
    }

    pub(super) fn describe_declaration(&self, pack: &Pack, declaration: &dyn Declaration, put: &mut impl FnMut(String, Thing)) {
        let stated = declaration.stated();
        let words = Words { policy: self, pack, unit: &self.root };
        put(stated.place(), declaration.describe(Thing::new(stated.title.clone(), &stated.article), &words));
        for field in declaration.fields() {
            put(format!("{}.field.{}", stated.place(), field.id), self.describe_field(pack, &stated.title, field));
        }
    }

    pub(super) fn describe_step(&self, pack: &Pack, kind: &Kind, step: &Step) -> Thing {
        let stage = |id: &String| kind.stage(id).map_or_else(|| Title::new(id, id), |stage| stage.title.clone());
        let field = |id: &String| kind.field(id).map_or_else(|| Title::new(id, id), |field| field.title.clone());
        let to = match (&step.to, step.sort) {
            (None, StepSort::Return) => Title::new("退回分拣", "back to whoever sorts"),
            (to, _) => to.as_ref().map(stage).unwrap_or_default(),
        };
        let returning = step.returning.as_ref();
        let limit = returning.map(|returning| match &returning.limit {
            Limit::Fixed(limit) => Title::new(limit.to_string(), limit.to_string()),
            Limit::Parameter(name) => self.figure(&pack.id, name, &self.root).map(|value| figure_words(&value)).unwrap_or_default(),
        });
        let decided_by = returning.map(|returning| self.people(pack, &returning.decided_by));
        let clears = returning.map(|returning| joined(returning.clears.iter().map(field)));
        Thing::new(within(&kind.title, &step.title), &step.article)
            .says("from", "适用阶段", "from", joined(step.from.iter().map(stage)))
            .says("to", "转入阶段", "to", to)
            .says("by", "由谁办理", "by", self.people(pack, &step.by))
            .says("requires", "必须填写", "requires", joined(step.requires.iter().map(field)))
            .says("clears", "清空", "empties", clears.unwrap_or_default())
            .says("limit", "最多退回次数", "returned at most, times", limit.unwrap_or_default())
            .says("decided_by", "达到次数后由谁裁定", "then decided by", decided_by.unwrap_or_default())
            .says("when", "条件", "if", self.condition(pack, step.when.as_ref()))
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
    }

    fn describe_organisation(&self, things: &mut Things) {
        for binding in &self.bindings {
            let Some(pack) = self.pack(&binding.pack) else { continue };
            let unit = self.tree.unit(&binding.unit).map_or_else(|| Title::new(&binding.unit, &binding.unit), |unit| unit.title.clone());
            let date = |at| self.zone.to_datetime(at).date().to_string();
            let until = binding.until.map(date).map(|date| Title::new(&date, &date)).unwrap_or_default();
            let thing = Thing::new(Title::new(format!("适用于{}", unit.zh), format!("binds {}", unit.en)), "")
                .says("from", "自", "from", Title::new(date(binding.from), date(binding.from)))
                .says("until", "至", "until", until);
            things.insert((pack.id.clone(), format!("bind.{}", binding.unit)), thing);
        }
        for approval in &self.approvals {
            let thing = Thing::new(Title::new("制度变更的批准", "approval of changes"), "")
                .says("by", "内容变更", "changes of rules", self.signer_words(&approval.by))
                .says("wording", "仅文字变更", "of wording alone", self.signer_words(&approval.wording))
                .says("parameter", "仅一项参数变更", "of one parameter alone", self.signer_words(&approval.parameter));
            let packs = approval.packs.iter().map(String::as_str).chain(approval.packs.is_empty().then_some(""));
            for pack in packs {
                things.insert((pack.to_owned(), "approval".to_owned()), thing.clone());
            }
        }
        for (nth, trial) in self.trials.iter().enumerate() {
            let thing = Thing::new(Title::new("试运行", "trial"), "").says("of", "范围", "of", self.trial_words(trial));
            let place = [Some("trial"), trial.rule.as_deref(), trial.unit.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(".");
            let pack = trial.pack.clone().unwrap_or_default();
            let place = if things.contains_key(&(pack.clone(), place.clone())) { format!("{place}.{nth}") } else { place };
            things.insert((pack, place), thing);
        }
        for unit in self.tree.units() {
            let calendar = self.calendar_of(&unit.code).title.clone();
            let thing = Thing::new(unit.title.clone(), "").says("calendar", "日历", "calendar", calendar);
            things.insert((String::new(), format!("unit.{}", unit.code)), thing);
        }
    }

    /// The figures that units have of their own.
    pub(super) fn elsewhere(&self, pack: &Pack, parameter: &str) -> Title {
        let own = self.overrides.get(&(pack.id.clone(), parameter.to_owned()));
        joined(own.into_iter().flatten().filter_map(|(unit, value)| {
            let (unit, words) = (unit.as_ref()?, figure_words(value));
            Some(Title::new(format!("{unit}：{}", words.zh), format!("{unit}: {}", words.en)))
        }))
    }

    /// The posts that play a role, everywhere and where they differ.
    pub(super) fn players(&self, pack: &Pack, role: &str) -> Title {
        let plays = self.plays.iter().filter(|plays| plays.pack == pack.id);
        joined(plays.filter_map(|plays| {
            let posts = plays.roles.get(role)?.join(" / ");
            let Some(unit) = &plays.unit else { return Some(Title::new(&posts, &posts)) };
            Some(Title::new(format!("{unit}：{posts}"), format!("{unit}: {posts}")))
        }))
    }

    fn people(&self, pack: &Pack, actors: &[Actor]) -> Title {
        joined(actors.iter().map(|actor| self.actor_words(&pack.id, actor)))
    }

    fn condition(&self, pack: &Pack, condition: Option<&Condition>) -> Title {
        condition.map(|when| when.words(&|name: &str| self.figure(&pack.id, name, &self.root))).unwrap_or_default()
    }

    fn amount_words(&self, pack: &Pack, amount: &Amount) -> Title {
        match amount {
            Amount::Fixed(duration) => Title::new(duration.zh(), duration.en()),
            Amount::Parameter(name) => self.figure(&pack.id, name, &self.root).map(|value| figure_words(&value)).unwrap_or_default(),
        }
    }

    fn pausing_words(&self, pack: &Pack, pausing: &Pausing) -> Title {
        match pausing {
            Pausing::ByDecision => Title::default(),
            Pausing::Never => Title::new("不得暂停", "never"),
            Pausing::Within(amount) => {
                let amount = self.amount_words(pack, amount);
                Title::new(format!("责任人可暂停，累计不超过{}", amount.zh), format!("by who owes it, {} in all", amount.en))
            }
        }
    }

    fn reminder_words(&self, pack: &Pack, reminder: &Reminder) -> Title {
        match reminder {
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

fn describe_calendar(calendar: &Calendar, things: &mut Things) {
    let hours = |spans: &[crate::calendar::Hours]| {
        let clock = |minute: i16| format!("{:02}:{:02}", minute / 60, minute % 60);
        spans.iter().map(|span| format!("{}–{}", clock(span.from), clock(span.to))).collect::<Vec<_>>().join(" ")
    };
    let days = [("周一", "Mon"), ("周二", "Tue"), ("周三", "Wed"), ("周四", "Thu"), ("周五", "Fri"), ("周六", "Sat"), ("周日", "Sun")];
    let week = calendar.weekly.iter().zip(days).map(|(spans, (zh, en))| {
        let hours = hours(spans);
        let (off_zh, off_en) = if hours.is_empty() { ("休息", "off") } else { ("", "") };
        Title::new(format!("{zh} {hours}{off_zh}"), format!("{en} {hours}{off_en}"))
    });
    let zone = calendar.zone.iana_name().unwrap_or_default();
    let thing = Thing::new(calendar.title.clone(), "").says("zone", "时区", "zone", Title::new(zone, zone)).says(
        "weekly",
        "每周时间",
        "weekly hours",
        joined(week),
    );
    things.insert((String::new(), format!("calendar.{}", calendar.name)), thing);
    for date in calendar.holidays.iter().filter(|date| !calendar.special.contains_key(date)) {
        let thing = Thing::new(Title::new(format!("{}放假", date), format!("{date}, a holiday")), "");
        things.insert((String::new(), format!("calendar.{}.{date}", calendar.name)), thing);
    }
    for (date, spans) in &calendar.special {
        let worked = hours(spans);
        let worked = if worked.is_empty() { Title::new("不上班", "not worked") } else { Title::new(&worked, &worked) };
        let thing = Thing::new(Title::new(date.to_string(), date.to_string()), "").says("hours", "当日时间", "hours", worked);
        things.insert((String::new(), format!("calendar.{}.{date}", calendar.name)), thing);
    }
}

/// Of a rung that waits for working hours.
fn held() -> Title {
    Title::new("顺延至上班", "held until work begins")
}

fn yes(holds: bool) -> Title {
    if holds { Title::new("是", "yes") } else { Title::new("否", "no") }
}

/// A figure as it is read: a term in words, anything else as it is written.
pub(super) fn figure_words(value: &str) -> Title {
    match value.parse::<Term>() {
        Ok(Term::Within(duration)) => Title::new(duration.zh(), duration.en()),
        Ok(term) => Title::new(term.zh(), term.en()),
        Err(_) => Title::new(value, value),
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
