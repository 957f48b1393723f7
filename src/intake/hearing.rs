//! In which languages a yes may be heard. One short word is a yes in some language and nothing of the kind in another ("da",
//! "ano", "iva", "može"), and one that is polite agrees to nothing beside thanks for a letter ("alles klar, danke für die
//! Mail").

use super::lexicon::{Group, Lexicon};
use super::normal::cut;
use super::signals::{Hit, Signals};
use super::tongue::Tongue;

/// What everybody knows for a yes, whatever language they write in, folded. The last two are Cyrillic ("да", "так").
const EVERYBODYS: [&str; 8] = ["yes", "ok", "okay", "ja", "oui", "si", "_64_60", "_6i_60_6a"];
/// Letters of different words from which on they tell their language. What is shorter may be a word of any.
const TELLING_LETTERS: usize = 6;
/// The same beside a yes that everybody knows: "ok, kör på".
const BESIDE_LETTERS: usize = 5;
/// What a sign of a script without spaces counts for.
const IDEOGRAPH_LETTERS: usize = 3;
/// Characters of a repeated text by which its language is told.
const QUOTED_CHARS: usize = 2_000;
/// Words of a repeated text that its language has to know.
const QUOTED_WORDS_MIN: usize = 5;
/// Begins what thanks are for, folded.
const FOR: [&str; 11] = ["for", "fur", "fuer", "pour", "por", "per", "pelo", "pela", "voor", "za", "pentru"];
/// Words that agree to something whatever stands beside them, folded.
const FIRM: [&str; 17] =
    ["yes", "yep", "yeah", "ja", "jawohl", "oui", "si", "sim", "tak", "me", "ich", "moi", "io", "yo", "ik", "it", "eu"];
/// How such words begin.
const FIRM_STEMS: [&str; 14] = [
    "confirm",
    "conferm",
    "bestatig",
    "bestaetig",
    "bevestig",
    "potwierdz",
    "bekraft",
    "bekreft",
    "agree",
    "einverstanden",
    "akkoord",
    "proce",
    "adelante",
    "allez",
];

/// Signs beside which a yes is none: thumbs down, crosses, hands that stop, laughter, doubt and anger.
const SIGNS: [char; 33] = [
    '👎', '❌', '❎', '✖', '✗', '✘', '🚫', '⛔', '🛑', '✋', '🖐', '🙅', '🙄', '😂', '🤣', '😆', '😹', '🙃', '😜', '😝',
    '🤪', '😏', '😒', '🤔', '🤨', '🤷', '🤦', '🤡', '💩', '🖕', '😡', '🤬', '😤',
];

/// Whether every word of a yes is one that everybody knows, or courtesy behind such a word: "já takk".
pub(super) fn is_everybodys(hit: &Hit, signals: &Signals) -> bool {
    let known = |word: usize| EVERYBODYS.contains(&bare(signals.spelling(word)));
    let polite = |word: usize| {
        let courtesy = |group: Group| signals.around(hit, group).any(|other| other.covers(word));
        courtesy(Group::Courtesy) || courtesy(Group::AnswerWord)
    };
    known(hit.first) && (hit.first..=hit.last).all(|word| known(word) || polite(word))
}

/// Whether a text tells by more than one short word that it is in a language; less is enough beside a yes that everybody knows.
pub(super) fn tells(signals: &Signals, language: Tongue, beside_yes: bool) -> bool {
    let hits = || signals.hits.iter().filter(|hit| hit.language == language);
    let mut words: Vec<&str> = hits()
        .flat_map(|hit| (hit.first..=hit.last).filter(|word| hit.says(*word)))
        .map(|word| bare(signals.spelling(word)))
        .filter(|word| !EVERYBODYS.contains(word))
        .collect();
    words.sort_unstable();
    words.dedup();
    // Nobody else writes so.
    let alone = matches!(language, Tongue::El | Tongue::Ar) && words.iter().any(|word| word.starts_with('_'));
    let enough = if beside_yes { BESIDE_LETTERS } else { TELLING_LETTERS };
    alone || words.iter().map(|word| letters(word)).sum::<usize>() >= enough
}

/// The language of what a letter repeats: of our question, where it repeats that.
pub(super) fn repeated(text: &str, lexicon: &Lexicon) -> Option<Tongue> {
    let signals = Signals::of(cut(text, QUOTED_CHARS), lexicon);
    let best = Tongue::ALL.iter().copied().max_by_key(|language| signals.weight(*language))?;
    (signals.weight(best) >= QUOTED_WORDS_MIN).then_some(best)
}

/// Whether a text thanks for a letter or for help: whoever does so and says "all right" has only read it.
pub(super) fn thanks_for_letter(signals: &Signals) -> bool {
    signals.hits.iter().filter(|hit| hit.is(Group::Courtesy)).any(|thanks| {
        signals.around(thanks, Group::AnswerWord).any(|hit| {
            let follows = (thanks.last + 1..=thanks.last + 2).contains(&hit.first);
            follows && hit.last > hit.first && FOR.contains(&bare(signals.spelling(hit.first)))
        })
    })
}

/// Whether a yes agrees to something, whatever stands beside it.
pub(super) fn is_firm(hit: &Hit, signals: &Signals) -> bool {
    (hit.first..=hit.last)
        .map(|word| bare(signals.spelling(word)))
        .any(|word| FIRM.contains(&word) || FIRM_STEMS.iter().any(|stem| word.starts_with(stem)))
}

/// Whether a text holds a box without its tick, words that are struck out, or a sign that laughs at them or refuses: nobody says what
/// stands there.
pub(super) fn is_void(text: &str) -> bool {
    const BOXES: [&str; 5] = ["[ ]", "[]", "( )", "☐", "□"];
    let struck = || text.match_indices("~~").any(|(at, _)| text[at + 2..].starts_with(char::is_alphanumeric));
    BOXES.iter().any(|sign| text.contains(sign)) || text.contains(&SIGNS[..]) || struck()
}

/// Letters of a folded word, of whatever script.
fn letters(word: &str) -> usize {
    match word.split('_').filter(|sign| !sign.is_empty()).count() {
        _ if !word.contains('_') => word.chars().count(),
        signs if word.contains("__") => signs * IDEOGRAPH_LETTERS,
        signs => signs,
    }
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::lexicon::for_tests;
    use crate::intake::normal::fold;

    #[test]
    fn what_everybody_knows_is_folded() {
        for (said, at) in [("Да", EVERYBODYS.len() - 2), ("так", EVERYBODYS.len() - 1), ("Sí", 5)] {
            assert_eq!(fold(said), EVERYBODYS[at], "{said}");
        }
    }

    #[test]
    fn more_than_a_short_word_tells_a_language() {
        let found = |text: &str| Signals::of(text, for_tests());
        for (text, language) in
            [("Može", Tongue::Hr), ("año", Tongue::Cs), ("iva, iva", Tongue::Mt), ("ja da", Tongue::Sl)]
        {
            assert!(!tells(&found(text), language, false), "{text}");
        }
        for (text, language) in [
            ("Tak, potwierdzam", Tongue::Pl),
            ("iva grazzi", Tongue::Mt),
            ("Ναι", Tongue::El),
            ("はい、お願いします", Tongue::Ja),
        ] {
            assert!(tells(&found(text), language, false), "{text}");
        }
    }

    #[test]
    fn a_box_needs_its_tick() {
        for void in ["[ ] Yes", "( ) yes", "☐ Ja", "~~yes~~", "Yes 👎", "yes 🙄🙄", "❌ Ja"] {
            assert!(is_void(void), "{void}");
        }
        for said in ["Yes", "[x] Yes", "Yes\n~~~~ Anna ~~~~", "Yes (it was me)", "Yes 👍🏽", "Ja 😊🙏"] {
            assert!(!is_void(said), "{said}");
        }
    }
}
