//! What several tests of this room need.

use crate::chance::SeededChance;
use crate::vault::{InstallationKeys, KeyEncryptionKey};

/// The keys of an installation, another one for each seed.
pub(super) fn keys(seed: u64) -> InstallationKeys {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    KeyEncryptionKey::open_or_create(&path, &SeededChance::new(seed)).unwrap().installation_keys()
}
