//! Text to [`RawConfig`], with every mistake of form: syntax, unknown keys, wrong types. Judges no value.
//!
//! serde stops at its first mistake. So the key that it stumbled over is taken out and it tries again, until what is
//! left can be read; the keys taken out are remembered, so that nobody calls them missing afterwards.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::error::Problem;
use super::raw::RawConfig;
use super::syntax;
use crate::domain::nearest;
use crate::stumble::take_out;

/// More mistakes of form than these are not looked for.
const MISTAKES_MAX: usize = 50;

/// What could be read, and what could not.
pub(super) struct Parsed {
    pub(super) raw: RawConfig,
    /// The paths (`mailbox.imap.port`) of keys that were taken out.
    pub(super) taken_out: BTreeSet<String>,
    pub(super) problems: Vec<Problem>,
}

/// Reads a config text. `Err` when so little could be read that checking the values would only mislead.
pub(super) fn parse(source: &str) -> Result<Parsed, Vec<Problem>> {
    let (mut table, syntax) = DeTable::parse_recoverable(source);
    if !syntax.is_empty() {
        // A line that is no TOML may be anything; what the parser guessed for the rest of the file helps nobody.
        return Err(syntax::problems(&syntax, source));
    }
    let mut problems = Vec::new();
    let mut taken_out = BTreeSet::new();
    for _ in 0..MISTAKES_MAX {
        let whole = Spanned::new(table.span(), DeValue::Table(table.get_ref().clone()));
        let error = match RawConfig::deserialize(ValueDeserializer::from(whole)) {
            Ok(raw) => return Ok(Parsed { raw, taken_out, problems }),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(0..0);
        let taken = take_out(table.get_mut(), &span).map(|path| path.join("."));
        problems.push(form_problem(error.message(), &span, taken.as_deref().unwrap_or_default()));
        match taken {
            Some(path) => taken_out.insert(path),
            None => break,
        };
    }
    Err(problems)
}

/// Says in our words what serde says in its own. Values are never repeated: one may be a secret.
fn form_problem(message: &str, span: &Range<usize>, path: &str) -> Problem {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let mut words = rest.split('`').skip(1).step_by(2);
        let key = words.next().unwrap_or_default();
        let known: Vec<&str> = words.collect();
        let what = if path.contains('.') { "key" } else { "section" };
        let problem = Problem::new(format!("unknown {what} `{path}`"))
            .at(span.clone(), format!("no {what} has this name"))
            .hide_value_of(span.start);
        let problem = match nearest(key, &known) {
            Some(nearest) => problem.help(format!("did you mean `{nearest}`?")),
            None => problem,
        };
        return match known.as_slice() {
            [] => problem.help("this section has no keys"),
            known => problem.help(format!("known here: {}", known.join(", "))),
        };
    }
    let expected = message.rsplit_once("expected ").map_or("another value", |(_, expected)| expected);
    let expected = match expected {
        "i64" => "a whole number",
        "a boolean" => "true or false",
        other if other.starts_with("struct ") => "a section",
        "a sequence" => "a list in square brackets",
        other => other,
    };
    Problem::new(format!("wrong type for `{path}`")).at(span.clone(), format!("expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_of_form_is_found_and_the_rest_is_read() {
        let parsed = parse(
            "[service]\nname = 5\nadress = \"x\"\n[mailbox.imap]\nport = \"993\"\nhost = \"h\"\n[[authority]]\nscope = 1\nrule = \"review\"\n",
        )
        .unwrap_or_else(|problems| panic!("{problems:#?}"));
        assert_eq!(parsed.problems.len(), 4, "{:#?}", parsed.problems);
        let expected = ["authority.scope", "mailbox.imap.port", "service.adress", "service.name"];
        assert!(parsed.taken_out.iter().eq(expected.iter()), "{:?}", parsed.taken_out);
        let host =
            parsed.raw.mailbox.and_then(|mailbox| mailbox.into_inner().imap).and_then(|imap| imap.into_inner().host);
        assert_eq!(host.map(Spanned::into_inner).as_deref(), Some("h"));
    }
}
