//! The picture of the states in ARCHITECTURE.md shows every move of the table, and none that is not in it.

use std::collections::BTreeSet;

use super::MOVES;

const ARCHITECTURE: &str = include_str!("../../../../ARCHITECTURE.md");
/// What the picture draws as one, because whatever has not begun to be erased can be stopped.
const BEFORE_ERASING: (&str, [&str; 5]) =
    ("before_erasing", ["received", "awaiting_confirmation", "awaiting_approval", "scheduled", "needs_review"]);

fn states(name: &'static str) -> Vec<&'static str> {
    if name == BEFORE_ERASING.0 { BEFORE_ERASING.1.to_vec() } else { vec![name] }
}

#[test]
fn the_picture_of_the_states_shows_the_moves_of_the_table() {
    let (_, picture) = ARCHITECTURE.split_once("stateDiagram-v2").expect("a picture");
    let (picture, _) = picture.split_once("```").expect("its end");
    let mut drawn = BTreeSet::new();
    for line in picture.lines() {
        let Some((from, rest)) = line.trim().split_once(" --> ") else { continue };
        let (to, _) = rest.split_once(':').unwrap_or((rest, ""));
        for from in states(from).into_iter().filter(|from| *from != "[*]") {
            drawn.extend(states(to).into_iter().map(|to| (from, to)));
        }
    }
    let moves = MOVES.iter().flat_map(|(from, _, to)| to.iter().map(|to| (*from, *to)));
    let moves: BTreeSet<_> = moves.filter(|(from, to)| from != to).collect();
    let (missing, more): (Vec<_>, Vec<_>) = (moves.difference(&drawn).collect(), drawn.difference(&moves).collect());
    assert!(missing.is_empty() && more.is_empty(), "not drawn: {missing:?}; drawn, and not allowed: {more:?}");
}
