//! One address that is several people to the directory: as whom it asks, a person must see.

use expunged::domain::request::ReviewReason;
use expunged::domain::{Scope, State};
use expunged::flow::operate::{self, Correction};

use super::{ACCOUNT, OWNER, USER, opens};
use crate::support::world::{Ground, World};

const AND_END_USERS: &str = "INSERT INTO end_users VALUES ('e9', 'a1', 'user1@team.example', 'Una One', NULL),
  ('e8', 'a2', 'owner1@team.example', 'Olga One', NULL)";
/// Two rows of one role, which differ in the case of the address.
const TWICE: &str = "INSERT INTO users VALUES ('u9', 'a1', 'user', 'USER1@team.example', 'Una One', NULL)";

async fn several(world: &World, from: &str) {
    let case = opens(world, from, ACCOUNT).await;
    let request = world.stored(case).await.request;
    assert_eq!((request.state, request.review), (State::NeedsReview, Some(ReviewReason::SeveralAccounts)), "{from}");
}

#[tokio::test]
async fn an_address_of_several_roles_or_accounts_goes_to_a_person() {
    let ground = Ground::sqlite().await;
    ground.shop.run(AND_END_USERS).await;
    let world = ground.build().await;
    world
        .live(async {
            several(&world, USER).await;
            several(&world, OWNER).await;
        })
        .await;
}

#[tokio::test]
async fn two_rows_of_one_role_go_to_a_person() {
    let ground = Ground::sqlite().await.with_config(|config| {
        let exact = "FROM users WHERE email = :address";
        assert!(config.contains(exact));
        config.replace(exact, "FROM users WHERE lower(email) = lower(:address)")
    });
    ground.shop.run(TWICE).await;
    let world = ground.build().await;
    world.live(several(&world, USER)).await;
}

/// The operator who sets account and scope says with them as whom the address asks.
#[tokio::test]
async fn an_operator_says_which_role_is_meant() {
    let ground = Ground::sqlite().await;
    ground.shop.run(AND_END_USERS).await;
    let world = ground.build().await;
    world
        .live(async {
            let case = opens(&world, USER, ACCOUNT).await;
            let reference = world.reference(case).await;
            let operator = world.operator("operator");
            let set = |account: Option<&str>, scope| Correction {
                account: account.map(str::to_owned),
                scope,
                target: None,
                categories: Vec::new(),
            };
            operate::correct(&world.house, &reference, &operator, set(Some("a1"), None)).await.unwrap();
            world.settle().await;
            let review = world.stored(case).await.request.review;
            assert_eq!(review, Some(ReviewReason::SeveralAccounts), "two roles in it");
            operate::correct(&world.house, &reference, &operator, set(None, Some(Scope::User))).await.unwrap();
            world.settle().await;
            assert_eq!(world.state(case).await, State::AwaitingConfirmation);
            assert_eq!(world.stored(case).await.request.ask.unwrap().offered, [Scope::User]);
        })
        .await;
}
