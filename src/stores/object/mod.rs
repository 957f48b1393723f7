//! Objects as a store: a bucket of S3 (or of what speaks its protocol), or a local folder.
//!
//! `s3://KEY:SECRET@bucket/prefix?region=eu-central-1` (and `&endpoint=https://…` where it is not Amazon's; without key and
//! secret they come from the environment, as for other programs on the machine), or `file:///srv/files`.
//!
//! In a bucket a row is one version of an object, and a delete marker is a row too: a name may be personal data. The login
//! needs `s3:ListBucket`, `s3:ListBucketVersions`, `s3:DeleteObject` and `s3:DeleteObjectVersion`, and, because what was uploaded in
//! parts and never completed is a row as well, `s3:ListBucketMultipartUploads` and `s3:AbortMultipartUpload`; with a canary
//! also `s3:GetObject` and `s3:PutObject` on its name, of which one version is kept. In a folder a row is a file, or an
//! empty folder; links are refused.

mod canary;
mod schema;
mod statements;
mod uploads;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use async_trait::async_trait;
use opendal::services::{Fs, S3};
use opendal::{ErrorKind, Operator};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use self::uploads::{Named, Uploads};
use super::keyed::{Backend, KeyStore, Shape, Shapes, Wanted};
use super::survey::Sampled;
use super::{Key, StoreError, StoreLimits};

/// One bucket (below a prefix), or one folder.
pub struct Objects {
    operator: Operator,
    place: Place,
    limits: StoreLimits,
}

/// Where the objects lie.
enum Place {
    /// A bucket lists versions and delete markers by the beginning of their names, and uploads by themselves.
    Bucket(Box<Uploads>),
    /// A folder lists files by the folder that they are in.
    Folder(PathBuf),
}

const EXPECTED: StoreError =
    StoreError::BadUrl { expected: "s3://KEY:SECRET@bucket/prefix?region=…&endpoint=…, or file:///folder" };

/// Opens a bucket or a folder, and lists its beginning.
///
/// # Errors
/// A url that is none, a place that cannot be reached, a refused login.
pub async fn open(url: &SecretString, limits: StoreLimits, shapes: Shapes) -> Result<KeyStore<Objects>, StoreError> {
    let Ok(url) = Url::parse(url.expose_secret()) else { return Err(EXPECTED) };
    let (operator, place) = match url.scheme() {
        "s3" => {
            let (operator, uploads) = bucket(&url)?;
            (operator, Place::Bucket(Box::new(uploads)))
        }
        "file" => {
            let folder = url.to_file_path().map_err(|()| EXPECTED)?;
            (folder_at(&folder).await?, Place::Folder(folder))
        }
        _ => return Err(EXPECTED),
    };
    KeyStore::ready(Objects { operator, place, limits }, shapes).await
}

fn bucket(url: &Url) -> Result<(Operator, Uploads), StoreError> {
    static TRANSPORT: Once = Once::new();
    TRANSPORT.call_once(|| {
        // One TLS provider for everything; where it is installed already, it stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        opendal_http_transport_reqwest::install_default();
    });
    let bucket = url.host_str().ok_or(EXPECTED)?;
    let mut service = S3::default().bucket(bucket).root(url.path());
    let mut named = Named { bucket, root: url.path(), region: None, endpoint: None, key: None };
    for (name, value) in url.query_pairs() {
        service = match name.as_ref() {
            "region" => {
                named.region = Some(value.to_string());
                service.region(&value)
            }
            "endpoint" => {
                named.endpoint = Some(value.to_string());
                service.endpoint(&value)
            }
            _ => return Err(EXPECTED),
        };
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| EXPECTED);
    if let Some(secret) = url.password() {
        // Who names a key means this one, whatever else lies around.
        service = service.disable_config_load().disable_ec2_metadata();
        let (key, secret) = (decoded(url.username())?, decoded(secret)?);
        service = service.access_key_id(&key).secret_access_key(&secret);
        named.key = Some((key, secret));
    }
    Ok((Operator::new(service)?, Uploads::of(named)?))
}

/// A folder that is there: one that is missing is not made, and is no empty one.
async fn folder_at(folder: &Path) -> Result<Operator, StoreError> {
    is_folder(folder).await?;
    let root = folder.to_str().ok_or(EXPECTED)?;
    Ok(Operator::new(Fs::default().root(root))?)
}

async fn is_folder(folder: &Path) -> Result<(), StoreError> {
    match tokio::fs::metadata(folder).await {
        Ok(found) if found.is_dir() => Ok(()),
        _ => Err(StoreError::NoFolder),
    }
}

#[async_trait]
impl Backend for Objects {
    async fn ping(&self) -> Result<(), StoreError> {
        self.is_there().await?;
        self.in_time(self.operator.check()).await
    }

    async fn look(&self, shapes: &Shapes) -> Result<u64, StoreError> {
        self.is_there().await?;
        schema::look(self, shapes).await
    }

    async fn sample(&self, names_max: usize) -> Result<Vec<Sampled>, StoreError> {
        self.is_there().await?;
        schema::sample(self, names_max).await
    }

    async fn find(&self, wanted: &Wanted<'_>) -> Result<BTreeSet<Key>, StoreError> {
        self.is_there().await?;
        statements::find(self, wanted).await
    }

    async fn present(&self, table: &str, _shape: &Shape, rows: &[Key]) -> Result<Vec<bool>, StoreError> {
        self.is_there().await?;
        statements::present(self, table, rows).await
    }

    async fn remove(&self, table: &str, shape: &Shape, rows: &[Key]) -> Result<u64, StoreError> {
        self.is_there().await?;
        statements::remove(self, table, shape, rows).await
    }

    async fn canary(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.is_there().await?;
        canary::read(self, name).await
    }

    async fn set_canary(&self, name: &str, epoch: &str) -> Result<(), StoreError> {
        self.is_there().await?;
        canary::write(self, name, epoch).await
    }
}

impl Objects {
    /// A folder may be a disk that is not mounted: then nothing is not "no files".
    async fn is_there(&self) -> Result<(), StoreError> {
        match &self.place {
            Place::Bucket(_) => Ok(()),
            Place::Folder(folder) => is_folder(folder).await,
        }
    }

    const fn uploads(&self) -> Option<&Uploads> {
        match &self.place {
            Place::Bucket(uploads) => Some(uploads),
            Place::Folder(_) => None,
        }
    }

    const fn keeps_versions(&self) -> bool {
        matches!(self.place, Place::Bucket(_))
    }

    /// One call of the store, within the time that it has.
    async fn in_time<T>(&self, call: impl Future<Output = opendal::Result<T>>) -> Result<T, StoreError> {
        let limit = self.limits.statement_timeout;
        let late = StoreError::Timeout { seconds: limit.as_secs() };
        Ok(tokio::time::timeout(limit, call).await.map_err(|_| late)??)
    }

    /// How long to wait before the call is tried once more; `None` where it has been tried often enough, or would fail
    /// again.
    fn pause(&self, error: &StoreError, tried: u32) -> Option<Duration> {
        let passes = matches!(error, StoreError::Objects(failure) if failure.is_transient());
        (passes && tried < self.limits.attempts_max).then(|| Duration::from_millis(50 << tried.min(6)))
    }
}

impl From<opendal::Error> for StoreError {
    fn from(error: opendal::Error) -> Self {
        Self::Objects(ObjectFailure(Box::new(error)))
    }
}

/// What the store or the driver said, without the names that they quoted.
pub struct ObjectFailure(Box<opendal::Error>);

impl ObjectFailure {
    /// Down, overloaded, asked too often.
    pub(super) fn is_transient(&self) -> bool {
        self.0.is_temporary() || self.0.kind() == ErrorKind::RateLimited
    }
}

impl ObjectFailure {
    /// Whether the login may not do it.
    pub(super) fn is_refusal(&self) -> bool {
        self.0.kind() == ErrorKind::PermissionDenied
    }
}

impl fmt::Display for ObjectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.kind() {
            ErrorKind::PermissionDenied => "the login may not do it, or a lock holds the object",
            ErrorKind::NotFound => "there is no such bucket or folder",
            ErrorKind::RateLimited => "it asks for fewer calls",
            ErrorKind::ConfigInvalid => "its url cannot be used",
            ErrorKind::Unsupported => "it has no such call",
            _ if self.is_transient() => "it could not be reached, or failed",
            _ => "it failed in a way that will not pass by itself",
        })
    }
}

/// The same as Display: the driver's own Debug quotes names.
impl fmt::Debug for ObjectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ObjectFailure {}
