//! What the desk says where something is over, or has nobody to be told to: what is so, and what helps.

use serde_json::Value;

use super::shop::Shop;

const CLOSE: &str = "Please close my account and delete all my data.";

/// A shop that reads letters up to 64 KiB only.
fn narrow() -> Shop {
    let shop = Shop::new();
    let config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    let limited = config.replace("[log]", "[limits]\nbody_bytes_max = 65536\n\n[log]");
    std::fs::write(shop.path("expunged.toml"), limited).expect("a config");
    shop
}

fn first(shop: &Shop) -> Value {
    shop.run(&["requests", "list", "--all", "-o", "json"]).json()[0].clone()
}

fn reference(request: &Value) -> String {
    request["reference"].as_str().expect("a reference").to_owned()
}

#[test]
fn who_refuses_a_request_without_an_address_hears_that_nobody_is_told() {
    for format in ["table", "json"] {
        let shop = narrow();
        shop.letter("stranger@nowhere.example", "All of it", &"x\r\n".repeat(30_000));
        shop.daemon_until(|shop| first(shop)["review_reason"] == "too_large");
        let at = reference(&first(&shop));
        let refuse = ["requests", "refuse", &at, "--ground", "A claim is open", "--article", "17(3)(e)", "-o", format];
        let said = shop.run(&refuse);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.err.contains("nobody is told") && said.err.contains("'requests note'"), "{format}: {}", said.err);
    }
    let (shop, at) = Shop::asked();
    let said = shop.run(&["requests", "refuse", &at, "--ground", "A claim is open", "--article", "17(3)(e)"]);
    assert!(said.code == Some(0) && !said.err.contains("nobody is told"), "{}", said.err);
}

#[test]
fn a_request_is_opened_anew_once_and_then_names_the_other() {
    let shop = Shop::new();
    shop.letter("stranger@nowhere.example", "My account", CLOSE);
    shop.daemon_until(|shop| first(shop)["state"] == "not_found");
    let at = reference(&first(&shop));
    let listed = shop.run(&["requests", "list"]);
    for words in ["1 request has ended because no account has the address", "--state not_found"] {
        assert!(listed.err.contains(words), "{words}: {}", listed.err);
    }
    assert!(!shop.run(&["requests", "list", "--all"]).err.contains("not_found"));
    let opens = ["requests", "account", &at, "2", "--scope", "account"];
    let said = shop.run(&opens);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let anew = said.err.split_whitespace().find(|word| word.starts_with("EXP-") && !word.starts_with(&at));
    let anew = anew.expect("the new one is named").trim_end_matches([':', ';']).to_owned();
    let said = shop.run(&opens);
    said.failed(4, &format!("{at}: a new request was opened from its letter already: {anew}"));
    assert!(said.err.contains("what can be done with it now: requests note\n"), "{}", said.err);
    let shown = shop.run(&["requests", "show", &at, "-o", "json"]).json();
    assert_eq!(shown["opened_anew_as"], anew.as_str());
    assert_eq!(shown["can_be_done"], serde_json::json!([format!("expunged requests note {at} TEXT")]));
    assert!(shop.run(&["requests", "show", &at]).out.contains("opened anew as"));
}

#[test]
fn what_helps_a_job_is_said_with_its_id() {
    let (shop, at) = Shop::asked();
    shop.ledger("UPDATE jobs SET state = 'dead', reason = 'broken_rule' WHERE kind = 'send'");
    let jobs = shop.run(&["jobs", "list", "--state", "dead", "-o", "json"]).json();
    let id = jobs[0]["id"].as_str().expect("a job").to_owned();
    for said in [shop.run(&["requests", "show", &at]).out, shop.run(&["jobs", "list"]).err] {
        assert!(said.contains(&format!("'expunged jobs retry {id}'")), "{said}");
    }
}

/// What a large letter's header shows is seen by who only looks, as the daemon then acts on it.
#[test]
fn of_a_large_letter_the_header_is_read_by_everybody() {
    let shop = narrow();
    shop.letter("olga@customer.example", "Please close my account", CLOSE);
    shop.daemon_until(|shop| first(shop)["state"] == "awaiting_confirmation");
    let body = "x\r\n".repeat(30_000);
    let letter = format!(
        "From: <olga@customer.example>\r\nTo: <privacy@tiny.example>\r\nSubject: Wait\r\nMessage-ID: <l@client.example>\r\n\r\n{body}"
    );
    std::fs::write(shop.path("support/new/large.eml"), &letter).expect("delivered");
    let observed = shop.run(&["run", "--observe", "-o", "json"]).json();
    let large = observed.as_array().expect("letters").iter().find(|one| one["disposition"] == "too_large");
    let large = large.expect("the large one");
    assert_eq!((&large["sender"], &large["review"]), (&"owner".into(), &"too_large".into()), "{large}");
    let would = large["would"].as_str().expect("what would be done");
    assert_eq!(
        would,
        "pause 1 open request that it may be about, and have a person look: too large, only its header is read"
    );
    std::fs::write(shop.path("large.eml"), &letter).expect("a file");
    let explained = shop.run(&["explain", &shop.path("large.eml").display().to_string(), "-o", "json"]).json();
    assert_eq!(explained[0]["delivery"], "too_large", "{explained}");
    shop.daemon_until(|shop| {
        let listed = shop.run(&["requests", "list", "-o", "json"]).json();
        listed.as_array().expect("a list").iter().any(|request| request["state"] == "on_hold")
    });
}

#[test]
fn json_lines_are_an_object_a_line_and_a_picture_has_one_format() {
    let shop = Shop::new();
    let said = shop.run(&["register", "-o", "jsonl"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(!said.out.is_empty());
    for line in said.out.lines() {
        let entry: Value = serde_json::from_str(line).expect("an object on a line");
        assert!(entry.is_object() && entry["controller"] == "Tiny Shop" && entry["store"].is_string(), "{entry}");
    }
    for format in ["json", "jsonl"] {
        shop.run(&["map", "draw", "-o", format]).failed(2, "Mermaid");
    }
    assert!(shop.run(&["map", "draw"]).out.contains("flowchart"));
}

#[test]
fn a_file_with_a_password_that_everybody_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::new();
    let config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    let with_login = config.replace("host = \"localhost\"", "host = \"localhost\"\nuser = \"a\"\npassword = \"hush\"");
    std::fs::write(shop.path("expunged.toml"), with_login).expect("a config");
    let mode = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(shop.path("expunged.toml"), permissions).expect("a mode");
    };
    mode(0o644);
    let said = shop.run(&["check"]);
    assert!(said.code == Some(0) && !said.out.contains("hush"), "{}{}", said.out, said.err);
    for words in ["WARNING", "mailer.smtp.password", "chmod 600", "mailer.smtp.password_file"] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    assert!(shop.run(&["run", "--observe"]).err.contains("warning: every user of this machine may read"));
    mode(0o600);
    assert!(!shop.run(&["check"]).out.contains("WARNING"));
}
