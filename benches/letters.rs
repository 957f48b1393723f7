//! Letters a second on one core: what reading and judging one takes, beside the floor, which is the bare MIME parser. The goals
//! are 10,000 letters a second and a quarter of the parser's speed.
//!
//! Reads the letters that are committed (`tests/mail/authored`), or those of the folder that `EXPUNGED_CORPUS` names.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use expunged::intake::{Lexicon, Limits, read};
use mail_parser::MessageParser;

/// How often all of them are read; the fastest counts, and the first makes the patterns ready.
const ROUNDS: usize = 5;

fn main() -> Result<()> {
    let authored = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/authored");
    let folder = std::env::var_os("EXPUNGED_CORPUS").map_or_else(authored, PathBuf::from);
    let letters = letters(&folder)?;
    let start = Instant::now();
    let lexicon = Lexicon::embedded();
    let ready = start.elapsed();
    let (mut floor, mut all, mut first) = (Duration::MAX, Duration::MAX, None);
    for _ in 0..ROUNDS {
        let parse = |letter: &Vec<u8>| MessageParser::default().parse(letter).map_or(0, |parsed| parsed.parts.len());
        floor = floor.min(timed(&letters, parse));
        let taken = timed(&letters, |letter| read(letter, &lexicon, &Limits::default()).quoted_bytes);
        first.get_or_insert(taken);
        all = all.min(taken);
    }
    let a_second = |taken: Duration| letters.len() as f64 / taken.as_secs_f64();
    println!("{} letters, one core", letters.len());
    println!("    the lexicons made ready   {ready:>10.1?}");
    println!("    floor (mail-parser)       {:>10.0} letters/s", a_second(floor));
    println!("    read and judged           {:>10.0} letters/s  (goal 10,000)", a_second(all));
    println!("    the same, first time      {:>10.0} letters/s", a_second(first.unwrap_or(all)));
    println!("    ratio                     {:>10.2}x  (goal 0.25x)", floor.as_secs_f64() / all.as_secs_f64());
    Ok(())
}

/// How long the work takes on all letters, one after the other.
fn timed(letters: &[Vec<u8>], work: impl Fn(&Vec<u8>) -> usize) -> Duration {
    let start = Instant::now();
    std::hint::black_box(letters.iter().map(work).sum::<usize>());
    start.elapsed()
}

/// The letters of a folder's manifest.
fn letters(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let manifest = folder.join("manifest.jsonl");
    let text = std::fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let letter = |line: &str| {
        let entry: serde_json::Value = serde_json::from_str(line)?;
        let file = folder.join(entry["file"].as_str().context("a letter without a file")?);
        std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
    };
    text.lines().map(letter).collect()
}
