//! Who is named next behind a wish, with no word that adds them: "Next: Bela Hartwig.", "Same story with Bela Hartwig", "Bela
//! Hartwig has left us".

use super::also::{MYSELF, PRONOUNS};
use super::named::ARTICLES;
use super::{Read, Said, stem};
use crate::intake::lexicon::Group;
use crate::intake::signals::Hit;
use crate::intake::unread::POSSESSIVES;

/// Words of a sentence that begins with a name and tells of no more than that somebody is gone.
const LED_WORDS: usize = 10;
/// Words behind a name that say "the same" of it.
const SAME_WORDS: usize = 6;
/// Words behind "my wife's" in which nothing is told of her.
const BEHIND_WORDS: usize = 2;

impl Said<'_> {
    /// Whether a sentence behind the wish names somebody next.
    pub(super) fn follows(&self, start: usize, end: usize, signs: bool) -> bool {
        if signs || self.has(start, end, &[Group::Mention, Group::Regards]) {
            return false;
        }
        self.marked(start, end)
            || self.led_by_name(start, end)
            || self.bare_object(start, end)
            || self.same_of_somebody(start, end)
    }

    /// "And then there is Bela Hartwig", "Next: my husband's": nothing but small words stand before whoever comes next.
    fn marked(&self, start: usize, end: usize) -> bool {
        let mut marked = false;
        for word in start..end {
            if marked && self.somebody_at(word, end) {
                return true;
            }
            let marks = self.is_mark(word) || self.is(word, &[Group::Also, Group::Likewise]);
            marked |= marks;
            if !marks && !self.is_small(word) {
                return false;
            }
        }
        false
    }

    /// "…, then Bela Hartwig", "… (same story: Bela Hartwig)": behind the wish in its own sentence.
    pub(super) fn goes_on(&self, start: usize, end: usize) -> bool {
        let known = |word: usize| self.known.is_empty() || (start..word).any(|before| self.is_claimed(before));
        (start + 1..end)
            .filter(|word| self.is_mark(*word) || self.is(*word, &[Group::Also, Group::Likewise]))
            .any(|word| known(word) && self.marked(word, end))
    }

    fn is_small(&self, word: usize) -> bool {
        const LINKS: [Group; 7] = [
            Group::AnswerWord,
            Group::Request,
            Group::TheOther,
            Group::Account,
            Group::Profile,
            Group::OtherUser,
            Group::EndUser,
        ];
        let folded = self.folded(word);
        folded.is_empty()
            || self.is_small_word(word)
            || ARTICLES.contains(&folded)
            || POSSESSIVES.contains(&folded)
            || self.links(word)
            || self.is(word, &LINKS)
    }

    /// Somebody by name, or "my wife's" with nothing told of her.
    fn somebody_at(&self, word: usize, end: usize) -> bool {
        if self.tells(word, end) {
            return false;
        }
        let plain = self.is_plain(self.found.sentence_of(word).start, end) && self.plain_pair_at(word, end);
        let alone = self.read == Read::Other && self.name_at(word, end) && self.ends_at(word + 1, end);
        let named = self.person_named_at(word, end) || self.thing_name_at(word, end) || alone || plain;
        let mut people = self.hits(word, word + 1).filter(|hit| hit.is(Group::Person));
        let theirs = |last: usize| end.saturating_sub(last + 1) <= BEHIND_WORDS && !self.acts(last + 1, end);
        named || people.any(|hit| self.is_somebodys(hit, self.found.sentence_of(word).start) && theirs(hit.last))
    }

    /// "Bela Hartwig has left us", "Bela Hartwig: same".
    fn led_by_name(&self, start: usize, end: usize) -> bool {
        let article = |word: usize| {
            let folded = self.folded(word);
            ["the", "der", "die", "la", "le", "el", "de", "het", "il"].contains(&folded)
                || self.is(word, &[Group::OtherUser, Group::EndUser]) && !self.name_at(word, end)
        };
        let at = (start..end).find(|word| !article(*word)).unwrap_or(end);
        if self.genitive_led(start, end) {
            return true;
        }
        let is_name = at < end && self.person_named_at(at, end);
        if !is_name || self.tells(at, end) {
            return false;
        }
        let no_longer = self.has(at, end, &[Group::NoLonger]);
        let forbids = self.has(at, end, &[Group::Negation]) && !no_longer && !self.marks(at + 2, end);
        match self.read {
            _ if forbids => false,
            _ if self.marks(at + 2, end) && end - at - 2 <= SAME_WORDS => true,
            Read::Other => no_longer || end - at <= LED_WORDS,
            Read::Own | Read::Named => false,
        }
    }

    /// "With my wife the same": nothing else is said.
    fn same_of_somebody(&self, start: usize, end: usize) -> bool {
        let small = |word: usize, hit: &Hit| hit.covers(word) || self.is_mark(word) || self.is_small(word);
        end - start <= LED_WORDS
            && self.marks(start, end)
            && self.hits(start, end).any(|hit| {
                hit.is(Group::Person) && self.is_somebodys(hit, start) && (start..end).all(|word| small(word, hit))
            })
    }

    /// "My wife's is the next one."
    fn genitive_led(&self, start: usize, end: usize) -> bool {
        let to = end.min(start + 2);
        end - start <= SAME_WORDS + 2
            && (start..to).any(|word| self.has_what_is_theirs(word))
            && self.marks(start + 1, end)
    }

    /// Whether one of these words goes on to somebody.
    pub(super) fn marks(&self, from: usize, end: usize) -> bool {
        (from.min(end)..end).any(|word| self.is_mark(word))
    }

    /// "Include Bela Hartwig", "you can throw out Bela Hartwig": in a short sentence beside somebody else, and not "with Bela
    /// Hartwig".
    fn bare_object(&self, start: usize, end: usize) -> bool {
        let shortly = end - start <= super::SHORT_WORDS && self.read == Read::Other;
        let pronoun = |word: usize| PRONOUNS.contains(&self.folded(word)) && self.folded(word) != "you";
        let neither = (start..end).any(|word| ["either", "neither", "nor"].contains(&self.folded(word)));
        let myself = !neither && (MYSELF.contains(&self.folded(start)) || pronoun(start));
        shortly
            && !myself
            && !self.tells(start, end)
            && (!self.has(start, end, &[Group::Negation]) || neither || self.has(start, end, &[Group::NoLonger]))
            && (start + 1..end).any(|word| {
                let label = ["name", "nome", "nombre", "nom", "naam", "nachname"].contains(&self.folded(word - 1));
                let oblique = label || self.is_oblique(word - 1);
                !oblique && !self.words[word - 1].ends_with(':') && self.person_named_at(word, end)
            })
    }

    /// Two words of a name that is no firm's, street's or day's.
    fn person_named_at(&self, word: usize, end: usize) -> bool {
        let after_number = word > 0 && self.folded(word - 1).ends_with(|c: char| c.is_ascii_digit());
        self.two_names_at(word, end) && !after_number && !(word..end.min(word + 3)).any(|word| self.is_of_thing(word))
    }

    /// "Jana Post", "Max Konto": where nothing else can be meant, a word with a capital is of a name whatever it means besides.
    pub(super) fn thing_name_at(&self, word: usize, end: usize) -> bool {
        const FRAME: [Group; 5] =
            [Group::Courtesy, Group::Greeting, Group::Closing, Group::AnswerWord, Group::LimitDate];
        let capital = |word: usize| {
            let core = stem(&self.words[word]);
            core.chars().count() > 2 && core.starts_with(char::is_uppercase) && core.chars().any(char::is_lowercase)
        };
        word + 1 < end
            && capital(word)
            && capital(word + 1)
            && !self.words[word].ends_with([',', ';', '.', ':'])
            && !self.is_word(self.folded(word))
            && !self.names.has(self.folded(word))
            && !self.is_claimed(word)
            && !self.is_claimed(word + 1)
            && !self.lists_things(word, word + 1)
            && !stem(&self.words[word + 1]).ends_with('s')
            && !self.is(word, &FRAME)
            && !self.is(word + 1, &FRAME)
    }
}
