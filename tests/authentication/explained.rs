//! `expunged explain`: what a person learns who asks why.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::attacks::{MX, NOW, Suite, kept};
use super::signer::write;
use crate::support::expunged;
use crate::support::world::Ground;

fn explain(arguments: &[&str], folder: &Path) -> (Vec<Value>, String) {
    let output = expunged().args(["explain", "-o", "jsonl"]).args(arguments).arg(folder).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{err}");
    let records = String::from_utf8(output.stdout).unwrap();
    (records.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), err)
}

/// The table as files, written once by keys that are gone.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/attacks")
}

#[test]
fn kept_letters_are_those_of_the_table() {
    let suite = Suite::new();
    let table = kept(&suite);
    if std::env::var_os("EXPUNGED_WRITE_ATTACKS").is_some() {
        let _ = std::fs::remove_dir_all(folder());
        for (file, bytes) in &table {
            let file = folder().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
        std::fs::write(folder().join("dns.toml"), &suite.dns).unwrap();
    }
    let mut files = Vec::new();
    for kind in ["forged", "honest", "results"] {
        let listed = std::fs::read_dir(folder().join(kind)).unwrap();
        files.extend(listed.map(|entry| format!("{kind}/{}", entry.unwrap().file_name().to_str().unwrap())));
    }
    files.sort();
    let mut names: Vec<&str> = table.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(files, names, "EXPUNGED_WRITE_ATTACKS=1 writes the files anew");
}

#[test]
fn kept_letters_are_judged_as_on_their_day() {
    let dns = folder().join("dns.toml");
    let dns = dns.to_str().unwrap();
    let (records, _) = explain(&["--dns-file", dns, "--now", &NOW.to_string()], &folder());
    assert!(records.len() > 120, "{} letters", records.len());
    for record in &records {
        let file = record["file"].as_str().unwrap();
        // The letter to somebody else is only known for one where somebody says who we are.
        if file.ends_with("replay-to-somebody-else.eml") {
            continue;
        }
        let sender = &record["authentication"];
        assert_eq!(sender["result"] == "pass", file.contains("/honest/"), "{file}: {sender}");
        assert!(!sender["reasons"].as_array().unwrap().is_empty());
        assert_eq!((&record["account"], &record["letters"]), (&Value::Null, &Value::Null), "there is no config");
    }
    // Not even an MX that is trusted lets one of them pass.
    let (records, _) = explain(&["--dns-file", dns, "--now", &NOW.to_string(), "--trusted-mx", MX], &folder());
    let passed = records.iter().filter(|record| record["authentication"]["result"] == "pass");
    assert!(passed.clone().count() > 20);
    for record in passed {
        let file = record["file"].as_str().unwrap();
        assert!(file.contains("/honest/") || file.ends_with("replay-to-somebody-else.eml"), "{record}");
    }
    // A year later the same letters are old.
    let (records, _) = explain(&["--dns-file", dns, "--now", "2028-01-04"], &folder());
    assert!(records.iter().all(|record| record["authentication"]["result"] != "pass"));
}

#[test]
fn what_counted_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let letter = format!(
        "Authentication-Results: {MX}; dmarc=pass header.from=b.example\r\nFrom: Ann <ann@b.example>\r\nSubject: Re: x\r\n\r\n\
         Please delete my account, my user name is ann_77.\r\n\r\nOn Monday, Test Shop wrote:\r\n> Hello Ann\r\n"
    );
    write(folder.path(), "one", letter.as_bytes());
    let (records, _) = explain(&["--trusted-mx", MX, "--now", "2027-01-03T10:00:00Z"], folder.path());
    let record = &records[0];
    assert_eq!(record["disposition"], "open");
    assert!(record["phrases"].as_array().is_some_and(|phrases| !phrases.is_empty()), "{record}");
    assert!(record["new_text"].as_str().unwrap().starts_with("Please delete"));
    assert!(record["quoted"][0]["text"].as_str().unwrap().contains("Hello Ann"), "{record}");
    assert_eq!(record["identifiers"]["numbers"][0]["value"], "ann_77");
    let sender = &record["authentication"];
    assert_eq!((&sender["result"], &sender["address"]), (&"pass".into(), &"ann@b.example".into()), "{sender}");
    let shown = expunged().arg("explain").arg(folder.path()).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("sender          none ann@b.example"), "{shown}");
}

#[tokio::test]
async fn beside_a_config_it_says_whose_account_is_meant_and_who_would_be_written_to() {
    let ground = Ground::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let asks =
        |from: &str| format!("From: <{from}>\r\nSubject: Goodbye\r\n\r\nPlease delete my account.\r\n").into_bytes();
    write(folder.path(), "1", &asks("owner1@team.example"));
    write(folder.path(), "2", &asks("nobody@elsewhere.example"));
    write(folder.path(), "3", &asks("user1@team.example"));
    // A config that only looks may name a mailer that sends nothing.
    let config = ground.path("expunged.toml");
    let (records, err) = explain(&["--config", config.to_str().unwrap()], folder.path());
    assert!(err.contains("has not run"), "{err}");
    let [owner, stranger, user] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(owner["account"]["role"], "owner");
    assert_eq!((&owner["account"]["account"], &owner["authority"]), (&"a…".into(), &"challenge".into()));
    assert_eq!(owner["letters"][0]["letter"], "challenge");
    assert_eq!(owner["letters"][0]["address"], "o…@team.example");
    assert_eq!((&stranger["account"], &stranger["becomes"]), (&Value::Null, &"not_found".into()));
    assert!(stranger["letters"].as_array().unwrap().is_empty());
    assert_eq!(user["account"]["role"], "user");
    assert!(!format!("{records:?}").contains("owner1@team.example\"}]"), "addresses on file are masked");
}
