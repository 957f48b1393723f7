//! A trie of texts: which of them a longer text begins with, in one walk.
//!
//! The children of a node lie side by side, so that a walk touches little memory; it is built from sorted texts in one pass.

/// No text ends at a node.
const NONE: u32 = u32::MAX;

/// Texts, by how they begin.
pub(super) struct Trie {
    /// For every node the first of its children.
    first: Vec<u32>,
    /// For every node the byte that leads to it.
    bytes: Vec<u8>,
    /// For every node the number of the text that ends at it.
    ends: Vec<u32>,
    /// For every first byte its node, 0 where there is none.
    roots: [u32; 256],
}

impl Trie {
    /// Of texts that are sorted, each once, none empty.
    pub fn new<T: AsRef<[u8]>>(texts: &[T]) -> Self {
        let mut trie = Self { first: Vec::new(), bytes: vec![0], ends: vec![NONE], roots: [0; 256] };
        // Nodes in order of depth: which texts go through each, and how much of them.
        let mut rows = vec![(0..texts.len(), 0_usize)];
        let mut node = 0;
        while node < rows.len() {
            let (mut texts_here, depth) = rows[node].clone();
            trie.first.push(trie.bytes.len() as u32);
            if texts_here.clone().next().is_some_and(|text| depth > 0 && texts[text].as_ref().len() == depth) {
                trie.ends[node] = texts_here.start as u32;
                texts_here.start += 1;
            }
            while let Some(text) = texts_here.clone().next() {
                let byte = texts[text].as_ref()[depth];
                let same = texts[texts_here.clone()].partition_point(|text| text.as_ref()[depth] <= byte);
                if node == 0 {
                    trie.roots[usize::from(byte)] = trie.bytes.len() as u32;
                }
                trie.bytes.push(byte);
                trie.ends.push(NONE);
                rows.push((text..text + same, depth + 1));
                texts_here.start += same;
            }
            node += 1;
        }
        trie.first.push(trie.bytes.len() as u32);
        trie
    }

    /// Calls back with the number and the length of every text that this one begins with, the shortest first.
    pub fn walk(&self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        let Some(&byte) = text.first() else { return };
        let mut node = self.roots[usize::from(byte)] as usize;
        let mut depth = 1;
        while node != 0 {
            if self.ends[node] != NONE {
                found(self.ends[node] as usize, depth);
            }
            let Some(byte) = text.get(depth) else { return };
            let (first, next) = (self.first[node] as usize, self.first[node + 1] as usize);
            node = self.bytes[first..next].iter().position(|child| child == byte).map_or(0, |at| first + at);
            depth += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_begins_with_what_it_begins_with() {
        let texts = ["a", "ab", "abcd", "b c", "bd"];
        let trie = Trie::new(&texts);
        let found = |text: &str| {
            let mut found = Vec::new();
            trie.walk(text.as_bytes(), |number, length| found.push((texts[number], length)));
            found
        };
        assert_eq!(found("abcde"), [("a", 1), ("ab", 2), ("abcd", 4)]);
        assert_eq!(found("b cx"), [("b c", 3)]);
        assert!(found("").is_empty() && found("bc").is_empty() && found("x").is_empty());
        assert_eq!(found("a"), [("a", 1)]);
        Trie::new::<&str>(&[]).walk(b"a", |_, _| panic!("nothing is found in nothing"));
    }
}
