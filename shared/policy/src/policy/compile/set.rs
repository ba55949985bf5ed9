//! The set as a whole: calendars, bindings, who plays which role, and whether two packs claim the same report.

use super::super::approval::Approval;
use super::super::declaration::Declaration;
use super::super::kind::{Actor, Kind};
use super::super::number::NumberPattern;
use super::super::trial::Trial;
use super::super::{Binding, Choice, Listening, Overrides, Pack, Place, Plays, Policy};
use super::sampled::{self, Heads};
use super::{Parsed, fit, meant, unknown};
use crate::calendar::{Calendar, Duration, Term};
use crate::condition::Decimal;
use crate::directory::Directory;
use crate::organisation::{Organisation, end_of, start_of};
use crate::source::organisation::{BindText, OverrideText};
use crate::source::{Fault, Faults, Many, Placed};
use duban_contracts::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) fn assemble(
    packs: Vec<(Heads<'_>, Pack)>,
    organisation: &Parsed<'_, Organisation>,
    calendars: BTreeMap<String, Calendar>,
    faults: &mut Faults,
) -> Policy {
    let mut compiled: BTreeMap<String, Pack> = BTreeMap::new();
    let mut named = Vec::new();
    for (heads, pack) in packs {
        if compiled.contains_key(&pack.id) {
            let en = format!("there are two packs called '{}'", pack.id);
            let fault = Fault::new(heads.id.range, "twice", en, format!("有两个名为“{}”的制度包", pack.id));
            faults.add(heads.source, fault.help("write another id in one of the files", "请在其中一个文件中另写 id"));
        }
        named.push(heads);
        compiled.insert(pack.id.clone(), pack);
    }
    let file = &organisation.file.file;
    let mut found = Vec::new();
    check_calendars(&organisation.file, &calendars, &mut found);
    let tree = Directory::new(
        0,
        organisation.file.directory(0).units().cloned().collect(),
        organisation.file.directory(0).posts().cloned().collect(),
        Vec::new(),
        Some(file.organisation.fallback.value.clone()),
    );
    let root = tree.units().find(|unit| unit.parent.is_none()).map(|unit| unit.code.clone()).unwrap_or_default();
    let overrides = overrides(&organisation.file, &compiled, &mut found);
    number_as_chosen(&overrides, &mut compiled);
    let mut policy = Policy {
        bindings: bindings(&organisation.file, &compiled, &mut found),
        plays: plays(&organisation.file, &compiled, &mut found),
        overrides,
        approvals: approvals(&organisation.file, &compiled, &mut found),
        trials: trials(&organisation.file, &compiled, &mut found),
        channels: file.channel.iter().map(|(id, title)| Choice { value: id.value.clone(), title: title.clone() }).collect(),
        zone: organisation.file.zone.clone(),
        calendar: Arc::new(
            calendars.get(&file.organisation.calendar.value).cloned().unwrap_or_else(|| Calendar::always(organisation.file.zone.clone())),
        ),
        packs: compiled.into_iter().map(|(id, pack)| (id, Arc::new(pack))).collect(),
        calendars: Arc::new(calendars),
        tree: Arc::new(tree),
        root,
        remarks: Vec::new(),
        listening: Arc::default(),
        ruled: Arc::default(),
        corrections: 0,
    };
    policy.listening = Arc::new(listening(&policy));
    check_claims(&policy, &organisation.file, &mut found);
    fit::check_roles(&policy, &organisation.file, &mut found);
    fit::check_everywhere(&organisation.file, &mut found);
    for heads in &named {
        let unbound = policy.packs.get(&heads.id.value).and_then(|pack| fit::unbound(&policy, pack, &heads.id));
        let mut of_pack: Vec<Fault> = unbound.into_iter().collect();
        sampled::check(&policy, heads, &mut of_pack);
        of_pack.into_iter().for_each(|fault| faults.add(heads.source, fault));
    }
    meant::check_numbers(&policy, &organisation.file, &mut found);
    for fault in found {
        faults.add(organisation.source, fault);
    }
    policy
}

fn check_calendars(organisation: &Organisation, calendars: &BTreeMap<String, Calendar>, faults: &mut Vec<Fault>) {
    let units = organisation.file.unit.iter().filter_map(|(_, unit)| unit.calendar.as_ref());
    for name in units.chain([&organisation.file.organisation.calendar]).filter(|name| !calendars.contains_key(&name.value)) {
        faults.push(unknown(name, ("calendar", "日历"), "unknown-calendar", calendars.keys().map(String::as_str)));
    }
}

fn unknown_pack(pack: &Placed<String>, packs: &BTreeMap<String, Pack>) -> Fault {
    unknown(pack, ("pack", "制度包"), "unknown-pack", packs.keys().map(String::as_str))
}

fn bindings(organisation: &Organisation, packs: &BTreeMap<String, Pack>, faults: &mut Vec<Fault>) -> Vec<Binding> {
    let mut bindings = Vec::new();
    for bind in &organisation.file.bind {
        for pack in bind.pack.iter().chain(bind.instead_of.iter()).filter(|pack| !packs.contains_key(&pack.value)) {
            faults.push(unknown_pack(pack, packs));
        }
        let from = start_of(&bind.from, &organisation.zone).unwrap_or(Timestamp::MIN);
        let until = bind.until.as_ref().and_then(|date| end_of(date, &organisation.zone));
        for (pack, unit) in bind.pack.iter().flat_map(|pack| bind.unit.iter().map(move |unit| (pack, unit))) {
            let holds_then = |known: &Binding| known.until.is_none_or(|ends| from < ends) && until.is_none_or(|ends| known.from < ends);
            if bindings.iter().any(|known: &Binding| known.pack == pack.value && known.unit == unit.value && holds_then(known)) {
                let en = format!("the pack '{}' binds '{}' already at that time", pack.value, unit.value);
                let zh = format!("制度包“{}”在此期间已绑定单位“{}”", pack.value, unit.value);
                let help = ("keep one of the two, or end the first: until = \"…\"", "请只保留一处，或为前一处写 until");
                faults.push(Fault::new(pack.range, "twice", en, zh).warning().help(help.0, help.1));
            }
            bindings.push(Binding {
                pack: pack.value.clone(),
                unit: unit.value.clone(),
                from,
                until,
                instead_of: bind.instead_of.iter().map(|pack| pack.value.clone()).collect(),
            });
        }
    }
    bindings
}

fn plays(organisation: &Organisation, packs: &BTreeMap<String, Pack>, faults: &mut Vec<Fault>) -> Vec<Plays> {
    let mut all = Vec::new();
    for text in &organisation.file.plays {
        let Some(pack) = packs.get(&text.pack.value) else {
            faults.push(unknown_pack(&text.pack, packs));
            continue;
        };
        for (role, _) in text.role.iter().filter(|(role, _)| !pack.roles.contains_key(&role.value)) {
            faults.push(unknown(role, ("role in this pack", "该制度包的角色"), "unknown-role", pack.roles.keys().map(String::as_str)));
        }
        let unit = text.unit.as_ref().map(|unit| unit.value.as_str());
        for (role, _) in text.role.iter() {
            let is_same = |known: &&Plays| known.pack == text.pack.value && known.unit.as_deref() == unit;
            if all.iter().filter(is_same).any(|known: &Plays| known.roles.contains_key(&role.value)) {
                let (en, zh) = (format!("who plays '{}' is said already", role.value), format!("已指定由谁担任“{}”", role.value));
                faults.push(
                    Fault::new(role.range, "twice", en, zh).help("keep one of them, or name another unit", "请只保留一处，或另写单位"),
                );
            }
        }
        all.push(Plays {
            pack: text.pack.value.clone(),
            unit: text.unit.as_ref().map(|unit| unit.value.clone()),
            roles: text
                .role
                .iter()
                .map(|(role, posts)| (role.value.clone(), posts.iter().map(|post| post.value.clone()).collect()))
                .collect(),
        });
    }
    all
}

fn overrides(organisation: &Organisation, packs: &BTreeMap<String, Pack>, faults: &mut Vec<Fault>) -> Overrides {
    let mut overrides = Overrides::new();
    for text in &organisation.file.parameter {
        let OverrideText { pack, name, value, unit } = &text.value;
        let Some(known) = packs.get(&pack.value) else {
            faults.push(unknown_pack(pack, packs));
            continue;
        };
        let Some(parameter) = known.parameters.get(&name.value) else {
            faults.push(unknown(
                name,
                ("parameter in this pack", "该制度包的参数"),
                "unknown-parameter",
                known.parameters.keys().map(String::as_str),
            ));
            continue;
        };
        let is_words = known.speaks(name);
        // How long something is kept may be said in days here and in years there.
        let is_free = is_words || known.declarations.keeps_for(name) || known.is_worded(name);
        let of_its_sort = if is_free { None } else { unfit(&parameter.value.zh, &value.zh) };
        if let Some((en, zh)) = known
            .unfit_period(name, &value.zh)
            .or_else(|| known.unfit_word(name, &value.zh))
            .or_else(|| known.declarations.unfit(name, &value.zh))
            .or(of_its_sort)
        {
            let default = &parameter.value.zh;
            let fault = Fault::new(
                value.range,
                "wrong-type",
                format!("'{}' is {en}, as '{default}' is", value.zh),
                format!("“{}”{zh}（默认值为“{default}”）", value.zh),
            );
            faults.push(fault.help(
                format!("write it as the pack does, e.g. value = \"{default}\""),
                format!("请按制度包的写法，例如 value = \"{default}\""),
            ));
        } else if !is_words {
            faults.extend(super::packs::two_figures(value));
        }
        if let Some(unit) = unit.as_ref().filter(|_| known.kinds.iter().any(|kind| kind.numbered_by.as_deref() == Some(name.as_str()))) {
            let (en, zh) = ("a number is written in one way everywhere", "编号格式全组织一致，不能按单位另定");
            let fault = Fault::new(unit.range, "wrong-type", en, zh);
            faults.push(fault.help("leave the unit out; {unit} in the pattern stands for it", "请去掉单位；格式中的 {unit} 即单位代码"));
        }
        let scope = unit.as_ref().map(|unit| unit.value.clone());
        let given = overrides.entry((pack.value.clone(), name.value.clone())).or_default();
        if given.iter().any(|(known, _)| *known == scope) {
            let place = unit.as_ref().unwrap_or(name);
            let (en, zh) = (format!("'{}' has a value for this scope already", name.value), format!("“{}”在此范围内已有取值", name.value));
            let fault = Fault::new(place.range, "twice", en, zh);
            faults.push(fault.help("keep one of them, or name another unit", "请只保留一处，或另写单位"));
        }
        given.push((scope, value.value.clone()));
    }
    overrides
}

/// Numbers whose pattern the organisation has chosen itself. Of one that is none, overrides were told already.
fn number_as_chosen(overrides: &Overrides, packs: &mut BTreeMap<String, Pack>) {
    for pack in packs.values_mut() {
        for kind in &mut pack.kinds {
            let Some(parameter) = kind.numbered_by.clone() else { continue };
            let chosen = overrides.get(&(pack.id.clone(), parameter)).into_iter().flatten().rev().find(|(unit, _)| unit.is_none());
            if let Some(pattern) = chosen.and_then(|(_, value)| NumberPattern::parse(&value.zh).ok()) {
                kind.number = pattern;
            }
        }
    }
}

fn approvals(organisation: &Organisation, packs: &BTreeMap<String, Pack>, faults: &mut Vec<Fault>) -> Vec<Approval> {
    let mut approvals = Vec::new();
    for text in &organisation.file.approval {
        for pack in text.pack.iter().filter(|pack| !packs.contains_key(&pack.value)) {
            faults.push(unknown_pack(pack, packs));
        }
        approvals.push(Approval::of(text));
    }
    approvals
}

/// One for each pack, rule and unit that is named together.
fn trials(organisation: &Organisation, packs: &BTreeMap<String, Pack>, faults: &mut Vec<Fault>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for text in &organisation.file.trial {
        for pack in text.pack.iter() {
            let Some(known) = packs.get(&pack.value) else {
                faults.push(unknown_pack(pack, packs));
                continue;
            };
            let rules: Vec<&str> = known.duty_rules().map(|duty| duty.id.as_str()).collect();
            for rule in text.rule.iter().filter(|rule| !rules.contains(&rule.as_str())) {
                faults.push(unknown(rule, ("duty in this pack", "该制度包的责任事项"), "unknown-rule", rules.iter().copied()));
            }
        }
        let from = text.from.as_ref().and_then(|date| start_of(date, &organisation.zone));
        let until = text.until.as_ref().and_then(|date| end_of(date, &organisation.zone));
        for pack in each(&text.pack) {
            for rule in each(&text.rule) {
                trials.extend(each(&text.unit).into_iter().map(|unit| Trial { pack: pack.clone(), rule: rule.clone(), unit, from, until }));
            }
        }
    }
    trials
}

/// Everything that is named; None where nothing is: whatever there is.
fn each(named: &Many<Placed<String>>) -> Vec<Option<String>> {
    if named.is_empty() { vec![None] } else { named.iter().map(|name| Some(name.value.clone())).collect() }
}

/// Why a value cannot stand where the default stood.
fn unfit(default: &str, value: &str) -> Option<(&'static str, &'static str)> {
    if default.parse::<Duration>().is_ok() && value.parse::<Duration>().is_err() {
        return Some(("no duration", "不是时长"));
    }
    if default.parse::<Term>().is_ok() && value.parse::<Term>().is_err() {
        return Some(("no term", "不是期限"));
    }
    (Decimal::parse(default).is_some() && Decimal::parse(value).is_none()).then_some(("no number", "不是数字"))
}

/// Notes which rule listens to which event.
pub(in crate::policy) fn listening(policy: &Policy) -> Listening {
    let mut listening = Listening::default();
    let Listening { openers, closers, cancellers } = &mut listening;
    for pack in policy.packs.values() {
        let id: Arc<str> = pack.id.as_str().into();
        let recurring = pack.recurring.iter().map(|recurring| &recurring.rule);
        for (rule, duty) in pack.duties.iter().chain(recurring).enumerate() {
            let sorts = [(&duty.opens, &mut *openers), (&duty.closes, &mut *closers), (&duty.cancels, &mut *cancellers)];
            for (triggers, listeners) in sorts {
                for (trigger, found) in triggers.iter().enumerate() {
                    let place = Place { pack: id.clone(), any_pack: found.any_pack, rule, trigger };
                    match listeners.get_mut(&found.event) {
                        Some(places) => places.push(place),
                        None => drop(listeners.insert(found.event.clone(), vec![place])),
                    }
                }
            }
        }
    }
    listening
}

/// In no unit, at no time, do two bound packs take the same report; and somebody takes what cannot be sorted.
fn check_claims(policy: &Policy, organisation: &Organisation, faults: &mut Vec<Fault>) {
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    let times: BTreeSet<Timestamp> = policy.bindings.iter().map(|binding| binding.from).collect();
    for (code, _) in organisation.file.unit.iter() {
        for at in &times {
            let packs = policy.packs_of(code, *at);
            let kinds: Vec<&Kind> = packs.iter().flat_map(|pack| &pack.kinds).collect();
            for (nth, first) in kinds.iter().enumerate() {
                for second in kinds.iter().skip(nth + 1) {
                    let Some((en, zh)) = clash(first, second) else { continue };
                    if told.insert((place(first), place(second))) {
                        faults.push(claimed(organisation, code, first, second, en, zh));
                    }
                }
            }
        }
    }
    if policy.unsorted().is_none() {
        let fallback = &organisation.file.organisation.fallback;
        let fault = Fault::new(
            fallback.range,
            "no-unsorted",
            "no pack has a kind for reports that cannot be sorted",
            "没有制度包设有“待分拣”事项类别",
        );
        faults.push(fault.help(
            "write unsorted = true in one kind, as policies/basics.toml does",
            "请在某一事项类别写 unsorted = true，参见 policies/basics.toml",
        ));
    }
}

/// Why two kinds would take the same report.
fn clash(first: &Kind, second: &Kind) -> Option<(&'static str, &'static str)> {
    if first.default && second.default {
        return Some(("both take a report without a kind", "都会受理未注明类别的来件"));
    }
    if first.unsorted && second.unsorted {
        return Some(("both take what cannot be sorted", "都会受理待分拣的来件"));
    }
    let same = first.is_called(&second.id)
        || first.is_called(&second.title.zh)
        || first.is_called(&second.title.en)
        || second.aliases.iter().any(|alias| first.is_called(alias))
        || first.aliases.iter().any(|alias| second.is_called(alias));
    same.then_some(("a report may ask for both by the same name", "同一名称会同时指向两者"))
}

fn place(kind: &Kind) -> String {
    format!("{}/kind.{}", kind.pack, kind.id)
}

fn named(kind: &Kind) -> String {
    let rules = if kind.rules.is_empty() { String::new() } else { format!(", {}", kind.rules.join(", ")) };
    format!("{}/kind.{} (article {}{rules})", kind.pack, kind.id, if kind.article.is_empty() { "-" } else { &kind.article })
}

fn claimed(organisation: &Organisation, unit: &Placed<String>, first: &Kind, second: &Kind, en: &str, zh: &str) -> Fault {
    let binds: Vec<&BindText> = organisation.file.bind.iter().map(|bind| &bind.value).collect();
    let concerns = |bind: &&&BindText| bind.pack.iter().any(|pack| pack.value == second.pack);
    let range = binds
        .iter()
        .rev()
        .find(concerns)
        .and_then(|bind| bind.pack.iter().find(|pack| pack.value == second.pack))
        .map_or(unit.range, |pack| pack.range);
    let message = format!("two packs claim the same report in unit '{}': {} and {}; {en}", unit.value, named(first), named(second));
    let message_zh = format!("单位“{}”中有两个制度包争办同一来件：{} 与 {}，{zh}", unit.value, named(first), named(second));
    Fault::new(range, "claimed-twice", message, message_zh).help(
        format!("bind one of them only, or write instead_of = [\"{}\"] where '{}' is bound", first.pack, second.pack),
        format!("只绑定其中之一，或在绑定“{}”处写 instead_of = [\"{}\"]", second.pack, first.pack),
    )
}

/// Roles that some rule of the pack really speaks of.
pub(super) fn needed(pack: &Pack) -> BTreeSet<&str> {
    let recurring = pack.recurring.iter().map(|recurring| &recurring.rule);
    let duties = pack.duties.iter().chain(recurring).flat_map(|duty| duty.owed_by.iter().chain(&duty.owed_to));
    let steps = pack.kinds.iter().flat_map(|kind| &kind.steps);
    let deciding = steps.clone().filter_map(|step| step.returning.as_ref()).flat_map(|returning| &returning.decided_by);
    let steps = steps.flat_map(|step| &step.by);
    let rungs = pack.ladders.values().flat_map(|ladder| &ladder.rungs).flat_map(|rung| &rung.tell);
    let declared = pack.declarations.all().into_iter().flat_map(Declaration::actors);
    duties
        .chain(steps)
        .chain(deciding)
        .chain(rungs)
        .chain(declared)
        .filter_map(|actor| if let Actor::Role(role) = actor { Some(role.as_str()) } else { None })
        .collect()
}
