//! Expressions as written: the part of CEL that conditions may use, read into a tree.
//!
//! Everything that is read is CEL too, and means the same there. What CEL has beyond it (macros, maps, messages, indexes, division, patterns)
//! is refused by name. Numbers are kept as written, so that they stay exact.

use super::lexer::{Piece, Token, tokens};
use crate::condition::Decimal;

/// Longer expressions are refused: so many characters.
pub(crate) const LONGEST: usize = 1_000;
/// Of more parts than this none consists.
const MOST_PARTS: usize = 200;
/// Brackets and signs within one another.
const DEEPEST: usize = 24;
/// What to write instead of what is too long or too deep.
const DIVIDED: (&str, &str) = ("write several conditions, as all = [{ cel = \"…\" }, …]", "请分成几个条件：all = [{ cel = \"…\" }, …]");

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Syntax {
    Number(Decimal),
    Text(String),
    Truth(bool),
    List(Vec<Syntax>),
    /// `amount`, `fields.amount`, `parameter.large`: joined by points.
    Name(String),
    Not(Box<Syntax>),
    Negative(Box<Syntax>),
    Both(Sign, Box<Syntax>, Box<Syntax>),
    Choice(Box<Syntax>, Box<Syntax>, Box<Syntax>),
    /// `has(fields.amount)`, `size(demand)`, `number.startsWith("TS")` (the object first).
    Call(String, Vec<Syntax>),
}

/// What stands between two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Or,
    And,
    Equal,
    Unequal,
    Below,
    AtMost,
    Above,
    AtLeast,
    In,
    Plus,
    Minus,
    Times,
}

/// Why a text is no expression: what, in English and in Chinese, and after how many characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    pub at: usize,
    pub en: String,
    pub zh: String,
    /// What to write instead, in both languages.
    pub help: Option<(&'static str, &'static str)>,
}

impl Unread {
    pub fn new(at: usize, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { at, en: en.into(), zh: zh.into(), help: None }
    }

    pub fn help(mut self, (en, zh): (&'static str, &'static str)) -> Self {
        self.help = Some((en, zh));
        self
    }
}

/// Reads an expression. Ends always: each character is looked at once, and what nests too deep is refused.
pub(crate) fn read(text: &str) -> Result<Syntax, Unread> {
    let length = text.chars().count();
    if length > LONGEST {
        let (en, zh) = (format!("it has {length} characters, of at most {LONGEST}"), format!("共{length}个字符，最多允许{LONGEST}个"));
        return Err(Unread::new(LONGEST, en, zh).help(DIVIDED));
    }
    let mut reader = Reader { tokens: tokens(text)?, next: 0, parts: 0, depth: 0 };
    let read = reader.expression()?;
    match reader.peek() {
        Piece::End => Ok(read),
        _ => Err(reader.unexpected()),
    }
}

struct Reader {
    tokens: Vec<Token>,
    next: usize,
    parts: usize,
    depth: usize,
}

impl Reader {
    fn peek(&self) -> &Piece {
        self.tokens.get(self.next).map_or(&Piece::End, |token| &token.piece)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |token| token.at)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Piece::Sign(known) if *known == sign);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Unread> {
        if self.take(sign) { Ok(()) } else { Err(self.expected(sign)) }
    }

    fn expected(&self, sign: &str) -> Unread {
        let help = match sign {
            ":" => ("write a choice as condition ? one : other", "选择应写作 条件 ? 甲 : 乙"),
            "]" => ("close the list with ], with commas between its parts: ['a', 'b']", "列表各项以逗号分隔，并以 ] 结束：['a', 'b']"),
            _ => ("close the bracket with )", "请用 ) 结束括号"),
        };
        let (en, zh) = (format!("'{sign}' is missing before {}", self.peek().en()), format!("{}之前缺少“{sign}”", self.peek().zh()));
        Unread::new(self.at(), en, zh).help(help)
    }

    fn unexpected(&self) -> Unread {
        let (en, zh, help) = match self.peek() {
            Piece::Sign("/" | "%") => (
                "division is not exact: multiply the other side instead".to_owned(),
                "除法不精确，请改为将另一侧相乘".to_owned(),
                ("write e.g. amount > 2 * paid for amount / 2 > paid", "例如 amount / 2 > paid 请写作 amount > 2 * paid"),
            ),
            Piece::Sign("[") => (
                "nothing can be looked up by [ ] here".to_owned(),
                "此处不支持用 [ ] 取值".to_owned(),
                ("write fields.amount, or demand in ['return', 'exchange']", "请写 fields.amount，或 demand in ['return', 'exchange']"),
            ),
            Piece::Sign("{") => (
                "maps and messages have no place in a condition".to_owned(),
                "条件中不能使用映射或消息".to_owned(),
                ("write a parameter without braces: parameter.large", "参数不加花括号，请写作 parameter.large"),
            ),
            Piece::End => (
                "the expression breaks off here".to_owned(),
                "表达式在此处中断".to_owned(),
                ("write it to its end, e.g. amount > 5000", "请写完整，例如 amount > 5000"),
            ),
            piece => (
                format!("{} cannot stand here", piece.en()),
                format!("此处不能出现{}", piece.zh()),
                ("write e.g. amount > 5000 && demand == 'return'", "例如写 amount > 5000 && demand == 'return'"),
            ),
        };
        Unread::new(self.at(), en, zh).help(help)
    }

    /// Counts a part.
    fn part(&mut self, part: Syntax) -> Result<Syntax, Unread> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            let (en, zh) = (format!("it has more than {MOST_PARTS} parts"), format!("组成部分超过{MOST_PARTS}个"));
            return Err(Unread::new(self.at(), en, zh).help(DIVIDED));
        }
        Ok(part)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Unread>) -> Result<T, Unread> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let (en, zh) =
                (format!("more than {DEEPEST} brackets or signs stand within one another"), format!("括号或符号嵌套超过{DEEPEST}层"));
            return Err(Unread::new(self.at(), en, zh).help(DIVIDED));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn expression(&mut self) -> Result<Syntax, Unread> {
        self.deeper(|reader| {
            let condition = reader.two(0)?;
            if !reader.take("?") {
                return Ok(condition);
            }
            let then = reader.two(0)?;
            reader.expect(":")?;
            let otherwise = reader.expression()?;
            reader.part(Syntax::Choice(Box::new(condition), Box::new(then), Box::new(otherwise)))
        })
    }

    /// Signs that bind as close as `level`, and those that bind closer, from left to right.
    fn two(&mut self, level: usize) -> Result<Syntax, Unread> {
        const LEVELS: [&[(&str, Sign)]; 5] = [
            &[("||", Sign::Or)],
            &[("&&", Sign::And)],
            &[
                ("==", Sign::Equal),
                ("!=", Sign::Unequal),
                ("<", Sign::Below),
                ("<=", Sign::AtMost),
                (">", Sign::Above),
                (">=", Sign::AtLeast),
                ("in", Sign::In),
            ],
            &[("+", Sign::Plus), ("-", Sign::Minus)],
            &[("*", Sign::Times)],
        ];
        let Some(signs) = LEVELS.get(level) else { return self.one() };
        let mut left = self.two(level + 1)?;
        while let Some((_, sign)) = signs.iter().find(|(written, _)| self.take(written)) {
            let right = self.two(level + 1)?;
            left = self.part(Syntax::Both(*sign, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Syntax, Unread> {
        if self.take("!") {
            let inner = self.deeper(Self::one)?;
            return self.part(Syntax::Not(Box::new(inner)));
        }
        if self.take("-") {
            let inner = self.deeper(Self::one)?;
            return self.part(Syntax::Negative(Box::new(inner)));
        }
        let mut found = self.primary()?;
        while self.take(".") {
            let Piece::Name(name) = self.peek().clone() else { return Err(self.unexpected()) };
            let at = self.at();
            self.next += 1;
            found = if self.take("(") {
                known_call(&name, at)?;
                let mut parts = vec![found];
                parts.extend(self.list(")")?);
                self.part(Syntax::Call(name, parts))?
            } else if let Syntax::Name(before) = found {
                Syntax::Name(format!("{before}.{name}"))
            } else {
                let help = ("write names as fields.amount or parameter.large", "名称请写作 fields.amount 或 parameter.large");
                return Err(Unread::new(at, format!("nothing has a part '{name}'"), format!("不存在可取的“{name}”")).help(help));
            };
        }
        Ok(found)
    }

    fn primary(&mut self) -> Result<Syntax, Unread> {
        let piece = self.peek().clone();
        let at = self.at();
        let read = match piece {
            Piece::Number(number) => Syntax::Number(number),
            Piece::Text(text) => Syntax::Text(text),
            Piece::Truth(truth) => Syntax::Truth(truth),
            Piece::Name(name) => {
                self.next += 1;
                if !self.take("(") {
                    return self.part(Syntax::Name(name));
                }
                known_call(&name, at)?;
                let parts = self.list(")")?;
                return self.part(Syntax::Call(name, parts));
            }
            Piece::Sign("(") => {
                self.next += 1;
                let inner = self.expression()?;
                self.expect(")")?;
                return Ok(inner);
            }
            Piece::Sign("[") => {
                self.next += 1;
                let items = self.list("]")?;
                return self.part(Syntax::List(items));
            }
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        self.part(read)
    }

    fn list(&mut self, end: &str) -> Result<Vec<Syntax>, Unread> {
        let mut items = Vec::new();
        if self.take(end) {
            return Ok(items);
        }
        loop {
            items.push(self.expression()?);
            if self.take(end) {
                return Ok(items);
            }
            if !self.take(",") {
                return Err(self.expected(end));
            }
        }
    }
}

fn known_call(name: &str, at: usize) -> Result<(), Unread> {
    const MACROS: [&str; 7] = ["all", "exists", "exists_one", "existsOne", "map", "filter", "matches"];
    if super::FUNCTIONS.contains(&name) {
        return Ok(());
    }
    let known = super::FUNCTIONS.join(", ");
    let (en, zh, help) = if MACROS.contains(&name) {
        (
            format!("'{name}' has no bound and is not for conditions; there are {known}"),
            format!("“{name}”没有上限，条件中不可用；可用：{known}"),
            ("write e.g. 'return' in demand, or has(fields.demand)", "例如写 'return' in demand 或 has(fields.demand)"),
        )
    } else {
        (
            format!("there is no function '{name}'; there are {known}"),
            format!("没有函数“{name}”；可用：{known}"),
            (
                "write e.g. has(fields.amount), size(demand) or title.contains('text')",
                "例如写 has(fields.amount)、size(demand) 或 title.contains('文字')",
            ),
        )
    };
    Err(Unread::new(at, en, zh).help(help))
}
