//! Reads what happens to columns of rows that stay.

use std::collections::BTreeMap;

use serde_spanned::Spanned;

use super::load::Reader;
use super::raw::{RawMask, RawShaped};
use super::{MapError, Mask};

const KINDS: &str = "use \"null\", \"detach\", \"tombstone\", { constant = \"…\" } or { reown = \"…\" }";

impl Reader<'_> {
    pub(super) fn masks(&self, raw: &BTreeMap<String, Spanned<RawMask>>) -> Result<BTreeMap<String, Mask>, MapError> {
        raw.iter().map(|(column, mask)| Ok((column.clone(), self.mask(mask)?))).collect()
    }

    fn mask(&self, mask: &Spanned<RawMask>) -> Result<Mask, MapError> {
        Ok(match mask.as_ref() {
            RawMask::Shaped(RawShaped { constant: Some(text), reown: None }) => Mask::Constant(text.clone()),
            RawMask::Shaped(RawShaped { constant: None, reown: Some(key) }) => Mask::Reown(key.clone()),
            RawMask::Shaped(_) => return Err(self.error(mask.span(), "it is not clear which mask is meant", KINDS)),
            RawMask::Word(word) => match word.as_str() {
                "null" => Mask::Null,
                "detach" => Mask::Detach,
                "tombstone" => Mask::Tombstone,
                other => return Err(self.error(mask.span(), format!("{other:?} is no mask"), KINDS)),
            },
        })
    }
}
