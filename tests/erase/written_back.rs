//! A trigger of the store that writes a person back under another key, where none of the saved keys and no link leads to them.

use expunged::erase::map::risk::risks;
use expunged::erase::{Decision, Recognised, check};
use expunged::stores::StoreKind;

use super::memory::MemoryLedger;
use super::one::{KINDS, One, no_trigger, trigger};

const DELETED: &str = r#"
[tables.people]
subject = "user"
key = "id"
identify = { email = "email" }
categories = { id = "none", email = "contact" }
erase = "delete"

[tables.contacts]
subject = "end_user"
key = "id"
identify = { email = "email" }
belongs_to = { people = "person_id" }
categories = { id = "none", person_id = "none", email = "contact" }
erase = "delete"
"#;

const SCRIPT: &str = "
    CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE);
    CREATE TABLE contacts (id BIGINT NOT NULL PRIMARY KEY, person_id BIGINT, email VARCHAR(80) NOT NULL UNIQUE);
    CREATE INDEX by_person ON contacts (person_id);
    INSERT INTO people VALUES (1, 'ada@one.example'), (2, 'bo@one.example');
    INSERT INTO contacts VALUES (1, 1, 'ada@one.example'), (2, 2, 'bo@one.example')";

/// Where the trigger writes, and what the map does with a person. MariaDB lets no trigger write into its own table.
fn cases(kind: StoreKind) -> Vec<(&'static str, String)> {
    let masked = DELETED.replacen("erase = \"delete\"", "erase = \"mask\"\nmask = { email = \"tombstone\" }", 1);
    let own = [("people", DELETED.to_owned()), ("people", masked.clone())];
    let other = [("contacts", DELETED.to_owned()), ("contacts", masked)];
    if kind == StoreKind::Mysql { other.to_vec() } else { own.into_iter().chain(other).collect() }
}

/// A store whose trigger writes whoever of `people` goes back into a table, under another key.
async fn meddled(kind: StoreKind, into: &str, map: &str) -> One {
    let one = One::new(kind, map, SCRIPT).await;
    assert_eq!(check(&one.map, &one.stores.schemas().await.unwrap()), []);
    let event = if map.contains("tombstone") { "UPDATE" } else { "DELETE" };
    let values = if into == "people" { "OLD.id + 100, OLD.email" } else { "OLD.id + 100, NULL, OLD.email" };
    let statement = format!("INSERT INTO {into} VALUES ({values})");
    one.run(&trigger(kind, &format!("AFTER {event} ON people"), &statement)).await;
    one
}

#[tokio::test]
async fn who_is_written_back_under_another_key_is_residue() {
    for kind in KINDS {
        for (into, map) in cases(kind) {
            let one = meddled(kind, into, &map).await;
            let (plan, ledger) = (one.plan(1).await.unwrap(), MemoryLedger::default());
            let outcome = one.execute(&plan, &ledger).await.unwrap();
            assert_eq!(outcome.totals().residue, 1, "{kind} {into}: {:?}", outcome.steps);
            let residue = outcome.steps.iter().find(|step| step.counts.residue > 0).unwrap();
            assert_eq!(residue.table, into, "{kind}: the table is named");
            let back = format!("SELECT COUNT(*) FROM {into} WHERE id = 101 AND email = 'ada@one.example'");
            assert_eq!(one.count(&back).await, 1, "{kind} {into}: the trigger did its work");
            assert!(
                !one.execute(&plan, &ledger).await.unwrap().is_clean(),
                "{kind} {into}: nor is it done a second time"
            );
            let others = format!("SELECT COUNT(*) FROM {into} WHERE email = 'bo@one.example'");
            assert_eq!(one.count(&others).await, 1);
        }
    }
}

const fn said(recognised: Recognised, number: u32) -> Decision {
    Decision { recognised, number }
}

#[tokio::test]
async fn what_was_written_back_goes_or_stays_as_a_person_decides() {
    for kind in KINDS {
        for (decided, left) in [(Recognised::Stays, 1), (Recognised::Goes, 0)] {
            let one = meddled(kind, "contacts", DELETED).await;
            let (plan, ledger) = (one.plan(1).await.unwrap(), MemoryLedger::default());
            assert!(!one.execute(&plan, &ledger).await.unwrap().is_clean(), "{kind}");
            one.run(no_trigger(kind)).await;
            let outcome = one.execute_decided(&plan, &ledger, said(decided, 1)).await.unwrap();
            assert!(outcome.is_clean(), "{kind} {decided}: {:?}", outcome.steps);
            assert_eq!(one.count("SELECT COUNT(*) FROM contacts WHERE id = 101").await, left, "{kind} {decided}");
            assert_eq!(one.count("SELECT COUNT(*) FROM contacts WHERE id = 2").await, 1, "nobody else's");
        }
    }
}

/// Who did what, which a trigger writes: some rows with a link, and some with an address alone.
const AUDIT: &str = r#"
[tables.audit]
key = "id"
IDENTIFY
belongs_to = { people = "person_id" }
categories = { id = "none", person_id = "none", actor_email = "contact" }
erase = "delete"
"#;

async fn audited(kind: StoreKind, identify: &str) -> One {
    let map = format!("{DELETED}{}", AUDIT.replace("IDENTIFY", identify));
    let table = "; CREATE TABLE audit (id BIGINT NOT NULL PRIMARY KEY, person_id BIGINT, actor_email VARCHAR(80));
        INSERT INTO audit VALUES (1, 1, 'ada@one.example'), (2, 2, 'bo@one.example'), (3, NULL, NULL)";
    let one = One::new(kind, &map, &format!("{SCRIPT}{table}")).await;
    let written = "INSERT INTO audit VALUES (OLD.id + 100, NULL, OLD.email)";
    one.run(&trigger(kind, "AFTER DELETE ON people", written)).await;
    one
}

#[tokio::test]
async fn an_address_in_a_table_without_a_subject_is_residue_where_the_map_says_which_column_holds_it() {
    for kind in KINDS {
        for (decided, left) in [(Recognised::Stays, 1), (Recognised::Goes, 0)] {
            let one = audited(kind, "identify = { email = \"actor_email\" }").await;
            let (plan, ledger) = (one.plan(1).await.unwrap(), MemoryLedger::default());
            let outcome = one.execute(&plan, &ledger).await.unwrap();
            let residue = outcome.steps.iter().find(|step| step.counts.residue > 0).map(|step| step.table.as_str());
            assert_eq!((outcome.totals().residue, residue), (1, Some("audit")), "{kind}: {:?}", outcome.steps);
            assert_eq!(one.search(&plan, &ledger).await.recognised, 1, "{kind}");
            one.run(no_trigger(kind)).await;
            let outcome = one.execute_decided(&plan, &ledger, said(decided, 1)).await.unwrap();
            assert!(outcome.is_clean(), "{kind} {decided}: {:?}", outcome.steps);
            assert_eq!(one.count("SELECT COUNT(*) FROM audit WHERE id = 101").await, left, "{kind} {decided}");
            assert_eq!(one.count("SELECT COUNT(*) FROM audit WHERE id IN (2, 3)").await, 2, "{kind}: nobody else's");
            assert!(one.search(&plan, &ledger).await.is_nothing(), "{kind} {decided}");
        }
    }
}

#[tokio::test]
async fn where_the_map_says_nothing_of_an_address_it_is_told_that_links_alone_are_searched() {
    for kind in KINDS {
        let one = audited(kind, "").await;
        let schemas = one.stores.schemas().await.unwrap();
        let told = |map: &expunged::erase::DataMap| {
            let risks = risks(map, &schemas, None, 30).into_iter();
            risks.map(|risk| (risk.defect.at.table, risk.defect.problem)).collect::<Vec<_>>()
        };
        let [(table, problem)] = told(&one.map).try_into().unwrap();
        assert_eq!((table.as_str(), problem.contains("by its links alone")), ("audit", true), "{kind}: {problem}");
        let (plan, ledger) = (one.plan(1).await.unwrap(), MemoryLedger::default());
        assert!(one.execute(&plan, &ledger).await.unwrap().is_clean(), "{kind}: nothing looks there");
        let said = audited(kind, "identify = { email = \"actor_email\" }").await;
        assert_eq!(told(&said.map), [], "{kind}");
        let otherwise = audited(kind, "identify = { mail = \"actor_email\" }").await;
        let [(_, problem)] = told(&otherwise.map).try_into().unwrap();
        assert!(problem.contains("no data subject is identified by \"mail\""), "{kind}: {problem}");
    }
}

#[tokio::test]
async fn who_stays_is_not_asked_about_again_and_whoever_comes_after_is() {
    for kind in KINDS {
        let one = meddled(kind, "contacts", DELETED).await;
        let (plan, ledger) = (one.plan(1).await.unwrap(), MemoryLedger::default());
        assert!(!one.execute(&plan, &ledger).await.unwrap().is_clean(), "{kind}");
        one.run(no_trigger(kind)).await;
        let stays = said(Recognised::Stays, 1);
        assert!(one.execute_decided(&plan, &ledger, stays).await.unwrap().is_clean(), "{kind}");
        assert!(one.search(&plan, &ledger).await.is_nothing(), "{kind}: it was decided");
        one.run("UPDATE contacts SET id = 102 WHERE id = 101").await;
        assert_eq!(one.search(&plan, &ledger).await.recognised, 1, "{kind}: another row");
        let later = one.execute_decided(&plan, &ledger, stays).await.unwrap();
        assert_eq!(later.totals().residue, 1, "{kind}: the same word of a person is not about what came after it");
        let again = one.execute_decided(&plan, &ledger, said(Recognised::Stays, 2)).await.unwrap();
        assert!(again.is_clean() && one.search(&plan, &ledger).await.is_nothing(), "{kind}");
        one.run("UPDATE contacts SET id = 101 WHERE id = 102").await;
        assert!(one.search(&plan, &ledger).await.is_nothing(), "{kind}: the first one, as it was");
        one.run("INSERT INTO people VALUES (9, 'ada@one.example')").await;
        assert_eq!(one.search(&plan, &ledger).await.recognised, 1, "{kind}: in another table");
        let goes = one.execute_decided(&plan, &ledger, said(Recognised::Goes, 3)).await.unwrap();
        assert!(goes.is_clean(), "{kind}: {:?}", goes.steps);
        assert_eq!(one.count("SELECT COUNT(*) FROM people WHERE id = 9").await, 0, "{kind}");
        assert_eq!(one.count("SELECT COUNT(*) FROM contacts WHERE id = 101").await, 1, "{kind}: what stays stays");
    }
}
