//! What plain SQL calls completed is not, and nobody is told that it is.

use expunged::domain::{RequestId, Scope, State};
use expunged::flow::operate::{self, Correction};
use expunged::params;
use uuid::Uuid;

use super::forged::{team_is_told, work};
use super::plain_sql::{NO_WAY, NOT_READ_BACK, WITH_THE_RECORD, refused, refused_by};
use super::{OWNERS, on_both, shop_is_untouched};
use crate::support::world::{World, told};

const NEVER: &str = "a completion is never changed";
const ONLY_ERASED: &str = "only what is being erased is completed";
const COMPLETED: &str = "UPDATE requests SET state = 'completed' WHERE id = $1";
const OF_THE_END: &str = "SELECT COUNT(*) AS number FROM letters WHERE request_id = $1 AND kind IN ('completed', 'nothing_held') AND state = 'sent'";

/// Proven, and erasing by rows alone: no job erases it.
async fn erasing(world: &World) -> RequestId {
    let proven = world.ask_and_confirm(OWNERS[0]).await;
    world.fresh(OWNERS[0]);
    world.forge_beginning(proven).await;
    world.try_sql("UPDATE requests SET state = 'erasing' WHERE id = $1", params![proven]).await.unwrap();
    proven
}

/// The same, and completed by rows alone, which the database cannot tell from a true end.
async fn completed(world: &World) -> RequestId {
    let request = erasing(world).await;
    world.forge_completion(request).await;
    assert_eq!(world.try_sql(COMPLETED, params![request]).await.unwrap(), 1, "that can be written");
    request
}

/// A letter of the end waits in the outbox, with the job that sends it.
async fn post(world: &World, request: RequestId, kind: &str) {
    let (letter, now) = (Uuid::from_u128(0xE0), world.house.clock.now());
    let queued = "INSERT INTO letters (id, request_id, kind, audience, occasion, round, message_id, state, sends, created_at)
         SELECT $2, r.id, $3, 'asker', r.moves, r.round, 'forged@shop.example', 'queued', 0, $4 FROM requests r WHERE r.id = $1";
    assert_eq!(world.try_sql(queued, params![request, letter, kind, now]).await.unwrap(), 1);
    let job = "INSERT INTO jobs (id, kind, state, priority, run_at, request_id, attempts_max, payload, created_at)
         VALUES ($1, 'send', 'waiting', 0, $2, $3, 10, $4, $2)";
    let params = params![Uuid::from_u128(0xE1), now, request, serde_json::json!({ "letter": letter })];
    assert_eq!(world.try_sql(job, params).await.unwrap(), 1);
    world.settle().await;
}

/// The job is dead for this reason.
async fn dead(world: &World, kind: &str) {
    let sql = "SELECT COUNT(*) AS number FROM jobs WHERE kind = $1 AND state = 'dead' AND reason = 'forged_completion'";
    assert_eq!(world.number(sql, params![kind]).await, 1, "the {kind} job is dead");
}

on_both! {
    async fn what_was_not_read_back_is_not_completed(world) {
        world.live(async {
            let request = erasing(world).await;
            for state in ["completed", "waiting_on_recipients"] {
                let sql = "UPDATE requests SET state = $2 WHERE id = $1";
                refused(world, sql, params![request, state], NOT_READ_BACK).await;
            }
            world.forge_completion(request).await;
            // A step that was not read back, one that left something, and one without a word of it.
            for what in ["state = 'intended'", "counts = NULL"] {
                world.try_sql(&format!("UPDATE steps SET {what} WHERE request_id = $1"), params![request]).await.unwrap();
                refused(world, COMPLETED, params![request], NOT_READ_BACK).await;
                let back = "UPDATE steps SET state = 'read_back' WHERE request_id = $1";
                world.try_sql(back, params![request]).await.unwrap();
            }
            let left = "UPDATE steps SET counts = $2 WHERE request_id = $1";
            world.try_sql(left, params![request, serde_json::json!({ "residue": 1 })]).await.unwrap();
            refused(world, COMPLETED, params![request], NOT_READ_BACK).await;
            shop_is_untouched(world).await;
        }).await;
    }

    async fn a_completion_is_written_once_while_it_is_erased(world) {
        world.live(async {
            let proven = world.ask_and_confirm(OWNERS[1]).await;
            let early = "INSERT INTO completions (authority_id, covers, request_id, account_mac, plan_digest, held_anything, completed_at, mark)
                 SELECT id, 'all', request_id, account_mac, plan_digest, 1 = 1, issued_at, hmac FROM authorities WHERE request_id = $1";
            refused(world, early, params![proven], ONLY_ERASED).await;
            let request = completed(world).await;
            refused(world, "UPDATE completions SET completed_at = completed_at WHERE request_id = $1", params![request], NEVER).await;
            refused(world, "DELETE FROM completions WHERE request_id = $1", params![request], WITH_THE_RECORD).await;
            refused_by(world, COMPLETED, params![proven], &[NOT_READ_BACK, NO_WAY]).await;
        }).await;
    }

    /// The job that would erase finds its work done, and does not believe it.
    async fn a_forged_end_is_told_to_the_team(world) {
        world.live(async {
            let request = completed(world).await;
            work(world, "erase", request).await;
            dead(world, "erase").await;
            team_is_told(world);
            assert_eq!(world.number(OF_THE_END, params![request]).await, 0);
            shop_is_untouched(world).await;
        }).await;
    }

    /// Nobody erases and nobody writes: the next time that the request waited for comes, and a person hears of it.
    async fn a_forged_end_without_a_job_is_told_too(world) {
        world.live(async {
            let request = completed(world).await;
            world.days_pass(8).await;
            dead(world, "wake").await;
            team_is_told(world);
            assert_eq!(world.state(request).await, State::Completed);
            shop_is_untouched(world).await;
        }).await;
    }

    /// The team opens it anew from its letter: the owner is asked once more, and nothing of the forged life counts.
    async fn a_forged_end_is_opened_anew_and_proven_anew(world) {
        world.live(async {
            let request = completed(world).await;
            work(world, "erase", request).await;
            team_is_told(world);
            world.days_pass(2).await;
            let (reference, operator) = (world.reference(request).await, world.operator("alice"));
            let whole = || Correction { scope: Some(Scope::Account), ..Correction::default() };
            let anew = operate::correct(&world.house, &reference, &operator, whole()).await.unwrap().request;
            assert_ne!(anew.id, request);
            assert_eq!(anew.deadlines.received_at, world.stored(request).await.request.deadlines.received_at, "the clock goes on");
            world.settle().await;
            assert_eq!(world.state(anew.id).await, State::AwaitingConfirmation);
            let challenge = world.fresh(OWNERS[0]).pop().expect("the owner is asked again");
            world.days_pass(8).await;
            shop_is_untouched(world).await;
            let again = operate::correct(&world.house, &reference, &operator, whole()).await.unwrap_err();
            assert!(told(&again).contains("was opened from its letter already"), "{}", told(&again));
            // Both cases say so, by the operator, and the forged one is on its way to be forgotten.
            let leaves = "SELECT COUNT(*) AS number FROM trail t JOIN requests r ON r.case_id = t.case_id
                 WHERE r.id = $1 AND t.event = 'put_right' AND t.leaf LIKE '%\"kind\":\"operator\"%'";
            assert!(world.number(leaves, params![request]).await >= 1 && world.number(leaves, params![anew.id]).await == 1);
            let ended = "SELECT COUNT(*) AS number FROM requests WHERE id = $1 AND ended_at IS NOT NULL";
            assert_eq!(world.number(ended, params![request]).await, 1);
            let forgets = "SELECT COUNT(*) AS number FROM jobs WHERE request_id = $1 AND kind = 'forget' AND state = 'waiting'";
            assert!(world.number(forgets, params![request]).await >= 1);
            world.receive(&challenge.answer(OWNERS[0], &challenge.code())).await;
            assert_eq!(world.state(anew.id).await, State::Scheduled);
            world.days_pass(8).await;
            assert_eq!(world.state(anew.id).await, State::Completed);
            assert_eq!(world.number(OF_THE_END, params![anew.id]).await, 1, "this end is told");
            assert_eq!(world.number(OF_THE_END, params![request]).await, 0);
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 0);
        }).await;
    }

    async fn a_true_end_is_not_opened_anew(world) {
        world.live(async {
            let request = world.ask_and_confirm(OWNERS[0]).await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::Completed);
            let whole = Correction { scope: Some(Scope::Account), ..Correction::default() };
            let reference = world.reference(request).await;
            let error = operate::correct(&world.house, &reference, &world.operator("alice"), whole).await.unwrap_err();
            assert!(told(&error).contains("put_right"), "{}", told(&error));
        }).await;
    }

    async fn a_forged_letter_of_the_end_is_not_sent(world) {
        world.live(async {
            let request = completed(world).await;
            post(world, request, "completed").await;
            dead(world, "send").await;
            let given_up = "SELECT COUNT(*) AS number FROM letters WHERE request_id = $1 AND kind = 'completed' AND state = 'failed'
                 AND obstacle = 'forged_completion'";
            assert_eq!(world.number(given_up, params![request]).await, 1);
            assert!(world.fresh(OWNERS[0]).is_empty(), "nobody is told of an end that was none");
            team_is_told(world);
            shop_is_untouched(world).await;
        }).await;
    }
}
