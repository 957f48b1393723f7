//! What of a letter is its content: the bytes without the headers that each delivery adds.

/// Headers that differ between two deliveries of one letter (RFC 5321 §4.4; what mail servers and IMAP moves add).
const TRACE: &[&str] = &[
    "received",
    "return-path",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-uid",
    "x-keywords",
    "status",
    "x-status",
];

/// The letter's bytes without its trace headers, for the digest that tells two letters apart. Message-ID is no such
/// thing: shops reuse ids.
#[must_use]
pub fn without_trace_headers(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    let mut dropping = false;
    while !rest.is_empty() {
        let line = rest.iter().position(|byte| *byte == b'\n').map_or(rest, |end| &rest[..=end]);
        if line == b"\n" || line == b"\r\n" {
            break;
        }
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        if !folded {
            dropping = is_trace(line);
        }
        if !dropping {
            kept.extend_from_slice(line);
        }
        rest = &rest[line.len()..];
    }
    kept.extend_from_slice(rest);
    kept
}

fn is_trace(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let name = line[..colon].trim_ascii_end();
    TRACE.iter().any(|trace| name.eq_ignore_ascii_case(trace.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_deliveries_of_one_letter_are_the_same_content() {
        let first = b"Received: by a;\r\n\tfolded\r\nFrom: <a@example.org>\r\n\r\nReceived: in the text\r\n";
        let second =
            b"Return-Path: <x@example.org>\r\nRECEIVED: by b\r\nFrom: <a@example.org>\r\n\r\nReceived: in the text\r\n";
        assert_eq!(without_trace_headers(first), without_trace_headers(second));
        let other = b"From: <a@example.org>\r\n\r\nAnother text\r\n";
        assert_ne!(without_trace_headers(first), without_trace_headers(other));
    }

    #[test]
    fn a_letter_without_a_body_or_headers_is_kept() {
        assert_eq!(without_trace_headers(b""), b"");
        assert_eq!(without_trace_headers(b"no header at all"), b"no header at all");
    }
}
