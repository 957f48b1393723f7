//! What is wrong with a config: file, line, caret, what was expected and the fix. Never prints a secret.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::mask::Masked;

/// At most so many mistakes are shown; the rest usually follows from them.
const PROBLEMS_MAX: usize = 20;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// What is wrong, in one line.
    title: String,
    /// Where, in bytes of the source, and what was expected there. `None` when no place in the file is wrong.
    at: Option<(Range<usize>, String)>,
    /// Other places that belong to it.
    beside: Vec<(Range<usize>, String)>,
    /// Why, and how to put it right.
    help: Vec<String>,
    /// Where a key begins whose value must not be shown: that of a key that we do not know may be a secret.
    hidden: Option<usize>,
}

impl Problem {
    /// A mistake that no place in the file shows.
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), at: None, beside: Vec::new(), help: Vec::new(), hidden: None }
    }

    /// The place, and what was expected there.
    pub(super) fn at(mut self, span: Range<usize>, expected: impl Into<String>) -> Self {
        self.at = Some((span, expected.into()));
        self
    }

    /// Another place that belongs to it.
    pub(super) fn beside(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.beside.push((span, label.into()));
        self
    }

    /// Why, or how to put it right.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Hides the value of the key that begins here.
    pub(super) fn hide_value_of(mut self, key: usize) -> Self {
        self.hidden = Some(key);
        self
    }
}

/// A config that cannot be used: everything that is wrong with it, as far as it could be told at once.
///
/// Permanent: somebody has to edit a file. `Display` and `Debug` are the plain rendering, which holds lines of the
/// config file, but never the value of a secret or of an unknown key.
pub struct ConfigError {
    /// The file as the caller named it.
    path: String,
    masked: Masked,
    problems: Vec<Problem>,
    /// Why the file itself could not be read.
    source: Option<std::io::Error>,
}

impl ConfigError {
    /// The mistakes of a source.
    pub(super) fn new(path: String, source: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.at.as_ref().map_or(usize::MAX, |(span, _)| span.start));
        let hidden: Vec<_> = problems.iter().filter_map(|problem| problem.hidden).collect();
        Self { path, masked: Masked::new(source, &hidden), problems, source: None }
    }

    /// A file that cannot be read.
    pub(super) fn unreadable(path: String, source: std::io::Error) -> Self {
        let problem = Problem::new(format!("cannot read the config file {path}"))
            .help(format!("reason: {source}"))
            .help("name another one with --config FILE");
        Self { path, masked: Masked::new("", &[]), problems: vec![problem], source: Some(source) }
    }

    /// How many mistakes were found.
    #[must_use]
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// The mistakes as a person reads them, with or without colour. Ends without a newline.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let shown = self.problems.iter().take(PROBLEMS_MAX);
        let mut text: Vec<String> = shown.map(|problem| renderer.render(&[self.group(problem)])).collect();
        if let Some(more) = self.problems.len().checked_sub(PROBLEMS_MAX).filter(|more| *more > 0) {
            text.push(format!("and {more} more"));
        }
        text.join("\n\n")
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let group = Level::ERROR.primary_title(problem.title.as_str());
        let mut group = match &problem.at {
            Some((span, expected)) => {
                let primary = AnnotationKind::Primary.span(self.masked.map(span)).label(expected.as_str());
                let beside = problem
                    .beside
                    .iter()
                    .map(|(span, label)| AnnotationKind::Context.span(self.masked.map(span)).label(label.as_str()));
                let snippet = Snippet::source(self.masked.text()).path(self.path.as_str());
                group.element(snippet.annotation(primary).annotations(beside))
            }
            None => group.element(Origin::path(self.path.as_str())),
        };
        for help in &problem.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        group
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
