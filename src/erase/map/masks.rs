//! Reads what happens to columns of rows that stay.
//!
//! ```toml
//! [tables.profiles.mask]
//! phone    = "null"                                       # or "detach", for a column that holds another row's key
//! email    = "tombstone"                                  # a text that no other row has and that says nothing
//! name     = { constant = "erased" }
//! owner_id = { reown = "0" }                              # the key of a placeholder row, which must be there
//! comment  = { redact = "[0-9]{4,}", with = "…" }         # a regular expression; the rest of the text stays
//! born     = { truncate = "year" }                        # or "month": the first day of it
//! login    = "pseudonym"                                  # a code; the row needs a ground to stay
//! settings = { json = { "$.mail" = "remove", "$.lines[*].name" = { constant = "x" } } }  # or "null"
//! ```

use std::collections::BTreeMap;

use regex::Regex;
use serde::de::IgnoredAny;
use serde_spanned::Spanned;

use super::load::Reader;
use super::raw::{RawMask, RawSpot};
use super::{MapError, Mask, Period};
use crate::erase::json::{BadPath, Path, Spot};

const KINDS: &str = "use \"null\", \"detach\", \"tombstone\", \"pseudonym\" or { constant = \"…\" }, { reown = \"…\" }, \
    { redact = \"…\", with = \"…\" }, { truncate = \"year\" }, { json = { \"$.path\" = \"remove\" } }";

impl Mask {
    /// Whether the new value is made of the old one.
    pub(in crate::erase) const fn is_remade(&self) -> bool {
        matches!(self, Self::Redact { .. } | Self::Truncate(_) | Self::Pseudonym | Self::Json(_))
    }

    /// Whether a column that holds a key holds it no more, and nothing of the person either.
    pub(in crate::erase) const fn lets_go(&self) -> bool {
        matches!(self, Self::Detach | Self::Constant(_) | Self::Reown(_))
    }
}

impl Reader<'_> {
    pub(super) fn masks(&self, raw: &BTreeMap<String, Spanned<RawMask>>) -> Result<BTreeMap<String, Mask>, MapError> {
        raw.iter().map(|(column, mask)| Ok((column.clone(), self.mask(mask)?))).collect()
    }

    fn mask(&self, mask: &Spanned<RawMask>) -> Result<Mask, MapError> {
        match mask.as_ref() {
            RawMask::Word(word) => match word.as_str() {
                "null" => Ok(Mask::Null),
                "detach" => Ok(Mask::Detach),
                "tombstone" => Ok(Mask::Tombstone),
                "pseudonym" => Ok(Mask::Pseudonym),
                other => Err(self.error(mask.span(), format!("{other:?} is no mask"), KINDS)),
            },
            RawMask::Constant { constant } => Ok(Mask::Constant(constant.clone())),
            RawMask::Reown { reown } => Ok(Mask::Reown(reown.clone())),
            RawMask::Redact { redact, with } => self.redact(mask, redact, with),
            RawMask::Truncate { truncate } => self.truncate(mask, truncate),
            RawMask::Json { json } => self.json(mask, json),
            RawMask::Other(IgnoredAny) => Err(self.error(mask.span(), "it is not clear which mask is meant", KINDS)),
        }
    }

    fn redact(&self, mask: &Spanned<RawMask>, pattern: &str, with: &str) -> Result<Mask, MapError> {
        let Ok(compiled) = Regex::new(pattern) else {
            let help = "see the syntax of docs.rs/regex; in TOML, write it between single quotes";
            return Err(self.error(mask.span(), "the pattern cannot be read", help));
        };
        if compiled.is_match(with) || compiled.is_match("") {
            let help = "let the pattern find neither nothing nor what is put in its place";
            return Err(self.error(mask.span(), "the pattern finds what it leaves", help));
        }
        Ok(Mask::Redact { pattern: pattern.to_owned(), with: with.to_owned() })
    }

    fn truncate(&self, mask: &Spanned<RawMask>, period: &str) -> Result<Mask, MapError> {
        match period {
            "year" => Ok(Mask::Truncate(Period::Year)),
            "month" => Ok(Mask::Truncate(Period::Month)),
            other => {
                Err(self.error(mask.span(), format!("{other:?} is no part of a date"), "use \"year\" or \"month\""))
            }
        }
    }

    fn json(&self, mask: &Spanned<RawMask>, raw: &BTreeMap<String, RawSpot>) -> Result<Mask, MapError> {
        let mut spots = BTreeMap::new();
        for (text, spot) in raw {
            let path: Path = text.parse().map_err(|error: BadPath| {
                self.error(mask.span(), format!("{text:?} is no path into a document"), error.to_string())
            })?;
            let spot = match spot {
                RawSpot::Constant(constant) => Spot::Constant(constant.constant.clone()),
                RawSpot::Word(word) if word == "null" => Spot::Null,
                RawSpot::Word(word) if word == "remove" && path.ends_at_a_number() => {
                    let help = "the others would move up, and go the next time: use \"null\", or [*]";
                    return Err(self.error(mask.span(), "one member of a list is removed", help));
                }
                RawSpot::Word(word) if word == "remove" => Spot::Remove,
                RawSpot::Word(word) => {
                    let help = "use \"remove\", \"null\" or { constant = \"…\" }";
                    return Err(self.error(mask.span(), format!("{word:?} is nothing to do at a path"), help));
                }
            };
            spots.insert(path.to_string(), spot);
        }
        if spots.is_empty() {
            return Err(self.error(mask.span(), "no path is named", "write { json = { \"$.path\" = \"remove\" } }"));
        }
        Ok(Mask::Json(spots))
    }
}
