//! A letter whose whole content is an attachment: nothing is written in it, or no more than "see attached", and a document hangs
//! on it that nobody here opens.
//!
//! It asks for an erasure where its subject does by the lexicon ("Erasure request", "Löschantrag"), or what it says of the
//! attachment, or where the file's name does ("GDPR_erasure_request.pdf", "article-17.pdf"); then a person opens it, whatever else
//! the subject says: what the paper limits or adds was not read. Otherwise it is what its subject makes of it, an invoice for
//! example. The name of a file is looked at here and kept nowhere.

use super::frame::{Names, without_frame};
use super::intent::{Part, Reason};
use super::letter::Letter;
use super::lexicon::{Group, Lexicon};
use super::normal::fold;
use super::signals::{Hit, Signals};
use super::utterance::{Force, force, undone};

/// The rule that says so.
pub(super) const RULE: &str = "attachment";
/// Words of a text that says no more than where to read.
const POINTING_WORDS: usize = 15;

/// Why a person has to open what is attached; `None` where the letter says something itself, or nothing asks.
pub(super) fn attached(letter: &Letter, said: &[&str], subject: Option<&str>, lexicon: &Lexicon) -> Option<Reason> {
    let names = Names::of(letter);
    let points = |text: &&str| {
        let body = without_frame(text, &names, lexicon);
        body.trim().is_empty()
            || body.split_whitespace().count() <= POINTING_WORDS && lexicon.has(Group::Attached, &fold(&body))
    };
    if letter.documents.is_empty() || !said.iter().all(points) {
        return None;
    }
    let subject = subject.is_some_and(|subject| names_erasure(subject, true, lexicon));
    // "Please remove the attached logo" asks for no erasure, "my erasure request is attached" does.
    let told = || said.iter().any(|text| names_erasure(text, false, lexicon));
    let named = || letter.documents.iter().any(|name| names_erasure(&in_words(name), true, lexicon));
    (subject || told() || named()).then(|| Reason::of(RULE, Part::Whole))
}

/// Whether a few words name an erasure, rather than that of an order or a file.
fn names_erasure(text: &str, by_verb: bool, lexicon: &Lexicon) -> bool {
    const ABOUT: [Group; 6] =
        [Group::AccountMine, Group::Account, Group::DataMine, Group::Data, Group::LawErasure, Group::ForgetMe];
    let found = Signals::of(text, lexicon);
    let erases = |hit: &Hit| match () {
        () if hit.is(Group::LawErasure) || hit.is(Group::ForgetMe) || hit.is(Group::EraseNoun) => true,
        () if hit.is(Group::CloseVerb) => by_verb && found.beside(hit, Group::AccountMine),
        () => by_verb && hit.is(Group::EraseVerb),
    };
    let meant = |hit: &Hit| matches!(force(hit, &found), Force::Wish | Force::Doubtful) && !undone(hit, &found);
    let of_thing = found.has_any(Group::Topic) && !ABOUT.iter().any(|group| found.has_any(*group));
    !of_thing && found.hits.iter().any(|hit| erases(hit) && meant(hit))
}

/// Whether an attachment is something that a person reads.
pub(super) fn is_document(media_type: &str, name: &str) -> bool {
    const TYPES: [&str; 8] = [
        "image/",
        "application/pdf",
        "application/x-pdf",
        "application/msword",
        "application/rtf",
        "text/rtf",
        "application/vnd.openxmlformats-officedocument.wordprocessingml",
        "application/vnd.oasis.opendocument.text",
    ];
    const ENDINGS: [&str; 12] =
        ["pdf", "doc", "docx", "odt", "rtf", "pages", "jpg", "jpeg", "png", "tif", "tiff", "heic"];
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    TYPES.iter().any(|known| media_type.starts_with(known))
        || media_type == "application/octet-stream" && ENDINGS.contains(&ending.as_str())
}

/// A file's name as words: "GDPR_erasure-request.pdf".
fn in_words(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let apart: String = stem.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    apart.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "attached_tests.rs"]
mod tests;
