//! Faults: each must be an error within the time of one step, and the call after it must go through.

use std::sync::atomic::Ordering;
use std::time::Instant;

use proptest::prelude::*;

use super::fake::{Act, FakeDial, LETTERS, bodies, facts};
use super::*;
use crate::domain::Retry;
use crate::mailbox::settings::{Login, Security};
use crate::mailbox::{Refusal, Status};

const STEP: Duration = Duration::from_millis(200);
const SLACK: Duration = Duration::from_millis(700);

fn settings() -> ImapSettings {
    ImapSettings {
        host: "imap.example.org".into(),
        port: 993,
        security: Security::Tls,
        ca_file: None,
        user: "support@example.org".into(),
        login: Login::Password("hunter2-secret".to_owned().into()),
        folder: "INBOX".into(),
        keyword: "$Expunged".into(),
        step_timeout: STEP,
        batch_bytes_max: 1 << 20,
    }
}

fn say(words: &str) -> Option<Act> {
    Some(Act::Say(words.into()))
}

/// A mailbox whose server does `act` once, on the first command that starts with `command`.
fn faulty(command: &'static str, act: Act) -> ImapMailbox {
    let script = move |connection, line: &str| (connection == 0 && line.starts_with(command)).then(|| act.clone());
    ImapMailbox::dialling(settings(), Box::new(FakeDial::new(script)))
}

/// The error of fetching all letters, which must come in time, and must be over with the next call.
async fn fetch_error(mut mailbox: ImapMailbox) -> MailboxError {
    let start = Instant::now();
    let error = match mailbox.fetch(&[3, 5, 6]).await {
        Ok(fetched) => panic!("{} letters and no error", fetched.len()),
        Err(error) => error,
    };
    assert!(start.elapsed() < STEP + SLACK, "{error} after {:?}", start.elapsed());
    let again = mailbox.fetch(&[3, 5, 6]).await.unwrap();
    assert_eq!(again.len(), 3);
    error
}

#[tokio::test]
async fn the_good_server_is_read() {
    let mut mailbox = ImapMailbox::dialling(settings(), Box::new(FakeDial::new(|_, _| None)));
    let state = mailbox.open().await.unwrap();
    assert_eq!(state, FolderState { uid_validity: 77, uid_next: 7 });
    let listed = mailbox.list(0, 10).await.unwrap().letters;
    assert_eq!(listed.iter().map(|letter| letter.uid).collect::<Vec<_>>(), [3, 5, 6]);
    let fetched = mailbox.fetch(&[6, 5, 3]).await.unwrap();
    let expected: Vec<_> = LETTERS.iter().map(|(uid, letter)| (*uid, letter.as_bytes().to_vec())).collect();
    assert_eq!(fetched.into_iter().map(|letter| (letter.uid, letter.bytes)).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn no_and_bad_to_fetch_are_errors_even_after_data() {
    let some = bodies(&LETTERS[..1]);
    let error = fetch_error(faulty("UID FETCH", Act::Say("TAG NO [SERVERBUG] x@example.org\r\n".into()))).await;
    let MailboxError::Refused { status: Status::No, code: Some(Refusal::ServerBug), .. } = error else {
        panic!("{error}")
    };
    assert!(!error.to_string().contains('@'), "{error}");
    let error = fetch_error(faulty("UID FETCH", Act::Say(format!("{some}TAG BAD what\r\n")))).await;
    assert!(matches!(error, MailboxError::Refused { status: Status::Bad, .. }), "{error}");
    assert_eq!(error.retry(), Retry::Permanent);
}

#[tokio::test]
async fn bye_and_the_end_of_the_connection_in_the_middle_are_errors() {
    let is_body = |line: &str| line.ends_with("BODY.PEEK[])");
    let fault = move |act: Act| {
        let script = move |connection, line: &str| (connection == 0 && is_body(line)).then(|| act.clone());
        ImapMailbox::dialling(settings(), Box::new(FakeDial::new(script)))
    };
    let error = fetch_error(fault(Act::SayAndClose(bodies(&LETTERS[..2]) + "* BYE shutting down\r\n"))).await;
    assert!(matches!(error, MailboxError::Bye { .. }), "{error}");
    let error = fetch_error(fault(Act::SayAndClose(bodies(&LETTERS[..2])))).await;
    assert!(matches!(error, MailboxError::Ended { .. }), "{error}");
    let error = fetch_error(fault(Act::SayAndClose(bodies(&LETTERS).split_at(60).0.to_owned()))).await;
    assert!(matches!(error, MailboxError::Ended { .. }), "{error}");
    assert_eq!(error.retry(), Retry::Transient);
}

#[tokio::test]
async fn silence_is_an_error_wherever_it_falls() {
    for command in ["CAPABILITY", "LOGIN", "SELECT", "UID FETCH"] {
        let error = fetch_error(faulty(command, Act::Silence)).await;
        assert!(matches!(error, MailboxError::TimedOut { .. }), "{command}: {error}");
    }
    let error = fetch_error(faulty("UID FETCH", Act::Say("* OK Still here\r\n* 1 FET".into()))).await;
    assert!(matches!(error, MailboxError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_only_talks_is_not_listened_to_for_ever() {
    let chatter = "* OK Still here\r\n".repeat(3_000_000 / 17);
    let error = fetch_error(faulty("UID FETCH", Act::Say(chatter))).await;
    assert!(matches!(error, MailboxError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_literal_that_lies_about_its_length_is_an_error() {
    let is_body = |line: &str| line.ends_with("BODY.PEEK[])");
    let lie = move |announced: &'static str| {
        let script = move |connection, line: &str| {
            let words =
                format!("* 3 FETCH (UID 3 BODY[] {{{announced}}}\r\nSubject: three\r\n\r\n3)\r\nTAG OK done\r\n");
            (connection == 0 && is_body(line)).then_some(Act::Say(words))
        };
        ImapMailbox::dialling(settings(), Box::new(FakeDial::new(script)))
    };
    let error = fetch_error(lie("4")).await;
    assert!(matches!(error, MailboxError::Garbled { .. }), "too short: {error}");
    let error = fetch_error(lie("4000")).await;
    assert!(matches!(error, MailboxError::TimedOut { .. }), "longer than what comes: {error}");
    for announced in ["500000000", "99999999999999999999999"] {
        let error = fetch_error(lie(announced)).await;
        assert!(matches!(error, MailboxError::TooLarge { .. }), "{announced}: {error}");
        assert_eq!(error.retry(), Retry::Permanent);
    }
}

#[tokio::test]
async fn a_greeting_that_is_none_is_an_error() {
    for (greeting, is_in_time) in [("SSH-2.0-OpenSSH_9.2\r\n", true), ("* BYE full\r\n", true), ("* OK", false)] {
        let dial = FakeDial::new(|_, _| None).greeting(Act::Say(greeting.into()));
        let start = Instant::now();
        let error = ImapMailbox::dialling(settings(), Box::new(dial)).open().await.unwrap_err();
        assert!(start.elapsed() < if is_in_time { STEP } else { STEP + SLACK }, "{greeting}: {error}");
        assert_eq!(error.retry(), Retry::Transient, "{error}");
    }
}

#[tokio::test]
async fn an_answer_to_another_command_is_an_error() {
    let error = fetch_error(faulty("UID FETCH", Act::Say("E999 OK done\r\n".into()))).await;
    assert!(matches!(error, MailboxError::Garbled { .. }), "{error}");
    let error = fetch_error(faulty("UID FETCH", Act::Say("+ go on\r\n".into()))).await;
    assert!(matches!(error, MailboxError::Garbled { .. }), "{error}");
}

#[tokio::test]
async fn a_letter_left_out_is_an_error_unless_it_vanished() {
    let (left_out, some) = (facts(&LETTERS), bodies(&LETTERS[..2]));
    let answer = move |still_there: &'static str| {
        let (facts, bodies) = (left_out.clone(), some.clone());
        let script = move |connection, line: &str| match line {
            _ if connection > 0 => None,
            _ if line.ends_with("INTERNALDATE)") => say(&format!("{facts}TAG OK done\r\n")),
            _ if line.ends_with("BODY.PEEK[])") => say(&format!("{bodies}TAG OK done\r\n")),
            _ if line.starts_with("UID SEARCH") => say(&format!("* SEARCH{still_there}\r\nTAG OK done\r\n")),
            _ => None,
        };
        ImapMailbox::dialling(settings(), Box::new(FakeDial::new(script)))
    };
    let error = fetch_error(answer(" 6")).await;
    assert!(matches!(error, MailboxError::Incomplete { asked: 3, missing: 1, .. }), "{error}");
    let fetched = answer("").fetch(&[3, 5, 6]).await.unwrap();
    assert_eq!(fetched.iter().map(|letter| letter.uid).collect::<Vec<_>>(), [3, 5]);
}

#[tokio::test]
async fn the_last_letter_is_not_news_although_servers_name_it() {
    let mut mailbox = faulty("UID SEARCH UID 7:*", Act::Say("* SEARCH 6\r\nTAG OK done\r\n".into()));
    assert_eq!(mailbox.list(6, 10).await.unwrap(), Listing { letters: Vec::new(), through: 6 });
}

#[tokio::test]
async fn a_refused_login_says_where_to_look_and_not_what_was_said() {
    let answer = "TAG NO [AUTHENTICATIONFAILED] support@example.org hunter2-secret\r\n";
    let error = faulty("LOGIN", Act::Say(answer.into())).open().await.unwrap_err();
    assert_eq!(error.retry(), Retry::Permanent);
    let text = format!("{error} {error:?}");
    assert!(text.contains("imap.example.org:993") && text.contains("user and password in [mailbox.imap]"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("support@"), "{text}");
    let error = faulty("LOGIN", Act::Say("TAG NO [UNAVAILABLE] later\r\n".into())).open().await.unwrap_err();
    assert_eq!(error.retry(), Retry::Transient);
}

#[tokio::test]
async fn uids_of_another_validity_are_never_acted_on() {
    let script = |connection, line: &str| match line {
        _ if line.starts_with("SELECT") && connection > 0 => {
            say("* 3 EXISTS\r\n* OK [UIDVALIDITY 78] ok\r\n* OK [UIDNEXT 7] ok\r\nTAG OK done\r\n")
        }
        "NOOP" if connection == 0 => Some(Act::SayAndClose(String::new())),
        _ => None,
    };
    let dial = FakeDial::new(script);
    let heard = std::sync::Arc::clone(&dial.heard);
    let mut mailbox = ImapMailbox::dialling(settings(), Box::new(dial));
    mailbox.open().await.unwrap();
    assert!(matches!(mailbox.expunge(&[3]).await, Err(MailboxError::Ended { .. })));
    heard.lock().unwrap().clear();
    let error = mailbox.expunge(&[3]).await.unwrap_err();
    assert!(matches!(error, MailboxError::UidValidityChanged { known: 77, found: 78 }), "{error}");
    assert!(!heard.lock().unwrap().iter().any(|line| line.contains("STORE")));
    assert_eq!(mailbox.open().await.unwrap().uid_validity, 78);
    assert_eq!(mailbox.list(0, 10).await.unwrap().letters.len(), 3);
}

#[tokio::test]
async fn without_uidplus_nothing_is_deleted_and_moving_is_refused() {
    let dial = FakeDial::new(|_, line| {
        (line == "CAPABILITY").then(|| Act::Say("* CAPABILITY IMAP4rev1\r\nTAG OK x\r\n".into()))
    });
    let heard = std::sync::Arc::clone(&dial.heard);
    let mut mailbox = ImapMailbox::dialling(settings(), Box::new(dial));
    let error = mailbox.expunge(&[3]).await.unwrap_err();
    assert!(matches!(error, MailboxError::CapabilityMissing { capability: "UIDPLUS", .. }), "{error}");
    assert_eq!(error.retry(), Retry::Permanent);
    assert!(mailbox.move_to(&[3], "Done").await.is_err());
    let heard = heard.lock().unwrap();
    assert!(!heard.iter().any(|line| line.contains("EXPUNGE") || line.contains("STORE") || line.contains("COPY")));
}

#[tokio::test]
async fn without_move_letters_are_copied_and_expunged_by_uid() {
    let dial = FakeDial::new(|_, line| match line {
        "CAPABILITY" => say("* CAPABILITY IMAP4rev1 UIDPLUS\r\nTAG OK x\r\n"),
        _ if line.starts_with("UID SEARCH") => say("* SEARCH\r\nTAG OK x\r\n"),
        _ => None,
    });
    let heard = std::sync::Arc::clone(&dial.heard);
    let mut mailbox = ImapMailbox::dialling(settings(), Box::new(dial));
    mailbox.move_to(&[3, 5], "Done").await.unwrap();
    let heard: Vec<String> =
        heard.lock().unwrap().iter().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect();
    let position = |command: &str| heard.iter().position(|line| line == command).unwrap_or_else(|| panic!("{heard:?}"));
    let copy = position("UID COPY 3,5 \"Done\"");
    let store = position("UID STORE 3,5 +FLAGS.SILENT (\\Deleted)");
    assert!(copy < store && store < position("UID EXPUNGE 3,5"));
    assert!(!heard.iter().any(|line| line.starts_with("EXPUNGE")));
}

#[tokio::test]
async fn letters_that_stay_after_expunge_are_an_error() {
    let mut mailbox = ImapMailbox::dialling(settings(), Box::new(FakeDial::new(|_, _| None)));
    let error = mailbox.expunge(&[3]).await.unwrap_err();
    assert!(matches!(error, MailboxError::StillThere { asked: 1, remaining: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_keyword_that_the_folder_does_not_keep_is_an_error() {
    let flags =
        "* OK [PERMANENTFLAGS (\\Seen \\Deleted)] limited\r\n* OK [UIDVALIDITY 77] ok\r\n* OK [UIDNEXT 7] ok\r\n";
    let mut mailbox = faulty("SELECT", Act::Say(format!("{flags}TAG OK done\r\n")));
    let error = mailbox.mark(&[3]).await.unwrap_err();
    assert!(matches!(error, MailboxError::KeywordNotKept { .. }), "{error}");
}

#[tokio::test]
async fn waiting_never_hangs() {
    let at_most = Duration::from_millis(300);
    let wait = async |mailbox: &mut ImapMailbox| {
        mailbox.list(0, 10).await.unwrap();
        let start = Instant::now();
        let answer = mailbox.wait(at_most).await;
        (answer, start.elapsed())
    };
    // No news: the whole time.
    let (answer, took) = wait(&mut faulty("nothing", Act::Silence)).await;
    answer.unwrap();
    assert!(took >= at_most && took < at_most + SLACK, "{took:?}");
    // News: at once.
    let (answer, took) = wait(&mut faulty("IDLE", Act::Say("+ idling\r\n* 4 EXISTS\r\n".into()))).await;
    answer.unwrap();
    assert!(took < at_most, "{took:?}");
    // Not offered, and offered but refused: asleep, then awake.
    let missing = Act::Say("* CAPABILITY IMAP4rev1\r\nTAG OK x\r\n".into());
    for mut mailbox in [faulty("CAPABILITY", missing), faulty("IDLE", Act::Say("TAG NO no\r\n".into()))] {
        for _ in 0..2 {
            let (answer, took) = wait(&mut mailbox).await;
            answer.unwrap();
            assert!(took >= at_most && took < at_most + SLACK, "{took:?}");
        }
    }
    // Silence before, silence after, and an end in the middle.
    for (command, act) in [
        ("IDLE", Act::Silence),
        ("DONE", Act::Silence),
        ("IDLE", Act::SayAndClose("+ idling\r\n".into())),
        ("IDLE", Act::Say("+ idling\r\n* BYE idle too long\r\n".into())),
    ] {
        let mut mailbox = faulty(command, act.clone());
        let (answer, took) = wait(&mut mailbox).await;
        assert!(answer.is_err(), "{command} {act:?}");
        assert!(took < at_most + STEP + SLACK, "{command} {act:?}: {took:?}");
        assert_eq!(mailbox.list(0, 10).await.unwrap().letters.len(), 3);
    }
}

#[tokio::test]
async fn a_call_that_is_cut_short_leaves_no_half_spoken_connection() {
    let dial =
        FakeDial::new(|connection, line| (connection == 0 && line.starts_with("UID FETCH")).then_some(Act::Silence));
    let dials = std::sync::Arc::clone(&dial.dials);
    let mut mailbox = ImapMailbox::dialling(settings(), Box::new(dial));
    let cut = tokio::time::timeout(STEP / 4, mailbox.fetch(&[3])).await;
    assert!(cut.is_err());
    assert_eq!(mailbox.fetch(&[3, 5, 6]).await.unwrap().len(), 3);
    assert_eq!(dials.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn opening_after_a_call_that_was_cut_short_reads_no_answer_of_that_call() {
    for command in ["SELECT", "UID SEARCH", "UID FETCH", "UID STORE", "NOOP"] {
        let script = move |connection, line: &str| {
            // The answer comes when nobody listens any more.
            let late = "* OK [UIDVALIDITY 5] late\r\n* OK [UIDNEXT 50] late\r\n".to_owned();
            (connection == 0 && line.starts_with(command)).then_some(Act::Say(late))
        };
        let dial = FakeDial::new(script);
        let dials = std::sync::Arc::clone(&dial.dials);
        let mut mailbox = ImapMailbox::dialling(settings(), Box::new(dial));
        let all = async {
            mailbox.open().await?;
            mailbox.list(0, 10).await?;
            mailbox.mark(&[3]).await?;
            mailbox.expunge(&[3]).await
        };
        assert!(tokio::time::timeout(STEP / 4, all).await.is_err(), "{command}");
        assert_eq!(mailbox.open().await.unwrap(), FolderState { uid_validity: 77, uid_next: 7 }, "{command}");
        assert_eq!(dials.load(Ordering::SeqCst), 2, "{command}");
    }
}

#[tokio::test]
async fn a_letter_without_facts_is_listed_with_the_others() {
    // The date of the second letter is none, and the server refuses to tell of the third at all.
    let script = |_, line: &str| match line {
        "UID FETCH 3,5:6 (UID RFC822.SIZE INTERNALDATE)" | "UID FETCH 6 (UID RFC822.SIZE INTERNALDATE)" => {
            say("TAG NO cannot read it\r\n")
        }
        "UID FETCH 5 (UID RFC822.SIZE INTERNALDATE)" => {
            say("* 2 FETCH (UID 5 RFC822.SIZE 9 INTERNALDATE \"in spring\")\r\nTAG OK done\r\n")
        }
        _ => None,
    };
    let mut mailbox = ImapMailbox::dialling(settings(), Box::new(FakeDial::new(script)));
    let listing = mailbox.list(0, 10).await.unwrap();
    let found: Vec<_> =
        listing.letters.iter().map(|letter| (letter.uid, letter.size_bytes, letter.received_at.is_some())).collect();
    assert_eq!(found, [(3, LETTERS[0].1.len() as u64, true), (5, 9, false), (6, 0, false)]);
    assert_eq!(listing.through, 6);
    let error = mailbox.fetch(&[6]).await.unwrap_err();
    assert!(error.may_be_one_letter(), "{error}");
}

#[tokio::test]
async fn every_number_is_accounted_for_up_to_where_the_list_was_cut() {
    let script = |_, line: &str| {
        line.starts_with("SELECT").then(|| {
            let folder = "* 3 EXISTS\r\n* OK [UIDVALIDITY 77] ok\r\n* OK [UIDNEXT 12] ok\r\nTAG OK done\r\n";
            Act::Say(folder.into())
        })
    };
    let mut mailbox = ImapMailbox::dialling(settings(), Box::new(FakeDial::new(script)));
    assert_eq!(mailbox.list(0, 2).await.unwrap().through, 5);
    assert_eq!(mailbox.list(0, 9).await.unwrap().through, 11);
    assert_eq!(mailbox.list(11, 9).await.unwrap(), Listing { letters: Vec::new(), through: 11 });
}

#[tokio::test]
async fn what_is_opened_to_be_read_is_examined() {
    let dial = FakeDial::new(|_, line| {
        let folder = "* 3 EXISTS\r\n* OK [UIDVALIDITY 77] ok\r\n* OK [UIDNEXT 7] ok\r\nTAG OK [READ-ONLY] done\r\n";
        line.starts_with("EXAMINE").then(|| Act::Say(folder.into()))
    });
    let heard = std::sync::Arc::clone(&dial.heard);
    let mut mailbox = ImapMailbox { access: Access::Read, ..ImapMailbox::dialling(settings(), Box::new(dial)) };
    mailbox.open().await.unwrap();
    assert_eq!(mailbox.list(0, 10).await.unwrap().letters.len(), 3);
    mailbox.fetch(&[3, 5, 6]).await.unwrap();
    mailbox.wait(Duration::from_millis(10)).await.unwrap();
    assert!(!heard.lock().unwrap().iter().any(|line| line.contains("SELECT")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a server says to FETCH: an error or exactly the letters, in time, and no panic.
    #[test]
    fn any_answer_to_fetch_is_an_error_or_the_truth(
        at in 0_usize..200, insert in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..20),
            Just(b"\r\nTAG OK done\r\n".to_vec()),
            Just(b"{99}\r\n".to_vec()),
            Just(b")\r\n* 9 FETCH (UID 6 BODY[] NIL".to_vec()),
        ], drop_bytes in 0_usize..40,
    ) {
        let mut answer = (bodies(&LETTERS) + "TAG OK done\r\n").into_bytes();
        let at = at.min(answer.len());
        let end = (at + drop_bytes).min(answer.len());
        answer.splice(at..end, insert);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let script = move |_, line: &str| line.ends_with("BODY.PEEK[])").then(|| Act::SayAndClose(answer.clone()));
        let mut mailbox = ImapMailbox::dialling(settings(), Box::new(FakeDial::new(script)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let start = Instant::now();
        let fetched = runtime.block_on(mailbox.fetch(&[3, 5, 6]));
        prop_assert!(start.elapsed() < STEP + SLACK);
        if let Ok(fetched) = fetched {
            let uids: Vec<u32> = fetched.iter().map(|letter| letter.uid).collect();
            prop_assert_eq!(uids, vec![3, 5, 6]);
        }
    }
}
