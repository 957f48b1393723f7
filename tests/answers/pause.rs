//! A stop is heard, a pause is ended by whom it belongs to, and a code beside a condition is no yes.

use expunged::domain::State;
use expunged::domain::request::{Hold, ReviewReason};
use expunged::flow::operate;

use super::{OWNER, answered, in_review, operator, reference, the_letter};
use crate::gate::on_both;
use crate::support::world::{World, plain};

const CONDITION: &str = "Yes, but please wait until March.";

on_both! {
    async fn a_doubt_in_the_grace_period_pauses_and_a_yes_goes_on(world) {
        world.live(async {
            let asked = world.ask_and_confirm(OWNER).await;
            let scheduled = the_letter(world, OWNER, "Confirmed");
            answered(world, &scheduled, OWNER, "Thank you!").await;
            assert_eq!(world.state(asked).await, State::Scheduled, "a thank-you changes nothing");
            answered(world, &scheduled, OWNER, CONDITION).await;
            let request = world.stored(asked).await.request;
            assert_eq!(request.held, Some((State::Scheduled, Hold::Unproven)));
            let paused = the_letter(world, OWNER, "paused");
            world.days_pass(3).await;
            answered(world, &paused, OWNER, "Yes").await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            the_letter(world, OWNER, "Confirmed");
            // The grace period began anew.
            world.days_pass(6).await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            world.days_pass(1).await;
            assert_eq!(world.state(asked).await, State::Completed);
        }).await;
    }

    async fn an_operators_pause_is_not_ended_by_a_letter(world) {
        world.live(async {
            let (asked, challenge) = world.ask(OWNER).await;
            let reference = reference(world, asked).await;
            operate::act(&world.house, &reference, &operator(world), operate::Act::Hold, None).await.unwrap();
            world.settle().await;
            let paused = the_letter(world, OWNER, "paused");
            let code = challenge.code();
            for (letter, text) in [(&paused, "OK, thank you."), (&challenge, "Yes"), (&challenge, code.as_str())] {
                answered(world, letter, OWNER, text).await;
                let held = world.stored(asked).await.request.held;
                assert_eq!(held, Some((State::AwaitingConfirmation, Hold::Operator)), "{text}");
            }
            operate::act(&world.house, &reference, &operator(world), operate::Act::Release, None).await.unwrap();
            world.settle().await;
            // The question is put anew, and only its own code counts.
            let again = the_letter(world, OWNER, "Please confirm");
            assert_ne!(again.code(), code);
            answered(world, &challenge, OWNER, &code).await;
            assert_eq!(world.state(asked).await, State::AwaitingConfirmation);
            answered(world, &again, OWNER, &again.code()).await;
            assert_eq!(world.state(asked).await, State::Scheduled);
        }).await;
    }
}

/// Somebody who only knows the address asks to stop.
async fn stopped_unproven(world: &World, asked: expunged::domain::RequestId) {
    world.receive(&plain(OWNER, "Stop", "Hello,\r\n\r\nplease cancel my deletion request.\r\n")).await;
    assert_eq!(world.state(asked).await, State::OnHold);
}

on_both! {
    async fn the_team_takes_a_pause_over(world) {
        world.live(async {
            let asked = world.ask_and_confirm(OWNER).await;
            the_letter(world, OWNER, "Confirmed");
            stopped_unproven(world, asked).await;
            let unproven = the_letter(world, OWNER, "paused");
            let reference = reference(world, asked).await;
            operate::act(&world.house, &reference, &operator(world), operate::Act::Hold, None).await.unwrap();
            world.settle().await;
            the_letter(world, OWNER, "paused");
            answered(world, &unproven, OWNER, "Yes").await;
            world.days_pass(9).await;
            let held = world.stored(asked).await.request.held;
            assert_eq!(held, Some((State::Scheduled, Hold::Operator)), "neither a yes nor silence ends it");
            operate::act(&world.house, &reference, &operator(world), operate::Act::Release, None).await.unwrap();
            world.settle().await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            world.days_pass(8).await;
            assert_eq!(world.state(asked).await, State::Completed, "each hold carries its mark");
        }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_proof_ends_a_pause_that_nobody_proved() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (asked, challenge) = world.ask(OWNER).await;
            stopped_unproven(world, asked).await;
            answered(world, &challenge, OWNER, &challenge.code()).await;
            assert_eq!(world.state(asked).await, State::Scheduled);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_yes_that_needs_a_code_is_asked_for_it_and_a_doubt_goes_to_a_person() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (asked, _) = world.ask(OWNER).await;
            stopped_unproven(world, asked).await;
            let paused = the_letter(world, OWNER, "paused");
            answered(world, &paused, OWNER, "Yes").await;
            assert_eq!(world.state(asked).await, State::AwaitingConfirmation);
            the_letter(world, OWNER, "Please confirm");
            stopped_unproven(world, asked).await;
            answered(world, &the_letter(world, OWNER, "paused"), OWNER, CONDITION).await;
            in_review(world, asked, ReviewReason::UnclearLetter).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_beside_a_condition_is_asked_again_and_then_goes_to_a_person() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (asked, challenge) = world.ask(OWNER).await;
            let both = format!("{CONDITION}\r\n\r\n{}\r\n", challenge.code());
            answered(world, &challenge, OWNER, &both).await;
            let request = world.stored(asked).await.request;
            assert_eq!((request.state, request.code_asked), (State::AwaitingConfirmation, true));
            assert_eq!(world.fresh(OWNER).len(), 1, "the code is asked for");
            answered(world, &challenge, OWNER, &both).await;
            in_review(world, asked, ReviewReason::UnclearLetter).await;
        })
        .await;
}
