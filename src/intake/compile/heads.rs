//! With which signs what is left of a phrase may begin.

use super::super::code::Heads;
use super::notation::Piece;

/// Ways to begin that are told apart; of more nothing is known.
const WAYS_MAX: usize = 400;

/// The first signs of one way to begin; `None` where it may be any, or none at all.
type Way = [Option<u8>; 2];

/// What its first sign may be, and what the one behind that.
pub(super) fn heads(left: &[&Piece]) -> [Heads; 2] {
    let mut ways = Vec::new();
    let pieces: Vec<&Piece> = left.iter().rev().copied().collect();
    if !begin([None; 2], 0, &pieces, &mut ways) {
        return [Heads::ANY; 2];
    }
    let all = |place: usize| {
        let sign = |way: &Way| way[place].map_or(Heads::ANY, Heads::of);
        ways.iter().map(sign).reduce(Heads::or).unwrap_or(Heads::ANY)
    };
    [all(0), all(1)]
}

/// Adds the ways in which these pieces, the last of them first, go on behind so many signs; false where they are too many.
fn begin(way: Way, length: usize, pieces: &[&Piece], ways: &mut Vec<Way>) -> bool {
    if ways.len() > WAYS_MAX {
        return false;
    }
    let Some((first, then)) = pieces.split_last().filter(|_| length < way.len()) else {
        ways.push(way);
        return true;
    };
    let text = |text: &str, ways: &mut Vec<Way>| {
        let (mut way, mut length) = (way, length);
        for (place, sign) in way[length..].iter_mut().zip(text.bytes()) {
            *place = Some(sign);
            length += 1;
        }
        begin(way, length, then, ways)
    };
    match first {
        Piece::Text(signs) => text(signs, ways),
        Piece::Sign(of) => of.iter().all(|way| text(way, ways)),
        Piece::Choice(rows) => rows.iter().all(|row| {
            let pieces: Vec<&Piece> = then.iter().copied().chain(row.iter().rev()).collect();
            begin(way, length, &pieces, ways)
        }),
        Piece::Maybe(piece) => {
            let pieces: Vec<&Piece> = then.iter().copied().chain([&**piece]).collect();
            begin(way, length, &pieces, ways) && begin(way, length, then, ways)
        }
        Piece::Gap => {
            let mut spaced = way;
            spaced[length] = Some(b' ');
            ways.push(spaced);
            begin(way, length, then, ways)
        }
        Piece::Ending | Piece::Words => {
            ways.push(way);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::beginnings::beginnings;
    use super::super::notation::parse;
    use super::*;

    #[test]
    fn what_may_come_next_is_known() {
        let may = |phrase: &str, text: &str| {
            let phrase = parse(phrase).unwrap();
            let [first, second] = heads(&beginnings(&phrase)[0].left);
            first.admit(text.as_bytes(), 0) && second.admit(text.as_bytes(), 1)
        };
        assert!(may("copy … data", " data") && may("copy … data", " of") && !may("copy … data", ", data"));
        assert!(may("delet*ing", "eing") && may("delet*ing", "ing"));
        let many = format!("(x|y)?{}(a|b)", "(c|d)?".repeat(9));
        assert!(may(&format!("copy(… )?{many}"), "xa"), "any word");
        let left = parse(&many).unwrap();
        let [first, second] = heads(&left.rows[0].iter().collect::<Vec<_>>());
        assert!(first.admit(b"x", 0) && first.admit(b"b", 0) && !first.admit(b"f", 0) && !first.admit(b"", 0));
        assert!(second.admit(b"a", 0) && second.admit(b"", 0), "a phrase of one sign may end the text");
    }
}
