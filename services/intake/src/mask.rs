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

/// Where the digits end that begin here, single spaces and dashes between them included, and the X of an identity number.
fn end_of_number(symbols: &[char], from: usize) -> usize {
    let mut end = from;
    let mut digits = 0;
    while let Some(&symbol) = symbols.get(end) {
        let goes_on =
            is_digit(symbol) || (end > from && matches!(symbol, ' ' | '-') && symbols.get(end + 1).copied().is_some_and(is_digit));
        if !goes_on {
            break;
        }
        digits += usize::from(is_digit(symbol));
        end += 1;
    }
    let ends_in_x = digits == 17 && symbols.get(end).is_some_and(|symbol| matches!(symbol, 'x' | 'X'));
    if ends_in_x { end + 1 } else { end }
}

fn may_be_personal(written: &str, next: Option<char>) -> bool {
    let digits = written.chars().filter(|symbol| is_digit(*symbol)).count();
    let counts_something = next.is_some_and(|next| "元圆块万亿台件个套次天页".contains(next));
    match digits {
        0..=6 => false,
        // Without an area code, a landline is as long as a date.
        7..=9 => !counts_something && !is_date(written),
        _ => true,
    }
}

/// `20260301` or `2026-03-01`, with or without an hour after it.
fn is_date(written: &str) -> bool {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    digits.len() >= 8 && (1900..2200).contains(&part(0..4)) && (1..=12).contains(&part(4..6)) && (1..=31).contains(&part(6..8))
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
            ("2026-03-01购买，20260302退货，共1200000元，12件", "2026-03-01购买，20260302退货，共1200000元，12件"),
            ("发动机异响3次", "发动机异响3次"),
            ("", ""),
        ] {
            assert_eq!(within(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_mobile_number_is_left_whole(before in "[^0-9０-９]{0,8}", number in "1[3-9][0-9]{9}", after in "[^0-9０-９]{0,8}") {
            let text = [before, number.clone(), after].concat();
            prop_assert!(!within(&text).contains(&number));
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
