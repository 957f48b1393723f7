//! What an operator is told: why something waits and until when, what was not looked at, and what to do in place of what is refused.

use std::os::unix::fs::PermissionsExt as _;

use super::shop::Shop;
use super::{Said, run};

fn line<'a>(said: &'a Said, check: &str) -> &'a str {
    let mut lines = said.out.lines().filter(|line| line.trim_start().starts_with(check));
    lines.next().unwrap_or_else(|| panic!("{check:?} in {}", said.out))
}

#[test]
fn a_directory_that_is_away_is_told_with_since_when_and_what_to_do() {
    let (shop, at) = Shop::asked();
    shop.ledger(
        "UPDATE jobs SET state = 'waiting', reason = 'directory', reason_since = 1800000000000000, run_at = 1900000000000000,
           lease_until = NULL, lease_holder = NULL WHERE kind = 'send'",
    );
    let means = "the directory cannot be asked, since 2027-01-15T08:00:00Z; nothing is lost";
    let listed = shop.run(&["jobs", "list"]);
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    assert!(listed.err.contains(&format!("directory (send, waiting): {means}")), "{}", listed.err);
    assert!(
        listed.err.contains("'expunged check --connect'") && listed.err.contains("at 2030-03-17"),
        "{}",
        listed.err
    );
    let json = shop.run(&["jobs", "list", "-o", "json"]);
    assert!(!json.err.contains("directory"), "said in the data: {}", json.err);
    let json = json.json();
    let job = json.as_array().expect("jobs").iter().find(|job| job["kind"] == "send").expect("the job");
    assert!(job["means"].as_str().is_some_and(|said| said.starts_with(means)), "{job}");
    assert_eq!(job["since"], "2027-01-15T08:00:00Z");
    assert!(shop.run(&["requests", "show", &at]).out.contains(means));

    std::fs::rename(shop.path("shop.db"), shop.path("away.db")).expect("the store goes away");
    let said = shop.run(&["check", "--connect"]);
    assert_eq!(said.code, Some(5), "{}", said.out);
    let directory = line(&said, "directory ");
    for words in
        ["it cannot be asked", "not tried", "What has to ask it waits", "by now, since 2027-01-15", "jobs list"]
    {
        assert!(directory.contains(words), "{words:?} in {directory}");
    }
}

#[test]
fn an_account_with_the_id_0_is_no_mistake_of_the_directory() {
    let shop = Shop::new();
    shop.sql(
        "INSERT INTO accounts VALUES (0, 'Zero Ltd'); INSERT INTO users VALUES (9, 0, 'owner', 'zero@zero.example', 'Zoe')",
    );
    let said = shop.run(&["check", "--connect"]);
    assert!(line(&said, "directory owner").contains(" ok "), "{}", said.out);
    // One without a WHERE by the account finds somebody of another.
    let all = shop.config_with(
        "WHERE account_id = :account AND role = 'owner'",
        "WHERE :account IS NOT NULL AND role = 'owner' LIMIT 1",
    );
    let said = shop.run(&["check", "--connect", "--config", &all]);
    assert!(line(&said, "directory owner").contains("FAILED"), "{}", said.out);
}

#[test]
fn a_key_file_that_the_start_would_refuse_is_told_by_a_plain_check() {
    let shop = Shop::begun();
    let key = shop.path("kek");
    let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("a mode");
    assert!(line(&shop.run(&["check"]), "key file").contains(" ok "));
    mode(0o640);
    let said = shop.run(&["check"]);
    assert!(said.code == Some(2) && line(&said, "key file").contains("FAILED"), "{}", said.out);
    mode(0o600);
    std::fs::write(&key, [1; 31]).expect("a key that is too short");
    let said = shop.run(&["check"]);
    assert!(said.code == Some(2) && line(&said, "key file").contains("FAILED"), "{}", said.out);
    std::fs::remove_file(&key).expect("the key goes");
    shop.run(&["check"]);
    assert!(!shop.has("kek"), "a check makes none");
}

#[test]
fn what_a_look_has_no_use_for_is_refused_with_what_to_do() {
    let shop = Shop::new();
    let said = shop.run(&["run", "--observe", "--backfill"]);
    said.failed(2, "leave that out, and say with --limit COUNT");
    shop.run(&["run", "--observe", "--new-mailbox"]).failed(2, "leave --new-mailbox out");
    shop.run(&["run", "--backfill", "--observe", "--limit", "5"])
        .failed(2, "'expunged run --backfill' then judges them for good");
}

#[test]
fn a_maildir_without_a_folder_to_move_to_says_that_nobody_sees_what_was_taken() {
    let shop = Shop::new();
    assert!(line(&shop.run(&["check"]), "mailbox folder").contains("see move_to"));
    let moves = shop.config_with("poll_seconds = 60", "poll_seconds = 60\nmove_to = \"Erasure\"");
    assert!(!line(&shop.run(&["check", "--config", &moves]), "mailbox folder").contains("see move_to"));
}

#[test]
fn a_court_remedy_is_told_once_for_all_languages_or_for_each() {
    let shop = Shop::new();
    let one = "court_remedy = \"the courts at our seat\"";
    let said = shop.run(&["check"]);
    let told = line(&said, "court remedy");
    assert!(told.contains("the same words in letters of every language (en, de, fr, es)"), "{told}");
    let check = |remedy: &str| {
        let config = shop.config_with(one, remedy);
        shop.run(&["check", "--config", &config])
    };
    let said = check("court_remedy = { en = \"the courts\", de = \"die Gerichte\" }");
    assert!(line(&said, "court remedy").contains("letters in fr, es have the words in en"), "{}", said.out);
    let all = "[service.court_remedy]\nen = \"a\"\nde = \"b\"\nfr = \"c\"\nes = \"d\"";
    assert!(line(&check(all), "court remedy").contains("in every language of our letters"));
    check("court_remedy = { de = \"die Gerichte\" }").failed(2, "has no text in en");
    check("court_remedy = { en = \"the courts\", xx = \"?\" }").failed(2, "xx");
    check("court_remedy = { en = \" \" }").failed(2, "court_remedy");
    check("court_remedy = 5").failed(2, "court_remedy");
}

#[test]
fn a_new_map_needs_its_url_and_mysql_has_two_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = folder.path().join("x.toml").display().to_string();
    let init = |kind: &str| run(&["map", "init", "x", "--kind", kind, "--url-file", "x.url", "--file", &map]);
    // The file of the url is the first thing that is missing.
    for kind in ["mysql", "mariadb", "redis", "objects"] {
        let said = init(kind);
        assert!(said.err.contains("x.url") && !said.err.contains("--kind"), "{}", said.err);
    }
    init("mail").failed(2, "use one of sqlite, postgres, mysql, mariadb");
    assert!(!folder.path().join("x.toml").exists());
}
