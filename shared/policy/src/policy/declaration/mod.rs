//! Declarations: what a regulation says that is checked and explained now and runs with engines that come later.

mod conduct;
mod decision;
mod form;
mod notice;
mod parameters;
mod quota;
mod record;
mod report;
mod survey;
mod words;

pub use conduct::{Conduct, Demand};
pub use decision::{Decision, DecisionStep, Subject};
pub use form::Form;
pub use notice::{Channel, Message, Notice, Occasion};
pub use quota::Quota;
pub use record::{Grade, GradeSource, Handling, Held, Kept, KeptSource, Record};
pub use report::Report;
pub use survey::Survey;

pub(super) use words::Words;

use super::describe::Thing;
use super::kind::{Actor, Field};
use super::recurring::Every;
use crate::Title;
use crate::condition::Decimal;

/// All declarations of a pack, each sort in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Declarations {
    pub decisions: Vec<Decision>,
    pub forms: Vec<Form>,
    pub reports: Vec<Report>,
    pub records: Vec<Record>,
    pub notices: Vec<Notice>,
    pub messages: Vec<Message>,
    pub surveys: Vec<Survey>,
    pub quotas: Vec<Quota>,
    pub conducts: Vec<Conduct>,
}

/// What every declaration states of itself.
#[derive(Debug, Clone)]
pub struct Stated {
    pub sort: DeclarationSort,
    pub id: String,
    pub title: Title,
    pub article: String,
    /// Rule ids of regulations.md that it carries.
    pub rules: Vec<String>,
    pub note: Option<Title>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeclarationSort {
    Decision,
    Form,
    Report,
    Record,
    Notice,
    Message,
    Survey,
    Quota,
    Conduct,
}

/// How often: a period as written, or a parameter that names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rhythm {
    Fixed(Every),
    Parameter(String),
}

/// Words as written, or a parameter that holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phrase {
    Words(Title),
    Parameter(String),
}

/// A number or a share (`100%`) as written, or a parameter that holds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figure {
    Fixed(String),
    Parameter(String),
}

impl Figure {
    /// Whether a text is a figure: a number not below zero, or a share of at most all.
    pub fn reads(text: &str) -> bool {
        let (Some(none), Some(all)) = (Decimal::parse("0"), Decimal::parse("100")) else { return false };
        match text.trim().strip_suffix('%') {
            Some(share) => Decimal::parse(share).is_some_and(|share| share >= none && share <= all),
            None => Decimal::parse(text).is_some_and(|number| number >= none),
        }
    }
}

impl DeclarationSort {
    /// The name of its table in a pack: `decision`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Form => "form",
            Self::Report => "report",
            Self::Record => "record",
            Self::Notice => "notice",
            Self::Message => "message",
            Self::Survey => "survey",
            Self::Quota => "quota",
            Self::Conduct => "conduct",
        }
    }

    /// What people call it.
    pub fn title(self) -> Title {
        match self {
            Self::Decision => Title::new("审批", "decision"),
            Self::Form => Title::new("表单", "form"),
            Self::Report => Title::new("报表", "report"),
            Self::Record => Title::new("档案类别", "class of records"),
            Self::Notice => Title::new("通知", "notice"),
            Self::Message => Title::new("文案", "message"),
            Self::Survey => Title::new("调查", "survey"),
            Self::Quota => Title::new("指标", "quota"),
            Self::Conduct => Title::new("行为规范", "rule of conduct"),
        }
    }

    /// The engine that will run it, as a sentence goes on after 'runs with'.
    pub fn engine(self) -> Title {
        match self {
            Self::Decision => Title::new("审批引擎", "the engine for decisions"),
            Self::Form => Title::new("表单引擎", "the engine for forms"),
            Self::Report => Title::new("报表引擎", "the engine for reports"),
            Self::Record => Title::new("档案引擎", "the engine for records"),
            Self::Notice | Self::Message => Title::new("通知引擎", "the engine for notices"),
            Self::Survey => Title::new("调查引擎", "the engine for surveys"),
            Self::Quota => Title::new("指标引擎", "the engine for quotas"),
            Self::Conduct => Title::new("行为案件引擎", "the engine for conduct cases"),
        }
    }
}

impl Stated {
    /// Where it stands in its pack: `decision.destroy`.
    pub fn place(&self) -> String {
        format!("{}.{}", self.sort.as_str(), self.id)
    }
}

/// What all sorts have in common: enough to explain, compare and count them.
pub(super) trait Declaration {
    fn stated(&self) -> &Stated;

    /// Everything that holds of it, in words, in the order of reading.
    fn describe(&self, thing: Thing, words: &Words<'_>) -> Thing;

    /// Whoever it speaks of.
    fn actors(&self) -> Vec<&Actor> {
        Vec::new()
    }

    /// What is filled in with it.
    fn fields(&self) -> &[Field] {
        &[]
    }
}

impl Declarations {
    /// Each of them, sort by sort.
    pub fn stated(&self) -> impl Iterator<Item = &Stated> {
        self.all().into_iter().map(Declaration::stated)
    }

    pub(super) fn all(&self) -> Vec<&dyn Declaration> {
        fn of<T: Declaration>(declarations: &[T]) -> impl Iterator<Item = &dyn Declaration> {
            declarations.iter().map(|declaration| declaration as &dyn Declaration)
        }
        of(&self.decisions)
            .chain(of(&self.forms))
            .chain(of(&self.reports))
            .chain(of(&self.records))
            .chain(of(&self.notices))
            .chain(of(&self.messages))
            .chain(of(&self.surveys))
            .chain(of(&self.quotas))
            .chain(of(&self.conducts))
            .collect()
    }

    /// The title of one of them, by sort and id.
    pub(super) fn title(&self, sort: DeclarationSort, id: &str) -> Option<&Title> {
        self.all().into_iter().map(Declaration::stated).find(|stated| stated.sort == sort && stated.id == id).map(|stated| &stated.title)
    }
}
