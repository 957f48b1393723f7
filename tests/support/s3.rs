//! S3 for tests: moto's server (from PyPI), of `tests/run` or of this process's own; a fresh bucket for each test.

use expunged::chance::{OsChance, draw};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use super::recipe::{Kind, Server};

const KIND: Kind = Kind { name: "moto", variable: "EXPUNGED_TEST_S3_URL", signal: "TERM" };

/// Requests want a signature, and nobody looks at what it says.
const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, \
                      SignedHeaders=host, Signature=0\r\nContent-Type: application/xml\r\n";

/// A bucket of a test's own.
pub struct Bucket {
    server: String,
    name: String,
}

impl Bucket {
    /// A new one that keeps every version.
    pub async fn versioned() -> Self {
        let bucket = Self::plain().await;
        let on = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status>\
                  </VersioningConfiguration>";
        bucket.ask("PUT", "?versioning", "", on).await;
        bucket
    }

    /// A new one that keeps no versions.
    pub async fn plain() -> Self {
        Self::new("").await
    }

    /// A new one in which versions can be locked.
    pub async fn locking() -> Self {
        Self::new("x-amz-bucket-object-lock-enabled: true\r\n").await
    }

    async fn new(headers: &str) -> Self {
        let name = format!("shop-{:032x}", u128::from_be_bytes(draw(&OsChance)));
        let bucket = Self { server: server().await.url.clone(), name };
        bucket.ask("PUT", "", headers, "").await;
        bucket
    }

    /// How a store names it.
    pub fn url(&self) -> String {
        self.url_below("")
    }

    /// How a store names what lies below such a beginning.
    pub fn url_below(&self, root: &str) -> String {
        format!("s3://key:secret@{}{root}?region=us-east-1&endpoint={}", self.name, self.server)
    }

    /// Puts an object, or one more version of it.
    pub async fn put(&self, key: &str) {
        self.write(key, "hello").await;
    }

    /// The same with this text in it.
    pub async fn write(&self, key: &str, text: &str) {
        self.ask("PUT", &format!("/{}", encoded(key)), "", text).await;
    }

    /// What an object holds; `None` where there is none.
    pub async fn read(&self, key: &str) -> Option<String> {
        let answer = self.answer("GET", &format!("/{}", encoded(key)), "", "").await;
        if answer.starts_with("HTTP/1.1 404") {
            return None;
        }
        Some(answer.split_once("\r\n\r\n").expect("an answer has a body").1.to_owned())
    }

    /// Begins to upload an object in parts, and completes nothing.
    pub async fn begin(&self, key: &str) {
        let begun = self.ask("POST", &format!("/{}?uploads", encoded(key)), "", "").await;
        let id = begun.split("<UploadId>").nth(1).and_then(|rest| rest.split("</UploadId>").next());
        let part = format!("/{}?partNumber=1&uploadId={}", encoded(key), id.expect("an upload has a number"));
        self.ask("PUT", &part, "", "half a picture").await;
    }

    /// The names of what was begun and not completed, sorted.
    pub async fn begun(&self) -> Vec<String> {
        keys(&self.ask("GET", "?uploads", "", "").await)
    }

    /// Removes an object as programs do: where versions are kept, a marker hides them.
    pub async fn hide(&self, key: &str) {
        self.ask("DELETE", &format!("/{}", encoded(key)), "", "").await;
    }

    /// Holds or frees the newest version of an object.
    pub async fn hold(&self, key: &str, status: &str) {
        let body = format!(
            "<LegalHold xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>{status}</Status></LegalHold>"
        );
        self.ask("PUT", &format!("/{}?legal-hold", encoded(key)), "", &body).await;
    }

    /// The name of every version and of every marker, sorted.
    pub async fn names(&self) -> Vec<String> {
        keys(&self.ask("GET", "?versions&max-keys=10000", "", "").await)
    }

    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let answer = self.answer(method, path, headers, body).await;
        assert!(answer.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
        answer
    }

    async fn answer(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let host = self.server.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await.expect("the test server listens");
        let request = format!(
            "{method} /{}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{SIGNED}{headers}Content-Length: {}\r\n\r\n{body}",
            self.name,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("the test server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the test server answers");
        answer
    }
}

/// The names in a list, sorted.
fn keys(list: &str) -> Vec<String> {
    let keys = list.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
    let mut names: Vec<String> = keys.map(str::to_owned).collect();
    names.sort();
    names
}

fn encoded(key: &str) -> String {
    percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC).to_string().replace("%2F", "/")
}

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    let url_at = |port| format!("http://127.0.0.1:{port}");
    let answers = async |url: &str| {
        let Ok(mut stream) = TcpStream::connect(url.trim_start_matches("http://")).await else { return false };
        let mut answer = String::new();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.is_ok()
            && stream.read_to_string(&mut answer).await.is_ok()
            && answer.starts_with("HTTP/")
    };
    SERVER.get_or_init(|| Server::find_or_start(KIND, url_at, answers)).await
}
