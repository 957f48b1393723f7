//! Whoever can write rows writes no answer of a recipient, and takes none of them away.

use expunged::domain::{RequestId, State};
use expunged::params;

use super::by_mail::{ByMail, MAP, PARTNER, letters_to};
use super::{Partner as _, confirmation, erased, world_on};
use crate::support::world::{World, on_both};

const DONE: &str =
    "UPDATE recipients SET state = 'completed', settled_at = created_at, mark = token_hash WHERE request_id = $1";

async fn plain_sql(world: World, two: bool) {
    world
        .live(async {
            let request = erased(&world).await;
            refused(&world, request).await;
            assert_eq!(
                world.try_sql(DONE, params![request]).await.unwrap(),
                if two { 2 } else { 1 },
                "that can be written"
            );
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients, "but it is no answer");
            assert_eq!(letters_to(&world, PARTNER).len(), 2, "they are reminded as any that are silent");
            // The request can be moved by rows alone; no letter says that they have confirmed it.
            ByMail.says_done(&world).await;
            let expected = if two { State::WaitingOnRecipients } else { State::Completed };
            assert_eq!(world.state(request).await, expected, "only who has answered counts");
            assert_eq!(confirmation(&world).is_some(), !two);
        })
        .await;
}

/// What the database itself refuses.
async fn refused(world: &World, request: RequestId) {
    for sql in [
        "DELETE FROM recipients WHERE request_id = $1",
        "UPDATE recipients SET store = 'nobody' WHERE request_id = $1",
        "UPDATE recipients SET token_hash = (SELECT account_mac FROM requests r WHERE r.id = request_id) WHERE request_id = $1",
        "UPDATE requests SET state = 'completed', waits = (1 = 0), ended_at = updated_at, wish_mac = NULL WHERE id = $1",
    ] {
        let error = world.try_sql(sql, params![request]).await.expect_err(sql);
        assert!(error.refused_by_gate().is_some(), "{sql}: {error:?}");
    }
}

on_both! {
    async fn a_state_without_our_mark_is_no_answer(ground) {
        plain_sql(world_on(ground, &[("partner.toml", MAP)]).await, false).await;
    }

    async fn nor_does_it_stand_beside_a_true_one(ground) {
        let courier = MAP.replace("\"parcels\"", "\"courier\"").replace(PARTNER, "courier@courier.example");
        plain_sql(world_on(ground, &[("partner.toml", MAP), ("courier.toml", &courier)]).await, true).await;
    }
}
