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
    "complete",
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

/// Words of which one says that it is not done and will not be.
const REFUSING: &[&str] = &[
    "no",
    "refuse",
    "refused",
    "decline",
    "declined",
    "cannot",
    "nein",
    "ablehnen",
    "abgelehnt",
    "verweigern",
    "non",
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
    let nothing_else = said.iter().all(|word| is(DONE, word) || is(BESIDE, word)) && afterwards.iter().all(is_name);
    if says_done && nothing_else && !new_text.contains(['?', '¿', '？']) {
        return Acknowledgement::Done;
    }
    if !says_done && said.iter().any(|word| is(REFUSING, word)) {
        return Acknowledgement::Refused;
    }
    Acknowledgement::Unclear
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
        ] {
            assert_eq!(acknowledgement(text), Acknowledgement::Unclear, "{text}");
        }
    }

    #[test]
    fn a_no_is_told_apart() {
        for text in ["No.", "We cannot erase them.", "Nein, das geht nicht", "Nous refusons", "We refuse"] {
            assert_eq!(acknowledgement(text), Acknowledgement::Refused, "{text}");
        }
    }
}
