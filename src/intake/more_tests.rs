//! Letters that ask for more than was read of them, and letters that do not.

use crate::intake::lexicon::for_tests;
use crate::intake::{Intake, Limits, read};

/// A letter of an owner.
fn letter(subject: &str, text: &str) -> Intake {
    let head = "From: Olga One <owner1@team.example>\r\nTo: privacy@shop.example\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    let letter = format!("{head}Subject: {subject}\r\n\r\n{}\r\n", text.replace("\\n", "\r\n"));
    read(letter.as_bytes(), for_tests(), &Limits::default())
}

/// Whether the letter names so many that the directory has to say whether they are one.
fn names_several(letter: &Intake) -> bool {
    let claims = &letter.claims;
    let mine = letter.verdict.reasons.iter().any(|reason| reason.rule.contains("_mine"));
    let named = claims.names.len() + claims.addresses.len() + claims.identifiers.len();
    named + usize::from(mine) > 1
}

/// Letters of `tests/mail/joined.txt` that are not what they should be.
fn wrong(kind: &str, is_right: impl Fn(&Intake) -> bool) -> (usize, Vec<String>) {
    let all = include_str!("../../tests/mail/joined.txt");
    let letters = all.lines().filter_map(|line| line.strip_prefix(kind)?.strip_prefix(" | ")?.split_once(" | "));
    let letters: Vec<(&str, &str)> = letters.collect();
    let wrong = letters.iter().filter(|(subject, text)| !is_right(&letter(subject, text)));
    (letters.len(), wrong.map(|(_, text)| (*text).to_owned()).collect())
}

#[test]
fn whoever_is_joined_brings_a_person_to_look() {
    let (letters, wrong) =
        wrong("more", |letter| !letter.verdict.opens() || letter.more || letter.limited || names_several(letter));
    assert!(letters >= 150 && wrong.is_empty(), "{letters}: {wrong:#?}");
}

#[test]
fn who_asks_for_one_thing_is_offered_it_whatever_else_they_say() {
    let (letters, wrong) = wrong("one", |letter| letter.verdict.opens() && !letter.more && !letter.limited);
    assert!(letters >= 100 && wrong.is_empty(), "{letters}: {wrong:#?}");
}

/// "All his data from our account" is no wish for the account or the data of who writes.
#[test]
fn what_is_a_users_is_not_the_writers() {
    let mine = |letter: &Intake| letter.verdict.reasons.iter().any(|reason| reason.rule.contains("_mine"));
    let is_right = |letter: &Intake| {
        letter.verdict.opens() && !letter.more && !letter.limited && !mine(letter) && letter.claims.names.len() == 1
    };
    let (letters, wrong) = wrong("user", is_right);
    assert!(letters >= 30 && wrong.is_empty(), "{letters}: {wrong:#?}");
    let own = letter("Hello", "Please delete all the data from our account.");
    assert!(mine(&own), "{:?}", own.verdict.reasons);
}

/// The rule that spoke is told, and the letter opens all the same: its time runs, and a person says who is meant.
#[test]
fn what_is_joined_is_told_by_a_rule() {
    let joined = letter("Erasure", "Please delete the profile of Anna Garrido and the one of Bela Hartwig.");
    assert!(joined.more && joined.verdict.opens());
    assert!(joined.verdict.reasons.iter().any(|reason| reason.rule == "en.more"), "{:?}", joined.verdict.reasons);
    let one = letter("Erasure", "Please delete the profile of Anna Garrido.");
    assert!(!one.more && one.verdict.opens());
}

/// Where somebody can be called, and who is only mentioned, says nothing of whom a letter means.
#[test]
fn who_is_only_mentioned_is_not_claimed() {
    for text in [
        "Please delete my account. You may call me on +49 30 1234567.",
        "Please delete my account.\\n\\nKind regards\\nOlga One\\nPhone: +44 20 1234567",
        "As agreed with user7@team.example on the phone, please delete my account.",
        "Please delete my account. My colleague Anna is in Cc.",
        "Bitte löschen Sie mein Konto. Meine Kollegin Anna liest in Kopie mit.",
    ] {
        let claims = letter("Erasure", text).claims;
        let named = claims.names.len() + claims.addresses.len() + claims.identifiers.len();
        assert_eq!(named, 0, "{text}: {:?} {:?}", claims.names, claims.identifiers);
    }
    let meant = letter("Erasure", "Please delete the user with the phone number +49 30 1234567.").claims;
    assert_eq!(meant.identifiers.len(), 1);
}

/// A wish for somebody whose name has no capitals, or stands on the next line, is a wish.
#[test]
fn who_is_named_in_any_way_is_asked_for() {
    for text in [
        "please delete anna garrido",
        "please delete anna garrido and bela hartwig",
        "PLEASE DELETE ANNA GARRIDO AND BELA HARTWIG.",
        "Please delete the following user:\\nAnna Garrido",
        "Please delete these profiles:\\n\\nAnna Garrido, Sales\\nBela Hartwig, Marketing\\n\\nThank you",
        "bitte löschen sie anna garrido",
        "Bitte löschen Sie Nutzer Anna Garrido.",
        "Bitte löschen Sie folgende Nutzerin:\\nAnna Garrido",
        "merci de supprimer anna garrido",
        "por favor, eliminen a anna garrido",
        "vi prego di cancellare anna garrido",
        "verwijder alstublieft anna garrido",
    ] {
        let read = letter("Hello", text);
        assert!(read.verdict.opens() || read.verdict.is_unclear(), "{text}: {:?}", read.verdict);
    }
    for text in ["please delete cookies", "please remove the attached logo", "call delete for each bucket of the list"]
    {
        let read = letter("Hello", text);
        assert!(!read.verdict.opens() && !read.verdict.is_unclear(), "{text}: {:?}", read.verdict);
    }
    for text in [
        "Please delete the following user:\\nAnna Garrido, Sales\\n\\nThanks\\nOlga",
        "Please delete the profile of\\nAnna Garrido",
        "Bitte löschen Sie folgenden Benutzer:\\n\\n- Anna Garrido",
    ] {
        assert_eq!(letter("Hello", text).claims.names, ["Anna Garrido"], "{text}");
    }
}

#[test]
fn a_thing_that_is_called_by_people_is_nobody() {
    for text in [
        "Please delete our customer reviews page.",
        "Please delete the user guide from my cart.",
        "Please delete our client logo.",
        "Please remove our customer logos from your website.",
        "Please remove the user manual from the order.",
    ] {
        assert!(!letter("Hello", text).verdict.opens(), "{text}");
    }
    assert!(letter("Hello", "Please delete our customer John Smith.").verdict.opens());
}
