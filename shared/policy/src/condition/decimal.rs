//! Exact decimals, for money and counts.

use std::cmp::Ordering;
use std::fmt;

/// What arithmetic comes to is unknown beyond so many digits: a bound on its time.
const MOST_DIGITS: usize = 128;

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

    pub(crate) fn from_count(count: usize) -> Self {
        Self::shifted(false, &count.to_string(), "", 0)
    }

    pub(crate) fn negative(&self) -> Self {
        let zero = self.whole.is_empty() && self.fraction.is_empty();
        Self { negative: !self.negative && !zero, ..self.clone() }
    }

    /// The exact sum; None where it has more than [`MOST_DIGITS`].
    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        let places = self.fraction.len().max(other.fraction.len());
        let (a, b) = (self.digits(places), other.digits(places));
        if self.negative == other.negative {
            return Self::of_digits(self.negative, &added(&a, &b), places);
        }
        match self.size(other) {
            Ordering::Less => Self::of_digits(other.negative, &taken_off(&b, &a), places),
            _ => Self::of_digits(self.negative, &taken_off(&a, &b), places),
        }
    }

    /// The exact product; None where it has more than [`MOST_DIGITS`].
    pub(crate) fn times(&self, other: &Self) -> Option<Self> {
        let (a, b) = (self.digits(self.fraction.len()), other.digits(other.fraction.len()));
        let mut product = vec![0_u32; a.len() + b.len()];
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                // At most 81 times the digits of one factor: far from the end of its type.
                product[i + j] += u32::from(*x) * u32::from(*y);
            }
        }
        let mut carry = 0;
        let digits: Vec<u8> = product
            .into_iter()
            .map(|digit| {
                let sum = digit + carry;
                carry = sum / 10;
                (sum % 10) as u8
            })
            .collect();
        Self::of_digits(self.negative != other.negative, &digits, self.fraction.len() + other.fraction.len())
    }

    /// Its digits from the last to the first, with so many places after the point.
    fn digits(&self, places: usize) -> Vec<u8> {
        let padding = std::iter::repeat_n(b'0', places.saturating_sub(self.fraction.len()));
        let digits = self.whole.bytes().chain(self.fraction.bytes()).chain(padding).map(|digit| digit - b'0');
        let mut digits: Vec<u8> = digits.collect();
        digits.reverse();
        digits
    }

    fn of_digits(negative: bool, digits: &[u8], places: usize) -> Option<Self> {
        let text: String = digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        let number = Self::shifted(negative, &text, "", i32::try_from(places).ok()?.checked_neg()?);
        (number.whole.len() + number.fraction.len() <= MOST_DIGITS).then_some(number)
    }

    fn size(&self, other: &Self) -> Ordering {
        (self.whole.len(), &self.whole).cmp(&(other.whole.len(), &other.whole)).then_with(|| self.fraction.cmp(&other.fraction))
    }
}

/// Both from the last digit to the first.
fn added(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let digit = |digits: &[u8], nth: usize| digits.get(nth).copied().unwrap_or(0);
    (0..=a.len().max(b.len()))
        .map(|nth| {
            let sum = digit(a, nth) + digit(b, nth) + carry;
            carry = sum / 10;
            sum % 10
        })
        .collect()
}

/// The greater first.
fn taken_off(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrowed = 0;
    a.iter()
        .enumerate()
        .map(|(nth, digit)| {
            let take = b.get(nth).copied().unwrap_or(0) + borrowed;
            borrowed = u8::from(*digit < take);
            digit + 10 * borrowed - take
        })
        .collect()
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
        fn sums_and_products_are_exact(a in -1_000_000_000_i64..1_000_000_000, b in -1_000_000_000_i64..1_000_000_000, left in 0_i32..6, right in 0_i32..6) {
            let write = |n: i64, places: i32| Decimal::parse(&format!("{n}e-{places}")).unwrap();
            let (x, y) = (write(a, left), write(b, right));
            let places = left.max(right);
            let scaled = |n: i64, from: i32| i128::from(n) * 10_i128.pow((places - from).unsigned_abs());
            let sum = scaled(a, left) + scaled(b, right);
            prop_assert_eq!(x.plus(&y), Decimal::parse(&format!("{sum}e-{places}")));
            prop_assert_eq!(x.times(&y), Decimal::parse(&format!("{}e-{}", i128::from(a) * i128::from(b), left + right)));
            prop_assert_eq!(x.plus(&x.negative()), Decimal::parse("0"));
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,80}") {
            if let Some(decimal) = Decimal::parse(&text) {
                prop_assert_eq!(Decimal::parse(&decimal.to_string()), Some(decimal));
            }
        }
    }
}
