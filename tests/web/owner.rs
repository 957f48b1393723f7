//! The owner approves or refuses by page, as long as they own the account; the asker sees that they are waited for.

use expunged::domain::request::ReviewReason;
use expunged::domain::{RequestId, State};

use super::{Browser, OWNER, USER, authorities, link, world_with_pages};
use crate::support::world::{Letter, World, plain};

/// A user confirms by page that their profile shall go; the page of each, and the owner's letter.
async fn approval_is_asked(world: &World, browser: &Browser) -> (RequestId, String, Letter) {
    let (_, request) =
        world.receive(&plain(USER, "My profile", "Hello,\r\n\r\nplease delete my user profile.\r\n")).await;
    let challenge = world.fresh(USER).pop().expect("the user is asked");
    let page = link(&challenge);
    browser.open(&page).await.says(200, "Where the owner of the account has to agree too");
    browser.confirm(&page, &challenge.code()).await.says(200, "You have confirmed");
    world.settle().await;
    let request = request.expect("a request");
    assert_eq!(world.state(request).await, State::AwaitingApproval);
    (request, page, world.fresh(OWNER).pop().expect("the owner is asked"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_owner_approves_by_page_and_each_of_both_can_stop_it() {
    let world = world_with_pages("").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, askers, approval) = approval_is_asked(&world, &browser).await;
            let owners = link(&approval);
            browser.open(&owners).await.says(200, "As the owner of the account you decide").says(200, "Una One");
            // The asker's page says how far it is, and does not approve.
            let code = approval.code();
            browser.send(&askers, &[("code", &code), ("act", "confirm")]).await.says(200, "You have confirmed");
            assert_eq!(world.state(request).await, State::AwaitingApproval);
            browser.confirm(&owners, &code).await.says(200, "It is confirmed");
            assert_eq!(world.state(request).await, State::Scheduled);
            assert_eq!((authorities(&world, "owner_approval").await, authorities(&world, "page").await), (1, 0));
            browser.open(&askers).await.says(200, "your own user profile");
            browser.send(&askers, &[("act", "stop")]).await.says(200, "Stopped");
            assert_eq!(world.state(request).await, State::Withdrawn);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_owner_refuses_by_page() {
    let world = world_with_pages("").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, _, approval) = approval_is_asked(&world, &browser).await;
            let owners = link(&approval);
            let refused = browser.send(&owners, &[("act", "no")]).await;
            refused.says(200, "Stopped: nothing is erased");
            assert_eq!(world.state(request).await, State::Refused);
            assert_eq!(browser.send(&owners, &[("act", "no")]).await.body, refused.body);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_owns_the_account_no_more_approves_nothing_by_page() {
    let world = world_with_pages("").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, _, approval) = approval_is_asked(&world, &browser).await;
            world.ground.shop.run("UPDATE users SET role = 'user' WHERE id = 'u1'").await;
            browser.confirm(&link(&approval), &approval.code()).await.says(200, "A person is looking at it");
            let stored = world.stored(request).await.request;
            assert_eq!((stored.state, stored.review), (State::NeedsReview, Some(ReviewReason::FactsChanged)));
            assert_eq!(authorities(&world, "owner_approval").await, 0);
        })
        .await;
}
