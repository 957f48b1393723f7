//! What the writer of a letter says, piece by piece: paragraphs and items of lists, and what stands below as a postscript.

use crate::intake::frame::{Names, without_frame};
use crate::intake::lexicon::Lexicon;
use crate::intake::normal::fold;
use crate::intake::ours::BROKEN_LINE_BYTES;

/// What stands before the items of a list, beside numbers.
const BULLETS: [char; 7] = ['-', '*', '•', '·', '–', '—', '◦'];
/// How what stands below the name of the writer begins.
const POSTSCRIPTS: [&str; 6] = ["p.s.", "ps.", "ps:", "p.s:", "ps", "p.s"];

/// A paragraph, or an item of a list.
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) is_item: bool,
}

/// What the writer says, without greeting and good-bye; what stands below the good-bye as a postscript is said, too.
pub(super) fn pieces(text: &str, names: &Names, lexicon: &Lexicon) -> Vec<Piece> {
    let is_post =
        |line: &str| line.split_whitespace().next().is_some_and(|first| POSTSCRIPTS.contains(&fold(first).as_str()));
    let before: Vec<&str> = text.lines().map(str::trim).take_while(|line| !is_post(line)).collect();
    let mut pieces: Vec<Piece> = Vec::new();
    // The frame has no empty lines any more: where a paragraph ends says its own text.
    let body = without_frame(&before.join("\n"), names, lexicon);
    let kept: Vec<&str> = body.lines().map(str::trim).collect();
    let mut open = false;
    for line in before {
        let said = kept.iter().any(|kept| !kept.is_empty() && (*kept == line || line.ends_with(kept)));
        if !said {
            open = open && !line.is_empty();
            continue;
        }
        let item = behind_bullet(line);
        match pieces.last_mut().filter(|_| open && item.is_none()) {
            Some(last) => {
                last.text.push(' ');
                last.text.push_str(line);
            }
            None => pieces.push(Piece { text: item.unwrap_or(line).to_owned(), is_item: item.is_some() }),
        }
        // The fields of a form and the cells of a table stand below each other: only a line that a mail program broke goes on.
        open = line.len() >= BROKEN_LINE_BYTES;
    }
    for line in text.lines().map(str::trim).skip_while(|line| !is_post(line)).filter(|line| !line.is_empty()) {
        let rest = if is_post(line) { line.split_once(' ').map_or("", |(_, rest)| rest) } else { line };
        pieces.push(Piece { text: rest.to_owned(), is_item: false });
    }
    pieces
}

/// What stands behind the bullet or the number of an item.
fn behind_bullet(line: &str) -> Option<&str> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = line[digits..].strip_prefix(['.', ')']).filter(|_| digits > 0 && digits < 3);
    let item = numbered.or_else(|| line.strip_prefix(BULLETS))?;
    item.starts_with(char::is_whitespace).then(|| item.trim_start())
}
