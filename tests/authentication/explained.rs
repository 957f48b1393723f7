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
    assert_eq!((&sender["result"], &sender["address"]), (&"pass".into(), &"a…@b.example".into()), "{sender}");
    let shown = expunged().arg("explain").arg(folder.path()).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("sender          none a…@b.example"), "{shown}");
}

fn asks(from: &str) -> Vec<u8> {
    format!("From: <{from}>\r\nSubject: Goodbye\r\n\r\nPlease delete my account.\r\n").into_bytes()
}

#[tokio::test]
async fn beside_a_config_it_says_what_the_daemon_would_do_and_nothing_that_the_directory_has() {
    let ground = Ground::sqlite().await;
    // An owner who is an end-user of their account as well: nobody can tell as which of them it asks.
    ground.shop.run("INSERT INTO end_users VALUES ('e9', 'a2', 'owner2@team.example', 'Twice', NULL)").await;
    // What is said of the authority is the table's own word.
    let ground = ground.with_config(|config| {
        config + "\n[[authority]]\nrole = \"owner\"\nscope = \"account\"\ntarget = \"account\"\nrule = \"review\"\n"
    });
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1", &asks("owner1@team.example"));
    write(folder.path(), "2", &asks("nobody@elsewhere.example"));
    write(folder.path(), "3", &asks("user1@team.example"));
    write(folder.path(), "4", &asks("owner2@team.example"));
    let question = b"From: <owner1@team.example>\r\nSubject: Hello\r\n\r\nWhen do you open on Monday?\r\n";
    write(folder.path(), "5", question);
    // A config that only looks may name a mailer that sends nothing.
    let config = ground.path("expunged.toml");
    let (records, err) = explain(&["--config", config.to_str().unwrap()], folder.path());
    assert!(err.contains("has not run"), "{err}");
    let [owner, stranger, user, twice, question] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((&owner["account"], &owner["authority"]), (&"on_file".into(), &"review".into()), "{owner}");
    assert_eq!(owner["letters"][0]["letter"], "in_review");
    let nobody = (&stranger["account"], &stranger["authority"], &stranger["becomes"]);
    assert_eq!(nobody, (&"not_on_file".into(), &Value::Null, &"not_found".into()));
    assert!(stranger["letters"].as_array().unwrap().is_empty());
    assert_eq!(user["account"], "on_file");
    // A person looks because of the address, before anybody asked the table.
    assert_eq!((&twice["account"], &twice["authority"]), (&"several".into(), &Value::Null), "{twice}");
    assert_eq!((&twice["becomes"], &twice["review"]), (&"needs_review".into(), &"several_accounts".into()));
    assert_eq!((&question["account"], &question["delivery"]), (&"not_asked".into(), &"ordinary".into()));
    // Nothing of the directory, not even a role or a part of an id; what stands in the files is the reader's own.
    for record in &records {
        assert!(record.get("revealed").is_none() && record["letters"][0].get("address").is_none(), "{record}");
    }
    assert!(!format!("{records:?}").contains("\"owner\""), "{records:?}");
    // What cannot be recorded is not revealed: the daemon has made no trail yet.
    let refused =
        expunged().arg("explain").arg("--reveal").arg("--config").arg(&config).arg(folder.path()).output().unwrap();
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(4), 0), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("leave out --reveal"), "{refused:?}");
}
