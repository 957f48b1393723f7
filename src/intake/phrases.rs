//! Finds the phrases of all languages in a folded text, in time that hardly grows with their number.
//!
//! A trie of how phrases begin is walked once at every word of the text. What begins there tells which languages the words
//! are of, and only phrases of languages that a sentence may be in, or the text as a whole, are looked at further. Most are
//! texts, found by then; the pattern of the others is tried there and nowhere else. What is found is what each pattern would
//! find by itself, from left to right; a test holds it against them.

use std::ops::Range;

use super::code::{NEEDLE, Phrase};
use super::fit::{Fitted, fitted};
use super::rest::{Rest, is_word};
use super::tables::{Tables, Which};
use super::tongue::{Tongues, plausible};
use super::trie::Trie;

/// Words of a sentence that a language knows beside a better one, before the sentence may be in it.
const SENTENCE_WORDS_MIN: u16 = 3;

/// Beginnings in a text that is short enough to be searched from one to the other.
const FEW_MAX: usize = 100;

/// What begins at a place of a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Candidate {
    pattern: u32,
    rank: u32,
    /// Where the code of the phrase is.
    code: u32,
    /// Where the phrase ends; `None` where it has to be held against the text.
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
        let mut found = Vec::new();
        let mut free = Free::of(self.tables.patterns.count(), seen.begun.len());
        let mut here: Vec<Candidate> = Vec::new();
        let signs = Signs::of(folded.as_bytes());
        for begun in seen.begun.chunk_by(|a, b| a.at == b.at) {
            here.clear();
            for begun in begun {
                self.candidates(folded.as_bytes(), begun, plausible[begun.sentence], &mut here);
            }
            here.sort_unstable();
            for tried in here.chunk_by(|a, b| a.pattern == b.pattern) {
                let pattern = tried[0].pattern as usize;
                let at = begun[0].at;
                if at < free.from(pattern) {
                    continue;
                }
                if let Some(Fitted { end, loose }) = self.fitted(tried, folded, at, Some(&signs)) {
                    free.set(pattern, end);
                    found.push(Found { pattern, range: at..end, loose });
                }
            }
        }
        found
    }

    /// The first phrase of a folded text, in whatever language; of those that begin there one of the first pattern.
    pub fn first(self, folded: &str) -> Option<Range<usize>> {
        starts(folded).find_map(|at| Some(at..self.at(folded, at)?))
    }

    /// Where the phrase ends that begins at this place of a folded text.
    pub fn at(self, folded: &str, at: usize) -> Option<usize> {
        let bytes = folded.as_bytes();
        let mut here: Vec<Candidate> = Vec::new();
        self.trie.walk(&bytes[at..], |beginning, length| {
            let begun = Begun { at, end: at + length, beginning, sentence: 0 };
            self.candidates(bytes, &begun, Tongues::ALL, &mut here);
        });
        here.sort_unstable();
        let fits = |tried: &[Candidate]| self.fitted(tried, folded, at, None).map(|fitted| fitted.end);
        here.chunk_by(|a, b| a.pattern == b.pattern).find_map(fits)
    }

    fn candidates(self, folded: &[u8], begun: &Begun, spoken: Tongues, into: &mut Vec<Candidate>) {
        let Begin { owner, whole, more } = Begin::of(self.tables, begun.beginning);
        if ((whole | more) & spoken).is_empty() {
            return;
        }
        let [next, ..] = self.tables.begins.row(begun.beginning + 1);
        for owner in owner..next {
            let [packed, rank, code] = self.tables.owners.row(owner as usize);
            let (pattern, rest, language) = (packed & 0xffff, packed >> 16 & 0xff, packed >> 24);
            if !spoken.contains_number(language) {
                continue;
            }
            let rest = Rest::ALL[rest as usize];
            let end = rest.end(folded, begun.end);
            if end.is_some() || rest == Rest::Pattern {
                into.push(Candidate { pattern, rank, code, end });
            }
        }
    }

    /// The first phrase of one pattern of which these are the beginnings, the best first.
    fn fitted(self, tried: &[Candidate], folded: &str, at: usize, signs: Option<&Signs>) -> Option<Fitted> {
        let mut vain = None;
        tried.iter().find_map(|candidate| {
            if let Some(end) = candidate.end {
                return Some(Fitted { end, loose: Vec::new() });
            }
            if vain == Some(candidate.code) {
                return None;
            }
            vain = Some(candidate.code);
            let phrase = Phrase::of(self.tables.code.get(candidate.code as usize..)?)?;
            if signs.is_some_and(|signs| signs.lack(phrase.needles)) {
                return None;
            }
            fitted(&phrase, folded.as_bytes(), at)
        })
    }
}

/// Which stretches of four signs a text may have: none that it says it lacks.
struct Signs([u64; Signs::BITS / 64]);

impl Signs {
    /// So many that a letter of a person leaves most of them unset.
    const BITS: usize = 8_192;

    fn of(folded: &[u8]) -> Self {
        let mut signs = Self([0; Self::BITS / 64]);
        for needle in folded.windows(NEEDLE) {
            let place = Self::place([needle[0], needle[1], needle[2], needle[3]]);
            signs.0[place / 64] |= 1 << (place % 64);
        }
        signs
    }

    const fn place(needle: [u8; NEEDLE]) -> usize {
        let hash = u32::from_le_bytes(needle).wrapping_mul(0x9e37_79b1);
        (hash >> (u32::BITS - Self::BITS.trailing_zeros())) as usize
    }

    /// Whether the text has none of these, where there are any.
    fn lack(&self, needles: &[[u8; NEEDLE]]) -> bool {
        let has = |needle: &[u8; NEEDLE]| self.0[Self::place(*needle) / 64] >> (Self::place(*needle) % 64) & 1 != 0;
        !needles.is_empty() && !needles.iter().any(has)
    }
}

/// Where the last phrase of each pattern ended.
enum Free {
    /// Of few, in the order in which they were found.
    Few(Vec<(usize, usize)>),
    /// Of all, by their numbers.
    All(Vec<usize>),
}

impl Free {
    /// Of so many patterns in a text in which so many phrases may begin.
    fn of(patterns: usize, begun: usize) -> Self {
        if begun <= FEW_MAX { Self::Few(Vec::new()) } else { Self::All(vec![0; patterns]) }
    }

    fn from(&self, pattern: usize) -> usize {
        match self {
            Self::Few(ends) => ends.iter().rev().find(|(of, _)| *of == pattern).map_or(0, |(_, end)| *end),
            Self::All(ends) => ends[pattern],
        }
    }

    fn set(&mut self, pattern: usize, end: usize) {
        match self {
            Self::Few(ends) => ends.push((pattern, end)),
            Self::All(ends) => ends[pattern] = end,
        }
    }
}

/// A beginning that stands in a text.
struct Begun {
    at: usize,
    end: usize,
    beginning: usize,
    sentence: usize,
}

/// How many words of a text each language knows.
#[derive(Clone)]
struct Heard([u16; Tongues::MAX]);

impl Heard {
    const NOTHING: Self = Self([0; Tongues::MAX]);

    fn hear(&mut self, languages: Tongues) {
        for language in languages.numbers() {
            self.0[language] = self.0[language].saturating_add(1);
        }
    }

    /// The languages of a sentence: none that knows a word or two beside a better one.
    fn sentence(&self) -> Tongues {
        self.knowing(SENTENCE_WORDS_MIN)
    }

    fn plausible(&self) -> Tongues {
        self.knowing(0)
    }

    /// The languages that may be meant, and know so many words or as many as the best one.
    fn knowing(&self, words_min: u16) -> Tongues {
        let best = self.0.iter().copied().max().unwrap_or(0);
        let is_one = |words: u16| words >= best.min(words_min) && plausible(words.into(), best.into());
        Tongues::of_numbers((0..self.0.len()).filter(|language| is_one(self.0[*language])))
    }
}

/// What begins in a text, and in which languages.
struct Seen {
    begun: Vec<Begun>,
    sentences: Vec<Heard>,
    all: Heard,
}

impl Seen {
    fn of(finder: Finder<'_>, folded: &str) -> Self {
        let begun = Vec::with_capacity(folded.len() / 4);
        let mut seen = Self { begun, sentences: vec![Heard::NOTHING], all: Heard::NOTHING };
        let bytes = folded.as_bytes();
        let (mut last, mut addressed) = (0, 0);
        for at in starts(folded) {
            if ends_sentence(&bytes[last..at]) {
                seen.sentences.push(Heard::NOTHING);
            }
            // What an address is made of are words of no language.
            if at >= addressed && (at == 0 || bytes[at - 1] == b' ') {
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
            if at >= addressed {
                seen.sentences[sentence].hear(languages);
                seen.all.hear(languages);
            }
        }
        seen
    }
}

/// Whether a sentence ends between two words, or may do so.
fn ends_sentence(between: &[u8]) -> bool {
    between.windows(2).any(|pair| matches!(pair, [b'.' | b'?' | b'!' | b';', b' '])) || between.contains(&b'\n')
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
