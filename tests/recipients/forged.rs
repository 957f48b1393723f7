//! Whoever can write rows writes no answer of a recipient, and takes none of them away.

use expunged::domain::{RequestId, State};
use expunged::params;

use super::by_mail::{ByMail, COURIER, MAP, PARTNER, letters_to, two_maps};
use super::{Partner as _, confirmation, erased, world_on};
use crate::support::world::{World, on_both};

pub(super) const DONE: &str = "UPDATE recipients SET state = 'completed', settled_at = created_at, mark = token_hash,
    answers = answers + 1 WHERE request_id = $1";

/// The same without a mark.
const UNMARKED: &str = "UPDATE recipients SET state = 'completed', settled_at = created_at, answers = answers + 1
    WHERE request_id = $1";

/// The request's end.
const END: &str =
    "UPDATE requests SET state = 'completed', waits = (1 = 0), ended_at = updated_at, wish_mac = NULL WHERE id = $1";

async fn plain_sql(world: World, two: bool) {
    world
        .live(async {
            let request = erased(&world).await;
            refused(&world, request).await;
            world.try_sql(UNMARKED, params![request]).await.unwrap();
            let error = world.try_sql(END, params![request]).await.expect_err("nobody has answered");
            assert!(error.refused_by_gate().is_some(), "{error:?}");
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
        "UPDATE recipients SET partial = NOT partial WHERE request_id = $1",
        "UPDATE recipients SET answers = answers - 1 WHERE request_id = $1",
        "UPDATE recipients SET state = 'completed', settled_at = created_at, mark = token_hash WHERE request_id = $1",
        END,
    ] {
        let error = world.try_sql(sql, params![request]).await.expect_err(sql);
        assert!(error.refused_by_gate().is_some(), "{sql}: {error:?}");
    }
}

/// Who was done and takes it back is waited for, also where somebody writes the row as it was.
async fn put_back(world: World) {
    const ROW: &str = "FROM recipients WHERE request_id = $1 AND store = 'parcels'";
    world
        .live(async {
            let request = erased(&world).await;
            ByMail.says_done(&world).await;
            let sql = format!("CREATE TABLE earlier AS SELECT * {ROW}");
            world.try_sql(&sql.replace("$1", &by_reference(&world, request).await), params![]).await.unwrap();
            ByMail.refuses(&world).await;
            let was = |column: &str| format!("{column} = (SELECT {column} FROM earlier)");
            let all = ["state", "need", "settled_at", "mark"].map(was).join(", ");
            let whose = "WHERE request_id = $1 AND store = 'parcels'";
            let sql = format!("UPDATE recipients SET {all}, {} {whose}", was("answers"));
            let error = world.try_sql(&sql, params![request]).await.expect_err("an earlier answer");
            assert!(error.refused_by_gate().is_some(), "{error:?}");
            let sql = format!("UPDATE recipients SET {all}, answers = answers + 1 {whose}");
            assert_eq!(
                world.try_sql(&sql, params![request]).await.unwrap(),
                1,
                "as another answer that can be written"
            );
            let courier = letters_to(&world, COURIER).pop().unwrap();
            world.receive(&courier.answer(COURIER, "done")).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients, "but the mark is over the number");
            assert!(confirmation(&world).is_none());
        })
        .await;
}

/// The request's id, where no parameter may stand.
async fn by_reference(world: &World, request: RequestId) -> String {
    format!("(SELECT id FROM requests WHERE reference = '{}')", world.reference(request).await)
}

on_both! {
    async fn what_was_taken_back_is_not_put_back(ground) {
        let [one, two] = two_maps();
        put_back(world_on(ground, &[(one.0, &one.1), (two.0, &two.1)]).await).await;
    }

    async fn a_state_without_our_mark_is_no_answer(ground) {
        plain_sql(world_on(ground, &[("partner.toml", MAP)]).await, false).await;
    }

    async fn nor_does_it_stand_beside_a_true_one(ground) {
        let [one, two] = two_maps();
        plain_sql(world_on(ground, &[(one.0, &one.1), (two.0, &two.1)]).await, true).await;
    }
}
