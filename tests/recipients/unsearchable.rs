//! The saved keys are destroyed by hand while a request waits for others: the last look cannot be made, and a person decides.

use expunged::domain::State;
use expunged::flow::{FlowError, again};
use expunged::params;

use super::by_mail::{ByMail, MAP};
use super::{Partner as _, confirmation, erased, world_on};
use crate::gate::lost_key::destroy_replay_key;
use crate::support::world::{TEAM, World, on_both};

async fn a_lost_key(world: World) {
    world
        .live(async {
            let request = erased(&world).await;
            destroy_replay_key(&world, request).await;
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Reopened, "a person decides");
            assert!(confirmation(&world).is_none(), "nothing is called done");
            let alarm = alarm(&world).expect("the team is told why, and what helps");
            assert!(alarm.contains("the replay key of the case was destroyed"), "{alarm}");
            assert!(alarm.contains(&format!("requests leave {}", world.reference(request).await)), "{alarm}");
            let (reference, operator) = (world.reference(request).await, world.operator("ops"));
            let again = again::erase_again(&world.house, &reference, &operator, None).await;
            assert!(matches!(again, Err(FlowError::KeyDestroyed(_))), "there is nothing to search with");
            again::leave_alone(&world.house, &reference, &operator, "looked by hand: nothing is there").await.unwrap();
            world.settle().await;
            assert_eq!(world.state(request).await, State::Completed);
            assert!(confirmation(&world).is_some(), "the person is told");
            let dead = "SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'";
            assert_eq!(world.number(dead, params![]).await, 0);
        })
        .await;
}

fn alarm(world: &World) -> Option<String> {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    world.fresh(TEAM).iter().map(|letter| flat(&letter.text)).find(|text| text.contains("can be searched no more"))
}

on_both! {
    async fn a_request_whose_keys_were_destroyed_is_ended_by_a_person(ground) {
        a_lost_key(world_on(ground, &[("partner.toml", MAP)]).await).await;
    }
}
