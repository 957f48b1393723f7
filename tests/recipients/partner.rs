//! A service that holds data: a small server of the test's own, which reads HTTP as it comes and answers what it was told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::http::{Request, Server, read};

/// What it answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status code and a body.
    Says(u16, String),
    /// A redirect to there.
    Elsewhere(String),
    /// Nothing, with the connection open.
    Nothing,
    /// A body without end.
    Endless,
}

impl Reply {
    pub fn status(word: &str) -> Self {
        Self::Says(200, format!("{{\"status\":\"{word}\"}}"))
    }
}

#[derive(Debug)]
struct Inner {
    requests: Vec<Request>,
    next: VecDeque<Reply>,
    always: Reply,
}

/// The service; it goes away with its value.
#[derive(Debug)]
pub struct Service {
    server: Server,
    inner: Arc<Mutex<Inner>>,
}

impl Service {
    /// One that says this to everything.
    pub async fn saying(always: Reply) -> Self {
        let inner = Arc::new(Mutex::new(Inner { requests: Vec::new(), next: VecDeque::new(), always }));
        let shared = Arc::clone(&inner);
        let server = Server::start(move |stream| answer(stream, Arc::clone(&shared))).await;
        Self { server, inner }
    }

    pub const fn port(&self) -> u16 {
        self.server.address.port()
    }

    pub fn url(&self) -> String {
        format!("http://{}/erasures", self.server.address)
    }

    /// From now on it says this.
    pub fn says(&self, reply: Reply) {
        self.inner.lock().unwrap().always = reply;
    }

    /// It says these first.
    pub fn says_first(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.lock().unwrap().next.extend(replies);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.inner.lock().unwrap().requests.clone()
    }
}

async fn answer(mut stream: TcpStream, inner: Arc<Mutex<Inner>>) -> std::io::Result<()> {
    let Some(request) = read(&mut stream).await? else { return Ok(()) };
    let reply = {
        let mut inner = inner.lock().unwrap();
        inner.requests.push(request);
        inner.next.pop_front().unwrap_or_else(|| inner.always.clone())
    };
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n{more}\r\n");
    match reply {
        Reply::Says(status, body) => {
            let more = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
            stream.write_all(format!("{}{body}", head(status, &more)).as_bytes()).await?;
        }
        Reply::Elsewhere(to) => {
            let more = format!("location: {to}\r\ncontent-length: 0\r\n");
            stream.write_all(head(307, &more).as_bytes()).await?;
        }
        Reply::Nothing => tokio::time::sleep(Duration::from_secs(600)).await,
        Reply::Endless => {
            stream.write_all(head(200, "").as_bytes()).await?;
            loop {
                stream.write_all(&[b' '; 4096]).await?;
            }
        }
    }
    stream.shutdown().await
}
