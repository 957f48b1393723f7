//! Tables while they are written.

use std::collections::{BTreeMap, HashMap};

use super::super::code::{ANY_SCRIPT, ENDS, Heads, PLAIN, kind};
use super::super::tables::{Section, hash};
use super::heads::heads;
use super::needles::{is_plain, needles};
use super::notation::{Phrase, Piece};

/// The sections, as far as they are written.
#[derive(Default)]
pub(super) struct Written([Vec<u8>; Section::COUNT]);

impl Written {
    pub fn numbers(&mut self, to: Section, numbers: &[u32]) {
        numbers.iter().for_each(|number| self.bytes(to, &number.to_le_bytes()));
    }

    pub fn bytes(&mut self, to: Section, bytes: &[u8]) {
        self.0[to as usize].extend_from_slice(bytes);
    }

    /// How many bytes of a section there are so far.
    pub fn length(&self, of: Section) -> usize {
        self.0[of as usize].len()
    }

    /// Slips, with the words that were meant, and where each is found by its hash.
    pub fn slips(&mut self, slips: &BTreeMap<String, String>, texts: &mut Texts) {
        let mut slots = vec![0_u32; (2 * slips.len()).next_power_of_two()];
        for (at, (slip, meant)) in slips.iter().enumerate() {
            let ([start, end], [meant, meant_end]) = (texts.place(slip), texts.place(meant));
            self.numbers(Section::Slips, &[start, end, meant, meant_end]);
            let mut slot = hash(slip.as_bytes()) as usize % slots.len();
            while slots[slot] != 0 {
                slot = (slot + 1) % slots.len();
            }
            slots[slot] = at as u32 + 1;
        }
        self.numbers(Section::Slots, &slots);
    }

    /// All sections, one behind the other, and their lengths before them.
    pub fn into_bytes(self) -> Vec<u8> {
        let lengths = self.0.iter().flat_map(|section| (section.len() as u32).to_le_bytes());
        lengths.collect::<Vec<u8>>().into_iter().chain(self.0.iter().flatten().copied()).collect()
    }
}

/// Texts, each once.
#[derive(Default)]
pub(super) struct Texts {
    pub all: String,
    places: HashMap<String, [u32; 2]>,
}

impl Texts {
    /// Where a text begins and ends.
    pub fn place(&mut self, text: &str) -> [u32; 2] {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let start = self.all.len();
        self.all.push_str(text);
        let place = [start as u32, self.all.len() as u32];
        self.places.insert(text.to_owned(), place);
        place
    }
}

/// The code of what is left of a phrase; nothing where it is too long for the tables.
pub(super) fn code(phrase: &Phrase, left: &[&Piece]) -> Option<Vec<u8>> {
    let signs = [(is_plain(left), PLAIN), (phrase.ends, ENDS), (phrase.any_script, ANY_SCRIPT)];
    let signs = signs.into_iter().filter(|(holds, _)| *holds).fold(0, |all, (_, sign)| all | sign);
    let needles = needles(left);
    let head = vec![signs, u8::try_from(phrase.gap_words).ok()?, u8::try_from(needles.len()).ok()?];
    let row = left.iter().copied().map(piece).collect::<Option<Vec<_>>>()?.concat();
    let heads = heads(left).map(Heads::to_bytes).concat();
    Some([head, heads, needles.concat(), sized(&row)?].concat())
}

fn rows(rows: &[Vec<Piece>]) -> Option<Vec<u8>> {
    let row = |row: &Vec<Piece>| sized(&row.iter().map(piece).collect::<Option<Vec<_>>>()?.concat());
    Some(rows.iter().map(row).collect::<Option<Vec<_>>>()?.concat())
}

fn piece(piece: &Piece) -> Option<Vec<u8>> {
    let (kind, inner) = match piece {
        Piece::Ending => return Some(vec![kind::ENDING]),
        Piece::Gap => return Some(vec![kind::GAP]),
        Piece::Words => return Some(vec![kind::WORDS]),
        Piece::Text(text) => (kind::TEXT, text.clone().into_bytes()),
        Piece::Sign(ways) => {
            let ways = ways.iter().map(|way| sized(way.as_bytes())).collect::<Option<Vec<_>>>()?;
            (kind::SIGN, ways.concat())
        }
        Piece::Choice(choices) => (kind::CHOICE, rows(choices)?),
        Piece::Maybe(inner) => (kind::MAYBE, self::piece(inner)?),
    };
    Some([vec![kind], sized(&inner)?].concat())
}

/// Bytes behind their length.
fn sized(bytes: &[u8]) -> Option<Vec<u8>> {
    Some([&u16::try_from(bytes.len()).ok()?.to_le_bytes(), bytes].concat())
}
