//! `expunged classify --score`: reads a manifest, lets its letters be judged, and shows the figures beside their goals.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::intake::Disposition;
use crate::output::{self, Format, Tabular, counted, progress, say, section};

use super::super::exit::{Ended, Exit, Outcome};
use super::score::{Labelled, Score, Share, Tally, mistake};
use super::{Reader, in_parallel, reasons};

/// One figure and what it ought to be.
#[derive(Serialize)]
struct Figure {
    figure: &'static str,
    letters: u32,
    of: u32,
    share: Option<f64>,
    goal: &'static str,
}

/// How the letters of one language fare.
#[derive(Serialize)]
struct OfLanguage<'a> {
    language: &'a str,
    #[serde(flatten)]
    tally: &'a Tally,
}

/// How the letters of one kind fare.
#[derive(Serialize)]
struct OfKind<'a> {
    kind: &'a str,
    recall: Share,
    precision: Share,
}

/// Letters labelled as one thing and taken for another, or for the same.
#[derive(Serialize)]
struct Confused<'a> {
    label: &'a str,
    taken_for: &'a str,
    letters: u32,
}

/// A letter that was taken for something else than its label.
#[derive(Serialize)]
struct Wrong {
    file: String,
    mistake: &'static str,
    label: String,
    language: String,
    intent: &'static str,
    disposition: Disposition,
    reasons: Vec<String>,
}

/// The whole score as one document.
#[derive(Serialize)]
struct Document<'a> {
    letters: u32,
    figures: &'a [Figure],
    languages: &'a [OfLanguage<'a>],
    kinds: &'a [OfKind<'a>],
    confusion: &'a [Confused<'a>],
}

/// Judges the letters of a manifest and shows how well, or which ones wrongly.
pub(super) fn run(format: Format, manifest: &Path, wrong: bool, reader: &Reader) -> Outcome {
    let letters = load(manifest)?;
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let bar = progress("judging letters");
    let judged = in_parallel(&letters, |letter| {
        let bytes = std::fs::read(folder.join(&letter.file));
        bytes.map(|bytes| reader.read(&bytes)).with_context(|| format!("cannot read {}", letter.file))
    });
    bar.finish_and_clear();
    let (mut score, mut mistaken, mut unread) = (Score::default(), Vec::new(), 0);
    for (letter, judged) in letters.into_iter().zip(judged) {
        let intake = match judged {
            Ok((intake, _)) => intake,
            Err(error) => {
                unread += 1;
                say(&format!("{error:#}"));
                continue;
            }
        };
        score.add(&letter, &intake);
        if let Some(mistake) = mistake(&letter, &intake).filter(|_| wrong) {
            mistaken.push(Wrong {
                mistake,
                label: letter.expected().to_owned(),
                file: letter.file,
                language: letter.language,
                intent: intake.verdict.intent.label(),
                disposition: intake.verdict.disposition,
                reasons: reasons(&intake.verdict),
            });
        }
    }
    if wrong {
        output::rows(format, &mistaken)?
    } else {
        show(format, &score)?
    }
    match unread {
        0 => Ok(()),
        _ => Err(Ended::saying(
            Exit::Failed,
            format_args!("{} could not be read", counted(unread as u64, "letter", "letters")),
        )),
    }
}

fn load(manifest: &Path) -> Result<Vec<Labelled>, Ended> {
    let text = std::fs::read_to_string(manifest).map_err(|error| Ended::unread(manifest, error))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let parsed = lines.map(|(at, line)| {
        let parsed = serde_json::from_str(line);
        parsed.with_context(|| {
            format!("{}:{}: no labelled letter (JSON: file, label, language)", manifest.display(), at + 1)
        })
    });
    parsed.collect::<anyhow::Result<_>>().map_err(|error| Ended::new(Exit::Usage, error))
}

fn show(format: Format, score: &Score) -> anyhow::Result<()> {
    let figures = figures(&score.all);
    let languages: Vec<OfLanguage<'_>> =
        score.languages.iter().map(|(language, tally)| OfLanguage { language, tally }).collect();
    let kinds: BTreeSet<&String> = score.recall.keys().chain(score.precision.keys()).collect();
    let of =
        |shares: &std::collections::BTreeMap<String, Share>, kind: &str| shares.get(kind).copied().unwrap_or_default();
    let kinds: Vec<OfKind<'_>> = kinds
        .into_iter()
        .map(|kind| OfKind { kind, recall: of(&score.recall, kind), precision: of(&score.precision, kind) })
        .collect();
    let confusion: Vec<Confused<'_>> = score
        .confusion
        .iter()
        .map(|((label, taken_for), letters)| Confused { label, taken_for, letters: *letters })
        .collect();
    let people = format!("{}{}{}\n{}", output::table(&figures), section(&languages), section(&kinds), matrix(score));
    let (figures, languages) = (figures.as_slice(), languages.as_slice());
    let (kinds, confusion) = (kinds.as_slice(), confusion.as_slice());
    let document = Document { letters: score.all.right.of, figures, languages, kinds, confusion };
    output::one(format, &document, people.trim_end())
}

fn figures(all: &Tally) -> Vec<Figure> {
    let figure =
        |figure, share: Share, goal| Figure { figure, letters: share.hits, of: share.of, share: share.share(), goal };
    vec![
        figure("erasure_open_or_review", all.erasure_open_or_review, ">= 99.5 %"),
        figure("erasure_open", all.erasure_open, ">= 95 %"),
        figure("erasure_right_kind", all.erasure_right_kind, ">= 90 %"),
        figure("others_open", all.others_open, "<= 0.3 %"),
        figure("others_review", all.others_review, "<= 2 %"),
        figure("yes", all.yes, ">= 98 %"),
        figure("machine_yes", all.machine_yes, "0"),
        figure("spam", all.spam, ">= 90 %"),
        figure("subject", all.subject, "-"),
        figure("right", all.right, "-"),
    ]
}

/// The confusion matrix: a row per label, a column per what letters were taken for, named by their numbers.
fn matrix(score: &Score) -> String {
    let labels: BTreeSet<&String> = score.confusion.keys().flat_map(|(label, taken)| [label, taken]).collect();
    let mut out = String::from("taken for (columns as the rows)\n");
    let head: String = (1..=labels.len()).map(|column| format!("{column:>6}")).collect();
    out.push_str(&format!("{:27}{head}\n", ""));
    for (row, label) in labels.iter().enumerate() {
        let cells = labels.iter().map(|taken| {
            let count = score.confusion.get(&((*label).clone(), (*taken).clone()));
            count.map_or_else(|| format!("{:>6}", "."), |count| format!("{count:>6}"))
        });
        out.push_str(&format!("{:>3} {label:23}{}\n", row + 1, cells.collect::<String>()));
    }
    out
}

fn percent(share: Share) -> String {
    share.share().map_or_else(|| "-".to_owned(), |share| format!("{:.1}", share * 100.0))
}

impl Tabular for Figure {
    const HEADS: &'static [&'static str] = &["figure", "letters", "of", "%", "goal"];

    fn cells(&self) -> Vec<String> {
        let share = percent(Share { hits: self.letters, of: self.of });
        vec![self.figure.to_owned(), self.letters.to_string(), self.of.to_string(), share, self.goal.to_owned()]
    }
}

impl Tabular for OfLanguage<'_> {
    const HEADS: &'static [&'static str] = &[
        "language",
        "letters",
        "right %",
        "erasure",
        "open or review %",
        "open %",
        "right kind %",
        "others",
        "opened",
        "reviewed",
    ];

    fn cells(&self) -> Vec<String> {
        let tally = self.tally;
        vec![
            self.language.to_owned(),
            tally.right.of.to_string(),
            percent(tally.right),
            tally.erasure_open.of.to_string(),
            percent(tally.erasure_open_or_review),
            percent(tally.erasure_open),
            percent(tally.erasure_right_kind),
            tally.others_open.of.to_string(),
            tally.others_open.hits.to_string(),
            tally.others_review.hits.to_string(),
        ]
    }
}

impl Tabular for OfKind<'_> {
    const HEADS: &'static [&'static str] = &["kind", "labelled", "recall %", "taken for it", "precision %"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.kind.to_owned(),
            self.recall.of.to_string(),
            percent(self.recall),
            self.precision.of.to_string(),
            percent(self.precision),
        ]
    }
}

impl Tabular for Wrong {
    const HEADS: &'static [&'static str] =
        &["mistake", "file", "language", "label", "intent", "disposition", "because"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.mistake.to_owned(),
            self.file.clone(),
            self.language.clone(),
            self.label.clone(),
            self.intent.to_owned(),
            self.disposition.to_string(),
            self.reasons.join(", "),
        ]
    }
}
