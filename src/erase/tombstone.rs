//! What stands where an identifying text stood: unique, the same for the same row of the same case, and meaningless
//! to everybody else. Never made of the text that it replaces.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::map::TableRef;
use crate::stores::Key;

/// The shortest column that a tombstone fits into, in characters: `erased-` and 17 symbols of base 32 (85 bits).
pub const LENGTH_MIN: u32 = 24;
const PREFIX: &str = "erased-";
/// So many characters at the start are the same in every tombstone.
pub const ALIKE: usize = PREFIX.len();
/// 26 symbols, 130 bits.
const SYMBOLS_MAX: u32 = 26;
/// RFC 6761 §6.4: nothing is ever delivered there.
const DOMAIN: &str = "@erased.invalid";

/// The tombstone of one column of one row. A column that a person is recognised by as `email` gets the form of an
/// address where there is room.
///
/// HMAC-SHA256 under a secret of the case: from a tombstone nobody finds the key, and two cases give two texts.
#[must_use]
pub fn tombstone(
    secret: &[u8; 32],
    at: &TableRef,
    column: &str,
    key: &Key,
    length_max: Option<u32>,
    is_address: bool,
) -> String {
    // A key shorter than the block is filled up with zeros (RFC 2104 §2): the same, and it cannot fail.
    let mut block = [0; 64];
    block[..32].copy_from_slice(secret);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    let values = key.0.iter().map(crate::stores::KeyValue::to_text);
    for part in [at.store.to_string(), at.table.clone(), column.to_owned()].into_iter().chain(values) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    let symbols = BASE32_NOPAD.encode(&mac.finalize().into_bytes()).to_ascii_lowercase();
    let room = length_max.unwrap_or(u32::MAX);
    let with_domain = LENGTH_MIN + DOMAIN.len() as u32;
    let domain = if is_address && room >= with_domain { DOMAIN } else { "" };
    let count = room.saturating_sub((PREFIX.len() + domain.len()) as u32).min(SYMBOLS_MAX) as usize;
    format!("{PREFIX}{}{domain}", &symbols[..count])
}

/// Whether a text has the form of a tombstone, of whichever case.
#[must_use]
pub fn is_one(text: &str) -> bool {
    let is_symbol = |b: u8| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b);
    let symbols = text.strip_prefix(PREFIX).map(|rest| rest.strip_suffix(DOMAIN).unwrap_or(rest));
    symbols.is_some_and(|symbols| {
        symbols.len() >= LENGTH_MIN as usize - PREFIX.len()
            && symbols.len() <= SYMBOLS_MAX as usize
            && symbols.bytes().all(is_symbol)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::StoreName;

    fn of(key: i64, length_max: Option<u32>, is_address: bool) -> String {
        let at = TableRef { store: StoreName::new("shop").unwrap(), table: "users".to_owned() };
        tombstone(&[7; 32], &at, "email", &Key::from(key), length_max, is_address)
    }

    #[test]
    fn it_fits_repeats_and_differs() {
        for length in LENGTH_MIN..80 {
            for is_address in [false, true] {
                assert!(of(1, Some(length), is_address).len() <= length as usize);
                assert!(is_one(&of(1, Some(length), is_address)));
                assert_eq!(of(1, Some(length), is_address), of(1, Some(length), is_address));
                assert_ne!(of(1, Some(length), is_address), of(2, Some(length), is_address));
            }
        }
        assert!(of(1, None, true).ends_with(DOMAIN));
        assert!(!of(1, Some(30), true).contains('@'));
        assert!(!is_one("erased-joe") && !is_one("Ada") && !is_one(&of(1, None, false).to_uppercase()));
    }

    #[test]
    fn another_case_gives_another_text() {
        let at = TableRef { store: StoreName::new("shop").unwrap(), table: "users".to_owned() };
        let one = tombstone(&[1; 32], &at, "email", &Key::from(1), None, false);
        assert_ne!(one, tombstone(&[2; 32], &at, "email", &Key::from(1), None, false));
    }
}
