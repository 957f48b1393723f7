//! What somebody meets who installs it as a stranger: what does not fit yet is said where it is looked for, and not after a letter
//! came.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::Said;
use super::shop::Shop;
use crate::support::postgres::fresh_postgres;
use crate::support::unique_word;

/// The note of a line of `check`.
fn note(said: &Said, check: &str) -> String {
    let lines: serde_json::Value = serde_json::from_str(&said.out).expect("JSON on stdout");
    let line = lines.as_array().expect("lines").iter().find(|line| line["check"] == check);
    line.unwrap_or_else(|| panic!("{check} in {lines}"))["note"].as_str().expect("a note").to_owned()
}

#[test]
fn a_category_without_a_word_in_letters_is_named() {
    let shop = Shop::new();
    let said = shop.run(&["check", "-o", "json"]);
    assert!(!said.out.contains("names of categories"), "{}", said.out);
    shop.rewrite("shop.toml", "company = \"identity\"", "company = \"house_colour\"");
    let said = shop.run(&["check", "-o", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(note(&said, "names of categories").ends_with(": house_colour"), "{}", said.out);
}

/// An erasing would stop on such a row after the person has confirmed it.
#[test]
fn a_word_that_the_map_does_not_know_fails_both_checks() {
    let shop = Shop::new();
    shop.sql(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, ent TEXT, ent_id INTEGER, text TEXT);
         INSERT INTO notes VALUES (1, 'user', 1, 'x'), (2, 'order', 1, 'y')",
    );
    let map = std::fs::read_to_string(shop.path("shop.toml")).expect("the map");
    let notes = r#"
[tables.notes]
key        = "id"
belongs_to = { users = { columns = "ent_id", when = { ent = "user" } } }
words      = { ent = ["user", "order"] }
categories = { id = "none", ent = "none", ent_id = "none", text = "communication" }
erase      = "delete"
"#;
    std::fs::write(shop.path("shop.toml"), map + notes).expect("a map");
    assert_eq!(shop.run(&["map", "check"]).code, Some(0));
    // `User` is another word than `user`, and an empty column is none.
    for (row, says) in [
        ("(3, 'system', 1, 'z')", "1 row holds a word that the data map does not know"),
        ("(4, 'User', 1, 'z')", "2 rows hold a word that the data map does not know"),
        ("(5, NULL, 1, 'z')", "3 rows hold a word that the data map does not know"),
    ] {
        shop.sql(&format!("INSERT INTO notes VALUES {row}"));
        let said = shop.run(&["map", "check", "-o", "json"]);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.out.contains(says) && !said.out.contains("system"), "{}", said.out);
        let said = shop.run(&["check", "--connect", "-o", "json"]);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(note(&said, "words in store shop").contains(says), "{}", said.out);
    }
}

/// What the first start would be refused for is found before it.
#[test]
fn a_ledger_that_the_login_may_make_no_tables_in_fails_the_check() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let superuser = runtime.block_on(fresh_postgres());
    let says = |sql: String| {
        runtime.block_on(async {
            let mut server = PgConnection::connect(&superuser).await.expect("it answers");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut server).await.expect("a superuser may");
            server.close().await.expect("a connection closes");
        });
    };
    let login = format!("keeper_{}", unique_word());
    says(format!("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE {login} LOGIN PASSWORD 'x'"));
    let mut url = url::Url::parse(&superuser).expect("a url");
    url.set_username(&login).expect("a name");
    url.set_password(Some("x")).expect("a password");
    let shop = Shop::new();
    let config = shop.config_with("url = \"sqlite:ledger.db\"", &format!("url = \"{url}\""));
    let connect = || shop.run(&["check", "--connect", "--config", &config, "-o", "json"]);
    let grant = format!("GRANT USAGE, CREATE ON SCHEMA public TO \"{login}\"");
    let said = connect();
    assert_eq!(said.code, Some(5), "{}", said.err);
    assert!(note(&said, "rights in the database").contains(&grant), "{}", said.out);
    let started = shop.run(&["run", "--config", &config]);
    assert!(started.code == Some(5) && started.err.contains(&grant), "{}", started.err);
    says(format!("GRANT CREATE ON SCHEMA public TO {login}"));
    let said = connect();
    assert!(note(&said, "database").contains("the first start makes the tables"), "{}", said.out);
    assert!(!said.out.contains("rights in the database"), "{}", said.out);
    says(format!("DROP OWNED BY {login}; DROP ROLE {login}"));
}

#[test]
fn a_file_of_a_url_that_is_not_there_fails_a_plain_check() {
    let shop = Shop::new();
    let folder = shop.path("shop.db").display().to_string();
    shop.rewrite("shop.toml", &format!("url = \"sqlite://{folder}\""), "url_file = \"shop.url\"");
    let said = shop.run(&["check", "-o", "json"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    let said = note(&said, "store shop");
    assert!(said.contains("shop.url") && said.contains("shop.toml"), "{said}");
    std::fs::write(shop.path("shop.url"), format!("sqlite://{folder}\n")).expect("a file");
    assert_eq!(shop.run(&["check"]).code, Some(0));
}

#[test]
fn a_config_that_was_named_and_is_not_there_is_told() {
    let shop = Shop::new();
    let (url, file) =
        (format!("sqlite://{}", shop.path("shop.db").display()), shop.path("new.toml").display().to_string());
    let init = ["map", "init", "shop", "--kind", "sqlite", "--url", &url, "--file", &file];
    let none = shop.path("none.toml").display().to_string();
    shop.run(&[&init[..], &["--config", &none]].concat()).failed(2, "none.toml");
    assert!(!shop.has("new.toml"), "nothing is made");
    std::fs::write(shop.path("half.toml"), "[service]\nname = \"Tiny Shop\"\n").expect("a config");
    let half = shop.path("half.toml").display().to_string();
    let said = shop.run(&[&init[..], &["--config", &half]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("links to the tables of other stores are not proposed"), "{}", said.err);
}

#[test]
fn a_map_that_is_there_is_not_judged_anew_and_that_is_said() {
    let shop = Shop::new();
    let init = |more: &[&str]| shop.run(&[&["map", "init", "shop"], more].concat()).err;
    assert!(!init(&[]).contains("judged anew"), "nobody asked for a look at values");
    let said = init(&["--sample"]);
    assert!(said.contains("0 tables and 0 columns of other tables added"), "{said}");
    assert!(said.contains("was not judged anew; delete") && said.contains("or the part of a table"), "{said}");
}
