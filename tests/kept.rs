//! The promise: what an erasure keeps on a ground goes when its own time is over, and nothing else with it; and nobody has to think
//! of it.

use expunged::domain::{Reference, RequestId, State};
use expunged::flow::legal::{self, HeldTarget, table};
use expunged::flow::tidy::tidy;
use expunged::flow::{operate, retention};
use expunged::params;

use crate::support::world::{Ground, TEAM, World, on_both};

mod many;
mod told;

const OWNER: &str = "owner1@team.example";

/// A shop that keeps orders for eighteen months: those of account 1 until August and September, by their own dates.
async fn keeping(ground: Ground, orders: &str) -> World {
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    let start = map.find("erase      = \"mask\"").unwrap();
    ground.write("shop.toml", &format!("{}{orders}\n", &map[..start]));
    ground.shop.run("INSERT INTO orders VALUES ('o9', 'u1', '2026-03-01', 'Olga One', 'Elm Street 1')").await;
    ground.build().await
}

/// Orders stay as they are, and then go.
const WHOLE: &str = r#"erase = "keep"
mask  = { user_id = "detach" }
keep  = { ground = "Art. 17(3)(b) GDPR", until = "placed_at + 18 months" }"#;

/// The street stays, and then goes; the row is somebody's statistics.
const STREET: &str = r#"erase = "mask"
mask  = { user_id = "detach", ship_name = "null" }
keep  = { ground = "Art. 17(3)(b) GDPR", until = "placed_at + 18 months" }"#;

async fn closed(world: &World) -> RequestId {
    let request = world.ask_and_confirm(OWNER).await;
    world.days_pass(7).await;
    assert_eq!(world.state(request).await, State::Completed);
    assert_eq!(orders(world, "id IN ('o1', 'o9') AND ship_street IS NOT NULL").await, 2, "both stay on the ground");
    request
}

async fn orders(world: &World, which: &str) -> i64 {
    world.ground.shop.count(&format!("SELECT COUNT(*) FROM orders WHERE {which}")).await
}

/// The requests that ended retentions have opened, by their states.
async fn opened(world: &World) -> Vec<String> {
    let mut tx = world.house.db.read().await.unwrap();
    let rows = tx.all("SELECT state FROM requests WHERE origin = 'retention' ORDER BY state", params![]).await.unwrap();
    rows.iter().map(|row| row.text("state").unwrap()).collect()
}

/// How many of the kept orders are there, and where the one request about them stands.
async fn stands(world: &World, rows: i64, state: &str) {
    assert_eq!((orders(world, "id IN ('o1', 'o9')").await, opened(world).await), (rows, vec![state.to_owned()]));
}

/// The days and rows that `retention list` shows.
async fn listed(world: &World) -> Vec<(String, u64, bool)> {
    let lines = retention::list(&world.house).await.unwrap();
    lines.into_iter().map(|line| (line.until.unwrap().to_string(), line.rows, line.over)).collect()
}

async fn goes_when_its_time_is_over(world: World) {
    world
        .live(async {
            closed(&world).await;
            assert_eq!(listed(&world).await, [("2027-09-01".to_owned(), 2, false)]);
            world.days_pass(195).await;
            assert_eq!(orders(&world, "id IN ('o1', 'o9')").await, 2, "it is July");
            assert!(opened(&world).await.is_empty());
            world.days_pass(16).await;
            assert_eq!(orders(&world, "id = 'o1'").await, 0, "its time was over on the first of August");
            assert_eq!(orders(&world, "id = 'o9'").await, 1, "this one stays another month");
            assert_eq!(listed(&world).await, [("2027-09-01".to_owned(), 1, false)]);
            assert_eq!(opened(&world).await, ["completed"]);
            world.days_pass(31).await;
            assert_eq!(orders(&world, "id = 'o9'").await, 0);
            assert_eq!(orders(&world, "id IN ('o2', 'o3', 'o4') AND ship_name IS NOT NULL").await, 3, "nobody else's");
            assert_eq!(opened(&world).await, ["completed", "completed"]);
            assert!(listed(&world).await.is_empty());
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM kept", params![]).await, 0);
            let keys = "SELECT COUNT(*) AS number FROM vault_keys WHERE purpose = 'kept' AND wrapped IS NOT NULL";
            assert_eq!(world.number(keys, params![]).await, 0, "and the keys are destroyed");
            assert!(world.fresh(TEAM).is_empty(), "nobody had to do anything");
        })
        .await;
}

on_both! {
    async fn what_is_kept_goes_when_its_time_is_over(ground) {
        goes_when_its_time_is_over(keeping(ground, WHOLE).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_it_is_in_a_trail_of_its_own() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed(&world).await;
            world.days_pass(211).await;
            let mut tx = world.house.db.read().await.unwrap();
            let sql = "SELECT event FROM trail WHERE case_id = (SELECT case_id FROM requests WHERE origin = 'retention') ORDER BY number";
            let events: Vec<String> =
                tx.all(sql, params![]).await.unwrap().iter().map(|row| row.text("event").unwrap()).collect();
            let expected = ["request_opened", "noted", "authority_issued", "intent", "intent", "outcome", "completed"];
            assert_eq!(events, expected, "opened, permitted, begun, each step before and after, and its end");
            let sql = "SELECT method FROM authorities a JOIN requests r ON r.id = a.request_id WHERE r.origin = 'retention'";
            let method = tx.all(sql, params![]).await.unwrap()[0].text("method").unwrap();
            assert_eq!(method, "keeping_ended");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_stays_loses_what_was_kept_of_it() {
    let world = keeping(Ground::sqlite().await, STREET).await;
    world
        .live(async {
            closed(&world).await;
            world.days_pass(211).await;
            assert_eq!(orders(&world, "id = 'o1' AND ship_street IS NULL AND placed_at IS NOT NULL").await, 1);
            assert_eq!(orders(&world, "id = 'o9' AND ship_street IS NOT NULL").await, 1);
            assert_eq!(opened(&world).await, ["completed"]);
        })
        .await;
}

/// The record is forgotten long before the last row goes.
#[tokio::test(flavor = "multi_thread")]
async fn the_request_may_be_forgotten_by_then() {
    let world = keeping(Ground::sqlite().await, &WHOLE.replace("18 months", "60 months")).await;
    world
        .live(async {
            let request = closed(&world).await;
            world.days_pass(1_100).await;
            world.days_pass(2).await;
            let known = "SELECT COUNT(*) AS number FROM requests WHERE id = $1";
            assert_eq!(world.number(known, params![request]).await, 0, "the request is forgotten");
            assert_eq!(listed(&world).await, [("2031-03-01".to_owned(), 2, false)]);
            world.days_pass(400).await;
            assert_eq!(orders(&world, "id = 'o1'").await, 0);
            assert_eq!(orders(&world, "id = 'o9'").await, 1);
        })
        .await;
}

/// Olga's order went, and Otto has one under its key: when his own time is over, it is not hers.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_written_anew_under_the_key_is_left_alone() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed(&world).await;
            world.days_pass(2).await;
            world.ground.shop.run("DELETE FROM orders WHERE id = 'o1'").await;
            world
                .ground
                .shop
                .run("INSERT INTO orders VALUES ('o1', NULL, '2027-06-01', 'Otto Two', 'Elm Street 2')")
                .await;
            world.days_pass(300).await;
            assert_eq!(orders(&world, "id = 'o9'").await, 0, "what is hers went");
            assert_eq!(opened(&world).await, ["completed", "needs_review"], "and a person looks at the other");
            world.days_pass(900).await;
            assert_eq!(orders(&world, "id = 'o1'").await, 1, "it is 2030, and nobody said that it is hers");
            assert_eq!(opened(&world).await, ["completed", "needs_review"], "they were told once");
            end_trouble(&world).await;
            world.days_pass(8).await;
            assert_eq!(orders(&world, "id = 'o1'").await, 1, "who ended it has seen to it");
            assert!(listed(&world).await.is_empty());
            world.days_pass(100).await;
            assert_eq!(opened(&world).await, ["completed", "withdrawn"], "nothing is looked at any more");
        })
        .await;
}

/// Ends the request that waits for a person.
async fn end_trouble(world: &World) {
    let reference = waiting(world).await;
    operate::act(&world.house, &reference, &world.operator("ops"), operate::Act::Withdraw, None).await.unwrap();
}

async fn waiting(world: &World) -> Reference {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT reference FROM requests WHERE origin = 'retention' AND state = 'needs_review'";
    tx.one(sql, params![]).await.unwrap().word("reference").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_leads_to_somebody_again_is_left_to_them() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed(&world).await;
            world.ground.shop.run("UPDATE orders SET user_id = 'u2' WHERE id = 'o1'").await;
            world.days_pass(300).await;
            assert_eq!(orders(&world, "id = 'o1' AND user_id = 'u2'").await, 1);
            assert_eq!(opened(&world).await, ["completed", "needs_review"]);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_held_keeps_what_was_kept_of_them() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed(&world).await;
            let operator = world.operator("ops");
            let held = HeldTarget::Subject(table("shop.users").unwrap(), "u1".to_owned());
            let hold = legal::place(&world.house, &held, "12 O 34/26", &operator).await.unwrap().hold;
            world.days_pass(300).await;
            stands(&world, 2, "erasing").await;
            legal::release(&world.house, hold.id, &operator).await.unwrap();
            world.settle().await;
            assert_eq!(orders(&world, "id IN ('o1', 'o9')").await, 0);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_has_paused_waits() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed(&world).await;
            world.ground.shop.run("UPDATE orders SET placed_at = 'soon' WHERE id = 'o1'").await;
            world.days_pass(100).await;
            let (reference, operator) = (waiting(&world).await, world.operator("ops"));
            operate::act(&world.house, &reference, &operator, operate::Act::Hold, None).await.unwrap();
            world.ground.shop.run("UPDATE orders SET placed_at = '2026-02-01' WHERE id = 'o1'").await;
            world.days_pass(300).await;
            stands(&world, 2, "on_hold").await;
            operate::act(&world.house, &reference, &operator, operate::Act::Release, None).await.unwrap();
            world.days_pass(1).await;
            stands(&world, 0, "completed").await;
        })
        .await;
}

/// A job that runs for years is not lost by who deletes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_lost_is_made_anew() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed(&world).await;
            world.try_sql("DELETE FROM jobs WHERE kind = 'retention'", params![]).await.unwrap();
            world.days_pass(300).await;
            assert_eq!(orders(&world, "id IN ('o1', 'o9')").await, 2);
            tidy(&world.house).await.unwrap();
            world.settle().await;
            assert_eq!(orders(&world, "id IN ('o1', 'o9')").await, 0);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_that_is_not_true_of_its_store_waits_for_a_person() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed(&world).await;
            world.ground.shop.run("ALTER TABLE orders RENAME TO orders_elsewhere").await;
            world.days_pass(2).await;
            world.days_pass(30).await;
            assert_eq!(opened(&world).await, ["needs_review"], "one, however often it is looked at");
            world.ground.shop.run("ALTER TABLE orders_elsewhere RENAME TO orders").await;
            world.days_pass(300).await;
            stands(&world, 0, "completed").await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legal_hold_stops_it_and_its_end_lets_it_go_on() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed(&world).await;
            let operator = world.operator("ops");
            let held = HeldTarget::Table(table("shop.orders").unwrap());
            let hold = legal::place(&world.house, &held, "12 O 34/26", &operator).await.unwrap().hold;
            world.days_pass(300).await;
            assert_eq!(orders(&world, "id IN ('o1', 'o9')").await, 2);
            assert_eq!(opened(&world).await, ["erasing"]);
            legal::release(&world.house, hold.id, &operator).await.unwrap();
            world.settle().await;
            assert_eq!(orders(&world, "id IN ('o1', 'o9')").await, 0);
            assert_eq!(opened(&world).await, ["completed"]);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_cannot_be_read_waits_for_a_person_and_goes_on_by_itself() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed(&world).await;
            world.ground.shop.run("UPDATE orders SET placed_at = 'soon' WHERE id = 'o1'").await;
            world.days_pass(100).await;
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["needs_review"], "one, however often it is looked at");
            let alarms = world.fresh(TEAM);
            let told: Vec<&str> = alarms.iter().map(|letter| letter.text.as_str()).collect();
            let first = told.first().expect("an alarm").split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(first.contains("placed_at") && first.contains("expunged requests withdraw"), "{first}");
            assert_eq!(told.len(), 1, "nobody waits for an answer, and nobody is hurried");
            world.ground.shop.run("UPDATE orders SET placed_at = '2026-02-01' WHERE id = 'o1'").await;
            world.days_pass(100).await;
            world.days_pass(20).await;
            assert_eq!(orders(&world, "id = 'o1'").await, 0);
            assert_eq!(opened(&world).await, ["completed"], "the same request");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_by_sql_what_is_kept() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed(&world).await;
            for sql in [
                "UPDATE kept SET account_mac = randomblob(32)",
                "UPDATE kept SET plan_digest = randomblob(32)",
                "INSERT OR REPLACE INTO kept SELECT case_id, request_id, authority_id, randomblob(32), plan_digest, completed_at, mark, look_at, trouble_id FROM kept",
                "UPDATE requests SET origin = 'retention'",
                "DELETE FROM kept",
            ] {
                let refused = world.try_sql(sql, params![]).await;
                let refused = refused.expect_err(sql);
                assert!(format!("{refused:?}").contains("gate:"), "{sql}: {refused:?}");
            }
            // A row that plain SQL wrote permits nothing: a trigger can be dropped by whoever owns the database.
            world.try_sql("DROP TRIGGER kept_stays_itself", params![]).await.unwrap();
            world.try_sql("UPDATE kept SET account_mac = randomblob(32)", params![]).await.unwrap();
            world.days_pass(300).await;
            assert_eq!(orders(&world, "id IN ('o1', 'o9')").await, 2, "nothing is erased under it");
            assert_eq!(opened(&world).await, ["needs_review"], "and a person looks");
            let alarms = world.fresh(TEAM);
            assert!(alarms[0].text.split_whitespace().collect::<Vec<_>>().join(" ").contains("forged or altered"));
        })
        .await;
}
