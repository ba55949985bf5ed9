//! The organisation file: units, posts, people, rights, and which packs bind which units.

use crate::directory::{Absence, Directory, Grant, Holding, Language, Person, Post, Right, Scope, Unit};
use crate::policy::approval::{SECOND_PERSON, SUBMITTER};
use crate::source::organisation::{ApprovalText, HoldingText, ORGANISATION_SECTIONS, OrganisationFile, PersonText, PostText, TrialText};
use crate::source::{self, Fault, Faults, File, Many, Placed};
use crate::{Diagnostic, Source, Title};
use duban_contracts::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// An organisation file, read and checked for itself.
#[derive(Debug, Clone)]
pub struct Organisation {
    pub(crate) file: OrganisationFile,
    pub(crate) zone: TimeZone,
}

impl Organisation {
    /// # Errors
    /// Everything wrong with the file: shapes, names that mean nothing, a tree with a cycle.
    pub fn parse(source: &Source) -> Result<Self, Vec<Diagnostic>> {
        let mut faults = Faults::default();
        let read = source::read(source, &mut faults).and_then(|file| Self::read(&file, &mut faults));
        faults.finish()?;
        read.ok_or_else(Vec::new)
    }

    pub(crate) fn read(file: &File<'_>, faults: &mut Faults) -> Option<Self> {
        file.only(ORGANISATION_SECTIONS, faults);
        let about = file.section("organisation", faults);
        let unit = file.named("unit", faults);
        let read = OrganisationFile {
            organisation: about?,
            channel: file.optional("channel", faults),
            role: file.named("role", faults),
            unit,
            person: file.named("person", faults),
            bind: file.list("bind", faults),
            plays: file.list("plays", faults),
            parameter: file.list("parameter", faults),
            approval: file.list("approval", faults),
            trial: file.list("trial", faults),
        };
        let mut found = Vec::new();
        let zone = source::calendar::zone(&read.organisation.zone, &mut found);
        check(&read, &mut found);
        for fault in found {
            faults.add(file.source(), fault);
        }
        Some(Self { file: read, zone: zone.unwrap_or(TimeZone::UTC) })
    }

    /// Units, posts and people as a directory.
    pub fn directory(&self, version: i64) -> Directory {
        let units = self.file.unit.iter().map(|(code, unit)| Unit {
            code: code.value.clone(),
            title: unit.title.clone(),
            parent: unit.parent.as_ref().map(|parent| parent.value.clone()),
            department: unit.department,
            head: unit.head.as_ref().map(|head| head.value.clone()),
            calendar: unit.calendar.as_ref().map(|calendar| calendar.value.clone()),
        });
        let posts = self.file.unit.iter().flat_map(|(code, unit)| unit.post.iter().map(|(role, post)| self.post(code, role, post)));
        let people = self.file.person.iter().map(|(id, person)| self.person(id, person));
        Directory::new(version, units.collect(), posts.collect(), people.collect(), Some(self.file.organisation.fallback.value.clone()))
    }

    /// The file as it belongs into a policy set: units, roles and bindings, without people. Compile with this one, so that applied
    /// versions keep no personal data.
    pub fn policy_source(&self) -> Source {
        let mut file = self.file.clone();
        file.person.0.clear();
        for post in file.unit.0.iter_mut().flat_map(|(_, unit)| &mut unit.post.0) {
            post.1.holders = Many::default();
            post.1.deputies = Many::default();
        }
        // A shape that was read can be written: names are strings, values are plain.
        let text = toml::to_string(&file).unwrap_or_default();
        Source { name: "organisation.toml".to_owned(), text }
    }

    fn post(&self, unit: &str, role: &Placed<String>, post: &PostText) -> Post {
        let known = self.file.role.get(role);
        let title = post.title.clone().or_else(|| known.map(|role| role.title.clone()));
        let rights = known.map(|role| role.rights.as_slice()).unwrap_or_default().iter().chain(&post.rights);
        Post {
            id: format!("{unit}/{}", role.value),
            unit: unit.to_owned(),
            role: role.value.clone(),
            title: title.unwrap_or_else(|| Title::new(&role.value, &role.value)),
            holders: self.holdings(&post.holders),
            deputies: self.holdings(&post.deputies),
            rights: rights.filter_map(|right| grant(right)).collect(),
        }
    }

    fn holdings(&self, holdings: &[HoldingText]) -> Vec<Holding> {
        let holding = |text: &HoldingText| Holding {
            person: text.person.value.clone(),
            from: text.from.as_deref().and_then(|date| start_of(date, &self.zone)),
            until: text.until.as_deref().and_then(|date| end_of(date, &self.zone)),
        };
        holdings.iter().map(holding).collect()
    }

    fn person(&self, id: &str, text: &PersonText) -> Person {
        let absence = |absence: &source::organisation::AbsenceText| {
            Some(Absence {
                from: start_of(&absence.from, &self.zone)?,
                until: absence.until.as_deref().and_then(|date| end_of(date, &self.zone)),
            })
        };
        Person {
            id: id.to_owned(),
            name: text.name.clone(),
            email: text.email.clone(),
            phone: text.phone.clone(),
            language: if text.language.as_deref().map(String::as_str) == Some("en") { Language::English } else { Language::Chinese },
            webhook: text.webhook.clone(),
            absences: text.absent.iter().filter_map(absence).collect(),
            disabled: false,
        }
    }
}

/// The first instant of a date.
pub(crate) fn start_of(date: &str, zone: &TimeZone) -> Option<Timestamp> {
    let date: Date = date.parse().ok()?;
    zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).compatible().ok()
}

/// The instant at which a date is over.
pub(crate) fn end_of(date: &str, zone: &TimeZone) -> Option<Timestamp> {
    let date: Date = date.parse().ok()?;
    zone.to_ambiguous_timestamp(date.checked_add(1.day()).ok()?.at(0, 0, 0, 0)).compatible().ok()
}

/// `see below` → a grant.
fn grant(text: &str) -> Option<Grant> {
    let (right, scope) = text.split_once(' ')?;
    let right = Right::ALL.into_iter().find(|candidate| candidate.as_str() == right)?;
    let scope = match scope {
        "unit" => Scope::Unit,
        "below" => Scope::Below,
        "everywhere" => Scope::Everywhere,
        _ => return None,
    };
    Some(Grant { right, scope })
}

fn check(file: &OrganisationFile, faults: &mut Vec<Fault>) {
    let units: Vec<&str> = file.unit.names().collect();
    let unknown_unit = |unit: &Placed<String>| {
        let fault =
            Fault::new(unit.range, "unknown-unit", format!("there is no unit '{}'", unit.value), format!("没有单位“{}”", unit.value));
        let (en, zh) =
            (format!("write [unit.{}], or the code of another unit", unit.value), format!("请写 [unit.{}]，或其他单位的代码", unit.value));
        fault.help(en, zh).suggest(unit, units.iter().copied())
    };
    for (code, unit) in file.unit.iter() {
        check_unit(file, code, unit, &unknown_unit, faults);
    }
    let roots: Vec<_> = file.unit.iter().filter(|(_, unit)| unit.parent.is_none()).collect();
    for (code, _) in roots.iter().skip(1) {
        let en = format!("'{}' has no unit above it, and neither has '{}': a tree has one root", code.value, roots[0].0.value);
        let zh = format!("“{}”没有上级单位，而“{}”也没有：单位树只能有一个根", code.value, roots[0].0.value);
        faults.push(Fault::new(code.range, "two-roots", en, zh).help("write parent = \"…\"", "请写 parent = \"…\""));
    }
    const LANGUAGES: [&str; 2] = ["zh", "en"];
    for language in file.organisation.languages.iter().filter(|language| !LANGUAGES.contains(&language.as_str())) {
        let (en, zh) = (format!("there is no language '{}' here", language.value), format!("没有语言“{}”", language.value));
        faults.push(Fault::new(language.range, "unknown-word", en, zh).suggest(language, LANGUAGES));
    }
    let fallback = &file.organisation.fallback;
    let posts: Vec<String> =
        file.unit.iter().flat_map(|(code, unit)| unit.post.names().map(move |role| format!("{}/{role}", code.value))).collect();
    if !posts.contains(&fallback.value) {
        faults.push(unknown_post(fallback, &posts));
    }
    for bind in &file.bind {
        bind.unit.iter().filter(|unit| !units.contains(&unit.as_str())).for_each(|unit| faults.push(unknown_unit(unit)));
        check_span(Some(&bind.from), bind.until.as_ref(), faults);
    }
    for plays in &file.plays {
        plays.unit.iter().filter(|unit| !units.contains(&unit.as_str())).for_each(|unit| faults.push(unknown_unit(unit)));
        for post in plays.role.iter().flat_map(|(_, posts)| posts.iter()) {
            let roles: Vec<&str> = file.unit.iter().flat_map(|(_, unit)| unit.post.names()).collect();
            if post.contains('/') && !posts.contains(&post.value) {
                faults.push(unknown_post(post, &posts));
            } else if !post.contains('/') && !roles.contains(&post.value.as_str()) {
                let en = format!("no unit has a post with the role '{}'", post.value);
                let fault = Fault::new(post.range, "unknown-post", en, format!("没有单位设有岗位“{}”", post.value))
                    .help("give a unit such a post: post = { … }, or write UNIT/role", "请为单位设置该岗位：post = { … }，或写 单位/角色");
                faults.push(fault.suggest(post, roles));
            }
        }
    }
    for over in &file.parameter {
        over.unit.iter().filter(|unit| !units.contains(&unit.as_str())).for_each(|unit| faults.push(unknown_unit(unit)));
    }
    check_approvals(&file.approval, &posts, faults);
    for trial in &file.trial {
        trial.unit.iter().filter(|unit| !units.contains(&unit.as_str())).for_each(|unit| faults.push(unknown_unit(unit)));
        check_trial(trial, faults);
    }
    for right in file.role.iter().flat_map(|(_, role)| &role.rights) {
        check_right(right, faults);
    }
    for (_, person) in file.person.iter() {
        for absence in &person.absent {
            check_span(Some(&absence.from), absence.until.as_ref(), faults);
        }
    }
}

/// Posts that are there, and no pack signed for in two ways.
fn check_approvals(approvals: &[Placed<ApprovalText>], posts: &[String], faults: &mut Vec<Fault>) {
    let mut named: Vec<&str> = Vec::new();
    for approval in approvals {
        for lighter in [&approval.wording, &approval.parameter].into_iter().flatten() {
            check_signer(lighter, &[SECOND_PERSON, SUBMITTER], posts, faults);
        }
        if approval.by.value == SUBMITTER {
            let en = "a change of what a pack rules takes somebody besides who submits it";
            let fault = Fault::new(approval.by.range, "needs-another", en, "制度内容的变更须由提交人以外的人批准");
            faults.push(fault.help(
                "write a post or \"second person\"; \"submitter\" is for wording and parameter",
                "请写岗位或 \"second person\"；\"submitter\" 只可用于 wording 和 parameter",
            ));
        } else {
            check_signer(&approval.by, &[SECOND_PERSON], posts, faults);
        }
        // No pack named: the approval of all that have none of their own.
        let packs = if approval.pack.is_empty() { vec![("", approval.by.range)] } else { Vec::new() };
        for (pack, range) in packs.into_iter().chain(approval.pack.iter().map(|pack| (pack.value.as_str(), pack.range))) {
            if named.contains(&pack) {
                let (en, zh) = if pack.is_empty() {
                    ("there is an approval for all packs already".to_owned(), "已为全部制度包规定了批准人".to_owned())
                } else {
                    (format!("there is an approval for '{pack}' already"), format!("已为制度包“{pack}”规定了批准人"))
                };
                let help = ("write pack = \"…\" for one of them, or take it out", "请为其中之一写 pack = \"…\"，或将其删去");
                faults.push(Fault::new(range, "twice", en, zh).help(help.0, help.1));
            }
            named.push(pack);
        }
    }
}

/// A trial is of something, a rule's pack is named, and it ends after it begins.
fn check_trial(trial: &Placed<TrialText>, faults: &mut Vec<Fault>) {
    let range = trial.range;
    if trial.pack.is_empty() && trial.rule.is_empty() && trial.unit.is_empty() {
        let fault = Fault::new(range, "trial-of-nothing", "it does not say what is on trial", "没有写明试运行的范围");
        faults.push(
            fault.help("write pack = \"…\", unit = \"…\", or pack and rule", "请写 pack = \"…\"、unit = \"…\"，或同时写 pack 与 rule"),
        );
    }
    if let Some(rule) = trial.rule.iter().next().filter(|_| trial.pack.iter().count() != 1) {
        let fault = Fault::new(
            rule.range,
            "rule-of-no-pack",
            "a rule on trial needs the one pack that it is of",
            "规则试运行须写明其所属的一个制度包",
        );
        faults.push(fault.help("write pack = \"…\" beside it", "请在旁边写 pack = \"…\""));
    }
    check_span(trial.from.as_ref(), trial.until.as_ref(), faults);
}

fn check_span(from: Option<&Placed<String>>, until: Option<&Placed<String>>, faults: &mut Vec<Fault>) {
    [from, until].into_iter().flatten().for_each(|date| check_date(date, faults));
    let is_turned = |(from, until): &(&Placed<String>, &Placed<String>)| matches!((from.parse::<Date>(), until.parse::<Date>()), (Ok(from), Ok(until)) if until < from);
    if let Some((from, until)) = from.zip(until).filter(is_turned) {
        let en = format!("it ends on {}, before it begins on {}", until.value, from.value);
        let fault = Fault::new(until.range, "ends-before", en, format!("截止日期 {} 早于开始日期 {}", until.value, from.value));
        faults.push(
            fault
                .help(format!("write until = \"{}\" or a later date", from.value), format!("请写 until = \"{}\" 或更晚的日期", from.value)),
        );
    }
}

fn check_signer(signer: &Placed<String>, words: &[&str], posts: &[String], faults: &mut Vec<Fault>) {
    if words.contains(&signer.value.as_str()) || posts.contains(&signer.value) {
        return;
    }
    let fault =
        Fault::new(signer.range, "unknown-post", format!("there is no post '{}'", signer.value), format!("没有岗位“{}”", signer.value));
    let known = words.join("\", \"");
    let fault = fault.help(format!("write UNIT/role of a post, or \"{known}\""), format!("请写岗位（单位/角色），或 \"{known}\""));
    faults.push(fault.suggest(signer, words.iter().copied().chain(posts.iter().map(String::as_str))));
}

fn check_unit(
    file: &OrganisationFile,
    code: &Placed<String>,
    unit: &source::organisation::UnitText,
    unknown_unit: &dyn Fn(&Placed<String>) -> Fault,
    faults: &mut Vec<Fault>,
) {
    let fits = !code.is_empty() && code.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    if !fits {
        let en = format!("'{}' is no code for a unit: letters, digits, '-' and '_' only", code.value);
        let fault = Fault::new(code.range, "bad-code", en, format!("“{}”不能作单位代码：只可用字母、数字、“-”和“_”", code.value));
        faults.push(fault.help("write e.g. [unit.SHOP-1]", "例如写 [unit.SHOP-1]"));
    }
    if let Some(parent) = &unit.parent {
        if file.unit.get(parent).is_none() {
            faults.push(unknown_unit(parent));
        } else if in_cycle(file, code) {
            let en = format!("'{}' lies below itself", code.value);
            let fault = Fault::new(parent.range, "cycle", en, format!("单位“{}”成了自己的下级", code.value));
            faults.push(
                fault.help("write a parent that does not lie below it, or take parent out", "请写不在其下级之中的 parent，或将其删去"),
            );
        }
    }
    if let Some(head) = unit.head.as_ref().filter(|head| unit.post.get(head).is_none()) {
        let en = format!("the unit has no post '{}' to head it", head.value);
        faults.push(
            Fault::new(head.range, "unknown-post", en, format!("本单位没有岗位“{}”，不能作负责岗位", head.value))
                .help(
                    format!("write post = {{ {} = \"…\" }} in the unit", head.value),
                    format!("请在本单位写 post = {{ {} = \"…\" }}", head.value),
                )
                .suggest(head, unit.post.names()),
        );
    }
    for (role, post) in unit.post.iter() {
        if file.role.get(role).is_none() {
            let fault =
                Fault::new(role.range, "unknown-role", format!("there is no role '{}'", role.value), format!("没有角色“{}”", role.value));
            let (en, zh) = (format!("write {} under [role]", role.value), format!("请在 [role] 中写 {}", role.value));
            faults.push(fault.help(en, zh).suggest(role, file.role.names()));
        }
        for holding in post.holders.iter().chain(post.deputies.iter()) {
            if file.person.get(&holding.person).is_none() {
                let en = format!("there is no person '{}'", holding.person.value);
                let fault = Fault::new(holding.person.range, "unknown-person", en, format!("没有人员“{}”", holding.person.value));
                let id = &holding.person.value;
                let (en, zh) = (format!("write [person.{id}] with name = \"…\""), format!("请写 [person.{id}]，含 name = \"…\""));
                faults.push(fault.help(en, zh).suggest(&holding.person, file.person.names()));
            }
            check_span(holding.from.as_ref(), holding.until.as_ref(), faults);
        }
        // Who held it once may stand in later.
        let always = |holdings: &[HoldingText]| -> Vec<Placed<String>> {
            holdings
                .iter()
                .filter(|holding| holding.from.is_none() && holding.until.is_none())
                .map(|holding| holding.person.clone())
                .collect()
        };
        let holders = always(&post.holders);
        for deputy in always(&post.deputies).iter().filter(|deputy| holders.contains(deputy)) {
            let en = format!("'{}' holds this post himself and cannot stand in for himself", deputy.value);
            let fault = Fault::new(deputy.range, "own-deputy", en, format!("“{}”已是本岗位的任职者，不能作自己的代理人", deputy.value));
            faults.push(fault.help("name somebody else, or nobody", "请写其他人，或不写"));
        }
        post.rights.iter().for_each(|right| check_right(right, faults));
    }
}

fn in_cycle(file: &OrganisationFile, code: &str) -> bool {
    let parent_of = |code: &str| file.unit.get(code).and_then(|unit| unit.parent.as_ref()).map(|parent| parent.value.as_str());
    let mut at = parent_of(code);
    for _ in 0..file.unit.0.len() {
        match at {
            Some(above) if above == code => return true,
            Some(above) => at = parent_of(above),
            None => return false,
        }
    }
    false
}

fn unknown_post(post: &Placed<String>, posts: &[String]) -> Fault {
    let fault = Fault::new(post.range, "unknown-post", format!("there is no post '{}'", post.value), format!("没有岗位“{}”", post.value));
    let fault = fault.help("write UNIT/role of a post that a unit has", "请写某单位已设岗位：单位/角色");
    fault.suggest(post, posts.iter().map(String::as_str))
}

fn check_date(date: &Placed<String>, faults: &mut Vec<Fault>) {
    if date.parse::<Date>().is_err() {
        let en = format!("'{}' is not a date: write YYYY-MM-DD", date.value);
        let fault = Fault::new(date.range, "bad-date", en, format!("“{}”不是日期：请写 YYYY-MM-DD", date.value));
        faults.push(fault.help("write e.g. \"2026-01-31\"", "例如写 \"2026-01-31\""));
    }
}

fn check_right(right: &Placed<String>, faults: &mut Vec<Fault>) {
    if grant(right).is_none() {
        let en = format!("'{}' is no right", right.value);
        let fault = Fault::new(right.range, "unknown-right", en, format!("“{}”不是一项权限", right.value));
        faults.push(fault.help(
            "write a right (see, see_personal, take, move, decide, export, administer) and a scope (unit, below, everywhere): \"see below\"",
            "请写权限（see、see_personal、take、move、decide、export、administer）加范围（unit、below、everywhere），例如 \"see below\"",
        ));
    }
}
