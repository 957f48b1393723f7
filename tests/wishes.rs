//! The promise: no wish is lost in another one, a stop is heard, and nobody else is meant than the letter names.
//!
//! The daemon is the one of production, in the small world of the tests; what became of a letter is read from the
//! ledger and from the letters that people got.

#[path = "wishes/asked.rs"]
mod asked;
#[path = "wishes/attached.rs"]
mod attached;
#[path = "wishes/company.rs"]
mod company;
#[path = "wishes/jobs.rs"]
mod jobs;
#[path = "wishes/limited.rs"]
mod limited;
#[path = "wishes/lists.rs"]
mod lists;
#[path = "wishes/meant.rs"]
mod meant;
#[path = "wishes/named.rs"]
mod named;
#[path = "wishes/negated.rs"]
mod negated;
#[path = "wishes/passed.rs"]
mod passed;
#[path = "wishes/reviewed.rs"]
mod reviewed;
#[path = "wishes/roles.rs"]
mod roles;
#[path = "wishes/several.rs"]
mod several;

use expunged::db::deliveries::Disposition;
use expunged::domain::{RequestId, Scope, State};
use expunged::params;

use crate::support::world::{World, on_both, plain};

const OWNER: &str = "owner1@team.example";
const USER: &str = "user1@team.example";

const PHONE: (&str, &str) = ("My phone number", "Hello,\r\n\r\nplease delete my phone number, but keep my account.");
const ACCOUNT: (&str, &str) = ("Please close my account", "Hello,\r\n\r\nplease delete my account.");

/// A letter reaches the support mailbox and is dealt with.
async fn write(world: &World, from: &str, (subject, text): (&str, &str)) -> (Disposition, Option<RequestId>) {
    world.receive(&plain(from, subject, text)).await
}

/// A letter that must open a request.
async fn opens(world: &World, from: &str, letter: (&str, &str)) -> RequestId {
    let (disposition, request) = write(world, from, letter).await;
    assert_eq!(disposition, Disposition::Opened, "{}", letter.1);
    request.unwrap()
}

async fn count(world: &World, disposition: &str) -> i64 {
    let sql = "SELECT COUNT(*) AS number FROM deliveries WHERE disposition = $1";
    world.number(sql, params![disposition]).await
}

/// Two wishes of one asker are two requests; the second is asked about when the address may be asked again.
#[tokio::test]
async fn another_wish_of_the_same_asker_is_a_request_of_its_own() {
    let world = World::sqlite().await;
    world
        .live(async {
            let phone = opens(&world, OWNER, PHONE).await;
            assert_eq!(world.state(phone).await, State::AwaitingConfirmation);
            let account = opens(&world, OWNER, ACCOUNT).await;
            assert_ne!(phone, account);
            assert_eq!(world.state(account).await, State::Received, "one challenge per address and day");
            assert_eq!(world.fresh(OWNER).len(), 1);
            world.days_pass(1).await;
            assert_eq!(world.state(account).await, State::AwaitingConfirmation);
            let offered = world.stored(account).await.request.ask.unwrap().offered;
            assert_eq!(offered, [Scope::Account]);
        })
        .await;
}

/// Two people whom an owner names one after the other are two requests.
#[tokio::test]
async fn another_person_is_another_wish() {
    let world = World::sqlite().await;
    let leaver = |name: &str| format!("Hello,\r\n\r\nplease delete the user profile of our colleague {name}.");
    world
        .live(async {
            let una = opens(&world, OWNER, ("A user", &leaver("Una One"))).await;
            let vera = opens(&world, OWNER, ("A user", &leaver("Vera Two"))).await;
            assert_ne!(una, vera);
            let (disposition, again) = write(&world, OWNER, ("A user", &leaver("Una One"))).await;
            assert_eq!((disposition, again), (Disposition::Joined, Some(una)), "the same wish joins");
        })
        .await;
}

/// Whoever is not read as a name is still somebody else than the one before.
#[tokio::test]
async fn two_people_who_are_not_named_in_full_are_two_wishes() {
    let world = World::sqlite().await;
    world
        .live(async {
            for (one, other) in [
                ("Please delete my assistant's account.", "Please delete my driver's account."),
                ("Delete my employee Bob's account please.", "Delete my employee Jim's account please."),
                (
                    "Notre salariée Léa demande d'effacer ses données personnelles.",
                    "Notre salariée Zoé demande d'effacer ses données personnelles.",
                ),
                (
                    "Notre cliente du 4 mai demande la suppression des données la concernant.",
                    "Notre cliente du 5 mai demande la suppression des données la concernant.",
                ),
                (
                    "Nuestra empleada Eva pide que eliminen todos sus datos personales.",
                    "Nuestra empleada Ana pide que eliminen todos sus datos personales.",
                ),
            ] {
                let first = opens(&world, OWNER, ("Hello", one)).await;
                let second = opens(&world, OWNER, ("Hello", other)).await;
                assert_ne!(first, second, "{other}");
                assert_eq!(write(&world, OWNER, ("Hello", one)).await, (Disposition::Joined, Some(first)), "{one}");
            }
        })
        .await;
}

on_both! {
    /// However close behind each other equal letters come, one request opens.
    async fn equal_letters_at_once_open_one_request(ground) {
        equal_letters_at_once(&ground.build().await).await;
    }
}

async fn equal_letters_at_once(world: &World) {
    let letter = world.closing(OWNER);
    (0..4).for_each(|_| world.deliver(&letter));
    // The same wish in other words of the head, and a letter of two senders, which only its bytes tell from others.
    (0..2).for_each(|_| world.deliver(&world.closing(OWNER)));
    let two = String::from_utf8(letter).unwrap().replace("From: <", "From: <owner2@team.example>, <");
    (0..4).for_each(|_| world.deliver(two.as_bytes()));
    world.live(world.settle()).await;
    assert_eq!(world.number("SELECT COUNT(*) AS number FROM requests", params![]).await, 2);
    assert_eq!(count(world, "opened").await, 2);
    assert_eq!(count(world, "joined").await + count(world, "duplicate").await, 8);
}

/// What has ended is not answered any more: a wish below its letter opens, and a question is nobody's but support's.
#[tokio::test]
async fn the_thread_of_an_ended_request_swallows_nothing() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (first, challenge) = world.ask(OWNER).await;
            world.receive(&challenge.answer(OWNER, "No, that was not me.")).await;
            assert_eq!(world.state(first).await, State::Withdrawn);
            let withdrawn = world.fresh(OWNER).pop().unwrap();
            let question = withdrawn.answer(OWNER, "Where is my order 4711?");
            assert_eq!(world.receive(&question).await, (Disposition::Ordinary, None));
            let wish = withdrawn.answer(OWNER, "Now I really want it: please delete my account.");
            let (disposition, second) = world.receive(&wish).await;
            assert_eq!(disposition, Disposition::Opened);
            assert_ne!(second, Some(first));
        })
        .await;
}

/// An answer that says nothing to what the request waits for is read like any other letter.
#[tokio::test]
async fn a_letter_below_ours_that_answers_nothing_is_read_by_its_words() {
    let world = World::sqlite().await;
    world
        .live(async {
            let request = world.ask_and_confirm(OWNER).await;
            let scheduled = world.fresh(OWNER).pop().unwrap();
            let thanks = scheduled.answer(OWNER, "Thank you!");
            assert_eq!(world.receive(&thanks).await, (Disposition::Answer, Some(request)));
            assert_eq!(world.state(request).await, State::Scheduled);
            let wish = "Please delete the user profile of our colleague Una One too.";
            let (disposition, other) = world.receive(&scheduled.answer(OWNER, wish)).await;
            assert_eq!(disposition, Disposition::Opened);
            assert_ne!(other, Some(request));
            // It might have been a doubt, and nothing can be undone: the first one waits for a word.
            assert_eq!(world.state(request).await, State::OnHold);
        })
        .await;
}

/// A stop needs no token to pause, and comes from whoever the request has to do with.
#[tokio::test]
async fn a_stop_without_a_token_pauses() {
    let world = World::sqlite().await;
    world
        .live(async {
            let request = world.ask_and_confirm(OWNER).await;
            let order = write(&world, OWNER, ("My order", "Please cancel my order 4711.")).await;
            assert_eq!((order.0, world.state(request).await), (Disposition::Ordinary, State::Scheduled));
            let stop = write(&world, OWNER, ("Hello", "Stop.")).await;
            assert_eq!(stop, (Disposition::Answer, Some(request)));
            assert_eq!(world.state(request).await, State::OnHold);
            // A stop more changes nothing, and is no ordinary letter.
            assert_eq!(write(&world, OWNER, ("Hello", "Stop!")).await, (Disposition::Answer, Some(request)));
        })
        .await;
}

/// The request came from an address that nobody knows; the address on file stops it.
#[tokio::test]
async fn the_address_on_file_stops_what_another_address_asked_for() {
    let world = World::sqlite().await;
    world
        .live(async {
            let text = "Please delete my account owner1@team.example.";
            let request = opens(&world, "new@elsewhere.example", ("Please close my account", text)).await;
            assert_eq!(world.state(request).await, State::AwaitingConfirmation);
            let stop = write(&world, OWNER, ("Hello", "I did not ask for this. Please don't.")).await;
            assert_eq!(stop, (Disposition::Answer, Some(request)));
            assert_eq!(world.state(request).await, State::OnHold);
        })
        .await;
}

/// A repeat brings the lost question back: the same letter, as often as an address may be asked at all.
#[tokio::test]
async fn a_repeated_wish_brings_the_same_question_again() {
    let world = World::sqlite().await;
    let sends = "SELECT sends AS number FROM letters WHERE request_id = $1 AND kind = 'challenge'";
    let sending = "SELECT COUNT(*) AS number FROM trail WHERE event = 'letter_sending'";
    world
        .live(async {
            let (request, _) = world.ask(OWNER).await;
            assert_eq!(world.receive(&world.closing(OWNER)).await, (Disposition::Joined, Some(request)));
            assert_eq!(world.number(sending, params![]).await, 1, "not twice in a day");
            world.days_pass(2).await;
            assert_eq!(world.receive(&world.closing(OWNER)).await, (Disposition::Joined, Some(request)));
            assert_eq!(world.number(sending, params![]).await, 2);
            assert_eq!(world.number(sends, params![request]).await, 1, "a delivery that is cut off now is tried again");
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM letters", params![]).await, 1, "one letter");
        })
        .await;
}

/// People write their own address in any case.
#[tokio::test]
async fn an_address_in_capitals_is_the_same() {
    let world = World::sqlite().await;
    world
        .live(async {
            let letter = world.closing("OWNER1@Team.Example");
            let (disposition, request) = world.receive(&letter).await;
            assert_eq!(disposition, Disposition::Opened);
            assert_eq!(world.state(request.unwrap()).await, State::AwaitingConfirmation);
        })
        .await;
}

/// A wish beside a no is one of its own.
#[tokio::test]
async fn a_wish_in_a_refusal_opens() {
    let world = World::sqlite().await;
    world
        .live(async {
            let text = "Hi,\r\n\r\nplease delete my phone number from your records, but keep my account.\r\n";
            let (_, first) = world.receive(&plain(OWNER, "Delete my phone number", text)).await;
            let question = world.fresh(OWNER).pop().expect("a question");
            let answer = question.answer(OWNER, "Actually, please close my whole account and delete everything.");
            let (disposition, second) = world.receive(&answer).await;
            assert_eq!(disposition, Disposition::Opened);
            assert_ne!(second, first);
        })
        .await;
}
