//! Rows leave with the record of their case, and what belongs to no case after its own term.

use expunged::db::trail;
use expunged::domain::State;
use expunged::flow::operate;
use expunged::flow::tidy::{Tidied, tidy};
use expunged::params;
use expunged::trail::verify_chain;

use super::{OTHER, OWNER, closed, letters_of, until};
use crate::gate::on_both;
use crate::support::world::{World, plain};

/// Every table that has rows of a case.
const TABLES: [&str; 11] = [
    "requests",
    "challenges",
    "authorities",
    "beginnings",
    "evidence",
    "holds",
    "discoveries",
    "saved_keys",
    "steps",
    "letters",
    "sealed",
];

async fn count(world: &World, from: &str) -> i64 {
    world.number(&format!("SELECT COUNT(*) AS number FROM {from}"), params![]).await
}

/// Waits for the poll that has expunged what was due, and recorded it: the record of a case waits for that too.
async fn no_letters_are_due(world: &World) {
    let due = "requests WHERE letters_due_at IS NOT NULL";
    until("no letters are due", async || count(world, due).await == 0).await;
}

/// The purposes of the keys that still open something.
async fn living(world: &World) -> Vec<String> {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT purpose FROM vault_keys WHERE wrapped IS NOT NULL ORDER BY purpose";
    tx.all(sql, params![]).await.unwrap().iter().map(|row| row.text("purpose").unwrap()).collect()
}

on_both! {
    async fn the_rows_of_a_case_leave_with_its_record(world) {
        world.live(async {
            let case = world.stored(closed(world, OWNER).await).await.request.case;
            for table in TABLES.iter().filter(|table| !["evidence", "holds"].contains(table)) {
                assert!(count(world, table).await > 0, "{table} has rows of the case");
            }
            world.days_pass(31).await;
            no_letters_are_due(world).await;
            assert!(letters_of(&world.ground.path("support")).is_empty());
            world.days_pass(u64::from(world.house.config.retention.record_days)).await;
            assert_eq!(living(world).await, ["kept"], "and the keys of what the law keeps for ten years");
            for table in TABLES.iter().filter(|table| **table != "sealed") {
                assert_eq!(count(world, table).await, 0, "{table}");
            }
            // Then that goes in a request of its own, which leaves like any other.
            world.days_pass(3_000).await;
            world.days_pass(31).await;
            world.days_pass(u64::from(world.house.config.retention.record_days)).await;
            for table in TABLES {
                assert_eq!(count(world, table).await, 0, "{table}");
            }
            assert_eq!(count(world, "kept").await, 0);
            assert_eq!(count(world, "jobs WHERE request_id IS NOT NULL").await, 0);
            assert_eq!(count(world, "jobs_done WHERE request_id IS NOT NULL").await, 0);
            assert_eq!(count(world, "deliveries WHERE request_id IS NOT NULL OR content_mac IS NOT NULL").await, 0);
            assert_eq!(count(world, "deliveries").await, 2, "every UID keeps its disposition");
            assert_eq!(living(world).await, [""; 0]);
            assert_eq!(count(world, "vault_keys WHERE purpose <> 'delivery'").await, 9, "that they are gone stays proven");
            let mut tx = world.house.db.read().await.unwrap();
            let leaves = trail::show(&mut tx, case).await.unwrap();
            verify_chain(&leaves.into_iter().map(|stored| stored.leaf).collect::<Vec<_>>()).unwrap();
        }).await;
    }

    /// A record waits for the letters, whose places it holds.
    async fn a_record_does_not_go_before_its_letters(world) {
        world.live(async {
            let request = closed(world, OWNER).await;
            std::fs::create_dir_all(world.ground.path("support/.Broken/cur")).unwrap();
            world.try_sql("UPDATE deliveries SET moved_to = 'Broken' WHERE request_id = $1", params![request]).await.unwrap();
            world.days_pass(31).await;
            world.days_pass(u64::from(world.house.config.retention.record_days)).await;
            assert_eq!(world.state(request).await, State::Completed, "it is still there");
            std::fs::create_dir_all(world.ground.path("support/.Broken/new")).unwrap();
            world.days_pass(1).await;
            no_letters_are_due(world).await;
            world.days_pass(1).await;
            assert_eq!(count(world, "requests").await, 0);
        }).await;
    }

    /// Saved keys are for backups that may bring rows back: where nothing was erased there are none to bring.
    async fn who_withdrew_leaves_no_replay_key(world) {
        world.live(async {
            let request = world.ask_and_confirm(OWNER).await;
            let reference = world.reference(request).await;
            let operator = world.operator("alice");
            operate::act(&world.house, &reference, &operator, operate::Act::Hold, None).await.unwrap();
            operate::act(&world.house, &reference, &operator, operate::Act::Withdraw, None).await.unwrap();
            world.settle().await;
            assert_eq!(count(world, "holds WHERE released_at IS NOT NULL").await, 1, "a request that ended is held no more");
            assert_eq!(living(world).await, ["letter", "record"]);
            world.days_pass(31).await;
            no_letters_are_due(world).await;
            world.days_pass(u64::from(world.house.config.retention.record_days)).await;
            assert_eq!(living(world).await, [""; 0]);
            assert_eq!((count(world, "requests").await, count(world, "holds").await), (0, 0));
        }).await;
    }

    async fn what_belongs_to_no_case_is_forgotten_after_its_own_term(world) {
        world.live(async {
            world.receive(&plain(OTHER, "Invoice", "Could you send me the invoice for March once more?")).await;
            assert_eq!(tidy(&world.house).await.unwrap(), Tidied::default());
            let ordinary = "deliveries WHERE disposition = 'ordinary' AND content_mac IS NOT NULL AND reasons IS NOT NULL";
            assert_eq!((count(world, ordinary).await, count(world, "jobs_done").await), (1, 1));
            world.days_pass(91).await;
            assert_eq!(tidy(&world.house).await.unwrap(), Tidied { jobs: 1, digests: 1, suppressions: 0 });
            assert_eq!((count(world, ordinary).await, count(world, "jobs_done").await), (0, 0));
            assert_eq!(count(world, "deliveries WHERE uid IS NOT NULL AND disposition = 'ordinary'").await, 1);
            assert_eq!(tidy(&world.house).await.unwrap(), Tidied::default());
        }).await;
    }
}
