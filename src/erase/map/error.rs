//! What is wrong with a map, where, and what to write instead.

use std::fmt;
use std::ops::Range;

use crate::domain::nearest;

/// A data map that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapError {
    /// The file, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The bytes of the file that it is about, for a caret.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// What else is wrong, as far as it could be told at once.
    pub more: Box<[MapError]>,
}

impl MapError {
    /// Several as one, in the order of files and lines; `None` where there are none.
    pub(super) fn all(errors: Vec<Self>) -> Option<Self> {
        let mut errors: Vec<Self> = errors
            .into_iter()
            .flat_map(|mut error| {
                let more = std::mem::take(&mut error.more);
                std::iter::once(error).chain(more)
            })
            .collect();
        errors.sort_by(|one, other| (&one.file, one.span.start).cmp(&(&other.file, other.span.start)));
        let mut errors = errors.into_iter();
        let first = errors.next()?;
        Some(Self { more: errors.collect(), ..first })
    }

    pub(super) fn at(
        (file, text): (&str, &str),
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            span,
            message: message.into(),
            help: help.into(),
            more: Box::default(),
        }
    }
}

/// The beginning of a help that names what was probably meant; empty where nothing is like it.
pub(super) fn meant<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    nearest(name, &known).map(|nearest| format!("did you mean {nearest:?}? ")).unwrap_or_default()
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}; {}", self.file, self.line, self.column, self.message, self.help)?;
        self.more.iter().try_for_each(|more| write!(f, "\n{more}"))
    }
}

impl std::error::Error for MapError {}
