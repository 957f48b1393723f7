//! Who asks for data that no store has is told so, and where it was looked for.

use expunged::domain::{RequestId, State};
use expunged::flow::legal::{self, HeldTarget, table};
use expunged::params;

use super::{OWNER, opened, operator, the_letter};
use crate::support::world::{Ground, Shop, World};

/// Addresses stand in orders alone, and what becomes of them when the owner asks for theirs to go.
async fn addresses_are_asked_for(orders: &str) -> World {
    let ground = Ground::sqlite().await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &map.replace("ship_street = \"contact\"", "ship_street = \"address\""));
    ground.shop.run(orders).await;
    let world = ground.build().await;
    world
        .live(async {
            let request = its_address(&world).await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::Completed);
        })
        .await;
    assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE id = 'u1'").await, 1, "the account is kept");
    world
}

async fn sent(world: &World, kind: &str) -> i64 {
    let sql = "SELECT COUNT(*) AS number FROM letters WHERE kind = $1 AND state = 'sent'";
    world.number(sql, params![kind]).await
}

#[tokio::test]
async fn data_that_nobody_has_end_in_a_letter_that_says_so() {
    let world = addresses_are_asked_for("DELETE FROM orders WHERE user_id = 'u1'").await;
    assert_eq!((sent(&world, "nothing_held").await, sent(&world, "completed").await), (1, 0));
    let told = world.fresh(OWNER).pop().expect("the end is told");
    assert!(told.text.contains("We searched here: shop."), "where it was looked for: {}", told.text);
}

#[tokio::test]
async fn data_that_are_there_end_in_the_usual_letter() {
    let world = addresses_are_asked_for("SELECT 1").await;
    assert_eq!((sent(&world, "nothing_held").await, sent(&world, "completed").await), (0, 1));
    let left = "SELECT COUNT(ship_street) FROM orders WHERE user_id = 'u1'";
    assert_eq!(world.ground.shop.count(left).await, 0);
}

/// A store of its own beside the shop, in which nobody keeps addresses.
const CRM: &str = r#"
[store]
name = "crm"
kind = "sqlite"
url = "{url}"
location = "this machine"
backup_days = 35

[tables.notes]
key        = "id"
belongs_to = { "shop.users" = "user_ref" }
categories = { id = "none", user_ref = "none", note = "behaviour" }
erase      = "delete"
"#;

/// The map of the other store, with its file.
async fn crm(ground: &Ground) -> String {
    let file = ground.path("crm.db");
    let notes = "CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, user_ref TEXT, note TEXT); INSERT INTO notes VALUES ('n1', 'u1', 'calls')";
    Shop::Sqlite(file.clone()).run(notes).await;
    CRM.replace("{url}", &format!("sqlite://{}", file.display()))
}

/// The owner asks for their address to go, and confirms it.
async fn its_address(world: &World) -> RequestId {
    let text = "Hello,\r\n\r\nplease delete my postal address, but keep my account.";
    let request = opened(world, OWNER, "My address", text).await;
    let challenge = the_letter(world, OWNER, "confirm");
    world.receive(&challenge.answer(OWNER, "Yes, please go ahead.")).await;
    assert_eq!(world.state(request).await, State::Scheduled);
    world.fresh(OWNER);
    request
}

#[tokio::test]
async fn no_store_is_named_that_was_not_searched() {
    let ground = Ground::sqlite().await;
    let (crm, map) = (crm(&ground).await, std::fs::read_to_string(ground.path("shop.toml")).unwrap());
    ground.write("crm.toml", &crm);
    ground.write("shop.toml", &map.replace("ship_street = \"contact\"", "ship_street = \"address\""));
    ground.shop.run("DELETE FROM orders WHERE user_id = 'u1'").await;
    let both = |config: String| config.replace("[\"shop.toml\"]", "[\"shop.toml\", \"crm.toml\"]");
    let world = ground.with_config(both).build().await;
    world
        .live(async {
            let request = its_address(&world).await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::Completed);
        })
        .await;
    let told = world.fresh(OWNER).pop().expect("the end is told");
    assert!(told.text.contains("We searched here: shop."), "where it was looked for: {}", told.text);
}

/// Found, and then gone by somebody else's hand before we came: it was held, and the backups hold it still.
#[tokio::test]
async fn data_that_went_before_we_came_were_held() {
    let ground = Ground::sqlite().await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &map.replace("ship_street = \"contact\"", "ship_street = \"address\""));
    let world = ground.build().await;
    world
        .live(async {
            let orders = HeldTarget::Table(table("shop.orders").unwrap());
            let hold = legal::place(&world.house, &orders, "12 O 34/26", &operator(&world)).await.unwrap().hold.id;
            let request = its_address(&world).await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::Erasing, "its rows were found, and a hold keeps them");
            world.ground.shop.run("DELETE FROM orders WHERE user_id = 'u1'").await;
            legal::release(&world.house, hold, &operator(&world)).await.unwrap();
            world.settle().await;
            assert_eq!(world.state(request).await, State::Completed);
        })
        .await;
    assert_eq!((sent(&world, "nothing_held").await, sent(&world, "completed").await), (0, 1));
    let told = world.fresh(OWNER).pop().expect("the end is told");
    assert!(told.text.contains("the last copy expires on"), "{}", told.text);
    let replay = "SELECT COUNT(*) AS number FROM vault_keys WHERE purpose = 'replay' AND wrapped IS NOT NULL";
    assert_eq!(world.number(replay, params![]).await, 1, "a restored backup is searched by the saved keys");
}
