//! The Message-ID header of a letter, found without parsing the letter.
//!
//! Searches on a server are by substring (RFC 9051 §6.4.4), so what they find is compared here, exactly.

/// Whether the first Message-ID header of these bytes says this one. Angle brackets are the header's, not the id's: they
/// count on neither side (RFC 5322 §3.6.4).
#[must_use]
pub fn is_of(message_id: &str, letter: &[u8]) -> bool {
    of(letter).is_some_and(|found| bare(&found) == bare(message_id.as_bytes()))
}

/// A Message-ID without its angle brackets.
pub(super) fn bare(message_id: &[u8]) -> &[u8] {
    let id = message_id.trim_ascii();
    id.strip_prefix(b"<").and_then(|id| id.strip_suffix(b">")).unwrap_or(id)
}

/// The value of the first Message-ID header in these bytes, unfolded and trimmed. Reads the header block only.
fn of(letter: &[u8]) -> Option<Vec<u8>> {
    let mut value: Option<Vec<u8>> = None;
    for line in letter.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let folded = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        match &mut value {
            Some(value) if folded => value.extend_from_slice(line.trim_ascii()),
            Some(_) => break,
            None if line.is_empty() => break,
            None => value = after_name(line).map(|rest| rest.trim_ascii().to_vec()),
        }
    }
    value
}

fn after_name(line: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"message-id";
    let (name, rest) = line.split_at_checked(NAME.len())?;
    if !name.eq_ignore_ascii_case(NAME) {
        return None;
    }
    rest.trim_ascii_start().strip_prefix(b":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_in_any_case_and_folded_and_never_in_the_body() {
        let find = |letter: &str| of(letter.as_bytes()).map(|id| String::from_utf8(id).unwrap());
        assert_eq!(find("Subject: x\r\nMESSAGE-ID: <a@b>\r\n\r\n").as_deref(), Some("<a@b>"));
        assert_eq!(find("Message-ID:\n <a@b>\nSubject: x\n\n").as_deref(), Some("<a@b>"));
        assert_eq!(find("Subject: x\r\n\r\nMessage-ID: <a@b>\r\n"), None);
        assert_eq!(find("X-Message-ID: <a@b>\r\n\r\n"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn brackets_are_not_part_of_it() {
        let letter = b"Message-ID: <a@b>\r\n\r\n";
        assert!(is_of("<a@b>", letter) && is_of("a@b", letter));
        assert!(is_of("<a@b>", b"Message-ID: a@b\r\n\r\n"));
        for other in ["aa@b", "a@bb", "<a@b", "", "<>"] {
            assert!(!is_of(other, letter), "{other:?}");
        }
    }
}
