//! Parameters where they stand in a pack: `{name}`, and what is said where there is none of that name or it holds something else.

use crate::source::Fault;

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
