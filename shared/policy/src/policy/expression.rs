//! Checking expressions: every name is known, every comparison compares what can be compared, and the whole says yes or no.

use super::parameter::valued;
use super::vocabulary::{Holds, Vocabulary, of_words};
use crate::Title;
use crate::condition::Decimal;
use crate::condition::expression::syntax::{self, Sign, Syntax};
use crate::condition::expression::{Expression, Part, Search, Spoken};
use crate::source::{Fault, Placed};

impl Vocabulary {
    /// Compiles an expression; None, and why, where it cannot be meant.
    pub(super) fn expression(&self, text: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Expression> {
        let mut checking = Checking { vocabulary: self, range: text.range, spoken: Vec::new(), parameters: Vec::new() };
        match checking.whole(text) {
            Ok(root) => Some(Expression {
                text: text.trim().replace(['\n', '\r'], " "),
                spoken: checking.spoken,
                parameters: checking.parameters,
                root,
            }),
            Err(fault) => {
                faults.push(fault);
                None
            }
        }
    }
}

/// What a part comes to.
#[derive(Debug, Clone, Copy)]
enum Sort<'v> {
    Number,
    Text,
    /// A text that stands in the expression itself: also a date, or one of a member's words.
    Literal,
    Words(&'v str, &'v [(String, Title)]),
    Date,
    YesNo,
}

struct Checking<'v> {
    vocabulary: &'v Vocabulary,
    range: (usize, usize),
    spoken: Vec<Spoken>,
    parameters: Vec<String>,
}

type Checked<'v> = Result<(Part, Sort<'v>), Fault>;

impl<'v> Checking<'v> {
    fn whole(&mut self, text: &str) -> Result<Part, Fault> {
        let read = syntax::read(text).map_err(|unread| {
            let (start, end) = self.range;
            // Without escapes the text stands in the file as it is, and so does the place.
            let before: usize = text.chars().take(unread.at).map(char::len_utf8).sum();
            let start = if end.saturating_sub(start) == text.len() { start + before.min(text.len()) } else { start };
            let help = unread.help.unwrap_or(("write e.g. amount > 5000", "例如写 amount > 5000"));
            Fault::new((start, end), "bad-expression", unread.en, unread.zh).help(help.0, help.1)
        })?;
        self.yes_no(&read)
    }

    fn part(&mut self, read: &Syntax) -> Checked<'v> {
        match read {
            Syntax::Number(number) => Ok((Part::Number(number.clone()), Sort::Number)),
            Syntax::Text(text) => Ok((Part::Text(text.clone()), Sort::Literal)),
            Syntax::Truth(truth) => Ok((Part::Truth(*truth), Sort::YesNo)),
            Syntax::List(_) => Err(self
                .wrong("a list stands only to the right of 'in'", "列表只能写在 in 的右侧")
                .help("write e.g. demand in ['return', 'exchange']", "例如写 demand in ['return', 'exchange']")),
            Syntax::Name(name) => self.name(name),
            Syntax::Not(inner) => Ok((Part::Not(Box::new(self.yes_no(inner)?)), Sort::YesNo)),
            Syntax::Negative(inner) => Ok((Part::Negative(Box::new(self.number(inner)?)), Sort::Number)),
            Syntax::Both(sign, left, right) => self.both(*sign, left, right),
            Syntax::Choice(condition, then, otherwise) => {
                let condition = self.yes_no(condition)?;
                let ((mut then, sort), (mut otherwise, other)) = (self.part(then)?, self.part(otherwise)?);
                self.comparable((&mut then, sort), (&mut otherwise, other))?;
                // Where one side is written out, the other says what it is.
                let sort = if matches!(sort, Sort::Literal) { other } else { sort };
                Ok((Part::Choice(Box::new(condition), Box::new(then), Box::new(otherwise)), sort))
            }
            Syntax::Call(name, parts) => self.call(name, parts),
        }
    }

    fn name(&mut self, name: &str) -> Checked<'v> {
        if let Some(parameter) = name.strip_prefix("parameter.") {
            let value = self.vocabulary.parameter_value(parameter, self.range)?;
            if Decimal::parse(value).is_none() {
                let en = format!("parameter '{parameter}' is '{value}': only numbers stand in an expression");
                let zh = format!("参数“{parameter}”的值为“{value}”：表达式中只能使用数字");
                let help = valued(parameter, "5000");
                return Err(Fault::new(self.range, "wrong-type", en, zh).help(help.0, help.1));
            }
            if !self.parameters.iter().any(|known| known == parameter) {
                self.parameters.push(parameter.to_owned());
            }
            return Ok((Part::Parameter(parameter.to_owned()), Sort::Number));
        }
        let member = self.vocabulary.asked(name, self.range)?;
        let path = member.path.clone();
        if !self.spoken.iter().any(|known| known.path == path) {
            let choices = if let Holds::Words(words) = &member.holds { words.clone() } else { Vec::new() };
            let is_date = matches!(member.holds, Holds::Date);
            self.spoken.push(Spoken { path: path.clone(), title: member.title.clone(), is_date, choices });
        }
        Ok(match &member.holds {
            Holds::Number => (Part::Member(path), Sort::Number),
            Holds::Text => (Part::Member(path), Sort::Text),
            Holds::Words(words) => (Part::Member(path), Sort::Words(&member.name, words)),
            Holds::Date => (Part::Member(path), Sort::Date),
            Holds::YesNo => (Part::YesNo(path), Sort::YesNo),
        })
    }

    fn both(&mut self, sign: Sign, left: &Syntax, right: &Syntax) -> Checked<'v> {
        let (parts, sort) = match sign {
            Sign::Or | Sign::And => ((self.yes_no(left)?, self.yes_no(right)?), Sort::YesNo),
            Sign::Plus | Sign::Minus | Sign::Times => ((self.number(left)?, self.number(right)?), Sort::Number),
            Sign::In => (self.is_among(left, right)?, Sort::YesNo),
            Sign::Equal | Sign::Unequal => {
                let ((mut left, one), (mut right, other)) = (self.part(left)?, self.part(right)?);
                self.comparable((&mut left, one), (&mut right, other))?;
                ((left, right), Sort::YesNo)
            }
            Sign::Below | Sign::AtMost | Sign::Above | Sign::AtLeast => {
                let ((mut left, one), (mut right, other)) = (self.part(left)?, self.part(right)?);
                self.comparable((&mut left, one), (&mut right, other))?;
                if !matches!(one, Sort::Number | Sort::Date) && !matches!(other, Sort::Number | Sort::Date) {
                    let (en, zh) = (format!("{} has no order", one.en()), format!("{}不能比较大小", one.zh()));
                    return Err(self.wrong(&en, &zh).help("compare it with == or !=, or by 'in'", "请用 ==、!= 或 in 比较"));
                }
                ((left, right), Sort::YesNo)
            }
        };
        Ok((Part::Both(sign, Box::new(parts.0), Box::new(parts.1)), sort))
    }

    fn is_among(&mut self, left: &Syntax, right: &Syntax) -> Result<(Part, Part), Fault> {
        let (mut left, sort) = self.part(left)?;
        if let Syntax::List(items) = right {
            let mut checked = Vec::new();
            for item in items {
                let (mut item, other) = self.part(item)?;
                self.comparable((&mut left, sort), (&mut item, other))?;
                checked.push(item);
            }
            return Ok((left, Part::List(checked)));
        }
        let (mut right, other) = self.part(right)?;
        if !matches!(other, Sort::Words(..)) {
            return Err(self
                .wrong("to the right of 'in' stands a list or a field of choices", "in 的右侧须为列表或选项字段")
                .help("write e.g. demand in ['return', 'exchange']", "例如写 demand in ['return', 'exchange']"));
        }
        self.comparable((&mut left, sort), (&mut right, other))?;
        Ok((left, right))
    }

    fn call(&mut self, name: &str, parts: &[Syntax]) -> Checked<'v> {
        let search = match (name, parts) {
            ("has", [Syntax::Name(field)]) if field.starts_with("fields.") => {
                let (Part::Member(path) | Part::YesNo(path)) = self.name(field)?.0 else { return Err(self.unfit(name)) };
                return Ok((Part::Has(path), Sort::YesNo));
            }
            ("size", [Syntax::Name(member)]) => {
                return match self.name(member)? {
                    (Part::Member(path), Sort::Words(..)) => Ok((Part::Count(path), Sort::Number)),
                    (Part::Member(path), Sort::Text) => Ok((Part::Length(path), Sort::Number)),
                    _ => Err(self.unfit(name)),
                };
            }
            ("contains", [_, _]) => Search::Within,
            ("startsWith", [_, _]) => Search::AtStart,
            ("endsWith", [_, _]) => Search::AtEnd,
            _ => return Err(self.unfit(name)),
        };
        let [within, what] = parts else { return Err(self.unfit(name)) };
        let ((within, one), (what, other)) = (self.part(within)?, self.part(what)?);
        if !matches!((one, other), (Sort::Text, Sort::Literal | Sort::Text)) {
            return Err(self.unfit(name));
        }
        Ok((Part::Search(search, Box::new(within), Box::new(what)), Sort::YesNo))
    }

    fn unfit(&self, function: &str) -> Fault {
        let texts = ("write a text before the point, and one in the brackets", "点号前写文字字段，括号内写文字");
        let (written, help) = match function {
            "has" => {
                ("has(fields.amount)", ("write one field in the brackets, with 'fields.' before it", "括号内写一个字段，前面加 fields."))
            }
            "size" => ("size(demand)", ("write one text or field of choices in the brackets", "括号内写一个文字或选项字段")),
            "contains" => ("title.contains('text')", texts),
            "startsWith" => ("title.startsWith('text')", texts),
            _ => ("title.endsWith('text')", texts),
        };
        self.wrong(&format!("'{function}' is written so: {written}"), &format!("“{function}”应写作 {written}")).help(help.0, help.1)
    }

    fn yes_no(&mut self, read: &Syntax) -> Result<Part, Fault> {
        match self.part(read)? {
            (part, Sort::YesNo) => Ok(part),
            (_, sort) => Err(self
                .wrong(&format!("yes or no is wanted, and {} stands there", sort.en()), &format!("此处要求是或否，而所写为{}", sort.zh()))
                .help("compare it with something: amount > 5000, demand == 'return'", "请写成比较：amount > 5000、demand == 'return'")),
        }
    }

    fn number(&mut self, read: &Syntax) -> Result<Part, Fault> {
        match self.part(read)? {
            (part, Sort::Number) => Ok(part),
            (_, sort) => Err(self
                .wrong(&format!("a number is wanted, and {} stands there", sort.en()), &format!("此处要求数字，而所写为{}", sort.zh()))
                .help("write 5000, a field that holds a number, or parameter.large", "请写 5000、数字字段或 parameter.large")),
        }
    }

    fn wrong(&self, en: &str, zh: &str) -> Fault {
        Fault::new(self.range, "wrong-type", en, zh)
    }

    /// Whether two parts can be the same. A word that is written by its Chinese title becomes the word.
    fn comparable(&self, left: (&mut Part, Sort<'v>), right: (&mut Part, Sort<'v>)) -> Result<(), Fault> {
        match (left.1, right.1) {
            (Sort::Number, Sort::Number)
            | (Sort::YesNo, Sort::YesNo)
            | (Sort::Date, Sort::Date)
            | (Sort::Text | Sort::Literal, Sort::Text | Sort::Literal)
            | (Sort::Words(..), Sort::Words(..) | Sort::Text)
            | (Sort::Text, Sort::Words(..)) => Ok(()),
            (Sort::Date, Sort::Literal) => self.is_date(right.0),
            (Sort::Literal, Sort::Date) => self.is_date(left.0),
            (Sort::Words(name, words), Sort::Literal) => self.is_word(right.0, name, words),
            (Sort::Literal, Sort::Words(name, words)) => self.is_word(left.0, name, words),
            (one, other) => {
                let (en, zh) = (format!("{} is never {}", one.en(), other.en()), format!("{}不能与{}比较", one.zh(), other.zh()));
                let help = if matches!(one, Sort::Literal) { other.compared() } else { one.compared() };
                Err(self.wrong(&en, &zh).help(help.0, help.1))
            }
        }
    }

    fn is_date(&self, part: &Part) -> Result<(), Fault> {
        let of = |text: &str| text.get(..10).is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok());
        match part {
            Part::Text(text) if !of(text) => {
                let (en, zh) = (format!("'{text}' is no date (YYYY-MM-DD)"), format!("“{text}”不是日期（YYYY-MM-DD）"));
                Err(self.wrong(&en, &zh).help("write e.g. '2026-01-31'", "例如写 '2026-01-31'"))
            }
            Part::Choice(_, then, otherwise) => self.is_date(then).and_then(|()| self.is_date(otherwise)),
            _ => Ok(()),
        }
    }

    fn is_word(&self, part: &mut Part, name: &str, words: &[(String, Title)]) -> Result<(), Fault> {
        match part {
            Part::Text(text) => match words.iter().find(|(word, title)| word == text || title.zh == *text) {
                Some((word, _)) => {
                    text.clone_from(word);
                    Ok(())
                }
                None => {
                    let (en, zh) = (format!("{name} is never '{text}'"), format!("“{name}”不会是“{text}”"));
                    let help = of_words(words);
                    let fault = Fault::new(self.range, "unknown-value", en, zh).help(help.0, help.1);
                    Err(fault.suggest(text, words.iter().map(|(word, _)| word.as_str())))
                }
            },
            Part::Choice(_, then, otherwise) => self.is_word(then, name, words).and_then(|()| self.is_word(otherwise, name, words)),
            _ => Ok(()),
        }
    }
}

impl Sort<'_> {
    fn en(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text | Self::Literal => "text",
            Self::Words(..) => "one of a few words",
            Self::Date => "a date",
            Self::YesNo => "yes or no",
        }
    }

    fn zh(self) -> &'static str {
        match self {
            Self::Number => "数字",
            Self::Text | Self::Literal => "文字",
            Self::Words(..) => "固定选项",
            Self::Date => "日期",
            Self::YesNo => "是或否",
        }
    }

    /// What it can be compared with, in both languages.
    fn compared(self) -> (&'static str, &'static str) {
        match self {
            Self::Number => ("compare a number with a number: amount > 5000", "数字请与数字比较：amount > 5000"),
            Self::Text | Self::Literal => ("compare text with text in quotes: unit == 'SHOP'", "文字请与带引号的文字比较：unit == 'SHOP'"),
            Self::Words(..) => {
                ("compare it with one of its words in quotes: demand == 'return'", "请与其选项比较，选项加引号：demand == 'return'")
            }
            Self::Date => ("compare a date with a date: received_at >= '2026-01-31'", "日期请与日期比较：received_at >= '2026-01-31'"),
            Self::YesNo => ("write it alone, or with ! for its contrary: !anonymous", "请单独书写，否定时加 !：!anonymous"),
        }
    }
}

#[cfg(test)]
mod tests;
