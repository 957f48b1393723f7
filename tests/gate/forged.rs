//! What plain SQL can write, a worker refuses: rows that carry no mark of this installation.

use expunged::db::deliveries::Disposition;
use expunged::domain::{RequestId, State};
use expunged::params;
use expunged::verify::Token;
use uuid::Uuid;

use super::{OWNERS, names_nobody, on_both, shop_is_untouched};
use crate::support::world::{TEAM, World};

const COMPLETED: &str = "SELECT COUNT(*) AS number FROM letters WHERE request_id = $1 AND kind = 'completed'";

/// Writes an authority of the forger's own for a request, and binds the request to it. SQL has nothing against it.
async fn forge(world: &World, request: RequestId, state: &str) {
    let id = Uuid::from_u128(0xF0);
    let authority =
        "INSERT INTO authorities (id, request_id, kind, method, account_mac, plan_digest, issued_at, expires_at, hmac)
         SELECT $2, r.id, 'verified', 'code', r.account_mac, $3, r.opened_at, $4, $3 FROM requests r WHERE r.id = $1";
    let later = world.house.clock.now().plus_days(30);
    assert_eq!(world.try_sql(authority, params![request, id, vec![5_u8; 32], later]).await.unwrap(), 1);
    let bind =
        "UPDATE requests SET state = 'scheduled', scope = 'account', authority_id = $2, authority_expires_at = $3,
           plan_digest = $4, erase_at = opened_at WHERE id = $1";
    assert_eq!(world.try_sql(bind, params![request, id, later, vec![5_u8; 32]]).await.unwrap(), 1);
    if state != "scheduled" {
        world.forge_beginning(request).await;
        let move_on = "UPDATE requests SET state = $2 WHERE id = $1";
        assert_eq!(world.try_sql(move_on, params![request, state]).await.unwrap(), 1);
    }
}

/// Puts a job into the table, and waits until it is done with.
pub(super) async fn work(world: &World, kind: &str, request: RequestId) {
    let now = world.house.clock.now();
    let sql = "INSERT INTO jobs (id, kind, state, priority, run_at, request_id, attempts_max, payload, created_at)
         VALUES ($1, $2, 'waiting', 0, $3, $4, 10, $5, $3)";
    let params = params![Uuid::from_u128(0xF1), kind, now, request, serde_json::json!({})];
    assert_eq!(world.try_sql(sql, params).await.unwrap(), 1);
    world.settle().await;
}

/// The job is dead, for this reason, and nothing was intended.
pub(super) async fn refused(world: &World, kind: &str, reason: &str) {
    let sql = "SELECT COUNT(*) AS number FROM jobs WHERE kind = $1 AND state = 'dead' AND reason = $2";
    assert_eq!(world.number(sql, params![kind, reason]).await, 1, "the {kind} job is dead");
    assert_eq!(world.number("SELECT COUNT(*) AS number FROM steps", params![]).await, 0);
    shop_is_untouched(world).await;
}

/// The team was told, in words that name nobody.
pub(super) fn team_is_told(world: &World) {
    let alarms = world.fresh(TEAM);
    assert_eq!(alarms.len(), 1, "{:?}", alarms.iter().map(|letter| &letter.subject).collect::<Vec<_>>());
    names_nobody(&alarms[0].text.replace("privacy@shop.example", "").replace("team@shop.example", ""));
}

on_both! {
    async fn a_forged_authority_does_not_begin(world) {
        world.live(async {
            let (asked, _) = world.ask(OWNERS[0]).await;
            forge(world, asked, "scheduled").await;
            work(world, "begin", asked).await;
            refused(world, "begin", "forged_authority").await;
            assert_eq!(world.state(asked).await, State::NeedsReview);
            team_is_told(world);
        }).await;
    }

    async fn a_forged_authority_does_not_erase(world) {
        world.live(async {
            let (asked, _) = world.ask(OWNERS[0]).await;
            forge(world, asked, "erasing").await;
            work(world, "erase", asked).await;
            refused(world, "erase", "forged_authority").await;
            assert_eq!(world.state(asked).await, State::Erasing, "a person has to look; it is not called done");
            team_is_told(world);
            world.days_pass(40).await;
            shop_is_untouched(world).await;
            assert_eq!(world.number(COMPLETED, params![asked]).await, 0, "nothing was called done");
        }).await;
    }

    /// The authority of another request, copied with all its columns: its mark is right and its request is not.
    async fn a_copied_authority_does_not_erase(world) {
        world.live(async {
            let (asked, _) = world.ask(OWNERS[0]).await;
            let proven = world.ask_and_confirm(OWNERS[1]).await;
            let copy = "INSERT INTO authorities (id, request_id, kind, method, account_mac, plan_digest, issued_at, expires_at, hmac)
                 SELECT $3, $2, kind, method, account_mac, plan_digest, issued_at, expires_at, hmac FROM authorities
                 WHERE request_id = $1";
            world.try_sql(copy, params![proven, asked, Uuid::from_u128(0xF0)]).await.unwrap();
            let bind = "UPDATE requests SET state = 'scheduled', scope = 'account', erase_at = opened_at, authority_id = $2,
                 (account_mac, plan_digest) = (SELECT account_mac, plan_digest FROM authorities WHERE id = $2) WHERE id = $1";
            let bind = bind.replace("authority_id = $2,", "authority_id = $2, authority_expires_at = (SELECT expires_at FROM authorities WHERE id = $2),");
            world.try_sql(&bind, params![asked, Uuid::from_u128(0xF0)]).await.unwrap();
            world.forge_beginning(asked).await;
            world.try_sql("UPDATE requests SET state = 'erasing' WHERE id = $1", params![asked]).await.unwrap();
            work(world, "erase", asked).await;
            refused(world, "erase", "forged_authority").await;
        }).await;
    }

    /// Everything is genuine but the beginning: the owner could still stop it.
    async fn a_forged_beginning_does_not_erase(world) {
        world.live(async {
            let proven = world.ask_and_confirm(OWNERS[0]).await;
            world.forge_beginning(proven).await;
            world.try_sql("UPDATE requests SET state = 'erasing' WHERE id = $1", params![proven]).await.unwrap();
            work(world, "erase", proven).await;
            refused(world, "erase", "forged_beginning").await;
            assert_eq!(world.state(proven).await, State::Erasing, "a person has to look; it is not called done");
            team_is_told(world);
        }).await;
    }

    /// The grace period counts from the proof, whatever date the request's row has.
    async fn an_earlier_date_does_not_shorten_the_grace_period(world) {
        world.live(async {
            let proven = world.ask_and_confirm(OWNERS[0]).await;
            world.try_sql("UPDATE requests SET erase_at = opened_at WHERE id = $1", params![proven]).await.unwrap();
            work(world, "begin", proven).await;
            assert_eq!(world.state(proven).await, State::Scheduled);
            world.days_pass(6).await;
            assert_eq!(world.state(proven).await, State::Scheduled);
            shop_is_untouched(world).await;
            world.days_pass(1).await;
            assert_eq!(world.state(proven).await, State::Completed);
        }).await;
    }

    /// Who can write rows puts the hash of a token there that they know, and answers with it.
    async fn a_forged_challenge_confirms_nothing(world) {
        world.live(async {
            let (asked, challenge) = world.ask(OWNERS[0]).await;
            let token = Token::parse("abcdefghijklmnopqrstuvwxyz").unwrap();
            let sql = "UPDATE challenges SET token_hash = $2 WHERE request_id = $1";
            world.try_sql(sql, params![asked, *token.hash().as_bytes()]).await.unwrap();
            let mut answer = challenge;
            answer.reply_to = format!("privacy+{}@shop.example", token.as_str());
            let code = answer.code();
            let (disposition, review) = world.receive(&answer.answer("forger@elsewhere.example", &code)).await;
            assert_eq!(disposition, Disposition::Quarantined);
            assert_eq!(world.state(review.unwrap()).await, State::NeedsReview);
            assert_eq!(world.state(asked).await, State::OnHold, "what could not be judged may be a stop");
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM authorities", params![]).await, 0);
            refused(world, "judge", "forged_challenge").await;
            team_is_told(world);
        }).await;
    }
}
