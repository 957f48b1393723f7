//! Finds the phrases of all languages in a folded text, in time that hardly grows with their number.
//!
//! A trie of how phrases begin is walked once at every word of the text. What begins there tells which languages the words
//! are of, and only phrases of languages that a sentence may be in, or the text as a whole, are looked at further. Most are
//! texts, found by then; the pattern of the others is tried there and nowhere else. What is found is what each pattern would
//! find by itself, from left to right; a test holds it against them.

use std::ops::Range;

use super::code::Left;
use super::fit::{Fitted, fitted};
use super::heard::Heard;
use super::rest::{Rest, is_word};
use super::signs::Signs;
use super::tables::{Tables, Which};
use super::tongue::Tongues;
use super::trie::Trie;

/// What begins at a place of a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Candidate {
    pattern: u32,
    rank: u32,
    /// Where the code of what is left of the phrase is.
    code: u32,
    /// Where its beginning ends.
    from: usize,
    /// Where the phrase ends; `None` where what is left of it has to be held against the text.
    end: Option<usize>,
}

/// A phrase in a folded text.
pub(super) struct Found {
    pub pattern: usize,
    /// Its bytes.
    pub range: Range<usize>,
    /// The bytes of its words that the phrase does not say, for they stand in gaps.
    pub loose: Vec<Range<usize>>,
}

/// In which languages a text is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reading {
    /// In all.
    All,
    /// In those that it may be in, and in these.
    Plausible(Tongues),
}

/// One of the tries of the tables, and whose the beginnings in it are.
#[derive(Clone, Copy)]
pub(super) struct Finder<'t> {
    tables: &'t Tables<'t>,
    trie: Trie<'t>,
}

/// A text that phrases begin with.
#[derive(Clone, Copy)]
struct Begin {
    /// The first of its owners; those of the next begin where they end.
    owner: u32,
    /// The languages of which it is a whole phrase.
    whole: Tongues,
    /// The languages that have more to it.
    more: Tongues,
}

impl Begin {
    fn of(tables: &Tables<'_>, number: usize) -> Self {
        let [owner, whole, whole_high, more, more_high] = tables.begins.row(number);
        let (whole, more) = (Tongues::of_halves([whole, whole_high]), Tongues::of_halves([more, more_high]));
        Self { owner, whole, more }
    }
}

impl<'t> Finder<'t> {
    pub const fn of(tables: &'t Tables<'t>, which: Which) -> Self {
        Self { tables, trie: Trie { tables, which } }
    }

    /// Every phrase in a folded text, in the order of the text.
    pub fn find(self, folded: &str, reading: Reading) -> Vec<Found> {
        let seen = Seen::of(self, folded);
        let whole = match reading {
            Reading::All => Tongues::ALL,
            Reading::Plausible(also) => seen.all.plausible() | also,
        };
        let plausible: Vec<Tongues> = seen.sentences.iter().map(|heard| heard.sentence() | whole).collect();
        let mut found = Vec::with_capacity(seen.begun.len() / 4);
        let mut taken = Taken::default();
        let mut here: Vec<Candidate> = Vec::new();
        let mut signs = Signs::of(folded.as_bytes());
        for begun in seen.begun.chunk_by(|a, b| a.at == b.at) {
            here.clear();
            for begun in begun {
                self.candidates(folded.as_bytes(), begun, plausible[begun.sentence], &mut here);
            }
            if here.is_empty() {
                continue;
            }
            here.sort_unstable();
            let at = begun[0].at;
            taken.free(at);
            for tried in here.chunk_by(|a, b| a.pattern == b.pattern) {
                let pattern = tried[0].pattern as usize;
                if taken.by(pattern) {
                    continue;
                }
                if let Some(Fitted { end, loose }) = self.fitted(tried, folded, &mut signs) {
                    taken.0.push((pattern, end));
                    found.push(Found { pattern, range: at..end, loose });
                }
            }
        }
        found
    }

    /// The first phrase of a folded text, in whatever language; of those that begin there one of the first pattern.
    pub fn first(self, folded: &str) -> Option<Range<usize>> {
        let (mut signs, mut here) = (Signs::of(folded.as_bytes()), Vec::new());
        let mut starts = starts(folded).filter(|at| self.trie.has_root(folded.as_bytes()[*at]));
        starts.find_map(|at| Some(at..self.ends(folded, at, &mut signs, &mut here)?))
    }

    /// Where the phrase ends that begins at this place of a folded text.
    pub fn at(self, folded: &str, at: usize) -> Option<usize> {
        self.ends(folded, at, &mut Signs::of(folded.as_bytes()), &mut Vec::new())
    }

    /// The same; `here` is room for what begins there.
    fn ends(self, folded: &str, at: usize, signs: &mut Signs<'_>, here: &mut Vec<Candidate>) -> Option<usize> {
        let bytes = folded.as_bytes();
        here.clear();
        self.trie.walk(&bytes[at..], |beginning, length| {
            let begun = Begun { at, end: at + length, beginning, sentence: 0 };
            self.candidates(bytes, &begun, Tongues::ALL, here);
        });
        here.sort_unstable();
        let mut fits = |tried: &[Candidate]| self.fitted(tried, folded, signs).map(|fitted| fitted.end);
        here.chunk_by(|a, b| a.pattern == b.pattern).find_map(&mut fits)
    }

    fn candidates(self, folded: &[u8], begun: &Begun, spoken: Tongues, into: &mut Vec<Candidate>) {
        let Begin { owner, whole, more } = Begin::of(self.tables, begun.beginning);
        if ((whole | more) & spoken).is_empty() {
            return;
        }
        let [next, ..] = self.tables.begins.row(begun.beginning + 1);
        // Many phrases begin so that end alike.
        let mut ends: [Option<Option<usize>>; Rest::ALL.len()] = [None; Rest::ALL.len()];
        for owner in owner..next {
            let [packed, rank, code] = self.tables.owners.row(owner as usize);
            let (pattern, rest, language) = (packed & 0xffff, packed >> 16 & 0xff, packed >> 24);
            if !spoken.contains_number(language) {
                continue;
            }
            let (known, rest) = (&mut ends[rest as usize], Rest::ALL[rest as usize]);
            let end = *known.get_or_insert_with(|| rest.end(folded, begun.end));
            if end.is_some() || rest == Rest::Pattern {
                into.push(Candidate { pattern, rank, code, from: begun.end, end });
            }
        }
    }

    /// The first phrase of one pattern of which these are the beginnings, the best first.
    fn fitted(self, tried: &[Candidate], folded: &str, signs: &mut Signs<'_>) -> Option<Fitted> {
        tried.iter().find_map(|candidate| {
            if let Some(end) = candidate.end {
                return Some(Fitted { end, loose: Vec::new() });
            }
            let left = Left::of(self.tables.code.get(candidate.code as usize..)?)?;
            if !left.may_begin(folded.as_bytes(), candidate.from) || signs.lack(&left, candidate.from) {
                return None;
            }
            fitted(&left, folded.as_bytes(), candidate.from)
        })
    }
}

/// The patterns whose last phrases go on past a place, and where they end.
#[derive(Default)]
struct Taken(Vec<(usize, usize)>);

impl Taken {
    /// Lets go of those that end here.
    fn free(&mut self, at: usize) {
        self.0.retain(|(_, end)| *end > at);
    }

    fn by(&self, pattern: usize) -> bool {
        self.0.iter().any(|(of, _)| *of == pattern)
    }
}

/// A beginning that stands in a text.
struct Begun {
    at: usize,
    end: usize,
    beginning: usize,
    sentence: usize,
}

/// What begins in a text, and in which languages.
struct Seen {
    begun: Vec<Begun>,
    sentences: Vec<Heard>,
    all: Heard,
}

impl Seen {
    fn of(finder: Finder<'_>, folded: &str) -> Self {
        let begun = Vec::with_capacity(folded.len() / 2);
        let mut seen = Self { begun, sentences: vec![Heard::NOTHING], all: Heard::NOTHING };
        let bytes = folded.as_bytes();
        let has_address = bytes.contains(&b'@');
        let (mut last, mut addressed) = (0, 0);
        for at in starts(folded) {
            if ends_sentence(&bytes[last..at]) {
                seen.sentences.push(Heard::NOTHING);
            }
            // What an address is made of are words of no language.
            if has_address && at >= addressed && (at == 0 || bytes[at - 1] == b' ') {
                let end = bytes[at..]
                    .iter()
                    .position(|byte| matches!(byte, b' ' | b'\n'))
                    .map_or(bytes.len(), |end| at + end);
                addressed = if bytes[at..end].contains(&b'@') { end } else { at };
            }
            last = at;
            let sentence = seen.sentences.len() - 1;
            let mut languages = Tongues::default();
            finder.trie.walk(&bytes[at..], |beginning, length| {
                let end = at + length;
                let Begin { whole, more, .. } = Begin::of(finder.tables, beginning);
                let is_whole = Rest::Bound.end(bytes, end).is_some();
                languages |= if is_whole { whole | more } else { more };
                seen.begun.push(Begun { at, end, beginning, sentence });
            });
            if at >= addressed && !languages.is_empty() {
                seen.sentences[sentence].hear(languages);
                seen.all.hear(languages);
            }
        }
        seen
    }
}

/// Whether a sentence ends before the next word, or may do so: between the words that begin at the ends of this stretch.
fn ends_sentence(between: &[u8]) -> bool {
    let (mut stops, mut ends) = (false, false);
    // What parts two words stands at the end, behind the first of them.
    for byte in between.iter().rev().take_while(|byte| !is_word(**byte)) {
        ends |= *byte == b'\n' || stops && matches!(byte, b'.' | b'?' | b'!' | b';');
        stops = *byte == b' ';
    }
    ends
}

/// Where a phrase may begin: at words, and at signs that are of no word.
pub(super) fn starts(folded: &str) -> impl Iterator<Item = usize> + '_ {
    let bytes = folded.as_bytes();
    (0..bytes.len()).filter(move |&at| {
        let byte = bytes[at];
        match is_word(byte) {
            true => at == 0 || !is_word(bytes[at - 1]),
            false => byte != b' ' && folded.is_char_boundary(at),
        }
    })
}
