//! What a colleague passes on is the wish of who wrote it, who is asked at their address on file; what others pass on is for a person.

use expunged::db::deliveries::Disposition;
use expunged::domain::request::ReviewReason;
use expunged::domain::{RequestId, State};

use super::{OWNER, opens, write};
use crate::support::world::{Ground, World};

const COLLEAGUE: &str = "sales@shop.example";
const SUBJECT: &str = "Fwd: My account";

fn inline(above: &str, from: &str, text: &str) -> String {
    format!(
        "{above}\r\n\r\n---------- Forwarded message ---------\r\nFrom: Ann <{from}>\r\nDate: Mon, 4 Jan 2027 09:00:00 +0000\r\n\
         Subject: My account\r\nTo: <sales@shop.example>\r\n\r\n{text}"
    )
}

const WISH: &str = "Please delete my account and all my data.\r\n\r\nKind regards\r\nAnn";

async fn reviewed(world: &World, case: RequestId) -> Option<ReviewReason> {
    let request = world.stored(case).await.request;
    assert_eq!(request.state, State::NeedsReview);
    request.review
}

/// The writer is asked, by an answer to nobody; the colleague gets nothing, and the writer's own letter is the same wish no more.
#[tokio::test]
async fn the_writer_is_asked_and_nobody_else() {
    let world = World::sqlite().await;
    world
        .live(async {
            let case = opens(&world, COLLEAGUE, (SUBJECT, &inline("FYI", OWNER, WISH))).await;
            assert_eq!(world.state(case).await, State::AwaitingConfirmation);
            let asked = world.fresh(OWNER);
            assert_eq!(asked.len(), 1);
            assert!(world.fresh(COLLEAGUE).is_empty());
            let (disposition, answered) = world.receive(&asked[0].answer(OWNER, &asked[0].code())).await;
            assert_eq!((disposition, answered), (Disposition::Answer, Some(case)));
            assert_eq!(world.state(case).await, State::Scheduled);
        })
        .await;
}

/// A letter inside the letter says who wrote it by a header of its own.
#[tokio::test]
async fn the_writer_of_an_enclosed_letter_is_asked() {
    let world = World::sqlite().await;
    world
        .live(async {
            let inner = format!(
                "From: Ann <{OWNER}>\r\nTo: sales@shop.example\r\nSubject: My account\r\nMessage-ID: <inner@team.example>\r\n\
                 Date: Mon, 4 Jan 2027 09:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{WISH}\r\n"
            );
            let letter = format!(
                "From: <{COLLEAGUE}>\r\nTo: privacy@shop.example\r\nSubject: {SUBJECT}\r\nMessage-ID: <outer@shop.example>\r\n\
                 Date: Mon, 4 Jan 2027 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
                 --b\r\nContent-Type: text/plain\r\n\r\nFor you.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--b--\r\n"
            );
            let (disposition, case) = world.receive(letter.as_bytes()).await;
            assert_eq!(disposition, Disposition::Opened);
            assert_eq!(world.state(case.unwrap()).await, State::AwaitingConfirmation);
            assert_eq!(world.fresh(OWNER).len(), 1);
        })
        .await;
}

/// Whose wish it is has to be as clear as what is wished.
#[tokio::test]
async fn what_is_not_clear_is_for_a_person() {
    let world = World::sqlite().await;
    world
        .live(async {
            let twice = inline("See below.", "ann@elsewhere.example", &inline("Hello Ben", OWNER, WISH));
            for (from, text) in [
                ("somebody@elsewhere.example", inline("FYI", OWNER, WISH)),
                ("sales@below.shop.example", inline("FYI", OWNER, WISH)),
                (COLLEAGUE, inline("This one we must not touch.", OWNER, WISH)),
                (COLLEAGUE, inline("FYI", "privacy@shop.example", WISH)),
                (COLLEAGUE, inline("FYI", &format!("{OWNER}>, <ben@team.example"), WISH)),
                (COLLEAGUE, twice),
            ] {
                let case = opens(&world, from, (SUBJECT, &text)).await;
                assert_eq!(reviewed(&world, case).await, Some(ReviewReason::UnclearLetter), "{from}\n{text}");
                assert!(world.fresh(OWNER).is_empty(), "{from}\n{text}");
            }
        })
        .await;
}

/// Letters of two people that one colleague passes on are two cases; those whom nobody knows are for a person and no strangers.
#[tokio::test]
async fn each_letter_that_is_passed_on_is_a_case_of_its_own() {
    let world = World::sqlite().await;
    world
        .live(async {
            let mut cases = Vec::new();
            for from in ["ann@elsewhere.example", "ben@elsewhere.example"] {
                let case = opens(&world, COLLEAGUE, (SUBJECT, &inline("See below, please.", from, WISH))).await;
                assert_eq!(reviewed(&world, case).await, Some(ReviewReason::NoAddressOnFile));
                cases.push(case);
            }
            assert_ne!(cases[0], cases[1]);
        })
        .await;
}

/// Who works with us is said in the settings, by address or by domain.
#[tokio::test]
async fn colleagues_are_those_of_the_settings() {
    let ground = Ground::sqlite().await;
    let colleagues = "[service]\ncolleagues = [\"team.example\", \"ann@partner.example\"]\n";
    let world = ground.with_config(|config| config.replace("[service]\n", colleagues)).build().await;
    world
        .live(async {
            for (from, state) in [
                ("ann@partner.example", State::AwaitingConfirmation),
                ("ben@partner.example", State::NeedsReview),
                (COLLEAGUE, State::NeedsReview),
            ] {
                let case = opens(&world, from, (SUBJECT, &inline("FYI", OWNER, WISH))).await;
                assert_eq!(world.state(case).await, state, "{from}");
            }
            let own = write(&world, OWNER, (SUBJECT, &inline("FYI", OWNER, WISH))).await;
            assert_eq!(own.0, Disposition::Opened, "their own letter, passed on by themself, is not lost");
        })
        .await;
}
