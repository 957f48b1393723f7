//! Whom and what a letter names: addresses, numbers, names, and kinds of data.
//!
//! Everything here is claimed, nothing is believed. Never follows what is quoted, and never takes the sender's own
//! address for a claim about somebody else.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use super::lexicon::{Group, Lexicon, Topic};
use super::normal::{cut, fold};
use super::signals::Signals;
use super::tongue::{Tongue, Tongues};
use super::{Address, Defect};
use crate::domain::stored_enum;

mod joined;
mod own;
mod theirs;

pub use own::Own;

const IDENTIFIERS_MAX: usize = 10;
const NAMES_MAX: usize = 5;
const VALUE_CHARS_MAX: usize = 100;
const NAME_WORDS_MAX: usize = 5;
/// The writer's own.
const OWN: [Group; 3] = [Group::AccountMine, Group::DataMine, Group::ContactMine];
/// Words from what mentions somebody to their address.
const MENTIONED_WORDS: usize = 4;
/// Small words within a name.
const PARTICLES: [&str; 12] = ["de", "la", "del", "da", "dos", "di", "du", "van", "von", "den", "der", "y"];

/// The German "your" of letters, which has a capital and is no name.
const YOURS: [&str; 6] = ["Ihr", "Ihre", "Ihren", "Ihrem", "Ihrer", "Ihres"];

stored_enum! {
    /// What kind of name somebody goes by.
    IdentifierKind, "identifier" {
        /// A customer number or the like.
        Number = "number",
        /// A telephone number.
        Phone = "phone",
        /// A user name.
        Name = "name",
        /// Any other id.
        Id = "id",
    }
}

/// A name that somebody goes by, other than an address.
#[derive(Clone, PartialEq, Eq)]
pub struct Identifier {
    /// What kind.
    pub kind: IdentifierKind,
    /// As it was written, at most 100 characters.
    pub value: String,
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({}, …)", self.kind)
    }
}

/// Whom and what a letter names in its new text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// Addresses other than the sender's, at most [`super::Limits::addresses_max`].
    pub addresses: Vec<Address>,
    /// Numbers, user names and ids, at most 10.
    pub identifiers: Vec<Identifier>,
    /// Names of persons that the letter introduces as such, at most 5. Where there are none, and no address, what it
    /// calls somebody else by whose account it means: "Bob", "my wife", "his account".
    pub names: Vec<String>,
    /// Data-map categories of the data it names, sorted.
    pub categories: Vec<String>,
    /// The addresses that it names as its writer's own; none where one that it names may be somebody else's.
    pub own: Own,
}

impl Claims {
    fn name(&mut self, name: Option<String>) {
        let fresh = name.filter(|name| self.names.len() < NAMES_MAX && !self.names.contains(name));
        self.names.extend(fresh);
    }
}

impl fmt::Debug for Claims {
    /// Counts and categories; never a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("addresses", &self.addresses.len())
            .field("identifiers", &self.identifiers.len())
            .field("names", &self.names.len())
            .field("categories", &self.categories)
            .field("own", &self.own)
            .finish()
    }
}

/// What the subject and the new text of a letter name, in which these things were found.
pub(super) fn claims(
    text: &str,
    found: &[&Signals],
    own: &[Address],
    lexicon: &Lexicon,
    addresses_max: usize,
    defects: &mut Vec<Defect>,
) -> Claims {
    let mut claims = Claims { categories: categories(found), ..Claims::default() };
    // Beside what is not the writer's own, whoever is mentioned may be meant: "the user in Cc".
    let mine = found.iter().any(|found| OWN.iter().any(|group| found.has_any(*group)));
    let text = &without_mentioned(text, lexicon, mine);
    for address in addresses_in(text) {
        if own.iter().chain(&claims.addresses).any(|known| known.same_mailbox(&address)) {
            continue;
        }
        if claims.addresses.len() >= addresses_max {
            defects.push(Defect::TooManyAddresses);
            break;
        }
        claims.addresses.push(address);
    }
    let spoken = found.iter().fold(Tongues::default(), |all, found| all | found.spoken());
    claims.own = own::own(text, spoken, lexicon, own);
    let lines: Vec<Folded<'_>> = text
        .lines()
        .filter(|line| is_cue(line, lexicon))
        .map(|line| Folded { mine, ..Folded::of(line, lexicon, spoken) })
        .collect();
    lines.iter().for_each(|line| cued(line, lexicon, &mut claims));
    joined::on_next_lines(text, lexicon, &mut claims);
    bare_names(text, found, lexicon).into_iter().for_each(|name| claims.name(Some(name)));
    let names_nobody = claims.names.is_empty() && claims.addresses.is_empty();
    // "Our employee Bob" beside an address may be a second person.
    lines.iter().for_each(|line| theirs::first_names(line, lexicon, &mut claims));
    if names_nobody {
        lines.iter().for_each(|line| theirs::named(line, lexicon, &mut claims));
    }
    claims
}

/// Names right behind a verb of erasing, with no word for who they are: "also delete Katja Eriksen".
pub(super) fn bare_names(text: &str, found: &[&Signals], lexicon: &Lexicon) -> Vec<String> {
    let spoken = found.iter().fold(Tongues::default(), |all, found| all | found.spoken());
    let erases = |line: &&str| lexicon.has(Group::EraseVerb, &fold(line));
    let lines = text.lines().filter(|line| joined::has_name(line)).filter(erases);
    lines.flat_map(|line| joined::behind_verbs(&Folded::of(line, lexicon, spoken), lexicon)).collect()
}

/// Whether a verb of erasing has behind it what may be somebody's name: "please delete Anna", "please delete anna garrido". It only makes a person
/// look.
pub(super) fn has_lone_name(text: &str, found: &[&Signals], lexicon: &Lexicon) -> bool {
    let spoken = found.iter().fold(Tongues::default(), |all, found| all | found.spoken());
    let lines = text.lines().filter(|line| lexicon.has(Group::EraseVerb, &fold(line)));
    let mut lines = lines.map(|line| Folded::of(line, lexicon, spoken));
    let words = text.split_whitespace().count();
    lines.any(|line| joined::lone_behind_verb(&line, lexicon) || joined::plain_behind_verb(&line, words, lexicon))
}

/// The text without the addresses that are only mentioned: "as agreed with anna@team.example".
fn without_mentioned<'a>(text: &'a str, lexicon: &Lexicon, mine: bool) -> Cow<'a, str> {
    if !mine || !text.contains('@') || !lexicon.has(Group::Mention, &fold(text)) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let folded = Folded::of(line, lexicon, Tongues::default());
        let mut cut_off: Vec<&str> = Vec::new();
        let in_wish = |mention: &Range<usize>| folded.asks(mention) && !folded.has_beside(mention, &OWN);
        for mention in folded.all(Group::Mention).filter(|mention| !in_wish(mention)) {
            let behind = folded.behind(mention.end).split_whitespace().take(MENTIONED_WORDS);
            cut_off.extend(behind.filter(|word| word.contains('@')));
        }
        let mentioned = |word: &&str| cut_off.iter().any(|cut| std::ptr::eq(cut.as_ptr(), word.as_ptr()));
        let words: Vec<&str> = line.split_whitespace().filter(|word| !mentioned(word)).collect();
        match cut_off.is_empty() {
            true => kept.push_str(line),
            false => kept.push_str(&words.join(" ")),
        }
        kept.push('\n');
    }
    Cow::Owned(kept)
}

/// Every address of a real domain name in a text.
pub(super) fn addresses_in(text: &str) -> impl Iterator<Item = Address> {
    const AROUND: [char; 18] =
        ['<', '>', '(', ')', '[', ']', '{', '}', '"', '\'', ',', ';', ':', '!', '?', '«', '»', '|'];
    text.split(|c: char| c.is_whitespace() || AROUND.contains(&c))
        .filter(|word| word.contains('@'))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter_map(|word| word.parse::<Address>().ok())
        .filter(|address| address.domain.contains('.'))
}

/// Whether a line may name somebody.
fn is_cue(line: &str, lexicon: &Lexicon) -> bool {
    theirs::has_genitive(line) || lexicon.cues(&fold(line))
}

fn categories(found: &[&Signals]) -> Vec<String> {
    let named = found.iter().flat_map(|found| &found.hits).filter_map(|hit| match &hit.topic {
        Topic::Specific(category) => Some(category.to_string()),
        Topic::Group(_) => None,
    });
    named.collect::<BTreeSet<String>>().into_iter().collect()
}

/// What stands behind "my user name is", "phone:", "name:" on a line.
fn cued(line: &Folded<'_>, lexicon: &Lexicon, claims: &mut Claims) {
    // "Our colleague Jane Roe", "the profile of Jane Roe": a name stands right behind the word for the person.
    for group in [Group::OtherUser, Group::SeveralPeople, Group::EndUser, Group::PersonCue] {
        for found in line.all(group).filter(|found| !line.only_mentions(found)) {
            joined::names_of(line.behind(found.end), lexicon).into_iter().for_each(|name| claims.name(Some(name)));
        }
    }
    // "The phone number of Una Miller".
    for (_, _, found) in line.found.iter().filter(|(_, topic, _)| matches!(topic, Topic::Specific(_))) {
        joined::of_somebody(line.behind(found.end), lexicon).into_iter().for_each(|name| claims.name(Some(name)));
    }
    for (group, is_name) in [(Group::IdCue, false), (Group::PhoneCue, false), (Group::NameCue, true)] {
        // Where the writer can be called says nothing of whom they mean.
        let counts = |found: &&Range<usize>| group != Group::PhoneCue || line.erases(found);
        let Some(found) = line.all(group).find(counts) else { continue };
        let rest = line.behind(found.end);
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ":#=-–\"'«„“".contains(c));
        if is_name {
            claims.name(name_of(rest));
        } else if let Some(identifier) = identifier_of(rest, group) {
            let fresh = !claims.identifiers.contains(&identifier);
            if fresh && claims.identifiers.len() < IDENTIFIERS_MAX {
                claims.identifiers.push(identifier);
            }
        }
    }
}

/// A line, folded word by word, so that what is found in it leads back to what was written.
struct Folded<'a> {
    line: &'a str,
    folded: String,
    /// Where each word ends, folded and as it was written.
    ends: Vec<(usize, usize)>,
    /// Whether the letter speaks of the writer's own.
    mine: bool,
    /// What the lexicon knows of it.
    found: Vec<(Tongue, &'a Topic, Range<usize>)>,
}

impl<'a> Folded<'a> {
    /// Read in the languages that it may be in, and in those of the whole text.
    fn of(line: &'a str, lexicon: &'a Lexicon, spoken: Tongues) -> Self {
        let folded = String::with_capacity(line.len());
        let mut this = Self { line, folded, ends: Vec::new(), mine: false, found: Vec::new() };
        for word in line.split_whitespace() {
            let folded = fold(word);
            if folded.is_empty() {
                continue;
            }
            if !this.folded.is_empty() {
                this.folded.push(' ');
            }
            this.folded.push_str(&folded);
            let end = word.as_ptr() as usize - line.as_ptr() as usize + word.len();
            this.ends.push((this.folded.len(), end));
        }
        this.found = lexicon.locate(&this.folded, spoken).collect();
        this
    }

    /// Where phrases of a group stand, in whatever language.
    fn all(&self, group: Group) -> impl Iterator<Item = &Range<usize>> {
        self.found.iter().filter(move |(_, topic, _)| **topic == Topic::Group(group)).map(|(_, _, range)| range)
    }

    /// The sentence around a range.
    fn sentence(&self, range: &Range<usize>) -> Range<usize> {
        const ENDS: [&str; 3] = [". ", "! ", "? "];
        let before = self.folded.get(..range.start).unwrap_or_default();
        let behind = self.folded.get(range.end..).unwrap_or_default();
        let start = ENDS.iter().filter_map(|end| before.rfind(end)).max().map_or(0, |at| at + 2);
        let end = ENDS.iter().filter_map(|end| behind.find(end)).min().map_or(self.folded.len(), |at| range.end + at);
        start..end
    }

    fn has_beside(&self, range: &Range<usize>, groups: &[Group]) -> bool {
        let sentence = self.sentence(range);
        let within = |found: &Range<usize>| sentence.start <= found.start && found.end <= sentence.end;
        groups.iter().any(|group| self.all(*group).any(within))
    }

    /// Whether a sentence asks to erase, or speaks of somebody else.
    fn erases(&self, range: &Range<usize>) -> bool {
        self.has_beside(range, &[Group::EraseVerb, Group::EraseNoun, Group::OtherUser, Group::EndUser])
    }

    /// Whether a sentence only mentions somebody: "my colleague Anna is in Cc".
    fn only_mentions(&self, range: &Range<usize>) -> bool {
        self.mine && self.has_beside(range, &[Group::Mention]) && !self.asks(range)
    }

    fn asks(&self, range: &Range<usize>) -> bool {
        self.has_beside(range, &[Group::EraseVerb, Group::EraseNoun])
    }

    /// What was written behind this place of the folded line: the rest of its word, where both are of one length, and
    /// all that follows.
    fn behind(&self, at: usize) -> &'a str {
        let word = self.ends.partition_point(|(folded, _)| *folded < at);
        let Some((folded, written)) = self.ends.get(word) else { return "" };
        let rest = written.saturating_sub(folded - at);
        self.line.get(rest..).or_else(|| self.line.get(*written..)).unwrap_or_default()
    }

    /// The words as they were written that this range of the folded line takes in.
    fn written(&self, range: &Range<usize>) -> &'a str {
        let first = self.ends.partition_point(|(folded, _)| *folded <= range.start);
        let last = self.ends.partition_point(|(folded, _)| *folded < range.end);
        let start = first.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(_, written)| *written);
        let end = self.ends.get(last).map_or(self.line.len(), |(_, written)| *written);
        self.line.get(start..end).unwrap_or_default().trim()
    }
}

fn identifier_of(rest: &str, group: Group) -> Option<Identifier> {
    if group == Group::PhoneCue {
        let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || "+ -/().".contains(*c)).collect();
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        let value = cut(number.trim().trim_matches(['.', '-', ' ']), VALUE_CHARS_MAX).to_owned();
        return (digits >= 5).then_some(Identifier { kind: IdentifierKind::Phone, value });
    }
    let word = rest.split_whitespace().next()?.trim_matches(|c: char| !c.is_alphanumeric());
    if word.is_empty() || word.contains('@') {
        return None;
    }
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    let kind = match () {
        () if word.bytes().all(|b| b.is_ascii_digit() || b == b'-') => IdentifierKind::Number,
        () if word.contains('_') || word.contains('.') => IdentifierKind::Name,
        () if has_digit => IdentifierKind::Id,
        () => return None,
    };
    Some(Identifier { kind, value: cut(word, VALUE_CHARS_MAX).to_owned() })
}

/// Two to five words with capitals, with the small words of names between them.
fn name_of(rest: &str) -> Option<String> {
    let mut words: Vec<&str> = Vec::new();
    for word in rest.split_whitespace().take(NAME_WORDS_MAX) {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        let capital = core.chars().next().is_some_and(char::is_uppercase);
        let particle = !words.is_empty() && PARTICLES.contains(&core);
        if core.is_empty() || core.contains('@') || !(capital || particle) || YOURS.contains(&core) {
            break;
        }
        words.push(core.strip_suffix("'s").or_else(|| core.strip_suffix("’s")).unwrap_or(core));
        if word.ends_with([',', '.', ';', ')', '!', '?', ':']) || word.ends_with("'s") || word.ends_with("’s") {
            break;
        }
    }
    while words.last().is_some_and(|last| PARTICLES.contains(last)) {
        words.pop();
    }
    (words.len() >= 2).then(|| cut(&words.join(" "), VALUE_CHARS_MAX).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<String> {
        let lexicon = super::super::lexicon::for_tests();
        claims(text, &[&Signals::of(text, lexicon)], &[], lexicon, 5, &mut Vec::new()).names
    }

    #[test]
    fn what_somebody_else_is_called() {
        for (text, name) in [
            ("Delete my employee Bob's account please.", "Bob"),
            ("Our employee Bob has left us. Please delete his account.", "Bob"),
            ("Please delete the account of Bob.", "Bob"),
            ("Please delete the account of Una.", "Una"),
            ("Please delete my assistant's account.", "assistant"),
            ("Please close my wife\u{2019}s account.", "wife"),
            ("Please delete Bob's account.", "Bob"),
            ("Please delete Una Miller's account.", "Una Miller"),
            ("DELETE THE ACCOUNT OF BOB", "BOB"),
            ("Please delete his account.", "his account"),
            ("Please delete the account of my former business partner.", "business partner"),
            ("Bitte löschen Sie das Konto von Herrn Krause.", "Krause"),
            ("Bitte löschen Sie das Konto meiner Frau.", "Frau"),
            ("Mein Mitarbeiter ist weg, bitte löschen Sie sein Konto.", "sein Konto"),
            ("Bitte löschen Sie ihr Konto.", "ihr Konto"),
            ("Veuillez supprimer le compte de M. Dupont, il est parti.", "Dupont"),
            ("Veuillez supprimer le compte de mon assistante.", "assistante"),
            ("Merci de supprimer son compte.", "son compte"),
            ("Por favor eliminen la cuenta de mi asistente.", "asistente"),
            ("Por favor, eliminen su cuenta, ya no está con nosotros.", "su cuenta"),
        ] {
            assert!(named(text).iter().any(|found| found.contains(name)), "{text}: {:?}", named(text));
        }
        for text in [
            "Please delete my account.",
            "Please close our account.",
            "Dear Customer Service,\nplease delete my account.\nAnna",
            "Please delete my user account, it's my only account.",
            "Please delete our company's account.",
            "Please delete the account of our company.",
            "That's all. Let's close my account. Here's my account number.",
            "PLEASE DELETE MY ACCOUNT NOW",
            "My wife told me about you, but please delete my account.",
            "Kündigung meines Kontos",
            "Löschen Sie mein Konto bei Ihnen",
            "Ich bin Kunde Ihres Shops, bitte löschen Sie mein Konto.",
            "Ihr Konto bei uns brauchen wir nicht, bitte löschen Sie die Daten des Kontos.",
            "Veuillez supprimer mon compte de votre site.",
            "Au Service Client\nBonjour, merci de supprimer mon compte.",
            "Quiero eliminar mi cuenta de su base.",
        ] {
            assert!(named(text).is_empty(), "{text}: {:?}", named(text));
        }
    }

    #[test]
    fn names_that_are_joined_to_a_first_one() {
        for text in [
            "Please delete the user Anna Garrido. Also delete Una Miller.",
            "Please delete the users Anna Garrido and Una Miller.",
            "Please delete the user Anna Garrido, Una Miller.",
            "Please delete the user Anna Garrido and also Una Miller.",
            "Please delete the user Anna Garrido as well as Una Miller.",
            "Please delete the user Anna Garrido\nand Una Miller.",
            "Please delete the user Anna Garrido\n- Una Miller",
            "Please delete the data of Anna Garrido and Una Miller.",
            "Please delete our customer Anna Garrido and the phone number of Una Miller.",
            "Bitte löschen Sie unsere Mitarbeiterin Anna Garrido und auch Una Miller.",
            "Bitte löschen Sie die Benutzer Anna Garrido und Una Miller.",
            "Bitte löschen Sie unsere Mitarbeiterin Anna Garrido. Bitte auch Una Miller löschen.",
            "Merci de supprimer notre employé Anna Garrido ainsi que Una Miller.",
            "Por favor, eliminen a la usuaria Anna Garrido y a Una Miller.",
        ] {
            assert_eq!(named(text), ["Anna Garrido", "Una Miller"], "{text}");
        }
        assert_eq!(named("Please delete the user Anna Garrido and Bob."), ["Anna Garrido", "Bob"]);
        for text in [
            "Please delete My Account Now",
            "DELETE ALL DATA NOW",
            "Bitte löschen Sie Mein Konto",
            "Bitte löschen Sie mein Konto.\n- Anna Garrido",
        ] {
            assert!(named(text).is_empty(), "{text}: {:?}", named(text));
        }
    }

    #[test]
    fn names_behind_the_word_for_a_person() {
        for text in [
            "Please delete the user profile of Anna Garrido.",
            "Please delete the profile of our user Anna Garrido, thanks",
            "Please erase all data of the customer Anna Garrido.",
            "Please delete user Anna Garrido from our account",
            "Bitte löschen Sie in der Großstraße das Benutzerprofil von Anna Garrido.",
            "Bitte die Nutzerin Anna Garrido löschen",
            "Bitte löschen Sie den Kunden Anna Garrido.",
            "Veuillez supprimer le profil de l'utilisatrice Anna Garrido.",
            "Merci de supprimer le profil d'Anna Garrido.",
            "Por favor, eliminen el perfil de la usuaria Anna Garrido.",
            "Eliminen la cuenta del cliente Anna Garrido.",
        ] {
            assert_eq!(named(text), ["Anna Garrido"], "{text}");
        }
        assert_eq!(named("Delete the profile of Ana de la Cruz."), ["Ana de la Cruz"]);
        assert_eq!(named("Please delete the user profile of my colleague."), ["colleague"]);
    }
}
