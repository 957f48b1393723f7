//! A challenge that does not arrive says nothing about its reader: a person looks, and the team is told. A challenge
//! that is only late is still on its way.

use expunged::db::requests;
use expunged::domain::request::ReviewReason;
use expunged::domain::{Role, State};

use super::letters::written;
use super::stores::user;
use super::world::{SUPPORT, TEAM, Way, World};
use crate::support::is_root;
use crate::support::post::{Post, subject_of, until};

/// Postfix takes letters to `gone.example` and returns them by a notification, refuses `refused.example` at once, and
/// holds those to `slow.example` with a word of warning to the sender.
const POSTFIX: &str = "smtpd_reject_unlisted_recipient = no
transport_maps = inline:{ { gone.example = error:5.1.1 there is no such mailbox }, { slow.example = retry:4.4.1 not now } }
smtpd_recipient_restrictions = check_recipient_access inline:{ { refused.example = 550 5.1.1 there is no such mailbox } }, permit_mynetworks, reject
delay_warning_time = 1s
minimal_backoff_time = 60s
maximal_backoff_time = 60s
";

const LETTER: &str = "Hello,\n\nplease delete my account and all data that belongs to it.\n\nThank you";

#[tokio::test]
async fn a_challenge_that_comes_back_goes_to_a_person() {
    if !is_root() {
        return Post::says_that_postfix_is_missing();
    }
    let world = World::create(&Way { ledger: None, imap: "tls", postfix: POSTFIX }).await;
    world
        .live(async |world| {
            // Returned, refused, late: one letter of each customer, and one notification for the first and the last.
            for account in [4, 5, 6] {
                let owner = user(account, 0);
                world.write(&owner.email, &written(&owner, &world.date(), "Close my account", LETTER, "")).await;
            }
            world.settled(5).await;
            let alarms = async || {
                let alarms = world.post.inbox(TEAM);
                let subjects: Vec<_> = alarms.iter().map(|letter| subject_of(&letter.bytes)).collect();
                let came_back = subjects.iter().filter(|subject| subject.contains("could not be delivered")).count();
                let waits = subjects.iter().filter(|subject| subject.contains("waits for a person")).count();
                (came_back == 2 && waits == 2).then_some(())
            };
            until("the alarms of two letters", alarms, || world.post.log()).await;
            assert_eq!(world.post.inbox(TEAM).len(), 4, "a letter that is late alarms nobody");
            let mut tx = world.house.db.read().await.expect("the ledger answers");
            let mut states: Vec<_> = requests::list(&mut tx, &[], true, 10)
                .await
                .expect("the ledger answers")
                .into_iter()
                .map(|stored| (stored.request.state, stored.request.review, stored.request.ask.map(|ask| ask.role)))
                .collect();
            states.sort_by_key(|(state, ..)| state.as_str());
            let bounced = (State::NeedsReview, Some(ReviewReason::ChallengeBounced), Some(Role::Owner));
            assert_eq!(states, [(State::AwaitingConfirmation, None, Some(Role::Owner)), bounced, bounced]);
            let expected = [("automatic", 1), ("bounce", 1), ("opened", 3)].map(|(name, n)| (name.to_owned(), n));
            assert_eq!(world.dispositions().await, expected);
            let marked = async || {
                let support = world.post.inbox(SUPPORT);
                (support.iter().filter(|letter| letter.flags == ["$Expunged"]).count() == 4).then_some(support)
            };
            let support = until("three letters and a notification that are marked", marked, || world.post.log()).await;
            let other = support.iter().find(|letter| letter.flags.is_empty()).expect("the warning is left alone");
            assert!(subject_of(&other.bytes).contains("Delayed Mail"), "{}", subject_of(&other.bytes));
        })
        .await;
}
