//! What a question said of the days after the answer holds, whatever the settings say by then.

use std::sync::Arc;
use std::time::Duration;

use expunged::domain::State;

use super::{OWNER, USER, answered, opened, the_letter};
use crate::support::world::World;

/// The daemon starts anew with another grace period.
fn with_grace(world: &mut World, days: u64) {
    Arc::get_mut(&mut world.house).expect("nobody works").policy.grace = Duration::from_secs(days * 86_400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_days_that_a_question_named_are_waited() {
    let mut world = World::sqlite().await;
    with_grace(&mut world, 2);
    let (request, challenge) = world.live(world.ask(OWNER)).await;
    assert!(challenge.text.contains("2 more days"), "{}", challenge.text);
    with_grace(&mut world, 0);
    world
        .live(async {
            answered(&world, &challenge, OWNER, &challenge.code()).await;
            assert_eq!(world.state(request).await, State::Scheduled);
            let told = the_letter(&world, OWNER, "");
            assert!(told.text.contains("stop"), "it can still be stopped: {}", told.text);
            world.days_pass(1).await;
            assert_eq!(world.state(request).await, State::Scheduled, "a day is left to stop it");
            world.days_pass(1).await;
            world.hours_pass(1).await;
            assert_eq!(world.state(request).await, State::Completed);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_asker_was_told_holds_after_the_owner_was_asked() {
    let mut world = World::sqlite().await;
    with_grace(&mut world, 2);
    let asked =
        world.live(opened(&world, USER, "My profile", "Hello,\r\n\r\nplease delete my user profile.\r\n")).await;
    let challenge = the_letter(&world, USER, "Please confirm");
    with_grace(&mut world, 0);
    let approval = world
        .live(async {
            answered(&world, &challenge, USER, "Yes, please go ahead.").await;
            assert_eq!(world.state(asked).await, State::AwaitingApproval);
            the_letter(&world, OWNER, "")
        })
        .await;
    assert!(approval.text.contains("2 more days"), "{}", approval.text);
    world
        .live(async {
            answered(&world, &approval, OWNER, "Yes, please go ahead.").await;
            world.days_pass(1).await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            world.days_pass(1).await;
            world.hours_pass(1).await;
            assert_eq!(world.state(asked).await, State::Completed);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_days_than_were_named_are_waited_too() {
    let mut world = World::sqlite().await;
    with_grace(&mut world, 0);
    let (request, challenge) = world.live(world.ask(OWNER)).await;
    with_grace(&mut world, 2);
    world
        .live(async {
            answered(&world, &challenge, OWNER, &challenge.code()).await;
            world.days_pass(1).await;
            assert_eq!(world.state(request).await, State::Scheduled);
        })
        .await;
}
