//! The names that conditions and templates may use, with what they hold: so that a misspelt name is found before it matters.

use super::kind::{Field, FieldSort, Kind};
use super::parameter::{amount, braced, unknown_parameter, valued};
use crate::Title;
use crate::condition::{Check, Comparison, Condition, Decimal, Least, Operand, Test};
use crate::source::condition::{ConditionText, TestText};
use crate::source::{Fault, Placed};
use std::sync::Arc;

/// A member of an event or report.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub name: String,
    pub path: Vec<String>,
    pub title: Title,
    pub holds: Holds,
    pub personal: bool,
}

/// What a member holds.
#[derive(Debug, Clone)]
pub(crate) enum Holds {
    Text,
    /// One (or several) of these, each with its title.
    Words(Vec<(String, Title)>),
    Number,
    Date,
    YesNo,
}

/// The names known at some place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vocabulary {
    members: Vec<Member>,
    /// Names and values of the pack's parameters.
    parameters: Vec<(String, String)>,
    /// The organisation's, by code and title; none where any may stand.
    units: Arc<[(String, Title)]>,
    /// Conditions may not look at personal members here: events do not carry them.
    without_personal: bool,
}

/// Members of `CaseEvent` that anything may look at; those with words of their own are added by the compiler.
const CASE_TEXTS: [(&str, &str, &str); 9] = [
    ("case", "案件", "case"),
    ("number", "案件编号", "number"),
    ("unit", "单位", "unit"),
    ("producer", "来源系统", "producer"),
    ("title", "标题", "title"),
    ("title_zh", "中文标题", "Chinese title"),
    ("handler", "承办人", "handler"),
    ("other", "另一案件", "other case"),
    ("version", "版本", "version"),
];
const CASE_DATES: [(&str, &str, &str); 3] = [
    ("occurred_at", "发生时间", "time of occurrence"),
    ("received_at", "收到时间", "time of receipt"),
    ("registered_at", "登记时间", "time of registration"),
];
const CASE_TRUTHS: [(&str, &str, &str); 2] = [("unsorted", "待分拣", "unsorted"), ("anonymous", "匿名", "anonymous")];

/// Members of events that are not of cases.
const OTHER_TEXTS: [(&str, &str, &str); 19] = [
    ("rejected", "被退件", "what was rejected"),
    ("receipt", "受理凭证", "receipt"),
    ("producer", "来件渠道方", "producer"),
    ("unit", "单位", "unit"),
    ("channel", "渠道", "channel"),
    ("reason", "原因", "reason"),
    ("title", "英文标题", "title"),
    ("title_zh", "中文标题", "title in Chinese"),
    ("case", "案件", "case"),
    ("duty", "责任事项", "duty"),
    ("alert", "督办通知", "alert"),
    ("person", "人员", "person"),
    ("rule", "规则", "rule"),
    ("pack", "制度包", "pack"),
    ("key", "识别键", "key"),
    ("link", "链接", "link"),
    ("sort", "类别", "sort"),
    ("state", "状态", "state"),
    ("record", "档案记录", "record"),
];

impl Vocabulary {
    pub fn of_cases(kinds: &[Kind], channels: &[(String, Title)], pack: (&str, &Title), parameters: Vec<(String, String)>) -> Self {
        let mut vocabulary = Self { parameters, ..Self::default() };
        let words = |found: Vec<(String, Title)>| Holds::Words(found);
        for (name, zh, en) in CASE_TEXTS {
            vocabulary.add(name, Title::new(zh, en), Holds::Text);
        }
        for (name, zh, en) in CASE_DATES {
            vocabulary.add(name, Title::new(zh, en), Holds::Date);
        }
        for (name, zh, en) in CASE_TRUTHS {
            vocabulary.add(name, Title::new(zh, en), Holds::YesNo);
        }
        vocabulary.add("repeats", Title::new("重复次数", "number of repeats"), Holds::Number);
        vocabulary.add("returns", Title::new("退回次数", "number of returns"), Holds::Number);
        vocabulary.add("carries", Title::new("附案数", "number of attached cases"), Holds::Number);
        vocabulary.add("pack", Title::new("制度包", "pack"), words(vec![(pack.0.to_owned(), pack.1.clone())]));
        vocabulary.add(
            "kind",
            Title::new("事项类别", "kind"),
            words(kinds.iter().map(|kind| (kind.id.clone(), kind.title.clone())).collect()),
        );
        let severities = kinds.iter().flat_map(|kind| &kind.severities).map(|severity| (severity.id.clone(), severity.title.clone()));
        vocabulary.add("severity", Title::new("严重程度", "severity"), words(severities.collect()));
        let stages = kinds.iter().flat_map(|kind| &kind.stages).map(|stage| (stage.id.clone(), stage.title.clone()));
        vocabulary.add("stage", Title::new("环节", "stage"), words(stages.collect()));
        vocabulary.add("outcome", Title::new("结果", "outcome"), words(super::kind::outcomes(kinds)));
        let channel = if channels.is_empty() { Holds::Text } else { words(channels.to_vec()) };
        vocabulary.add("channel", Title::new("渠道", "channel"), channel);
        let steps = kinds.iter().flat_map(|kind| &kind.steps).map(|step| (step.id.clone(), step.title.clone()));
        vocabulary.members.push(Member {
            name: "step".to_owned(),
            path: vec!["step".to_owned(), "name".to_owned()],
            title: Title::new("步骤", "step"),
            holds: words(steps.collect()),
            personal: false,
        });
        for field in kinds.iter().flat_map(|kind| &kind.fields) {
            vocabulary.add_field(field);
        }
        vocabulary
    }

    /// The fields of a form or an application, and the unit that it is of.
    pub fn of_fields(fields: &[Field], parameters: Vec<(String, String)>) -> Self {
        let mut vocabulary = Self { parameters, ..Self::default() };
        vocabulary.add("unit", Title::new("单位", "unit"), Holds::Text);
        vocabulary.add_fields(fields.iter());
        vocabulary
    }

    /// Names of events that are not of cases.
    pub fn of_others(parameters: Vec<(String, String)>) -> Self {
        let mut vocabulary = Self { parameters, without_personal: true, ..Self::default() };
        for (name, zh, en) in OTHER_TEXTS {
            vocabulary.add(name, Title::new(zh, en), Holds::Text);
        }
        vocabulary.add("received_at", Title::new("收到时间", "time of receipt"), Holds::Date);
        vocabulary
    }

    pub fn without_personal(mut self) -> Self {
        self.without_personal = true;
        self
    }

    pub fn is_reserved(name: &str) -> bool {
        let tables = [CASE_TEXTS.as_slice(), CASE_DATES.as_slice(), CASE_TRUTHS.as_slice()];
        tables.into_iter().flatten().any(|(member, _, _)| *member == name)
            || [
                "pack",
                "kind",
                "severity",
                "stage",
                "channel",
                "repeats",
                "returns",
                "carries",
                "outcome",
                "step",
                "fields",
                "any",
                "all",
                "none",
                "cel",
                "parameter",
                "policy",
            ]
            .contains(&name)
    }

    pub fn member(&self, name: &str) -> Option<&Member> {
        let short = name.strip_prefix("fields.").unwrap_or(name);
        self.members.iter().find(|member| member.name == short || member.title.zh == short)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// Some of what may be named here, for where nothing is near: its fields, and what is asked about most.
    pub fn nameable(&self) -> Vec<&str> {
        const MOST: usize = 12;
        const COMMON: [&str; 10] = ["number", "kind", "severity", "stage", "unit", "channel", "received_at", "case", "duty", "rule"];
        let may_be_named = |member: &&Member| !(self.without_personal && member.personal);
        let fields = self.members.iter().filter(may_be_named).filter(|member| member.path.first().is_some_and(|first| first == "fields"));
        let common = COMMON.into_iter().filter(|name| self.member(name).is_some());
        fields.map(|field| field.name.as_str()).take(MOST).chain(common).collect()
    }

    /// Conditions on a unit name one of these.
    pub fn with_units(mut self, units: &Arc<[(String, Title)]>) -> Self {
        self.units = Arc::clone(units);
        self
    }

    /// Adds fields to those known.
    pub fn add_fields<'a>(&mut self, fields: impl Iterator<Item = &'a Field>) {
        for field in fields {
            self.add_field(field);
        }
    }

    /// Adds the period of what comes back with the calendar.
    pub fn add_period(&mut self) {
        self.add("period", Title::new("期间", "period"), Holds::Text);
    }

    fn add(&mut self, name: &str, title: Title, holds: Holds) {
        self.members.push(Member { name: name.to_owned(), path: vec![name.to_owned()], title, holds, personal: false });
    }

    /// The same field of several kinds is one member; choices of all are its words.
    fn add_field(&mut self, field: &Field) {
        let choices = field.choices.iter().map(|choice| (choice.value.clone(), choice.title.clone()));
        if let Some(known) = self.members.iter_mut().find(|member| member.name == field.id && member.path.len() == 2) {
            known.personal |= field.personal;
            if let Holds::Words(words) = &mut known.holds {
                words.extend(choices);
            }
            return;
        }
        let holds = match field.sort {
            FieldSort::Choice | FieldSort::Choices => Holds::Words(choices.collect()),
            FieldSort::Amount | FieldSort::Number => Holds::Number,
            FieldSort::Date | FieldSort::DateTime => Holds::Date,
            FieldSort::YesNo => Holds::YesNo,
            _ => Holds::Text,
        };
        let path = vec!["fields".to_owned(), field.id.clone()];
        self.members.push(Member { name: field.id.clone(), path, title: field.title.clone(), holds, personal: field.personal });
    }

    /// Compiles a condition; what cannot be is told and left out.
    pub fn condition(&self, text: &ConditionText, faults: &mut Vec<Fault>) -> Condition {
        let all =
            |conditions: &[ConditionText], faults: &mut Vec<Fault>| conditions.iter().map(|text| self.condition(text, faults)).collect();
        Condition {
            tests: text.tests.iter().filter_map(|(name, test)| self.test(name, test, faults)).collect(),
            any: all(&text.any, faults),
            all: all(&text.all, faults),
            none: all(&text.none, faults),
            expression: text.cel.as_ref().and_then(|cel| self.expression(cel, faults)),
        }
    }

    /// The member of this name, if a condition may look at it here.
    pub(super) fn asked(&self, name: &str, range: (usize, usize)) -> Result<&Member, Fault> {
        let Some(member) = self.member(name) else {
            let (en, zh) = (format!("there is nothing called '{name}' to ask about"), format!("没有可供判断的“{name}”"));
            let known = self.nameable();
            let fault = Fault::new(range, "unknown-member", en, zh)
                .help(format!("write e.g. {}", known.join(", ")), format!("可写例如 {}", known.join("、")));
            return Err(fault.suggest(name, self.names()).or_title(name, self.members.iter().map(|member| member.title.zh.as_str())));
        };
        if self.without_personal && member.personal {
            let en = format!("'{name}' is personal: events do not carry it, so no rule can look at it");
            let zh = format!("“{name}”属于个人信息，事件中不携带，规则无法据此判断");
            return Err(Fault::new(range, "personal", en, zh)
                .help("let a severity or a field that is not personal tell the rule", "请改用严重程度或非个人信息字段"));
        }
        Ok(member)
    }

    /// The value of a parameter.
    pub(super) fn parameter_value(&self, name: &str, range: (usize, usize)) -> Result<&str, Fault> {
        let known = self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        known.ok_or_else(|| unknown_parameter(name, range, self.parameters.iter().map(|(name, _)| name.as_str())))
    }

    fn test(&self, name: &Placed<String>, text: &Placed<TestText>, faults: &mut Vec<Fault>) -> Option<Test> {
        let member = self.asked(name, name.range).map_err(|fault| faults.push(fault)).ok()?;
        let check = match &text.value {
            TestText::YesNo(truth) => self.yes_no(member, text, *truth, faults)?,
            TestText::Number(number) => {
                Check::OneOf(vec![self.operand(member, &Placed { value: number.clone(), range: text.range }, faults)?])
            }
            TestText::OneOf(values) => {
                Check::OneOf(values.iter().map(|value| self.operand(member, value, faults)).collect::<Option<Vec<_>>>()?)
            }
            TestText::Count { at_least, within } => self.count(member, text, at_least, within.as_ref(), faults)?,
            TestText::Word(word) => self.word(member, &Placed { value: word.clone(), range: text.range }, faults)?,
        };
        Some(Test { path: member.path.clone(), title: member.title.clone(), check })
    }

    fn yes_no(&self, member: &Member, text: &Placed<TestText>, truth: bool, faults: &mut Vec<Fault>) -> Option<Check> {
        if matches!(member.holds, Holds::YesNo) {
            return Some(Check::YesNo(truth));
        }
        faults.push(mismatch(member, text.range, "yes or no", "是或否"));
        None
    }

    fn count(
        &self,
        member: &Member,
        text: &Placed<TestText>,
        at_least: &Placed<String>,
        within: Option<&Placed<String>>,
        faults: &mut Vec<Fault>,
    ) -> Option<Check> {
        if member.name != "repeats" {
            faults.push(mismatch(
                member,
                text.range,
                "a count within a window; only 'repeats' has one",
                "时间窗口内的次数；只有“repeats”可以这样写",
            ));
            return None;
        }
        let within = match within {
            Some(text) => Some(amount(&self.parameters, text, faults)?),
            None => None,
        };
        Some(Check::Count { at_least: self.least(at_least, faults)?, within })
    }

    fn least(&self, text: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Least> {
        let (value, least) = match braced(text) {
            Some(name) => {
                let value = self.parameter_value(name, text.range).map_err(|fault| faults.push(fault)).ok()?;
                (value, Least::Parameter(name.to_owned()))
            }
            None => (text.value.as_str(), Least::Number(text.parse().unwrap_or_default())),
        };
        if value.parse::<i64>().is_ok_and(|number| number >= 1) {
            return Some(least);
        }
        let (en, zh) = (format!("'{value}' is no number of times"), format!("“{value}”不是次数"));
        faults.push(Fault::new(text.range, "wrong-type", en, zh).help("write a whole number from 1", "请写不小于1的整数"));
        None
    }

    fn word(&self, member: &Member, word: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Check> {
        let text = word.trim();
        if text == "present" {
            return Some(Check::Present);
        }
        if text == "absent" {
            return Some(Check::Absent);
        }
        let comparisons = [(">=", Comparison::AtLeast), ("<=", Comparison::AtMost), (">", Comparison::Above), ("<", Comparison::Below)];
        for (sign, comparison) in comparisons {
            if let Some(rest) = text.strip_prefix(sign) {
                if !matches!(member.holds, Holds::Number | Holds::Date) {
                    faults.push(mismatch(member, word.range, "a number or date to compare", "可比较大小的数字或日期"));
                    return None;
                }
                let operand = self.operand(member, &Placed { value: rest.trim().to_owned(), range: word.range }, faults)?;
                return Some(Check::Compare(comparison, operand));
            }
        }
        if let Some(rest) = text.strip_prefix("!=") {
            let operand = self.operand(member, &Placed { value: rest.trim().to_owned(), range: word.range }, faults)?;
            return Some(Check::NotOneOf(vec![operand]));
        }
        let value = text.strip_prefix('=').map_or(text, str::trim);
        Some(Check::OneOf(vec![self.operand(member, &Placed { value: value.to_owned(), range: word.range }, faults)?]))
    }

    fn operand(&self, member: &Member, value: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Operand> {
        if let Some(name) = braced(value) {
            return self.parameter(member, name, value, faults);
        }
        let plain = Operand::Value { value: value.value.clone(), title: Title::new(&value.value, &value.value) };
        match &member.holds {
            Holds::Text if member.path == ["unit"] && !self.units.is_empty() => self.unit(value, faults),
            Holds::Text => Some(plain),
            Holds::Words(words) => match words.iter().find(|(word, title)| *word == value.value || title.zh == value.value) {
                Some((word, title)) => Some(Operand::Value { value: word.clone(), title: title.clone() }),
                None => {
                    let en = format!("{} is never '{}'", member.name, value.value);
                    let help = of_words(words);
                    let fault = Fault::new(value.range, "unknown-value", en, format!("“{}”不会是“{}”", member.title.zh, value.value))
                        .help(help.0, help.1);
                    let fault = fault.suggest(value, words.iter().map(|(word, _)| word.as_str()));
                    faults.push(fault.or_title(value, words.iter().map(|(_, title)| title.zh.as_str())));
                    None
                }
            },
            Holds::Number if Decimal::parse(value).is_none() => {
                faults.push(misfit(member, value, "a number", "数字"));
                None
            }
            Holds::Date if value.get(..10).is_none_or(|date| date.parse::<jiff::civil::Date>().is_err()) => {
                faults.push(misfit(member, value, "a date (YYYY-MM-DD)", "日期（YYYY-MM-DD）"));
                None
            }
            Holds::YesNo => {
                faults.push(misfit(member, value, "true or false, without quotes", "true 或 false（不加引号）"));
                None
            }
            Holds::Number | Holds::Date => Some(plain),
        }
    }

    /// A unit of the organisation, by code or Chinese title.
    fn unit(&self, value: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Operand> {
        let found = self.units.iter().find(|(code, _)| *code == value.value);
        match found.or_else(|| self.units.iter().find(|(_, title)| title.zh == value.value)) {
            Some((code, title)) => Some(Operand::Value { value: code.clone(), title: title.clone() }),
            None => {
                let en = format!("the organisation has no unit '{}'", value.value);
                let fault = Fault::new(value.range, "unknown-unit", en, format!("组织中没有单位“{}”", value.value))
                    .help("write a unit's code or Chinese title", "请写单位代码或中文名称")
                    .suggest(value, self.units.iter().map(|(code, _)| code.as_str()));
                faults.push(fault.or_title(value, self.units.iter().map(|(_, title)| title.zh.as_str())));
                None
            }
        }
    }

    fn parameter(&self, member: &Member, name: &str, at: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Operand> {
        let Some((_, value)) = self.parameters.iter().find(|(known, _)| known == name) else {
            faults.push(unknown_parameter(name, at.range, self.parameters.iter().map(|(name, _)| name.as_str())));
            return None;
        };
        if matches!(member.holds, Holds::Number) && Decimal::parse(value).is_none() {
            let en = format!("parameter '{name}' is '{value}', and {} is a number", member.name);
            let zh = format!("参数“{name}”的值为“{value}”，而“{}”是数字", member.title.zh);
            let help = valued(name, "5000");
            faults.push(Fault::new(at.range, "wrong-type", en, zh).help(help.0, help.1));
            return None;
        }
        Some(Operand::Parameter(name.to_owned()))
    }
}

/// Help where a word is none of these.
pub(super) fn of_words(words: &[(String, Title)]) -> (String, String) {
    const MOST: usize = 16;
    let mut known: Vec<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    known.truncate(MOST);
    if known.is_empty() {
        return ("leave it out: the pack declares no values for it".to_owned(), "请删去：制度包没有为它声明可选值".to_owned());
    }
    (format!("write e.g. {}", known.join(", ")), format!("可写例如 {}", known.join("、")))
}

/// What a condition may hold against a member, in both languages.
fn fitting(member: &Member) -> (String, String) {
    let (en, zh) = match &member.holds {
        Holds::Words(words) => return of_words(words),
        Holds::Text => ("write a text, \"present\" or \"absent\"", "请写文字、\"present\"（有）或 \"absent\"（无）"),
        Holds::Number => ("write e.g. 5000 or \"> 5000\"", "例如写 5000 或 \"> 5000\""),
        Holds::Date => ("write e.g. \"2026-01-31\" or \">= 2026-01-31\"", "例如写 \"2026-01-31\" 或 \">= 2026-01-31\""),
        Holds::YesNo => ("write true or false, without quotes", "请写 true 或 false，不加引号"),
    };
    (en.to_owned(), zh.to_owned())
}

fn mismatch(member: &Member, range: (usize, usize), expected_en: &str, expected_zh: &str) -> Fault {
    let (holds_en, holds_zh) = match member.holds {
        Holds::Text => ("text", "文字"),
        Holds::Words(_) => ("one of a few words", "固定选项"),
        Holds::Number => ("a number", "数字"),
        Holds::Date => ("a date", "日期"),
        Holds::YesNo => ("yes or no", "是或否"),
    };
    let en = format!("{} is {holds_en}; this asks for {expected_en}", member.name);
    let help = fitting(member);
    Fault::new(range, "wrong-type", en, format!("“{}”是{holds_zh}；此处要求{expected_zh}", member.title.zh)).help(help.0, help.1)
}

fn misfit(member: &Member, value: &Placed<String>, expected_en: &str, expected_zh: &str) -> Fault {
    let en = format!("'{}' cannot be compared with {}, which is {expected_en}", value.value, member.name);
    let zh = format!("“{}”无法与“{}”比较：应为{expected_zh}", value.value, member.title.zh);
    let help = fitting(member);
    Fault::new(value.range, "wrong-type", en, zh).help(help.0, help.1)
}
