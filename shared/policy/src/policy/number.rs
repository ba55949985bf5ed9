//! Case numbers: `TS-{unit}-{yyyy}{mm}{dd}-{seq}`.

use duban_contracts::Timestamp;
use jiff::tz::TimeZone;

/// A pattern with the places `{unit}`, `{yyyy}`, `{yy}`, `{mm}`, `{dd}` and, once and last, `{seq}` or `{seq:5}` (digits; four unless said).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPattern {
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Unit,
    Year,
    ShortYear,
    Month,
    Day,
    Sequence(usize),
}

impl NumberPattern {
    /// # Errors
    /// The word in braces that is no place, or a sentence on the sequence.
    pub fn parse(pattern: &str) -> Result<Self, BadPattern> {
        let mut parts = Vec::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').ok_or(BadPattern::Open)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match place {
                "unit" => Part::Unit,
                "yyyy" => Part::Year,
                "yy" => Part::ShortYear,
                "mm" => Part::Month,
                "dd" => Part::Day,
                "seq" => Part::Sequence(4),
                other => match other.strip_prefix("seq:").and_then(|digits| digits.parse().ok()).filter(|digits| (1..=12).contains(digits))
                {
                    Some(digits) => Part::Sequence(digits),
                    None => return Err(BadPattern::Place(other.to_owned())),
                },
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let sequences = parts.iter().filter(|part| matches!(part, Part::Sequence(_))).count();
        if sequences != 1 || !matches!(parts.last(), Some(Part::Sequence(_))) {
            return Err(BadPattern::Sequence);
        }
        Ok(Self { parts })
    }

    /// The sequence alone, where nothing says how else.
    pub(crate) fn plain() -> Self {
        Self { parts: vec![Part::Sequence(4)] }
    }

    /// The pattern as it was written.
    pub fn written(&self) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Unit => "{unit}".to_owned(),
            Part::Year => "{yyyy}".to_owned(),
            Part::ShortYear => "{yy}".to_owned(),
            Part::Month => "{mm}".to_owned(),
            Part::Day => "{dd}".to_owned(),
            Part::Sequence(4) => "{seq}".to_owned(),
            Part::Sequence(digits) => format!("{{seq:{digits}}}"),
        };
        self.parts.iter().map(part).collect()
    }

    /// What numbers of one sequence have in common: `TS-BJ01-20260301-`. Sequences are counted per prefix, from 1.
    pub fn prefix(&self, unit: &str, at: Timestamp, zone: &TimeZone) -> String {
        let date = zone.to_datetime(at).date();
        let mut prefix = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => prefix.push_str(text),
                Part::Unit => prefix.push_str(unit),
                Part::Year => prefix.push_str(&format!("{:04}", date.year())),
                Part::ShortYear => prefix.push_str(&format!("{:02}", date.year() % 100)),
                Part::Month => prefix.push_str(&format!("{:02}", date.month())),
                Part::Day => prefix.push_str(&format!("{:02}", date.day())),
                Part::Sequence(_) => {}
            }
        }
        prefix
    }

    /// Digits of the sequence, at least.
    pub fn digits(&self) -> usize {
        self.parts.iter().find_map(|part| if let Part::Sequence(digits) = part { Some(*digits) } else { None }).unwrap_or(4)
    }

    /// The number with this place in its sequence.
    pub fn number(&self, prefix: &str, sequence: i64) -> String {
        let digits = self.digits();
        format!("{prefix}{sequence:0digits$}")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadPattern {
    Open,
    Place(String),
    Sequence,
}
