//! Whether a version may be declared to correct what it says it does: found, changed, and of a sort that can reach duties that stand.

use super::Policy;
use super::correction::{CALENDAR, Corrects, KIND};
use super::duty::DutyRule;
use super::kind::Actor;
use super::recount::{conditions, have_same_shape, is_plain, ladder_of};
use crate::Title;
use crate::calendar::Calendar;
use crate::source::suggestion;
use std::collections::BTreeMap;

/// As written, all calendars that change.
const ALL_CALENDARS: &str = "calendars";

/// Why one of the declared things cannot be corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its place in the list, from 0.
    pub nth: usize,
    pub wrong: Title,
    /// What to write or do instead.
    pub expected: Title,
}

impl Policy {
    /// Reads what `after` is declared to correct of this set: `calendar.cn`, `calendars` (all that change), `store-complaints/answer`,
    /// `store-complaints/kind.complaint_case`.
    ///
    /// # Errors
    /// Everything that cannot be corrected, each with what to do instead.
    pub fn correctable(&self, after: &Policy, places: &[String]) -> Result<Corrects, Vec<Wrong>> {
        let mut corrects = Corrects::default();
        let mut wrongs = Vec::new();
        for (nth, place) in places.iter().enumerate() {
            let place = place.trim();
            let said = match (place.strip_prefix(CALENDAR), place.split_once('/')) {
                _ if place == ALL_CALENDARS => {
                    self.changed_calendars(after).map(|found| found.iter().for_each(|name| corrects.add_calendar(name)))
                }
                (Some(calendar), _) => self.calendar_is_correctable(after, calendar).map(|()| corrects.add_calendar(calendar)),
                (None, Some((pack, rule))) => match rule.strip_prefix(KIND) {
                    Some(kind) => self.kind_is_correctable(after, pack, kind).map(|()| corrects.add_kind(pack, kind)),
                    None => self.rule_is_correctable(after, pack, rule).map(|()| corrects.add_rule(pack, rule)),
                },
                (None, None) => Err(unknown(place, &self.correctable_places(after))),
            };
            if let Err((wrong, expected)) = said {
                wrongs.push(Wrong { nth, wrong, expected });
            }
        }
        if wrongs.is_empty() { Ok(corrects) } else { Err(wrongs) }
    }

    fn changed_calendars(&self, after: &Policy) -> Result<Vec<String>, (Title, Title)> {
        let differs = |calendar: &&Calendar| after.calendar(&calendar.name).is_some_and(|new| written(new) != written(calendar));
        let changed: Vec<String> = self.calendars().filter(differs).map(|calendar| calendar.name.clone()).collect();
        if changed.is_empty() {
            return Err((
                Title::new("没有日历发生变化", "no calendar changes"),
                Title::new("改动日历的天数或时间，或去掉此项", "change a calendar's days or hours, or leave this out"),
            ));
        }
        Ok(changed)
    }

    fn calendar_is_correctable(&self, after: &Policy, name: &str) -> Result<(), (Title, Title)> {
        let (Some(old), Some(new)) = (self.calendar(name), after.calendar(name)) else {
            let known: Vec<String> = self.calendars().map(|calendar| format!("{CALENDAR}{}", calendar.name)).collect();
            return Err(unknown(&format!("{CALENDAR}{name}"), &known));
        };
        if written(old) == written(new) {
            return Err(unchanged(&format!("{CALENDAR}{name}")));
        }
        Ok(())
    }

    fn rule_is_correctable(&self, after: &Policy, pack: &str, rule: &str) -> Result<(), (Title, Title)> {
        let place = format!("{pack}/{rule}");
        let (Some(old), Some(new)) = (self.duty_rule(pack, rule), after.duty_rule(pack, rule)) else {
            return Err(unknown(&place, &self.correctable_places(after)));
        };
        if self.rule_as_written(pack, old) == after.rule_as_written(pack, new) {
            return Err(unchanged(&place));
        }
        let triggers = |rule: &DutyRule| format!("{:?}{:?}{:?}{:?}", rule.opens, rule.closes, rule.cancels, rule.key);
        if triggers(old) != triggers(new) {
            return Err(impossible(
                &place,
                (
                    "产生、完成或取消的条件有变，已产生的责任事项无法更换",
                    "what opens, closes or cancels it changes, and duties that stand cannot change that",
                ),
            ));
        }
        if old.from != new.from || self.starts(pack, old) != after.starts(pack, new) {
            return Err(impossible(
                &place,
                ("起算时间（from）有变，产生时的日期已不可知", "from when time counts changes, and the date of then is not kept"),
            ));
        }
        let is_one_term = matches!(new.within.as_slice(), [only] if is_plain(only));
        if !is_one_term && !have_same_shape(&old.within, &new.within) {
            return Err(impossible(
                &place,
                (
                    "时限的条件或日期字段有变，产生时是否符合已不可知",
                    "the conditions or date fields of `within` change, and whether they held at the opening is not kept",
                ),
            ));
        }
        let named_by_field = |rule: &DutyRule| rule.owed_by.iter().chain(&rule.owed_to).any(|actor| matches!(actor, Actor::Field(_)));
        let people = |rule: &DutyRule| format!("{:?}{:?}", rule.owed_by, rule.owed_to);
        if people(old) != people(new) && (named_by_field(old) || named_by_field(new)) {
            return Err(impossible(
                &place,
                (
                    "责任人由字段指定且有变，产生时的字段已不可知",
                    "who owes it is named by a field and changes, and the field of then is not kept",
                ),
            ));
        }
        if old.opens.is_empty() && people(old) != people(new) {
            return Err(impossible(
                &place,
                (
                    "周期性责任事项的责任岗位有变，已产生的各归其岗",
                    "the post that owes a recurring duty changes, and those that stand belong to theirs",
                ),
            ));
        }
        let ladders = (self.pack(pack).and_then(|pack| ladder_of(pack, old)), after.pack(pack).and_then(|pack| ladder_of(pack, new)));
        let (old_conditions, new_conditions) = (conditions(ladders.0), conditions(ladders.1));
        let is_new = |(nth, condition): (usize, &Option<&_>)| condition.is_some() && old_conditions.get(nth) != Some(condition);
        if new_conditions.iter().enumerate().any(is_new) {
            return Err(impossible(
                &place,
                (
                    "升级阶梯中某级的条件有变，产生时是否符合已不可知",
                    "the condition of a rung changes, and whether it held at the opening is not kept",
                ),
            ));
        }
        Ok(())
    }

    /// All that is written of a rule, with what it refers to: figures, posts and ladder of its pack.
    fn rule_as_written(&self, pack: &str, rule: &DutyRule) -> String {
        let known = self.pack(pack);
        let figures: BTreeMap<&String, &Title> =
            known.into_iter().flat_map(|pack| &pack.parameters).map(|(name, it)| (name, &it.value)).collect();
        let overrides: Vec<_> = self.overrides.iter().filter(|((of, _), _)| of == pack).collect();
        let plays: Vec<_> = self.plays.iter().filter(|plays| plays.pack == pack).map(|plays| (&plays.unit, &plays.roles)).collect();
        format!("{rule:?}{:?}{figures:?}{overrides:?}{plays:?}", known.and_then(|pack| ladder_of(pack, rule)))
    }

    /// What could be named.
    pub(super) fn correctable_places(&self, after: &Policy) -> Vec<String> {
        let in_both = |pack: &str, rule: &str| after.duty_rule(pack, rule).is_some();
        let mut places: Vec<String> = self.calendars().map(|calendar| format!("{CALENDAR}{}", calendar.name)).collect();
        for pack in self.packs() {
            let rules = pack.duties.iter().chain(pack.recurring.iter().map(|recurring| &recurring.rule));
            places.extend(rules.filter(|rule| in_both(&pack.id, &rule.id)).map(|rule| format!("{}/{}", pack.id, rule.id)));
            let kinds = pack.kinds.iter().filter(|kind| after.kind(&pack.id, &kind.id).is_some());
            places.extend(kinds.map(|kind| format!("{}/{KIND}{}", pack.id, kind.id)));
        }
        places
    }
}

/// Everything by which a calendar counts.
fn written(calendar: &Calendar) -> String {
    format!("{:?}{:?}{:?}{:?}", calendar.zone.iana_name(), calendar.weekly, calendar.holidays, calendar.special)
}

pub(super) fn unknown(place: &str, known: &[String]) -> (Title, Title) {
    let forms = Title::new(
        "可写：calendar.日历名、calendars（全部有变化的日历）、制度包/规则、制度包/kind.类别，且新旧版本中均有",
        "write calendar.NAME, calendars (all that change), PACK/RULE or PACK/kind.KIND, of what is in both versions",
    );
    let meant = suggestion(place, known.iter().map(String::as_str));
    let expected = meant.map_or(forms.clone(), |(en, zh)| Title::new(format!("{zh}（{}）", forms.zh), format!("{en} ({})", forms.en)));
    (
        Title::new(
            format!("“{place}”不是可更正的日历、规则或类别"),
            format!("'{place}' is no calendar, rule or kind that can be corrected"),
        ),
        expected,
    )
}

pub(super) fn unchanged(place: &str) -> (Title, Title) {
    (
        Title::new(format!("“{place}”在此版本中没有变化"), format!("'{place}' does not change in this version")),
        Title::new("改动它，或去掉此项", "change it, or leave this out"),
    )
}

pub(super) fn impossible(place: &str, (zh, en): (&str, &str)) -> (Title, Title) {
    (
        Title::new(format!("“{place}”不能作为更正：{zh}"), format!("'{place}' cannot be a correction: {en}")),
        Title::new(
            "去掉此项：新规定只适用于此后的案件；或先作不含这一改动的更正",
            "leave this out: then it holds for new cases alone; or correct it first without that change",
        ),
    )
}
