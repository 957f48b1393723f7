//! How well labelled letters are judged: counts of hits, per figure, language and kind. Prints nothing.
//!
//! A label that a careful person could defend as well (`acceptable`) is no error. Letters that ask for an erasure as
//! their second wish (`also`) count as erasure letters; the kind of erasure is measured on those that are labelled with one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::subjects;
use crate::intake::{AnswerIntent, Disposition, Intake, Intent};

/// One labelled letter of a manifest.
#[derive(Deserialize)]
pub(super) struct Labelled {
    /// Relative to the manifest.
    pub(super) file: String,
    pub(super) label: String,
    #[serde(default)]
    pub(super) language: String,
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    acceptable: Vec<String>,
    #[serde(default)]
    subtype: String,
    #[serde(default)]
    expect: Expected,
}

/// Whom a labelled letter is about.
#[derive(Deserialize, Default)]
struct Expected {
    #[serde(default)]
    subject_email: Option<String>,
}

impl Labelled {
    fn is_erasure(&self) -> bool {
        std::iter::once(&self.label).chain(&self.also).any(|label| is_erasure(label))
    }

    /// What it ought to be taken for. Labels know no yes and no; the subtype tells them.
    pub(super) fn expected(&self) -> &str {
        match self.subtype.as_str() {
            "challenge_confirm" => "confirm",
            _ => &self.label,
        }
    }

    /// Whether it may be taken for this.
    pub(super) fn accepts(&self, taken: &str) -> bool {
        let is_no = taken == "deny" && self.label == "withdraw_or_cancel" && self.subtype == "challenge_deny";
        taken == self.expected() || is_no || self.acceptable.iter().any(|label| label == taken)
    }

    /// Whether what was understood is defensible though it is on the other side of "asks for an erasure".
    fn accepts_other_side(&self, intent: Intent) -> bool {
        intent.is_erasure() != self.is_erasure() && self.accepts(intent.label())
    }

    /// Whether a careful person could say either that it asks for an erasure or that it does not.
    fn is_either(&self) -> bool {
        self.acceptable.iter().any(|label| is_erasure(label) != self.is_erasure())
    }
}

fn is_erasure(label: &str) -> bool {
    label.starts_with("erasure_")
}

/// So many of so many.
#[derive(Clone, Copy, Default, Serialize, Debug)]
pub(super) struct Share {
    pub(super) hits: u32,
    pub(super) of: u32,
}

impl Share {
    pub(super) fn count(&mut self, hit: bool) {
        self.hits += u32::from(hit);
        self.of += 1;
    }

    /// From 0 to 1; `None` of nothing.
    pub(super) fn share(self) -> Option<f64> {
        (self.of > 0).then(|| f64::from(self.hits) / f64::from(self.of))
    }
}

/// What a set of letters comes to.
#[derive(Default, Serialize)]
pub(super) struct Tally {
    /// Letters that were taken for what they are labelled.
    pub(super) right: Share,
    /// Erasure letters that are opened or put before a person.
    pub(super) erasure_open_or_review: Share,
    /// Erasure letters that are opened.
    pub(super) erasure_open: Share,
    /// Letters labelled as an erasure that were taken for its kind.
    pub(super) erasure_right_kind: Share,
    /// Other letters that are opened as an erasure.
    pub(super) others_open: Share,
    /// Ordinary, automatic, returned letters, newsletters and spam that are put before a person.
    pub(super) others_review: Share,
    /// Spam that was known as such.
    pub(super) spam: Share,
    /// Confirmations that were taken for a yes.
    pub(super) yes: Share,
    /// Letters of machines that were taken for a yes.
    pub(super) machine_yes: Share,
    /// Erasure letters of which the data subject's address was found.
    pub(super) subject: Share,
}

/// All counts of a run.
#[derive(Default)]
pub(super) struct Score {
    pub(super) all: Tally,
    pub(super) languages: BTreeMap<String, Tally>,
    /// By (what it is labelled, what it was taken for).
    pub(super) confusion: BTreeMap<(String, String), u32>,
    /// By kind: letters labelled so, and letters taken for it.
    pub(super) recall: BTreeMap<String, Share>,
    pub(super) precision: BTreeMap<String, Share>,
}

impl Score {
    pub(super) fn add(&mut self, letter: &Labelled, intake: &Intake) {
        let language = self.languages.entry(letter.language.clone()).or_default();
        for tally in [&mut self.all, language] {
            tally.add(letter, intake);
        }
        let (expected, taken) = (letter.expected().to_owned(), intake.verdict.intent.label().to_owned());
        let accepted = letter.accepts(&taken);
        self.recall.entry(expected.clone()).or_default().count(accepted);
        self.precision.entry(taken.clone()).or_default().count(accepted || letter.also.contains(&taken));
        *self.confusion.entry((expected, taken)).or_default() += 1;
    }
}

impl Tally {
    fn add(&mut self, letter: &Labelled, intake: &Intake) {
        let verdict = &intake.verdict;
        let (opened, reviewed) = (verdict.opens(), verdict.is_unclear());
        let taken = verdict.intent.label();
        self.right.count(letter.accepts(taken));
        let defensible = letter.accepts_other_side(verdict.intent);
        if letter.is_erasure() {
            self.erasure_open_or_review.count(opened || reviewed || defensible);
            self.erasure_open.count(opened || defensible);
            self.subject(letter, intake);
        } else {
            self.others_open.count(opened && !defensible);
        }
        if is_erasure(&letter.label) {
            self.erasure_right_kind.count(letter.accepts(taken));
        }
        let asks_nothing =
            matches!(letter.label.as_str(), "ordinary" | "auto_reply" | "bounce" | "newsletter" | "spam");
        if asks_nothing && !letter.is_erasure() {
            self.others_review.count(reviewed && !letter.is_either());
        }
        if letter.label == "spam" {
            self.spam.count(taken == "spam");
        }
        if letter.expected() == "confirm" {
            self.yes.count(verdict.intent == Intent::Confirm);
        }
        if matches!(letter.label.as_str(), "auto_reply" | "bounce") {
            self.machine_yes.count(is_yes(intake));
        }
    }

    fn subject(&mut self, letter: &Labelled, intake: &Intake) {
        let Some(subject) = &letter.expect.subject_email else { return };
        self.subject.count(subjects(intake).iter().any(|address| address.eq_ignore_ascii_case(subject)));
    }
}

/// Whether anything in the house would take it for a yes: what words alone call a machine's letter is asked again.
fn is_yes(intake: &Intake) -> bool {
    let believed = intake.machine.is_none() && intake.answer.intent == AnswerIntent::Yes;
    intake.verdict.intent == Intent::Confirm || believed
}

/// How a letter was misjudged, in a word; `None` where it was not.
pub(super) fn mistake(letter: &Labelled, intake: &Intake) -> Option<&'static str> {
    let verdict = &intake.verdict;
    let asks = letter.is_erasure();
    let defensible = letter.accepts_other_side(verdict.intent);
    match verdict.disposition {
        Disposition::Open if !asks && !defensible => Some("opened"),
        Disposition::Review if !asks => Some("asked"),
        Disposition::Review => Some("unsure"),
        Disposition::Open if asks && is_erasure(&letter.label) && !letter.accepts(verdict.intent.label()) => {
            Some("kind")
        }
        Disposition::Open => None,
        _ if asks && !defensible => Some("LOST"),
        _ if !letter.accepts(verdict.intent.label()) => Some("other"),
        _ => None,
    }
}
