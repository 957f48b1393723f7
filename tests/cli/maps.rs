//! `expunged map` and `expunged register` as an engineer uses them.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::shop::Shop;
use super::{Said, run};
use crate::support::expunged;
use crate::support::postgres::fresh_postgres;
use crate::support::unique_word;

impl Shop {
    pub(super) fn rewrite(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).expect("a file");
        assert!(text.contains(from), "{from:?} in {text}");
        std::fs::write(self.path(name), text.replacen(from, to, 1)).expect("a file");
    }
}

impl Said {
    /// The grades and places of a check that is written as JSON.
    fn findings(&self) -> Vec<(String, String)> {
        let found: Vec<Value> = serde_json::from_str(&self.out).expect("JSON on stdout");
        let word = |finding: &Value, of: &str| finding[of].as_str().unwrap_or_default().to_owned();
        let place = |finding: &Value| format!("{}.{}", word(finding, "table"), word(finding, "column"));
        found.iter().map(|finding| (word(finding, "grade"), place(finding))).collect()
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(grade, at)| ((*grade).to_owned(), (*at).to_owned())).collect()
}

#[test]
fn a_map_is_checked_for_the_operator_s_ci() {
    let shop = Shop::new();
    let before = shop.bytes();
    let said = shop.run(&["map", "check", "-o", "json"]);
    assert_eq!((said.code, said.findings()), (Some(0), vec![]), "{}", said.err);
    assert!(said.err.contains("11 of 11 columns are mapped (100 %)"), "{}", said.err);
    assert_eq!(shop.bytes(), before, "the store is as it was");

    // Without a look there is nothing to check against offline.
    shop.run(&["map", "check", "--offline"]).failed(3, "map diff --accept shop");

    shop.sql("ALTER TABLE users ADD COLUMN birthday TEXT");
    let said = shop.run(&["map", "check", "-o", "json"]);
    assert_eq!((said.code, said.findings()), (Some(2), pairs(&[("unmapped", "users.birthday")])));
    assert!(said.err.contains("11 of 12 columns are mapped (91 %)") && said.err.contains("100 % are asked for"));
    let said = shop.run(&["map", "check", "--coverage", "90", "-o", "json"]);
    assert_eq!(
        (said.code, said.findings()),
        (Some(0), pairs(&[("unmapped", "users.birthday")])),
        "listed all the same"
    );

    // A mask that cannot fit fails whatever is covered.
    shop.rewrite("shop.toml", "ship_name = \"null\"", "ship_name = { constant = \"erased\" }");
    shop.sql("DROP TABLE orders; CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), placed_at TEXT,
        ship_name TEXT CHECK (ship_name <> 'erased'))");
    let said = shop.run(&["map", "check", "--coverage", "0", "-o", "json"]);
    let expected = pairs(&[("defect", "orders.ship_name"), ("unmapped", "users.birthday")]);
    assert_eq!((said.code, said.findings()), (Some(2), expected), "{}", said.err);
}

/// The table of a canary is ours: it counts nowhere, and no map asks about it.
#[test]
fn the_table_of_a_canary_is_no_question() {
    let shop = Shop::new();
    shop.sql(
        "CREATE TABLE expunged_canary (id VARCHAR(16) NOT NULL PRIMARY KEY, epoch VARCHAR(32) NOT NULL);
        INSERT INTO expunged_canary VALUES ('expunged', '0')",
    );
    shop.rewrite("shop.toml", "[store]\n", "[store]\ncanary = \"expunged_canary\"\n");
    let said = shop.run(&["map", "check", "-o", "json"]);
    assert_eq!((said.code, said.findings()), (Some(0), vec![]), "{}", said.err);
    assert!(said.err.contains("11 of 11 columns are mapped (100 %)"), "{}", said.err);
    let said = shop.run(&["map", "init", "shop"]);
    assert!(said.code == Some(0) && said.err.contains("no question is open"), "{}", said.err);
    assert!(!std::fs::read_to_string(shop.path("shop.toml")).unwrap().contains("[tables.expunged_canary]"));
}

#[test]
fn risks_fail_only_who_is_strict() {
    let shop = Shop::new();
    shop.sql("INSERT INTO orders VALUES (70000, 1, '2024-01-01', 'Olga')");
    let said = shop.run(&["map", "check", "-o", "json"]);
    assert_eq!((said.code, said.findings()), (Some(0), pairs(&[("risk", "orders.user_id")])), "{}", said.err);
    assert!(said.out.contains("CREATE INDEX orders_user_id ON orders (user_id)"), "{}", said.out);
    assert_eq!(shop.run(&["map", "check", "--strict"]).code, Some(2));
    shop.sql("CREATE INDEX orders_user_id ON orders (user_id)");
    assert_eq!(shop.run(&["map", "check", "--strict"]).code, Some(0));
}

/// A link by an address finds nothing, and says so before anybody is told that all is erased.
#[test]
fn a_link_by_something_else_than_the_key_fails_the_check() {
    let shop = Shop::new();
    shop.sql("CREATE TABLE newsletter (id INTEGER PRIMARY KEY, email TEXT)");
    let map = std::fs::read_to_string(shop.path("shop.toml")).expect("the map");
    let table = "\n[tables.newsletter]\nkey = \"id\"\nbelongs_to = { users = \"email\" }\n\
                 categories = { id = \"none\", email = \"contact\" }\nerase = \"delete\"\n";
    std::fs::write(shop.path("shop.toml"), map + table).expect("a map");
    let said = shop.run(&["map", "check", "-o", "json"]);
    assert_eq!((said.code, said.findings()), (Some(2), pairs(&[("defect", "newsletter.email")])), "{}", said.err);
    for words in ["it is TEXT and links to shop.users.id, which is INTEGER", "an address or a code finds nothing"] {
        assert!(said.out.contains(words), "{words:?} in {}", said.out);
    }
    let said = shop.run(&["check", "--connect", "-o", "json"]);
    assert!(said.code == Some(2) && said.out.contains("links to shop.users.id"), "{}", said.out);
    shop.rewrite(
        "shop.toml",
        "\"email\" }\ncategories = { id = \"none\", email",
        "{ columns = \"email\", as_written = true } }\ncategories = { id = \"none\", email",
    );
    let said = shop.run(&["map", "check", "-o", "json"]);
    assert_eq!((said.code, said.findings()), (Some(0), vec![]), "{}", said.err);
}

#[test]
fn a_table_that_nothing_leads_to_is_asked_about_in_one_voice() {
    let shop = Shop::new();
    shop.sql("CREATE TABLE callbacks (id INTEGER PRIMARY KEY, telephone TEXT, note TEXT); CREATE TABLE colours (id INTEGER PRIMARY KEY, shade TEXT)");
    let said = shop.run(&["map", "init", "shop", "--print"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let table = said.out.split("[tables.callbacks]").nth(1).and_then(|rest| rest.split("[tables.colours]").next());
    let table = table.expect("its part of the map");
    assert!(table.contains("telephone = \"phone\" # 0.95"), "as the lexicon calls it: {table}");
    assert!(table.contains("whose rows are these?") && table.contains("Proposed: \"delete\" (0.50)"), "{table}");
    assert!(!table.contains("seems to be nobody's"), "{table}");
    assert!(
        said.out.split("[tables.colours]").nth(1).expect("it").contains("it seems to be nobody's data"),
        "{}",
        said.out
    );
}

#[test]
fn an_open_question_is_listed_and_stops_everything() {
    let shop = Shop::new();
    shop.rewrite("shop.toml", "erase      = \"mask\"", "erase = \"?\" # open: delete, mask or keep?");
    shop.rewrite("shop.toml", "company = \"identity\"", "company = \"?\"");
    let said = shop.run(&["map", "check", "-o", "json"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert_eq!(said.findings(), pairs(&[("open", "accounts."), ("open", "orders.")]));
    assert!(said.out.contains("delete, mask or keep?") && said.err.contains("2 questions are open"), "{}", said.out);
    shop.run(&["plan", "olga@customer.example"]).failed(2, "is still open");
    shop.run(&["run"]).failed(2, "is still open");
}

#[test]
fn a_map_is_proposed_for_a_store_that_has_none() {
    let shop = Shop::new();
    let (map, url) = (shop.path("new.toml").display().to_string(), "sqlite:shop.db");
    let init = ["map", "init", "fresh", "--kind", "sqlite", "--url", url, "--file", &map];
    let run = |more: &[&str]| -> Said { expunged().args(init).args(more).output().expect("it runs").into() };
    let printed = run(&["--sample", "--print"]);
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    for value in ["olga", "Olga", "Customer Ltd", "2024-01-01"] {
        assert!(!printed.out.contains(value) && !printed.err.contains(value), "{value} in {}", printed.out);
    }
    assert!(
        printed.out.contains("email = \"contact\" # 0.95: ") && !shop.has("new.toml") && !shop.has("new.seen.json")
    );

    let written = run(&[]);
    assert_eq!((written.code, written.out.as_str()), (Some(0), ""), "{}", written.err);
    assert!(written.err.contains("3 tables") && written.err.contains("questions are open"), "{}", written.err);
    let text = std::fs::read_to_string(shop.path("new.toml")).expect("the map");
    for line in ["subject = \"account\"", "subject = \"user\"", "accounts = \"account_id\"", "erase = \"?\" # open: "] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("erase = \"delete\""), "deleting is never ours to say: {text}");
    assert!(shop.has("new.seen.json"));
    let again = run(&[]);
    assert!(again.err.contains("0 tables and 0 columns"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(shop.path("new.toml")).expect("the map"), text);

    let other = expunged().args(["map", "init", "else", "--file", &map]).output().expect("it runs");
    Said::from(other).failed(2, "is the map of the store fresh");
}

#[test]
fn a_url_with_a_password_is_not_for_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = folder.path().join("x.toml").display().to_string();
    let url = "postgres://erase:secret@localhost/shop";
    let said = run(&["map", "init", "x", "--kind", "postgres", "--url", url, "--file", &map]);
    said.failed(2, "--url-file");
    assert!(!said.err.contains("secret"), "{}", said.err);
    run(&["map", "init", "x", "--kind", "postgres", "--file", &map]).failed(2, "a new map needs --url-file");
    run(&["map", "init", "x", "--file", &map]).failed(2, "a new one needs --kind");
}

#[test]
fn a_map_of_the_config_gets_what_it_lacks() {
    let shop = Shop::new();
    shop.sql("ALTER TABLE users ADD COLUMN birthday TEXT; CREATE TABLE visits (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id))");
    let said = shop.run(&["map", "init", "shop"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("1 table and 1 column of other tables added"), "{}", said.err);
    let text = std::fs::read_to_string(shop.path("shop.toml")).expect("the map");
    assert!(text.contains("full_name = \"identity\", birthday = \"identity\" }"), "{text}");
    assert!(text.contains("[tables.visits.belongs_to]\nusers = \"user_id\""), "{text}");
    shop.run(&["map", "check"]).code.map_or_else(|| panic!("it ends"), |code| assert_eq!(code, 2));
    shop.rewrite("shop.toml", "erase = \"?\"", "erase = \"delete\"");
    let said = shop.run(&["map", "check"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    // What was seen is kept, so the same can be checked where there is no store.
    std::fs::remove_file(shop.path("shop.db")).expect("the store");
    let said = shop.run(&["map", "check", "--offline"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.err.contains("14 of 14 columns"), "{}", said.err);
    assert_eq!(shop.run(&["map", "check"]).code, Some(5));
}

#[test]
fn drift_is_told_since_the_last_look() {
    let shop = Shop::new();
    shop.run(&["map", "diff"]).failed(3, "--accept");
    let said = shop.run(&["map", "diff", "--accept"]);
    assert!(said.code == Some(0) && said.err.contains("shop.seen.json"), "{}", said.err);
    assert!(shop.run(&["map", "diff", "--exit-code"]).err.contains("nothing changed"));
    shop.sql(
        "ALTER TABLE users ADD COLUMN birthday TEXT; ALTER TABLE accounts DROP COLUMN company; CREATE TABLE visits (id INTEGER);
        CREATE INDEX by_user ON orders (user_id); DROP TABLE orders; CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER,
        placed_at DATE NOT NULL, ship_name TEXT UNIQUE, CHECK (user_id > 0))",
    );
    let said = shop.run(&["map", "diff", "-o", "json"]);
    let changes: Vec<Value> = serde_json::from_str(&said.out).expect("JSON on stdout");
    let told: Vec<String> = changes
        .iter()
        .map(|c| format!("{} {} {} {}", c["table"], c["column"], c["change"], c["mapped"]).replace('"', ""))
        .collect();
    for expected in [
        "accounts company gone true",
        "orders null gone true",
        "orders null new true",
        "orders placed_at changed true",
        "users birthday new false",
        "visits null new false",
    ] {
        assert!(told.iter().any(|line| line == expected), "{expected} in {told:#?}");
    }
    assert!(
        said.out.contains("TEXT NOT NULL → DATE NOT NULL") && said.out.contains("foreign key (user_id) → users (id)")
    );
    shop.run(&["map", "diff", "nowhere"]).failed(3, "no data map of the config is of a store nowhere");
    assert_eq!(shop.run(&["map", "diff", "--exit-code"]).code, Some(4));
    assert_eq!(shop.run(&["map", "diff", "--accept"]).code, Some(0));
    assert_eq!(shop.run(&["map", "diff", "--exit-code"]).code, Some(0));
    std::fs::write(shop.path("shop.seen.json"), "{}").expect("a file");
    shop.run(&["map", "diff"]).failed(1, "look again");
}

#[test]
fn a_map_is_drawn() {
    let shop = Shop::new();
    shop.rewrite("shop.toml", "[tables.orders]", "[tables.\"or\\\"ders\"]");
    let drawn = shop.run(&["map", "draw"]);
    assert_eq!(drawn.code, Some(0), "{}", drawn.err);
    assert_eq!(
        drawn.out,
        "flowchart TD
    subgraph s0[\"shop (sqlite)\"]
        t0([\"<b>accounts</b><br>account\"]):::delete
        t1[\"or#34;ders<br>until placed_at + 10 years\"]:::mask
        t2([\"<b>users</b><br>user\"]):::delete
    end
    t2 -->|\"user_id\"| t1
    t0 -->|\"account_id\"| t2
    classDef delete fill:#fdd,stroke:#900,color:#000
    classDef mask fill:#ffd,stroke:#960,color:#000
    classDef keep fill:#dfd,stroke:#060,color:#000
"
    );
}

#[test]
fn the_register_says_what_the_maps_know() {
    let shop = Shop::new();
    shop.rewrite(
        "shop.toml",
        "location = \"here\"",
        "location = \"Köln, DE\"\nprocessor = \"Host | Co\"\npurpose = \"to \\\"sell\\\"\"",
    );
    shop.rewrite("shop.toml", "placed_at = \"none\"", "placed_at = \"behaviour\"");
    let json = shop.run(&["register", "--as", "json"]).json();
    assert_eq!((&json["controller"], &json["contact"]), (&"Tiny Shop".into(), &"privacy@tiny.example".into()));
    let entries = json["entries"].as_array().expect("entries");
    let kept = entries.iter().find(|entry| entry["category"] == "behaviour").expect("what is kept");
    assert_eq!((&kept["ground"], &kept["period"]), (&"Art. 17(3)(b) GDPR".into(), &"placed_at + 10 years".into()));
    assert_eq!((&kept["subjects"], &kept["erasing"]), (&serde_json::json!(["account", "user"]), &"kept".into()));
    let contact = entries.iter().find(|entry| entry["category"] == "contact").expect("addresses");
    assert_eq!((&contact["period"], &contact["backup_days"]), (&"until it is asked for".into(), &35.into()));
    assert_eq!(shop.run(&["register", "-o", "json"]).json(), json, "the same by the common option");

    let markdown = shop.run(&["register"]).out;
    assert!(markdown.starts_with("# Register of processing activities (Art. 30 GDPR)"), "{markdown}");
    assert!(markdown.contains("| shop | sqlite | Köln, DE | Host \\| Co | to \"sell\" | behaviour | account, user | orders | kept | Art. 17(3)(b) GDPR | placed_at + 10 years | 35 |"), "{markdown}");
    let csv = shop.run(&["register", "--as", "csv"]).out;
    assert!(csv.contains("shop,sqlite,\"Köln, DE\",Host | Co,\"to \"\"sell\"\"\",behaviour,\"account, user\",orders,kept,Art. 17(3)(b) GDPR,placed_at + 10 years,35"), "{csv}");
}

/// The shop's tables on PostgreSQL, and the url of a login that may do what the grants say.
async fn login_on_postgres(grants: &str) -> (String, String) {
    let (url, login) = (fresh_postgres().await, format!("clerk_{}", unique_word()));
    let mut server = PgConnection::connect(&url).await.expect("the server answers");
    let script = format!(
        "CREATE TABLE accounts (id BIGINT PRIMARY KEY, company TEXT NOT NULL);
        CREATE TABLE users (id BIGINT PRIMARY KEY, account_id BIGINT NOT NULL REFERENCES accounts (id), role TEXT NOT NULL,
          email TEXT NOT NULL, full_name TEXT NOT NULL);
        CREATE TABLE orders (id BIGINT PRIMARY KEY, user_id BIGINT REFERENCES users (id), placed_at DATE NOT NULL, ship_name TEXT);
        REVOKE CREATE ON SCHEMA public FROM PUBLIC; DROP ROLE IF EXISTS {login}; CREATE ROLE {login} LOGIN;
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login}; {}",
        grants.replace("LOGIN", &login)
    );
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut server).await.expect("plain SQL");
    let mut as_login: url::Url = url.parse().expect("a url");
    as_login.set_username(&login).expect("a login");
    (as_login.to_string(), format!("DROP OWNED BY {login}; DROP ROLE {login}"))
}

#[test]
fn rights_that_are_missing_or_too_wide_are_told() {
    let shop = Shop::new();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let grants = "GRANT DELETE ON accounts, orders TO LOGIN; GRANT UPDATE (user_id) ON orders TO LOGIN;
        GRANT INSERT ON users, orders TO LOGIN; GRANT TRUNCATE ON orders TO LOGIN";
    let (url, end) = runtime.block_on(login_on_postgres(grants));
    shop.rewrite("shop.toml", "kind = \"sqlite\"", "kind = \"postgres\"");
    let map = std::fs::read_to_string(shop.path("shop.toml")).expect("the map");
    let map: Vec<String> =
        map.lines().map(|l| if l.starts_with("url = ") { format!("url = {url:?}") } else { l.to_owned() }).collect();
    std::fs::write(shop.path("shop.toml"), map.join("\n")).expect("the map");

    let said = shop.run(&["map", "check", "-o", "json"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    let expected = [
        ("defect", "orders."),
        ("defect", "users."),
        ("risk", "."),
        ("risk", "."),
        ("risk", "orders.user_id"),
        ("risk", "users.account_id"),
    ];
    let mut found = said.findings();
    found.sort();
    assert_eq!(found, pairs(&expected), "{}", said.out);
    for words in [
        "the login may not UPDATE what the map asks for",
        "the login may not DELETE what the map asks for",
        "GRANT DELETE ON users to the login",
        "INSERT is permitted and not needed on 2 tables: orders, users",
        "TRUNCATE ON orders",
        "the store does not say how many",
    ] {
        assert!(said.out.contains(words), "{words} in {}", said.out);
    }
    let superuser = url::Url::parse(&url).map(|mut url| url.set_username("postgres").map(|()| url.to_string()));
    let superuser = superuser.expect("a url").expect("a login");
    shop.rewrite("shop.toml", &url, &superuser);
    let said = shop.run(&["map", "check"]);
    assert!(said.code == Some(0) && said.out.contains("SUPERUSER"), "{}{}", said.out, said.err);
    runtime.block_on(async {
        let mut server = PgConnection::connect(&superuser).await.expect("the server answers");
        sqlx::raw_sql(AssertSqlSafe(end)).execute(&mut server).await.expect("the login goes");
    });
}

/// A map is refused at the very place, with what could stand there.
#[test]
fn a_slip_in_the_head_of_a_map_is_told_at_its_place() {
    const PARCELS: &str = include_str!("../../config/stores/parcels.toml");
    let shop = std::fs::read_to_string(Shop::new().path("shop.toml")).expect("the map");
    for (line, slip, message, help) in [
        ("kind       = \"mail\"", "kind = \"post\"", "\"post\" is no kind of a store", "redis, objects, mail, http"),
        ("silent_days = 14", "silent_days = 0", "silent_days is 0, and cannot be", "write 1 to 31"),
        ("silent_days = 14", "silent_days = 60", "silent_days is 60, and cannot be", "write 1 to 31"),
        ("remind_days = 7\n", "", "silent_days is 5, and cannot be", "write 8 to 31"),
    ] {
        let text = PARCELS
            .lines()
            .map(|l| if l.starts_with(line.trim_end()) { slip } else { l })
            .collect::<Vec<_>>()
            .join("\n");
        let text = if slip.is_empty() { text.replace("silent_days = 14", "silent_days = 5") } else { text };
        assert_ne!(text, PARCELS);
        let error = expunged::erase::DataMap::parse(&[("shop.toml", &shop), ("parcels.toml", &text)]).expect_err(slip);
        assert!(error.message.contains(message) && error.help.contains(help), "{error}");
        let caret = &text[error.span.clone()];
        assert!(["\"post\"", "0", "60", "5"].contains(&caret), "{caret} of {error}");
    }
}

#[test]
fn the_query_for_the_lag_is_tried_before_it_is_relied_on() {
    let shop = Shop::new();
    let before = shop.bytes();
    let plain = std::fs::read_to_string(shop.path("shop.toml")).expect("the map");
    let with = |lag: &str| {
        let throttled = format!("backup_days = 35\n[store.throttle]\nlag = \"{lag}\"\nlag_max = 5");
        std::fs::write(shop.path("shop.toml"), plain.replace("backup_days = 35", &throttled)).expect("a map");
    };
    let (check, map_check) = (&["check", "--connect"][..], &["map", "check"][..]);
    // What could write is refused before any store is asked, by every command that reads the maps.
    for (lag, words) in [
        ("DELETE FROM orders", "it begins with \"DELETE\""),
        ("SELECT 1; DELETE FROM orders", "there are several statements"),
        ("WITH gone AS (DELETE FROM orders RETURNING 1) SELECT 1 FROM gone", "it says DELETE"),
    ] {
        with(lag);
        for command in [map_check, &["run"], check].into_iter().take(if lag.starts_with("DELETE") { 3 } else { 1 }) {
            let said = shop.run(command);
            assert_eq!(said.code, Some(2), "{command:?}: {}", said.err);
            let all = format!("{}{}", said.out, said.err);
            assert!(all.contains(words) && all.contains("shop.toml:9:7"), "{command:?}: {all}");
        }
    }
    for (lag, words) in [
        ("SELECT id, role FROM users", "2 columns"),
        ("SELECT id FROM users", "one row with one number"),
        ("SELECT 'soon'", "one row with one number"),
        ("SELECT lag FROM nowhere", "no such table: nowhere"),
    ] {
        with(lag);
        for command in [map_check, check].into_iter().take(if lag.ends_with("nowhere") { 2 } else { 1 }) {
            let said = shop.run(&[command, &["-o", "json"]].concat());
            assert_eq!(said.code, Some(2), "{lag}: {command:?}: {}", said.err);
            assert!(said.out.contains(words), "{lag}: {command:?}: {}", said.out);
        }
    }
    for lag in ["SELECT NULL", "SELECT id FROM users WHERE id = 77", "SELECT 2.5"] {
        with(lag);
        let said = shop.run(map_check);
        assert_eq!(said.code, Some(0), "{lag}: {}{}", said.out, said.err);
    }
    let lines: Value = serde_json::from_str(&shop.run(&[check, &["-o", "json"]].concat()).out).expect("JSON");
    let line =
        lines.as_array().expect("lines").iter().find(|line| line["check"] == "lag of store shop").expect("a line");
    assert_eq!((&line["result"], &line["note"]), (&"ok".into(), &"2.5".into()), "{lines}");
    assert_eq!(shop.bytes(), before, "the store is as it was");
}

/// What a name that was typed wrongly was meant to be stands beside it.
#[test]
fn a_mistyped_table_or_column_is_told_with_what_was_meant() {
    for (right, wrong, meant) in [
        ("belongs_to = { users = \"user_id\" }", "belongs_to = { usres = \"user_id\" }", "did you mean \"users\"?"),
        ("belongs_to = { users = \"user_id\" }", "belongs_to = { users = \"usr_id\" }", "did you mean \"user_id\"?"),
        (
            "belongs_to = { users = \"user_id\" }",
            "belongs_to = { \"shop.user\" = \"user_id\" }",
            "did you mean \"shop.users\"?",
        ),
    ] {
        let shop = Shop::new();
        shop.rewrite("shop.toml", right, wrong);
        let said = shop.run(&["map", "check"]);
        assert!(said.code == Some(2) && said.err.contains(meant), "{meant} in {}", said.err);
    }
    let shop = Shop::new();
    shop.rewrite("shop.toml", "full_name = \"identity\"", "full_nane = \"identity\"");
    shop.rewrite("shop.toml", "[tables.orders]", "[tables.oders]");
    let said = shop.run(&["map", "check", "-o", "json"]);
    for meant in ["did you mean \\\"full_name\\\"? correct", "did you mean \\\"orders\\\"? correct"] {
        assert!(said.out.contains(meant), "{meant} in {} {}", said.out, said.err);
    }
}

/// What a check can tell without the stores it tells in the same words, and it says what it did not look at.
#[test]
fn an_offline_check_says_the_same_and_what_it_did_not_look_at() {
    let shop = Shop::new();
    shop.rewrite("shop.toml", "full_name = \"identity\"", "full_name = \"none\"");
    assert_eq!(shop.run(&["map", "diff", "--accept"]).code, Some(0));
    let (online, offline) =
        (shop.run(&["map", "check", "-o", "json"]), shop.run(&["map", "check", "--offline", "-o", "json"]));
    assert_eq!((online.code, offline.code), (Some(0), Some(0)), "{}{}", online.err, offline.err);
    assert!(online.out.contains("the map says"), "{}", online.out);
    assert_eq!(online.out, offline.out);
    for words in [
        "searched without an index, which is a risk where the table is large: shop.orders, shop.users",
        "not looked at offline",
    ] {
        assert!(offline.err.contains(words) && !online.err.contains(words), "{words:?} in {}", offline.err);
    }
    // Of names the map says all that can be known of them without the store.
    let names = "[store]\nname = \"sessions\"\nkind = \"redis\"\nurl = \"redis://127.0.0.1:1/0\"\nbackup_days = 0\n\n\
                 [keys.sessions]\npattern = \"session:{user}:*\"\ntype = \"string\"\nbelongs_to = { \"shop.users\" = \"user\" }\n\
                 category = \"behaviour\"\nerase = \"delete\"\n";
    std::fs::write(shop.path("sessions.toml"), names).expect("a map");
    let both = shop.config_with("maps = [\"shop.toml\"]", "maps = [\"shop.toml\", \"sessions.toml\"]");
    let said = shop.run(&["map", "check", "--offline", "--config", &both]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("names of sessions that no map has"), "{}", said.err);
}

/// Values look like numbers to call where they are addresses of a network, and one table that cannot be read is no reason to propose
/// nothing for the others.
#[test]
fn a_sample_contradicts_no_name_by_itself_and_names_what_it_could_not_read() {
    let shop = Shop::new();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let script = "REVOKE SELECT ON orders FROM LOGIN;
        CREATE TABLE events (id BIGINT PRIMARY KEY, user_id BIGINT REFERENCES users (id), ip INET, heard INET, wire MACADDR, phone TEXT,
          zz TEXT);
        INSERT INTO events SELECT n, NULL, ('10.0.0.' || n)::inet, '10.1.0.0/16', '08:00:27:01:02:03', 'a' || n || '@example.org', NULL
          FROM generate_series(1, 9) n;
        CREATE MATERIALIZED VIEW sums AS SELECT id, company FROM accounts WITH NO DATA;
        GRANT SELECT ON events, sums TO LOGIN";
    let (url, end) = runtime.block_on(login_on_postgres(script));
    std::fs::write(shop.path("fresh.url"), &url).expect("a url");
    let map = shop.path("new.toml").display().to_string();
    let init = [
        "map",
        "init",
        "fresh",
        "--kind",
        "postgres",
        "--url-file",
        "fresh.url",
        "--file",
        &map,
        "--print",
        "--sample",
    ];
    let said: Said = expunged().args(init).output().expect("it runs").into();
    assert_eq!(said.code, Some(0), "{}", said.err);
    let lines = |of: &str| said.out.lines().filter(|line| line.starts_with(of)).map(str::to_owned).collect::<Vec<_>>();
    for column in ["ip", "heard", "wire"] {
        let line = lines(&format!("{column} = ")).concat();
        assert!(line.starts_with(&format!("{column} = \"behaviour\"")), "{line:?} in {}", said.out);
    }
    let phone = lines("phone = ").concat();
    assert!(
        phone.contains("\"?\"") && phone.contains("look like mail addresses") && phone.contains("named like"),
        "{phone}"
    );
    assert!(said.out.contains("#zz = \"null\" # where its category is not \"none\""), "{}", said.out);
    assert!(said.err.contains("orders: no row of it can be read") && said.err.contains("42501"), "{}", said.err);
    let superuser = url::Url::parse(&url).map(|mut url| url.set_username("postgres").map(|()| url.to_string()));
    let superuser = superuser.expect("a url").expect("a login");
    runtime.block_on(async {
        let mut server = PgConnection::connect(&superuser).await.expect("the server answers");
        sqlx::raw_sql(AssertSqlSafe(end)).execute(&mut server).await.expect("the login goes");
    });
}

/// "Please delete my phone number" is no more than a person's work where the map has no answer for that column alone.
#[test]
fn a_column_that_could_not_go_alone_is_a_risk() {
    let shop = Shop::new();
    shop.sql(
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), number TEXT, about TEXT NOT NULL);
         CREATE INDEX calls_by_user ON calls (user_id)",
    );
    let calls = "\n[tables.calls]\nkey = \"id\"\nbelongs_to = { users = \"user_id\" }\nerase = \"delete\"\n\
        categories = { id = \"none\", user_id = \"none\", number = \"phone\", about = \"behaviour\" }\n";
    let map = std::fs::read_to_string(shop.path("shop.toml")).expect("the map");
    std::fs::write(shop.path("shop.toml"), map.clone() + calls).expect("the map");
    let said = shop.run(&["map", "check"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    for words in ["a request for \"phone\" alone goes to a person", "number = \"null\"", "about = { constant"] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let masked = calls.to_owned() + "mask = { number = \"null\", about = { constant = \"erased\" } }\n";
    std::fs::write(shop.path("shop.toml"), map + &masked).expect("the map");
    let said = shop.run(&["map", "check"]);
    assert!(said.code == Some(0) && !said.out.contains("goes to a person"), "{}{}", said.out, said.err);
}
