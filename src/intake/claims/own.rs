//! Which addresses a letter names as its writer's own: "my accounts a@x.example and b@y.example", "my old address was …".
//!
//! Fails closed: one address that stands anywhere else, or in a sentence about somebody else, and none of them is sure.

use std::fmt;
use std::ops::Range;

use super::{Folded, addresses_in};
use crate::intake::Address;
use crate::intake::lexicon::{Group, Lexicon, List};
use crate::intake::normal::fold;
use crate::intake::tongue::{Tongue, Tongues};

/// Addresses of a writer's own that are kept.
const OWN_MAX: usize = 20;
/// Words from "my account" to the address that says which.
const ATTACHED_WORDS: usize = 8;
/// What may be asked for of the writer's own.
const WISHED: [Group; 2] = [Group::AccountMine, Group::DataMine];
/// Who speaks of somebody else, or of what shall stay, in a sentence: its addresses may be anybody's.
const OTHERS: [Group; 14] = [
    Group::OtherUser,
    Group::SeveralPeople,
    Group::EndUser,
    Group::Person,
    Group::AccountTheirs,
    Group::DataTheirs,
    Group::Mention,
    Group::AskedBy,
    Group::LimitExcept,
    Group::LimitKeep,
    Group::LimitImperative,
    Group::RestStays,
    Group::Keep,
    Group::Negation,
];
/// The addresses of the writer's own that a letter names.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Own {
    /// In the order in which they stand, each once, at most 20. The sender's own is one of them where the text names it so.
    pub addresses: Vec<Address>,
    /// Whether there were more.
    pub cut: bool,
    /// Whether they stand beside the wish and not in it: "my account. My old address was …". What the sender's address
    /// stands for is asked for as well then.
    pub beside: bool,
}

impl fmt::Debug for Own {
    /// How many; never one of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { addresses, cut, beside } = self;
        write!(f, "Own({}, {cut}, {beside})", addresses.len())
    }
}

/// How an address is tied to the writer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    /// It says which account or data are asked for.
    Wish,
    /// It is called theirs, and no more.
    Contact,
}

/// The addresses in a text that are the writer's own; none where one of them may be somebody else's.
pub(super) fn own(text: &str, spoken: Tongues, lexicon: &Lexicon, sender: &[Address]) -> Own {
    let mut own = Own { beside: true, ..Own::default() };
    for block in blocks(text).filter(|block| block.contains('@')) {
        let line = Folded::of(&block, lexicon, spoken);
        if read(&line, sender, spoken, lexicon, &mut own).is_none() {
            return Own::default();
        }
    }
    if own.addresses.is_empty() { Own::default() } else { own }
}

/// Paragraphs, each with the list that it announces.
fn blocks(text: &str) -> impl Iterator<Item = String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let is_blank = line.trim().is_empty();
        match blocks.last_mut().filter(|_| goes_on) {
            Some(block) => {
                goes_on = !is_blank || block.trim_end().ends_with(':');
                block.push('\n');
                block.push_str(line);
            }
            None if is_blank => {}
            None => {
                blocks.push(line.to_owned());
                goes_on = true;
            }
        }
    }
    blocks.into_iter()
}

/// Reads the addresses of a paragraph; `None` where one may be somebody else's.
fn read(line: &Folded<'_>, sender: &[Address], spoken: Tongues, lexicon: &Lexicon, own: &mut Own) -> Option<()> {
    let joins = |word: &str| spoken.numbers().any(|number| lexicon.lists(word, List::Joiner, &[Tongue::ALL[number]]));
    let words = words(line);
    let mut last: Option<(usize, Tie)> = None;
    for (at, (range, written)) in words.iter().enumerate() {
        for address in addresses_in(written) {
            let runs_on = |(before, _): &(usize, Tie)| {
                *before == at || (!ends_sentence(words[*before].1) && are_joined(&words[before + 1..at], joins))
            };
            let known = own.addresses.iter().chain(sender).any(|known| known.same_mailbox(&address));
            let Some(tie) = last.filter(runs_on).map(|(_, tie)| tie).or_else(|| tie(line, range)) else {
                // Who signs with an address that is told already adds nothing.
                if known && !line.has_beside(range, &OTHERS) {
                    continue;
                }
                return None;
            };
            last = Some((at, tie));
            own.beside &= tie == Tie::Contact;
            if own.addresses.iter().any(|known| known.same_mailbox(&address)) {
                continue;
            }
            if own.addresses.len() == OWN_MAX {
                own.cut = true;
                continue;
            }
            own.addresses.push(address);
        }
    }
    Some(())
}

/// Each word: where it stands in the folded line, and as it was written.
fn words<'a>(line: &Folded<'a>) -> Vec<(Range<usize>, &'a str)> {
    let mut words = Vec::with_capacity(line.ends.len());
    let (mut folded, mut written) = (0, 0);
    for (folded_end, written_end) in &line.ends {
        let start = if folded == 0 { 0 } else { folded + 1 };
        words.push((start..*folded_end, line.line.get(written..*written_end).unwrap_or_default().trim()));
        (folded, written) = (*folded_end, *written_end);
    }
    words
}

fn ends_sentence(written: &str) -> bool {
    written.trim_end_matches(['"', '\'', '»', '”', ')', ']', '>']).ends_with(['.', '!', '?'])
}

/// Whether nothing stands between two addresses but what joins them, or the sign of a list.
fn are_joined(between: &[(Range<usize>, &str)], joins: impl Fn(&str) -> bool) -> bool {
    between.iter().all(|(_, written)| {
        let word = fold(written.trim_matches(|c: char| !c.is_alphabetic()));
        word.is_empty() || joins(&word)
    })
}

/// By what an address at this place is the writer's own; `None` where that is not sure.
fn tie(line: &Folded<'_>, address: &Range<usize>) -> Option<Tie> {
    let before = |group: Group| line.all(group).filter(|found| found.end <= address.start);
    let nearest = |groups: &[Group]| groups.iter().flat_map(|group| before(*group)).max_by_key(|found| found.end);
    let wish = nearest(&WISHED).filter(|found| is_told_by(line, found, address));
    let contact = nearest(&[Group::ContactMine]).filter(|found| is_told_by(line, found, address));
    match (wish, contact) {
        (None, None) => None,
        (None, Some(_)) => Some(Tie::Contact),
        (Some(_), None) => Some(Tie::Wish),
        // "My account with my address …" is told by it; "my account, my old address was …" is not.
        (Some(wish), Some(contact)) if wish.end <= contact.start => {
            let apart = line.folded.get(wish.end..contact.start).unwrap_or_default();
            Some(if apart.contains([',', ';', '(']) { Tie::Contact } else { Tie::Wish })
        }
        (Some(_), Some(_)) => Some(Tie::Wish),
    }
}

/// Whether an address says which of the writer's own is meant: it follows closely in the same sentence, which speaks of nobody
/// else, with nothing between them that begins another thought.
fn is_told_by(line: &Folded<'_>, own: &Range<usize>, address: &Range<usize>) -> bool {
    let between = own.end..address.start;
    let text = line.folded.get(between.clone()).unwrap_or_default();
    let within = |found: &Range<usize>| between.start <= found.start && found.end <= between.end;
    let sentence = line.sentence(own);
    let is_somebodys = line.folded.get(own.clone()).is_some_and(|phrase| phrase.contains("'s "));
    address.end <= sentence.end.saturating_add(1)
        && text.split_whitespace().count() <= ATTACHED_WORDS
        && !text.contains('@')
        && !is_somebodys
        && !line.all(Group::Conjunction).any(within)
        && !line.has_beside(own, &OTHERS)
}

#[cfg(test)]
mod tests {
    use super::super::super::lexicon::for_tests;
    use super::super::super::signals::Signals;
    use super::super::claims;
    use super::*;

    /// The addresses, and whether the sender's is asked about as well.
    fn of(text: &str) -> (Vec<String>, bool) {
        let (lexicon, sender) = (for_tests(), "ada@now.example".parse().unwrap());
        let claims = claims(text, &[&Signals::of(text, lexicon)], &[sender], lexicon, 5, &mut Vec::new());
        (claims.own.addresses.iter().map(|address| address.as_str().to_owned()).collect(), claims.own.beside)
    }

    const A: &str = "ada@x.example";
    const B: &str = "ada@y.example";

    #[test]
    fn what_is_called_the_writers_own() {
        for text in [
            "Please delete my accounts ada@x.example and ada@y.example.",
            "Please delete my accounts ada@x.example, ada@y.example. Thank you!",
            "Please delete my accounts:\n\n- ada@x.example\n- ada@y.example\n\nAda",
            "Please delete my accounts (ada@x.example and ada@y.example).",
            "Please delete my accounts registered under ada@x.example and ada@y.example",
            "Please delete my account ada@x.example and my other account ada@y.example.",
            "Please close my account with my e-mail address ada@x.example and my account ada@y.example.",
            "Bitte löschen Sie meine Konten ada@x.example und ada@y.example.",
            "Veuillez supprimer mes comptes ada@x.example et ada@y.example.",
            "Por favor, eliminen mis cuentas ada@x.example y ada@y.example.",
        ] {
            assert_eq!(of(text), (vec![A.to_owned(), B.to_owned()], false), "{text}");
        }
        for text in [
            "Please delete my account. My old address was ada@x.example.",
            "Please delete my account, my old address was ada@x.example.",
            "Please delete my account. My former e-mail address: ada@x.example",
            "Bitte löschen Sie mein Konto. Meine alte E-Mail-Adresse war ada@x.example.",
        ] {
            assert_eq!(of(text), (vec![A.to_owned()], true), "{text}");
        }
        let with_the_senders = "Please delete my accounts ada@now.example and ada@x.example.";
        assert_eq!(of(with_the_senders), (vec!["ada@now.example".to_owned(), A.to_owned()], false));
        assert_eq!(of("Please delete my account ada@x.example.\n\nAda, ada@x.example").0, [A]);
    }

    #[test]
    fn what_may_be_somebody_elses() {
        for text in [
            "Please delete the account ada@x.example.",
            "Please delete the accounts ada@x.example and ada@y.example.",
            "Please delete my account, but leave ada@x.example alone.",
            "Please delete my account but not ada@x.example.",
            "Please delete my accounts ada@x.example, but not ada@y.example.",
            "Please delete my account and ada@x.example.",
            "Please delete my account. You can reach me at ada@x.example.",
            "Please delete my account. I work with ada@x.example.",
            "Please erase my data. ada@x.example can answer questions.",
            "Please delete my colleague's account: ada@x.example",
            "Please delete my wife's account ada@x.example",
            "Please delete my Bob's account ada@x.example",
            "Please delete my account ada@x.example and the user bob@y.example.",
            "Please delete my account ada@x.example. Do not delete ada@y.example.",
            "Please delete my account ada@x.example. Bob is bob@y.example.",
            "Please delete my account.\n\nAda Roe\nada@x.example",
        ] {
            assert_eq!(of(text), (Vec::new(), false), "{text}");
        }
    }

    #[test]
    fn a_list_without_an_end_is_cut() {
        let list: String = (0..30).map(|number| format!("- ada{number}@x.example\n")).collect();
        let (lexicon, text) = (for_tests(), format!("Please delete my accounts:\n{list}"));
        let own = claims(&text, &[&Signals::of(&text, lexicon)], &[], lexicon, 5, &mut Vec::new()).own;
        assert_eq!((own.addresses.len(), own.cut), (OWN_MAX, true));
    }
}
