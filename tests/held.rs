//! The promise: a legal hold stops what would touch the held, and nothing else; lifted, what waited is done.

use expunged::domain::{RequestId, State};
use expunged::flow::legal::{self, HeldTarget, table};
use expunged::flow::operate::Operator;
use expunged::params;
use expunged::stores::StoreName;

use crate::support::world::{Ground, TEAM, World, on_both};

const OWNER: &str = "owner1@team.example";

/// Rows of account 1: of its users, its end-users, itself, and its named orders.
async fn rows(world: &World) -> [i64; 4] {
    let shop = &world.ground.shop;
    [
        shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await,
        shop.count("SELECT COUNT(*) FROM end_users WHERE account_id = 'a1'").await,
        shop.count("SELECT COUNT(*) FROM accounts WHERE id = 'a1'").await,
        shop.count("SELECT COUNT(*) FROM orders WHERE user_id = 'u1' AND ship_name IS NOT NULL").await,
    ]
}

fn operator(world: &World) -> Operator {
    world.operator("ops")
}

/// Closes account 1 under a hold.
async fn held(world: &World, target: HeldTarget) -> (RequestId, uuid::Uuid) {
    let hold = legal::place(&world.house, &target, "12 O 34/26", &operator(world)).await.unwrap().hold;
    let request = world.ask_and_confirm(OWNER).await;
    world.days_pass(7).await;
    assert_eq!(world.state(request).await, State::Erasing, "the request goes on, and is not done");
    world.days_pass(3).await;
    assert_eq!(world.fresh(TEAM).len(), 1, "the team is told once");
    (request, hold.id)
}

async fn lifted(world: &World, request: RequestId, hold: uuid::Uuid) {
    legal::release(&world.house, hold, &operator(world)).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(request).await, State::Completed, "what waited is done at once");
    assert_eq!(rows(world).await, [0, 0, 0, 0]);
    legal::release(&world.house, hold, &operator(world)).await.expect_err("a hold is lifted once");
}

async fn a_table(world: World) {
    world
        .live(async {
            let (request, hold) = held(&world, HeldTarget::Table(table("shop.orders").unwrap())).await;
            assert_eq!(rows(&world).await, [2, 0, 1, 1], "only what the orders belong to waits with them");
            lifted(&world, request, hold).await;
        })
        .await;
}

on_both! {
    async fn a_held_table_stops_its_steps_and_no_others(ground) {
        a_table(ground.build().await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_account_person_or_store_is_not_touched() {
    let person = HeldTarget::Subject(table("shop.users").unwrap(), "u5".to_owned());
    let store = HeldTarget::Store(StoreName::new("shop").unwrap());
    for target in [HeldTarget::Account("a1".to_owned()), person, store, HeldTarget::Everything] {
        let world = World::sqlite().await;
        world
            .live(async {
                let (request, hold) = held(&world, target).await;
                assert_eq!(rows(&world).await, [2, 1, 1, 1]);
                lifted(&world, request, hold).await;
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_on_somebody_else_stops_nothing() {
    let world = World::sqlite().await;
    world
        .live(async {
            for target in [
                HeldTarget::Account("a2".to_owned()),
                HeldTarget::Subject(table("shop.users").unwrap(), "u2".to_owned()),
            ] {
                legal::place(&world.house, &target, "12 O 34/26", &operator(&world)).await.unwrap();
            }
            let request = world.ask_and_confirm(OWNER).await;
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Completed);
        })
        .await;
}

async fn plain_sql(world: World) {
    world
        .live(async {
            let (request, hold) = held(&world, HeldTarget::Account("a1".to_owned())).await;
            world.try_sql("DELETE FROM legal_holds", params![]).await.unwrap_err();
            let moved = "UPDATE legal_holds SET target_mac = hmac";
            world.try_sql(moved, params![]).await.unwrap_err();
            let lifted = "UPDATE legal_holds SET released_at = placed_at, release_hmac = hmac";
            assert_eq!(world.try_sql(lifted, params![]).await.unwrap(), 1, "who can write rows can write that");
            world.days_pass(1).await;
            assert_eq!(world.state(request).await, State::Erasing, "but it is no end of ours");
            assert_eq!(rows(&world).await, [2, 1, 1, 1]);
            legal::release(&world.house, hold, &operator(&world)).await.expect_err("a person has to look at it");
        })
        .await;
}

on_both! {
    async fn plain_sql_lifts_no_hold(ground) {
        plain_sql(ground.build().await).await;
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_held() {
    let world = Ground::sqlite().await.build().await;
    assert!(table("orders").is_none() && table("shop.").is_none());
    let nothing = HeldTarget::Table(table("shop.nothing").unwrap());
    legal::place(&world.house, &nothing, "12 O 34/26", &operator(&world)).await.unwrap_err();
    let nowhere = HeldTarget::Store(StoreName::new("nowhere").unwrap());
    legal::place(&world.house, &nowhere, "12 O 34/26", &operator(&world)).await.unwrap_err();
    let account = HeldTarget::Account("a1".to_owned());
    legal::place(&world.house, &account, " ", &operator(&world)).await.unwrap_err();
}
