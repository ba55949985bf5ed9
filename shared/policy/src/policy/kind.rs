//! Kinds (事项类别): what a pack takes reports as, with fields, severities, stages and steps.

use super::duty::Amount;
use super::number::NumberPattern;
use super::recurring::Every;
use crate::Title;
use crate::condition::Condition;
use serde::Serialize;

/// A kind of case, compiled.
#[derive(Debug, Clone)]
pub struct Kind {
    pub pack: String,
    pub id: String,
    pub title: Title,
    /// Other names under which reports may ask for it.
    pub aliases: Vec<String>,
    pub article: String,
    /// Rule ids of regulations.md that it carries.
    pub rules: Vec<String>,
    /// Takes a report without a kind.
    pub default: bool,
    /// Takes what could not be sorted (待分拣).
    pub unsorted: bool,
    /// Offered on the public form.
    pub public: bool,
    pub number: NumberPattern,
    /// The parameter that holds the pattern, where the organisation may choose it.
    pub numbered_by: Option<String>,
    pub fields: Vec<Field>,
    /// The gravest first; the last is the one that needs no condition.
    pub severities: Vec<Severity>,
    pub stages: Vec<Stage>,
    pub steps: Vec<Step>,
    pub repeats: Option<Repeats>,
    /// Whether a unit complained about sees the case.
    pub about_unit_sees: bool,
    /// What becomes of a report that follows a closed case.
    pub follows_closed: FollowsClosed,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub id: String,
    pub title: Title,
    pub sort: FieldSort,
    /// Never in events; shown only to who may see personal text.
    pub personal: bool,
    /// Values of a choice.
    pub choices: Vec<Choice>,
    /// Of a period: how long the rounds are that it closes; empty: of any length.
    pub periods: Vec<Every>,
    /// Needed already in the report, where this holds; what lacks it is still taken, with a warning.
    pub required_when: Option<Condition>,
    pub article: String,
    pub rules: Vec<String>,
    /// Asked for on the public form.
    pub public: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    pub value: String,
    pub title: Title,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldSort {
    Text,
    Choice,
    /// Several choices.
    Choices,
    Amount,
    Number,
    Date,
    /// A wall time of the unit's own.
    DateTime,
    /// What a report is about: a day, week, month, quarter, half-year or year.
    Period,
    Phone,
    Email,
    Plate,
    File,
    Person,
    Unit,
    YesNo,
}

#[derive(Debug, Clone)]
pub struct Severity {
    pub id: String,
    pub title: Title,
    pub article: String,
    pub rules: Vec<String>,
    /// None: always.
    pub when: Option<Condition>,
    /// Sorted to the top and marked in lists.
    pub major: bool,
}

#[derive(Debug, Clone)]
pub struct Stage {
    pub id: String,
    pub title: Title,
    pub article: String,
    /// The case is closed here.
    pub terminal: bool,
}

/// A move (to another stage), an act (a named step within a stage) or a return (退回).
#[derive(Debug, Clone)]
pub struct Step {
    pub id: String,
    pub sort: StepSort,
    pub title: Title,
    pub article: String,
    pub rules: Vec<String>,
    /// Stages in which it is allowed.
    pub from: Vec<String>,
    /// Stage after it; None for an act, and for a return to whoever sorts.
    pub to: Option<String>,
    /// Who may do it; empty: everybody with the right to move cases there.
    pub by: Vec<Actor>,
    /// Fields that must be given with it or stand already.
    pub requires: Vec<String>,
    /// Fields that may be given with it.
    pub asks: Vec<String>,
    /// Needed besides the stage.
    pub when: Option<Condition>,
    /// Happened-word of the event: `accepted` for `case.accepted`.
    pub event: String,
    /// Sets the case's outcome.
    pub outcome: Option<String>,
    /// Done only once in a case's life (until it is reopened).
    pub once: bool,
    /// Of a return (退回): what holds of it besides. One that leads to no stage goes back to whoever sorts reports.
    pub returning: Option<Returning>,
}

/// What holds of a step by which a case is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returning {
    /// How often a case may be returned until it is reopened, whoever does it.
    pub limit: Limit,
    /// Who decides where it belongs when it may be returned no more.
    pub decided_by: Vec<Actor>,
    /// Fields that it empties: to whom the case had been given.
    pub clears: Vec<String>,
}

/// How often, as written, or a parameter that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    Fixed(i64),
    Parameter(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepSort {
    Move,
    Act,
    Return,
}

impl StepSort {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Act => "act",
            Self::Return => "return",
        }
    }
}

/// Who does or owes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A role of the pack; [`super::Policy::post_for`] tells which post plays it.
    Role(String),
    /// The person whom the case is assigned to.
    Handler,
    /// The person who reported or registered it by hand.
    Reporter,
    /// The person named in this field.
    Field(String),
    /// In ladders: whoever owes the duty.
    Owner,
    /// In ladders: the next superior of who owes it.
    Superior,
    /// In ladders: those to whom it is owed.
    OwedTo,
}

/// When reports are of the same matter.
#[derive(Debug, Clone)]
pub struct Repeats {
    /// Each a way to be the same; parts joined. Parts: `phone`, `unit`, `kind`, `email`, or a field's id.
    pub keys: Vec<Vec<String>>,
    pub within: Amount,
    pub article: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowsClosed {
    /// The case is reopened by this step.
    Reopen { step: String },
    /// The report becomes a case of its own, linked.
    NewCase,
    /// It joins as a supplement, the case stays closed.
    Join,
}

/// Of so many steps an outcome is called after at most.
const CALLED_AFTER: usize = 3;

/// Every outcome that steps of these kinds set, called after the first such step of each kind and by its own word.
pub(super) fn outcomes(kinds: &[Kind]) -> Vec<(String, Title)> {
    let mut set_by: Vec<(&str, Vec<&Title>)> = Vec::new();
    let first_of_its_kind =
        |kind: &'_ Kind, nth: usize, outcome: &str| !kind.steps.iter().take(nth).any(|step| step.outcome.as_deref() == Some(outcome));
    let steps = kinds.iter().flat_map(|kind| kind.steps.iter().enumerate().map(move |(nth, step)| (kind, nth, step)));
    for (kind, nth, step) in steps {
        let Some(outcome) = step.outcome.as_deref().filter(|outcome| first_of_its_kind(kind, nth, outcome)) else { continue };
        match set_by.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, titles)) if titles.contains(&&step.title) => {}
            Some((_, titles)) => titles.push(&step.title),
            None => set_by.push((outcome, vec![&step.title])),
        }
    }
    set_by.into_iter().map(|(outcome, titles)| (outcome.to_owned(), called_after(&titles, outcome))).collect()
}

/// `批准拜访计划书、核准制度（approved）`.
fn called_after(titles: &[&Title], outcome: &str) -> Title {
    let shown = || titles.iter().take(CALLED_AFTER);
    let zh = shown().map(|title| title.zh.as_str()).collect::<Vec<_>>().join("、");
    let en = shown().map(|title| title.en.as_str()).collect::<Vec<_>>().join(", ");
    let (etc, and_more) = if titles.len() > CALLED_AFTER { ("等", " and more") } else { ("", "") };
    Title::new(format!("{zh}{etc}（{outcome}）"), format!("{en}{and_more} ({outcome})"))
}

impl FieldSort {
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::Text, "text"),
        (Self::Choice, "choice"),
        (Self::Choices, "choices"),
        (Self::Amount, "amount"),
        (Self::Number, "number"),
        (Self::Date, "date"),
        (Self::DateTime, "datetime"),
        (Self::Period, "period"),
        (Self::Phone, "phone"),
        (Self::Email, "email"),
        (Self::Plate, "plate"),
        (Self::File, "file"),
        (Self::Person, "person"),
        (Self::Unit, "unit"),
        (Self::YesNo, "yes_no"),
    ];

    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(sort, _)| *sort == self).map_or("", |(_, word)| word)
    }

    pub fn words(self) -> Title {
        let (zh, en) = match self {
            Self::Text => ("文字", "text"),
            Self::Choice => ("单选", "one of several"),
            Self::Choices => ("多选", "any of several"),
            Self::Amount => ("金额", "amount"),
            Self::Number => ("数字", "number"),
            Self::Date => ("日期", "date"),
            Self::DateTime => ("日期和时间", "date and time"),
            Self::Period => ("期间", "period"),
            Self::Phone => ("电话", "telephone"),
            Self::Email => ("电子邮箱", "email"),
            Self::Plate => ("车牌号", "number plate"),
            Self::File => ("文件", "file"),
            Self::Person => ("人员", "person"),
            Self::Unit => ("单位", "unit"),
            Self::YesNo => ("是或否", "yes or no"),
        };
        Title::new(zh, en)
    }
}

impl Kind {
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    pub fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    pub fn severity_named(&self, id: &str) -> Option<&Severity> {
        self.severities.iter().find(|severity| severity.id == id)
    }

    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// Where a case begins.
    pub fn first_stage(&self) -> &str {
        self.stages.first().map_or("registered", |stage| stage.id.as_str())
    }

    pub fn is_terminal(&self, stage: &str) -> bool {
        self.stage(stage).is_some_and(|stage| stage.terminal)
    }

    /// Steps that start from this stage, in the pack's order.
    pub fn steps_from(&self, stage: &str) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.from.iter().any(|from| from == stage))
    }

    /// A stage of this kind and every one to which steps that are followed lead from it, in the order in which they are come to.
    pub(super) fn onwards(&self, stage: &str, follows: impl Fn(&Step) -> bool) -> Vec<&str> {
        let mut reached: Vec<&str> = self.stage(stage).map(|stage| stage.id.as_str()).into_iter().collect();
        let mut at = 0;
        while let Some(stage) = reached.get(at).copied() {
            for to in self.steps_from(stage).filter(|step| follows(step)).filter_map(|step| step.to.as_deref()) {
                if !reached.contains(&to) {
                    reached.push(to);
                }
            }
            at += 1;
        }
        reached
    }

    /// True if a report's word for a kind means this one: its id, title or an alias.
    pub fn is_called(&self, word: &str) -> bool {
        self.id == word || self.title.says(word) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(word))
    }
}
