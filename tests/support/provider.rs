//! A provider of mail accounts: a token endpoint (RFC 6749) and the introspection by which Dovecot asks whether a token is good. A small
//! server of the test's own; it goes away with its value.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::http::{Request, Server, read};

/// The user whose tokens they are.
pub const OWNER: &str = "support@example.org";
/// What the client proves itself with.
pub const CLIENT_SECRET: &str = "client-hunter2";
/// The refresh token that the owner's consent gave.
pub const REFRESH: &str = "refresh-hunter2";

/// What it knows and how it behaves.
#[derive(Debug)]
pub struct Behaviour {
    /// The access tokens that are good now.
    good: BTreeSet<String>,
    /// The refresh token that is good now.
    pub refresh: String,
    /// `expires_in`.
    pub life_seconds: u64,
    /// Each answer brings another refresh token, and the one before it is not good any more.
    pub rotates: bool,
    /// A status and a body in the place of a token.
    pub says: Option<(u16, &'static str)>,
    /// The bodies of all questions for a token.
    pub asked: Vec<String>,
}

/// The provider.
#[derive(Debug)]
pub struct Provider {
    server: Server,
    inner: Arc<Mutex<Behaviour>>,
}

impl Provider {
    /// One that gives tokens for an hour.
    pub async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Behaviour {
            good: BTreeSet::new(),
            refresh: REFRESH.to_owned(),
            life_seconds: 3_600,
            rotates: false,
            says: None,
            asked: Vec::new(),
        }));
        let shared = Arc::clone(&inner);
        let server = Server::start(move |stream| answer(stream, Arc::clone(&shared))).await;
        Self { server, inner }
    }

    /// The token endpoint.
    pub fn endpoint(&self) -> String {
        format!("http://{}/token", self.server.address)
    }

    /// How it behaves, to be changed.
    pub fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.inner.lock().unwrap()
    }

    /// Every access token that was given is bad from now on.
    pub fn revoke_all(&self) {
        self.behaviour().good.clear();
    }

    /// How often a token was asked for.
    pub fn asked(&self) -> usize {
        self.behaviour().asked.len()
    }

    /// Lines for Dovecot, which asks here whether a token is good. The folder must live as long as Dovecot.
    pub fn for_dovecot(&self, folder: &tempfile::TempDir) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let file: PathBuf = folder.path().join("oauth2.conf.ext");
        let introspection = format!(
            "introspection_mode = auth\nintrospection_url = http://{}/introspect\nusername_attribute = username\n\
             active_attribute = active\nactive_value = true\n",
            self.server.address
        );
        std::fs::write(&file, introspection).unwrap();
        // Dovecot runs as another user.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        format!(
            "auth_mechanisms = plain login xoauth2\npassdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {}\n}}\n",
            file.display()
        )
    }
}

async fn answer(mut stream: TcpStream, inner: Arc<Mutex<Behaviour>>) -> std::io::Result<()> {
    let Some(request) = read(&mut stream).await? else { return Ok(()) };
    let (status, body) = {
        let mut behaviour = inner.lock().unwrap();
        if request.path == "/token" { token(&request, &mut behaviour) } else { introspection(&request, &behaviour) }
    };
    let head = format!(
        "HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await?;
    stream.shutdown().await
}

fn token(request: &Request, behaviour: &mut Behaviour) -> (u16, String) {
    let body = String::from_utf8(request.body.clone()).unwrap();
    behaviour.asked.push(body.clone());
    if let Some((status, body)) = behaviour.says {
        return (status, body.to_owned());
    }
    let field = |name: &str| {
        url::form_urlencoded::parse(body.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    if field("client_secret").as_deref() != Some(CLIENT_SECRET) {
        return (401, r#"{"error":"invalid_client","error_description":"support@example.org hunter2"}"#.to_owned());
    }
    if field("grant_type").as_deref() == Some("refresh_token")
        && field("refresh_token").as_deref() != Some(behaviour.refresh.as_str())
    {
        return (400, r#"{"error":"invalid_grant","error_description":"support@example.org hunter2"}"#.to_owned());
    }
    let number = behaviour.asked.len();
    let access = format!("access-hunter2-{number}");
    behaviour.good.insert(access.clone());
    let mut said = serde_json::json!({
        "token_type": "Bearer", "access_token": access, "expires_in": behaviour.life_seconds,
    });
    if behaviour.rotates {
        behaviour.refresh = format!("refresh-hunter2-{number}");
        said["refresh_token"] = behaviour.refresh.clone().into();
    }
    (200, said.to_string())
}

fn introspection(request: &Request, behaviour: &Behaviour) -> (u16, String) {
    let found = request.headers.iter().find(|(name, _)| name == "authorization");
    let token = found.and_then(|(_, value)| value.strip_prefix("Bearer "));
    let is_good = token.is_some_and(|token| behaviour.good.contains(token));
    (200, serde_json::json!({ "active": is_good, "username": OWNER }).to_string())
}
