//! Writing back: one struct per letter with `render()`, the bytes of a message, and the ways to send it.
//!
//! The way of a letter: `flow` fills a struct of [`letters`]; `render` makes subject, text and HTML from the
//! [`templates`] of the addressee's language; [`compose`] makes the RFC 5322 bytes; a [`mailer`] hands them over.
//! Composing is a function of its input alone, so a resend is the same message byte by byte.
//!
//! This room never decides whether or to whom a letter is written, never reads a letter, never touches a database,
//! and never puts an address, a name, a token or a subject into a log line, an error or a Debug output.
//!
//! # How to add a letter
//! 1. A variant in [`crate::domain::LetterKind`] that says when it is written.
//! 2. A struct in [`letters`] with the facts of the letter, its line in the list of `enum Letter` there, and what it must
//!    not lack in `letters/check.rs`.
//! 3. Its word in the list at the end of [`templates`], and in `[letters]` of every `terms.toml` how alarms call it.
//! 4. Three templates in every folder of `templates/mail`: `<letter>.subject.txt.j2` (one line), `<letter>.body.txt.j2`
//!    (one paragraph per line, wrapped when rendered) and `<letter>.body.html.j2` with the same words.
//! 5. A full and a bare example in `letters/samples.rs`; `INSTA_UPDATE=always cargo test --lib reply::` writes the snapshots,
//!    which a person reads before they are committed.
//!
//! A letter cites no law by itself: articles are facts, out of the law pack.
//!
//! The tests fail while a letter lacks a language, a variable of the English one, or the words of its other half.
//!
//! # How to add a language
//! 1. A variant in [`crate::domain::Language`].
//! 2. A folder `templates/mail/<lang>` with the same files as `templates/mail/en`; `terms.toml` holds the words, the
//!    months, the plural rule and the separator of thousands. Numbers, dates, counts and categories are always shown by the filters.
//! 3. Its line in the list at the end of [`templates`]; then the snapshots as above, read by a native speaker.

mod clean;
pub mod compose;
pub mod letters;
pub mod mailer;
pub mod pages;
pub mod settings;
pub mod templates;
mod terms;
mod wrap;

use crate::domain::{Language, LetterKind};

/// Why a letter could not be written. Never carries a value of the letter.
///
/// All of it is permanent: the same facts fail again until a template, the configuration or the caller changes.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// A template is wrong: it does not parse, asks for a value that the letter lacks, or ran out of fuel. The source
    /// is reduced to the kind of fault and its place, because the full text of a template error may quote values.
    #[error("the template {template} (line {line}) of the letter {letter} in {language} fails: {fault}")]
    Template {
        /// The letter.
        letter: LetterKind,
        /// The language.
        language: Language,
        /// The template's name below the folder of the language.
        template: String,
        /// The line, 0 where unknown.
        line: usize,
        /// What kind of fault.
        fault: minijinja::ErrorKind,
    },
    /// The words of a language do not parse, or a needed word is missing (`terms.toml`).
    #[error("the words of {language} are incomplete")]
    Terms {
        /// The language.
        language: Language,
        /// Where and why.
        source: toml::de::Error,
    },
    /// A template of a language does not parse.
    #[error("a template of {language} does not parse")]
    Broken {
        /// The language.
        language: Language,
        /// Where and why; there were no values yet that it could quote.
        source: minijinja::Error,
    },
    /// The same of a page.
    #[error("the template of the page {page} (line {line}) in {language} fails")]
    Page {
        /// The page.
        page: &'static str,
        /// The language.
        language: Language,
        /// The line, 0 where unknown.
        line: usize,
    },
    /// A language has no folder in the list of templates.
    #[error("there are no letters in {0}")]
    NoLanguage(Language),
    /// The facts of a letter do not serialise.
    #[error("the facts of the letter {0} do not serialise")]
    Facts(LetterKind),
    /// A letter lacks what it must tell: a question its code, a refusal its ground, authority or court, kept records
    /// their ground or end (Art. 12(3), 12(4) and 17(3) GDPR).
    #[error("the letter {letter} must not be written without {fact}")]
    Incomplete {
        /// The letter.
        letter: LetterKind,
        /// The name of the fact.
        fact: &'static str,
    },
    /// An address of the envelope is none, or a header would be unusable.
    #[error("the {0} of a letter is not usable")]
    Unusable(&'static str),
}

impl ReplyError {
    /// Always permanent: nothing here goes away by waiting.
    #[must_use]
    pub const fn retry(&self) -> crate::domain::Retry {
        crate::domain::Retry::Permanent
    }
}
