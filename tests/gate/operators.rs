//! No single person of the team can permit an erasure.

use expunged::domain::State;
use expunged::flow::operate::{self, Approval, Operator};
use expunged::params;
use expunged::verify::ProofKind;

use super::{OWNERS, names_nobody, on_both, shop_is_untouched};
use crate::support::world::{World, told};

const EVIDENCE: Option<(ProofKind, &str)> = Some((ProofKind::CalledBack, "called back on the number on file"));

on_both! {
    async fn who_recorded_evidence_cannot_approve_it(world) {
        world.live(async {
            let (asked, _) = world.ask(OWNERS[0]).await;
            let reference = world.stored(asked).await.request.reference;
            let first = Operator::named(&world.house, "alice");
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

            let second = Operator::named(&world.house, "bob");
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
            let reference = world.stored(asked).await.request.reference;
            let first = Operator::named(&world.house, "alice");
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
}
