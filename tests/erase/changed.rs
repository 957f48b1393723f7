//! The data map, the stores or our own records change while an erasure runs.

use expunged::domain::{Retry, Scope};
use expunged::erase::{self, DataMap, EraseError, PlanError, Target};

use super::memory::MemoryLedger;
use super::world::{MAPS, World, target};

fn owner() -> Target {
    target(Scope::User, Scope::User, 11)
}

/// The shop's map with a piece of shop.toml replaced.
fn map_with(old: &str, new: &str) -> DataMap {
    assert!(MAPS[1].1.contains(old), "{old}");
    let shop = MAPS[1].1.replacen(old, new, 1);
    DataMap::parse(&[MAPS[0], ("shop.toml", &shop), MAPS[2]]).unwrap()
}

const OTHER_MASK: (&str, &str) = ("ship_name = \"null\", ship_street = \"null\" }", "ship_street = \"null\" }");

#[tokio::test]
async fn where_a_store_stands_is_no_part_of_the_plan() {
    let digest = |map: &DataMap| erase::plan(map, &owner()).unwrap().digest;
    let approved = digest(&map_with("", ""));
    assert_eq!(digest(&map_with("Frankfurt, DE", "Paris, FR")), approved);
    assert_eq!(digest(&map_with("backup_days = 35", "backup_days = 36")), approved);
    assert_ne!(digest(&map_with(OTHER_MASK.0, OTHER_MASK.1)), approved);
    assert_ne!(digest(&map_with("+ 10 years", "+ 11 years")), approved);
}

#[tokio::test]
async fn what_was_begun_ends_under_its_own_plan() {
    let quiet = World::shop(1).await;
    let expected = quiet.erase(&owner()).await;
    let mut world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    let ledger = MemoryLedger::default();
    ledger.kill_after(Some(30));
    world.execute(&plan, &ledger).await.unwrap_err();
    ledger.kill_after(None);
    world.map = map_with(OTHER_MASK.0, OTHER_MASK.1);
    assert_eq!(world.execute(&plan, &ledger).await.unwrap(), expected);
    assert_eq!(world.dump().await, quiet.dump().await);
}

#[tokio::test]
async fn before_anything_was_found_a_changed_map_stops_it() {
    let mut world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    world.map = map_with(OTHER_MASK.0, OTHER_MASK.1);
    let before = world.dump().await;
    let stopped = world.execute(&plan, &MemoryLedger::default()).await.unwrap_err();
    assert!(matches!(stopped, EraseError::MapChanged), "{stopped:?}");
    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn a_store_that_changed_stops_what_was_begun() {
    let mut world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    let ledger = MemoryLedger::default();
    ledger.kill_after(Some(30));
    world.execute(&plan, &ledger).await.unwrap_err();
    ledger.kill_after(None);
    // The new map knows the column, the plan that was begun does not.
    world.run("shop", "ALTER TABLE orders ADD COLUMN gift_note TEXT").await;
    world.map = map_with("total_cents = \"financial\" }", "total_cents = \"financial\", gift_note = \"none\" }");
    let stopped = world.execute(&plan, &ledger).await.unwrap_err();
    let EraseError::Defects { defects } = &stopped else { panic!("{stopped:?}") };
    assert_eq!(defects[0].column.as_deref(), Some("gift_note"));
}

#[tokio::test]
async fn saved_keys_are_as_many_as_were_found() {
    let world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    let ledger = MemoryLedger::default();
    ledger.kill_after(Some(20));
    world.execute(&plan, &ledger).await.unwrap_err();
    ledger.kill_after(None);
    ledger.take_keys("accounts.users", 0);
    let stopped = world.execute(&plan, &ledger).await.unwrap_err();
    assert!(matches!(&stopped, EraseError::SavedKeys { set } if set == "accounts.users"), "{stopped:?}");
    assert_eq!(stopped.retry(), Retry::Permanent);
    let other = world.plan(&target(Scope::User, Scope::User, 12)).await;
    let stopped = world.execute(&other, &ledger).await.unwrap_err();
    assert!(matches!(stopped, EraseError::Plan(PlanError::OtherPlan)), "{stopped:?}");
}
