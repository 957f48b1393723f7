//! How the texts begin that a phrase of the lexicon finds, and which of them it finds as a whole.
//!
//! Most phrases are a handful of texts, with or without an ending: those need no pattern at all. Only behind a gap, an
//! ending within the phrase, or too many choices does it take one; then what stands before that is known, and only what is left
//! of the phrase has to be held against a text.

use super::super::rest::{Rest, is_word};
use super::notation::{Phrase, Piece};

/// Beginnings of one phrase that are told apart; behind them only shorter ones are known.
const BEGINNINGS_MAX: usize = 32;

/// A text that phrases begin with. Of one phrase they come in the order in which its pattern tries them.
#[derive(Clone)]
pub(super) struct Beginning<'p> {
    pub text: String,
    pub rest: Rest,
    /// What follows, piece behind piece, where only the pattern knows.
    pub left: Vec<&'p Piece>,
}

impl<'p> Beginning<'p> {
    /// The beginning of which only the pattern knows what follows: this first.
    fn left(mut self, piece: &'p Piece) -> Self {
        if self.rest == Rest::Ending {
            self.left.push(&Piece::Ending);
        }
        self.left.push(piece);
        Self { rest: Rest::Pattern, ..self }
    }
}

/// The beginnings of a phrase; one of them is empty where nothing is known of how it begins.
pub(super) fn beginnings(phrase: &Phrase) -> Vec<Beginning<'_>> {
    let empty = Beginning { text: String::new(), rest: Rest::Bound, left: Vec::new() };
    let mut found: Vec<Beginning<'_>> =
        phrase.rows.iter().flat_map(|row| row.iter().fold(vec![empty.clone()], follow)).collect();
    // A pattern that begins at a word finds nothing at a sign.
    found.retain(|found| !phrase.starts || found.text.is_empty() || found.text.bytes().next().is_some_and(is_word));
    for found in &mut found {
        found.rest = match found.rest {
            Rest::Bound if !phrase.ends => Rest::Nothing,
            // Behind a sign a word may also begin: the pattern knows.
            Rest::Ending if !found.text.bytes().last().is_some_and(is_word) => {
                found.left.push(&Piece::Ending);
                Rest::Pattern
            }
            Rest::Ending if phrase.any_script => Rest::AnyEnding,
            rest => rest,
        };
    }
    found
}

/// The beginnings with a piece behind them. Where they become too many, those that say something already stay as they are.
fn follow<'p>(found: Vec<Beginning<'p>>, piece: &'p Piece) -> Vec<Beginning<'p>> {
    // Most pieces make no beginning more: nothing is copied for them.
    if let (Piece::Text(_) | Piece::Ending | Piece::Gap | Piece::Words, true) = (piece, found.len() <= BEGINNINGS_MAX) {
        return found.into_iter().map(|beginning| go_on(beginning, piece)).collect();
    }
    let next = all(&found, piece, false);
    if next.len() <= BEGINNINGS_MAX {
        return next;
    }
    all(&found, piece, true)
}

/// The same of each, or, where they are to be cut, of those alone that say nothing yet.
fn all<'p>(found: &[Beginning<'p>], piece: &'p Piece, cut: bool) -> Vec<Beginning<'p>> {
    let mut next = Vec::with_capacity(found.len());
    for beginning in found {
        let cut = cut && !beginning.text.is_empty();
        match beginning.rest {
            Rest::Bound if !cut => behind(beginning, piece, &mut next),
            // Behind an ending that is not the last piece only the pattern knows more.
            _ => next.push(beginning.clone().left(piece)),
        }
    }
    next
}

/// The beginning with a piece behind it that leaves no choice.
fn go_on<'p>(mut beginning: Beginning<'p>, piece: &'p Piece) -> Beginning<'p> {
    match (beginning.rest, piece) {
        (Rest::Bound, Piece::Text(text)) => beginning.text.push_str(text),
        (Rest::Bound, Piece::Ending) => beginning.rest = Rest::Ending,
        _ => return beginning.left(piece),
    }
    beginning
}

fn behind<'p>(beginning: &Beginning<'p>, piece: &'p Piece, next: &mut Vec<Beginning<'p>>) {
    match piece {
        Piece::Gap | Piece::Words | Piece::Ending | Piece::Text(_) => next.push(go_on(beginning.clone(), piece)),
        Piece::Sign(ways) => {
            for way in ways {
                let mut text = String::with_capacity(beginning.text.len() + way.len());
                text.push_str(&beginning.text);
                text.push_str(way);
                next.push(Beginning { text, ..beginning.clone() });
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
    fn only_what_is_left_needs_a_pattern() {
        let left = |phrase: &str| -> Vec<(String, usize)> {
            beginnings(&parse(phrase).unwrap()).into_iter().map(|found| (found.text, found.left.len())).collect()
        };
        let expected = |expected: &[(&str, usize)]| -> Vec<(String, usize)> {
            expected.iter().map(|(text, left)| ((*text).to_owned(), *left)).collect()
        };
        assert_eq!(left("my (old )?data"), expected(&[("my old data", 0), ("my data", 0)]));
        // A gap, a space, and the word.
        assert_eq!(left("(copy|give me) … data"), expected(&[("copy", 2), ("give me", 2)]));
        assert_eq!(left("delet* my"), expected(&[("delet", 2)]));
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
