//! What the database refuses by itself.

use expunged::db::Params;
use expunged::domain::{RequestId, State};
use expunged::flow::operate;
use expunged::params;
use uuid::Uuid;

use super::{OWNERS, names_nobody, on_both, shop_is_untouched};
use crate::support::world::{World, told};

/// All that a row of `requests` must have beside what these tests change.
const COLUMNS: &str = "origin, offered, approval, language, received_at, base_due, legal_due, extended, round, reminded, \
     code_asked, reachable, due_told, moves, opened_at, updated_at";

/// The statement is refused by the gate with these words, changes nothing and names nobody.
pub(super) async fn refused(world: &World, sql: &str, params: Params, by: &str) {
    refused_by(world, sql, params, &[by]).await;
}

/// The same, where two rules are broken at once: which of them speaks first is the database's choice.
pub(super) async fn refused_by(world: &World, sql: &str, params: Params, rules: &[&str]) {
    let error = world.try_sql(sql, params).await.expect_err(sql);
    assert!(error.refused_by_gate().is_some_and(|said| rules.contains(&said)), "{sql}: {}", told(&error));
    names_nobody(&told(&error));
    names_nobody(&format!("{error:?}"));
}

async fn born(world: &World, twin: RequestId, state: &str) -> Result<u64, expunged::db::DbError> {
    let sql = format!(
        "INSERT INTO requests (id, reference, case_id, state, authority_id, account_mac, plan_digest, {COLUMNS})
         SELECT $2, $3, $4, $5, authority_id, account_mac, plan_digest, {COLUMNS} FROM requests WHERE id = $1"
    );
    world.try_sql(&sql, params![twin, Uuid::from_u128(1), "TWIN", vec![7_u8; 16], state]).await
}

const NO_BIRTH: &str = "a request is not born erasing";
const NO_AUTHORITY: &str = "no authority is bound to this account and plan";
pub(super) const NO_BEGINNING: &str = "no live authority has begun it";
const ENDED: &str = "what has ended does not open again";
pub(super) const WITH_THE_RECORD: &str = "it leaves with the record of its case";
const NEVER: &str = "an authority is never changed";
pub(super) const NOT_READ_BACK: &str = "what was not read back is not completed";
pub(super) const NO_WAY: &str = "this state cannot be reached from there";
const NO_STEP: &str = "a step needs a request that is erasing under this authority and plan";
const BOUND: &str = "a step cannot change what it is bound to";

const STEP: &str = "INSERT INTO steps (request_id, sequence, store, table_name, action, state, authority_id,
       account_mac, plan_digest, intended_at)
     SELECT $1, 900, 'shop', 'users', 'delete', 'intended', a.id, a.account_mac, a.plan_digest, a.issued_at
     FROM authorities a WHERE a.request_id = $2";

on_both! {
    async fn a_request_is_not_born_erasing(world) {
        world.live(async {
            let proven = world.ask_and_confirm(OWNERS[0]).await;
            for state in ["erasing", "waiting_on_recipients", "completed"] {
                let error = born(world, proven, state).await.unwrap_err();
                assert_eq!(error.refused_by_gate(), Some(NO_BIRTH), "{state}: {}", told(&error));
                names_nobody(&told(&error));
            }
            // The same row in another state is taken: it was the state that the gate refused.
            assert_eq!(born(world, proven, "received").await.unwrap(), 1);
            shop_is_untouched(world).await;
        }).await;
    }

    async fn a_request_without_proof_cannot_begin(world) {
        world.live(async {
            let (asked, _) = world.ask(OWNERS[0]).await;
            assert_eq!(world.state(asked).await, State::AwaitingConfirmation);
            for state in ["erasing", "waiting_on_recipients", "completed"] {
                let sql = "UPDATE requests SET state = $2 WHERE id = $1";
                refused_by(world, sql, params![asked, state], &[NO_AUTHORITY, NO_BEGINNING, NO_WAY, NOT_READ_BACK]).await;
            }
            let invented = "UPDATE requests SET state = 'erasing', authority_id = $2, account_mac = $3, plan_digest = $3 WHERE id = $1";
            refused_by(world, invented, params![asked, Uuid::from_u128(9), vec![9_u8; 32]], &[NO_AUTHORITY, NO_BEGINNING, NO_WAY]).await;
            // In two steps as well: scheduled needs no authority, what comes after does.
            world.try_sql("UPDATE requests SET state = 'scheduled' WHERE id = $1", params![asked]).await.unwrap();
            let erasing = "UPDATE requests SET state = 'erasing' WHERE id = $1";
            refused_by(world, erasing, params![asked], &[NO_AUTHORITY, NO_BEGINNING]).await;
            shop_is_untouched(world).await;
        }).await;
    }

    async fn an_authority_is_for_one_request_account_and_plan(world) {
        world.live(async {
            let one = world.ask_and_confirm(OWNERS[0]).await;
            let other = world.ask_and_confirm(OWNERS[1]).await;
            let of = |what: &str| format!("UPDATE requests SET state = 'erasing', {what} WHERE id = $1");
            let other_s = "authority_id = (SELECT id FROM authorities WHERE request_id = $2)";
            let by = &[NO_AUTHORITY, NO_BEGINNING];
            refused_by(world, &of(other_s), params![one, other], by).await;
            let all = "(authority_id, account_mac, plan_digest) = \
                       (SELECT id, account_mac, plan_digest FROM authorities WHERE request_id = $2)";
            refused_by(world, &of(all), params![one, other], by).await;
            refused_by(world, &of("account_mac = $2"), params![one, vec![1_u8; 32]], by).await;
            refused_by(world, &of("plan_digest = $2"), params![one, vec![1_u8; 32]], by).await;
            refused_by(world, &of("plan_digest = NULL"), params![one], by).await;
            // With its own it needs a beginning, and it cannot be called done before it has begun.
            for state in ["completed", "waiting_on_recipients"] {
                let sql = "UPDATE requests SET state = $2 WHERE id = $1";
                refused_by(world, sql, params![one, state], &[NO_WAY, NOT_READ_BACK]).await;
            }
            shop_is_untouched(world).await;
        }).await;
    }

    async fn a_step_needs_a_request_that_is_erasing(world) {
        world.live(async {
            let one = world.ask_and_confirm(OWNERS[0]).await;
            let other = world.ask_and_confirm(OWNERS[1]).await;
            refused(world, STEP, params![one, one], NO_STEP).await;
            refused(world, "UPDATE requests SET state = 'erasing' WHERE id = $1", params![one], NO_BEGINNING).await;
            world.forge_beginning(one).await;
            world.try_sql("UPDATE requests SET state = 'erasing' WHERE id = $1", params![one]).await.unwrap();
            refused(world, STEP, params![one, other], NO_STEP).await;
            refused(world, STEP, params![other, one], NO_STEP).await;
            let without = STEP.replace("a.id, a.account_mac", "$3, a.account_mac");
            refused(world, &without, params![one, one, Uuid::from_u128(9)], NO_STEP).await;
            let other_plan = STEP.replace("a.plan_digest, a.issued_at", "$3, a.issued_at");
            refused(world, &other_plan, params![one, one, vec![9_u8; 32]], NO_STEP).await;
            // Its own is taken, and then bound for good.
            assert_eq!(world.try_sql(STEP, params![one, one]).await.unwrap(), 1);
            for what in [
                "request_id = $2",
                "authority_id = (SELECT id FROM authorities WHERE request_id = $2)",
                "account_mac = (SELECT account_mac FROM authorities WHERE request_id = $2)",
            ] {
                refused(world, &format!("UPDATE steps SET {what} WHERE request_id = $1"), params![one, other], BOUND).await;
            }
            let plan = "UPDATE steps SET plan_digest = $2 WHERE request_id = $1";
            refused(world, plan, params![one, vec![9_u8; 32]], BOUND).await;
            // Nor can its authority be taken away under it.
            for table in ["authorities", "beginnings", "steps"] {
                let gone = format!("DELETE FROM {table} WHERE request_id = $1");
                refused(world, &gone, params![one], WITH_THE_RECORD).await;
            }
            refused(world, "DELETE FROM requests WHERE id = $1", params![one], WITH_THE_RECORD).await;
            shop_is_untouched(world).await;
        }).await;
    }

    async fn an_authority_is_never_changed(world) {
        world.live(async {
            let one = world.ask_and_confirm(OWNERS[0]).await;
            let other = world.ask_and_confirm(OWNERS[1]).await;
            refused(world, "UPDATE authorities SET request_id = $2 WHERE request_id = $1", params![one, other], NEVER).await;
            refused(world, "UPDATE authorities SET plan_digest = $2 WHERE request_id = $1", params![one, vec![9_u8; 32]], NEVER).await;
            refused(world, "UPDATE authorities SET expires_at = expires_at WHERE request_id = $1", params![one], NEVER).await;
            shop_is_untouched(world).await;
        }).await;
    }

    /// Withdrawn by their owner: nothing that plain SQL can write has them erased.
    async fn what_has_ended_does_not_open_again(world) {
        world.live(async {
            let one = world.ask_and_confirm(OWNERS[0]).await;
            let reference = world.reference(one).await;
            let operator = world.operator("alice");
            operate::act(&world.house, &reference, &operator, operate::Act::Withdraw, None).await.unwrap();
            for state in ["scheduled", "received", "needs_review", "awaiting_confirmation", "reopened", "on_hold"] {
                let sql = "UPDATE requests SET state = $2, held_from = CASE WHEN $2 = 'on_hold' THEN 'scheduled' END WHERE id = $1";
                refused_by(world, sql, params![one, state], &[ENDED, NO_WAY]).await;
            }
            for state in ["erasing", "waiting_on_recipients", "completed"] {
                let sql = "UPDATE requests SET state = $2 WHERE id = $1";
                refused_by(world, sql, params![one, state], &[ENDED, NO_WAY, NO_BEGINNING, NOT_READ_BACK]).await;
            }
            // What permitted it has ended too, and nothing brings it back.
            let ended = "SELECT COUNT(*) AS number FROM authorities WHERE request_id = $1 AND ended_at IS NOT NULL";
            assert_eq!(world.number(ended, params![one]).await, 1);
            refused(world, "UPDATE authorities SET ended_at = NULL WHERE request_id = $1", params![one], NEVER).await;
            refused(world, "UPDATE authorities SET ended_at = issued_at WHERE request_id = $1", params![one], NEVER).await;
            refused(world, "DELETE FROM authorities WHERE request_id = $1", params![one], WITH_THE_RECORD).await;
            refused(world, "UPDATE requests SET id = $2 WHERE id = $1", params![one, Uuid::from_u128(7)], "a request stays itself").await;
            shop_is_untouched(world).await;
        }).await;
    }

    async fn an_authority_that_has_run_out_or_ended_begins_nothing(world) {
        world.live(async {
            let one = world.ask_and_confirm(OWNERS[0]).await;
            world.forge_beginning(one).await;
            let late = "UPDATE requests SET state = 'erasing', updated_at = $2 WHERE id = $1";
            let expired = world.house.clock.now().plus_days(22);
            refused(world, late, params![one, expired], NO_BEGINNING).await;
            world.try_sql("UPDATE authorities SET ended_at = issued_at WHERE request_id = $1", params![one]).await.unwrap();
            refused(world, "UPDATE requests SET state = 'erasing' WHERE id = $1", params![one], NO_BEGINNING).await;
            shop_is_untouched(world).await;
        }).await;
    }
}

/// SQLite replaces a row without a DELETE that a trigger could see.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_replaces_no_row_that_permits_something() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let one = world.ask_and_confirm(OWNERS[0]).await;
            let other = world.ask_and_confirm(OWNERS[1]).await;
            world.forge_beginning(one).await;
            for (table, rule) in [
                ("requests", "a request is opened once"),
                ("authorities", "an authority is issued once"),
                ("beginnings", "an authority begins once"),
                ("vault_keys", "a key is made once"),
            ] {
                let again = format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE true LIMIT 1");
                refused(world, &again, params![], rule).await;
            }
            let taken = "UPDATE OR REPLACE requests SET reference = (SELECT reference FROM requests WHERE id = $2) WHERE id = $1";
            refused(world, taken, params![one, other], "a request stays itself").await;
            shop_is_untouched(world).await;
        })
        .await;
}
