//! 'Did you mean'.

/// The nearest of the names, if one is near enough to be meant: by edits, counting a swap of neighbours as one.
pub(crate) fn nearest<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.chars().flat_map(char::to_lowercase).collect();
    let allowed = (wrong.len() / 3).max(1);
    let distance = |candidate: &str| edits(&wrong, &candidate.chars().flat_map(char::to_lowercase).collect::<Vec<_>>());
    let scored = right.into_iter().map(|candidate| (distance(candidate), candidate));
    scored.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, candidate)| (*distance, *candidate)).map(|(_, name)| name)
}

/// Help in both languages: the nearest name, else all of them where they are few.
pub(crate) fn suggestion<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<(String, String)> {
    let mut names: Vec<&str> = right.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    if let Some(name) = nearest(wrong, names.iter().copied()) {
        return Some(did_you_mean(name));
    }
    match names.as_slice() {
        [] => None,
        few if few.len() <= 16 => Some((format!("write one of: {}", few.join(", ")), format!("可写：{}", few.join("、")))),
        _ => None,
    }
}

pub(crate) fn did_you_mean(name: &str) -> (String, String) {
    (format!("did you mean '{name}'?"), format!("是否想写“{name}”？"))
}

/// Optimal string alignment distance.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut rows: [Vec<usize>; 3] = [Vec::new(), (0..=b.len()).collect(), vec![0; b.len() + 1]];
    for (i, left) in a.iter().enumerate() {
        rows[2] = vec![i + 1; b.len() + 1];
        for (j, right) in b.iter().enumerate() {
            let cost = usize::from(left != right);
            let mut best = (rows[1][j + 1] + 1).min(rows[2][j] + 1).min(rows[1][j] + cost);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                best = best.min(rows[0][j - 1] + 1);
            }
            rows[2][j + 1] = best;
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let events = ["case.registered", "case.closed", "case.classified"];
        assert_eq!(nearest("case.registred", events), Some("case.registered"));
        assert_eq!(nearest("case.calssified", events), Some("case.classified"));
        assert_eq!(nearest("loan.returned", events), None);
        assert_eq!(nearest("受理人员", ["受理人", "经办人"]), Some("受理人"));
    }
}
