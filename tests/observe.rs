//! The promise: what `--observe` says of a letter is what the daemon then does with it, and looking changes nothing.

use std::sync::Arc;
use std::time::Duration;

use expunged::clock::Clock;
use expunged::daemon::build::{self, Choices};
use expunged::db::deliveries::Disposition;
use expunged::domain::request::ReviewReason;
use expunged::domain::{RequestId, Scope, State};
use expunged::flow::observe::{Lookout, Observed, Prospect};
use expunged::params;

use crate::support::world::{Ground, PROGRAM, World, on_both, plain};

const OWNER: &str = "owner1@team.example";
const USER: &str = "user1@team.example";

/// A world in which an address may be asked every hour, and an owner has two users of one name.
async fn world(ground: Ground) -> World {
    let ground = ground.with_config(|config| config + "\n[challenge]\nper_address_hours = 1\n");
    ground
        .shop
        .run(
            "INSERT INTO users VALUES ('u6', 'a1', 'user', 'user6@team.example', 'Jane Twin', NULL),
             ('u7', 'a1', 'user', 'user7@team.example', 'Jane Twin', NULL)",
        )
        .await;
    ground.build().await
}

/// What `--observe` would say of these letters, one look.
async fn look(world: &World, letters: &[Vec<u8>]) -> Vec<Observed> {
    let choices = Choices {
        clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
        chance: Arc::new(expunged::chance::OsChance),
        mailer: None,
        credentials: None,
        backfill: false,
        may_create: false,
        program: Some(PROGRAM),
    };
    let (house, folder) = build::house_to_look(world.ground.config().unwrap(), choices).await.unwrap();
    assert!(folder.is_none(), "the ledger is there");
    let mut lookout = Lookout::new(&house);
    let mut seen = Vec::new();
    for letter in letters {
        seen.push(lookout.look(letter.clone(), world.clock.now()).await.unwrap());
    }
    let refused = match house.db.write().await {
        Ok(mut tx) => tx.execute("DELETE FROM jobs", params![]).await.err(),
        Err(refused) => Some(refused),
    };
    refused.expect("the connections themselves refuse to write");
    house.db.close().await;
    seen
}

/// Letters to people, of all requests.
async fn letters(world: &World) -> i64 {
    world.number("SELECT COUNT(*) AS number FROM letters WHERE audience <> 'team'", params![]).await
}

/// Rows of the ledger that a look might change.
async fn rows(world: &World) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in
        ["requests", "letters", "jobs", "deliveries", "challenges", "authorities", "trail", "vault_keys", "sealed"]
    {
        rows.push(world.number(&format!("SELECT COUNT(*) AS number FROM {table}"), params![]).await);
    }
    rows
}

/// Looks at a letter, lets the daemon have it, and holds the two against each other.
async fn compare(world: &World, bytes: &[u8]) -> (Disposition, Option<RequestId>) {
    let said = String::from_utf8_lossy(bytes).into_owned();
    let (rows_before, letters_before) = (rows(world).await, letters(world).await);
    let seen = look(world, &[bytes.to_vec()]).await.pop().unwrap();
    assert_eq!(rows(world).await, rows_before, "looking changes nothing: {said}");
    let (disposition, id) = world.receive(bytes).await;
    assert_eq!(seen.disposition, disposition, "{said}");
    let written = letters(world).await - letters_before;
    let said_of = |prospect: &Prospect| prospect.letters.len();
    let would = said_of(&seen.prospect) + seen.prospect.others.iter().map(said_of).sum::<usize>();
    assert_eq!(would, usize::try_from(written).unwrap(), "{:?}: {said}", seen.prospect);
    let opened = world.number("SELECT COUNT(*) AS number FROM requests", params![]).await - rows_before[0];
    let would = if disposition == Disposition::Opened { 1 + seen.prospect.others.len() } else { 0 };
    assert_eq!(would, usize::try_from(opened).unwrap(), "{:?}: {said}", seen.prospect);
    let Some(id) = id else { return (disposition, None) };
    let request = world.stored(id).await.request;
    if let Some(known) = &seen.prospect.request {
        assert_eq!(*known, request.reference, "{said}");
    }
    if let Some(state) = seen.prospect.becomes {
        assert_eq!((state, seen.prospect.review), (request.state, request.review), "{said}");
        let waiting = request.ask.as_ref().filter(|_| request.state == State::AwaitingConfirmation);
        assert_eq!(seen.prospect.offered, waiting.map(|ask| ask.offered.clone()).unwrap_or_default(), "{said}");
        assert_eq!(seen.prospect.approval, waiting.is_some_and(|ask| ask.approval), "{said}");
        assert_eq!(seen.prospect.waits_until.is_some(), request.state == State::Received, "{said}");
    }
    (disposition, Some(id))
}

/// What must become of it, so that the comparison is not of nothing with nothing.
async fn expect(world: &World, bytes: &[u8], disposition: Disposition, state: Option<State>) -> Option<RequestId> {
    let (found, id) = compare(world, bytes).await;
    let said = String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(found, disposition, "{said}");
    if let Some(state) = state {
        let request = world.stored(id.unwrap()).await.request;
        assert_eq!(request.state, state, "{:?}: {said}", request.review);
    }
    id
}

on_both! {
    async fn observing_says_what_the_daemon_does(ground) {
        observing_says_what_the_daemon_does(world(ground).await).await;
    }
}

async fn observing_says_what_the_daemon_does(world: World) {
    use Disposition as D;
    use State as S;
    let hello = |from: &str, text: &str| plain(from, "Hello", &format!("Hello,\r\n\r\n{text}"));
    world
        .live(async {
            for (from, text, disposition, state) in [
                ("nobody@elsewhere.example", "Please delete my account.", D::Opened, Some(S::NotFound)),
                (
                    OWNER,
                    "Please delete the user profile of our colleague Una One.",
                    D::Opened,
                    Some(S::AwaitingConfirmation),
                ),
                (OWNER, "Please delete the user profile of our colleague Una One.", D::Joined, None),
                (OWNER, "Please delete the user profile of our colleague Jane Twin.", D::Opened, Some(S::NeedsReview)),
                (OWNER, "Please delete the account nobody@team.example.", D::Opened, Some(S::NeedsReview)),
                ("owner3@team.example", "Please delete my data.", D::Opened, Some(S::AwaitingConfirmation)),
                ("owner3@team.example", "Please delete my account.", D::Opened, Some(S::Received)),
                (
                    "owner4@team.example",
                    "Please delete my account but keep my invoices.",
                    D::Opened,
                    Some(S::NeedsReview),
                ),
                ("guest1@guest.example", "Please delete my data.", D::Opened, Some(S::Forwarded)),
                (USER, "Please delete my user profile.", D::Opened, Some(S::AwaitingConfirmation)),
                (OWNER, "Could you send me the invoice of March once more?", D::Ordinary, None),
                (OWNER, "Please send me a copy of all my personal data under Art. 15 GDPR.", D::HandedOn, None),
                (OWNER, "I am not happy with you. How do I delete my account?", D::Opened, Some(S::NeedsReview)),
            ] {
                expect(&world, &hello(from, text), disposition, state).await;
            }
            let newsletter = String::from_utf8(hello("news@elsewhere.example", "Our offers of the week.")).unwrap();
            let newsletter = newsletter.replace("MIME-Version", "List-Id: <news.elsewhere.example>\r\nMIME-Version");
            expect(&world, newsletter.as_bytes(), D::Newsletter, None).await;
            expect(&world, newsletter.as_bytes(), D::Duplicate, None).await;
        })
        .await;
}

#[tokio::test]
async fn observing_tells_an_answer_and_a_stop() {
    use Disposition as D;
    use State as S;
    let world = world(Ground::sqlite().await).await;
    let hello = |from: &str, text: &str| plain(from, "Hello", text);
    world
        .live(async {
            let (id, challenge) = world.ask(OWNER).await;
            let answer = |text: &str| challenge.answer(OWNER, text);
            expect(&world, &answer("Yes, but please wait until March."), D::Answer, Some(S::AwaitingConfirmation))
                .await;
            let found = expect(&world, &answer(&challenge.code()), D::Answer, Some(S::Scheduled)).await;
            assert_eq!(found, Some(id));
            expect(&world, &answer("Thank you!"), D::Answer, Some(S::Scheduled)).await;
            expect(&world, &hello(OWNER, "Stop."), D::Answer, Some(S::OnHold)).await;
            expect(&world, &hello(OWNER, "Stop!"), D::Answer, Some(S::OnHold)).await;
            expect(&world, &answer("Please cancel my deletion request."), D::Answer, Some(S::Withdrawn)).await;
            expect(&world, &answer("Where is my order 4711?"), D::Ordinary, None).await;
            world.clock.advance(Duration::from_secs(3_700));
            let (id, challenge) = world.ask("owner2@team.example").await;
            let limited = challenge.answer("owner2@team.example", "Yes, but keep my invoices.");
            expect(&world, &limited, D::Answer, Some(S::NeedsReview)).await;
            assert_eq!(world.stored(id).await.request.review, Some(ReviewReason::Limited));
        })
        .await;
}

/// Each address that a letter names as its writer's is told of by itself.
#[tokio::test]
async fn observing_tells_of_each_address_by_itself() {
    use Disposition as D;
    use State as S;
    let world = world(Ground::sqlite().await).await;
    let hello = |text: &str| plain("new@elsewhere.example", "Hello", &format!("Hello,\r\n\r\n{text}"));
    world
        .live(async {
            let both = "Please delete my accounts owner2@team.example and owner3@team.example.";
            let seen = look(&world, &[hello(both)]).await.pop().unwrap();
            let others: Vec<_> =
                seen.prospect.others.iter().map(|other| (other.becomes, other.offered.clone())).collect();
            assert_eq!(others, [(Some(S::AwaitingConfirmation), vec![Scope::Account])]);
            expect(&world, &hello(both), D::Opened, Some(S::AwaitingConfirmation)).await;
            expect(&world, &hello(both), D::Joined, None).await;
            // The first of these was asked a moment ago, and the other one was not.
            let next = "Please delete my accounts owner3@team.example and owner4@team.example.";
            expect(&world, &hello(next), D::Opened, Some(S::Received)).await;
            let unknown = "Please delete my accounts owner1@team.example and nobody@team.example.";
            expect(&world, &hello(unknown), D::Opened, Some(S::AwaitingConfirmation)).await;
            world.clock.advance(Duration::from_secs(3_700));
            let six = "Please delete my accounts owner4@team.example, owner2@team.example, owner3@team.example, \
                       owner1@team.example, user1@team.example and guest1@guest.example.";
            let seen = look(&world, &[hello(six)]).await.pop().unwrap();
            let last = seen.prospect.others.last().unwrap();
            assert_eq!((seen.prospect.others.len(), last.review), (5, Some(ReviewReason::ManyAddresses)));
        })
        .await;
}

/// A letter that moves one request and opens another is shown with both.
#[tokio::test]
async fn observing_tells_what_an_answer_moves_beside_what_it_opens() {
    let world = world(Ground::sqlite().await).await;
    world
        .live(async {
            let first = world.ask_and_confirm(OWNER).await;
            let scheduled = world.fresh(OWNER).pop().unwrap();
            world.clock.advance(Duration::from_secs(3_700));
            let both = scheduled.answer(OWNER, "Please delete the user profile of our colleague Una One too.");
            let seen = look(&world, std::slice::from_ref(&both)).await.pop().unwrap();
            let reference = world.reference(first).await;
            assert_eq!(seen.prospect.beside, Some((reference, State::OnHold)));
            let second = expect(&world, &both, Disposition::Opened, Some(State::AwaitingConfirmation)).await;
            assert_ne!(second, Some(first));
            assert_eq!(world.state(first).await, State::OnHold);
        })
        .await;
}

/// Letters of one look know of each other where they are the same, wish the same, or ask the same address.
#[tokio::test]
async fn letters_of_one_look_know_of_each_other() {
    let world = world(Ground::sqlite().await).await;
    let (closing, again) = (world.closing(OWNER), world.closing(OWNER));
    let other = plain(OWNER, "Hello", "Please delete my phone number, but keep my account.");
    let seen = look(&world, &[closing.clone(), closing, again, other]).await;
    let dispositions: Vec<Disposition> = seen.iter().map(|seen| seen.disposition).collect();
    assert_eq!(dispositions, [Disposition::Opened, Disposition::Duplicate, Disposition::Joined, Disposition::Opened]);
    assert_eq!(seen[0].prospect.offered, [Scope::Account]);
    assert!(seen[3].prospect.waits_until.is_some(), "one challenge per address and hour");
}
