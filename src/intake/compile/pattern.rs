//! A phrase of the lexicon as a regular expression, which tests hold the finding of it against.

use std::fmt::Write as _;

use super::notation::{Phrase, Piece};

/// What a phrase means.
pub(super) fn pattern(phrase: &Phrase) -> String {
    const BOUND: &str = r"(?-u:\b)";
    let signs = Signs { gap: phrase.gap_words, ending: if phrase.any_script { "[a-z0-9_]*" } else { "[a-z0-9]*" } };
    let mut out = String::from(if phrase.starts { BOUND } else { "" });
    signs.write_rows(&phrase.rows, &mut out);
    if phrase.ends {
        out.push_str(BOUND);
    }
    out
}

/// What the signs of a phrase stand for.
struct Signs {
    /// Words of a gap.
    gap: usize,
    ending: &'static str,
}

impl Signs {
    fn write_rows(&self, rows: &[Vec<Piece>], out: &mut String) {
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                out.push('|');
            }
            row.iter().for_each(|piece| self.write(piece, out));
        }
    }

    fn write(&self, piece: &Piece, out: &mut String) {
        const WORD: &str = r#"[-a-z0-9'"@_/]+"#;
        let _ = match piece {
            Piece::Text(text) => write!(out, "{text}"),
            Piece::Sign(ways) => write!(out, "{}", either(ways)),
            Piece::Ending => write!(out, "{}", self.ending),
            Piece::Gap => write!(out, "(?: {WORD}){{0,{}}}", self.gap),
            Piece::Words => write!(out, "{WORD}(?: {WORD}){{0,{}}}", self.gap - 1),
            Piece::Choice(rows) => {
                out.push_str("(?:");
                self.write_rows(rows, out);
                write!(out, ")")
            }
            Piece::Maybe(piece) => {
                let mut sign = String::new();
                self.write(piece, &mut sign);
                let is_one = sign.len() == 1 || sign.starts_with(['(', '[']);
                if is_one { write!(out, "{sign}?") } else { write!(out, "(?:{sign})?") }
            }
        };
    }
}

/// The ways of one sign as a pattern.
fn either(ways: &[String]) -> String {
    match ways {
        [long, short] if long.starts_with(short.as_str()) => {
            format!("{}{}?", regex::escape(short), regex::escape(&long[short.len()..]))
        }
        ways => ways.iter().map(|way| regex::escape(way)).collect::<Vec<_>>().join("|"),
    }
}
