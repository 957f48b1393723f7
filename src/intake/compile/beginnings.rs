//! How the texts begin that a phrase of the lexicon finds, and which of them it finds as a whole.
//!
//! Most phrases are a handful of texts, with or without an ending: those need no pattern at all. Only behind a gap, an
//! ending within the phrase, or too many choices does it take one; then what stands before that is known.

use super::super::rest::{Rest, is_word};
use super::notation::{Phrase, Piece};

/// Beginnings of one phrase that are told apart; behind them only shorter ones are known.
const BEGINNINGS_MAX: usize = 32;

/// A text that phrases begin with. Of one phrase they come in the order in which its pattern tries them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Beginning {
    pub text: String,
    pub rest: Rest,
}

/// The beginnings of a phrase; one of them is empty where nothing is known of how it begins.
pub(super) fn beginnings(phrase: &Phrase) -> Vec<Beginning> {
    let empty = Beginning { text: String::new(), rest: Rest::Bound };
    let row = |row: &Vec<Piece>| row.iter().fold(vec![empty.clone()], follow);
    let mut found: Vec<Beginning> = phrase.rows.iter().flat_map(row).collect();
    // A pattern that begins at a word finds nothing at a sign.
    found.retain(|found| !phrase.starts || found.text.is_empty() || found.text.bytes().next().is_some_and(is_word));
    for found in &mut found {
        found.rest = match found.rest {
            Rest::Bound if !phrase.ends => Rest::Nothing,
            // Behind a sign a word may also begin: the pattern knows.
            Rest::Ending if !found.text.bytes().last().is_some_and(is_word) => Rest::Pattern,
            Rest::Ending if phrase.any_script => Rest::AnyEnding,
            rest => rest,
        };
    }
    found
}

/// The beginnings with a piece behind them. Where they become too many, those that say something already stay as they are.
fn follow(mut found: Vec<Beginning>, piece: &Piece) -> Vec<Beginning> {
    // Most pieces make no beginning more: nothing is copied for them.
    if let (Piece::Text(_) | Piece::Ending | Piece::Gap | Piece::Words, true) = (piece, found.len() <= BEGINNINGS_MAX) {
        found.iter_mut().for_each(|beginning| go_on(beginning, piece));
        return found;
    }
    let all = |cut: bool| {
        let mut next = Vec::with_capacity(found.len());
        for beginning in &found {
            let cut = cut && !beginning.text.is_empty();
            match beginning.rest {
                Rest::Bound if !cut => behind(beginning, piece, &mut next),
                // Behind an ending that is not the last piece only the pattern knows more.
                _ => next.push(Beginning { rest: Rest::Pattern, ..beginning.clone() }),
            }
        }
        next
    };
    let next = all(false);
    if next.len() > BEGINNINGS_MAX { all(true) } else { next }
}

/// The beginning with a piece behind it that leaves no choice.
fn go_on(beginning: &mut Beginning, piece: &Piece) {
    match (beginning.rest, piece) {
        (Rest::Bound, Piece::Text(text)) => beginning.text.push_str(text),
        (Rest::Bound, Piece::Ending) => beginning.rest = Rest::Ending,
        _ => beginning.rest = Rest::Pattern,
    }
}

fn behind(beginning: &Beginning, piece: &Piece, next: &mut Vec<Beginning>) {
    let then = |rest: Rest| Beginning { rest, ..beginning.clone() };
    match piece {
        Piece::Gap | Piece::Words => next.push(then(Rest::Pattern)),
        Piece::Ending => next.push(then(Rest::Ending)),
        Piece::Text(text) => {
            let mut beginning = beginning.clone();
            beginning.text.push_str(text);
            next.push(beginning);
        }
        Piece::Sign(ways) => {
            for way in ways {
                let mut text = String::with_capacity(beginning.text.len() + way.len());
                text.push_str(&beginning.text);
                text.push_str(way);
                next.push(Beginning { text, rest: Rest::Bound });
            }
        }
        Piece::Maybe(piece) => {
            behind(beginning, piece, next);
            next.push(beginning.clone());
        }
        Piece::Choice(rows) => {
            for row in rows {
                next.extend(row.iter().fold(vec![beginning.clone()], follow));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::parse;
    use super::*;

    fn of(phrase: &str) -> Vec<(String, Rest)> {
        beginnings(&parse(phrase).unwrap()).into_iter().map(|found| (found.text, found.rest)).collect()
    }

    #[test]
    fn phrases_are_texts_with_or_without_an_ending() {
        let found = |expected: &[(&str, Rest)]| -> Vec<(String, Rest)> {
            expected.iter().map(|(text, rest)| ((*text).to_owned(), *rest)).collect()
        };
        assert_eq!(of("my (old )?data"), found(&[("my old data", Rest::Bound), ("my data", Rest::Bound)]));
        assert_eq!(
            of("(lösch|tilg)*"),
            found(&[("loesch", Rest::Ending), ("losch", Rest::Ending), ("tilg", Rest::Ending)])
        );
        assert_eq!(of("id:"), found(&[("id:", Rest::Nothing)]));
        assert_eq!(of("copy … data"), found(&[("copy", Rest::Pattern)]));
        assert_eq!(of("(my )?(… )?data")[0], ("my ".to_owned(), Rest::Pattern));
        assert!(of("(my )?(… )?data").iter().any(|(text, _)| text.is_empty()), "a gap is no beginning");
        assert_eq!(of("удал*")[0].1, Rest::AnyEnding);
    }

    #[test]
    fn too_many_are_cut_where_they_say_something() {
        let many = of(&format!("(a|b|c|d){}", "(x|y|z|w)".repeat(9)));
        assert!(
            many.len() <= BEGINNINGS_MAX && many.iter().all(|(text, rest)| text.len() == 2 && *rest == Rest::Pattern)
        );
        let missing = of(&format!("{}end", "(x|y|z|w)?".repeat(9)));
        assert!(missing.iter().all(|(text, _)| !text.is_empty()) && missing.contains(&("end".to_owned(), Rest::Bound)));
    }
}
