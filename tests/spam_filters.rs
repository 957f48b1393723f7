//! Spam filters of the house: a real rspamd and a real SpamAssassin say what is spam, and a letter that asks for an erasure is never
//! lost by what they say, nor by their silence.

use std::time::{Duration, Instant};

use expunged::db::deliveries::Disposition;
use expunged::domain::request::ReviewReason;
use expunged::domain::{Scope, State};
use expunged::filter::{FilterError, FilterSettings, Filters, Opinion, Program};
use expunged::flow::operate::{self, Correction};
use tokio::net::TcpListener;

use crate::support::free_port;
use crate::support::recipe::{Kind, Server};
use crate::support::world::{Ground, TEAM, World, plain};

const RSPAMD: Kind = Kind { name: "rspamd", variable: "EXPUNGED_TEST_RSPAMD", signal: "TERM" };
const SPAMD: Kind = Kind { name: "spamd", variable: "EXPUNGED_TEST_SPAMD", signal: "TERM" };

/// What every filter takes for spam (https://spamassassin.apache.org/gtube).
const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";
const OWNER: &str = "owner1@team.example";

fn settings(program: Option<Program>) -> FilterSettings {
    FilterSettings { program, header: None, timeout: Duration::from_secs(10), bytes_max: 65_536 }
}

fn rspamd_at(url: &str) -> Filters {
    Filters::new(settings(Some(Program::Rspamd { url: format!("{url}/").parse().unwrap(), password: None })))
}

fn spamd_at(port: u16) -> Filters {
    Filters::new(settings(Some(Program::Spamd { host: "127.0.0.1".to_owned(), port })))
}

fn port_of(url: &str) -> u16 {
    url.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// A letter of a person, with everything that a filter wants of one.
fn letter(from: &str, text: &str) -> Vec<u8> {
    let id = text.len();
    let head = format!("Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <a{id}@team.example>\r\n");
    [head.into_bytes(), plain(from, "A question", text)].concat()
}

async fn spamd() -> Server {
    let answers = async |url: &str| matches!(spamd_at(port_of(url)).ask(b"Subject: x\r\n\r\nx\r\n").await, Some(Ok(_)));
    Server::start(SPAMD, |port| format!("spamd://127.0.0.1:{port}"), answers).await
}

#[tokio::test]
async fn rspamd_says_what_is_spam() {
    let answers = async |url: &str| matches!(rspamd_at(url).ask(b"Subject: x\r\n\r\nx\r\n").await, Some(Ok(_)));
    let server = Server::start(RSPAMD, |port| format!("http://127.0.0.1:{port}"), answers).await;
    let filters = rspamd_at(&server.url);
    assert_eq!(filters.ask(&letter(OWNER, GTUBE)).await, Some(Ok(Opinion::Spam)));
    assert_eq!(filters.ask(&letter(OWNER, "Where is my parcel?")).await, Some(Ok(Opinion::Clear)));
    assert_eq!(filters.suspicion(&letter(OWNER, GTUBE)).await, Some("rspamd"));
    // A letter that is too large is not shown to it.
    assert_eq!(filters.suspicion(&letter(OWNER, &(GTUBE.to_owned() + &"x\r\n".repeat(30_000)))).await, None);
}

#[tokio::test]
async fn a_filter_that_does_not_answer_has_no_opinion_and_is_left_alone_for_a_while() {
    let closed = spamd_at(free_port());
    assert_eq!(closed.ask(GTUBE.as_bytes()).await, Some(Err(FilterError::Away)));
    assert_eq!(closed.suspicion(GTUBE.as_bytes()).await, None);
    // One that takes the connection and says nothing: the first letter waits, the next does not.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    for program in [
        Program::Spamd { host: "127.0.0.1".to_owned(), port },
        Program::Rspamd { url: format!("http://127.0.0.1:{port}/").parse().unwrap(), password: None },
    ] {
        let filters = Filters::new(FilterSettings { timeout: Duration::from_millis(300), ..settings(Some(program)) });
        assert_eq!(filters.ask(GTUBE.as_bytes()).await, Some(Err(FilterError::Late)));
        assert_eq!(filters.suspicion(GTUBE.as_bytes()).await, None);
        let start = Instant::now();
        assert_eq!(filters.suspicion(GTUBE.as_bytes()).await, None);
        assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
    }
}

/// A world with these lines beside its config.
async fn world(spam: &str) -> World {
    Ground::sqlite().await.with_config(|config| format!("{config}\n{spam}\n")).build().await
}

#[tokio::test]
async fn what_a_filter_holds_for_spam_is_never_answered_and_a_wish_among_it_goes_to_a_person() {
    let server = spamd().await;
    let world = world(&format!("[spam.spamd]\nhost = \"127.0.0.1\"\nport = {}", port_of(&server.url))).await;
    let story = async {
        // Nothing is asked for: recorded as spam, or as it would be without a filter.
        let (disposition, _) = world.receive(&letter(OWNER, &format!("Where is my parcel?\r\n{GTUBE}"))).await;
        assert_eq!(disposition, Disposition::Spam);
        assert_eq!(world.receive(&letter(OWNER, "Where is my parcel?")).await.0, Disposition::Ordinary);
        // A wish: a person looks, nobody is written to but the team, and it goes on like any other once a person says so.
        let wish = format!("Please delete my account.\r\n\r\n{GTUBE}\r\n");
        let (disposition, request) = world.receive(&letter(OWNER, &wish)).await;
        assert_eq!(disposition, Disposition::Opened);
        let request = request.unwrap();
        let now = world.stored(request).await.request;
        assert_eq!((now.state, now.review), (State::NeedsReview, Some(ReviewReason::Suspected)));
        assert!(world.fresh(OWNER).is_empty(), "nobody is written to");
        let alarm = world.fresh(TEAM).pop().expect("the team is told");
        assert!(alarm.text.replace("\r\n", " ").contains("a spam filter holds the letter for spam"), "{}", alarm.text);
        let reasons = "SELECT COUNT(*) AS number FROM deliveries WHERE reasons LIKE '%filter.spamassassin%'";
        assert_eq!(world.number(reasons, expunged::params![]).await, 2);
        let reference = world.reference(request).await;
        let correction = Correction { scope: Some(Scope::Account), ..Correction::default() };
        operate::correct(&world.house, &reference, &world.operator("ann"), correction).await.unwrap();
        world.settle().await;
        assert_eq!(world.state(request).await, State::AwaitingConfirmation);
        assert_eq!(world.fresh(OWNER).len(), 1);
        // A stranger's gets no neutral reply, and neither does it end by itself.
        let (_, request) = world.receive(&letter("nobody@elsewhere.example", &wish)).await;
        assert_eq!(world.stored(request.unwrap()).await.request.review, Some(ReviewReason::Suspected));
        assert!(world.fresh("nobody@elsewhere.example").is_empty());
    };
    world.live(story).await;
}

#[tokio::test]
async fn without_an_answer_letters_are_judged_as_if_there_were_no_filter() {
    let world = world(&format!("[spam.spamd]\nhost = \"127.0.0.1\"\nport = {}", free_port())).await;
    let story = async {
        let (_, request) =
            world.receive(&letter(OWNER, &format!("Please delete my account.\r\n\r\n{GTUBE}\r\n"))).await;
        assert_eq!(world.state(request.unwrap()).await, State::AwaitingConfirmation);
        assert_eq!(world.receive(&letter(OWNER, "Where is my parcel?")).await.0, Disposition::Ordinary);
    };
    world.live(story).await;
}

#[tokio::test]
async fn a_header_of_our_mx_counts_where_it_is_named() {
    let world = world("[spam]\nheader = \"X-Spam-Flag\"").await;
    let story = async {
        let flagged = |text: &str| [b"X-Spam-Flag: YES\r\n".to_vec(), letter(OWNER, text)].concat();
        assert_eq!(world.receive(&flagged("Where is my parcel?")).await.0, Disposition::Spam);
        let (_, request) = world.receive(&flagged("Please delete my account.")).await;
        let now = world.stored(request.unwrap()).await.request;
        assert_eq!((now.state, now.review), (State::NeedsReview, Some(ReviewReason::Suspected)));
    };
    world.live(story).await;
}
