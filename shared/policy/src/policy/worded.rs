//! Parameters that stand where a rule has more than a figure: a reminder, a pause, from when time counts, how cases are numbered. What may be
//! written for them.

use super::duty::{BY_DECISION, DutyRule, EVENT, NEVER, Pausing, Reminder, Start};
use super::kind::{FieldSort, Kind};
use super::number::NumberPattern;
use super::recurring::Every;
use super::{Pack, Policy};
use crate::Title;
use crate::calendar::Duration;

/// What a parameter of a pack stands for, where it is no figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StandsFor {
    Reminder,
    Pause,
    Start,
    Number,
}

impl Pack {
    /// Whether it stands for something of which there are several sorts, so that no default says what else fits.
    pub(super) fn is_worded(&self, parameter: &str) -> bool {
        self.stands_for(parameter).next().is_some()
    }

    /// Why a value cannot stand for the parameter, if it is such a one.
    pub(super) fn unfit_word(&self, parameter: &str, value: &str) -> Option<(&'static str, &'static str)> {
        self.stands_for(parameter).find_map(|what| match what {
            StandsFor::Reminder if Reminder::parse(value).is_none() => Some(("no reminder", "不是提醒时间")),
            StandsFor::Pause if Pausing::parse(value).is_none() => Some(("no pause", "不是暂停时长")),
            StandsFor::Start if value != EVENT && self.instant(value).is_none() => Some(("no beginning", "不是起算时间")),
            StandsFor::Number if NumberPattern::parse(value).is_err() => Some(("no number", "不是编号格式")),
            StandsFor::Reminder | StandsFor::Pause | StandsFor::Start | StandsFor::Number => None,
        })
    }

    fn stands_for(&self, parameter: &str) -> impl Iterator<Item = StandsFor> {
        let numbers = self.kinds.iter().filter(move |kind| kind.numbered_by.as_deref() == Some(parameter)).map(|_| StandsFor::Number);
        let of_duties = self.duty_rules().flat_map(move |rule| {
            let reminds = rule.remind.iter().any(|reminder| matches!(reminder, Reminder::Parameter(name) if name == parameter));
            let pauses = matches!(&rule.pause, Pausing::Parameter(name) if name == parameter);
            let starts = matches!(&rule.from, Some(Start::Parameter(name)) if name == parameter);
            let all = [(reminds, StandsFor::Reminder), (pauses, StandsFor::Pause), (starts, StandsFor::Start)];
            all.into_iter().filter_map(|(is, what)| is.then_some(what))
        });
        of_duties.chain(numbers)
    }

    /// The member of an event that a parameter's word names.
    pub(super) fn instant(&self, word: &str) -> Option<String> {
        instant(&self.kinds, word)
    }
}

/// Two that every case has, and its fields with dates or times, by id or Chinese title.
pub(super) fn instant(kinds: &[Kind], word: &str) -> Option<String> {
    if ["received_at", "occurred_at"].contains(&word) {
        return Some(word.to_owned());
    }
    let mut dates = kinds.iter().flat_map(|kind| &kind.fields).filter(|field| matches!(field.sort, FieldSort::Date | FieldSort::DateTime));
    dates.find(|field| field.id == word || field.title.zh == word).map(|field| format!("fields.{}", field.id))
}

impl Policy {
    /// Everything that the start of a rule's duties may be, everywhere: to see whether it changes.
    pub(super) fn starts(&self, pack: &str, rule: &DutyRule) -> Vec<(Option<String>, Title)> {
        let Some(Start::Parameter(name)) = &rule.from else { return Vec::new() };
        let default = self.pack(pack).and_then(|pack| pack.parameters.get(name)).map(|parameter| (None, parameter.value.clone()));
        default.into_iter().chain(self.chosen(pack, name).iter().cloned()).collect()
    }

    /// What the organisation has chosen for a parameter, by unit.
    pub(super) fn chosen(&self, pack: &str, parameter: &str) -> &[(Option<String>, Title)] {
        self.overrides.get(&(pack.to_owned(), parameter.to_owned())).map_or(&[], Vec::as_slice)
    }
}

/// The words that may stand for a parameter, as they are read.
pub(super) fn read_aloud(word: &str) -> Option<Title> {
    match word {
        NEVER => return Some(Title::new("不得", "never")),
        BY_DECISION => return Some(Title::new("由有权者决定", "by decision")),
        EVENT => return Some(Title::new("自该事件发生之时", "from the event itself")),
        "received_at" => return Some(Title::new("自收到之时", "from receipt")),
        "occurred_at" => return Some(Title::new("自发生之时", "from when it happened")),
        _ => {}
    }
    if let Some(span) = word.strip_suffix(" before") {
        let span: Duration = span.parse().ok()?;
        return Some(Title::new(format!("到期前{}", span.zh()), format!("{} before due", span.en())));
    }
    Every::read(word).map(Every::words)
}
