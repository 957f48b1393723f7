//! What we say to the server: commands whose arguments cannot be anything but arguments.
//!
//! Never lets CR, LF or NUL through: a line break in an argument would be a command of its own.

use std::fmt::Write as _;

use crate::mailbox::{MailboxError, folder_name};

/// UIDs in one command at most; eleven characters each stay below the 8,192 octets that servers take (RFC 7162 §4).
const UIDS_PER_COMMAND_MAX: usize = 500;

/// One command. No Debug: it may hold the password or a letter.
pub(super) struct Command {
    /// Its words, for error messages.
    pub(super) name: &'static str,
    /// The octets, cut where the server must ask for the next ones (literals, RFC 9051 §4.3).
    pub(super) parts: Vec<Vec<u8>>,
    /// How many octets of literals one response may have.
    pub(super) literal_bytes_max: u64,
    /// How many octets we expect in all, to know how long it may take.
    pub(super) answer_bytes: u64,
}

/// The literals of an answer that has no letters in it (folder names, header fields) are small.
const SMALL_LITERAL_BYTES_MAX: u64 = 64 << 10;

impl Command {
    /// A command that starts with these words.
    pub(super) fn new(name: &'static str) -> Self {
        let parts = vec![name.as_bytes().to_vec()];
        Self { name, parts, literal_bytes_max: SMALL_LITERAL_BYTES_MAX, answer_bytes: 0 }
    }

    /// The answer holds letters: so many octets in one response, so many in all.
    pub(super) fn expecting(mut self, literal_bytes_max: u64, answer_bytes: u64) -> Self {
        self.literal_bytes_max = literal_bytes_max;
        self.answer_bytes = answer_bytes;
        self
    }

    /// Words of our own, as they are.
    pub(super) fn word(self, word: &str) -> Self {
        self.octets(b" ").octets(word.as_bytes())
    }

    /// A folder's name.
    pub(super) fn folder(self, name: &str) -> Result<Self, MailboxError> {
        self.string("a folder name", folder_name::encode(name)?.as_bytes())
    }

    /// A string: quoted where that can be said in a quoted string, else a literal.
    pub(super) fn string(self, what: &'static str, value: &[u8]) -> Result<Self, MailboxError> {
        if value.iter().any(u8::is_ascii_control) {
            return Err(MailboxError::Argument { what, why: "it has a control character" });
        }
        if !value.is_ascii() {
            return Ok(self.literal(value));
        }
        let escaped = value.iter().flat_map(|byte| match byte {
            b'"' | b'\\' => vec![b'\\', *byte],
            other => vec![*other],
        });
        let quoted: Vec<u8> = [b" \"".to_vec(), escaped.collect(), b"\"".to_vec()].concat();
        Ok(self.octets(&quoted))
    }

    /// Octets that may be anything; the server asks for them first.
    pub(super) fn literal(self, octets: &[u8]) -> Self {
        let mut announced = self.octets(format!(" {{{}}}", octets.len()).as_bytes());
        announced.parts.push(octets.to_vec());
        announced
    }

    fn octets(mut self, octets: &[u8]) -> Self {
        if let Some(last) = self.parts.last_mut() {
            last.extend_from_slice(octets);
        }
        self
    }
}

/// A keyword is an atom (RFC 9051 §9, flag-keyword).
pub(super) fn keyword(name: &str) -> Result<&str, MailboxError> {
    let special = |byte: u8| !byte.is_ascii_graphic() || b"(){%*\"\\]".contains(&byte);
    if name.is_empty() || name.bytes().any(special) {
        return Err(MailboxError::Argument {
            what: "mailbox.keyword",
            why: "it is no atom of IMAP, such as $Expunged",
        });
    }
    Ok(name)
}

/// UIDs in the shape of commands: sorted, without zeros and doubles, cut into sets that fit into one command.
pub(super) fn batches(uids: &[u32]) -> Vec<Vec<u32>> {
    let mut sorted: Vec<u32> = uids.iter().copied().filter(|uid| *uid > 0).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.chunks(UIDS_PER_COMMAND_MAX).map(<[u32]>::to_vec).collect()
}

/// An ascending list as a sequence-set (RFC 9051 §9): neighbours become a range, and no UID between is named.
pub(super) fn uid_set(ascending: &[u32]) -> String {
    let mut set = String::new();
    for run in ascending.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        let comma = if set.is_empty() { "" } else { "," };
        let written = match run {
            [first, .., last] => write!(set, "{comma}{first}:{last}"),
            [only] => write!(set, "{comma}{only}"),
            [] => Ok(()),
        };
        debug_assert!(written.is_ok(), "a String takes everything");
    }
    set
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(command: &Command) -> String {
        String::from_utf8(command.parts.join(&b'|')).unwrap()
    }

    #[test]
    fn arguments_are_quoted_made_literals_or_refused() {
        let quoted = Command::new("LOGIN").string("a", b"me").unwrap().string("b", br#"p"a\ss"#).unwrap();
        assert_eq!(text(&quoted), r#"LOGIN "me" "p\"a\\ss""#);
        let literal = Command::new("LOGIN").string("a", "mü".as_bytes()).unwrap().string("b", b"x").unwrap();
        assert_eq!(text(&literal), "LOGIN {3}|mü \"x\"");
        for evil in ["a\r\nA1 EXPUNGE", "a\nb", "a\0b"] {
            assert!(Command::new("SELECT").string("a", evil.as_bytes()).is_err());
            assert!(Command::new("SELECT").folder(evil).is_err());
            assert!(keyword(evil).is_err());
        }
        assert!(keyword("$Expunged").is_ok());
        assert!(keyword("\\Seen").is_err());
    }

    proptest! {
        /// A set names exactly its UIDs.
        #[test]
        fn a_set_names_its_uids_and_no_other(uids in proptest::collection::vec(any::<u32>().prop_map(|uid| uid % 50), 0..60)) {
            let mut named = Vec::new();
            for batch in batches(&uids) {
                for part in uid_set(&batch).split(',') {
                    let (first, last) = part.split_once(':').unwrap_or((part, part));
                    named.extend(first.parse::<u32>().unwrap()..=last.parse::<u32>().unwrap());
                }
            }
            let mut wanted: Vec<u32> = uids.into_iter().filter(|uid| *uid > 0).collect();
            wanted.sort_unstable();
            wanted.dedup();
            prop_assert_eq!(named, wanted);
        }
    }
}
