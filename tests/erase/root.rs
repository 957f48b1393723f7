//! The row that a plan begins at is looked up like any other: it is there once, by the key that its store has for it.

use expunged::domain::Scope;
use expunged::erase::EraseError;
use expunged::stores::Key;

use super::memory::MemoryLedger;
use super::world::{World, target};

#[tokio::test]
async fn nobody_is_not_nothing_held() {
    let world = World::shop(1).await;
    for key in [Key::from(77), Key::from("p11@example.org")] {
        let mut nobody = target(Scope::User, Scope::User, 77);
        nobody.key = key;
        let stopped = world.preview(&nobody).await.unwrap_err();
        assert!(matches!(&stopped, EraseError::NotOneRoot { rows: 0, at } if at.table == "users"), "{stopped:?}");
    }
}

#[tokio::test]
async fn a_root_that_goes_before_the_erasing_stops_it() {
    let world = World::shop(1).await;
    let plan = world.plan(&target(Scope::User, Scope::User, 12)).await;
    world.run("accounts", "DELETE FROM users WHERE id = 12").await;
    let before = world.dump().await;
    let stopped = world.execute(&plan, &MemoryLedger::default()).await.unwrap_err();
    assert!(matches!(stopped, EraseError::NotOneRoot { rows: 0, .. }), "{stopped:?}");
    assert_eq!(world.dump().await, before);
}

/// A directory gives keys as text; the store's own is a number.
#[tokio::test]
async fn a_key_as_text_is_the_same_row_once() {
    let world = World::shop(1).await;
    let mut same = target(Scope::User, Scope::User, 11);
    same.key = Key::from("11");
    let outcome = world.erase(&same).await;
    assert!(outcome.is_clean());
    let users = outcome.steps.iter().find(|step| step.table == "users").unwrap().counts;
    assert_eq!((users.erased, users.not_found), (1, 0));
}
