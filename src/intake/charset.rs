//! Text whose bytes are not of the charset that they are said to be: UTF-8 that is called ASCII, Latin-1 that is called UTF-8.
//!
//! What a reader's mail program shows is what counts, and those guess as well. Bytes that are valid UTF-8 are UTF-8, whatever they are
//! called; of others the charset is guessed by the detector that Firefox has. Only text that shows the marks of a wrong name is looked
//! at again.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, MessagePart, MimeHeaders as _};

/// Packed bytes that are looked at again: more than the longest text that is read takes, so that one that is too long is still seen to
/// be so.
pub(super) const BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes by which a charset is guessed.
const GUESSED_BYTES: usize = 256 * 1024;

/// The text of a part, read again where it is not of the charset that its header names. `message` are the bytes of the whole letter.
pub(super) fn mended<'a>(text: &'a str, part: &MessagePart<'_>, message: &[u8]) -> Cow<'a, str> {
    if !is_suspect(text) {
        return Cow::Borrowed(text);
    }
    let Some(bytes) = bytes(part, message) else { return Cow::Borrowed(text) };
    match guessed(&bytes, text.contains(is_lost)) {
        Some(guessed) => Cow::Owned(guessed),
        None => Cow::Borrowed(text),
    }
}

/// The text of bytes that were unpacked: UTF-8 where they are it, else of the charset that the header of their part names, else guessed.
pub(super) fn text_of(bytes: Vec<u8>, part: &MessagePart<'_>) -> String {
    let label = part.content_type().and_then(|content_type| content_type.attribute("charset"));
    match (String::from_utf8(bytes), label.and_then(|label| charset_decoder(label.as_bytes()))) {
        (Ok(text), _) => text,
        (Err(other), Some(decode)) => decode(other.as_bytes()),
        (Err(other), None) => guessed(other.as_bytes(), true).unwrap_or_default(),
    }
}

/// Whether signs stand in a text that no charset has, or pairs that UTF-8 makes when it is read as Latin-1 ("Ã¶").
fn is_suspect(text: &str) -> bool {
    let mut last = ' ';
    text.chars().any(|sign| {
        let pair = matches!(last, 'Â'..='ß' | 'à'..='ô') && !sign.is_alphanumeric() && !sign.is_ascii();
        last = sign;
        pair || is_lost(sign) || ('\u{80}'..='\u{9f}').contains(&sign)
    })
}

/// A sign that stands for a byte that was none of the charset: the replacement character, or the private place of `x-user-defined`.
fn is_lost(sign: char) -> bool {
    sign == char::REPLACEMENT_CHARACTER || ('\u{f780}'..='\u{f7ff}').contains(&sign)
}

/// What the bytes say: UTF-8 where they are it, else, where they were not of their charset at all, a guess.
fn guessed(bytes: &[u8], lossy: bool) -> Option<String> {
    let whole = match str::from_utf8(bytes) {
        Ok(text) => Some(text),
        // Cut off within a sign, or the letter was.
        Err(error) if error.error_len().is_none() => str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
        Err(_) => None,
    };
    if let Some(text) = whole {
        return (!text.is_ascii()).then(|| text.to_owned());
    }
    if !lossy {
        return None;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(GUESSED_BYTES)], true);
    let (text, _, _) = detector.guess(None, Utf8Detection::Deny).decode(bytes);
    Some(text.into_owned())
}

/// The bytes of a part as they were before they were packed.
fn bytes(part: &MessagePart<'_>, message: &[u8]) -> Option<Vec<u8>> {
    let (from, to) = (usize::try_from(part.offset_body).ok()?, usize::try_from(part.offset_end).ok()?);
    let raw = message.get(from..to.min(from.saturating_add(BYTES_MAX)))?;
    match part.encoding {
        Encoding::None => Some(raw.to_vec()),
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
        Encoding::Base64 => base64_decode(raw),
    }
}

#[cfg(test)]
mod tests {
    use crate::intake::{Lexicon, Limits, read};

    fn opens(head: &str, body: &[u8]) -> bool {
        let head = format!("From: bob@team.example\r\nTo: support@shop.example\r\nSubject: Hallo\r\n{head}\r\n\r\n");
        read(&[head.as_bytes(), body].concat(), &Lexicon::embedded(), &Limits::default()).verdict.opens()
    }

    #[test]
    fn a_wish_is_read_whatever_its_charset_is_called() {
        const UTF8: &[u8] = "Bitte löschen Sie mein Konto.".as_bytes();
        const LATIN: &[u8] = b"Bitte l\xf6schen Sie mein Konto.";
        let plain = |charset: &str| format!("Content-Type: text/plain; charset={charset}");
        for charset in ["us-ascii", "iso-8859-1", "utf-8", "x-klingon"] {
            assert!(opens(&plain(charset), UTF8), "UTF-8 as {charset}");
        }
        for charset in ["utf-8", "unknown-8bit", "ansi", "x-user-defined", "x-klingon", "iso-8859-1"] {
            assert!(opens(&plain(charset), LATIN), "Latin-1 as {charset}");
        }
        assert!(opens("X-Nothing: said", LATIN) && opens("X-Nothing: said", UTF8));
        let packed = format!("{}\r\nContent-Transfer-Encoding: quoted-printable", plain("utf-8"));
        assert!(opens(&packed, b"Bitte l=F6schen Sie mein Konto."));
        let russian = b"\xcf\xee\xe6\xe0\xeb\xf3\xe9\xf1\xf2\xe0, \xf3\xe4\xe0\xeb\xe8\xf2\xe5 \xec\xee\xe9 \xe0\xea\xea\xe0\xf3\xed\xf2 \xe8 \xe2\xf1\xe5 \xec\xee\xe8 \xe4\xe0\xed\xed\xfb\xe5.";
        assert!(opens(&plain("utf-8"), russian), "windows-1251 as UTF-8");
    }

    #[test]
    fn a_long_text_is_read_to_the_limit_and_cut_between_signs() {
        let wish = "Bitte löschen Sie mein Konto. ";
        let body = [wish.as_bytes(), "ö".repeat(1_200_000).as_bytes()].concat();
        let head = "From: bob@team.example\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
        let intake = read(&[head.as_bytes(), &body].concat(), &Lexicon::embedded(), &Limits::default());
        assert!(intake.new_text.starts_with(wish));
        assert!(intake.defects.contains(&crate::intake::Defect::TextTooLong));
        assert_eq!(super::guessed(&"aö".as_bytes()[..2], false), None, "what is left is ASCII");
        assert_eq!(super::guessed(&"öö".as_bytes()[..3], false).as_deref(), Some("ö"));
    }

    #[test]
    fn what_is_well_named_is_left_alone() {
        assert!(!super::is_suspect("Löschung, café, Ärger, naïve, 10 °C, „so“ – und so"));
        assert!(super::is_suspect("lÃ¶schen") && super::is_suspect("l\u{fffd}schen"));
    }
}
