//! Whether a place of objects is one that we can erase from, as the map says. Changes nothing.

use super::statements::walk;
use super::{Objects, uploads};
use crate::stores::StoreError;
use crate::stores::keyed::{Holds, Shape, Shapes};
use crate::stores::survey::Sampled;
use futures::TryStreamExt as _;

/// So many names are looked at when strays are counted: ten pages of a bucket, from its beginning.
const SAMPLE_NAMES: usize = 10_000;

/// What stands at a place when a permission is tried: no program's key.
const NOBODY: &[u8] = b"expunged~nobody";

pub(super) async fn look(objects: &Objects, shapes: &Shapes) -> Result<u64, StoreError> {
    if objects.keeps_versions() {
        uploads_may_be_listed(objects).await?;
        for (table, shape) in &shapes.tables {
            may_erase(objects, table, shape).await?;
        }
    }
    let (mut seen, mut strays) = (0, 0);
    walk(objects, "", |entry| {
        seen += 1;
        // What matters of a folder is what lies in it.
        let is_stray = !entry.is_folder && !shapes.know(entry.name.as_bytes());
        strays += u64::from(is_stray);
        Ok(seen < SAMPLE_NAMES)
    })
    .await?;
    let mut begun = 0;
    uploads::walk(objects, "", |upload| {
        begun += 1;
        strays += u64::from(!shapes.know(upload.name.as_bytes()));
        begun < SAMPLE_NAMES
    })
    .await?;
    Ok(strays)
}

/// Some names of each folder at the top, so that one large folder does not hide the others.
pub(super) async fn sample(objects: &Objects, names_max: usize) -> Result<Vec<Sampled>, StoreError> {
    let mut lister = objects.in_time(objects.operator.lister_with("").recursive(false).into_future()).await?;
    let (mut folders, mut sampled) = (Vec::new(), Vec::new());
    let sample = |name: String| Sampled { name: name.into_bytes(), holds: Holds::Object };
    while let Some(found) = objects.in_time(lister.try_next()).await? {
        match found.path() {
            "" | "/" => {}
            path if path.ends_with('/') => folders.push(path.to_owned()),
            path => sampled.push(sample(path.to_owned())),
        }
        if folders.len() + sampled.len() >= names_max {
            break;
        }
    }
    let each = (names_max.saturating_sub(sampled.len()) / folders.len().max(1)).max(1);
    for folder in folders {
        let mut left = each;
        walk(objects, &folder, |entry| {
            if !entry.is_folder && entry.is_current {
                sampled.push(sample(entry.name));
                left -= 1;
            }
            Ok(left > 0)
        })
        .await?;
    }
    sampled.truncate(names_max);
    Ok(sampled)
}

/// Names of a list of uploads are asked for by another right than those of objects.
async fn uploads_may_be_listed(objects: &Objects) -> Result<(), StoreError> {
    match uploads::walk(objects, "", |_| false).await {
        Err(StoreError::Objects(failure)) if failure.is_refusal() => {
            Err(StoreError::NoGrant { table: String::new(), grant: "s3:ListBucketMultipartUploads".to_owned() })
        }
        other => other,
    }
}

/// Tries to remove a version that is not there: a bucket checks who asks before it looks.
async fn may_erase(objects: &Objects, table: &str, shape: &Shape) -> Result<(), StoreError> {
    let (name, _) = shape.pattern.begin(|_| Some(NOBODY.to_vec()));
    let name = String::from_utf8(name).map_err(|_| StoreError::UnsafeName { table: table.to_owned() })?;
    match uploads::abort(objects, name.trim_end_matches('/'), "expunged").await {
        Err(StoreError::Objects(failure)) if failure.is_refusal() => {
            return Err(StoreError::NoGrant { table: table.to_owned(), grant: "s3:AbortMultipartUpload".to_owned() });
        }
        // Some servers call a number that they never gave a bad one.
        Err(StoreError::Objects(failure)) if !failure.is_transient() => {}
        other => other?,
    }
    let tried = objects.operator.delete_with(name.trim_end_matches('/')).version("null");
    match objects.in_time(tried.into_future()).await {
        Err(StoreError::Objects(failure)) if failure.is_refusal() => {
            Err(StoreError::NoGrant { table: table.to_owned(), grant: "s3:DeleteObjectVersion".to_owned() })
        }
        Err(StoreError::Objects(failure)) if failure.0.kind() == opendal::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
