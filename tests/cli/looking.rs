//! Who only looks: no mailer is needed, and what is said is what the daemon would do.

use serde_json::Value;

use super::Said;
use super::shop::Shop;
use crate::support::expunged;

#[test]
fn looking_needs_no_mailer_that_sends() {
    let shop = Shop::new();
    shop.letter("olga@customer.example", "Please close my account", "Please close my account and delete all my data.");
    let config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    let (before, rest) = config.split_once("[mailer.smtp]").expect("a mailer");
    let (_, after) = rest.split_once("[stores]").expect("the stores");
    for mailer in ["", "[mailer.file]\npath = \"out\"\n"] {
        std::fs::write(shop.path("expunged.toml"), format!("{before}{mailer}[stores]{after}")).expect("a config");
        let said = shop.run(&["run", "--observe", "-o", "jsonl"]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.out.contains("challenge the address on file"), "{}", said.out);
        for looking in [
            &["map", "check"][..],
            &["map", "draw"],
            &["map", "diff", "--accept"],
            &["register"],
            &["plan", "bo@customer.example"],
        ] {
            let said = shop.run(looking);
            assert_eq!(said.code, Some(0), "{looking:?}: {}", said.err);
        }
        let checked = shop.run(&["check", "-o", "json"]);
        assert_eq!(checked.code, Some(0), "{}", checked.err);
        assert!(checked.out.contains("'expunged run' refuses it"), "{}", checked.out);
        // The daemon itself wants one that sends, and says what can be done without.
        let refused = shop.run(&["run"]);
        refused.failed(2, "[mailer.smtp]");
        assert!(!shop.has("ledger.db") && !shop.has("out"), "nothing was made");
    }
}

/// The leaves of the trail that say that somebody saw what is masked.
fn revealed(shop: &Shop) -> Vec<Value> {
    let export = shop.run(&["trail", "export"]);
    assert_eq!(export.code, Some(0), "{}", export.err);
    let leaves = export.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("a leaf"));
    leaves.filter(|leaf| leaf.to_string().contains("revealed")).collect()
}

#[test]
fn who_sees_senders_and_accounts_is_recorded_first() {
    let shop = Shop::begun();
    shop.letter("olga@customer.example", "Please close my account", "Please close my account and delete all my data.");
    let letter = std::fs::read_dir(shop.path("support/new")).expect("a Maildir").next().expect("a letter").expect("it");
    let letter = letter.path().display().to_string();

    let masked = shop.run(&["run", "--observe", "-o", "jsonl"]);
    assert!(masked.code == Some(0) && !masked.out.contains("olga"), "{}{}", masked.out, masked.err);
    let masked = shop.run(&["explain", &letter, "-o", "jsonl"]);
    assert!(masked.out.contains("\"account\":\"on_file\""), "{}{}", masked.out, masked.err);
    assert!(masked.out.contains("o…@customer.example") && !masked.out.contains("olga"), "{}", masked.out);
    assert!(revealed(&shop).is_empty());

    let seen = shop.run(&["run", "--observe", "--reveal", "-o", "jsonl"]);
    assert!(seen.out.contains("olga@customer.example"), "{}{}", seen.out, seen.err);
    let leaves = revealed(&shop);
    assert_eq!(leaves.len(), 1, "{leaves:?}");
    assert!(leaves[0].to_string().contains("mailbox") && leaves[0].to_string().contains("operator"), "{leaves:?}");

    let seen = shop.run(&["explain", &letter, "--reveal", "-o", "json"]).json();
    assert_eq!(seen[0]["authentication"]["address"], "olga@customer.example");
    let of = &seen[0]["revealed"];
    let expected = serde_json::json!({ "account": "1", "role": "owner", "address_on_file": "olga@customer.example",
        "owner_address_on_file": "olga@customer.example" });
    assert_eq!(of, &expected, "{seen}");
    assert_eq!(revealed(&shop).len(), 2);
    let table = shop.run(&["explain", &letter, "--reveal"]);
    assert!(table.out.contains("1 (owner, olga@customer.example"), "{}", table.out);
    assert!(!format!("{:?}", revealed(&shop)).contains("olga"));
}

#[test]
fn revealing_without_a_config_has_nothing_to_reveal() {
    let mut explain = expunged();
    let said: Said = explain.args(["explain", "--reveal", "-"]).output().expect("it runs").into();
    said.failed(2, "there is no config");
}

#[test]
fn a_plan_of_an_address_that_is_several_people_says_what_the_daemon_does_with_its_letters() {
    let shop = Shop::new();
    shop.sql("INSERT INTO users VALUES (4, 1, 'user', 'olga@customer.example', 'Olga at work')");
    let said = shop.run(&["plan", "olga@customer.example"]);
    said.failed(2, "a letter from it goes to a person of the team");
    assert!(said.err.contains("--account and --scope"), "{}", said.err);
    shop.letter("olga@customer.example", "Please close my account", "Please close my account and delete all my data.");
    let observed = shop.run(&["run", "--observe", "-o", "jsonl"]);
    assert!(observed.out.contains("\"several_accounts\""), "the same is said of the letter: {}", observed.out);

    shop.run(&["plan", "olga@customer.example", "--account", "1"]).failed(2, "choose one with --scope");
    shop.run(&["plan", "olga@customer.example", "--account", "2"]).failed(3, "this account does not know the address");
    let counts = |scope: &str| {
        let plan =
            shop.run(&["plan", "olga@customer.example", "--account", "1", "--scope", scope, "-o", "json"]).json();
        (plan["scope"].clone(), plan["rows_total"].clone())
    };
    assert_eq!(counts("account"), ("account".into(), 7.into()));
    assert_eq!(counts("user"), ("user".into(), 1.into()));
    shop.sql("INSERT INTO users VALUES (5, 2, 'user', 'olga@customer.example', 'Olga')");
    shop.run(&["plan", "olga@customer.example"]).failed(2, "people of 2 accounts");
}
