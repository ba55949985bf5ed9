//! Classes of records (档案类别): how secret they are, who keeps them, for how long, and what may be done with them.

use super::super::describe::Thing;
use super::super::duty::Amount;
use super::super::kind::{Actor, Field};
use super::super::number::NumberPattern;
use super::{Declaration, Phrase, Rhythm, Stated, Words};
use crate::Title;
use crate::calendar::{Basis, Duration, Measure};

/// A class of records, compiled.
#[derive(Debug, Clone)]
pub struct Record {
    pub stated: Stated,
    pub grade: GradeSource,
    pub custodian: Vec<Actor>,
    pub holds: Vec<Held>,
    pub index: Option<NumberPattern>,
    pub kept: Option<KeptSource>,
    /// None: from filing.
    pub kept_from: Option<Phrase>,
    pub access: Option<Handling>,
    pub loan: Option<Handling>,
    pub copy: Option<Handling>,
    pub disclosure: Option<Handling>,
    pub disposal: Option<Handling>,
    pub inspected: Option<Rhythm>,
    pub fields: Vec<Field>,
}

/// How secret, from what anybody may see to what hardly anybody may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    Open,
    Internal,
    Confidential,
    Secret,
    TopSecret,
}

/// A grade as written, or a parameter that names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GradeSource {
    Fixed(Grade),
    Parameter(String),
}

/// What is filed in a class, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Closed cases of this kind.
    Kind(String),
    Form(String),
    Report(String),
    Survey(String),
}

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// In days, weeks or months.
    For(Duration),
    Years(u32),
    ForGood,
}

/// A time as written, or a parameter that holds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptSource {
    Fixed(Kept),
    Parameter(String),
}

/// What may be done with a record: by whom, through which decision, for how long.
#[derive(Debug, Clone)]
pub struct Handling {
    pub decision: Option<String>,
    pub by: Vec<Actor>,
    pub span: Option<Amount>,
    pub never: bool,
    pub says: Option<Phrase>,
}

impl Grade {
    pub(in crate::policy) const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Open, "open", "公开"),
        (Self::Internal, "internal", "内部"),
        (Self::Confidential, "confidential", "秘密"),
        (Self::Secret, "secret", "机密"),
        (Self::TopSecret, "top secret", "绝密"),
    ];

    /// Reads its word, in either language.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, en, zh)| *en == word || *zh == word).map(|(grade, _, _)| grade)
    }

    pub fn title(self) -> Title {
        Self::ALL.iter().find(|(grade, _, _)| *grade == self).map(|(_, en, zh)| Title::new(*zh, *en)).unwrap_or_default()
    }
}

impl Kept {
    /// Longest time that can be meant, in years.
    const MOST_YEARS: u32 = 100;

    /// `30d`, `6w`, `6mon`, `10y`, `for good`. Nothing is kept for working hours. None: it is no such time.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if matches!(text, "for good" | "永久") {
            return Some(Self::ForGood);
        }
        if let Some(years) = text.strip_suffix('y') {
            return years.trim_end().parse().ok().filter(|years| (1..=Self::MOST_YEARS).contains(years)).map(Self::Years);
        }
        let duration: Duration = text.parse().ok()?;
        let whole_days = duration.basis() == Basis::Calendar && matches!(duration.measure, Measure::Day | Measure::Week | Measure::Month);
        whole_days.then_some(Self::For(duration))
    }

    pub fn words(self) -> Title {
        match self {
            Self::For(duration) => Title::new(duration.zh(), duration.en()),
            Self::Years(years) => Title::new(format!("{years}年"), format!("{years} year{}", if years == 1 { "" } else { "s" })),
            Self::ForGood => Title::new("永久", "for good"),
        }
    }
}

impl Declaration for Record {
    fn stated(&self) -> &Stated {
        &self.stated
    }

    fn describe(&self, thing: Thing, words: &Words<'_>) -> Thing {
        let grade = match &self.grade {
            GradeSource::Fixed(grade) => grade.title(),
            GradeSource::Parameter(name) => words.parameter(name, |value| Grade::read(value).map(Grade::title)),
        };
        let kept = match &self.kept {
            None => Title::default(),
            Some(KeptSource::Fixed(kept)) => kept.words(),
            Some(KeptSource::Parameter(name)) => words.parameter(name, |value| Kept::read(value).map(Kept::words)),
        };
        let handled = |handling: &Option<Handling>| handling.as_ref().map(|handling| words.handling(handling)).unwrap_or_default();
        thing
            .says("grade", "密级", "grade", grade)
            .says("holds", "归入", "holds", words.held(&self.holds))
            .says("custodian", "保管", "kept by", words.people(&self.custodian))
            .says(
                "index",
                "档号",
                "index number",
                self.index.as_ref().map(NumberPattern::written).map(|index| Title::new(&index, &index)).unwrap_or_default(),
            )
            .says("kept", "保管期限", "kept", kept)
            .says("kept_from", "期限起算", "counted", words.phrase(self.kept_from.as_ref()))
            .says("access", "查阅", "access", handled(&self.access))
            .says("loan", "借阅", "loan", handled(&self.loan))
            .says("copy", "复制", "copies", handled(&self.copy))
            .says("disclosure", "对外提供", "disclosure", handled(&self.disclosure))
            .says("disposal", "处置", "disposal", handled(&self.disposal))
            .says("inspected", "检查", "inspected", words.rhythm(self.inspected.as_ref()))
            .says("states", "归档登记", "written down at filing", words.fields(&self.fields))
    }

    fn actors(&self) -> Vec<&Actor> {
        let handled = [&self.access, &self.loan, &self.copy, &self.disclosure, &self.disposal];
        self.custodian.iter().chain(handled.into_iter().flatten().flat_map(|handling| &handling.by)).collect()
    }

    fn fields(&self) -> &[Field] {
        &self.fields
    }
}
