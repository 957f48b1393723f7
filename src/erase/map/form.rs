//! The text of a map to what is written in it, with every mistake of form at once: unknown keys, wrong types, what is missing.
//!
//! serde stops at its first mistake. So the key that it stumbled over is taken out and it tries again, until what is left can be
//! read: what was told by then is all that is wrong with the form.

use serde::Deserialize as _;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::load::File;
use super::raw::RawMap;
use super::{MapError, open};
use crate::stumble::take_out;

/// More mistakes of form than these are not looked for.
const MISTAKES_MAX: usize = 50;

const HELP: &str = "see config/stores for complete examples";

/// Reads one.
pub(super) fn parse(file: File<'_>) -> Result<RawMap, MapError> {
    let questions = open::questions(file.1);
    if let Some(error) = MapError::all(questions.iter().map(|question| question.error(file)).collect()) {
        return Err(error);
    }
    let told = |error: &toml::de::Error| MapError::at(file, error.span().unwrap_or(0..0), error.message().trim(), HELP);
    let mut table = DeTable::parse(file.1).map_err(|error| told(&error))?;
    let (mut errors, mut taken) = (Vec::new(), Vec::new());
    for _ in 0..MISTAKES_MAX {
        let whole = Spanned::new(table.span(), DeValue::Table(table.get_ref().clone()));
        let error = match RawMap::deserialize(ValueDeserializer::from(whole)) {
            Ok(raw) => return MapError::all(errors).map_or(Ok(raw), Err),
            Err(error) => error,
        };
        // What was taken out is missing now, and was told already.
        let follows = taken.iter().position(|key| error.message().trim() == format!("missing field `{key}`"));
        match follows {
            Some(at) => drop(taken.swap_remove(at)),
            None => errors.push(told(&error)),
        }
        match error.span().and_then(|span| take_out(table.get_mut(), &span)) {
            Some(path) => taken.extend(path.into_iter().next_back()),
            None => break,
        }
    }
    MapError::all(errors).map_or_else(|| Err(MapError::at(file, 0..0, "the map cannot be read", HELP)), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_with_the_form_is_told_at_once() {
        let text = "[store]\nname = \"shop\"\nkind = \"sqlite\"\nurl = \"sqlite://a\"\nbackup_days = \"x\"\ncolour = 1\n\
                    [tables.a]\nkey = \"id\"\nerase = \"delete\"\n[tables.b]\nkey = 5\nerase = \"delete\"\nkeep = \"for ever\"\n\
                    categories = { id = \"none\" }\n";
        let error = parse(("shop.toml", text)).err().expect("it is wrong");
        let lines: Vec<usize> = std::iter::once(&error).chain(error.more.iter()).map(|error| error.line).collect();
        assert_eq!(lines, [5, 6, 7, 11, 13], "{error}");
        assert_eq!(error.to_string().lines().count(), 5);
    }
}
