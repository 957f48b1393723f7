//! What is not TOML, in our words: what was expected there, and the fix. Never repeats a value, which may be a secret.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::error::Problem;

/// A line that gives a key a value, up to the value.
#[expect(clippy::expect_used, reason = "the pattern is a constant that every test of this room compiles")]
static ASSIGNED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*(?P<key>[A-Za-z0-9_.-]+)\s*=\s*").expect("a constant pattern compiles"));

/// What may stand behind an equals sign.
const VALUES: &str =
    "behind `=` stands a text in quotes, a number without its unit, true, false, or a list in brackets";

/// The mistakes of syntax, one of each line: what else the parser finds in a line follows from the first.
pub(super) fn problems(errors: &[toml::de::Error], source: &str) -> Vec<Problem> {
    let mut lines = BTreeSet::new();
    let places = errors.iter().map(|error| (error, place(error, source)));
    places
        .filter(|(_, at)| lines.insert(line_of(source, at.start).start))
        .map(|(error, at)| problem(error.message(), at, source))
        .collect()
}

fn place(error: &toml::de::Error, source: &str) -> Range<usize> {
    let at = error.span().unwrap_or(0..0);
    at.start.min(source.len())..at.end.min(source.len())
}

/// The line that a place lies in, without its end.
fn line_of(source: &str, at: usize) -> Range<usize> {
    let start = source.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let end = source.get(at..).and_then(|rest| rest.find('\n')).map_or(source.len(), |length| at + length);
    start..end
}

/// The parser never quotes the source in its message, so what we have no better words for is said in its own.
fn problem(message: &str, at: Range<usize>, source: &str) -> Problem {
    let problem = Problem::new("this is not TOML");
    let within = line_of(source, at.start);
    let line = source.get(within.clone()).unwrap_or_default();
    let assigned = ASSIGNED.captures(line);
    if let Some(assigned) = &assigned
        && let Some(length) = bare_text(line.get(assigned[0].len()..).unwrap_or_default())
    {
        let start = within.start + assigned[0].len();
        let fix = format!("write `{} = \"…\"`", &assigned["key"]);
        return problem.at(start..start + length, "a text stands in quotes").help(fix);
    }
    let begins = line.trim_start();
    let is_key = begins.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '"' | '\''));
    if assigned.is_none() && is_key && message != "duplicate key" {
        let help = "a line gives one key its value: `key = \"text\"` or `key = 5`; a key has no blanks";
        return problem.at(at, "expected a key, `=` and a value").help(help);
    }
    if message.contains("must be quoted") {
        return problem.at(at, "expected a value").help(VALUES);
    }
    let help = help(message, begins);
    problem.at(at, message.to_owned()).help(help)
}

/// The length of a text that lacks its quotes, up to a comment; `None` where something else stands there.
fn bare_text(value: &str) -> Option<usize> {
    let text = value.split('#').next().unwrap_or_default().trim_end();
    let begins = text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '.' | '~' | '@' | '$' | '<'));
    let address = text.contains(['.', ':', '@', '/']) && text.starts_with(|c: char| c.is_ascii_digit());
    let is_word = matches!(text, "true" | "false" | "inf" | "nan");
    ((begins || address && !is_number(text)) && !is_word && !text.contains(['"', '\''])).then_some(text.len())
}

/// A number or a date, as far as one can be told by its characters.
fn is_number(text: &str) -> bool {
    text.matches('.').count() < 2 && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ':' | '-' | '_'))
}

fn help(message: &str, line: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["duplicate key"]) {
        "a section stands once in the file and a key once in its section: remove one of the two"
    } else if says(&["basic string", "literal string", "opening quote"]) {
        "a text ends with the quote that it began with, on the same line; one of several lines stands between `\"\"\"` and `\"\"\"`"
    } else if says(&["escape", "unicode"]) {
        "in double quotes a backslash is written `\\\\`; in single quotes it stands for itself"
    } else if line.starts_with('[') || says(&["table"]) && !says(&["inline table"]) {
        "a section begins with its name in brackets on a line of its own: `[service]`, or `[[authority]]` for one of several"
    } else if says(&["unexpected key or value", "unexpected content"]) {
        "one key stands on a line; begin a new line for the next one, and a comment with `#`"
    } else if says(&["inline table", "key-value pairs"]) {
        "keys of a section in one line stand in braces, with commas between: `{ key = \"text\", other = 5 }`"
    } else if says(&["array"]) {
        "a list stands in brackets, with commas between: `[\"one\", \"two\"]`"
    } else if says(&["value", "string", "integer", "float", "number", "digit", "zero", "date", "time"]) {
        VALUES
    } else {
        "each line is `key = value`, the name of a `[section]`, or a comment behind `#`; `expunged config example` shows all of them"
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;

    fn told(source: &str) -> String {
        let Err(problems) = parse(source) else { panic!("{source:?} is TOML") };
        super::super::ConfigError::new("expunged.toml".to_owned(), source, problems).render(false)
    }

    /// Whatever is wrong: what was expected, and the fix.
    #[test]
    fn every_mistake_of_syntax_has_a_fix() {
        for (source, expected, fix) in [
            ("host = imap.example.com", "a text stands in quotes", "write `host = \"…\"`"),
            ("folder = INBOX # theirs", "a text stands in quotes", "write `folder = \"…\"`"),
            ("folder = news", "a text stands in quotes", "write `folder = \"…\"`"),
            ("name = Example Shop", "a text stands in quotes", "write `name = \"…\"`"),
            ("path = /var/lib/expunged", "a text stands in quotes", "write `path = \"…\"`"),
            ("listen = 127.0.0.1:8443", "a text stands in quotes", "write `listen = \"…\"`"),
            ("port: 5", "expected a key, `=` and a value", "gives one key its value"),
            ("port 5", "expected a key, `=` and a value", "gives one key its value"),
            ("port := 5", "expected a key, `=` and a value", "gives one key its value"),
            ("a port = 5", "expected a key, `=` and a value", "a key has no blanks"),
            ("expires_days = 14d", "", "a number without its unit"),
            ("name = \"Shop", "expected `\"`", "on the same line"),
            ("name = \"C:\\shop\"", "", "in double quotes a backslash"),
            ("[service", "expected `]`", "in brackets on a line of its own"),
            ("a = 1\na = 2", "duplicate key", "remove one of the two"),
            ("a = 1 b = 2", "", "one key stands on a line"),
            ("a = [\"x\" \"y\"]", "", "a list stands in brackets"),
            ("a = { b = 1 c = 2 }", "", "stand in braces"),
            ("a =", "", "behind `=` stands"),
            ("= 5", "", ""),
        ] {
            let told = told(source);
            assert!(told.contains(expected) && told.contains(fix), "{source}:\n{told}");
            assert!(told.contains("help: ") && !told.contains("`inf`") && !told.contains("`nan`"), "{told}");
            assert_eq!(told.matches("error: ").count(), 1, "{told}");
        }
    }
}
