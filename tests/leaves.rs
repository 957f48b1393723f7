//! Promise: each step of a case has its leaf, the intent before the act, and a leaf says what is so.

use std::collections::BTreeMap;

use expunged::db::{keys, trail};
use expunged::domain::{CaseId, RequestId, State};
use expunged::trail::{ActorKind, Event};
use expunged::vault::{KeyOwner, KeyPurpose};
use sha2::{Digest, Sha256};

use crate::support::world::{Ground, World};

const OWNER: &str = "owner1@team.example";
const USER: &str = "user1@team.example";

async fn leaves(world: &World, request: RequestId) -> (CaseId, Vec<trail::StoredLeaf>) {
    let case = world.stored(request).await.request.case;
    let mut tx = world.house.db.read().await.unwrap();
    (case, trail::show(&mut tx, case).await.unwrap())
}

/// The private facts of the first leaf of this event.
async fn private(
    world: &World,
    case: CaseId,
    leaves: &[trail::StoredLeaf],
    event: Event,
) -> BTreeMap<String, serde_json::Value> {
    let mut tx = world.house.db.read().await.unwrap();
    let key = keys::load(&mut tx, &world.house.kek, KeyOwner::Case(case), KeyPurpose::Record).await.unwrap().unwrap();
    let leaf = leaves.iter().find(|leaf| leaf.event == event).expect("there is such a leaf");
    trail::reveal(&mut tx, &key, leaf).await.unwrap().expect("it has private facts").reveal().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_step_of_a_life_has_its_leaf() {
    let world = World::sqlite().await;
    let request = world
        .live(async {
            let request = world.ask_and_confirm(OWNER).await;
            world.days_pass(8).await;
            world.days_pass(31).await;
            for _ in 0..200 {
                if leaves(&world, request).await.1.iter().any(|leaf| leaf.event == Event::LettersExpunged) {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            request
        })
        .await;
    let (case, leaves) = leaves(&world, request).await;
    let events: Vec<Event> = leaves.iter().map(|leaf| leaf.event).collect();
    let first = |event: Event| {
        events.iter().position(|other| *other == event).unwrap_or_else(|| panic!("no {event} in {events:?}"))
    };
    // Who permits, then what it moves; what is about to be done, then that it is done.
    for (before, after) in [
        (Event::RequestOpened, Event::Identified),
        (Event::Identified, Event::ChallengeMade),
        (Event::ChallengeMade, Event::LetterSending),
        (Event::LetterSending, Event::LetterSent),
        (Event::LetterSent, Event::AnswerJudged),
        (Event::AnswerJudged, Event::AuthorityIssued),
        (Event::AuthorityIssued, Event::Confirmed),
        (Event::Confirmed, Event::Intent),
        (Event::Intent, Event::Outcome),
        (Event::Outcome, Event::Completed),
        (Event::Completed, Event::KeyDestroyed),
        (Event::KeyDestroyed, Event::LettersExpunging),
        (Event::LettersExpunging, Event::LettersExpunged),
    ] {
        assert!(first(before) < first(after), "{before} before {after}: {events:?}");
    }
    let count = |event: Event| events.iter().filter(|other| **other == event).count();
    assert_eq!(count(Event::LetterSending), count(Event::LetterSent), "{events:?}");
    for event in [Event::Identified, Event::Confirmed] {
        let facts = private(&world, case, &leaves, event).await;
        assert_eq!(facts["account"], "a1", "{event}");
        assert_eq!(facts["plans"][0]["target"]["table"], "accounts", "{event}: {facts:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_owners_approval_is_the_owners() {
    let world = World::sqlite().await;
    let request = world
        .live(async {
            let (request, challenge) = world.ask(USER).await;
            world.receive(&challenge.answer(USER, "Yes, please go ahead.")).await;
            assert_eq!(world.state(request).await, State::AwaitingApproval);
            let asked = world.fresh(OWNER).pop().expect("the owner is asked");
            world.receive(&asked.answer(OWNER, "Yes, please go ahead.")).await;
            assert_eq!(world.state(request).await, State::Scheduled);
            request
        })
        .await;
    let (_, leaves) = leaves(&world, request).await;
    let actor = |event: Event| {
        let leaf = leaves.iter().find(|leaf| leaf.event == event).expect("there is such a leaf");
        leaf.leaf.read().unwrap().actor.kind
    };
    assert_eq!(actor(Event::Confirmed), ActorKind::Person);
    assert_eq!(actor(Event::Approved), ActorKind::Owner);
    assert_eq!(actor(Event::AuthorityIssued), ActorKind::Owner);
}

#[tokio::test]
async fn a_leaf_names_the_program_and_all_of_its_configuration() {
    let world = World::sqlite().await;
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(world.house.stamps.build, <[u8; 32]>::from(Sha256::digest(&program)));
    let ground = Ground::sqlite().await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &map.replace("backup_days = 35", "backup_days = 36"));
    let other = ground.build().await;
    assert_eq!(other.house.stamps.build, world.house.stamps.build);
    assert_eq!(other.house.stamps.policy, world.house.stamps.policy);
    assert_ne!(other.house.stamps.config, world.house.stamps.config, "a map is part of the configuration");
}
