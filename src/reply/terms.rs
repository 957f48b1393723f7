//! The words of a language that templates cannot hold: categories, scopes, months, plurals, numbers, and how the team
//! calls what the program calls by a code (`terms.toml`).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use crate::domain::{Scope, Timestamp};

/// One language's words, as its `terms.toml` holds them. Every field is needed; what is not known is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    /// Counts that take the singular.
    singular: Vec<u64>,
    /// Between groups of three digits.
    thousands: String,
    /// Between the last two items of a list, with its spaces.
    and: String,
    /// The same before a word that begins with the sound of an i; Spanish differs there (`altas e imágenes`).
    and_before_i: String,
    /// How dates are written.
    date: DateTerms,
    /// Grounds of refusal that no operator writes.
    pub(super) refusals: RefusalTerms,
    /// The articles of the law packs as the language cites them; one that is missing is shown as the pack writes it.
    pub(super) articles: BTreeMap<String, String>,
    /// Our letters, in the alarms.
    letters: BTreeMap<String, String>,
    /// Where a request stands, in the alarms.
    states: BTreeMap<String, String>,
    /// Why a person must look, in the alarms.
    reasons: BTreeMap<String, String>,
    /// Why a step failed, in the alarms.
    failures: BTreeMap<String, String>,
    /// How far recipients are, why a person must look at one, and whose data they hold.
    partners: BTreeMap<String, String>,
    /// What would be erased, in full.
    what: WhatTerms,
    /// The names of categories; one that is missing is shown as it is written.
    pub(super) categories: BTreeMap<String, String>,
}

/// Words of the program and how a language calls them.
pub(super) struct WordList {
    /// The name of the filter.
    pub(super) name: &'static str,
    /// The words.
    pub(super) of: fn(&Terms) -> &BTreeMap<String, String>,
}

/// Every list of the program's words.
pub(super) const WORD_LISTS: [WordList; 5] = [
    WordList { name: "letter", of: |terms| &terms.letters },
    WordList { name: "state", of: |terms| &terms.states },
    WordList { name: "reason", of: |terms| &terms.reasons },
    WordList { name: "failure", of: |terms| &terms.failures },
    WordList { name: "partner", of: |terms| &terms.partners },
];

/// Grounds of refusal that the program itself states.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefusalTerms {
    /// The owner of the account said no to their user.
    pub(super) by_owner: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DateTerms {
    /// With `{day}`, `{month}` and `{year}`.
    pattern: String,
    /// The first day of a month (French writes it as an ordinal).
    first_day: String,
    /// With `{date}` and `{time}`.
    instant: String,
    /// January to December.
    months: [String; 12],
}

/// With `{label}` in the `named` ones and `{categories}` in the `data` ones that do not say `open`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhatTerms {
    account: String,
    user_self: String,
    user_named: String,
    end_user_self: String,
    end_user_named: String,
    data_self: String,
    data_named: String,
    data_open_self: String,
    data_open_named: String,
}

impl Terms {
    /// Reads a `terms.toml`.
    pub(super) fn parse(source: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(source)
    }

    /// A day written out.
    pub(super) fn date(&self, date: Date) -> String {
        let day = if date.day() == 1 { self.date.first_day.clone() } else { date.day().to_string() };
        let month =
            usize::try_from(date.month()).ok().and_then(|number| self.date.months.get(number.saturating_sub(1)));
        let year = date.year().to_string();
        fill(&self.date.pattern, &[("day", &day), ("month", month.map_or("", String::as_str)), ("year", &year)])
    }

    /// An instant in UTC, to the minute.
    pub(super) fn instant(&self, instant: Timestamp) -> String {
        let utc = instant.to_jiff().to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let time = format!("{:02}:{:02}", utc.hour(), utc.minute());
        fill(&self.date.instant, &[("date", &self.date(utc.date())), ("time", &time)])
    }

    /// A number with its groups of three digits.
    pub(super) fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut grouped = String::with_capacity(digits.len() * 2);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                grouped.push_str(&self.thousands);
            }
            grouped.push(digit);
        }
        grouped
    }

    /// A number with its noun in the right form.
    pub(super) fn count(&self, number: u64, one: &str, other: &str) -> String {
        let noun = if self.singular.contains(&number) { one } else { other };
        format!("{} {noun}", self.number(number))
    }

    /// A category's name, or the category as it is written.
    pub(super) fn category(&self, category: &str) -> String {
        self.categories.get(category).cloned().unwrap_or_else(|| category.to_owned())
    }

    /// An article as the language cites it, or as the law pack or an operator writes it.
    pub(super) fn article(&self, article: &str) -> String {
        self.articles.get(article).cloned().unwrap_or_else(|| article.to_owned())
    }

    /// Items as people list them: `a, b and c`.
    pub(super) fn list(&self, items: &[String]) -> String {
        match items {
            [] => String::new(),
            [only] => only.clone(),
            [first @ .., last] => {
                let and = if begins_with_i(last) { &self.and_before_i } else { &self.and };
                format!("{}{and}{last}", first.join(", "))
            }
        }
    }

    /// Categories by their names, as people list them.
    pub(super) fn categories(&self, categories: &[String]) -> String {
        let names: Vec<_> = categories.iter().map(|category| self.category(category)).collect();
        self.list(&names)
    }

    /// What would be erased, in full: the scope, whom it concerns, and which categories.
    pub(super) fn what(&self, scope: Scope, label: Option<&str>, categories: &[String]) -> String {
        let what = &self.what;
        let pattern = match (scope, label, categories) {
            (Scope::Account, _, _) => &what.account,
            (Scope::User, None, _) => &what.user_self,
            (Scope::User, Some(_), _) => &what.user_named,
            (Scope::EndUser, None, _) => &what.end_user_self,
            (Scope::EndUser, Some(_), _) => &what.end_user_named,
            (Scope::Data, None, []) => &what.data_open_self,
            (Scope::Data, Some(_), []) => &what.data_open_named,
            (Scope::Data, None, _) => &what.data_self,
            (Scope::Data, Some(_), _) => &what.data_named,
        };
        fill(pattern, &[("label", label.unwrap_or_default()), ("categories", &self.categories(categories))])
    }
}

/// Whether a word begins with the sound of an i, as a vowel of its own: `imagen`, `hijo`, but not `hielo` or `ion`.
fn begins_with_i(word: &str) -> bool {
    let mut sounds = word.chars().skip_while(|c| !c.is_alphanumeric()).flat_map(char::to_lowercase).peekable();
    sounds.next_if_eq(&'h');
    matches!(sounds.next(), Some('i' | 'í')) && !matches!(sounds.next(), Some('a' | 'e' | 'o' | 'á' | 'é' | 'ó'))
}

/// Puts values in the place of `{name}`, in one pass: a value that looks like a placeholder stays what it is.
fn fill(pattern: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let found = after
            .split_once('}')
            .and_then(|(name, tail)| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value, tail)));
        match found {
            Some((value, tail)) => {
                filled.push_str(value);
                rest = tail;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_begins_with_an_i_is_heard() {
        assert!(["imágenes", "Identidad", "hijos", "«Irene»"].iter().all(|word| begins_with_i(word)));
        assert!(!["datos", "hielo", "iones", "hierro", "y", ""].iter().any(|word| begins_with_i(word)));
    }

    #[test]
    fn a_value_that_looks_like_a_placeholder_stays_text() {
        assert_eq!(fill("{a} and {b} {c}", &[("a", "{b}"), ("b", "2")]), "{b} and 2 {c}");
    }
}
