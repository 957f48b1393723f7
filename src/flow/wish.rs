//! What tells one wish from another: who asks, for what, about whom.
//!
//! The same wish is open once. Two wishes that differ in anything are two requests, because the second would be lost
//! in the first.

use crate::intake::Intake;

use super::house::House;

/// The wish of a letter under an installation key; `None` where nothing tells it from others.
pub(super) fn mac(house: &House, content_mac: Option<[u8; 32]>, letter: &Intake) -> Option<[u8; 32]> {
    // What was quoted, forwarded, attached or filled into a form may be about anybody: only the same letter is the
    // same wish there.
    let all_said = letter.machine.is_none() && letter.quoted_bytes == 0 && letter.attachments.is_empty();
    match super::weigh::sender(letter).filter(|_| all_said) {
        Some(sender) => Some(house.keys.digest(said(sender, letter).as_bytes())),
        None => content_mac,
    }
}

/// What a part of a letter's wish is about.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// One of the addresses that it names as its writer's.
    Address(&'a str),
    /// Those that are not asked before a person has looked, from this one on.
    Rest(&'a str),
}

/// A part of a letter's wish, which is open once like any other.
pub(super) fn part(house: &House, of: &[u8; 32], about: Part<'_>) -> [u8; 32] {
    let (what, address) = match about {
        Part::Address(address) => (b"address of a wish\0".as_slice(), address),
        Part::Rest(address) => (b"rest of a wish\0".as_slice(), address),
    };
    house.keys.digest(&[what, of, address.trim().to_lowercase().as_bytes()].concat())
}

/// How the rules end that found "my account" or "my data".
const MINE: [&str; 3] = ["+account_mine", "+data_mine", ".forget_me"];

/// Whether a letter asks for something of the writer's own: a rule found "my account", "my number", "forget me".
pub(super) fn is_mine(letter: &Intake) -> bool {
    let mine = |word: &str| word.ends_with("_mine") || word == "forget_me";
    letter.verdict.reasons.iter().any(|reason| reason.rule.split(['+', '.']).any(mine))
}

/// How the rule ends that found that a whole company's is asked for.
const COMPANY: &str = ".company";

/// Whether a letter asks for the account or the data of a whole company.
pub(super) fn is_of_company(letter: &Intake) -> bool {
    letter.verdict.reasons.iter().any(|reason| reason.rule.ends_with(COMPANY))
}

/// Whether it is known whom the letter means: it speaks of the writer's own and of nobody else, or names whom it means by
/// an address.
///
/// A name may be half of one, and is only what was understood of the words that stand around it.
fn is_told(letter: &Intake) -> bool {
    let ends = |rule: &str| MINE.iter().any(|mine| rule.ends_with(mine));
    let own = letter.verdict.reasons.iter().all(|reason| ends(&reason.rule) || reason.rule.ends_with(COMPANY));
    let names_nobody = letter.claims.addresses.is_empty() && letter.claims.names.is_empty();
    // "My account, and leave this colleague alone" is another wish than "the account of this colleague".
    if is_mine(letter) { own && names_nobody } else { !letter.claims.addresses.is_empty() }
}

/// The wish in one text, so that order and case do not count.
fn said(sender: &str, letter: &Intake) -> String {
    let claims = &letter.claims;
    let mut lists = [
        claims.addresses.iter().map(|address| address.as_str().to_lowercase()).collect::<Vec<_>>(),
        claims.identifiers.iter().map(|identifier| identifier.value.to_lowercase()).collect(),
        claims.names.iter().map(|name| name.to_lowercase()).collect(),
        claims.categories.clone(),
    ];
    let mut text = format!("wish\0{}\0{}", sender.trim().to_lowercase(), letter.verdict.asked());
    if is_of_company(letter) {
        text.push_str("\0company");
    }
    if letter.limited || letter.more || !is_told(letter) {
        // Whom it names was not read, so that only the same words are sure to name the same.
        let words = letter.subject.split_whitespace().chain(letter.new_text.split_whitespace());
        words.for_each(|word| text.extend(['\u{1}'].into_iter().chain(word.chars().flat_map(char::to_lowercase))));
    }
    for list in &mut lists {
        list.sort_unstable();
        list.dedup();
        text.push('\0');
        text.push_str(&list.join("\u{1}"));
    }
    text
}
