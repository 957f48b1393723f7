//! Who came into the data maps while a request was being erased is not passed over: what they are told went with the rows.

use std::sync::Arc;

use expunged::domain::{RequestId, State};
use expunged::flow::legal::{self, HeldTarget, table};
use uuid::Uuid;

use super::by_mail::{ByMail, MAP, PARTNER, letters_to};
use super::{Partner as _, alarms, closes, confirmation, world_with};
use crate::support::world::World;

/// The owner's account is being erased, and a hold keeps that from its end.
async fn half_way(world: &World) -> (RequestId, Uuid) {
    world
        .live(async {
            let orders = HeldTarget::Table(table("shop.orders").unwrap());
            let hold = legal::place(&world.house, &orders, "12 O 34/26", &world.operator("ops")).await.unwrap().hold.id;
            let request = world.ask_and_confirm(super::OWNER).await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::Erasing);
            (request, hold)
        })
        .await
}

/// The daemon starts anew with these maps.
async fn with_maps(world: &mut World, maps: &[(&str, &str)]) {
    let path = world.ground.path("expunged.toml");
    let mut config = std::fs::read_to_string(&path).unwrap();
    for (name, map) in maps {
        world.ground.write(name, map);
        if !config.contains(name) {
            config = config.replace("[\"shop.toml\"", &format!("[\"shop.toml\", \"{name}\""));
        }
    }
    std::fs::write(&path, config).unwrap();
    world.house = Arc::new(world.ground.house(&world.clock).await.unwrap());
}

async fn released(world: &World, hold: Uuid) {
    legal::release(&world.house, hold, &world.operator("ops")).await.unwrap();
    world.settle().await;
}

#[tokio::test]
async fn a_partner_whom_the_plan_did_not_know_is_brought_before_a_person() {
    let mut world = World::sqlite().await;
    let (request, hold) = half_way(&world).await;
    with_maps(&mut world, &[("partner.toml", MAP)]).await;
    world
        .live(async {
            released(&world, hold).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients, "they are not passed over");
            assert!(letters_to(&world, PARTNER).is_empty(), "by what would they find the person?");
            assert_eq!(alarms(&world), 1);
            world.days_pass(3).await;
            assert_eq!(alarms(&world), 0, "told once");
            assert!(confirmation(&world).is_none());
            closes(&world, request, "they have not confirmed it: - Parcel & Co.").await;
        })
        .await;
}

#[tokio::test]
async fn a_partner_who_is_to_be_told_more_is_asked_by_what_is_known_and_the_team_hears_of_it() {
    let mut world = world_with(MAP).await;
    let (request, hold) = half_way(&world).await;
    with_maps(&mut world, &[("partner.toml", &MAP.replace("user = [\"email\"]", "user = [\"email\", \"key\"]"))]).await;
    world
        .live(async {
            released(&world, hold).await;
            assert_eq!((letters_to(&world, PARTNER).len(), alarms(&world)), (1, 1));
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients, "they were not told all");
            assert!(confirmation(&world).is_none());
            closes(&world, request, "they have not confirmed it: - Parcel & Co.").await;
        })
        .await;
}

#[tokio::test]
async fn a_partner_who_is_in_no_map_any_more_is_brought_before_a_person() {
    let mut world = world_with(MAP).await;
    let (request, hold) = half_way(&world).await;
    let path = world.ground.path("expunged.toml");
    let config = std::fs::read_to_string(&path).unwrap().replace(", \"partner.toml\"", "");
    std::fs::write(&path, config).unwrap();
    with_maps(&mut world, &[]).await;
    world
        .live(async {
            released(&world, hold).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients, "they hold the data still");
            assert_eq!((letters_to(&world, PARTNER).len(), alarms(&world)), (0, 1));
            closes(&world, request, "they have not confirmed it: - parcels").await;
        })
        .await;
}
