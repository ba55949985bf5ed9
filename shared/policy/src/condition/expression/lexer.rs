//! The words and signs of an expression.

use super::syntax::Unread;
use crate::condition::Decimal;

/// A word or sign, and after how many characters it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub piece: Piece,
    pub at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Number(Decimal),
    Text(String),
    Truth(bool),
    Name(String),
    Sign(&'static str),
    End,
}

impl Piece {
    pub fn en(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("the text '{text}'"),
            Self::Truth(truth) => truth.to_string(),
            Self::Name(name) => format!("'{name}'"),
            Self::Sign(sign) => format!("'{sign}'"),
            Self::End => "the end".to_owned(),
        }
    }

    pub fn zh(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("文字“{text}”"),
            Self::Truth(truth) => truth.to_string(),
            Self::Name(name) => format!("“{name}”"),
            Self::Sign(sign) => format!("“{sign}”"),
            Self::End => "结尾".to_owned(),
        }
    }
}

/// Longer signs before those that they begin with.
const SIGNS: [&str; 24] =
    ["||", "&&", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")", "[", "]", "{", "}", ",", "."];

/// Words that CEL keeps to itself.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Unread> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = chars.get(at).copied() {
        if first.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (piece, length) = if first.is_ascii_digit() {
            number(&chars, at)?
        } else if first.is_alphabetic() || first == '_' {
            word(&chars, at)?
        } else if matches!(first, '"' | '\'') {
            quoted(&chars, at, first)?
        } else {
            sign(&chars, at)?
        };
        found.push(Token { piece, at });
        at += length;
    }
    found.push(Token { piece: Piece::End, at });
    Ok(found)
}

fn length(chars: &[char], at: usize, belongs: impl Fn(char) -> bool) -> usize {
    chars.iter().skip(at).take_while(|c| belongs(**c)).count()
}

fn text_of(chars: &[char], at: usize, length: usize) -> String {
    chars.iter().skip(at).take(length).collect()
}

fn number(chars: &[char], at: usize) -> Result<(Piece, usize), Unread> {
    let mut end = at + length(chars, at, |c| c.is_ascii_digit());
    if chars.get(end) == Some(&'.') && chars.get(end + 1).is_some_and(char::is_ascii_digit) {
        end += 1 + length(chars, end + 1, |c| c.is_ascii_digit());
    }
    // `5u`, `0x1f`, `1e3`: CEL has them, people need none of them.
    let tail = length(chars, end, |c| c.is_ascii_alphanumeric() || c == '_');
    let written = text_of(chars, at, end + tail - at);
    match Decimal::parse(&written).filter(|_| tail == 0) {
        Some(number) => Ok((Piece::Number(number), end - at)),
        None => {
            let (en, zh) = (format!("'{written}' is no number such as 5000 or 0.5"), format!("“{written}”不是数字（如 5000、0.5）"));
            Err(Unread::new(at, en, zh).help(("write digits alone, with a point where need be", "请只写数字，必要时加小数点")))
        }
    }
}

/// Letters of any script: fields may be named by their titles, as in tables.
fn word(chars: &[char], at: usize) -> Result<(Piece, usize), Unread> {
    let length = length(chars, at, |c| c.is_alphanumeric() || c == '_');
    let word = text_of(chars, at, length);
    if matches!(chars.get(at + length), Some('"' | '\'')) {
        return Err(Unread::new(
            at,
            format!("texts with a prefix '{word}' are not for conditions"),
            format!("条件中不可使用带前缀“{word}”的文字"),
        )
        .help(("write the text in quotes alone: 'text'", "请只用引号书写文字：'文字'")));
    }
    let piece = match word.as_str() {
        "true" => Piece::Truth(true),
        "false" => Piece::Truth(false),
        "in" => Piece::Sign("in"),
        "null" => {
            let (en, zh) = ("nothing is null here: ask has(fields.amount)", "此处没有 null，请写 has(fields.amount)");
            return Err(
                Unread::new(at, en, zh).help(("write !has(fields.amount) where it is to be absent", "要求没有时请写 !has(fields.amount)"))
            );
        }
        reserved if RESERVED.contains(&reserved) => {
            return Err(Unread::new(
                at,
                format!("'{reserved}' is a word that CEL keeps to itself"),
                format!("“{reserved}”是 CEL 的保留字"),
            )
            .help(("write a word in quotes, e.g. 'return'; give a field another name", "选项请加引号，例如 'return'；字段请另取名称")));
        }
        _ => Piece::Name(word),
    };
    Ok((piece, length))
}

fn quoted(chars: &[char], at: usize, quote: char) -> Result<(Piece, usize), Unread> {
    let mut text = String::new();
    let mut next = at + 1;
    while let Some(c) = chars.get(next).copied() {
        next += 1;
        match c {
            '\\' => {
                let escaped = chars.get(next).copied();
                next += 1;
                text.push(match escaped {
                    Some(same @ ('\\' | '"' | '\'')) => same,
                    Some('n') => '\n',
                    Some('t') => '\t',
                    _ => {
                        let (en, zh) = (r#"after '\' comes \, ", ', n or t"#, r#"“\”之后只能是 \、"、'、n 或 t"#);
                        return Err(Unread::new(next - 2, en, zh).help((r"write \\ for \ itself", r"“\”本身请写作 \\")));
                    }
                });
            }
            '\n' | '\r' => break,
            c if c == quote => return Ok((Piece::Text(text), next - at)),
            c => text.push(c),
        }
    }
    let help = ("close it with the quote with which it begins", "请用与开头相同的引号结束");
    Err(Unread::new(at, "the text that begins here does not end", "从此处开始的文字没有结尾引号").help(help))
}

fn sign(chars: &[char], at: usize) -> Result<(Piece, usize), Unread> {
    let stands = |sign: &&str| sign.chars().enumerate().all(|(nth, c)| chars.get(at + nth) == Some(&c));
    if let Some(sign) = SIGNS.iter().find(|sign| stands(sign)) {
        return Ok((Piece::Sign(sign), sign.len()));
    }
    let c = text_of(chars, at, 1);
    let (en, zh, help) = if c == "=" {
        (
            "'=' alone compares nothing: write ==".to_owned(),
            "单个“=”不能比较，请写 ==".to_owned(),
            ("write e.g. demand == 'return'", "例如写 demand == 'return'"),
        )
    } else {
        (
            format!("'{c}' has no meaning here"),
            format!("“{c}”在此没有意义"),
            ("write half-width signs: == != < <= > >= && || ! + - * ( )", "请用半角符号：== != < <= > >= && || ! + - * ( )"),
        )
    };
    Err(Unread::new(at, en, zh).help(help))
}
