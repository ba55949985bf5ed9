//! Parameters where they stand in a pack: `{name}`, and what is said where there is none of that name or it holds something else.

use super::duty::Amount;
use crate::calendar::Duration;
use crate::source::{Fault, Placed};

/// What stands between the braces of `{parameter}`, where that is all.
pub(super) fn braced(text: &str) -> Option<&str> {
    let name = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    (!name.contains(['{', '}'])).then_some(name)
}

/// There is no parameter of that name.
pub(super) fn unknown_parameter<'a>(name: &str, range: (usize, usize), known: impl Iterator<Item = &'a str>) -> Fault {
    Fault::new(range, "unknown-parameter", format!("there is no parameter '{name}'"), format!("没有参数“{name}”"))
        .help(
            format!("write [parameter.{name}] with title = \"…\" and value = \"…\""),
            format!("请写 [parameter.{name}]，含 title = \"…\" 和 value = \"…\""),
        )
        .suggest(name, known)
}

/// Help where a parameter holds something else: what it could hold.
pub(super) fn valued(name: &str, example: &str) -> (String, String) {
    (format!("write e.g. value = \"{example}\" in [parameter.{name}]"), format!("例如在 [parameter.{name}] 中写 value = \"{example}\""))
}

/// A duration as written, or a parameter that holds one.
pub(super) fn amount(parameters: &[(String, String)], text: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Amount> {
    let Some(name) = braced(text) else {
        return duration(text, faults).map(Amount::Fixed);
    };
    let Some((_, value)) = parameters.iter().find(|(known, _)| known == name) else {
        faults.push(unknown_parameter(name, text.range, parameters.iter().map(|(name, _)| name.as_str())));
        return None;
    };
    if let Err(bad) = value.parse::<Duration>() {
        let en = format!("parameter '{name}' is no duration: {bad}");
        let help = valued(name, "7d");
        faults.push(Fault::new(text.range, "bad-duration", en, format!("参数“{name}”不是时长：{}", bad.zh())).help(help.0, help.1));
    }
    Some(Amount::Parameter(name.to_owned()))
}

/// A duration, or a fault that says what is wrong with it.
fn duration(text: &Placed<String>, faults: &mut Vec<Fault>) -> Option<Duration> {
    match text.parse::<Duration>() {
        Ok(duration) => Some(duration),
        Err(bad) => {
            let help = bad.help();
            faults.push(Fault::new(text.range, "bad-duration", bad.to_string(), bad.zh()).help(help.0, help.1));
            None
        }
    }
}
