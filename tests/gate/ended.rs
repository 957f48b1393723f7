//! What an ended service opens goes one way, and rows make no service end.

use expunged::domain::{RequestId, State};
use expunged::flow::operate;
use expunged::params;
use uuid::Uuid;

use super::forged::work;
use super::plain_sql::{WITH_THE_RECORD, refused};
use super::{OWNERS, on_postgres, on_sqlite, shop_is_untouched};
use crate::support::world::World;
use crate::terminated::{asked, ending, opened, request, the_account};

const NO_END: &str = "no ended service opened this request";
const OTHER_WAY: &str = "what an ended service opened goes another way";
const STAYS: &str = "an end of service stays what it is";

/// An authority by an ended service, which the forger has written for a request.
const AUTHORITY: &str = "INSERT INTO authorities (id, request_id, kind, method, account_mac, plan_digest, issued_at, expires_at, hmac)
     SELECT $2, r.id, 'termination', 'service_ended', r.account_mac, $3, r.opened_at, $4, $3 FROM requests r WHERE r.id = $1";

/// A request whose letter said nothing of an end.
async fn of_a_letter(world: &World) {
    world
        .live(async {
            let (by_letter, _) = world.ask(OWNERS[0]).await;
            let later = world.house.clock.now().plus_days(30);
            let forged = params![by_letter, Uuid::from_u128(0xF0), vec![5_u8; 32], later];
            refused(world, AUTHORITY, forged, NO_END).await;
            let sql =
                "INSERT INTO terminations (request_id, account_mac, ended_at, round, mark) VALUES ($1, $2, $3, 0, $2)";
            refused(world, sql, params![by_letter, vec![5_u8; 32], later], STAYS).await;
            shop_is_untouched(world).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_make_no_service_end_on_sqlite() {
    on_sqlite(of_a_letter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_make_no_service_end_on_postgres() {
    on_postgres(of_a_letter).await;
}

/// A world in which the service of the first account has ended, and its request is planned.
async fn planned(ground: crate::support::world::Ground) -> World {
    ending(ground, "('a1', '2026-10-05')", "").await
}

async fn dead(world: &World, reason: &str) {
    let sql = "SELECT COUNT(*) AS number FROM jobs WHERE kind = 'identify' AND state = 'dead' AND reason = $1";
    assert_eq!(world.number(sql, params![reason]).await, 1, "{reason}");
    assert_eq!(world.number("SELECT COUNT(*) AS number FROM steps", params![]).await, 0);
    shop_is_untouched(world).await;
}

/// Takes a review back by rows, and has the request identified anew.
async fn taken_back(world: &World, request: RequestId) {
    let sql = "UPDATE requests SET state = 'received', review_reason = NULL WHERE id = $1";
    assert_eq!(world.try_sql(sql, params![request]).await.unwrap(), 1);
    work(world, "identify", request).await;
}

crate::support::world::on_both! {
    async fn what_an_ended_service_opened_goes_no_other_way(ground) {
        let world = planned(ground).await;
        world.live(async {
            asked(&world).await;
            let id = request(&world).await;
            for state in ["awaiting_confirmation", "awaiting_approval", "forwarded", "not_found", "refused", "expired"] {
                refused(&world, "UPDATE requests SET state = $2 WHERE id = $1", params![id, state], OTHER_WAY).await;
            }
            let now = world.house.clock.now();
            let earlier = "UPDATE terminations SET ended_at = $2 WHERE request_id = $1";
            refused(&world, earlier, params![id, now], STAYS).await;
            refused(&world, "UPDATE terminations SET round = -1 WHERE request_id = $1", params![id], STAYS).await;
            refused(&world, "DELETE FROM terminations WHERE request_id = $1", params![id], WITH_THE_RECORD).await;
            shop_is_untouched(&world).await;
        }).await;
    }

    /// A person looks at it, and rows say that they have done so.
    async fn a_review_is_not_ended_by_rows(ground) {
        let world = planned(ground).await;
        world.live(async {
            asked(&world).await;
            let id = request(&world).await;
            let told = world.fresh(OWNERS[0]).pop().expect("the owner is told");
            world.receive(&told.answer(OWNERS[0], "Please erase all but the invoices, which I still need.")).await;
            if world.state(id).await != State::NeedsReview {
                world.days_pass(8).await;
            }
            assert_eq!(opened(&world).await, ["needs_review"]);
            refused(&world, "UPDATE requests SET state = 'scheduled' WHERE id = $1", params![id], OTHER_WAY).await;
            taken_back(&world, id).await;
            dead(&world, "not_ended").await;
            assert_eq!(world.state(id).await, State::NeedsReview);
            let (reference, operator) = (world.reference(id).await, world.operator("ops"));
            operate::correct(&world.house, &reference, &operator, the_account("a1")).await.unwrap();
            asked(&world).await;
            assert_eq!(world.state(id).await, State::Scheduled, "a person of the team lets it go on");
        }).await;
    }

    /// Another number of rounds would let it go on as well; it carries no mark.
    async fn a_forged_round_permits_nothing(ground) {
        let world = planned(ground).await;
        world.live(async {
            world.ground.shop.run("UPDATE users SET email = 'nobody' WHERE id = 'u1'").await;
            world.ground.shop.run("UPDATE users SET role = 'user' WHERE id = 'u1'").await;
            asked(&world).await;
            let id = request(&world).await;
            assert_eq!(opened(&world).await, ["needs_review"], "the account has no owner");
            world.ground.shop.run("UPDATE users SET role = 'owner', email = 'owner1@team.example' WHERE id = 'u1'").await;
            world.try_sql("UPDATE terminations SET round = 7 WHERE request_id = $1", params![id]).await.unwrap();
            taken_back(&world, id).await;
            dead(&world, "forged_end").await;
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM authorities", params![]).await, 0);
        }).await;
    }
}
