//! Who sends a wrong code is told that it was wrong and how many tries are left; whose answer had none is told of it once, and
//! again where the question is put again or ends.

use expunged::domain::State;
use expunged::domain::request::ReviewReason;

use super::{OWNER, answered, in_review, the_letter};
use crate::support::world::World;

const WRONG: [&str; 5] = ["XK4F7Z", "xk4-f7y", "XK4 F7W", "XK4F7V", "XK4F7T"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wrong_code_is_called_wrong_each_time_until_a_person_looks() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (asked, challenge) = world.ask(OWNER).await;
            for (code, left) in WRONG.iter().zip(["4 more times", "3 more times", "2 more times", "1 more time;"]) {
                answered(world, &challenge, OWNER, code).await;
                let told = the_letter(world, OWNER, "need the code");
                let words = told.text.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(words.contains("not the one that we sent you") && words.contains(left), "{words}");
                assert_eq!(told.code(), challenge.code(), "the right one stands there");
            }
            assert_eq!(world.state(asked).await, State::AwaitingConfirmation);
            answered(world, &challenge, OWNER, WRONG[4]).await;
            in_review(world, asked, ReviewReason::TooManyAttempts).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_try_is_left_for_the_right_code_and_words_are_no_tries() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (asked, challenge) = world.ask(OWNER).await;
            for code in &WRONG[..4] {
                answered(world, &challenge, OWNER, code).await;
            }
            assert_eq!(world.fresh(OWNER).len(), 4);
            for word in ["Yes, please delete it.", "Yes please", "Yes"] {
                answered(world, &challenge, OWNER, word).await;
                assert_eq!(world.state(asked).await, State::AwaitingConfirmation, "{word}");
            }
            answered(world, &challenge, OWNER, &challenge.code()).await;
            assert_eq!(world.state(asked).await, State::Scheduled);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_answered_without_the_code_is_not_told_that_no_answer_came() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (asked, challenge) = world.ask(OWNER).await;
            answered(world, &challenge, OWNER, "Yes, please.").await;
            let told = the_letter(world, OWNER, "need the code");
            assert!(!told.text.contains("not the one that we sent you"), "{}", told.text);
            // Nothing follows a second answer of this kind by itself.
            answered(world, &challenge, OWNER, "Yes, please.").await;
            assert!(world.fresh(OWNER).is_empty());
            world.days_pass(6).await;
            let reminder = the_letter(world, OWNER, "Reminder").text;
            assert!(reminder.contains("Thank you for your answer"), "{reminder}");
            assert!(!reminder.contains("have not had your answer"), "{reminder}");
            world.days_pass(10).await;
            assert_eq!(world.state(asked).await, State::Expired);
            let end = the_letter(world, OWNER, "has ended").text;
            assert!(end.contains("Your answer was not the confirmation"), "{end}");
        })
        .await;
}
