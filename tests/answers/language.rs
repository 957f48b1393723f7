//! A short word is a yes in the language of who asked, though our question was put in another, and in no other.

use expunged::domain::State;

use super::{OWNER, answered, opened, the_letter};
use crate::support::world::World;

/// Whether "tak" answers the question about a letter in these words.
async fn tak_confirms(wish: &str) -> bool {
    let world = &World::sqlite().await;
    let state = world
        .live(async {
            let id = opened(world, OWNER, "Konto", wish).await;
            let asked = the_letter(world, OWNER, "Please confirm");
            answered(world, &asked, OWNER, "Tak.").await;
            world.state(id).await
        })
        .await;
    state != State::AwaitingConfirmation
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_short_yes_is_heard_in_the_language_of_the_letter_before_it() {
    assert!(tak_confirms("Proszę o usunięcie mojego konta. Dziękuję.").await);
    assert!(!tak_confirms("Please delete my account. Thank you.").await);
}
