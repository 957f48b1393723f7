//! What an erasing writes down for itself is sealed and bound to its place, is written under the job's lease only, and
//! is told to the person as it was.

use std::sync::Arc;
use std::time::Duration;

use expunged::chance::OsChance;
use expunged::db::Jobs;
use expunged::domain::{RequestId, State};
use expunged::flow::desk::Desk;
use expunged::params;
use expunged::queue::worker::Handler as _;
use expunged::queue::{Claim, JobTable as _};
use uuid::Uuid;

use crate::gate::on_both;
use crate::support::world::{TEAM, World};

const OWNER: &str = "owner1@team.example";

/// The shop takes no change: what is saved before the first write is saved, and nothing is written.
const STUCK: &str = "
    CREATE TRIGGER no_orders BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'stuck'); END;
    CREATE TRIGGER no_users BEFORE DELETE ON users BEGIN SELECT RAISE(ABORT, 'stuck'); END;
    CREATE TRIGGER no_end_users BEFORE DELETE ON end_users BEGIN SELECT RAISE(ABORT, 'stuck'); END;
    CREATE TRIGGER no_accounts BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, 'stuck'); END;";
const FREE: &str =
    "DROP TRIGGER no_orders; DROP TRIGGER no_users; DROP TRIGGER no_end_users; DROP TRIGGER no_accounts;";

/// A request whose keys are saved, and whose shop refused the first write.
async fn begun(world: &World) -> RequestId {
    let request = world.ask_and_confirm(OWNER).await;
    world.ground.shop.run(STUCK).await;
    world.days_pass(8).await;
    assert_eq!(world.state(request).await, State::Erasing);
    assert_eq!(world.number("SELECT COUNT(*) AS number FROM discoveries", params![]).await, 1);
    world.ground.shop.run(FREE).await;
    let alarm = world.fresh(TEAM).pop().expect("the team is told").text;
    assert!(alarm.contains("shop") && alarm.contains("orders"), "{alarm}");
    request
}

/// Somebody puts the dead job back.
async fn again(world: &World) {
    let sql = "UPDATE jobs SET state = 'waiting', attempts = 0, run_at = $1 WHERE kind = 'erase' AND state = 'dead'";
    assert_eq!(world.try_sql(sql, params![world.house.clock.now()]).await.unwrap(), 1);
    world.settle().await;
}

async fn people(world: &World) -> (i64, i64) {
    let shop = &world.ground.shop;
    (shop.count("SELECT COUNT(*) FROM users").await, shop.count("SELECT COUNT(*) FROM accounts").await)
}

/// Exchanges the blobs of two sets of keys.
async fn exchange(world: &World) {
    let name = "UPDATE saved_keys SET key_set = $2 WHERE key_set = $1";
    for (old, new) in [("shop.users", "?"), ("shop.end_users", "shop.users"), ("?", "shop.end_users")] {
        assert_eq!(world.try_sql(name, params![old, new]).await.unwrap(), 1);
    }
}

on_both! {
    /// Who can write rows hands the keys of one table in for those of another.
    async fn saved_keys_open_in_their_place_only(world) {
        world.live(async {
            let request = begun(world).await;
            exchange(world).await;
            again(world).await;
            assert_eq!((world.state(request).await, people(world).await), (State::Erasing, (5, 4)));
            // Put back, they open.
            exchange(world).await;
            again(world).await;
            assert_eq!((world.state(request).await, people(world).await), (State::Completed, (3, 3)));
        }).await;
    }

    /// Who can write rows makes believe that nothing was found.
    async fn what_was_found_cannot_be_written_over(world) {
        world.live(async {
            let request = begun(world).await;
            let sql = "UPDATE discoveries SET sealed_id = (SELECT sealed_id FROM saved_keys WHERE key_set = 'shop.users')";
            world.try_sql(sql, params![]).await.unwrap();
            again(world).await;
            assert_eq!((world.state(request).await, people(world).await), (State::Erasing, (5, 4)));
            assert!(world.fresh(OWNER).iter().all(|letter| !letter.text.contains("completed the request")));
        }).await;
    }

    /// A worker that was paused longer than its lease wakes up: somebody else erases by now.
    async fn a_late_worker_writes_nothing_down(world) {
        let request = world.live(world.ask_and_confirm(OWNER)).await;
        let now = world.house.clock.now();
        world.forge_beginning(request).await;
        world.try_sql("UPDATE requests SET state = 'erasing' WHERE id = $1", params![request]).await.unwrap();
        let sql = "INSERT INTO jobs (id, kind, state, priority, run_at, request_id, attempts_max, payload, created_at)
             VALUES ($1, 'erase', 'waiting', 0, $2, $3, 10, $4, $2)";
        world.try_sql(sql, params![Uuid::from_u128(0xE2), now, request, serde_json::json!({})]).await.unwrap();
        let claim = Claim { worker: "late", kinds: &["erase"], count_max: 1, lease: Duration::from_secs(60) };
        let jobs = Jobs::new(world.house.db.clone(), Arc::new(OsChance));
        let lease = jobs.claim(claim, now).await.unwrap().pop().expect("the job is there");
        world.try_sql("UPDATE jobs SET lease_token = lease_token + 1 WHERE kind = 'erase'", params![]).await.unwrap();
        let _settled = Desk(Arc::clone(&world.house)).handle(lease).await;
        for table in ["discoveries", "saved_keys", "steps", "step_chunks"] {
            let count = format!("SELECT COUNT(*) AS number FROM {table}");
            assert_eq!(world.number(&count, params![]).await, 0, "{table}");
        }
        assert_eq!(people(world).await, (5, 4));
    }

    async fn the_confirmation_tells_what_stays_and_why(world) {
        world.live(async {
            let request = world.ask_and_confirm(OWNER).await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::Completed);
            let mut texts = world.fresh(OWNER).into_iter().map(|letter| letter.text.split_whitespace().collect::<Vec<_>>().join(" "));
            let text = texts.find(|text| text.contains("We completed the request")).expect("a confirmation");
            assert!(text.contains("other records: 1 record kept until 1 February 2036 at the latest. Reason: Art. 17(3)(b) GDPR."), "{text}");
            assert!(!text.contains("belong to others"), "the order was their own: {text}");
        }).await;
    }
}
