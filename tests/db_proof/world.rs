//! A database with its key-encryption key, on either side.

use std::path::Path;

use expunged::chance::SeededChance;
use expunged::db::{DatabaseSettings, Db, DbError, Params, Tx, keys};
use expunged::domain::{CaseId, Timestamp};
use expunged::trail::Stamps;
use expunged::vault::{DataKey, KeyEncryptionKey, KeyOwner, KeyPurpose};

use crate::support::postgres::fresh_postgres;

pub const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
pub const STAMPS: Stamps = Stamps { policy: [1; 32], config: [2; 32], build: [3; 32] };

pub struct World {
    pub db: Db,
    pub kek: KeyEncryptionKey,
    pub chance: SeededChance,
}

impl World {
    pub async fn open(url: String) -> Self {
        let db = Db::open(&DatabaseSettings { url: url.into(), connections_max: 20 }).await.unwrap();
        Self { db, kek: kek(1), chance: SeededChance::new(1) }
    }

    pub async fn sqlite(folder: &Path) -> Self {
        Self::open(format!("sqlite://{}", folder.join("ledger.db").display())).await
    }

    pub fn other_kek(&self) -> KeyEncryptionKey {
        kek(2)
    }

    /// The owner of a new case.
    pub fn case(&self) -> KeyOwner {
        KeyOwner::Case(CaseId::new(&self.chance))
    }

    pub async fn key(&self, tx: &mut Tx, owner: KeyOwner, purpose: KeyPurpose) -> DataKey {
        match keys::load(tx, &self.kek, owner, purpose).await.unwrap() {
            Some(key) => key,
            None => keys::create(tx, &self.kek, owner, purpose, NOW, &self.chance).await.unwrap(),
        }
    }

    /// A statement in a transaction of its own.
    pub async fn try_sql(&self, sql: &str, params: Params) -> Result<u64, DbError> {
        let mut tx = self.db.write().await.unwrap();
        let changed = tx.execute(sql, params).await?;
        tx.commit().await?;
        Ok(changed)
    }
}

fn kek(seed: u64) -> KeyEncryptionKey {
    let folder = tempfile::tempdir().unwrap();
    KeyEncryptionKey::open_or_create(&folder.path().join("kek"), &SeededChance::new(seed)).unwrap()
}

pub async fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let folder = tempfile::tempdir().unwrap();
    test(World::sqlite(folder.path()).await).await;
}

pub async fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let world = World::open(fresh_postgres().await).await;
    let db = world.db.clone();
    test(world).await;
    db.close().await;
}

/// The same test on both databases.
macro_rules! on_both {
    ($($tests:tt)*) => {
        $crate::support::on_both_of! {
            $crate::db_proof::world::World, $crate::db_proof::world::on_sqlite, $crate::db_proof::world::on_postgres;
            $($tests)*
        }
    };
}

pub(crate) use on_both;
