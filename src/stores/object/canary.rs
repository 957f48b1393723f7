//! The canary: one small object or file, of which only the newest version stays.

use opendal::ErrorKind;

use super::Objects;
use super::statements::{Entry, is_addressable, removed, versions};
use crate::stores::StoreError;
use crate::stores::keyed::CANARY_BYTES_MAX;

/// Whether it is there, and how long it is.
async fn length(objects: &Objects, name: &str) -> Result<Option<u64>, StoreError> {
    is_addressable(name, name)?;
    match objects.in_time(objects.operator.stat(name)).await {
        Ok(found) => Ok(Some(found.content_length())),
        Err(StoreError::Objects(failure)) if failure.0.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) async fn read(objects: &Objects, name: &str) -> Result<Option<String>, StoreError> {
    // What is longer is none.
    if length(objects, name).await?.is_none_or(|length| length > CANARY_BYTES_MAX) {
        return Ok(None);
    }
    let bytes = objects.in_time(objects.operator.read(name)).await?;
    Ok(Some(String::from_utf8_lossy(&bytes.to_vec()).into_owned()))
}

/// Writes it anew where it is, and takes away what a bucket kept of it before: an hour would leave a version each.
pub(super) async fn write(objects: &Objects, name: &str, epoch: &str) -> Result<(), StoreError> {
    if length(objects, name).await?.is_none() {
        return Ok(());
    }
    objects.in_time(objects.operator.write(name, epoch.to_owned())).await?;
    if objects.keeps_versions() {
        let found = versions(objects, name, name).await?;
        let old: Vec<_> = found.into_iter().filter(|entry| !entry.is_current).map(Entry::row).collect();
        removed(objects, name, &old).await?;
    }
    Ok(())
}
