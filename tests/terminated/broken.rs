//! What a wrong query says: nobody is erased by it, and the team is told.

use expunged::flow::termination::{self, Stop};
use expunged::params;
use tokio_util::sync::CancellationToken;

use super::{OWNER, QUERIES, SHARE_OF_ALL, asked, ending, is_whole, line, opened, prepared};
use crate::bad_input::store_away::Way;
use crate::support::world::{Ground, TEAM, World, on_both};

const ALL: &str = "('a1', '2026-10-05'), ('a2', '2026-10-05'), ('a3', '2026-10-05'), ('a4', '2026-10-05')";

/// The one alarm of these days.
fn alarm(world: &World) -> String {
    let told = world.fresh(TEAM);
    assert_eq!(told.len(), 1, "{:?}", told.iter().map(|letter| &letter.subject).collect::<Vec<_>>());
    line(&told[0].text)
}

async fn stopped(world: &World) -> Option<Stop> {
    termination::look(&world.house).await.unwrap().expect("it is switched on").stopped
}

on_both! {
    async fn a_query_that_gives_everybody_erases_nobody(ground) {
        let world = ending(ground, ALL, "").await;
        world.live(async {
            asked(&world).await;
            assert!(opened(&world).await.is_empty());
            let text = alarm(&world);
            assert!(text.contains("share_percent_max") && text.contains("4 of 4"), "{text}");
            assert_eq!(stopped(&world).await, Some(Stop::Share));
            for _ in 0..6 {
                world.days_pass(1).await;
            }
            assert!(world.fresh(TEAM).is_empty(), "they were told");
            world.days_pass(2).await;
            alarm(&world);
            assert!(opened(&world).await.is_empty(), "and are told again in a week, as long as nobody does anything");
            assert!(world.fresh(OWNER).is_empty());
            is_whole(&world).await;
        }).await;
    }

    async fn more_than_may_be_opened_at_once_opens_none(ground) {
        let more = "share_percent_max = 100\naccounts_per_run_max = 3\n";
        let world = ending(ground, ALL, more).await;
        world.live(async {
            asked(&world).await;
            assert!(opened(&world).await.is_empty());
            assert!(alarm(&world).contains("accounts_per_run_max"));
            world.ground.shop.run("DELETE FROM contracts WHERE account_id = 'a4'").await;
            world.days_pass(1).await;
            assert_eq!(opened(&world).await, ["scheduled"; 3], "as many as the limit are opened, over two pages");
        }).await;
    }

    /// Dates that are none, several, and of the future: who has one is left out, and the others are not kept waiting.
    async fn an_account_without_one_date_is_left_out_and_told(ground) {
        let contracts = "('a1', NULL), ('a1', NULL), ('a2', 'soon'), ('a3', '2026-10-05'), ('a3', '2026-11-05'), ('a4', '2027-02-01')";
        let world = ending(ground, contracts, "").await;
        world.live(async {
            asked(&world).await;
            assert!(opened(&world).await.is_empty());
            let found = termination::look(&world.house).await.unwrap().unwrap();
            assert_eq!((found.listed, found.undated, found.doubled, found.due), (4, 2, 1, 0));
            let text = alarm(&world);
            assert!(text.contains("without a date that can be read: 2") || text.contains("Without a date that can be read: 2"));
            assert!(text.contains("With several dates: 1"), "{text}");
            world.days_pass(120).await;
            assert_eq!(opened(&world).await, ["scheduled"], "the one of the future, when its time is over");
            is_whole(&world).await;
        }).await;
    }
}

/// The same date twice is the same date, also where a page ends between the two.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_comes_twice_opens_one() {
    let contracts = "('a1', '2026-12-31'), ('a2', '2026-12-31'), ('a3', '2026-10-05'), ('a3', '2026-10-05')";
    let world = ending(Ground::sqlite().await, contracts, "").await;
    world
        .live(async {
            asked(&world).await;
            assert_eq!(opened(&world).await, ["scheduled"]);
            assert!(world.fresh(TEAM).is_empty());
        })
        .await;
}

/// The second date of the last account of a page stands on the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_date_behind_the_end_of_a_page_is_seen() {
    let contracts = "('a1', '2026-12-31'), ('a2', '2026-12-31'), ('a3', '2026-10-05'), ('a3', '2026-11-05')";
    let world = ending(Ground::sqlite().await, contracts, "").await;
    world
        .live(async {
            asked(&world).await;
            assert!(opened(&world).await.is_empty());
            assert!(alarm(&world).contains("With several dates: 1"));
        })
        .await;
}

/// Rows without an order could leave out anybody, and come to no end.
#[tokio::test(flavor = "multi_thread")]
async fn pages_that_do_not_follow_one_another_open_nobody() {
    let unordered = QUERIES.replace("ORDER BY c.account_id LIMIT 3", "ORDER BY c.account_id DESC LIMIT 3");
    let ground = prepared(Ground::sqlite().await, ALL, "").await;
    let world = ground.with_config(|config| config + &unordered + SHARE_OF_ALL).build().await;
    world
        .live(async {
            asked(&world).await;
            assert!(opened(&world).await.is_empty());
            assert!(alarm(&world).contains("expunged check --connect"));
        })
        .await;
}

/// The table is gone when the grace period ends: nobody knows whether the account lives.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_the_store_refuses_by_then_erases_nobody() {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
    world
        .live(async {
            asked(&world).await;
            assert_eq!(opened(&world).await, ["scheduled"]);
            world.ground.shop.run("DROP TABLE contracts").await;
            world.days_pass(8).await;
            world.hours_pass(3).await;
            assert_eq!(opened(&world).await, ["needs_review"]);
            is_whole(&world).await;
            let told: Vec<String> = world.fresh(TEAM).iter().map(|letter| line(&letter.text)).collect();
            assert!(told.iter().any(|text| text.contains("check --connect")), "{told:?}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_directory_that_is_away_is_waited_for() {
    let (way, ground) = Way::to_a_shop().await;
    let ground = prepared(ground, "('a1', '2026-10-05')", "").await;
    let (first, second) = (CancellationToken::new(), CancellationToken::new());
    let story = async {
        let world = ground.build().await;
        world
            .live(async {
                asked(&world).await;
                assert_eq!(opened(&world).await, ["scheduled"]);
                first.cancel();
                world.days_pass(8).await;
                world.hours_pass(11).await;
                assert_eq!(opened(&world).await, ["scheduled"], "nobody knows whether it lives");
                is_whole(&world).await;
            })
            .await;
        world
    };
    let ((), world) = tokio::join!(way.carry(first.clone()), story);
    let back = async {
        world
            .live(async {
                for _ in 0..20 {
                    world.hours_pass(1).await;
                    if opened(&world).await == ["completed"] {
                        break;
                    }
                }
                assert_eq!(opened(&world).await, ["completed"]);
                let gone = "SELECT COUNT(*) FROM accounts WHERE id = 'a1'";
                assert_eq!(world.ground.shop.count(gone).await, 0);
                assert_eq!(
                    world.number("SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'", params![]).await,
                    0
                );
                second.cancel();
            })
            .await;
    };
    tokio::join!(way.carry(second.clone()), back);
}
