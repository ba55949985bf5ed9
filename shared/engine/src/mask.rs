//! Masking: what a list shows of a number that belongs to a person.

/// A telephone or identity number with its middle hidden: `13812342345` is shown as `138****2345`.
///
/// Short ones keep their last two symbols only; nothing shorter than five symbols is shown at all. Separators are dropped, so that their
/// places tell nothing.
pub fn number(text: &str) -> String {
    let symbols: Vec<char> = text.chars().filter(|c| c.is_alphanumeric() || *c == '+').collect();
    let n = symbols.len();
    let (head, tail) = match n {
        0..=4 => (0, 0),
        5..=8 => (0, 2),
        9..=10 => (2, 3),
        _ => (3, 4),
    };
    let hidden = if n == 0 { 0 } else { (n - head - tail).clamp(4, 10) };
    symbols[..head].iter().copied().chain(std::iter::repeat_n('*', hidden)).chain(symbols[n - tail..].iter().copied()).collect()
}

/// A text in which what may be a telephone or identity number has its middle hidden. Dates, amounts and counts are left; a long order number
/// is hidden too, for nobody can tell it from a person's.
pub fn within(text: &str) -> String {
    let symbols: Vec<char> = text.chars().collect();
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&symbol) = symbols.get(at) {
        let end = end_of_number(&symbols, at);
        if end == at {
            shown.push(symbol);
            at += 1;
            continue;
        }
        let written: String = symbols[at..end].iter().collect();
        let hidden = may_be_personal(&written, symbols.get(end).copied());
        shown.push_str(&if hidden { number(&written) } else { written });
        at = end;
    }
    shown
}

fn is_digit(symbol: char) -> bool {
    symbol.is_ascii_digit() || ('０'..='９').contains(&symbol)
}

/// At most so many symbols that are no letters may stand between two digits of one number.
const GAP: usize = 3;

/// Where the digits end that begin here, with what stands between them, and the X of an identity number.
fn end_of_number(symbols: &[char], from: usize) -> usize {
    let (mut end, mut digits) = (from, 0);
    let mut at = from;
    while let Some(&symbol) = symbols.get(at) {
        if is_digit(symbol) {
            digits += 1;
            at += 1;
            end = at;
        } else if at - end < GAP && digits > 0 && joins(symbol) {
            at += 1;
        } else {
            break;
        }
    }
    let ends_in_x = digits == 17 && symbols.get(end).is_some_and(|symbol| matches!(symbol, 'x' | 'X'));
    if ends_in_x { end + 1 } else { end }
}

/// What people write between the groups of a number. Commas and colons part amounts, times and lists.
fn joins(symbol: char) -> bool {
    symbol.is_whitespace() || "-－—–_.．·/()（）+".contains(symbol)
}

fn may_be_personal(written: &str, next: Option<char>) -> bool {
    let digits: String = written.chars().filter(|symbol| is_digit(*symbol)).map(plain).collect();
    match digits.len() {
        0..=6 => false,
        7..=9 => !next.is_some_and(|next| "元圆万亿".contains(next)) && !is_date(&digits),
        // A date and the hour after it.
        10 => !is_date(digits.get(..8).unwrap_or_default()),
        _ => true,
    }
}

fn plain(symbol: char) -> char {
    let full_width = u32::from(symbol).checked_sub(u32::from('０')).filter(|value| *value < 10);
    full_width.and_then(|value| char::from_digit(value, 10)).unwrap_or(symbol)
}

/// `20260301`.
fn is_date(digits: &str) -> bool {
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    digits.len() == 8 && (1900..2200).contains(&part(0..4)) && (1..=12).contains(&part(4..6)) && (1..=31).contains(&part(6..8))
}

#[cfg(test)]
mod tests {
    use super::{number, within};
    use proptest::prelude::*;

    #[test]
    fn numbers_of_persons_within_a_text_are_hidden_and_others_left() {
        for (text, shown) in [
            ("请回电13812342345，谢谢", "请回电138****2345，谢谢"),
            ("电话 138-1234-2345 或 010-62801234", "电话 138****2345 或 010****1234"),
            ("两个号13812342345 13912342345", "两个号138**********2345"),
            ("１３８１２３４２３４５", "１３８****２３４５"),
            ("身份证11010119900307851X", "身份证110**********851X"),
            ("座机6280-1234无人接", "座机******34无人接"),
            ("拨打62801234次次占线", "拨打******34次次占线"),
            ("138.1234.2345、138  1234  2345、138－1234－2345、138/1234/2345", "138****2345、138****2345、138****2345、138****2345"),
            ("2026-03-01 12:30到店，共8件", "2026-03-01 12:30到店，共8件"),
            ("2026-03-01购买，20260302退货，共1200000元，12件", "2026-03-01购买，20260302退货，共1200000元，12件"),
            ("发动机异响3次", "发动机异响3次"),
            ("", ""),
        ] {
            assert_eq!(within(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_mobile_number_is_left_whole(
            before in "[^0-9０-９]{0,8}", number in "1[3-9][0-9]{9}", gap in "[ .\u{3000}-]{0,3}", after in "[^0-9０-９]{0,8}",
        ) {
            let (head, rest) = number.split_at(3);
            let (middle, tail) = rest.split_at(4);
            let written = [head, gap.as_str(), middle, gap.as_str(), tail].concat();
            let shown = within(&[before.as_str(), written.as_str(), after.as_str()].concat());
            prop_assert!(!shown.contains(middle) || head.contains(middle) || tail.contains(middle) || before.contains(middle), "{}", shown);
        }
    }

    #[test]
    fn a_list_never_shows_a_whole_number() {
        assert_eq!(number("13812342345"), "138****2345");
        assert_eq!(number("+86 138 1234 2345"), "+86*******2345");
        assert_eq!(number("110101199003078515"), "110**********8515");
        assert_eq!(number("6280-1234"), "******34");
        assert_eq!(number("1234"), "****");
        assert_eq!(number("1"), "****");
        assert_eq!(number(""), "");
    }
}
