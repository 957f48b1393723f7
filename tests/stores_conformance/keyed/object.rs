//! What only objects have: versions, delete markers, locks, folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use expunged::domain::Retry;
use expunged::stores::keyed::{Holds, Shapes};
use expunged::stores::{self, Key, RowStore, Select, StoreError, StoreKind, StoreLimits};
use secrecy::SecretString;

use super::{Dump, NAMES, World, conform, shapes};
use crate::stores_conformance::names;
use crate::support::s3::Bucket;

async fn open(url: &str, shapes: Shapes) -> Result<Arc<dyn RowStore>, StoreError> {
    stores::open_keys(StoreKind::Objects, &SecretString::from(url), StoreLimits::default(), shapes).await
}

async fn found(store: &dyn RowStore, table: &str, user: &Key) -> Result<Vec<Key>, StoreError> {
    let (columns, key) = (names(&["user"]), names(&["key", "version"]));
    let select = Select { table, columns: &columns, values: std::slice::from_ref(user), linked_to: None };
    store.keys(select, &key, None, 10_000).await
}

async fn delete(store: &dyn RowStore, table: &str, rows: &[Key]) -> Result<u64, StoreError> {
    let key = names(&["key", "version"]);
    store.delete(Select { table, columns: &key, values: rows, linked_to: None }).await
}

#[async_trait::async_trait]
impl Dump for Bucket {
    async fn names(&self) -> Vec<String> {
        Self::names(self).await
    }
}

#[tokio::test]
async fn a_bucket_conforms() {
    let bucket = Bucket::plain().await;
    for name in NAMES {
        bucket.put(name).await;
    }
    let store = open(&bucket.url(), shapes(Holds::Object)).await.unwrap();
    let versions = NAMES.map(|name| (name.to_owned(), "null".to_owned()));
    conform(World { store, dump: Box::new(bucket), versions: Some(versions.into()) }).await;
}

#[tokio::test]
async fn a_folder_conforms() {
    let folder = Files::with(&NAMES);
    let store = open(&folder.url(), shapes(Holds::Object)).await.unwrap();
    let versions = NAMES.map(|name| (name.to_owned(), String::new()));
    conform(World { store, dump: Box::new(folder), versions: Some(versions.into()) }).await;
}

/// Files below a temporary folder.
struct Files(tempfile::TempDir);

impl Files {
    fn with(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "hello").unwrap();
        }
        Self(folder)
    }

    fn url(&self) -> String {
        format!("file://{}", self.0.path().display())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn files(folder: &Path, root: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, root, found);
        } else {
            found.push(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
}

#[async_trait::async_trait]
impl Dump for Files {
    async fn names(&self) -> Vec<String> {
        let mut found = Vec::new();
        files(self.0.path(), self.0.path(), &mut found);
        found.sort();
        found
    }
}

#[tokio::test]
async fn every_version_goes_and_every_marker() {
    let bucket = Bucket::versioned().await;
    for name in [
        "session/1/",
        "session/1/a",
        "session/1/a",
        "session/1/b",
        "session/2/a",
        "profile/1",
        "profile/12",
        "profile/1",
    ] {
        bucket.put(name).await;
    }
    bucket.hide("session/1/a").await;
    bucket.hide("profile/1").await;
    let store = open(&bucket.url(), shapes(Holds::Object)).await.unwrap();
    let one = Key::from(1);
    for (table, count) in [("sessions", 5), ("profiles", 3)] {
        let rows = found(store.as_ref(), table, &one).await.unwrap();
        assert_eq!(rows.len(), count, "{table}: what is hidden is still there");
        let key = names(&["key", "version"]);
        assert_eq!(
            store.count(Select { table, columns: &key, values: &rows, linked_to: None }).await.unwrap(),
            count as u64
        );
        assert_eq!(delete(store.as_ref(), table, &rows).await.unwrap(), count as u64);
        assert_eq!(delete(store.as_ref(), table, &rows).await.unwrap(), 0, "again: nothing is left");
        assert!(found(store.as_ref(), table, &one).await.unwrap().is_empty());
    }
    assert_eq!(bucket.names().await, ["profile/12", "session/2/a"], "and no new marker");
}

/// What was uploaded in parts and never completed holds data under its name, and no list of objects shows it.
#[tokio::test]
async fn what_was_never_completed_goes_too() {
    for (root, below) in [("", ""), ("/shop", "shop/")] {
        let bucket = Bucket::versioned().await;
        bucket.put(&format!("{below}session/1/a")).await;
        for name in ["session/1/b", "session/1/b", "session/12/a", "session/2/a b", "profile/1"] {
            bucket.begin(&format!("{below}{name}")).await;
        }
        bucket.begin("elsewhere/1").await;
        let store = open(&bucket.url_below(root), shapes(Holds::Object)).await.unwrap();
        let strays = store.schema().await.unwrap().strays;
        assert_eq!(strays, u64::from(root.is_empty()), "what lies outside of the place is none of ours");
        let rows = found(store.as_ref(), "sessions", &Key::from(1)).await.unwrap();
        assert_eq!(rows.len(), 3, "{root}: an object and two uploads of one name: {rows:?}");
        let key = names(&["key", "version"]);
        let select = Select { table: "sessions", columns: &key, values: &rows, linked_to: None };
        assert_eq!(store.count(select).await.unwrap(), 3);
        assert_eq!(delete(store.as_ref(), "sessions", &rows).await.unwrap(), 3, "{root}");
        assert_eq!(delete(store.as_ref(), "sessions", &rows).await.unwrap(), 0, "{root}: again: nothing is left");
        assert!(found(store.as_ref(), "sessions", &Key::from(1)).await.unwrap().is_empty());
        let left = ["profile/1", "session/12/a", "session/2/a b"].map(|name| format!("{below}{name}"));
        let mut left: Vec<String> = left.into_iter().chain(["elsewhere/1".to_owned()]).collect();
        left.sort();
        assert_eq!((bucket.begun().await, bucket.names().await.len()), (left, 0), "{root}: nobody else's");
    }
}

/// The answer of a bulk delete has an error for the one version that is locked; the driver does not see whose it is.
#[tokio::test]
async fn what_a_lock_keeps_is_not_called_removed() {
    let bucket = Bucket::locking().await;
    for name in ["session/1/a", "session/1/b", "session/1/c"] {
        bucket.put(name).await;
    }
    bucket.hold("session/1/b", "ON").await;
    let store = open(&bucket.url(), shapes(Holds::Object)).await.unwrap();
    let rows = found(store.as_ref(), "sessions", &Key::from(1)).await.unwrap();
    let kept = delete(store.as_ref(), "sessions", &rows).await.unwrap_err();
    assert!(matches!(kept, StoreError::NotRemoved { left: 1, .. }), "{kept}");
    assert_eq!(kept.retry(), Retry::Permanent);
    assert_eq!(bucket.names().await, ["session/1/b"]);
    let alone = delete(store.as_ref(), "sessions", &rows).await.unwrap_err();
    assert!(matches!(alone, StoreError::NotRemoved { .. } | StoreError::Objects(_)), "{alone}");
    bucket.hold("session/1/b", "OFF").await;
    assert_eq!(delete(store.as_ref(), "sessions", &rows).await.unwrap(), 1, "what is left goes when the hold ends");
    assert!(bucket.names().await.is_empty());
}

/// More than a page of a list.
#[tokio::test]
async fn long_lists_are_read_to_their_end() {
    let files: Vec<String> = (0..2_300).map(|n| format!("session/1/{n}")).chain(["session/2/a".to_owned()]).collect();
    let folder = Files::with(&files.iter().map(String::as_str).collect::<Vec<_>>());
    let bucket = Bucket::versioned().await;
    for _ in 0..130 {
        bucket.put("profile/1").await;
    }
    bucket.put("profile/11").await;
    bucket.hide("profile/1").await;
    for (url, table, count) in [(folder.url(), "sessions", 2_300), (bucket.url(), "profiles", 131)] {
        let store = open(&url, shapes(Holds::Object)).await.unwrap();
        let rows = found(store.as_ref(), table, &Key::from(1)).await.unwrap();
        assert_eq!(rows.len(), count, "{table}");
        assert_eq!(delete(store.as_ref(), table, &rows).await.unwrap(), count as u64, "{table}");
    }
    assert_eq!(bucket.names().await, ["profile/11"]);
    assert_eq!(Dump::names(&folder).await, ["session/2/a"]);
}

#[tokio::test]
async fn a_name_that_the_driver_would_change_is_an_error() {
    let bucket = Bucket::versioned().await;
    bucket.put("session/1//a").await;
    bucket.put("session/1/a").await;
    bucket.put("who/knows").await;
    let store = open(&bucket.url(), shapes(Holds::Object)).await.unwrap();
    assert_eq!(store.schema().await.unwrap().strays, 1);
    let refused = found(store.as_ref(), "sessions", &Key::from(1)).await.unwrap_err();
    assert!(matches!(refused, StoreError::UnsafeName { .. }), "{refused}");
    let rows = [Key(vec!["session/1//a".into(), "null".into()])];
    assert!(matches!(delete(store.as_ref(), "sessions", &rows).await, Err(StoreError::UnsafeName { .. })));
    assert_eq!(bucket.names().await.len(), 3);
}

#[tokio::test]
async fn folders_go_with_what_was_in_them() {
    let folder = Files::with(&["session/1/a", "session/1/deep/b", "session/2/a", "7/avatar/1.png", "7/avatar/2.png"]);
    std::fs::create_dir_all(folder.path("session/3/left")).unwrap();
    let store = open(&folder.url(), shapes(Holds::Object)).await.unwrap();
    let rows = found(store.as_ref(), "sessions", &Key::from(1)).await.unwrap();
    assert_eq!(delete(store.as_ref(), "sessions", &rows).await.unwrap(), 2);
    assert!(
        !folder.path("session/1").exists() && folder.path("session/2").exists(),
        "a folder's name may be a person's"
    );
    let empty = found(store.as_ref(), "sessions", &Key::from(3)).await.unwrap();
    assert_eq!(empty.len(), 1, "an empty folder is a row");
    assert_eq!(delete(store.as_ref(), "sessions", &empty).await.unwrap(), 1);
    assert!(found(store.as_ref(), "sessions", &Key::from(3)).await.unwrap().is_empty());
    let avatar = found(store.as_ref(), "avatars", &Key::from(1)).await.unwrap();
    assert_eq!(delete(store.as_ref(), "avatars", &avatar).await.unwrap(), 1);
    assert!(folder.path("7/avatar/2.png").exists() && folder.path("session").exists());
    std::os::unix::fs::symlink("/etc/hostname", folder.path("session/2/link")).unwrap();
    let refused = found(store.as_ref(), "sessions", &Key::from(2)).await.unwrap_err();
    assert!(matches!(refused, StoreError::NoFile), "{refused}");
}

#[tokio::test]
async fn a_place_that_is_away_is_waited_for() {
    let folder = Files::with(&["session/1/a"]);
    let store = open(&folder.url(), shapes(Holds::Object)).await.unwrap();
    let moved = folder.0.path().with_extension("moved");
    std::fs::rename(folder.0.path(), &moved).unwrap();
    let away = found(store.as_ref(), "sessions", &Key::from(1)).await.unwrap_err();
    assert!(matches!(away, StoreError::NoFolder) && away.retry() == Retry::Transient, "no disk is not no files");
    assert!(open(&folder.url(), shapes(Holds::Object)).await.is_err() && !folder.0.path().exists(), "none is made");
    std::fs::rename(&moved, folder.0.path()).unwrap();
    assert_eq!(found(store.as_ref(), "sessions", &Key::from(1)).await.unwrap().len(), 1);
    let port = crate::support::free_port();
    let url = format!("s3://key:secret@shop?region=us-east-1&endpoint=http://127.0.0.1:{port}");
    let away = open(&url, shapes(Holds::Object)).await.err().expect("nobody listens there");
    assert_eq!(away.retry(), Retry::Transient, "{away}");
    let said = format!("{away:?} {:?}", std::error::Error::source(&away));
    assert!(!said.contains("secret"), "{said}");
    for bad in ["s3://shop?colour=red", "ftp://shop", "shop"] {
        let refused = open(bad, shapes(Holds::Object)).await.err().expect(bad);
        assert!(matches!(refused, StoreError::BadUrl { .. }), "{bad}");
    }
}
