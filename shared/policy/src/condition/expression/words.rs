//! An expression read back as a sentence, in the words that tables are read back in.

use super::syntax::Sign;
use super::{Expression, Part, Search, Spoken};
use crate::Title;
use crate::condition::{Figures, Joint, Sentence, joined};

/// What else is at hand while a sentence is made.
struct Reading<'a> {
    spoken: &'a [Spoken],
    figures: Figures<'a>,
}

/// What a text stands for where it is compared with a member of a few words.
type Choices<'a> = &'a [(String, Title)];

impl Expression {
    /// The expression as a sentence in both languages, parameters with their figures.
    pub(in crate::condition) fn sentence(&self, figures: Figures<'_>) -> Sentence {
        let by = match &self.root {
            Part::Both(Sign::And, ..) => Joint::And,
            Part::Both(Sign::Or, ..) => Joint::Or,
            _ => Joint::Nothing,
        };
        Sentence { words: Reading { spoken: &self.spoken, figures }.part(&self.root, &[]), by }
    }
}

impl Reading<'_> {
    fn part(&self, part: &Part, choices: Choices<'_>) -> Title {
        match part {
            Part::Number(number) => same(number.to_string()),
            Part::Text(text) => choices.iter().find(|(word, _)| word == text).map_or_else(|| quoted(text), |(_, title)| title.clone()),
            Part::Truth(true) => Title::new("是", "yes"),
            Part::Truth(false) => Title::new("否", "no"),
            Part::List(items) => joined(items.iter().map(|item| self.part(item, choices)), "、", ", "),
            Part::Member(path) | Part::YesNo(path) => self.name(path),
            Part::Parameter(name) => (self.figures)(name).map_or_else(|| same(name.clone()), same),
            Part::Has(path) => framed(self.name(path), "已填写{}", "{} is given"),
            Part::Length(path) => framed(self.name(path), "{}的字数", "the length of {}"),
            Part::Count(path) => framed(self.name(path), "{}所选的项数", "the number of choices in {}"),
            Part::Not(inner) => self.not(inner),
            Part::Negative(inner) => framed(self.bracketed(inner, |inner| matches!(inner, Part::Both(..))), "负{}", "minus {}"),
            Part::Both(sign, left, right) => self.both(*sign, left, right),
            Part::Choice(condition, then, otherwise) => {
                let (condition, then, otherwise) = (self.part(condition, &[]), self.part(then, choices), self.part(otherwise, choices));
                Title::new(
                    format!("（{}时取{}，否则取{}）", condition.zh, then.zh, otherwise.zh),
                    format!("({} if {}, else {})", then.en, condition.en, otherwise.en),
                )
            }
            Part::Search(search, within, what) => {
                let (zh, en) = match search {
                    Search::Within => ("含有", "contains"),
                    Search::AtStart => ("开头为", "starts with"),
                    Search::AtEnd => ("结尾为", "ends with"),
                };
                self.sentence(within, what, zh, en, &[])
            }
        }
    }

    fn not(&self, inner: &Part) -> Title {
        match inner {
            Part::Has(path) => framed(self.name(path), "未填写{}", "{} is not given"),
            Part::YesNo(path) => framed(self.name(path), "并非{}", "not {}"),
            inner => framed(self.part(inner, &[]), "不是（{}）", "not ({})"),
        }
    }

    fn both(&self, sign: Sign, left: &Part, right: &Part) -> Title {
        let choices = self.choices_of(left).or_else(|| self.choices_of(right)).unwrap_or_default();
        let is_date = self.is_date(left) || self.is_date(right);
        let is_counted = is_number(left) || is_number(right);
        let (zh, en) = match sign {
            Sign::And => return self.two(left, right, "，且", " and ", |part| matches!(part, Part::Both(Sign::Or, ..))),
            Sign::Or => return self.two(left, right, "，或者", " or ", |part| matches!(part, Part::Both(Sign::And, ..))),
            Sign::Plus => return self.two(left, right, "加", " plus ", |_| false),
            Sign::Minus => {
                let right = self.bracketed(right, is_sum);
                return joined([self.part(left, &[]), right].into_iter(), "减", " minus ");
            }
            Sign::Times => return self.two(left, right, "乘以", " times ", is_sum),
            Sign::In => return self.among(left, right, choices),
            Sign::Equal if is_counted => ("等于", "equals"),
            Sign::Unequal if is_counted => ("不等于", "does not equal"),
            Sign::Equal => ("为", "is"),
            Sign::Unequal => ("不为", "is not"),
            Sign::Below if is_date => ("早于", "is before"),
            Sign::AtMost if is_date => ("不晚于", "is not after"),
            Sign::Above if is_date => ("晚于", "is after"),
            Sign::AtLeast if is_date => ("不早于", "is not before"),
            Sign::Below => ("低于", "is below"),
            Sign::AtMost => ("不超过", "is at most"),
            Sign::Above => ("超过", "is above"),
            Sign::AtLeast => ("不低于", "is at least"),
        };
        self.sentence(left, right, zh, en, choices)
    }

    /// Subject, verb, object. What says yes or no itself stands in brackets.
    fn sentence(&self, left: &Part, right: &Part, zh: &str, en: &str, choices: Choices<'_>) -> Title {
        let side = |part: &Part| {
            if says_yes_or_no(part) { framed(self.part(part, choices), "（{}）", "({})") } else { self.part(part, choices) }
        };
        let (left, right) = (side(left), side(right));
        Title::new(format!("{}{zh}{}", left.zh, right.zh), format!("{} {en} {}", left.en, right.en))
    }

    fn among(&self, left: &Part, right: &Part, choices: Choices<'_>) -> Title {
        let Part::List(items) = right else { return self.sentence(right, left, "中有", "includes", choices) };
        let (left, list) = (self.part(left, choices), self.part(right, choices));
        match items.as_slice() {
            [] => Title::new(format!("{}为空列表之一", left.zh), format!("{} is one of nothing", left.en)),
            [_] => Title::new(format!("{}为{}", left.zh, list.zh), format!("{} is {}", left.en, list.en)),
            _ => Title::new(format!("{}为{}之一", left.zh, list.zh), format!("{} is one of {}", left.en, list.en)),
        }
    }

    fn two(&self, left: &Part, right: &Part, zh: &str, en: &str, in_brackets: impl Fn(&Part) -> bool) -> Title {
        joined([self.bracketed(left, &in_brackets), self.bracketed(right, &in_brackets)].into_iter(), zh, en)
    }

    fn bracketed(&self, part: &Part, needed: impl Fn(&Part) -> bool) -> Title {
        let words = self.part(part, &[]);
        if needed(part) { framed(words, "（{}）", "({})") } else { words }
    }

    fn name(&self, path: &[String]) -> Title {
        self.member(path).map_or_else(|| same(path.join(".")), |member| member.title.clone())
    }

    fn member(&self, path: &[String]) -> Option<&Spoken> {
        self.spoken.iter().find(|member| member.path == path)
    }

    fn choices_of(&self, part: &Part) -> Option<Choices<'_>> {
        let Part::Member(path) = part else { return None };
        self.member(path).map(|member| member.choices.as_slice()).filter(|choices| !choices.is_empty())
    }

    fn is_date(&self, part: &Part) -> bool {
        matches!(part, Part::Member(path) if self.member(path).is_some_and(|member| member.is_date))
    }
}

fn is_number(part: &Part) -> bool {
    match part {
        Part::Number(_) | Part::Parameter(_) | Part::Length(_) | Part::Count(_) | Part::Negative(_) => true,
        Part::Both(sign, ..) => matches!(sign, Sign::Plus | Sign::Minus | Sign::Times),
        _ => false,
    }
}

fn is_sum(part: &Part) -> bool {
    matches!(part, Part::Both(Sign::Plus | Sign::Minus, ..))
}

fn says_yes_or_no(part: &Part) -> bool {
    match part {
        Part::Has(_) | Part::Not(_) | Part::Search(..) => true,
        Part::Both(sign, ..) => !matches!(sign, Sign::Plus | Sign::Minus | Sign::Times),
        _ => false,
    }
}

/// `{}` in both frames stands for the words.
fn framed(words: Title, zh: &str, en: &str) -> Title {
    Title::new(zh.replacen("{}", &words.zh, 1), en.replacen("{}", &words.en, 1))
}

fn same(text: String) -> Title {
    Title::new(text.clone(), text)
}

/// Dates as they are.
fn quoted(text: &str) -> Title {
    if text.get(..10).is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok()) {
        return same(text.to_owned());
    }
    Title::new(format!("“{text}”"), format!("\"{text}\""))
}
