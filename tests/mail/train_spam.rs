//! Makes the weights by which spam is told, of labelled letters:
//! `cargo run --release --example train-spam -- MANIFEST config/spam.weights`.
//!
//! First the letters are parted into five, and each part is held against what was learned of the other four; what is printed is
//! of letters that were not learned from. Then the weights are made of all of them.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use expunged::intake::Limits;
use expunged::intake::spam::{Model, SIGNS, Signs, signs};
use smartcore::linalg::basic::arrays::Array as _;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};

/// How often a letter of spam counts, because there is less of it.
const SPAM_COUNTS: usize = 6;
const PARTS: usize = 5;

struct Labelled {
    signs: Signs,
    spam: bool,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (manifest, weights) = arguments.next().zip(arguments.next()).context("usage: train-spam MANIFEST WEIGHTS")?;
    let letters = labelled(&manifest)?;
    let likely = held_out(&letters)?;
    let spam = letters.iter().filter(|letter| letter.spam).count();
    for threshold in [0.1, 0.15, 0.2, 0.25, 0.5, 0.7] {
        let taken =
            |spam: bool| letters.iter().zip(&likely).filter(|(l, p)| l.spam == spam && **p >= threshold).count();
        let (found, wrong, others) = (taken(true), taken(false), letters.len() - spam);
        println!("from {threshold}: {found} of {spam} letters of spam found, {wrong} of {others} others taken for it");
    }
    let (bias, learned) = learn(letters.iter())?;
    std::fs::write(&weights, Model::written(bias, &learned))?;
    println!("{} letters learned from; written to {}", letters.len(), weights.display());
    Ok(())
}

fn labelled(manifest: &Path) -> Result<Vec<Labelled>> {
    let folder = manifest.parent().context("the manifest lies in no folder")?;
    let text = std::fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let letter = |line: &str| -> Result<Labelled> {
        let entry: serde_json::Value = serde_json::from_str(line)?;
        let bytes = std::fs::read(folder.join(entry["file"].as_str().context("a letter without a file")?))?;
        Ok(Labelled { signs: signs(&bytes, &Limits::default()), spam: entry["label"] == "spam" })
    };
    text.lines().map(letter).collect()
}

/// How likely each letter is spam by what was learned of the other parts.
fn held_out(letters: &[Labelled]) -> Result<Vec<f32>> {
    let mut likely = vec![0.0; letters.len()];
    for part in 0..PARTS {
        let others = letters.iter().enumerate().filter(|(at, _)| at % PARTS != part).map(|(_, letter)| letter);
        let (bias, weights) = learn(others)?;
        for (at, letter) in letters.iter().enumerate().filter(|(at, _)| at % PARTS == part) {
            let score: f32 = letter.signs.iter().map(|(sign, value)| weights[sign] * value).sum();
            likely[at] = 1.0 / (1.0 + (-(bias + score)).exp());
        }
    }
    Ok(likely)
}

/// The bias, and a weight for each sign.
fn learn<'l>(letters: impl Iterator<Item = &'l Labelled>) -> Result<(f32, Vec<f32>)> {
    let counted = |letter: &'l Labelled| std::iter::repeat_n(letter, if letter.spam { SPAM_COUNTS } else { 1 });
    let letters: Vec<&Labelled> = letters.flat_map(counted).collect();
    let row = |letter: &&Labelled| {
        let mut row = vec![0.0_f64; SIGNS];
        letter.signs.iter().for_each(|(sign, value)| row[sign] = f64::from(value));
        row
    };
    let rows: Vec<Vec<f64>> = letters.iter().map(row).collect();
    let labels: Vec<i32> = letters.iter().map(|letter| i32::from(letter.spam)).collect();
    let matrix = DenseMatrix::from_2d_vec(&rows)?;
    let parameters = LogisticRegressionParameters::default().with_alpha(1.0);
    let model = LogisticRegression::fit(&matrix, &labels, parameters)?;
    let weights = model.coefficients().iterator(0).map(|weight| *weight as f32).collect();
    let bias = model.intercept().iterator(0).next().copied().unwrap_or_default() as f32;
    Ok((bias, weights))
}
