//! Who asks for data that no store has is told so, and where it was looked for.

use expunged::domain::State;
use expunged::params;

use super::{OWNER, opened, the_letter};
use crate::support::world::{Ground, World};

/// Addresses stand in orders alone, and what becomes of them when the owner asks for theirs to go.
async fn addresses_are_asked_for(orders: &str) -> World {
    let ground = Ground::sqlite().await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &map.replace("ship_street = \"contact\"", "ship_street = \"address\""));
    ground.shop.run(orders).await;
    let world = ground.build().await;
    world
        .live(async {
            let text = "Hello,\r\n\r\nplease delete my postal address, but keep my account.";
            let request = opened(&world, OWNER, "My address", text).await;
            let challenge = the_letter(&world, OWNER, "confirm");
            world.receive(&challenge.answer(OWNER, "Yes, please go ahead.")).await;
            assert_eq!(world.state(request).await, State::Scheduled);
            world.fresh(OWNER);
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
