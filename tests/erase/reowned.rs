//! Rows that became somebody else's between the finding and the act, or whose keys the store gave a second time.

use expunged::domain::Scope;
use expunged::erase::{Outcome, Target};
use expunged::stores::{Key, StoreName};

use super::memory::MemoryLedger;
use super::world::{World, target};

/// Every key is numbered by the store, which hands the highest one out again.
const DESK: &str = r#"
[store]
name = "desk"
kind = "sqlite"
url = "sqlite://desk.db"
backup_days = 1

[tables.people]
subject = "user"
key = "id"
identify = { email = "email", name = "name" }
categories = { id = "none", email = "contact", name = "identity", phone = "phone" }
erase = "delete"
mask = { phone = "null" }

[tables.visits]
key = "id"
belongs_to = { people = "person_id" }
categories = { id = "none", person_id = "none", page = "behaviour" }
erase = "delete"
mask = { page = "null" }

[tables.tickets]
key = "id"
belongs_to = { people = "person_id" }
refers_to = { people = "assignee_id" }
categories = { id = "none", person_id = "none", assignee_id = "none", title = "communication" }
erase = "delete"
mask = { assignee_id = "detach", title = "null" }

[tables.notes]
key = "id"
belongs_to = { tickets = "ticket_id", notes = "parent_id" }
categories = { id = "none", ticket_id = "none", parent_id = "none", body = "communication" }
erase = "delete"
mask = { parent_id = "detach", body = "null" }

[tables.messages]
key = "id"
belongs_to = { people = ["sender_id"] }
categories = { id = "none", sender_id = "none", body = "communication" }
erase = "mask"
mask = { sender_id = "detach", body = "tombstone" }
"#;

const ROWS: &str = "
    CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, phone TEXT);
    CREATE TABLE visits (id INTEGER PRIMARY KEY, person_id INTEGER, page TEXT);
    CREATE TABLE tickets (id INTEGER PRIMARY KEY, person_id INTEGER, assignee_id INTEGER, title TEXT);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, ticket_id INTEGER, parent_id INTEGER, body TEXT);
    CREATE TABLE messages (id INTEGER PRIMARY KEY, sender_id INTEGER, body TEXT);
    INSERT INTO people VALUES (1, 'bo@x', 'Bo', '1'), (2, 'ada@x', 'Ada', '2');
    INSERT INTO visits VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 2, 'c');
    INSERT INTO tickets VALUES (1, 1, 2, 't'), (2, 2, 1, 'u');
    INSERT INTO notes VALUES (1, 1, NULL, 'n'), (2, 2, NULL, 'o'), (3, 2, 2, 'p');
    INSERT INTO messages VALUES (1, 1, 'hi'), (2, 2, 'ho');";

async fn desk() -> World {
    World::new(&[("desk.toml", DESK)], &[ROWS.to_owned()]).await
}

fn ada(scope: Scope) -> Target {
    let mut ada = target(scope, Scope::User, 2);
    (ada.store, ada.table, ada.key) = (StoreName::new("desk").unwrap(), "people".to_owned(), Key::from(2));
    ada
}

/// Erases Ada; at this breakpoint somebody else writes.
async fn erase_while(world: &World, at: &'static str, sql: &str) -> Outcome {
    let plan = world.plan(&ada(Scope::User)).await;
    let ledger = MemoryLedger::default();
    ledger.late_writer(at, world.pools["desk"].clone(), sql);
    world.execute(&plan, &ledger).await.unwrap()
}

fn of(outcome: &Outcome, table: &str, act: &str) -> (u64, u64, u64) {
    let steps = outcome.steps.iter().filter(|step| step.table == table && step.act == act);
    steps.fold((0, 0, 0), |(done, not_found, residue), step| {
        let counts = step.counts;
        let done = done + counts.erased + counts.masked + counts.detached;
        (done, not_found + counts.not_found, residue + counts.residue)
    })
}

#[tokio::test]
async fn what_was_given_to_somebody_else_is_left_to_them() {
    let world = desk().await;
    let sql = "UPDATE tickets SET assignee_id = 3 WHERE id = 1; UPDATE visits SET person_id = 1 WHERE id = 2;
        UPDATE messages SET sender_id = 1 WHERE id = 2";
    let outcome = erase_while(&world, "erase:discovery_saved", sql).await;
    assert!(outcome.is_clean(), "{:?}", outcome.steps);
    assert_eq!(of(&outcome, "visits", "delete"), (1, 1, 0));
    assert_eq!(of(&outcome, "messages", "mask"), (0, 1, 0));
    assert_eq!(of(&outcome, "tickets", "detach"), (0, 1, 0));
    for theirs in [
        "SELECT COUNT(*) FROM tickets WHERE id = 1 AND assignee_id = 3",
        "SELECT COUNT(*) FROM visits WHERE id = 2 AND person_id = 1",
        "SELECT COUNT(*) FROM messages WHERE id = 2 AND sender_id = 1 AND body = 'ho'",
    ] {
        assert_eq!(world.count("desk", theirs).await, 1, "{theirs}");
    }
}

#[tokio::test]
async fn what_hangs_on_a_row_goes_over_with_it() {
    let world = desk().await;
    let outcome = erase_while(&world, "erase:discovery_saved", "UPDATE tickets SET person_id = 1 WHERE id = 2").await;
    assert!(outcome.is_clean(), "{:?}", outcome.steps);
    assert_eq!(of(&outcome, "notes", "delete"), (0, 2, 0), "also the answer to a note");
    let theirs = "SELECT COUNT(*) FROM notes WHERE ticket_id = 2 AND (id = 2 OR parent_id = 2)";
    assert_eq!(world.count("desk", theirs).await, 2);
}

#[tokio::test]
async fn a_note_in_another_s_ticket_goes_after_its_circle_was_opened() {
    let world = desk().await;
    // An answer to Ada's note in Bo's ticket: it is found by the link that is let go of first.
    world.run("desk", "INSERT INTO notes VALUES (9, 1, 2, 'q')").await;
    let quiet = world.plan(&ada(Scope::User)).await;
    let ledger = MemoryLedger::default();
    let outcome = world.execute(&quiet, &ledger).await.unwrap();
    assert!(outcome.is_clean());
    assert_eq!(of(&outcome, "notes", "delete"), (3, 0, 0));
    assert_eq!(world.count("desk", "SELECT COUNT(*) FROM notes").await, 1);
}

#[tokio::test]
async fn a_row_that_was_only_let_go_of_goes_as_well() {
    let world = desk().await;
    let outcome = erase_while(&world, "erase:discovery_saved", "UPDATE visits SET person_id = NULL WHERE id = 3").await;
    assert!(outcome.is_clean());
    assert_eq!(of(&outcome, "visits", "delete"), (2, 0, 0), "nobody else has it");
}

/// Killed when the store had deleted and nobody had recorded it: each key is given again, to somebody else's row, before
/// the run goes on.
#[tokio::test]
async fn a_key_that_was_given_again_is_somebody_else_s() {
    let quiet = desk().await;
    let ledger = MemoryLedger::default();
    let expected = quiet.execute(&quiet.plan(&ada(Scope::User)).await, &ledger).await.unwrap();
    let passed = ledger.passed();
    let mut reused = 0;
    for (kill, _) in passed.iter().enumerate().filter(|(_, name)| **name == "erase:chunk_acted") {
        let world = desk().await;
        let plan = world.plan(&ada(Scope::User)).await;
        let ledger = MemoryLedger::default();
        ledger.kill_after(Some(kill));
        world.execute(&plan, &ledger).await.unwrap_err();
        ledger.kill_after(None);
        for (table, insert, theirs) in [
            ("visits", "INSERT INTO visits (person_id, page) VALUES (1, 'new')", "page = 'new' AND person_id = 1"),
            (
                "notes",
                "INSERT INTO notes (ticket_id, parent_id, body) VALUES (1, 1, 'new')",
                "body = 'new' AND parent_id = 1",
            ),
            ("tickets", "INSERT INTO tickets (person_id, title) VALUES (1, 'new')", "title = 'new'"),
        ] {
            let highest = format!("SELECT COALESCE(MAX(id), 0) FROM {table}");
            let before = world.count("desk", &highest).await;
            world.run("desk", insert).await;
            let again = before + 1 == 2; // the lowest of Ada's keys in each table
            reused += u64::from(again);
            assert_eq!(world.count("desk", &format!("SELECT COUNT(*) FROM {table} WHERE {theirs}")).await, 1);
        }
        let outcome = world.execute(&plan, &ledger).await.unwrap();
        assert_eq!(outcome, expected, "killed at {kill}");
        for theirs in [
            "visits WHERE page = 'new' AND person_id = 1",
            "notes WHERE body = 'new' AND parent_id = 1",
            "tickets WHERE title = 'new'",
        ] {
            assert_eq!(world.count("desk", &format!("SELECT COUNT(*) FROM {theirs}")).await, 1, "{theirs} ({kill})");
        }
    }
    assert!(reused >= 3, "{reused} keys were given again");
}

#[tokio::test]
async fn a_stranger_under_the_target_s_own_key_is_left_alone() {
    let quiet = desk().await;
    let ledger = MemoryLedger::default();
    quiet.execute(&quiet.plan(&ada(Scope::User)).await, &ledger).await.unwrap();
    let last = ledger.passed().iter().rposition(|name| *name == "erase:chunk_acted").unwrap();
    let stranger = "INSERT INTO people (email, name) VALUES ('cy@x', 'Cy');
        INSERT INTO visits (person_id, page) VALUES (2, 'cy')";
    let here = "SELECT COUNT(*) FROM people p JOIN visits v ON v.person_id = p.id WHERE p.id = 2 AND p.name = 'Cy'";
    // Nobody can tell whether the row was deleted and came again: a person looks, and Cy stays.
    let world = desk().await;
    let plan = world.plan(&ada(Scope::User)).await;
    let ledger = MemoryLedger::default();
    ledger.kill_after(Some(last));
    world.execute(&plan, &ledger).await.unwrap_err();
    ledger.kill_after(None);
    world.run("desk", stranger).await;
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    assert_eq!((outcome.totals().residue, world.count("desk", here).await), (1, 1), "{:?}", outcome.steps);
    // Once Ada was seen gone, it can only be somebody else.
    let world = desk().await;
    let outcome = erase_while(&world, "erase:step_read_back", stranger).await;
    assert!(outcome.is_clean(), "{:?}", outcome.steps);
    assert_eq!((of(&outcome, "people", "delete"), world.count("desk", here).await), ((1, 0, 0), 1));
}

#[tokio::test]
async fn another_case_s_tombstone_is_as_good() {
    let world = desk().await;
    let plan = world.plan(&ada(Scope::User)).await;
    let ledger = MemoryLedger::default();
    world.execute(&plan, &ledger).await.unwrap();
    let theirs = format!("erased-{}", "a".repeat(26));
    for (text, residue) in [(theirs.as_str(), 0), ("erased-no", 1), ("ho", 1)] {
        world.run("desk", &format!("UPDATE messages SET body = '{text}' WHERE id = 2")).await;
        let outcome = world.execute(&plan, &ledger).await.unwrap();
        assert_eq!(outcome.totals().residue, residue, "{text}");
    }
}

#[tokio::test]
async fn who_stays_and_writes_again_is_no_residue() {
    let world = desk().await;
    let mut phone = ada(Scope::Data);
    phone.categories = vec!["phone".to_owned()];
    let plan = world.plan(&phone).await;
    let ledger = MemoryLedger::default();
    let again = "UPDATE people SET phone = '99' WHERE id = 2";
    ledger.late_writer("erase:chunk_saved", world.pools["desk"].clone(), again);
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    assert!(outcome.is_clean(), "{:?}", outcome.steps);
    assert_eq!(world.count("desk", "SELECT COUNT(*) FROM people WHERE id = 2 AND phone = '99'").await, 1);
    assert_eq!(world.execute(&plan, &ledger).await.unwrap(), outcome, "and it is not masked again");
}

#[tokio::test]
async fn a_mask_that_does_not_hold_is_residue_and_tried_again() {
    let world = desk().await;
    world
        .run("desk", "CREATE TRIGGER back AFTER UPDATE ON people BEGIN UPDATE people SET phone = '2' WHERE id = 2; END")
        .await;
    let mut phone = ada(Scope::Data);
    phone.categories = vec!["phone".to_owned()];
    let plan = world.plan(&phone).await;
    let ledger = MemoryLedger::default();
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    assert_eq!(outcome.totals().residue, 1);
    world.run("desk", "DROP TRIGGER back").await;
    let outcome = world.execute(&plan, &ledger).await.unwrap();
    assert!(outcome.is_clean());
    assert_eq!(world.count("desk", "SELECT COUNT(*) FROM people WHERE id = 2 AND phone IS NULL").await, 1);
}

#[tokio::test]
async fn a_key_of_another_type_stops_it_before_the_first_write() {
    let world = desk().await;
    world
        .run(
            "desk",
            "DROP TABLE visits; CREATE TABLE visits (id TEXT PRIMARY KEY NOT NULL, person_id INTEGER, page TEXT);
        INSERT INTO visits VALUES ('a', 2, 'x'), (x'62', 2, 'y')",
        )
        .await;
    world.stores.schemas().await.unwrap();
    let before = world.dump().await;
    let stopped = world.preview(&ada(Scope::User)).await.unwrap_err();
    assert!(
        matches!(&stopped, expunged::erase::EraseError::NotByKey { at, rows: 1 } if at.table == "visits"),
        "{stopped:?}"
    );
    assert_eq!(world.dump().await, before);
}

/// A row of the last moment: the store would delete it, or let it go, with the row that it points to.
#[tokio::test]
async fn what_the_store_does_by_itself_takes_no_row_with_it() {
    for rule in ["SET NULL", "CASCADE"] {
        let world = desk().await;
        let made = format!(
            "DROP TABLE visits; CREATE TABLE visits (id INTEGER PRIMARY KEY,
                person_id INTEGER REFERENCES people (id) ON DELETE {rule}, page TEXT);
            INSERT INTO visits VALUES (1, 1, 'a'), (2, 2, 'b')"
        );
        world.run("desk", &made).await;
        let late = "INSERT INTO visits VALUES (3, 2, 'late')";
        let outcome = erase_while(&world, "erase:discovery_saved", late).await;
        assert!(outcome.is_clean(), "{rule}: {:?}", outcome.steps);
        assert_eq!(of(&outcome, "visits", "delete"), (2, 0, 0), "{rule}: it is found, erased and counted");
        assert_eq!(world.count("desk", "SELECT COUNT(*) FROM visits").await, 1, "{rule}");
    }
}
