//! A trigger of the store that forbids what an erasing does: it is told which table refuses, and never in the trigger's own words.

use std::error::Error as _;

use expunged::domain::Retry;
use expunged::erase::EraseError;
use expunged::stores::StoreKind;

use super::memory::MemoryLedger;
use super::one::{One, no_trigger, trigger};

const MAP: &str = r#"
[tables.people]
subject = "user"
key = "id"
categories = { id = "none", email = "contact" }
erase = "delete"
"#;

const SCRIPT: &str = "CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY, email VARCHAR(80) NOT NULL);
    INSERT INTO people VALUES (1, 'ada@one.example')";

#[tokio::test]
async fn what_a_trigger_forbids_is_told_without_its_words() {
    for (kind, statement) in [
        (StoreKind::Sqlite, "SELECT RAISE(ABORT, 'ada@one.example stays')"),
        (StoreKind::Postgres, "RAISE EXCEPTION '% stays', OLD.email"),
        // A code whose message is shown elsewhere, because it speaks of names only.
        (
            StoreKind::Postgres,
            "RAISE insufficient_privilege USING MESSAGE = OLD.email, TABLE = OLD.email, CONSTRAINT = OLD.email",
        ),
        (StoreKind::Mysql, "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ada@one.example stays'"),
        (StoreKind::Mysql, "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1142, MESSAGE_TEXT = 'ada@one.example stays'"),
    ] {
        let one = One::new(kind, MAP, SCRIPT).await;
        one.run(&trigger(kind, "BEFORE DELETE ON people", statement)).await;
        let (plan, ledger) = (one.plan(1).await.unwrap(), MemoryLedger::default());
        let stopped = one.execute(&plan, &ledger).await.unwrap_err();
        assert!(matches!(&stopped, EraseError::Store { at, .. } if at.table == "people"), "{stopped:?}");
        assert_eq!(stopped.retry(), Retry::Permanent, "{kind} {statement}");
        let mut said = format!("{stopped} {stopped:?}");
        let mut source = stopped.source();
        while let Some(error) = source {
            said += &format!(" {error} {error:?}");
            source = error.source();
        }
        assert!(said.contains("one.people") && said.contains("a trigger of the table"), "{kind}: {said}");
        assert!(!said.contains("ada"), "{kind} {statement}: {said}");
        one.run(no_trigger(kind)).await;
        assert!(one.execute(&plan, &ledger).await.unwrap().is_clean(), "{kind}");
    }
}
