//! Which groups of which languages a text has at all: asked before anybody looks where they stand.

use super::groups::Group;
use super::lexicon::Topic;
use super::signals::Hit;
use super::tongue::Tongue;

/// Some groups.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Groups(u128);

impl Groups {
    /// These.
    pub const fn of(groups: &[Group]) -> Self {
        let (mut all, mut at) = (0, 0);
        while at < groups.len() {
            all |= 1 << groups[at] as u32;
            at += 1;
        }
        Self(all)
    }

    pub const fn insert(&mut self, group: Group) {
        self.0 |= 1 << group as u32;
    }

    /// Whether they have one of these.
    pub const fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }
}

const _: () = assert!(Group::ALL.len() <= u128::BITS as usize, "every group has a bit");

/// What a text has of a language.
struct Spoken {
    language: Tongue,
    /// How many of its words are within a phrase.
    words: usize,
    /// The first word behind its last phrase so far.
    next: usize,
    groups: Groups,
}

/// What a text has of each language, in their order, and of all.
#[derive(Default)]
pub(super) struct Present {
    languages: Vec<Spoken>,
    all: Groups,
}

impl Present {
    /// Of hits in the order of the text.
    pub fn of(hits: &[Hit]) -> Self {
        let mut present = Self::default();
        for hit in hits {
            let place = present.languages.binary_search_by_key(&hit.language, |spoken| spoken.language);
            let place = place.unwrap_or_else(|place| {
                let spoken = Spoken { language: hit.language, words: 0, next: 0, groups: Groups::default() };
                present.languages.insert(place, spoken);
                place
            });
            let spoken = &mut present.languages[place];
            spoken.words += (hit.last + 1).saturating_sub(hit.first.max(spoken.next));
            spoken.next = spoken.next.max(hit.last + 1);
            if let Topic::Group(group) = hit.topic {
                spoken.groups.insert(group);
                present.all.insert(group);
            }
        }
        present
    }

    /// The languages with how many words of the text each knows.
    pub fn weights(&self) -> impl Iterator<Item = (Tongue, usize)> {
        self.languages.iter().map(|spoken| (spoken.language, spoken.words))
    }

    /// The groups of a language.
    pub fn groups(&self, language: Tongue) -> Groups {
        let spoken = self.languages.iter().find(|spoken| spoken.language == language);
        spoken.map_or_else(Groups::default, |spoken| spoken.groups)
    }

    /// The groups of all languages.
    pub const fn all(&self) -> Groups {
        self.all
    }
}
