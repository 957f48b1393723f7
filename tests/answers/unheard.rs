//! A letter that cannot be read, or not yet, may be a stop: what it may be about waits, and what was written first counts first.

use std::path::PathBuf;

use expunged::db::deliveries::Disposition;
use expunged::domain::request::{Hold, ReviewReason};
use expunged::domain::{RequestId, State};
use expunged::flow::operate::{self, Act};
use expunged::params;

use super::{OWNER, answered, operator, the_letter};
use crate::support::world::{Letter, TEAM, World, on_both, plain};

const STOP: &str = "Stop. I did not ask for this.";
/// Of a letter that is not read.
const TOO_LARGE: usize = 27 * 1024 * 1024;

async fn scheduled(world: &World) -> (RequestId, Letter) {
    let id = world.ask_and_confirm(OWNER).await;
    (id, the_letter(world, OWNER, "Confirmed"))
}

async fn is_paused(world: &World, id: RequestId) {
    assert_eq!(world.stored(id).await.request.held, Some((State::Scheduled, Hold::Unproven)));
    world.days_pass(8).await;
    assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE id = 'u1'").await, 1);
}

fn large(mut letter: Vec<u8>) -> Vec<u8> {
    letter.resize(TOO_LARGE, b'x');
    letter
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_that_is_too_large_to_be_read_pauses_what_it_answers() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (id, letter) = scheduled(world).await;
            let (disposition, before) = world.receive(&large(letter.answer("somebody@else.example", STOP))).await;
            assert_eq!(disposition, Disposition::TooLarge);
            assert_ne!(before, Some(id), "a person sees it by a request of its own");
            the_letter(world, OWNER, "paused");
            is_paused(world, id).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_large_letter_of_the_asker_pauses_and_one_of_somebody_else_does_not() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (id, _) = scheduled(world).await;
            world.receive(&large(plain("owner2@team.example", "Photos", "Here they are."))).await;
            assert_eq!(world.state(id).await, State::Scheduled);
            world.receive(&large(plain(OWNER, "Photos", "Here they are."))).await;
            is_paused(world, id).await;
        })
        .await;
}

/// A large stop in the thread of an old request is about the one that runs, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_large_letter_in_an_old_thread_pauses_what_its_sender_has_open() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (old, challenge) = world.ask(OWNER).await;
            answered(world, &challenge, OWNER, "Please cancel my deletion request.").await;
            assert_eq!(world.state(old).await, State::Withdrawn);
            world.days_pass(2).await;
            world.fresh(OWNER);
            let (id, _) = scheduled(world).await;
            world.receive(&large(challenge.answer(OWNER, STOP))).await;
            is_paused(world, id).await;
        })
        .await;
}

/// A stop that lies there together with the request that it takes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_that_comes_with_its_request_is_not_passed_over() {
    let world = &World::sqlite().await;
    let asks = world.closing(OWNER);
    world.deliver(&asks);
    world.clock.advance(std::time::Duration::from_secs(2));
    world.deliver(&plain(OWNER, "My account", "Please stop. Do not delete my account."));
    world.live(world.settle()).await;
    let heard = "SELECT COUNT(*) AS number FROM deliveries WHERE disposition IN ('opened', 'answer', 'joined')";
    assert_eq!(world.number(heard, params![]).await, 2, "both are heard");
    let goes_on = "SELECT COUNT(*) AS number FROM requests WHERE state IN ('awaiting_confirmation', 'scheduled')";
    assert_eq!(world.number(goes_on, params![]).await, 0, "and nothing goes on as if there were no stop");
}

/// What cannot be judged holds up everybody, and pauses what it shows to be about.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_erased_past_a_letter_that_could_not_be_judged() {
    let world = &World::sqlite().await;
    let id = world.live(async { scheduled(world).await.0 }).await;
    crate::bad_input::letters::poisoned(world).await;
    world
        .live(async {
            world.settle().await;
            let quarantined = "SELECT COUNT(*) AS number FROM deliveries WHERE disposition = 'quarantined'";
            assert_eq!(world.number(quarantined, params![]).await, 1);
            world.clock.advance(std::time::Duration::from_secs(8 * 86_400));
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            assert_eq!(world.state(id).await, State::Scheduled);
            let of_letter = "SELECT id FROM requests WHERE review_reason = 'poison'";
            let mut tx = world.house.db.read().await.unwrap();
            let of_letter = RequestId::from_uuid(tx.one(of_letter, params![]).await.unwrap().uuid("id").unwrap());
            drop(tx);
            let of_letter = world.reference(of_letter).await;
            operate::act(&world.house, &of_letter, &operator(world), Act::Withdraw, None).await.unwrap();
            world.days_pass(1).await;
            assert_eq!(world.state(id).await, State::Completed, "once a person has looked");
        })
        .await;
}

/// Letters that lie there together are heard in the order in which they came.
async fn yes_then_stop(world: &World) {
    const OWNERS: [&str; 4] =
        ["owner1@team.example", "owner2@team.example", "owner3@team.example", "owner4@team.example"];
    let mut asked = Vec::new();
    world
        .live(async {
            for owner in OWNERS {
                asked.push((owner, world.ask(owner).await));
            }
        })
        .await;
    for (owner, (_, challenge)) in &asked {
        world.deliver(&challenge.answer(owner, &challenge.code()));
    }
    // The name of a file in a Maildir says the second.
    world.clock.advance(std::time::Duration::from_secs(2));
    for (owner, _) in &asked {
        world.deliver(&plain(owner, "My account", "Please stop. Do not delete my account."));
    }
    world.live(world.settle()).await;
    for (owner, (id, _)) in &asked {
        assert_eq!(world.stored(*id).await.request.held, Some((State::Scheduled, Hold::Unproven)), "{owner}");
    }
}

on_both! {
    async fn an_earlier_yes_does_not_undo_a_later_stop(ground) {
        yes_then_stop(&ground.build().await).await;
    }
}

/// The shop's file, out of reach as long as this lives.
struct Away(PathBuf, PathBuf);

impl Away {
    fn of(world: &World) -> Self {
        let (there, away) = (world.ground.path("shop.db"), world.ground.path("shop.away"));
        std::fs::rename(&there, &away).unwrap();
        Self(there, away)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        std::fs::rename(&self.1, &self.0).unwrap();
    }
}

/// A user asks for their own profile, and says yes to the challenge: now the owner is asked.
async fn approval_is_asked(world: &World) -> (RequestId, Letter) {
    let asked =
        super::opened(world, super::USER, "My profile", "Hello,\r\n\r\nplease delete my user profile.\r\n").await;
    answered(world, &the_letter(world, super::USER, "Please confirm"), super::USER, "Yes, please go ahead.").await;
    assert_eq!(world.state(asked).await, State::AwaitingApproval);
    (asked, the_letter(world, OWNER, ""))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_owner_stops_while_the_directory_is_away() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (asked, approval) = approval_is_asked(world).await;
            answered(world, &approval, OWNER, "Yes, please go ahead.").await;
            assert_eq!(world.state(asked).await, State::Scheduled);
            let away = Away::of(world);
            answered(world, &approval, OWNER, STOP).await;
            drop(away);
            let request = world.stored(asked).await.request;
            assert!(request.held.is_some() || request.state == State::Withdrawn, "it is heard at once: {request:?}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_owners_yes_waits_until_the_directory_is_back() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (asked, approval) = approval_is_asked(world).await;
            let away = Away::of(world);
            world.deliver(&approval.answer(OWNER, "Yes, please go ahead."));
            world.hours_pass(3).await;
            assert_eq!(world.state(asked).await, State::AwaitingApproval);
            assert_eq!(world.fresh(TEAM).len(), 1, "the team is told, once");
            // Others are heard meanwhile.
            world.receive(&plain("stranger@else.example", "Invoice", "Could you send me the invoice once more?")).await;
            world.receive(&plain(super::USER, "My profile", "Please stop. Do not delete my profile.")).await;
            assert_eq!(world.stored(asked).await.request.held, Some((State::AwaitingApproval, Hold::Unproven)));
            drop(away);
            world.hours_pass(2).await;
            assert_eq!(world.state(asked).await, State::OnHold, "a yes from before the stop takes nothing of it back");
            let lost = "SELECT COUNT(*) AS number FROM deliveries WHERE disposition = 'quarantined'";
            assert_eq!(world.number(lost, params![]).await, 0);
        })
        .await;
}

/// The mail server had no time for the letter that offers the stop for most of the grace period.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_told_late_has_as_long_to_stop_it() {
    let world = &World::sqlite().await;
    let users = "SELECT COUNT(*) FROM users WHERE id = 'u1'";
    world
        .live(async {
            let (id, _) = scheduled(world).await;
            let late = world.house.clock.now().plus_days(6);
            let sent = "UPDATE letters SET sent_at = $2 WHERE request_id = $1 AND kind = 'scheduled'";
            assert_eq!(world.try_sql(sent, params![id, late]).await.unwrap(), 1);
            world.days_pass(8).await;
            assert_eq!((world.state(id).await, world.ground.shop.count(users).await), (State::Scheduled, 1));
            world.days_pass(6).await;
            assert_eq!(world.state(id).await, State::Completed);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_not_sent_yet_is_waited_for() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (id, _) = scheduled(world).await;
            let unsent =
                "UPDATE letters SET state = 'queued', sent_at = NULL WHERE request_id = $1 AND kind = 'scheduled'";
            assert_eq!(world.try_sql(unsent, params![id]).await.unwrap(), 1);
            world.days_pass(8).await;
            let waits = "SELECT COUNT(*) AS number FROM jobs WHERE request_id = $1 AND reason = 'notice_not_sent'";
            assert_eq!((world.state(id).await, world.number(waits, params![id]).await), (State::Scheduled, 1));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_could_not_be_told_of_the_grace_period_is_not_erased() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (id, _) = scheduled(world).await;
            let back = "UPDATE letters SET state = 'bounced' WHERE request_id = $1 AND kind = 'scheduled'";
            assert_eq!(world.try_sql(back, params![id]).await.unwrap(), 1);
            world.days_pass(8).await;
            super::in_review(world, id, ReviewReason::NotTold).await;
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE id = 'u1'").await, 1);
        })
        .await;
}
