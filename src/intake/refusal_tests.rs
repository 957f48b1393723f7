//! Letters that refuse what another sentence names open nothing, and their near neighbours do; a question that presses is
//! never lost.

use crate::intake::intent::{Intent, Verdict};
use crate::intake::lexicon::for_tests;
use crate::intake::{Limits, read};

/// Letters of `tests/mail/refusals.txt` of a kind that are not what they should be, and how many there are.
fn wrong(kind: &str, is_right: impl Fn(&Verdict, bool) -> bool) -> (usize, Vec<String>) {
    let all = include_str!("../../tests/mail/refusals.txt").lines();
    let head = "From: Olga One <owner1@team.example>\r\nTo: privacy@shop.example\r\nSubject: Hello\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    let letters: Vec<&str> = all.filter_map(|line| line.strip_prefix(kind)?.strip_prefix(" | ")).collect();
    let mut wrong = Vec::new();
    for letter in &letters {
        let intake = read(format!("{head}{letter}\r\n").as_bytes(), for_tests(), &Limits::default());
        if !is_right(&intake.verdict, intake.answer.asks_to_stop) {
            wrong.push(format!("{letter}: {:?}", intake.verdict));
        }
    }
    (letters.len(), wrong)
}

#[test]
fn a_refusal_that_names_nothing_stops() {
    let stops = |verdict: &Verdict, stops: bool| {
        !verdict.opens() && stops && (verdict.intent == Intent::Withdraw || verdict.is_unclear())
    };
    let (letters, wrong) = wrong("no", stops);
    assert!(letters >= 25 && wrong.is_empty(), "{letters}: {wrong:#?}");
}

#[test]
fn what_only_sounds_like_one_opens() {
    let (letters, wrong) = wrong("asks", |verdict, _| verdict.opens());
    assert!(letters >= 10 && wrong.is_empty(), "{letters}: {wrong:#?}");
}

#[test]
fn a_question_that_presses_is_not_lost() {
    let (letters, wrong) = wrong("press", |verdict, _| verdict.opens() || verdict.is_unclear());
    assert!(letters >= 12 && wrong.is_empty(), "{letters}: {wrong:#?}");
}

#[test]
fn a_mere_question_is_ordinary() {
    let (letters, wrong) = wrong("idle", |verdict, _| !verdict.opens() && !verdict.is_unclear());
    assert!(letters >= 4 && wrong.is_empty(), "{letters}: {wrong:#?}");
}
