//! What a recipient answers who was asked to erase: that it is done, that it is not, or something that a person must read.
//!
//! "Done" is what has no other word in it: the whole new text consists of words that say so, and of such as stand beside them,
//! without a negation, a future or an exception; what comes behind a good-bye is a name. A plain no is told apart, because that
//! too is for a person. The words are those of the languages in which we write.

use crate::domain::stored_enum;

stored_enum! {
    /// What the new text of a recipient's letter says.
    Acknowledgement, "acknowledgement" {
        /// It is done.
        Done = "done",
        /// It is not, and will not be.
        Refused = "refused",
        /// Anything else.
        Unclear = "unclear",
    }
}

/// Words up to which a text is read at all: who has more to say says more than "done".
const WORDS_MAX: usize = 40;

/// Words that say it.
const DONE: &[&str] = &[
    "done",
    "erased",
    "deleted",
    "completed",
    "removed",
    "finished",
    "erledigt",
    "gelöscht",
    "vollzogen",
    "entfernt",
    "abgeschlossen",
    "terminé",
    "termine",
    "terminée",
    "effacé",
    "effacées",
    "effacés",
    "effacée",
    "supprimé",
    "supprimées",
    "supprimés",
    "supprimée",
    "fait",
    "hecho",
    "suprimido",
    "suprimidos",
    "borrado",
    "borrados",
    "eliminado",
    "eliminados",
    "terminado",
];

/// Words that change nothing beside them.
const BESIDE: &[&str] = &[
    "hello",
    "hi",
    "dear",
    "team",
    "sir",
    "madam",
    "colleagues",
    "thanks",
    "thank",
    "you",
    "for",
    "your",
    "message",
    "request",
    "it",
    "is",
    "this",
    "we",
    "have",
    "has",
    "been",
    "are",
    "was",
    "were",
    "the",
    "data",
    "all",
    "of",
    "and",
    "now",
    "ok",
    "okay",
    "from",
    "our",
    "systems",
    "system",
    "personal",
    "hallo",
    "guten",
    "tag",
    "sehr",
    "geehrte",
    "damen",
    "herren",
    "danke",
    "vielen",
    "dank",
    "ist",
    "sind",
    "wurde",
    "wurden",
    "die",
    "das",
    "daten",
    "alle",
    "wir",
    "haben",
    "und",
    "auf",
    "bei",
    "uns",
    "bonjour",
    "madame",
    "monsieur",
    "merci",
    "c",
    "est",
    "a",
    "été",
    "ont",
    "les",
    "données",
    "toutes",
    "nous",
    "avons",
    "et",
    "buenos",
    "días",
    "hola",
    "gracias",
    "está",
    "esta",
    "han",
    "sido",
    "los",
    "las",
    "datos",
    "todos",
    "hemos",
    "y",
    "señores",
];

/// Words that begin a good-bye; what follows is a name.
const GOOD_BYE: &[&str] = &[
    "regards",
    "sincerely",
    "cheers",
    "best",
    "kind",
    "yours",
    "grüße",
    "grüßen",
    "gruß",
    "freundlichen",
    "freundliche",
    "mfg",
    "viele",
    "cordialement",
    "salutations",
    "bien",
    "saludos",
    "atentamente",
    "cordialmente",
];

/// Words that begin a question, also one without its sign.
const ASKING: &[&str] =
    &["have", "has", "is", "are", "was", "were", "ist", "sind", "wurde", "wurden", "haben", "est", "avez"];

/// Words behind a good-bye at most: a name, and what somebody is.
const NAME_WORDS_MAX: usize = 8;

/// Words of which one says that it is not done and will not be. A "no" alone says no more than that somebody has to read on.
const REFUSING: &[&str] = &[
    "refuse",
    "refused",
    "decline",
    "declined",
    "cannot",
    "ablehnen",
    "abgelehnt",
    "verweigern",
    "refusons",
    "refusé",
    "rechazamos",
    "rechazado",
    "negamos",
];

/// What may stand between the words of a name.
const IN_NAMES: &[&str] = &["and", "und", "et", "y", "de", "del", "von", "van", "der", "la", "i", "a", "p", "mbh"];

/// What a new text says: without quotes, and without the lines that a mail program adds.
#[must_use]
pub fn acknowledgement(new_text: &str) -> Acknowledgement {
    let words: Vec<&str> = words(new_text).take(WORDS_MAX + 1).collect();
    if words.len() > WORDS_MAX {
        return Acknowledgement::Unclear;
    }
    let is = |list: &[&str], word: &str| list.contains(&word.to_lowercase().as_str());
    let end = words.iter().position(|word| is(GOOD_BYE, word)).unwrap_or(words.len());
    let (said, afterwards) = words.split_at(end);
    let said = said.strip_suffix(&["Mit"]).or_else(|| said.strip_suffix(&["With"])).unwrap_or(said);
    // Behind a good-bye stands a name, and no second thought.
    let is_name = |word: &&str| is(GOOD_BYE, word) || is(IN_NAMES, word) || word.starts_with(char::is_uppercase);
    let says_done = said.iter().any(|word| is(DONE, word));
    let is_known = |word: &&str| is(DONE, word) || is(BESIDE, word);
    // A colon behind the name begins a list: "Not erased: invoices".
    let signed = afterwards.iter().all(is_name)
        && afterwards.len() <= NAME_WORDS_MAX
        && !afterwards.iter().any(|word| is(DONE, word))
        && !new_text.contains([':', '(']);
    let asks = sentences(new_text).any(|first| is(ASKING, first)) || new_text.contains(['?', '¿', '？']);
    // "Thank you for your completed request" is a receipt.
    let receipt = said.windows(2).any(|pair| is(DONE, pair[0]) && is(RECEIVED, pair[1]));
    if says_done && said.iter().all(is_known) && signed && !asks && !receipt {
        return Acknowledgement::Done;
    }
    if !says_done && said.iter().any(|word| is(REFUSING, word)) {
        return Acknowledgement::Refused;
    }
    Acknowledgement::Unclear
}

/// What is received, and not done, where it stands behind a word of [`DONE`].
const RECEIVED: &[&str] = &["request", "message", "data", "daten", "données", "datos"];

/// The first word of each sentence.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split(['.', '!', '\n']).filter_map(|sentence| words(sentence).next())
}

/// The words of a text. What is no word of letters (a number, a sign) is a word of its own, which no list has.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_border =
        |c: char| c.is_whitespace() || ".,;:!?¡¿()\"'’“”„«»-–—*_&".contains(c) || crate::domain::is_unseen(c);
    text.split(is_border).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn done_is_what_says_nothing_else() {
        for text in [
            "done",
            "Done.",
            "DONE!",
            "Hello,\n\nthe data have been erased.\n\nKind regards\nAnna Müller\nParcel & Co.",
            "erledigt",
            "Guten Tag,\n\ndie Daten wurden gelöscht.\n\nMit freundlichen Grüßen\nA. Weiß",
            "Terminé.",
            "C’est fait, merci.",
            "Bonjour,\nles données ont été supprimées.\nCordialement",
            "Hecho",
            "Los datos han sido suprimidos. Saludos",
        ] {
            assert_eq!(acknowledgement(text), Acknowledgement::Done, "{text}");
        }
    }

    #[test]
    fn anything_more_is_for_a_person() {
        for text in [
            "",
            "yes",
            "ok",
            "We will do it.",
            "It will be done.",
            "Not done.",
            "Done, except for the invoices.",
            "Is it done?",
            "The data have not been erased.",
            "Done on 3 May.",
            "wird gelöscht",
            "nicht gelöscht",
            "Pas fait",
            "partly done",
            "Kind regards",
            "Your request has been received.",
            "To be deleted",
            "Daten gelöscht bis auf Rechnungen",
            "Done. Kind regards, but we keep invoices",
            "Done. Best effort, that is, without the archive",
            "Gelöscht mit Ausnahme der Rechnungen",
            "We have your complete request. Thank you.",
            "We have the complete data.",
            "Thank you for your completed request",
            "Have you deleted the data from your systems",
            "Was it completed",
            "Is it done",
            "( ) done",
            "Done.\n\nBest regards\nAnna Weber\nNot Erased: Invoices",
            "Erledigt.\n\nMit freundlichen Grüßen\nAnna Weber\nAusnahme: Rechnungen",
            "No.",
            "No problem, we will delete it this week.",
            "We have no data of this person.",
        ] {
            assert_eq!(acknowledgement(text), Acknowledgement::Unclear, "{text}");
        }
    }

    #[test]
    fn a_no_is_told_apart() {
        for text in ["We cannot erase them.", "Das wird abgelehnt", "Nous refusons", "We refuse"] {
            assert_eq!(acknowledgement(text), Acknowledgement::Refused, "{text}");
        }
    }
}
