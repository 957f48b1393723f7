//! Whether a letter asks for the account or the data of a whole company ("our company account", "all data of my firm") rather
//! than for the writer's own.
//!
//! For an owner the two are one. Somebody else who asks so must not be offered their own profile as if it were all: `flow`
//! asks the authority table for the account then.

use super::judge::Texts;
use super::lexicon::Group;
use super::signals::{Hit, Signals};
use super::tongue::Tongue;
use super::utterance::{Force, force, is_erasing};

/// Sentences before a wish in which its "it" may have been named.
const NAMED_BEFORE: usize = 2;

/// What says that something is the writer's own, folded.
const MINE: [&str; 20] = [
    "me", "my", "mich", "mein", "meine", "meinen", "mon", "ma", "mes", "moi", "mi", "mis", "mij", "mijn", "mio", "mia",
    "miei", "myself", "mine", "meins",
];

/// The language in which one of these texts asks to erase what is a whole company's.
pub(super) fn company(texts: &Texts, twin: Option<&Signals>) -> Option<Tongue> {
    let asks = texts.all().into_iter().chain(twin).find_map(asked);
    // "Our company account" may stand in the subject alone, and the text asks for no more than "it".
    asks.or_else(|| {
        let named = texts.subject.iter().flat_map(|subject| &subject.hits).find(|hit| hit.is(Group::Company));
        let mine = texts.new.has_any(Group::AccountMine) || texts.new.has_any(Group::DataMine);
        named.filter(|_| !mine).map(|hit| hit.language)
    })
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

fn asked(found: &Signals) -> Option<Tongue> {
    let wishes = |hit: &&Hit| {
        (is_erasing(hit) || hit.is(Group::ForgetMe)) && matches!(force(hit, found), Force::Wish | Force::Doubtful)
    };
    found.hits.iter().filter(wishes).find(|wish| names_company(wish, found)).map(|wish| wish.language)
}

/// Whether the sentence of a wish names what is a company's, or stands behind one that does and says "it".
fn names_company(wish: &Hit, found: &Signals) -> bool {
    let mine = found.sentence_of(wish.first).any(|word| MINE.contains(&bare(found.spelling(word))));
    // "Please remove my profile from our account" asks for one's own.
    let is_place = |hit: &Hit| mine && found.within(hit, Group::AccountPlace);
    let is_company = |hit: &Hit| hit.language == wish.language && hit.is(Group::Company) && !is_place(hit);
    let before = wish.sentence.saturating_sub(NAMED_BEFORE);
    let from = if found.beside(wish, Group::Pronoun) { before } else { wish.sentence };
    found.sentences(from, wish.sentence).iter().any(is_company)
}
