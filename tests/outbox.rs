//! The promise: no letter of ours is lost in silence. A mail server that is away is waited for; what is given up, or may
//! not have arrived, goes to a person; and silence after a question that nobody got ends nothing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use expunged::chance::OsChance;
use expunged::domain::request::ReviewReason;
use expunged::domain::{RequestId, State};
use expunged::flow::operate::{self, Approval, Refusal};
use expunged::flow::{FlowError, retry};
use expunged::mailbox::maildir;
use expunged::params;
use expunged::reply::compose::Outgoing;
use expunged::reply::mailer::{Accepted, FileMailer, Mailer, Obstacle, Reached, SendError};
use expunged::trail::Event;
use expunged::verify::ProofKind;

use crate::canary::logs::listen;
use crate::support::world::{Ground, START, Side, TEAM, World, on_both_sides, plain};

mod limits;

const OWNER: &str = "owner1@team.example";

/// A mail server that can be away, or go away after it took the message.
struct Server {
    mailer: FileMailer,
    mood: AtomicU8,
    /// One address that it treats in a way of its own.
    apart: Mutex<Option<(&'static str, u8)>>,
    /// Where it keeps a copy of what it took.
    sent: Option<PathBuf>,
}

const THERE: u8 = 0;
const AWAY: u8 = 1;
const CUT_OFF: u8 = 2;
/// It refuses our login.
const LOGIN_REFUSED: u8 = 3;
/// It knows nobody but the team.
const NOBODY: u8 = 4;
/// It refuses everything for good.
const REFUSING: u8 = 5;
/// It takes the message, and is cut off before it says so.
const TAKES_AND_IS_CUT_OFF: u8 = 6;
/// It has no time for the addressee now.
const BUSY: u8 = 7;

impl Server {
    fn is(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }

    fn mood_for(&self, address: &str) -> u8 {
        let apart = self.apart.lock().unwrap().filter(|(other, _)| *other == address);
        apart.map_or_else(|| self.mood.load(Ordering::SeqCst), |(_, mood)| mood)
    }
}

#[async_trait]
impl Mailer for Server {
    async fn send(&self, outgoing: &Outgoing) -> Result<Accepted, SendError> {
        match self.mood_for(&outgoing.to) {
            BUSY => Err(SendError::Transient { reached: Reached::Recipient, obstacle: Obstacle::Reply(452) }),
            TAKES_AND_IS_CUT_OFF => {
                self.mailer.send(outgoing).await?;
                if let Some(sent) = &self.sent {
                    maildir::deliver(sent, &outgoing.bytes, &OsChance, START).unwrap();
                }
                Err(SendError::Ambiguous { obstacle: Obstacle::Timeout })
            }
            AWAY => Err(SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Connection }),
            LOGIN_REFUSED => Err(SendError::Transient { reached: Reached::Server, obstacle: Obstacle::Reply(535) }),
            NOBODY if outgoing.to != TEAM => {
                Err(SendError::Permanent { reached: Reached::Recipient, obstacle: Obstacle::Reply(550) })
            }
            REFUSING => Err(SendError::Permanent { reached: Reached::Recipient, obstacle: Obstacle::Reply(554) }),
            CUT_OFF => Err(SendError::Ambiguous { obstacle: Obstacle::Timeout }),
            _ => self.mailer.send(outgoing).await,
        }
    }
}

async fn world(side: Side) -> (World, Arc<Server>) {
    world_on(side.ground().await, None).await
}

async fn world_on(ground: Ground, sent: Option<PathBuf>) -> (World, Arc<Server>) {
    let mailer = FileMailer::new(ground.path("customers"));
    let server = Arc::new(Server { mailer, mood: AtomicU8::new(THERE), apart: Mutex::default(), sent });
    (ground.build_with(Arc::clone(&server) as Arc<dyn Mailer>).await, server)
}

/// An owner asks to close their account, while the server is in another mood.
async fn asked(world: &World) -> RequestId {
    world.receive(&world.closing(OWNER)).await.1.expect("a request is opened")
}

async fn letters(world: &World, kind: &str, state: &str) -> i64 {
    let sql = "SELECT COUNT(*) AS number FROM letters WHERE kind = $1 AND state = $2";
    world.number(sql, params![kind, state]).await
}

async fn dead_jobs(world: &World) -> i64 {
    world.number("SELECT COUNT(*) AS number FROM jobs WHERE state = 'dead'", params![]).await
}

async fn waits_for_a_person(world: &World, id: RequestId) {
    let request = world.stored(id).await.request;
    assert_eq!((request.state, request.review), (State::NeedsReview, Some(ReviewReason::ChallengeBounced)));
}

/// What stands in the way of the letters of this kind.
async fn obstacle(world: &World, kind: &str) -> Option<String> {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT obstacle FROM letters WHERE kind = $1";
    tx.one(sql, params![kind]).await.unwrap().opt_text("obstacle").unwrap()
}

on_both_sides! {
    async fn a_refused_login_is_told_as_one(side) {
        let ear = listen();
        let (world, server) = world(side).await;
        world
            .live(async {
                server.is(LOGIN_REFUSED);
                asked(&world).await;
                assert_eq!(obstacle(&world, "challenge").await.as_deref(), Some("reply_535_before_letter"));
                let sql = "SELECT COUNT(*) AS number FROM jobs WHERE kind = 'send' AND reason = $1";
                assert_eq!(world.number(sql, params!["reply_535_before_letter"]).await, 1, "the job says it too");
                world.hours_pass(6).await;
                server.is(THERE);
                world.hours_pass(2).await;
                let alarms = world.fresh(TEAM);
                assert!(alarms.iter().any(|alarm| alarm.text.contains("reply_535_before_letter")), "{}", alarms.len());
            })
            .await;
        assert!(ear.heard().contains("the server answered 535"), "the log says why");
    }
}

on_both_sides! {
    async fn a_mailbox_that_does_not_exist_is_told_as_one(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                server.is(NOBODY);
                let id = asked(&world).await;
                waits_for_a_person(&world, id).await;
                assert_eq!(obstacle(&world, "challenge").await.as_deref(), Some("reply_550_at_recipient"));
                let stored = world.stored(id).await;
                let mut tx = world.house.db.read().await.unwrap();
                let leaves = expunged::db::trail::show(&mut tx, stored.request.case).await.unwrap();
                let bounced = leaves.iter().find(|leaf| leaf.event == Event::LetterBounced).expect("it has its leaf");
                assert_eq!(bounced.leaf.read().unwrap().facts["obstacle"], "reply_550_at_recipient");
            })
            .await;
    }
}

on_both_sides! {
    async fn the_team_is_told_why_a_letter_was_given_up(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                let (id, challenge) = world.ask(OWNER).await;
                server.is(NOBODY);
                world.receive(&challenge.answer(OWNER, &challenge.code())).await;
                assert_eq!(world.state(id).await, State::Scheduled);
                let alarms = world.fresh(TEAM);
                assert!(alarms.iter().any(|alarm| alarm.text.contains("reply_550_at_recipient")), "{}", alarms.len());
            })
            .await;
    }
}

on_both_sides! {
    async fn a_mail_server_that_is_away_for_two_days_loses_no_letter(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                server.is(AWAY);
                let id = asked(&world).await;
                world.hours_pass(48).await;
                assert_eq!((letters(&world, "challenge", "queued").await, dead_jobs(&world).await), (1, 0));
                assert_eq!(letters(&world, "alarm_delayed", "queued").await, 1, "the team is told once");
                server.is(THERE);
                world.hours_pass(2).await;
                assert_eq!(world.state(id).await, State::AwaitingConfirmation);
                assert_eq!(world.fresh(OWNER).len(), 1, "the challenge arrives");
                let alarms = world.fresh(TEAM);
                assert_eq!(alarms.len(), 1);
                assert!(alarms[0].text.contains("request for confirmation"), "{}", alarms[0].text);
            })
            .await;
    }
}

on_both_sides! {
    async fn a_letter_that_is_given_up_goes_to_a_person(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                server.is(AWAY);
                let id = asked(&world).await;
                world.hours_pass(5 * 24 + 3).await;
                assert_eq!((letters(&world, "challenge", "failed").await, dead_jobs(&world).await), (1, 0));
                waits_for_a_person(&world, id).await;
                server.is(THERE);
                world.hours_pass(2).await;
                assert_eq!(world.fresh(OWNER).len(), 0, "a question that is over is not asked");
                let subjects: Vec<_> = world.fresh(TEAM).into_iter().map(|alarm| alarm.subject).collect();
                assert!(subjects.iter().any(|subject| subject.contains("could not be delivered")), "{subjects:?}");
            })
            .await;
    }
}

on_both_sides! {
    async fn silence_after_questions_that_may_not_have_arrived_does_not_end_a_request(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                server.is(CUT_OFF);
                let id = asked(&world).await;
                world.hours_pass(2).await;
                assert_eq!(letters(&world, "challenge", "held").await, 1);
                assert_eq!(world.state(id).await, State::AwaitingConfirmation, "it may have arrived and be answered");
                world.days_pass(6).await;
                world.hours_pass(2).await;
                assert_eq!(letters(&world, "reminder", "held").await, 1);
                server.is(THERE);
                world.days_pass(9).await;
                waits_for_a_person(&world, id).await;
                assert_eq!(letters(&world, "expired", "sent").await, 0);
            })
            .await;
    }
}

on_both_sides! {
    async fn a_letter_whose_end_nobody_knows_is_not_called_undelivered(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                server.is(CUT_OFF);
                asked(&world).await;
                // The second try of a letter that may have arrived is refused until it is given up.
                server.is(AWAY);
                world.hours_pass(5 * 24 + 3).await;
                assert_eq!(
                    (letters(&world, "challenge", "held").await, letters(&world, "challenge", "failed").await),
                    (1, 0)
                );
                server.is(THERE);
                world.hours_pass(2).await;
                let alarms = world.fresh(TEAM);
                assert!(alarms.iter().any(|alarm| alarm.text.contains("do not know whether")), "{}", alarms.len());
                assert!(!alarms.iter().any(|alarm| alarm.text.contains("has not read it")));
            })
            .await;
    }
}

fn refusal(ground: &str) -> Refusal {
    let article = "Art. 17(3)(b) GDPR".to_owned();
    Refusal { ground: ground.to_owned(), article, data: Vec::new(), review_on: None }
}

on_both_sides! {
    async fn a_letter_that_cannot_be_written_is_given_up_where_people_see_it(side) {
        let (world, _server) = world(side).await;
        let (id, _) = world.live(world.ask(OWNER)).await;
        let reference = world.reference(id).await;
        let operator = world.operator("ops");
        operate::refuse(&world.house, &reference, &operator, refusal("tax law")).await.unwrap();
        // What the operator wrote can no longer be read when the letter is written.
        world.try_sql("UPDATE sealed SET bytes = $1 WHERE kind = 'closing'", params![vec![7_u8; 64]]).await.unwrap();
        world
            .live(async {
                world.settle().await;
                assert_eq!((letters(&world, "refused", "failed").await, dead_jobs(&world).await), (1, 0));
                let alarms = world.fresh(TEAM);
                assert_eq!(alarms.len(), 1);
                assert!(alarms[0].text.contains("refusal") && alarms[0].text.contains("could not be delivered"));
            })
            .await;
    }
}

on_both_sides! {
    async fn a_refusal_names_the_data_and_a_directory_without_names_is_no_obstacle(side) {
        let (world, _server) = world(side).await;
        world
            .live(async {
                let (id, _) = world.ask(OWNER).await;
                let reference = world.reference(id).await;
                let operator = world.operator("ops");
                operate::refuse(&world.house, &reference, &operator, refusal("tax law")).await.unwrap();
                // The directory has no name for this end-user: the owner is told the address.
                let text = "Hello,\r\n\r\nplease delete all my personal data.";
                world.receive(&plain("guest1@guest.example", "Please delete my data", text)).await;
                let written: Vec<_> = world.fresh(OWNER).into_iter().map(|letter| letter.text.replace('\n', " ")).collect();
                let says = |words: &str| written.iter().any(|text| text.replace("\r", "").contains(words));
                assert!(says("Data concerned: the whole account"), "{written:?}");
                assert!(says("guest1@guest.example"), "{written:?}");
                assert_eq!(letters(&world, "forwarded", "sent").await, 1);
            })
            .await;
    }
}

on_both_sides! {
    async fn two_operators_vouch_for_somebody_whose_mailbox_is_dead(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                server.is(NOBODY);
                let id = asked(&world).await;
                waits_for_a_person(&world, id).await;
                let reference = world.reference(id).await;
                let [first, second] = ["alice", "bob"].map(|name| world.operator(name));
                let evidence = Some((ProofKind::CalledBack, "rang the number on file"));
                let done = operate::approve(&world.house, &reference, &first, evidence).await.unwrap();
                assert_eq!(done, Approval::Recorded);
                let alone = operate::approve(&world.house, &reference, &first, None).await.unwrap_err();
                assert!(matches!(alone, FlowError::Evidence(_)), "{alone}");
                waits_for_a_person(&world, id).await;
                let done = operate::approve(&world.house, &reference, &second, None).await.unwrap();
                assert_eq!((done, world.state(id).await), (Approval::Approved, State::Scheduled));
                world.settle().await;
                let users = "SELECT COUNT(*) FROM users WHERE account_id = 'a1'";
                assert_eq!(world.ground.shop.count(users).await, 2, "the grace period runs");
                world.days_pass(8).await;
                assert_eq!((world.state(id).await, world.ground.shop.count(users).await), (State::Completed, 0));
            })
            .await;
    }
}

async fn addresses_kept(world: &World) -> i64 {
    let sql = "SELECT COUNT(*) AS number FROM vault_keys WHERE purpose = 'contact' AND wrapped IS NOT NULL";
    world.number(sql, params![]).await
}

/// Erased, and the server refused the confirmation for good.
async fn never_told(world: &World, server: &Server) -> RequestId {
    let id = world.ask_and_confirm(OWNER).await;
    server.is(NOBODY);
    world.days_pass(8).await;
    assert_eq!(world.state(id).await, State::Completed);
    assert_eq!((letters(world, "completed", "failed").await, dead_jobs(world).await), (1, 0));
    server.is(THERE);
    world.fresh(OWNER);
    id
}

on_both_sides! {
    async fn a_confirmation_that_was_refused_is_sent_when_the_team_says_so(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                let id = never_told(&world, &server).await;
                assert_eq!(addresses_kept(&world).await, 1);
                let (reference, ops) = (world.reference(id).await, world.operator("ops"));
                assert_eq!(retry::letters_of(&world.house, &reference, &ops).await.unwrap(), 1);
                world.settle().await;
                assert_eq!((letters(&world, "completed", "sent").await, world.fresh(OWNER).len()), (1, 1));
                assert_eq!(addresses_kept(&world).await, 0, "delivered: the address is forgotten");
                let none = retry::letters_of(&world.house, &reference, &ops).await.unwrap_err();
                assert!(matches!(none, FlowError::NotFound(_)), "{none}");
            })
            .await;
    }
}

on_both_sides! {
    async fn an_address_that_nothing_reaches_is_forgotten_with_the_letters(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                let id = never_told(&world, &server).await;
                world.days_pass(31).await;
                assert_eq!(addresses_kept(&world).await, 0);
                let (reference, ops) = (world.reference(id).await, world.operator("ops"));
                let late = retry::letters_of(&world.house, &reference, &ops).await.unwrap_err();
                assert!(matches!(late, FlowError::KeyDestroyed(_)), "{late}");
            })
            .await;
    }
}

on_both_sides! {
    async fn what_is_no_longer_so_is_not_said(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                let (id, challenge) = world.ask(OWNER).await;
                let (reference, ops) = (world.reference(id).await, world.operator("ops"));
                server.is(AWAY);
                world.receive(&challenge.answer(OWNER, &challenge.code())).await;
                assert_eq!(world.state(id).await, State::Scheduled);
                operate::act(&world.house, &reference, &ops, operate::Act::Hold, None).await.unwrap();
                world.receive(&plain(OWNER, "Hello", "Please stop.")).await;
                operate::act(&world.house, &reference, &ops, operate::Act::Release, None).await.unwrap();
                operate::act(&world.house, &reference, &ops, operate::Act::Withdraw, None).await.unwrap();
                world.settle().await;
                server.is(THERE);
                world.hours_pass(2).await;
                let subjects: Vec<_> = world.fresh(OWNER).into_iter().map(|letter| letter.subject).collect();
                assert_eq!(subjects.len(), 1, "only the end is told: {subjects:?}");
                assert_eq!(
                    (letters(&world, "scheduled", "failed").await, letters(&world, "withdrawn", "sent").await),
                    (1, 1)
                );
                let alarms = world.fresh(TEAM);
                assert!(alarms.is_empty(), "nobody has to look: {}", alarms[0].text);
                assert_eq!(letters(&world, "alarm_review", "failed").await, 1);
                assert_eq!(addresses_kept(&world).await, 0, "nothing else is due to them");
            })
            .await;
    }
}

on_both_sides! {
    async fn an_alarm_that_is_refused_for_good_is_tried_on(side) {
        let (world, server) = world(side).await;
        world
            .live(async {
                server.is(REFUSING);
                let id = asked(&world).await;
                waits_for_a_person(&world, id).await;
                world.hours_pass(30).await;
                assert_eq!((letters(&world, "alarm_review", "failed").await, dead_jobs(&world).await), (0, 0));
                server.is(THERE);
                world.hours_pass(2).await;
                let sent = (letters(&world, "alarm_review", "sent").await, letters(&world, "alarm_bounced", "sent").await);
                assert_eq!((sent, world.fresh(TEAM).len()), ((1, 1), 2));
            })
            .await;
    }
}

/// The other address of the team.
const SECOND: &str = "second@shop.example";

/// A letter to the support mailbox that only a person can answer, so that the team is told: once.
async fn somebody_unknown_asks(world: &World) {
    world.receive(&world.closing("nobody@elsewhere.example")).await;
}

/// What the two of the team got since the last look, while one of them is treated apart for some hours, and after.
async fn told_apart(side: Side, apart: &'static str, mood: u8) -> (World, [usize; 4]) {
    let ground = side.ground().await;
    let two = format!("team = [\"{TEAM}\", \"{SECOND}\"]");
    let ground = ground.with_config(|config| config.replace(&format!("team = [\"{TEAM}\"]"), &two));
    let (world, server) = world_on(ground, None).await;
    let got = world
        .live(async {
            *server.apart.lock().unwrap() = Some((apart, mood));
            somebody_unknown_asks(&world).await;
            world.hours_pass(6).await;
            let [first, second] = [TEAM, SECOND].map(|address| world.fresh(address).len());
            *server.apart.lock().unwrap() = None;
            world.hours_pass(2).await;
            [first, second, world.fresh(TEAM).len(), world.fresh(SECOND).len()]
        })
        .await;
    (world, got)
}

on_both_sides! {
    async fn an_address_of_the_team_that_takes_nothing_now_keeps_an_alarm_from_nobody_and_floods_nobody(side) {
        let (world, got) = told_apart(side, TEAM, BUSY).await;
        assert_eq!(got, [0, 1, 1, 0], "the second has it at once and once, the first as soon as it can");
        assert_eq!(letters(&world, "alarm_review", "sent").await, 2);
        let (_, got) = told_apart(side, SECOND, BUSY).await;
        assert_eq!(got, [1, 0, 0, 1], "the first has it once however often the second is tried");
    }
}

on_both_sides! {
    async fn an_address_of_the_team_that_is_refused_for_good_is_given_up_where_another_has_the_alarm(side) {
        for apart in [TEAM, SECOND] {
            let (world, got) = told_apart(side, apart, REFUSING).await;
            assert_eq!(got.iter().sum::<usize>(), 1, "{apart}");
            assert_eq!((letters(&world, "alarm_review", "sent").await, dead_jobs(&world).await), (1, 0));
            assert_eq!(letters(&world, "alarm_review", "failed").await, 1, "{apart}");
        }
    }
}

/// A world whose mail server keeps copies in Sent, or only says so.
async fn world_with_sent(side: Side, keeps: bool) -> (World, Arc<Server>) {
    let folder = |config: String| config.replace("[mailbox]\n", "[mailbox]\nsent_folder = \"Sent\"\n");
    let ground = side.ground().await.with_config(folder);
    let sent = ground.path("support").join(".Sent");
    world_on(ground, keeps.then_some(sent)).await
}

/// How the challenge stands, how often its delivery was begun, and how many of it arrived.
async fn challenged(world: &World) -> (i64, i64, usize) {
    let sends = "SELECT sends AS number FROM letters WHERE kind = 'challenge'";
    (letters(world, "challenge", "sent").await, world.number(sends, params![]).await, world.fresh(OWNER).len())
}

on_both_sides! {
    async fn a_delivery_that_was_cut_off_is_looked_up_in_sent(side) {
        let (world, server) = world_with_sent(side, true).await;
        world
            .live(async {
                server.is(TAKES_AND_IS_CUT_OFF);
                asked(&world).await;
                world.hours_pass(2).await;
                assert_eq!(challenged(&world).await, (1, 1, 1), "it lies in Sent: it was taken, and is not sent twice");
                assert!(world.fresh(TEAM).is_empty(), "nobody has to look");
            })
            .await;
    }
}

on_both_sides! {
    async fn a_delivery_that_is_not_in_sent_is_tried_once_more(side) {
        for unreadable in [false, true] {
            let (world, server) = world_with_sent(side, false).await;
            if unreadable {
                std::fs::write(world.ground.path("support").join(".Sent"), "no folder").unwrap();
            }
            world
                .live(async {
                    server.is(CUT_OFF);
                    asked(&world).await;
                    server.is(THERE);
                    world.hours_pass(2).await;
                    assert_eq!(challenged(&world).await, (1, 2, 1), "no letter is lost, unreadable: {unreadable}");
                })
                .await;
        }
    }
}
