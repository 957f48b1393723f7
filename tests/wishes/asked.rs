//! Who writes in somebody's name cannot flood them, cannot shut them out, and what is for a person reaches one.

use std::fmt::Write as _;

use expunged::db::deliveries::Disposition;
use expunged::domain::request::ReviewReason;
use expunged::domain::{RequestId, Scope, State};
use expunged::flow::operate::{self, Correction};
use expunged::params;

use super::{ACCOUNT, OWNER, PHONE, USER, opens, write};
use crate::support::world::{Ground, TEAM, World, plain};

const UNHAPPY: &str = "I am not happy with you. How do I delete my account?";

fn account(id: &str) -> Correction {
    Correction { account: Some(id.to_owned()), ..Correction::default() }
}

async fn letters(world: &World, kind: &str) -> i64 {
    world.number("SELECT COUNT(*) AS number FROM letters WHERE kind = $1", params![kind]).await
}

async fn reviewed(world: &World, request: RequestId) -> Option<ReviewReason> {
    let request = world.stored(request).await.request;
    assert_eq!(request.state, State::NeedsReview);
    request.review
}

/// Unclear letters of one writer are one case; whatever is written in their name, they are told once a day.
#[tokio::test]
async fn unclear_letters_in_somebodys_name_are_no_flood() {
    let world = World::sqlite().await;
    world
        .live(async {
            let first = opens(&world, OWNER, ("Hello", UNHAPPY)).await;
            assert_eq!(reviewed(&world, first).await, Some(ReviewReason::UnclearLetter));
            for _ in 0..3 {
                assert_eq!(write(&world, OWNER, ("Hello", UNHAPPY)).await, (Disposition::Joined, Some(first)));
            }
            for number in 1..=8 {
                let mut text = UNHAPPY.to_owned();
                write!(text, " My address was old{number}@elsewhere.example.").unwrap();
                opens(&world, OWNER, ("Hello", &text)).await;
            }
            assert_eq!(letters(&world, "in_review").await, 1);
            assert_eq!(letters(&world, "alarm_review").await, 9, "the team sees each of them");
            world.days_pass(1).await;
            opens(&world, OWNER, ("Hello", &format!("{UNHAPPY} My address was old9@elsewhere.example."))).await;
            assert_eq!(letters(&world, "in_review").await, 2);
        })
        .await;
}

/// Nobody is found for a letter whose sender cannot be read: that is not "no such account".
#[tokio::test]
async fn a_sender_who_cannot_be_read_is_for_a_person() {
    let world = World::sqlite().await;
    world
        .live(async {
            for from in ["jürgen@team.example", "one@elsewhere.example>, <two@elsewhere.example"] {
                let case = opens(&world, from, ACCOUNT).await;
                assert_eq!(reviewed(&world, case).await, Some(ReviewReason::NoAddressOnFile), "{from}");
            }
            let stranger = opens(&world, "nobody@elsewhere.example", ACCOUNT).await;
            assert_eq!(world.state(stranger).await, State::NotFound);
        })
        .await;
}

/// Nobody could read the letter; an operator says whose account it means, and its owner is asked at the address on file.
#[tokio::test]
async fn the_owner_of_the_account_that_an_operator_set_is_asked() {
    let world = World::sqlite().await;
    world
        .live(async {
            let mut letter = plain("somebody@elsewhere.example", "Please", "See the scan.");
            letter.resize(27 * 1024 * 1024, b'x');
            let (disposition, case) = world.receive(&letter).await;
            assert_eq!(disposition, Disposition::TooLarge);
            let case = case.unwrap();
            let reference = world.reference(case).await;
            let operator = world.operator("operator");
            operate::correct(&world.house, &reference, &operator, account("a9")).await.unwrap_err();
            let whole = Correction { scope: Some(Scope::Account), ..Correction::default() };
            operate::correct(&world.house, &reference, &operator, whole).await.unwrap();
            world.settle().await;
            assert_eq!(reviewed(&world, case).await, Some(ReviewReason::NoAddressOnFile), "nobody said whose it is");
            operate::correct(&world.house, &reference, &operator, account("a2")).await.unwrap();
            world.settle().await;
            assert_eq!(world.state(case).await, State::AwaitingConfirmation);
            assert_eq!(world.fresh("owner2@team.example").pop().unwrap().code().len(), 6);
        })
        .await;
}

/// Asking an owner to approve is somebody else's letter: it does not keep the owner waiting.
#[tokio::test]
async fn an_approval_does_not_delay_the_owners_own_wish() {
    let world = World::sqlite().await;
    world
        .live(async {
            let profile = opens(&world, USER, ("My profile", "Please delete my user profile.")).await;
            let challenge = world.fresh(USER).pop().unwrap();
            world.receive(&challenge.answer(USER, "Yes, please.")).await;
            assert_eq!(world.state(profile).await, State::AwaitingApproval);
            let account = opens(&world, OWNER, ACCOUNT).await;
            assert_eq!(world.state(account).await, State::AwaitingConfirmation);
        })
        .await;
}

/// Who is forged all day long waits a turn, is never shut out, and in the end a person looks.
#[tokio::test]
async fn a_challenge_that_is_not_its_turn_waits_and_is_not_lost() {
    let ground = Ground::sqlite().await;
    ground
        .shop
        .run(
            "INSERT INTO users SELECT 'x' || id, 'a1', 'user', 'x' || email, 'X ' || full_name, NULL FROM users WHERE role = 'owner'",
        )
        .await;
    let world = ground.build().await;
    world
        .live(async {
            let mut cases = Vec::new();
            for number in 1..=4 {
                let text = format!("Please delete the account xowner{number}@team.example.");
                cases.push(opens(&world, OWNER, ("Our user", &text)).await);
            }
            cases.push(opens(&world, OWNER, ACCOUNT).await);
            let asked = async |state| {
                let mut found = 0;
                for case in &cases {
                    found += usize::from(world.state(*case).await == state);
                }
                found
            };
            assert_eq!((asked(State::AwaitingConfirmation).await, asked(State::Received).await), (1, 4));
            world.days_pass(1).await;
            assert_eq!((asked(State::AwaitingConfirmation).await, asked(State::Received).await), (2, 3));
            world.days_pass(1).await;
            assert_eq!(asked(State::Received).await, 0, "nothing waits for ever");
            let mut often = 0;
            for case in &cases {
                often += usize::from(world.stored(*case).await.request.review == Some(ReviewReason::AskedOften));
            }
            assert_eq!(often + asked(State::AwaitingConfirmation).await, cases.len());
            assert!(often > 0);
            assert_eq!(world.fresh(TEAM).len(), often, "a person sees each that did not come to its turn");
        })
        .await;
}

/// One word to the owner per end-user and day, and none of an end-user's requests is dropped for that.
#[tokio::test]
async fn an_owner_is_told_of_an_end_user_once_a_day() {
    let world = World::sqlite().await;
    let guest = "guest1@guest.example";
    world
        .live(async {
            let first = opens(&world, guest, ("My data", "Please delete all my personal data.")).await;
            assert_eq!(world.state(first).await, State::Forwarded);
            let second = opens(&world, guest, PHONE).await;
            assert_eq!((world.state(second).await, letters(&world, "forwarded").await), (State::Received, 1));
            world.days_pass(1).await;
            assert_eq!((world.state(second).await, letters(&world, "forwarded").await), (State::Forwarded, 2));
        })
        .await;
}
