//! A hold that is placed while we erase stops before the next chunk; lifted, the rest is done.

use expunged::domain::Scope;
use expunged::erase::EraseError;

use super::memory::MemoryLedger;
use super::world::{World, target};

#[tokio::test]
async fn nothing_is_written_after_a_hold_was_placed() {
    let owner = target(Scope::User, Scope::User, 11);
    let mut quiet = World::shop(1).await;
    quiet.limits.chunk_rows = 1;
    let ledger = MemoryLedger::default();
    let expected = quiet.execute(&quiet.plan(&owner).await, &ledger).await.unwrap();
    let all = ledger.ended();
    assert!(all > 9, "{all}");
    for chunks in 0..all {
        let mut world = World::shop(1).await;
        world.limits.chunk_rows = 1;
        let plan = world.plan(&owner).await;
        let ledger = MemoryLedger::default();
        ledger.hold_after(Some(chunks));
        let held = world.execute(&plan, &ledger).await.unwrap_err();
        assert!(matches!(held, EraseError::Held { .. }) && held.is_away(), "{held:?}");
        assert_eq!(ledger.ended(), chunks, "so much was done when it was placed");
        ledger.hold_after(None);
        assert_eq!(world.execute(&plan, &ledger).await.unwrap(), expected);
        assert_eq!(world.dump().await, quiet.dump().await);
    }
}
