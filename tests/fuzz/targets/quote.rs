//! New text, quotes and what is passed on are told apart, the same each time, and within the limits.
#![no_main]

use std::sync::LazyLock;

use expunged::intake::{Lexicon, Limits, parts};
use libfuzzer_sys::fuzz_target;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::embedded);

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let (once, twice) = (parts(bytes, &LEXICON, &limits), parts(bytes, &LEXICON, &limits));
    assert_eq!((&once.new, &once.quoted, &once.forwarded), (&twice.new, &twice.quoted, &twice.forwarded));
    assert!(once.new.chars().count() <= limits.text_chars_max);
});
