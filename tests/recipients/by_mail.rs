//! A recipient who is asked by a letter.

use expunged::db::deliveries::Disposition;
use expunged::domain::State;
use expunged::params;

use super::{Partner, alarms, confirmation, erased, world_with};
use crate::support::world::{Letter, TEAM, World};

pub(super) const PARTNER: &str = "privacy@parcel.example";

pub(super) const MAP: &str = r#"
[store]
name       = "parcels"
kind       = "mail"
label      = "Parcel & Co."
categories = ["contact", "identity"]
address    = "privacy@parcel.example"
backup_days = 0

[tell]
user = ["email"]
"#;

pub(super) const COURIER: &str = "courier@courier.example";

/// The map of the partner, and that of a second one.
pub(super) fn two_maps() -> [(&'static str, String); 2] {
    let courier = MAP.replace("\"parcels\"", "\"courier\"").replace("Parcel & Co.", "Courier Ltd");
    [("partner.toml", MAP.to_owned()), ("courier.toml", courier.replace(PARTNER, COURIER))]
}

/// All letters that lie in the mailbox of the partner, the oldest first.
fn letters(world: &World) -> Vec<Letter> {
    letters_to(world, PARTNER)
}

/// The same of whoever reads at this address.
pub(super) fn letters_to(world: &World, address: &str) -> Vec<Letter> {
    let folder = world.ground.path("customers").join(address).join("new");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort_by_key(|file| std::fs::metadata(file).unwrap().modified().unwrap());
    files.iter().map(|file| Letter::read(file)).collect()
}

pub(super) struct ByMail;

impl ByMail {
    async fn says(world: &World, text: &str) -> Disposition {
        let letter = letters(world).pop().expect("the partner was written to");
        world.receive(&letter.answer(PARTNER, text)).await.0
    }
}

impl Partner for ByMail {
    fn map(&self) -> String {
        MAP.to_owned()
    }

    fn orders(&self, world: &World) -> usize {
        letters(world).iter().filter(|letter| !letter.subject.contains("Reminder")).count()
    }

    fn told(&self, world: &World) -> String {
        letters(world).iter().map(|letter| letter.text.clone()).collect()
    }

    async fn says_done(&self, world: &World) {
        let disposition = Self::says(world, "Hello,\r\n\r\ndone.\r\n\r\nKind regards\r\nAnna Weber").await;
        assert_eq!(disposition, Disposition::Answer);
    }

    async fn refuses(&self, world: &World) {
        assert_eq!(Self::says(world, "No, we cannot erase them.").await, Disposition::Answer);
    }
}

#[tokio::test]
async fn a_letter_asks_and_the_answer_completes() {
    super::it_waits_until_the_partner_is_done(&ByMail).await;
}

#[tokio::test]
async fn a_no_goes_to_a_person() {
    super::a_refusal_goes_to_a_person(&ByMail).await;
}

#[tokio::test]
async fn a_done_after_a_no_counts() {
    super::done_after_a_refusal_counts(&ByMail).await;
}

#[tokio::test]
async fn silence_is_chased_escalated_and_closed() {
    super::silence_is_escalated_and_a_person_closes_it(&ByMail).await;
}

#[tokio::test]
async fn one_reminder_is_sent_and_an_answer_to_it_counts() {
    let world = world_with(MAP).await;
    world
        .live(async {
            let request = erased(&world).await;
            world.days_pass(6).await;
            assert_eq!(letters(&world).len(), 1, "not yet");
            world.days_pass(2).await;
            let written = letters(&world);
            assert_eq!(written.len(), 2);
            assert!(written.iter().any(|letter| letter.subject.contains("Reminder")));
            world.days_pass(3).await;
            assert_eq!(letters(&world).len(), 2, "one reminder");
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert!(confirmation(&world).is_some());
        })
        .await;
}

#[tokio::test]
async fn what_a_machine_answers_counts_for_nothing_and_what_is_unclear_goes_to_a_person() {
    let world = world_with(MAP).await;
    world
        .live(async {
            let request = erased(&world).await;
            let letter = letters(&world).pop().unwrap();
            let machine = String::from_utf8(letter.answer(PARTNER, "done")).unwrap();
            let machine = machine.replacen("Subject:", "Auto-Submitted: auto-replied\r\nSubject:", 1);
            assert_eq!(world.receive(machine.as_bytes()).await.0, Disposition::Automatic);
            assert_eq!((world.state(request).await, alarms(&world)), (State::WaitingOnRecipients, 0));
            for (nth, unclear) in ["yes", "Done, except for the invoices.", "We will look into it."].iter().enumerate()
            {
                assert_eq!(ByMail::says(&world, unclear).await, Disposition::Answer, "{unclear}");
                assert_eq!(world.state(request).await, State::WaitingOnRecipients, "{unclear}");
                assert_eq!(alarms(&world), 1, "alarm {nth}: {unclear}");
            }
            // Without the token it is nobody's answer.
            let stranger = crate::support::world::plain(PARTNER, "Your request", "done");
            assert_ne!(world.receive(&stranger).await.0, Disposition::Answer);
            assert_eq!(world.state(request).await, State::WaitingOnRecipients);
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert!(confirmation(&world).is_some());
        })
        .await;
}

#[tokio::test]
async fn what_they_write_after_the_end_goes_to_a_person() {
    let world = world_with(MAP).await;
    world
        .live(async {
            let request = erased(&world).await;
            ByMail.says_done(&world).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert!(confirmation(&world).is_some());
            let letter = letters(&world).pop().unwrap();
            let again = world.receive(&letter.answer(PARTNER, "Done.")).await;
            assert_eq!(again, (Disposition::Answer, Some(request)), "that we know");
            world.fresh(TEAM);
            let news = "Sorry, we found that three parcels are not erased yet.";
            let (disposition, opened) = world.receive(&letter.answer(PARTNER, news)).await;
            assert_eq!(disposition, Disposition::Opened);
            let opened = opened.expect("a request for a person");
            assert_ne!(opened, request);
            assert_eq!(world.state(opened).await, State::NeedsReview);
            assert_eq!(world.fresh(TEAM).len(), 1, "the team is told");
            let kept = "SELECT COUNT(*) AS number FROM sealed s JOIN vault_keys k ON k.id = s.key_id
                        JOIN requests r ON r.case_id = k.owner WHERE r.id = $1 AND s.kind = 'letter'";
            assert_eq!(world.number(kept, params![opened]).await, 1, "and can read it");
            assert_eq!(world.state(request).await, State::Completed);
        })
        .await;
}

/// A world whose clock is moved by hand is not called idle while a job waits for no more than another try.
#[tokio::test]
async fn what_is_decided_anew_is_waited_for() {
    let world = world_with(MAP).await;
    world
        .live(async {
            let request = erased(&world).await;
            let soon = world.house.clock.now().plus(std::time::Duration::from_secs(5));
            let moved =
                "UPDATE jobs SET reason = 'moved_meanwhile', run_at = $2 WHERE request_id = $1 AND kind = 'ask'";
            assert_eq!(world.try_sql(moved, params![request, soon]).await.unwrap(), 1);
            world.settle().await;
            let soon_still =
                "SELECT COUNT(*) AS number FROM jobs WHERE request_id = $1 AND kind = 'ask' AND run_at = $2";
            assert_eq!(world.number(soon_still, params![request, soon]).await, 0);
        })
        .await;
}
