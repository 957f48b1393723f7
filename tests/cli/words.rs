//! What the program says when it refuses or waits: what is so, why, and what helps; with no word of its own insides.

use serde_json::Value;

use super::shop::Shop;
use crate::support::expunged;

const CLOSE: &str = "Please close my account and delete all my data.";

/// The references of a shop's requests in this state, once there are so many.
fn until(shop: &Shop, state: &str, count: usize) -> Vec<String> {
    let of = |shop: &Shop| -> Vec<String> {
        let listed = shop.run(&["requests", "list", "--all", "-o", "json"]).json();
        let of_state = listed.as_array().expect("a list").iter().filter(|request| request["state"] == state);
        of_state.map(|request| request["reference"].as_str().expect("a reference").to_owned()).collect()
    };
    shop.daemon_until(|shop| of(shop).len() == count);
    of(shop)
}

#[test]
fn a_refusal_speaks_of_the_request_and_of_what_can_be_done() {
    let (shop, at) = Shop::asked();
    let refused = |verb: &[&str], words: &[&str]| {
        let said = shop.run(&[&["requests"][..], verb].concat());
        said.failed(4, "what can be done with it now: requests ");
        for words in words {
            assert!(said.err.contains(words), "{words:?} in {}", said.err);
        }
        for inside in ["cannot take", "_by_operator", "put_right", "left_alone", "not in this state"] {
            assert!(!said.err.contains(inside), "{inside:?} in {}", said.err);
        }
    };
    let scope = "account (offered in our letter, and not confirmed yet)";
    assert!(shop.run(&["requests", "show", &at]).out.contains(scope), "what a ? in the list stands for");
    let waits = "it waits for the asker to confirm it (awaiting_confirmation)";
    refused(&["release", &at], &["cannot be let go on", waits, "requests hold, ", "requests approve, "]);
    refused(&["scope", &at, "user"], &["cannot be put right", waits]);
    refused(&["leave", &at, "--reason", "Another"], &["cannot be left as it is", waits]);
    assert_eq!(shop.run(&["requests", "hold", &at]).code, Some(0));
    refused(&["hold", &at], &["cannot be paused", "it is paused by an operator (on_hold)", "requests release, "]);
    assert_eq!(shop.run(&["requests", "withdraw", &at]).code, Some(0));
    let only_noted = ["it was withdrawn (withdrawn)", "now: requests note\n"];
    for verb in [
        &["withdraw", &at][..],
        &["hold", &at],
        &["refuse", &at, "--ground", "A", "--article", "12(5)"],
        &["approve", &at],
    ] {
        refused(verb, &only_noted);
    }
}

#[test]
fn a_request_says_in_words_what_failed_and_what_helps() {
    let shop = Shop::new();
    shop.letter("olga@customer.example", "My data", "Please delete my data, or rather send me a copy of it first.");
    let at = until(&shop, "needs_review", 1).remove(0);
    // The mail server is a closed port; the other job died for a reason of its own.
    shop.ledger("UPDATE jobs SET state = 'dead', reason = 'broken_rule' WHERE kind = 'identify'");
    let shown = shop.run(&["requests", "show", &at]);
    assert!(
        shown.out.contains("another right than erasure was asked for; answer it"),
        "why, and what to do: {}",
        shown.out
    );
    let waiting = "the mail server was not reached, before any letter, since 20";
    assert!(shown.out.contains(waiting) && shown.out.contains("Z; it is tried again by itself at 20"), "{}", shown.out);
    let json = shop.run(&["requests", "show", &at, "-o", "json"]).json();
    assert!(json["review_means"].as_str().is_some_and(|means| means.contains("; ")), "{json}");
    let jobs = json["jobs"].as_array().expect("jobs");
    assert!(
        jobs.iter().any(|job| job["means"].as_str().is_some_and(|means| means.starts_with(&waiting[..20]))),
        "{json}"
    );

    // What the team sets is seen, also before anybody was asked about it.
    assert_eq!(shop.run(&["requests", "show", &at, "-o", "json"]).json()["categories"], serde_json::json!([]));
    let set = shop.run(&["requests", "scope", &at, "data", "--category", "contact", "--category", "identity"]);
    assert_eq!(set.code, Some(0), "{}", set.err);
    let json = shop.run(&["requests", "show", &at, "-o", "json"]).json();
    assert_eq!(
        (&json["categories"], &json["categories_set"]),
        (&serde_json::json!(["contact", "identity"]), &true.into())
    );
    let shown = shop.run(&["requests", "show", &at]).out;
    assert!(shown.contains("contact, identity (set by the team)"), "{shown}");
    shop.ledger("UPDATE requests SET state = 'needs_review' WHERE state = 'received'");

    // Somebody without an address on file: what helps is not evidence, and that is said.
    shop.ledger("UPDATE requests SET review_reason = 'no_address_on_file'");
    let shown = shop.run(&["requests", "show", &at]).out;
    assert!(shown.contains("there is no address on file; nobody could be asked"), "{shown}");
    assert!(shown.contains("enter their address in the directory"), "{shown}");
}

#[test]
fn who_is_looked_for_is_looked_for_in_an_account() {
    let shop = Shop::new();
    shop.letter("who@elsewhere.example", "Please close my account", CLOSE);
    let at = until(&shop, "not_found", 1).remove(0);
    let said = shop.run(&["requests", "scope", &at, "user", "--target", "Bo"]);
    said.failed(2, "name that too, with --account ID");
    assert!(!said.err.contains("what can be done"), "the verb that was refused is no way out: {}", said.err);
    let said = shop.run(&["requests", "scope", &at, "user", "--target", "Bo", "--account", "1"]);
    assert!(said.code == Some(0) && said.err.contains("opened anew as"), "{}", said.err);
}

#[test]
fn where_there_is_no_letter_it_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty");
    let notes = folder.path().join("notes");
    for made in [&empty, &notes] {
        std::fs::create_dir(made).expect("a folder");
    }
    std::fs::write(notes.join("notes.txt"), "no letter, but notes\n").expect("a text");
    let (letter, picture) = (folder.path().join("one.eml"), folder.path().join("picture"));
    std::fs::write(&letter, "From: <a@b.example>\r\n\r\nHello\r\n").expect("a letter");
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").expect("a picture");
    for command in ["classify", "explain"] {
        for (path, code, words) in [
            (&empty, 3, "there is no letter in"),
            (&notes, 3, "there is no letter in"),
            (&picture, 1, "picture is no letter: it does not begin like one, and is no text"),
        ] {
            let run = |more: &[&std::path::Path]| {
                let output =
                    expunged().arg(command).arg(path).args(more).args(["-o", "json"]).output().expect("it runs");
                super::Said::from(output)
            };
            let said = run(&[]);
            assert_eq!((said.code, said.out.trim()), (Some(code), "[]"), "{command} {path:?}: {}", said.err);
            assert!(said.err.contains(words), "{command}: {}", said.err);
            // The others are judged all the same.
            let said = run(&[&letter]);
            assert!(said.code == Some(code) && said.out.contains("one.eml"), "{command}: {}{}", said.out, said.err);
        }
    }
}

#[test]
fn what_is_no_address_and_what_is_no_letter_is_said() {
    let shop = Shop::new();
    let said = shop.run(&["plan", "notanaddress"]);
    said.failed(2, "this is no e-mail address");
    assert!(said.err.contains("--target"), "{}", said.err);

    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("one.eml"), "From: <a@b.example>\r\n\r\nHello\r\n").expect("a letter");
    std::fs::write(folder.path().join("notes.txt"), "no letter, but notes\n").expect("a text");
    for command in ["classify", "explain"] {
        let output = expunged().arg(command).arg(folder.path()).output().expect("it runs");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && err.contains("notes.txt does not begin like a letter"), "{command}: {err}");
    }
}

#[test]
fn a_name_with_a_line_end_does_not_end_our_line() {
    let shop = Shop::new();
    shop.sql("CREATE TABLE \"two\nlines\" (id INTEGER PRIMARY KEY)");
    let said = shop.run(&["plan", "olga@customer.example"]);
    said.failed(2, "shop.two\\nlines");
    assert!(said.err.lines().all(|line| !line.starts_with("lines")), "{}", said.err);
}

#[test]
fn a_replay_prints_no_empty_line_and_knows_of_holds() {
    let shop = Shop::begun();
    let said = shop.run(&["replay", "--since", "2026-01-01"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
    assert!(!said.err.contains("hold"), "{}", said.err);
    assert_eq!(shop.run(&["holds", "place", "--store", "shop", "--reference", "12 O 34/26"]).code, Some(0));
    let said = shop.run(&["replay", "--since", "2026-01-01", "--dry-run"]);
    assert!(said.err.contains("1 legal hold stands") && said.err.contains("holds list"), "{}", said.err);
    assert_eq!(shop.run(&["replay", "--since", "2026-01-01", "-o", "json"]).json()["requests"], 0);
    let folder = shop.path("support").display().to_string();
    assert!(shop.run(&["mailbox", "status"]).out.contains(&format!("folder   {folder}\n")), "a Maildir is its folder");
    assert_eq!(shop.run(&["mailbox", "status", "-o", "json"]).json()["folder"], folder);
}

/// The one measure: what the daemon does not read is said to be too large by everybody who judges letters.
#[test]
fn a_letter_that_is_too_large_is_so_everywhere() {
    const LIMIT: usize = 65_536;
    let shop = Shop::new();
    let config = shop.config_with("[log]", &format!("[limits]\nbody_bytes_max = {LIMIT}\n\n[log]"));
    let letter = |size: usize| {
        let head = format!(
            "From: <olga@customer.example>\r\nTo: <privacy@tiny.example>\r\nSubject: Please close my account\r\n\
             Message-ID: <{size}@client.example>\r\n\r\n{CLOSE}\r\n"
        );
        let rest = size - head.len();
        format!("{head}{}", "x".repeat(rest))
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (fits, large) = (folder.path().join("fits.eml"), folder.path().join("large.eml"));
    std::fs::write(&fits, letter(LIMIT)).expect("a letter");
    std::fs::write(&large, letter(LIMIT + 1)).expect("a letter");
    let explained = |path: &std::path::Path| -> Value {
        shop.run(&["explain", &path.display().to_string(), "--config", &config, "-o", "json"]).json()[0].clone()
    };
    let read = explained(&fits);
    assert_eq!((&read["delivery"], &read["disposition"]), (&"opened".into(), &"open".into()), "{read}");
    let unread = explained(&large);
    assert_eq!((&unread["delivery"], &unread["review"]), (&"too_large".into(), &"too_large".into()), "{unread}");
    assert_eq!((&unread["phrases"][0], &unread["new_text"]), (&"letter: too_large".into(), &"".into()), "{unread}");

    for path in [&fits, &large] {
        let name = path.file_name().expect("a name");
        std::fs::copy(path, shop.path("support/new").join(name)).expect("delivered");
    }
    let observed = shop.run(&["run", "--observe", "--config", &config, "-o", "json"]).json();
    let dispositions: Vec<&Value> =
        observed.as_array().expect("letters").iter().map(|one| &one["disposition"]).collect();
    assert!(dispositions.contains(&&"opened".into()) && dispositions.contains(&&"too_large".into()), "{observed}");

    // Without a config the usual limit counts, and the addresses that a file names are its data.
    let usual = 25 * 1024 * 1024;
    std::fs::write(&large, letter(usual + 1)).expect("a letter");
    for (command, rules) in [("classify", "reasons"), ("explain", "phrases")] {
        let output = expunged().arg(command).arg(&large).args(["-o", "json"]).output().expect("it runs");
        let record: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let record = &record[0];
        assert_eq!(
            (&record["disposition"], &record[rules][0]),
            (&"review".into(), &"letter: too_large".into()),
            "{record}"
        );
        if command == "classify" {
            assert_eq!(record["subjects"][0], "olga@customer.example");
        }
    }
}
