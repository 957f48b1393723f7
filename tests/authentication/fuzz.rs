//! Letters that nobody wrote: bits that flipped, ends that are missing, halves of two letters. None may make a reader panic
//! or think for long.
//!
//! 100,000 letters in the long run (`tests/run --long`, EXPUNGED_TEST_LONG), 5,000 otherwise, the same ones each time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use expunged::authenticate::{Arrived, Authenticator, FileDns, OurMx};
use expunged::intake::{Lexicon, Limits, parts, read};

use super::attacks::{MX, NOW, Suite};
use crate::support::dice::Dice;
use crate::support::long_run;

/// No letter may take longer.
const LETTER_MAX: Duration = Duration::from_secs(1);
/// Attacks that are large by themselves are judged elsewhere; here they would be nearly all of the time.
const SEED_BYTES_MAX: usize = 64 * 1024;

fn seeds(suite: &Suite) -> Vec<Vec<u8>> {
    let authored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/authored");
    let mut files: Vec<_> = std::fs::read_dir(authored).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "eml"));
    files.sort();
    let forged = suite.forged.iter().chain(&suite.forged_results).chain(&suite.honest).map(|(_, bytes)| bytes.clone());
    let all = files.iter().map(|file| std::fs::read(file).unwrap()).chain(forged);
    all.filter(|bytes| bytes.len() <= SEED_BYTES_MAX).collect()
}

/// One letter made of others.
fn mutated(number: u64, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut dice = Dice::new(number);
    let mut bytes = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(5) {
            0 => bytes.truncate(at),
            1 => {
                let other = &seeds[dice.below(seeds.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[dice.below(other.len())..]);
            }
            2 => {
                let piece = bytes[at..(at + dice.below(200)).min(bytes.len())].to_vec();
                let to = dice.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            _ => {
                for _ in 0..=dice.below(20) {
                    let at = dice.below(bytes.len());
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << dice.below(8);
                    }
                }
            }
        }
    }
    bytes
}

/// Reads a letter in every way that the house has; how long that took.
fn reads(bytes: &[u8], lexicon: &Lexicon, authenticator: &Authenticator, runtime: &tokio::runtime::Handle) -> Duration {
    let began = Instant::now();
    let limits = Limits::default();
    let letter = read(bytes, lexicon, &limits);
    assert!(!letter.defects.contains(&expunged::intake::Defect::ParserPanicked), "the parser panicked");
    let _ = parts(bytes, lexicon, &limits);
    let judge = |bytes: &[u8]| {
        let arrived = Arrived { bytes, at: NOW, our_domain: None, our_mx: OurMx::Trusted(MX) };
        let judged = runtime.block_on(authenticator.authenticate(&arrived));
        assert!(!judged.reasons.iter().any(|reason| reason.says == "it cannot be read"), "it panicked: {judged:?}");
    };
    judge(bytes);
    // Results of an MX in a letter that nothing else stops before they are read.
    let header = bytes.split(|byte| *byte == b'\n').find(|line| line.starts_with(b"Authentication-Results:"));
    if let Some(header) = header {
        judge(&[header.trim_ascii_end(), b"\r\nFrom: ann@shop.example\r\n\r\n"].concat());
    }
    began.elapsed()
}

#[test]
fn letters_that_nobody_wrote_are_read_in_time() {
    let suite = Suite::new();
    let (seeds, lexicon) = (seeds(&suite), Lexicon::embedded());
    let dns = FileDns::parse(&suite.dns).unwrap();
    let authenticator = Authenticator::new(Arc::new(dns), Duration::from_secs(60)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let letters = if long_run() { 100_000 } else { 5_000 };
    let next = AtomicU64::new(0);
    let work = || {
        let mut slow = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= letters {
                return slow;
            }
            let bytes = mutated(number, &seeds);
            let took = reads(&bytes, &lexicon, &authenticator, runtime.handle());
            // A busy machine is no slow letter: what took long is read once more.
            if took > LETTER_MAX && reads(&bytes, &lexicon, &authenticator, runtime.handle()) > LETTER_MAX {
                slow.push((number, took));
            }
        }
    };
    let slow: Vec<(u64, Duration)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(slow.is_empty(), "letters that took longer than a second: {slow:?}");
}
