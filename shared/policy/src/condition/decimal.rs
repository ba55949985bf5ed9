//! Exact decimals, for money and counts.

use std::cmp::Ordering;
use std::fmt;

/// A decimal number without rounding: sign, whole digits without leading zeros, fraction without trailing zeros.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Decimal {
    /// Reads `5000`, `-0.50`, `1,000.00`, `1e3`; at most 64 characters.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (digits, exponent) = match digits.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok().filter(|exponent| (-60..=60).contains(exponent))?),
            None => (digits, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = without_separators(whole)?;
        if (whole.is_empty() && fraction.is_empty()) || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self::shifted(negative, &whole, fraction, exponent))
    }

    fn shifted(negative: bool, whole: &str, fraction: &str, exponent: i32) -> Self {
        let digits = format!("{whole}{fraction}");
        let point = i32::try_from(whole.len()).unwrap_or(0) + exponent;
        let (whole, fraction) = match usize::try_from(point) {
            Ok(point) if point >= digits.len() => (format!("{digits:0<point$}"), String::new()),
            Ok(point) => (digits[..point].to_owned(), digits[point..].to_owned()),
            Err(_) => (String::new(), format!("{}{digits}", "0".repeat(point.unsigned_abs() as usize))),
        };
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let zero = whole.is_empty() && fraction.is_empty();
        Self { negative: negative && !zero, whole, fraction }
    }

    fn size(&self, other: &Self) -> Ordering {
        (self.whole.len(), &self.whole).cmp(&(other.whole.len(), &other.whole)).then_with(|| self.fraction.cmp(&other.fraction))
    }
}

/// Commas are taken only where they group thousands.
fn without_separators(whole: &str) -> Option<String> {
    if !whole.contains(',') {
        return Some(whole.to_owned());
    }
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let well_grouped = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    well_grouped.then(|| whole.replace(',', ""))
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.size(other),
            (true, true) => other.size(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let whole = if self.whole.is_empty() { "0" } else { &self.whole };
        if self.fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{}", self.fraction) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn money_is_exact() {
        let decimal = |text: &str| Decimal::parse(text).unwrap();
        assert!(decimal("5000.01") > decimal("5,000.00"));
        assert_eq!(decimal("0.10"), decimal("1e-1"));
        assert_eq!(decimal("-0"), decimal("0"));
        assert!(decimal("99999999999999999999.1") < decimal("99999999999999999999.11"));
        assert!(decimal("-3") < decimal("-2.9"));
        assert_eq!(decimal("1.50e2").to_string(), "150");
        for bad in ["", "五千", "1,00", "12..3", "1e999", "NaN", ".", "--1"] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn order_is_that_of_the_numbers(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000, places in 0_u32..5) {
            let write = |n: i64| {
                let scale = 10_i64.pow(places);
                format!("{}{}.{:0width$}", if n < 0 { "-" } else { "" }, n.abs() / scale, n.abs() % scale, width = places.max(1) as usize)
            };
            if places > 0 {
                prop_assert_eq!(Decimal::parse(&write(a)).unwrap().cmp(&Decimal::parse(&write(b)).unwrap()), a.cmp(&b));
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,80}") {
            if let Some(decimal) = Decimal::parse(&text) {
                prop_assert_eq!(Decimal::parse(&decimal.to_string()), Some(decimal));
            }
        }
    }
}
