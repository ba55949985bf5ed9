//! A rule in words, with the dates that it would give.

mod places;

use super::correction::Ruling;
use super::declaration::{Declaration, Stated, Words};
use super::describe::{Aspect, Thing, field_words, until_due_at_most};
use super::duty::{DutyRule, OpenedDuty, TermSource, Trigger};
use super::kind::Actor;
use super::recurring::{Every, RecurringRule};
use super::{Pack, Policy};
use crate::Title;
use crate::calendar::{Calendar, Term, last_minute};
use crate::ladder::{Sort, TimedRung, Until, Who};
use duban_contracts::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What stands for the number of any case.
pub(super) const NUMBER: (&str, &str) = ("〔编号〕", "[number]");

/// What stands for the name of any period.
const PERIOD: (&str, &str) = ("〔期间〕", "[period]");

impl Policy {
    /// What a rule does, in both languages; of a duty with an example that opens at `at` in `unit` (the first unit that the pack binds
    /// unless given). `rule`: `pack/rule`, a duty's own id, the place of anything else (`decision.destroy`, `kind.complaint.severity.major`,
    /// `ladder.company`, `parameter.ruling_within`), or an id of regulations.md (`R13.2.5b`, or `R13.2.5` for all of its parts); all that
    /// answer to it follow each other, a line each. None if there is no such rule.
    pub fn explain(&self, rule: &str, unit: Option<&str>, at: Timestamp) -> Option<Title> {
        let mut found = Title::default();
        for pack in self.packs() {
            for duty in pack.duties.iter().filter(|duty| answers(duty, rule)) {
                add(&mut found, self.explain_duty(pack, duty, unit, at));
            }
            for recurring in pack.recurring.iter().filter(|recurring| answers(&recurring.rule, rule)) {
                add(&mut found, self.explain_recurring(pack, recurring, at));
            }
            for declaration in pack.declarations.all().into_iter().filter(|declaration| names(pack, declaration.stated(), rule)) {
                add(&mut found, self.explain_declaration(pack, declaration, unit, at));
            }
            for said in self.explain_places(pack, rule) {
                add(&mut found, said);
            }
        }
        (!found.zh.is_empty()).then_some(found)
    }

    fn explain_duty(&self, pack: &Pack, duty: &DutyRule, unit: Option<&str>, at: Timestamp) -> Title {
        if let Some(later) = self.ruled_by(&pack.id, &duty.id).and_then(|later| later.ruling(&pack.id, &duty.id)) {
            return later.policy.explain_duty(later.pack, later.rule, unit, at);
        }
        let place = unit.map(|unit| self.unless_bound(pack, unit)).unwrap_or_default();
        let unit = unit.map_or_else(|| self.first_bound(pack, at), str::to_owned);
        let facts = json!({ "pack": pack.id, "unit": unit, "number": NUMBER.0, "received_at": at.to_string(), "case": "…" });
        let sample = self.opened(pack, duty, String::new(), at, at, &facts);
        let calendar = self.calendar_for(duty, &unit);
        let said = self.duty_sentence(pack, duty, &unit, &facts);
        let rest = self.rest_of_duty(pack, duty, &unit);
        let counted = if sample.term.is_some_and(Term::is_working) {
            Title::new(format!("（日历：{}）", calendar.title.zh), format!(" (calendar: {})", calendar.title.en))
        } else {
            Title::default()
        };
        // The example knows no field: it counts from its opening.
        let start = if duty.from.is_some() { ("产生并起算的", "opened and counted from") } else { ("产生的", "opened") };
        let (opens, due) = (shown(at, calendar), shown_due(sample.due, calendar));
        let mut text = Title::new(
            format!(
                "〔{}〕第{}条：{}{}{}。例：{opens}{}，{due}到期{}",
                pack.title.zh, duty.article, place.zh, said.zh, rest.zh, start.0, counted.zh
            ),
            format!(
                "[{}] article {}: {}{}{}. Example: {} {opens}, it is due {due}{}",
                pack.title.en, duty.article, place.en, said.en, rest.en, start.1, counted.en
            ),
        );
        self.add_plan(&mut text, &sample, calendar);
        text
    }

    /// Said where a unit is asked for that a pack never binds.
    fn unless_bound(&self, pack: &Pack, unit: &str) -> Title {
        let mut bindings = self.bindings.iter().filter(|binding| binding.pack == pack.id);
        if bindings.any(|binding| self.tree.is_within(unit, &binding.unit)) {
            return Title::default();
        }
        let unit = self.tree.unit(unit).map_or_else(|| Title::new(unit, unit), |unit| unit.title.clone());
        Title::new(
            format!("（本制度不适用于“{}”，以下仅为示例）", unit.zh),
            format!("(this pack does not bind '{}'; what follows is an example) ", unit.en),
        )
    }

    /// What else is to be known of a duty: what it falls away by, and whether its clock may be stopped.
    fn rest_of_duty(&self, pack: &Pack, duty: &DutyRule, unit: &str) -> Title {
        let mut rest = Title::default();
        if !duty.cancels.is_empty() {
            let cancels = self.trigger_words(pack, &duty.cancels, unit);
            rest.zh.push_str(&format!("；{}则无需再办", cancels.zh));
            rest.en.push_str(&format!("; {} cancels it", cancels.en));
        }
        let pause = self.pausing_words(pack, &duty.pause);
        if !pause.zh.is_empty() {
            rest.zh.push_str(&format!("；计时{}", pause.zh));
            rest.en.push_str(&format!("; its clock may be stopped: {}", pause.en));
        }
        if !duty.may_be_extended {
            rest.zh.push_str("；不得延期");
            rest.en.push_str("; no more time may be granted");
        }
        rest
    }

    /// When it arises, who owes what to whom by when, and what ends it.
    pub(super) fn duty_sentence(&self, pack: &Pack, duty: &DutyRule, unit: &str, facts: &Value) -> Title {
        let events = |triggers: &[Trigger]| self.trigger_words(pack, triggers, unit);
        let (opens, closes) = (events(&duty.opens), events(&duty.closes));
        let mut term = self.term_words(pack, duty, unit);
        if duty.from.is_some() {
            let start = self.start_words(pack, duty);
            term = Title::new(format!("{}（自{}起算）", term.zh, start.zh), format!("{} (counted from {})", term.en, start.en));
        }
        let people = |actors: &[Actor]| joined(actors.iter().map(|actor| self.actor_words(&pack.id, actor)), "、", ", ");
        let (owner, to) = (people(&duty.owed_by), people(&duty.owed_to));
        let to = if to.zh.is_empty() { Title::default() } else { Title::new(format!("，对象为{}", to.zh), format!(" to {}", to.en)) };
        // Where a number stands for any, it says so in the reader's language.
        let mut in_english = facts.clone();
        if facts["number"] == NUMBER.0 {
            in_english["number"] = NUMBER.1.into();
        }
        Title::new(
            format!("{}时，{}须在{}完成“{}”{}；{}即办结", opens.zh, owner.zh, term.zh, duty.title_zh.told(facts), to.zh, closes.zh),
            format!(
                "at {}, {} owes{} '{}' {}; {} closes it",
                opens.en,
                owner.en,
                to.en,
                duty.title_en.told(&in_english),
                term.en,
                closes.en
            ),
        )
    }

    /// Events that share a condition are named together.
    pub(super) fn trigger_words(&self, pack: &Pack, triggers: &[Trigger], unit: &str) -> Title {
        let figures = |name: &str| self.figure(&pack.id, name, unit);
        let mut groups: Vec<(Title, Vec<Title>)> = Vec::new();
        for trigger in triggers {
            let condition = trigger.when.as_ref().map(|when| when.words(&figures)).unwrap_or_default();
            let event = self.event_words(pack, &trigger.event);
            match groups.iter_mut().find(|(known, _)| *known == condition) {
                Some((_, events)) => events.push(event),
                None => groups.push((condition, vec![event])),
            }
        }
        let words = groups.into_iter().map(|(condition, events)| {
            let events = joined(events.into_iter(), "、", " or ");
            if condition.zh.is_empty() {
                return events;
            }
            Title::new(format!("{}（{}）", events.zh, condition.zh), format!("{} ({})", events.en, condition.en))
        });
        joined(words, "，或", ", or ")
    }

    fn explain_recurring(&self, pack: &Pack, recurring: &RecurringRule, at: Timestamp) -> Title {
        let rule = &recurring.rule;
        let unit = self.owing_posts(pack, rule, at).first().map_or_else(|| self.root.clone(), |post| post.unit.clone());
        let calendar = self.calendar_for(rule, &unit);
        let said = self.recurring_sentence(pack, recurring, &unit);
        let mut text = Title::new(
            format!("〔{}〕第{}条：{}", pack.title.zh, rule.article, said.zh),
            format!("[{}] article {}: {}", pack.title.en, rule.article, said.en),
        );
        if self.owing_posts(pack, rule, at).is_empty() {
            text.zh.push_str("。此时没有适用本制度的单位，或没有岗位担任责任角色：不会产生");
            text.en.push_str(". No unit is bound by the pack then, or no post plays the role that owes it: none comes round");
        }
        if let Some(next) = self.next_round(pack, recurring, at) {
            text.zh.push_str(&format!("。下一次：{}产生，{}到期", shown(next.at, calendar), shown_due(next.duty.due, calendar)));
            text.en.push_str(&format!(". Next: opens {}, due {}", shown(next.at, calendar), shown_due(next.duty.due, calendar)));
            self.add_plan(&mut text, &next.duty, calendar);
        }
        text
    }

    /// How often who owes what by when.
    pub(super) fn recurring_sentence(&self, pack: &Pack, recurring: &RecurringRule, unit: &str) -> Title {
        let rule = &recurring.rule;
        let term = self.term_words(pack, rule, unit);
        let every = self.every_in(pack, &recurring.every, unit).map(Every::words).unwrap_or_default();
        let owner = joined(rule.owed_by.iter().map(|actor| self.actor_words(&pack.id, actor)), "、", ", ");
        let closes = self.trigger_words(pack, &rule.closes, unit);
        let facts = |period: &str| json!({ "unit": unit, "period": period });
        Title::new(
            format!("{}结束后，{}须在{}完成“{}”；{}即办结", every.zh, owner.zh, term.zh, rule.title_zh.told(&facts(PERIOD.0)), closes.zh),
            format!(
                "{}, once it is over, {} owes '{}' {}; {} closes it",
                every.en,
                owner.en,
                rule.title_en.told(&facts(PERIOD.1)),
                term.en,
                closes.en
            ),
        )
    }

    fn explain_declaration(&self, pack: &Pack, declaration: &dyn Declaration, unit: Option<&str>, at: Timestamp) -> Title {
        let unit = unit.map_or_else(|| self.first_bound(pack, at), str::to_owned);
        let stated = declaration.stated();
        let words = Words { policy: self, pack, unit: &unit };
        let thing = declaration.describe(Thing::new(stated.title.clone(), &stated.article), &words);
        let aspects = thing
            .aspects
            .into_iter()
            .map(|Aspect { name, value, .. }| Title::new(format!("{}：{}", name.zh, value.zh), format!("{}: {}", name.en, value.en)));
        // A text that ends its own sentence needs no second full stop.
        let aspects = aspects.map(|said| Title::new(said.zh.trim_end_matches('。'), said.en.trim_end_matches('.')));
        let (said, sort, engine) = (joined(aspects, "；", "; "), stated.sort.title(), stated.sort.engine());
        let (mut zh, mut en) = (format!("〔{}〕", pack.title.zh), format!("[{}] ", pack.title.en));
        if !stated.article.is_empty() {
            zh.push_str(&format!("第{}条：", stated.article));
            en.push_str(&format!("article {}: ", stated.article));
        }
        zh.push_str(&format!("{}“{}”。{}。", sort.zh, stated.title.zh, said.zh));
        en.push_str(&format!("{} '{}'. {}.", sort.en, stated.title.en, capitalised(&said.en)));
        if let Some(note) = &stated.note {
            zh.push_str(&format!("注：{}。", note.zh));
            en.push_str(&format!(" Note: {}.", note.en));
        }
        zh.push_str(&format!("尚不执行：本版本只作检查和说明，随{}执行。", engine.zh));
        en.push_str(&format!(" It does not run yet: it is checked and explained, and will run with {}.", engine.en));
        Title::new(zh, en)
    }

    fn add_plan(&self, text: &mut Title, duty: &OpenedDuty, calendar: &Calendar) {
        if !duty.plan.reminders.is_empty() {
            let times: Vec<String> = duty.plan.reminders.iter().map(|at| shown_due(*at, calendar)).collect();
            text.zh.push_str(&format!("；{}提醒", times.join("、")));
            text.en.push_str(&format!("; reminders at {}", times.join(", ")));
        }
        text.zh.push('。');
        text.en.push('.');
        for rung in &duty.plan.rungs {
            self.add_rung(text, rung, duty, calendar);
        }
        if let Some(caution) = calendar.unknown_year(duty.due) {
            text.zh.push_str(&format!("注意：{}。", caution.zh));
            text.en.push_str(&format!(" Mind that {}.", caution.en));
        }
    }

    fn add_rung(&self, text: &mut Title, rung: &TimedRung, duty: &OpenedDuty, calendar: &Calendar) {
        let mut told: Vec<Title> = rung.tell.iter().map(|who| self.who_words(who, duty)).collect();
        // Two roles may be played by one post.
        let mut seen = BTreeSet::new();
        told.retain(|who| seen.insert(who.zh.clone()));
        let told = joined(told.into_iter(), "、", ", ");
        let (zh, en) = match rung.sort {
            Sort::Reminder => ("提醒", "reminder"),
            Sort::Notice => ("即时通知", "At once"),
            Sort::Breach => ("逾期", "If it is missed"),
            Sort::Escalation => ("仍未办结则升级", "Then"),
            Sort::Urge => ("催办", "Urged"),
            Sort::Awaited => ("等待期间", "Waited for"),
        };
        let all = rung.until == Until::All;
        // What is raised as it opens is told of the day that begins then.
        let at = if rung.sort == Sort::Notice { shown(rung.at, calendar) } else { shown_due(rung.at, calendar) };
        let mut chinese = format!("{zh}：{at}通知{}", told.zh);
        let mut english = format!("{en}: {at} {} told", told.en);
        if rung.held {
            chinese.push_str("（非工作时间顺延至上班）");
            english.push_str(" (outside of working hours held until work begins)");
        }
        if let Some(repeat) = rung.repeat {
            chinese.push_str(&format!("，每{}重复，直至{}签收", repeat.zh(), if all { "全部" } else { "有人" }));
            english.push_str(&format!(", again every {} until {} acknowledged", repeat.en(), if all { "all have" } else { "someone has" }));
        }
        let hold = Title::new(rung.hold.zh(), rung.hold.en());
        let hold = if rung.sort == Sort::Notice { until_due_at_most(hold) } else { hold };
        text.zh.push_str(&format!("{chinese}；签收后暂停升级{}。", hold.zh));
        text.en.push_str(&format!(" {english}; an acknowledgement holds the climb for {}.", hold.en));
    }

    fn who_words(&self, who: &Who, duty: &OpenedDuty) -> Title {
        match who {
            Who::Post(post) => self.post_words(post, duty),
            Who::Handler { .. } => Title::new("承办人", "the handler"),
            Who::Person(_) => Title::new("指定人员", "the person named"),
            Who::Superior(post) => {
                let post = self.post_words(post, duty);
                Title::new(format!("{}的直接上级", post.zh), format!("the direct superior of {}", post.en))
            }
        }
    }

    fn post_words(&self, post: &str, duty: &OpenedDuty) -> Title {
        let found = self.tree.find_post(post, &duty.unit);
        found.map_or_else(|| self.unplayed(&duty.pack, post), |post| self.tree.post_title(post))
    }

    /// A role for which no post is found, by the title that its pack gives it.
    fn unplayed(&self, pack: &str, role: &str) -> Title {
        match self.pack(pack).and_then(|pack| pack.roles.get(role)) {
            Some(title) => Title::new(format!("{}（尚无岗位担任）", title.zh), format!("{} (played by nobody yet)", title.en)),
            None => Title::new(role, role),
        }
    }

    pub(super) fn term_words(&self, pack: &Pack, duty: &DutyRule, unit: &str) -> Title {
        let figures = |name: &str| self.figure(&pack.id, name, unit);
        let comes_round = pack.recurring.iter().find(|recurring| recurring.rule.id == duty.id);
        let every = comes_round.and_then(|recurring| self.every_in(pack, &recurring.every, unit));
        let terms = duty.within.iter().map(|when| {
            let term = self.term(pack, &when.term, unit);
            let mut words = match every {
                Some(every) => term.after_a_period(every.ends_month()),
                None => Title::new(term.zh(), term.en()),
            };
            if let TermSource::Field { field, before, .. } = &when.term {
                let named = field_words(pack, field.strip_prefix("fields.").unwrap_or(field));
                let (zh, en) = match before.as_ref().map(|before| self.amount_words(pack, before)) {
                    Some(before) => (format!("“{}”之前{}", named.zh, before.zh), format!("{} before '{}'", before.en, named.en)),
                    None => (format!("“{}”所填时间前", named.zh), format!("by what '{}' says", named.en)),
                };
                words = Title::new(format!("{zh}（未定者{}）", words.zh), format!("{en} (else {})", words.en));
            }
            if let Some(condition) = &when.when {
                let condition = condition.words(&figures);
                words = Title::new(format!("{}（{}时）", words.zh, condition.zh), format!("{} (when {})", words.en, condition.en));
            }
            words
        });
        joined(terms, "，", ", ")
    }

    /// The fields that a rule's duties may take their date from, by their titles.
    pub fn dated_by(&self, pack: &str, rule: &str) -> Title {
        let Some(Ruling { pack, rule, .. }) = self.ruling(pack, rule) else { return Title::default() };
        let mut titles: Vec<Title> = Vec::new();
        for when in &rule.within {
            let TermSource::Field { field, .. } = &when.term else { continue };
            let title = field_words(pack, field.strip_prefix("fields.").unwrap_or(field));
            if !titles.contains(&title) {
                titles.push(title);
            }
        }
        joined(titles.into_iter(), "、", ", ")
    }

    fn event_words(&self, pack: &Pack, event: &str) -> Title {
        let step =
            event.strip_prefix("case.").and_then(|word| pack.kinds.iter().flat_map(|kind| &kind.steps).find(|step| step.event == word));
        if let Some(step) = step {
            return Title::new(format!("“{}”", step.title.zh), format!("'{}'", step.title.en));
        }
        let (zh, en) = match event {
            "case.registered" => ("案件登记", "registration"),
            "case.sorted" => ("分拣完成", "sorting"),
            "case.classified" => ("定级", "classification"),
            "case.closed" => ("结案", "closure"),
            "case.answered" => ("答复客户", "an answer to the customer"),
            "case.reopened" => ("重新受理", "reopening"),
            "case.supplemented" => ("收到补充来件", "a supplement"),
            "case.corrected" => ("案件内容更正", "a correction of the case"),
            "case.assigned" => ("指定承办人", "assignment"),
            "case.noted" => ("添加备注", "a note"),
            "case.linked" => ("关联其他案件", "a link to another case"),
            "case.unlinked" => ("解除关联", "the end of a link to another case"),
            "case.merged" => ("并入其他案件", "merger into another case"),
            "case.attached" => ("挂入主案", "attachment to a master case"),
            "case.detached" => ("移出主案", "detachment from its master case"),
            "case.returned" => ("案件被退回", "a return of the case"),
            "record.filed" => ("归档", "filing"),
            "delivery.failed" => ("通知投递失败", "a delivery that failed"),
            "report.rejected" => ("来件被退回", "rejection of a report"),
            "report.admitted" => ("来件补录", "admission of a report"),
            "report.dismissed" => ("来件作废", "dismissal of a report"),
            "alert.acknowledged" => ("督办通知签收", "acknowledgement of an alert"),
            "source.silent" => ("来件渠道静默", "silence of a source of reports"),
            "source.heard" => ("静默的渠道恢复来件", "a report from a silent source"),
            "source.released" => ("不再监测该渠道的静默", "the end of a source's watch"),
            "timer.lost" => ("系统自查发现定时丢失", "timers found lost by the system itself"),
            "alert.unreachable" => ("督办通知无法送达", "an alert that reached nobody"),
            other => (other, other),
        };
        Title::new(zh, en)
    }

    pub(super) fn first_bound(&self, pack: &Pack, at: Timestamp) -> String {
        let mut units = self.bindings.iter().filter(|binding| binding.pack == pack.id);
        let now = units.clone().find(|binding| binding.from <= at).or_else(|| units.next());
        now.map_or_else(|| self.root.clone(), |binding| binding.unit.clone())
    }
}

fn answers(duty: &DutyRule, rule: &str) -> bool {
    rule == duty.id
        || rule.split_once('/') == Some((duty.pack.as_str(), duty.id.as_str()))
        || duty.rules.iter().any(|id| is_part_of(id, rule))
}

/// Whether an id of the regulations is this one or a part of it: `R08.18a` and `R13.2.5` of `R08.18` and `R13.2`, but not `R08.18` of `R08.1`.
fn is_part_of(id: &str, whole: &str) -> bool {
    let rest = id.strip_prefix(whole).filter(|_| !whole.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(|next: char| next == '.' || next.is_alphabetic()))
}

/// `decision.destroy`, `pack/decision.destroy`, or a rule that it carries.
fn names(pack: &Pack, stated: &Stated, rule: &str) -> bool {
    let place = stated.place();
    rule == place || rule.split_once('/') == Some((pack.id.as_str(), place.as_str())) || stated.rules.iter().any(|id| is_part_of(id, rule))
}

/// A sentence begins with a capital.
pub(super) fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn add(found: &mut Title, more: Title) {
    if !found.zh.is_empty() {
        found.zh.push('\n');
        found.en.push('\n');
    }
    found.zh.push_str(&more.zh);
    found.en.push_str(&more.en);
}

pub(super) fn joined(parts: impl Iterator<Item = Title>, zh: &str, en: &str) -> Title {
    let (chinese, english): (Vec<_>, Vec<_>) = parts.map(|title| (title.zh, title.en)).unzip();
    Title::new(chinese.join(zh), english.join(en))
}

/// As [`shown`]; the end of a day is its 24:00, and no part of the next.
fn shown_due(at: Timestamp, calendar: &Calendar) -> String {
    match last_minute(at, &calendar.zone) {
        Some(last) => shown(last, calendar).replace("23:59", "24:00"),
        None => shown(at, calendar),
    }
}

/// `2026-03-06 18:40` in the calendar's zone.
fn shown(at: Timestamp, calendar: &Calendar) -> String {
    calendar.zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
}
