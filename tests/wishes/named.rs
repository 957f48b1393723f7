//! Data that people name and no data map knows: they hear of it, and a person of the team says what is meant.

use expunged::domain::request::ReviewReason;
use expunged::domain::{Scope, State};
use expunged::flow::operate::{Correction, correct};

use super::{OWNER, USER, opens};
use crate::support::world::{TEAM, World};

const PHOTOS: (&str, &str) = ("My photos", "Hello,\r\n\r\nplease delete my photos, but keep my account.");
const PHONE_AND_PHOTOS: (&str, &str) =
    ("My data", "Hello,\r\n\r\nplease delete my phone number and my photos, but keep my account.");

/// Phone numbers of account 1.
async fn phones(world: &World) -> i64 {
    world.ground.shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1' AND phone IS NOT NULL").await
}

#[tokio::test(flavor = "multi_thread")]
async fn named_data_that_no_map_knows_are_told_of_and_put_right_by_category() {
    let world = World::sqlite().await;
    world
        .live(async {
            let request = opens(&world, OWNER, PHOTOS).await;
            assert_eq!(world.stored(request).await.request.review, Some(ReviewReason::CategoryUnknown));
            let told = world.fresh(OWNER);
            assert_eq!(told.len(), 1, "the person hears that somebody looks at it");
            let alarm = world.fresh(TEAM).pop().expect("the team hears of it");
            assert!(alarm.text.contains("--category CATEGORY") && alarm.text.contains("\"image\""), "{}", alarm.text);

            let (house, at, ops) = (&world.house, world.reference(request).await, world.operator("ops"));
            let data = |category: &str| Correction {
                scope: Some(Scope::Data),
                categories: vec![category.to_owned()],
                ..Correction::default()
            };
            correct(house, &at, &ops, data("image")).await.expect_err("no map has it");
            let whole = Correction { scope: Some(Scope::Account), ..data("phone") };
            correct(house, &at, &ops, whole).await.expect_err("an account has all of them");
            correct(house, &at, &ops, data("phone")).await.unwrap();
            world.settle().await;
            assert_eq!(world.state(request).await, State::AwaitingConfirmation, "a category is no proof");
            let challenge = world.fresh(OWNER).pop().expect("the person is asked");
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            world.days_pass(7).await;
            assert_eq!((world.state(request).await, phones(&world).await), (State::Completed, 0));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_category_beside_an_unknown_one_is_not_erased_alone() {
    let world = World::sqlite().await;
    world
        .live(async {
            let request = opens(&world, USER, PHONE_AND_PHOTOS).await;
            assert_eq!(world.state(request).await, State::NeedsReview);
            assert_eq!(world.fresh(USER).len(), 1);
        })
        .await;
}
