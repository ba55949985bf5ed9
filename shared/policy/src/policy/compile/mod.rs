//! From files to a policy: read, look up every name, refuse what cannot be meant.
//!
//! A pack is compiled by itself first (kinds, then duties and ladders, which speak of kinds), then the set as a whole: calendars,
//! bindings, who plays which role, and whether two packs claim the same report.

mod declarations;
mod duties;
mod kinds;
mod ladders;
mod packs;
mod set;

use super::Policy;
use crate::calendar::Calendar;
use crate::organisation::Organisation;
use crate::source::calendar::CalendarFile;
use crate::source::pack::{PACK_SECTIONS, PackFile};
use crate::source::{self, Fault, Faults, File, Named, Sort};
use crate::{Diagnostic, Source, Title};
use std::collections::BTreeMap;

/// Events that intake, escalation, notifications and archive tell whatever the packs say.
pub(crate) const CASE_EVENTS: [&str; 13] = [
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
];
const OTHER_EVENTS: [&str; 13] = [
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
];

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
    let files: Vec<File<'_>> = sources.iter().filter_map(|source| source::read(source, faults)).collect();
    let calendars = read_calendars(&files, faults);
    let organisations: Vec<Parsed<'_, Organisation>> = of_sort(&files, Sort::Organisation)
        .filter_map(|file| Some(Parsed { source: file.source(), file: Organisation::read(file, faults)? }))
        .collect();
    for file in files.iter().filter(|file| file.sort().is_none()) {
        let fault = Fault::new(
            (0, 0),
            "what-is-this",
            "this is neither a pack nor a calendar nor an organisation",
            "此文件既不是制度包，也不是日历或组织文件",
        );
        faults.add(
            file.source(),
            fault.help("begin with [pack], [calendar] or [organisation]", "请以 [pack]、[calendar] 或 [organisation] 开头"),
        );
    }
    let organisation = the_one(&organisations, sources, faults)?;
    let channels: Vec<(String, Title)> =
        organisation.file.file.channel.iter().map(|(id, title)| (id.value.clone(), title.clone())).collect();
    let mut packs = Vec::new();
    for file in of_sort(&files, Sort::Pack) {
        let before = faults.errors();
        let read = read_pack(file, faults);
        // Names are looked up only in a file whose shapes are all right: what could not be read would be missed everywhere.
        let Some(parsed) = read.filter(|_| faults.errors() == before) else { continue };
        let mut found = Vec::new();
        let pack = packs::compile(&parsed, &channels, &calendars, &mut found);
        for fault in found {
            faults.add(file.source(), fault);
        }
        packs.push((Parsed { source: file.source(), file: parsed }, pack));
    }
    if faults.errors() > 0 {
        return None;
    }
    Some(set::assemble(packs, organisation, calendars, faults))
}

fn of_sort<'f, 's>(files: &'f [File<'s>], sort: Sort) -> impl Iterator<Item = &'f File<'s>> {
    files.iter().filter(move |file| file.sort() == Some(sort))
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
                faults.add(other.source, Fault::new((0, 0), "two-organisations", en, format!("{}中已有组织文件", first.source.name)));
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

fn read_calendars(files: &[File<'_>], faults: &mut Faults) -> BTreeMap<String, Calendar> {
    let mut waiting: Vec<Parsed<'_, CalendarFile>> = Vec::new();
    for file in of_sort(files, Sort::Calendar) {
        file.only(&["calendar"], faults);
        if let Some(calendar) = file.section("calendar", faults) {
            waiting.push(Parsed { source: file.source(), file: CalendarFile { calendar } });
        }
    }
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
            if built.contains_key(&text.name.value) {
                let en = format!("there are two calendars called '{}'", text.name.value);
                found.push(Fault::new(text.name.range, "twice", en, format!("有两个名为“{}”的日历", text.name.value)));
            }
            found.into_iter().for_each(|fault| faults.add(parsed.source, fault));
            built.extend(calendar.map(|calendar| (calendar.name.clone(), calendar)));
        }
    }
    for parsed in waiting {
        if let Some(base) = &parsed.file.calendar.extends {
            let en = format!("there is no calendar '{}' to extend, or it extends this one", base.value);
            let fault = Fault::new(base.range, "unknown-calendar", en, format!("没有可供扩展的日历“{}”，或两者互相扩展", base.value));
            faults.add(parsed.source, fault.suggest(base, names.iter().map(String::as_str)));
        }
    }
    built
}

/// A fault for each name of `wanted` that is not among the known ones.
fn unknown<'a>(name: &source::Placed<String>, what: (&str, &str), code: &'static str, known: impl Iterator<Item = &'a str>) -> Fault {
    Fault::new(name.range, code, format!("there is no {} '{}'", what.0, name.value), format!("没有{}“{}”", what.1, name.value))
        .suggest(name, known)
}

/// Finds a named thing by id or by its Chinese title.
fn find<'a, T>(things: &'a Named<T>, name: &str, title: impl Fn(&T) -> &Title) -> Option<&'a str> {
    let found = things.iter().find(|(id, thing)| id.value == name || title(thing).zh == name);
    found.map(|(id, _)| id.value.as_str())
}
