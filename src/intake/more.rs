//! What a letter asks for beside what was read of it: "and the one of Bela Hartwig", "our user Anna and my phone number",
//! "Bela should go too".
//!
//! One principle for every kind of request: whoever or whatever the writer's own words join to what is to be erased, or
//! ask to erase in another sentence, and that no claim holds, brings a person to look. The first of two is never offered as
//! if it were all. So is whoever comes next with no word that joins ("Next: Bela", "Bela has left us"), stands below on a line of
//! their own, or is written with no capitals. Who is only mentioned elsewhere ("as agreed with Anna", "Anna is in Cc") adds nothing. Says only that there is
//! more, never what.

use std::cell::OnceCell;

use super::claims::Claims;
use super::frame::Names;
use super::intent::{Intent, Verdict};
use super::lexicon::{Group, Lexicon, Topic};
use super::normal::fold;
use super::object::object_of;
use super::onecase::is_one_case;
use super::present::Groups;
use super::signals::{Hit, Signals, is_genitive};
use super::tongue::Tongue;
use super::utterance::{Force, force, is_erasing};

mod also;
mod follow;
mod named;
mod pieces;
mod plain;
mod words;

use pieces::{Piece, pieces};

/// Pieces of a letter that are looked at; longer letters ask for something else.
const PIECES_MAX: usize = 120;
/// Words of a sentence that says no more than "Bela too".
const SHORT_WORDS: usize = 7;
/// Words of the label of a field, at most.
const LABEL_WORDS: usize = 4;
/// Words that say why, and join nobody, folded.
const CAUSES: [&str; 22] = [
    "because",
    "since",
    "so",
    "therefore",
    "thus",
    "hence",
    "but",
    "weil",
    "da",
    "denn",
    "aber",
    "also",
    "car",
    "mais",
    "parce",
    "porque",
    "pero",
    "perche",
    "ma",
    "want",
    "omdat",
    "maar",
];
/// Signs and words that join, beside those of the lexicon, folded.
const JOINERS: [&str; 14] = [
    "plus",
    "sowie",
    "nebst",
    "samt",
    "ainsi",
    "evenals",
    "alsmede",
    "oltre",
    "nonche",
    "along",
    "together",
    "including",
    "inclusive",
    "incl",
];

/// What was read of a letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Read {
    /// The writer's own account, profile or data as a whole.
    Own,
    /// Named data of the writer.
    Named,
    /// Somebody else.
    Other,
}

/// The language in which a letter that opens asks for more than was read.
pub(super) fn more(text: &str, verdict: &Verdict, claims: &Claims, names: &Names, lexicon: &Lexicon) -> Option<Tongue> {
    let language = language_of(verdict)?;
    let read = read(verdict, claims);
    let known: Vec<String> =
        claims.names.iter().flat_map(|name| name.split_whitespace()).map(|word| bare(&fold(word)).to_owned()).collect();
    let in_one_case = is_one_case(text.split_whitespace());
    let mut wished = false;
    for piece in pieces(text, names, lexicon).iter().take(PIECES_MAX) {
        let found = Signals::of(&piece.text, lexicon);
        let words = words(&piece.text, &found);
        let groups = groups_of(&found, language);
        let links = OnceCell::new();
        let said = Said { found, groups, links, words, language, read, known: &known, names, in_one_case, lexicon };
        if said.asks_more(piece, &mut wished) {
            return Some(language);
        }
    }
    None
}

/// The language whose words opened the request.
fn language_of(verdict: &Verdict) -> Option<Tongue> {
    verdict.reasons.iter().find_map(|reason| reason.rule.split('.').next()?.parse().ok())
}

fn read(verdict: &Verdict, claims: &Claims) -> Read {
    const OTHERS: [&str; 5] = ["other_user", "end_user", "data_theirs", "pronoun", "several_people"];
    let says =
        |words: &dyn Fn(&str) -> bool| verdict.reasons.iter().any(|reason| reason.rule.split(['+', '.']).any(words));
    let names_somebody = !claims.names.is_empty() || !claims.addresses.is_empty();
    match () {
        () if !says(&|word| word.ends_with("_mine") || word == "forget_me") && names_somebody => Read::Other,
        () if says(&|word| OTHERS.contains(&word)) => Read::Other,
        () if verdict.intent == Intent::ErasureSpecificData => Read::Named,
        () => Read::Own,
    }
}

/// The words of a text as they are written, one for each that was looked up; where folding leaves a doubt which is which, as they
/// were looked up.
fn words(text: &str, found: &Signals) -> Vec<String> {
    let times = |token: &&str| fold(token).split([' ', '\n']).filter(|piece| Signals::is_word(piece)).count();
    let written = text.split_whitespace().flat_map(|token| std::iter::repeat_n(token.to_owned(), times(&token)));
    let words: Vec<String> = written.collect();
    if words.len() == found.words {
        words
    } else {
        (0..found.words).map(|word| found.spelling(word).to_owned()).collect()
    }
}

/// The groups of the hits that cover each word, in one language.
fn groups_of(found: &Signals, language: Tongue) -> Vec<Groups> {
    let mut groups = vec![Groups::default(); found.words];
    for hit in found.hits.iter().filter(|hit| hit.language == language) {
        if let (Topic::Group(group), Some(words)) = (hit.topic, groups.get_mut(hit.first..=hit.last)) {
            words.iter_mut().for_each(|of| of.insert(group));
        }
    }
    groups
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// A word without the English genitive.
fn stem(word: &str) -> &str {
    let core = bare(word);
    core.strip_suffix("'s").or_else(|| core.strip_suffix("\u{2019}s")).unwrap_or(core)
}

/// A paragraph, looked up.
struct Said<'a> {
    found: Signals,
    /// The groups of every word, in this language.
    groups: Vec<Groups>,
    /// Whether each word joins what follows to what stands before, once somebody asked.
    links: OnceCell<Vec<bool>>,
    /// As they are written.
    words: Vec<String>,
    language: Tongue,
    read: Read,
    /// The words of the names that are claimed, folded.
    known: &'a [String],
    names: &'a Names,
    /// Whether the letter makes no difference between large and small letters.
    in_one_case: bool,
    lexicon: &'a Lexicon,
}

impl Said<'_> {
    /// Whether a sentence joins something to a wish, or is one more. `wished` says, and keeps, whether a wish came before.
    fn asks_more(&self, piece: &Piece, wished: &mut bool) -> bool {
        let is_item = piece.is_item || piece.is_line && self.read == Read::Other;
        let openings = self.found.openings().to_vec();
        for first in openings {
            let sentence = self.found.sentence_of(first);
            let (start, end) = (sentence.start, sentence.end);
            let before = *wished;
            let is_field = self.is_field(start, end);
            let more = match self.wish(start) {
                Some(has_object) => {
                    *wished = true;
                    let subject = before && !is_field && self.subject_is_somebody(start, end);
                    subject
                        || before && self.also_names(start, end)
                        || self.joins(start, end)
                        || self.joins_plainly(start, end, before)
                        || self.goes_on(start, end)
                        || self.denies(start, end)
                        || !has_object && self.names_somebody(start, end)
                }
                None if is_field => false,
                None if is_item && before && end - start <= SHORT_WORDS => {
                    let plainly = || self.is_plain(start, end) && self.plain_pair_at(start, end);
                    self.names_somebody(start, end) || self.thing_at(start, end) || plainly()
                }
                None if self.likewise(start, end) => true,
                None => {
                    before
                        && (self.adds(start, end)
                            || self.also_names(start, end)
                            || self.denies(start, end)
                            || self.follows(start, end, piece.signs)
                            || self.joins_plainly(start, end, true))
                }
            };
            if more {
                return true;
            }
        }
        false
    }

    fn hits(&self, start: usize, end: usize) -> impl Iterator<Item = &Hit> {
        self.found.hits_at(start..end).iter().filter(move |hit| hit.language == self.language)
    }

    fn is(&self, word: usize, groups: &[Group]) -> bool {
        self.groups.get(word).is_some_and(|own| own.has(Groups::of(groups)))
    }

    fn has(&self, start: usize, end: usize, groups: &[Group]) -> bool {
        self.hits(start, end).any(|hit| groups.iter().any(|group| hit.is(*group)))
    }

    fn folded(&self, word: usize) -> &str {
        bare(self.found.spelling(word))
    }

    /// Whether a sentence asks to erase, and whether what is to be erased was read.
    fn wish(&self, start: usize) -> Option<bool> {
        let end = self.found.sentence_of(start).end;
        let asks = |hit: &&Hit| {
            (is_erasing(hit) || hit.is(Group::ForgetMe))
                && matches!(force(hit, &self.found), Force::Wish | Force::Doubtful)
        };
        let wishes: Vec<&Hit> = self.hits(start, end).filter(asks).collect();
        // "Type of request: deletion" names the kind of a wish, and no object.
        let read = |hit: &&Hit| !hit.is(Group::EraseVerb) || object_of(hit, &self.found).is_some();
        (!wishes.is_empty()).then(|| wishes.iter().any(read))
    }

    /// "Bela Hartwig must be removed too", "my husband wants to be deleted as well".
    fn subject_is_somebody(&self, start: usize, end: usize) -> bool {
        let is_two = start + 1 < end && self.name_at(start + 1, end);
        let named = self.name_at(start, end) && !self.words[start].ends_with([',', ':']);
        named && (is_two || self.read == Read::Other) || self.person_at(start, end)
    }

    /// "… and the one of Bela", "…, my phone number".
    fn joins(&self, start: usize, end: usize) -> bool {
        const SUBJECTS: [&str; 12] = ["i", "he", "she", "they", "we", "ich", "er", "sie", "elle", "ella", "ze", "hij"];
        let numbered = |word: usize| (start..word).any(|before| self.number_at(before, word));
        (start + 1..end).any(|word| {
            // "She and her husband moved to Spain."
            if self.links(word) && !SUBJECTS.contains(&self.folded(word - 1)) {
                let at = self.behind_also(word + 1, end);
                let called = || self.thing_name_at(at, end) && self.ends_at(at + 2, end);
                return !self.lists_things(word - 1, at)
                    && (self.thing_at(at, end) || self.number_at(at, end) || called());
            }
            let listed =
                self.words[word - 1].ends_with([',', ';']) || self.words[word].starts_with(['(', '&', '+', '/']);
            let at = self.behind_also(word, end);
            if listed && self.is(word, &[Group::Also]) {
                return self.thing_at(at, end);
            }
            // "Anna Garrido, our former assistant" is one.
            if listed && (self.person_at(at, end) || self.lists_things(word - 1, at)) {
                return false;
            }
            // A number behind a comma says more of the one before, unless that has its own.
            listed && (self.item_at(at, end) || self.read == Read::Other && numbered(word) && self.number_at(at, end))
        })
    }

    /// "City: Linz": a field of a form says more of whom it is about, unless its label adds or asks.
    fn is_field(&self, start: usize, end: usize) -> bool {
        let mut labels = start..end.min(start + LABEL_WORDS);
        let label = labels.find(|word| self.words[*word].ends_with(':') && word + 1 < end);
        let goes_on =
            |label: usize| self.marks(start, label + 1) || self.two_names_at(start, end) && self.marks(label + 1, end);
        label.is_some_and(|label| !goes_on(label)) && !self.links(start) && !self.is(start, &[Group::Also])
    }

    /// Whether a word joins what follows to what stands before.
    fn links(&self, word: usize) -> bool {
        let links = |word: usize| {
            let folded = self.folded(word);
            JOINERS.contains(&folded)
                || self.is(word, &[Group::Conjunction])
                || folded == "as" && self.folded(word + 1) == "well"
        };
        let all = self.links.get_or_init(|| (0..self.found.words).map(links).collect());
        all.get(word).is_some_and(|links| *links)
    }

    /// Where what is joined begins, behind "also" and "please".
    fn behind_also(&self, from: usize, end: usize) -> usize {
        let small = |word: usize| {
            self.is(word, &[Group::Also, Group::AnswerWord])
                || ["as", "well", "que", "please", "bitte"].contains(&self.folded(word))
        };
        (from..end).find(|word| !small(*word)).unwrap_or(end)
    }

    /// "The same goes for Bela": not of the writer's own, and not where a "not" stands.
    fn likewise(&self, start: usize, end: usize) -> bool {
        let says = self.hits(start, end).any(|hit| hit.is(Group::Likewise));
        let claimed = || (start..end).any(|word| self.is_claimed(word) || self.words[word].contains('@'));
        says && (self.names_somebody(start, end) || claimed())
            && !self.is_mine(start, end)
            && !self.has(start, end, &[Group::Negation])
            && !self.found.is_question(self.hits(start, end).next().map_or(0, |hit| hit.sentence))
    }

    /// "Bela too", "oh, and that idiot Bela": a short sentence behind the wish that begins or ends with what adds.
    fn adds(&self, start: usize, end: usize) -> bool {
        let polite = |word: usize| {
            self.is(word, &[Group::Request, Group::Courtesy, Group::AnswerWord]) && !self.is(word, &[Group::Also])
        };
        let adding = (start..end).find(|word| self.is(*word, &[Group::Also]) || self.links(*word)).unwrap_or(start);
        if self.is(start, &[Group::Courtesy])
            || self.is_only_mentioned(adding, start, end)
            || self.has(start, end, &[Group::Negation])
        {
            return false;
        }
        let causes = |word: usize| CAUSES.contains(&self.folded(word));
        // "Brightshelf Plus" is one name.
        let capital = |word: usize| {
            let core = bare(&self.words[word]);
            word > start && core.starts_with(char::is_uppercase) && core.chars().any(char::is_lowercase)
        };
        // "Then my husband found another shop" tells of him.
        let joins =
            |word: &usize| self.links(*word) && !causes(*word) && !capital(*word) && self.folded(*word) != "then";
        let link = (start..end.min(start + 2)).find(joins);
        if link.is_some_and(|link| self.thing_at(self.behind_also(link + 1, end), end)) {
            return true;
        }
        let Some(last) = (start..end).rev().find(|word| !polite(*word)) else { return false };
        let before_name =
            (start..end).any(|word| self.is(word, &[Group::Also]) && self.name_at(self.behind_also(word, end), end));
        let adds = link.is_some() || before_name || self.is(start, &[Group::Also]) || self.is(last, &[Group::Also]);
        let also = self.behind_also(start, end);
        end - start <= SHORT_WORDS
            && adds
            && (self.names_somebody(also, end)
                || self.thing_at(also, end)
                || self.genitive(also, end)
                || (also..end).any(|word| self.thing_name_at(word, end)))
    }

    /// "My wife's too."
    fn genitive(&self, start: usize, end: usize) -> bool {
        (start..end).any(|word| is_genitive(self.found.spelling(word)) && !self.is_claimed(word))
    }

    /// "Not bela@team.example, the other one": whom it names is not the one that is meant.
    fn denies(&self, start: usize, end: usize) -> bool {
        let not =
            |word: usize| word > start && self.is(word - 1, &[Group::Negation, Group::LimitExcept, Group::LimitUntil]);
        let other = |hit: &Hit| hit.is(Group::TheOther) && self.has(start, hit.first, &[Group::Negation]);
        let denied = |word: usize| not(word) && (self.words[word].contains('@') || self.is_claimed(word));
        self.read == Read::Other && ((start..end).any(denied) || self.hits(start, end).any(other))
    }
}

#[cfg(test)]
#[path = "more_tests.rs"]
mod tests;
