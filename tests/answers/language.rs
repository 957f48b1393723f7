//! A short word is a yes in the language of who asked, though our question was put in another, and in no other.

use expunged::domain::State;

use super::{USER, answered, opened, the_letter};
use crate::support::world::World;

const POLISH: &str = "Proszę o usunięcie mojego profilu. Dziękuję.";
const ENGLISH: &str = "Hello,\r\n\r\nplease delete my user profile.\r\n";

/// Whether "tak" answers the question about a letter in these words: for a profile no code is needed.
async fn tak_confirms(wish: &str) -> bool {
    let world = &World::sqlite().await;
    let state = world
        .live(async {
            let id = opened(world, USER, "Profil", wish).await;
            let asked = the_letter(world, USER, "Please confirm");
            answered(world, &asked, USER, "Tak.").await;
            world.state(id).await
        })
        .await;
    state == State::AwaitingApproval
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_short_yes_is_heard_in_the_language_of_the_letter_before_it() {
    assert!(tak_confirms(POLISH).await);
    assert!(!tak_confirms(ENGLISH).await);
}
