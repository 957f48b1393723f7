//! The checks of single values. Each notes its mistake and answers with a value to go on with, so that one run finds
//! as many mistakes as possible.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde_spanned::Spanned;

use super::super::Surroundings;
use super::super::error::Problem;
use super::super::raw::Maybe;
use crate::domain::UnknownWord;

/// The longest text of a setting, in bytes; queries are the longest.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A section of the file that is being checked.
pub(super) struct Section {
    /// Its name, for example `mailbox.imap`.
    pub(super) name: &'static str,
    /// Where it stands; `None` when the file does not have it.
    pub(super) span: Option<Range<usize>>,
}

/// The units of durations; each is part of a key's name.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl Unit {
    const fn seconds(self) -> u64 {
        match self {
            Self::Seconds => 1,
            Self::Minutes => 60,
            Self::Hours => 3_600,
            Self::Days => 86_400,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }
}

/// The state of a check: what is known around it, and what is wrong so far.
pub(super) struct Checks<'a> {
    pub(super) problems: Vec<Problem>,
    /// Keys that were wrong in form; they are not missing.
    taken_out: BTreeSet<String>,
    folder: PathBuf,
    pub(super) surroundings: &'a Surroundings,
}

impl<'a> Checks<'a> {
    pub(super) fn new(
        problems: Vec<Problem>,
        taken_out: BTreeSet<String>,
        folder: PathBuf,
        surroundings: &'a Surroundings,
    ) -> Self {
        Self { problems, taken_out, folder, surroundings }
    }

    /// Notes a mistake.
    pub(super) fn note(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Whether a key was wrong in form: then nothing more is said about it.
    pub(super) fn was_taken_out(&self, path: &str) -> bool {
        self.taken_out.contains(path)
    }

    /// Opens a section that may be absent: then all its settings have their defaults, or are missing.
    pub(super) fn open<T: Default>(name: &'static str, raw: Maybe<T>) -> (Section, T) {
        match raw {
            Some(raw) => (Section { name, span: Some(raw.span()) }, raw.into_inner()),
            None => (Section { name, span: None }, T::default()),
        }
    }

    /// Opens a section that must be there.
    pub(super) fn open_required<T: Default>(
        &mut self,
        name: &'static str,
        raw: Maybe<T>,
        why: &str,
    ) -> Option<(Section, T)> {
        if raw.is_none() {
            if !self.was_taken_out(name) {
                self.note(Problem::new(format!("the section [{name}] is missing")).help(why));
            }
            return None;
        }
        Some(Self::open(name, raw))
    }

    /// Notes that a key is missing, unless it was there in a wrong form.
    pub(super) fn note_missing(&mut self, section: &Section, key: &str, fix: &str) {
        if self.was_taken_out(&format!("{}.{key}", section.name)) {
            return;
        }
        let problem = Problem::new(format!("`{key}` is missing in [{}]", section.name)).help(fix);
        self.note(match &section.span {
            Some(span) => problem.at(span.clone(), format!("expected `{key} = …` in this section")),
            None => problem,
        });
    }

    /// A text that must be given: not empty, no control characters but those of line ends.
    pub(super) fn text(&mut self, section: &Section, key: &str, raw: Maybe<String>, fix: &str) -> Option<String> {
        let Some(raw) = raw else {
            self.note_missing(section, key, fix);
            return None;
        };
        self.text_given(key, raw)
    }

    /// A text that may be left out.
    pub(super) fn text_given(&mut self, key: &str, raw: Spanned<String>) -> Option<String> {
        let (span, text) = (raw.span(), raw.into_inner());
        let expected = if text.trim().is_empty() {
            "expected some text"
        } else if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            "expected a text without control characters"
        } else if text.len() > TEXT_BYTES_MAX {
            "expected a shorter text"
        } else {
            return Some(text);
        };
        self.note(Problem::new(format!("`{key}` cannot be used")).at(span, expected));
        None
    }

    /// A text on one line, for names, folders and hosts.
    pub(super) fn line(&mut self, key: &str, raw: Spanned<String>) -> Option<String> {
        let span = raw.span();
        let text = self.text_given(key, raw)?;
        if text.contains(['\n', '\r', '\t']) {
            self.note(Problem::new(format!("`{key}` cannot be used")).at(span, "expected one line"));
            return None;
        }
        Some(text)
    }

    /// A text on one line that must be given.
    pub(super) fn line_required(
        &mut self,
        section: &Section,
        key: &str,
        raw: Maybe<String>,
        fix: &str,
    ) -> Option<String> {
        let Some(raw) = raw else {
            self.note_missing(section, key, fix);
            return None;
        };
        self.line(key, raw)
    }

    /// An e-mail address: one @ with something on both sides (RFC 5321 §4.1.2 without quoted local parts).
    pub(super) fn address(&mut self, key: &str, raw: Spanned<String>) -> Option<String> {
        let span = raw.span();
        let text = self.line(key, raw)?;
        let plain =
            |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@<>,;:\"".contains(c));
        match text.split_once('@') {
            Some((local, domain)) if plain(local) && plain(domain) && text.len() <= 254 => Some(text),
            _ => {
                let problem = Problem::new(format!("`{key}` is no e-mail address"))
                    .at(span, "expected an address such as privacy@example.com")
                    .help("only the address, without a name or angle brackets");
                self.note(problem);
                None
            }
        }
    }

    /// A whole number within a range.
    pub(super) fn number<N>(&mut self, key: &str, raw: Maybe<i64>, range: RangeInclusive<N>, default: N) -> N
    where
        N: TryFrom<i64> + PartialOrd + std::fmt::Display + Copy,
    {
        let Some(raw) = raw else { return default };
        match N::try_from(*raw.get_ref()) {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let expected = format!("expected a whole number from {} to {}", range.start(), range.end());
                let problem = Problem::new(format!("`{key}` is out of range"))
                    .at(raw.span(), expected)
                    .help(format!("the default is {default}"));
                self.note(problem);
                default
            }
        }
    }

    /// A duration in the unit that the key's name ends with.
    pub(super) fn duration(
        &mut self,
        key: &str,
        raw: Maybe<i64>,
        unit: Unit,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Duration {
        debug_assert!(key.ends_with(unit.word()), "the unit stands last in {key}");
        Duration::from_secs(self.number(key, raw, range, default) * unit.seconds())
    }

    /// One of the words of an enum.
    pub(super) fn word<E: FromStr<Err = UnknownWord>>(&mut self, key: &str, raw: &Spanned<String>) -> Option<E> {
        match raw.get_ref().parse() {
            Ok(word) => Some(word),
            Err(UnknownWord { what, found, expected }) => {
                let problem = Problem::new(format!("{found:?} is no {what} (`{key}`)"))
                    .at(raw.span(), format!("expected one of {expected}"));
                self.note(problem);
                None
            }
        }
    }

    /// A path; a relative one begins at the folder of the config file.
    pub(super) fn path(&mut self, key: &str, raw: Spanned<String>) -> Option<PathBuf> {
        self.line(key, raw).map(|path| self.folder.join(path))
    }

    /// A path that must be given.
    pub(super) fn path_required(
        &mut self,
        section: &Section,
        key: &str,
        raw: Maybe<String>,
        fix: &str,
    ) -> Option<PathBuf> {
        let Some(raw) = raw else {
            self.note_missing(section, key, fix);
            return None;
        };
        self.path(key, raw)
    }

    /// The folder in which relative paths begin.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a file that must be there and readable now.
    pub(super) fn file(&mut self, key: &str, raw: Spanned<String>) -> Option<PathBuf> {
        let span = raw.span();
        let path = self.path(key, raw)?;
        let readable = std::fs::File::open(&path).and_then(|file| file.metadata());
        let reason = match readable {
            Ok(metadata) if metadata.is_file() => return Some(path),
            Ok(_) => "it is no file".to_owned(),
            Err(error) => error.to_string(),
        };
        let problem = Problem::new(format!("the file of `{key}` cannot be read"))
            .at(span, reason)
            .help(format!("looked for {}", absolute(&path).display()))
            .help("a relative path begins at the folder of the config file: mend it, or make the file and let our user read it");
        self.note(problem);
        None
    }
}

/// A path as people find it, from the root on, whatever folder the program was started in.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
