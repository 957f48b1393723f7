//! Only whom a question was put to answers it, a stop is always heard, and what a proof rests on still holds when it is
//! used. The letters are written and read by the test; the daemon does the rest.

#[path = "answers/approval.rs"]
mod approval;
#[path = "answers/clock.rs"]
mod clock;
#[path = "answers/code.rs"]
mod code;
#[path = "answers/language.rs"]
mod language;
#[path = "answers/nothing.rs"]
mod nothing;
#[path = "answers/passed.rs"]
mod passed;
#[path = "answers/pause.rs"]
mod pause;
#[path = "answers/promise.rs"]
mod promise;
#[path = "answers/standing.rs"]
mod standing;
#[path = "answers/unheard.rs"]
mod unheard;

use expunged::db::deliveries::Disposition;
use expunged::domain::request::ReviewReason;
use expunged::domain::{Reference, RequestId, State};
use expunged::flow::operate::Operator;

use crate::support::world::{Letter, World, plain};

const OWNER: &str = "owner1@team.example";
const USER: &str = "user1@team.example";
const GUEST: &str = "guest1@guest.example";

/// A letter opens a request.
async fn opened(world: &World, from: &str, subject: &str, text: &str) -> RequestId {
    let (disposition, request) = world.receive(&plain(from, subject, text)).await;
    assert_eq!(disposition, Disposition::Opened);
    request.expect("it has a request")
}

/// The one new letter to somebody whose subject has these words.
fn the_letter(world: &World, to: &str, words: &str) -> Letter {
    let fresh = world.fresh(to);
    let subjects: Vec<_> = fresh.iter().map(|letter| letter.subject.clone()).collect();
    let mut found = fresh.into_iter().filter(|letter| letter.subject.contains(words));
    match (found.next(), found.next()) {
        (Some(letter), None) => letter,
        _ => panic!("not one letter {words:?} to {to} among {subjects:?}"),
    }
}

/// Somebody answers a letter of ours.
async fn answered(world: &World, letter: &Letter, from: &str, text: &str) {
    let (disposition, _) = world.receive(&letter.answer(from, text)).await;
    assert_eq!(disposition, Disposition::Answer, "{text}");
}

/// The same, without the plus-address: only the Message-ID shows what it answers.
async fn answered_in_thread(world: &World, letter: &Letter, from: &str, text: &str) {
    let letter = Letter { reply_to: crate::support::world::SUPPORT.to_owned(), ..letter.clone() };
    answered(world, &letter, from, text).await;
}

async fn reference(world: &World, id: RequestId) -> Reference {
    world.reference(id).await
}

async fn in_review(world: &World, id: RequestId, reason: ReviewReason) {
    let request = world.stored(id).await.request;
    assert_eq!((request.state, request.review), (State::NeedsReview, Some(reason)));
}

fn operator(world: &World) -> Operator {
    world.operator("alice")
}
