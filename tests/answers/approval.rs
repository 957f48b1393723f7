//! The owner approves, and nobody in their place.

use expunged::domain::State;
use expunged::domain::request::{Hold, ReviewReason};
use expunged::flow::operate;
use expunged::params;

use super::{OWNER, USER, answered, answered_in_thread, in_review, opened, operator, reference, the_letter};
use crate::support::world::World;

/// A user asks for their own profile, and says yes to the challenge: now the owner is asked.
async fn approval_is_asked(world: &World) -> expunged::domain::RequestId {
    let asked = opened(world, USER, "My profile", "Hello,\r\n\r\nplease delete my user profile.\r\n").await;
    answered(world, &the_letter(world, USER, "Please confirm"), USER, "Yes, please go ahead.").await;
    assert_eq!(world.state(asked).await, State::AwaitingApproval);
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_asker_does_not_approve_by_thanking_for_another_letter() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let asked = approval_is_asked(world).await;
            let approval = the_letter(world, OWNER, "");
            operate::extend(
                &world.house,
                &reference(world, asked).await,
                &operator(world),
                (operate::ExtensionGround::Number, "Much to do"),
            )
            .await
            .unwrap();
            world.settle().await;
            let extension = the_letter(world, USER, "");
            for text in ["OK, thanks.", "Yes, please go ahead."] {
                answered(world, &extension, USER, text).await;
                assert_eq!(world.state(asked).await, State::AwaitingApproval, "{text}");
            }
            // The same words of the owner, in the thread of the question, approve.
            answered_in_thread(world, &approval, OWNER, "Yes, please go ahead.").await;
            assert_eq!(world.state(asked).await, State::Scheduled);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_letter_of_ours_is_enough_to_stop() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let asked = approval_is_asked(world).await;
            operate::extend(
                &world.house,
                &reference(world, asked).await,
                &operator(world),
                (operate::ExtensionGround::Number, "Much to do"),
            )
            .await
            .unwrap();
            world.settle().await;
            let extension = the_letter(world, USER, "");
            answered(world, &extension, USER, "Please cancel my deletion request.").await;
            assert_eq!(world.state(asked).await, State::Withdrawn);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_owned_the_account_when_it_was_asked_does_not_approve_any_more() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let asked = approval_is_asked(world).await;
            let approval = the_letter(world, OWNER, "");
            world.ground.shop.run("UPDATE users SET role = 'user' WHERE id = 'u1'").await;
            answered(world, &approval, OWNER, "Yes, please go ahead.").await;
            in_review(world, asked, ReviewReason::FactsChanged).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_owner_who_left_after_the_approval_stops_the_erasing() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let asked = approval_is_asked(world).await;
            answered(world, &the_letter(world, OWNER, ""), OWNER, "Yes, please go ahead.").await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            world.ground.shop.run("UPDATE users SET role = 'user' WHERE id = 'u1'").await;
            world.days_pass(8).await;
            in_review(world, asked, ReviewReason::FactsChanged).await;
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE id = 'u5'").await, 1);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_owner_does_not_end_a_pause_that_the_asker_caused() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let asked = approval_is_asked(world).await;
            let approval = the_letter(world, OWNER, "");
            answered(world, &approval, OWNER, "Yes, please go ahead.").await;
            answered(world, &the_letter(world, USER, "Confirmed"), USER, "Please wait, I am not sure any more.").await;
            let paused = Some((State::Scheduled, Hold::Unproven));
            assert_eq!(world.stored(asked).await.request.held, paused);
            answered(world, &approval, OWNER, "Yes, please go ahead.").await;
            assert_eq!(world.stored(asked).await.request.held, paused, "the owner was not asked");
            answered(world, &the_letter(world, USER, "paused"), USER, "Yes").await;
            assert_eq!(world.state(asked).await, State::Scheduled);
        })
        .await;
}

/// The day that the letter names is the day until which an answer counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_approval_that_is_asked_late_names_the_day_that_counts() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let asked = approval_is_asked(world).await;
            let (reference, operator) = (reference(world, asked).await, operator(world));
            operate::act(&world.house, &reference, &operator, operate::Act::Hold, None).await.unwrap();
            world.days_pass(25).await;
            operate::act(&world.house, &reference, &operator, operate::Act::Release, None).await.unwrap();
            world.settle().await;
            assert_eq!(world.state(asked).await, State::AwaitingApproval);
            let same = "SELECT COUNT(*) AS number FROM challenges c JOIN jobs j ON j.request_id = c.request_id
                 WHERE j.kind = 'wake' AND j.unique_key LIKE '%:approval_lapse:%' AND j.run_at = c.expires_at AND c.round = 3";
            assert_eq!(world.number(same, params![]).await, 1);
            // So late that no time is left: a person is asked instead.
            operate::act(&world.house, &reference, &operator, operate::Act::Hold, None).await.unwrap();
            world.days_pass(5).await;
            world.fresh(OWNER);
            operate::act(&world.house, &reference, &operator, operate::Act::Release, None).await.unwrap();
            world.settle().await;
            in_review(world, asked, ReviewReason::OwnerSilent).await;
            assert_eq!(world.fresh(OWNER).len(), 0);
        })
        .await;
}
