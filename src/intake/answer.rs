//! What a letter answers, should it answer a challenge: yes or no, the code, and tokens that may be ours.
//!
//! Candidates only: `verify` compares them. A yes counts in the new text of a letter that no machine wrote, and nowhere
//! else; a vacation responder that echoes our subject and our plus-address confirms nothing.

use std::fmt;

use super::Address;
use super::lexicon::{Group, Lexicon};
use super::normal::fold;
use super::signals::Signals;
use crate::domain::{Language, stored_enum};

/// A yes in a letter of more words than this is no plain yes.
const YES_WORDS_MAX: usize = 60;
const CODES_MAX: usize = 8;
const CODE_SYMBOLS: usize = 6;
const TOKENS_MAX: usize = 16;
/// 26 base-32 symbols carry 128 bits.
const TOKEN_CHARS_MIN: usize = 26;
const TOKEN_CHARS_MAX: usize = 64;

stored_enum! {
    /// What the new text says to a question of ours.
    AnswerIntent, "answer" {
        /// A plain yes.
        Yes = "yes",
        /// A no, or "do not erase".
        No = "no",
        /// Takes the request back.
        Withdraw = "withdraw",
        /// Something of both, or a yes with a condition.
        Unclear = "unclear",
        /// Neither.
        None = "none",
    }
}

/// What a letter answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Yes or no.
    pub intent: AnswerIntent,
    /// What may be a six-symbol code, from the new text, in Crockford's symbols, upper case. At most 8.
    pub codes: Vec<String>,
    /// What may be a token, from plus-addresses, the quoted text and the body, lower case. At most 16.
    pub tokens: Vec<String>,
}

impl Answer {
    pub(super) const fn none() -> Self {
        Self { intent: AnswerIntent::None, codes: Vec::new(), tokens: Vec::new() }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("intent", &self.intent)
            .field("codes", &self.codes.len())
            .field("tokens", &self.tokens.len())
            .finish()
    }
}

/// What the new text of a person's letter says to a question of ours.
pub(super) fn intent(new_text: &str, signals: &Signals) -> AnswerIntent {
    let yes = signals.has_any(Group::Yes);
    let no = signals.has_any(Group::No);
    if signals.has_any(Group::Undo) {
        return AnswerIntent::Withdraw;
    }
    if negates(signals) {
        return if yes { AnswerIntent::Unclear } else { AnswerIntent::No };
    }
    match (yes, no) {
        (true, false) => {
            let plain =
                signals.words <= YES_WORDS_MAX && !hedged(signals) && !signals.asks() && !new_text.contains('?');
            if plain { AnswerIntent::Yes } else { AnswerIntent::Unclear }
        }
        (false, true) => AnswerIntent::No,
        (true, true) => AnswerIntent::Unclear,
        (false, false) => AnswerIntent::None,
    }
}

/// Whether a language that says yes also takes it half back: what is "but" in one may mean nothing in another.
fn hedged(signals: &Signals) -> bool {
    let both = |language: &Language| signals.has(*language, Group::Yes) && signals.has(*language, Group::Hedge);
    Language::ALL.iter().any(both)
}

/// "Do not erase", in any language.
fn negates(signals: &Signals) -> bool {
    let erasing = signals.hits.iter().filter(|hit| hit.is(Group::EraseVerb) || hit.is(Group::EraseNoun));
    erasing.into_iter().any(|hit| {
        let mut negations = signals.around(hit, Group::Negation);
        negations.any(|negation| negation.clause == hit.clause && negation.distance(hit) <= 3)
    })
}

/// Six symbols that may be a code: with a digit or all in capitals, or alone on their line, or behind "code".
pub(super) fn codes(new_text: &str, lexicon: &Lexicon) -> Vec<String> {
    let mut found = Vec::new();
    for line in new_text.lines() {
        let cued = cued_word(line, lexicon);
        let words: Vec<&str> =
            line.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|w| !w.is_empty()).collect();
        let alone = words.len() <= 2;
        let pairs = words.windows(2).filter(|pair| pair.iter().all(|half| half.len() == CODE_SYMBOLS / 2));
        let joined = pairs.map(|pair| pair.concat());
        for word in words.iter().map(|word| word.replace('-', "")).chain(joined) {
            let marked = word.bytes().any(|b| b.is_ascii_digit()) || word.bytes().all(|b| b.is_ascii_uppercase());
            let Some(code) = crockford(&word).filter(|code| marked || alone || cued.as_ref() == Some(code)) else {
                continue;
            };
            if found.len() < CODES_MAX && !found.contains(&code) {
                found.push(code);
            }
        }
    }
    found
}

/// The first six symbols behind "code", "the code is", "code:".
fn cued_word(line: &str, lexicon: &Lexicon) -> Option<String> {
    let folded = fold(line);
    let end = lexicon.ends(Group::CodeCue, &folded).next()?;
    folded[end..]
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .find(|w| !w.is_empty())
        .and_then(|word| crockford(&word.replace('-', "")))
}

/// Crockford's reading of six typed symbols: O is 0, I and L are 1, there is no U.
fn crockford(word: &str) -> Option<String> {
    if word.len() != CODE_SYMBOLS || !word.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let symbols: String = word
        .to_ascii_uppercase()
        .chars()
        .map(|c| match c {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    (!symbols.contains('U')).then_some(symbols)
}

/// What may be a token: long words of base-32 symbols in plus-addresses and texts.
pub(super) fn tokens<'a>(recipients: &'a [Address], texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let details = recipients.iter().filter_map(Address::subaddress);
    for text in details.chain(texts) {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            if found.len() >= TOKENS_MAX {
                return found;
            }
            let fits = (TOKEN_CHARS_MIN..=TOKEN_CHARS_MAX).contains(&word.len());
            let word = word.to_ascii_lowercase();
            if fits && !found.contains(&word) {
                found.push(word);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> AnswerIntent {
        let lexicon = super::super::lexicon::for_tests();
        intent(text, &Signals::of(text, lexicon))
    }

    #[test]
    fn yes_in_four_languages() {
        let yes = ["Ja.", "ok, please do it", "Oui, je confirme", "sí, adelante", "Yes, that was me. Please go ahead."];
        for text in yes.into_iter().chain(["Hi,\nYES\nThanks\nAnna", "Ja, ich bestätige die Löschung.", "Confirmo."])
        {
            assert_eq!(said(text), AnswerIntent::Yes, "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_yes() {
        for text in ["Yes, but please wait until March.", "Yes?", "Ja, aber nicht das Konto löschen", "oui et non"] {
            assert_eq!(said(text), AnswerIntent::Unclear, "{text}");
        }
        for text in ["No.", "Nein, bitte nicht löschen!", "Please don't delete my account", "Non, ce n'était pas moi"]
        {
            assert_eq!(said(text), AnswerIntent::No, "{text}");
        }
        for text in ["", "Where is my parcel?", "I am out of office until Monday."] {
            assert_eq!(said(text), AnswerIntent::None, "{text}");
        }
        for text in ["Please cancel my deletion request", "Bitte die Löschung stoppen", "Anulen mi solicitud"] {
            assert_eq!(said(text), AnswerIntent::Withdraw, "{text}");
        }
    }

    #[test]
    fn codes_as_people_type_them() {
        let lexicon = super::super::lexicon::for_tests();
        for text in ["7K3QM2", "the code is 7k3-qm2, thanks", "Code: 7K3 QM2", "7k3qm2"] {
            assert_eq!(codes(text, lexicon), ["7K3QM2"], "{text}");
        }
        assert_eq!(codes("code O1L2I3", lexicon), ["011213"]);
        assert!(codes("please delete all of it, thanks", lexicon).is_empty());
    }

    #[test]
    fn tokens_from_plus_addresses_and_text() {
        let token = "abcdefghijklmnopqrstuvwxyz";
        let to: Address = format!("support+{}@shop.example", token.to_uppercase()).parse().unwrap();
        assert_eq!(tokens(&[to], std::iter::empty()), [token]);
        assert_eq!(tokens(&[], [format!("see <support+c.{token}@x.example>").as_str()].into_iter()), [token]);
    }
}
