//! One pack by itself.

use super::super::duty::DutyRule;
use super::super::recurring::RecurringRule;
use super::super::vocabulary::Vocabulary;
use super::super::{Pack, Parameter, Set};
use super::declarations::{self, Known};
use super::{duties, kinds, ladders, meant, periods, set};
use crate::Title;
use crate::calendar::Calendar;
use crate::source::duty::{DutyText, LadderText, PlacedTitle, RecurringText};
use crate::source::pack::{Defaults, KindText, PackFile};
use crate::source::{Fault, Many, Named, Placed};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the parts of a pack need to know of the others.
pub(super) struct Context<'a> {
    pub file: &'a PackFile,
    pub calendars: &'a BTreeMap<String, Calendar>,
    pub parameters: Vec<(String, String)>,
    /// The organisation's units by code and title, of which conditions may speak.
    pub units: Arc<[(String, Title)]>,
}

pub(super) fn compile(
    file: &PackFile,
    channels: &[(String, Title)],
    units: &Arc<[(String, Title)]>,
    calendars: &BTreeMap<String, Calendar>,
    faults: &mut Vec<Fault>,
) -> Pack {
    let parameters: Vec<(String, String)> = file.parameter.iter().map(|(name, text)| (name.value.clone(), text.value.zh.clone())).collect();
    let context = Context { file, calendars, parameters, units: Arc::clone(units) };
    check_head(file, faults);
    check_rule_ids(file, faults);
    let mut kinds = kinds::compile(&context, channels, faults);
    let cases = Vocabulary::of_cases(&kinds, channels, (&file.pack.id, &file.pack.title), context.parameters.clone())
        .with_units(&context.units)
        .without_personal();
    let others = Vocabulary::of_others(context.parameters.clone()).with_units(&context.units);
    let ladders = ladders::compile(&context, &cases, faults);
    let duties = duties::compile(&context, &kinds, &cases, &others, faults);
    let recurring = duties::recurring(&context, &kinds, &cases, &others, faults);
    periods::narrow(&mut kinds, &recurring);
    let known = Known { kinds: &kinds, channels, cases: &cases, others: &others };
    let declarations = declarations::compile(&context, &known, faults);
    check_used(file, faults);
    check_ladders(file, &duties, &recurring, faults);
    let running = Running::of(file).written();
    let running = parameters_in(&running);
    meant::check_titles(file, faults);
    meant::check_loops(file, &duties, faults);
    let pack = Pack {
        id: file.pack.id.value.clone(),
        title: file.pack.title.clone(),
        regulation: file.pack.regulation.clone(),
        purpose: file.pack.purpose.clone(),
        scope: file.pack.scope.clone(),
        in_force: file.pack.in_force.clone(),
        interpretation: file.pack.interpretation.as_ref().map(|text| declarations::phrase(&context, text, faults)),
        rules: ids(&file.pack.rule),
        parameters: file
            .parameter
            .iter()
            .map(|(name, text)| (name.value.clone(), parameter(text, running.contains(name.value.as_str()))))
            .collect(),
        roles: file.role.iter().map(|(id, role)| (id.value.clone(), role.title.clone())).collect(),
        kinds,
        duties,
        recurring,
        ladders,
        declarations,
        set_aside: set_aside(file),
    };
    check_roles(file, &pack, faults);
    let figures = file.parameter.iter().filter(|(name, _)| !pack.speaks(name));
    faults.extend(figures.filter_map(|(_, text)| two_figures(&text.value)));
    pack
}

fn parameter(text: &crate::source::pack::ParameterText, runs: bool) -> Parameter {
    Parameter {
        title: text.title.clone(),
        value: text.value.value.clone(),
        article: text.article.clone(),
        note: text.note.clone(),
        rules: ids(&text.rule),
        runs,
    }
}

/// Of a parameter that stands where no words can: in which language is its figure meant?
pub(super) fn two_figures(value: &PlacedTitle) -> Option<Fault> {
    if value.zh == value.en {
        return None;
    }
    let (en, zh) = ("a figure is the same in every language", "数值不分语言，只写一个");
    let fault = Fault::new(value.range, "wrong-type", en, zh);
    Some(fault.help(format!("write value = \"{}\" alone", value.zh), format!("请只写 value = \"{}\"", value.zh)))
}

/// The sections of a pack that run; declarations do not yet.
#[derive(Serialize)]
struct Running<'a> {
    defaults: &'a Defaults,
    kind: &'a Named<KindText>,
    duty: &'a Named<DutyText>,
    recurring: &'a Named<RecurringText>,
    ladder: &'a Named<LadderText>,
}

impl<'a> Running<'a> {
    fn of(file: &'a PackFile) -> Self {
        Self { defaults: &file.defaults, kind: &file.kind, duty: &file.duty, recurring: &file.recurring, ladder: &file.ladder }
    }

    fn written(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

fn set_aside(file: &PackFile) -> Vec<Set> {
    let later = file.later.iter().map(|later| Set {
        rules: ids(&later.rule),
        article: later.article.clone(),
        with: later.with.value.clone(),
        says: later.says.clone(),
        later: true,
    });
    let excused = file.excused.iter().map(|excused| Set {
        rules: ids(&excused.rule),
        article: excused.article.clone(),
        with: excused.why.value.clone(),
        says: excused.says.clone(),
        later: false,
    });
    later.chain(excused).collect()
}

pub(super) fn ids(rules: &Many<Placed<String>>) -> Vec<String> {
    rules.iter().map(|rule| rule.value.clone()).collect()
}

fn check_head(file: &PackFile, faults: &mut Vec<Fault>) {
    let id = &file.pack.id;
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        let en = format!("'{}' is no id for a pack: lower-case letters, digits and '-' only", id.value);
        let fault = Fault::new(id.range, "bad-id", en, format!("“{}”不能作制度包的标识：只可用小写字母、数字和“-”", id.value));
        faults.push(fault.help("write e.g. id = \"after-sales\"", "例如写 id = \"after-sales\""));
    }
    const LATER: [&str; 10] = ["decision", "recurring", "form", "report", "record", "notice", "survey", "register", "conduct", "routing"];
    for later in file.later.iter().filter(|later| !LATER.contains(&later.with.as_str())) {
        faults.push(super::unknown(&later.with, ("declaration", "声明类别"), "unknown-word", LATER.into_iter()));
    }
    const WHY: [&str; 2] = ["exhortation", "metadata"];
    for excused in file.excused.iter().filter(|excused| !WHY.contains(&excused.why.as_str())) {
        faults.push(super::unknown(&excused.why, ("excuse", "理由"), "unknown-word", WHY.into_iter()));
    }
}

/// Every id must be of the pack's own regulation.
fn check_rule_ids(file: &PackFile, faults: &mut Vec<Fault>) {
    let kinds = file.kind.iter().flat_map(|(_, kind)| {
        let fields = kind.field.iter().flat_map(|(_, field)| field.rule.iter());
        let severities = kind.severity.iter().flat_map(|(_, severity)| severity.rule.iter());
        let moves = kind.moves.iter().flat_map(|(_, text)| text.rule.iter());
        let acts = kind.act.iter().flat_map(|(_, act)| act.rule.iter());
        let repeats = kind.repeats.iter().flat_map(|repeats| repeats.rule.iter());
        kind.rule.iter().chain(fields).chain(severities).chain(moves).chain(acts).chain(repeats)
    });
    let all = kinds
        .chain(file.pack.rule.iter())
        .chain(file.parameter.iter().flat_map(|(_, parameter)| parameter.rule.iter()))
        .chain(file.duty.iter().flat_map(|(_, duty)| duty.rule.iter()))
        .chain(file.recurring.iter().flat_map(|(_, recurring)| recurring.rule.iter()))
        .chain(file.ladder.iter().flat_map(|(_, ladder)| ladder.rule.iter()))
        .chain(declarations::rules(file))
        .chain(file.later.iter().flat_map(|later| later.rule.iter()))
        .chain(file.excused.iter().flat_map(|excused| excused.rule.iter()));
    for rule in all {
        let own = file
            .pack
            .regulation
            .as_deref()
            .is_some_and(|regulation| rule.strip_prefix(regulation).is_some_and(|rest| rest.starts_with('.')));
        if !own {
            let regulation = file.pack.regulation.as_deref().unwrap_or("R00");
            let en = format!("'{}' is no rule of this pack's regulation", rule.value);
            let fault = Fault::new(rule.range, "foreign-rule", en, format!("“{}”不是本制度包所载制度的条款", rule.value));
            faults.push(fault.help(
                format!("write an id such as {regulation}.1, and 'regulation' in [pack]"),
                format!("请写形如 {regulation}.1 的编号，并在 [pack] 中写明 regulation"),
            ));
        }
    }
}

/// Declared and never used: worth saying, not wrong.
fn check_used(file: &PackFile, faults: &mut Vec<Fault>) {
    let text = toml::to_string(file).unwrap_or_default();
    let used = parameters_in(&text);
    for (name, _) in file.parameter.iter().filter(|(name, _)| !used.contains(name.as_str())) {
        let fault = Fault::new(
            name.range,
            "unused",
            format!("nothing uses the parameter '{}'", name.value),
            format!("参数“{}”没有被使用", name.value),
        );
        faults.push(fault.warning().help(
            format!("write \"{{{}}}\" where it is to stand, or take it out", name.value),
            format!("请在使用处写 \"{{{}}}\"，或将其删去", name.value),
        ));
    }
}

/// Roles that the pack declares and speaks of nowhere.
fn check_roles(file: &PackFile, pack: &Pack, faults: &mut Vec<Fault>) {
    let needed = set::needed(pack);
    for (role, _) in file.role.iter().filter(|(role, _)| !needed.contains(role.value.as_str())) {
        let (en, zh) = (format!("nothing speaks of the role '{}'", role.value), format!("角色“{}”没有被使用", role.value));
        faults.push(
            Fault::new(role.range, "unused", en, zh)
                .warning()
                .help("name it in a step, duty or ladder, or take it out", "请在步骤、责任事项或阶梯中使用，或将其删去"),
        );
    }
}

/// Ladders by which no duty climbs.
fn check_ladders(file: &PackFile, duties: &[DutyRule], recurring: &[RecurringRule], faults: &mut Vec<Fault>) {
    let rules = duties.iter().chain(recurring.iter().map(|recurring| &recurring.rule));
    let used: BTreeSet<&str> = rules.filter_map(|rule| rule.ladder.as_deref()).collect();
    for (ladder, _) in file.ladder.iter().filter(|(ladder, _)| !used.contains(ladder.value.as_str())) {
        let (en, zh) = (format!("no duty climbs by the ladder '{}'", ladder.value), format!("没有责任事项使用阶梯“{}”", ladder.value));
        faults.push(Fault::new(ladder.range, "unused", en, zh).warning().help(
            "write on_miss = \"ladder.…\" in a duty or in [defaults], or take it out",
            "请在责任事项或 [defaults] 中写 on_miss = \"ladder.…\"，或将其删去",
        ));
    }
}

/// What stands as `{name}`, and in expressions as `parameter.name`: gathered in one go, since a pack has many parameters and is long.
fn parameters_in(text: &str) -> BTreeSet<&str> {
    let braced = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    // Where it heads a table it is declared, and not used.
    let heads = |at: usize| text[..at] == *"[" || text[..at].ends_with("\n[");
    let named = text.match_indices("parameter.").filter(|(at, _)| !heads(*at)).map(|(at, written)| {
        let rest = &text[at + written.len()..];
        rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(rest, |end| &rest[..end])
    });
    braced.chain(named).collect()
}
