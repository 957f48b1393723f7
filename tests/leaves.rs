//! Promise: each step of a case has its leaf, the intent before the act, and a leaf says what is so.

use std::collections::BTreeMap;

use expunged::db::{keys, trail};
use expunged::domain::Scope;
use expunged::domain::{CaseId, RequestId, State};
use expunged::flow::operate::{self, Correction, Refusal};
use expunged::trail::{ActorKind, Event, address_commitment};
use expunged::vault::{KeyOwner, KeyPurpose};
use sha2::{Digest, Sha256};

use crate::support::world::{Ground, World, plain};

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
async fn what_an_operator_said_is_committed_to_and_shown_again() {
    let world = World::sqlite().await;
    let operator = world.operator("ops");
    // A wish that nobody can read goes to a person, who puts it right.
    let text = "Please delete my data, or rather send me a copy of it first.";
    let request = world.live(async { world.receive(&plain(OWNER, "My data", text)).await.1.unwrap() }).await;
    let reference = world.reference(request).await;
    assert_eq!(world.state(request).await, State::NeedsReview);
    let correction =
        Correction { scope: Some(Scope::User), account: Some("a1".to_owned()), target: None, categories: Vec::new() };
    operate::correct(&world.house, &reference, &operator, correction).await.unwrap();
    operate::extend(&world.house, &reference, &operator, (operate::ExtensionGround::Number, "Many stores"))
        .await
        .unwrap();
    let refusal = Refusal {
        ground: "A claim is open".to_owned(),
        article: "Art. 17(3)(e) GDPR".to_owned(),
        data: vec!["contact".to_owned()],
        review_on: Some(jiff::civil::date(2027, 6, 1)),
    };
    operate::refuse(&world.house, &reference, &operator, refusal).await.unwrap();

    let (case, leaves) = leaves(&world, request).await;
    let right = private(&world, case, &leaves, Event::PutRight).await;
    assert_eq!(right["account"], "a1");
    let leaf = leaves.iter().find(|leaf| leaf.event == Event::PutRight).unwrap();
    assert_eq!(leaf.leaf.read().unwrap().facts["scope_set"], "user");
    assert_eq!(private(&world, case, &leaves, Event::Extended).await["reason"], "Many stores");
    let refused = private(&world, case, &leaves, Event::Refused).await;
    assert_eq!((&refused["ground"], &refused["article"]), (&"A claim is open".into(), &"Art. 17(3)(e) GDPR".into()));
    assert_eq!((&refused["data"], &refused["review_on"]), (&serde_json::json!(["contact"]), &"2027-06-01".into()));

    let shown = expunged::flow::reveal::reveal(&world.house, &reference, &operator).await.unwrap();
    assert_eq!(shown.refusal.unwrap().ground, "A claim is open");
    assert_eq!(shown.extension_reason.as_deref(), Some("Many stores"));
}

/// How many leaves of a case commit to an address.
async fn commitments(world: &World, request: RequestId, address: &str) -> usize {
    let (case, leaves) = leaves(world, request).await;
    let mut tx = world.house.db.read().await.unwrap();
    let key = keys::load(&mut tx, &world.house.kek, KeyOwner::Case(case), KeyPurpose::Record).await.unwrap().unwrap();
    let commitment = data_encoding::HEXLOWER.encode(&address_commitment(&key, address).unwrap());
    leaves.iter().filter(|leaf| leaf.leaf.read().unwrap().address.as_ref() == Some(&commitment)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_address_that_was_written_to_is_committed_to_once() {
    const GUEST: &str = "guest1@guest.example";
    let world = World::sqlite().await;
    world
        .live(async {
            // To the owner, as the controller, and to the end-user: no challenge asks either.
            let forwarded =
                world.receive(&plain(GUEST, "My data", "Please delete all my personal data.")).await.1.unwrap();
            assert_eq!(world.state(forwarded).await, State::Forwarded);
            assert_eq!(
                (commitments(&world, forwarded, OWNER).await, commitments(&world, forwarded, GUEST).await),
                (1, 1)
            );
            // A letter says that it is in review.
            let text = "Please delete my data, or rather send me a copy of it first.";
            let review = world.receive(&plain("owner2@team.example", "My data", text)).await.1.unwrap();
            assert_eq!(world.state(review).await, State::NeedsReview);
            assert_eq!(commitments(&world, review, "owner2@team.example").await, 1);
            // A challenge, then the letters after it.
            let scheduled = world.ask_and_confirm("owner3@team.example").await;
            assert_eq!(commitments(&world, scheduled, "owner3@team.example").await, 1);
        })
        .await;
}

#[tokio::test]
async fn a_leaf_names_the_program_and_all_of_its_configuration() {
    let world = World::sqlite().await;
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let looked = world.ground.house_with(&world.clock, None, None).await.unwrap();
    assert_eq!(looked.stamps.build, <[u8; 32]>::from(Sha256::digest(&program)));
    let ground = Ground::sqlite().await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &map.replace("backup_days = 35", "backup_days = 36"));
    let other = ground.build().await;
    assert_eq!(other.house.stamps.build, world.house.stamps.build);
    assert_eq!(other.house.stamps.policy, world.house.stamps.policy);
    assert_ne!(other.house.stamps.config, world.house.stamps.config, "a map is part of the configuration");
}
