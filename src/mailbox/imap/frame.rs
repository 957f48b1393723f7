//! Where one response of an IMAP server ends, and what it says. Pure: no I/O.
//!
//! The parser is that of imap-proto, which async-imap re-exports; finding the end of a response is done here, because
//! async-imap's own reader allocates whatever a literal announces (up to 512 MiB), logs letters and passwords at
//! `trace`, and quotes letters in its errors. Here a literal is measured before a byte of it is read, and no text of
//! the server's leaves this module.

use std::panic::catch_unwind;

use async_imap::imap_proto::Response;

/// A line without its literals is at most this long: a SEARCH answer of about a million UIDs.
const LINE_BYTES_MAX: usize = 8 << 20;

/// What we ask for has four lists at most, and the parser calls itself for each list in a list.
const BRACKETS_MAX: usize = 32;

/// What the bytes so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// The first response ends here.
    Complete(usize),
    /// It does not end yet; at least so many bytes will be needed in all.
    Partial(usize),
    /// It announces or has more bytes than allowed.
    TooLarge(u64),
}

/// Finds the end of the first response in a growing buffer without looking at a byte twice.
#[derive(Debug, Default)]
pub(super) struct Framer {
    line_start: usize,
    scanned: usize,
    literal_bytes: u64,
}

impl Framer {
    /// Looks at what is new in the buffer. The literals of one response may have `literal_bytes_max` in all.
    pub(super) fn advance(&mut self, buffer: &[u8], literal_bytes_max: u64) -> Extent {
        loop {
            let fresh = buffer.get(self.scanned..).unwrap_or_default();
            let Some(newline) = fresh.iter().position(|byte| *byte == b'\n') else {
                return self.unfinished(buffer.len());
            };
            let end = self.scanned + newline + 1;
            let Some(announced) = announced_literal(buffer, &buffer[self.line_start..end]) else {
                return Extent::Complete(end);
            };
            self.literal_bytes = self.literal_bytes.saturating_add(announced);
            if self.literal_bytes > literal_bytes_max {
                return Extent::TooLarge(self.literal_bytes);
            }
            let skip = usize::try_from(announced).unwrap_or(usize::MAX);
            self.line_start = end.saturating_add(skip);
            self.scanned = self.line_start;
        }
    }

    fn unfinished(&mut self, buffered: usize) -> Extent {
        self.scanned = self.scanned.max(buffered);
        let line_bytes = self.scanned - self.line_start;
        if line_bytes > LINE_BYTES_MAX {
            return Extent::TooLarge(line_bytes as u64);
        }
        Extent::Partial(self.scanned.max(buffered.saturating_add(1)))
    }
}

/// The octets that this line's end announces (`{123}`, RFC 9051 §4.3), if its response is of a kind that has literals.
fn announced_literal(response: &[u8], line: &[u8]) -> Option<u64> {
    if is_status(response) {
        return None;
    }
    let line = line.strip_suffix(b"\r\n")?.strip_suffix(b"}")?;
    let brace = line.iter().rposition(|byte| *byte == b'{')?;
    let digits = line.get(brace + 1..)?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More digits than a number has: as good as infinite, and refused as such.
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX))
}

/// Whether a response is words for people (a status or a continuation), which may end in `{5}` and mean nothing by it.
fn is_status(response: &[u8]) -> bool {
    const WORDS: [&[u8]; 5] = [b"OK ", b"NO ", b"BAD ", b"BYE ", b"PREAUTH "];
    let Some(untagged) = response.strip_prefix(b"* ") else { return true };
    WORDS.iter().any(|word| untagged.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

/// One whole response, owned.
pub(super) struct Frame(Vec<u8>);

impl Frame {
    /// Takes the bytes of one response. What is not ASCII in words for people is blotted out: nobody reads it, and the
    /// parser panics on some of it.
    pub(super) fn new(mut bytes: Vec<u8>) -> Self {
        if is_status(&bytes) {
            bytes.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?');
        }
        Self(bytes)
    }

    /// What it says; `None` when it is not IMAP. Neither a panic of the parser nor its running out of stack is a
    /// reason to end a daemon: before STARTTLS anybody can be the server (and has no literals to hide brackets in).
    pub(super) fn parse(&self) -> Option<Response<'_>> {
        if !is_status(&self.0) && brackets(&self.0) > BRACKETS_MAX {
            return None;
        }
        match catch_unwind(|| Response::parse(&self.0)) {
            Ok(Ok(([], response))) => Some(response),
            _ => None,
        }
    }
}

/// Opening brackets outside of literals. Quotes do not hide any: the parser's idea of a quote may differ from ours.
fn brackets(response: &[u8]) -> usize {
    let (mut count, mut line_start) = (0, 0);
    while let Some(rest) = response.get(line_start..).filter(|rest| !rest.is_empty()) {
        let line = rest.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        count += line.iter().filter(|byte| **byte == b'(').count();
        let literal = announced_literal(response, line).unwrap_or(0);
        line_start = (line_start + line.len()).saturating_add(usize::try_from(literal).unwrap_or(usize::MAX));
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extent(bytes: &[u8], literal_bytes_max: u64) -> Extent {
        Framer::default().advance(bytes, literal_bytes_max)
    }

    #[test]
    fn a_line_ends_at_its_newline_and_a_literal_is_part_of_it() {
        assert_eq!(extent(b"* OK hello\r\n* BYE", 0), Extent::Complete(12));
        assert_eq!(extent(b"* OK hello", 0), Extent::Partial(11));
        let letter = b"* 1 FETCH (BODY[] {4}\r\na\r\nb)\r\nmore";
        assert_eq!(extent(letter, 4), Extent::Complete(letter.len() - 4));
        assert_eq!(extent(&letter[..24], 4), Extent::Partial(27));
    }

    #[test]
    fn a_literal_is_measured_before_it_is_read() {
        assert_eq!(extent(b"* 1 FETCH (BODY[] {5}\r\n", 4), Extent::TooLarge(5));
        assert_eq!(extent(b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n", 4), Extent::TooLarge(u64::MAX));
        assert_eq!(extent(b"* 1 FETCH (A {3}\r\nabc B {3}\r\n", 5), Extent::TooLarge(6));
    }

    #[test]
    fn words_for_people_have_no_literals() {
        assert_eq!(extent(b"* OK call me {5}\r\n", 0), Extent::Complete(18));
        assert_eq!(extent(b"A1 NO see {5}\r\n", 0), Extent::Complete(15));
        assert_eq!(extent(b"+ {5}\r\n", 0), Extent::Complete(7));
    }

    #[test]
    fn what_makes_the_parser_panic_is_not_imap() {
        assert!(Frame::new("* OK [ALERT]é\r\n".as_bytes().to_vec()).parse().is_some());
        assert!(Frame::new(b"* 1 FETCH (INTERNALDATE NIL)\r\n".to_vec()).parse().is_none());
        assert!(Frame::new(b"SSH-2.0-OpenSSH\r\n".to_vec()).parse().is_none());
    }

    #[test]
    fn a_tower_of_brackets_does_not_end_the_program() {
        for start in ["* 1 FETCH (BODYSTRUCTURE ", "* 1 FETCH (X ", "* THREAD "] {
            let tower = format!("{start}{}\r\n", "(".repeat(200_000));
            assert!(Frame::new(tower.into_bytes()).parse().is_none());
        }
        let in_letter = "(".repeat(50);
        let letter = format!("* 1 FETCH (UID 7 BODY[] {{50}}\r\n{in_letter})\r\n");
        assert!(Frame::new(letter.into_bytes()).parse().is_some());
    }

    proptest! {
        /// However the network cuts the bytes, a response ends at the same place.
        #[test]
        fn cuts_do_not_matter(letter in proptest::collection::vec(any::<u8>(), 0..200), cut in 1_usize..40) {
            let mut bytes = format!("* 1 FETCH (UID 7 BODY[] {{{}}}\r\n", letter.len()).into_bytes();
            bytes.extend_from_slice(&letter);
            bytes.extend_from_slice(b")\r\n");
            let whole = bytes.len();
            bytes.extend_from_slice(b"A1 OK done\r\n");
            let mut framer = Framer::default();
            let mut found = None;
            for end in (0..bytes.len()).step_by(cut).chain([bytes.len()]) {
                match framer.advance(&bytes[..end], 200) {
                    Extent::Complete(at) => { found = Some(at); break; }
                    Extent::Partial(needed) => prop_assert!(needed > end && needed <= whole),
                    Extent::TooLarge(_) => prop_assert!(false, "within the limit"),
                }
            }
            prop_assert_eq!(found, Some(whole));
        }

        /// Nothing that a server can send brings us down.
        #[test]
        fn any_bytes_are_framed_and_parsed_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Extent::Complete(at) = extent(&bytes, 100) {
                drop(Frame::new(bytes[..at].to_vec()).parse());
            }
        }
    }
}
