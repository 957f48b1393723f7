//! A legal hold keeps others from being asked to erase, as it keeps us; lifted, they are asked.

use expunged::domain::State;
use expunged::flow::legal::{self, HeldTarget, table};
use expunged::stores::StoreName;
use uuid::Uuid;

use super::by_mail::{ByMail, MAP, PARTNER, letters_to};
use super::{Partner as _, confirmation, erased, world_on};
use crate::support::world::{Ground, TEAM, World, on_both};

async fn place(world: &World, target: &HeldTarget) -> Uuid {
    legal::place(&world.house, target, "12 O 34/26", &world.operator("ops")).await.unwrap().hold.id
}

async fn release(world: &World, hold: Uuid) {
    legal::release(&world.house, hold, &world.operator("ops")).await.unwrap();
    world.settle().await;
}

fn partner() -> HeldTarget {
    HeldTarget::Store(StoreName::new("parcels").unwrap())
}

async fn the_partner_is_held(world: World) {
    world
        .live(async {
            let hold = place(&world, &partner()).await;
            let request = erased(&world).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients, "our own stores are not held");
            assert!(letters_to(&world, PARTNER).is_empty(), "nobody asks them");
            world.days_pass(3).await;
            assert!(letters_to(&world, PARTNER).is_empty());
            assert_eq!(world.fresh(TEAM).len(), 1, "the team is told once");
            release(&world, hold).await;
            assert_eq!(letters_to(&world, PARTNER).len(), 1, "asked as soon as it is lifted");
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert!(confirmation(&world).is_some());
        })
        .await;
}

on_both! {
    async fn a_hold_on_a_partner_keeps_them_from_being_asked(ground) {
        the_partner_is_held(world_on(ground, &[("partner.toml", MAP)]).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_on_whom_it_is_about_does_too() {
    let person = HeldTarget::Subject(table("shop.users").unwrap(), "u1".to_owned());
    let of_table = HeldTarget::Table(table("shop.users").unwrap());
    let store = HeldTarget::Store(StoreName::new("shop").unwrap());
    for target in [HeldTarget::Account("a1".to_owned()), person, of_table, store, HeldTarget::Everything] {
        let world = world_on(Ground::sqlite().await, &[("partner.toml", MAP)]).await;
        world
            .live(async {
                // The first hold lets our own stores go, so that the second one meets only the asking.
                let first = place(&world, &partner()).await;
                let request = erased(&world).await;
                let second = place(&world, &target).await;
                release(&world, first).await;
                world.days_pass(1).await;
                assert!(letters_to(&world, PARTNER).is_empty(), "{target:?}");
                release(&world, second).await;
                assert_eq!(letters_to(&world, PARTNER).len(), 1, "{target:?}");
                assert_eq!(world.state(request).await, State::WaitingOnRecipients);
            })
            .await;
    }
}

/// A hold on others keeps nobody from being asked; and who was asked before is still heard.
#[tokio::test]
async fn a_hold_on_somebody_else_or_after_the_letter_stops_nothing() {
    let world = world_on(Ground::sqlite().await, &[("partner.toml", MAP)]).await;
    world
        .live(async {
            place(&world, &HeldTarget::Account("a2".to_owned())).await;
            place(&world, &HeldTarget::Table(table("shop.orders").unwrap())).await;
            let request = world.ask_and_confirm(super::OWNER).await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::Erasing, "the table is held");
            assert!(letters_to(&world, PARTNER).is_empty(), "nobody is asked before our own stores are clean");
        })
        .await;
    let world = world_on(Ground::sqlite().await, &[("partner.toml", MAP)]).await;
    world
        .live(async {
            place(&world, &HeldTarget::Account("a2".to_owned())).await;
            let request = erased(&world).await;
            let hold = place(&world, &HeldTarget::Account("a1".to_owned())).await;
            world.days_pass(9).await;
            assert_eq!(letters_to(&world, PARTNER).len(), 1, "asked before, and not reminded under a hold");
            release(&world, hold).await;
            assert_eq!(letters_to(&world, PARTNER).len(), 2, "reminded after it");
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
        })
        .await;
}
