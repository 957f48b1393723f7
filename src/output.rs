//! What the program says on a terminal: data on stdout in three formats, everything else on stderr. Never what about.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::Context;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use indicatif::ProgressBar;
use serde::Serialize;

use crate::domain::{Timestamp, is_unseen};

/// How data are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON object per line.
    Jsonl,
}

/// A thing that can stand in a table.
pub trait Tabular: Serialize {
    /// The heads of the columns.
    const HEADS: &'static [&'static str];
    /// One cell per head.
    fn cells(&self) -> Vec<String>;
}

/// Writes rows to stdout.
///
/// # Errors
/// When stdout is closed.
pub fn rows<T: Tabular>(format: Format, rows: &[T]) -> anyhow::Result<()> {
    match format {
        Format::Table => write_out(&table(rows)),
        Format::Json => write_out(&serde_json::to_string_pretty(rows)?),
        Format::Jsonl => {
            for row in rows {
                write_out(&serde_json::to_string(row)?)?;
            }
            Ok(())
        }
    }
}

/// Rows that a table shows at most unless somebody says how many. JSON is for programs, and has all of them.
const TABLE_ROWS_MAX: u32 = 100;

/// How many rows are listed at most: what somebody said, or what suits the format.
#[must_use]
pub fn limit(format: Format, said: Option<u32>) -> u32 {
    said.unwrap_or(if format == Format::Table { TABLE_ROWS_MAX } else { u32::MAX })
}

/// Tells on stderr that there is more than what was listed, and how to see it.
pub fn say_cut(shown: usize, total: u64) {
    if total > shown as u64 {
        say(&format!("{shown} of {total} are shown; --limit {total} shows all"));
    }
}

/// Writes one thing to stdout: as JSON, or as the text given for people.
///
/// # Errors
/// When stdout is closed.
pub fn one<T: Serialize>(format: Format, thing: &T, for_people: &str) -> anyhow::Result<()> {
    match format {
        Format::Table => write_out(for_people),
        Format::Json => write_out(&serde_json::to_string_pretty(thing)?),
        Format::Jsonl => write_out(&serde_json::to_string(thing)?),
    }
}

/// What stands beside a cell's text: a blank on each side.
const PADDING: usize = 2;
/// A longer word, such as a path, may be broken; an id has so many.
const WORD_CHARS_MAX: usize = 36;

/// How wide a column of single words (references, ids, days) must be: half of one is of no use to copy. A column of texts
/// may be as narrow as it comes.
fn width_of_words(head: &str, cells: &[String]) -> Option<ColumnConstraint> {
    let single = cells.iter().all(|cell| !cell.contains(char::is_whitespace));
    let words = head.split_whitespace().chain(cells.iter().map(String::as_str));
    let widest = words.map(|word| word.chars().count()).max()?;
    let single = single && widest <= WORD_CHARS_MAX;
    let width = u16::try_from(widest + PADDING).ok().filter(|_| single)?;
    Some(ColumnConstraint::LowerBoundary(Width::Fixed(width)))
}

/// The rows as a table: lines and colour only where a person looks at it.
#[must_use]
pub fn table<T: Tabular>(rows: &[T]) -> String {
    let table = laid_out(rows);
    // Trailing blanks of the last column are of no use to anybody.
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A pipe has no width, and a terminal that says 0 does not know its own: then a row is one line.
fn arrangement(width: Option<u16>, columns: Option<&str>) -> ContentArrangement {
    match width {
        Some(1..) if columns.is_none_or(|columns| columns.trim() != "0") => ContentArrangement::Dynamic,
        _ => ContentArrangement::Disabled,
    }
}

fn laid_out<T: Tabular>(rows: &[T]) -> Table {
    let mut table = Table::new();
    table.load_style(if std::io::stdout().is_terminal() { presets::UTF8_HORIZONTAL_ONLY } else { presets::NOTHING });
    let columns = std::env::var("COLUMNS").ok();
    table.set_content_arrangement(arrangement(table.width(), columns.as_deref()));
    table.set_header(T::HEADS.iter().copied());
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| row.cells().iter().map(|cell| printable(cell)).collect()).collect();
    table.add_rows(&cells);
    for ((at, head), column) in T::HEADS.iter().enumerate().zip(table.column_iter_mut()) {
        let cells: Vec<String> = cells.iter().filter_map(|row| row.get(at).cloned()).collect();
        if let Some(width) = width_of_words(head, &cells) {
            column.set_constraint(width);
        }
    }
    table
}

/// A table below others, with an empty line before it; nothing where there are no rows.
#[must_use]
pub fn section<T: Tabular>(rows: &[T]) -> String {
    if rows.is_empty() { String::new() } else { format!("\n{}\n", table(rows)) }
}

/// A text without control characters, and with all of it seen in its order: what other people wrote must not steer a terminal, nor
/// look like something else. The joiners U+200C and U+200D stay: names in several scripts need them.
#[must_use]
pub fn printable(text: &str) -> String {
    let hides = |c: char| c.is_control() || is_unseen(c) && !matches!(c, '\u{200c}' | '\u{200d}');
    text.chars().map(|c| if hides(c) { '\u{fffd}' } else { c }).collect()
}

/// `1 store`, `2 stores`.
#[must_use]
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// An instant as people and programs read it (RFC 3339, to the second).
#[must_use]
pub fn time(time: Timestamp) -> String {
    time.to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether stderr shows colour: a terminal, and nobody said no.
#[must_use]
pub fn colour_on_stderr() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// A sign of life on a terminal; nothing anywhere else.
#[must_use]
pub fn progress(doing: &'static str) -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_message(doing);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// One line to stdout.
///
/// # Errors
/// When stdout is closed.
pub fn write_out(text: &str) -> anyhow::Result<()> {
    writeln!(anstream::stdout(), "{text}").context("cannot write to stdout")
}

/// One line to stderr, for people; losing it loses nothing.
pub fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_steers_a_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(printable("a\u{202e}b\u{200b}c\u{2066}d"), "a\u{fffd}b\u{fffd}c\u{fffd}d");
        assert_eq!(printable("نام\u{200c}ها"), "نام\u{200c}ها");
    }

    #[derive(serde::Serialize)]
    struct Line(&'static str);

    impl Tabular for Line {
        const HEADS: &'static [&'static str] = &["reference", "problem"];

        fn cells(&self) -> Vec<String> {
            vec![self.0.to_owned(), "many words that may stand below one another".to_owned()]
        }
    }

    #[test]
    fn a_reference_stays_whole_however_narrow_the_terminal() {
        for width in [1, 10, 30, 200] {
            let mut table = laid_out(&[Line("EXP-7K3Q-M2")]);
            table.set_content_arrangement(arrangement(Some(width), None));
            let text = table.set_width(width).to_string();
            assert!(text.contains("EXP-7K3Q-M2"), "{width} columns:\n{text}");
        }
    }

    #[test]
    fn a_row_is_not_folded_where_nobody_knows_the_width() {
        let folds = |width, columns| matches!(arrangement(width, columns), ContentArrangement::Dynamic);
        assert!(folds(Some(80), None) && folds(Some(80), Some("80")));
        assert!(!folds(Some(0), None) && !folds(None, None) && !folds(Some(80), Some("0")));
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(time(Timestamp::from_micros(1_800_000_000_123_456)), "2027-01-15T08:00:00Z");
    }
}
