//! A map keeps what a person wrote: it gets what it lacks, as questions where it is not sure, and nothing else changes.

use std::collections::BTreeMap;

use expunged::erase::map::known::Known;
use expunged::erase::map::open::questions;
use expunged::erase::map::propose::{Hints, Written, propose, write};
use expunged::stores::StoreKind;

use super::world::{Made, answered, is_true, made};

const SCRIPT: &str = "
    CREATE TABLE plans (code VARCHAR(20) PRIMARY KEY, title VARCHAR(40) NOT NULL);
    CREATE TABLE accounts (id INTEGER PRIMARY KEY, company VARCHAR(80) NOT NULL, plan_code VARCHAR(20) REFERENCES plans (code));
    CREATE TABLE users (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts (id), email VARCHAR(120) NOT NULL UNIQUE,
        manager_id INTEGER REFERENCES users (id));
    CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, user_id INTEGER NOT NULL REFERENCES users (id));";

const MAP: &str = r#"# Ours. Do not touch the spaces.
[store]
name   =  "shop"    # the old shop
kind = "sqlite"
url = "sqlite:store.db"
location = "Frankfurt"
backup_days = 35

# Accounts go whole.
[tables.accounts]
subject    = "account"
key        = "id"
# Mind the company: it is often a person.
categories = { id = "none", company = "special" }
erase      = "delete"   # agreed with legal

[tables.users]
subject = "user"
key = "id"
erase = "delete"
[tables.users.belongs_to]
accounts = "account_id"
[tables.users.categories]
id = "none"
account_id = "none" # the tenant
"#;

fn added(store: &Made, begun: &str, schema: &expunged::stores::Schema) -> Written {
    let subjects = Known::read("shop.toml", begun).unwrap().subjects();
    assert_eq!(subjects.len(), 2, "{}", store.url);
    write(begun, schema, &propose(schema, &Hints { subjects, ..Hints::default() })).unwrap()
}

#[tokio::test]
async fn what_a_person_wrote_stays() {
    let store = made(StoreKind::Sqlite, SCRIPT).await;
    let schema = store.survey.look().await.unwrap();
    let written = added(&store, MAP, &schema);
    assert_eq!((written.tables_new, written.columns_new), (2, 3), "{}", written.text);
    // Every line is still there, in its order; those in brackets got something behind them.
    let mut rest = written.text.as_str();
    for line in MAP.lines() {
        let line = line.trim_end_matches(" }");
        let at = rest.find(line).unwrap_or_else(|| panic!("{line:?} is gone or moved in\n{}", written.text));
        rest = &rest[at + line.len()..];
    }
    for line in [
        "categories = { id = \"none\", company = \"special\", plan_code = \"none\" }",
        "# plan_code: 0.95: it holds another row's key",
        "email = \"contact\" # 0.95: named like \"email\"",
        "users = \"?\" # open: does it only point to these, and let go? Otherwise move it to belongs_to. Proposed: \"manager_id\"",
        "manager_id = \"detach\"",
        "email = \"tombstone\"",
    ] {
        assert!(written.text.contains(line), "{line} in\n{}", written.text);
    }
    let again = added(&store, &written.text, &schema);
    assert_eq!((again.tables_new, again.columns_new, &again.text), (0, 0, &written.text), "twice is once");
    is_true(&answered(&written.text), &schema);
}

#[tokio::test]
async fn an_unanswered_question_is_never_a_deletion() {
    let store = made(StoreKind::Sqlite, SCRIPT).await;
    let schema = store.survey.look().await.unwrap();
    let written = added(&store, MAP, &schema);
    let open: BTreeMap<String, usize> =
        questions(&written.text).iter().map(|q| (q.path.join("."), q.line(&written.text))).collect();
    assert_eq!(written.questions, open.len());
    for table in ["plans", "notes"] {
        assert!(open.contains_key(&format!("tables.{table}.erase")), "{open:?}");
    }
    // Answering all but one leaves the map refused, at that one.
    let whole = answered(&written.text);
    let asked: Vec<&str> = written.text.lines().filter(|line| line.contains("= \"?\"")).collect();
    assert_eq!(asked.len(), open.len());
    for line in asked {
        let key = line.split(" = ").next().unwrap();
        let open: Vec<String> =
            written.text.lines().map(|other| if other == line { other.to_owned() } else { answered(other) }).collect();
        let error = expunged::erase::DataMap::parse(&[("shop.toml", &open.join("\n"))]).unwrap_err().to_string();
        assert!(error.contains(&format!("{key} is still open")), "{error}");
    }
    is_true(&whole, &schema);
}

#[tokio::test]
async fn odd_names_make_no_map_that_says_something_else() {
    let odd = "CREATE TABLE \"users\" (id INTEGER PRIMARY KEY, email TEXT);
        CREATE TABLE \"odd] name\n[tables.x]\" (\"id\" INTEGER PRIMARY KEY, \"a.b = \"\"?\"\" # c\" TEXT,
            user_id INTEGER NOT NULL REFERENCES users (id));
        CREATE TABLE keyless (\"e mail\" TEXT, user_id INTEGER NOT NULL REFERENCES users (id));";
    let store = made(StoreKind::Sqlite, odd).await;
    let schema = store.survey.look().await.unwrap();
    let text = super::world::proposed(&store, &schema, &Hints::default());
    let answered = answered(&text);
    let left = questions(&answered);
    assert_eq!(left.iter().map(|q| q.path.join(".")).collect::<Vec<_>>(), ["tables.keyless.key"], "{text}");
    let answered = answered.replacen("key = \"?\"", "key = \"user_id\"", 1);
    let map =
        expunged::erase::DataMap::parse(&[("shop.toml", &answered)]).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let defects = expunged::erase::check(&map, &[(super::world::name(), schema.clone())].into());
    assert!(defects.iter().all(|defect| defect.at.table == "keyless"), "{defects:?}");
    assert_eq!(map.tables().count(), 3);
}
