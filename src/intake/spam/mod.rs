//! Whether a letter that asks for nothing is spam: a linear model over its build, its headers' names and its words.
//!
//! It only adds suspicion, and only to a letter that nobody would have answered anyway (`read`): no letter that may ask for an
//! erasure, answers one of ours or was written by a person in reply is ever held against it. What it takes for spam is recorded
//! as such and left where it lies.
//!
//! The weights (`config/spam.weights`, a byte for each sign) are made of labelled letters by one command, which also says how
//! well letters are told that were not learned from:
//! `cargo run --release --example train-spam -- MANIFEST config/spam.weights`.

mod signs;

use std::sync::OnceLock;

pub(super) use signs::Markup;
pub use signs::{BUILD, SIGNS, Signs};

use super::letter::Letter;
use super::{Limits, Part, Reason};

const WEIGHTS: &str = include_str!("../../../config/spam.weights");
/// From this probability on a letter that asks for nothing is taken for spam. The model is made of few letters, so that little of
/// spam that it did not learn from reaches a half.
const NOTHING_ASKED: f32 = 0.1;
/// The same of one that may object to advertising: spam says how to do so, and a person's objection has a clock.
const OBJECTED: f32 = 0.9;

/// What a letter is held against.
pub struct Model {
    bias: f32,
    weights: Vec<f32>,
}

impl Model {
    /// The model that the program carries.
    fn embedded() -> &'static Self {
        static EMBEDDED: OnceLock<Model> = OnceLock::new();
        EMBEDDED.get_or_init(|| Self::parse(WEIGHTS).unwrap_or(Self { bias: f32::MIN, weights: Vec::new() }))
    }

    /// Reads weights as [`Model::written`] writes them; `None` where they are not of so many signs.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut head = lines.next()?.split_whitespace();
        let (bias, step): (f32, f32) = (head.next()?.parse().ok()?, head.next()?.parse().ok()?);
        let bytes = data_encoding::HEXLOWER.decode(lines.collect::<String>().as_bytes()).ok()?;
        let weights: Vec<f32> = bytes.iter().map(|byte| f32::from(byte.cast_signed()) * step).collect();
        (weights.len() == SIGNS).then_some(Self { bias, weights })
    }

    /// The weights as text: a comment, the bias with the size of a step, and a byte for each sign in hexadecimal.
    #[must_use]
    pub fn written(bias: f32, weights: &[f32]) -> String {
        let most = weights.iter().fold(f32::MIN_POSITIVE, |most, weight| most.max(weight.abs()));
        let step = most / 127.0;
        let byte = |weight: &f32| (weight / step).round().clamp(-127.0, 127.0) as i8;
        let bytes: Vec<u8> = weights.iter().map(|weight| byte(weight).cast_unsigned()).collect();
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        let lines: Vec<&str> =
            hex.as_bytes().chunks(120).map(|line| str::from_utf8(line).unwrap_or_default()).collect();
        let head =
            "# Made by the example train-spam; see src/intake/spam. Bias, step, and a signed byte for each sign.";
        format!("{head}\n{bias} {step}\n{}\n", lines.join("\n"))
    }

    /// How likely it is that letters with such signs are spam, from 0 to 1.
    fn probability(&self, signs: &Signs) -> f32 {
        let score: f32 =
            signs.iter().map(|(sign, value)| self.weights.get(sign).map_or(0.0, |weight| weight * value)).sum();
        1.0 / (1.0 + (-(self.bias + score)).exp())
    }

    /// Which signs of its build speak most for spam, at most three.
    fn why(&self, signs: &Signs) -> Vec<&'static str> {
        let weigh = |sign: usize, value: f32| self.weights.get(sign).map_or(0.0, |weight| weight * value);
        let mut named: Vec<(f32, &'static str)> = signs
            .iter()
            .filter_map(|(sign, value)| Some((weigh(sign, value), *BUILD.get(sign)?)))
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        named.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        named.into_iter().take(3).map(|(_, name)| name).collect()
    }
}

/// The signs of a letter, for learning from it.
#[must_use]
pub fn signs(bytes: &[u8], limits: &Limits) -> Signs {
    Signs::of(&Letter::parse(bytes, limits))
}

/// Why a letter that asks for nothing, or only `objects` to something, is taken for spam.
pub(super) fn spam(letter: &Letter, objects: bool) -> Option<Vec<Reason>> {
    // Mail programs of people put plain text beside their HTML.
    let by_a_person = objects && !letter.plain.trim().is_empty();
    if by_a_person || !letter.in_reply_to.is_empty() || !letter.references.is_empty() {
        return None;
    }
    let (model, signs) = (Model::embedded(), Signs::of(letter));
    let enough = if objects { OBJECTED } else { NOTHING_ASKED };
    if model.probability(&signs) < enough {
        return None;
    }
    let named = model.why(&signs).into_iter().map(|name| Reason::of(format!("spam.{name}"), Part::Whole));
    Some(std::iter::once(Reason::of("spam.model", Part::Whole)).chain(named).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAM: &str = "Received: from x ([203.0.113.7])\nFrom: \"WIN BIG\" <q8812734@freemail.example>\nTo: undisclosed-recipients:;\n\
        Subject: YOU HAVE WON $1,000,000 !!!\nX-Priority: 1\nX-Mailer: Bulk 2\nContent-Type: text/html\n\n\
        <html><body bgcolor=red><center><font size=7>FREE MONEY! Click here now!!! 100% guaranteed income, work from home, no risk. \
        Order now, limited time offer, credit cards accepted.</font></center></body></html>\n";

    #[test]
    fn the_weights_of_the_program_are_whole() {
        assert!(Model::parse(WEIGHTS).is_some_and(|model| model.weights.iter().any(|weight| *weight != 0.0)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let weights: Vec<f32> = (0..SIGNS).map(|sign| (sign % 255) as f32 - 127.0).collect();
        let read = Model::parse(&Model::written(-1.5, &weights)).unwrap();
        assert!((read.bias + 1.5).abs() < 1e-6);
        assert!(read.weights.iter().zip(&weights).all(|(a, b)| (a - b).abs() < 1e-3));
        assert!(Model::parse("0 1\n00ff\n").is_none(), "too few");
    }

    #[test]
    fn spam_is_told_from_a_question_and_says_why() {
        let parsed = |text: &str| Letter::parse(text.as_bytes(), &Limits::default());
        let why = spam(&parsed(SPAM), false).expect("it is spam");
        assert!(why.len() > 1, "{why:?}");
        let question = "From: Ada <ada@kunde.example>\nTo: support@shop.example\nSubject: Order 4711\n\
            Message-ID: <a@kunde.example>\n\nHello,\nwhere is my order? It should have come on Monday.\nThanks, Ada\n";
        assert!(spam(&parsed(question), false).is_none());
        let reply = SPAM.replacen("Subject:", "In-Reply-To: <x@shop.example>\nSubject:", 1);
        assert!(spam(&parsed(&reply), false).is_none(), "an answer is read for what it says");
    }
}
