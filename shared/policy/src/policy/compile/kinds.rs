//! Kinds: fields, severities, stages, steps.

use super::super::kind::{Actor, Choice, Field, FieldSort, FollowsClosed, Kind, Repeats, Severity, Stage, Step, StepSort};
use super::super::number::{BadPattern, NumberPattern};
use super::super::parameter::{self, braced};
use super::super::vocabulary::Vocabulary;
use super::packs::{Context, ids};
use super::{CASE_EVENTS, find, returns, unknown};
use crate::Title;
use crate::source::pack::{ActorText, FieldText, KindText, StageText};
use crate::source::{Fault, Many, Named, Placed};

/// Words that stand for people rather than roles.
pub(super) const PEOPLE: [&str; 2] = ["handler", "reporter"];

pub(super) fn compile(context: &Context<'_>, channels: &[(String, Title)], faults: &mut Vec<Fault>) -> Vec<Kind> {
    context.file.kind.iter().map(|(id, text)| kind(context, id, text, channels, faults)).collect()
}

fn kind(context: &Context<'_>, id: &Placed<String>, text: &KindText, channels: &[(String, Title)], faults: &mut Vec<Fault>) -> Kind {
    let pack = &context.file.pack;
    let (number, numbered_by) = number_of_kind(context, &text.number, faults);
    let mut kind = Kind {
        pack: pack.id.value.clone(),
        id: id.value.clone(),
        title: text.title.clone(),
        aliases: text.aliases.iter().map(|alias| alias.value.clone()).collect(),
        article: text.article.clone(),
        rules: ids(&text.rule),
        default: text.default,
        unsorted: text.unsorted,
        public: text.public && !text.unsorted,
        number,
        numbered_by,
        fields: text.field.iter().map(|(id, field)| self::field(id, field, faults)).collect(),
        severities: Vec::new(),
        stages: text.stage.iter().map(|(id, stage)| self::stage(id, stage)).collect(),
        steps: Vec::new(),
        repeats: None,
        about_unit_sees: text.about_unit_sees,
        follows_closed: FollowsClosed::NewCase,
    };
    // Severities and outcomes are words that conditions may use: the vocabulary is made once they are named.
    kind.severities = text
        .severity
        .iter()
        .map(|(id, severity)| Severity {
            id: id.value.clone(),
            title: severity.title.clone(),
            article: severity.article.clone(),
            rules: ids(&severity.rule),
            when: None,
            major: severity.major,
        })
        .collect();
    let words = Vocabulary::of_cases(std::slice::from_ref(&kind), channels, (&pack.id, &pack.title), context.parameters.clone())
        .with_units(&context.units);
    severities(&mut kind, text, &words, faults);
    for (field, (_, written)) in kind.fields.iter_mut().zip(text.field.iter()) {
        field.required_when = match &written.required_when {
            Some(condition) => Some(words.condition(condition, faults)),
            None => written.required.then(Default::default),
        };
    }
    kind.steps = steps(context, &kind, text, &words, faults);
    returns::check(&kind, text, faults);
    kind.repeats = text.repeats.as_ref().and_then(|repeats| self::repeats(context, &kind, repeats, faults));
    check_repeated(&kind, text, faults);
    kind.follows_closed = follows_closed(&kind, text, faults);
    check_stages(&kind, id, text, faults);
    kind
}

/// The pattern, and the parameter that it stands in, if it is one.
fn number_of_kind(context: &Context<'_>, text: &Placed<String>, faults: &mut Vec<Fault>) -> (NumberPattern, Option<String>) {
    let name = braced(text);
    let found = name.and_then(|name| context.parameters.iter().find(|(known, _)| known == name));
    match found {
        Some((name, value)) => (number(&Placed { value: value.clone(), range: text.range }, faults), Some(name.clone())),
        None => (number(text, faults), None),
    }
}

pub(super) fn number(text: &Placed<String>, faults: &mut Vec<Fault>) -> NumberPattern {
    match NumberPattern::parse(text) {
        Ok(pattern) => pattern,
        Err(bad) => {
            let (en, zh) = match bad {
                BadPattern::Open => ("a brace is not closed".to_owned(), "花括号没有闭合".to_owned()),
                BadPattern::Place(place) => {
                    (format!("there is no place '{{{place}}}' in a number"), format!("编号中没有“{{{place}}}”这个占位"))
                }
                BadPattern::Sequence => ("a number ends with {seq}, once".to_owned(), "编号须以 {seq} 结尾，且只出现一次".to_owned()),
            };
            let fault = Fault::new(text.range, "bad-number", en, zh);
            faults.push(fault.help("write e.g. \"TS-{unit}-{yyyy}{mm}{dd}-{seq}\"", "例如 \"TS-{unit}-{yyyy}{mm}{dd}-{seq}\""));
            NumberPattern { parts: Vec::new() }
        }
    }
}

pub(super) fn field(id: &Placed<String>, text: &FieldText, faults: &mut Vec<Fault>) -> Field {
    if Vocabulary::is_reserved(id) {
        let en = format!("'{}' is the name of something that every case has", id.value);
        faults.push(
            Fault::new(id.range, "reserved", en, format!("“{}”是每个案件都有的项目名，不能再作字段名", id.value))
                .help(format!("write another name, e.g. own_{}", id.value), format!("请另取字段名，例如 own_{}", id.value)),
        );
    }
    let sort = FieldSort::ALL.into_iter().find(|(_, word)| *word == text.sort.value).map(|(sort, _)| sort);
    if sort.is_none() {
        faults.push(unknown(&text.sort, ("type of field", "字段类型"), "unknown-type", FieldSort::ALL.into_iter().map(|(_, word)| word)));
    }
    let sort = sort.unwrap_or(FieldSort::Text);
    let chooses = matches!(sort, FieldSort::Choice | FieldSort::Choices);
    if chooses == text.choices.is_empty() {
        let (en, zh) = if chooses {
            ("a choice without anything to choose from", "选择字段没有可选项")
        } else {
            ("only a choice has choices", "只有选择字段才有可选项")
        };
        faults.push(
            Fault::new(id.range, "choices", en, zh)
                .help("write choices = { a = \"…\", b = \"…\" } with type = \"choice\"", "请写 type = \"choice\" 并列出 choices"),
        );
    }
    if !text.personal && matches!(sort, FieldSort::Phone | FieldSort::Email | FieldSort::Plate) {
        let en = format!("a {} is personal", sort.as_str());
        let zh = format!("“{}”属于个人信息", text.title.zh);
        faults.push(Fault::new(id.range, "personal", en, zh).help("write personal = true", "请写 personal = true"));
    }
    Field {
        id: id.value.clone(),
        title: text.title.clone(),
        sort,
        personal: text.personal,
        choices: text.choices.iter().map(|(value, title)| Choice { value: value.value.clone(), title: title.clone() }).collect(),
        periods: Vec::new(),
        required_when: None,
        article: text.article.clone(),
        rules: ids(&text.rule),
        public: text.public,
    }
}

fn stage(id: &Placed<String>, text: &StageText) -> Stage {
    Stage { id: id.value.clone(), title: text.title.clone(), article: text.article.clone(), terminal: text.terminal }
}

fn severities(kind: &mut Kind, text: &KindText, words: &Vocabulary, faults: &mut Vec<Fault>) {
    let count = text.severity.0.len();
    for (nth, (id, written)) in text.severity.iter().enumerate() {
        let mut condition = written.when.as_ref().map(|when| words.condition(when, faults));
        if !written.any.is_empty() {
            condition.get_or_insert_default().any.extend(written.any.iter().map(|text| words.condition(text, faults)).collect::<Vec<_>>());
        }
        if condition.is_none() && nth + 1 < count {
            let en = format!("'{}' has no condition, so nothing after it is ever reached", id.value);
            let zh = format!("“{}”没有条件，其后的严重程度永远不会用到", id.value);
            faults.push(
                Fault::new(id.range, "never-reached", en, zh)
                    .help("write when = { … }, or move it to the end", "请写 when = { … }，或移到最后"),
            );
        }
        kind.severities[nth].when = condition;
    }
    if kind.severities.last().is_none_or(|last| last.when.is_some()) {
        kind.severities.push(Severity {
            id: "ordinary".to_owned(),
            title: Title::new("一般", "ordinary"),
            article: String::new(),
            rules: Vec::new(),
            when: None,
            major: false,
        });
    }
}

fn steps(context: &Context<'_>, kind: &Kind, text: &KindText, words: &Vocabulary, faults: &mut Vec<Fault>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (id, written) in text.moves.iter() {
        steps.push(Step {
            id: id.value.clone(),
            sort: StepSort::Move,
            title: written.title.clone(),
            article: written.article.clone(),
            rules: ids(&written.rule),
            from: stages(&written.from, &text.stage, faults),
            to: stages(std::slice::from_ref(&written.to), &text.stage, faults).pop(),
            by: actors(context, Some(kind), &written.by, &PEOPLE, faults),
            requires: fields(&written.requires, kind, faults),
            asks: fields(&written.asks, kind, faults),
            when: written.when.as_ref().map(|when| words.condition(when, faults)),
            event: event(&written.event, faults),
            outcome: written.outcome.as_ref().map(|outcome| outcome.value.clone()),
            once: false,
            returning: None,
        });
    }
    for (id, written) in text.act.iter() {
        if text.moves.get(id).is_some() {
            let en = format!("a move is called '{}' too", id.value);
            let fault = Fault::new(id.range, "twice", en, format!("已有同名的流转步骤“{}”", id.value));
            faults.push(fault.help("write another name for one of them", "请为其中之一另取名称"));
        }
        let from = if written.stages.is_empty() {
            kind.stages.iter().filter(|stage| !stage.terminal).map(|stage| stage.id.clone()).collect()
        } else {
            stages(&written.stages, &text.stage, faults)
        };
        steps.push(Step {
            id: id.value.clone(),
            sort: StepSort::Act,
            title: written.title.clone(),
            article: written.article.clone(),
            rules: ids(&written.rule),
            from,
            to: None,
            by: actors(context, Some(kind), &written.by, &PEOPLE, faults),
            requires: fields(&written.requires, kind, faults),
            asks: fields(&written.asks, kind, faults),
            when: written.when.as_ref().map(|when| words.condition(when, faults)),
            event: event(&written.event, faults),
            outcome: written.outcome.as_ref().map(|outcome| outcome.value.clone()),
            once: written.once,
            returning: None,
        });
    }
    steps.extend(returns::compile(context, kind, text, words, faults));
    steps
}

pub(super) fn stages(names: &[Placed<String>], known: &Named<StageText>, faults: &mut Vec<Fault>) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        match find(known, name, |stage| &stage.title) {
            Some(id) => found.push(id.to_owned()),
            None => {
                let titles = known.iter().map(|(_, stage)| stage.title.zh.as_str());
                faults.push(unknown(name, ("stage", "环节"), "unknown-stage", known.names()).or_title(name, titles));
            }
        }
    }
    found
}

pub(super) fn fields(names: &[Placed<String>], kind: &Kind, faults: &mut Vec<Fault>) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        match kind.fields.iter().find(|field| field.id == name.value || field.title.zh == name.value) {
            Some(field) => found.push(field.id.clone()),
            None => {
                let (ids, titles) =
                    kind.fields.iter().map(|field| (field.id.as_str(), field.title.zh.as_str())).unzip::<_, _, Vec<_>, Vec<_>>();
                faults.push(unknown(name, ("field", "字段"), "unknown-field", ids.into_iter()).or_title(name, titles));
            }
        }
    }
    found
}

/// Looks up roles, words for people and fields that name people. `kind`: whose fields may be named; None: any kind's.
pub(super) fn actors(
    context: &Context<'_>,
    kind: Option<&Kind>,
    texts: &Many<ActorText>,
    people: &[&str],
    faults: &mut Vec<Fault>,
) -> Vec<Actor> {
    let mut actors = Vec::new();
    for text in texts.iter() {
        match (&text.role, &text.field) {
            (Some(word), None) if people.contains(&word.as_str()) => actors.push(match word.as_str() {
                "handler" => Actor::Handler,
                "reporter" => Actor::Reporter,
                "owner" => Actor::Owner,
                "superior" => Actor::Superior,
                _ => Actor::OwedTo,
            }),
            (Some(role), None) => match find(&context.file.role, role, |role| &role.title) {
                Some(id) => actors.push(Actor::Role(id.to_owned())),
                None => {
                    let known = context.file.role.names().chain(people.iter().copied());
                    let titles = context.file.role.iter().map(|(_, role)| role.title.zh.as_str());
                    faults.push(unknown(role, ("role", "角色"), "unknown-role", known).or_title(role, titles));
                }
            },
            (None, Some(field)) => {
                let kinds = context.file.kind.iter().filter(|(id, _)| kind.is_none_or(|kind| kind.id == id.value));
                let people: Vec<(&str, &str)> = kinds
                    .flat_map(|(_, kind)| kind.field.iter().filter(|(_, field)| field.sort.value == "person"))
                    .map(|(id, field)| (id.value.as_str(), field.title.zh.as_str()))
                    .collect();
                match people.iter().find(|(id, title)| [*id, *title].contains(&field.as_str())) {
                    Some((id, _)) => actors.push(Actor::Field((*id).to_owned())),
                    None => {
                        let (ids, titles) = people.iter().copied().unzip::<_, _, Vec<_>, Vec<_>>();
                        let fault = unknown(field, ("field of type person", "人员字段"), "unknown-field", ids.into_iter());
                        faults.push(fault.or_title(field, titles));
                    }
                }
            }
            _ => {}
        }
    }
    actors
}

fn event(text: &Placed<String>, faults: &mut Vec<Fault>) -> String {
    let well_written = !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !well_written {
        let en = format!("'{}' is no name for an event: lower-case letters, digits and '_' only", text.value);
        faults.push(
            Fault::new(text.range, "bad-event", en, format!("“{}”不能作事件名：只可用小写字母、数字和“_”", text.value))
                .help("write e.g. event = \"accepted\" for case.accepted", "例如 event = \"accepted\"，即 case.accepted"),
        );
    } else if text.value != "answered" && CASE_EVENTS.contains(&text.as_str()) {
        let en = format!("case.{} is told by itself; a step needs a word of its own", text.value);
        let fault = Fault::new(text.range, "reserved", en, format!("case.{} 由系统自动发出，步骤须另取事件名", text.value));
        faults.push(fault.help("write e.g. event = \"settled\" for case.settled", "例如 event = \"settled\"，即 case.settled"));
    }
    text.value.clone()
}

/// By what a customer or a matter is known besides the kind's own fields.
const PARTS: [(&str, &str); 4] = [("phone", "电话"), ("email", "邮箱"), ("unit", "单位"), ("kind", "事项类别")];

fn repeats(context: &Context<'_>, kind: &Kind, text: &crate::source::pack::RepeatsText, faults: &mut Vec<Fault>) -> Option<Repeats> {
    let fields = kind.fields.iter().map(|field| (field.id.as_str(), field.title.zh.as_str()));
    let known: Vec<(&str, &str)> = PARTS.into_iter().chain(fields).collect();
    let meant = |part: &Placed<String>| {
        let by_id = known.iter().find(|(id, _)| *id == part.value);
        by_id.or_else(|| known.iter().find(|(_, title)| *title == part.value)).map(|(id, _)| (*id).to_owned())
    };
    for part in text.keys.iter().flatten().filter(|part| meant(part).is_none()) {
        let fault = unknown(part, ("part of a key", "识别项"), "unknown-field", known.iter().map(|(id, _)| *id));
        faults.push(fault.or_title(part, known.iter().map(|(_, title)| *title)));
    }
    let mut keys: Vec<Vec<String>> = text.keys.iter().map(|key| key.iter().filter_map(meant).collect()).collect();
    if keys.is_empty() {
        keys.push(["phone", "unit", "kind"].map(str::to_owned).to_vec());
    }
    let within = parameter::amount(&context.parameters, &text.within, faults)?;
    Some(Repeats { keys, within, article: text.article.clone() })
}

/// Where nothing says by what a repetition is known, nothing ever is one.
fn check_repeated(kind: &Kind, text: &KindText, faults: &mut Vec<Fault>) {
    if text.repeats.is_some() {
        return;
    }
    let asks = |severity: &Severity| severity.when.as_ref().is_some_and(|when| when.asks_of("repeats"));
    let asking = kind.severities.iter().filter(|severity| asks(severity));
    for (id, _) in asking.filter_map(|severity| text.severity.iter().find(|(id, _)| id.value == severity.id)) {
        let en = format!("'{}' asks for repeats, and nothing says by what they are known: there never are any", id.value);
        let zh = format!("“{}”以重复次数为条件，但未写明如何识别重复来件：永远不会有重复", id.value);
        let fault = Fault::new(id.range, "never-repeats", en, zh).warning();
        faults.push(fault.help(
            format!("write [kind.{}.repeats] with keys and within", kind.id),
            format!("请写 [kind.{}.repeats]，含 keys 和 within", kind.id),
        ));
    }
}

fn follows_closed(kind: &Kind, text: &KindText, faults: &mut Vec<Fault>) -> FollowsClosed {
    let Some(written) = &text.follows_closed else { return FollowsClosed::NewCase };
    match (&written.otherwise, &written.reopen) {
        (None, Some(step)) => {
            let reopens = kind.step(step).is_some_and(|found| found.from.iter().any(|from| kind.is_terminal(from)) && found.to.is_some());
            if !reopens {
                let moves = kind.steps.iter().filter(|step| step.from.iter().any(|from| kind.is_terminal(from)));
                faults.push(unknown(
                    step,
                    ("move out of a closed stage", "从办结环节重开的流转"),
                    "unknown-step",
                    moves.map(|step| step.id.as_str()),
                ));
            }
            FollowsClosed::Reopen { step: step.value.clone() }
        }
        (Some(word), None) if word.value == "join" => FollowsClosed::Join,
        (Some(word), None) if word.value == "new-case" => FollowsClosed::NewCase,
        (Some(word), _) => {
            faults.push(unknown(
                word,
                ("way to follow a closed case", "后续来件的处理方式"),
                "unknown-word",
                ["join", "new-case"].into_iter(),
            ));
            FollowsClosed::NewCase
        }
        (None, None) => FollowsClosed::NewCase,
    }
}

/// Every stage can be reached, every open one left, and one ends the case.
fn check_stages(kind: &Kind, id: &Placed<String>, text: &KindText, faults: &mut Vec<Fault>) {
    let has_end = kind.stages.iter().any(|stage| stage.terminal);
    if !has_end {
        let en = format!("'{}' has no stage that ends the case", kind.id);
        faults.push(
            Fault::new(id.range, "no-end", en, format!("事项类别“{}”没有办结环节", kind.title.zh))
                .help("write terminal = true in one stage", "请在某一环节写 terminal = true"),
        );
    }
    if let Some((name, stage)) = text.stage.iter().next().filter(|(_, stage)| stage.terminal) {
        let en = format!("a case of '{}' would begin at its end, and nobody would be told that it is closed", kind.id);
        let zh = format!("“{}”的案件一登记就处于终结环节“{}”，不会告知办结", kind.title.zh, stage.title.zh);
        let help = ("put a stage before it, and a move that leads to it", "请在其前增加一个环节，以及转入此环节的步骤");
        faults.push(Fault::new(name.range, "begins-at-its-end", en, zh).help(help.0, help.1));
    }
    let reached = reachable(kind);
    for (name, stage) in text.stage.iter() {
        if !reached.contains(&name.as_str()) {
            let en = format!("no move leads to the stage '{}'", name.value);
            faults.push(
                Fault::new(name.range, "unreachable", en, format!("没有步骤通向环节“{}”", stage.title.zh))
                    .help("write a move with to = this stage, or take the stage out", "请增加 to 为此环节的流转，或删去此环节"),
            );
        }
        let leaves = kind.steps.iter().any(|step| step.to.as_ref().is_some_and(|to| *to != name.value) && step.from.contains(&name.value));
        if !stage.terminal && !leaves {
            let en = format!("no move leads out of the stage '{}'", name.value);
            faults.push(
                Fault::new(name.range, "no-way-out", en, format!("没有步骤离开环节“{}”", stage.title.zh))
                    .help("write a move with from = this stage, or terminal = true", "请增加 from 为此环节的流转，或写 terminal = true"),
            );
        } else if !stage.terminal
            && reached.contains(&name.as_str())
            && has_end
            && !kind.onwards(name, |_| true).iter().any(|on| kind.is_terminal(on))
        {
            let en = format!("from the stage '{}' no moves lead to an end of the case", name.value);
            faults.push(
                Fault::new(name.range, "no-way-to-an-end", en, format!("从环节“{}”出发，无论怎样流转都不能办结", stage.title.zh)).help(
                    "write a move from here to a stage that ends the case, or to one from which it can be ended",
                    "请增加通向办结环节、或通向可办结环节的流转",
                ),
            );
        }
    }
}

pub(super) fn reachable(kind: &Kind) -> Vec<&str> {
    kind.stages.first().map(|first| kind.onwards(&first.id, |_| true)).unwrap_or_default()
}
