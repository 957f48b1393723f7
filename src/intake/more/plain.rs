//! Who is joined to a wish in a sentence whose capitals say nothing: "and bela hartwig", "BELA HARTWIG TOO".

use super::{Read, Said};
use crate::intake::lexicon::Group;
use crate::intake::onecase::{is_one_case, may_be_name};

/// Words of a sentence that says no more than "bela hartwig too".
const SHORT_WORDS: usize = 6;

impl Said<'_> {
    /// Whether a sentence makes no difference between large and small letters: it begins in small ones, or the whole letter
    /// has no others.
    pub(super) fn is_plain(&self, start: usize, end: usize) -> bool {
        let words = || self.words[start..end].iter().map(String::as_str);
        let begins_small = self.words[start].chars().all(|c| !c.is_uppercase());
        let shouts = words().all(|word| !word.chars().any(char::is_lowercase));
        is_one_case(words()) && (begins_small || shouts || self.in_one_case)
    }

    /// A word that nothing knows and that no claim holds.
    pub(super) fn plain_name_at(&self, word: usize, end: usize) -> bool {
        word < end
            && !self.words[word].contains('@')
            && !self.is_claimed(word)
            && !self.names.has(self.folded(word))
            && !self.found.hits.iter().any(|hit| hit.language == self.language && hit.covers(word))
            && may_be_name(&self.words[word], |word| self.is_word(word))
    }

    /// Two such words side by side.
    pub(super) fn plain_pair_at(&self, word: usize, end: usize) -> bool {
        let apart = || self.words[word].ends_with([',', ';', ':', '.']);
        self.plain_name_at(word, end) && self.plain_name_at(word + 1, end) && !apart()
    }

    /// Whether a sentence names somebody so whom nobody holds.
    pub(super) fn joins_plainly(&self, start: usize, end: usize, wished: bool) -> bool {
        if !self.is_plain(start, end) {
            // "Our user Anna Garrido and bela hartwig".
            let small = |word: usize| self.words[word].chars().all(|c| !c.is_uppercase());
            return self.read == Read::Other
                && (start + 1..end).any(|word| {
                    let at = self.behind_also(word + 1, end);
                    let pair = self.links(word) && self.plain_pair_at(at, end) && self.ends_at(at + 2, end);
                    pair && small(at) && small(at + 1)
                });
        }
        self.joined_plainly(start, end) || self.called_plainly(start, end) || wished && self.adds_plainly(start, end)
    }

    /// "And bela hartwig", and nothing behind it.
    fn joined_plainly(&self, start: usize, end: usize) -> bool {
        (start + 1..end).any(|word| {
            let links = self.links(word);
            let at = if links { self.behind_also(word + 1, end) } else { word };
            // What stands behind a comma at the end of a letter is the name of who writes.
            let listed = self.read == Read::Other && self.words[word - 1].ends_with([',', ';', '/']);
            let at = if self.words.get(at).is_some_and(|_| at < end && self.folded(at) == "a") { at + 1 } else { at };
            let pair = self.plain_pair_at(at, end) && self.ends_at(at + 2, end);
            let one = self.read == Read::Other && links && self.plain_name_at(at, end) && self.ends_at(at + 1, end);
            (links || listed) && (pair || one)
        })
    }

    /// "Our user anna garrido": nobody reads that as a name, so that nobody would be looked for.
    fn called_plainly(&self, start: usize, end: usize) -> bool {
        const PEOPLE: [Group; 3] = [Group::OtherUser, Group::EndUser, Group::PersonCue];
        let people = self.hits(start, end).filter(|hit| PEOPLE.iter().any(|group| hit.is(*group)));
        people.into_iter().any(|hit| {
            let at = hit.last + 1;
            self.plain_pair_at(at, end) || self.plain_name_at(at, end) && self.ends_at(at + 1, end)
        })
    }

    /// "Bela hartwig too", "also bela hartwig".
    fn adds_plainly(&self, start: usize, end: usize) -> bool {
        let also = |word: usize| self.is(word, &[Group::Also]);
        let adds = (start..end).any(also) || self.links(start);
        end - start <= SHORT_WORDS
            && adds
            && !self.has(start, end, &[Group::Mention, Group::Regards, Group::Negation])
            && (start..end).any(|word| {
                self.plain_pair_at(word, end)
                    || self.read == Read::Other && self.plain_name_at(word, end) && self.ends_at(word + 1, end)
            })
    }

    /// Whether what is said ends here, or goes on with no more than "too" or "and".
    pub(super) fn ends_at(&self, word: usize, end: usize) -> bool {
        const SMALL: [Group; 4] = [Group::Also, Group::AnswerWord, Group::Courtesy, Group::Closing];
        word >= end
            || self.words[word - 1].ends_with(['.', ',', ';', '!', ')'])
            || self.links(word)
            || self.is(word, &SMALL)
    }
}
