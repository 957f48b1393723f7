//! What the writer of a letter says, piece by piece: paragraphs and items of lists, and what stands below as a postscript.

use crate::intake::frame::{Names, is_signature, without_frame};
use crate::intake::lexicon::{Group, Lexicon};
use crate::intake::normal::fold;
use crate::intake::ours::BROKEN_LINE_BYTES;

/// What stands before the items of a list, beside numbers.
const BULLETS: [char; 7] = ['-', '*', '•', '·', '–', '—', '◦'];
/// How what stands below the name of the writer begins.
const POSTSCRIPTS: [&str; 6] = ["p.s.", "ps.", "ps:", "p.s:", "ps", "p.s"];

/// Words of a line that is no more than a name or a role.
const NAME_WORDS: usize = 3;
/// Words of a line that says good-bye.
const CLOSING_WORDS: usize = 5;

/// A paragraph, or an item of a list.
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) is_item: bool,
    /// Whether it stands right below a heading or another line, as an item may where somebody is asked for.
    pub(super) is_line: bool,
    /// Whether it is of the names and addresses with which a letter ends that says no good-bye.
    pub(super) signs: bool,
}

impl Piece {
    const fn of(text: String) -> Self {
        Self { text, is_item: false, is_line: false, signs: false }
    }
}

/// What the writer says, without greeting and good-bye; what stands below the good-bye as a postscript is said, too.
pub(super) fn pieces(text: &str, names: &Names, lexicon: &Lexicon) -> Vec<Piece> {
    let is_post =
        |line: &str| line.split_whitespace().next().is_some_and(|first| POSTSCRIPTS.contains(&fold(first).as_str()));
    let before: Vec<&str> = text.lines().map(str::trim).take_while(|line| !is_post(line)).collect();
    // The frame has no empty lines any more: where a paragraph ends says its own text.
    let body = without_frame(&before.join("\n"), names, lexicon);
    let kept: Vec<&str> = body.lines().map(str::trim).filter(|kept| !kept.is_empty()).collect();
    let said = |line: &str| kept.iter().any(|kept| *kept == line || line.ends_with(kept));
    let mut pieces = said_in(&before, &said);
    sign(&mut pieces, &before, &said, names, lexicon);
    for line in text.lines().map(str::trim).skip_while(|line| !is_post(line)).filter(|line| !line.is_empty()) {
        let rest = if is_post(line) { line.split_once(' ').map_or("", |(_, rest)| rest) } else { line };
        pieces.push(Piece::of(rest.to_owned()));
    }
    pieces
}

/// The lines that are said, put together where a mail program broke them.
fn said_in(lines: &[&str], said: &dyn Fn(&str) -> bool) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut open, mut listed, mut apart) = (false, false, true);
    for line in lines {
        if !said(line) {
            apart = true;
            open = open && !line.is_empty();
            // An empty line parts a heading from its list, and a list from what follows.
            listed = listed && pieces.last().is_some_and(|last| last.text.ends_with(':'));
            continue;
        }
        let item = behind_bullet(line);
        let next = !apart && is_next_name(pieces.last(), line);
        apart = false;
        listed |= next;
        match pieces.last_mut().filter(|_| open && item.is_none() && !next) {
            Some(last) => {
                last.text.push(' ');
                last.text.push_str(line);
            }
            None => {
                let text = item.unwrap_or(line).to_owned();
                pieces.push(Piece { is_item: item.is_some(), is_line: listed, ..Piece::of(text) });
            }
        }
        listed |= line.ends_with(':');
        // The fields of a form and the cells of a table stand below each other: only a line that a mail program broke goes on.
        open = line.len() >= BROKEN_LINE_BYTES;
    }
    pieces
}

/// Whether a line is a name and nothing else, below one that ends in a name.
fn is_next_name(last: Option<&Piece>, line: &str) -> bool {
    let capital =
        |word: &str| word.starts_with(char::is_uppercase) && word.chars().all(|c| c.is_alphabetic() || c == '-');
    let above = last.and_then(|last| last.text.split_whitespace().next_back()).unwrap_or_default();
    let words = line.split_whitespace().count();
    // Below "Olga One" stands the firm of hers.
    let said = last.is_some_and(|last| last.is_line || last.text.split_whitespace().count() > NAME_WORDS);
    said && (2..=3).contains(&words) && line.split_whitespace().all(capital) && capital(above)
}

/// Tells the names below a letter from one more who stands below the last line.
fn sign(pieces: &mut Vec<Piece>, lines: &[&str], said: &dyn Fn(&str) -> bool, names: &Names, lexicon: &Lexicon) {
    let Some(last) = lines.iter().rposition(|line| !line.is_empty() && said(line)) else { return };
    let starts = |line: &str, group: Group| lexicon.starts(group, &fold(line));
    let is_short = |line: &str| line.split_whitespace().count() <= CLOSING_WORDS;
    let closes =
        |line: &&str| is_short(line) && [Group::Closing, Group::Courtesy].iter().any(|group| starts(line, *group));
    let below: Vec<&str> = lines[last + 1..].iter().copied().filter(|line| !line.is_empty()).collect();
    let mut from = lines.iter().position(|line| is_short(line) && starts(line, Group::Closing)).unwrap_or(lines.len());
    if from >= lines.len() && !below.iter().any(closes) {
        let is_name = |line: &str| line.is_empty() || is_signature(line, names, lexicon);
        let run = (0..=last).rev().take_while(|at| is_name(lines[*at])).last().unwrap_or(last + 1);
        // From the first empty line on: what stands right below a sentence is said with it.
        from = (run..=last).find(|at| lines[*at].is_empty()).unwrap_or(lines.len());
        let goes_on = from >= lines.len() && !lines[last].ends_with(['.', '!', '?']);
        if let Some(line) = lines.get(last + 1).filter(|line| goes_on && below.len() == 1 && !line.is_empty()) {
            pieces.push(Piece { is_line: true, ..Piece::of((*line).to_owned()) });
        }
    }
    for piece in pieces.iter_mut().filter(|piece| !piece.is_item && !piece.is_line) {
        piece.signs = lines[from.min(lines.len())..].contains(&piece.text.as_str());
    }
}

/// What stands behind the bullet or the number of an item.
fn behind_bullet(line: &str) -> Option<&str> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = line[digits..].strip_prefix(['.', ')']).filter(|_| digits > 0 && digits < 3);
    let item = numbered.or_else(|| line.strip_prefix(BULLETS))?;
    item.starts_with(char::is_whitespace).then(|| item.trim_start())
}
