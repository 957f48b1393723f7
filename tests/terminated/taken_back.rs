//! What the directory says no more: the letter tells what is so, nobody is told twice of what comes and goes, and what goes on in the
//! place of such a request is one of its kind.

use std::sync::Arc;
use std::time::Duration;

use expunged::domain::State;
use expunged::domain::request::{Origin, ReviewReason};
use expunged::flow::legal::{self, HeldTarget};
use expunged::flow::operate;
use expunged::flow::termination::{self, Stop};
use expunged::params;
use expunged::stores::StoreName;

use super::{OWNER, QUERIES, asked, ending, is_erased, is_whole, line, opened, prepared, request, the_account};
use crate::support::world::{Ground, TEAM, World, on_both};

/// The one letter that the owner has got since, on one line.
fn told(world: &World) -> String {
    let letters = world.fresh(OWNER);
    assert_eq!(letters.len(), 1, "{:?}", letters.iter().map(|letter| &letter.subject).collect::<Vec<_>>());
    line(&letters[0].text)
}

/// What the trail of the last request says of its end.
async fn noted(world: &World, word: &str) -> bool {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT leaf FROM trail WHERE event = 'noted' AND case_id = (SELECT case_id FROM requests WHERE id = $1)";
    let rows = tx.all(sql, params![request(world).await]).await.unwrap();
    rows.iter().any(|row| row.text("leaf").unwrap().contains(word))
}

on_both! {
    async fn a_corrected_date_is_told_as_one(ground) {
        let world = ending(ground, "('a1', '2026-10-05')", "").await;
        world.live(async {
            asked(&world).await;
            world.fresh(OWNER);
            world.ground.shop.run("UPDATE contracts SET ended_at = '2026-12-31'").await;
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["withdrawn"]);
            let text = told(&world);
            assert!(text.contains("our records name another day by now") && text.contains("we write to you again"), "{text}");
            assert!(!text.contains("nothing more will happen"), "{text}");
            assert!(noted(&world, "redated").await);
        }).await;
    }

    async fn who_deleted_the_account_by_hand_is_told_nothing(ground) {
        let world = ending(ground, "('a1', '2026-10-05')", "").await;
        world.live(async {
            asked(&world).await;
            world.fresh(OWNER);
            let shop = &world.ground.shop;
            shop.run("DELETE FROM orders WHERE user_id IN ('u1', 'u2')").await;
            shop.run("DELETE FROM end_users WHERE account_id = 'a1'").await;
            shop.run("DELETE FROM users WHERE account_id = 'a1'").await;
            shop.run("DELETE FROM accounts WHERE id = 'a1'").await;
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["withdrawn"]);
            assert!(world.fresh(OWNER).is_empty(), "nobody of it is left who waits");
            assert!(noted(&world, "deleted").await, "and the trail says why");
        }).await;
    }

    /// It comes and goes: after the second time nobody is told any more before a person has looked.
    async fn what_was_taken_back_twice_goes_to_a_person(ground) {
        let world = ending(ground, "('a1', '2026-10-05')", "").await;
        world.live(async {
            asked(&world).await;
            for _ in 0..2 {
                assert_eq!(opened(&world).await.last().unwrap(), "scheduled");
                world.ground.shop.run("DELETE FROM contracts").await;
                world.days_pass(8).await;
                assert_eq!(opened(&world).await.last().unwrap(), "withdrawn");
                world.ground.shop.run("INSERT INTO contracts VALUES ('a1', '2026-10-05')").await;
                world.fresh(OWNER);
                world.days_pass(2).await;
            }
            assert_eq!(opened(&world).await, ["withdrawn", "withdrawn", "needs_review"]);
            let third = request(&world).await;
            assert_eq!(world.stored(third).await.request.review, Some(ReviewReason::EndUnsteady));
            assert!(world.fresh(OWNER).is_empty(), "nobody is told a third time");
            let alarm = world.fresh(TEAM).pop().expect("the team is told");
            assert!(line(&alarm.text).contains("taken back twice within a month"), "{}", alarm.text);
            world.days_pass(40).await;
            assert_eq!(opened(&world).await.len(), 3, "it is left alone");
            is_whole(&world).await;
            let (reference, operator) = (world.reference(third).await, world.operator("ops"));
            operate::correct(&world.house, &reference, &operator, the_account("a1")).await.unwrap();
            asked(&world).await;
            told(&world);
            world.days_pass(8).await;
            assert_eq!(opened(&world).await.last().unwrap(), "completed");
            is_erased(&world).await;
        }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_time_is_told_as_one() {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
    world
        .live(async {
            asked(&world).await;
            assert_eq!(opened(&world).await, ["scheduled"]);
            world.fresh(OWNER);
        })
        .await;
    let world = world.with_house(|house| {
        let settings = house.config.termination.as_mut().expect("it is switched on");
        settings.after = Duration::from_secs(365 * 86_400);
    });
    world
        .live(async {
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["withdrawn"]);
            let text = told(&world);
            assert!(text.contains("for longer by now than when we wrote to you"), "{text}");
            assert!(noted(&world, "longer").await);
            is_whole(&world).await;
        })
        .await;
}

/// Each account at the end of a page would be opened, and taken back when it is asked for by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_leaves_out_where_it_begins_opens_nobody() {
    let wrong = QUERIES.replace("account_id >= :from", "account_id > :from");
    let ground = prepared(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
    let world = ground.with_config(|config| config + &wrong).build().await;
    world
        .live(async {
            asked(&world).await;
            assert!(opened(&world).await.is_empty());
            assert!(world.fresh(OWNER).is_empty());
            let alarm = world.fresh(TEAM).pop().expect("the team is told");
            assert!(line(&alarm.text).contains("expunged check --connect"), "{}", alarm.text);
            let mut tx = world.house.db.read().await.unwrap();
            let run = expunged::db::terminations::last_run(&mut tx).await.unwrap().expect("it was asked");
            assert_eq!(run.stopped, Some(Stop::Query));
        })
        .await;
}

/// The directory takes the account back while its erasure is prepared: the work waits, and goes on when it says the same again.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_unclear_once_the_keys_are_saved_is_waited_for() {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
    world
        .live(async {
            asked(&world).await;
            let operator = world.operator("ops");
            // Its keys are saved, and a hold on its store keeps it from its first write.
            let held = HeldTarget::Store(StoreName::new("shop").unwrap());
            let hold = legal::place(&world.house, &held, "12 O 34/26", &operator).await.unwrap().hold;
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["erasing"]);
            let saved = "SELECT COUNT(*) AS number FROM discoveries";
            let is_saved = world.number(saved, params![]).await == 1;
            // Two dates: nobody can tell.
            world.ground.shop.run("INSERT INTO contracts VALUES ('a1', '2026-11-05')").await;
            legal::release(&world.house, hold.id, &operator).await.unwrap();
            world.days_pass(1).await;
            world.hours_pass(2).await;
            let waits = "SELECT COUNT(*) AS number FROM jobs WHERE kind = 'erase' AND state = 'waiting' AND reason = 'end_unclear'";
            assert!(is_saved, "its keys were saved");
            assert_eq!((opened(&world).await, world.number(waits, params![]).await), (vec!["erasing".to_owned()], 1));
            is_whole(&world).await;
            world.ground.shop.run("DELETE FROM contracts WHERE ended_at = '2026-11-05'").await;
            world.hours_pass(3).await;
            assert_eq!(opened(&world).await, ["completed"]);
            is_erased(&world).await;
        })
        .await;
}

/// Its saved keys are gone: what goes on is opened by the same end, and by no letter.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_in_its_place_was_opened_by_the_same_end() {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
    world
        .live(async {
            asked(&world).await;
            world.fresh(OWNER);
            let operator = world.operator("ops");
            let held = HeldTarget::Account("a1".to_owned());
            let hold = legal::place(&world.house, &held, "12 O 34/26", &operator).await.unwrap().hold;
            world.days_pass(8).await;
            let old = request(&world).await;
            assert_eq!(world.state(old).await, State::Erasing);
            let gone = "UPDATE vault_keys SET wrapped = NULL, destroyed_at = $1 WHERE purpose = 'replay'";
            world.try_sql(gone, params![world.house.clock.now()]).await.unwrap();
            let reference = world.reference(old).await;
            let anew = operate::correct(&world.house, &reference, &operator, the_account("a1")).await.unwrap().request;
            assert_eq!((anew.origin, world.state(old).await), (Origin::Termination, State::Withdrawn));
            assert!(world.fresh(OWNER).is_empty(), "the old one's end is nobody's news");
            let again = operate::correct(&world.house, &reference, &operator, the_account("a1")).await;
            assert!(again.is_err(), "once");
            legal::release(&world.house, hold.id, &operator).await.unwrap();
            asked(&world).await;
            assert_eq!(world.state(anew.id).await, State::Scheduled);
            told(&world);
            world.days_pass(8).await;
            assert_eq!(world.state(anew.id).await, State::Completed);
            is_erased(&world).await;
            assert_eq!(termination::look(&world.house).await.unwrap().unwrap().due, 0);
        })
        .await;
}

impl World {
    /// The daemon is started anew on another config.
    fn with_house(self, change: impl FnOnce(&mut expunged::flow::House)) -> Self {
        let mut world = self;
        change(Arc::get_mut(&mut world.house).expect("nobody works in the house"));
        world
    }
}
