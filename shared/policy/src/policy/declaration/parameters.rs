//! What a parameter must hold where declarations use it.

use super::super::Pack;
use super::super::recurring::Every;
use super::{Declarations, Demand, Figure, Grade, GradeSource, Kept, KeptSource, Phrase, Rhythm};

/// What is wanted of a value, in English and Chinese, as a sentence goes on after 'this is'.
type Wanted = (&'static str, &'static str);

impl Pack {
    /// Whether the parameter stands where words do: then any words will do.
    pub(in crate::policy) fn speaks(&self, parameter: &str) -> bool {
        let mut phrases = self.declarations.phrases().chain(&self.interpretation);
        phrases.any(|phrase| matches!(phrase, Phrase::Parameter(name) if name == parameter))
    }
}

impl Declarations {
    /// Whether something is kept for as long as this parameter says: then it may be in years, or for good.
    pub(in crate::policy) fn keeps_for(&self, parameter: &str) -> bool {
        self.records.iter().any(|record| matches!(&record.kept, Some(KeptSource::Parameter(name)) if name == parameter))
    }

    /// What this value is not, though a declaration that uses the parameter needs it to be.
    pub(in crate::policy) fn unfit(&self, parameter: &str, value: &str) -> Option<Wanted> {
        if self.keeps_for(parameter) && Kept::read(value).is_none() {
            return Some(("no time to keep something", "不是保管期限"));
        }
        let graded = |grade: &GradeSource| matches!(grade, GradeSource::Parameter(name) if name == parameter);
        if self.records.iter().any(|record| graded(&record.grade)) && Grade::read(value).is_none() {
            return Some(("no grade", "不是密级"));
        }
        let paced = |rhythm: &Option<Rhythm>| matches!(rhythm, Some(Rhythm::Parameter(name)) if name == parameter);
        if self.rhythms().any(paced) && Every::read(value).is_none() {
            return Some(("no period", "不是周期"));
        }
        let measured = |figure: &Option<Figure>| matches!(figure, Some(Figure::Parameter(name)) if name == parameter);
        (self.figures().any(measured) && !Figure::reads(value)).then_some(("neither a number nor a share", "既不是数字也不是百分比"))
    }

    /// Every phrase of theirs.
    fn phrases(&self) -> impl Iterator<Item = &Phrase> {
        let occasions = self.notices.iter().map(|notice| &notice.on).chain(self.surveys.iter().map(|survey| &survey.on));
        let handlings = self
            .records
            .iter()
            .flat_map(|record| [&record.access, &record.loan, &record.copy, &record.disclosure, &record.disposal].into_iter().flatten());
        let conducts = self.conducts.iter().flat_map(|conduct| {
            let (Demand::Forbids(demand) | Demand::Requires(demand)) = &conduct.demand;
            std::iter::once(demand).chain(&conduct.consequence)
        });
        let lists = self.reports.iter().map(|report| &report.figures);
        let lists = lists.chain(self.surveys.iter().flat_map(|survey| [&survey.questions, &survey.grades])).flatten();
        lists
            .chain(self.records.iter().filter_map(|record| record.kept_from.as_ref()))
            .chain(handlings.filter_map(|handling| handling.says.as_ref()))
            .chain(occasions.filter_map(|occasion| occasion.otherwise.as_ref()))
            .chain(conducts)
    }

    fn rhythms(&self) -> impl Iterator<Item = &Option<Rhythm>> {
        let reports = self.reports.iter().map(|report| &report.every);
        let records = self.records.iter().map(|record| &record.inspected);
        let surveys = self.surveys.iter().map(|survey| &survey.every);
        reports.chain(records).chain(surveys).chain(self.quotas.iter().map(|quota| &quota.every))
    }

    fn figures(&self) -> impl Iterator<Item = &Option<Figure>> {
        let quotas = self.quotas.iter().flat_map(|quota| [&quota.at_least, &quota.at_most]);
        quotas.chain(self.surveys.iter().map(|survey| &survey.from_share))
    }
}
