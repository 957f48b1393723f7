//! Who only looks: no mailer is needed, and what is said is what the daemon would do.

use super::shop::Shop;

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
