//! Finds, looks up and removes objects by their names. Whether something is there is always read from a list, never from
//! what a call said of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures::{StreamExt as _, TryStreamExt as _};
use opendal::Lister;
use opendal::options::DeleteOptions;
use opendal::raw::normalize_path;

use super::uploads::{self, UPLOAD, Upload};
use super::{Objects, Place};
use crate::domain::Retry;
use crate::stores::keyed::{Shape, Wanted, bytes};
use crate::stores::{Key, KeyValue, StoreError};

/// Lists that run at the same time.
const LISTS_MAX: usize = 16;

/// What a bucket lists in one page at most.
const PAGE: usize = 1_000;

/// One thing of a list.
pub(super) struct Entry {
    pub(super) name: String,
    /// Empty where the place keeps none.
    pub(super) version: String,
    /// A folder of a file system: it goes when it is empty.
    pub(super) is_folder: bool,
    /// Whether it is the newest of its name, as far as the place says.
    pub(super) is_current: bool,
}

impl Upload {
    fn row(self) -> Key {
        Key(vec![KeyValue::Text(self.name), KeyValue::Text(format!("{UPLOAD}{}", self.id))])
    }
}

impl Entry {
    pub(super) fn row(self) -> Key {
        Key(vec![KeyValue::Text(self.name), KeyValue::Text(self.version)])
    }
}

/// Everything whose name begins so, in the order of the place, until `take` says that it is enough.
pub(super) async fn walk(
    objects: &Objects,
    beginning: &str,
    mut take: impl FnMut(Entry) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut lister = list(objects, beginning).await?;
    while let Some(found) = objects.in_time(lister.try_next()).await? {
        let name = if found.path() == "/" { String::new() } else { found.path().to_owned() };
        let (version, is_folder) = match &objects.place {
            Place::Bucket(_) => (found.metadata().version().unwrap_or("null"), false),
            Place::Folder(folder) => ("", is_folder(&folder.join(&name)).await?),
        };
        let is_current = found.metadata().is_current().unwrap_or(true);
        let entry = Entry { version: version.to_owned(), is_folder, is_current, name };
        if !take(entry)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether it is a folder and no file; a link is neither, and leads to what lies elsewhere.
async fn is_folder(path: &Path) -> Result<bool, StoreError> {
    match tokio::fs::symlink_metadata(path).await {
        Ok(found) if found.is_dir() || found.is_file() => Ok(found.is_dir()),
        Ok(_) => Err(StoreError::NoFile),
        // It went this moment, or the list calls it by another name: then it stays in the list.
        Err(_) => Ok(false),
    }
}

/// Begins a list, more than once where the place is busy.
async fn list(objects: &Objects, beginning: &str) -> Result<Lister, StoreError> {
    let path = match objects.place {
        Place::Bucket(_) => listable(beginning),
        Place::Folder(_) => beginning.rfind('/').and_then(|end| beginning.get(..=end)).unwrap_or_default(),
    };
    let mut tried = 0;
    loop {
        let lister = objects.operator.lister_with(path).recursive(true);
        let lister = if objects.keeps_versions() { lister.versions(true).deleted(true) } else { lister };
        match objects.in_time(lister.into_future()).await {
            Ok(lister) => return Ok(lister),
            Err(error) => match objects.pause(&error, tried) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            },
        }
        tried += 1;
    }
}

/// As much of a beginning as the driver asks for as it is; a shorter one lists more, and nothing is passed over.
fn listable(mut beginning: &str) -> &str {
    while !beginning.is_empty() && normalize_path(beginning) != beginning {
        beginning = beginning.char_indices().next_back().and_then(|(end, _)| beginning.get(..end)).unwrap_or_default();
    }
    beginning
}

pub(super) async fn find(objects: &Objects, wanted: &Wanted<'_>) -> Result<BTreeSet<Key>, StoreError> {
    let lists = wanted.names().into_iter().map(|(beginning, whole)| async move {
        let beginning = text(wanted.table, beginning)?;
        if whole {
            return versions(objects, wanted.table, &beginning).await;
        }
        let mut found = Vec::new();
        walk(objects, &beginning, |entry| {
            found.push(entry);
            Ok(true)
        })
        .await?;
        Ok(found)
    });
    let lists = futures::stream::iter(lists.collect::<Vec<_>>()).buffer_unordered(LISTS_MAX);
    let found: Vec<Vec<Entry>> = lists.try_collect().await?;
    let mut rows = BTreeSet::new();
    for entry in found.into_iter().flat_map(full_folders_left_out) {
        if wanted.takes(entry.name.as_bytes(), None) {
            is_addressable(wanted.table, &entry.name)?;
            rows.insert(entry.row());
        }
    }
    rows.extend(begun(objects, wanted).await?);
    Ok(rows)
}

/// The wanted uploads that were never completed. They are few, so that one walk is over all that begin as all wanted names do.
async fn begun(objects: &Objects, wanted: &Wanted<'_>) -> Result<Vec<Key>, StoreError> {
    let beginnings = wanted.names();
    let (Some((first, _)), Some((last, _))) = (beginnings.first(), beginnings.last()) else { return Ok(Vec::new()) };
    let shared = first.iter().zip(last).take_while(|(a, b)| a == b).count();
    // A beginning may end within a letter: what is before it will do.
    let shared = first.get(..shared).unwrap_or_default();
    let beginning = match std::str::from_utf8(shared) {
        Ok(text) => text,
        Err(error) => {
            shared.get(..error.valid_up_to()).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
        }
    };
    let mut rows = Vec::new();
    let mut found = Vec::new();
    uploads::walk(objects, beginning, |upload| {
        if wanted.takes(upload.name.as_bytes(), None) {
            found.push(upload);
        }
        true
    })
    .await?;
    for upload in found {
        is_addressable(wanted.table, &upload.name)?;
        rows.push(upload.row());
    }
    Ok(rows)
}

/// A folder is a row only where nothing is in it: it goes with the last file that it holds.
fn full_folders_left_out(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let full: BTreeSet<String> = entries
        .windows(2)
        .filter_map(|pair| match pair {
            [folder, next] if folder.is_folder && next.name.starts_with(&folder.name) && next.name != folder.name => {
                Some(folder.name.clone())
            }
            _ => None,
        })
        .collect();
    entries.retain(|entry| !entry.is_folder || !full.contains(&entry.name));
    entries
}

/// Everything of exactly this name.
pub(super) async fn versions(objects: &Objects, table: &str, name: &str) -> Result<Vec<Entry>, StoreError> {
    is_addressable(table, name)?;
    let (mut found, mut seen, mut beyond) = (Vec::new(), 0, None);
    walk(objects, name, |entry| {
        seen += 1;
        match entry.name == name {
            true => found.push(entry),
            // A page lists versions first and markers after them, each by name: a whole page after another name was
            // seen, nothing more of this one can come. (Names are long lists' business: `profile/1` begins `profile/12`.)
            false if objects.keeps_versions() => beyond = beyond.or(Some(seen + PAGE)),
            false => {}
        }
        Ok(beyond.is_none_or(|end| seen < end))
    })
    .await?;
    Ok(found)
}

/// What is there of these names, as rows.
async fn listed(objects: &Objects, table: &str, names: BTreeSet<String>) -> Result<BTreeSet<Key>, StoreError> {
    // One list answers for all names of a folder.
    let mut lists = BTreeMap::<String, BTreeSet<String>>::new();
    for name in names {
        is_addressable(table, &name)?;
        let folder = name.trim_end_matches('/').rfind('/').and_then(|end| name.get(..=end)).unwrap_or_default();
        let list = if objects.keeps_versions() { name.clone() } else { folder.to_owned() };
        lists.entry(list).or_default().insert(name);
    }
    let lists = lists.into_iter().map(|(list, names)| async move {
        if objects.keeps_versions() {
            return versions(objects, table, &list).await;
        }
        let mut found = Vec::new();
        walk(objects, &list, |entry| {
            found.extend(names.contains(&entry.name).then_some(entry));
            Ok(true)
        })
        .await?;
        Ok(found)
    });
    let lists = futures::stream::iter(lists.collect::<Vec<_>>()).buffer_unordered(LISTS_MAX);
    let found: Vec<Vec<Entry>> = lists.try_collect().await?;
    Ok(found.into_iter().flatten().map(Entry::row).collect())
}

pub(super) async fn present(objects: &Objects, table: &str, rows: &[Key]) -> Result<Vec<bool>, StoreError> {
    let (mut names, mut begun) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let of = if upload_of(table, row)?.is_some() { &mut begun } else { &mut names };
        of.insert(part(table, row, 0)?);
    }
    let mut there = listed(objects, table, names).await?;
    for name in begun {
        uploads::walk(objects, &name, |upload| {
            if upload.name == name {
                there.insert(upload.row());
            }
            true
        })
        .await?;
    }
    Ok(rows.iter().map(|row| there.contains(row)).collect())
}

pub(super) async fn remove(objects: &Objects, table: &str, shape: &Shape, rows: &[Key]) -> Result<u64, StoreError> {
    let there = present(objects, table, rows).await?;
    let there: Vec<Key> = rows.iter().zip(there).filter(|(_, there)| *there).map(|(row, _)| row.clone()).collect();
    let mut tried = 0;
    let refused = loop {
        let Err(error) = removed(objects, table, &there).await else { break None };
        match objects.pause(&error, tried) {
            Some(pause) => tokio::time::sleep(pause).await,
            None if error.retry() == Retry::Transient => return Err(error),
            None => break Some(error),
        }
        tried += 1;
    };
    if matches!(objects.place, Place::Folder(_)) {
        remove_empty_folders(objects, table, shape, &there).await?;
    }
    // A bucket answers one call for many objects with an error for each that it keeps, and nobody need believe that the
    // others are gone.
    let left = present(objects, table, &there).await?.into_iter().filter(|left| *left).count() as u64;
    match (left, refused) {
        (0, _) => Ok(there.len() as u64),
        (_, Some(StoreError::Objects(failure))) if failure.is_refusal() => Err(StoreError::Objects(failure)),
        _ => Err(StoreError::NotRemoved { table: table.to_owned(), left }),
    }
}

/// Asks for the removal of these rows, as many per call as the place takes.
pub(super) async fn removed(objects: &Objects, table: &str, rows: &[Key]) -> Result<(), StoreError> {
    let mut deleter = objects.in_time(objects.operator.deleter()).await?;
    for row in rows {
        let (name, version) = (part(table, row, 0)?, part(table, row, 1)?);
        if let Some(upload) = upload_of(table, row)? {
            uploads::abort(objects, &name, &upload).await?;
            continue;
        }
        let version = objects.keeps_versions().then_some(version);
        objects.in_time(deleter.delete((name, DeleteOptions { version, ..DeleteOptions::default() }))).await?;
    }
    objects.in_time(deleter.close()).await
}

/// The name of a folder may be a person's: one that became empty goes too, up to what the template says of everybody.
async fn remove_empty_folders(objects: &Objects, table: &str, shape: &Shape, rows: &[Key]) -> Result<(), StoreError> {
    let (fixed, _) = shape.pattern.begin(|_| None);
    let mut folders = BTreeSet::new();
    for row in rows {
        let name = part(table, row, 0)?;
        let ends =
            name.match_indices('/').map(|(end, _)| end + 1).filter(|end| *end < name.len() && *end > fixed.len());
        folders.extend(ends.filter_map(|end| name.get(..end).map(str::to_owned)));
    }
    // The inner ones first.
    for folder in folders.into_iter().rev() {
        let mut is_empty = true;
        walk(objects, &folder, |entry| {
            is_empty = entry.name == folder;
            Ok(is_empty)
        })
        .await?;
        if is_empty {
            // A file that came this moment keeps it; whatever stays is found when the step is read back.
            let _ = objects.in_time(objects.operator.delete(&folder)).await;
        }
    }
    Ok(())
}

/// Whether the driver would ask for this name and no other: it takes `a//b` for `a/b`.
pub(super) fn is_addressable(table: &str, name: &str) -> Result<(), StoreError> {
    let is_safe = normalize_path(name) == name && !name.contains('\u{fffd}');
    if is_safe { Ok(()) } else { Err(StoreError::UnsafeName { table: table.to_owned() }) }
}

/// The number of the upload that a row is, where it is one.
fn upload_of(table: &str, row: &Key) -> Result<Option<String>, StoreError> {
    Ok(part(table, row, 1)?.strip_prefix(UPLOAD).map(str::to_owned))
}

fn part(table: &str, row: &Key, at: usize) -> Result<String, StoreError> {
    text(table, row.0.get(at).map(bytes).unwrap_or_default())
}

fn text(table: &str, bytes: Vec<u8>) -> Result<String, StoreError> {
    String::from_utf8(bytes).map_err(|_| StoreError::UnsafeName { table: table.to_owned() })
}
