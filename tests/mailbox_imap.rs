//! The support mailbox on a real Dovecot: what is ours is marked, moved and deleted; what is not stays as it was.

use std::fs;
use std::time::{Duration, Instant};

use expunged::domain::Retry;
use expunged::mailbox::imap::ImapMailbox;
use expunged::mailbox::settings::{ImapSettings, Login, Security};
use expunged::mailbox::{Mailbox, MailboxError};

use crate::support::dovecot::{Dovecot, PASSWORD};

const USER: &str = "support@example.org";

fn settings(dovecot: &Dovecot) -> ImapSettings {
    ImapSettings {
        host: "localhost".into(),
        port: dovecot.imaps_port,
        security: Security::Tls,
        ca_file: Some(dovecot.ca_file.clone()),
        user: USER.into(),
        login: Login::Password(PASSWORD.to_owned().into()),
        folder: "INBOX".into(),
        keyword: "$Expunged".into(),
        step_timeout: Duration::from_secs(10),
        batch_bytes_max: 4 << 20,
    }
}

fn letter(subject: &str) -> String {
    format!(
        "From: a@example.net\nMessage-ID: <{subject}@example.net>\nSubject: {subject}\n\nHello, {subject}.\n.\nBye\n"
    )
}

/// The file names of a place of the mailbox; flags are behind the colon (S seen, T deleted, a to z keywords).
fn names(dovecot: &Dovecot, place: &str) -> Vec<String> {
    let folder = dovecot.maildir(USER).join(place);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.expect("it can be read").file_name().into_string().expect("names are text")).collect()
}

fn flags(dovecot: &Dovecot, place: &str) -> Vec<String> {
    let names = names(dovecot, place);
    let mut flags: Vec<String> =
        names.iter().map(|name| name.rsplit_once(":2,").map_or("", |(_, flags)| flags).to_owned()).collect();
    flags.sort();
    flags
}

/// A mailbox with letters one, two, three, which have the UIDs 1, 2 and 3.
async fn three_letters(dovecot: &Dovecot) -> ImapMailbox {
    dovecot.deliver(USER, &["one", "two", "three"].map(letter));
    let mut mailbox = ImapMailbox::new(settings(dovecot));
    mailbox.open().await.expect("Dovecot opens INBOX");
    mailbox
}

async fn uids(mailbox: &mut ImapMailbox) -> Vec<u32> {
    let listing = mailbox.list(0, 1000).await.expect("Dovecot lists");
    listing.letters.iter().map(|letter| letter.uid).collect()
}

#[tokio::test]
async fn letters_are_read_over_tls_and_starttls_and_stay_unread() {
    let dovecot = Dovecot::start().await;
    dovecot.deliver(USER, &["one", "two"].map(letter));
    let ways = [(dovecot.imaps_port, Security::Tls), (dovecot.imap_port, Security::StartTls)];
    for (port, security) in ways {
        let mut mailbox = ImapMailbox::new(ImapSettings { port, security, ..settings(&dovecot) });
        let state = mailbox.open().await.expect("Dovecot opens INBOX");
        assert!(state.uid_validity > 0 && state.uid_next == 3, "{state:?}");
        let listing = mailbox.list(0, 10).await.expect("Dovecot lists");
        assert_eq!(listing.through, 2);
        let listed = listing.letters;
        assert_eq!(listed.iter().map(|letter| letter.uid).collect::<Vec<_>>(), [1, 2]);
        let age = jiff_now().as_second() - listed[0].received_at.expect("Dovecot tells it").to_jiff().as_second();
        assert!((0..120).contains(&age), "received {age} s ago");
        let fetched = mailbox.fetch(&[1, 2]).await.expect("Dovecot fetches");
        assert_eq!(fetched[1].bytes.len() as u64, listed[1].size_bytes);
        assert!(fetched[1].bytes.ends_with(b"Hello, two.\r\n.\r\nBye\r\n"));
        let header = mailbox.fetch_header(2, 1 << 16).await.expect("Dovecot fetches").expect("it is there");
        assert!(header.bytes.ends_with(b"Subject: two\r\n\r\n"));
        assert_eq!(mailbox.fetch_header(2, 10).await.expect("cut").expect("there").bytes.len(), 10);
        assert_eq!(mailbox.list(2, 10).await.expect("Dovecot lists").letters, []);
        assert_eq!(mailbox.list(0, 1).await.expect("Dovecot lists").letters.len(), 1);
    }
    assert_eq!(flags(&dovecot, "cur"), ["", ""], "neither Seen nor anything else");
}

#[expect(clippy::disallowed_methods, reason = "a real server stamps letters by the real clock")]
fn jiff_now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

#[tokio::test]
async fn a_wrong_password_and_an_untrusted_certificate_are_permanent_and_clear() {
    let dovecot = Dovecot::start().await;
    let wrong = ImapSettings { login: Login::Password("wrong-secret".to_owned().into()), ..settings(&dovecot) };
    let error = ImapMailbox::new(wrong).open().await.expect_err("the password is wrong");
    assert!(matches!(error, MailboxError::LoginRefused { .. }), "{error}");
    assert_eq!(error.retry(), Retry::Permanent);
    let text = format!("{error} {error:?}");
    assert!(text.contains("localhost") && text.contains("[mailbox.imap]") && !text.contains("secret"), "{text}");

    let other = Dovecot::start().await;
    let untrusted = ImapSettings { ca_file: Some(other.ca_file.clone()), ..settings(&dovecot) };
    let error = ImapMailbox::new(untrusted).open().await.expect_err("another's certificate is trusted");
    assert!(matches!(error, MailboxError::Tls { .. }), "{error}");
    assert_eq!(error.retry(), Retry::Permanent);
}

#[tokio::test]
async fn a_server_without_starttls_never_hears_the_password() {
    let dovecot = Dovecot::start_with("ssl = no\n").await;
    let clear = ImapSettings { port: dovecot.imap_port, security: Security::StartTls, ..settings(&dovecot) };
    let error = ImapMailbox::new(clear).open().await.expect_err("there is no STARTTLS");
    assert!(matches!(error, MailboxError::NotOffered { capability: "STARTTLS", .. }), "{error}");
    assert!(!dovecot.mail_log().contains(USER), "{}", dovecot.mail_log());
}

#[tokio::test]
async fn a_mark_is_a_keyword_and_nothing_else() {
    let dovecot = Dovecot::start().await;
    let mut mailbox = three_letters(&dovecot).await;
    mailbox.mark(&[2]).await.expect("Dovecot marks");
    assert_eq!(flags(&dovecot, "cur"), ["", "", "a"]);
    let keywords = fs::read_to_string(dovecot.maildir(USER).join("dovecot-keywords")).expect("Dovecot names keywords");
    assert_eq!(keywords.trim(), "0 $Expunged");
    assert_eq!(uids(&mut mailbox).await, [1, 2, 3]);
}

#[tokio::test]
async fn letters_are_moved_into_a_folder_that_is_created() {
    let dovecot = Dovecot::start().await;
    let mut mailbox = three_letters(&dovecot).await;
    mailbox.move_to(&[1, 3], "Gelöscht & Co").await.expect("Dovecot moves");
    assert_eq!(uids(&mut mailbox).await, [2]);
    assert_eq!(names(&dovecot, ".Gel&APY-scht &- Co/cur").len() + names(&dovecot, ".Gel&APY-scht &- Co/new").len(), 2);
    assert_eq!(mailbox.count_by_message_id("Gelöscht & Co", "<three@example.net>").await.expect("counted"), 1);
    // Once more: they are gone already.
    mailbox.move_to(&[1, 3], "Gelöscht & Co").await.expect("nothing is left to move");
}

#[tokio::test]
async fn without_move_letters_are_copied_and_expunged() {
    let dovecot = Dovecot::start_with("imap_capability = IMAP4rev1 UIDPLUS\n").await;
    let mut mailbox = three_letters(&dovecot).await;
    mailbox.move_to(&[2], "Done").await.expect("Dovecot copies");
    assert_eq!(uids(&mut mailbox).await, [1, 3]);
    assert_eq!(mailbox.count_by_message_id("Done", "<two@example.net>").await.expect("counted"), 1);
}

#[tokio::test]
async fn deleting_leaves_a_letter_that_a_colleague_only_marked_as_deleted() {
    let dovecot = Dovecot::start().await;
    let mut mailbox = three_letters(&dovecot).await;
    mailbox.fetch(&[1]).await.expect("the letters are in cur now");
    let cur = dovecot.maildir(USER).join("cur");
    let third = newest(&dovecot);
    fs::rename(cur.join(&third), cur.join(format!("{}:2,T", third.trim_end_matches(":2,")))).expect("a colleague may");
    mailbox.expunge(&[1]).await.expect("Dovecot expunges");
    assert_eq!(uids(&mut mailbox).await, [2, 3]);
    assert_eq!(flags(&dovecot, "cur"), ["", "T"]);
    mailbox.expunge(&[1]).await.expect("it is gone already");
}

/// The name of the letter that was delivered last: names begin with the time and go on with its microseconds.
fn newest(dovecot: &Dovecot) -> String {
    let mut names = names(dovecot, "cur");
    names.sort_by_key(|name| {
        let (seconds, rest) = name.split_once('.').expect("a Maildir name");
        let micros: String = rest.trim_start_matches('M').chars().take_while(char::is_ascii_digit).collect();
        (seconds.to_owned(), micros.parse::<u64>().expect("digits"))
    });
    names.pop().expect("there are letters")
}

#[tokio::test]
async fn our_copies_are_appended_as_read_found_and_deleted_by_message_id() {
    let dovecot = Dovecot::start().await;
    let mut mailbox = three_letters(&dovecot).await;
    assert_eq!(mailbox.count_by_message_id("Sent", "<x@example.net>").await.expect("counted"), 0);
    assert_eq!(mailbox.expunge_by_message_id("Sent", "<x@example.net>").await.expect("nothing"), 0);
    for id in ["x", "x", "xx"] {
        let copy = letter(id).replace('\n', "\r\n");
        mailbox.append("Sent", copy.as_bytes()).await.expect("Dovecot appends");
    }
    assert_eq!(flags(&dovecot, ".Sent/cur"), ["S", "S", "S"]);
    assert_eq!(mailbox.count_by_message_id("Sent", "<x@example.net>").await.expect("counted"), 2);
    assert_eq!(mailbox.expunge_by_message_id("Sent", "<x@example.net>").await.expect("deleted"), 2);
    assert_eq!(mailbox.count_by_message_id("Sent", "<x@example.net>").await.expect("counted"), 0);
    assert_eq!(mailbox.count_by_message_id("Sent", "<xx@example.net>").await.expect("counted"), 1);
    // And the folder of the letters is selected again by itself.
    assert_eq!(uids(&mut mailbox).await, [1, 2, 3]);
    let evil = mailbox.count_by_message_id("Sent", "<x>\r\nA1 EXPUNGE").await;
    assert!(matches!(evil, Err(MailboxError::Argument { .. })));
}

#[tokio::test]
async fn a_moved_letter_is_known_by_its_bytes() {
    let dovecot = Dovecot::start().await;
    let mut mailbox = three_letters(&dovecot).await;
    let two = mailbox.fetch(&[2]).await.expect("Dovecot fetches").remove(0).bytes;
    let size = two.len() as u64;
    mailbox.move_to(&[1, 2, 3], "Done").await.expect("Dovecot moves");
    let is_same = |bytes: &[u8]| bytes == two;
    assert_eq!(mailbox.expunge_alike("Done", size, &is_same).await.expect("deleted"), 1);
    assert_eq!(mailbox.expunge_alike("Done", size, &is_same).await.expect("it is gone already"), 0);
    assert_eq!(mailbox.expunge_alike("Nowhere", size, &is_same).await.expect("no such folder"), 0);
    assert_eq!(mailbox.count_by_message_id("Done", "two@example.net").await.expect("counted"), 0);
    for other in ["<one@example.net>", "three@example.net"] {
        assert_eq!(mailbox.count_by_message_id("Done", other).await.expect("counted"), 1, "{other}");
    }
}

#[tokio::test]
async fn waiting_ends_when_a_letter_arrives() {
    let dovecot = Dovecot::start().await;
    let mut mailbox = three_letters(&dovecot).await;
    assert_eq!(uids(&mut mailbox).await, [1, 2, 3]);
    let start = Instant::now();
    mailbox.wait(Duration::from_secs(1)).await.expect("nothing came");
    assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());

    let later = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        dovecot.deliver(USER, &[letter("four")]);
    };
    let start = Instant::now();
    let (waited, ()) = tokio::join!(mailbox.wait(Duration::from_secs(60)), later);
    waited.expect("a letter came");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(uids(&mut mailbox).await, [1, 2, 3, 4]);

    // What comes while nobody waits is not waited for.
    dovecot.deliver(USER, &[letter("five")]);
    let start = Instant::now();
    mailbox.wait(Duration::from_secs(60)).await.expect("a letter came");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn three_hundred_letters_come_in_batches_bounded_by_bytes() {
    let dovecot = Dovecot::start().await;
    let letters: Vec<String> = (1..=300).map(|number| letter(&format!("n{number}")) + &"x\n".repeat(5_000)).collect();
    dovecot.deliver(USER, &letters);
    let mut mailbox = ImapMailbox::new(ImapSettings { batch_bytes_max: 1 << 20, ..settings(&dovecot) });
    let all = uids(&mut mailbox).await;
    assert_eq!(all, (1..=300).collect::<Vec<u32>>());
    // One vanishes between the list and the fetch.
    mailbox.expunge(&[150]).await.expect("Dovecot expunges");
    let fetched = mailbox.fetch(&all).await.expect("Dovecot fetches");
    assert_eq!(fetched.len(), 299);
    for letter in &fetched {
        let subject = format!("Subject: n{}\r\n", letter.uid);
        assert!(letter.bytes.windows(subject.len()).any(|bytes| bytes == subject.as_bytes()), "{}", letter.uid);
    }
}

#[tokio::test]
async fn a_folder_that_was_made_anew_is_noticed() {
    let dovecot = Dovecot::start().await;
    dovecot.deliver(USER, &[letter("one")]);
    let mut mailbox = ImapMailbox::new(settings(&dovecot));
    let old = mailbox.open().await.expect("Dovecot opens INBOX");
    let copy = letter("other").replace('\n', "\r\n");
    mailbox.append("Other", copy.as_bytes()).await.expect("Dovecot appends");
    let mut other = ImapMailbox::new(ImapSettings { folder: "Other".into(), ..settings(&dovecot) });
    let state = other.open().await.expect("Dovecot opens Other");
    assert_ne!(state.uid_validity, 0);
    // The same folder name, another folder: its numbers begin again under another validity.
    fs::remove_dir_all(dovecot.maildir(USER).join(".Other")).expect("somebody deletes it");
    mailbox.append("Other", copy.as_bytes()).await.expect("Dovecot appends");
    let mut again = ImapMailbox::new(ImapSettings { folder: "Other".into(), ..settings(&dovecot) });
    assert_ne!(again.open().await.expect("Dovecot opens Other").uid_validity, state.uid_validity);
    assert_eq!(mailbox.open().await.expect("INBOX is the same"), old);
}

#[tokio::test]
async fn a_lost_connection_is_an_error_once_and_then_made_again() {
    let dovecot = Dovecot::start().await;
    let mut mailbox = three_letters(&dovecot).await;
    let dead = ImapSettings { port: 1, step_timeout: Duration::from_secs(2), ..settings(&dovecot) };
    let error = ImapMailbox::new(dead).open().await.expect_err("nobody listens there");
    assert_eq!(error.retry(), Retry::Transient);
    kick(&dovecot).await;
    let error = mailbox.list(0, 10).await.expect_err("the session was ended");
    assert_eq!(error.retry(), Retry::Transient, "{error}");
    assert_eq!(uids(&mut mailbox).await, [1, 2, 3]);
}

/// Ends the user's sessions, as an administrator would.
async fn kick(dovecot: &Dovecot) {
    let kicked = std::process::Command::new("doveadm")
        .arg("-c")
        .arg(dovecot.root.join("dovecot.conf"))
        .args(["kick", USER])
        .output()
        .expect("doveadm is installed with Dovecot");
    assert!(kicked.status.success(), "{}", String::from_utf8_lossy(&kicked.stderr));
    tokio::time::sleep(Duration::from_millis(300)).await;
}
