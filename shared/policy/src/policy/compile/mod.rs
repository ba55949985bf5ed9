//! From files to a policy: read, look up every name, refuse what cannot be meant.
//!
//! A pack is compiled by itself first (kinds, then duties and ladders, which speak of kinds), then the set as a whole: calendars,
//! bindings, who plays which role, and whether two packs claim the same report.

mod closing;
mod declarations;
mod duties;
mod duty_clock;
mod fit;
mod happening;
mod kinds;
mod ladders;
mod meant;
mod packs;
mod periods;
mod returns;
mod sampled;
mod set;

use sampled::Heads;

pub(super) use returns::whole;
pub(super) use set::listening;

use super::Policy;
use crate::calendar::Calendar;
use crate::organisation::Organisation;
use crate::source::calendar::CalendarFile;
use crate::source::pack::{PACK_SECTIONS, PackFile};
use crate::source::worded::{self, Worded};
use crate::source::{self, Fault, Faults, File, Named, Range, Sort};
use crate::{Diagnostic, Source, Title};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What every return of a case is told as, whichever step of its kind it is: rules of other packs listen to it too.
pub(crate) const RETURNED: &str = "returned";

/// Events that intake, escalation, notifications and archive tell whatever the packs say.
pub(crate) const CASE_EVENTS: [&str; 16] = [
    "registered",
    "classified",
    "supplemented",
    "corrected",
    "assigned",
    "noted",
    "answered",
    "closed",
    "reopened",
    "linked",
    "unlinked",
    "merged",
    "sorted",
    RETURNED,
    "attached",
    "detached",
];
const OTHER_EVENTS: [&str; 17] = [
    "report.rejected",
    "report.admitted",
    "report.dismissed",
    "duty.opened",
    "duty.breached",
    "duty.closed",
    "duty.cancelled",
    "alert.raised",
    "alert.acknowledged",
    "alert.unreachable",
    "alert.closed",
    "delivery.failed",
    "record.filed",
    "timer.lost",
    "source.silent",
    "source.heard",
    "source.released",
];

/// Whether rules may listen to an event of this name that escalation does not tell itself.
pub fn comes_from_others(event: &str) -> bool {
    let is_own = ["duty.", "timer."].iter().any(|own| event.starts_with(own))
        || ["alert.raised", "alert.acknowledged", "alert.closed"].contains(&event);
    event.starts_with("case.") || (OTHER_EVENTS.contains(&event) && !is_own)
}

/// In which words may be declared to be needed besides Chinese.
const ENGLISH: &str = "en";

/// A file with what it says.
struct Parsed<'s, T> {
    source: &'s Source,
    file: T,
}

impl Policy {
    /// Compiles a set: packs, calendars and exactly one organisation file, told apart by what is in them (`[pack]`, `[calendar]`,
    /// `[organisation]`), not by name.
    ///
    /// # Errors
    /// Everything that is wrong with any of the files, in order of file and place.
    pub fn compile(sources: &[Source]) -> Result<Self, Vec<Diagnostic>> {
        let mut faults = Faults::default();
        let policy = compile(sources, &mut faults);
        let remarks = faults.finish()?;
        let mut policy = policy.ok_or_else(Vec::new)?;
        policy.remarks = remarks;
        Ok(policy)
    }
}

fn compile(sources: &[Source], faults: &mut Faults) -> Option<Policy> {
    let read = ReadSet::of(sources, faults);
    let calendars = build_calendars(read.calendars, faults);
    let organisation = the_one(&read.organisations, sources, faults)?;
    let channels: Vec<(String, Title)> =
        organisation.file.file.channel.iter().map(|(id, title)| (id.value.clone(), title.clone())).collect();
    let units: Arc<[(String, Title)]> =
        organisation.file.file.unit.iter().map(|(code, unit)| (code.value.clone(), unit.title.clone())).collect();
    let mut chinese_alone = read.chinese_alone;
    let mut packs = Vec::new();
    for Parsed { source, file } in read.packs {
        let mut found = Vec::new();
        let pack = packs::compile(&file, &channels, &units, &calendars, &mut found);
        for fault in found {
            faults.add(source, fault);
        }
        let words = file.parameter.iter().filter(|(name, _)| pack.speaks(&name.value)).map(|(_, text)| (source, text.value.range));
        chinese_alone.extend(words.filter(|words| read.chinese_values.contains(words)));
        let rules = file.duty.iter().map(|(id, _)| id).chain(file.recurring.iter().map(|(id, _)| id)).cloned().collect();
        packs.push((Heads { source, id: file.pack.id, rules }, pack));
    }
    let speaks = |pack: &str, parameter: &str| packs.iter().any(|(_, known)| known.id == pack && known.speaks(parameter));
    let chosen = organisation.file.file.parameter.iter().map(|text| &text.value).filter(|text| speaks(&text.pack.value, &text.name.value));
    let chosen = chosen.map(|text| (organisation.source, text.value.range));
    chinese_alone.extend(chosen.filter(|words| read.chinese_values.contains(words)));
    if organisation.file.file.organisation.languages.iter().any(|language| language.value == ENGLISH) {
        chinese_alone.iter().for_each(|(source, at)| faults.add(source, worded::chinese_alone(*at)));
    }
    if faults.errors() > 0 {
        return None;
    }
    Some(set::assemble(packs, organisation, calendars, faults))
}

/// The files of a set by sort, each in its shape.
#[derive(Default)]
struct ReadSet<'s> {
    packs: Vec<Parsed<'s, PackFile>>,
    /// Words that are there in Chinese alone.
    chinese_alone: Vec<(&'s Source, Range)>,
    /// Values of parameters in Chinese alone.
    chinese_values: Vec<(&'s Source, Range)>,
    calendars: Vec<Parsed<'s, CalendarFile>>,
    organisations: Vec<Parsed<'s, Organisation>>,
}

impl<'s> ReadSet<'s> {
    /// Reads file by file and lets each one's syntax tree go at once: all together they would take many times what the policy takes.
    fn of(sources: &'s [Source], faults: &mut Faults) -> Self {
        let mut set = Self::default();
        for source in sources {
            if let Some(file) = source::read(source, faults) {
                set.add(&file, faults);
            }
        }
        set
    }

    fn add(&mut self, file: &File<'s>, faults: &mut Faults) {
        let source = file.source();
        let words = Worded::of(file.root());
        words.empty.into_iter().for_each(|at| faults.add(source, worded::empty(at)));
        self.chinese_alone.extend(words.chinese_alone.into_iter().map(|at| (source, at)));
        self.chinese_values.extend(words.chinese_values.into_iter().map(|at| (source, at)));
        let before = faults.errors();
        match file.sort() {
            // Names are looked up only in a pack whose shapes are all right: what could not be read would be missed everywhere.
            Some(Sort::Pack) => {
                let pack = read_pack(file, faults).filter(|_| faults.errors() == before);
                self.packs.extend(pack.map(|file| Parsed { source, file }));
            }
            Some(Sort::Calendar) => {
                file.only(&["calendar"], faults);
                let calendar = file.section("calendar", faults).map(|calendar| CalendarFile { calendar });
                self.calendars.extend(calendar.map(|file| Parsed { source, file }));
            }
            Some(Sort::Organisation) => {
                self.organisations.extend(Organisation::read(file, faults).map(|file| Parsed { source, file }));
            }
            None if file.is_scenario() => {
                let (en, zh) = ("this is a scenario, and no part of a set", "此文件是情景，不是制度文件");
                let (help, help_zh) = ("keep scenarios in a folder of their own", "请将情景文件放在另外的文件夹");
                faults.add(source, Fault::new((0, 0), "what-is-this", en, zh).help(help, help_zh));
            }
            None => {
                let en = "this is neither a pack nor a calendar nor an organisation";
                let fault = Fault::new((0, 0), "what-is-this", en, "此文件既不是制度包，也不是日历或组织文件");
                let (en, zh) = ("begin with [pack], [calendar] or [organisation]", "请以 [pack]、[calendar] 或 [organisation] 开头");
                faults.add(source, fault.help(en, zh));
            }
        }
    }
}

fn the_one<'o, 's>(found: &'o [Parsed<'s, Organisation>], sources: &[Source], faults: &mut Faults) -> Option<&'o Parsed<'s, Organisation>> {
    match found {
        [one] => return Some(one),
        [] => {
            if let (Some(source), 0) = (sources.first(), faults.errors()) {
                let fault = Fault::new((0, 0), "no-organisation", "the set has no organisation file", "本套制度缺少组织文件");
                faults.add(source, fault.help("add a file with [organisation]", "请加入含 [organisation] 的文件"));
            }
        }
        [first, others @ ..] => {
            for other in others {
                let en = format!("there is an organisation already, in {}", first.source.name);
                let fault = Fault::new((0, 0), "two-organisations", en, format!("{}中已有组织文件", first.source.name));
                faults.add(other.source, fault.help("take one of the two files out", "请去掉其中一个文件"));
            }
        }
    }
    None
}

fn read_pack(file: &File<'_>, faults: &mut Faults) -> Option<PackFile> {
    file.only(PACK_SECTIONS, faults);
    let later: Vec<source::Placed<_>> = file.list("later", faults);
    let excused: Vec<source::Placed<_>> = file.list("excused", faults);
    let read = PackFile {
        defaults: file.optional("defaults", faults),
        parameter: file.named("parameter", faults),
        role: file.named("role", faults),
        kind: file.named("kind", faults),
        duty: file.named("duty", faults),
        recurring: file.named("recurring", faults),
        ladder: file.named("ladder", faults),
        decision: file.named("decision", faults),
        form: file.named("form", faults),
        report: file.named("report", faults),
        record: file.named("record", faults),
        notice: file.named("notice", faults),
        message: file.named("message", faults),
        survey: file.named("survey", faults),
        quota: file.named("quota", faults),
        conduct: file.named("conduct", faults),
        later: later.into_iter().map(|later| later.value).collect(),
        excused: excused.into_iter().map(|excused| excused.value).collect(),
        pack: file.section("pack", faults)?,
    };
    Some(read)
}

fn build_calendars(mut waiting: Vec<Parsed<'_, CalendarFile>>, faults: &mut Faults) -> BTreeMap<String, Calendar> {
    let names: Vec<String> = waiting.iter().map(|parsed| parsed.file.calendar.name.value.clone()).collect();
    let mut built: BTreeMap<String, Calendar> = BTreeMap::new();
    // Each round builds those whose base stands; what is left over has none, or is its own.
    loop {
        let (ready, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|parsed| parsed.file.calendar.extends.as_ref().is_none_or(|base| built.contains_key(&base.value)));
        waiting = rest;
        if ready.is_empty() {
            break;
        }
        for parsed in ready {
            let text = &parsed.file.calendar;
            let base = text.extends.as_ref().and_then(|base| built.get(&base.value)).cloned();
            let mut found = Vec::new();
            let calendar = text.build(base.as_ref(), &mut found);
            // Of hours that were refused it says nothing more.
            if found.is_empty() && calendar.as_ref().is_some_and(|calendar| !calendar.has_hours()) {
                let (en, zh) = ("nobody ever works by this calendar: its week has no hours", "按此日历从无工作时间：每周没有任何时段");
                let help =
                    ("write at least one day, e.g. mon = [[\"09:00\", \"17:00\"]]", "请至少写一天，例如 mon = [[\"09:00\", \"17:00\"]]");
                found.push(Fault::new(text.name.range, "no-hours", en, zh).help(help.0, help.1));
            }
            if built.contains_key(&text.name.value) {
                let en = format!("there are two calendars called '{}'", text.name.value);
                let fault = Fault::new(text.name.range, "twice", en, format!("有两个名为“{}”的日历", text.name.value));
                found.push(fault.help("write another name for one of them", "请为其中之一另取名称"));
            }
            found.into_iter().for_each(|fault| faults.add(parsed.source, fault));
            built.extend(calendar.map(|calendar| (calendar.name.clone(), calendar)));
        }
    }
    for parsed in waiting {
        if let Some(base) = &parsed.file.calendar.extends {
            let en = format!("there is no calendar '{}' to extend, or it extends this one", base.value);
            let fault = Fault::new(base.range, "unknown-calendar", en, format!("没有可供扩展的日历“{}”，或两者互相扩展", base.value));
            let fault = fault.help("name a calendar that stands by itself, or take extends out", "请写自成一体的日历，或删去 extends");
            // One that is there, and cannot be built on, is not what was meant.
            let others = names.iter().map(String::as_str).filter(|name| *name != base.value && *name != parsed.file.calendar.name.value);
            let is_there = names.contains(&base.value);
            faults.add(parsed.source, if is_there { fault } else { fault.suggest(base, others) });
        }
    }
    built
}

/// A fault for each name of `wanted` that is not among the known ones.
fn unknown<'a>(name: &source::Placed<String>, what: (&str, &str), code: &'static str, known: impl Iterator<Item = &'a str>) -> Fault {
    Fault::new(name.range, code, format!("there is no {} '{}'", what.0, name.value), format!("没有{}“{}”", what.1, name.value))
        .help(format!("write a {} that is declared, or declare this one", what.0), format!("请写已声明的{}，或先作声明", what.1))
        .suggest(name, known)
}

/// Finds a named thing by id or by its Chinese title.
fn find<'a, T>(things: &'a Named<T>, name: &str, title: impl Fn(&T) -> &Title) -> Option<&'a str> {
    let found = things.iter().find(|(id, thing)| id.value == name || title(thing).zh == name);
    found.map(|(id, _)| id.value.as_str())
}
