//! Names that are joined to a first one, and names right behind a verb of erasing: "Una Miller and also Bob", "delete Anna
//! Garrido". Whoever is left out here would be told that all was done; who is named too much only brings a person to look.

use super::{Folded, NAMES_MAX, PARTICLES, YOURS, name_of};
use crate::intake::lexicon::{Group, Lexicon, Topic};
use crate::intake::normal::fold;
use crate::intake::onecase::{is_one_case, may_be_name};
use crate::intake::tongue::{Tongue, Tongues};

/// What joins a name to the one before it, folded; any of them may follow each other ("and also").
const JOINERS: [&str; 42] = [
    "and",
    "&",
    "+",
    "also",
    "or",
    "plus",
    "both",
    "as",
    "well",
    "further",
    "furthermore",
    "und",
    "auch",
    "sowie",
    "oder",
    "ebenso",
    "wie",
    "noch",
    "et",
    "ainsi",
    "que",
    "aussi",
    "ou",
    "y",
    "e",
    "tambien",
    "o",
    "ademas",
    "mas",
    "a",
    "ed",
    "anche",
    "en",
    "ook",
    "i",
    "oraz",
    "och",
    "og",
    "ja",
    "de",
    "d'",
    "of",
];
/// Letters of a verb that is none of another language's small words.
const VERB_CHARS_MIN: usize = 4;
/// What makes a thing of the word behind it, folded.
const ARTICLES: [&str; 9] = ["the", "die", "das", "den", "le", "la", "von", "both", "per"];
/// "And" and "too", folded.
const ANDS: [&str; 14] =
    ["and", "&", "+", "und", "et", "y", "e", "en", "also", "too", "auch", "aussi", "tambien", "ook"];
/// Words of a letter in which two words of unknown meaning behind a verb of erasing may be a name.
const PLAIN_WORDS: usize = 60;
/// Words of one in which one may be.
const LONE_WORDS: usize = 12;
/// What may stand between a verb of erasing and the name of somebody.
const BEFORE: &[&str] = &[
    "please",
    "also",
    "both",
    "the",
    "sie",
    "bitte",
    "auch",
    "noch",
    "ebenfalls",
    "zusatzlich",
    "den",
    "die",
    "das",
    "von",
    "aussi",
    "egalement",
    "svp",
    "le",
    "la",
    "tambien",
    "a",
    "al",
    "por",
    "favor",
    "mr",
    "mrs",
    "ms",
    "alstublieft",
    "alsjeblieft",
    "aub",
    "graag",
    "per",
    "favore",
    "user",
    "users",
    "customer",
    "employee",
    "colleague",
    "nutzer",
    "nutzerin",
    "benutzer",
    "benutzerin",
    "kunde",
    "kunden",
    "kundin",
    "mitarbeiter",
    "mitarbeiterin",
    "frau",
    "herrn",
    "utilisateur",
    "utilisatrice",
    "client",
    "cliente",
    "usuario",
    "usuaria",
    "utente",
    "gebruiker",
    "klant",
];
/// What stands before the items of a list.
const BULLETS: [char; 7] = ['-', '*', '•', '·', '–', '—', '◦'];

/// The name that a text begins with, and those that are joined to it.
pub(super) fn names_of(text: &str, lexicon: &Lexicon) -> Vec<String> {
    let Some(first) = name_of(text) else { return Vec::new() };
    let mut names = vec![first];
    let mut rest = behind_name(text);
    while let Some((name, behind)) = joined_to(rest, lexicon).filter(|_| names.len() < NAMES_MAX) {
        names.push(name);
        rest = behind;
    }
    names
}

/// The names of whose something is: behind "of", "von", "de".
pub(super) fn of_somebody(text: &str, lexicon: &Lexicon) -> Vec<String> {
    const OF: [&str; 6] = ["of", "von", "de", "from", "for", "van"];
    let text = text.trim_start();
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    if OF.contains(&first) {
        return names_of(rest, lexicon);
    }
    text.strip_prefix("d'")
        .or_else(|| text.strip_prefix("d\u{2019}"))
        .map_or_else(Vec::new, |rest| names_of(rest, lexicon))
}

/// Names on the lines below one that ends in a name: items of a list, or what "and" joins; and those below a line that says whose
/// names follow.
pub(super) fn on_next_lines(text: &str, lexicon: &Lexicon, claims: &mut super::Claims) {
    let (mut open, mut above) = (false, Above::Plain(Heads::No));
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() {
            above = above.with_gap();
            if open && above.heads(lexicon) != Heads::WithGap {
                open = false;
            }
            continue;
        }
        let item = bare
            .trim_start_matches(|c: char| BULLETS.contains(&c) || c.is_ascii_digit() || c == '.' || c == ')')
            .trim_start();
        if let Some(name) = whole_name(item, lexicon, || above.heads(lexicon) != Heads::No) {
            claims.name(Some(name));
            (open, above) = (true, Above::Plain(Heads::Yes));
            continue;
        }
        above = Above::Line(bare);
        if open && item != bare {
            names_of(item, lexicon).into_iter().for_each(|name| claims.name(Some(name)));
        } else if open {
            open = false;
            let mut rest = bare;
            while let Some((name, behind)) = joined_to(rest, lexicon).filter(|_| claims.names.len() < NAMES_MAX) {
                claims.name(Some(name));
                rest = behind;
            }
        }
        open = open && item != bare || claims.names.iter().any(|name| ends_in(bare, name));
    }
}

/// Whether the lines below one are names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heads {
    No,
    /// On the next line.
    Yes,
    /// On the next line that is not empty.
    WithGap,
}

/// The line above: it is looked at where the one below may be a name, and most are none.
#[derive(Clone, Copy)]
enum Above<'a> {
    Plain(Heads),
    Line(&'a str),
    /// With an empty line below it.
    Gap(&'a str),
}

impl Above<'_> {
    /// The same above an empty line.
    const fn with_gap(self) -> Self {
        match self {
            Self::Plain(Heads::WithGap) => self,
            Self::Plain(_) => Self::Plain(Heads::No),
            Self::Line(line) | Self::Gap(line) => Self::Gap(line),
        }
    }

    fn heads(self, lexicon: &Lexicon) -> Heads {
        match self {
            Self::Plain(heads) => heads,
            Self::Line(line) => Heads::of(line, lexicon),
            Self::Gap(line) if Heads::of(line, lexicon) == Heads::WithGap => Heads::WithGap,
            Self::Gap(_) => Heads::No,
        }
    }
}

impl Heads {
    /// "Please delete the following user:", "please delete the profile of": what is to be erased follows.
    fn of(line: &str, lexicon: &Lexicon) -> Self {
        const WHOSE: [Group; 5] =
            [Group::OtherUser, Group::EndUser, Group::SeveralPeople, Group::PersonCue, Group::Profile];
        let folded = fold(line);
        let whose = |topic: &Topic| WHOSE.iter().any(|group| *topic == Topic::Group(*group));
        let ends = folded.trim_end_matches([':', ' ']).len();
        let colon = folded.ends_with(':');
        if !lexicon.has(Group::EraseVerb, &folded) {
            return Self::No;
        }
        let mut found = lexicon.locate(&folded, Tongues::default());
        match found.any(|(_, topic, range)| whose(topic) && (colon || range.end >= ends)) {
            true if colon => Self::WithGap,
            true => Self::Yes,
            false => Self::No,
        }
    }
}

/// The name that all of a line is, but for what stands behind a comma or a bracket: "Anna Garrido, Sales".
///
/// `may_be` is asked where it looks like a name.
fn whole_name(line: &str, lexicon: &Lexicon, may_be: impl Fn() -> bool) -> Option<String> {
    let line = line.split([',', '<', '(', '|', ';', '\t']).next().unwrap_or_default();
    let line = line.split(" - ").next().unwrap_or_default().split(" \u{2013} ").next().unwrap_or_default().trim();
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_part = |word: &&str| {
        let letters = word.chars().all(|c| c.is_alphabetic() || "-'\u{2019}.".contains(c));
        letters && (word.starts_with(char::is_uppercase) || PARTICLES.contains(word))
    };
    let known = || words.iter().all(|word| is_word(word, lexicon));
    let frame =
        || [Group::Closing, Group::Courtesy, Group::Greeting].iter().any(|group| lexicon.has(*group, &fold(line)));
    let is_name = (2..=4).contains(&words.len()) && words.iter().all(is_part);
    (is_name && may_be() && !known() && !frame()).then(|| line.trim_end_matches('.').to_owned())
}

fn ends_in(line: &str, name: &str) -> bool {
    line.trim_end_matches([',', ':']).ends_with(name)
}

/// Whether a line holds two words with capitals side by side.
pub(super) fn has_name(line: &str) -> bool {
    let capital = |word: &str| word.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(char::is_uppercase);
    let mut before = false;
    line.split_whitespace().any(|word| std::mem::replace(&mut before, capital(word)) && before)
}

/// Names right behind the verbs of erasing of a line, and right before one that ends its clause.
pub(super) fn behind_verbs(line: &Folded<'_>, lexicon: &Lexicon) -> Vec<String> {
    let mut names = Vec::new();
    let verbs = || line.found.iter().filter(|(_, topic, _)| **topic == Topic::Group(Group::EraseVerb));
    for (language, _, verb) in verbs() {
        // "Una" is a Spanish word, and a name in an English letter.
        let is_word = |word: &str| lexicon.languages_of(&fold(word)).contains(language);
        let behind = line.behind(verb.end).trim_start();
        names.extend(unknown_names(skip(behind, BEFORE), is_word, lexicon));
        let rest = line.folded.get(verb.end..).unwrap_or_default();
        if rest.trim().is_empty() || rest.starts_with(['.', '!', '?', ',']) {
            names.extend(name_before(line, verb.start, is_word, lexicon));
        }
        // Words of which another language with the same verb knows each are none: "DELETE ALL DATA NOW", as Portuguese reads it.
        let knows = |of: &Tongue, name: &str| {
            name.split_whitespace().all(|word| lexicon.languages_of(&fold(word)).contains(of))
        };
        names.retain(|name| !verbs().any(|(other, _, at)| at == verb && knows(other, name)));
    }
    names
}

/// Whether one word with a capital, which no lexicon knows, stands right behind a verb of erasing and ends there what is said, or
/// is joined to more.
pub(super) fn lone_behind_verb(line: &Folded<'_>, lexicon: &Lexicon) -> bool {
    if !line.line.chars().any(char::is_lowercase) {
        return false;
    }
    line.all(Group::EraseVerb).any(|verb| {
        let mut words = skip(line.behind(verb.end), BEFORE).split_whitespace();
        let Some(word) = words.next() else { return false };
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        let ends =
            words.next().is_none_or(|next| JOINERS.contains(&fold(next).as_str())) || word.ends_with(['.', ',', '!']);
        let is_name = core.starts_with(char::is_uppercase) && core.chars().all(char::is_alphabetic);
        is_name && ends && core.chars().count() > 2 && !YOURS.contains(&core) && !is_word(core, lexicon)
    })
}

/// Whether one word or two that may be a name stand right behind a verb of erasing on a line whose capitals say nothing: "please delete
/// anna garrido". It only makes a person look.
pub(super) fn plain_behind_verb(line: &Folded<'_>, length: usize, lexicon: &Lexicon) -> bool {
    if length > PLAIN_WORDS || !is_one_case(line.line.split_whitespace()) {
        return false;
    }
    let mut verbs = line.found.iter().filter(|(_, topic, _)| **topic == Topic::Group(Group::EraseVerb));
    verbs.any(|(language, _, verb)| {
        // "Del" is an English verb, and a small word of its neighbours.
        if verb.len() < VERB_CHARS_MIN {
            return false;
        }
        let behind = line.behind(verb.end);
        let rest = skip(behind, BEFORE);
        // "The duplicate charge" is a thing.
        let skipped = &behind[..behind.len() - rest.len()];
        if skipped.split_whitespace().any(|word| ARTICLES.contains(&fold(word).as_str())) {
            return false;
        }
        let mut words = rest.split_whitespace();
        let (first, second, third) = (words.next(), words.next(), words.next());
        let is_word =
            |word: &str| lexicon.languages_of(word).iter().any(|known| known == language || *known == Tongue::En);
        let name = |word: Option<&str>| word.is_some_and(|word| may_be_name(word, is_word));
        let stops = |word: Option<&str>| word.is_some_and(|word| word.ends_with(['.', ',', '!']));
        let joins = |word: Option<&str>| word.is_none_or(|next| ANDS.contains(&fold(next).as_str()));
        let two = name(first) && !stops(first) && name(second) && (joins(third) || stops(second));
        two || length <= LONE_WORDS && name(first) && (stops(first) || joins(second))
    })
}

/// The names that a text begins with, none of whose words is known: "delete My Account" names nobody.
fn unknown_names(text: &str, is_word: impl Fn(&str) -> bool, lexicon: &Lexicon) -> Vec<String> {
    let first = name_of(text).filter(|name| !name.split_whitespace().any(is_word));
    if first.is_some() { names_of(text, lexicon) } else { Vec::new() }
}

/// Two words with capitals right before a place of the line: "bitte Anna Garrido löschen".
fn name_before(line: &Folded<'_>, at: usize, is_word: impl Fn(&str) -> bool, lexicon: &Lexicon) -> Option<String> {
    let written = line.written(&(0..at.saturating_sub(1)));
    let words: Vec<&str> = written.split_whitespace().collect();
    let name = words.get(words.len().checked_sub(2)?..)?.join(" ");
    unknown_names(&name, is_word, lexicon).into_iter().next()
}

/// The next name behind words that join it: two words with capitals, or one that no lexicon knows.
fn joined_to<'a>(rest: &'a str, lexicon: &Lexicon) -> Option<(String, &'a str)> {
    let trimmed = rest.trim_start();
    let comma = trimmed.strip_prefix([',', '/', ';']);
    let start = comma.unwrap_or(trimmed).trim_start();
    let name_at = skip(start, &JOINERS);
    if comma.is_none() && name_at.len() == start.len() {
        return None;
    }
    let behind = behind_name(name_at);
    if let Some(name) = name_of(name_at) {
        let known = name.split_whitespace().all(|word| is_word(word, lexicon));
        return (!known).then_some((name, behind));
    }
    let word = name_at.split_whitespace().next()?;
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    let is_name = core.starts_with(char::is_uppercase) && core.chars().count() >= 3 && !core.contains('@');
    let named = is_name && !YOURS.contains(&core) && !is_word(core, lexicon);
    named.then(|| (core.to_owned(), name_at.get(word.trim_end_matches([',', '/', ';']).len()..).unwrap_or_default()))
}

/// What follows the name that a text begins with, from its comma on.
fn behind_name(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let word = &rest[..end];
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        let of_name = core.starts_with(char::is_uppercase) || (PARTICLES.contains(&core) && core != "y");
        if !of_name {
            return rest;
        }
        if let Some(at) = word.rfind(|c: char| [',', '/', ';'].contains(&c)) {
            return &rest[at..];
        }
        if word.ends_with(['.', '!', '?', ':', ')']) {
            return "";
        }
        rest = rest[end..].trim_start();
    }
}

/// A text without these words at its start.
fn skip<'a>(text: &'a str, words: &[&str]) -> &'a str {
    let mut rest = text.trim_start();
    while let Some(word) = rest.split_whitespace().next() {
        let folded = fold(word);
        if !words.contains(&folded.trim_end_matches(['.', ':', ','])) {
            break;
        }
        rest = rest[word.len()..].trim_start();
    }
    rest
}

fn is_word(word: &str, lexicon: &Lexicon) -> bool {
    lexicon.knows(&fold(word))
}
