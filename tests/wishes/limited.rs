//! A limit is never passed over: what shall stay is read by a person before anything is asked for the whole.

use expunged::db::deliveries::Disposition;
use expunged::domain::request::{Hold, ReviewReason};
use expunged::domain::{RequestId, Scope, State};
use expunged::flow::operate::{self, Correction};

use super::{OWNER, USER, opens, write};
use crate::support::world::{Ground, Letter, TEAM, World, plain};

async fn limited(world: &World, request: RequestId) {
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
            let reference = world.reference(case).await;
            let operator = world.operator("operator");
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
            assert!(read(&world, case).await.contains("Yes, but keep my invoices."));
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            limited(&world, case).await;
            // Whoever looks reads what comes meanwhile as well.
            let more = challenge.answer(OWNER, "And please keep my orders too.");
            assert_eq!(world.receive(&more).await, (Disposition::Answer, Some(case)));
            assert!(read(&world, case).await.contains("keep my orders"));

            let other = "owner2@team.example";
            let scheduled = world.ask_and_confirm(other).await;
            let letter = world.fresh(other).pop().expect("the letter that says when");
            world.receive(&letter.answer(other, "OK, delete my account, but keep my invoices.")).await;
            limited(&world, scheduled).await;
            assert!(read(&world, scheduled).await.contains("keep my invoices"));
        })
        .await;
}

/// What a person of the team reads of a case.
async fn read(world: &World, case: RequestId) -> String {
    let reference = world.reference(case).await;
    let operator = world.operator("operator");
    expunged::flow::reveal::reveal(&world.house, &reference, &operator).await.unwrap().letters.join("\n")
}

/// A user asks for their own profile and confirms it: the owner decides. With the letter to the user.
async fn owner_decides(world: &World) -> (RequestId, Letter) {
    let case = opens(world, USER, ("My profile", "Please delete my user profile.")).await;
    let challenge = world.fresh(USER).pop().expect("the user is challenged");
    world.receive(&challenge.answer(USER, "Yes, please go ahead.")).await;
    assert_eq!(world.state(case).await, State::AwaitingApproval);
    (case, challenge)
}

#[tokio::test]
async fn a_limit_of_the_asker_is_heard_while_the_owner_decides() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (case, challenge) = owner_decides(&world).await;
            let limit = challenge.answer(USER, "But please keep my invoices.");
            assert_eq!(world.receive(&limit).await, (Disposition::Answer, Some(case)));
            limited(&world, case).await;
            assert!(read(&world, case).await.contains("But please keep my invoices."));
        })
        .await;
}

#[tokio::test]
async fn a_doubt_of_the_asker_is_heard_while_the_owner_decides() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (case, challenge) = owner_decides(&world).await;
            let doubt = challenge.answer(USER, "Please wait, I am not sure any more.");
            assert_eq!(world.receive(&doubt).await, (Disposition::Answer, Some(case)));
            let request = world.stored(case).await.request;
            assert_eq!((request.state, request.review), (State::NeedsReview, Some(ReviewReason::UnclearLetter)));
            assert!(read(&world, case).await.contains("I am not sure any more."));
        })
        .await;
}

/// A pause keeps what caused it for whoever looks, and what was said in it.
#[tokio::test]
async fn a_stop_is_read_by_whoever_looks_at_its_request() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (case, _) = world.ask(OWNER).await;
            let stop = "Please stop. My brother wrote this.";
            assert_eq!(write(&world, OWNER, ("Hello", stop)).await, (Disposition::Answer, Some(case)));
            assert_eq!(world.stored(case).await.request.held.map(|held| held.1), Some(Hold::Unproven));
            world.days_pass(8).await;
            assert_eq!(world.state(case).await, State::NeedsReview);
            assert!(read(&world, case).await.contains("My brother wrote this."));
        })
        .await;
}

/// The team's own pause is the team's to end; a stop in it is told to them at once, and looked at after.
#[tokio::test]
async fn a_stop_and_a_limit_during_the_teams_pause_are_not_swallowed() {
    let world = World::sqlite().await;
    world
        .live(async {
            let operator = world.operator("operator");
            for (owner, by_token) in [(OWNER, false), ("owner2@team.example", true)] {
                let (case, challenge) = world.ask(owner).await;
                let reference = world.reference(case).await;
                operate::act(&world.house, &reference, &operator, operate::Act::Hold, None).await.unwrap();
                world.settle().await;
                world.fresh(TEAM);
                let letter = match by_token {
                    true => challenge.answer(owner, "Yes, but keep my invoices."),
                    false => plain(owner, "Hello", "Please stop."),
                };
                assert_eq!(world.receive(&letter).await, (Disposition::Answer, Some(case)));
                assert_eq!(world.stored(case).await.request.held, Some((State::NeedsReview, Hold::Operator)));
                assert_eq!(world.fresh(TEAM).len(), 1, "the team hears of it");
                world.receive(&letter).await;
                assert_eq!(world.fresh(TEAM).len(), 0, "once");
                operate::act(&world.house, &reference, &operator, operate::Act::Release, None).await.unwrap();
                world.settle().await;
                assert_eq!(world.state(case).await, State::NeedsReview);
            }
        })
        .await;
}
