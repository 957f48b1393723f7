//! A header in which our own MX says that a letter is spam, such as `X-Spam-Flag: YES`. Whoever forges one has held something
//! against a letter of their own.

/// Whether a header of this name says yes.
pub(super) fn says_yes(letter: &[u8], name: &str) -> bool {
    let mut lines = letter.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let head = std::iter::from_fn(|| lines.next().filter(|line| !line.is_empty()));
    for line in head {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (found, value) = line.split_at(colon);
        if !found.trim_ascii().eq_ignore_ascii_case(name.as_bytes()) {
            continue;
        }
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let word = value.split(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
        if word.eq_ignore_ascii_case(b"yes") || word.eq_ignore_ascii_case(b"true") {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_in_the_header_counts_and_one_in_the_body_does_not() {
        for (letter, says) in [
            ("X-Spam-Flag: YES\r\nSubject: x\r\n\r\nbody", true),
            ("Subject: x\nx-spam-flag: yes\n\nbody", true),
            ("X-Spam-Flag: Yes, score=9.1 required=5\r\n\r\n", true),
            ("X-Spam-Flag: NO\r\n\r\n", false),
            ("X-Spam-Flag:\r\n\r\n", false),
            ("X-Spam-Flag: yesterday\r\n\r\n", false),
            ("X-Spam-Flags: yes\r\n\r\n", false),
            ("Subject: x\r\n\r\nX-Spam-Flag: YES\r\n", false),
            ("", false),
        ] {
            assert_eq!(says_yes(letter.as_bytes(), "X-Spam-Flag"), says, "{letter:?}");
        }
    }
}
