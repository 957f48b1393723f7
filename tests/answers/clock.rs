//! The legal clock is watched to its end, and nobody's period is extended behind their back.

use std::sync::Arc;

use expunged::clock::{Clock, FixedClock};
use expunged::db::requests;
use expunged::domain::{State, Timestamp};
use expunged::flow::operate::{self, Refusal};
use expunged::params;

use super::{GUEST, OWNER, answered, opened, operator, reference, the_letter};
use crate::support::world::{Ground, TEAM, World};

/// Alarms to the team since the last look that a request is due.
fn due_alarms(world: &World) -> usize {
    world
        .fresh(TEAM)
        .iter()
        .filter(|letter| letter.subject.contains("due on") && !letter.subject.contains("waits"))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refusal_and_an_extension_in_review_are_told() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let text = "Hello,\r\n\r\nplease delete the user profile of our colleague Nobody Known. She left us.\r\n";
            let asked = opened(world, OWNER, "Delete a user profile", text).await;
            the_letter(world, OWNER, "looking at your request");
            let reference = reference(world, asked).await;
            operate::extend(
                &world.house,
                &reference,
                &operator(world),
                (operate::ExtensionGround::Number, "Much to do"),
            )
            .await
            .unwrap();
            world.settle().await;
            assert_eq!(world.fresh(OWNER).len(), 1, "the extension is told");
            let (ground, article) = ("It is needed in court".to_owned(), "Art. 17(3)(e) GDPR".to_owned());
            let refusal = Refusal { ground, article, data: Vec::new(), review_on: None };
            operate::refuse(&world.house, &reference, &operator(world), refusal).await.unwrap();
            world.settle().await;
            assert_eq!(world.fresh(OWNER).len(), 1, "and so is the refusal");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_extension_whose_notice_did_not_leave_alarms_on_the_base_due_date() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let text = "Hello,\r\n\r\nplease delete the user profile of our colleague Nobody Known. She left us.\r\n";
            let asked = [
                opened(world, OWNER, "Delete a user profile", text).await,
                opened(world, "owner2@team.example", "Delete a user profile", text).await,
            ];
            for id in asked {
                let reference = reference(world, id).await;
                operate::extend(
                    &world.house,
                    &reference,
                    &operator(world),
                    (operate::ExtensionGround::Number, "Much to do"),
                )
                .await
                .unwrap();
            }
            world.settle().await;
            let stuck = "UPDATE letters SET state = 'held' WHERE kind = 'extension' AND request_id = $1";
            world.try_sql(stuck, params![asked[0]]).await.unwrap();
            assert_eq!(due_alarms(world), 0);
            world.days_pass(31).await;
            assert_eq!(due_alarms(world), 1, "one of the two was told in time");
        })
        .await;
}

/// Whoever answers in the last minute of the day that the letter names answers in time, and a minute later not.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_counts_to_the_end_of_the_day_that_the_letter_names() {
    let zone = "time_zone = \"America/Los_Angeles\"\nlanguage = \"en\"";
    let ground = Ground::sqlite().await.with_config(|config| config.replace("language = \"en\"", zone));
    let world = &ground.build().await;
    world
        .live(async {
            let [(late, question), (later, silent)] = [world.ask(OWNER).await, world.ask("owner2@team.example").await];
            // It is ten in the morning of 3 January there when both are asked.
            for letter in [&question, &silent] {
                assert!(letter.text.contains("reply by 17 January 2027"), "{}", letter.text);
            }
            let midnight: jiff::Timestamp = "2027-01-18T08:00:00Z".parse().unwrap();
            let minute = std::time::Duration::from_secs(60);
            let left = Timestamp::from_jiff(midnight).as_micros() - world.clock.now().as_micros();
            world.clock.advance(std::time::Duration::from_micros(u64::try_from(left).unwrap()) - minute);
            world.settle().await;
            answered(world, &question, OWNER, &question.code()).await;
            assert_eq!(world.state(late).await, State::Scheduled);
            assert_eq!(world.state(later).await, State::AwaitingConfirmation);
            world.clock.advance(minute);
            world.settle().await;
            assert_eq!(world.state(later).await, State::Expired);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_controllers_clock_is_watched_and_the_end_stands() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let asked = opened(world, GUEST, "My data", "Hello,\r\n\r\nplease delete all my personal data.\r\n").await;
            let ended = world.stored(asked).await.ended_at.expect("what was forwarded has ended");
            world.days_pass(25).await;
            assert_eq!(due_alarms(world), 1);
            let mut tx = world.house.db.read().await.unwrap();
            let stored = requests::load(&mut tx, asked).await.unwrap().unwrap();
            assert_eq!(stored.ended_at, Some(ended), "an alarm is no other end");
        })
        .await;
}

/// Without a grace period no letter offers a stop that could not work.
#[tokio::test]
async fn without_a_grace_period_nobody_is_told_to_stop() {
    let ground = Ground::sqlite().await.with_config(|config| config + "\n[schedule]\ngrace_days = 0\n");
    let world = ground.build().await;
    world
        .live(async {
            let (request, challenge) = world.ask(OWNER).await;
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            let fresh = world.fresh(OWNER);
            let told = fresh.iter().find(|letter| letter.subject.contains("Confirmed")).expect("the owner is told");
            assert!(told.subject.contains("at once"), "{}", told.subject);
            let text = told.text.replace(['\r', '\n'], " ");
            assert!(!text.contains("stop”") && text.contains("can no longer be stopped"), "{text}");
            assert_eq!(world.state(request).await, State::Completed);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_does_not_answer_is_reminded_once() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (id, challenge) = world.ask(OWNER).await;
            world.days_pass(4).await;
            assert!(world.fresh(OWNER).is_empty(), "there is time to answer");
            world.days_pass(1).await;
            let reminder = the_letter(world, OWNER, "Reminder");
            assert_eq!(reminder.code(), challenge.code(), "it is the same question");
            world.days_pass(4).await;
            world.days_pass(4).await;
            assert!(world.fresh(OWNER).is_empty(), "once is enough");
            assert_eq!(world.state(id).await, State::AwaitingConfirmation);
            world.receive(&reminder.answer(OWNER, &reminder.code())).await;
            assert_eq!(world.state(id).await, State::Scheduled, "and it can be answered");
        })
        .await;
}

/// The reminder says that it is the only one, also where the question is put anew after a pause.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_was_reminded_is_not_reminded_again_after_a_pause() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let (id, _) = world.ask(OWNER).await;
            world.days_pass(5).await;
            the_letter(world, OWNER, "Reminder");
            let (reference, operator) = (reference(world, id).await, operator(world));
            for act in [operate::Act::Hold, operate::Act::Release] {
                operate::act(&world.house, &reference, &operator, act, None).await.unwrap();
                world.settle().await;
            }
            the_letter(world, OWNER, "Please confirm");
            world.days_pass(8).await;
            assert!(world.fresh(OWNER).is_empty(), "once is enough");
            assert_eq!(world.state(id).await, State::AwaitingConfirmation);
        })
        .await;
}

/// The directory is away from the day on which the letter came, and nobody looked at the alarm about that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_clock_of_a_request_is_watched_before_anybody_knows_whose_it_is() {
    let world = &World::sqlite().await;
    world
        .live(async {
            let shop = world.ground.path("shop.db");
            std::fs::rename(&shop, world.ground.path("away.db")).unwrap();
            let (_, request) = world.receive(&world.closing(OWNER)).await;
            let request = request.expect("it has a request");
            world.days_pass(20).await;
            assert_eq!(world.state(request).await, State::Received, "nobody knows who it is");
            assert_eq!(due_alarms(world), 0, "there is time");
            world.days_pass(5).await;
            assert_eq!(due_alarms(world), 1, "seven days are left");
            world.days_pass(2).await;
            assert_eq!(due_alarms(world), 0, "once");
            std::fs::rename(world.ground.path("away.db"), &shop).unwrap();
            world.hours_pass(2).await;
            assert_eq!(world.state(request).await, State::AwaitingConfirmation);
        })
        .await;
}

/// A clock that says that it shows what all others do, and is moved by hand.
struct Ambient(Arc<FixedClock>);

impl Clock for Ambient {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn is_ambient(&self) -> bool {
        true
    }
}

/// The clock of this machine ran ahead: by it the time to stop is over, by that of the database it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_begins_while_two_clocks_differ() {
    let mut world = World::postgres().await;
    let request = world.live(world.ask_and_confirm(OWNER)).await;
    let by_hand = Arc::clone(&world.house.clock);
    Arc::get_mut(&mut world.house).expect("nobody works").clock = Arc::new(Ambient(Arc::clone(&world.clock)));
    world
        .live(async {
            world.fresh(TEAM);
            world.days_pass(8).await;
            world.hours_pass(2).await;
            assert_eq!(world.state(request).await, State::Scheduled, "nobody knows whether the time to stop is over");
            let waits = "SELECT COUNT(*) AS number FROM jobs WHERE kind = 'begin' AND reason = 'clocks_differ'";
            assert_eq!(world.number(waits, params![]).await, 1);
            let alarms = world.fresh(TEAM);
            assert_eq!(alarms.len(), 1, "the team is told once");
            assert!(alarms[0].text.contains("differ"), "{}", alarms[0].text);
        })
        .await;
    Arc::get_mut(&mut world.house).expect("nobody works").clock = by_hand;
    world.live(world.hours_pass(2)).await;
    assert_eq!(world.state(request).await, State::Completed);
}
