//! Reports of what was not delivered (RFC 3464), and what servers write in their place: never a wish, and never a yes.
#![no_main]

use std::sync::LazyLock;

use expunged::intake::{AnswerIntent, Disposition, Lexicon, Limits, read};
use libfuzzer_sys::fuzz_target;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::embedded);

const BEFORE: &[u8] = b"From: MAILER-DAEMON@mx.example\r\nTo: privacy@shop.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt was not delivered.\r\n\
    --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n";

fuzz_target!(|bytes: &[u8]| {
    let report = [BEFORE, bytes, b"\r\n--b--\r\n"].concat();
    for letter in [bytes, &report] {
        let letter = read(letter, &LEXICON, &Limits::default());
        if letter.bounce.is_some() {
            assert!(letter.verdict.disposition != Disposition::Open, "a bounce opens");
            assert!(letter.answer.intent != AnswerIntent::Yes, "a bounce agrees");
        }
    }
});
