//! Promise: both sides of our own database are the same, and take exactly the words that the program has: same tables, same
//! columns, same NULLs, and a CHECK for each enum.

use std::collections::{BTreeMap, BTreeSet};

use expunged::db::deliveries::Disposition;
use expunged::db::doubts::Cause;
use expunged::db::letters::LetterState;
use expunged::db::mx_runs::Verdict;
use expunged::db::recipients::{Need, RecipientState};
use expunged::db::terminations::{Resumed, Stop};
use expunged::db::{DatabaseSettings, Db};
use expunged::domain::request::{Audience, Hold, Origin, ReviewReason};
use expunged::domain::{LetterKind, Role, Scope, State};
use expunged::stores::{self, RecipientKind, StoreKind, StoreLimits};
use expunged::trail::Event;
use expunged::vault::KeyPurpose;
use expunged::verify::{Addressee, AuthorityKind, Covers, HeldKind, Method, ProofKind};
use regex::Regex;
use secrecy::SecretString;

use crate::support::postgres::fresh_postgres;
use crate::support::source::{files_below, read};

/// One side, out of the text of its migrations.
struct Side {
    /// Per table and column: whether it may be NULL.
    nullable: BTreeMap<String, bool>,
    /// Per table and column: the words of its CHECK.
    words: BTreeMap<String, BTreeSet<String>>,
}

fn side(dialect: &str) -> Side {
    let files: Vec<_> = files_below(&format!("migrations/{dialect}")).iter().map(|path| read(path)).collect();
    let comment = Regex::new("--[^\n]*").unwrap();
    let text = comment.replace_all(&files.concat(), "").into_owned();
    let table = Regex::new(r"(?s)CREATE TABLE (\w+) \((.*?)\n\)").unwrap();
    let column = Regex::new(r"^(\w+)\s+[A-Z]").unwrap();
    let listed = Regex::new(r"(?s)CHECK \((\w+) IN \(([^)]*'[^)]*)\)\)").unwrap();
    let word = Regex::new(r"'(\w+)'").unwrap();
    let added = Regex::new(r"(?s)ALTER TABLE (\w+)\s+ADD COLUMN (.*?);").unwrap();
    let mut side = Side { nullable: BTreeMap::new(), words: BTreeMap::new() };
    let made = table
        .captures_iter(&text)
        .flat_map(|found| parts(&found[2]).into_iter().map(|part| (found[1].to_owned(), part)).collect::<Vec<_>>());
    let added = added.captures_iter(&text).map(|found| (found[1].to_owned(), found[2].trim().to_owned()));
    for (name, part) in made.chain(added) {
        let Some(column) = column.captures(&part).filter(|column| !is_rule(&column[1])) else { continue };
        let at = format!("{name}.{}", &column[1]);
        side.nullable.insert(at.clone(), !part.contains("NOT NULL") && !part.contains("PRIMARY KEY"));
        if let Some(listed) = listed.captures(&part) {
            assert_eq!(listed[1], column[1], "the CHECK of {at} is about itself");
            side.words.insert(at, word.captures_iter(&listed[2]).map(|word| word[1].to_owned()).collect());
        }
    }
    side
}

fn is_rule(word: &str) -> bool {
    ["CHECK", "UNIQUE", "PRIMARY", "FOREIGN"].contains(&word)
}

/// The definitions of a table: cut at the commas that stand in no brackets.
fn parts(body: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in body.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match parts.last_mut() {
            Some(_) if c == ',' && depth == 0 => parts.push(String::new()),
            Some(part) => part.push(c),
            None => {}
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

#[test]
fn both_sides_have_the_same_columns_nulls_and_words() {
    let (sqlite, postgres) = (side("sqlite"), side("postgres"));
    assert!(sqlite.nullable.len() > 100, "the tables were read: {} columns", sqlite.nullable.len());
    assert_eq!(sqlite.nullable, postgres.nullable);
    assert_eq!(sqlite.words, postgres.words);
}

/// The catalogue of a database that the program made itself, by the reader that it has for the stores of others.
async fn migrated(kind: StoreKind, url: String) -> BTreeMap<String, bool> {
    let url = SecretString::from(url);
    let db = Db::open(&DatabaseSettings { url: url.clone(), connections_max: 3 }).await.unwrap();
    db.close().await;
    let schema = stores::open(kind, &url, StoreLimits::default()).await.unwrap().schema().await.unwrap();
    let ours = schema.tables.iter().filter(|(table, _)| *table != "schema_migrations");
    let columns = |(table, found): (&String, &stores::Table)| {
        let column = |column: &stores::Column| (format!("{table}.{}", column.name), column.nullable);
        found.columns.iter().map(column).collect::<Vec<_>>()
    };
    ours.flat_map(columns).collect()
}

#[tokio::test]
async fn what_was_read_is_what_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", folder.path().join("own.db").display());
    let sqlite = migrated(StoreKind::Sqlite, file).await;
    let postgres = migrated(StoreKind::Postgres, fresh_postgres().await).await;
    assert_eq!(sqlite, postgres);
    assert_eq!(sqlite, side("sqlite").nullable, "also columns that a later migration added");
}

#[test]
fn each_enum_has_its_words_in_its_column() {
    macro_rules! all {
        ($($column:literal: $enum:ty),+ $(,)?) => {
            [$(($column, <$enum>::ALL.iter().map(|value| value.as_str().to_owned()).collect::<BTreeSet<_>>())),+]
        };
    }
    let enums = all! {
        "deliveries.disposition": Disposition,
        "requests.state": State,
        "requests.held_from": State,
        "requests.held_by": Hold,
        "requests.review_reason": ReviewReason,
        "requests.origin": Origin,
        "termination_runs.stopped": Stop,
        "terminations.resumed_why": Resumed,
        "requests.scope": Scope,
        "requests.asker_role": Role,
        "challenges.addressee": Addressee,
        "authorities.kind": AuthorityKind,
        "authorities.method": Method,
        "completions.covers": Covers,
        "holds.held_by": Hold,
        "legal_holds.kind": HeldKind,
        "evidence.addressee": Addressee,
        "evidence.proof": ProofKind,
        "letters.kind": LetterKind,
        "letters.audience": Audience,
        "letters.state": LetterState,
        "recipients.kind": RecipientKind,
        "recipients.state": RecipientState,
        "recipients.need": Need,
        "vault_keys.purpose": KeyPurpose,
        "trail.event": Event,
        "ledger_doubts.cause": Cause,
        "mx_runs.verdict": Verdict,
    };
    let sqlite = side("sqlite");
    // UIDs that have no letter of their own stand in ranges.
    let ranges = [Disposition::BeforeStart, Disposition::Vanished].map(|word| word.as_str().to_owned());
    assert_eq!(sqlite.words.get("uid_ranges.disposition"), Some(&BTreeSet::from(ranges)));
    for (column, mut words) in enums.clone() {
        if column == "deliveries.disposition" {
            words.remove(Disposition::BeforeStart.as_str());
        }
        let (column, words) = (&column, &words);
        assert_eq!(sqlite.words.get(*column), Some(words), "{column}");
    }
    // Words that no enum of ours is stored by; the code that writes them has them as text.
    let others = ["jobs.state", "jobs_done.outcome", "steps.state", "steps.action", "uid_ranges.disposition"];
    let known: BTreeSet<&str> = enums.iter().map(|(column, _)| *column).chain(others).collect();
    let unknown: Vec<_> = sqlite.words.keys().filter(|column| !known.contains(column.as_str())).collect();
    assert!(unknown.is_empty(), "whose words are these? {unknown:?}");
}
