//! Whether a letter asks for the account or the data of a whole company ("our company account", "all data of my firm", "our company
//! is closing: delete the account") rather than for the writer's own.
//!
//! For an owner the two are one. Somebody else who asks so must not be offered their own profile as if it were all: `flow`
//! asks the authority table for the account then.

use super::judge::Texts;
use super::lexicon::Group;
use super::object::{Target, object_of};
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

/// A wish for what is a whole company's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Company {
    /// The language that it is said in.
    pub language: Tongue,
    /// Whether the company ends, so that all that it has is its account.
    pub ends: bool,
}

/// The wish of one of these texts to erase what is a whole company's.
pub(super) fn company(texts: &Texts, twin: Option<&Signals>) -> Option<Company> {
    let all = || texts.all().into_iter().chain(twin);
    let named = |language: Tongue| Company { language, ends: false };
    let asks = all().find_map(asked).map(named).or_else(|| {
        // "Our company account" may stand in the subject alone, and the text asks for no more than "it".
        let named_at = texts.subject.iter().flat_map(|subject| &subject.hits).find(|hit| hit.is(Group::Company));
        let mine = texts.new.has_any(Group::AccountMine) || texts.new.has_any(Group::DataMine);
        named_at.filter(|_| !mine).map(|hit| named(hit.language))
    });
    let ended = |wish: &Hit| all().any(|found| found.has(wish.language, Group::CompanyEnds));
    let ends = all().find_map(|found| {
        let language = wishes(found).find(|wish| ended(wish) && is_all(wish, found)).map(|wish| wish.language);
        language.map(|language| Company { language, ends: true })
    });
    ends.or(asks)
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// The words of a text that ask to erase.
fn wishes(found: &Signals) -> impl Iterator<Item = &Hit> {
    found.hits.iter().filter(|hit| {
        let erases = is_erasing(hit) || hit.is(Group::ForgetMe);
        erases && matches!(force(hit, found), Force::Wish | Force::Doubtful)
    })
}

fn asked(found: &Signals) -> Option<Tongue> {
    wishes(found).find(|wish| names_company(wish, found)).map(|wish| wish.language)
}

/// Whether the sentence of a wish says that it is the writer's own; "my company" does not.
fn is_mine(wish: &Hit, found: &Signals) -> bool {
    let of_company = |word: usize| {
        let mut named = found.around(wish, Group::CompanyEnds);
        named.any(|named| named.covers(word) || named.first == word + 1)
    };
    found.sentence_of(wish.first).any(|word| MINE.contains(&bare(found.spelling(word))) && !of_company(word))
}

/// Whether a wish takes the account or everything, and does not say that it is the writer's own.
fn is_all(wish: &Hit, found: &Signals) -> bool {
    let target = object_of(wish, found).map(|(target, ..)| target);
    is_erasing(wish) && matches!(target, Some(Target::Account | Target::Generic)) && !is_mine(wish, found)
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
