//! Letters over a limit of the hour wait, and alarms of one kind are told together.

use std::time::Duration;

use expunged::domain::State;

use super::{AWAY, OWNER, THERE, dead_jobs, letters, somebody_unknown_asks, world_on};
use crate::support::world::{Side, TEAM, World, on_both_sides};

/// A world with these lines under `[limits]`.
async fn limited(side: Side, lines: &str) -> World {
    let config = |config: String| config.replace("alarms_gathered_minutes = 0\n", lines);
    side.ground().await.with_config(config).build().await
}

on_both_sides! {
    async fn letters_over_a_limit_of_the_hour_wait_and_the_team_is_told(side) {
        for limit in ["address_letters_per_hour", "domain_letters_per_hour", "letters_per_hour"] {
            let world = limited(side, &format!("{limit} = 2\n")).await;
            world
                .live(async {
                    let (id, challenge) = world.ask(OWNER).await;
                    world.receive(&challenge.answer(OWNER, "Perhaps.")).await;
                    let asked = world.fresh(OWNER).pop().expect("the code is asked for");
                    world.receive(&asked.answer(OWNER, &challenge.code())).await;
                    assert_eq!(world.state(id).await, State::Scheduled);
                    assert_eq!((letters(&world, "scheduled", "queued").await, dead_jobs(&world).await), (1, 0), "{limit}");
                    // Somebody else has another address, and the same domain.
                    let other = world.receive(&world.closing("owner2@team.example")).await.1.unwrap();
                    assert_eq!(world.state(other).await, State::AwaitingConfirmation);
                    let fresh = usize::from(limit == "address_letters_per_hour");
                    assert_eq!(world.fresh("owner2@team.example").len(), fresh, "{limit}");
                    let alarms = world.fresh(TEAM);
                    let subjects: Vec<_> = alarms.iter().map(|alarm| alarm.subject.as_str()).collect();
                    assert_eq!(subjects, ["[expunged] More e-mails than one hour may have"], "{limit}");
                    world.hours_pass(2).await;
                    assert_eq!(letters(&world, "scheduled", "sent").await, 1, "{limit}: nothing is lost");
                    assert_eq!(letters(&world, "challenge", "sent").await, 2, "{limit}");
                    assert_eq!((world.fresh(OWNER).len(), world.fresh(TEAM).len()), (1, 0), "{limit}");
                })
                .await;
        }
    }
}

on_both_sides! {
    async fn alarms_of_one_kind_are_told_together_and_others_at_once(side) {
        let world = limited(side, "alarms_gathered_minutes = 60\n").await;
        world
            .live(async {
                for _ in 0..3 {
                    somebody_unknown_asks(&world).await;
                    world.clock.advance(Duration::from_secs(60));
                }
                assert_eq!(world.fresh(TEAM).len(), 1, "the first comes at once");
                assert_eq!(letters(&world, "alarm_review", "queued").await, 2, "the others wait");
                world.clock.advance(Duration::from_secs(3_600));
                world.settle().await;
                let alarms = world.fresh(TEAM);
                assert_eq!(alarms.len(), 1);
                assert!(
                    alarms[0].subject.contains("2 alarms of one kind: requests wait for a person"),
                    "{}",
                    alarms[0].subject
                );
                assert_eq!(alarms[0].text.matches("EXP-").count(), 2, "{}", alarms[0].text);
                world.hours_pass(3).await;
                assert_eq!((letters(&world, "alarm_review", "sent").await, world.fresh(TEAM).len()), (3, 0), "told once");
            })
            .await;
    }
}

on_both_sides! {
    async fn an_alarm_that_spoke_for_others_in_vain_leaves_them_their_word(side) {
        let ground = side.ground().await;
        let window = |config: String| config.replace("alarms_gathered_minutes = 0\n", "alarms_gathered_minutes = 60\n");
        let (world, server) = world_on(ground.with_config(window), None).await;
        world
            .live(async {
                for _ in 0..3 {
                    somebody_unknown_asks(&world).await;
                }
                assert_eq!(world.fresh(TEAM).len(), 1);
                server.is(AWAY);
                world.hours_pass(5 * 24 + 3).await;
                server.is(THERE);
                world.hours_pass(3).await;
                assert_eq!(letters(&world, "alarm_review", "failed").await, 1, "the one that spoke was given up");
                assert_eq!(letters(&world, "alarm_review", "sent").await, 2, "the other spoke for itself");
                assert_eq!((world.fresh(TEAM).len(), dead_jobs(&world).await), (1, 0));
            })
            .await;
    }
}
