//! Tables whose rows are not their own: materialized views, which keep what they copied, and tables of other servers. Nothing can be
//! erased from either, and neither is passed over.

use std::collections::BTreeMap;

use expunged::erase::map::propose::{Hints, propose, write};
use expunged::erase::map::risk::risks;
use expunged::erase::{DataMap, check};
use expunged::stores::StoreKind;

use super::world::{made, name, proposed};

const SCRIPT: &str = "
    CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(120));
    INSERT INTO users VALUES (1, 'ada@one.example');
    CREATE MATERIALIZED VIEW summary AS SELECT id, email FROM users;
    CREATE UNIQUE INDEX summary_id ON summary (id);
    CREATE FOREIGN DATA WRAPPER afar; CREATE SERVER elsewhere FOREIGN DATA WRAPPER afar;
    CREATE FOREIGN TABLE visitors (id INTEGER NOT NULL, email VARCHAR(120)) SERVER elsewhere;";

const MAP: &str = r#"
[store]
name = "shop"
kind = "postgres"
url = "unused"
backup_days = 35
ignore = [IGNORED]

[tables.users]
subject = "user"
key = "id"
identify = { email = "email" }
categories = { id = "none", email = "contact" }
erase = "delete"
"#;

const COPY: &str = r#"
[tables.TABLE]
key = "id"
belongs_to = { users = "id" }
categories = { id = "none", email = "contact" }
erase = "delete"
"#;

fn map(ignored: &str, more: &str) -> DataMap {
    let text = format!("{}{more}", MAP.replace("IGNORED", ignored));
    DataMap::parse(&[("shop.toml", &text)]).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn a_copy_and_a_table_of_another_server_need_an_answer() {
    let store = made(StoreKind::Postgres, SCRIPT).await;
    let schemas = BTreeMap::from([(name(), store.survey.look().await.unwrap())]);
    let both = "\"summary\", \"visitors\"";
    let defects = check(&map("", ""), &schemas);
    let [summary, visitors] = &defects[..] else { panic!("{defects:?}") };
    assert!(summary.is_unmapped() && visitors.is_unmapped(), "{defects:?}");
    assert!(summary.to_string().contains("REFRESH MATERIALIZED VIEW") && summary.help.contains("ignore"), "{summary}");
    assert!(visitors.help.contains("a foreign table shows rows of another server"), "{visitors}");

    assert_eq!(check(&map(both, ""), &schemas), [], "somebody said that it is seen to");
    let risks = risks(&map(both, ""), &schemas, Some(&BTreeMap::new()), 60);
    let told: Vec<String> = risks.iter().map(|risk| risk.defect.to_string()).collect();
    assert_eq!(told.len(), 2, "and the personal columns are still told: {told:?}");
    assert!(told[0].contains("shop.summary.email") && told[0].contains("REFRESH MATERIALIZED VIEW"), "{told:?}");

    for (table, ignored, says) in [
        ("summary", "\"visitors\"", "it is a materialized view: nothing can be erased from it"),
        ("visitors", "\"summary\"", "it is a foreign table"),
    ] {
        let defects = check(&map(ignored, &COPY.replace("TABLE", table)), &schemas);
        let [defect] = &defects[..] else { panic!("{defects:?}") };
        assert!(defect.problem.contains(says) && defect.help.contains("take it out of the map"), "{defect}");
    }
}

#[tokio::test]
async fn a_proposed_map_says_what_to_do_with_them() {
    let store = made(StoreKind::Postgres, SCRIPT).await;
    let schema = store.survey.look().await.unwrap();
    let text = proposed(&store, &schema, &Hints::default());
    let lines = |of: &str| text.lines().filter(|line| line.starts_with(of)).count();
    assert_eq!((lines("# summary: "), lines("# visitors: ")), (1, 1), "{text}");
    assert!(!text.contains("[tables.summary]") && !text.contains("[tables.visitors]"), "{text}");
    let again = write(&text, &schema, &propose(&schema, &Hints::default())).unwrap().text;
    assert_eq!(again, text, "and says it once");
    let ignored = text.replace("[store]\n", "[store]\nignore = [\"summary\", \"visitors\"]\n");
    let begun = ignored.lines().filter(|line| !line.starts_with("# summary")).collect::<Vec<_>>().join("\n") + "\n";
    let answered = write(&begun, &schema, &propose(&schema, &Hints::default())).unwrap().text;
    assert_eq!(answered, begun, "nor of what was answered");
}
