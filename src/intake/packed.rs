//! Base64 as it arrives: with a footer that a list put behind it, with a sign in it that belongs to no alphabet, or cut off.
//!
//! RFC 2045 §6.8 has signs outside of the alphabet passed over, and mail programs do so; mail-parser gives such a body back as it was
//! packed. A wish, or a stop, is in there all the same.

use data_encoding::{BASE64_NOPAD, Encoding, Specification};
use mail_parser::{MessagePart, MimeHeaders as _, PartType};

use super::charset::{BYTES_MAX, text_of};

/// Of the signs of a packed line, as many as this in a hundred belong to the alphabet.
const PACKED_PERCENT_MIN: usize = 75;

/// The text of a part that was announced as base64 and could not be unpacked whole, with what stands in clear around it. `None` for any
/// other part. `message` are the bytes that the part stands in.
pub(super) fn unpacked(part: &MessagePart<'_>, message: &[u8]) -> Option<String> {
    let announced = part.content_transfer_encoding().is_some_and(|how| how.trim().eq_ignore_ascii_case("base64"));
    let attached = part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment);
    if !part.is_encoding_problem
        || !announced
        || attached
        || !matches!(part.body, PartType::Text(_) | PartType::Html(_))
    {
        return None;
    }
    let (from, to) = (usize::try_from(part.offset_body).ok()?, usize::try_from(part.offset_end).ok()?);
    let raw = message.get(from..to.min(from.saturating_add(BYTES_MAX)))?;
    let (bytes, clear) = unpack(raw)?;
    let text = text_of(bytes, part);
    Some(if clear.is_empty() { text } else { format!("{text}\n\n{clear}") })
}

/// The bytes of the packed lines, and the lines in clear: those with words in them, and all behind such a one.
fn unpack(raw: &[u8]) -> Option<(Vec<u8>, String)> {
    let lenient = lenient()?;
    let (mut bytes, mut run, mut clear) = (Vec::new(), Vec::new(), Vec::new());
    for line in raw.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        let begun = !bytes.is_empty() || !run.is_empty();
        if begun && !clear.is_empty() || !is_packed(line) {
            clear.push(String::from_utf8_lossy(line));
            continue;
        }
        for byte in line {
            match byte {
                // Whoever packs line by line pads line by line.
                b'=' => close(&mut run, &mut bytes, &lenient),
                byte if is_of_alphabet(*byte) => run.push(*byte),
                _ => {}
            }
        }
    }
    close(&mut run, &mut bytes, &lenient);
    Some((bytes, clear.join("\n").trim().to_owned()))
}

/// Base64 whose last group may be cut off.
fn lenient() -> Option<Encoding> {
    let mut how: Specification = BASE64_NOPAD.specification();
    how.check_trailing_bits = false;
    how.encoding().ok()
}

/// Unpacks what was gathered. A single sign at its end is no byte.
fn close(run: &mut Vec<u8>, bytes: &mut Vec<u8>, lenient: &Encoding) {
    if run.len() % 4 == 1 {
        run.pop();
    }
    bytes.extend(lenient.decode(run).unwrap_or_default());
    run.clear();
}

const fn is_of_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// Whether a line is packed, or empty: no words stand in it, and nearly all of its signs are of the alphabet.
fn is_packed(line: &[u8]) -> bool {
    let known = line.iter().filter(|byte| is_of_alphabet(**byte) || **byte == b'=').count();
    !line.iter().any(u8::is_ascii_whitespace) && known * 100 >= line.len() * PACKED_PERCENT_MIN
}

#[cfg(test)]
mod tests {
    use crate::intake::lexicon::for_tests;
    use crate::intake::{Intake, Limits, read};

    const WISH: &str =
        "SGVsbG8sCgpwbGVhc2UgZGVsZXRlIG15IGFjY291bnQgYW5kIGFsbCBvZiBteSBkYXRhLgoK\r\nVGhhbmsgeW91LCBKw7ZyZwo=";
    const STOP: &str = "UGxlYXNlIHN0b3AsIGRvIG5vdCBkZWxldGUgbXkgYWNjb3VudC4K";

    fn taken(kind: &str, body: &str) -> Intake {
        let letter = format!(
            "From: <anna@example.org>\r\nSubject: Hello\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{body}"
        );
        read(letter.as_bytes(), for_tests(), &Limits::default())
    }

    fn in_parts(kind: &str, body: &str) -> Intake {
        let letter = format!(
            "From: <anna@example.org>\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: {kind}\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{body}"
        );
        read(letter.as_bytes(), for_tests(), &Limits::default())
    }

    /// The same body as it gets broken on its way.
    fn broken(body: &str) -> Vec<String> {
        let (first, last) = body.split_at(20);
        vec![
            format!(
                "{body}\r\n_______________________________________________\r\nFriends mailing list\r\nfriends@lists.example\r\n"
            ),
            format!("{body}\r\n\r\n-- \r\nScanned by a virus scanner. No virus was found.\r\n"),
            format!("{first}!{last}"),
            format!("{first}\0{last}\r\n"),
            format!("\u{feff}{body}\r\n"),
            format!("{body}\r\n!"),
        ]
    }

    #[test]
    fn a_wish_is_found_in_what_got_broken_on_its_way() {
        for kind in ["text/plain; charset=utf-8", "text/html; charset=utf-8", "text/plain"] {
            for body in broken(WISH) {
                assert!(taken(kind, &body).verdict.opens(), "{kind}: {body}");
                assert!(in_parts(kind, &format!("{body}\r\n--b--\r\n")).verdict.opens(), "in parts, {kind}: {body}");
            }
            // No boundary closes it, and it was cut off.
            for body in [WISH, &WISH[..90]] {
                assert!(in_parts(kind, body).verdict.opens(), "{kind}: {body}");
            }
        }
    }

    #[test]
    fn a_stop_is_heard_in_it() {
        for body in broken(STOP) {
            assert!(taken("text/plain", &body).answer.asks_to_stop, "{body}");
        }
        assert!(in_parts("text/plain", STOP).answer.asks_to_stop);
    }

    #[test]
    fn what_stands_behind_it_in_clear_is_read_too() {
        let clear = "SGVsbG8K\r\nPlease delete my account and all of my data.\r\nThank you\r\n";
        assert!(taken("text/plain", clear).verdict.opens());
    }

    #[test]
    fn an_attachment_is_none_of_it() {
        let letter = format!(
            "From: <anna@example.org>\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--b\r\n\
             Content-Type: text/plain\r\nContent-Disposition: attachment; filename=\"a.txt\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{WISH}!\r\n--b--\r\n"
        );
        assert!(!read(letter.as_bytes(), for_tests(), &Limits::default()).verdict.opens());
    }
}
