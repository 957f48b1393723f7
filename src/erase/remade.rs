//! Masks that are made of what a column holds: a text without what a pattern finds, a date without its day, a pseudonym,
//! a JSON document without some of its places. Made anew from what was made, each is the same. Pure.
//!
//! These are the only columns whose values are read. They are held for one chunk, and go nowhere but back.

use std::collections::BTreeMap;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::civil::Date;
use regex::{NoExpand, Regex};
use sha2::Sha256;

use super::discover::{Finder, Found};
use super::error::EraseError;
use super::json::{Path, Spot};
use super::map::{Mask, Period, TableMap, TableRef};
use super::plan::Act;
use crate::stores::{Key, Schema, StoreName};

/// A value that the mask cannot be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unmade;

/// The characters of a pseudonym.
pub(super) const PSEUDONYM_CHARS: u32 = 36;
const PREFIX: &str = "pseudo-";
/// Of base 32: 105 bits that tell values apart, and 40 by which one of ours is known again.
const BODY: usize = 21;
const CHECK: usize = 8;

/// What is known of the column.
pub(super) struct Place<'a> {
    pub(super) secret: &'a [u8; 32],
    pub(super) at: &'a TableRef,
    pub(super) column: &'a str,
    pub(super) length_max: Option<u32>,
}

/// The new value; `None` for a mask that is not made of the old one.
pub(super) fn remade(mask: &Mask, place: &Place<'_>, value: &str) -> Option<Result<String, Unmade>> {
    match mask {
        Mask::Redact { pattern, with } => Some(redacted(pattern, with, place, value)),
        Mask::Truncate(period) => Some(truncated(*period, value)),
        Mask::Pseudonym => Some(Ok(pseudonym(place, value))),
        Mask::Json(spots) => Some(spots.iter().try_fold(value.to_owned(), |document, (path, spot)| {
            let path: Path = path.parse().map_err(|_| Unmade)?;
            path.change(&document, spot, &constants(spots)).map_err(|_| Unmade)
        })),
        Mask::Null | Mask::Detach | Mask::Tombstone | Mask::Constant(_) | Mask::Reown(_) => None,
    }
}

/// The texts that a mask of places puts into a document.
fn constants<'a>(spots: &'a BTreeMap<String, Spot>) -> Vec<&'a str> {
    let text = |spot: &'a Spot| if let Spot::Constant(text) = spot { Some(text.as_str()) } else { None };
    spots.values().filter_map(text).collect()
}

impl Finder<'_> {
    /// The new values of a column in the rows of these keys, in their order; NULL stays NULL.
    pub(super) async fn remade(
        &self,
        table: &TableMap,
        mask: &Mask,
        place: &Place<'_>,
        keys: &[Key],
    ) -> Result<Vec<Option<String>>, EraseError> {
        let at = place.at;
        let rows = self.read(at, table, &[place.column.to_owned()], keys).await?;
        let (mut made, mut unmade) = (BTreeMap::new(), 0);
        for (key, mut values) in rows {
            let Some(value) = values.pop().flatten() else { continue };
            match remade(mask, place, &value.to_text()) {
                Some(Ok(text)) => drop(made.insert(key, text)),
                _ => unmade += 1,
            }
        }
        if unmade > 0 {
            return Err(EraseError::Unmade { at: at.clone(), column: place.column.to_owned(), rows: unmade });
        }
        Ok(keys.iter().map(|key| made.get(key).cloned()).collect())
    }

    /// Whether every value that a mask is made of is one that it can be made of. Asked before anything is written.
    pub(super) async fn can_be_remade(
        &self,
        found: &Found,
        schemas: &BTreeMap<StoreName, Schema>,
    ) -> Result<(), EraseError> {
        for step in &self.skeleton.steps {
            let (Act::Mask(columns), Some(rows)) = (&step.act, found.sets.get(&step.rows)) else { continue };
            let at = &step.rows.at;
            let table = self.table(at)?;
            let known = schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table));
            for (column, mask) in columns.iter().filter(|(_, mask)| mask.is_remade()) {
                let length_max = known.and_then(|table| table.column(column)).and_then(|column| column.length_max);
                let place = Place { secret: &[0; 32], at, column, length_max };
                for keys in self.chunks(rows) {
                    self.remade(table, mask, &place, &keys).await?;
                }
            }
        }
        Ok(())
    }
}

/// How often a text is gone over: what is cut together may be found again.
const TURNS_MAX: usize = 8;

fn redacted(pattern: &str, with: &str, place: &Place<'_>, value: &str) -> Result<String, Unmade> {
    let pattern = Regex::new(pattern).map_err(|_| Unmade)?;
    let longest = place.length_max.map_or(usize::MAX, |length| length as usize);
    let mut text = value.to_owned();
    for _ in 0..TURNS_MAX {
        let next: String = pattern.replace_all(&text, NoExpand(with)).chars().take(longest).collect();
        if next == text {
            return Ok(text);
        }
        text = next;
    }
    Err(Unmade)
}

fn truncated(period: Period, value: &str) -> Result<String, Unmade> {
    let day: Date = value.get(..10).and_then(|day| day.parse().ok()).ok_or(Unmade)?;
    let rest = value.get(10..).unwrap_or_default();
    if !rest.is_empty() && !rest.starts_with(['T', ' ']) {
        return Err(Unmade);
    }
    let month = if period == Period::Year { 1 } else { day.month() };
    let time = rest.get(..1).map_or_else(String::new, |sign| format!("{sign}00:00:00"));
    let utc = if rest.ends_with('Z') { "Z" } else { "" };
    Ok(format!("{:04}-{month:02}-01{time}{utc}", day.year()))
}

/// The same for the same value of a column in the same case, and meaningless without the case's secret.
fn pseudonym(place: &Place<'_>, value: &str) -> String {
    let ours = |text: &str| {
        let body =
            text.strip_prefix(PREFIX).filter(|rest| rest.len() == BODY + CHECK).and_then(|rest| rest.get(..BODY));
        body.is_some_and(|body| text == whole(place, body))
    };
    if ours(value) {
        return value.to_owned();
    }
    whole(place, &symbols(place, "value", value, BODY))
}

fn whole(place: &Place<'_>, body: &str) -> String {
    format!("{PREFIX}{body}{}", symbols(place, "check", body, CHECK))
}

fn symbols(place: &Place<'_>, what: &str, value: &str, count: usize) -> String {
    // A key shorter than the block is filled up with zeros (RFC 2104 §2): the same, and it cannot fail.
    let mut block = [0; 64];
    block[..32].copy_from_slice(place.secret);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in ["pseudonym", what, &place.at.to_string(), place.column, value] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    let mut symbols = BASE32_NOPAD.encode(&mac.finalize().into_bytes()).to_ascii_lowercase();
    symbols.truncate(count);
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::StoreName;

    fn made(mask: &Mask, secret: u8, length_max: Option<u32>, value: &str) -> Result<String, Unmade> {
        let at = TableRef { store: StoreName::new("shop").unwrap(), table: "users".to_owned() };
        let place = Place { secret: &[secret; 32], at: &at, column: "name", length_max };
        let made = remade(mask, &place, value).unwrap();
        if let Ok(made) = &made {
            assert_eq!(remade(mask, &place, made).unwrap().as_ref(), Ok(made), "a second time changes nothing more");
        }
        made
    }

    #[test]
    fn a_pattern_takes_what_it_finds() {
        let mask = |pattern: &str, with: &str| Mask::Redact { pattern: pattern.to_owned(), with: with.to_owned() };
        let digits = mask(r"\d{4,}", "…$0");
        assert_eq!(made(&digits, 1, None, "card 12345, room 12").as_deref(), Ok("card …$0, room 12"));
        assert_eq!(made(&digits, 1, Some(7), "12345678").as_deref(), Ok("…$0"));
        assert_eq!(made(&mask("ab", ""), 1, None, "aaabbb").as_deref(), Ok(""), "what is cut together is found too");
        assert_eq!(made(&mask("a", "aa"), 1, None, "a"), Err(Unmade));
    }

    #[test]
    fn a_date_loses_its_day() {
        for (period, value, left) in [
            (Period::Year, "1990-05-06", Ok("1990-01-01")),
            (Period::Month, "1990-05-06 11:12:13.5+00", Ok("1990-05-01 00:00:00")),
            (Period::Month, "1990-12-31T11:12:13Z", Ok("1990-12-01T00:00:00Z")),
            (Period::Year, "1990-05-06x", Err(Unmade)),
            (Period::Year, "1767225600", Err(Unmade)),
        ] {
            assert_eq!(
                made(&Mask::Truncate(period), 1, None, value).as_deref().map_err(|error| *error),
                left,
                "{value}"
            );
        }
    }

    #[test]
    fn a_pseudonym_stands_for_its_value_in_one_case() {
        let of = |secret, value: &str| made(&Mask::Pseudonym, secret, None, value).unwrap();
        assert_eq!(of(1, "Anna"), of(1, "Anna"));
        assert_ne!(of(1, "Anna"), of(1, "Ben"));
        assert_ne!(of(1, "Anna"), of(2, "Anna"));
        assert_eq!(of(1, "Anna").len(), PSEUDONYM_CHARS as usize);
        assert_ne!(of(1, &of(2, "Anna")), of(2, "Anna"), "another case's is a value like any other");
    }
}
