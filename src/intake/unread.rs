//! What stands joined to named data and is not read: "my phone number and my badge". It is never dropped: a person looks.

use super::lexicon::{Group, Topic};
use super::signals::{Hit, Signals};

/// "My" in the languages that open requests.
pub(super) const POSSESSIVES: [&str; 19] = [
    "my", "our", "mein", "meine", "meinen", "meines", "unser", "unsere", "unseren", "mon", "mes", "notre", "nos", "mi",
    "mis", "nuestro", "nuestra", "mio", "mijn",
];
/// Words behind "my" in which its thing is named.
const THING_WORDS: usize = 3;

/// Whether something that no rule reads stands joined to the named data in the sentence of a verb of erasing.
pub(super) fn is_joined(hit: &Hit, found: &Signals) -> bool {
    let around = Around { hit, found };
    let named: Vec<&Hit> = around.hits().filter(|other| matches!(other.topic, Topic::Specific(_))).collect();
    let Some(first) = named.iter().map(|named| named.first).min() else { return false };
    around.owned(first) || named.iter().any(|named| around.bare_behind(named)) || around.contact(&named)
}

struct Around<'a> {
    hit: &'a Hit,
    found: &'a Signals,
}

impl<'a> Around<'a> {
    fn hits(&self) -> impl Iterator<Item = &'a Hit> {
        let language = self.hit.language;
        self.found
            .sentences(self.hit.sentence, self.hit.sentence)
            .iter()
            .filter(move |other| other.language == language)
    }

    fn is(&self, word: usize, groups: &[Group]) -> bool {
        self.hits().any(|other| other.covers(word) && groups.iter().any(|group| other.is(*group)))
    }

    fn is_known(&self, word: usize) -> bool {
        // "Badge" makes a thing of the person before it, and is read as nothing; that "invoice" is no name says no more.
        let nothing = |other: &Hit| other.is(Group::Thing) || other.is(Group::Noun);
        self.hits().any(|other| other.covers(word) && !nothing(other))
    }

    fn opens_clause(&self, word: usize) -> bool {
        let clause = self.hits().find(|other| other.covers(word)).map(|other| other.clause);
        clause.is_some_and(|clause| self.found.clause_words(clause).start == word)
    }

    /// "And my badge": a word for the writer's own, joined by "and" or a comma, with nothing behind it that is read.
    fn owned(&self, first: usize) -> bool {
        const READ: [Group; 9] = [
            Group::AccountMine,
            Group::Account,
            Group::DataMine,
            Group::Data,
            Group::Profile,
            Group::NameCue,
            Group::RestStays,
            Group::ContactMine,
            Group::Courtesy,
        ];
        let sentence = self.found.sentence_of(self.hit.first);
        // "Ma" is an Italian "but".
        let is_my = |word: &usize| match self.found.spelling(*word) {
            "ma" => self.hit.language.as_str() == "fr",
            word => POSSESSIVES.contains(&word),
        };
        let joined = |word: usize| word > 0 && (self.is(word - 1, &[Group::Conjunction]) || self.opens_clause(word));
        let read = |word: usize| {
            let mut named = self
                .hits()
                .filter(|other| matches!(other.topic, Topic::Specific(_)) || READ.iter().any(|group| other.is(*group)));
            named.any(|other| {
                let apart = (word..other.first).any(|between| self.is(between, &[Group::Conjunction]));
                other.last >= word && other.first <= word + THING_WORDS && !apart
            })
        };
        sentence.filter(is_my).any(|word| {
            let behind_verb = word > 0 && self.hit.covers(word - 1);
            (behind_verb || word >= first && joined(word)) && !read(word)
        })
    }

    /// "Phone number and badge", "phone number, badge": one unknown word, and then the clause ends.
    fn bare_behind(&self, named: &Hit) -> bool {
        const ENDS: [Group; 5] =
            [Group::EraseVerb, Group::EraseNoun, Group::PlaceYours, Group::Conjunction, Group::Courtesy];
        let sentence = self.found.sentence_of(self.hit.first);
        let next = named.last + 1;
        let links = self.is(next, &[Group::Conjunction]);
        let word = if links { next + 1 } else { return false };
        let ends = word + 1 >= sentence.end || self.is(word + 1, &ENDS);
        word < sentence.end && !self.is_known(word) && ends
    }

    /// "My name and my phone number": a way to reach the writer that is no named data.
    fn contact(&self, named: &[&Hit]) -> bool {
        let joined = |contact: &&Hit| {
            let before = contact.first > 0 && self.is(contact.first - 1, &[Group::Conjunction]);
            before || self.is(contact.last + 1, &[Group::Conjunction])
        };
        let told = |contact: &&Hit| !self.hits().any(|other| other.is(Group::NameCue) && other.overlaps(contact));
        let read = |contact: &Hit| named.iter().any(|named| named.overlaps(contact));
        let mut contacts = self.hits().filter(|other| other.is(Group::ContactMine));
        contacts.any(|contact| joined(&contact) && told(&contact) && !read(contact))
    }
}
