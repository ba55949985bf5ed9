//! What a report is about, as people write it, in the form in which what comes round is called ([`super::recurring::Occurrence`]): `2026-03`,
//! `2026-Q1`, `2026-H1`, `2026`, `2026-W09`, or a day.

use super::field::date;

/// None: it is no period.
pub(super) fn period(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(half_width).flat_map(char::to_uppercase).collect();
    if let Some(day) = date(&plain) {
        return Some(day);
    }
    let digits = plain.chars().take_while(char::is_ascii_digit).count();
    let (year, rest) = plain.split_at(digits);
    let rest = rest.trim_start_matches(['年', '-', '/', '.']).trim_start_matches('第').trim_end_matches('度');
    match (year.len(), rest) {
        (4, "") => Some(year.to_owned()),
        (4, rest) => Some(format!("{year}-{}", within_year(rest)?)),
        (6, "") => Some(format!("{}-{}", &year[..4], month(&year[4..])?)),
        _ => None,
    }
}

fn within_year(rest: &str) -> Option<String> {
    match rest {
        "上半年" | "H1" => return Some("H1".to_owned()),
        "下半年" | "H2" => return Some("H2".to_owned()),
        _ => {}
    }
    if let Some(quarter) = rest.strip_prefix('Q').or_else(|| rest.strip_suffix("季")) {
        return number(quarter, 4).map(|quarter| format!("Q{quarter}"));
    }
    if let Some(week) = rest.strip_prefix('W').or_else(|| rest.strip_suffix('周')) {
        return number(week, 53).map(|week| format!("W{week:02}"));
    }
    month(rest.trim_end_matches("份").trim_end_matches('月'))
}

fn month(text: &str) -> Option<String> {
    number(text, 12).map(|month| format!("{month:02}"))
}

/// As Chinese input methods write digits, letters and signs.
fn half_width(c: char) -> char {
    match c {
        '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

/// In digits or in words: 一季度, 十二月.
fn number(text: &str, most: u8) -> Option<u8> {
    let words = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"];
    let number = match (1..).zip(words).find(|(_, word)| *word == text) {
        Some((number, _)) => number,
        None => text.parse().ok().filter(|_| text.len() <= 2 && text.chars().all(|c| c.is_ascii_digit()))?,
    };
    (1..=most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::period;

    #[test]
    fn a_period_is_known_however_it_is_written() {
        for (written, meant) in [
            ("2026-03", "2026-03"),
            ("2026年3月", "2026-03"),
            ("2026 年 3 月份", "2026-03"),
            ("2026/3", "2026-03"),
            ("202603", "2026-03"),
            ("2026-Q1", "2026-Q1"),
            ("2026q1", "2026-Q1"),
            ("2026年第一季度", "2026-Q1"),
            ("２０２６年３月", "2026-03"),
            ("2026年十二月", "2026-12"),
            ("2026年4季度", "2026-Q4"),
            ("2026-H2", "2026-H2"),
            ("2026年上半年", "2026-H1"),
            ("2026", "2026"),
            ("2026年", "2026"),
            ("2026年度", "2026"),
            ("2026-W09", "2026-W09"),
            ("2026年第9周", "2026-W09"),
            ("2026-03-05", "2026-03-05"),
            ("2026年3月5日", "2026-03-05"),
        ] {
            assert_eq!(period(written).as_deref(), Some(meant), "{written}");
        }
        for wrong in
            ["三月", "2026-13", "2026-00", "2026-Q5", "2026-H3", "2026-W54", "26-03", "2026-03-32", "2026-", "", "上月", "2026年春季"]
        {
            let read = period(wrong);
            assert!(read.is_none() || wrong == "2026-" && read.as_deref() == Some("2026"), "{wrong}: {read:?}");
        }
    }
}
