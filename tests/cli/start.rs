//! What would stop a request later is told at the start and by `check`, with its place and what mends it; and how the daemon ends.

use std::io::{BufRead, BufReader, Read as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::shop::Shop;
use crate::support::postgres::fresh_postgres;
use crate::support::{expunged, free_port, unique_word};

fn replace(shop: &Shop, name: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(shop.path(name)).expect("a file");
    assert!(text.contains(from), "{from:?} in {text}");
    std::fs::write(shop.path(name), text.replace(from, to)).expect("a file");
}

/// The store of the tiny shop on PostgreSQL, seen by a login that may not delete orders or write users.
fn with_a_login(shop: &Shop) -> (String, String) {
    let login = format!("eraser_{}", unique_word());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let url = runtime.block_on(async {
        let url = fresh_postgres().await;
        let mut owner = PgConnection::connect(&url).await.expect("PostgreSQL");
        let schema =
            super::shop::TEXTS[0].replace("INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY").replace(" INTEGER", " BIGINT");
        let schema = schema.replace("placed_at TEXT", "placed_at DATE");
        owner.execute(AssertSqlSafe(schema)).await.expect("the shop");
        let grants = format!(
            "CREATE INDEX ON users (account_id); CREATE INDEX ON orders (user_id);
             CREATE ROLE {login} LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login};
             GRANT DELETE ON users, accounts TO {login}; GRANT UPDATE ON orders TO {login}"
        );
        owner.execute(AssertSqlSafe(grants)).await.expect("grants");
        url
    });
    let mut seen: url::Url = url.parse().expect("a url");
    seen.set_username(&login).expect("a login");
    let own = format!("sqlite://{}", shop.path("shop.db").display());
    replace(shop, "shop.toml", &own, seen.as_str());
    replace(shop, "shop.toml", "kind = \"sqlite\"", "kind = \"postgres\"");
    for (from, to) in [
        ("account_id AS account", "CAST(account_id AS TEXT) AS account"),
        ("id AS person", "CAST(id AS TEXT) AS person"),
    ] {
        replace(shop, "expunged.toml", from, to);
    }
    replace(shop, "expunged.toml", "account_id = :account", "CAST(account_id AS TEXT) = :account");
    (url, login)
}

fn drop_login(url: &str, login: &str, grant: Option<&str>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut owner = PgConnection::connect(url).await.expect("PostgreSQL");
        let statement = match grant {
            Some(grant) => format!("GRANT {grant} TO {login}"),
            None => format!("DROP OWNED BY {login}; DROP ROLE {login}"),
        };
        owner.execute(AssertSqlSafe(statement)).await.expect("the login");
    });
}

#[test]
fn a_right_that_is_missing_is_told_before_a_request_waits_for_it() {
    let shop = Shop::new();
    let (url, login) = with_a_login(&shop);
    let missing = "the login may not DELETE what the map asks for";
    let said = shop.run(&["check", "--connect"]);
    let line = said.out.lines().find(|line| line.contains("rights in store shop")).unwrap_or_default();
    for words in ["FAILED", "orders: ", missing, "GRANT DELETE ON orders TO the login"] {
        assert!(line.to_lowercase().contains(&words.to_lowercase()), "{words}: {}{}", said.out, said.err);
    }
    // The daemon does not start at all, as with a map that is not true.
    let said = shop.run(&["run", "--backfill"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains(missing) && said.err.contains("shop.orders"), "{}", said.err);
    drop_login(&url, &login, Some("DELETE ON orders"));
    let said = shop.run(&["check", "--connect"]);
    let line = said.out.lines().find(|line| line.contains("rights in store shop")).unwrap_or_default();
    assert!(line.contains(" ok "), "{}{}", said.out, said.err);
    shop.daemon_until(|_| true);
    drop_login(&url, &login, None);
}

#[test]
fn all_that_is_wrong_with_a_map_is_told_at_once_with_its_lines() {
    let shop = Shop::new();
    replace(&shop, "shop.toml", "subject    = \"account\"", "subject    = \"acount\"");
    replace(&shop, "shop.toml", "company = \"identity\"", "company = \"Identity!\"");
    replace(&shop, "shop.toml", "until = \"placed_at + 10 years\"", "until = \"some day\"");
    let said = shop.run(&["map", "check"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    for words in ["no kind of data subject", "is no category", "the end of keeping cannot be read"] {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
    assert_eq!(said.err.matches("shop.toml:").count(), 3, "{}", said.err);
    // A cell of a table is one line: each mistake has a row of its own.
    let said = shop.run(&["check"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    let rows: Vec<&str> = said.out.lines().filter(|line| line.trim_start().starts_with("data maps")).collect();
    assert!(rows.len() == 3 && rows.iter().all(|row| row.matches("shop.toml:").count() == 1), "{}", said.out);
    assert!(!said.out.contains('\u{fffd}'), "{}", said.out);
}

/// Who sets PostgreSQL up by hand makes a login and a database, and since PostgreSQL 15 no login may create there.
#[test]
fn a_login_of_the_ledger_that_may_not_create_is_told_what_to_grant() {
    let shop = Shop::new();
    let login = format!("keeper_{}", unique_word());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let url = runtime.block_on(async {
        let url = fresh_postgres().await;
        let mut owner = PgConnection::connect(&url).await.expect("PostgreSQL");
        let script = format!("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE {login} LOGIN PASSWORD 'x'");
        owner.execute(AssertSqlSafe(script)).await.expect("a login");
        url
    });
    let mut seen: url::Url = url.parse().expect("a url");
    seen.set_username(&login).expect("a login");
    replace(&shop, "expunged.toml", "sqlite:ledger.db", seen.as_str());
    let said = shop.run(&["run"]);
    said.failed(5, &format!("GRANT USAGE, CREATE ON SCHEMA public TO \"{login}\""));
    assert!(!said.err.contains("that the database answers"), "{}", said.err);
    drop_login(&url, &login, None);
}

#[test]
fn a_url_of_another_kind_is_refused_with_its_line() {
    let shop = Shop::new();
    replace(&shop, "shop.toml", "kind = \"sqlite\"", "kind = \"postgres\"");
    let said = shop.run(&["check"]);
    assert_eq!(said.code, Some(2), "{}", said.out);
    for words in ["shop.toml:5:", "kind is \"postgres\", and the url begins with sqlite:", "write kind = \"sqlite\""] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    // The url in a file of its own: the map and the file are named.
    let own = format!("url = \"sqlite://{}\"", shop.path("shop.db").display());
    replace(&shop, "shop.toml", &own, "url_file = \"shop.url\"");
    std::fs::write(shop.path("shop.url"), "mysql://me:hush@localhost/shop\n").expect("a url");
    let said = shop.run(&["check"]);
    assert!(said.code == Some(2) && !said.out.contains("hush"), "{}", said.out);
    for words in ["shop.toml", "shop.url", "begins with mysql://", "write kind = \"mysql\""] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
}

#[test]
fn a_kept_column_that_its_end_could_not_empty_is_a_defect() {
    let shop = Shop::new();
    shop.sql(
        "DROP TABLE orders;
         CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), placed_at TEXT NOT NULL, ship_name TEXT,
           number INTEGER NOT NULL UNIQUE)",
    );
    replace(&shop, "shop.toml", "ship_name = \"identity\"", "ship_name = \"identity\", number = \"payment\"");
    let said = shop.run(&["map", "check"]);
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    for words in ["DEFECT", "shop.orders.number", "when its time is over"] {
        assert!(said.out.contains(words), "{words}: {}{}", said.out, said.err);
    }
    shop.sql(
        "DROP TABLE orders; CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id),
        placed_at TEXT NOT NULL, ship_name TEXT, number INTEGER UNIQUE)",
    );
    let said = shop.run(&["map", "check"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn a_category_that_only_a_map_or_only_the_words_know_is_said() {
    let shop = Shop::new();
    let said = shop.run(&["map", "check"]);
    assert!(said.err.contains("no column has these categories, by which people name data"), "{}", said.err);
    assert!(!said.err.contains("no word of a letter names"), "{}", said.err);
    replace(&shop, "shop.toml", "ship_name = \"identity\"", "ship_name = \"identty\"");
    let said = shop.run(&["map", "check"]);
    assert!(
        said.err.contains("no word of a letter names") && said.err.contains("identty (did you mean identity?)"),
        "{}",
        said.err
    );
}

/// A mail server that takes the connection and says nothing keeps a letter under way.
#[test]
fn a_second_signal_ends_at_once_what_the_first_lets_finish() {
    let shop = Shop::new();
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = silent.local_addr().expect("a port").port();
    let config = std::fs::read_to_string(shop.path("expunged.toml")).expect("the config");
    let known = config.lines().find(|line| line.starts_with("port = ")).expect("a port").to_owned();
    replace(&shop, "expunged.toml", &known, &format!("port = {port}"));
    shop.letter("olga@customer.example", "Please close my account", "Please close my account and delete all my data.");
    let mut command = expunged();
    command.args(["run", "--backfill"]).env("EXPUNGED_CONFIG", shop.path("expunged.toml")).stderr(Stdio::piped());
    let mut daemon = command.spawn().expect("it starts");
    let pid = rustix::process::Pid::from_child(&daemon);
    let mut log = BufReader::new(daemon.stderr.take().expect("its log"));
    // The letter is on its way, and nobody answers.
    let (held, _) = silent.accept().expect("the daemon connects");
    let terminate = || rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
    terminate();
    let mut said = String::new();
    while !said.contains("a second signal ends it at once") {
        assert_ne!(log.read_line(&mut said).expect("its log"), 0, "it says that it finishes: {said}");
    }
    std::thread::sleep(Duration::from_millis(500));
    assert!(daemon.try_wait().expect("it is asked").is_none(), "what is under way is finished");
    let since = Instant::now();
    terminate();
    let ended = daemon.wait().expect("it ends");
    assert!(since.elapsed() < Duration::from_secs(5), "at once: {:?}", since.elapsed());
    assert_eq!(ended.code(), Some(1));
    log.read_to_string(&mut said).expect("the rest of its log");
    assert!(said.contains("stopped at once by a second signal"), "{said}");
    drop(held);
}

/// The disk of the log is full, or who reads it has gone: lines are lost, and nothing else.
#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let shop = Shop::new();
    shop.letter("olga@customer.example", "Please close my account", "Please close my account and delete all my data.");
    for log in ["full", "closed"] {
        let mut command = expunged();
        command.args(["run", "--backfill"]).env("EXPUNGED_CONFIG", shop.path("expunged.toml"));
        match log {
            "full" => command.stderr(std::fs::File::create("/dev/full").expect("a device of the system")),
            _ => command.stderr(Stdio::piped()),
        };
        let mut daemon = command.spawn().expect("it starts");
        drop(daemon.stderr.take());
        let pid = rustix::process::Pid::from_child(&daemon);
        let since = Instant::now();
        let judged = || shop.run(&["requests", "list", "-o", "json"]).out.contains("awaiting_confirmation");
        while !judged()
            && daemon.try_wait().expect("it is asked").is_none()
            && since.elapsed() < Duration::from_secs(60)
        {
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(judged(), "{log}: the letter was read");
        assert_eq!(daemon.try_wait().expect("it is asked"), None, "{log}: it goes on");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        assert!(daemon.wait().expect("it ends").success(), "{log}");
    }
}

/// The address of the pages is tried, and what must lead there is said; where somebody else has it, nothing starts.
#[test]
fn the_address_of_the_pages_is_looked_at() {
    let shop = Shop::new();
    let port = free_port();
    let section =
        format!("[web]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"https://privacy.shop.example\"\n\n[keys]");
    let config = shop.config_with("[keys]", &section);
    let looked_at = |check: &str| {
        let said = shop.run(&["check", "-o", "json", "--config", &config]).json();
        let lines = said.as_array().expect("a list of checks").clone();
        let line = lines.into_iter().find(|line| line["check"] == check).expect("the check is made");
        (line["result"].clone(), line["note"].as_str().unwrap_or_default().to_owned())
    };
    let (result, note) = looked_at("pages");
    assert_eq!(result, "ok");
    assert!(note.contains("https://privacy.shop.example/r/") && note.contains(&format!("127.0.0.1:{port}")), "{note}");
    assert_eq!(looked_at("limit of the pages").0, "warning");
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let (result, note) = looked_at("pages");
    assert!(result == "not_tried" && note.contains("listened at already"), "{note}");
    shop.run(&["run", "--config", &config]).failed(4, "cannot be listened at");
    drop(taken);
}
