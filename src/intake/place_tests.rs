//! An account that is only the place of what is to be erased is never closed for it.

use crate::intake::intent::{Disposition, Intent, Verdict};
use crate::intake::lexicon::for_tests;
use crate::intake::{Limits, read};

fn verdict_of(text: &str) -> Verdict {
    let head = "From: Olga One <owner1@team.example>\r\nTo: privacy@shop.example\r\nSubject: Hello\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    read(format!("{head}\r\n{text}\r\n").as_bytes(), for_tests(), &Limits::default()).verdict
}

/// The letters of `tests/mail/places.txt`.
#[test]
fn an_account_as_a_place_is_not_what_is_to_be_erased() {
    let mut wrong = Vec::new();
    let letters = include_str!("../../tests/mail/places.txt").lines().filter_map(|line| line.split_once(" | "));
    for (kind, text) in letters {
        let verdict = verdict_of(text);
        let asked = match kind {
            "data" => Some(Intent::ErasureSpecificData),
            "profile" => Some(Intent::ErasureProfile),
            "general" => Some(Intent::ErasureGeneric),
            "account" => Some(Intent::ErasureAccount),
            _ => None,
        };
        let right = match asked {
            // A language that was not measured opens nothing by itself.
            Some(asked) => verdict.disposition != Disposition::Ignore && verdict.intent == asked,
            None => verdict.is_unclear(),
        };
        if !right {
            wrong.push(format!("{kind} | {text}: {verdict:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
