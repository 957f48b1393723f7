//! The promise: who looks at the queue sees what is so. What is due next comes first, what work waits for is named with what
//! helps, and each request says which letter paused it.

use expunged::db::requests::{self, OPEN};
use expunged::db::trail;
use expunged::domain::request::ReviewReason;
use expunged::domain::{RequestId, Scope, State};
use expunged::flow::legal::{self, HeldTarget, table};
use expunged::flow::operate::{self, Correction, ExtensionGround};
use expunged::flow::{gone, paused, retry, reveal, stopped};
use expunged::params;
use expunged::stores::StoreName;
use expunged::trail::Event;

use crate::support::world::{Ground, TEAM, World, on_both, plain};

const OWNER: &str = "owner1@team.example";
const OTHER: &str = "owner2@team.example";
const PHONE: &str = "Hello,\r\n\r\nplease delete my phone number, but keep my account.";
const ACCOUNT: &str = "Hello,\r\n\r\nplease delete my account.";

async fn asks(world: &World, from: &str, body: &str) -> RequestId {
    world.receive(&plain(from, "Please", body)).await.1.expect("a request")
}

async fn due_next_first(world: World) {
    world
        .live(async {
            let first = asks(&world, OWNER, ACCOUNT).await;
            world.days_pass(3).await;
            let second = asks(&world, OTHER, ACCOUNT).await;
            let listed = |world: &World| {
                let db = world.house.db.clone();
                async move {
                    let found = requests::list(&mut db.read().await.unwrap(), &[], false, 10).await.unwrap();
                    found.into_iter().map(|stored| stored.request.id).collect::<Vec<_>>()
                }
            };
            assert_eq!(listed(&world).await, [first, second]);
            let (at, operator) = (world.reference(first).await, world.operator("ops"));
            let why = (ExtensionGround::Complexity, "Many stores");
            operate::extend(&world.house, &at, &operator, why).await.unwrap();
            assert_eq!(listed(&world).await, [second, first], "an extended one is due after one that is not");
            let leaves = {
                let mut tx = world.house.db.read().await.unwrap();
                trail::show(&mut tx, world.stored(first).await.request.case).await.unwrap()
            };
            let extended = leaves.iter().find(|leaf| leaf.event == Event::Extended).expect("a leaf");
            let fields = extended.leaf.read().unwrap();
            assert_eq!(fields.facts["ground"], "complexity");
            assert!(!String::from_utf8_lossy(&extended.leaf.json).contains("Many"), "no words of the operator in it");
            let mut tx = world.house.db.read().await.unwrap();
            let request = world.stored(first).await.request;
            let ground = stopped::extended_for(&world.house.kek, &mut tx, &request).await.unwrap();
            assert_eq!(ground, Some(ExtensionGround::Complexity));
        })
        .await;
}

on_both! {
    async fn what_is_due_next_comes_first(ground) {
        due_next_first(ground.build().await).await;
    }
}

/// The plan of the statement by which the queue is read, as the database tells it.
async fn plan(world: &World, explain: &str, column: &str) -> String {
    let mut tx = world.house.db.write().await.unwrap();
    if column == "QUERY PLAN" {
        tx.execute("SET LOCAL enable_seqscan = off", params![]).await.unwrap();
    }
    let rows = tx.all(&format!("{explain} {OPEN}"), params![10_i64]).await.unwrap();
    rows.iter().map(|row| row.text(column).unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_queue_is_read_along_its_index() {
    let world = World::sqlite().await;
    let plan = plan(&world, "EXPLAIN QUERY PLAN", "detail").await;
    assert!(plan.contains("requests_open") && !plan.contains("TEMP B-TREE"), "{plan}");
}

#[tokio::test]
async fn the_queue_is_read_along_its_index_on_postgres() {
    let world = Ground::postgres().await.build().await;
    let plan = plan(&world, "EXPLAIN", "QUERY PLAN").await;
    assert!(plan.contains("requests_open") && !plan.contains("Sort"), "{plan}");
}

/// Every kind of hold is called one to the team, with what lifts it, and not a store that is away.
#[tokio::test(flavor = "multi_thread")]
async fn a_legal_hold_is_told_as_what_it_is() {
    let person = HeldTarget::Subject(table("shop.users").unwrap(), "u5".to_owned());
    let store = HeldTarget::Store(StoreName::new("shop").unwrap());
    for (target, words) in [
        (HeldTarget::Account("a1".to_owned()), "on the account"),
        (person, "on a person in shop.users"),
        (HeldTarget::Table(table("shop.orders").unwrap()), "on the table shop.orders"),
        (store, "on the store shop"),
        (HeldTarget::Everything, "on everything"),
    ] {
        let world = World::sqlite().await;
        world
            .live(async {
                let hold =
                    legal::place(&world.house, &target, "12 O 34/26", &world.operator("ops")).await.unwrap().hold;
                let request = world.ask_and_confirm(OWNER).await;
                world.days_pass(8).await;
                assert_eq!(world.state(request).await, State::Erasing);
                let alarm = world.fresh(TEAM).pop().expect("an alarm");
                let lifts = format!("expunged holds release {}", hold.id);
                let text = format!("{}\n{}", alarm.subject, alarm.text);
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                for said in ["a legal hold stands", words, &lifts] {
                    assert!(text.contains(said), "{said}: {text}");
                }
                assert!(!alarm.text.contains("cannot be reached") && !alarm.text.contains("u5"), "{}", alarm.text);
                let stored = world.stored(request).await.request;
                let mut tx = world.house.db.read().await.unwrap();
                let named = stopped::holds(&world.house.kek, &mut tx, &stored).await.unwrap();
                assert_eq!(named.iter().map(|(hold, _)| hold.id).collect::<Vec<_>>(), [hold.id]);
                drop(tx);
                legal::release(&world.house, hold.id, &world.operator("ops")).await.unwrap();
                let mut tx = world.house.db.read().await.unwrap();
                assert!(stopped::holds(&world.house.kek, &mut tx, &stored).await.unwrap().is_empty(), "it is lifted");
            })
            .await;
    }
}

/// A question of the customer's is one that only a person can answer. They hear of it once, and the code goes on counting.
#[tokio::test]
async fn a_question_in_answer_to_ours_reaches_a_person_once() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (id, challenge) = world.ask(OWNER).await;
            world.fresh(TEAM);
            let asks = "What does this mean? Which orders do you keep?";
            world.receive(&challenge.answer(OWNER, asks)).await;
            assert_eq!(world.state(id).await, State::AwaitingConfirmation);
            let told = world.fresh(TEAM);
            assert_eq!(told.len(), 1, "a person hears of it");
            let text = told[0].text.split_whitespace().collect::<Vec<_>>().join(" ");
            let reference = world.reference(id).await;
            for words in ["neither yes, no nor the code", "only you can answer", reference.as_str()] {
                assert!(text.contains(words), "{words}: {text}");
            }
            assert!(!text.contains("Which orders"), "none of its words: {text}");
            let revealed = reveal::reveal(&world.house, &reference, &world.operator("ops")).await.unwrap();
            assert!(revealed.letters.iter().any(|letter| letter.contains("Which orders")), "it is there to be read");
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            assert_eq!(world.state(id).await, State::Scheduled, "the code counts as before");
            assert_eq!(world.fresh(TEAM).len(), 0);
        })
        .await;
}

/// The same in the grace period, where it also pauses: nobody but a person can say what it asks.
#[tokio::test]
async fn a_question_about_what_is_scheduled_reaches_a_person_once() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (id, challenge) = world.ask(OWNER).await;
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            let scheduled = world.fresh(OWNER).pop().expect("it is scheduled");
            world.fresh(TEAM);
            world.receive(&scheduled.answer(OWNER, "When will it be done? Can I still log in?")).await;
            assert_eq!(world.state(id).await, State::OnHold);
            let told = world.fresh(TEAM);
            assert_eq!(told.len(), 1, "a person hears of it");
            let text = told[0].text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains("neither yes nor stop") && !text.contains("log in"), "{text}");
            let asked = world.fresh(OWNER).pop().expect("they are asked what is meant");
            world.receive(&asked.answer(OWNER, "Yes")).await;
            assert_eq!((world.state(id).await, world.fresh(TEAM).len()), (State::Scheduled, 0));
        })
        .await;
}

#[tokio::test]
async fn a_plain_stop_is_told_to_nobody() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (_, challenge) = world.ask(OWNER).await;
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            let scheduled = world.fresh(OWNER).pop().expect("it is scheduled");
            world.fresh(TEAM);
            world.receive(&scheduled.answer(OWNER, "Please stop this, I want to keep my account.")).await;
            assert_eq!(world.fresh(TEAM).len(), 0);
        })
        .await;
}

#[tokio::test]
async fn a_word_or_two_in_answer_to_our_question_is_asked_again_and_told_to_nobody() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (id, challenge) = world.ask(OWNER).await;
            world.fresh(TEAM);
            world.receive(&challenge.answer(OWNER, "Hm, perhaps?")).await;
            assert_eq!((world.state(id).await, world.fresh(TEAM).len()), (State::AwaitingConfirmation, 0));
        })
        .await;
}

/// The advice of "no address on file" is of no use to a letter that has two senders: which of them wrote nobody can tell.
#[tokio::test]
async fn a_letter_of_several_senders_says_that_it_is_one() {
    let world = World::sqlite().await;
    world
        .live(async {
            for (from, words) in [
                (format!("From: <{OTHER}>\r\nFrom: <{OWNER}>"), "several From headers"),
                (format!("From: <{OTHER}>, <{OWNER}>"), "several From headers, or several addresses in one"),
                ("X-From: nobody".to_owned(), "no From header with an address"),
            ] {
                let letter = String::from_utf8(plain(OWNER, "Please", ACCOUNT)).unwrap();
                let letter = letter.replacen(&format!("From: <{OWNER}>"), &from, 1);
                let id = world.receive(letter.as_bytes()).await.1.expect("a request");
                let request = world.stored(id).await.request;
                assert_eq!(request.review, Some(ReviewReason::NoAddressOnFile), "{from}");
                let mut tx = world.house.db.read().await.unwrap();
                let cause = stopped::cause(&world.house.kek, &mut tx, &request).await.unwrap().expect("a cause");
                assert!(cause.reason == "no_address_on_file" && cause.text.contains(words), "{from}: {cause:?}");
                assert!(!cause.text.contains("@"), "{cause:?}");
            }
        })
        .await;
}

/// Two open requests of one person, of which the second waits for its turn to be asked.
async fn two(world: &World) -> [RequestId; 2] {
    let phone = asks(world, OWNER, PHONE).await;
    let account = asks(world, OWNER, ACCOUNT).await;
    world.days_pass(1).await;
    for id in [phone, account] {
        assert_eq!(world.state(id).await, State::AwaitingConfirmation);
    }
    [phone, account]
}

#[tokio::test]
async fn a_stop_without_a_token_stands_in_the_trail_of_all_that_it_paused() {
    let world = World::sqlite().await;
    world
        .live(async {
            let both = two(&world).await;
            let named = format!("Please stop {}. Do not delete anything.", world.reference(both[0]).await);
            world.receive(&plain(OWNER, "Stop", &named)).await;
            let mut letters = Vec::new();
            for id in both {
                assert_eq!(world.state(id).await, State::OnHold, "a reference is no proof, so that all wait");
                let request = world.stored(id).await.request;
                let by = paused::by(&mut world.house.db.read().await.unwrap(), &request).await.unwrap();
                let by = by.expect("it is known what paused it");
                assert_eq!((by.possession.as_deref(), by.heard_by), (Some("none"), Some(2)), "{by:?}");
                assert!(by.received_at.is_some() && by.says.is_some() && by.see.is_none(), "{by:?}");
                letters.extend(by.letter);
            }
            assert_eq!(letters.len(), 2);
            assert_eq!(letters[0], letters[1], "the same letter");
        })
        .await;
}

#[tokio::test]
async fn a_stop_with_the_token_of_one_request_is_about_that_one_only() {
    let world = World::sqlite().await;
    world
        .live(async {
            let [phone, account] = two(&world).await;
            let asked = world.fresh(OWNER).pop().expect("the question about the account");
            world.receive(&asked.answer(OWNER, "Please stop. Do not delete my account.")).await;
            let states = [world.state(phone).await, world.state(account).await];
            assert_eq!(states.iter().filter(|state| **state == State::AwaitingConfirmation).count(), 1, "{states:?}");
            assert_eq!(states.iter().filter(|state| **state == State::Withdrawn).count(), 1, "{states:?}");
        })
        .await;
}

/// What a stop names beside the request whose letter it answers waits: nobody passes over a name.
#[tokio::test]
async fn a_stop_that_names_another_request_too_pauses_that_one() {
    let world = World::sqlite().await;
    world
        .live(async {
            let both = two(&world).await;
            let asked = world.fresh(OWNER).pop().expect("a question");
            let [one, other] = [world.reference(both[0]).await, world.reference(both[1]).await];
            let stop = format!("Please stop {one} and {other}. Do not delete anything.");
            world.receive(&asked.answer(OWNER, &stop)).await;
            let mut states = [world.state(both[0]).await, world.state(both[1]).await];
            states.sort_by_key(|state| state.as_str());
            assert_eq!(states, [State::OnHold, State::Withdrawn], "one is proven, and the other only named");
        })
        .await;
}

/// How large it was stands where a person looks, and in what the team is told.
#[tokio::test]
async fn a_letter_that_was_too_large_says_how_large() {
    let world = World::sqlite().await;
    world
        .live(async {
            let bytes_max = usize::try_from(world.house.intake_limits.body_bytes_max).unwrap();
            let large = plain("somebody@team.example", "Large", &"x\r\n".repeat(bytes_max / 3 + 1_000));
            let size = large.len().to_string();
            let (_, request) = world.receive(&large).await;
            let request = world.stored(request.expect("a request")).await.request;
            let mut tx = world.house.db.read().await.unwrap();
            let cause = stopped::cause(&world.house.kek, &mut tx, &request).await.unwrap().expect("a cause");
            assert!(cause.text.contains(&size) && cause.text.contains(&bytes_max.to_string()), "{}", cause.text);
            drop(tx);
            let alarm = world.fresh(TEAM).pop().expect("an alarm");
            let text = alarm.text.split_whitespace().collect::<Vec<_>>().join(" ");
            for said in [size.as_str(), "too large", "expunged requests scope"] {
                assert!(text.contains(said), "{said}: {text}");
            }
            assert!(!alarm.text.contains("somebody"), "{}", alarm.text);
        })
        .await;
}

/// Who was erased and writes again is nobody by now; the team hears by which request.
#[tokio::test]
async fn who_asks_again_after_an_erasure_is_told_to_the_team_as_such() {
    let world = World::sqlite().await;
    world
        .live(async {
            let user = "user1@team.example";
            let (_, waiting) = world.receive(&plain(user, "My profile", "Please delete my user profile.")).await;
            let waiting = waiting.expect("a request of the user");
            let erased = world.ask_and_confirm(OWNER).await;
            world.days_pass(8).await;
            assert_eq!(world.state(erased).await, State::Completed);
            let by = world.reference(erased).await;

            // The account is gone with its people: nobody is to be entered anywhere.
            assert_eq!(world.state(waiting).await, State::NeedsReview);
            let stored = world.stored(waiting).await;
            let found =
                gone::by(&mut world.house.db.read().await.unwrap(), &stored).await.unwrap().expect("it is known");
            assert_eq!((found.by, found.account), (by.clone(), true));

            world.fresh(TEAM);
            let (_, again) = world.receive(&world.closing(OWNER)).await;
            let again = world.stored(again.expect("a request")).await;
            assert_eq!(again.request.state, State::NotFound);
            let found =
                gone::by(&mut world.house.db.read().await.unwrap(), &again).await.unwrap().expect("it is known");
            assert_eq!((&found.by, found.account), (&by, false));
            let alarm = world.fresh(TEAM).pop().expect("an alarm");
            let text = alarm.text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(&format!("what this address asked for was erased by {by}")), "{text}");
            assert!(world.fresh(OWNER).iter().all(|letter| !letter.subject.contains("Please")), "and nobody is asked");

            let (_, stranger) = world.receive(&world.closing("stranger@nowhere.example")).await;
            let stranger = world.stored(stranger.expect("a request")).await;
            let found = gone::by(&mut world.house.db.read().await.unwrap(), &stranger).await.unwrap();
            assert_eq!((stranger.request.state, found), (State::NotFound, None));
        })
        .await;
}

/// A letter that reached nobody, of a request that has no address on file by now.
#[tokio::test]
async fn a_letter_is_not_sent_again_to_nobody() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (id, _) = world.ask(OWNER).await;
            let (reference, operator) = (world.reference(id).await, world.operator("ops"));
            let nothing = retry::letters_of(&world.house, &reference, &operator).await.unwrap_err();
            assert!(nothing.to_string().contains("reached nobody and is still due"), "{nothing}");
            let back = "UPDATE letters SET state = 'bounced' WHERE request_id = $1 AND kind = 'challenge'";
            world.try_sql(back, params![id]).await.unwrap();
            let review =
                "UPDATE requests SET state = 'needs_review', review_reason = 'challenge_bounced' WHERE id = $1";
            world.try_sql(review, params![id]).await.unwrap();
            world.ground.shop.run("UPDATE users SET email = '' WHERE id = 'u1'").await;
            let anew = Correction { scope: Some(Scope::Account), ..Correction::default() };
            operate::correct(&world.house, &reference, &operator, anew).await.unwrap();
            world.settle().await;
            let request = world.stored(id).await.request;
            assert_eq!(request.review, Some(ReviewReason::NoAddressOnFile));
            assert!(!operate::is_reachable(&world.house, &request).await.unwrap());
            let lost = "UPDATE letters SET state = 'failed' WHERE request_id = $1 AND kind = 'in_review'";
            world.try_sql(lost, params![id]).await.unwrap();
            let refused = retry::letters_of(&world.house, &reference, &operator).await.unwrap_err().to_string();
            assert!(refused.contains("address on file to which its letters could go"), "{refused}");
        })
        .await;
}
