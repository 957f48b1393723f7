//! Uploads in parts that were begun and never completed. Their parts lie in the bucket under a name, and no list of objects shows
//! them: they are rows of their name like its versions, and are aborted where those are removed.
//!
//! The driver knows no such calls, so that they are made here (`ListMultipartUploads`, `AbortMultipartUpload`), signed as it signs.

use http::request::Parts;
use http::{Method, Request, StatusCode, header};
use opendal::{Buffer, Error, ErrorKind, HttpTransporter};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqsign_aws_v4::{Credential, DefaultCredentialProvider, RequestSigner, StaticCredentialProvider};
use reqsign_core::{Context, OsEnv, ProvideCredentialChain, Signer};
use reqsign_file_read_tokio::TokioFileRead;
use serde::Deserialize;

use super::Objects;
use crate::stores::StoreError;

/// What stands before the number of an upload in the place of a version.
pub(super) const UPLOAD: &str = "upload:";

/// What SigV4 leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same in a path.
const KEPT_IN_PATH: &AsciiSet = &KEPT.remove(b'/');

/// Where a bucket is asked for its uploads, and as whom.
pub(super) struct Uploads {
    /// With the bucket, without a slash at its end.
    place: String,
    /// What all names of the store begin with in the bucket.
    root: String,
    signer: Signer<Credential>,
}

/// What a url says of a bucket.
pub(super) struct Named<'a> {
    pub(super) bucket: &'a str,
    pub(super) root: &'a str,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    /// Key and secret.
    pub(super) key: Option<(String, String)>,
}

/// An upload: the name in the store, and its number.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: String,
    #[serde(default)]
    next_upload_id_marker: String,
    #[serde(default, rename = "Upload")]
    uploads: Vec<Found>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    key: String,
    upload_id: String,
}

impl Uploads {
    pub(super) fn of(named: Named<'_>) -> opendal::Result<Self> {
        let context = Context::new().with_file_read(TokioFileRead).with_http_send(HttpTransporter::default());
        let context = context.with_env(OsEnv);
        let says = |names: &[&str]| names.iter().find_map(|name| context.env_var(name));
        let region = named.region.or_else(|| says(&["AWS_REGION", "AWS_DEFAULT_REGION"]));
        let region = region.ok_or_else(|| Error::new(ErrorKind::ConfigInvalid, "region is missing"))?;
        // Who names a key means this one, whatever else lies around.
        let elsewhere = || says(&["AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_S3_ENDPOINT"]);
        let endpoint = named.endpoint.or_else(|| if named.key.is_none() { elsewhere() } else { None });
        let provider = match named.key {
            Some((key, secret)) => ProvideCredentialChain::new().push(StaticCredentialProvider::new(&key, &secret)),
            None => ProvideCredentialChain::new().push(DefaultCredentialProvider::new()),
        };
        let root = named.root.trim_matches('/');
        Ok(Self {
            place: format!("{}/{}", address(endpoint.as_deref(), &region, named.bucket), named.bucket),
            root: if root.is_empty() { String::new() } else { format!("{root}/") },
            signer: Signer::new(context, provider, RequestSigner::new("s3", &region)),
        })
    }

    /// One call. What a server says of a failure may quote a name, so that its kind alone is passed on.
    async fn call(&self, method: Method, rest: &str) -> opendal::Result<Option<String>> {
        let built = Request::builder().method(method).uri(format!("{}{rest}", self.place)).body(());
        let invalid = |_| Error::new(ErrorKind::ConfigInvalid, "the request cannot be built");
        let mut parts: Parts = built.map_err(invalid)?.into_parts().0;
        let unsigned = |error: reqsign_core::Error| {
            Error::new(ErrorKind::PermissionDenied, "the request cannot be signed").with_temporary(error.is_retryable())
        };
        self.signer.sign(&mut parts, None).await.map_err(unsigned)?;
        parts.headers.remove(header::HOST);
        let answer = HttpTransporter::default().send(Request::from_parts(parts, Buffer::new())).await?;
        match answer.status() {
            status if status.is_success() => Ok(Some(String::from_utf8_lossy(&answer.body().to_vec()).into_owned())),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(refused(status)),
        }
    }
}

/// Where Amazon's own buckets of a region are, or those of another server.
fn address(endpoint: Option<&str>, region: &str, bucket: &str) -> String {
    let amazon = format!("https://s3.{region}.amazonaws.com");
    let Some(endpoint) = endpoint.map(|endpoint| endpoint.trim_end_matches('/')) else { return amazon };
    let endpoint = if endpoint.starts_with("http") { endpoint.to_owned() } else { format!("https://{endpoint}") };
    let endpoint = endpoint.replace(&format!("//{bucket}."), "//");
    if endpoint == "https://s3.amazonaws.com" { amazon } else { endpoint }
}

fn refused(status: StatusCode) -> Error {
    let kind = match status {
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => ErrorKind::PermissionDenied,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => ErrorKind::RateLimited,
        StatusCode::NOT_IMPLEMENTED => ErrorKind::Unsupported,
        _ => ErrorKind::Unexpected,
    };
    let passes = status.is_server_error() && kind != ErrorKind::Unsupported;
    Error::new(kind, format!("the server answered {}", status.as_u16())).with_temporary(passes)
}

/// The uploads under all names that begin so, until `take` says that it is enough; none in a folder.
pub(super) async fn walk(
    objects: &Objects,
    beginning: &str,
    mut take: impl FnMut(Upload) -> bool,
) -> Result<(), StoreError> {
    let Some(uploads) = objects.uploads() else { return Ok(()) };
    let prefix = utf8_percent_encode(&format!("{}{beginning}", uploads.root), KEPT).to_string();
    let mut from = String::new();
    loop {
        let rest = format!("?uploads=&prefix={prefix}{from}");
        let missing = || StoreError::from(Error::new(ErrorKind::NotFound, "there is no such bucket"));
        let text = asked(objects, Method::GET, &rest).await?.ok_or_else(missing)?;
        let unread = |_| StoreError::from(Error::new(ErrorKind::Unexpected, "the list cannot be read"));
        // Every field may be missing: another answer would read as "none".
        if !text.contains("<ListMultipartUploadsResult") {
            return Err(
                Error::new(ErrorKind::Unexpected, "the server lists no uploads where it is asked for them").into()
            );
        }
        let page: Page = quick_xml::de::from_str(&text).map_err(unread)?;
        let before = std::mem::take(&mut from);
        for Found { key, upload_id } in page.uploads {
            // Whatever a server lists beside what it was asked for is none of ours.
            let name = key.strip_prefix(&uploads.root).filter(|name| name.starts_with(beginning));
            if let Some(name) = name.map(str::to_owned)
                && !take(Upload { name, id: upload_id })
            {
                return Ok(());
            }
        }
        let marker = |text: &str| utf8_percent_encode(text, KEPT).to_string();
        let (key, id) = (marker(&page.next_key_marker), marker(&page.next_upload_id_marker));
        from = format!("&key-marker={key}&upload-id-marker={id}");
        if !page.is_truncated {
            return Ok(());
        }
        // A server that does not go on would be asked for ever, and what it hides would be passed over.
        if from == before || page.next_key_marker.is_empty() {
            return Err(Error::new(ErrorKind::Unexpected, "the list does not end").into());
        }
    }
}

/// Aborts an upload. One that is gone is gone: whether it is, a list says.
pub(super) async fn abort(objects: &Objects, name: &str, id: &str) -> Result<(), StoreError> {
    let Some(uploads) = objects.uploads() else { return Ok(()) };
    let path = utf8_percent_encode(&format!("{}{name}", uploads.root), KEPT_IN_PATH).to_string();
    asked(objects, Method::DELETE, &format!("/{path}?uploadId={}", utf8_percent_encode(id, KEPT))).await.map(drop)
}

/// Asks, and again where the place is busy.
async fn asked(objects: &Objects, method: Method, rest: &str) -> Result<Option<String>, StoreError> {
    let Some(uploads) = objects.uploads() else { return Ok(None) };
    let mut tried = 0;
    loop {
        match objects.in_time(uploads.call(method.clone(), rest)).await {
            Err(error) => match objects.pause(&error, tried) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            },
            answer => return answer,
        }
        tried += 1;
    }
}
