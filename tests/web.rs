//! The page does what a letter does, and no more: to open it changes nothing, a code goes through the same gate, and who has no
//! token learns nothing. A real client asks the real daemon; what became of it is read in the ledger and the shop.

#[path = "web/limits.rs"]
mod limits;
#[path = "web/owner.rs"]
mod owner;
#[path = "web/quiet.rs"]
mod quiet;
#[path = "web/way.rs"]
mod way;

use std::collections::BTreeMap;
use std::time::Duration;

use expunged::db::Dialect;
use expunged::domain::RequestId;
use expunged::params;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::canary::ledger;
use crate::support::free_port;
use crate::support::world::{Ground, Letter, World};

const OWNER: &str = "owner1@team.example";
const USER: &str = "user1@team.example";
/// A token of nobody.
const UNKNOWN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The same ground with pages on a free port; `more` are further lines of their section.
fn with_pages(ground: Ground, more: &str) -> Ground {
    let port = free_port();
    let section = format!("\n[web]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n{more}\n");
    ground.with_config(|config| config + &section)
}

async fn world_with_pages(more: &str) -> World {
    with_pages(Ground::sqlite().await, more).build().await
}

/// Where the pages of a world are.
fn public_url(world: &World) -> String {
    world.house.config.web.as_ref().expect("there are pages").public_url.clone()
}

/// The link of a letter, which stands alone on its line.
fn link(letter: &Letter) -> String {
    let mut links = letter.text.lines().filter(|line| line.starts_with("http"));
    match (links.next(), links.next()) {
        (Some(link), None) => link.to_owned(),
        _ => panic!("not one link in {}", letter.text),
    }
}

/// The owner asks for their account, and gets the question with the link to its page.
async fn asked(world: &World) -> (RequestId, Letter, String) {
    let (request, challenge) = world.ask(OWNER).await;
    let page = link(&challenge);
    (request, challenge, page)
}

/// A browser: it follows no redirect, because there is none.
struct Browser(Client);

/// What came back.
struct Seen {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Seen {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.text().await.expect("a body of text") }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of text"))
    }

    /// The page has these words.
    fn says(&self, status: u16, words: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.body.contains(words), "{words:?} is not in {}", self.body);
        self
    }
}

impl Browser {
    fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(Duration::from_secs(20));
        Self(client.build().expect("a client"))
    }

    async fn ask(&self, method: Method, url: &str) -> Seen {
        Seen::of(self.0.request(method, url).send().await.expect("an answer")).await
    }

    async fn open(&self, url: &str) -> Seen {
        self.ask(Method::GET, url).await
    }

    /// Sends a form as a browser does from the page itself.
    async fn send(&self, url: &str, fields: &[(&str, &str)]) -> Seen {
        self.send_with(url, fields, &[("sec-fetch-site", "same-origin"), ("origin", "null")]).await
    }

    async fn send_with(&self, url: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Seen {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = self.0.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Seen::of(request.send().await.expect("an answer")).await
    }

    /// Types a code into the form that is shown now, and sends it.
    async fn confirm(&self, url: &str, code: &str) -> Seen {
        let tries = tries(&self.open(url).await);
        self.send(url, &[("tries", &tries), ("code", code), ("act", "confirm")]).await
    }
}

/// The count that the form of a page carries.
fn tries(page: &Seen) -> String {
    let (_, rest) = page.body.split_once("name=\"tries\" value=\"").expect("a form with a count");
    rest.split('"').next().expect("a value").to_owned()
}

/// What the daemon notes by itself while nothing happens: that it reads the mailbox, and how far.
const BREATH: &[&str] = &["polls", "mailbox_leases"];

/// All rows of the ledger, by table.
async fn rows(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut rows = match world.house.db.dialect() {
        Dialect::Sqlite => ledger::sqlite_tables(&world.ground.path("ledger.db")).await,
        Dialect::Postgres => ledger::postgres_tables(world.ground.ledger_url()).await,
    };
    rows.retain(|table, _| !BREATH.contains(&table.as_str()));
    assert!(rows.len() > 10 && rows["challenges"].len() > 100, "the ledger was read");
    rows
}

/// The tables that are not as they were.
fn changed(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    after.iter().filter(|(table, rows)| before.get(*table) != Some(*rows)).map(|(table, _)| table.clone()).collect()
}

/// How many authorities there are by this method.
async fn authorities(world: &World, method: &str) -> i64 {
    let sql = "SELECT COUNT(*) AS number FROM authorities WHERE method = $1";
    world.number(sql, params![method]).await
}

/// Sends bytes as they are, waits, and reads what comes until the end of the connection.
async fn exchange(url: &str, pieces: &[&str], pause: Duration) -> String {
    let host = url.trim_start_matches("http://").split('/').next().expect("a host");
    let mut stream = TcpStream::connect(host).await.expect("somebody listens");
    for piece in pieces {
        if stream.write_all(piece.as_bytes()).await.is_err() {
            break;
        }
        tokio::time::sleep(pause).await;
    }
    let mut answer = Vec::new();
    // A connection that is broken off has said what it had to say.
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}
