//! `expunged classify`: what letters ask for, judged by their text as the daemon judges them. Needs no config, keeps
//! nothing, and answers nobody.
//!
//! Whoever names files here has them, so it shows the addresses that they name. A letter that cannot be understood is a
//! record like any other (`review`, with the reason); a file that cannot be read is named on stderr, the others are still
//! judged, and the command ends with 3 where a named path does not exist or is a folder without letters, and with 1 otherwise.

pub(super) mod letters;
mod score;
mod shown;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;

use crate::intake::{self, Address, Intake, Lexicon, Limits, Part, Tongue, Verdict};
use crate::output::{self, Format, Tabular, progress, say};

use super::exit::Outcome;
use super::invocation::Invocation;
use letters::Source;

/// Letters that are judged before the first of them is shown.
const BATCH: usize = 512;

/// What `classify` understands.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 3 where a PATH does not exist or is a folder without letters, and with 1 where a file could not be read \
                  or is no text; the others are judged."
)]
pub(super) struct ClassifyArgs {
    /// Letters: files, folders with all that is in them, mbox files. Default, and `-`: the standard input.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Judges the labelled letters of a manifest (JSON Lines: file, label, language, …) and shows how well.
    #[arg(long, value_name = "MANIFEST", conflicts_with = "paths")]
    score: Option<PathBuf>,
    /// With --score: shows the letters that were taken for something else than their label.
    #[arg(long, requires = "score")]
    wrong: bool,
}

/// What one letter asks for.
#[derive(Debug, Serialize)]
pub(super) struct Classified {
    file: String,
    intent: &'static str,
    also: Vec<&'static str>,
    confidence: f64,
    disposition: intake::Disposition,
    language: Option<Tongue>,
    subjects: Vec<String>,
    categories: Vec<String>,
    reasons: Vec<String>,
    quoted_bytes: usize,
    /// How long parsing and judging took, in microseconds.
    micros: u64,
}

impl Classified {
    fn of(file: String, intake: Intake, micros: u64) -> Self {
        let verdict = &intake.verdict;
        let intent = verdict.intent.label();
        let mut also: Vec<&'static str> = verdict.also.iter().map(|intent| intent.label()).collect();
        also.retain(|other| *other != intent);
        also.dedup();
        let subjects = subjects(&intake);
        Self {
            file,
            intent,
            also,
            confidence: (verdict.confidence * 100.0).round() / 100.0,
            disposition: verdict.disposition,
            language: intake.language,
            subjects,
            categories: intake.claims.categories,
            reasons: reasons(verdict),
            quoted_bytes: intake.quoted_bytes,
            micros,
        }
    }
}

/// The addresses of those whom a letter is about, as far as it says: whom it names, who wrote what it passes on, or who
/// wrote it.
fn subjects(intake: &Intake) -> Vec<String> {
    let passed_on = intake.verdict.reasons.iter().any(|reason| reason.part == Part::Forwarded);
    let forwarded = intake.forwarded_from.as_slice();
    let asker = if intake.passed_on { forwarded } else { &intake.from[..] };
    let own = &intake.claims.own;
    let addresses = match () {
        // What the sender's address stands for is asked for as well, where the others only stand beside the wish.
        () if own.beside => return strings(asker.iter().chain(&own.addresses)),
        () if !own.addresses.is_empty() => &own.addresses[..],
        () if !intake.claims.addresses.is_empty() => &intake.claims.addresses[..],
        () if passed_on && !forwarded.is_empty() => forwarded,
        () => asker,
    };
    strings(addresses)
}

fn strings<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Vec<String> {
    addresses.into_iter().map(|address| address.as_str().to_owned()).collect()
}

impl Tabular for Classified {
    const HEADS: &'static [&'static str] = &["file", "intent", "also", "disposition", "sure", "language", "because"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.file.clone(),
            self.intent.to_owned(),
            self.also.join(" "),
            self.disposition.to_string(),
            format!("{:.2}", self.confidence),
            self.language.map_or_else(|| "-".to_owned(), |tongue| tongue.to_string()),
            self.reasons.first().cloned().unwrap_or_default(),
        ]
    }
}

/// The rules that spoke, each with the part of the letter that it spoke of.
pub(super) fn reasons(verdict: &Verdict) -> Vec<String> {
    verdict.reasons.iter().map(|reason| format!("{}: {}", part(reason.part), reason.rule)).collect()
}

const fn part(part: Part) -> &'static str {
    match part {
        Part::Header => "header",
        Part::Subject => "subject",
        Part::New => "text",
        Part::Forwarded => "forwarded",
        Part::Whole => "letter",
    }
}

/// What judges letters, and how long it takes.
#[derive(Clone)]
pub(super) struct Reader {
    lexicon: Arc<Lexicon>,
    limits: Limits,
}

impl Reader {
    /// One letter and the microseconds that it took.
    pub(super) fn read(&self, bytes: &[u8]) -> (Intake, u64) {
        let began = Instant::now();
        let intake = intake::take_in(bytes, &self.lexicon, &self.limits);
        (intake, u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// The most bytes of a letter that are worth reading: one more than it looks at, so that it can say so.
    const fn bytes_max(&self) -> u64 {
        self.limits.body_bytes_max + 1
    }
}

/// Judges letters, or how letters are judged.
pub(super) async fn run(invocation: &Invocation, args: ClassifyArgs) -> Outcome {
    let format = invocation.format;
    tokio::task::spawn_blocking(move || {
        let reader = Reader { lexicon: Arc::new(Lexicon::embedded()), limits: Limits::default() };
        match &args.score {
            Some(manifest) => shown::run(format, manifest, args.wrong, &reader),
            None => classify(format, &args.paths, &reader),
        }
    })
    .await?
}

fn classify(format: Format, paths: &[PathBuf], reader: &Reader) -> Outcome {
    let found = letters::find(paths)?;
    let mut unread = found.unread;
    let bar = progress("judging letters");
    let mut all = Vec::new();
    for batch in found.sources.chunks(BATCH) {
        let judged = in_parallel(batch, |source: &Source| {
            let bytes = source.read(reader.bytes_max())?;
            let (intake, micros) = reader.read(&bytes);
            Ok::<_, anyhow::Error>(Classified::of(source.name(), intake, micros))
        });
        bar.inc(batch.len() as u64);
        let mut records = Vec::with_capacity(batch.len());
        for (source, judged) in batch.iter().zip(judged) {
            match judged.with_context(|| format!("cannot read {}", source.name())) {
                Ok(record) => records.push(record),
                Err(error) => {
                    unread += 1;
                    say(&format!("{error:#}"));
                }
            }
        }
        if format == Format::Jsonl { output::rows(format, &records)? } else { all.append(&mut records) }
    }
    bar.finish_and_clear();
    if format != Format::Jsonl {
        output::rows(format, &all)?;
    }
    letters::say_passed_over(&found.passed_over);
    found.ended(unread)
}

/// Does the same with many things on all cores; the answers in the order of the things.
fn in_parallel<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(things.len().max(1));
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(at) else { return done };
            done.push((at, work(thing)));
        }
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..cores).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for worker in workers {
            match worker.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, answer)| answer).collect()
}
