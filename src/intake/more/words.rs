//! Words that lead to a name behind a wish, or away from it: lists of the lexicon that `follow` reads.

use super::Said;
use crate::intake::lexicon::List;
use crate::intake::tongue::Tongue;

/// Languages that people mix into any other.
const MIXED: [Tongue; 6] = [Tongue::En, Tongue::De, Tongue::Fr, Tongue::Es, Tongue::It, Tongue::Nl];

impl Said<'_> {
    fn lists(&self, word: usize, list: List) -> bool {
        let folded = self.folded(word);
        self.lexicon.lists(folded, list, &[self.language]) || self.lexicon.lists(folded, list, &MIXED)
    }

    /// Whether a word goes on to one more.
    pub(super) fn is_mark(&self, word: usize) -> bool {
        self.lists(word, List::Next)
    }

    /// Whether a word may stand between such a word and a name.
    pub(super) fn is_small_word(&self, word: usize) -> bool {
        self.lists(word, List::Small)
    }

    /// Whether one of these words tells what somebody does who stays, or is told.
    pub(super) fn tells(&self, from: usize, end: usize) -> bool {
        (from..end).any(|word| self.lists(word, List::Tells))
    }

    /// Whether a word makes of who stands behind it a part of what is told.
    pub(super) fn is_oblique(&self, word: usize) -> bool {
        self.lists(word, List::Oblique)
    }

    /// Whether a word makes a firm, a street or a day of the name before it.
    pub(super) fn is_of_thing(&self, word: usize) -> bool {
        self.lists(word, List::Firm) || self.lists(word, List::Time)
    }
}
