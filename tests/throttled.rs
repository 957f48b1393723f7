//! The promise: while what follows a store is behind, nothing is erased there; it goes on when that has caught up.

use std::time::Duration;

use expunged::domain::State;

use crate::support::world::{Ground, TEAM, on_both};

const OWNER: &str = "owner1@team.example";
const USERS: &str = "SELECT COUNT(*) FROM users WHERE account_id = 'a1'";

/// A shop that something follows, so many seconds behind.
async fn followed(ground: Ground, throttle: &str, behind: &str) -> Ground {
    ground.shop.run(&format!("CREATE TABLE follower (behind TEXT); INSERT INTO follower VALUES ({behind})")).await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    let throttled = format!("backup_days = 35\nignore = [\"follower\"]\nthrottle = {throttle}");
    assert!(map.contains("backup_days = 35") && !map.contains("ignore"));
    ground.write("shop.toml", &map.replace("backup_days = 35", &throttled));
    ground
}

const LAG: &str = "{ lag = \"SELECT behind FROM follower\", lag_max = 5, rest_percent = 10 }";

on_both! {
    async fn nothing_is_erased_while_what_follows_the_store_is_behind(ground) {
        let world = followed(ground, LAG, "'7.5'").await.build().await;
        world
            .live(async {
                let request = world.ask_and_confirm(OWNER).await;
                let shop = &world.ground.shop;
                let passing = world.days_pass(7);
                let caught_up = async {
                    let mut looks = 0;
                    while world.state(request).await != State::Erasing || looks < 100 {
                        assert_eq!(shop.count(USERS).await, 2, "nothing is erased yet");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        looks += 1;
                    }
                    shop.run("UPDATE follower SET behind = '5'").await;
                };
                tokio::join!(passing, caught_up);
                assert_eq!((world.state(request).await, shop.count(USERS).await), (State::Completed, 0));
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lag_that_is_no_number_stops_before_the_first_write_and_null_is_none() {
    for (behind, state, left) in [("'soon'", State::Erasing, 2), ("NULL", State::Completed, 0)] {
        let world = followed(Ground::sqlite().await, LAG, behind).await.build().await;
        world
            .live(async {
                let request = world.ask_and_confirm(OWNER).await;
                world.days_pass(7).await;
                let found = (world.state(request).await, world.ground.shop.count(USERS).await);
                assert_eq!(found, (state, left), "{behind}");
                assert_eq!(world.fresh(TEAM).len(), usize::from(left > 0), "the team hears of what a person must mend");
            })
            .await;
    }
}

#[tokio::test]
async fn half_a_throttle_is_refused() {
    for (throttle, words) in [
        ("{ lag = \"SELECT 1\" }", "write both lag"),
        ("{ lag_max = 3 }", "write both lag"),
        ("{ lag = \" \", lag_max = 3 }", "it is empty"),
        ("{ rest_percent = 20000 }", "0 to 10000"),
    ] {
        let refused = followed(Ground::sqlite().await, throttle, "NULL").await.refused().await;
        assert!(refused.contains(words), "{throttle}: {refused}");
    }
}
