//! A trie of texts: which of them a longer text begins with, in one walk.
//!
//! The children of a node lie side by side, so that a walk touches little memory; it is built from sorted texts in one pass.

/// No text ends at a node.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Node {
    /// The first of its children; those of the next node begin where they end.
    first: u32,
    /// The number of the text that ends here.
    end: u32,
}

/// Texts, by how they begin.
pub(super) struct Trie {
    nodes: Vec<Node>,
    /// For every node the byte that leads to it.
    bytes: Vec<u8>,
    /// For every first byte its node, 0 where there is none.
    roots: [u32; 256],
}

impl Trie {
    /// Of texts that are sorted, each once, none empty.
    pub fn new<T: AsRef<[u8]>>(texts: &[T]) -> Self {
        let mut trie = Self { nodes: Vec::new(), bytes: vec![0], roots: [0; 256] };
        // Nodes in order of depth: which texts go through each, and how much of them.
        let mut rows = vec![(0..texts.len(), 0_usize)];
        while let Some((mut here, depth)) = rows.get(trie.nodes.len()).cloned() {
            let mut node = Node { first: trie.bytes.len() as u32, end: NONE };
            if depth > 0 && texts[here.start].as_ref().len() == depth {
                node.end = here.start as u32;
                here.start += 1;
            }
            while !here.is_empty() {
                let byte = texts[here.start].as_ref()[depth];
                let same = texts[here.clone()].partition_point(|text| text.as_ref()[depth] <= byte);
                if depth == 0 {
                    trie.roots[usize::from(byte)] = trie.bytes.len() as u32;
                }
                trie.bytes.push(byte);
                rows.push((here.start..here.start + same, depth + 1));
                here.start += same;
            }
            trie.nodes.push(node);
        }
        trie.nodes.push(Node { first: trie.bytes.len() as u32, end: NONE });
        trie
    }

    /// Calls back with the number and the length of every text that this one begins with, the shortest first.
    pub fn walk(&self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        let Some(&byte) = text.first() else { return };
        let mut at = self.roots[usize::from(byte)] as usize;
        let mut depth = 1;
        while at != 0 {
            let Node { first, end } = self.nodes[at];
            if end != NONE {
                found(end as usize, depth);
            }
            let Some(byte) = text.get(depth) else { return };
            let (first, next) = (first as usize, self.nodes[at + 1].first as usize);
            at = self.bytes[first..next].iter().position(|child| child == byte).map_or(0, |child| first + child);
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
