//! Masks that are made of what a column holds, on the three databases: a part of a text goes, a date loses its day, a name
//! becomes a code, places of a document are emptied. NULL stays NULL, a second time changes nothing, and the rows of
//! others stay as they are.

use expunged::erase::{EraseError, Outcome, check};
use expunged::stores::StoreKind;
use sqlx::Executor as _;

use super::memory::MemoryLedger;
use super::one::One;

const TABLES: &str = r#"
[tables.people]
subject = "user"
key = "id"
erase = "mask"
categories = { id = "none", since = "none", comment = "communication", born = "identity", met = "identity", login = "identity", settings = "contact", extra = "contact" }
keep = { ground = "HGB §257", until = "since + 10 years" }

[tables.people.mask]
comment = { redact = '[0-9]{4,}', with = "…" }
born = { truncate = "year" }
met = { truncate = "month" }
login = "pseudonym"
settings = { json = { "$.mail" = "remove", "$.lines[*].name" = { constant = "x" } } }
extra = { json = { "$.mail" = "null" } }
"#;

fn settings() -> String {
    let rest = "now ".repeat(300);
    format!(
        r#"{{"mail":"a@b.c","lines":[{{"name":"Anna","n":1}},{{"n":2}}],"n":12345678901234567890,"rest":"{rest}"}}"#
    )
}

/// Long texts as well: they travel as one list.
fn script(time: &str, json: &str) -> String {
    let (long, settings) = (format!("call 030123456 {}", "now ".repeat(400)), settings());
    format!(
        "CREATE TABLE people (id BIGINT PRIMARY KEY, since DATE, comment TEXT, born DATE, met {time}, login VARCHAR(40) NOT NULL UNIQUE,
          settings {json}, extra TEXT);
        INSERT INTO people VALUES (1, '2025-01-01', '{long}', '1990-05-06', '2020-02-29 11:12:13', 'anna', '{settings}', '{{\"mail\":1}}'),
          (2, '2025-01-01', 'card 12345', '1990-05-06', '2020-02-29 11:12:13', 'ben', '{settings}', '{{\"mail\":1}}'),
          (3, '2025-01-01', NULL, NULL, NULL, 'cy', NULL, NULL), (4, '2025-01-01', NULL, NULL, NULL, 'dee', NULL, 'no document'),
          (5, '2001-01-01', 'card 12345', '1990-05-06', NULL, 'eve', NULL, NULL),
          (6, '2025-01-01', NULL, NULL, NULL, 'fay', '{{\"lines\":{{\"name\":\"Fay\"}}}}', NULL),
          (7, '2025-01-01', NULL, NULL, NULL, 'gus', '{{\"lines\":[\"Gus\"]}}', NULL),
          (8, '2025-01-01', NULL, NULL, NULL, 'hal', '[{{\"mail\":\"h@b.c\"}}]', NULL);"
    )
}

/// The person is erased, though the program is killed on the way.
async fn erase(one: &One, id: i64) -> Result<Outcome, EraseError> {
    let plan = one.plan(id).await?;
    let ledger = MemoryLedger::default();
    // Killed after the act and before it is recorded: it is done again on what it left.
    let acted = 1 + 4 + usize::from(id % 2 == 0);
    ledger.kill_after(Some(acted));
    let _ = one.execute(&plan, &ledger).await;
    ledger.kill_after(None);
    one.execute(&plan, &ledger).await
}

/// Erases three people; `read` answers a row as texts.
async fn masks(one: &One, read: impl AsyncFn(i64) -> Vec<Option<String>>) {
    assert_eq!(check(&one.map, &one.stores.schemas().await.unwrap()), []);
    let others = read(2).await;
    let outcome = erase(one, 1).await.unwrap();
    assert!(outcome.is_clean(), "{outcome:?}");
    assert_eq!((outcome.totals().masked, outcome.totals().kept), (1, 1));
    let lines = outcome.by_category();
    let line = |category: &str| lines.iter().find(|line| line.category == category).unwrap().clone();
    assert_eq!((line("communication").masked, line("communication").pseudonymised), (1, 0));
    let identity = line("identity");
    assert_eq!((identity.masked, identity.anonymised, identity.pseudonymised), (0, 0, 1), "never erased");
    assert_eq!(identity.kept.len(), 1, "a code needs a ground");
    let row = read(1).await;
    let text = |at: usize| row[at].clone().unwrap();
    assert_eq!(text(0), format!("call … {}", "now ".repeat(400)).trim());
    assert_eq!((&text(1)[..10], &text(2)[..10]), ("1990-01-01", "2020-02-01"));
    assert!(text(3).starts_with("pseudo-") && text(3).len() == 36, "{}", text(3));
    let settings = text(4).replace(' ', "");
    for (part, there) in
        [("mail", false), ("Anna", false), ("\"name\":\"x\"", true), ("12345678901234567890", true), ("\"n\":2", true)]
    {
        assert_eq!(settings.contains(part), there, "{settings}");
    }
    assert_eq!(text(5), "{\"mail\":null}");
    assert_eq!(read(2).await, others);
    assert!(erase(one, 3).await.unwrap().is_clean());
    let row = read(3).await;
    assert!(row.iter().enumerate().all(|(at, value)| value.is_some() == (at == 3)), "NULL stays NULL: {row:?}");
    let stopped = erase(one, 4).await.unwrap_err();
    assert!(matches!(&stopped, EraseError::Unmade { column, rows: 1, .. } if column == "extra"), "{stopped:?}");
    assert_eq!(read(4).await[3].as_deref(), Some("dee"), "nothing was written");
    // A document of another shape than the paths: what they were to lead to would stay in it.
    for id in 6..=8 {
        let before = read(id).await;
        let stopped = erase(one, id).await.unwrap_err();
        assert!(
            matches!(&stopped, EraseError::Unmade { column, rows: 1, .. } if column == "settings"),
            "{id}: {stopped:?}"
        );
        assert!(stopped.to_string().contains("JSON of another shape"), "{stopped}");
        assert_eq!(read(id).await, before, "{id}: nothing was written");
    }
    // Without a ground nothing of the value may stay.
    assert!(erase(one, 5).await.unwrap().is_clean());
    let row = read(5).await;
    assert!(row[..3].iter().all(Option::is_none) && row[3].as_ref().unwrap().starts_with("erased-"), "{row:?}");
}

const ROW: &str =
    "SELECT comment, CAST(born AS CHAR(40)), CAST(met AS CHAR(40)), login, CAST(settings AS CHAR(4000)), extra
    FROM people WHERE id = ";

macro_rules! reader {
    ($pool:expr, $sql:expr) => {
        async |id: i64| {
            use sqlx::Row as _;
            let row = $pool.fetch_one(sqlx::AssertSqlSafe(format!("{}{id}", $sql))).await.unwrap();
            (0..6).map(|at| row.get::<Option<String>, _>(at).map(|text| text.trim().to_owned())).collect::<Vec<_>>()
        }
    };
}

#[tokio::test]
async fn sqlite_makes_masks_of_values() {
    let one = One::new(StoreKind::Sqlite, TABLES, &script("DATETIME", "JSON")).await;
    let pool = sqlx::SqlitePool::connect(&one.url).await.unwrap();
    masks(&one, reader!(pool, ROW.replace("CHAR(40)", "TEXT").replace("CHAR(4000)", "TEXT"))).await;
}

#[tokio::test]
async fn postgres_makes_masks_of_values() {
    for json in ["JSON", "JSONB"] {
        let one = One::new(StoreKind::Postgres, TABLES, &script("TIMESTAMPTZ", json)).await;
        let pool = sqlx::PgPool::connect(&one.url).await.unwrap();
        masks(&one, reader!(pool, ROW.replace("CHAR(40)", "TEXT").replace("CHAR(4000)", "TEXT"))).await;
    }
}

#[tokio::test]
async fn mariadb_makes_masks_of_values() {
    let one = One::new(StoreKind::Mysql, TABLES, &script("DATETIME", "JSON")).await;
    let pool = sqlx::MySqlPool::connect(&one.url).await.unwrap();
    masks(&one, reader!(pool, ROW)).await;
}
