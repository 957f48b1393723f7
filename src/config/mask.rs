//! The source of a config as it may be shown: the values of secrets are covered, at the same length for every secret.
//!
//! It works on the text and not on parsed values, because a file with a syntax error is shown as well. It rather
//! covers too much: the whole rest of a line, and any key whose name looks like a secret's.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What stands in the place of a secret.
const COVER: &str = "\"***\"";

/// A key that holds a secret, and the value after it up to the end of the line.
#[expect(clippy::expect_used, reason = "the pattern is a constant that every test of this room compiles")]
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?mi)(?P<key>[\w-]*(?:passw|pasw|pwd|passphrase|secret|token|url)[\w-]*)["']?[ \t]*=[ \t]*(?P<value>[^\s].*)$"#;
    Regex::new(pattern).expect("a constant pattern compiles")
});

/// A source with its secrets covered, and the way from places in the original to places in it.
pub(super) struct Masked {
    text: String,
    /// The covered places of the original, in order, without overlaps.
    covered: Vec<Range<usize>>,
}

impl Masked {
    /// Covers the secrets of the source, and besides what stands behind the `=` after these places.
    pub(super) fn new(source: &str, keys: &[usize]) -> Self {
        let mut places: Vec<_> = keys.iter().filter_map(|key| value_behind(source, *key)).collect();
        places.extend(SECRET.captures_iter(source).filter_map(|captures| {
            let (key, value) = (captures.name("key")?.as_str(), captures.name("value")?);
            let names_a_place = key.ends_with("_file") || key.ends_with("_credential");
            (!names_a_place).then(|| value.start()..end_of_value(source, value.range()))
        }));
        let covered = without_overlaps(places);
        let mut text = String::with_capacity(source.len());
        let mut from = 0;
        for place in &covered {
            text.push_str(source.get(from..place.start).unwrap_or_default());
            text.push_str(COVER);
            from = place.end;
        }
        text.push_str(source.get(from..).unwrap_or_default());
        Self { text, covered }
    }

    /// What may be shown.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where a span of the original lies in the shown text. What lies in a covered place becomes the whole cover.
    pub(super) fn map(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.offset(span.start, 0);
        let end = self.offset(span.end, COVER.len());
        start..end.max(start)
    }

    /// `inside` is added for a place strictly inside of a cover: its beginning or its end.
    fn offset(&self, at: usize, inside: usize) -> usize {
        let mut shown = at;
        let mut removed = 0;
        for place in &self.covered {
            if at >= place.end {
                removed += place.len();
                shown += COVER.len();
            } else if at > place.start {
                return (shown - removed).saturating_sub(at - place.start) + inside;
            }
        }
        (shown - removed).min(self.text.len())
    }
}

/// The value of a key that begins here, up to the end of its line; the header of a section has none.
fn value_behind(source: &str, key: usize) -> Option<Range<usize>> {
    let line = source.get(key..)?.lines().next()?;
    let (name, value) = line.split_once('=')?;
    let blanks = value.len() - value.trim_start().len();
    let value = key + name.len() + 1 + blanks..key + line.len();
    let end = end_of_value(source, value.clone());
    Some(value.start..end)
}

/// The end of a value that begins here: of a multi-line string its last line, of others the end of this line.
fn end_of_value(source: &str, value: Range<usize>) -> usize {
    let rest = source.get(value.start..).unwrap_or_default();
    for quotes in ["\"\"\"", "'''"] {
        if let Some(body) = rest.strip_prefix(quotes) {
            let end = body.find(quotes).map_or(rest.len(), |end| end + 2 * quotes.len());
            return (value.start + end).max(value.end);
        }
    }
    value.end
}

fn without_overlaps(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.retain(|place| !place.is_empty());
    places.sort_by_key(|place| place.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match merged.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => merged.push(place),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_covered_and_places_still_match() {
        let source = "a = 1\npassword = \"hunter2\" # mine\nurl = '''x\nhunter2'''\nurl_file = \"here\"\nb = 2\n";
        let masked = Masked::new(source, &[]);
        assert_eq!(masked.text(), "a = 1\npassword = \"***\"\nurl = \"***\"\nurl_file = \"here\"\nb = 2\n");
        for word in ["a = 1", "password", "url_file", "here", "b = 2"] {
            let at = source.find(word).unwrap();
            assert_eq!(&masked.text()[masked.map(&(at..at + word.len()))], word);
        }
        let secret = source.find("hunter2").unwrap();
        assert_eq!(&masked.text()[masked.map(&(secret..secret + 7))], "\"***\"");
        assert_eq!(masked.map(&(source.len()..source.len())), masked.text().len()..masked.text().len());
    }

    #[test]
    fn the_value_of_a_key_that_nobody_knows_is_covered() {
        let covered = |source: &str, key: &str| Masked::new(source, &[source.find(key).unwrap()]).text().to_owned();
        assert_eq!(covered("a = 1\nkey = 'hunter2'\nb = 2", "key"), "a = 1\nkey = \"***\"\nb = 2");
        assert_eq!(covered("some.key='''\nhunter2'''\nb = 2", "some"), "some.key=\"***\"\nb = 2");
        assert_eq!(covered("a = { key = 'hunter2' }", "key"), "a = { key = \"***\"");
        assert_eq!(covered("[section]\nb = 2", "section"), "[section]\nb = 2");
    }

    #[test]
    fn inline_tables_typos_and_unfinished_strings_are_covered() {
        for source in [
            "imap = { host = \"a\", password = \"hunter2\" }",
            "pasword = \"hunter2\"",
            "password = \"hunter2",
            "password = '''hunter1\nhunter2",
            "\"password\" = 'hunter2'",
            "mailer.smtp.PASSWORD=\"hunter2\"",
            "password = \"x\"\nadmin_password = \"hunter2\"",
        ] {
            let masked = Masked::new(source, &[]);
            assert!(!masked.text().contains("hunter"), "{source:?} shows {:?}", masked.text());
        }
    }
}
