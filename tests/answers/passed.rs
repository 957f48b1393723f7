//! A word of somebody in between agrees to nothing, and a stop is heard wherever in a letter it stands, and whoever brings it.

use expunged::db::deliveries::Disposition;
use expunged::domain::State;
use expunged::domain::request::Hold;

use super::{OWNER, USER, answered, opened, the_letter};
use crate::support::world::{World, on_both, plain};

const COLLEAGUE: &str = "agent@shop.example";
const THERE: &str = "SELECT COUNT(*) FROM users WHERE id = 'u2'";

/// A letter that the daemon gets, below a header that somebody's mail program repeated.
fn forwarded(from: &str, text: &str) -> String {
    format!(
        "---------- Forwarded message ---------\nFrom: Somebody <{from}>\nDate: Mon, 4 Jan 2027 10:00\nSubject: Re: Hello\n\n{text}"
    )
}

/// Whether this answer to the question to a user confirms what they asked for. Our question is quoted below it.
async fn confirms(from: &str, text: &str) -> bool {
    let world = &World::sqlite().await;
    let state = world
        .live(async {
            let id = opened(world, USER, "My profile", "Please delete my profile.").await;
            let asked = the_letter(world, USER, "Please confirm");
            let quoted: String = asked.text.lines().map(|line| format!("> {line}\n")).collect();
            answered(world, &asked, from, &format!("{text}\n\n{quoted}")).await;
            world.state(id).await
        })
        .await;
    assert_eq!(world.ground.shop.count(THERE).await, 1);
    state != State::AwaitingConfirmation
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_yes_above_somebody_elses_words_confirms_nothing() {
    for (note, said) in [("OK", "I did not request this, who did?"), ("Ok thanks", "What is this?")] {
        assert!(!confirms(COLLEAGUE, &format!("{note}\n\n{}", forwarded(USER, said))).await, "{note} above {said}");
    }
    assert!(!confirms(USER, &format!("Yes.\n\n{}", forwarded(USER, "What is this?"))).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_colleague_agrees_to_nothing_for_a_customer_by_a_word() {
    assert!(!confirms(COLLEAGUE, "Yes.").await);
    assert!(confirms(USER, "Yes.").await, "the person's own word counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_below_our_own_words_pauses_though_no_mark_shows_it() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let id = world.ask_and_confirm(OWNER).await;
            let letter = the_letter(world, OWNER, "Confirmed");
            let copy = format!(
                "-----Original Message-----\nFrom: Shop\nSent: Monday\nTo: Olga\nSubject: Hello\n\n{}",
                letter.text
            );
            answered(world, &letter, OWNER, &copy).await;
            assert_eq!(world.state(id).await, State::Scheduled, "our own words stop nothing");
            answered(world, &letter, OWNER, &format!("{copy}\n\nSTOP! Please do not delete anything.")).await;
            assert_ne!(world.state(id).await, State::Scheduled);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_that_a_colleague_passes_on_pauses_what_its_writer_asked_for() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let id = world.ask_and_confirm(OWNER).await;
            let stop = forwarded(OWNER, "I have changed my mind. Please do not delete anything.");
            world.receive(&plain(COLLEAGUE, "Fwd: my account", &stop)).await;
            assert_eq!(world.stored(id).await.request.held, Some((State::Scheduled, Hold::Unproven)));
        })
        .await;
}

on_both! {
    async fn ids_that_no_database_takes_are_no_ids(ground) {
        let world = &ground.build().await;
        world
            .live(async {
                let asked = String::from_utf8(world.closing(OWNER)).unwrap();
                for field in ["References: <a\0b@c.example>", "In-Reply-To: <a\0b@c.example>"] {
                    let letter = plain("visitor@elsewhere.example", "Hel\0lo", "Where is my ord\0er?");
                    let letter = format!("{field}\r\n{}", String::from_utf8(letter).unwrap());
                    assert_eq!(world.receive(letter.as_bytes()).await.0, Disposition::Ordinary, "{field:?}");
                }
                let at = asked.find("Message-ID: <").expect("it has one") + "Message-ID: <".len();
                let letter = format!("{}\0{}", &asked[..at], &asked[at..]);
                assert_eq!(world.receive(letter.as_bytes()).await.0, Disposition::Opened);
                the_letter(world, OWNER, "Please confirm");
            })
            .await;
    }
}
