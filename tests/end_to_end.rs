//! The promise of the whole: a letter that is sent by SMTP erases its writer from three kinds of stores, and the
//! confirmation lies in their mailbox. Postfix, Dovecot, PostgreSQL, MariaDB and SQLite are the real ones.
//!
//! The customers only read their mailboxes and reply; what the stores hold is counted by SQL of the test's own.

#[path = "end_to_end/bounces.rs"]
mod bounces;
#[path = "end_to_end/letters.rs"]
mod letters;
#[path = "end_to_end/stores.rs"]
mod stores;
#[path = "end_to_end/world.rs"]
mod world;

use crate::canary::logs::listen;
use crate::canary::needles::Net;
use crate::support::post::Post;
use crate::support::postgres::fresh_postgres;
use letters::{address, code, parsed, reply, text_of, written};
use stores::{Person, user};
use world::{SUPPORT, Way, World};

#[tokio::test]
async fn letters_erase_people_and_the_ledger_is_postgres() {
    let ledger = Some(fresh_postgres().await);
    the_whole_way(Way { ledger, imap: "tls", postfix: "" }).await;
}

#[tokio::test]
async fn letters_erase_people_and_the_ledger_is_sqlite() {
    the_whole_way(Way { ledger: None, imap: "starttls", postfix: "" }).await;
}

async fn the_whole_way(way: Way) {
    let world = World::create(&way).await;
    if world.post.replacement().is_some() {
        Post::says_that_postfix_is_missing();
    }
    // The stores are filled by statements of the test's own; from here on only the program speaks.
    let ear = listen();
    world
        .live(async |world| {
            everybody_writes(world).await;
            everybody_answers(world).await;
            the_grace_period_is_kept(world).await;
            the_rows_are_gone(world).await;
            the_confirmations_tell_the_truth(world).await;
            the_mailbox_is_as_it_should_be(world).await;
        })
        .await;
    ear.check(&personal());
}

/// What no log may hold, whatever spoke with the servers: names and addresses of all who wrote.
fn personal() -> Net {
    let people: Vec<Person> = askers().into_iter().chain([user(3, 1)]).collect();
    let words: Vec<&str> = people.iter().flat_map(|person| [person.name, person.email.as_str()]).collect();
    Net::new(&words)
}

/// Who asked for an erasure: an English owner, a German one, and an owner who lets a colleague go.
fn askers() -> [Person; 3] {
    [user(1, 0), user(2, 0), user(3, 0)]
}

async fn everybody_writes(world: &World) {
    let [english, german, employer] = askers();
    let date = world.date();
    let colleague = user(3, 1).name;
    let neighbour = user(3, 1);
    let weekly = Person { id: 900, name: "Weekly", email: "news@weekly.example".to_owned() };
    let marks = "List-Id: <weekly.example>\r\nList-Unsubscribe: <https://weekly.example/u>\r\nPrecedence: bulk\r\n";
    let letters = [
        (
            &english,
            "Please close my account",
            "Hello,\n\nplease delete my account and all data that belongs to it.\n\nThank you".to_owned(),
            "",
        ),
        (
            &german,
            "Kündigung und Löschung meines Kontos",
            "Guten Tag,\n\nbitte löschen Sie mein Konto und alle dazugehörigen Daten.\n\nMit freundlichen Grüßen"
                .to_owned(),
            "",
        ),
        (
            &employer,
            "Delete a user profile",
            format!(
                "Hello,\n\nplease delete the user profile of our colleague {colleague}. He left us.\n\nBest regards"
            ),
            "",
        ),
        (
            &neighbour,
            "Invoice for March",
            "Hello,\n\ncould you send me the invoice for March once more?\n\nThanks".to_owned(),
            "",
        ),
        (
            &weekly,
            "Ten things to delete this spring",
            "This week: how to delete old photos.\n\nUnsubscribe at the link below.".to_owned(),
            marks,
        ),
    ];
    for (from, subject, text, headers) in letters {
        world.write(&from.email, &written(from, &date, subject, &text, headers)).await;
    }
}

/// Each reads the challenge in their own mailbox and replies to Reply-To: two with the code, one with a yes.
async fn everybody_answers(world: &World) {
    let [english, german, employer] = askers();
    for (person, subject) in
        [(&english, "Please confirm"), (&german, "Bitte bestätigen Sie"), (&employer, "Please confirm")]
    {
        let found = world.post.letter(&person.email, subject).await;
        let letter = parsed(&found.bytes);
        assert_eq!(address(letter.from()).as_deref(), Some(SUPPORT));
        let to = address(letter.reply_to()).expect("a challenge has a Reply-To");
        assert!(to.starts_with("privacy+") && to.ends_with("@shop.example"), "{to}");
        assert!(letter.header_raw("Auto-Submitted").is_some_and(|value| value.trim() == "auto-replied"));
        if world.post.postfix.is_some() {
            let raw = |name: &str| letter.header_raw(name).unwrap_or_default().trim().to_owned();
            assert!(raw("Return-Path").starts_with("<privacy+"), "a bounce names the letter: {}", raw("Return-Path"));
            let relayed = String::from_utf8_lossy(&found.bytes).contains("with ESMTPS ");
            assert!(relayed, "the letter left over TLS");
        }
        let text = if person.id == employer.id {
            "Yes, please go ahead.".to_owned()
        } else {
            code(&letter).expect("closing an account asks for a code")
        };
        let (to, reply) = reply(&letter, person, &world.date(), &text);
        world.post.send(&person.email, &to, reply.as_bytes()).await;
    }
    for (person, subject) in
        [(&english, "Confirmed: we begin"), (&german, "Bestätigt: Wir beginnen"), (&employer, "Confirmed: we begin")]
    {
        world.post.letter(&person.email, subject).await;
    }
    world.settled(8).await;
}

/// Rows of an account's users, as they were filled.
fn whole(users: i64) -> Vec<(&'static str, i64)> {
    vec![
        ("users", users),
        ("end_users", users),
        ("orders", 2 * users),
        ("sessions", users),
        ("searches", users),
        ("contacts", users),
        ("calls", 2 * users),
    ]
}

/// Everybody of these accounts.
fn people(accounts: &[i64]) -> Vec<i64> {
    accounts.iter().flat_map(|account| [user(*account, 0).id, user(*account, 1).id]).collect()
}

async fn the_grace_period_is_kept(world: &World) {
    world.days_pass(6);
    world.settled(8).await;
    assert_eq!(world.stores.rows_of(&people(&[1, 2, 3])).await, whole(6), "nothing is erased within the grace period");
    world.days_pass(1);
}

async fn the_rows_are_gone(world: &World) {
    let [english, german, employer] = askers();
    for (person, subject) in [(&english, "is completed"), (&german, "ist erledigt"), (&employer, "is completed")] {
        world.post.letter(&person.email, subject).await;
    }
    world.settled(8).await;
    let nothing: Vec<_> = whole(0);
    assert_eq!(world.stores.rows_of(&people(&[1, 2])).await, nothing, "two accounts are gone");
    let colleague = user(3, 1).id;
    let mut of_colleague = world.stores.rows_of(&[colleague]).await;
    // The guests belong to the account, which lives.
    of_colleague.retain(|(table, _)| !["end_users", "searches"].contains(table));
    assert!(of_colleague.iter().all(|(_, count)| *count == 0), "{of_colleague:?}");
    assert_eq!(world.stores.rows_of(&[employer.id]).await, whole(1), "the employer's own rows stay");
    assert_eq!(world.stores.rows_of(&people(&[4, 5, 6])).await, whole(6), "nobody else was touched");
    assert_eq!(world.stores.count("shop", "SELECT COUNT(*) FROM accounts").await, 4);
    // Kept as the law wants it, and nobody's any more: two orders of each of the five people.
    let kept = "SELECT COUNT(*) FROM orders WHERE user_id IS NULL AND ship_name IS NULL AND ship_street IS NULL";
    assert_eq!(world.stores.count("sales", kept).await, 10);
    assert_eq!(world.stores.count("sales", "SELECT COUNT(*) FROM orders").await, 24);
    assert_eq!(world.stores.count("sales", "SELECT COUNT(*) FROM orders WHERE total > 0").await, 24);
    assert_eq!(world.stores.count("sales", "SELECT COUNT(*) FROM orders WHERE ship_name IS NULL").await, 10);
}

async fn the_confirmations_tell_the_truth(world: &World) {
    let [english, german, employer] = askers();
    for (person, subject, until, count) in [
        (&english, "is completed", "kept until 3 January 2035 at the latest", "4 records"),
        (&german, "ist erledigt", "aufbewahrt, längstens bis zum 3. Januar 2035", "4 Datensätze"),
        (&employer, "is completed", "kept until 3 January 2035 at the latest", "2 records"),
    ] {
        let found = world.post.letter(&person.email, subject).await;
        let letter = parsed(&found.bytes);
        let text = text_of(&letter).split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [until, count, "Art. 17(3)(b) GDPR; HGB §257", "Frankfurt, DE", "Dublin, IE"] {
            assert!(text.contains(words), "{words:?} is missing in: {text}");
        }
        let html = letter.body_html(0).expect("our letters have an HTML form");
        assert!(html.contains("HGB"), "{html}");
        assert_eq!(world.post.inbox(&person.email).len(), 3, "challenge, schedule, confirmation, and no other letter");
    }
    for silent in [user(1, 1), user(2, 1), user(3, 1), user(4, 0)] {
        assert_eq!(world.post.inbox(&silent.email).len(), 0, "who did not ask gets no letter");
    }
}

async fn the_mailbox_is_as_it_should_be(world: &World) {
    let expected =
        [("answer", 3), ("newsletter", 1), ("opened", 3), ("ordinary", 1)].map(|(name, n)| (name.to_owned(), n));
    assert_eq!(world.dispositions().await, expected);
    let marked = async || {
        let ours = world.post.inbox(SUPPORT).iter().filter(|letter| letter.flags == ["$Expunged"]).count();
        (ours == 6).then_some(())
    };
    crate::support::post::until("six marked letters", marked, || world.post.log()).await;
    let others: Vec<_> = world.post.inbox(SUPPORT).into_iter().filter(|letter| letter.flags.is_empty()).collect();
    let mut subjects: Vec<_> = others.iter().map(|letter| crate::support::post::subject_of(&letter.bytes)).collect();
    subjects.sort();
    assert_eq!(subjects, ["Invoice for March", "Ten things to delete this spring"], "unread and in place");
}
