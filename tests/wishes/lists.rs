//! A support address that is itself a list marks every answer as a list's: none is believed, and none is lost.

use expunged::domain::State;
use expunged::domain::request::ReviewReason;

use super::OWNER;
use crate::support::world::World;

fn by_list(letter: Vec<u8>, header: &str) -> Vec<u8> {
    let letter = String::from_utf8(letter).unwrap();
    letter.replacen("MIME-Version", &format!("{header}\r\nMIME-Version"), 1).into_bytes()
}

#[tokio::test]
async fn an_answer_that_a_list_brings_goes_to_a_person() {
    for header in ["List-Id: <privacy.shop.example>", "Precedence: list", "Precedence: bulk"] {
        let world = World::sqlite().await;
        world
            .live(async {
                let (request, challenge) = world.ask(OWNER).await;
                let yes = challenge.answer(OWNER, &format!("Yes. {}", challenge.code()));
                world.receive(&by_list(yes, header)).await;
                let request = world.stored(request).await.request;
                let review = (request.state, request.review);
                assert_eq!(review, (State::NeedsReview, Some(ReviewReason::UnclearLetter)), "{header}");
            })
            .await;
    }
}

/// A machine that answers for itself still moves nothing, whatever it repeats.
#[tokio::test]
async fn an_automatic_answer_still_moves_nothing() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (request, challenge) = world.ask(OWNER).await;
            let letter = challenge.answer(OWNER, "I am on holiday.");
            world.receive(&by_list(letter, "Auto-Submitted: auto-replied\r\nList-Id: <x.example>")).await;
            assert_eq!(world.state(request).await, State::AwaitingConfirmation);
        })
        .await;
}
