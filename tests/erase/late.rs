//! Other programs write while we erase: what they bring is found and erased as well, under the same plan.

use expunged::domain::{Retry, Scope};
use expunged::erase::{EraseError, Target};

use super::memory::MemoryLedger;
use super::world::{World, target};

fn owner() -> Target {
    target(Scope::User, Scope::User, 11)
}

fn search(id: i64) -> String {
    format!("INSERT INTO search_history VALUES ({id}, 11, NULL, 'late', '2026-01-01 00:00:00')")
}

/// An order with a line: rows of two tables, one below the other.
const ORDER: &str = "INSERT INTO orders VALUES (9999, 1, 11, NULL, '2026-01-01 00:00:00', 'Name 11', 'Street 11', 5);
    INSERT INTO order_lines VALUES (9999, 1, 'mug', 'Name 11')";

#[tokio::test]
async fn a_late_writer_is_seen_and_what_it_wrote_goes() {
    let world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    let ledger = MemoryLedger::default();
    ledger.late_writer("erase:discovery_saved", world.pools["shop"].clone(), &search(9999));
    ledger.late_writer("erase:step_read_back", world.pools["shop"].clone(), ORDER);
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    assert!(outcome.is_clean(), "{:?}", outcome.steps);
    let of = |table: &str, act: &str| {
        outcome
            .steps
            .iter()
            .filter(|step| step.table == table && step.act == act)
            .map(|step| step.counts)
            .fold((0, 0, 0), |(erased, masked, kept), counts| {
                (erased + counts.erased, masked + counts.masked, kept + counts.kept)
            })
    };
    assert_eq!(of("search_history", "delete"), (3 + 1, 0, 0));
    assert_eq!(of("orders", "mask"), (0, 2 + 1, 2 + 1));
    // Two of the four lines have an engraving.
    assert_eq!(of("order_lines", "mask"), (0, 2 + 1, 0));
    assert_eq!(world.count("shop", "SELECT COUNT(*) FROM search_history WHERE user_id = 11").await, 0);
    let named = "SELECT COUNT(*) FROM orders WHERE user_id = 11 OR ship_name = 'Name 11'";
    assert_eq!(world.count("shop", named).await, 0);
    assert_eq!(world.execute(&plan, &ledger).await.unwrap(), outcome, "run again, the figures are the same");
}

#[tokio::test]
async fn killed_in_a_later_round_the_figures_are_the_same() {
    let late = |world: &World, ledger: &MemoryLedger| {
        ledger.late_writer("erase:discovery_saved", world.pools["shop"].clone(), &search(9999));
    };
    let quiet = World::shop(1).await;
    let ledger = MemoryLedger::default();
    late(&quiet, &ledger);
    let expected = quiet.execute(&quiet.plan(&owner()).await, &ledger).await.unwrap();
    let (dump, passed) = (quiet.dump().await, ledger.passed());
    let second = passed.iter().rposition(|name| *name == "erase:discovery_saved").unwrap();
    for (kill, name) in passed.iter().enumerate().skip(second - 2) {
        let world = World::shop(1).await;
        let plan = world.plan(&owner()).await;
        let ledger = MemoryLedger::default();
        late(&world, &ledger);
        ledger.kill_after(Some(kill));
        world.execute(&plan, &ledger).await.unwrap_err();
        ledger.kill_after(None);
        assert_eq!(world.execute(&plan, &ledger).await.unwrap(), expected, "killed at {name} ({kill})");
        assert_eq!(world.dump().await, dump, "killed at {name} ({kill})");
    }
}

#[tokio::test]
async fn a_row_that_holds_on_to_its_parent_lets_it_go() {
    let world = World::shop(1).await;
    let plan = world.plan(&target(Scope::Account, Scope::Account, 1)).await;
    let ledger = MemoryLedger::default();
    // The users are deleted before the account, and this one comes after their turn was prepared.
    let late = "INSERT INTO users VALUES (13, 1, 'user', 'late@example.org', NULL, 'Late', NULL, NULL)";
    ledger.late_writer("erase:discovery_saved", world.pools["accounts"].clone(), late);
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    assert!(outcome.is_clean());
    let users = outcome.steps.iter().find(|step| step.table == "users" && step.act == "delete").unwrap().counts;
    assert_eq!((users.erased, users.not_found), (3, 0));
    assert_eq!(world.count("accounts", "SELECT COUNT(*) FROM accounts").await, 0);
}

#[tokio::test]
async fn who_writes_without_end_is_given_up_for_now() {
    let world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    let ledger = MemoryLedger::default();
    for id in 9000..9010 {
        ledger.late_writer("erase:discovery_saved", world.pools["shop"].clone(), &search(id));
    }
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    assert!(!outcome.is_clean(), "three rounds are enough for one run");
    let world = World::shop(1).await;
    let plan = world.plan(&target(Scope::Account, Scope::Account, 1)).await;
    let ledger = MemoryLedger::default();
    for id in 20..30 {
        let user =
            format!("INSERT INTO users VALUES ({id}, 1, 'user', 'late{id}@example.org', NULL, 'Late', NULL, NULL)");
        ledger.late_writer("erase:discovery_saved", world.pools["accounts"].clone(), &user);
    }
    let stopped = world.execute(&plan, &ledger).await.unwrap_err();
    assert!(matches!(&stopped, EraseError::HeldOn { at } if at.table == "accounts"), "{stopped:?}");
    assert_eq!(stopped.retry(), Retry::Transient);
}

#[tokio::test]
async fn who_comes_back_under_another_key_is_seen() {
    let world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    let ledger = MemoryLedger::default();
    // The person is written again while the steps are read back; the namesake is somebody else.
    let again = "INSERT INTO users VALUES (98, 1, 'user', 'p11@example.org', NULL, 'Ann', NULL, NULL);
        INSERT INTO users VALUES (99, 1, 'user', 'other@example.org', NULL, 'Name 11', NULL, NULL)";
    ledger.late_writer("erase:step_read_back", world.pools["accounts"].clone(), again);
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    let users = outcome.steps.iter().find(|step| step.table == "users").unwrap().counts;
    assert_eq!(
        (users.erased, users.residue),
        (1, 1),
        "nobody knows whether a program wrote them back or they came anew: a person looks"
    );
    assert_eq!(world.count("accounts", "SELECT COUNT(*) FROM users WHERE id IN (98, 99)").await, 2);
    world.run("accounts", "DELETE FROM users WHERE id = 98").await;
    assert!(world.execute(&plan, &ledger).await.unwrap().is_clean(), "the namesake is no residue");
}
