//! No single person of the team can permit an erasure.

use expunged::domain::State;
use expunged::domain::request::ReviewReason;
use expunged::flow::operate::{self, Approval};
use expunged::params;
use expunged::verify::ProofKind;

use super::{OWNERS, names_nobody, on_both, shop_is_untouched};
use crate::support::world::told;

/// A user of the first account, whose profile only goes with its owner's approval.
const USER: &str = "user1@team.example";
const EVIDENCE: Option<(ProofKind, &str)> = Some((ProofKind::CalledBack, "called back on the number on file"));

on_both! {
    async fn who_recorded_evidence_cannot_approve_it(world) {
        world.live(async {
            let (asked, _) = world.ask(OWNERS[0]).await;
            let reference = world.reference(asked).await;
            let first = world.operator("alice");
            let done = operate::approve(&world.house, &reference, &first, EVIDENCE).await.unwrap();
            assert_eq!(done, Approval::Recorded);
            let error = operate::approve(&world.house, &reference, &first, None).await.unwrap_err();
            assert!(told(&error).contains("a second operator must"), "{}", told(&error));
            names_nobody(&told(&error));
            // Evidence that is given is recorded, in place of what was: it never approves.
            for _ in 0..2 {
                let done = operate::approve(&world.house, &reference, &first, EVIDENCE).await.unwrap();
                assert_eq!(done, Approval::Recorded);
            }
            assert_eq!(world.state(asked).await, State::AwaitingConfirmation);
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM authorities", params![]).await, 0);

            let second = world.operator("bob");
            let done = operate::approve(&world.house, &reference, &second, None).await.unwrap();
            assert_eq!(done, Approval::Approved);
            assert_eq!(world.state(asked).await, State::Scheduled);
            world.settle().await;
            shop_is_untouched(world).await;
            world.days_pass(8).await;
            assert_eq!(world.state(asked).await, State::Completed);
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 0);
        }).await;
    }

    /// The recorder writes another name over their own, by plain SQL.
    async fn a_changed_recorder_is_a_forgery(world) {
        world.live(async {
            let (asked, _) = world.ask(OWNERS[0]).await;
            let reference = world.reference(asked).await;
            let first = world.operator("alice");
            operate::approve(&world.house, &reference, &first, EVIDENCE).await.unwrap();
            let sql = "SELECT length(recorder) AS number FROM evidence";
            let length = usize::try_from(world.number(sql, params![]).await).unwrap();
            world.try_sql("UPDATE evidence SET recorder = $1", params![vec![3_u8; length]]).await.unwrap();
            let error = operate::approve(&world.house, &reference, &first, None).await.unwrap_err();
            assert!(told(&error).contains("forged or altered"), "{}", told(&error));
            names_nobody(&told(&error));
            assert_eq!(world.state(asked).await, State::AwaitingConfirmation);
            shop_is_untouched(world).await;
        }).await;
    }

    async fn evidence_about_the_asker_does_not_stand_for_the_owner(world) {
        world.live(async {
            let (asked, challenge) = world.ask(USER).await;
            let reference = world.reference(asked).await;
            let [first, second] = ["alice", "bob"].map(|name| world.operator(name));
            operate::approve(&world.house, &reference, &first, EVIDENCE).await.unwrap();
            world.receive(&challenge.answer(USER, &challenge.code())).await;
            assert_eq!(world.state(asked).await, State::AwaitingApproval);
            let error = operate::approve(&world.house, &reference, &second, None).await.unwrap_err();
            assert!(told(&error).contains("another step"), "{}", told(&error));
            assert_eq!(world.state(asked).await, State::AwaitingApproval);
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM authorities", params![]).await, 0);
        }).await;
    }

    async fn a_verified_asker_leads_to_the_owner(world) {
        world.live(async {
            let (asked, _) = world.ask(USER).await;
            let reference = world.reference(asked).await;
            let [first, second] = ["alice", "bob"].map(|name| world.operator(name));
            operate::approve(&world.house, &reference, &first, EVIDENCE).await.unwrap();
            let done = operate::approve(&world.house, &reference, &second, None).await.unwrap();
            assert_eq!(done, Approval::OwnerNext);
            world.settle().await;
            assert_eq!(world.state(asked).await, State::AwaitingApproval);
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM authorities", params![]).await, 0);
            let question = world.fresh(OWNERS[0]).pop().expect("the owner is asked");
            world.receive(&question.answer(OWNERS[0], &question.code())).await;
            assert_eq!(world.state(asked).await, State::Scheduled);
        }).await;
    }

    /// An owner who says nothing: what two operators vouch for is the owner's word, and not the asker's again.
    async fn evidence_stands_for_an_owner_who_was_silent(world) {
        world.live(async {
            let (asked, challenge) = world.ask(USER).await;
            world.receive(&challenge.answer(USER, &challenge.code())).await;
            assert_eq!(world.state(asked).await, State::AwaitingApproval);
            let reference = world.reference(asked).await;
            world.days_pass(8).await;
            let request = world.stored(asked).await.request;
            assert_eq!((request.state, request.review), (State::NeedsReview, Some(ReviewReason::OwnerSilent)));
            let [first, second] = ["alice", "bob"].map(|name| world.operator(name));
            operate::approve(&world.house, &reference, &first, EVIDENCE).await.unwrap();
            let addressee = "SELECT COUNT(*) AS number FROM evidence WHERE addressee = 'approving_owner'";
            assert_eq!(world.number(addressee, params![]).await, 1);
            let done = operate::approve(&world.house, &reference, &second, None).await.unwrap();
            assert_eq!((done, world.state(asked).await), (Approval::Approved, State::Scheduled));
            let bound = "SELECT COUNT(*) AS number FROM requests r JOIN authorities a ON a.id = r.authority_id
              AND a.account_mac = r.account_mac AND a.plan_digest = r.plan_digest AND a.method = 'operators'";
            assert_eq!(world.number(bound, params![]).await, 1);
            world.days_pass(8).await;
            assert_eq!(world.state(asked).await, State::Completed);
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE id = 'u5'").await, 0);
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE id = 'u1'").await, 1);
        }).await;
    }

    /// Where more than an answer is missing, nobody's evidence is about what stands there.
    async fn evidence_is_not_about_what_has_changed(world) {
        world.live(async {
            let asked = world.ask_and_confirm(OWNERS[1]).await;
            let reference = world.reference(asked).await;
            world.ground.shop.run("UPDATE users SET email = 'other@team.example' WHERE id = 'u2'").await;
            world.days_pass(8).await;
            let request = world.stored(asked).await.request;
            assert_eq!((request.state, request.review), (State::NeedsReview, Some(ReviewReason::FactsChanged)));
            let first = world.operator("alice");
            let error = operate::approve(&world.house, &reference, &first, EVIDENCE).await.unwrap_err();
            assert!(told(&error).contains("identified first"), "{}", told(&error));
            shop_is_untouched(world).await;
        }).await;
    }
}
