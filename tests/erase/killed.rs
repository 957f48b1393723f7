//! Killed at every breakpoint and run again: the same rows, the same counts. Run twice: the same counts.

use std::collections::BTreeSet;

use expunged::domain::{Retry, Scope};
use expunged::erase::{BREAKPOINTS, EraseError, Target};
use expunged::stores::Key;

use super::memory::MemoryLedger;
use super::world::{World, target};

fn owner() -> Target {
    target(Scope::User, Scope::User, 11)
}

#[tokio::test]
async fn a_kill_at_any_breakpoint_changes_nothing_in_the_end() {
    let quiet = World::shop(1).await;
    let ledger = MemoryLedger::default();
    let expected = quiet.execute(&quiet.plan(&owner()).await, &ledger).await.unwrap();
    let (dump, passed) = (quiet.dump().await, ledger.passed());
    assert_eq!(passed.iter().collect::<BTreeSet<_>>(), BREAKPOINTS.iter().collect(), "every name is passed");
    for (kill, name) in passed.iter().enumerate() {
        let world = World::shop(1).await;
        let plan = world.plan(&owner()).await;
        let ledger = MemoryLedger::default();
        ledger.kill_after(Some(kill));
        let killed = world.execute(&plan, &ledger).await.unwrap_err();
        assert_eq!(killed.retry(), Retry::Transient);
        ledger.kill_after(None);
        let outcome = world.execute(&plan, &ledger).await.unwrap();
        assert_eq!(outcome, expected, "killed at {name} ({kill})");
        assert_eq!(world.dump().await, dump, "killed at {name} ({kill})");
    }
}

#[tokio::test]
async fn a_run_that_dies_again_and_again_ends() {
    let quiet = World::shop(1).await;
    let expected = quiet.erase(&owner()).await;
    let world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    let ledger = MemoryLedger::default();
    let mut runs = 0;
    let outcome = loop {
        // Discovery has to be saved in one go, acts need not.
        ledger.kill_after(Some(10 + runs));
        match world.execute(&plan, &ledger).await {
            Ok(outcome) => break outcome,
            Err(EraseError::Ledger(_)) => runs += 1,
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(runs > 3, "{runs}");
    assert_eq!(outcome, expected);
    assert_eq!(world.dump().await, quiet.dump().await);
}

#[tokio::test]
async fn run_twice_the_counts_are_the_same() {
    let world = World::shop(2).await;
    let plan = world.plan(&owner()).await;
    let ledger = MemoryLedger::default();
    let first = world.execute(&plan, &ledger).await.unwrap();
    let (dump, outcomes) = (world.dump().await, ledger.outcomes());
    assert_eq!(world.execute(&plan, &ledger).await.unwrap(), first);
    assert_eq!((world.dump().await, ledger.outcomes()), (dump, outcomes));
    let gone = world.preview(&owner()).await;
    assert!(matches!(gone, Err(EraseError::NotOneRoot { rows: 0, .. })), "there is nothing to plan any more");
}

#[tokio::test]
async fn a_row_that_comes_back_is_residue() {
    let world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    let ledger = MemoryLedger::default();
    world.execute(&plan, &ledger).await.unwrap();
    world.run("shop", "UPDATE orders SET ship_name = 'Name 11' WHERE id = 1101").await;
    world.run("shop", "INSERT INTO sessions VALUES ('s-11', 11, NULL, NULL, NULL)").await;
    world.run("shop", "INSERT INTO search_history VALUES (1101, NULL, NULL, 'q', '2026-01-01'), (1102, 12, NULL, 'q', '2026-01-01')").await;
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    let residue = |table: &str| -> u64 {
        outcome.steps.iter().filter(|step| step.table == table).map(|step| step.counts.residue).sum()
    };
    // A row of nobody or of somebody else under a deleted key is a new row under a key that was given again.
    assert_eq!((residue("orders"), residue("sessions"), residue("search_history")), (1, 1, 0));
    assert_eq!(world.count("shop", "SELECT COUNT(*) FROM search_history WHERE id IN (1101, 1102)").await, 2);
}

#[tokio::test]
async fn a_row_that_somebody_else_deleted_is_not_ours() {
    let world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    let ledger = MemoryLedger::default();
    let early = "DELETE FROM search_history WHERE id = 1101";
    ledger.late_writer("erase:discovery_saved", world.pools["shop"].clone(), early);
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    let searches = outcome.steps.iter().find(|step| step.table == "search_history").unwrap().counts;
    assert_eq!((searches.erased, searches.not_found, searches.residue), (2, 1, 0));
}

#[tokio::test]
async fn drift_stops_before_the_first_write() {
    let world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    let many: Vec<_> = (0..150).map(|n| format!("({}, 11, NULL, 'q', '2026-01-01 00:00:00')", 50_000 + n)).collect();
    world.run("shop", &format!("INSERT INTO search_history VALUES {}", many.join(","))).await;
    let before = world.dump().await;
    let stopped = world.execute(&plan, &MemoryLedger::default()).await.unwrap_err();
    assert!(
        matches!(stopped, EraseError::Drift(ref drift) if (drift.approved, drift.found) == (3, 153)),
        "{stopped:?}"
    );
    assert_eq!(world.dump().await, before);
}

#[tokio::test]
async fn an_unmapped_column_stops_everything() {
    let world = World::shop(1).await;
    let plan = world.plan(&owner()).await;
    world.run("crm", "ALTER TABLE contacts ADD COLUMN fax TEXT").await;
    let before = world.dump().await;
    let stopped = world.execute(&plan, &MemoryLedger::default()).await.unwrap_err();
    let EraseError::Defects { defects } = &stopped else { panic!("{stopped:?}") };
    assert_eq!((defects.len(), defects[0].column.as_deref()), (1, Some("fax")));
    assert_eq!(world.dump().await, before);
    assert!(matches!(world.preview(&owner()).await, Err(EraseError::Defects { .. })));
}

#[tokio::test]
async fn a_cap_of_rows_holds_over_the_tables_of_a_store() {
    let mut world = World::shop(1).await;
    // Two orders, four lines, three searches and a session lie in one store.
    world.limits.rows_per_store_max = 9;
    assert!(matches!(world.preview(&owner()).await, Err(EraseError::TooManyRows { max: 9, .. })));
    world.limits.rows_per_store_max = 10;
    assert!(world.preview(&owner()).await.is_ok());
}

const CIRCLE: &str = r#"
[store]
name = "ring"
kind = "sqlite"
url = "sqlite://ring.db"
backup_days = 1

[tables.accounts]
subject = "account"
key = "id"
categories = { id = "none" }
erase = "delete"

[tables.teams]
key = ["account_id", "no"]
belongs_to = { accounts = "account_id", members = "lead_id" }
categories = { account_id = "none", no = "none", lead_id = "none", name = "identity" }
erase = "delete"
mask = { lead_id = "detach" }

[tables.members]
key = "id"
belongs_to = { teams = ["team_account", "team_no"], members = "mentor_id" }
categories = { id = "none", team_account = "none", team_no = "none", mentor_id = "none", name = "identity" }
erase = "delete"
mask = { mentor_id = "detach" }
"#;

const RING: &str = "
    CREATE TABLE accounts (id INTEGER PRIMARY KEY);
    CREATE TABLE teams (account_id INTEGER NOT NULL REFERENCES accounts (id), no INTEGER NOT NULL, name TEXT,
        lead_id INTEGER REFERENCES members (id), PRIMARY KEY (account_id, no));
    CREATE TABLE members (id INTEGER PRIMARY KEY, team_account INTEGER NOT NULL, team_no INTEGER NOT NULL, name TEXT,
        mentor_id INTEGER REFERENCES members (id), FOREIGN KEY (team_account, team_no) REFERENCES teams (account_id, no));
    INSERT INTO accounts VALUES (1), (2);
    INSERT INTO teams VALUES (1, 1, 'a', NULL), (1, 2, 'b', NULL), (2, 1, 'c', NULL);
    INSERT INTO members VALUES (10, 1, 1, 'x', NULL), (11, 1, 1, 'y', 10), (12, 1, 2, 'z', 11), (20, 2, 1, 'w', NULL);
    UPDATE members SET mentor_id = 12 WHERE id = 10;
    UPDATE teams SET lead_id = 11 WHERE account_id = 1;
    UPDATE teams SET lead_id = 20 WHERE account_id = 2;";

#[tokio::test]
async fn rows_in_a_circle_go() {
    let world = World::new(&[("ring.toml", CIRCLE)], &[RING.to_owned()]).await;
    let mut account = target(Scope::Account, Scope::Account, 1);
    account.store = expunged::stores::StoreName::new("ring").unwrap();
    account.key = Key::from(1);
    let outcome = world.erase(&account).await;
    assert!(outcome.is_clean());
    assert_eq!(outcome.totals().erased, 1 + 2 + 3);
    assert_eq!(world.count("ring", "SELECT COUNT(*) FROM members").await, 1);
    assert_eq!(world.count("ring", "SELECT COUNT(*) FROM teams WHERE lead_id = 20").await, 1);
}

const HALF_CIRCLE: &str = r#"
[store]
name = "half"
kind = "sqlite"
url = "sqlite://half.db"
backup_days = 1

[tables.accounts]
subject = "account"
key = "id"
categories = { id = "none" }
erase = "delete"

[tables.people]
key = "id"
belongs_to = { accounts = "account_id", reports = "report_id" }
categories = { id = "none", account_id = "none", report_id = "none" }
erase = "delete"

[tables.reports]
key = "id"
belongs_to = { people = "person_id" }
categories = { id = "none", person_id = "none", title = "identity" }
erase = "mask"
mask = { person_id = "detach", title = "null" }
"#;

#[tokio::test]
async fn a_row_that_stays_lets_go_before_the_other_half_of_its_circle_goes() {
    let script = "
        CREATE TABLE accounts (id INTEGER PRIMARY KEY);
        CREATE TABLE people (id INTEGER PRIMARY KEY, account_id INTEGER REFERENCES accounts (id),
            report_id INTEGER REFERENCES reports (id));
        CREATE TABLE reports (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people (id), title TEXT);
        INSERT INTO accounts VALUES (1); INSERT INTO people VALUES (10, 1, NULL);
        INSERT INTO reports VALUES (20, 10, 'x'); UPDATE people SET report_id = 20;";
    let world = World::new(&[("half.toml", HALF_CIRCLE)], &[script.to_owned()]).await;
    let mut account = target(Scope::Account, Scope::Account, 1);
    account.store = expunged::stores::StoreName::new("half").unwrap();
    account.key = Key::from("1");
    let outcome = world.erase(&account).await;
    assert!(outcome.is_clean());
    assert_eq!(world.count("half", "SELECT COUNT(*) FROM people").await, 0);
    assert_eq!(world.count("half", "SELECT COUNT(*) FROM reports WHERE person_id IS NULL AND title IS NULL").await, 1);
}

#[test]
fn a_closed_circle_is_refused_at_load() {
    let closed = CIRCLE.replace("mask = { lead_id = \"detach\" }", "").replace("mask = { mentor_id = \"detach\" }", "");
    let error = expunged::erase::DataMap::parse(&[("ring.toml", &closed)]).unwrap_err();
    assert!(error.message.contains("circle") && error.help.contains("detach"), "{error}");
}
