//! A limit is never passed over: what shall stay is read by a person before anything is asked for the whole.

use expunged::domain::request::ReviewReason;
use expunged::domain::{Scope, State};
use expunged::flow::operate::{self, Correction, Operator};

use super::{OWNER, opens};
use crate::support::world::{Ground, World};

async fn limited(world: &World, request: expunged::domain::RequestId) {
    let request = world.stored(request).await.request;
    assert_eq!((request.state, request.review), (State::NeedsReview, Some(ReviewReason::Limited)));
}

#[tokio::test]
async fn a_letter_that_excepts_a_part_goes_to_a_person_who_is_told_why() {
    let world = World::sqlite().await;
    world
        .live(async {
            let case = opens(&world, OWNER, ("Hello", "Please delete my account but keep the invoices.")).await;
            limited(&world, case).await;
            let told = world.fresh(OWNER).pop().expect("the writer is told that a person looks");
            assert!(told.text.contains("a person in our team"), "{}", told.text);
            let whole = opens(&world, OWNER, ("Hello", "Please delete my account.")).await;
            assert_ne!(whole, case, "the whole is another wish than a part");
            // The person has read it, and has it go the way of any other letter.
            let reference = world.stored(case).await.request.reference;
            let operator = Operator::named(&world.house, "operator");
            let data = Correction { scope: Some(Scope::Data), ..Correction::default() };
            operate::correct(&world.house, &reference, &operator, data).await.unwrap();
            world.days_pass(1).await;
            assert_eq!(world.stored(case).await.request.ask.unwrap().offered, [Scope::Data]);
        })
        .await;
}

#[tokio::test]
async fn every_language_has_its_limits() {
    let ground = Ground::sqlite().await.with_config(|config| config + "\n[challenge]\nper_address_hours = 1\n");
    let world = ground.build().await;
    world
        .live(async {
            for text in [
                "Bitte löschen Sie mein Konto, aber behalten Sie meine Rechnungen.",
                "Merci de supprimer mon compte mais gardez mes factures.",
                "Por favor eliminen mi cuenta pero conserven mis facturas.",
            ] {
                let case = opens(&world, OWNER, ("Hello", text)).await;
                limited(&world, case).await;
            }
        })
        .await;
}

/// A code after it would speak for the whole again, so that a limited yes is no answer that is asked for once more.
#[tokio::test]
async fn a_limited_yes_and_a_limited_second_thought_go_to_a_person() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (case, challenge) = world.ask(OWNER).await;
            world.receive(&challenge.answer(OWNER, "Yes, but keep my invoices.")).await;
            limited(&world, case).await;
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            limited(&world, case).await;

            let other = "owner2@team.example";
            let scheduled = world.ask_and_confirm(other).await;
            let letter = world.fresh(other).pop().expect("the letter that says when");
            world.receive(&letter.answer(other, "OK, delete my account, but keep my invoices.")).await;
            limited(&world, scheduled).await;
        })
        .await;
}
