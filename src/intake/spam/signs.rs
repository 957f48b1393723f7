//! What of a letter is held against the model: signs of its build, which headers it has, and its words.

use std::collections::BTreeSet;

use super::super::letter::Letter;
use super::super::normal::{cut, fold};

/// Signs of the build of a letter, by their numbers. Adding one, or moving it, takes new weights.
pub const BUILD: [&str; 30] = [
    "html",
    "no_plain_text",
    "capitals",
    "shouted_subject",
    "exclamations",
    "subject_exclaims",
    "money",
    "percent",
    "links",
    "many_links",
    "link_to_number",
    "no_message_id",
    "no_recipient",
    "several_senders",
    "digits_in_sender",
    "reply_elsewhere",
    "font",
    "table",
    "center",
    "form",
    "image",
    "script_or_style",
    "colour",
    "comment_in_text",
    "attachment",
    "short",
    "long",
    "prize",
    "way_out",
    "broken",
];
const HEADERS: usize = 512;
const WORDS: usize = 4_096;
/// How many signs there are.
pub const SIGNS: usize = BUILD.len() + HEADERS + WORDS;
/// Characters of the text that are looked at.
const TEXT_CHARS: usize = 6_000;
/// What all words of a letter weigh together, however many they are.
const WORDS_WEIGH: f32 = 6.0;
const MANY_LINKS: usize = 5;

/// The signs of one letter: their numbers below [`SIGNS`], each once, with what they count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signs(Vec<(usize, f32)>);

impl Signs {
    /// In the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        self.0.iter().copied()
    }

    pub(in crate::intake) fn of(letter: &Letter) -> Self {
        let text = if letter.plain.trim().is_empty() { &letter.html } else { &letter.plain };
        let text = cut(text, TEXT_CHARS);
        let mut signs: Vec<(usize, f32)> =
            build(letter, text).into_iter().enumerate().filter(|(_, is)| *is).map(|(sign, _)| (sign, 1.0)).collect();
        let names: BTreeSet<usize> = letter.headers().map(|(name, _)| BUILD.len() + bucket(&[name], HEADERS)).collect();
        signs.extend(names.into_iter().map(|sign| (sign, 1.0)));
        let words = words(&format!("{} {text}", letter.subject));
        let each = WORDS_WEIGH / (words.len().max(1) as f32).sqrt();
        signs.extend(words.into_iter().map(|word| (BUILD.len() + HEADERS + word, each)));
        Self(signs)
    }
}

/// Words and pairs of them, by their numbers, each once and in order.
fn words(text: &str) -> Vec<usize> {
    let folded = fold(text);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1 && word.len() < 30).collect();
    let pairs = words.windows(2).map(|pair| bucket(pair, WORDS));
    let mut all: Vec<usize> = words.iter().map(|word| bucket(&[word], WORDS)).chain(pairs).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// FNV-1a over words, to one of so many places.
fn bucket(words: &[&str], places: usize) -> usize {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    usize::try_from((hash ^ hash >> 32) % places as u64).unwrap_or(0)
}

fn build(letter: &Letter, text: &str) -> [bool; BUILD.len()] {
    let markup = &letter.markup;
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    let count = |what: char| text.matches(what).count();
    let words = text.split_whitespace().count();
    let has_tag = |names: &[&str]| names.iter().any(|name| markup.has(name));
    let sender = letter.from.first().map(|from| from.as_str().to_owned()).unwrap_or_default();
    let digits = sender.bytes().filter(u8::is_ascii_digit).count();
    let lower = text.to_lowercase();
    let subject = &letter.subject;
    let subject_letters = subject.chars().filter(|c| c.is_alphabetic()).count();
    let links = markup.links.max(lower.matches("http://").count() + lower.matches("https://").count());
    [
        !letter.html.is_empty(),
        letter.plain.trim().is_empty(),
        letters > 20 && capitals * 4 > letters,
        subject_letters > 3 && !subject.chars().any(char::is_lowercase),
        count('!') * 60 > words.max(60),
        subject.contains('!'),
        text.contains(['$', '€', '£']) || subject.contains(['$', '€', '£']),
        text.contains('%') || subject.contains('%'),
        links > 0,
        links > MANY_LINKS,
        links_to_number(&lower) || markup.number_links,
        letter.message_id.is_none(),
        letter.recipients.is_empty(),
        letter.from.len() != 1,
        digits > 3,
        letter.reply_to.first().is_some_and(|to| !letter.from.contains(to)),
        has_tag(&["font"]),
        has_tag(&["table"]),
        has_tag(&["center"]),
        has_tag(&["form", "input"]),
        has_tag(&["img"]),
        has_tag(&["script", "style"]),
        markup.colours,
        markup.comments,
        !letter.attachments.is_empty(),
        words < 30,
        words > 400,
        ["winner", "won ", "free", "guarantee", "lottery", "prize"].iter().any(|word| lower.contains(word)),
        ["unsubscribe", "remove", "opt-out", "opt out"].iter().any(|word| lower.contains(word)),
        !letter.defects.is_empty(),
    ]
}

/// Whether an address in a text is a number: `http://203.0.113.7/`.
fn links_to_number(lower: &str) -> bool {
    lower.split("http://").skip(1).any(|link| {
        let host = link.split(['/', ' ', ':', '"', '>', '\n']).next().unwrap_or_default();
        host.len() > 6 && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// What the HTML of a letter is made of, beside what it shows.
#[derive(Default)]
pub(in crate::intake) struct Markup {
    tags: BTreeSet<String>,
    links: usize,
    number_links: bool,
    colours: bool,
    comments: bool,
}

impl Markup {
    /// Bytes of a part that are looked at.
    const BYTES: usize = 32 * 1024;

    fn has(&self, tag: &str) -> bool {
        self.tags.contains(tag)
    }

    /// Takes in one HTML part.
    pub fn take(&mut self, html: &str) {
        const KNOWN: [&str; 10] = ["font", "table", "center", "form", "input", "img", "script", "style", "a", "area"];
        let html = cut(html, Self::BYTES);
        for tag in html.split('<').skip(1) {
            self.comments |= tag.starts_with("!--");
            let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            let Some(known) = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name)) else { continue };
            if ["a", "area"].contains(known) {
                self.links += 1;
            }
            if !self.tags.contains(*known) {
                self.tags.insert((*known).to_owned());
            }
        }
        let lower = html.to_ascii_lowercase();
        self.colours |= lower.contains("bgcolor") || lower.contains("color=");
        self.number_links |= links_to_number(&lower);
    }
}
