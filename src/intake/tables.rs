//! The words of all languages as they lie in the program: flat tables, read where they lie, so that nothing has to be made
//! ready before the first letter.
//!
//! `compile` writes them when the program is built. Numbers are of four bytes, the least first, and are aligned to nothing.

use super::groups::Group;
use super::lists::List;
use super::tongue::Tongue;

/// No beginning ends at a node.
pub(super) const NONE: u32 = u32::MAX;
/// First bytes of a trie.
pub(super) const ROOTS: usize = 256;

/// Which trie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Which {
    /// Of all phrases.
    All,
    /// Of those that may name somebody.
    Cues,
    /// Of a group.
    Of(Group),
}

impl Which {
    /// All, in the order of their numbers.
    #[allow(dead_code, reason = "the build asks it, and the library does not")]
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::All, Self::Cues].into_iter().chain(Group::ALL.iter().map(|group| Self::Of(*group)))
    }

    /// Its number.
    pub const fn number(self) -> usize {
        match self {
            Self::All => 0,
            Self::Cues => 1,
            Self::Of(group) => 2 + group as usize,
        }
    }
}

/// The parts of the tables, in the order in which they lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Section {
    /// SHA-256 over the files.
    Digest,
    /// All texts, one behind the other.
    Texts,
    /// For every category of data that people name where its text begins and ends.
    Categories,
    /// For every pattern its language and its topic: the number of a group or, behind those, of a category.
    Patterns,
    /// For every language with figures its number, and these.
    Measured,
    /// Places of slips by their hash; 0 is none, and 1 the first.
    Slots,
    /// For every slip where its text begins and ends, and that of the word that was meant.
    Slips,
    /// Phrases that have to be held against a text, taken apart; see `code`.
    Code,
    /// For every trie the nodes of the first bytes; 0 is none.
    Roots,
    /// For every node the first of its children, the number of the beginning that ends there, and where its tail begins.
    Nodes,
    /// For every node the byte that leads to it.
    Bytes,
    /// The tails of the nodes: what all beginnings below have behind that byte.
    Tails,
    /// For every beginning its first owner, and in two halves the languages of which it is a whole phrase, and those that
    /// have more to it.
    Begins,
    /// For every owner of a beginning its pattern, rest and language in one number, its rank, and its code.
    Owners,
    /// For every word of a list the number of that and of its language in one, where its text begins and ends, and whether words
    /// begin so; in the order of the first.
    Words,
}

impl Section {
    /// How many there are.
    pub const COUNT: usize = Self::Words as usize + 1;
}

/// Tables, parted.
pub(super) struct Tables<'t> {
    pub digest: [u8; 32],
    pub texts: &'t str,
    pub categories: Rows<'t, 2>,
    pub patterns: Rows<'t, 2>,
    pub measured: Rows<'t, 4>,
    pub slots: Rows<'t, 1>,
    pub slips: Rows<'t, 4>,
    pub code: &'t [u8],
    pub roots: Rows<'t, 1>,
    pub nodes: Rows<'t, 3>,
    pub bytes: &'t [u8],
    pub tails: &'t [u8],
    pub begins: Rows<'t, 5>,
    pub owners: Rows<'t, 3>,
    pub words: Rows<'t, 4>,
}

impl<'t> Tables<'t> {
    /// Parts them. What is no tables makes it panic: of those of the program already while that is built.
    #[expect(clippy::panic, reason = "the tables of the program are read while it is built")]
    pub const fn of(bytes: &'t [u8]) -> Self {
        let Ok(texts) = std::str::from_utf8(section(bytes, Section::Texts)) else { panic!("a text is not UTF-8") };
        let Some(digest) = section(bytes, Section::Digest).first_chunk() else { panic!("the digest is too short") };
        Self {
            digest: *digest,
            texts,
            categories: Rows::of(section(bytes, Section::Categories)),
            patterns: Rows::of(section(bytes, Section::Patterns)),
            measured: Rows::of(section(bytes, Section::Measured)),
            slots: Rows::of(section(bytes, Section::Slots)),
            slips: Rows::of(section(bytes, Section::Slips)),
            code: section(bytes, Section::Code),
            roots: Rows::of(section(bytes, Section::Roots)),
            nodes: Rows::of(section(bytes, Section::Nodes)),
            bytes: section(bytes, Section::Bytes),
            tails: section(bytes, Section::Tails),
            begins: Rows::of(section(bytes, Section::Begins)),
            owners: Rows::of(section(bytes, Section::Owners)),
            words: Rows::of(section(bytes, Section::Words)),
        }
    }

    /// A text by where it begins and ends.
    pub fn text(&self, start: u32, end: u32) -> &'t str {
        &self.texts[start as usize..end as usize]
    }

    /// Whether a folded word is one of a list, in a language.
    pub fn lists(&self, word: &str, list: List, language: Tongue) -> bool {
        let key = key(list, language);
        let (mut from, mut to) = (0, self.words.count());
        while from < to {
            let middle = usize::midpoint(from, to);
            if self.words.row(middle)[0] < key { from = middle + 1 } else { to = middle }
        }
        let rows = (from..self.words.count()).map(|number| self.words.row(number));
        rows.take_while(|row| row[0] == key).any(|[_, start, end, begins]| {
            let known = self.text(start, end);
            if begins == 0 { word == known } else { word.starts_with(known) }
        })
    }

    /// The word that was meant by a slip.
    pub fn meant(&self, word: &str) -> Option<&'t str> {
        let mut slot = hash(word.as_bytes());
        loop {
            let [number] = self.slots.row(slot as usize & (self.slots.count() - 1));
            let [start, end, meant, meant_end] = self.slips.row((number as usize).checked_sub(1)?);
            if self.text(start, end) == word {
                return Some(self.text(meant, meant_end));
            }
            slot = slot.wrapping_add(1);
        }
    }
}

/// The bytes of a section.
const fn section(bytes: &[u8], section: Section) -> &[u8] {
    let (lengths, sections) = bytes.split_at(4 * Section::COUNT);
    let lengths = Rows::<1>::of(lengths);
    let (mut start, mut at) = (0, 0);
    while at < section as usize {
        start += lengths.row(at)[0] as usize;
        at += 1;
    }
    sections.split_at(start).1.split_at(lengths.row(at)[0] as usize).0
}

/// Numbers, in rows of so many.
#[derive(Clone, Copy)]
pub(super) struct Rows<'t, const N: usize>(&'t [[[u8; 4]; N]]);

impl<'t, const N: usize> Rows<'t, N> {
    const fn of(bytes: &'t [u8]) -> Self {
        Self(bytes.as_chunks::<4>().0.as_chunks::<N>().0)
    }

    /// How many rows there are.
    pub const fn count(self) -> usize {
        self.0.len()
    }

    /// A row by its number.
    pub const fn row(self, number: usize) -> [u32; N] {
        let (row, mut numbers, mut at) = (&self.0[number], [0; N], 0);
        while at < N {
            numbers[at] = u32::from_le_bytes(row[at]);
            at += 1;
        }
        numbers
    }
}

/// The number of a list in a language.
pub(super) const fn key(list: List, language: Tongue) -> u32 {
    (list as u32) << 8 | language as u32
}

/// Where a word is looked for among the slips (FNV-1a).
pub(super) fn hash(word: &[u8]) -> u32 {
    word.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
