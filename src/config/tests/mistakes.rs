//! Every kind of mistake, as the person at the keyboard sees it. A snapshot each: read them as you would read prose.

use std::path::Path;

use regex::Regex;

use super::super::*;
use super::{EXAMPLE, check_in, example_with, installation, with_mailer};

/// The rendered error of a text, with the folder named as an installation would have it. Line numbers are compared with
/// the text here and left out of the snapshots, which a new line in the example would otherwise change.
fn rendered(folder: &Path, source: &str) -> String {
    let text = match check_in(folder, source) {
        Ok(_) => panic!("this text has no mistake:\n{source}"),
        Err(error) => error.render(false).replace(&folder.display().to_string(), "/etc/expunged"),
    };
    if !text.contains("stores/") {
        // Up to the value, which is masked where it may be a secret.
        let key = |line: &str| line.trim_matches([' ', '|']).split(['=', '"']).next().unwrap().trim_end().to_owned();
        for shown in Regex::new(r"(?m)^ *(\d+) \| (.*)").unwrap().captures_iter(&text) {
            let number: usize = shown[1].parse().unwrap();
            assert_eq!(key(source.lines().nth(number - 1).unwrap()), key(&shown[2]), "{text}");
        }
    }
    let text = Regex::new(r"(\.toml):\d+:").unwrap().replace_all(&text, "$1:LINE:");
    let text = Regex::new(r"(?m)^ *\d+ \|").unwrap().replace_all(&text, "LINE |");
    let text = Regex::new(r"(?m)^ *([|=])").unwrap().replace_all(&text, "     $1");
    Regex::new(r"(?m)^ *-->").unwrap().replace_all(&text, "    -->").into_owned()
}

/// The example with one place changed is refused like this.
macro_rules! mistakes {
    ($($name:ident: $($from:expr => $to:expr),+;)+) => {$(
        #[test]
        fn $name() {
            let folder = installation();
            let text = rendered(folder.path(), &example_with(&[$(($from, $to)),+]));
            assert!(!text.contains("hunter2"), "a secret is shown:\n{text}");
            insta::assert_snapshot!(text);
        }
    )+};
}

mistakes! {
    unknown_key: "#reminder_days = 5" => "reminder_day = 5";
    unknown_key_that_may_be_a_secret:
        "password_file = \"smtp.password\"" => "passphrase = \"hunter2\"\nkeyphrase = \"hunter2\"";
    two_mailers: "[mailer.smtp]\n" => "[mailer.memory]\n[mailer.smtp]\n";
    termination_without_its_queries: "# after_days = 90" => "after_days = 90";
    termination_without_a_grace_period: "# after_days = 90" => "after_days = 90", "#grace_days = 7" => "grace_days = 0",
        "# ended = \"\"\"" => "ended = \"\"\"", "# SELECT id AS account, ended_at" => "SELECT id AS account, ended_at",
        "# WHERE ended_at IS NOT NULL" => "WHERE ended_at IS NOT NULL",
        "# accounts = " => "accounts = ";
    pages_without_a_url: "# listen = \"127.0.0.1:8443\"" => "listen = \"127.0.0.1:8443\"";
    pages_without_encryption: "# listen = \"127.0.0.1:8443\"" => "listen = \"127.0.0.1:8443\"",
        "# public_url = \"https://privacy.example.com\"" => "public_url = \"http://privacy.example.com\"";
    pages_at_no_address: "# listen = \"127.0.0.1:8443\"" => "listen = \"8443\"",
        "# public_url = \"https://privacy.example.com\"" => "public_url = \"https://shop.example/privacy\"",
        "# client_address_header = \"x-forwarded-for\"" => "client_address_header = \"X-Forwarded-For:\"";
    unknown_section: "[retention]" => "[retentions]";
    wrong_type: "#port = 587" => "port = \"587\"";
    wrong_type_of_a_secret: "password_file = \"smtp.password\"" => "password = [\"hunter2\"]";
    syntax: "host = \"smtp.example.com\"" => "host = smtp.example.com\npassword = \"hunter2";
    syntax_of_a_secret: "password_file = \"smtp.password\"" => "password: \"hunter2\"";
    missing_section: "[database]\n" => "[log]\n", "#connections_max = 8" => "", "url = \"sqlite:ledger.db\"" => "",
        "\n[log]\n# text" => "\n# text";
    missing_key: "name = \"Example Shop\"\n# The address" => "# The address";
    missing_authority: "supervisory_authority = " => "# supervisory_authority = ";
    two_secrets: "password_file = \"smtp.password\"" => "password_file = \"smtp.password\"\npassword = \"hunter2\"";
    no_secret: "password_file = \"smtp.password\"" => "";
    unreadable_secret: "\"smtp.password\"" => "\"smtp.pasword\"";
    no_credentials: "password_file = \"smtp.password\"" => "password_credential = \"smtp\"";
    unreadable_map: "\"stores/shop.toml\"]" => "\"stores/crm.toml\"]";
    does_not_fit: "#expires_days = 14" => "expires_days = 21", "#grace_days = 7" => "grace_days = 10";
    law_is_shorter_than_the_defaults: "#pack = \"gdpr\"" => "pack = \"lgpd\"";
    unknown_law: "#pack = \"gdpr\"" => "pack = \"hipaa\"";
    unknown_language: "#language = \"en\"" => "language = \"it\"";
    unknown_time_zone: "#time_zone = \"UTC\"" => "time_zone = \"Europe/Bonn\"";
    bad_duration: "#poll_seconds = 20" => "poll_seconds = 0";
    negative_duration: "#grace_days = 7" => "grace_days = -1";
    duration_with_unit: "#expires_days = 14" => "expires_days = \"14d\"";
    reminder_after_expiry: "#reminder_days = 5" => "reminder_days = 14";
    moved_to_where_they_lie: "# move_to = \"Erasure\"" => "move_to = \"Inbox\"";
    port_zero: "#port = 993" => "port = 0";
    host_with_port: "host = \"imap.example.com\"" => "host = \"imap.example.com:993\"";
    address_without_at: "address = \"privacy@example.com\"" => "address = \"privacy.example.com\"";
    nobody_in_the_team: "[\"support@example.com\"]" => "[]";
    team_address: "[\"support@example.com\"]" => "[\"support@example.com\", \"Ann <ann@example.com>\"]";
    no_encryption: "#security = \"starttls\"" => "security = \"none\"";
    database_url: "\"sqlite:ledger.db\"" => "\"mysql://root:hunter2@localhost/x\"";
    keyword: "\"$Expunged\"" => "\"not a keyword\"", "#keyword" => "keyword";
    two_mailboxes: "# [mailbox.maildir]\n# path" => "[mailbox.maildir]\npath";
    query_without_parameter: "FROM users WHERE lower(email) = lower(:address)\nUNION ALL\nSELECT account_id, 'end_user', id, email, NULL FROM end_users WHERE lower(email) = lower(:address)" => "FROM users WHERE email = :adress";
    bad_filter: "#filter = \"info\"" => "filter = \"expunged=loud\"";
    bad_authority_row: "# [[authority]]\n# role = \"user\"\n# scope = \"user\"\n# target" => "[[authority]]\nrole = \"admin\"\ntarget";
}

#[test]
fn file_mailer_in_production() {
    let folder = installation();
    let text = with_mailer("[mailer.file]\npath = \"out\"\n");
    insta::assert_snapshot!(rendered(folder.path(), &text));
}

#[test]
fn many_mistakes_at_once() {
    let folder = installation();
    let text = "[service]\nname = 5\naddress = \"nobody\"\nlanguage = \"it\"\n\n[mailbox.imap]\nhosts = \"imap.example.com\"\nport = 0\n";
    insta::assert_snapshot!(rendered(folder.path(), text));
}

#[test]
fn an_empty_file_names_every_section_that_is_needed() {
    let folder = installation();
    insta::assert_snapshot!(rendered(folder.path(), ""));
}

#[test]
fn bad_holidays() {
    let folder = installation();
    std::fs::write(folder.path().join("holidays"), "2026-04-03\nEaster Monday\n").unwrap();
    let text = example_with(&[("# holidays_file", "holidays_file")]);
    insta::assert_snapshot!(rendered(folder.path(), &text));
}

#[test]
fn unreadable_config() {
    let folder = installation();
    let path = folder.path().join("nowhere.toml");
    let error = load(&path, &Surroundings::new(Purpose::Production, None)).unwrap_err();
    insta::assert_snapshot!(error.to_string().replace(&folder.path().display().to_string(), "/etc/expunged"));
    assert!(std::error::Error::source(&error).is_some(), "the cause is kept");
}

#[test]
fn colour_only_when_asked_for() {
    let folder = installation();
    let error = check_in(folder.path(), &EXAMPLE.replace("[service]", "[servise]")).unwrap_err();
    assert!(error.render(true).contains("\u{1b}["));
    assert!(!error.render(false).contains('\u{1b}'));
    assert_eq!(error.count(), 2, "the unknown section and the missing one");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    /// Whatever a hand slips into the file: an answer, no panic, and no secret in it.
    #[test]
    fn any_edit_ends_in_an_answer(
        edits in proptest::collection::vec((0_usize..10_000, 0_usize..20, "[\\[\\]={}\"'#.\n ü\u{1F511}a-z0-9]{0,4}"), 1..6)
    ) {
        let (before, after) = EXAMPLE.split_once("password_file = \"smtp.password\"").unwrap();
        // The line of the secret stays whole: a key that is no longer called password is a matter of its own.
        let text = format!("{}\npassword = \"hunter2\"\n{after}", edited(before, &edits));
        let result = parse(&text, Path::new("expunged.toml"), &Surroundings::new(Purpose::Production, None));
        let shown = match result {
            Ok(config) => format!("{config:?}"),
            Err(error) => error.render(false) + &error.render(true),
        };
        proptest::prop_assert!(!shown.contains("hunter2"), "{}", shown);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    /// Whatever stands between the name of a secret and its value: the value is not shown.
    #[test]
    fn no_slip_behind_the_name_of_a_secret_shows_it(
        key in "(imap\\.)?(password|Pass ?word|\"password\"|url|password_file)",
        between in "[ \t=:]*\n[ \t=:]*|[ \t=:~;,.'\"\\[{(]{1,8}",
        after in "[ \"'\\]},#=\n]{0,5}",
    ) {
        let place = if key.ends_with("password_file") { "\"a\" password" } else { "" };
        let line = format!("\n{key} {place}{between}hunter2{after}\n");
        let text = EXAMPLE.replacen("\n[database]\n", &format!("{line}\n[database]\n"), 1);
        proptest::prop_assume!(text.contains("hunter2"));
        let result = parse(&text, Path::new("expunged.toml"), &Surroundings::new(Purpose::Production, None));
        if let Err(error) = result {
            let shown = error.render(false) + &error.render(true);
            proptest::prop_assert!(!shown.contains("hunter2"), "{line:?}: {}", shown);
        }
    }
}

/// The text with some characters replaced.
fn edited(text: &str, edits: &[(usize, usize, String)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (at, length, replacement) in edits {
        let start = at % text.len();
        let end = (start + length).min(text.len());
        text.splice(start..end, replacement.chars());
    }
    text.into_iter().collect()
}
