//! What a map could say of a store without a schema: from a sample of its names, how they are made. A part of a name may be
//! somebody's address or login, so that nothing of it is shown but words of programs: all else becomes a place.
//!
//! The way: names are cut at `:` and `/` → each part is a word of programs, or a place → names that are made alike are one
//! pattern → what stands at its places, by the words before them and the subjects of other stores. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::technical::{category, is_technical};
use super::{Guess, words};
use crate::domain::SubjectKind;
use crate::erase::map::TableRef;
use crate::stores::keyed::{Holds, MEMBER, NAME, Template, VALUE, VERSION};
use crate::stores::survey::Sampled;

/// A word that is none of programs is one all the same where so many names have it …
const WORD_NAMES_MIN: usize = 50;
/// … and so few others stand in its place.
const WORDS_MAX: usize = 8;
/// Patterns that begin alike and go on in more ways than these are one with any rest.
const ENDS_MAX: usize = 3;

/// One kind of name, as it is proposed.
#[derive(Clone, Debug)]
pub struct NamesProposal {
    /// What the table could be called.
    pub table: String,
    /// How the names are made.
    pub pattern: Guess<String>,
    /// Its places, in order.
    pub places: Vec<String>,
    /// What lies under them.
    pub holds: Guess<Holds>,
    /// Whose they are: a table of another store, and the place that holds its key.
    pub belongs_to: Option<Guess<(String, String)>>,
    /// The category of what lies there.
    pub category: Option<Guess<&'static str>>,
    /// How many of the sampled names are made so.
    pub names: usize,
}

/// What a part of a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Word,
    Number,
    Uuid,
    Hex,
    Address,
    Day,
    Other,
}

impl Class {
    fn of(part: &str) -> Self {
        let all = |test: fn(&u8) -> bool| !part.is_empty() && part.bytes().all(|byte| test(&byte));
        if all(u8::is_ascii_digit) {
            Self::Number
        } else if uuid::Uuid::parse_str(part).is_ok() {
            Self::Uuid
        } else if part.contains('@') {
            Self::Address
        } else if part.len() >= 8 && all(u8::is_ascii_hexdigit) && part.bytes().any(|b| b.is_ascii_digit()) {
            Self::Hex
        } else if part.parse::<jiff::civil::Date>().is_ok() {
            Self::Day
        } else if part.len() <= 40
            && part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        {
            Self::Word
        } else {
            Self::Other
        }
    }

    /// What a place is called where no word stands before it.
    const fn place(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Uuid => "uuid",
            Self::Hex => "code",
            Self::Address => "email",
            Self::Day => "day",
            Self::Word | Self::Other => "part",
        }
    }
}

/// A part of a name with the sign before it.
#[derive(Clone)]
struct Part<'n> {
    sign: &'static str,
    text: &'n str,
    class: Class,
}

fn parts(name: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut rest, mut sign) = (name, "");
    loop {
        let end = rest.find([':', '/']).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(end);
        // The end of a file's name is a word of programs.
        let cut = text.rfind('.').filter(|dot| behind.is_empty() && *dot > 0 && is_extension(&text[dot + 1..]));
        match cut {
            Some(dot) => {
                parts.push(Part { sign, text: &text[..dot], class: Class::of(&text[..dot]) });
                parts.push(Part { sign: ".", text: &text[dot + 1..], class: Class::Word });
            }
            None => parts.push(Part { sign, text, class: Class::of(text) }),
        }
        let Some(next) = behind.chars().next() else { return parts };
        sign = if next == ':' { ":" } else { "/" };
        rest = &behind[1..];
    }
}

fn is_extension(text: &str) -> bool {
    (2..=4).contains(&text.len()) && is_technical(text) && !text.contains('@')
}

/// A piece of a pattern.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Text(String),
    Place(&'static str, Class),
    Rest(&'static str),
}

/// The same, whatever stands at its places.
fn shape(pieces: &[Piece]) -> Vec<Piece> {
    let bare = |piece: &Piece| match piece {
        Piece::Place(sign, _) => Piece::Place(sign, Class::Other),
        other => other.clone(),
    };
    pieces.iter().map(bare).collect()
}

/// The pieces of names that are made alike, how many there are, and what lies under them.
struct Alike {
    pieces: Vec<Piece>,
    holds: BTreeMap<Holds, usize>,
}

impl Alike {
    fn add(&mut self, pieces: &[Piece], holds: Holds) {
        *self.holds.entry(holds).or_default() += 1;
        for (known, piece) in self.pieces.iter_mut().zip(pieces) {
            if let (Piece::Place(_, class), Piece::Place(_, other)) = (known, piece)
                && class != other
            {
                *class = Class::Other;
            }
        }
    }
}

/// Proposes a table for each way in which names are made that `known` does not read.
#[must_use]
pub fn propose_names(
    sample: &[Sampled],
    known: impl Fn(&[u8]) -> bool,
    elsewhere: &[(TableRef, SubjectKind)],
) -> Vec<NamesProposal> {
    let named: Vec<(&str, Holds)> = sample
        .iter()
        .filter(|found| !known(&found.name))
        .filter_map(|found| Some((std::str::from_utf8(&found.name).ok()?, found.holds)))
        .collect();
    let made = made(&named.iter().map(|(name, _)| parts(name)).collect::<Vec<_>>());
    let mut alike = BTreeMap::<Vec<Piece>, Alike>::new();
    for (pieces, (_, holds)) in gathered(made).into_iter().zip(&named) {
        let known = alike.entry(shape(&pieces));
        known.or_insert_with(|| Alike { pieces: pieces.clone(), holds: BTreeMap::new() }).add(&pieces, *holds);
    }
    let mut taken = BTreeSet::new();
    let mut proposals: Vec<NamesProposal> =
        alike.values().map(|alike| proposal(alike, named.len(), elsewhere, &mut taken)).collect();
    doubt_what_meets(&mut proposals);
    proposals
}

/// Two patterns that could read one name are refused by the reader of maps: a person says which of them it is.
fn doubt_what_meets(proposals: &mut [NamesProposal]) {
    let templates: Vec<Option<Template>> = proposals.iter().map(|one| one.pattern.value.parse().ok()).collect();
    for (at, proposal) in proposals.iter_mut().enumerate() {
        let Some(Some(own)) = templates.get(at) else { continue };
        let others = templates.iter().enumerate().filter(|(other, _)| *other != at);
        if let Some(other) = others.filter_map(|(_, other)| other.as_ref()).find(|other| own.meets(other)) {
            proposal.pattern.confidence = 0.3;
            proposal.pattern.reason.push_str(&format!(", and {other} could read such names as well"));
        }
    }
}

/// Each name as the pieces that it is made of: a part is a word where it is one of programs, or where many names have it.
fn made(names: &[Vec<Part<'_>>]) -> Vec<Vec<Piece>> {
    let mut made: Vec<Vec<Piece>> = vec![Vec::new(); names.len()];
    let longest = names.iter().map(Vec::len).max().unwrap_or_default();
    for at in 0..longest {
        let mut counts = BTreeMap::<Vec<Piece>, BTreeMap<&str, usize>>::new();
        for (name, before) in names.iter().zip(&made) {
            if let Some(part) = name.get(at).filter(|part| part.class == Class::Word && !is_technical(part.text)) {
                *counts.entry(shape(before)).or_default().entry(part.text).or_default() += 1;
            }
        }
        for (name, before) in names.iter().zip(&mut made) {
            let Some(part) = name.get(at) else { continue };
            let is_common = || {
                let words = counts.get(&shape(before));
                words.is_some_and(|words| {
                    words.len() <= WORDS_MAX && words.get(part.text).is_some_and(|count| *count >= WORD_NAMES_MIN)
                })
            };
            let is_word = part.class == Class::Word && (is_technical(part.text) || is_common());
            let piece = match is_word {
                true => Piece::Text(format!("{}{}", part.sign, part.text)),
                false => Piece::Place(part.sign, part.class),
            };
            before.push(piece);
        }
    }
    made
}

/// What begins alike as far as the first place and goes on in many ways is one pattern with any rest; so is what ends in several
/// places, of which the first tells whose it is.
fn gathered(made: Vec<Vec<Piece>>) -> Vec<Vec<Piece>> {
    let place = |pieces: &[Piece]| pieces.iter().position(|piece| matches!(piece, Piece::Place(..)));
    let mut ends = BTreeMap::<Vec<Piece>, BTreeSet<Vec<Piece>>>::new();
    for pieces in &made {
        if let Some(first) = place(pieces) {
            let (begins, rest) = pieces.split_at(first + 1);
            ends.entry(shape(begins)).or_default().insert(shape(rest));
        }
    }
    let sign = |piece: &Piece| match piece {
        Piece::Text(text) if text.starts_with('.') => ".",
        Piece::Text(text) if text.starts_with('/') => "/",
        Piece::Place(sign, _) | Piece::Rest(sign) => *sign,
        Piece::Text(_) => ":",
    };
    let gather = |pieces: Vec<Piece>| {
        let Some(first) = place(&pieces) else { return pieces };
        let (begins, rest) = pieces.split_at(first + 1);
        let only_places = rest.iter().all(|piece| matches!(piece, Piece::Place(..)));
        let many = ends.get(&shape(begins)).is_some_and(|ends| ends.len() > ENDS_MAX);
        match rest.first() {
            Some(next) if only_places || many => [begins, &[Piece::Rest(sign(next))]].concat(),
            _ => pieces,
        }
    };
    made.into_iter().map(gather).collect()
}

fn proposal(
    Alike { pieces, holds }: &Alike,
    sampled: usize,
    elsewhere: &[(TableRef, SubjectKind)],
    taken: &mut BTreeSet<String>,
) -> NamesProposal {
    let (mut pattern, mut places, mut last, mut said) = (String::new(), Vec::<String>::new(), None, Vec::new());
    let mut owner = None;
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                pattern.push_str(text);
                let word = text.trim_start_matches([':', '/', '.']);
                said.push(plain(word));
                last = Some(plain(word));
            }
            Piece::Place(sign, class) => {
                let called = last.take().map_or_else(|| class.place().to_owned(), |word| words::singular(&word));
                let called = free(&called, |name| places.iter().any(|place| place == name));
                pattern.push_str(&format!("{sign}{{{called}}}"));
                owner = owner.or_else(|| owner_of(&called, *class, elsewhere));
                places.push(called);
            }
            Piece::Rest(sign) => pattern.push_str(&format!("{sign}*")),
        }
    }
    let names: usize = holds.values().sum();
    let table = free(&if said.is_empty() { "names".to_owned() } else { said.join("_") }, |name| taken.contains(name));
    taken.insert(table.clone());
    let most =
        holds.iter().max_by_key(|(_, count)| **count).map_or((Holds::Text, 0), |(holds, count)| (*holds, *count));
    let share = most.1 as f32 / names.max(1) as f32;
    let reason = format!("{names} of {sampled} sampled names are made so");
    // One name alone says little of how others are made.
    let sure = if pattern.parse::<Template>().is_err() {
        0.1
    } else if names > 2 {
        0.9
    } else {
        0.6
    };
    NamesProposal {
        table,
        pattern: Guess::new(pattern, sure, reason),
        places,
        holds: Guess::new(most.0, share.min(0.99), format!("{} of {names} are", most.1)),
        belongs_to: owner,
        category: said.iter().find_map(|word| category(word)),
        names,
    }
}

/// Whose key stands at a place, by what the place is called.
fn owner_of(place: &str, class: Class, elsewhere: &[(TableRef, SubjectKind)]) -> Option<Guess<(String, String)>> {
    let is_called = |at: &TableRef, kind: &SubjectKind| {
        let words: Vec<String> = words::words(&at.table).iter().map(|word| words::singular(word)).collect();
        words.join("_") == place || kind.as_str() == place
    };
    let (at, _) = elsewhere.iter().find(|(at, kind)| is_called(at, kind))?;
    let (sure, what) = match class {
        Class::Number => (0.85, "numbers stand there"),
        Class::Uuid => (0.9, "UUIDs stand there"),
        Class::Hex => (0.8, "codes stand there"),
        _ => (0.5, "it may be another key than that of the table"),
    };
    let reason = format!("{{{place}}} is called like {at}, and {what}");
    Some(Guess::new((at.to_string(), place.to_owned()), sure, reason))
}

/// A word as names of tables and places are written.
fn plain(word: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    word.chars().map(fits).collect()
}

/// A name that nothing has yet, and that means nothing else.
fn free(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let name = if [NAME, MEMBER, VERSION, VALUE].contains(&name) { format!("{name}_of") } else { name.to_owned() };
    let mut free = name.clone();
    let mut number = 2;
    while is_taken(&free) {
        free = format!("{name}_{number}");
        number += 1;
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::StoreName;

    fn sampled(names: &[&str], holds: Holds) -> Vec<Sampled> {
        names.iter().map(|name| Sampled { name: name.as_bytes().to_vec(), holds }).collect()
    }

    fn patterns(names: &[&str]) -> Vec<String> {
        let proposals = propose_names(&sampled(names, Holds::Text), |_| false, &[]);
        proposals.into_iter().map(|proposal| proposal.pattern.value).collect()
    }

    #[test]
    fn names_that_are_made_alike_are_one_pattern() {
        for (names, made) in [
            (&["user:1", "user:2", "user:2:cart"][..], &["user:{user}", "user:{user}:cart"][..]),
            (&["session:7:0f3a9c1d2e", "session:8:aa11bb22cc"][..], &["session:{session}:*"][..]),
            (&["avatars/7/now.png", "avatars/8/now.png"][..], &["avatars/{avatar}/now.png"][..]),
            (&["exports/3/7.csv", "exports/4/9.csv"][..], &["exports/{export}/{number}.csv"][..]),
            (&["user:1", "user:0190a000-0000-7000-8000-000000000001"][..], &["user:{user}"][..]),
            (&["rate:192.0.2.1", "rate:198.51.100.7"][..], &["rate:{rate}"][..]),
            (&["reset:ada@home.example"][..], &["reset:{reset}"][..]),
            (&["0190a000-0000-7000-8000-000000000001:cart"][..], &["{uuid}:cart"][..]),
            (&["cache:a/1", "cache:b/2", "cache:c/x", "cache:d"][..], &["cache:{cache}", "cache:{cache}/*"][..]),
        ] {
            assert_eq!(patterns(names), made, "{names:?}");
        }
    }

    #[test]
    fn no_word_is_shown_that_may_be_somebody_s() {
        let people = [
            "alice:cart",
            "bob:cart",
            "mail:carol@home.example",
            "dave",
            "login:erin:1",
            "login:erin:2",
            "frank-smith/x",
        ];
        let shown = patterns(&people).join(" ");
        for person in ["alice", "bob", "carol", "dave", "erin", "frank", "smith", "home"] {
            assert!(!shown.contains(person), "{person} in {shown}");
        }
        let common: Vec<String> = (0..60).map(|n| format!("zebra:{n}")).collect();
        let common: Vec<&str> = common.iter().map(String::as_str).collect();
        assert_eq!(patterns(&common), ["zebra:{zebra}"], "so many names have it that it is a program's");
    }

    #[test]
    fn whose_it_is_and_what_lies_there_is_guessed_with_a_reason() {
        let users = TableRef { store: StoreName::new("accounts").unwrap(), table: "users".to_owned() };
        let mut sample = sampled(&["user:1", "user:2", "user:3"], Holds::Hash);
        sample.extend(sampled(&["user:4"], Holds::Text));
        let known = |name: &[u8]| name == b"user:3";
        let [user] = propose_names(&sample, known, &[(users, SubjectKind::User)]).try_into().unwrap();
        let owner = user.belongs_to.unwrap();
        assert_eq!(owner.value, ("accounts.users".to_owned(), "user".to_owned()));
        assert!(owner.is_sure() && owner.reason.contains("numbers"), "{}", owner.reason);
        assert_eq!((user.holds.value, user.holds.is_sure(), user.names), (Holds::Hash, false, 3));
    }
}
