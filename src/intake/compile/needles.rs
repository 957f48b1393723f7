//! What a text has to hold somewhere, so that a phrase can stand in it: most phrases that begin in a text do not go on there,
//! and are passed over for the lack of a few signs.

use super::super::code::{Needle, is_short};
use super::super::rest::is_of_gap;
use super::notation::Piece;

/// More needles than this are no quick look.
const NEEDLES_MAX: usize = 32;

/// Signs of which any text that holds what is left of a phrase holds some; none where nothing is known.
pub(super) fn needles(left: &[&Piece]) -> Vec<Needle> {
    of_row(left.iter().copied(), &[]).unwrap_or_default()
}

/// Of each row some, where these signs stand before all of them.
fn of_rows(rows: &[Vec<Piece>], before: &[u8]) -> Option<Vec<Needle>> {
    let each: Vec<Vec<Needle>> = rows.iter().map(|row| of_row(row.iter(), before)).collect::<Option<_>>()?;
    let mut all = each.concat();
    all.sort_unstable();
    all.dedup();
    (all.len() <= NEEDLES_MAX).then_some(all)
}

/// The least common that one stretch of a row has.
fn of_row<'p>(row: impl Iterator<Item = &'p Piece>, before: &[u8]) -> Option<Vec<Needle>> {
    let mut best: Option<Vec<Needle>> = None;
    let mut take = |found: Option<Vec<Needle>>| {
        if let Some(found) = found.filter(|found| best.as_ref().is_none_or(|best| common(found) <= common(best))) {
            best = Some(found);
        }
    };
    let mut run: Vec<u8> = before.to_vec();
    for piece in row {
        match piece {
            Piece::Text(text) => run.extend_from_slice(text.as_bytes()),
            Piece::Sign(ways) if ways.len() == 1 => run.extend_from_slice(ways[0].as_bytes()),
            other => {
                let whole = std::mem::take(&mut run);
                take(of_run(&whole));
                if let Piece::Choice(rows) = other {
                    take(of_rows(rows, &whole));
                }
            }
        }
    }
    take(of_run(&run));
    best
}

/// How common they are, the shorter more than the others.
fn common(needles: &[Needle]) -> usize {
    needles.iter().map(|needle| if is_short(*needle) { 3 } else { 1 }).sum()
}

/// The last signs of a text that always stands there.
fn of_run(run: &[u8]) -> Option<Vec<Needle>> {
    let short = || run.last_chunk().map(|[a, b, c]| [*a, *b, *c, 0]);
    run.last_chunk().copied().or_else(short).map(|needle| vec![needle])
}

/// Whether every sign of what is left of a phrase may stand in a gap, so that it does not go on past any other.
pub(super) fn is_plain(left: &[&Piece]) -> bool {
    let plain = |text: &str| text.bytes().all(|byte| byte == b' ' || is_of_gap(byte));
    left.iter().all(|piece| match piece {
        Piece::Text(text) => plain(text),
        Piece::Sign(ways) => ways.iter().all(|way| plain(way)),
        Piece::Choice(rows) => rows.iter().all(|row| is_plain(&row.iter().collect::<Vec<_>>())),
        Piece::Maybe(piece) => is_plain(&[piece]),
        Piece::Ending | Piece::Gap | Piece::Words => true,
    })
}

#[cfg(test)]
mod tests {
    use super::super::beginnings::beginnings;
    use super::super::notation::parse;
    use super::*;

    fn of(phrase: &str) -> Vec<String> {
        let phrase = parse(phrase).unwrap();
        let found = beginnings(&phrase);
        let needles = needles(&found[0].left);
        needles.iter().map(|needle| String::from_utf8_lossy(needle).trim_end_matches('\0').to_owned()).collect()
    }

    #[test]
    fn a_needle_is_of_every_text_that_holds_the_phrase() {
        assert_eq!(of("copy … data"), ["data"]);
        assert_eq!(of("copy … (data|my accounts)"), ["data", "unts"]);
        assert_eq!(of("delet* my (account|profile)s"), [" my "]);
        assert_eq!(of("copy … (data|my)"), [" my", "data"]);
        assert!(of("copy data").is_empty() && of("copy … (data|a)").is_empty() && of("copy … a(nswer)?").is_empty());
        assert_eq!(of("copy (… data)?"), ["data"], "of what is left where it is there");
        assert_eq!(of("(copy … that|give) (data)"), ["data"]);
    }

    #[test]
    fn a_plain_phrase_goes_past_no_sign() {
        let plain = |phrase: &str| is_plain(&beginnings(&parse(phrase).unwrap())[0].left);
        assert!(plain("copy … (data|my-own 'o_one')") && plain("delet* my"));
        assert!(!plain("copy … data, please") && !plain("copy … (data|e.g. me)") && !plain("copy … data:?"));
    }
}
