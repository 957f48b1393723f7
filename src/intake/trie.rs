//! A trie of texts: which of them a longer text begins with, in one walk.
//!
//! The children of a node lie side by side, so that a walk touches little memory.

use super::tables::{NONE, ROOTS, Tables, Which};

/// One of the tries of the tables.
#[derive(Clone, Copy)]
pub(super) struct Trie<'t> {
    pub tables: &'t Tables<'t>,
    pub which: Which,
}

impl Trie<'_> {
    /// Whether any text begins with this byte.
    pub fn has_root(self, byte: u8) -> bool {
        self.tables.roots.row(self.which.number() * ROOTS + usize::from(byte)) != [0]
    }

    /// Calls back with the number and the length of every text that this one begins with, the shortest first.
    pub fn walk(self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        let Tables { roots, nodes, bytes, tails, .. } = self.tables;
        let Some(&byte) = text.first() else { return };
        let [root] = roots.row(self.which.number() * ROOTS + usize::from(byte));
        let mut at = root as usize;
        let mut depth = 1;
        while at != 0 {
            let ([first, end, tail], [next, _, tail_end]) = (nodes.row(at), nodes.row(at + 1));
            let tail = &tails[tail as usize..tail_end as usize];
            let Some(there) = text.get(depth..depth + tail.len()) else { return };
            // Tails are of a few signs: they are compared here, sign by sign.
            if there.iter().zip(tail).any(|(one, other)| one != other) {
                return;
            }
            depth += tail.len();
            if end != NONE {
                found(end as usize, depth);
            }
            let Some(byte) = text.get(depth) else { return };
            let (first, next) = (first as usize, next as usize);
            // They stand in order.
            let child = bytes[first..next].iter().position(|child| child >= byte).map_or(next, |child| first + child);
            at = if child < next && bytes[child] == *byte { child } else { 0 };
            depth += 1;
        }
    }
}
