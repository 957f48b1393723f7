//! Rows that the law keeps: each has its own end, and one whose end is past has no ground any more.

use expunged::domain::Scope;
use expunged::erase::{EraseError, StepCounts, Target};

use super::world::{World, target};

fn owner() -> Target {
    target(Scope::User, Scope::User, 11)
}

#[tokio::test]
async fn an_old_row_does_not_stay_with_a_new_one() {
    let world = World::shop(1).await;
    world.run("shop", "UPDATE orders SET placed_at = '1999-01-01 00:00:00' WHERE id = 1101").await;
    let preview = world.preview(&owner()).await.unwrap();
    let orders: Vec<_> = preview.rows.iter().filter(|row| row.table == "orders" && row.act == "mask").collect();
    assert_eq!(orders.iter().map(|row| (row.rows, row.ground.is_some())).collect::<Vec<_>>(), [(1, false), (1, true)]);
    assert_eq!(orders[1].until.unwrap().to_string(), "2032-03-04");
    let outcome = world.erase(&owner()).await;
    assert!(outcome.is_clean());
    let orders: Vec<_> = outcome.steps.iter().filter(|step| step.table == "orders" && step.act == "mask").collect();
    assert_eq!(orders[0].counts, StepCounts { masked: 1, ..StepCounts::default() });
    assert_eq!(orders[1].counts, StepCounts { masked: 1, kept: 1, ..StepCounts::default() });
    let kept: Vec<_> = outcome.by_category().into_iter().filter(|line| !line.kept.is_empty()).collect();
    assert_eq!(kept.iter().map(|line| line.kept[0].rows).sum::<u64>(), 1);
    // The sum may not be NULL in this store, so that it becomes a number that says nothing.
    let old =
        "SELECT COUNT(*) FROM orders WHERE id = 1101 AND total_cents = 0 AND ship_name IS NULL AND user_id IS NULL";
    assert_eq!(world.count("shop", old).await, 1);
    assert_eq!(world.count("shop", "SELECT total_cents FROM orders WHERE id = 1102").await, 990);
}

#[tokio::test]
async fn a_customer_with_old_rows_only_can_be_erased() {
    let world = World::shop(1).await;
    world.run("shop", "UPDATE orders SET placed_at = '1999-01-01 00:00:00' WHERE user_id = 11").await;
    let outcome = world.erase(&owner()).await;
    assert!(outcome.is_clean());
    assert_eq!(outcome.totals().kept, 0);
    assert!(outcome.by_category().iter().all(|line| line.kept.is_empty()));
    assert_eq!(world.count("shop", "SELECT COUNT(*) FROM orders WHERE total_cents = 990 AND account_id = 1").await, 6);
}

#[tokio::test]
async fn an_end_that_cannot_be_read_stops_it() {
    for start in ["'some day'", "''", "'0000-00-00'"] {
        let world = World::shop(1).await;
        // It sorts below and above the other row's day.
        world.run("shop", &format!("UPDATE orders SET placed_at = {start} WHERE id = 1102")).await;
        let stopped = world.preview(&owner()).await.unwrap_err();
        assert!(matches!(&stopped, EraseError::NoEnd { rows: 1, column, .. } if column == "placed_at"), "{stopped:?}");
        assert_eq!(stopped.place().map(|(at, _)| at.table.as_str()), Some("orders"));
    }
}
