//! What a text has to hold somewhere, so that a phrase can stand in it: most phrases that begin in a text do not go on there,
//! and are passed over for the lack of a few signs.

use super::super::code::NEEDLE;
use super::notation::{Phrase, Piece};

/// More needles than this are no quick look.
const NEEDLES_MAX: usize = 12;

/// Signs of which any text that holds the phrase holds some; none where nothing is known.
///
/// What stands before the first of its choices is found by the trie of beginnings, and says nothing more.
pub(super) fn needles(phrase: &Phrase) -> Vec<[u8; NEEDLE]> {
    of_rows(&phrase.rows, true).unwrap_or_default()
}

/// Of each row some.
fn of_rows(rows: &[Vec<Piece>], begins: bool) -> Option<Vec<[u8; NEEDLE]>> {
    let each: Vec<Vec<[u8; NEEDLE]>> = rows.iter().map(|row| of_row(row, begins)).collect::<Option<_>>()?;
    let mut all = each.concat();
    all.sort_unstable();
    all.dedup();
    (all.len() <= NEEDLES_MAX).then_some(all)
}

/// The fewest that one stretch of a row has.
fn of_row(row: &[Piece], begins: bool) -> Option<Vec<[u8; NEEDLE]>> {
    let mut best: Option<Vec<[u8; NEEDLE]>> = None;
    let mut take = |found: Option<Vec<[u8; NEEDLE]>>| {
        if let Some(found) = found.filter(|found| best.as_ref().is_none_or(|best| found.len() <= best.len())) {
            best = Some(found);
        }
    };
    let mut known = begins;
    let mut run: Vec<u8> = Vec::new();
    for piece in row {
        match piece {
            Piece::Text(text) => run.extend_from_slice(text.as_bytes()),
            Piece::Sign(ways) if ways.len() == 1 => run.extend_from_slice(ways[0].as_bytes()),
            other => {
                let whole = std::mem::take(&mut run);
                if !known {
                    take(of_run(&whole));
                }
                if let Piece::Choice(rows) = other {
                    take(of_rows(rows, known));
                }
                known = false;
            }
        }
    }
    if !known {
        take(of_run(&run));
    }
    best
}

/// The last signs of a text that always stands there.
fn of_run(run: &[u8]) -> Option<Vec<[u8; NEEDLE]>> {
    run.last_chunk().map(|needle| vec![*needle])
}

#[cfg(test)]
mod tests {
    use super::super::notation::parse;
    use super::*;

    fn of(phrase: &str) -> Vec<String> {
        let needles = needles(&parse(phrase).unwrap());
        needles.iter().map(|needle| String::from_utf8_lossy(needle).into_owned()).collect()
    }

    #[test]
    fn a_needle_is_of_every_text_that_holds_the_phrase() {
        assert_eq!(of("copy … data"), ["data"]);
        assert_eq!(of("copy … (data|my accounts)"), ["data", "unts"]);
        assert_eq!(of("delet* my (account|profile)s"), [" my "]);
        assert!(of("copy data").is_empty() && of("copy … (data|my)").is_empty() && of("copy (… data)?").is_empty());
        assert!(of("(copy|give) me").is_empty(), "the beginning is known anyway");
        assert_eq!(of("(copy … that|give) (data)"), ["data"]);
    }
}
