//! What somebody looks for on the command line who has never seen it: colour as everywhere, times that can be read, what to do
//! next with what has ended, and errors that say what is wanted.

use super::run;
use super::shop::Shop;

const CLOSE: &str = "Please close my account and delete all my data.";

#[test]
fn colour_is_as_people_say_also_in_help_and_errors() {
    let escapes = |arguments: &[&str]| {
        let said = run(arguments);
        (said.code, said.out.contains('\u{1b}') || said.err.contains('\u{1b}'))
    };
    for (help, error) in [(&["--help"][..], &["requests", "lst"][..]), (&["jobs", "--help"], &["jobs"])] {
        for (said, colour) in [
            (&["--color", "always"][..], true),
            (&["--color=always"], true),
            (&["--color", "never"], false),
            (&["--no-color"], false),
            (&["--color", "always", "--no-color"], false),
            (&["--color", "auto"], false),
            (&[], false),
        ] {
            assert_eq!(escapes(&[said, help].concat()), (Some(0), colour), "{said:?} {help:?}");
            assert_eq!(escapes(&[said, error].concat()), (Some(2), colour), "{said:?} {error:?}");
        }
    }
    run(&["requests", "list", "--color", "sometimes"]).failed(2, "auto, always, never");
}

#[test]
fn a_request_of_nobody_says_how_it_is_opened_anew() {
    let shop = Shop::new();
    shop.letter("stranger@nowhere.example", "My account", CLOSE);
    let of = |shop: &Shop| shop.run(&["requests", "list", "--all", "-o", "json"]).json();
    shop.daemon_until(|shop| of(shop)[0]["state"] == "not_found");
    let at = of(&shop)[0]["reference"].as_str().expect("a reference").to_owned();
    let scope = format!("expunged requests scope {at} SCOPE --account ID");
    let account = format!("expunged requests account {at} ID --scope SCOPE");
    let shown = shop.run(&["requests", "show", &at]).out;
    assert!(shown.contains(&scope) && shown.contains(&account), "{shown}");
    let json = shop.run(&["requests", "show", &at, "-o", "json"]).json();
    let can = json["can_be_done"].as_array().expect("a list");
    assert!(can.contains(&scope.as_str().into()) && can.contains(&account.as_str().into()), "{json}");
    // What it says works as it stands there.
    let said = shop.run(&["requests", "account", &at, "2", "--scope", "account"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
}

#[test]
fn a_large_letter_is_listed_with_its_size() {
    let shop = Shop::new();
    shop.letter("olga@customer.example", "All of it", &"x\r\n".repeat(9_000_000));
    let of = |shop: &Shop| shop.run(&["requests", "list", "-o", "json"]).json();
    shop.daemon_until(|shop| of(shop)[0]["review_reason"] == "too_large");
    let (row, limit) = (of(&shop)[0].clone(), 25 * 1024 * 1024);
    let (size, at) = (row["letter_bytes"].as_u64().expect("a size"), row["reference"].as_str().expect("a reference"));
    assert_eq!((size > limit, &row["letter_bytes_max"]), (true, &limit.into()), "{row}");
    let list = shop.run(&["requests", "list"]).out;
    assert!(list.contains(&format!("too_large ({size} bytes of at most {limit})")), "{list}");
    let shown = shop.run(&["requests", "show", at]).out;
    for said in [size.to_string(), "body_bytes_max".to_owned(), format!("expunged requests scope {at}")] {
        assert!(shown.contains(&said), "{said}: {shown}");
    }
}

#[test]
fn an_extension_needs_a_reason_that_the_letter_can_carry() {
    let (shop, at) = Shop::asked();
    shop.run(&["requests", "extend", &at]).failed(2, "--reason is missing: say in words for the person");
    shop.run(&["requests", "extend", &at, "--reason", " "]).failed(2, "(--reason) is missing");
    shop.run(&["requests", "extend", &at, "--reason", "one\ntwo"]).failed(2, "line breaks");
    shop.run(&["requests", "extend", &at, "--reason", &"x".repeat(1_001)]).failed(2, "longer than 1,000 characters");
    shop.run(&["requests", "extend", &at, "--reason", "x", "--ground", "laziness"])
        .failed(2, "complexity, number, other");
    let given = ["requests", "extend", &at, "--reason", "Olga has much", "--ground", "complexity"];
    assert_eq!(shop.run(&given).code, Some(0));
    let shown = shop.run(&["requests", "show", &at]).out;
    assert!(shown.contains("extended for") && shown.contains("complexity") && !shown.contains("has much"), "{shown}");
    assert!(shop.run(&["requests", "show", &at, "--reveal"]).out.contains("Olga has much"));
    let trail = shop.run(&["trail", "show", &at]).out;
    assert!(trail.contains("ground complexity") && !trail.contains("has much"), "{trail}");
}

#[test]
fn times_in_the_trail_are_rfc_3339_in_every_format() {
    let (shop, at) = Shop::asked();
    let is_time =
        |value: &serde_json::Value| value.as_str().is_some_and(|text| text.starts_with("20") && text.ends_with('Z'));
    let json = shop.run(&["trail", "show", &at, "-o", "json"]).json();
    let entries = json["entries"].as_array().expect("leaves");
    assert!(entries.iter().all(|leaf| is_time(&leaf["time"])), "{json}");
    assert!(entries.iter().any(|leaf| is_time(&leaf["facts"]["received"])), "{json}");
    let lines = shop.run(&["trail", "show", &at, "-o", "jsonl"]);
    assert_eq!(lines.out.lines().count(), entries.len(), "a leaf is a line");
    for (line, leaf) in lines.out.lines().zip(entries) {
        assert_eq!(&serde_json::from_str::<serde_json::Value>(line).expect("JSON"), leaf);
    }
    for head in ["number", "time", "event", "actor", "facts"] {
        assert!(!entries[0][head].is_null(), "the heads of the table are the names: {head}");
    }
}

#[test]
fn an_export_passes_over_nothing() {
    let (shop, _) = Shop::asked();
    let end: i64 = {
        let said = shop.run(&["trail", "export"]);
        let end = said.err.split("--after ").nth(1).expect("the end");
        end.trim().parse().expect("a number")
    };
    assert_eq!(shop.run(&["trail", "export", "--after", &end.to_string()]).code, Some(0), "nothing new yet");
    let behind = (end + 1).to_string();
    shop.run(&["trail", "export", "--after", &behind]).failed(3, &format!("the trail ends at position {end}"));
    for wrong in ["x", "-1"] {
        shop.run(&["trail", "export", "--after", wrong]).failed(2, "expected a whole number from 0 on");
    }
}

#[test]
fn the_mailbox_says_when_it_was_read_and_what_waits() {
    let shop = Shop::new();
    shop.run(&["mailbox", "status"]).failed(3, "expunged run");
    shop.daemon_until(|shop| shop.run(&["mailbox", "status", "-o", "json"]).json()["polled_at"].is_string());
    let status = shop.run(&["mailbox", "status"]).out;
    assert!(status.contains(" ago)") && status.contains("waiting  no letter waits to be judged"), "{status}");

    assert!(status.contains("read     no letter yet; the first has uid"), "{status}");
    assert!(status.contains("read by  no daemon at this moment"), "{status}");
    shop.ledger("UPDATE mailbox_leases SET holder = 'host:1:killed', lease_until = lease_until + 3600000000");
    let status = shop.run(&["mailbox", "status"]).out;
    assert!(status.contains("read by  host:1:killed (its lease runs until 20"), "{status}");

    // A letter that was stored, and whose judging waits.
    shop.letter("olga@customer.example", "Please close my account", CLOSE);
    shop.daemon_until(|shop| {
        shop.run(&["requests", "list", "-o", "json"]).json().as_array().is_some_and(|all| all.len() == 1)
    });
    shop.ledger(
        "UPDATE polls SET polled_at = NULL;
         INSERT INTO jobs (id, kind, state, priority, run_at, attempts_max, payload, created_at, reason, reason_since)
         VALUES (randomblob(16), 'judge', 'waiting', 0, 0, 3, '{}', 0, 'mailbox_not_read', 0)",
    );
    let status = shop.run(&["mailbox", "status"]).out;
    assert!(status.contains("never to its end, though a daemon tries since 20"), "{status}");
    assert!(status.contains("held up  1 letter: the mailbox was not read to its end"), "{status}");
    let json = shop.run(&["mailbox", "status", "-o", "json"]).json();
    assert_eq!((&json["polled_at"], &json["polled_seconds_ago"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!(json["waiting"]["held_up_by"][0]["reason"], "mailbox_not_read", "{json}");
    assert!(json["cursor"]["uid_validity"].is_u64() && json["watched_since"].is_string(), "{json}");
}

#[test]
fn wrong_words_are_answered_with_the_right_ones() {
    let (shop, at) = Shop::asked();
    std::fs::write(shop.path("latin1.csv"), b"J\xf6rg").expect("a file");
    let latin = shop.path("latin1.csv").display().to_string();
    for (command, code, words) in [
        (&["requests", "list", "--limit", "-1"][..], 2, "-1 is not in"),
        (&["jobs", "list", "--limit", "-1"], 2, "-1 is not in"),
        (
            &["requests", "refuse", &at, "--ground", "x", "--article", "12(5)", "--data", "nonsense"],
            3,
            "they have: contact",
        ),
        (&["holds", "place", "--table", "orders", "--reference", "1"], 2, "such as shop.users"),
        (&["holds", "place", "--subject", "users", "--reference", "1"], 2, "such as shop.users/42"),
        (&["map", "init", "shop", "--subject", "users=user"], 2, "such as user=staff"),
        (&["suppress", "check", &latin], 2, "save the file as UTF-8"),
    ] {
        shop.run(command).failed(code, words);
    }
}
