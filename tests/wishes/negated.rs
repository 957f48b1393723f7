//! A "not" loses no letter: what only sounds like "do not erase" opens a request or goes to a person.

use expunged::db::deliveries::Disposition;
use expunged::domain::request::ReviewReason;
use expunged::domain::{Scope, State};

use super::{OWNER, opens, write};
use crate::support::world::World;

#[tokio::test]
async fn a_negation_of_something_else_takes_no_wish_away() {
    for text in [
        "Please delete my account and do not contact me again.",
        "Please don't forget to delete my account.",
        "Ich kann mein Konto nicht löschen, bitte übernehmen Sie das.",
        "N'hésitez pas à supprimer mon compte.",
        "Supprimez mon compte et ne me contactez plus.",
        "No puedo eliminar mi cuenta, por favor háganlo ustedes.",
    ] {
        let world = World::sqlite().await;
        world
            .live(async {
                let case = opens(&world, OWNER, ("Hello", text)).await;
                let request = world.stored(case).await.request;
                assert_eq!(request.state, State::AwaitingConfirmation, "{text}: {:?}", request.review);
                assert_eq!(request.ask.unwrap().offered, [Scope::Account], "{text}");
            })
            .await;
    }
}

#[tokio::test]
async fn a_complaint_and_a_prohibition_with_nothing_open_go_to_a_person() {
    for text in [
        "Why have you not deleted my account yet?",
        "Sie haben mein Konto immer noch nicht gelöscht.",
        "Vous n'avez toujours pas supprimé mon compte",
        "Todavía no han eliminado mi cuenta.",
        // Nothing is open that it could stop: what is meant, nobody can tell from the words.
        "Please do not delete my account.",
    ] {
        let world = World::sqlite().await;
        world
            .live(async {
                let case = opens(&world, OWNER, ("Hello", text)).await;
                let request = world.stored(case).await.request;
                let review = (request.state, request.review);
                assert_eq!(review, (State::NeedsReview, Some(ReviewReason::UnclearLetter)), "{text}");
            })
            .await;
    }
}

/// It still stops what is open; so does who prevents it, or says that somebody else asked. What may ask as well is also read.
#[tokio::test]
async fn a_prohibition_pauses_what_is_open() {
    for text in [
        "Please do not delete my account.",
        "Please avoid deleting my account, I still need it.",
        "Évitez de supprimer mon compte.",
        "Someone asked you to delete my account. That was not me.",
        "My ex-wife asked you to delete my account. Please don't do that.",
        "Ich habe nicht darum gebeten, mein Konto zu löschen.",
    ] {
        let world = World::sqlite().await;
        world
            .live(async {
                let request = world.ask_and_confirm(OWNER).await;
                let (disposition, case) = write(&world, OWNER, ("Hello", text)).await;
                match disposition {
                    Disposition::Answer => assert_eq!(case, Some(request), "{text}"),
                    _ => assert_eq!(world.state(case.unwrap()).await, State::NeedsReview, "{text}"),
                }
                assert_eq!(world.state(request).await, State::OnHold, "{text}");
            })
            .await;
    }
}

/// Who repeats the wish, and says "not" of something else, has not said no.
#[tokio::test]
async fn a_wish_with_a_not_in_it_is_no_refusal() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (request, challenge) = world.ask(OWNER).await;
            let text = format!("Delete my account and do not contact me again. {}", challenge.code());
            world.receive(&challenge.answer(OWNER, &text)).await;
            assert_eq!(world.state(request).await, State::AwaitingConfirmation, "it is asked once more");
        })
        .await;
}
