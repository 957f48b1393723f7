//! Which name was meant by one that was typed wrongly.

/// The known name that was probably meant by another one.
#[must_use]
pub fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let same_beginning = |known: &str| known.split('_').next() == key.split('_').next();
    let close = known.iter().map(|known| (edits(key, known), *known)).min();
    match close {
        Some((edits, known)) if edits <= 2 || (edits <= 3 && key.len() > 7) => Some(known),
        _ => known.iter().copied().find(|known| same_beginning(known)),
    }
}

/// How many letters must be added, dropped or changed to make one word from the other.
pub(super) fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(x != *y);
            left = changed.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_the_key_that_was_meant() {
        let known = ["expires_days", "reminder_days", "attempts_max"];
        assert_eq!(nearest("expire_days", &known), Some("expires_days"));
        assert_eq!(nearest("reminder", &known), Some("reminder_days"));
        assert_eq!(nearest("atempts_mx", &known), Some("attempts_max"));
        assert_eq!(nearest("colour", &known), None);
    }
}
