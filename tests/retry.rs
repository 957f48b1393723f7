//! The promise: a job that is said to be tried again has something to do; where it has not, the operator hears what helps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use expunged::db::jobs::{self, JobRow, JobState};
use expunged::domain::request::ReviewReason;
use expunged::domain::{RequestId, Scope, State};
use expunged::flow::operate::{self, Correction};
use expunged::flow::retry::{self, Retried};
use expunged::flow::stopped;
use expunged::params;
use expunged::reply::compose::Outgoing;
use expunged::reply::mailer::{Accepted, FileMailer, Mailer, Obstacle, Reached, SendError};

use crate::support::world::{World, on_both_sides, plain};

const OWNER: &str = "owner1@team.example";

/// A mail server that can be away.
struct Server {
    mailer: FileMailer,
    away: AtomicBool,
}

#[async_trait]
impl Mailer for Server {
    async fn send(&self, outgoing: &Outgoing) -> Result<Accepted, SendError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Connection });
        }
        self.mailer.send(outgoing).await
    }
}

async fn dead(world: &World, kind: &str) -> JobRow {
    let mut tx = world.house.db.read().await.unwrap();
    let mut dead = jobs::list(&mut tx, &[JobState::Dead], None, 100).await.unwrap();
    dead.retain(|job| job.kind == kind);
    assert_eq!(dead.len(), 1, "{dead:?}");
    dead.remove(0)
}

async fn again(world: &World, job: &JobRow) -> Retried {
    retry::job(&world.house, job.id, &world.operator("ops")).await.unwrap()
}

/// What is said instead; the job stays as it is.
async fn instead(world: &World, kind: &str, words: &str) {
    let job = dead(world, kind).await;
    let Retried::Instead(why) = again(world, &job).await else { panic!("{kind} was put back to do nothing") };
    assert!(why.contains(words), "{why}");
    assert_eq!(dead(world, kind).await, job);
}

/// Everything about a send job that failed for good because each attempt ended its worker; its letter was given up days
/// ago. Giving a letter up completes its job as a rule: `requests resend` is for that.
async fn given_up(world: &World, id: RequestId) {
    let long_ago = expunged::domain::Timestamp::from_micros(
        expunged::clock::Clock::now(&*world.clock).as_micros() - 6 * 86_400_000_000,
    );
    let letter = "UPDATE letters SET state = 'failed', put_off_at = $2, obstacle = 'x' WHERE request_id = $1 AND kind = 'challenge'";
    assert_eq!(world.try_sql(letter, params![id, long_ago]).await.unwrap(), 1);
    let job = "UPDATE jobs SET state = 'dead', reason = 'database' WHERE request_id = $1 AND kind = 'send'";
    assert_eq!(world.try_sql(job, params![id]).await.unwrap(), 1);
}

on_both_sides! {
    async fn a_letter_that_was_given_up_is_sent(side) {
        let ground = side.ground().await;
        let server = Arc::new(Server { mailer: FileMailer::new(ground.path("customers")), away: AtomicBool::new(true) });
        let world = ground.build_with(Arc::clone(&server) as Arc<dyn Mailer>).await;
        let id = world.live(async { world.receive(&world.closing(OWNER)).await.1.unwrap() }).await;
        given_up(&world, id).await;
        let job = dead(&world, "send").await;
        assert_eq!(again(&world, &job).await, Retried::Again);
        // Five more days of trying begin now, although the server is still away.
        let state = "SELECT COUNT(*) AS number FROM letters WHERE kind = 'challenge' AND state = $1";
        world.live(world.settle()).await;
        assert_eq!(world.number(state, params!["queued"]).await, 1);
        server.away.store(false, Ordering::SeqCst);
        world
            .live(async {
                world.days_pass(1).await;
                assert_eq!(world.number(state, params!["sent"]).await, 1);
                assert_eq!(world.fresh(OWNER).len(), 1);
            })
            .await;
        assert_eq!(again(&world, &job).await, Retried::NotIdle);
        let retried = "SELECT COUNT(*) AS number FROM trail WHERE event = 'job_retried'";
        assert_eq!(world.number(retried, params![]).await, 1);
    }
}

on_both_sides! {
    async fn a_question_that_is_over_is_not_asked_by_a_retry(side) {
        let ground = side.ground().await;
        let server = Arc::new(Server { mailer: FileMailer::new(ground.path("customers")), away: AtomicBool::new(true) });
        let world = ground.build_with(Arc::clone(&server) as Arc<dyn Mailer>).await;
        let id = world.live(async { world.receive(&world.closing(OWNER)).await.1.unwrap() }).await;
        given_up(&world, id).await;
        let reference = world.reference(id).await;
        operate::act(&world.house, &reference, &world.operator("ops"), operate::Act::Withdraw, None).await.unwrap();
        instead(&world, "send", "what it asks or says is over").await;
        assert_eq!(world.number("SELECT COUNT(*) AS number FROM letters WHERE state = 'failed'", params![]).await, 1);
    }
}

on_both_sides! {
    async fn a_request_that_waits_for_a_person_is_put_right_instead(side) {
        let world = side.ground().await.build().await;
        world
            .live(async {
                world.ground.shop.run("ALTER TABLE users RENAME TO people").await;
                let id = world.receive(&world.closing(OWNER)).await.1.unwrap();
                let request = world.stored(id).await.request;
                assert_eq!((request.state, request.review), (State::NeedsReview, Some(ReviewReason::Poison)));
                let mut tx = world.house.db.read().await.unwrap();
                let cause = stopped::cause(&world.house.kek, &mut tx, &request).await.unwrap().expect("why it stopped");
                drop(tx);
                assert_eq!((cause.reason.as_str(), cause.store.as_deref()), ("poison", Some("shop")));
                assert!(cause.text.contains("no such table: users"), "{}", cause.text);
                world.ground.shop.run("ALTER TABLE people RENAME TO users").await;
                instead(&world, "identify", "requests scope").await;
                // What is said helps.
                let correction = Correction { scope: Some(Scope::Account), ..Correction::default() };
                let operator = world.operator("ops");
                operate::correct(&world.house, &request.reference, &operator, correction).await.unwrap();
                world.settle().await;
                assert_eq!(world.state(id).await, State::AwaitingConfirmation);
                instead(&world, "identify", "has moved on").await;
            })
            .await;
    }
}

on_both_sides! {
    async fn an_erasure_is_tried_again(side) {
        let world = side.ground().await.build().await;
        world
            .live(async {
                let id = world.ask_and_confirm(OWNER).await;
                let refuse = "CREATE TRIGGER no BEFORE DELETE ON users BEGIN SELECT RAISE(ABORT, 'no'); END";
                world.ground.shop.run(refuse).await;
                world.days_pass(8).await;
                let job = dead(&world, "erase").await;
                assert_eq!(world.state(id).await, State::Erasing);
                world.ground.shop.run("DROP TRIGGER no").await;
                assert_eq!(again(&world, &job).await, Retried::Again);
                world.settle().await;
                assert_eq!(world.state(id).await, State::Completed);
            })
            .await;
    }
}

on_both_sides! {
    async fn a_beginning_that_failed_is_put_right_instead(side) {
        let world = side.ground().await.build().await;
        world
            .live(async {
                let id = world.ask_and_confirm(OWNER).await;
                world.ground.shop.run("ALTER TABLE users RENAME TO people").await;
                world.days_pass(8).await;
                assert_eq!(world.state(id).await, State::NeedsReview);
                instead(&world, "begin", "requests scope").await;
            })
            .await;
    }
}

on_both_sides! {
    async fn a_letter_that_was_set_aside_is_read_by_a_person_instead(side) {
        let world = side.ground().await.build().await;
        crate::bad_input::letters::poisoned(&world).await;
        world.live(world.settle()).await;
        instead(&world, "judge", "requests show --reveal").await;
    }
}

on_both_sides! {
    /// Tried now, these would find the same limit: nothing is said to be due that waits on.
    async fn what_keeps_to_a_limit_is_not_said_to_be_due(side) {
        let gather = |config: String| {
            config.replace("alarms_gathered_minutes = 0\n", "alarms_gathered_minutes = 60\n")
        };
        let world = side.ground().await.with_config(gather).build().await;
        world
            .live(async {
                for number in 0..2 {
                    world.receive(&world.closing(&format!("nobody{number}@elsewhere.example"))).await;
                }
                let (_, challenge) = world.ask(OWNER).await;
                world.receive(&challenge.answer(OWNER, &challenge.code())).await;
                let text = "Hello,\r\n\r\nplease delete the user profile of our colleague Una One. She left us.\r\n";
                world.receive(&plain(OWNER, "Delete a user profile", text)).await;
                for (kind, reason, words) in [
                    ("send", "alarms_gathered", "are told together"),
                    ("identify", "asked_lately", "per_address_hours"),
                ] {
                    let job = waiting(&world, kind, reason).await;
                    assert!(job.since.is_some() && job.run_at > expunged::clock::Clock::now(&*world.clock), "{job:?}");
                    let Retried::Instead(why) = again(&world, &job).await else { panic!("{reason} is said to be due") };
                    assert!(why.contains(words), "{why}");
                    assert_eq!(waiting(&world, kind, reason).await, job, "it stays as it is");
                }
            })
            .await;
    }
}

on_both_sides! {
    /// A limit may have been raised since; where it was not, the letter waits on.
    async fn a_letter_over_a_limit_of_the_hour_is_tried_now(side) {
        let limited = |config: String| {
            config.replace("alarms_gathered_minutes = 0\n", "alarms_gathered_minutes = 0\naddress_letters_per_hour = 1\n")
        };
        let mut world = side.ground().await.with_config(limited).build().await;
        let sent = "SELECT COUNT(*) AS number FROM letters WHERE kind = 'scheduled' AND state = 'sent'";
        world
            .live(async {
                let (_, challenge) = world.ask(OWNER).await;
                world.receive(&challenge.answer(OWNER, &challenge.code())).await;
                let job = waiting(&world, "send", "letters_per_hour").await;
                assert_eq!(again(&world, &job).await, Retried::Sooner);
                world.settle().await;
                waiting(&world, "send", "letters_per_hour").await;
                assert_eq!(world.number(sent, params![]).await, 0, "the limit still holds");
            })
            .await;
        Arc::get_mut(&mut world.house).expect("nobody works in it").config.limits.address_letters_per_hour = 2;
        world
            .live(async {
                let job = waiting(&world, "send", "letters_per_hour").await;
                assert_eq!(again(&world, &job).await, Retried::Sooner);
                world.settle().await;
                assert_eq!(world.number(sent, params![]).await, 1);
            })
            .await;
    }
}

async fn waiting(world: &World, kind: &str, reason: &str) -> JobRow {
    let mut tx = world.house.db.read().await.unwrap();
    let found = jobs::list(&mut tx, &[JobState::Waiting], None, 100).await.unwrap();
    let mut wanted = found.iter().filter(|job| job.kind == kind && job.reason.as_deref() == Some(reason));
    wanted.next().cloned().unwrap_or_else(|| panic!("no {kind} waits for {reason}: {found:#?}"))
}
