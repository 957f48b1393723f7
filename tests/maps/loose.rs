//! Links of text where one end takes for the same what differs: told, unless the store itself finds them so or a person says that the
//! key is held as it is written.

use std::collections::BTreeMap;

use expunged::erase::DataMap;
use expunged::erase::map::apart;
use expunged::stores::{StoreKind, StoreName};

use super::world::{Made, made};

const KEYS: &str = "CREATE TABLE users (code VARCHAR(40) {collation} NOT NULL PRIMARY KEY, email VARCHAR(80));";
const LINKS: &str = "CREATE TABLE docs (id INTEGER NOT NULL PRIMARY KEY, user_ref VARCHAR(40) {collation});";
const LOOSELY: &str = "CREATE COLLATION loosely (provider = icu, locale = 'und-u-ks-level1', deterministic = false);";

const MAP: &str = r#"
[store]
name = "shop"
kind = "KIND"
url = "unused"
backup_days = 35

[tables.users]
subject = "user"
key = "code"
categories = { code = "none", email = "contact" }
erase = "delete"
"#;

const DOCS: &str = r#"
[tables.docs]
key = "id"
belongs_to = { USERS = "user_ref" }
categories = { id = "none", user_ref = "none" }
erase = "delete"
"#;

/// The collation of each store that takes `A` for `a`, as a column has it.
fn loosely(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::Sqlite => "COLLATE NOCASE",
        StoreKind::Postgres => "COLLATE loosely",
        _ => "COLLATE utf8mb4_general_ci",
    }
}

async fn store(kind: StoreKind, tables: &str) -> Made {
    let before = if kind == StoreKind::Postgres { LOOSELY } else { "" };
    made(kind, &format!("{before}{tables}")).await
}

/// What is told of these maps, each of a store.
async fn told(maps: &[(&str, String, &Made)]) -> Vec<String> {
    let texts: Vec<(&str, &str)> = maps.iter().map(|(file, text, _)| (*file, text.as_str())).collect();
    let map = DataMap::parse(&texts).unwrap_or_else(|error| panic!("{error}"));
    let mut schemas = BTreeMap::new();
    for (file, _, made) in maps {
        let name = StoreName::new(file.trim_end_matches(".toml")).unwrap();
        schemas.insert(name, made.survey.look().await.unwrap());
    }
    apart(&map, &schemas).iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_link_within_one_store_is_told_where_the_store_does_not_find_it_so() {
    for (kind, is_told) in [(StoreKind::Sqlite, true), (StoreKind::Postgres, true), (StoreKind::Mysql, false)] {
        let tables = format!("{KEYS}{LINKS}").replace("{collation}", loosely(kind));
        let shop = store(kind, &tables).await;
        let map = format!("{MAP}{DOCS}").replace("KIND", kind.as_str()).replace("USERS", "users");
        let said = told(&[("shop.toml", map.clone(), &shop)]).await;
        assert_eq!(said.len(), usize::from(is_told), "{kind}: {said:?}");
        assert!(
            said.iter().all(|said| said.contains("shop.docs.user_ref") && said.contains("shop.users.code")),
            "{said:?}"
        );
        let as_written = map.replace("\"user_ref\" }", "{ columns = \"user_ref\", as_written = true } }");
        assert_ne!(as_written, map);
        assert_eq!(told(&[("shop.toml", as_written, &shop)]).await, Vec::<String>::new(), "{kind}");
        let strict = tables.replace(loosely(kind), if kind == StoreKind::Mysql { "COLLATE utf8mb4_bin" } else { "" });
        let shop = store(kind, &strict).await;
        assert_eq!(told(&[("shop.toml", map, &shop)]).await, Vec::<String>::new(), "{kind}");
    }
}

#[tokio::test]
async fn a_loose_key_in_another_store_is_told() {
    let files = store(StoreKind::Postgres, &LINKS.replace("{collation}", "")).await;
    for kind in [StoreKind::Mysql, StoreKind::Postgres, StoreKind::Sqlite] {
        let shop = store(kind, &KEYS.replace("{collation}", loosely(kind))).await;
        let users = MAP.replace("KIND", kind.as_str());
        let (head, _) = MAP.split_once("[tables.users]").unwrap();
        let head = head.replace("KIND", "postgres").replace("\"shop\"", "\"files\"");
        let docs = format!("{head}{}", DOCS.replace("USERS", "\"shop.users\""));
        let of = async |docs: &str| {
            told(&[("shop.toml", users.clone(), &shop), ("files.toml", docs.to_owned(), &files)]).await
        };
        let said = of(&docs).await;
        let [said] = &said[..] else { panic!("{kind}: {said:?}") };
        assert!(said.contains("files.docs.user_ref") && said.contains("shop.users.code"), "{said}");
        assert!(said.contains("as_written = true"), "what to do: {said}");
        let as_written = docs.replace("\"user_ref\" }", "{ columns = \"user_ref\", as_written = true } }");
        assert_eq!(of(&as_written).await, Vec::<String>::new(), "{kind}");
    }
}
