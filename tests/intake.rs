//! Promise: no erasure request is lost among other letters, and no other letter is taken for one.
//!
//! The committed letters (`tests/mail/authored`) and sentences (`tests/mail/sentences`), our own texts, always run. `EXPUNGED_CORPUS` names a folder with a larger
//! `manifest.jsonl`; its figures are printed (`--nocapture`) and held to the goals below.
//!
//! Figures of the development split of that corpus (1,269 letters in the four languages, on which the words and rules were
//! tuned, so that letters never seen will fare worse): of 238 letters that ask for an erasure 228 are opened, 9 go to a
//! person and 1 is left as ordinary ("How do I delete my account?", which its label accepts): recall 0.996. Of 1,031 others
//! none is opened against its label (some "close my account" are labelled as a cancellation that may be read as an erasure,
//! and are opened), 9 go to a person: precision 1.000. The kind of erasure is the labelled one in 217 of the 228. Of 249
//! returned letters 12 are not seen to be such; none of them opens or confirms anything. A letter that asks for access and
//! erasure counts as an erasure.

#![expect(clippy::print_stdout, reason = "the figures are what the scorer is for")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use expunged::intake::{AnswerIntent, Intake, Intent, Lexicon, Limits, Tongue, read};
use serde::Deserialize;

/// Share of erasure letters that are opened or put before a person.
const RECALL_MIN: f64 = 0.97;
/// Share of opened letters that are erasure letters.
const PRECISION_MIN: f64 = 0.95;

#[derive(Deserialize)]
struct Labelled {
    file: PathBuf,
    label: String,
    language: String,
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    acceptable: Vec<String>,
}

impl Labelled {
    fn load(dir: &Path) -> Vec<Self> {
        let manifest = std::fs::read_to_string(dir.join("manifest.jsonl")).unwrap();
        let letters = manifest.lines().map(|line| serde_json::from_str::<Self>(line).unwrap());
        letters.filter(|letter| ["en", "de", "fr", "es"].contains(&letter.language.as_str())).collect()
    }

    /// Whether it asks for an erasure, be it as its second wish.
    fn is_erasure(&self) -> bool {
        std::iter::once(&self.label).chain(&self.also).any(|label| label.starts_with("erasure_"))
    }

    /// Whether a careful person could defend the other reading too.
    fn either(&self) -> bool {
        self.acceptable.iter().any(|label| label.starts_with("erasure_") != self.is_erasure())
    }

    fn read(&self, dir: &Path, lexicon: &Lexicon) -> Intake {
        read(&std::fs::read(dir.join(&self.file)).unwrap(), lexicon, &Limits::default())
    }
}

#[derive(Default)]
struct Score {
    erasures: u32,
    opened: u32,
    unclear: u32,
    scope_right: u32,
    others: u32,
    taken: u32,
    others_unclear: u32,
    by_label: BTreeMap<(String, String), u32>,
    wrong: Vec<String>,
}

impl Score {
    fn of(dir: &Path) -> Self {
        let lexicon = Lexicon::embedded().unwrap();
        let mut score = Self::default();
        for letter in Labelled::load(dir) {
            let intake = letter.read(dir, &lexicon);
            score.add(&letter, &intake);
            let machine = matches!(letter.label.as_str(), "auto_reply" | "bounce");
            let confirms = intake.verdict.intent == Intent::Confirm || intake.answer.intent == AnswerIntent::Yes;
            assert!(!(machine && confirms), "{} confirms, and a machine wrote it", letter.file.display());
        }
        score
    }

    fn add(&mut self, letter: &Labelled, intake: &Intake) {
        let verdict = &intake.verdict;
        *self.by_label.entry((letter.label.clone(), verdict.intent.to_string())).or_default() += 1;
        let opened = verdict.intent.is_erasure();
        let unclear = verdict.intent == Intent::Unclear;
        if letter.is_erasure() {
            self.erasures += 1;
            self.opened += u32::from(opened);
            self.unclear += u32::from(unclear);
            self.scope_right += u32::from(opened && verdict.intent.as_str() == letter.label);
        } else {
            self.others += 1;
            self.taken += u32::from(opened && !letter.either());
            self.others_unclear += u32::from(unclear);
        }
        let odd = match (letter.is_erasure(), opened, unclear, letter.either()) {
            (true, false, false, false) => "LOST ",
            (true, false, false, true) => "left ",
            (false, true, _, false) => "TAKEN",
            (_, _, true, _) => "asked",
            (true, true, ..) if verdict.intent.as_str() != letter.label => "scope",
            _ => return,
        };
        self.wrong.push(format!("{odd} {} {} {verdict:?}", letter.file.display(), letter.label));
    }

    fn lost(&self) -> u32 {
        self.erasures - self.opened - self.unclear
    }

    fn recall(&self) -> f64 {
        1.0 - f64::from(self.lost()) / f64::from(self.erasures.max(1))
    }

    fn precision(&self) -> f64 {
        f64::from(self.opened) / f64::from((self.opened + self.taken).max(1))
    }

    fn print(&self) {
        for line in &self.wrong {
            println!("{line}");
        }
        for ((label, intent), count) in &self.by_label {
            println!("{label:24} as {intent:24} {count:5}");
        }
        println!(
            "erasure letters {}: opened {} (scope as labelled {}), unclear {}, lost {}",
            self.erasures,
            self.opened,
            self.scope_right,
            self.unclear,
            self.lost()
        );
        println!("other letters {}: taken as erasure {}, unclear {}", self.others, self.taken, self.others_unclear);
        println!("recall {:.4} precision {:.4}", self.recall(), self.precision());
    }
}

#[test]
fn committed_letters_are_understood() {
    let score = Score::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/authored"));
    score.print();
    assert!(score.erasures >= 30 && score.others >= 30);
    assert_eq!((score.lost(), score.taken), (0, 0));
}

#[test]
fn corpus_is_understood() {
    let Some(dir) = std::env::var_os("EXPUNGED_CORPUS") else { return };
    let score = Score::of(Path::new(&dir));
    score.print();
    assert!(score.recall() >= RECALL_MIN && score.precision() >= PRECISION_MIN);
}

/// One line of `tests/mail/sentences`: what the letter must be taken for, its subject and its text.
fn sentence(line: &str) -> Option<(char, String)> {
    let (kind, letter) = line.split_once('|').filter(|(kind, _)| kind.len() == 1)?;
    let (subject, text) = letter.split_once(" § ").unwrap_or(("Hello", letter));
    let head = format!("From: anna@example.org\r\nTo: support@shop.example\r\nSubject: {subject}\r\n");
    let body = text.replace("\\n", "\r\n");
    Some((kind.chars().next()?, format!("{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n")))
}

#[test]
fn sentences_are_understood() {
    let lexicon = Lexicon::embedded().unwrap();
    let measured: Vec<Tongue> = lexicon.measured().map(|(tongue, _)| tongue).collect();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/sentences");
    let mut wrong = Vec::new();
    for tongue in Tongue::ALL {
        // What a language finds that was not measured goes to a person.
        let opens = measured.contains(tongue);
        let text =
            std::fs::read_to_string(dir.join(format!("{tongue}.txt"))).unwrap_or_else(|e| panic!("{tongue}: {e}"));
        let (mut asking, mut others, missed) = (0, 0, wrong.len());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (kind, letter) = sentence(line).unwrap_or_else(|| panic!("{tongue}.txt: {line}"));
            let intent = read(letter.as_bytes(), &lexicon, &Limits::default()).verdict.intent;
            let right = match kind {
                'E' if opens => intent.is_erasure(),
                'E' | 'U' => intent.is_erasure() || intent == Intent::Unclear,
                _ => !intent.is_erasure() && intent != Intent::Unclear,
            };
            asking += u32::from(kind != 'O');
            others += u32::from(kind == 'O');
            if !right {
                wrong.push(format!("{tongue}.txt: {line}: {intent}"));
            }
        }
        println!("{tongue}: {asking} ask for an erasure, {others} do not, {} taken wrongly", wrong.len() - missed);
        assert!(asking >= if opens { 40 } else { 10 }, "{tongue}.txt has too few letters that ask for an erasure");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
