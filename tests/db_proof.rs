//! Promise: a destroyed key takes what it sealed with it, and the trail is written once. On SQLite and PostgreSQL.

mod world;

use expunged::chance::SeededChance;
use expunged::db::{DbError, Dialect, keys, sealed, trail};
use expunged::domain::{CaseId, DeliveryId, Timestamp};
use expunged::params;
use expunged::trail::{Actor, Entry, Event, Fact, Facts, Leaf, Link, PrivateFacts, address_commitment, verify_chain};
use expunged::vault::{KeyOwner, KeyPurpose};

use world::{NOW, STAMPS, World, on_both};

/// An entry with a public and a private fact.
fn entry(number: u64) -> Entry {
    let facts = Facts::new().with("rows", Fact::Count(number)).unwrap();
    Entry::new(Event::Outcome, Actor::PROGRAM)
        .facts(facts)
        .private(PrivateFacts::new().with("address", "canary@example.org"))
}

fn later(days: u32) -> Timestamp {
    NOW.plus_days(days)
}

/// Polls it so many times while the world goes on, and drops it.
async fn drop_half_way(work: impl Future, polls: u32) {
    let mut work = std::pin::pin!(work);
    for _ in 0..polls {
        if futures::poll!(work.as_mut()).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

on_both! {
    async fn a_begin_that_nobody_waits_for_leaves_no_transaction_behind(world) {
        // Any point of the BEGIN may be the one at which a time-out or a faster branch drops it.
        for attempt in 0..400_u32 {
            drop_half_way(world.db.read(), (attempt * 37) % 1500).await;
            assert_eq!(world.try_sql("DELETE FROM mailbox_leases", params![]).await.expect("its own transaction"), 0);
        }
    }

    async fn a_database_is_bound_to_one_key_encryption_key(world) {
        let mut tx = world.db.write().await.unwrap();
        assert!(!keys::is_bound(&mut tx).await.unwrap());
        assert_eq!(keys::bind(&mut tx, &world.kek, NOW).await.unwrap(), keys::Binding::First);
        assert_eq!(keys::bind(&mut tx, &world.kek, NOW).await.unwrap(), keys::Binding::Same);
        assert_eq!(keys::bind(&mut tx, &world.other_kek(), NOW).await.unwrap(), keys::Binding::Other);
        assert!(keys::is_bound(&mut tx).await.unwrap());
    }

    async fn keys_come_back_and_stay_apart(world) {
        let mut tx = world.db.write().await.unwrap();
        let owner = world.case();
        let record = world.key(&mut tx, owner, KeyPurpose::Record).await;
        let letter = world.key(&mut tx, owner, KeyPurpose::Letter).await;
        let again = keys::load(&mut tx, &world.kek, owner, KeyPurpose::Record).await.unwrap().unwrap();
        assert_eq!(again.id(), record.id());
        assert_eq!(again.commit("t", &[]), record.commit("t", &[]));
        assert_eq!(letter.purpose(), KeyPurpose::Letter);
        assert!(keys::load(&mut tx, &world.kek, owner, KeyPurpose::Replay).await.unwrap().is_none());
        assert!(keys::load(&mut tx, &world.kek, world.case(), KeyPurpose::Record).await.unwrap().is_none());
        let wrong = keys::load(&mut tx, &world.other_kek(), owner, KeyPurpose::Record).await.unwrap_err();
        assert!(matches!(wrong, DbError::Stored { table: "vault_keys", .. }), "{wrong}");
    }

    async fn an_owner_has_one_living_key_of_a_purpose(world) {
        let mut tx = world.db.write().await.unwrap();
        let owner = world.case();
        world.key(&mut tx, owner, KeyPurpose::Contact).await;
        let chance = SeededChance::new(99);
        let second = keys::create(&mut tx, &world.kek, owner, KeyPurpose::Contact, NOW, &chance).await;
        let refused = second.unwrap_err();
        match world.db.dialect() {
            // The gate looks before the index does, because OR REPLACE would make room for the second.
            Dialect::Sqlite => assert_eq!(refused.refused_by_gate(), Some("a key is made once")),
            Dialect::Postgres => assert!(refused.is_unique_violation()),
        }
    }

    async fn a_delivery_has_no_case_keys(world) {
        let mut tx = world.db.write().await.unwrap();
        let delivery = KeyOwner::Delivery(DeliveryId::new(NOW, &world.chance));
        for (owner, purpose) in [(delivery, KeyPurpose::Letter), (world.case(), KeyPurpose::Delivery)] {
            let refused = keys::create(&mut tx, &world.kek, owner, purpose, NOW, &world.chance).await;
            assert!(matches!(refused, Err(DbError::Encode(_))));
        }
        let key = world.key(&mut tx, delivery, KeyPurpose::Delivery).await;
        assert_eq!(key.owner(), delivery);
    }

    async fn a_destroyed_key_takes_what_it_sealed_with_it(world) {
        let mut tx = world.db.write().await.unwrap();
        let owner = world.case();
        let key = world.key(&mut tx, owner, KeyPurpose::Letter).await;
        let kept = world.key(&mut tx, owner, KeyPurpose::Contact).await;
        let blob = sealed::put(&mut tx, &key, "letter", b"canary", NOW, &world.chance).await.unwrap();
        let other = sealed::put(&mut tx, &kept, "address", b"kept", NOW, &world.chance).await.unwrap();
        assert_eq!(sealed::get(&mut tx, &key, "letter", blob).await.unwrap().unwrap(), b"canary");
        assert!(sealed::get(&mut tx, &key, "address", blob).await.unwrap().is_none());
        assert!(sealed::get(&mut tx, &kept, "letter", blob).await.unwrap().is_none());

        assert!(keys::destroy(&mut tx, key.id(), later(30)).await.unwrap());
        assert!(!keys::destroy(&mut tx, key.id(), later(31)).await.unwrap(), "twice is once");
        assert!(keys::load(&mut tx, &world.kek, owner, KeyPurpose::Letter).await.unwrap().is_none());
        assert!(sealed::get(&mut tx, &key, "letter", blob).await.unwrap().is_none());
        assert_eq!(sealed::get(&mut tx, &kept, "address", other).await.unwrap().unwrap(), b"kept");
        let sealing = sealed::put(&mut tx, &key, "letter", b"late", NOW, &world.chance).await;
        assert!(matches!(sealing, Err(DbError::RowCount { .. })), "nothing is sealed under a key that is gone");
        let row = tx.one("SELECT destroyed_at FROM vault_keys WHERE id = $1", params![key.id().as_uuid()]).await;
        assert_eq!(row.unwrap().time("destroyed_at").unwrap(), later(30));
        // A request that opens again gets a new key; the old one is not it.
        let renewed = world.key(&mut tx, owner, KeyPurpose::Letter).await;
        assert_ne!(renewed.id(), key.id());
    }

    async fn a_destroyed_key_stays_destroyed(world) {
        let mut tx = world.db.write().await.unwrap();
        let key = world.key(&mut tx, world.case(), KeyPurpose::Letter).await;
        keys::destroy(&mut tx, key.id(), NOW).await.unwrap();
        tx.commit().await.unwrap();
        let sql = "UPDATE vault_keys SET wrapped = $2, destroyed_at = NULL WHERE id = $1";
        let refused = world.try_sql(sql, params![key.id().as_uuid(), vec![0_u8; 73]]).await.unwrap_err();
        assert_eq!(refused.refused_by_gate(), Some("a destroyed key stays destroyed"));
        // Nor does a living one take its row, nor is the row taken away to be written anew.
        let mut tx = world.db.write().await.unwrap();
        let living = world.key(&mut tx, world.case(), KeyPurpose::Letter).await;
        tx.commit().await.unwrap();
        let replace = if world.db.dialect() == Dialect::Sqlite { "OR REPLACE" } else { "" };
        let takes = format!("UPDATE {replace} vault_keys SET id = $2 WHERE id = $1");
        let refused = world.try_sql(&takes, params![living.id().as_uuid(), key.id().as_uuid()]).await.unwrap_err();
        assert_eq!(refused.refused_by_gate(), Some("a key stays what it is"));
        let gone = world.try_sql("DELETE FROM vault_keys WHERE id = $1", params![key.id().as_uuid()]).await.unwrap_err();
        assert_eq!(gone.refused_by_gate(), Some("a key is destroyed and its row stays"));
        if world.db.dialect() == Dialect::Sqlite {
            let anew = "INSERT OR REPLACE INTO vault_keys (id, owner, purpose, wrapped, created_at)
                 SELECT $1, owner, 'contact', wrapped, created_at FROM vault_keys WHERE wrapped IS NOT NULL";
            let refused = world.try_sql(anew, params![key.id().as_uuid()]).await.unwrap_err();
            assert_eq!(refused.refused_by_gate(), Some("a key is made once"));
        }
    }

    async fn blobs_are_listed_page_by_page_and_cannot_be_moved(world) {
        let mut tx = world.db.write().await.unwrap();
        let key = world.key(&mut tx, world.case(), KeyPurpose::Replay).await;
        let mut put = Vec::new();
        for n in 0..5_u8 {
            put.push(sealed::put(&mut tx, &key, "keys", &[n], NOW, &world.chance).await.unwrap());
        }
        let first = sealed::list(&mut tx, &key, "keys", None, 3).await.unwrap();
        let rest = sealed::list(&mut tx, &key, "keys", Some(first[2].0), 3).await.unwrap();
        assert_eq!((first.len(), rest.len()), (3, 2));
        assert!(sealed::delete(&mut tx, put[0]).await.unwrap());
        assert!(!sealed::delete(&mut tx, put[0]).await.unwrap());
        let swap = "UPDATE sealed SET bytes = (SELECT bytes FROM sealed WHERE id = $2) WHERE id = $1";
        tx.execute_one(swap, params![put[1], put[2]]).await.unwrap();
        let moved = sealed::get(&mut tx, &key, "keys", put[1]).await.unwrap_err();
        assert!(matches!(moved, DbError::Stored { table: "sealed", .. }));
    }

    async fn a_case_is_a_chain(world) {
        let mut tx = world.db.write().await.unwrap();
        let (one, two) = (world.case(), world.case());
        let (first, second) = (world.key(&mut tx, one, KeyPurpose::Record).await, world.key(&mut tx, two, KeyPurpose::Record).await);
        let mut end = Link::START;
        for number in 1..=4 {
            let mut entry = entry(number);
            if number == 2 {
                entry = entry.committed_address(address_commitment(&first, "canary@example.org").unwrap());
            }
            end = trail::append(&mut tx, &first, &entry, &STAMPS, later(1), &world.chance).await.unwrap();
            trail::append(&mut tx, &second, &Entry::new(Event::Noted, Actor::PROGRAM), &STAMPS, later(1), &world.chance)
                .await
                .unwrap();
        }
        assert_eq!(end.number, 4);
        let KeyOwner::Case(case) = one else { unreachable!() };
        assert_eq!(trail::end(&mut tx, case).await.unwrap(), end);
        let shown = trail::show(&mut tx, case).await.unwrap();
        let leaves: Vec<Leaf> = shown.iter().map(|stored| stored.leaf.clone()).collect();
        assert_eq!(leaves.len(), 4);
        verify_chain(&leaves).unwrap();
        let private = trail::reveal(&mut tx, &first, &shown[3]).await.unwrap().unwrap();
        assert_eq!(private.reveal()["address"], "canary@example.org");
        assert!(trail::reveal(&mut tx, &second, &shown[3]).await.unwrap().is_none());
        let all = trail::export(&mut tx, 0, 100).await.unwrap();
        assert_eq!(all.len(), 8);
        let rest = trail::export(&mut tx, all[5].position, 100).await.unwrap();
        assert_eq!(rest, all[6..]);
        for stored in &all {
            let line = String::from_utf8(stored.leaf.json.clone()).unwrap();
            assert!(!line.contains('\n') && !line.contains("canary"));
        }
    }

    async fn private_facts_end_with_the_record_key_and_the_chain_stays(world) {
        let mut tx = world.db.write().await.unwrap();
        let owner = world.case();
        let KeyOwner::Case(case) = owner else { unreachable!() };
        let record = world.key(&mut tx, owner, KeyPurpose::Record).await;
        trail::append(&mut tx, &record, &entry(1), &STAMPS, NOW, &world.chance).await.unwrap();
        let last = Entry::new(Event::KeyDestroyed, Actor::PROGRAM);
        trail::append(&mut tx, &record, &last, &STAMPS, later(1), &world.chance).await.unwrap();
        keys::destroy(&mut tx, record.id(), later(1)).await.unwrap();
        let late = trail::append(&mut tx, &record, &entry(3), &STAMPS, later(2), &world.chance).await;
        assert!(matches!(late, Err(DbError::RowCount { .. })));
        let shown = trail::show(&mut tx, case).await.unwrap();
        assert!(trail::reveal(&mut tx, &record, &shown[0]).await.unwrap().is_none());
        verify_chain(&shown.into_iter().map(|stored| stored.leaf).collect::<Vec<_>>()).unwrap();
    }

    async fn the_trail_is_written_once(world) {
        let mut tx = world.db.write().await.unwrap();
        let record = world.key(&mut tx, world.case(), KeyPurpose::Record).await;
        trail::append(&mut tx, &record, &entry(1), &STAMPS, NOW, &world.chance).await.unwrap();
        trail::append(&mut tx, &record, &entry(2), &STAMPS, NOW, &world.chance).await.unwrap();
        tx.commit().await.unwrap();
        for sql in [
            "UPDATE trail SET leaf = '{}' WHERE number = 1",
            "UPDATE trail SET event = 'completed' WHERE number = 1",
            "UPDATE trail SET private_blob = NULL WHERE number = 1",
            "UPDATE trail SET number = 9 WHERE number = 2",
            "UPDATE trail SET log_index = 7, leaf = '{}' WHERE number = 1",
            "UPDATE trail SET log_index = NULL WHERE number = 1",
            "DELETE FROM trail WHERE number = 2",
            "DELETE FROM trail",
        ] {
            let refused = world.try_sql(sql, params![]).await.unwrap_err();
            assert_eq!(refused.refused_by_gate(), Some("the trail is written once"), "{sql}");
        }
        let sequenced = "INSERT INTO trail (case_id, number, event, time, leaf, hash, log_index) \
                         SELECT case_id, 3, event, time, leaf, $1, 1 FROM trail WHERE number = 1";
        let refused = world.try_sql(sequenced, params![[9_u8; 32]]).await.unwrap_err();
        assert_eq!(refused.refused_by_gate(), Some("the trail is written once"), "the log comes afterwards");
        world.try_sql("UPDATE trail SET log_index = 0 WHERE number = 1", params![]).await.unwrap();
        let again = world.try_sql("UPDATE trail SET log_index = 1 WHERE number = 1", params![]).await.unwrap_err();
        assert!(again.refused_by_gate().is_some(), "the place in the log is set once");
        let replace = if world.db.dialect() == Dialect::Sqlite { "OR REPLACE" } else { "" };
        let taken = format!("UPDATE {replace} trail SET log_index = 0 WHERE number = 2");
        let refused = world.try_sql(&taken, params![]).await.unwrap_err();
        assert!(refused.refused_by_gate().is_some() || refused.is_unique_violation(), "a place is taken once");
        let mut tx = world.db.read().await.unwrap();
        assert_eq!(trail::export(&mut tx, 0, 10).await.unwrap().len(), 2, "no leaf was pushed out");
        drop(tx);
        let emptied = match world.db.dialect() {
            Dialect::Sqlite => {
                "INSERT OR REPLACE INTO trail (case_id, number, event, time, leaf, hash) \
                 SELECT case_id, number, event, time, '{}', hash FROM trail WHERE number = 1"
            }
            Dialect::Postgres => "TRUNCATE trail",
        };
        let refused = world.try_sql(emptied, params![]).await.unwrap_err();
        assert_eq!(refused.refused_by_gate(), Some("the trail is written once"));
    }

    async fn every_event_is_a_word_of_the_table(world) {
        let mut tx = world.db.write().await.unwrap();
        let owner = world.case();
        let KeyOwner::Case(case) = owner else { unreachable!() };
        let record = world.key(&mut tx, owner, KeyPurpose::Record).await;
        for event in Event::ALL {
            let entry = Entry::new(*event, Actor::PROGRAM);
            trail::append(&mut tx, &record, &entry, &STAMPS, NOW, &world.chance).await.unwrap();
        }
        let shown = trail::show(&mut tx, case).await.unwrap();
        assert_eq!(shown.iter().map(|stored| stored.event).collect::<Vec<_>>(), Event::ALL);
    }

    async fn what_is_rolled_back_was_never_recorded(world) {
        let mut tx = world.db.write().await.unwrap();
        let owner = world.case();
        let KeyOwner::Case(case) = owner else { unreachable!() };
        let record = world.key(&mut tx, owner, KeyPurpose::Record).await;
        tx.commit().await.unwrap();
        let mut tx = world.db.write().await.unwrap();
        trail::append(&mut tx, &record, &entry(1), &STAMPS, NOW, &world.chance).await.unwrap();
        tx.rollback().await.unwrap();
        let mut tx = world.db.read().await.unwrap();
        assert_eq!(trail::end(&mut tx, case).await.unwrap(), Link::START);
        assert!(sealed::list(&mut tx, &record, "trail_private", None, 10).await.unwrap().is_empty());
    }

    async fn many_writers_of_one_case_make_one_chain(world) {
        let mut tx = world.db.write().await.unwrap();
        let owner = world.case();
        let KeyOwner::Case(case) = owner else { unreachable!() };
        world.key(&mut tx, owner, KeyPurpose::Record).await;
        tx.commit().await.unwrap();
        let world = std::sync::Arc::new(world);
        let mut writers = tokio::task::JoinSet::new();
        for number in 0..16 {
            let world = world.clone();
            writers.spawn(async move {
                let mut tx = world.db.write().await.unwrap();
                let record = keys::load(&mut tx, &world.kek, owner, KeyPurpose::Record).await.unwrap().unwrap();
                trail::append(&mut tx, &record, &entry(number), &STAMPS, NOW, &world.chance).await.unwrap();
                tx.commit().await.unwrap();
            });
        }
        writers.join_all().await;
        let mut tx = world.db.read().await.unwrap();
        let leaves: Vec<Leaf> =
            trail::show(&mut tx, case).await.unwrap().into_iter().map(|stored| stored.leaf).collect();
        assert_eq!(leaves.len(), 16);
        verify_chain(&leaves).unwrap();
    }

    async fn cases_have_numbers_of_their_own(world) {
        let mut tx = world.db.write().await.unwrap();
        assert_eq!(trail::end(&mut tx, CaseId::new(&world.chance)).await.unwrap(), Link::START);
        assert!(trail::show(&mut tx, CaseId::new(&world.chance)).await.unwrap().is_empty());
    }
}

/// After destruction nothing of the key's bytes or the blob's is left in the files of the database that runs on: not on a
/// free page, and not in the write-ahead log.
#[tokio::test]
async fn sqlite_files_hold_nothing_of_a_destroyed_key() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::sqlite(folder.path()).await;
    let mut tx = world.db.write().await.unwrap();
    let key = world.key(&mut tx, world.case(), KeyPurpose::Letter).await;
    let blob = sealed::put(&mut tx, &key, "letter", &[7; 9000], NOW, &world.chance).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.db.write().await.unwrap();
    let row = tx.one("SELECT wrapped FROM vault_keys WHERE id = $1", params![key.id().as_uuid()]).await.unwrap();
    let wrapped = row.bytes("wrapped").unwrap();
    let row = tx.one("SELECT bytes FROM sealed WHERE id = $1", params![blob]).await.unwrap();
    let bytes = row.bytes("bytes").unwrap();
    keys::destroy(&mut tx, key.id(), NOW).await.unwrap();
    tx.commit().await.unwrap();
    let left = || -> usize {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        let parts = [&wrapped[1..], &bytes[100..400], &bytes[8600..9000]];
        let stored: Vec<_> = files.filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap()).collect();
        stored.iter().map(|stored| parts.iter().map(|part| count(stored, part)).sum::<usize>()).sum()
    };
    for _ in 0..50 {
        if left() == 0 {
            return;
        }
        // The daemon writes all the time: with every poll, and with every job.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        world.try_sql("UPDATE vault SET bound_at = bound_at", params![]).await.unwrap();
    }
    panic!("{} pieces are left", left());
}

fn count(stored: &[u8], part: &[u8]) -> usize {
    stored.windows(part.len()).filter(|window| *window == part).count()
}
