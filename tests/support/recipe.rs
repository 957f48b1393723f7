//! Starts a database server by the recipe in `tests/support/serve`, the one that `tests/run` uses too.

use std::path::Path;
use std::time::Duration;

use super::free_port;
use super::leash::{Folder, Leash};

/// A database server that tests may fill: of `tests/run`, or of this process alone.
#[derive(Debug)]
pub struct Server {
    /// Where it answers, with the rights to create databases.
    pub url: String,
    /// Holds a server of our own; `None` for one that somebody else started and stops.
    _leash: Option<Leash>,
}

/// What the recipe needs to know of a kind of server.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in `serve`.
    pub name: &'static str,
    /// The variable by which `tests/run` names its server.
    pub variable: &'static str,
    /// The signal that ends it without waiting for its clients.
    pub signal: &'static str,
}

impl Server {
    /// The server that the environment names, or a private one at the URL that `url_at(port)` builds.
    /// A port can be taken between the choice and the start, so three are tried.
    pub async fn find_or_start(
        kind: Kind,
        url_at: impl Fn(u16) -> String,
        answers: impl AsyncFn(&str) -> bool + Copy,
    ) -> Self {
        match std::env::var(kind.variable) {
            Ok(url) => Self { url, _leash: None },
            Err(_) => Self::start(kind, url_at, answers).await,
        }
    }

    /// A server of this process alone, whose settings a test may change.
    pub async fn start(kind: Kind, url_at: impl Fn(u16) -> String, answers: impl AsyncFn(&str) -> bool + Copy) -> Self {
        let mut failure = String::new();
        for _ in 0..3 {
            let port = free_port();
            let url = url_at(port);
            let mut leash = serve(kind, port);
            match leash.until(Duration::from_secs(60), async || answers(&url).await).await {
                Ok(()) => return Self { url, _leash: Some(leash) },
                Err(why) => failure = why,
            }
        }
        panic!("{} does not start: {failure}", kind.name);
    }

    /// The URL of this database on the server.
    pub fn url_of(&self, database: &str) -> String {
        let mut url = url::Url::parse(&self.url).expect("the server's URL is a URL");
        url.set_path(database);
        url.into()
    }
}

fn serve(kind: Kind, port: u16) -> Leash {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/serve");
    let folder = Folder::create();
    let data = folder.path().join("server");
    std::fs::create_dir(&data).expect("a temporary folder takes a folder");
    let port = port.to_string();
    Leash::start(folder, kind.signal, &[script.as_os_str(), kind.name.as_ref(), data.as_os_str(), port.as_ref()])
}
