//! Whether a place of objects is one that we can erase from, as the map says. Changes nothing.

use super::Objects;
use super::statements::walk;
use crate::stores::StoreError;
use crate::stores::keyed::{Shape, Shapes};

/// So many names are looked at when strays are counted: ten pages of a bucket, from its beginning.
const SAMPLE_NAMES: usize = 10_000;

/// What stands at a place when a permission is tried: no program's key.
const NOBODY: &[u8] = b"expunged~nobody";

pub(super) async fn look(objects: &Objects, shapes: &Shapes) -> Result<u64, StoreError> {
    if objects.keeps_versions() {
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
    Ok(strays)
}

/// Tries to remove a version that is not there: a bucket checks who asks before it looks.
async fn may_erase(objects: &Objects, table: &str, shape: &Shape) -> Result<(), StoreError> {
    let (name, _) = shape.pattern.begin(|_| Some(NOBODY.to_vec()));
    let name = String::from_utf8(name).map_err(|_| StoreError::UnsafeName { table: table.to_owned() })?;
    let tried = objects.operator.delete_with(name.trim_end_matches('/')).version("null");
    match objects.in_time(tried.into_future()).await {
        Err(StoreError::Objects(failure)) if failure.is_refusal() => {
            Err(StoreError::NoGrant { table: table.to_owned(), grant: "s3:DeleteObjectVersion".to_owned() })
        }
        Err(StoreError::Objects(failure)) if failure.0.kind() == opendal::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
