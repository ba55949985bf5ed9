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

#[cfg(test)]
mod tests {
    use super::number;

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
