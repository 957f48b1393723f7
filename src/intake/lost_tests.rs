//! Letters whose request other words could hide, and ordinary ones that sound like a request.

use crate::intake::intent::Verdict;
use crate::intake::lexicon::for_tests;
use crate::intake::{Limits, read};

const LETTERS: &str = include_str!("../../tests/mail/lost.txt");
/// A letter that cancels a contract as well, by the language.
const CANCELS: [(&str, &str); 4] = [
    ("de", "Hiermit kündige ich meinen Vertrag."),
    ("en", "Please cancel my subscription."),
    ("es", "Quiero cancelar mi suscripción."),
    ("fr", "Veuillez résilier mon contrat."),
];

fn verdict_of(letter: &str) -> Verdict {
    let (subject, text) = letter.split_once(" § ").unwrap_or(("Hello", letter));
    let head = "From: Olga One <owner1@team.example>\r\nTo: privacy@shop.example\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    read(format!("{head}Subject: {subject}\r\n\r\n{text}\r\n").as_bytes(), for_tests(), &Limits::default()).verdict
}

fn of_kind<'l>(letters: &'l str, kind: &'l str) -> impl Iterator<Item = &'l str> {
    letters.lines().filter_map(move |line| line.strip_prefix(kind)?.strip_prefix(" | "))
}

fn wrong<'l>(letters: impl Iterator<Item = &'l str>, is_right: impl Fn(&Verdict) -> bool) -> Vec<String> {
    let read = letters.map(|letter| (letter, verdict_of(letter)));
    read.filter(|(_, verdict)| !is_right(verdict)).map(|(letter, verdict)| format!("{letter}: {verdict:?}")).collect()
}

fn is_seen(verdict: &Verdict) -> bool {
    verdict.opens() || verdict.is_unclear()
}

#[test]
fn a_request_is_never_lost() {
    let wrong = wrong(of_kind(LETTERS, "look"), is_seen);
    assert!(of_kind(LETTERS, "look").count() >= 20 && wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_plain_request_opens() {
    let wrong = wrong(of_kind(LETTERS, "asks"), Verdict::opens);
    assert!(of_kind(LETTERS, "asks").count() >= 5 && wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_only_sounds_like_a_request_opens_nothing() {
    let wrong = wrong(of_kind(LETTERS, "no"), |verdict| !verdict.opens());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_request_is_not_lost_beside_a_contract_that_is_cancelled() {
    let against = include_str!("../../tests/mail/against.txt");
    let (mut tried, mut lost) = (0, Vec::new());
    let of = |letters| of_kind(letters, "asks").chain(of_kind(letters, "look"));
    for letter in of(against).chain(of(LETTERS)) {
        let (subject, text) = letter.split_once(" § ").unwrap_or(("Hello", letter));
        let alone = verdict_of(letter);
        let rule = &alone.reasons[0].rule;
        let Some((_, cancels)) = CANCELS.iter().find(|(language, _)| rule.starts_with(language)) else { continue };
        tried += 1;
        let verdict = verdict_of(&format!("{subject} § {cancels} {text}"));
        if !is_seen(&verdict) {
            lost.push(format!("{cancels} {letter}: {verdict:?}"));
        }
    }
    assert!(tried >= 100 && lost.is_empty(), "{tried}: {lost:#?}");
}
