//! The header of a letter, field by field, and only where every parser sees the same fields (RFC 5322 §2.2, §3.6).
//!
//! Lenient readers are where forgeries live: one takes `Fr om:` for From, one ends the header at a line that another
//! skips. So whatever is not plain is refused, and never repaired.

use std::borrow::Cow;

/// Fields of a header that a person's letter has at most, trace included.
const FIELDS_MAX: usize = 500;
/// Bytes of a header.
const HEADER_BYTES_MAX: usize = 256 * 1024;
/// Fields that stand once in a letter, or two readers take two of them (RFC 5322 §3.6, RFC 2045).
const ONCE: [&str; 12] = [
    "sender",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

/// One field.
pub(super) struct Field<'a> {
    /// Its name, as written.
    pub name: &'a str,
    /// What follows the colon, folds included, without the line end.
    pub value: &'a [u8],
}

/// The fields of a letter, in order.
pub(super) struct Head<'a>(Vec<Field<'a>>);

/// The letter with CRLF line ends, as it was signed: a mailbox of files keeps LF only.
pub(super) fn with_crlf(bytes: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    if !bytes.contains(&b'\r') {
        let mut whole = Vec::with_capacity(bytes.len() + bytes.len() / 32);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            whole.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            whole.extend_from_slice(if line.ends_with(b"\n") { b"\r\n" } else { b"" });
        }
        return Ok(whole.into());
    }
    let mut before = 0;
    for byte in bytes.iter().copied().chain([0]) {
        if (before == b'\r') != (byte == b'\n') {
            return Err("its line ends can be read in two ways");
        }
        before = byte;
    }
    Ok(bytes.into())
}

impl<'a> Head<'a> {
    /// The fields of a letter with CRLF line ends, or why they are not plain.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let mut fields: Vec<Field<'a>> = Vec::new();
        let mut at = 0;
        while let Some(length) = line_bytes(&bytes[at..]) {
            let (begin, end) = (at, at + length);
            at = (end + 2).min(bytes.len());
            let line = &bytes[begin..end];
            if line.is_empty() {
                break;
            }
            if end > HEADER_BYTES_MAX {
                return Err("the header is too long");
            }
            if line.iter().any(|byte| (byte.is_ascii_control() && *byte != b'\t') || *byte == 0) {
                return Err("the header has control characters");
            }
            if matches!(line[0], b' ' | b'\t') {
                let last = fields.last_mut().ok_or("the header begins with a folded line")?;
                if line.trim_ascii().is_empty() {
                    return Err("the header has a line of blanks");
                }
                let from = offset(bytes, last.value);
                last.value = &bytes[from..end];
                continue;
            }
            if fields.len() == FIELDS_MAX {
                return Err("the header has too many fields");
            }
            fields.push(Field::parse(line)?);
        }
        let head = Self(fields);
        match ONCE.iter().any(|name| head.count(name) > 1) {
            true => Err("a field that stands once in a letter stands there twice"),
            false => Ok(head),
        }
    }

    /// The fields of this name, which is in lower case, from the top.
    pub fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b Field<'a>> {
        self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name))
    }

    /// How many fields have this name.
    pub fn count(&self, name: &str) -> usize {
        self.all(name).count()
    }
}

impl<'a> Field<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, &'static str> {
        let malformed = "the header has a line that is no field";
        let colon = line.iter().position(|byte| *byte == b':').ok_or(malformed)?;
        let name = std::str::from_utf8(&line[..colon]).map_err(|_| malformed)?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(malformed);
        }
        Ok(Self { name, value: &line[colon + 1..] })
    }

    /// The value with the line end, as readers of single values want it.
    pub fn line(&self) -> Vec<u8> {
        [self.value, b"\r\n"].concat()
    }

    /// The value on one line; `None` where it is not ASCII.
    pub fn unfolded(&self) -> Option<String> {
        let text = std::str::from_utf8(self.value).ok().filter(|text| text.is_ascii())?;
        Some(text.replace("\r\n", "").replace('\t', " "))
    }
}

/// The length of the first line without its end; `None` where nothing is left.
fn line_bytes(rest: &[u8]) -> Option<usize> {
    (!rest.is_empty()).then(|| rest.windows(2).position(|two| two == b"\r\n").unwrap_or(rest.len()))
}

/// Where a slice of these bytes begins.
fn offset(bytes: &[u8], slice: &[u8]) -> usize {
    slice.as_ptr() as usize - bytes.as_ptr() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<(String, String)>, &'static str> {
        let head = Head::parse(text.as_bytes())?;
        Ok(head.0.iter().map(|field| (field.name.to_owned(), field.unfolded().unwrap())).collect())
    }

    #[test]
    fn plain_fields_are_read() {
        let fields = parsed("From: a\r\n b\r\nX:\r\n\r\nFrom: body\r\n").unwrap();
        assert_eq!(fields, [("From".to_owned(), " a b".to_owned()), ("X".to_owned(), String::new())]);
        assert!(parsed("").unwrap().is_empty());
        assert_eq!(parsed("From: a").unwrap().len(), 1);
    }

    #[test]
    fn what_is_not_plain_is_refused() {
        for text in [
            "From : a\r\n\r\n",
            "Fr om: a\r\n\r\n",
            " folded\r\nFrom: a\r\n\r\n",
            "From: a\r\n \r\n\r\n",
            "no colon\r\nFrom: a\r\n\r\n",
            "From: a\0b\r\n\r\n",
            ": a\r\n\r\n",
            "Subject: a\r\nsubject: b\r\n\r\n",
            "Fr\u{f6}m: a\r\n\r\n",
        ] {
            assert!(parsed(text).is_err(), "{text:?}");
        }
        assert!(parsed(&"X: a\r\n".repeat(FIELDS_MAX + 1)).is_err());
    }

    #[test]
    fn line_ends_are_of_one_kind() {
        assert_eq!(with_crlf(b"a\nb\n").unwrap().as_ref(), b"a\r\nb\r\n");
        assert_eq!(with_crlf(b"a\r\nb").unwrap().as_ref(), b"a\r\nb");
        for bytes in [&b"a\r\nb\n"[..], b"a\rb\r\n", b"a\r\n\r", b"a\r\r\n"] {
            assert!(with_crlf(bytes).is_err(), "{bytes:?}");
        }
    }
}
