//! Letters that prevent, lament or give thanks for an erasure open nothing, and their near neighbours do.

use crate::intake::intent::Verdict;
use crate::intake::lexicon::for_tests;
use crate::intake::{Limits, read};

fn verdict_of(letter: &str) -> Verdict {
    let (subject, text) = letter.split_once(" § ").unwrap_or(("Hello", letter));
    let head = "From: Olga One <owner1@team.example>\r\nTo: privacy@shop.example\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    read(format!("{head}Subject: {subject}\r\n\r\n{text}\r\n").as_bytes(), for_tests(), &Limits::default()).verdict
}

/// Letters of `tests/mail/against.txt` of a kind that are not what they should be, and how many there are.
fn wrong(kind: &str, is_right: impl Fn(&Verdict) -> bool) -> (usize, Vec<String>) {
    let all = include_str!("../../tests/mail/against.txt").lines();
    let letters: Vec<&str> = all.filter_map(|line| line.strip_prefix(kind)?.strip_prefix(" | ")).collect();
    let wrong = letters.iter().map(|letter| (letter, verdict_of(letter))).filter(|(_, verdict)| !is_right(verdict));
    (letters.len(), wrong.map(|(letter, verdict)| format!("{letter}: {verdict:?}")).collect())
}

#[test]
fn what_is_prevented_lamented_or_thanked_for_opens_nothing() {
    let (letters, wrong) = wrong("no", |verdict| !verdict.opens());
    assert!(letters >= 200 && wrong.is_empty(), "{letters}: {wrong:#?}");
}

#[test]
fn what_sounds_like_it_and_asks_opens() {
    let (letters, wrong) = wrong("asks", Verdict::opens);
    assert!(letters >= 100 && wrong.is_empty(), "{letters}: {wrong:#?}");
}

#[test]
fn what_may_be_a_wish_is_never_lost() {
    let (letters, wrong) = wrong("look", |verdict| verdict.opens() || verdict.is_unclear());
    assert!(letters >= 10 && wrong.is_empty(), "{letters}: {wrong:#?}");
}
