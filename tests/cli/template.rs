//! Shops that many tests begin with. The daemon makes each once per build of the program; tests are given a copy.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use expunged::mailbox::maildir;
use rustix::fs::{FlockOperation, flock};

use super::shop::Shop;

/// What the daemon made or changed; config, map and store are the same in every shop.
const MADE: [&str; 4] = ["ledger.db", "ledger.db-wal", "kek", "support"];

impl Shop {
    /// A shop whose daemon has run, and read nothing.
    pub(super) fn begun() -> Self {
        Self::like("begun", |shop| shop.daemon_until(|_| true))
    }

    /// A shop whose owner Olga asked to close her account, and was asked to confirm it; and what her request is called.
    pub(super) fn asked() -> (Self, String) {
        let shop = Self::like("asked", |shop| {
            let text = "Please close my account and delete all my data.";
            shop.letter("olga@customer.example", "Please close my account", text);
            shop.daemon_until(|shop| shop.run(&["requests", "list"]).out.contains("awaiting_confirmation"));
        });
        let listed = shop.run(&["requests", "list", "-o", "json"]).json();
        let reference = listed[0]["reference"].as_str().expect("a reference").to_owned();
        (shop, reference)
    }

    fn like(name: &str, make: impl FnOnce(&Self)) -> Self {
        let (shop, shops) = (Self::new(), Path::new(env!("CARGO_TARGET_TMPDIR")).join("shops"));
        fs::create_dir_all(&shops).expect("a folder");
        let kept = shops.join(format!("{name}-{:016x}", build()));
        // Every test is a process of its own: one makes it, the others wait.
        let lock = File::create(shops.join(format!("{name}.lock"))).expect("a lock");
        flock(&lock, FlockOperation::LockExclusive).expect("the lock");
        if !kept.is_dir() {
            for old in fs::read_dir(&shops).expect("the folder").map(|old| old.expect("an entry").path()) {
                let is_old = old.is_dir() && old.file_name().is_some_and(|of| of.to_string_lossy().starts_with(name));
                if is_old {
                    fs::remove_dir_all(old).expect("what another build left goes");
                }
            }
            make(&shop);
            let partial = shops.join(format!("{name}.partial"));
            copy(&shop.path(""), &partial);
            fs::rename(partial, &kept).expect("it is whole");
            return shop;
        }
        drop(lock);
        copy(&kept, &shop.path(""));
        // The ledger knows a Maildir by its path, and the copy has its own.
        let folder = maildir::folder_of(&shop.path("support"));
        let tables = ["cursors", "uid_ranges", "deliveries"];
        shop.ledger(&tables.map(|table| format!("UPDATE {table} SET folder = '{folder}'")).join(";"));
        shop
    }
}

/// What tells this build of the program, and this shop, from another.
fn build() -> u64 {
    let program = fs::metadata(env!("CARGO_BIN_EXE_expunged")).expect("the program");
    let mut hasher = DefaultHasher::new();
    (program.mtime(), program.mtime_nsec(), program.size(), super::shop::TEXTS).hash(&mut hasher);
    hasher.finish()
}

fn copy(from: &Path, to: &Path) {
    for name in MADE {
        let (from, to): (PathBuf, PathBuf) = (from.join(name), to.join(name));
        if from.exists() {
            all(&from, &to);
        }
    }
}

/// Copies a file, or a folder with all that is in it.
fn all(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(from).expect("the folder") {
            let entry = entry.expect("an entry");
            all(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(from, to).expect("a file is copied");
    }
}
