//! What happens in our own stores while a request waits for others: it is seen before the person is told that all is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use expunged::domain::{RequestId, State};
use expunged::flow::{again, canary, recipients};
use expunged::reply::compose::Outgoing;
use expunged::reply::mailer::{Accepted, FileMailer, Mailer, Obstacle, Reached, SendError};

use super::by_mail::{ByMail, COURIER, MAP, letters_to, two_maps};
use super::{Partner as _, alarms, confirmation, erased, ground_with, world_on, world_with};
use crate::support::world::{Ground, Letter, TEAM, World, on_both, plain};

/// Account 1 and its owner as they were before the erasing, as a backup brings them back.
const BACK: &str = "INSERT INTO accounts VALUES ('a1', 'First Ltd');
    INSERT INTO users VALUES ('u1', 'a1', 'owner', 'owner1@team.example', 'Olga One', '+1 555 0101')";

const OWNERS: &str = "SELECT COUNT(*) FROM users WHERE id = 'u1'";

/// What the team was told of rows that came back.
fn came_back(world: &World) -> Vec<Letter> {
    let mut letters = world.fresh(TEAM);
    letters.retain(|letter| {
        letter.text.contains("under erased keys") || letter.text.contains("written after the erasing")
    });
    letters
}

async fn late_rows(world: World) {
    let shop = &world.ground.shop;
    world
        .live(async {
            let request = erased(&world).await;
            shop.run("INSERT INTO orders VALUES ('o9', 'u1', '2026-03-01', 'Olga One', 'Elm Street 1')").await;
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert_eq!(shop.count("SELECT COUNT(*) FROM orders WHERE ship_name = 'Olga One'").await, 0, "it went too");
            assert_eq!(shop.count("SELECT COUNT(*) FROM orders WHERE ship_name IS NOT NULL").await, 3, "not others");
            assert_eq!(came_back(&world).len(), 1, "the team is told");
            assert!(confirmation(&world).is_some());
        })
        .await;
}

on_both! {
    async fn what_came_late_while_it_waited_goes_before_its_end(ground) {
        late_rows(world_on(ground, &[("partner.toml", MAP)]).await).await;
    }
}

async fn a_restored_store(world: World) {
    let shop = &world.ground.shop;
    world
        .live(async {
            let request = erased(&world).await;
            shop.run(BACK).await;
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Reopened, "a person looks");
            assert!(confirmation(&world).is_none(), "nothing is called done");
            assert_eq!(came_back(&world).len(), 1);
            assert_eq!(shop.count(OWNERS).await, 1);
            let (reference, operator) = (world.reference(request).await, world.operator("ops"));
            again::erase_again(&world.house, &reference, &operator, None).await.unwrap();
            world.settle().await;
            assert_eq!(world.state(request).await, State::Completed);
            assert_eq!(shop.count(OWNERS).await, 0, "and is erased before the person is told");
            assert!(confirmation(&world).is_some());
        })
        .await;
}

on_both! {
    async fn a_store_that_was_restored_while_it_waited_is_erased_before_its_end(ground) {
        a_restored_store(world_on(ground, &[("partner.toml", MAP)]).await).await;
    }
}

#[tokio::test]
async fn what_a_person_leaves_alone_keeps_nobody_from_the_end() {
    let world = world_with(MAP).await;
    world
        .live(async {
            let request = erased(&world).await;
            world.ground.shop.run(BACK).await;
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Reopened);
            let (reference, operator) = (world.reference(request).await, world.operator("ops"));
            again::leave_alone(&world.house, &reference, &operator, "they signed up anew").await.unwrap();
            world.settle().await;
            assert_eq!(world.state(request).await, State::Completed, "it is not asked again and again");
            assert!(confirmation(&world).is_some());
        })
        .await;
}

async fn replayed(world: &World, request: RequestId) {
    let since = world.house.clock.now().minus(std::time::Duration::from_secs(30 * 86_400));
    let operator = world.operator("ops");
    let replayed = canary::replay(&world.house, since, None, &operator, false).await.unwrap();
    assert_eq!(replayed.requests, [request], "what waits for others is searched for too");
    world.settle().await;
}

#[tokio::test]
async fn a_replay_reaches_what_waits_and_it_waits_on() {
    let world = world_with(MAP).await;
    world
        .live(async {
            let request = erased(&world).await;
            world.ground.shop.run(BACK).await;
            replayed(&world, request).await;
            assert_eq!(world.ground.shop.count(OWNERS).await, 0, "erased again");
            assert_eq!(world.state(request).await, State::WaitingOnRecipients, "and it waits on");
            assert!(confirmation(&world).is_none());
            world.days_pass(8).await;
            assert_eq!(letters_to(&world, super::by_mail::PARTNER).len(), 2, "whom it waits for is reminded");
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert!(confirmation(&world).is_some());
        })
        .await;
}

/// An answer counts that comes while what came back waits for a person.
#[tokio::test]
async fn an_answer_is_heard_while_a_person_looks() {
    let world = world_with(MAP).await;
    world
        .live(async {
            let request = erased(&world).await;
            // Under another key: nobody but a person can say whose it is.
            world
                .ground
                .shop
                .run(
                    "INSERT INTO accounts VALUES ('a9', 'Ninth Ltd');
                      INSERT INTO users VALUES ('u9', 'a9', 'owner', 'owner1@team.example', 'Olga One', NULL)",
                )
                .await;
            replayed(&world, request).await;
            assert_eq!(world.state(request).await, State::Reopened);
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Reopened, "the person looks first");
            assert!(confirmation(&world).is_none());
            let (reference, operator) = (world.reference(request).await, world.operator("ops"));
            again::leave_alone(&world.house, &reference, &operator, "a new beginning").await.unwrap();
            world.settle().await;
            assert_eq!((world.state(request).await, alarms(&world)), (State::Completed, 0));
            assert!(confirmation(&world).is_some());
        })
        .await;
}

/// The partner at this address says this.
async fn says(world: &World, address: &str, text: &str) {
    let letter = letters_to(world, address).pop().expect("the partner was written to");
    world.receive(&letter.answer(address, text)).await;
}

async fn two_partners(world: World) {
    world
        .live(async {
            let request = erased(&world).await;
            says(&world, super::by_mail::PARTNER, "done").await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients, "the other is waited for");
            says(&world, super::by_mail::PARTNER, "Sorry, it is not done yet.").await;
            assert_eq!(alarms(&world), 1, "who takes it back is read by a person");
            says(&world, COURIER, "done").await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients, "it was taken back");
            assert!(confirmation(&world).is_none());
            says(&world, super::by_mail::PARTNER, "done").await;
            assert_eq!(world.state(request).await, State::Completed);
            let letter = super::flat(&confirmation(&world).expect("the confirmation"));
            assert!(letter.contains("erased the data too: - Courier Ltd - Parcel & Co."), "{letter}");
        })
        .await;
}

on_both! {
    async fn each_of_two_is_waited_for_and_may_take_it_back(ground) {
        let [one, two] = two_maps();
        two_partners(world_on(ground, &[(one.0, &one.1), (two.0, &two.1)]).await).await;
    }
}

/// Whoever is given longer than the law gives us is told of in time all the same.
#[tokio::test]
async fn silence_is_told_five_days_before_the_due_date() {
    let world = world_with(&MAP.replace("backup_days", "silent_days = 31\nbackup_days")).await;
    world
        .live(async {
            let request = erased(&world).await;
            let due = world.stored(request).await.request.deadlines.legal_due;
            let told_on = due.saturating_sub(jiff::Span::new().days(5));
            while world.house.clock.now().date() < told_on {
                assert_eq!(alarms(&world), 0, "not yet on {}", world.house.clock.now().date());
                world.days_pass(1).await;
            }
            world.days_pass(1).await;
            assert_eq!(alarms(&world), 1, "five days are left");
        })
        .await;
}

/// The account of a large owner: more people than one order may name.
#[tokio::test]
async fn more_people_than_one_letter_takes_are_told_in_parts() {
    let world = world_with(MAP).await;
    world
        .live(async {
            many_people(&world).await;
            let request = erased(&world).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients);
            let asked = letters_to(&world, super::by_mail::PARTNER);
            assert_eq!(asked.len(), 2);
            assert!(
                super::flat(&asked[0]).contains("This is letter 1 of 2")
                    || super::flat(&asked[1]).contains("letter 1 of 2")
            );
            let all: String = asked.iter().map(|letter| letter.text.as_str()).collect();
            assert!((1..=1200).all(|i| all.contains(&format!("n{i}@many.example"))), "each of them, once over both");
            world.receive(&asked[0].answer(super::by_mail::PARTNER, "done")).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients, "the other part is waited for");
            world.receive(&asked[1].answer(super::by_mail::PARTNER, "done")).await;
            assert_eq!(world.state(request).await, State::Completed);
            let letter = super::flat(&confirmation(&world).expect("the confirmation"));
            assert_eq!(letter.matches("Parcel & Co.").count(), 1, "{letter}");
        })
        .await;
}

/// What a person closes is all that they were asked, in however many parts.
#[tokio::test]
async fn a_person_closes_all_parts_at_once() {
    let world = world_with(MAP).await;
    world
        .live(async {
            many_people(&world).await;
            let request = erased(&world).await;
            let asked = letters_to(&world, super::by_mail::PARTNER);
            world.receive(&asked[0].answer(super::by_mail::PARTNER, "done")).await;
            super::closes(&world, request, "they have not confirmed it: - Parcel & Co.").await;
        })
        .await;
}

/// More people in the first account than one order may name.
async fn many_people(world: &World) {
    let people = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
                  INSERT INTO users SELECT 'n' || i, 'a1', 'user', 'n' || i || '@many.example', 'N', NULL FROM n";
    world.ground.shop.run(people).await;
}

/// Who had a phone number erased is still there, and what they write anew is theirs to have.
#[tokio::test]
async fn named_data_that_are_written_anew_stay() {
    let world = world_with(&MAP.replace("\"contact\"", "\"phone\"")).await;
    let phones = "SELECT COUNT(*) FROM users WHERE id = 'u1' AND phone IS NOT NULL";
    world
        .live(async {
            let asks = plain(super::OWNER, "My phone number", "Hello,\r\n\r\nplease delete my phone number.");
            let request = world.receive(&asks).await.1.expect("a request");
            let challenge = world.fresh(super::OWNER).pop().expect("the person is asked");
            world.receive(&challenge.answer(super::OWNER, &challenge.code())).await;
            world.days_pass(8).await;
            assert_eq!(world.state(request).await, State::WaitingOnRecipients);
            assert_eq!(world.ground.shop.count(phones).await, 0);
            world.ground.shop.run("UPDATE users SET phone = '+1 555 0199' WHERE id = 'u1'").await;
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert_eq!((world.ground.shop.count(phones).await, came_back(&world).len()), (1, 0));
        })
        .await;
}

/// A mail server that has no time for the partner as long as it is busy.
struct Busy {
    mailer: FileMailer,
    busy: AtomicBool,
}

#[async_trait]
impl Mailer for Busy {
    async fn send(&self, outgoing: &Outgoing) -> Result<Accepted, SendError> {
        if outgoing.to == super::by_mail::PARTNER && self.busy.load(Ordering::SeqCst) {
            return Err(SendError::Transient { reached: Reached::Recipient, obstacle: Obstacle::Reply(452) });
        }
        self.mailer.send(outgoing).await
    }
}

#[tokio::test]
async fn a_letter_to_whom_a_person_closed_does_not_leave_any_more() {
    let [one, two] = two_maps();
    let ground = ground_with(Ground::sqlite().await, &[(one.0, &one.1), (two.0, &two.1)]);
    let mailer = FileMailer::new(ground.path("customers"));
    let server = Arc::new(Busy { mailer, busy: AtomicBool::new(true) });
    let world = ground.build_with(Arc::clone(&server) as Arc<dyn Mailer>).await;
    world
        .live(async {
            let request = erased(&world).await;
            assert_eq!((letters_to(&world, super::by_mail::PARTNER).len(), letters_to(&world, COURIER).len()), (0, 1));
            let (reference, operator) = (world.reference(request).await, world.operator("grace"));
            recipients::close(&world.house, &reference, &operator, "parcels", "told by telephone").await.unwrap();
            server.busy.store(false, Ordering::SeqCst);
            world.days_pass(1).await;
            assert!(letters_to(&world, super::by_mail::PARTNER).is_empty(), "nothing is asked of them any more");
            says(&world, COURIER, "done").await;
            assert_eq!(world.state(request).await, State::Completed);
            assert!(confirmation(&world).is_some());
        })
        .await;
}
