//! The state that a world ended in, read by plain SQL and from the folders: what a kill must not change.

use std::collections::BTreeMap;

use expunged::db::{Tx, trail};
use expunged::params;
use expunged::trail::{Event, verify_chain};

use super::customer;
use super::world::World;

/// What must be the same, whoever was killed: a name, and lines.
const SAME: [(&str, &str); 15] = [
    ("requests", "SELECT state || ' ' || origin || ' ' || COALESCE(scope, '-') || ' ' || COALESCE(asker_role, '-') || ' moves ' || CAST(moves AS TEXT) || ' round ' || CAST(round AS TEXT)
        || CASE WHEN ended_at IS NULL THEN ' open' ELSE ' ended' END
        || CASE WHEN letters_due_at IS NULL THEN '' ELSE ' letters are due' END AS line FROM requests"),
    ("letters", "SELECT kind || ' ' || audience || ' ' || CAST(occasion AS TEXT) || ' ' || CAST(round AS TEXT) || ' ' || state AS line FROM letters"),
    ("deliveries", "SELECT CAST(uid AS TEXT) || ' ' || disposition
        || CASE WHEN judged_at IS NULL THEN '' ELSE ' judged' END || CASE WHEN marked_at IS NULL THEN '' ELSE ' marked' END
        || CASE WHEN expunged_at IS NULL THEN '' ELSE ' expunged' END
        || CASE WHEN key_id IS NULL THEN '' ELSE ' has a key' END AS line FROM deliveries"),
    ("cursors", "SELECT ' ' || CAST(uid_start AS TEXT) || ' ' || CAST(uid_last AS TEXT) AS line FROM cursors"),
    ("challenges", "SELECT CAST(round AS TEXT) || ' ' || addressee || ' ' || CAST(attempts AS TEXT) AS line FROM challenges"),
    ("authorities", "SELECT kind || ' ' || method AS line FROM authorities"),
    ("discoveries", "SELECT 'found' AS line FROM discoveries"),
    ("step_chunks", "SELECT CAST(sequence AS TEXT) || ' ' || CAST(chunk AS TEXT) || ' ' || CAST(present AS TEXT) || ' ' || CAST(changing AS TEXT) || ' ' || COALESCE(CAST(counts AS TEXT), '-') AS line FROM step_chunks"),
    ("saved_keys", "SELECT key_set || ' ' || CAST(chunk AS TEXT) AS line FROM saved_keys"),
    ("steps", "SELECT CAST(sequence AS TEXT) || ' ' || store || '.' || table_name || ' ' || action || ' ' || state || ' ' || COALESCE(CAST(counts AS TEXT), '-') AS line FROM steps"),
    ("recipients", "SELECT store || ' ' || state || ' ' || COALESCE(need, '-') AS line FROM recipients"),
    ("jobs", "SELECT kind || ' ' || state AS line FROM jobs"),
    ("jobs done", "SELECT kind || ' ' || outcome AS line FROM jobs_done"),
    ("keys", "SELECT purpose || CASE WHEN wrapped IS NULL THEN ' destroyed' ELSE ' lives' END AS line FROM vault_keys"),
    ("sealed", "SELECT s.kind || ' under ' || k.purpose AS line FROM sealed s JOIN vault_keys k ON k.id = s.key_id"),
];

/// The state of a world.
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    /// What must be the same after every kill.
    pub same: BTreeMap<String, Vec<String>>,
    /// How often DATA was begun, over all letters.
    pub sends: i64,
}

impl State {
    /// Reads a world whose daemons have ended.
    pub async fn of(world: &World) -> Result<Self, String> {
        let db = world.ledger().await;
        let mut tx = db.read().await.unwrap();
        let mut same = BTreeMap::new();
        for (name, sql) in SAME {
            same.insert(name.to_owned(), lines(&mut tx, sql).await);
        }
        same.insert("trail".to_owned(), leaves(&mut tx).await?);
        let sends = tx.one("SELECT CAST(SUM(sends) AS INTEGER) AS sends FROM letters", params![]).await.unwrap();
        let sends = sends.i64("sends").unwrap();
        let sent = lines(&mut tx, "SELECT message_id AS line FROM letters WHERE audience IN ('asker', 'owner')").await;
        let to_partner = lines(&mut tx, "SELECT message_id AS line FROM letters WHERE audience = 'recipient'").await;
        drop(tx);
        db.close().await;
        let received = customer::message_ids(&world.received(sent.len()).await);
        let mut different = received.clone();
        different.dedup();
        // One that was begun twice may lie there twice: whoever was killed in between could not know.
        if sent != different || received.len() as i64 > sends {
            return Err(format!(
                "the customer's mailbox holds {received:?}, and the ledger {sent:?}, begun {sends} times"
            ));
        }
        let mut partners = customer::message_ids(&customer::letters(&world.partner()));
        partners.dedup();
        if partners != to_partner {
            return Err(format!("the partner's mailbox holds {partners:?}, and the ledger {to_partner:?}"));
        }
        same.extend(world.rows().await);
        same.insert("support mailbox".to_owned(), world.lying());
        Ok(Self { same, sends })
    }

    /// What differs from another state, a line per difference.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let differs = self.same.iter().filter(|(name, lines)| other.same.get(*name) != Some(lines));
        differs.map(|(name, lines)| format!("{name}: {lines:#?} instead of {:#?}", other.same.get(name))).collect()
    }
}

/// What became of letters that killed their worker.
#[derive(Debug)]
pub struct Killers {
    pub stored: i64,
    pub quarantined: i64,
    pub in_review: i64,
    pub alarms: i64,
}

/// Counts what became of letters that killed their worker.
pub async fn of_killers(world: &World) -> Killers {
    let db = world.ledger().await;
    let mut tx = db.read().await.unwrap();
    let sql = "SELECT (SELECT COUNT(*) FROM deliveries WHERE disposition = 'stored') AS stored,
        (SELECT COUNT(*) FROM deliveries WHERE disposition = 'quarantined') AS quarantined,
        (SELECT COUNT(*) FROM requests WHERE state = 'needs_review') AS in_review,
        (SELECT COUNT(*) FROM letters WHERE kind = 'alarm_review' AND audience = 'team') AS alarms";
    let row = tx.one(sql, params![]).await.unwrap();
    let count = |name| row.i64(name).unwrap();
    let [stored, quarantined, in_review, alarms] = ["stored", "quarantined", "in_review", "alarms"].map(count);
    drop(tx);
    db.close().await;
    Killers { stored, quarantined, in_review, alarms }
}

/// Where all requests stand.
pub async fn of_requests(world: &World) -> Vec<String> {
    let db = world.ledger().await;
    let mut tx = db.read().await.unwrap();
    let states = lines(&mut tx, "SELECT state AS line FROM requests").await;
    drop(tx);
    db.close().await;
    states
}

/// How many requests an ended service has opened, under how many authorities, and how many letters told the owner.
pub async fn of_ended(world: &World) -> (i64, i64, i64) {
    let db = world.ledger().await;
    let mut tx = db.read().await.unwrap();
    let sql = "SELECT (SELECT COUNT(*) FROM requests WHERE origin = 'termination') AS requests,
         (SELECT COUNT(*) FROM authorities WHERE method = 'service_ended') AS authorities,
         (SELECT COUNT(*) FROM letters WHERE kind = 'service_ended' AND state = 'sent') AS letters";
    let row = tx.one(sql, params![]).await.unwrap();
    drop(tx);
    db.close().await;
    let number = |name| row.i64(name).unwrap();
    (number("requests"), number("authorities"), number("letters"))
}

/// Letters of which nobody knows whether they were delivered, after a kill: each is sent once more.
pub async fn uncertain(world: &World) -> i64 {
    let db = world.ledger().await;
    let mut tx = db.read().await.unwrap();
    let row = tx.one("SELECT COUNT(*) AS letters FROM letters WHERE state = 'sending'", params![]).await.unwrap();
    drop(tx);
    db.close().await;
    row.i64("letters").unwrap()
}

/// Whether it is written down anywhere that all is erased: a request that has ended, or a letter that says so.
pub async fn says_completed(world: &World) -> bool {
    let db = world.ledger().await;
    let mut tx = db.read().await.unwrap();
    let sql = "SELECT (SELECT COUNT(*) FROM requests WHERE state = 'completed')
        + (SELECT COUNT(*) FROM letters WHERE kind = 'completed') + (SELECT COUNT(*) FROM completions) AS said";
    let said = tx.one(sql, params![]).await.unwrap().i64("said").unwrap();
    drop(tx);
    db.close().await;
    said > 0
}

async fn lines(tx: &mut Tx, sql: &str) -> Vec<String> {
    let rows = tx.all(sql, params![]).await.unwrap();
    let mut lines: Vec<String> = rows.iter().map(|row| row.text("line").unwrap()).collect();
    lines.sort();
    lines
}

/// The events of all cases, sorted. A step that was read back twice has two outcomes, and both are true: one counts.
async fn leaves(tx: &mut Tx) -> Result<Vec<String>, String> {
    let mut cases: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for stored in trail::export(tx, 0, 10_000).await.unwrap() {
        cases.entry(stored.case.to_string()).or_default().push(stored);
    }
    let mut events = Vec::new();
    for leaves in cases.into_values() {
        let chain: Vec<_> = leaves.iter().map(|stored| stored.leaf.clone()).collect();
        verify_chain(&chain).map_err(|broken| broken.to_string())?;
        let mut seen = Vec::new();
        for stored in &leaves {
            let facts = stored.leaf.read().unwrap().facts;
            let words = ["step", "move", "letter", "disposition", "key"]
                .map(|name| facts.get(name).map(ToString::to_string).unwrap_or_default());
            let line = format!("{} {}", stored.event, words.concat());
            // What a kill cut off is announced once more before it is done, and once counts.
            if matches!(stored.event, Event::LetterSending | Event::LettersExpunging | Event::RecipientTold)
                && seen.contains(&line)
            {
                continue;
            }
            if stored.event == Event::Outcome {
                let intent = format!("{} {}", Event::Intent, words.concat());
                if !seen.contains(&intent) {
                    return Err(format!("{line} without its intent before it"));
                }
                if seen.contains(&line) {
                    continue;
                }
            }
            if words[2].contains("completed") && !seen.iter().any(|line: &String| line.starts_with("completed")) {
                return Err("the confirmation was sent before anything was completed".to_owned());
            }
            seen.push(line);
        }
        events.extend(seen);
    }
    events.sort();
    Ok(events)
}
