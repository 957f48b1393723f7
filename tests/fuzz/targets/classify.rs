//! A letter is judged, whatever it holds: within the limits, the same each time, and no machine's letter opens or agrees.
#![no_main]

use std::sync::LazyLock;

use expunged::intake::{AnswerIntent, Defect, Disposition, Lexicon, Limits, read};
use libfuzzer_sys::fuzz_target;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::embedded);

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let letter = read(bytes, &LEXICON, &limits);
    assert!(!letter.defects.contains(&Defect::ParserPanicked), "the parser panicked");
    assert!((0.0..=1.0).contains(&letter.verdict.confidence));
    assert!(letter.claims.addresses.len() <= limits.addresses_max);
    assert!(letter.answer.codes.len() <= 8 && letter.answer.tokens.len() <= 16);
    if letter.machine_proven {
        assert!(letter.verdict.disposition != Disposition::Open, "a machine opens");
        assert!(letter.answer.intent != AnswerIntent::Yes && letter.answer.codes.is_empty(), "a machine agrees");
    }
    let again = read(bytes, &LEXICON, &limits);
    assert_eq!((again.verdict, again.answer), (letter.verdict, letter.answer));
});
