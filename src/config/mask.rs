//! The source of a config as it may be shown: the values of secrets are covered, at the same length for every secret.
//!
//! It works on the text and not on parsed values, because a file with a syntax error is shown as well. It rather
//! covers too much: the whole rest of a line, and any key whose name looks like a secret's.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What stands in the place of a secret.
const COVER: &str = "\"***\"";

/// A name that a secret stands behind, also one that is written wrong.
#[expect(clippy::expect_used, reason = "the pattern is a constant that every test of this room compiles")]
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"pass[ \t_.-]*(?:w|phrase|code)|pasw|pwd|\b(?:pass|pw)\b|secret|token|url|api[ _-]?key";
    Regex::new(&format!("(?i)[\\w-]*(?:{words})[\\w-]*")).expect("a constant pattern compiles")
});

/// A user and a password in a url, whatever it stands behind.
#[expect(clippy::expect_used, reason = "the pattern is a constant that every test of this room compiles")]
static LOGIN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"://[^\s/@]*:[^\s@]*@").expect("a constant pattern compiles"));

/// A source with its secrets covered, and the way from places in the original to places in it.
pub(super) struct Masked {
    text: String,
    /// The covered places of the original, in order, without overlaps, and how many bytes stand in the place of each.
    covered: Vec<(usize, Range<usize>)>,
}

impl Masked {
    /// Covers the secrets of the source, and besides what stands behind the `=` after these places.
    pub(super) fn new(source: &str, keys: &[usize]) -> Self {
        let mut places: Vec<_> = keys.iter().filter_map(|key| value_behind(source, *key)).collect();
        places.extend(named_secrets(source));
        places.extend(LOGIN.find_iter(source).map(|login| login.start()..end_of_line(source, login.end())));
        let covered = without_overlaps(places);
        let mut text = String::with_capacity(source.len());
        let mut from = 0;
        for place in &covered {
            text.push_str(source.get(from..place.start).unwrap_or_default());
            text.push_str(COVER);
            // Lines are counted as in the file.
            text.extend(source.get(place.clone()).unwrap_or_default().chars().filter(|c| *c == '\n'));
            from = place.end;
        }
        text.push_str(source.get(from..).unwrap_or_default());
        let lines = |place: &Range<usize>| source.get(place.clone()).unwrap_or_default().matches('\n').count();
        let covered = covered.into_iter().map(|place| (COVER.len() + lines(&place), place)).collect();
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
        for (length, place) in &self.covered {
            if at >= place.end {
                removed += place.len();
                shown += length;
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

/// What stands behind the names of secrets, whatever is between: the rest of the line, or of the value.
fn named_secrets(source: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(name) = SECRET.find_at(source, from) {
        from = name.end();
        let word = name.as_str().to_ascii_lowercase();
        if word.ends_with("_file") || word.ends_with("_credential") {
            // Its value names a place, and may be shown where nothing stands behind it.
            from = end_of_place(source, name.end()).unwrap_or(from);
            continue;
        }
        let value = beginning_of_value(source, name.start(), name.end());
        let end = end_of_value(source, value..end_of_line(source, value));
        places.push(value..end);
        from = from.max(end);
    }
    places
}

/// Where the value of a name begins that stands here. One that stands alone may have its value on a later line.
fn beginning_of_value(source: &str, name: usize, end: usize) -> usize {
    let rest = source.get(end..).unwrap_or_default();
    let behind = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
    let value = source.len() - behind.trim_start_matches([' ', '\t', '=', ':']).len();
    let before = source.get(..name).unwrap_or_default();
    let before = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    let alone = before.chars().all(|c| c.is_alphanumeric() || " \t\"'._-".contains(c));
    if alone && end_of_line(source, value) == value {
        return source.len() - behind.trim_start_matches(|c: char| c.is_whitespace() || c == '=' || c == ':').len();
    }
    value
}

/// The end of a text in quotes that names a place, where nothing but a comment or the end of a table stands behind it on its line.
fn end_of_place(source: &str, name: usize) -> Option<usize> {
    let line = source.get(name..end_of_line(source, name))?;
    let value = line.trim_start_matches([' ', '\t', '=']);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (_, behind) = value.get(1..)?.split_once(quote)?;
    let next = behind.trim_start().chars().next();
    next.is_none_or(|c| matches!(c, '#' | ',' | '}')).then(|| name + line.len() - behind.len())
}

fn end_of_line(source: &str, at: usize) -> usize {
    source.get(at..).and_then(|rest| rest.find('\n')).map_or(source.len(), |length| at + length)
}

/// The end of a value that begins here: of a multi-line string its last line, of a list its last bracket, of others the end of
/// this line.
fn end_of_value(source: &str, value: Range<usize>) -> usize {
    let rest = source.get(value.start..).unwrap_or_default();
    for quotes in ["\"\"\"", "'''"] {
        if let Some(body) = rest.strip_prefix(quotes) {
            let end = body.find(quotes).map_or(rest.len(), |end| end + 2 * quotes.len());
            return end_of_line(source, value.start + end).max(value.end);
        }
    }
    if rest.starts_with('[') {
        let mut depth = 0_usize;
        for (at, c) in rest.char_indices() {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return end_of_line(source, value.start + at).max(value.end);
            }
        }
        return source.len();
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
        assert_eq!(masked.text(), "a = 1\npassword = \"***\"\nurl = \"***\"\n\nurl_file = \"here\"\nb = 2\n");
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
        assert_eq!(covered("some.key='''\nhunter2'''\nb = 2", "some"), "some.key=\"***\"\n\nb = 2");
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
            "password: \"hunter2\"",
            "password \"hunter2\"",
            "password := \"hunter2\"",
            "pass word = \"hunter2\"",
            "pass: hunter2",
            "password\n= \"hunter2\"",
            "password =\n\n  \"hunter2\"",
            "password = [\n  [],\n  \"hunter2\"\n]",
            "password_file = \"a\" password = \"hunter2\"",
            "password_file = \"a password = \"hunter2\"",
            "password_file = \"a\" # the password is hunter2",
            "url: \"postgres://u:hunter2@h\"",
            "ledger \"postgres://u:hunter2@h\"",
            "password = '''x''' \"hunter2\"",
        ] {
            let masked = Masked::new(source, &[]);
            assert!(!masked.text().contains("hunter"), "{source:?} shows {:?}", masked.text());
            let lines = |text: &str| text.matches('\n').count();
            assert_eq!(lines(masked.text()), lines(source), "{source:?}: {:?}", masked.text());
        }
    }

    #[test]
    fn a_file_that_holds_a_secret_is_named() {
        for source in [
            "password_file = \"/run/secrets/imap\"\nb = 2",
            "password_file = 'smtp.password' # mine\nhost = \"h\"",
            "imap = { password_file = \"token\", b = 2 }",
        ] {
            assert_eq!(Masked::new(source, &[]).text(), source);
        }
    }
}
