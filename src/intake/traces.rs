//! What a letter shows of where it belongs without being read: for one that is too large, or that reading fails on.
//!
//! Looks at bytes only and decodes nothing, so that what broke the reading cannot break this. Candidates only: they are held
//! against what we sent and whom we asked.

use super::Address;
use super::tokens::tokens;

/// Bytes of a letter that are looked at.
const BYTES_MAX: usize = 256 * 1024;
/// Message-IDs that are looked up.
const MESSAGE_IDS_MAX: usize = 64;
/// The longest that is one (RFC 5322 section 2.1.1: a line).
const MESSAGE_ID_CHARS_MAX: usize = 998;
/// An unbroken line of a letter that is longer is of an encoded part, in which no word says anything.
const WORD_LINE_MAX: usize = 70;

/// By what a letter may belong to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// What stands in angle brackets in its header and may be a Message-ID, without them.
    pub message_ids: Vec<String>,
    /// What may be a token of ours.
    pub tokens: Vec<String>,
    /// Whom its one From header names, where that is one address.
    pub sender: Option<Address>,
}

/// The traces of a letter, or of its header alone.
#[must_use]
pub fn traces(bytes: &[u8]) -> Traces {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(BYTES_MAX)]);
    let text = text.replace("\r\n", "\n");
    let header = unfolded(text.split("\n\n").next().unwrap_or_default());
    let brackets = header.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(inside, _)| inside.trim()));
    let is_sign = |c: char| c.is_whitespace() || c.is_control();
    let is_id = |id: &&str| id.contains('@') && id.len() <= MESSAGE_ID_CHARS_MAX && !id.contains(is_sign);
    let message_ids = brackets.filter(is_id).take(MESSAGE_IDS_MAX).map(str::to_owned).collect();
    let is_encoded = |line: &&str| line.len() > WORD_LINE_MAX && !line.contains(' ') && !line.contains('<');
    let lines = header.lines().chain(text.lines().filter(|line| !is_encoded(line)));
    Traces { message_ids, tokens: tokens(&[], lines), sender: sender(&header) }
}

/// A header with each field on one line.
fn unfolded(header: &str) -> String {
    header.replace("\n ", " ").replace("\n\t", " ")
}

/// The address of the one From header; two of them, or two addresses, may be anybody's.
fn sender(header: &str) -> Option<Address> {
    let mut fields = header.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("from").then_some(value)
    });
    let (field, other) = (fields.next()?, fields.next());
    let address = match field.matches('<').count() {
        0 => field,
        1 => field.split_once('<')?.1.split_once('>')?.0,
        _ => return None,
    };
    if other.is_some() { None } else { address.trim().parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_shows_where_a_letter_belongs() {
        let token = "abcdefghijklmnopqrstuvwxyz";
        let letter = format!(
            "From: Ada\r\n <ada@home.example>\r\nTo: <support+{token}@shop.example>\r\nIn-Reply-To: <a.1@shop.example>\r\n\
             References:\r\n <a.0@shop.example> <no id> <a.1@shop.example>\r\n\r\n<body@shop.example>\r\n"
        );
        let found = traces(letter.as_bytes());
        assert_eq!(found.sender, "ada@home.example".parse().ok());
        assert_eq!(found.tokens, [token]);
        for id in ["a.0@shop.example", "a.1@shop.example"] {
            assert!(found.message_ids.iter().any(|known| known == id), "{id}");
        }
        assert!(!found.message_ids.iter().any(|id| id.contains("body") || id.contains(' ')));
    }

    #[test]
    fn what_may_be_anybodys_names_nobody() {
        for header in [
            "From: a@x.example, b@x.example\n",
            "From: <a@x.example>, <b@x.example>\n",
            "From: a@x.example\nFrom: b@x.example\n",
            "Subject: from: a@x.example\n",
            "",
        ] {
            assert_eq!(traces(header.as_bytes()).sender, None, "{header}");
        }
        assert_eq!(traces(b"FROM : a@x.example\n").sender, "a@x.example".parse().ok());
        assert_eq!(traces(&[0xff; 300_000]), Traces::default());
    }

    #[test]
    fn a_token_is_found_in_words_and_not_in_an_encoded_part() {
        let token = "abcdefghijklmnopqrstuvwxyz";
        let quoted = format!("From: a@x.example\n\n> code, or {token}\n");
        assert_eq!(traces(quoted.as_bytes()).tokens, [token]);
        let encoded = format!("From: a@x.example\n\n{}+{token}+\n", "A".repeat(70));
        assert_eq!(traces(encoded.as_bytes()).tokens, [""; 0]);
    }
}
