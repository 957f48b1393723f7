//! A command needs the secrets that it uses, and no other.

use super::shop::Shop;

/// The shop with the passwords of mail, and the url of our own database, in files that are not there.
fn without_secrets() -> (Shop, String, String) {
    let shop = Shop::new();
    let config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    let smtp = "[mailer.smtp]\nuser = \"u\"\npassword_file = \"no/smtp.password\"";
    let imap = "[mailbox.imap]\nhost = \"localhost\"\nuser = \"u\"\npassword_credential = \"imap\"";
    let config = config.replace("[mailer.smtp]", smtp).replace("[mailbox.maildir]\npath = \"support\"", imap);
    let no_mail = shop.path("no-mail.toml");
    std::fs::write(&no_mail, &config).expect("a config");
    let nothing = shop.path("nothing.toml");
    std::fs::write(&nothing, config.replace("url = \"sqlite:ledger.db\"", "url_file = \"no/ledger.url\""))
        .expect("a config");
    (shop, no_mail.display().to_string(), nothing.display().to_string())
}

#[test]
fn maps_and_plans_need_no_password_of_mail() {
    let (shop, no_mail, nothing) = without_secrets();
    let of_maps = [
        &["map", "check"][..],
        &["map", "diff", "--accept"],
        &["map", "check", "--offline"],
        &["map", "init", "shop", "--print"],
        &["map", "draw"],
        &["register"],
    ];
    for config in [&no_mail, &nothing] {
        for command in of_maps {
            let said = shop.run(&[command, &["--config", config]].concat());
            assert_eq!(said.code, Some(0), "{command:?}: {}", said.err);
        }
    }
    let plan = ["plan", "bo@customer.example", "--config"];
    let said = shop.run(&[&plan[..], &[&no_mail]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("users"), "{}", said.out);
    // It looks for legal holds there, and who reaches the mail servers needs their passwords.
    shop.run(&[&plan[..], &[&nothing]].concat()).failed(2, "no/ledger.url");
    for command in [&["check"][..], &["run", "--observe"], &["run"]] {
        let said = shop.run(&[command, &["--config", &no_mail]].concat());
        said.failed(2, "no/smtp.password");
        assert!(said.err.contains("there is no folder of credentials"), "{command:?}: {}", said.err);
    }
    // What is written is checked all the same.
    let twice = std::fs::read_to_string(&no_mail)
        .expect("the config")
        .replace("user = \"u\"", "user = \"u\"\npassword = \"x\"");
    std::fs::write(&no_mail, twice).expect("a config");
    shop.run(&["map", "draw", "--config", &no_mail]).failed(2, "given more than once");
}
