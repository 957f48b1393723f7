//! What is configured wrongly stops the start with an error that names the place and says what to do.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use expunged::cli::exit::{Ended, Exit};
use expunged::clock::FixedClock;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection};

use crate::support::mariadb::fresh_mariadb;
use crate::support::postgres::locked_postgres;
use crate::support::world::{Ground, START, told};
use crate::support::{free_port, unique_word};

/// Every one of these words stands in the text.
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

#[tokio::test]
async fn a_missing_config_key() {
    let ground = Ground::sqlite().await.with_config(|config| config.replace("kek_file = \"kek\"", ""));
    let text = ground.config().unwrap_err().to_string();
    says(&text, &["expunged.toml", "[keys]", "kek_file", "help"]);
}

/// What a dead worker held is taken over within 60 s: its lease runs out, and the next rescue comes.
#[tokio::test]
async fn a_lease_that_is_taken_back_too_late() {
    let with = async |seconds: u64| {
        let workers = format!("[workers]\nlease_seconds = {seconds}\n\n[keys]");
        Ground::sqlite().await.with_config(|config| config.replace("[keys]", &workers))
    };
    let world = with(45).await.build().await;
    let workers = expunged::daemon::Running::of(&world.house, "any").workers;
    let (longest, rescue) = (workers.lease, workers.rescue_every);
    assert_eq!(longest, std::time::Duration::from_secs(45), "as the config says");
    assert!(longest + rescue <= std::time::Duration::from_secs(60), "{longest:?} and {rescue:?}");
    says(&with(46).await.config().unwrap_err().to_string(), &["expunged.toml", "lease_seconds", "46", "45"]);
}

#[tokio::test]
async fn a_missing_file() {
    let ground = Ground::sqlite().await;
    std::fs::remove_file(ground.path("shop.toml")).unwrap();
    says(&ground.config().unwrap_err().to_string(), &["expunged.toml", "`maps`", "shop.toml", "No such file"]);
    std::fs::remove_file(ground.path("expunged.toml")).unwrap();
    says(&ground.config().unwrap_err().to_string(), &["expunged.toml", "cannot read", "--config"]);
}

#[tokio::test]
async fn a_database_url_of_another_kind() {
    let ground = Ground::sqlite().await.with_config(|config| config.replace("sqlite:ledger.db", "oracle://ledger"));
    let text = ground.config().unwrap_err().to_string();
    says(&text, &["expunged.toml", "url", "expected sqlite:FILE or postgres://"]);
}

#[tokio::test]
async fn a_database_where_none_is() {
    let closed = format!("postgres://expunged:secretword@127.0.0.1:{}/ledger", free_port());
    let ground = Ground::sqlite().await.with_config(|config| config.replace("sqlite:ledger.db", &closed));
    let began = std::time::Instant::now();
    let text = ground.refused().await;
    says(&text, &["[database]", "url", "refused"]);
    assert!(!text.contains("secretword"), "{text}");
    assert!(began.elapsed().as_secs() < 10, "a refused connection is known at once");

    let ground = Ground::sqlite()
        .await
        .with_config(|config| config.replace("sqlite:ledger.db", "sqlite:no/such/folder/ledger.db"));
    says(&ground.refused().await, &["[database]", "url", "no/such/folder", "is not there"]);
}

#[tokio::test]
async fn an_absolute_path_of_a_database() {
    let ground = Ground::sqlite().await;
    let url = format!("sqlite:{}", ground.path("elsewhere.db").display());
    let ground = ground.with_config(|config| config.replace("sqlite:ledger.db", &url));
    let world = ground.build().await;
    assert!(world.ground.path("elsewhere.db").exists());
}

#[tokio::test]
async fn a_key_file_that_others_may_read() {
    let ground = Ground::sqlite().await;
    std::fs::write(ground.path("kek"), [7; 32]).unwrap();
    std::fs::set_permissions(ground.path("kek"), std::fs::Permissions::from_mode(0o644)).unwrap();
    says(&ground.refused().await, &["[keys]", "/kek", "0644", "chmod 600"]);
}

#[tokio::test]
async fn a_ledger_of_another_key() {
    let world = Ground::sqlite().await.build().await;
    world.house.db.close().await;
    std::fs::write(world.ground.path("kek"), [7; 32]).unwrap();
    says(&world.ground.refused().await, &["another key file", "[keys] kek_file"]);
}

/// A lost key is not replaced by a new one, which would hide that it is lost.
#[tokio::test]
async fn a_ledger_whose_key_is_gone() {
    let world = Ground::sqlite().await.build().await;
    world.house.db.close().await;
    std::fs::remove_file(world.ground.path("kek")).unwrap();
    says(&world.ground.refused().await, &["[keys]", "/kek", "missing", "restore it"]);
    assert!(!world.ground.path("kek").exists());
}

/// A store that is away holds up its own work, and not the start: mail is read meanwhile (`store_away`).
#[tokio::test]
async fn a_store_where_none_is() {
    let url = format!("postgres://expunged:secretword@127.0.0.1:{}/shop", free_port());
    let ground = Ground::sqlite().await;
    of_another_kind(&ground, "postgres", &url);
    let began = std::time::Instant::now();
    ground.build().await.house.db.close().await;
    assert!(began.elapsed().as_secs() < 10, "a refused connection is known at once");
}

/// The start is refused because a password is, and says so without the password.
async fn shut_out(ground: &Ground, words: &[&str]) {
    let error = ground.house(&Arc::new(FixedClock::at(START))).await.err().expect("nobody is let in");
    let text = told(&error);
    says(&text, words);
    assert!(!text.contains("secretword"), "{text}");
    assert_eq!(Ended::from(error).exit, Exit::Unavailable, "{text}");
}

#[tokio::test]
async fn a_database_and_a_store_that_refuse_the_password() {
    let (_server, url) = locked_postgres().await;
    let wrong = url.replace("right", "secretword");
    let ground = Ground::sqlite().await.with_config(|config| config.replace("sqlite:ledger.db", &wrong));
    shut_out(&ground, &["[database]", "url", "password authentication failed"]).await;
    let ground = Ground::sqlite().await.with_config(|config| config.replace("sqlite:ledger.db", &url));
    ground.build().await.house.db.close().await;

    let ground = Ground::sqlite().await;
    of_another_kind(&ground, "postgres", &wrong);
    shut_out(&ground, &["the store shop", "shop.toml", "password authentication failed"]).await;
}

#[tokio::test]
async fn a_store_on_mariadb_that_refuses_the_password() {
    let url = fresh_mariadb().await;
    let mut server = MySqlConnection::connect(&url).await.unwrap();
    let user = format!("locked_{}", unique_word());
    for sql in ["DROP USER IF EXISTS {user}", "CREATE USER {user} IDENTIFIED BY 'right'"] {
        server.execute(AssertSqlSafe(sql.replace("{user}", &format!("{user}@'%'")))).await.unwrap();
    }
    let ground = Ground::sqlite().await;
    of_another_kind(&ground, "mysql", &url.replace("root@", &format!("{user}:secretword@")));
    shut_out(&ground, &["the store shop", "shop.toml", "Access denied"]).await;
    server.execute(AssertSqlSafe(format!("DROP USER {user}@'%'"))).await.unwrap();
}

/// The shop's map says that it stands elsewhere.
fn of_another_kind(ground: &Ground, kind: &str, url: &str) {
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    let here = format!("sqlite://{}", ground.path("shop.db").display());
    ground.write("shop.toml", &map.replace(&here, url).replace("kind = \"sqlite\"", &format!("kind = \"{kind}\"")));
}

#[tokio::test]
async fn a_map_that_names_a_missing_column() {
    let ground = Ground::sqlite().await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &map.replace("phone = \"phone\" }", "phone = \"phone\", fax = \"none\" }"));
    says(&ground.refused().await, &["shop.toml", "users.fax", "the store has no such column", "correct the name"]);
}

#[tokio::test]
async fn a_column_that_no_map_names() {
    let ground = Ground::sqlite().await;
    ground.shop.run("ALTER TABLE users ADD COLUMN birthday TEXT").await;
    says(&ground.refused().await, &["shop.toml", "users.birthday", "not mapped", "category"]);
}

/// Found at the start, and not when the first owner writes.
#[tokio::test]
async fn a_directory_query_that_lacks_a_column() {
    let on_postgres = Ground::with_shop_on_postgres(str::to_owned).await;
    for ground in [Ground::sqlite().await, on_postgres] {
        let lacking = "SELECT account_id AS account, id AS person, full_name AS label, email AS address\nFROM users";
        let whole = lacking.replace("AS account, id", "AS account, role, id");
        let ground = ground.with_config(|config| {
            assert!(config.contains(&whole));
            config
                .replace(&whole, lacking)
                .replace("full_name AS label, email AS address FROM users", "email AS address FROM users")
        });
        says(
            &ground.refused().await,
            &["`owner` of [directory]", "no column `role`", "AS role", "`target` of [directory]", "AS label"],
        );
        assert!(!ground.path("ledger.db").exists(), "nothing was made");
    }
}
