//! The tries of how phrases begin: one of all, one of those that name somebody, and one of each group.

use std::collections::HashMap;

use super::super::rest::Rest;
use super::super::tables::{NONE, ROOTS, Section, Which};
use super::super::tongue::{Tongue, Tongues};
use super::beginnings::{Beginning, beginnings};
use super::written::{Written, code};
use super::{Of, Pattern};

/// A pattern of which a phrase has a beginning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Owner {
    pattern: u32,
    language: Tongue,
    rest: Rest,
    /// Which of its beginnings this is, in the order in which the pattern tries them.
    rank: u32,
    /// Where the code of what is left of it is, where only the pattern knows.
    code: u32,
}

/// A phrase that cannot be found, of the pattern of this number.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// Nothing fixed stands at its beginning.
    #[error("“{1}” has no beginning: it starts with a gap, or with signs that may all be missing")]
    NoBeginning(usize, String),
    /// It does not fit into the tables.
    #[error("“{1}” is too long")]
    TooLong(usize, String),
}

impl Unfit {
    /// The number of its pattern.
    pub const fn pattern(&self) -> usize {
        let (Self::NoBeginning(pattern, _) | Self::TooLong(pattern, _)) = self;
        *pattern
    }
}

/// How the phrases of some patterns begin.
pub(super) struct Index<'p> {
    patterns: &'p [Pattern],
    /// Sorted.
    begins: Vec<(String, Owner)>,
    codes: Vec<u8>,
}

impl<'p> Index<'p> {
    /// # Errors
    /// A phrase that has no beginning, or is too long.
    pub fn of(patterns: &'p [Pattern]) -> Result<Self, Unfit> {
        let mut begins: Vec<(String, Owner)> = Vec::new();
        let mut codes = Codes::default();
        for (number, of) in patterns.iter().enumerate() {
            let mut rank = 0;
            for phrase in &of.phrases {
                for Beginning { text, rest, left } in beginnings(phrase) {
                    if text.is_empty() {
                        return Err(Unfit::NoBeginning(number, phrase.text.clone()));
                    }
                    let code = match rest {
                        Rest::Pattern => {
                            let code = code(phrase, &left);
                            codes.place(code.ok_or_else(|| Unfit::TooLong(number, phrase.text.clone()))?)
                        }
                        _ => 0,
                    };
                    begins.push((text, Owner { pattern: number as u32, language: of.language, rest, rank, code }));
                    rank += 1;
                }
            }
        }
        // Texts by their bytes: compared as pairs they are compared twice.
        begins.sort_unstable_by(|(text, owner), (other, next)| text.cmp(other).then_with(|| owner.cmp(next)));
        // Of beginnings that differ in nothing else the first is the one that is found.
        begins.dedup_by(|(text, next), (kept, owner)| {
            let same = (next.pattern, next.rest) == (owner.pattern, owner.rest);
            text == kept && same && next.code == owner.code
        });
        Ok(Self { patterns, begins, codes: codes.all })
    }

    /// Writes the tries, in the order of their numbers (see [`Which`]).
    pub fn write(&self, out: &mut Written) {
        out.bytes(Section::Code, &self.codes);
        for which in Which::all() {
            self.write_trie(out, |of| match (which, of) {
                (Which::All, _) => true,
                (Which::Cues, Of::Group(group)) => group.names_somebody(),
                (Which::Of(wanted), Of::Group(group)) => wanted == *group,
                (Which::Cues | Which::Of(_), Of::Category(_)) => false,
            });
        }
        // Where the owners of the last beginning end.
        let owners = owners(out);
        out.numbers(Section::Begins, &[owners, 0, 0, 0, 0]);
    }

    fn write_trie(&self, out: &mut Written, takes: impl Fn(&Of) -> bool) {
        let mut own: Vec<&(String, Owner)> = Vec::new();
        own.extend(self.begins.iter().filter(|(_, owner)| takes(&self.patterns[owner.pattern as usize].of)));
        let first = (out.length(Section::Begins) / BEGIN_BYTES) as u32;
        let mut texts: Vec<&str> = Vec::new();
        for of_one in own.chunk_by(|(text, _), (next, _)| text == next) {
            texts.push(&of_one[0].0);
            let (mut whole, mut more) = (Tongues::default(), Tongues::default());
            for (_, owner) in of_one {
                let is_whole = matches!(owner.rest, Rest::Nothing | Rest::Bound);
                if is_whole { whole.insert(owner.language) } else { more.insert(owner.language) }
            }
            let ([whole, whole_high], [more, more_high]) = (whole.halves(), more.halves());
            let owners = owners(out);
            out.numbers(Section::Begins, &[owners, whole, whole_high, more, more_high]);
            of_one.iter().for_each(|(_, owner)| write_owner(out, *owner));
        }
        write_nodes(out, &texts, first);
    }
}

fn write_owner(out: &mut Written, owner: Owner) {
    let Owner { pattern, language, rest, rank, code } = owner;
    let packed = pattern | (rest as u32) << 16 | (language as u32) << 24;
    out.numbers(Section::Owners, &[packed, rank, code]);
}

/// What is left of phrases, each once.
#[derive(Default)]
struct Codes {
    all: Vec<u8>,
    places: HashMap<Vec<u8>, u32>,
}

impl Codes {
    /// Where it begins.
    fn place(&mut self, code: Vec<u8>) -> u32 {
        let next = self.all.len() as u32;
        *self.places.entry(code).or_insert_with_key(|code| {
            self.all.extend_from_slice(code);
            next
        })
    }
}

/// Bytes of a row of beginnings, and of one of owners.
const BEGIN_BYTES: usize = 20;
const OWNER_BYTES: usize = 12;

/// How many owners are written.
fn owners(out: &Written) -> u32 {
    (out.length(Section::Owners) / OWNER_BYTES) as u32
}

/// Writes a trie of texts that are sorted, each once, none empty; the first of them has this number.
pub(super) fn write_nodes<T: AsRef<[u8]>>(out: &mut Written, texts: &[T], first: u32) {
    let start = out.length(Section::Bytes);
    let mut roots = [0; ROOTS];
    // Nodes in order of depth: which texts go through each, and how much of them its byte ends.
    let mut rows = vec![(0..texts.len(), 0_usize)];
    out.bytes(Section::Bytes, &[0]);
    let mut at = 0;
    while let Some((mut here, depth)) = rows.get(at).cloned() {
        let (children, tail) = (out.length(Section::Bytes) as u32, out.length(Section::Tails) as u32);
        let (mut end, mut deep) = (NONE, depth);
        if depth > 0 {
            let (least, most) = (texts[here.start].as_ref(), texts[here.end - 1].as_ref());
            deep = least.iter().zip(most).take_while(|(one, other)| one == other).count();
            out.bytes(Section::Tails, &least[depth..deep]);
            if least.len() == deep {
                end = first + here.start as u32;
                here.start += 1;
            }
        }
        out.numbers(Section::Nodes, &[children, end, tail]);
        while !here.is_empty() {
            let byte = texts[here.start].as_ref()[deep];
            let same = texts[here.clone()].partition_point(|text| text.as_ref()[deep] <= byte);
            if depth == 0 {
                roots[usize::from(byte)] = out.length(Section::Bytes) as u32;
            }
            out.bytes(Section::Bytes, &[byte]);
            rows.push((here.start..here.start + same, deep + 1));
            here.start += same;
        }
        at += 1;
    }
    debug_assert_eq!(out.length(Section::Bytes) - start, rows.len(), "every node has its byte");
    // Where the children and the tail of the last one end; it has a byte as all have.
    out.numbers(Section::Nodes, &[out.length(Section::Bytes) as u32, NONE, out.length(Section::Tails) as u32]);
    out.bytes(Section::Bytes, &[0]);
    out.numbers(Section::Roots, &roots);
}
