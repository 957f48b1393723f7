//! A hold is not lifted by plain SQL: the database refuses what is written past it, and a worker what was written over it.

use expunged::domain::State;
use expunged::flow::operate;
use expunged::params;

use super::forged::{refused as refused_by_worker, team_is_told, work};
use super::plain_sql::{NO_BEGINNING, NO_WAY, WITH_THE_RECORD, refused, refused_by};
use super::{OWNERS, on_both, shop_is_untouched};
use crate::support::world::World;

const STANDS: &str = "a hold stands";
const NEVER: &str = "a hold is never changed";

/// Past the hold, as if nobody had placed it.
const LET_GO: &str = "UPDATE requests SET state = 'scheduled', held_from = NULL, held_by = NULL, erase_at = opened_at
     WHERE id = $1";

/// A proven request that an operator holds, and whatever date it has.
async fn held(world: &World, owner: &str) -> expunged::domain::RequestId {
    let asked = world.ask_and_confirm(owner).await;
    let reference = world.reference(asked).await;
    operate::act(&world.house, &reference, &world.operator("alice"), operate::Act::Hold, None).await.unwrap();
    world.settle().await;
    asked
}

async fn released(world: &World, asked: expunged::domain::RequestId) {
    let reference = world.reference(asked).await;
    operate::act(&world.house, &reference, &world.operator("alice"), operate::Act::Release, None).await.unwrap();
    world.settle().await;
}

on_both! {
    async fn plain_sql_leads_nowhere_from_a_hold(world) {
        world.live(async {
            let asked = held(world, OWNERS[0]).await;
            let other = held(world, OWNERS[1]).await;
            refused(world, LET_GO, params![asked], STANDS).await;
            for state in ["received", "awaiting_confirmation", "awaiting_approval", "needs_review", "refused", "withdrawn"] {
                let sql = "UPDATE requests SET state = $2, held_from = NULL WHERE id = $1";
                refused(world, sql, params![asked, state], STANDS).await;
            }
            world.forge_beginning(asked).await;
            let erasing = "UPDATE requests SET state = 'erasing', held_from = NULL WHERE id = $1";
            refused_by(world, erasing, params![asked], &[STANDS, NO_WAY, NO_BEGINNING]).await;
            for what in ["number = 7", "held_by = 'unproven_stop'"] {
                let sql = format!("UPDATE holds SET {what} WHERE request_id = $1");
                refused(world, &sql, params![asked], NEVER).await;
            }
            let elsewhere = "UPDATE holds SET request_id = $2, number = 7 WHERE request_id = $1";
            refused(world, elsewhere, params![asked, other], NEVER).await;
            let mark = "UPDATE holds SET hmac = $2 WHERE request_id = $1";
            refused(world, mark, params![asked, vec![4_u8; 32]], NEVER).await;
            let time = "UPDATE holds SET held_at = $2 WHERE request_id = $1";
            refused(world, time, params![asked, world.house.clock.now().plus_days(1)], NEVER).await;
            refused(world, "DELETE FROM holds WHERE request_id = $1", params![asked], WITH_THE_RECORD).await;
            world.days_pass(12).await;
            assert_eq!(world.state(asked).await, State::OnHold);
            shop_is_untouched(world).await;
        }).await;
    }

    /// The end of another request's hold is genuine, and not of this one.
    async fn a_forged_release_begins_nothing(world) {
        world.live(async {
            let asked = held(world, OWNERS[0]).await;
            let other = held(world, OWNERS[1]).await;
            released(world, other).await;
            let copy = "UPDATE holds SET released_at = (SELECT released_at FROM holds WHERE request_id = $2),
                 release_hmac = (SELECT release_hmac FROM holds WHERE request_id = $2) WHERE request_id = $1";
            assert_eq!(world.try_sql(copy, params![asked, other]).await.unwrap(), 1);
            assert_eq!(world.try_sql(LET_GO, params![asked]).await.unwrap(), 1);
            world.clock.advance(std::time::Duration::from_secs(6 * 86_400));
            work(world, "begin", asked).await;
            refused_by_worker(world, "begin", "forged_release").await;
            assert_eq!(world.state(asked).await, State::NeedsReview);
            team_is_told(world);
        }).await;
    }

    /// The grace period counts from the end of the pause, whatever date the request's row has.
    async fn what_an_operator_releases_is_erased_after_a_whole_grace_period(world) {
        world.live(async {
            let asked = held(world, OWNERS[0]).await;
            let forge = "UPDATE holds SET released_at = held_at, release_hmac = $2 WHERE request_id = $1";
            world.try_sql(forge, params![asked, vec![4_u8; 32]]).await.unwrap();
            world.days_pass(5).await;
            // Over what somebody wrote there.
            released(world, asked).await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            world.try_sql("UPDATE requests SET erase_at = opened_at WHERE id = $1", params![asked]).await.unwrap();
            world.days_pass(3).await;
            work(world, "begin", asked).await;
            assert_eq!(world.state(asked).await, State::Scheduled, "the grace period of the proof alone is over");
            world.days_pass(3).await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            shop_is_untouched(world).await;
            world.days_pass(1).await;
            assert_eq!(world.state(asked).await, State::Completed);
        }).await;
    }

    /// A pause that nobody proved is ended by a proof, and one of the team is not: nor by writing that it is another.
    async fn an_operators_hold_is_not_made_anybodys(world) {
        world.live(async {
            let (asked, challenge) = world.ask(OWNERS[0]).await;
            let reference = world.reference(asked).await;
            operate::act(&world.house, &reference, &world.operator("alice"), operate::Act::Hold, None).await.unwrap();
            world.settle().await;
            let sql = "UPDATE requests SET held_by = 'unproven_stop' WHERE id = $1";
            assert_eq!(world.try_sql(sql, params![asked]).await.unwrap(), 1);
            world.receive(&challenge.answer(OWNERS[0], &challenge.code())).await;
            refused_by_worker(world, "judge", "forged_release").await;
            assert_eq!(world.state(asked).await, State::OnHold);
            team_is_told(world);
            // Who holds it can still end it for good.
            operate::act(&world.house, &reference, &world.operator("alice"), operate::Act::Withdraw, None).await.unwrap();
            assert_eq!(world.state(asked).await, State::Withdrawn);
        }).await;
    }

    /// A hold that somebody only wrote keeps a request from nothing but a person.
    async fn a_forged_hold_is_noticed(world) {
        world.live(async {
            let asked = world.ask_and_confirm(OWNERS[0]).await;
            let sql = "INSERT INTO holds (request_id, number, held_by, held_at, hmac, released_at, release_hmac)
                 SELECT $1, 1, 'operator', opened_at, $2, opened_at, $2 FROM requests WHERE id = $1";
            assert_eq!(world.try_sql(sql, params![asked, vec![6_u8; 32]]).await.unwrap(), 1);
            world.days_pass(8).await;
            assert_eq!(world.state(asked).await, State::NeedsReview);
            shop_is_untouched(world).await;
        }).await;
    }
}
